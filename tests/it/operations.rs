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
    // Errors must stay away for a minute of the world's time, once the window of their rates has passed.
    let ended = |screen: &[String]| screen.iter().any(|line| line.contains("OUTCOME"));
    let screen = terminal.until_in(Duration::from_secs(60), "the outcome", ended);
    assert!(screen.iter().any(|line| line.contains("VERIFIED")), "{screen:#?}");
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

/// Fires the abort of the bad canary and quits at once; the console goes on without a screen.
fn abort_and_quit(terminal: &mut Terminal) {
    terminal.until_text("canary rev");
    terminal.keys("a");
    terminal.until_text("send all traffic back");
    terminal.keys("\r");
    terminal.until_text("abort now");
    std::thread::sleep(Duration::from_millis(600));
    terminal.keys("\x07");
    terminal.until_text("EXPECTED");
    terminal.keys("\x1b");
    terminal.until_text("TIER");
    terminal.keys("q");
    terminal.until_text("1 under way");
}

#[test]
fn what_is_under_way_at_the_end_is_told_by_name_until_it_is_over_or_left() {
    let _machine = busy();
    for is_left in [false, true] {
        let shop = Shop::fast("bad-canary", 3, 3.0 * SPEED);
        let config = shop.demo.endpoints().config.display().to_string();
        let mut terminal = Terminal::start(&["--config", &config], (200, 30));
        abort_and_quit(&mut terminal);
        terminal.until_text("ABORT orders");
        terminal.until_text("verifying, until ");
        if is_left {
            terminal.keys("\x03");
        }
        let words = if is_left { "left unverified" } else { "VERIFIED: " };
        let screen = terminal.until_text(words);
        assert!(screen.iter().any(|line| line.contains("ABORT orders") && line.contains(words)), "{screen:?}");
        assert_eq!(terminal.ended(), if is_left { 5 } else { 0 });
        assert!(!terminal.screen().join(" ").contains("audit list"), "the trail of a demo goes with it");
    }
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
