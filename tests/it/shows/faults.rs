//! A server that fails takes with it exactly what rested on it, within ten seconds, and gives it back when it returns.

use std::collections::BTreeMap;
use std::time::Duration;

use serde_json::Value;
use tierdeck::model::signals::{self, Role};

use super::{leaves, quiet};
use crate::support::{Console, Report, Shop};

/// Within this much human time a fault must show (PRODUCT.md 5).
const LIMIT: Duration = Duration::from_secs(10);
/// A source that is up again is asked again within its longest wait.
const RETURN: Duration = Duration::from_secs(15);

/// A server by its name in the commands, and the sources that ask it.
const SOURCES: [(&str, &[&str]); 9] = [
    ("kubernetes", &["k8s"]),
    ("prometheus", &["prom"]),
    ("alertmanager", &["alertmanager"]),
    ("cloudwatch", &["aws-cloudwatch", "aws-cloudwatch-global"]),
    ("elbv2", &["aws-elbv2"]),
    ("rds", &["aws-rds"]),
    ("elasticache", &["aws-elasticache"]),
    ("autoscaling", &["aws-autoscaling"]),
    ("sts", &["aws-sts"]),
];
/// A server that only probes meet, two verbs (more would be taken for flapping), and what of its probe's kind is in the question.
const PROBED: [(&str, &[&str], &str); 3] =
    [("dns", &["stop", "hang"], "dns "), ("tls", &["hang", "401"], "https "), ("ssh", &["stop", "hang"], "ssh ")];
const VERBS: [&str; 4] = ["stop", "hang", "401", "truncate"];

/// Who tells of a component's existence and state, by the kind in its id.
fn provider(row: &Value) -> &'static str {
    match row["kind"].as_str().expect("a kind") {
        "load-balancer" => "aws-elbv2",
        "db-instance" => "aws-rds",
        "cache-group" => "aws-elasticache",
        "auto-scaling-group" => "aws-autoscaling",
        "distribution" | "web-acl" => "aws-cloudwatch-global",
        "bucket" => "aws-cloudwatch",
        "endpoint" => "probes",
        "service" | "host" => "prom",
        _ => "k8s",
    }
}

/// Whether a figure, or any part it is computed from, comes from one of the sources.
fn rests(figure: &Value, lost: &[&str]) -> bool {
    leaves(figure).iter().any(|leaf| leaf["source"].as_str().is_some_and(|source| lost.contains(&source)))
}

fn fresh(figure: &Value) -> bool {
    figure.get("stale_seconds").is_none()
}

/// Whether the health of a component rests on one of the sources: they tell of it, or of a signal that is judged.
fn judged(row: &Value, lost: &[&str]) -> bool {
    let whole = row["signals"].as_object().expect("signals").iter();
    let parts = row["parts"].as_array().expect("parts").iter();
    let figures = whole
        .map(|(signal, figure)| (signal.as_str(), figure))
        .chain(parts.map(|part| (part["signal"].as_str().expect("a signal"), &part["figure"])));
    let counts = |signal: &str| signals::spec(signal).is_some_and(|spec| spec.role != Role::Info);
    lost.contains(&provider(row)) || figures.into_iter().any(|(signal, figure)| counts(signal) && rests(figure, lost))
}

/// What is not as it must be while these sources are lost.
fn amiss(before: &Report, now: &Report, lost: &[&str]) -> Vec<String> {
    let mut amiss = Vec::new();
    let figures: BTreeMap<String, &Value> = now.figures().into_iter().collect();
    for (path, figure) in &figures {
        if fresh(figure) && rests(figure, lost) {
            amiss.push(format!("{path} is still fresh: {figure}"));
        }
    }
    for (path, figure) in before.figures() {
        let fresh_now = figures.get(&path).is_some_and(|figure| fresh(figure));
        if fresh(figure) && !rests(figure, lost) && !fresh_now {
            amiss.push(format!("{path} is no longer fresh: {:?}", figures.get(&path)));
        }
    }
    let rows: BTreeMap<&str, &Value> = now.components().filter_map(|row| Some((row["id"].as_str()?, row))).collect();
    for row in before.components() {
        let id = row["id"].as_str().expect("an id");
        let health = rows.get(id).map_or("gone", |row| row["health"].as_str().expect("a health"));
        let expected = if judged(row, lost) { "unknown" } else { row["health"].as_str().expect("a health") };
        if health != expected {
            amiss
                .push(format!("{id} is {health} instead of {expected}: {:?}", rows.get(id).map(|row| &row["reasons"])));
        }
    }
    let missing: Vec<&str> =
        now.0["missing"].as_array().expect("missing").iter().filter_map(|one| one["source"].as_str()).collect();
    let evidence = if lost.is_empty() { "full" } else { "partial" };
    if now.0["evidence"] != evidence || missing != lost {
        amiss.push(format!(
            "evidence is {} without {missing:?} instead of {evidence} without {lost:?}",
            now.0["evidence"]
        ));
    }
    amiss
}

