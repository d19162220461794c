//! The real binary in a pseudo-terminal: order, text, modes. Latencies belong to benchmarks.

mod terminal;

use std::sync::{Mutex, MutexGuard, PoisonError, RwLockReadGuard};

use terminal::Terminal;

/// One world at a time: each costs a core for its first second.
static ONE: Mutex<()> = Mutex::new(());

fn alone() -> (RwLockReadGuard<'static, ()>, MutexGuard<'static, ()>) {
    (crate::support::busy(), ONE.lock().unwrap_or_else(PoisonError::into_inner))
}

fn demo(size: (u16, u16)) -> Terminal {
    Terminal::start(&["demo", "--scenario", "bad-canary", "--seed", "7"], size)
}

#[test]
fn the_board_comes_up_and_every_page_is_a_key_away() {
    let _one = alone();
    let mut terminal = demo((80, 24));
    let screen = terminal.until_text("application");
    assert!(screen[0].contains("PROD-EU") && screen[0].contains("read-only"), "{}", screen[0]);
    terminal.until("sick application", |s| s.iter().any(|l| l.contains("application") && l.contains("CRIT")));
    terminal.until_text("canary rev");
    for (keys, text) in [("t", "COMPONENT"), ("S", "SOURCE"), ("W", "WHAT"), ("A", "STATE"), ("?", "what changed")] {
        terminal.keys(keys);
        let screen = terminal.until_text(text);
        assert!(screen[0].contains("PROD-EU"), "the environment is gone after {keys}");
        terminal.escape_from(text);
        terminal.until_text("TIER");
    }
    terminal.keys("q");
    assert_eq!(terminal.ended(), 0);
    assert!(terminal.modes_are_restored());
}

#[test]
fn sick_tiers_open_down_to_evidence() {
    let _one = alone();
    let mut terminal = demo((120, 40));
    terminal.until("sick application", |s| s.iter().any(|l| l.contains("application") && l.contains("CRIT")));
    // The worst tier is selected at the start: Enter opens it, and again its worst component.
    terminal.keys("\r");
    terminal.until_text("tier  26/26 ready");
    terminal.keys("\r");
    terminal.until_text("overview");
    terminal.keys("x");
    terminal.until_text("─ explain");
    terminal.escape_from("─ explain");
    terminal.keys("q");
    assert_eq!(terminal.ended(), 0);
}

#[test]
fn signals_give_the_terminal_back() {
    let _one = alone();
    for (signal, code) in [("TERM", 143), ("INT", 130), ("HUP", 129)] {
        let mut terminal = demo((80, 24));
        terminal.until_text("TIER");
        terminal.signal(signal);
        assert_eq!(terminal.ended(), code, "SIG{signal}");
        assert!(terminal.modes_are_restored(), "SIG{signal}");
    }
}

#[test]
fn a_continue_without_a_stop_keeps_what_must_be_given_back() {
    let _one = alone();
    let mut terminal = demo((80, 24));
    terminal.until_text("TIER");
    assert!(!terminal.settings_are_restored(), "the terminal is raw while the program runs");
    let before = terminal.written().len();
    terminal.signal("CONT");
    terminal.until_drawn_again("TIER", before);
    terminal.signal("TERM");
    assert_eq!(terminal.ended(), 143);
    assert!(terminal.modes_are_restored());
    assert!(terminal.settings_are_restored());
}

#[test]
fn a_suspended_program_gives_the_terminal_back_and_draws_all_of_it_again() {
    let _one = alone();
    let mut terminal = demo((80, 24));
    terminal.until_text("TIER");
    for _ in 0..2 {
        terminal.keys("\x1a");
        terminal.until_stopped();
        assert!(terminal.settings_are_restored());
        let before = terminal.written().len();
        terminal.signal("CONT");
        terminal.until_drawn_again("TIER", before);
        // Nothing is drawn before the alternate screen has been entered again.
        let again = String::from_utf8_lossy(&terminal.written()[before..]).into_owned();
        assert!(again.find("\x1b[?1049h") < again.find("TIER"), "{again:?}");
    }
    terminal.keys("q");
    assert_eq!(terminal.ended(), 0);
    assert!(terminal.modes_are_restored());
    assert!(terminal.settings_are_restored());
}

