//! The trail through the real binary: exit codes, words, and what a full disk does.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use tierdeck::audit::journal::{Journal, Limits, Opening, RealDisk};
use tierdeck::audit::record::{ActionId, Digest, Event, Intent, Moment, Record, Request, Subject, Target, Text};
use tierdeck::domain::secret::Secrets;
use tierdeck::domain::time::Stamp;

const SESSION: &str = "2026-11-21T03:12:07Z";

/// A session that died with one intent open. Its target has a hostile name.
fn killed(trail: &Path) -> ActionId {
    let at = Stamp::parse_rfc3339(SESSION).unwrap();
    let opening = Opening {
        now: Box::new(move || Moment { wall: at.millis() * 1_000_000, mono: 0, world: at }),
        limits: Limits::default(),
        secrets: Secrets::default(),
        who: Text::of("jane@bastion"),
        host: "bastion".to_owned(),
        facts: BTreeMap::new(),
        mode: "console",
        continues: None,
    };
    let mut journal = Journal::open(Box::new(RealDisk), trail, opening).unwrap().journal;
    let name = Text::name("back\x1b]0;owned\x07end\u{202e}");
    let target = Target { system: Text::fixed("kubernetes"), kind: Text::fixed("rollout"), name, ..Target::default() };
    let action = ActionId::new(at, [7; 10]);
    let environment = Text::fixed("prod-eu");
    let subject = Subject { action: action.clone(), parent: None, environment, identity: Text::fixed("ops"), target };
    let request = Request {
        method: Text::fixed("PATCH"),
        address: Text::fixed("https://k8s/x"),
        body: Digest::of(b"{}"),
        preconditions: Text::default(),
        token: Text::default(),
    };
    let (operation, params, plan) = (Text::fixed("abort"), BTreeMap::new(), Digest::of(b"plan"));
    let intent = Intent { operation, params, plan, step: 1, steps: 1, request };
    assert_eq!(journal.intend(subject, intent).unwrap().spend().head.seq, 2);
    journal.append(&Record::of_session(Event::Note { text: Text::fixed("last"), ticket: None })).unwrap();
    action
}

fn audit(trail: &Path, args: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_tierdeck")).args(["audit", "--dir"]).arg(trail).args(args).output().unwrap()
}

fn code(output: &Output) -> i32 {
    output.status.code().unwrap()
}

fn text(output: &Output) -> String {
    let text = [&output.stdout[..], &output.stderr].concat();
    assert!(text.iter().all(|b| *b == b'\n' || *b == b'\r' || (0x20..0x7f).contains(b)), "{text:?}");
    String::from_utf8(text).unwrap()
}

fn only_segment(trail: &Path) -> PathBuf {
    std::fs::read_dir(trail).unwrap().next().unwrap().unwrap().path().join("000001.jsonl")
}