/// What is not as it must be while the server of some probes does not answer: those that meet it are down, and that is
/// fresh news; everything else is as it was.
fn unreached(before: &Report, now: &Report, kind: &str) -> Vec<String> {
    let mut amiss = Vec::new();
    let meets = |row: &Value| {
        let parts = row["parts"].as_array().expect("parts");
        parts.iter().any(|part| part["figure"]["query"].as_str().is_some_and(|query| query.starts_with(kind)))
    };
    let rows: BTreeMap<&str, &Value> = now.components().filter_map(|row| Some((row["id"].as_str()?, row))).collect();
    for row in before.components() {
        let id = row["id"].as_str().expect("an id");
        let Some(row_now) = rows.get(id) else { continue };
        let same = row_now["health"] == row["health"];
        if meets(row) && (same || row_now["health"] == "unknown") {
            amiss.push(format!("{id} is {} while nobody reaches it", row_now["health"]));
        }
        if !meets(row) && !same {
            amiss.push(format!("{id} is {}: {}", row_now["health"], row_now["reasons"]));
        }
        let up = |part: &&Value| part["signal"] == "probe.up";
        let up = row_now["parts"].as_array().expect("parts").iter().find(up).map(|part| &part["figure"]);
        if meets(row) && up.is_none_or(|figure| figure["value"] != 0.0 || !fresh(figure)) {
            amiss.push(format!("{id} is up: {up:?}"));
        }
    }
    let figures: BTreeMap<String, &Value> = now.figures().into_iter().collect();
    for (path, figure) in before.figures() {
        let probed = leaves(figure).iter().any(|leaf| leaf["source"] == "probes");
        if !probed && fresh(figure) && !figures.get(&path).is_some_and(|figure| fresh(figure)) {
            amiss.push(format!("{path} is no longer fresh"));
        }
    }
    amiss
}

/// A calm shop with a console that has seen it.
struct Trial {
    shop: Shop,
    console: Console,
    before: Report,
    complaints: Vec<String>,
}

impl Trial {
    fn begin() -> Self {
        let shop = Shop::running("calm", 7);
        let mut console = shop.console();
        console.settle();
        let before = console.report();
        let complaints = amiss(&before, &before, &[]);
        Self { shop, console, before, complaints }
    }

    /// Gives a command and waits until nothing is amiss any more.
    fn step(&mut self, command: &str, limit: Duration, amiss: impl Fn(&Report, &Report) -> Vec<String>) {
        let answer = self.shop.demo.command(command);
        assert!(answer.starts_with("ok"), "{answer}");
        let before = &self.before;
        if let Err(last) = self.console.until(limit, |now| amiss(before, now).is_empty()) {
            let late = amiss(before, &last).into_iter().take(5);
            self.complaints.extend(late.map(|what| format!("{limit:?} after {command}: {what}")));
        }
    }

    fn start(&mut self, server: &str) {
        self.step(&format!("start {server}"), RETURN, |before, now| amiss(before, now, &[]));
    }
}

/// Breaks a server in each way in turn; what did not show, or did not come back, in time.
fn trial(server: &str, lost: &[&str]) -> Vec<String> {
    let mut trial = Trial::begin();
    for verb in VERBS {
        trial.step(&format!("{verb} {server}"), LIMIT, |before, now| amiss(before, now, lost));
        trial.start(server);
    }
    trial.complaints
}

fn probe_trial() -> Vec<String> {
    let mut trial = Trial::begin();
    for (server, verbs, kind) in PROBED {
        for verb in verbs {
            trial.step(&format!("{verb} {server}"), LIMIT, |before, now| unreached(before, now, kind));
            trial.start(server);
        }
    }
    trial.complaints
}

#[test]
#[allow(clippy::disallowed_methods)]
fn what_rested_on_a_server_is_unknown_within_ten_seconds_and_nothing_else() {
    let _machine = crate::support::quiet();
    let _quiet = quiet();
    let mut complaints = probe_trial();
    // A few at a time: the limit is human time, and worlds and consoles share this machine.
    for few in SOURCES.chunks(5) {
        std::thread::scope(|scope| {
            let trials: Vec<_> = few.iter().map(|(server, lost)| scope.spawn(move || trial(server, lost))).collect();
            complaints.extend(trials.into_iter().flat_map(|trial| trial.join().expect("no panic within a trial")));
        });
    }
    assert!(complaints.is_empty(), "{} complaints:\n{}", complaints.len(), complaints.join("\n"));
}

const PROMETHEUS: &str = "statefulset/monitoring/prometheus";

