//! A server that fails takes with it exactly what rested on it, within ten seconds, and gives it back when it returns.

use std::collections::BTreeMap;
use std::time::Duration;

use serde_json::Value;
use tierdeck::model::signals::{self, Role};

use crate::support::{Console, Report, Shop};

/// Within this much human time a fault must show (PRODUCT.md 5).
const LIMIT: Duration = Duration::from_secs(10);
/// A source that is up again is asked again within its longest wait.
const RETURN: Duration = Duration::from_secs(15);

/// A server by its name in the commands, and the sources that ask it.
const SOURCES: [(&str, &[&str]); 8] = [
    ("kubernetes", &["k8s"]),
    ("prometheus", &["prom"]),
    ("alertmanager", &["alertmanager"]),
    ("cloudwatch", &["aws-cloudwatch", "aws-cloudwatch-global"]),
    ("elbv2", &["aws-elbv2"]),
    ("rds", &["aws-rds"]),
    ("elasticache", &["aws-elasticache"]),
    ("autoscaling", &["aws-autoscaling"]),
];
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
    match figure["from"].as_array() {
        Some(parts) if !parts.is_empty() => parts.iter().any(|part| rests(part, lost)),
        _ => figure["source"].as_str().is_some_and(|source| lost.contains(&source)),
    }
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

/// Breaks a server in each way in turn; what did not show, or did not come back, in time.
fn trial(server: &str, lost: &[&str]) -> Vec<String> {
    let shop = Shop::running("calm", 7);
    let mut console = shop.console();
    console.settle();
    let before = console.report();
    let mut complaints: Vec<String> =
        amiss(&before, &before, &[]).into_iter().map(|c| format!("before: {c}")).collect();
    for verb in VERBS {
        complaints
            .extend(step(&shop, &mut console, &format!("{verb} {server}"), LIMIT, |now| amiss(&before, now, lost)));
        complaints
            .extend(step(&shop, &mut console, &format!("start {server}"), RETURN, |now| amiss(&before, now, &[])));
    }
    complaints
}

/// Gives a command and waits until nothing is amiss.
fn step(
    shop: &Shop,
    console: &mut Console,
    command: &str,
    limit: Duration,
    amiss: impl Fn(&Report) -> Vec<String>,
) -> Vec<String> {
    let answer = shop.demo.command(command);
    assert!(answer.starts_with("ok"), "{answer}");
    let t = std::time::Instant::now();
    let r = match console.until(limit, |now| amiss(now).is_empty()) {
        Ok(_) => Vec::new(),
        Err(last) => amiss(&last).into_iter().map(|what| format!("{limit:?} after {command}: {what}")).collect(),
    };
    println!("{command} {:?} {}", t.elapsed(), r.len());
    r
}

#[test]
fn what_rested_on_a_server_is_unknown_within_ten_seconds_and_nothing_else() {
    let only = std::env::var("SERVER").ok();
    let complaints: Vec<String> = std::thread::scope(|scope| {
        let trials: Vec<_> = SOURCES
            .iter()
            .filter(|(s, _)| only.as_deref().is_none_or(|o| o == *s))
            .map(|(server, lost)| scope.spawn(|| trial(server, lost)))
            .collect();
        trials.into_iter().flat_map(|trial| trial.join().expect("no panic within a trial")).collect()
    });
    assert!(complaints.is_empty(), "{} complaints:\n{}", complaints.len(), complaints.join("\n"));
}
