//! Operations of world `shop-mixed` from trigger to outcome: Aurora, CloudNativePG, and owners that put things back.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::operations::{audit, mutations};
use crate::pty::terminal::Terminal;
use crate::support::{Report, Shop, busy, quiet};

/// How much faster than the wall's the world's time goes: verifications hold for a minute of it.
const SPEED: f64 = 6.0;
/// The longest that an operation may take to its outcome.
const PATIENCE: Duration = Duration::from_secs(90);

/// A console on a world, once its database is seen.
fn console(shop: &Shop) -> Terminal {
    let config = shop.demo.endpoints().config.display().to_string();
    let terminal = Terminal::start(&["--config", &config], (120, 40));
    terminal.until("the database", |screen| {
        let judged = |line: &String| [" ok ", " warn ", " WARN ", " CRIT "].iter().any(|word| line.contains(word));
        screen.iter().any(|line| line.contains("database") && judged(line))
    });
    terminal
}

fn command(terminal: &mut Terminal, text: &str) {
    terminal.keys(":");
    terminal.keys(&format!("{text}\r"));
}

/// Opens the card of an operation, as soon as the board knows its target, and waits until it can be read.
fn open(terminal: &mut Terminal, operation: &str) {
    command(terminal, operation);
    let shows = |terminal: &Terminal, text: &str| terminal.screen().iter().any(|line| line.contains(text));
    for _ in 0..60 {
        if shows(terminal, "GUARDS") {
            // What is typed before the card can be read does not count.
            std::thread::sleep(Duration::from_millis(700));
            return;
        }
        if shows(terminal, "nothing that can be operated") {
            terminal.keys("\r");
        }
        std::thread::sleep(Duration::from_millis(500));
    }
    panic!("no card:\n{}", terminal.screen().join("\n"));
}

/// Types as a hand does, until the card has all of it: what comes at once, as on a machine under load, is a paste and is
/// not taken.
fn confirm(terminal: &mut Terminal, token: &str) {
    terminal.until_text(&format!("type to confirm: {token}"));
    for _ in 0..5 {
        for letter in token.chars() {
            terminal.keys(&letter.to_string());
            std::thread::sleep(Duration::from_millis(40));
        }
        std::thread::sleep(Duration::from_millis(1_000));
        if !terminal.screen().iter().any(|line| line.contains("still needed: the name")) {
            return;
        }
        for _ in token.chars() {
            terminal.keys("\x7f");
            std::thread::sleep(Duration::from_millis(40));
        }
    }
    panic!("the name is not taken:\n{}", terminal.screen().join("\n"));
}

/// Arms, opens the card of an operation and confirms it with its name where that is wanted.
fn fire(terminal: &mut Terminal, operation: &str, token: Option<&str>) {
    command(terminal, "arm 15m a drill");
    terminal.until_text("ARMED");
    open(terminal, operation);
    if let Some(token) = token {
        confirm(terminal, token);
    }
    // Until the guards have been evaluated the key does not count, and again only after a pause.
    for _ in 0..10 {
        std::thread::sleep(Duration::from_millis(100));
        terminal.keys("\x07");
        std::thread::sleep(Duration::from_millis(1_400));
        if !terminal.screen().iter().any(|line| line.contains("[ ^G ]")) {
            return;
        }
    }
    panic!("it does not fire:\n{}", terminal.screen().join("\n"));
}

fn outcome(terminal: &Terminal, word: &str) -> String {
    const ENDS: [&str; 6] = ["VERIFIED", "NO EFFECT", "OVERRIDDEN", "FAILED", "UNKNOWN", "PARTLY DONE"];
    let ended = |screen: &[String]| screen.iter().any(|line| ENDS.iter().any(|end| line.contains(end)));
    let screen = terminal.until_in(PATIENCE, "an outcome", ended).join("\n");
    assert!(screen.contains(word), "not {word}:\n{screen}");
    screen
}

/// The records of a kind in the trail, as exported.
fn records(shop: &Shop, kind: &str) -> Vec<Value> {
    let config = shop.demo.endpoints().config.display().to_string();
    let (code, told) = audit(&config, &["verify"]);
    assert_eq!(code, Some(0), "{told}");
    let (_, lines) = audit(&config, &["export", "--format", "jsonl"]);
    let all = lines.lines().map(|line| serde_json::from_str::<Value>(line).expect("JSON"));
    all.filter(|record| record["kind"] == kind).collect()
}

/// The outage that the only verification in the trail tells, in seconds.
fn told_outage(shop: &Shop) -> f64 {
    let verified = records(shop, "verify");
    let told = verified.first().map(Value::to_string).unwrap_or_default();
    let told = told.split("\"outage_ms\":").nth(1).and_then(|rest| rest.split([',', '}']).next()?.parse::<f64>().ok());
    told.unwrap_or_else(|| panic!("no outage in {verified:?}")) / 1_000.0
}