#[test]
fn a_terminal_that_is_gone_ends_the_program() {
    let _one = alone();
    let mut terminal = demo((80, 24));
    terminal.until_text("TIER");
    terminal.hang_up();
    terminal.ended();
}

#[test]
fn any_size_is_survived_and_small_ones_are_told() {
    let _one = alone();
    let mut terminal = demo((80, 24));
    terminal.until_text("TIER");
    for (columns, lines) in [(60, 16), (20, 4), (1, 1), (300, 100), (80, 24)] {
        terminal.resize(columns, lines);
        terminal.keys("tb");
        if columns == 20 {
            terminal.until("size needed", |s| s.join(" ").contains("60"));
        }
    }
    terminal.until_text("TIER");
    terminal.keys("q");
    assert_eq!(terminal.ended(), 0);
}

#[test]
fn late_replies_of_the_terminal_and_pastes_do_nothing() {
    let _one = alone();
    let mut terminal = demo((80, 24));
    terminal.until_text("TIER");
    terminal.keys("\x1b]11;rgb:0000/0000/0000\x1b\\\x1b[?62;22c\x1b[200~qqq\r\x1b[201~");
    // The program still answers keys, and the paste was no command.
    terminal.keys("?");
    terminal.until_text("─ help");
    terminal.escape_from("─ help");
    terminal.keys("q");
    assert_eq!(terminal.ended(), 0);
}

#[test]
fn only_our_own_escape_sequences_reach_the_terminal() {
    let _one = alone();
    let mut terminal = demo((80, 24));
    terminal.until_text("canary rev");
    terminal.keys("q");
    terminal.ended();
    let bytes = terminal.written();
    let text = String::from_utf8(bytes).expect("what is written is UTF-8");
    let mut rest = text.as_str();
    while let Some(at) = rest.find('\x1b') {
        rest = &rest[at + 1..];
        let end = rest.find(|c: char| c.is_ascii_alphabetic()).expect("a whole sequence");
        let sequence = &rest[..=end];
        let ours = sequence.starts_with('[')
            && matches!(sequence.chars().last(), Some('m' | 'H' | 'J' | 'h' | 'l'))
            && sequence[1..end].chars().all(|c| c.is_ascii_digit() || matches!(c, ';' | '?' | ':'));
        assert!(ours, "{sequence:?}");
    }
    let other = text.chars().find(|c| c.is_control() && !matches!(c, '\x1b' | '\r' | '\n'));
    assert_eq!(other, None, "a control character reached the terminal");
}

#[test]
fn bad_input_is_told_with_its_place_and_exit_code_2() {
    let folder = tempfile::tempdir().unwrap();
    let write = |name: &str, text: &str| {
        let path = folder.path().join(name);
        std::fs::write(&path, text).unwrap();
        path.display().to_string()
    };
    let config = write("config.toml", "[environment]\nnmae = \"x\"\n");
    let keymap = write("keys.toml", "[board]\n\"j\" = \"dwon\"\n");
    let theme = write("theme.toml", "nonsense = true\n");
    let empty = write("empty.toml", "");
    let cases: [(&[&str], &str); 5] = [
        (&["--config", &config, "status"], "config.toml:2:1: unknown field `nmae`"),
        (&["--config", &empty, "--keymap", &keymap, "status"], "keys.toml:2:7: `dwon` is no action"),
        (&["--config", &empty, "--theme", &theme, "status"], "theme.toml:1:"),
        (&["--config", "/nowhere/config.toml", "status"], "/nowhere/config.toml: cannot be read"),
        (&["demo", "--speed", "0"], "--speed"),
    ];
    for (args, expected) in cases {
        let output = std::process::Command::new(env!("CARGO_BIN_EXE_tierdeck")).args(args).output().unwrap();
        let error = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(2), "{args:?}: {error}");
        assert!(error.contains(expected), "{args:?}: {error}");
    }
}
