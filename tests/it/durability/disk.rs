//! Disks that are full, that do not confirm, or are not there: nothing is sent and everything is still read; broken glass
//! finds another durable place or sends nothing.

use std::path::Path;
use std::time::{Duration, Instant};

use super::{audit, card, config, lines, of_kind, requests, syscalls, until_verified};
use crate::pty::terminal::Terminal;
use crate::support::{Shop, busy};

/// The fire key, then broken glass with everything it asks for.
fn try_everything(terminal: &mut Terminal, name: &str) {
    terminal.keys("\x07");
    std::thread::sleep(Duration::from_millis(300));
    terminal.keys("!");
    terminal.until_text("BREAKS THE GLASS");
    let broken = Instant::now();
    std::thread::sleep(Duration::from_millis(600));
    for word in [&format!("{name}@prod-eu"), "break glass", "users fail"] {
        type_whole(terminal, word);
        terminal.keys("\t");
        std::thread::sleep(Duration::from_millis(200));
    }
    std::thread::sleep(Duration::from_secs(11).saturating_sub(broken.elapsed()));
    // A press that falls into a moment of its own rereading does not count; one that counted takes the card on.
    for _ in 0..10 {
        terminal.keys("\x07");
        std::thread::sleep(Duration::from_millis(1500));
        if !terminal.screen().iter().any(|line| line.contains("BREAKS THE GLASS")) {
            return;
        }
    }
    panic!("it cannot be fired:\n{}", terminal.screen().join("\n"));
}

/// Types a word as a hand does. A machine that is so busy that it takes in several letters at once takes them for a paste,
/// and wants the word again.
fn type_whole(terminal: &mut Terminal, word: &str) {
    let shown = format!("{word}\u{258c}");
    for _ in 0..5 {
        for letter in word.chars() {
            let before = terminal.written().len();
            terminal.keys(&letter.to_string());
            let pressed = Instant::now();
            while terminal.written().len() == before && pressed.elapsed() < Duration::from_secs(3) {
                std::thread::sleep(Duration::from_millis(10));
            }
            std::thread::sleep(Duration::from_millis(60));
        }
        std::thread::sleep(Duration::from_millis(700));
        if terminal.screen().iter().any(|line| line.contains(&shown)) {
            return;
        }
        for _ in word.chars() {
            terminal.keys("\x7f");
            std::thread::sleep(Duration::from_millis(30));
        }
    }
    panic!("{word} cannot be typed:\n{}", terminal.screen().join("\n"));
}

/// The board goes on, and the way out works.
fn reads_on(terminal: &mut Terminal) {
    terminal.keys("\x1b");
    terminal.until_text("TIER");
    let before = terminal.screen();
    terminal.until("a later frame", |screen| screen != before);
    terminal.keys("q");
    assert_eq!(terminal.ended(), 0);
}

#[test]
fn a_full_disk_sends_nothing_and_reads_on() {
    let _machine = busy();
    let shop = Shop::fast("bad-canary", 5, 4.0);
    let config = config(&shop, "full.toml", "fallback = [\"elsewhere\"]");
    // No file may grow: the kernel refuses every write to one, as a full disk does, for root too.
    let script = "trap '' XFSZ; ulimit -f 0; exec \"$0\" --config \"$1\"";
    let args = ["-c", script, env!("CARGO_BIN_EXE_tierdeck"), &config];
    let mut terminal = Terminal::start_program(Path::new("/bin/sh"), &args, (100, 30), &[]);
    let name = card(&mut terminal, "BLOCKED");
    try_everything(&mut terminal, &name);
    terminal.until_text("nothing was sent");
    reads_on(&mut terminal);
    assert!(requests(&shop).is_empty(), "{:?}", requests(&shop));
}

#[test]
fn a_disk_that_does_not_confirm_sends_nothing_and_reads_on() {
    if !syscalls::can_trace() {
        return;
    }
    let _machine = busy();
    let shop = Shop::fast("bad-canary", 6, 4.0);
    let config = shop.demo.endpoints().config.display().to_string();
    let args = ["-f", "-qq", "-o", "/dev/null", "-e", "trace=fdatasync", "-e", "inject=fdatasync:error=EIO", "--"];
    let args = [&args[..], &[env!("CARGO_BIN_EXE_tierdeck"), "--config", &config]].concat();
    let mut terminal = Terminal::start_program(Path::new("strace"), &args, (100, 30), &[]);
    card(&mut terminal, "BLOCKED");
    terminal.keys("\x07");
    std::thread::sleep(Duration::from_millis(500));
    reads_on(&mut terminal);
    assert!(requests(&shop).is_empty(), "{:?}", requests(&shop));
}

#[test]
fn broken_glass_is_recorded_in_another_durable_place_or_sends_nothing() {
    let _machine = busy();
    // In the folder of the build: one for temporary files may be in memory, where nothing is durable.
    let elsewhere = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
    let shop = Shop::fast("bad-canary", 7, 4.0);
    let fallback = elsewhere.path().join("audit");
    let audit_section = format!("dir = \"/proc/audit\"\nfallback = [\"/proc/more\", {fallback:?}]");
    let config = config(&shop, "glass.toml", &audit_section);
    let mut terminal = Terminal::start(&["--config", &config], (100, 30));
    let name = card(&mut terminal, "BLOCKED");
    terminal.keys("\x07");
    std::thread::sleep(Duration::from_millis(300));
    assert!(requests(&shop).is_empty(), "an ordinary confirmation goes nowhere");
    try_everything(&mut terminal, &name);
    until_verified(&terminal);
    assert_eq!(requests(&shop).len(), 1, "{:?}", requests(&shop));
    reads_on(&mut terminal);
    let lines = lines(&fallback);
    let at = |kind: &str| lines.iter().position(|line| line["kind"] == kind).unwrap_or_else(|| panic!("no {kind}"));
    assert!(at("break-glass") < at("intent") && at("intent") < at("outcome") && at("outcome") < at("verify"));
    assert_eq!(of_kind(&lines, "intent").count(), 1);
    assert_eq!(audit(&fallback, &["verify"]).0, Some(0));
}
