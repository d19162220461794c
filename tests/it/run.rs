//! `tierdeck run` against a served world: what it prints, how it exits, and what the servers were asked.

use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::operations::{audit, mutations};
use crate::support::{Shop, busy};

/// How much faster than the wall's the world's time goes: what is ignored is waited for over minutes of it.
const SPEED: f64 = 6.0;

struct Ran {
    code: Option<i32>,
    out: String,
    told: String,
}

fn command(shop: &Shop, args: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_tierdeck"));
    command.arg("--config").arg(&shop.demo.endpoints().config).arg("run").args(args);
    command
}

fn run(shop: &Shop, args: &[&str]) -> Ran {
    let output = command(shop, args).output().expect("it runs");
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    Ran { code: output.status.code(), out: text(&output.stdout), told: text(&output.stderr) }
}

fn spawned(shop: &Shop, args: &[&str]) -> Child {
    command(shop, args).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("it runs")
}

/// Its progress, line by line as it comes.
fn told(child: &mut Child) -> impl Iterator<Item = String> + use<> {
    BufReader::new(child.stderr.take().unwrap()).lines().map(Result::unwrap)
}

fn ended(child: Child) -> (Option<i32>, String) {
    let output = child.wait_with_output().unwrap();
    (output.status.code(), String::from_utf8_lossy(&output.stdout).into_owned())
}

fn json(ran: &Ran) -> Value {
    assert!(ran.out.is_ascii() && ran.out.lines().count() == 1, "{}", ran.out);
    serde_json::from_str(&ran.out).unwrap_or_else(|error| panic!("{error}: {} {}", ran.out, ran.told))
}

fn config(shop: &Shop) -> String {
    shop.demo.endpoints().config.display().to_string()
}

#[test]
fn what_does_not_run_says_why_by_words_and_exit_code_and_sends_nothing() {
    let _machine = busy();
    let shop = Shop::fast("bad-canary", 3, 1.0);
    let cases: [(&[&str], i32, &str); 9] = [
        (&["abort", "order", "--reason", "x"], 2, "rollout/shop/orders"),
        (&["abort", "frontend", "--reason", "x"], 2, "abort is nothing for deployment/shop/frontend"),
        (&["aborted", "orders", "--reason", "x"], 2, "invalid value 'aborted'"),
        (&["scale", "orders", "many"], 2, "a whole number is needed"),
        (&["abort", "orders"], 4, "a reason is needed: --reason TEXT"),
        (&["promote", "orders", "--reason", "x"], 4, "--confirm orders@prod-eu"),
        (&["abort", "orders", "--reason", "x", "--confirm", "orders@prod-us"], 4, "--confirm orders@prod-eu"),
        (&["scale", "frontend", "1", "--reason", "x", "--confirm", "frontend@prod-eu"], 3, "REFUSED"),
        (&["retry", "orders", "--reason", "x", "--confirm", "orders@prod-eu"], 3, "REFUSED"),
    ];
    for (args, code, words) in cases {
        let ran = run(&shop, args);
        assert_eq!(ran.code, Some(code), "{args:?}: {} {}", ran.out, ran.told);
        assert!([&ran.out, &ran.told].iter().any(|text| text.contains(words)), "{args:?}: {} {}", ran.out, ran.told);
    }
    let rehearsed = run(&shop, &["abort", "shop/orders", "--dry-run"]);
    assert_eq!(rehearsed.code, Some(0), "{} {}", rehearsed.out, rehearsed.told);
    for part in ["kubectl argo rollouts abort orders -n shop", "PATCH ", "canary traffic: ", "backout", "DRY RUN"] {
        assert!(rehearsed.out.contains(part), "no {part}: {}", rehearsed.out);
    }
    let rehearsed = run(&shop, &["abort", "rollout/shop/orders", "--dry-run", "--json"]);
    let report = json(&rehearsed);
    assert_eq!(
        (&report["schema"], &report["outcome"], &report["class"]),
        (&1.into(), &"dry-run".into(), &"production".into())
    );
    assert!(report["guards"].as_array().unwrap().iter().any(|guard| guard["id"] == "dry-run"), "{report}");
    assert_eq!(report["plan"]["backout"]["operation"], "retry");
    assert_eq!(report["plan"]["after"]["canary traffic"], "0 %");
    let blocked = run(&shop, &["scale", "frontend", "1", "--dry-run", "--json"]);
    assert_eq!((blocked.code, &json(&blocked)["outcome"]), (Some(3), &"dry-run".into()), "{}", blocked.out);
    assert!(mutations(&shop, "").is_empty(), "{:?}", mutations(&shop, ""));
    let (code, list) = audit(&config(&shop), &["list"]);
    assert!(code == Some(0) && list.contains("denied") && list.contains("planned"), "{list}");
}