fn component<'a>(report: &'a Report, id: &str) -> &'a Value {
    report.components().find(|row| row["id"] == id).unwrap_or_else(|| panic!("no {id} in {}", report.summary()))
}

#[test]
fn the_ordinary_clients_show_both_clusters() {
    let _machine = busy();
    let shop = Shop::mixed("calm", 1, 1.0);
    let lags = ["db.aurora.lag", "db.cnpg.lag"];
    let told = |report: &Report| lags.iter().all(|lag| report.0.to_string().contains(lag));
    let report = shop.console().until(PATIENCE, told).unwrap_or_else(|report| panic!("{}", report.summary()));
    assert_eq!((&report.0["health"], &report.0["evidence"]), (&"ok".into(), &"full".into()), "{}", report.summary());
    for (id, lag) in [("db-cluster/eu-west-1/orders-db", "db.aurora.lag"), ("db-cluster/shop/ledger", "db.cnpg.lag")] {
        let row = component(&report, id);
        assert_eq!(row["health"], "ok", "{row:#}");
        assert!(row.to_string().contains(lag), "{id} tells no {lag}: {row:#}");
    }
}

#[test]
fn an_aurora_cluster_fails_over_to_the_chosen_reader_and_is_verified() {
    let _machine = busy();
    let shop = Shop::mixed("calm", 1, SPEED);
    let mut terminal = console(&shop);
    fire(&mut terminal, "failover orders-db orders-db-3", Some("orders-db@prod-eu"));
    outcome(&terminal, "VERIFIED");
    let sent = mutations(&shop, "FailoverDBCluster");
    assert_eq!(sent.len(), 1, "{sent:?}");
    assert!(sent[0]["body"].as_str().unwrap().contains("TargetDBInstanceIdentifier=orders-db-3"), "{sent:?}");
    terminal.keys("\x1b");
    terminal.until_text("TIER");
    terminal.keys("q");
    assert_eq!(terminal.ended(), 0);
    let outage = told_outage(&shop);
    // How exact it is, another test measures at the world's own pace.
    assert!(outage > 5.0, "{outage}");
}

#[test]
fn a_failover_that_aurora_gives_up_has_no_effect() {
    let _machine = busy();
    let shop = Shop::mixed("calm", 2, SPEED);
    let mut terminal = console(&shop);
    assert_eq!(shop.demo.command("abandon-failover"), "ok abandon-failover");
    fire(&mut terminal, "failover orders-db orders-db-2", Some("orders-db@prod-eu"));
    let screen = outcome(&terminal, "NO EFFECT");
    assert!(screen.contains("Promoting previous primary again"), "{screen}");
}

#[test]
fn a_ledger_whose_replicas_lag_is_not_switched_over_while_its_primary_lives() {
    let _machine = busy();
    let shop = Shop::mixed("ledger-lag", 1, 1.0);
    let mut terminal = console(&shop);
    command(&mut terminal, "arm 15m a drill");
    open(&mut terminal, "failover ledger ledger-2");
    let screen =
        terminal.until_in(PATIENCE, "a refusal", |screen| screen.iter().any(|line| line.contains("exceeds the RPO")));
    std::thread::sleep(Duration::from_millis(700));
    terminal.keys("\x07");
    assert!(mutations(&shop, "clusters/ledger").is_empty(), "{}", screen.join("\n"));
}

#[test]
fn a_dead_primary_is_followed_only_once_the_loss_is_acknowledged() {
    let _machine = busy();
    let shop = Shop::mixed("ledger-dead", 1, 1.0);
    let mut terminal = console(&shop);
    command(&mut terminal, "arm 15m the ledger is dead");
    open(&mut terminal, "failover ledger ledger-2");
    let screen = terminal
        .until_in(PATIENCE, "a refusal", |screen| screen.iter().any(|line| line.contains("acknowledge the loss")));
    assert!(screen.iter().any(|line| line.contains("dead")), "{}", screen.join("\n"));
    assert!(mutations(&shop, "clusters/ledger").is_empty());
}

#[test]
fn a_healthy_ledger_is_switched_over_and_verified() {
    let _machine = busy();
    let shop = Shop::mixed("calm", 3, SPEED);
    let mut terminal = console(&shop);
    fire(&mut terminal, "failover ledger ledger-3", Some("ledger@prod-eu"));
    outcome(&terminal, "VERIFIED");
    assert_eq!(mutations(&shop, "clusters/ledger/status").len(), 1);
}