#[test]
fn an_operation_in_doubt_is_found_shown_and_resolved() {
    let folder = tempfile::tempdir().unwrap();
    let trail = folder.path().join("audit");
    let named = audit(&trail, &["verify"]);
    assert!(code(&named) == 2 && text(&named).contains("there is no such folder"), "{named:?}");
    let mut default = Command::new(env!("CARGO_BIN_EXE_tierdeck"));
    let empty = default.args(["audit", "verify"]).env("XDG_STATE_HOME", folder.path()).output().unwrap();
    assert!(code(&empty) == 0 && text(&empty).contains("is empty"), "{empty:?}");
    let action = killed(&trail);
    let doubted = audit(&trail, &["verify"]);
    assert!(code(&doubted) == 4 && text(&doubted).contains("whole: 3 lines"), "{doubted:?}");
    let list = text(&audit(&trail, &["list", "--outcome", "in-doubt", "--who", "JANE"]));
    assert!(list.contains("rollout/back\\x1b]0;owned\\x07end\\u{202e} IN DOUBT"), "{list}");
    assert!(text(&audit(&trail, &["list", "--outcome", "verified"])).contains("no operation fits"));
    let bogus = audit(&trail, &["list", "--outcome", "bogus"]);
    assert!(code(&bogus) == 2 && text(&bogus).contains("one of verified, failed,"), "{bogus:?}");
    let show = audit(&trail, &["show", action.short()]);
    assert!(code(&show) == 0 && text(&show).contains("IN DOUBT step 1: intent at line 2"), "{show:?}");
    assert_eq!(code(&audit(&trail, &["show", "ffffffff"])), 2);

    let resolve = |outcome: &str| {
        let args = ["resolve", action.short(), "--outcome", outcome, "--reason", "kubectl shows it is not aborted"];
        audit(&trail, &args)
    };
    assert_eq!(code(&resolve("unknown")), 2);
    let resolved = resolve("no-effect");
    assert_eq!(code(&resolved), 0, "{resolved:?}");
    assert_eq!(code(&resolve("no-effect")), 2, "resolved twice");
    let verified: serde_json::Value = serde_json::from_str(&text(&audit(&trail, &["verify", "--json"]))).unwrap();
    assert_eq!((&verified["whole"], verified["in_doubt"].as_array().unwrap().len()), (&true.into(), 0));
    let listed: serde_json::Value = serde_json::from_str(&text(&audit(&trail, &["list", "--json"]))).unwrap();
    assert_eq!((&listed["schema"], &listed["operations"][0]["state"]), (&1.into(), &"no-effect".into()));
    let shown: serde_json::Value =
        serde_json::from_str(&text(&audit(&trail, &["show", action.as_str(), "--json"]))).unwrap();
    assert_eq!(shown["records"][1]["data"]["reason"], "kubectl shows it is not aborted");

    for (format, expected) in [("jsonl", "\"kind\":\"resolve\""), ("csv", ",resolve,"), ("md", "| no-effect |")] {
        let export = text(&audit(&trail, &["export", "--format", format]));
        assert!(export.contains(expected), "{export}");
    }
}

#[test]
fn damage_has_its_exit_code_and_place() {
    let folder = tempfile::tempdir().unwrap();
    let trail = folder.path();
    killed(trail);
    let checkpoint = folder.path().join("checkpoint.json");
    std::fs::write(&checkpoint, audit(trail, &["verify", "--json"]).stdout).unwrap();
    let segment = std::fs::read_dir(trail).unwrap().map(|entry| entry.unwrap().path()).find(|path| path.is_dir());
    let file = segment.unwrap().join("000001.jsonl");
    let whole = std::fs::read_to_string(&file).unwrap();
    let lines: Vec<&str> = whole.split_inclusive('\n').collect();
    let against = |args: &[&str]| audit(trail, &[&["verify"], args].concat());
    let anchored = ["--checkpoint", checkpoint.to_str().unwrap()];

    std::fs::write(&file, whole.replace("prod-eu", "prod-us")).unwrap();
    let altered = against(&[]);
    let place = format!("000001.jsonl:2 (byte {})", lines[0].len());
    assert!(code(&altered) == 1 && text(&altered).contains(&place), "{altered:?}");
    std::fs::write(&file, format!("{whole}{{\"v\":1")).unwrap();
    assert_eq!(code(&against(&[])), 2);
    std::fs::write(&file, lines[..2].concat()).unwrap();
    assert_eq!((code(&against(&[])), code(&against(&anchored))), (4, 3));
    std::fs::write(&file, &whole).unwrap();
    assert_eq!(code(&against(&anchored)), 4);
}

/// The exit code and what is told, within 5 s: a pipe must not make anybody wait.
fn in_time(trail: &Path, args: &[&str]) -> (i32, String) {
    let mut bounded = Command::new("timeout");
    bounded.args(["-s", "KILL", "5", env!("CARGO_BIN_EXE_tierdeck"), "audit", "--dir"]).arg(trail).args(args);
    let output = bounded.output().unwrap();
    (output.status.code().unwrap_or(-1), text(&output))
}

