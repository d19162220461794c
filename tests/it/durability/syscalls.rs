//! The order of system calls, as the kernel sees it: `fdatasync` of the intent has returned before the first byte of its
//! request is written to a socket.

use std::path::Path;
use std::process::Command;

use super::{card, leave, requests, until_verified};
use crate::pty::terminal::Terminal;
use crate::support::{Shop, busy};

/// Whether system calls can be traced here. Where they must be (`TIERDECK_STRACE=required`), it is a failure if not.
pub fn can_trace() -> bool {
    let works = Command::new("strace").args(["-qq", "-o", "/dev/null", "true"]).status().is_ok_and(|s| s.success());
    let required = std::env::var("TIERDECK_STRACE").is_ok_and(|value| value == "required");
    assert!(works || !required, "strace is required and does not work here");
    if !works {
        eprintln!("not looked at: strace does not work here");
    }
    works
}

/// What of a trace matters, in order.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Call {
    /// An intent was written to this file.
    Intent(String),
    /// `fdatasync` of this file has returned 0.
    Synced(String),
    /// The first bytes of a change went to a socket.
    Change(String),
}

/// `17 fdatasync(11</trail/000001.jsonl>) = 0`, where a call that another thread interrupts is told in two lines.
fn calls(trace: &str) -> Vec<Call> {
    let mut begun: std::collections::BTreeMap<&str, String> = std::collections::BTreeMap::new();
    let mut calls = Vec::new();
    for line in trace.lines() {
        let Some((pid, call)) = line.split_once(char::is_whitespace) else { continue };
        let call = call.trim_start();
        let (name, rest) = match call.strip_prefix("<... ") {
            Some(resumed) => resumed.split_once(" resumed>").unwrap_or_default(),
            None => call.split_once('(').unwrap_or_default(),
        };
        let file =
            |text: &str| text.split_once('<').and_then(|(_, text)| text.split_once('>')).map(|(f, _)| f.to_owned());
        let resumed = call.starts_with("<... ");
        match name {
            "fdatasync" if resumed => {
                let file = begun.remove(pid).filter(|_| rest.ends_with("= 0"));
                calls.extend(file.map(Call::Synced));
            }
            "fdatasync" if rest.contains("<unfinished") => drop(begun.insert(pid, file(rest).unwrap_or_default())),
            "fdatasync" => calls.extend(file(rest).filter(|_| rest.ends_with("= 0")).map(Call::Synced)),
            "write" | "writev" | "sendto" | "sendmsg" if !resumed => {
                let target = file(rest).unwrap_or_default();
                if target.ends_with(".jsonl") && rest.contains("\\\"kind\\\":\\\"intent\\\"") {
                    calls.push(Call::Intent(target));
                } else if let Some(change) = change(rest).filter(|_| !target.starts_with('/')) {
                    calls.push(Call::Change(change));
                }
            }
            _ => {}
        }
    }
    calls
}

/// The request line of what changes something: neither a review, a dry run nor a lock.
fn change(arguments: &str) -> Option<String> {
    let at =
        ["PATCH /", "PUT /", "POST /", "DELETE /"].into_iter().find_map(|verb| arguments.find(&format!("\"{verb}")))?;
    let line = arguments.get(at + 1..)?.split("\\r\\n").next()?.to_owned();
    let harmless = ["dryRun=All", "/selfsubject", "/leases", "/proxy"].iter().any(|word| line.contains(word));
    (!harmless && line.contains("/apis/")).then_some(line)
}

/// Every change has an intent of its own before it that was confirmed before it.
fn in_order(calls: &[Call]) -> Result<usize, String> {
    let (mut written, mut durable, mut changes) = (Vec::new(), 0_usize, 0_usize);
    for call in calls {
        match call {
            Call::Intent(file) => written.push(file.clone()),
            Call::Synced(file) => {
                let before = written.len();
                written.retain(|of| of != file);
                durable += before - written.len();
            }
            Call::Change(line) => {
                changes += 1;
                durable =
                    durable.checked_sub(1).ok_or_else(|| format!("left before its intent was durable: {line}"))?;
            }
        }
    }
    Ok(changes)
}

#[test]
fn the_order_is_judged() {
    let intent = r#"17 write(11</t/000001.jsonl>, "{\"kind\":\"intent\"}\n", 18) = 18"#;
    let synced = "17 fdatasync(11</t/000001.jsonl>) = 0";
    let failed = "17 fdatasync(11</t/000001.jsonl>) = -1 EIO (Input/output error)";
    let begun = "17 fdatasync(11</t/000001.jsonl> <unfinished ...>";
    let ended = "17 <... fdatasync resumed>)            = 0";
    let sent =
        r#"19 writev(9<TCP:[1]>, [{iov_base="PATCH /apis/argoproj.io/v1alpha1/x HTTP/1.1\r\n", iov_len=9}], 1) = 9"#;
    let noted = r#"17 write(11</t/000001.jsonl>, "{\"request\":\"PATCH /apis/x\"}\n", 18) = 18"#;
    let dry = r#"19 writev(9<TCP:[1]>, [{iov_base="PATCH /apis/x?dryRun=All HTTP/1.1\r\n", iov_len=9}], 1) = 9"#;
    let judged = |lines: &[&str]| in_order(&calls(&lines.join("\n")));
    assert_eq!(judged(&[noted, dry, intent, synced, sent]), Ok(1));
    assert_eq!(judged(&[intent, begun, ended, sent]), Ok(1));
    for wrong in [
        &[intent, sent][..],
        &[sent, intent, synced],
        &[intent, begun, sent, ended],
        &[intent, failed, sent],
        &[synced, intent, sent],
        &[intent, synced, sent, sent],
    ] {
        assert!(judged(wrong).is_err(), "{wrong:?}");
    }
}

#[test]
fn the_intent_is_on_the_disk_before_the_first_byte_leaves() {
    if !can_trace() {
        return;
    }
    let _machine = busy();
    let shop = Shop::fast("bad-canary", 8, 4.0);
    let config = shop.demo.endpoints().config.display().to_string();
    let folder = tempfile::tempdir().unwrap();
    let trace = folder.path().join("trace");
    let file = trace.display().to_string();
    let calls_of = "trace=write,writev,sendto,sendmsg,fdatasync";
    let args = ["-f", "-y", "-qq", "--seccomp-bpf", "-s", "1024", "-o", &file, "-e", calls_of, "--"];
    let args = [&args[..], &[env!("CARGO_BIN_EXE_tierdeck"), "--config", &config]].concat();
    let mut terminal = Terminal::start_program(Path::new("strace"), &args, (100, 30), &[]);
    card(&mut terminal, "abort now");
    terminal.keys("\x07");
    until_verified(&terminal);
    leave(&mut terminal);
    let sent = requests(&shop).len();
    let calls = calls(&std::fs::read_to_string(&trace).unwrap());
    assert_eq!(in_order(&calls), Ok(sent), "{calls:?}");
    assert!(sent > 0);
}