#[test]
fn a_scale_that_its_owner_puts_back_is_told_as_overridden() {
    let _machine = busy();
    let shop = Shop::mixed("calm", 4, SPEED);
    let mut terminal = console(&shop);
    fire(&mut terminal, "scale payments 8", None);
    outcome(&terminal, "OVERRIDDEN");
}

#[test]
fn with_its_owner_suspended_a_scale_holds_and_a_debt_stands() {
    let _machine = busy();
    let shop = Shop::mixed("calm", 5, SPEED);
    let mut terminal = console(&shop);
    fire(&mut terminal, "suspend-sync payments", None);
    outcome(&terminal, "VERIFIED");
    terminal.keys("\x1b");
    terminal.until_text("TIER");
    fire(&mut terminal, "scale payments 8", None);
    outcome(&terminal, "VERIFIED");
    let debts = records(&shop, "debt");
    assert_eq!(debts.len(), 1, "{debts:?}");
    terminal.keys("\x1b");
    terminal.until_text("TIER");
    fire(&mut terminal, "resume-sync payments", None);
    outcome(&terminal, "VERIFIED");
}

/// Writes a row a second of world time, each on a connection of its own, as an application without a pool would.
fn keep_writing(
    address: SocketAddr,
    every: Duration,
    stop: Arc<AtomicBool>,
) -> std::thread::JoinHandle<Vec<(Instant, bool)>> {
    std::thread::spawn(move || {
        let mut told = Vec::new();
        while !stop.load(Ordering::Relaxed) {
            let began = Instant::now();
            told.push((began, insert(address).unwrap_or(false)));
            std::thread::sleep(every.saturating_sub(began.elapsed()));
        }
        told
    })
}

fn insert(address: SocketAddr) -> std::io::Result<bool> {
    let patience = Some(Duration::from_secs(1));
    let mut stream = TcpStream::connect_timeout(&address, Duration::from_secs(1))?;
    stream.set_read_timeout(patience)?;
    stream.write_all(b"\0\0\0\x14\0\x03\0\0user\0audit\0\0")?;
    let statement = b"INSERT INTO audit VALUES (1)\0";
    stream.write_all(&[&b"Q"[..], &(statement.len() as u32 + 4).to_be_bytes(), statement].concat())?;
    let mut ready = 0;
    let mut written = false;
    while ready < 2 {
        let mut head = [0; 5];
        stream.read_exact(&mut head)?;
        let mut body = vec![0; u32::from_be_bytes([head[1], head[2], head[3], head[4]]) as usize - 4];
        stream.read_exact(&mut body)?;
        ready += i32::from(head[0] == b'Z');
        written |= head[0] == b'C' && body.starts_with(b"INSERT");
    }
    Ok(written)
}

#[test]
fn the_measured_outage_is_that_of_an_independent_writer() {
    let _machine = quiet();
    const MEASURED_AT: f64 = 2.0;
    let shop = Shop::mixed("calm", 6, MEASURED_AT);
    let probe = shop.demo.endpoints().probes.iter().find(|probe| probe.name == "orders-db").expect("a database");
    let stop = Arc::new(AtomicBool::new(false));
    let writer = keep_writing(probe.address, Duration::from_secs_f64(1.0 / MEASURED_AT), stop.clone());
    let mut terminal = console(&shop);
    fire(&mut terminal, "failover orders-db orders-db-2", Some("orders-db@prod-eu"));
    terminal.until_in(Duration::from_secs(150), "an outcome", |screen| {
        screen.iter().any(|line| line.contains("VERIFIED") || line.contains("FAILED") || line.contains("UNKNOWN"))
    });
    stop.store(true, Ordering::Relaxed);
    let rows = writer.join().expect("the writer");
    let first = rows.iter().position(|(_, written)| !written).expect("an outage");
    let back = rows.iter().skip(first).find(|(_, written)| *written).expect("and its end").0;
    assert!(rows.iter().skip(first).filter(|(at, _)| *at > back).all(|(_, written)| *written), "it stays well");
    let seen = back.duration_since(rows[first].0).as_secs_f64() * MEASURED_AT;
    let told = told_outage(&shop);
    assert!((seen - told).abs() <= 2.0, "the writer was out for {seen} s, the console says {told} s");
}

#[test]
fn a_number_that_an_autoscaler_owns_is_refused_with_its_bounds() {
    let _machine = busy();
    let shop = Shop::mixed("calm", 7, 1.0);
    let mut terminal = console(&shop);
    open(&mut terminal, "scale frontend 12");
    terminal.until_text("change its bounds instead: bounds 4 12");
    std::thread::sleep(Duration::from_millis(700));
    terminal.keys("\x07");
    std::thread::sleep(Duration::from_millis(500));
    assert!(mutations(&shop, "frontend").is_empty(), "{:?}", mutations(&shop, "frontend"));
}
