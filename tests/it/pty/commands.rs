//! The real binary without a terminal: what it reads, writes and leaves, and its exit codes.

use std::fs::File;
use std::io::{BufRead, BufReader, Read, Write};
use std::process::{Child, Command, Output, Stdio};

fn tierdeck(args: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_tierdeck"));
    command.args(args).stdin(Stdio::null());
    command
}

fn output(args: &[&str]) -> (Option<i32>, String) {
    let Output { status, stderr, .. } = tierdeck(args).output().unwrap();
    (status.code(), String::from_utf8_lossy(&stderr).into_owned())
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
    let pipe = folder.path().join("pipe");
    assert!(Command::new("mkfifo").arg(&pipe).status().unwrap().success());
    let pipe = pipe.display().to_string();
    let cases: [(&[&str], &str); 12] = [
        (&["--config", &config, "status"], "config.toml:2:1: unknown field `nmae`"),
        (&["--config", &empty, "--keymap", &keymap, "status"], "keys.toml:2:7: `dwon` is no action"),
        (&["--config", &empty, "--theme", &theme, "status"], "theme.toml:1:"),
        (&["--config", "/nowhere/config.toml", "status"], "/nowhere/config.toml: cannot be read"),
        (&["demo", "--speed", "0"], "--speed"),
        (&["--config", &pipe, "status"], "pipe: is no regular file"),
        (&["--config", "/dev/zero", "status"], "/dev/zero: is no regular file"),
        (&["--config", &empty, "--keymap", &pipe, "status"], "pipe: is no regular file"),
        (&["--config", &empty, "--theme", &pipe, "status"], "pipe: is no regular file"),
        (&["--config", &empty, "--keymap", &empty, "status"], "empty.toml:1:1: no key means `quit`"),
        (&["snapshot", "--size", "1001x24"], "columns are 20 to 1000"),
        (&["status", "--watch", "18446744073709551615"], "is not in 1..=86400"),
    ];
    for (args, expected) in cases {
        let (code, error) = output(args);
        assert_eq!(code, Some(2), "{args:?}: {error}");
        assert!(error.contains(expected), "{args:?}: {error}");
    }
}

#[test]
fn output_that_cannot_be_written_is_no_success() {
    let folder = tempfile::tempdir().unwrap();
    let config = folder.path().join("config.toml");
    std::fs::write(&config, "").unwrap();
    let config = config.to_str().unwrap();
    let commands: [&[&str]; 7] = [
        &["--config", config, "status"],
        &["--config", config, "status", "--json"],
        &["--config", config, "snapshot"],
        &["completion", "bash"],
        &["demo", "--serve", "--json"],
        &["demo", "--serve"],
        &["--help"],
    ];
    for args in commands {
        let full = File::options().write(true).open("/dev/full").unwrap();
        let Output { status, stderr, .. } = tierdeck(args).stdout(full).stderr(Stdio::piped()).output().unwrap();
        assert_eq!(status.code(), Some(1), "{args:?}");
        let error = String::from_utf8_lossy(&stderr);
        assert!(error.contains("standard output cannot be written: No space left"), "{args:?}: {error}");
    }
}

#[test]
fn a_reader_that_goes_away_is_no_failure() {
    let mut child = tierdeck(&["completion", "bash"]).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    drop(child.stdout.take());
    let Output { status, stderr, .. } = child.wait_with_output().unwrap();
    assert_eq!((status.code(), String::from_utf8_lossy(&stderr).as_ref()), (Some(0), ""));
}

/// A demo that only serves, with temporary files in `folder`; what it prints follows its first line.
fn serving(folder: &std::path::Path) -> (Child, BufReader<std::process::ChildStdout>, serde_json::Value) {
    let mut child = tierdeck(&["demo", "--serve", "--json", "--scenario", "calm"])
        .env("TMPDIR", folder)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap());
    let mut first = String::new();
    lines.read_line(&mut first).unwrap();
    (child, lines, serde_json::from_str(&first).unwrap())
}

#[test]
fn a_demo_answers_whatever_it_is_told_and_leaves_nothing_even_when_killed() {
    let _one = super::alone();
    let folder = tempfile::tempdir().unwrap();
    let (mut killed, _, _) = serving(folder.path());
    killed.kill().unwrap();
    killed.wait().unwrap();
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1, "a killed demo cannot clear up");

    let (mut child, mut lines, endpoints) = serving(folder.path());
    let left: Vec<_> = std::fs::read_dir(folder.path()).unwrap().map(|entry| entry.unwrap().path()).collect();
    assert_eq!(left, [std::path::Path::new(endpoints["config"].as_str().unwrap()).parent().unwrap()]);
    let mut input = child.stdin.take().unwrap();
    input.write_all(b"\xff\xfe\n").unwrap();
    input.write_all(&vec![b'x'; 1 << 20]).unwrap();
    input.write_all(b"\nspeed 2\n").unwrap();
    drop(input);
    let mut answers = String::new();
    lines.read_to_string(&mut answers).unwrap();
    let answers: Vec<_> = answers.lines().collect();
    assert!(
        matches!(answers[..], [not_text, too_long, ok]
        if not_text.starts_with("error: ") && too_long.starts_with("error: ") && ok.starts_with("ok speed 2")),
        "{answers:?}"
    );
    assert!(child.wait().unwrap().success());
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
}

#[test]
fn a_demo_names_the_trail_that_its_console_writes() {
    let _one = super::alone();
    let folder = tempfile::tempdir().unwrap();
    let (mut demo, _, endpoints) = serving(folder.path());
    let trail = endpoints["audit_dir"].as_str().unwrap();
    let by_config: &[&str] = &["--config", endpoints["config"].as_str().unwrap(), "audit", "verify"];
    for args in [by_config, &["audit", "verify"]] {
        let home = endpoints["env"]["XDG_STATE_HOME"].as_str().unwrap();
        let told = tierdeck(args).env("XDG_STATE_HOME", home).output().unwrap().stdout;
        let told = String::from_utf8_lossy(&told);
        assert!(told.contains(&format!("{trail} is empty")), "{trail} is not the folder of {args:?}: {told}");
    }
    drop(demo.stdin.take());
    demo.wait().unwrap();
}

#[test]
fn a_folder_that_cannot_be_written_is_a_failure_and_no_mistake_of_the_command_line() {
    let Output { status, stderr, .. } = tierdeck(&["demo", "--serve"]).env("TMPDIR", "/proc/nowhere").output().unwrap();
    let error = String::from_utf8_lossy(&stderr);
    assert_eq!(status.code(), Some(1), "{error}");
    assert!(error.contains("/proc/nowhere cannot be written") && error.contains("set TMPDIR"), "{error}");
}