#[test]
fn an_abort_is_verified_and_one_that_is_ignored_is_not() {
    let _machine = busy();
    let shop = Shop::fast("bad-canary", 3, SPEED);
    let mut child = spawned(&shop, &["abort", "orders", "--reason", "INC-1"]);
    let mut stages = ["gathering", "planned", "guards", "locking", "step 1 of 1", "accepted", "verifying"].iter();
    let mut next = stages.next();
    for line in told(&mut child) {
        if next.is_some_and(|stage| line.contains(stage)) {
            next = stages.next();
        }
    }
    assert_eq!(next, None);
    let (code, out) = ended(child);
    assert_eq!(code, Some(0), "{out}");
    assert!(out.starts_with("VERIFIED abort rollout/shop/orders in prod-eu"), "{out}");
    let sent = mutations(&shop, "rollouts");
    assert_eq!(sent.len(), 1, "{sent:?}");
    assert_eq!(sent[0]["method"], "PATCH");
    assert!(sent[0]["user_agent"].as_str().unwrap().starts_with("tierdeck/"), "{sent:?}");
    // A lock that stayed would keep colleagues out for a minute.
    let lease = mutations(&shop, "leases").pop().expect("a lock");
    assert!(lease["body"].as_str().unwrap().contains("\"holderIdentity\":\"\""), "{lease:?}");
    let (code, told) = audit(&config(&shop), &["verify"]);
    assert_eq!(code, Some(0), "{told}");
    assert!(shop.demo.command("ignore-writes kubernetes").starts_with("ok"));
    let ran = run(&shop, &["abort", "catalogue", "--reason", "INC-1", "--json"]);
    let ignored = json(&ran);
    assert_eq!(ran.code, Some(5), "{ignored:#}");
    assert!(ignored["outcome"] == "unknown" || ignored["outcome"] == "no-effect", "{ignored:#}");
    let (_, shown) = audit(&config(&shop), &["show", ignored["audit"]["action"].as_str().unwrap(), "--json"]);
    assert!(shown.contains(ignored["audit"]["stream"].as_str().unwrap()) && shown.contains("INC-1"), "{shown}");
}

#[test]
fn a_dead_cluster_is_told_within_its_deadlines() {
    let _machine = busy();
    let shop = Shop::fast("calm", 3, 1.0);
    for fault in ["stop", "hang"] {
        assert!(shop.demo.command(&format!("{fault} kubernetes")).starts_with("ok"));
        let begun = Instant::now();
        let ran = run(&shop, &["restart", "frontend", "--reason", "x", "--json"]);
        assert_eq!((ran.code, ran.out.as_str()), (Some(1), ""), "{fault}: {}", ran.told);
        assert!(ran.told.contains("frontend cannot be looked up: k8s: "), "{fault}: {}", ran.told);
        assert!(begun.elapsed() < Duration::from_secs(15), "{fault}: {:?}", begun.elapsed());
    }
}

fn signal(child: &Child, signal: &str) {
    assert!(Command::new("kill").args([signal, &child.id().to_string()]).status().unwrap().success());
}

#[test]
fn a_signal_lets_what_was_sent_be_watched_and_a_second_one_ends_at_once() {
    let _machine = busy();
    let shop = Shop::fast("bad-canary", 3, 1.0);
    assert!(shop.demo.command("ignore-writes kubernetes").starts_with("ok"));
    let mut child = spawned(&shop, &["abort", "orders", "--reason", "x"]);
    let mut lines = told(&mut child);
    assert!(lines.any(|line| line.contains("verifying")));
    let other = run(&shop, &["scale", "orders", "6", "--reason", "x"]);
    assert!(other.code == Some(3) && other.out.contains("held by"), "{} {}", other.out, other.told);
    signal(&child, "-INT");
    assert!(lines.any(|line| line.contains("another one ends at once")));
    std::thread::sleep(Duration::from_secs(1));
    assert!(child.try_wait().unwrap().is_none(), "it goes on");
    signal(&child, "-TERM");
    let begun = Instant::now();
    let (code, out) = ended(child);
    assert!(begun.elapsed() < Duration::from_secs(5));
    assert!(code == Some(5) && out.starts_with("UNKNOWN abort"), "{code:?} {out}");
    let (_, list) = audit(&config(&shop), &["list"]);
    assert!(list.contains("unverified"), "{list}");

    let sent = mutations(&shop, "rollouts").len();
    let mut child = spawned(&shop, &["abort", "catalogue", "--reason", "x"]);
    assert!(told(&mut child).any(|line| line.contains("gathering")));
    signal(&child, "-HUP");
    let (code, out) = ended(child);
    assert!(code == Some(4) && out.starts_with("NOT CONFIRMED"), "{code:?} {out}");
    assert_eq!(mutations(&shop, "rollouts").len(), sent, "a signal before the first byte");
}
