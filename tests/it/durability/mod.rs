//! Nothing leaves without a durable intent, whatever happens to the process or the disk: kills at random instants, the order
//! of system calls, full and failing disks (facts/trust.md A2 tests b and c, PRODUCT section 7).

mod away;
mod disk;
mod kills;
mod session;
mod syscalls;

use std::path::Path;
use std::process::Command;
use std::time::Duration;

use serde_json::Value;

use crate::pty::terminal::Terminal;
use crate::support::Shop;

/// What changed something at the servers of the world, dry runs and locks aside.
fn requests(shop: &Shop) -> Vec<Value> {
    let answer = shop.demo.command("requests");
    let json = answer.strip_prefix("ok requests ").expect("the requests");
    let all: Vec<Value> = serde_json::from_str(json).expect("JSON");
    let path = |request: &Value| request["path"].as_str().unwrap_or_default().to_owned();
    all.into_iter().filter(|request| request["dry_run"] == false && !path(request).contains("/leases")).collect()
}

/// Every line of every stream of a trail, read without any of the program's own code; a torn last line is left out.
fn lines(trail: &Path) -> Vec<Value> {
    let streams = std::fs::read_dir(trail).into_iter().flatten().map(|entry| entry.unwrap().path());
    let files = streams.filter_map(|stream| std::fs::read(stream.join("000001.jsonl")).ok());
    let split = |bytes: Vec<u8>| {
        let whole: Vec<Vec<u8>> = bytes.split_inclusive(|b| *b == b'\n').map(<[u8]>::to_vec).collect();
        whole.into_iter().filter(|line| line.ends_with(b"\n"))
    };
    files.flat_map(split).map(|line| serde_json::from_slice(&line).expect("a line of JSON")).collect()
}

fn of_kind<'l>(lines: &'l [Value], kind: &str) -> impl Iterator<Item = &'l Value> {
    lines.iter().filter(move |line| line["kind"] == kind)
}

fn audit(trail: &Path, args: &[&str]) -> (Option<i32>, String) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_tierdeck"));
    let output = command.arg("audit").arg("--dir").arg(trail).args(args).output().expect("it runs");
    (output.status.code(), String::from_utf8_lossy(&output.stdout).into_owned())
}

/// Opens the card of the abort of a bad canary and waits until it can be fired, or says that it is blocked; the target.
fn card(terminal: &mut Terminal, until: &str) -> String {
    let sick = |screen: &[String]| screen.iter().any(|line| line.contains("canary rev"));
    terminal.until_in(Duration::from_secs(60), "a bad canary", sick);
    terminal.keys("a");
    terminal.until_text("send all traffic back");
    terminal.keys("\r");
    let screen = terminal.until_text(until);
    // What is typed before the card can be read does not count.
    std::thread::sleep(Duration::from_millis(600));
    let title = screen.iter().find_map(|line| line.trim_start().strip_prefix("ABORT  ")).expect("a title");
    title.split_whitespace().next().expect("a name").to_owned()
}

fn until_verified(terminal: &Terminal) {
    let verified = |screen: &[String]| screen.iter().any(|line| line.contains("VERIFIED"));
    terminal.until_in(Duration::from_secs(120), "VERIFIED", verified);
}

/// Back to the board and out.
fn leave(terminal: &mut Terminal) {
    terminal.keys("\x1b");
    terminal.until_text("TIER");
    terminal.keys("q");
    assert_eq!(terminal.ended(), 0);
}

/// The demo's configuration with another trail.
fn config(shop: &Shop, name: &str, audit: &str) -> String {
    let endpoints = shop.demo.endpoints();
    let text = std::fs::read_to_string(&endpoints.config).expect("the demo's own config");
    let path = endpoints.config.with_file_name(name);
    std::fs::write(&path, format!("{text}\n[audit]\n{audit}\n")).expect("a config");
    path.display().to_string()
}