#[test]
fn without_monitoring_the_load_balancer_readiness_and_probes_still_judge() {
    let _machine = crate::support::quiet();
    let _quiet = quiet();
    let mut trial = Trial::begin();
    // Readiness judges Prometheus itself: that it is gone is known, not unknown.
    let but_itself = |before: &Report, now: &Report| -> Vec<String> {
        let expected = format!("{PROMETHEUS} is critical");
        let (own, mut others): (Vec<_>, Vec<_>) =
            amiss(before, now, &["prom"]).into_iter().partition(|what| what.starts_with(&expected));
        if own.is_empty() {
            others.push(format!("{PROMETHEUS} is not critical"));
        }
        others
    };
    trial.step("scenario monitoring-down", LIMIT, but_itself);
    assert!(trial.complaints.is_empty(), "{}", trial.complaints.join("\n"));
    let now = trial.console.report();
    let words = now.summary();
    for (tier, column) in [("load-balancer", "error_ratio"), ("load-balancer", "latency_ms"), ("edge", "error_ratio")] {
        let figure = &now.tier(tier)[column];
        assert!(now.tier(tier)["health"] == "ok" && figure.is_object() && fresh(figure), "{tier} {column}: {words}");
    }
    let ready = |row: &Value| row["ready"].as_u64() > Some(0) && row["ready"] == row["desired"];
    let workloads: Vec<&Value> =
        now.components().filter(|row| provider(row) == "k8s" && row["desired"].is_u64()).collect();
    let lost = workloads.iter().filter(|row| !ready(row)).count();
    assert!(workloads.len() > 8 && lost <= 1, "readiness is told, but of Prometheus' own pod: {words}");
    let probes: Vec<&Value> = now.components().filter(|row| provider(row) == "probes").collect();
    assert!(!probes.is_empty() && probes.iter().all(|row| row["health"] == "ok"), "{words}");
    assert_ne!(now.0["users"]["failing_ratio"], Value::Null, "what users feel is told by the edge: {words}");
    assert_ne!(now.0["health"], "ok", "what cannot be seen is not green: {words}");
}

/// What is refused by itself: a command, the source, and the words of its gap. What rests on it is not zero, and nothing
/// else is touched.
const REFUSED_ALONE: [(&str, &str, &str); 4] = [
    ("elbv2:DescribeTargetHealth", "aws-elbv2", "forbidden: elasticloadbalancing:DescribeTargetHealth"),
    ("rds:DescribeEvents", "aws-rds", "forbidden: rds:DescribeEvents"),
    ("autoscaling:DescribeScalingActivities", "aws-autoscaling", "forbidden: autoscaling:DescribeScalingActivities"),
    ("cloudwatch:DescribeAlarms", "aws-cloudwatch", "forbidden: cloudwatch:DescribeAlarms"),
];
/// Servers that refuse everything, or ask for patience.
const REFUSED_WHOLE: [(&str, &str, &[&str]); 5] = [
    ("403", "prometheus", &["prom"]),
    ("429", "prometheus", &["prom"]),
    ("403", "alertmanager", &["alertmanager"]),
    ("403", "elbv2", &["aws-elbv2"]),
    ("429", "cloudwatch", &["aws-cloudwatch", "aws-cloudwatch-global"]),
];

/// What is not as it must be while one question of a source is refused.
fn refused_alone(before: &Report, now: &Report, source: &str, words: &str) -> Vec<String> {
    let mut amiss = Vec::new();
    if now.0["evidence"] != before.0["evidence"] {
        amiss.push(format!("evidence is {}", now.0["evidence"]));
    }
    let sources = now.0["sources"].as_array().expect("sources").iter();
    let row = sources.into_iter().find(|row| row["id"] == source).expect("the source");
    let told = row["gaps"].as_array().expect("gaps").iter().any(|gap| {
        gap["what"].as_str().is_some_and(|what| what.starts_with(words))
            && gap["hint"].as_str().is_some_and(|hint| hint.starts_with("needs "))
    });
    if row["state"] != "live" || !told {
        amiss.push(format!("{source} is {} with {}", row["state"], row["gaps"]));
    }
    let rows: BTreeMap<&str, &Value> = now.components().filter_map(|row| Some((row["id"].as_str()?, row))).collect();
    for row in before.components() {
        let id = row["id"].as_str().expect("an id");
        let health = rows.get(id).map_or("gone", |row| row["health"].as_str().expect("a health"));
        if row["health"] != health {
            amiss.push(format!("{id} is {health} instead of {}", row["health"]));
        }
    }
    amiss
}

#[test]
fn a_refused_question_is_a_gap_of_its_own_and_a_refused_server_is_lost_whole() {
    let _machine = crate::support::quiet();
    let _quiet = quiet();
    let mut trial = Trial::begin();
    for (verb, server, lost) in REFUSED_WHOLE {
        trial.step(&format!("{verb} {server}"), LIMIT, |before, now| amiss(before, now, lost));
        trial.start(server);
    }
    // An inventory is read every 15 s.
    for (action, source, words) in REFUSED_ALONE {
        let alone = |before: &Report, now: &Report| refused_alone(before, now, source, words);
        trial.step(&format!("403 {action}"), LIMIT * 2, alone);
        let gone = |before: &Report, now: &Report| {
            let told = refused_alone(before, now, source, words).is_empty();
            if told { vec![format!("{action} is still told to be refused")] } else { amiss(before, now, &[]) }
        };
        trial.step(&format!("start {action}"), Duration::from_secs(70), gone);
    }
    assert!(trial.complaints.is_empty(), "{}", trial.complaints.join("\n"));
}
