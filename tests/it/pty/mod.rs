//! The real binary in a pseudo-terminal: order, text, modes. Latencies belong to benchmarks.

mod commands;
pub mod terminal;

use std::os::unix::fs::PermissionsExt;
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
    for (keys, text) in [("t", "COMPONENT"), ("S", "SOURCE"), ("W", "WHAT"), ("A", "STATE"), ("?", "─ help")] {
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
    for (signal, code) in [("TERM", 143), ("INT", 130), ("HUP", 129), ("QUIT", 131)] {
        let mut terminal = demo((80, 24));
        terminal.until_text("TIER");
        terminal.signal(signal);
        assert_eq!(terminal.ended(), code, "SIG{signal}");
        assert!(terminal.modes_are_restored(), "SIG{signal}");
        assert!(terminal.settings_are_restored(), "SIG{signal}");
    }
}

#[test]
fn a_signal_at_the_first_byte_gives_the_terminal_back() {
    let _one = alone();
    for (signal, code) in [("TERM", 143), ("INT", 130), ("HUP", 129), ("QUIT", 131)] {
        let mut terminal = Terminal::start(&[], (80, 24));
        terminal.until_written();
        terminal.signal(signal);
        assert_eq!(terminal.ended(), code, "SIG{signal}");
        assert!(terminal.modes_are_restored(), "SIG{signal}");
        assert!(terminal.settings_are_restored(), "SIG{signal}");
        // What is logged may name production.
        let state = terminal.home().join(".local/state/tierdeck");
        let mode = |path: &std::path::Path| std::fs::metadata(path).unwrap().permissions().mode() & 0o777;
        assert_eq!(mode(&state), 0o700);
        let logs: Vec<_> = std::fs::read_dir(&state).unwrap().map(|entry| mode(&entry.unwrap().path())).collect();
        assert!(!logs.is_empty() && logs.iter().all(|mode| *mode & 0o077 == 0), "{logs:?}");
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
    for by_key in [true, false] {
        if by_key {
            terminal.keys("\x1a");
        } else {
            terminal.signal("TSTP");
        }
        terminal.until_stopped();
        assert!(terminal.settings_are_restored());
        terminal.until("shell's screen", |_| terminal.modes_are_restored());
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
fn replies_that_come_in_parts_do_nothing() {
    let _one = alone();
    let mut terminal = demo((80, 24));
    terminal.until_text("TIER");
    for reply in ["\x1b[?62;22c", "\x1b]11;rgb:0000/q\x1b\\", "\x1bP>|XTerm q\x1b\\", "\x1b^q\x1b\\", "\x1bXq\x1b\\"] {
        for cut in [1, 2, 4] {
            let (head, tail) = reply.split_at(cut);
            terminal.keys(head);
            std::thread::sleep(std::time::Duration::from_millis(60));
            terminal.keys(tail);
            std::thread::sleep(std::time::Duration::from_millis(300));
        }
    }
    terminal.keys("?");
    terminal.until_text("─ help");
    terminal.escape_from("─ help");
    terminal.keys("q");
    assert_eq!(terminal.ended(), 0);
}

#[test]
fn a_long_paste_is_cut_and_told_and_esc_gets_out() {
    let _one = alone();
    let mut terminal = demo((80, 24));
    terminal.until_text("TIER");
    terminal.keys("/");
    let paste = format!("\x1b[200~{}\x1b[201~", "orders ".repeat(120_000));
    terminal.keys(&paste);
    terminal.until_text("bytes were left out");
    terminal.keys("\x1b");
    terminal.until("end of the filter", |s| !s.iter().any(|line| line.contains("orders orders")));
    terminal.keys("q");
    assert_eq!(terminal.ended(), 0);
}

#[test]
fn a_huge_screen_is_drawn_in_part() {
    let _one = alone();
    let mut terminal = demo((80, 24));
    terminal.until_text("TIER");
    terminal.resize(32_000, 32_000);
    std::thread::sleep(std::time::Duration::from_millis(500));
    terminal.resize(80, 24);
    let before = terminal.written().len();
    terminal.until_drawn_again("TIER", before);
    terminal.keys("q");
    assert_eq!(terminal.ended(), 0);
}

#[test]
fn a_terminal_that_can_show_no_screen_is_told_what_to_do() {
    for term in ["dumb", ""] {
        for args in [&["demo"][..], &[]] {
            let mut terminal = Terminal::start_with(args, (80, 24), &[("TERM", term)]);
            assert_eq!(terminal.ended(), 2);
            let written = String::from_utf8_lossy(&terminal.written()).into_owned();
            assert!(written.contains("run `tierdeck status`, or set TERM"), "{written:?}");
            assert!(!written.contains("\x1b["), "{written:?}");
        }
    }
}

/// Run as a program of its own by the next test, because a process has one hook for panics.
#[test]
#[ignore = "a part of a_panic_gives_the_terminal_back"]
fn console_with_a_thread_that_panics() {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).build().unwrap();
    runtime.spawn(async { panic!("a task") });
    std::thread::spawn(|| {
        std::thread::sleep(std::time::Duration::from_secs(1));
        panic!("a defect");
    });
    let config = std::env::var_os("HOME").map(|home| std::path::PathBuf::from(home).join("config.toml")).unwrap();
    std::fs::write(&config, "").unwrap();
    let args = ["tierdeck".into(), "--config".into(), config.into_os_string()];
    std::process::exit(tierdeck::cli::exit_code(args).into());
}

#[test]
fn a_panic_gives_the_terminal_back() {
    let _one = alone();
    let test = std::env::current_exe().unwrap();
    let args = ["--ignored", "--exact", "--nocapture", "pty::console_with_a_thread_that_panics"];
    let mut terminal = Terminal::start_program(&test, &args, (80, 24), &[]);
    terminal.until("screen", |_| String::from_utf8_lossy(&terminal.written()).contains("\x1b[?1049h"));
    assert_eq!(terminal.ended(), 1);
    assert!(terminal.modes_are_restored());
    assert!(terminal.settings_are_restored());
    let written = String::from_utf8_lossy(&terminal.written()).into_owned();
    let sentence = written.split("\x1b[?1049l").last().unwrap();
    assert!(sentence.contains("tierdeck: ended by a defect of its own at tests/it/pty/mod.rs:"), "{sentence:?}");
    let report = sentence.split("the report is in ").nth(1).expect("where it is").trim();
    let report = std::fs::read_to_string(report).unwrap();
    assert!(report.contains("a defect") && report.contains("thread"), "{report}");
    assert!(!report.contains("a task"), "the panic of a task ends the console: {report}");
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
