//! Kill -9 at random instants: what was at the server had its durable intent, the chain holds, and the next start lists
//! everything that is in doubt.

use std::collections::BTreeSet;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;
use sha2::{Digest as _, Sha256};
use tierdeck::audit::history::{BUDGET, Reader};
use tierdeck::audit::record::Text;

use super::{audit, lines, of_kind, requests, session};
use crate::support::{Shop, busy};

/// How many, in `cargo test`; the whole thousand with this variable.
const KILLS: usize = 24;
const MANY: &str = "TIERDECK_KILLS";

/// SplitMix64: the instants differ from run to run by the seed that a failure prints.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, below: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (mixed ^ (mixed >> 31)) % below
    }
}

/// The text that an intent's `body` is the digest of, of a request as the world saw it.
fn canonical(request: &Value) -> String {
    let text = |name: &str| request[name].as_str().unwrap_or_default().to_owned();
    let path = text("path");
    format!("{} {} application/merge-patch+json\n{}", text("method"), path, text("body"))
}

fn hex(text: &str) -> String {
    Sha256::digest(text).iter().map(|byte| format!("{byte:02x}")).collect()
}

/// What the session of that process has written so far.
fn written(trail: &Path, process: u32) -> String {
    let streams = std::fs::read_dir(trail).into_iter().flatten().map(|entry| entry.unwrap().path());
    let own = format!("-{process}-");
    let mut own = streams.filter(|path| path.file_name().is_some_and(|name| name.to_string_lossy().contains(&own)));
    own.next().and_then(|path| std::fs::read_to_string(path.join("000001.jsonl")).ok()).unwrap_or_default()
}

/// Starts a session and kills it at any time from its first line on, mostly in the middle of its work; a third of them
/// while the server holds its reply.
fn kill_one(shop: &Shop, trail: &Path, dice: &mut Dice, number: usize) {
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args(["--ignored", "--exact", "--nocapture", session::NAME])
        .env(session::CONFIG, &shop.demo.endpoints().config)
        .env(session::TRAIL, trail)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let begun = Instant::now();
    let sign = if number % 4 == 1 { "session-start" } else { "\"outcome\"" };
    while !written(trail, child.id()).contains(sign) {
        assert!(begun.elapsed() < Duration::from_secs(60), "the session did not begin");
        std::thread::sleep(Duration::from_millis(2));
    }
    std::thread::sleep(Duration::from_micros(dice.roll(120_000)));
    // The server does what it is asked and does not say so, or does not even read it.
    let (silence, speech) = if number.is_multiple_of(2) { ("withhold", "answer") } else { ("hang", "start") };
    let holds = number.is_multiple_of(3);
    if holds {
        assert!(shop.demo.command(&format!("{silence} kubernetes")).starts_with("ok"));
        std::thread::sleep(Duration::from_micros(40_000 + dice.roll(40_000)));
    }
    child.kill().unwrap();
    child.wait().unwrap();
    if holds {
        assert!(shop.demo.command(&format!("{speech} kubernetes")).starts_with("ok"));
    }
}

/// Operation ids of intents without an answer, by the lines alone.
fn dangling(lines: &[Value]) -> BTreeSet<String> {
    let id = |line: &Value| line["action"].as_str().unwrap_or_default().to_owned();
    let answered: BTreeSet<String> = of_kind(lines, "outcome").map(id).collect();
    of_kind(lines, "intent").map(id).filter(|id| !answered.contains(id)).collect()
}

#[test]
fn whenever_it_is_killed_nothing_was_sent_without_a_durable_intent() {
    let _machine = busy();
    let shop = Shop::running("calm", 11);
    let folder = tempfile::tempdir().unwrap();
    let trail = folder.path().join("audit");
    let seed = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap().as_nanos() as u64;
    let mut dice = Dice(seed);
    let kills = std::env::var(MANY).ok().and_then(|text| text.parse().ok()).unwrap_or(KILLS);
    for number in 0..kills {
        kill_one(&shop, &trail, &mut dice, number);
    }
    // What the killed ones left on the wire is read by the server after them.
    std::thread::sleep(Duration::from_millis(500));
    let seen: Vec<String> = requests(&shop).iter().map(|request| hex(&canonical(request))).collect();
    let lines = lines(&trail);
    let intents: Vec<&str> =
        of_kind(&lines, "intent").map(|line| line["data"]["request"]["body"].as_str().unwrap()).collect();
    let told = format!("seed {seed}: {} requests, {} intents", seen.len(), intents.len());
    assert!(seen.len() > kills && intents.len() >= seen.len(), "{told}");
    let unique: BTreeSet<&str> = intents.iter().copied().collect();
    assert_eq!(unique.len(), intents.len(), "{told}: an intent stands twice");
    let without: Vec<&String> = seen.iter().filter(|seen| !unique.contains(seen.as_str())).collect();
    assert!(without.is_empty(), "{told}: sent without an intent: {without:?}");
    assert_eq!(seen.iter().collect::<BTreeSet<_>>().len(), seen.len(), "{told}: something was sent twice");

    let open = dangling(&lines);
    assert!(open.len() * 5 >= kills, "{told}: only {} of {kills} fell between intent and reply", open.len());
    let reader = Reader { who: Text::name("tester@here"), own: Vec::new(), places: vec![trail.clone()] };
    let history = reader.read(BUDGET);
    let listed: BTreeSet<String> = history.in_doubt.iter().map(|row| row.action.as_str().to_owned()).collect();
    assert_eq!(listed, open, "{told}");
    assert!(history.in_flight.is_empty(), "the killed are not alive: {:?}", history.in_flight);
    // A start sets torn ends aside; then the whole trail is in order but for what is in doubt.
    let first = open.first().expect("a doubt");
    let (code, said) = audit(&trail, &["resolve", first, "--outcome", "no-effect", "--reason", "the test looked"]);
    assert_eq!(code, Some(0), "{said}");
    let (code, said) = audit(&trail, &["verify", "--json"]);
    let verified: Value = serde_json::from_str(&said).unwrap();
    assert_eq!((code, &verified["findings"]), (Some(4), &serde_json::json!([])), "{told}");
    assert_eq!(verified["in_doubt"].as_array().map(Vec::len), Some(open.len() - 1), "{told}");
}
