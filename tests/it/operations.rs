//! Operations from trigger to outcome: keys in a terminal, requests at the servers, records in the trail.

use std::process::Command;
use std::time::Duration;

use serde_json::Value;

use crate::pty::terminal::Terminal;
use crate::support::{Shop, busy};

/// How much faster than the wall's the world's time goes: a verification holds for a minute of it.
const SPEED: f64 = 6.0;

/// What changed something, of one server, as it was sent.
pub fn mutations(shop: &Shop, of: &str) -> Vec<Value> {
    let answer = shop.demo.command("requests");
    let json = answer.strip_prefix("ok requests ").expect("the requests");
    let all: Vec<Value> = serde_json::from_str(json).expect("JSON");
    let is_real = |request: &Value| {
        let path = request["path"].as_str().unwrap_or_default();
        path.contains(of) && !path.contains("dryRun=All")
    };
    all.into_iter().filter(is_real).collect()
}

pub fn audit(config: &str, args: &[&str]) -> (Option<i32>, String) {
    let binary = env!("CARGO_BIN_EXE_tierdeck");
    let output = Command::new(binary).args(["--config", config, "audit"]).args(args).output().expect("it runs");
    (output.status.code(), String::from_utf8_lossy(&output.stdout).into_owned())
}

#[test]
fn a_bad_canary_is_aborted_in_three_keys_and_verified() {
    let _machine = busy();
    let shop = Shop::fast("bad-canary", 3, SPEED);
    let config = shop.demo.endpoints().config.display().to_string();
    let mut terminal = Terminal::start(&["--config", &config], (100, 30));
    terminal.until_text("canary rev");
    terminal.keys("a");
    terminal.until_text("send all traffic back");
    terminal.keys("\r");
    terminal.until_text("abort now");
    assert!(mutations(&shop, "rollouts").is_empty(), "a card sends nothing");
    // What is typed before the card can be read does not count.
    std::thread::sleep(Duration::from_millis(600));
    terminal.keys("\x07");
    terminal.until("VERIFIED", |screen| screen.iter().any(|line| line.contains("VERIFIED")));
    let sent = mutations(&shop, "rollouts");
    assert_eq!(sent.len(), 1, "{sent:?}");
    assert!(sent[0]["user_agent"].as_str().unwrap_or_default().starts_with("tierdeck/"), "{sent:?}");
    terminal.keys("\x1b");
    terminal.until_text("TIER");
    terminal.keys("q");
    assert_eq!(terminal.ended(), 0);
    let (code, told) = audit(&config, &["verify"]);
    assert_eq!(code, Some(0), "{told}");
    let (_, list) = audit(&config, &["list"]);
    assert!(list.contains("abort") && list.contains("verified"), "{list}");
    let (_, lines) = audit(&config, &["export", "--format", "jsonl"]);
    let intent = lines.lines().find(|line| line.contains("\"kind\":\"intent\"")).expect("an intent");
    let server = shop.demo.address("kubernetes").unwrap().to_string();
    assert!(intent.contains(&format!("\"address\":\"{server}/apis/")), "it says where it goes: {intent}");
    let kinds: Vec<String> = lines
        .lines()
        .map(|line| serde_json::from_str::<Value>(line).unwrap()["kind"].as_str().unwrap().to_owned())
        .collect();
    let at = |kind: &str| kinds.iter().position(|of| of == kind).unwrap_or_else(|| panic!("no {kind} in {kinds:?}"));
    assert!(at("plan") < at("confirm") && at("confirm") < at("intent"), "{kinds:?}");
    assert!(at("intent") < at("outcome") && at("outcome") < at("verify"), "{kinds:?}");
    assert_eq!(kinds.iter().filter(|kind| *kind == "intent").count(), 1);
}

#[test]
fn enter_and_a_paste_start_nothing() {
    let _machine = busy();
    let shop = Shop::fast("bad-canary", 4, 1.0);
    let config = shop.demo.endpoints().config.display().to_string();
    let mut terminal = Terminal::start(&["--config", &config], (100, 30));
    terminal.until_text("canary rev");
    terminal.keys("a");
    terminal.until_text("send all traffic back");
    terminal.keys("\r");
    terminal.until_text("abort now");
    std::thread::sleep(Duration::from_millis(600));
    // Enter, a paste that holds the fire key, and a burst as of a terminal without bracketed paste.
    terminal.keys("\r\r");
    terminal.keys("\x1b[200~\x07\r\x1b[201~");
    terminal.keys("yes\x07");
    std::thread::sleep(Duration::from_millis(600));
    terminal.keys("\x1b");
    // The escape key is known as such only when nothing follows it: what is typed next waits for the board.
    terminal.until("the board", |screen| screen.iter().any(|line| line.contains("HEALTH")));
    assert!(mutations(&shop, "rollouts").is_empty(), "{:?}", mutations(&shop, "rollouts"));
    terminal.keys("q");
    assert_eq!(terminal.ended(), 0);
}