#[test]
fn what_is_no_segment_or_no_checkpoint_is_told_and_never_waited_for() {
    let folder = tempfile::tempdir().unwrap();
    let trail = folder.path().join("audit");
    let action = killed(&trail);
    let other = trail.join("20261120T000000Z-bastion-1-00000001");
    std::fs::create_dir(&other).unwrap();
    let segment = other.join("000001.jsonl");
    let link = |to: &str| std::os::unix::fs::symlink(to, &segment).unwrap();
    let pipe = || assert!(Command::new("mkfifo").arg(&segment).status().unwrap().success());
    let strange: [&dyn Fn(); 4] =
        [&pipe, &|| link("/dev/zero"), &|| std::fs::create_dir(&segment).unwrap(), &|| link("000001.jsonl")];
    for (index, make) in strange.iter().enumerate() {
        make();
        let (code, told) = in_time(&trail, &["verify"]);
        assert!(code == 1 && told.contains("cannot be read: 000001.jsonl"), "{index}: {code} {told}");
        assert!(told.contains("00000001"), "the stream is named: {told}");
        let (code, list) = in_time(&trail, &["list"]);
        assert!(code == 0 && list.contains("IN DOUBT"), "{index}: the other stream is still read: {code} {list}");
        if segment.is_dir() && !segment.is_symlink() {
            std::fs::remove_dir(&segment).unwrap();
        } else {
            std::fs::remove_file(&segment).unwrap();
        }
    }
    // Nothing, and an empty file.
    for empty in [false, true] {
        if empty {
            std::fs::write(&segment, "").unwrap();
        }
        let (code, told) = in_time(&trail, &["verify"]);
        assert!(code == 2 && told.contains("it has no line"), "{code} {told}");
    }
    // Opening a journal beside a pipe does not wait for it either.
    std::fs::remove_file(&segment).unwrap();
    pipe();
    let resolve = ["resolve", action.as_str(), "--outcome", "failed", "--reason", "x"];
    assert_eq!(in_time(&trail, &resolve).0, 0);
    std::fs::remove_dir_all(&other).unwrap();
    let checkpoint = folder.path().join("pipe");
    assert!(Command::new("mkfifo").arg(&checkpoint).status().unwrap().success());
    for file in [checkpoint.to_str().unwrap(), "/dev/zero"] {
        let (code, told) = in_time(&trail, &["verify", "--checkpoint", file]);
        assert!(code == 2 && told.contains("is no regular file"), "{code} {told}");
    }
}

#[test]
fn a_disk_without_room_refuses_with_a_sentence_and_still_reads() {
    let folder = tempfile::tempdir().unwrap();
    let action = killed(folder.path());
    let before = std::fs::read(only_segment(folder.path())).unwrap();
    // No file may grow: the kernel refuses every write to one, as a full disk does.
    let script = format!(
        "trap '' XFSZ; ulimit -f 0; exec {} audit --dir {} \"$@\"",
        env!("CARGO_BIN_EXE_tierdeck"),
        folder.path().display()
    );
    let run = |args: &[&str]| Command::new("sh").args(["-c", &script, "sh"]).args(args).output().unwrap();
    let refused = run(&["resolve", action.as_str(), "--outcome", "failed", "--reason", "x"]);
    assert!(code(&refused) == 1 && text(&refused).contains("has no room"), "{refused:?}");
    let list = run(&["list"]);
    assert!(code(&list) == 0 && text(&list).contains("IN DOUBT"), "{list:?}");
    let streams = std::fs::read_dir(folder.path()).unwrap().map(|entry| entry.unwrap().path());
    let intact = streams.map(|path| std::fs::read(path.join("000001.jsonl")).unwrap()).any(|bytes| bytes == before);
    assert!(intact);
    assert_eq!(code(&audit(folder.path(), &["verify"])), 4);
}
