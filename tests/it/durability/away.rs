//! What a session finds that others left: requests in doubt, outcomes that came while nobody looked, damage.

use std::time::{Duration, Instant};

use super::{audit, card, config, leave, requests};
use crate::pty::terminal::Terminal;
use crate::support::{Shop, busy};

fn has(screen: &[String], words: &str) -> bool {
    screen.iter().any(|line| line.contains(words))
}

#[test]
fn a_request_in_doubt_is_listed_at_the_next_start_and_resolved_there() {
    let _machine = busy();
    let folder = tempfile::tempdir().unwrap();
    let trail = folder.path().join("audit");
    let shop = Shop::fast("bad-canary", 9, 4.0);
    let config = config(&shop, "doubt.toml", &format!("dir = {trail:?}"));
    let mut terminal = Terminal::start(&["--config", &config], (100, 30));
    card(&mut terminal, "abort now");
    // The server will do what it is asked, and never say so.
    assert!(shop.demo.command("withhold kubernetes").starts_with("ok"));
    terminal.keys("\x07");
    let begun = Instant::now();
    while requests(&shop).is_empty() {
        assert!(begun.elapsed() < Duration::from_secs(20), "nothing was sent");
        std::thread::sleep(Duration::from_millis(10));
    }
    terminal.signal("KILL");
    terminal.ended();
    assert!(shop.demo.command("answer kubernetes").starts_with("ok"));
    assert_eq!((audit(&trail, &["verify"]).0, requests(&shop).len()), (Some(4), 1));
    let mut terminal = Terminal::start(&["--config", &config], (100, 30));
    terminal.until("the doubt in the header", |screen| has(&screen[..1], "IN DOUBT 1") || has(&screen[..1], "1 doubt"));
    terminal.keys("o");
    // Once the board has it, the real state stands beside what to do.
    let screen = terminal.until("what to do about it", |screen| has(screen, ":resolve") && has(screen, "seen at"));
    let line = screen.iter().find(|line| line.contains(":resolve")).unwrap();
    let id = line.split(":resolve ").nth(1).unwrap().split(' ').next().unwrap().to_owned();
    terminal.keys(&format!(":resolve {id} no-effect the canary still takes traffic\r"));
    terminal.until("no doubt", |screen| !has(screen, "IN DOUBT") && !has(screen, ":resolve"));
    leave(&mut terminal);
    assert_eq!(audit(&trail, &["verify"]).0, Some(0));
}

#[test]
fn what_ended_after_the_terminal_was_lost_is_shown_at_the_next_start_once() {
    let _machine = busy();
    let folder = tempfile::tempdir().unwrap();
    let trail = folder.path().join("audit");
    let shop = Shop::fast("bad-canary", 10, 4.0);
    let config = config(&shop, "away.toml", &format!("dir = {trail:?}"));
    let mut terminal = Terminal::start(&["--config", &config], (100, 30));
    let name = card(&mut terminal, "abort now");
    terminal.keys("\x07");
    terminal.until_text("it is only watched");
    terminal.hang_up();
    terminal.ended_within(Duration::from_secs(120));
    let (_, list) = audit(&trail, &["list"]);
    assert!(list.contains("verified"), "it went on to its end: {list}");
    let mut terminal = Terminal::start(&["--config", &config], (100, 30));
    terminal.until_text("while you were away: 1 ended, 0 in doubt");
    terminal.keys("o");
    let screen = terminal.until("the outcome", |screen| has(screen, "WHILE YOU WERE AWAY 1"));
    assert!(has(&screen, &format!("VERIFIED abort rollout/shop/{name}")), "{screen:#?}");
    leave(&mut terminal);
    let mut terminal = Terminal::start(&["--config", &config], (100, 30));
    terminal.until_text("application");
    terminal.keys("o");
    terminal.until_text("nothing was operated in this session");
    std::thread::sleep(Duration::from_secs(1));
    assert!(!has(&terminal.screen(), "WHILE YOU WERE AWAY"), "{:#?}", terminal.screen());
    leave(&mut terminal);
}
