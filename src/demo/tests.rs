//! A whole demo over the wire: raw requests as the AWS CLI, kubectl and a database client send them, and what becomes of
//! them as the world goes on.

use std::io::{Read, Write};
use std::net::TcpStream;

use super::{Demo, DemoOptions, start, world};

mod mixed;

/// 2026-11-21T10:00:00Z.
const NOW: i64 = 1_795_255_200_000;

fn demo(scenario: &str, seed: u64) -> Demo {
    demo_of("shop-eks", scenario, seed)
}

fn demo_of(world: &str, scenario: &str, seed: u64) -> Demo {
    let world = world::Options { world: world.to_owned(), scenario: scenario.to_owned(), seed, history: 300_000 };
    start(&DemoOptions { world, speed: 0.0, at: Some(NOW) }).expect("a demo")
}

/// Sends one request and returns the status and the body.
fn send(demo: &Demo, server: &str, method: &str, path: &str, headers: &str, body: &str) -> (u16, String) {
    let mut stream = TcpStream::connect(demo.address(server).expect("an address")).expect("a connection");
    let request = format!(
        "{method} {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\nUser-Agent: tierdeck/0.1 (op 7)\r\n{headers}\
         Content-Length: {}\r\n\r\n{body}",
        body.len()
    );
    stream.write_all(request.as_bytes()).expect("sent");
    let mut answer = String::new();
    stream.read_to_string(&mut answer).expect("an answer");
    let status = answer.split(' ').nth(1).and_then(|code| code.parse().ok()).expect("a status");
    (status, answer.split_once("\r\n\r\n").map_or(String::new(), |(_, body)| body.to_owned()))
}

/// An awsQuery call of RDS or ElastiCache.
fn aws(demo: &Demo, service: &str, form: &str) -> (u16, String) {
    let version = if service == "rds" { "2014-10-31" } else { "2015-02-02" };
    let headers = format!(
        "Content-Type: application/x-www-form-urlencoded\r\nAuthorization: AWS4-HMAC-SHA256 \
         Credential=AKIADEMO/20261121/eu-west-1/{service}/aws4_request, SignedHeaders=host, Signature=0\r\n"
    );
    send(demo, "aws", "POST", "/", &headers, &format!("{form}&Version={version}"))
}

/// The texts of all elements of that name.
fn texts<'a>(xml: &'a str, name: &str) -> Vec<&'a str> {
    let (open, close) = (format!("<{name}>"), format!("</{name}>"));
    xml.split(&open).skip(1).filter_map(|rest| rest.split(&close).next()).collect()
}

fn text<'a>(xml: &'a str, name: &str) -> &'a str {
    texts(xml, name).first().copied().unwrap_or_default()
}

const REBOOT: &str = "Action=RebootDBInstance&DBInstanceIdentifier=orders-db&ForceFailover=true";
const INSTANCE: &str = "Action=DescribeDBInstances&DBInstanceIdentifier=orders-db";
const EVENTS: &str = "Action=DescribeEvents&SourceType=db-instance&SourceIdentifier=orders-db&Duration=20";

/// Writes one row as a client of PostgreSQL does. True when the server says that it is written.
fn insert(demo: &Demo) -> bool {
    let answer = query(demo, "orders-db", "INSERT INTO audit VALUES (1)");
    answer.is_ok_and(|messages| messages.contains(&(b'C', b"INSERT 0 1\0".to_vec())))
}

/// What a database answers to one statement on a new connection.
fn query(demo: &Demo, database: &str, statement: &str) -> std::io::Result<Vec<(u8, Vec<u8>)>> {
    let probe = demo.endpoints().probes.iter().find(|p| p.name == database).expect("a database");
    let mut stream = TcpStream::connect(probe.address)?;
    stream.write_all(b"\0\0\0\x14\0\x03\0\0user\0audit\0\0")?;
    read_until_ready(&mut stream)?;
    let statement = [statement.as_bytes(), b"\0"].concat();
    stream.write_all(&[&b"Q"[..], &(statement.len() as u32 + 4).to_be_bytes(), &statement].concat())?;
    read_until_ready(&mut stream)
}

fn read_until_ready(stream: &mut TcpStream) -> std::io::Result<Vec<(u8, Vec<u8>)>> {
    let mut messages = Vec::new();
    loop {
        let mut head = [0; 5];
        stream.read_exact(&mut head)?;
        let length = u32::from_be_bytes([head[1], head[2], head[3], head[4]]) - 4;
        let mut body = vec![0; length as usize];
        stream.read_exact(&mut body)?;
        messages.push((head[0], body));
        if head[0] == b'Z' {
            return Ok(messages);
        }
    }
}

/// Whether a row can be written, once the listener has followed the world.
fn insert_settles(demo: &Demo, expected: bool) {
    for _ in 0..200 {
        if insert(demo) == expected {
            return;
        }
        std::thread::sleep(std::time::Duration::from_millis(10));
    }
    panic!("rows can{} be written", if expected { "not" } else { "" });
}

/// Share of the requests to orders that fail.
fn failing(demo: &Demo) -> f64 {
    demo.production().read(|world| world.flow().service("orders").map_or(0.0, world::flow::ServiceFlow::error_ratio))
}

#[test]
fn a_failover_moves_the_writer_with_an_outage_and_heals_a_degraded_primary() {
    let mut outages = Vec::new();
    for seed in [1, 2] {
        let demo = demo("db-primary-degraded", seed);
        let handle = demo.handle();
        let degraded = failing(&demo);
        assert!(degraded > 0.01 && insert(&demo), "{degraded}");
        let (code, answer) = aws(&demo, "rds", REBOOT);
        assert_eq!((code, text(&answer, "DBInstanceStatus")), (200, "rebooting"), "{answer}");
        let (code, refused) = aws(&demo, "rds", REBOOT);
        assert_eq!((code, text(&refused, "Code")), (400, "InvalidDBInstanceState"));
        let (mut began, mut ended) = (None, None);
        for second in 1..=160 {
            handle.advance(1_000);
            let down = !demo.production().read(|world| world.stores.network.tcp[0].up);
            if down && began.is_none() {
                began = Some(second);
                insert_settles(&demo, false);
            }
            if began.is_some() && !down && ended.is_none() {
                ended = Some(second);
                insert_settles(&demo, true);
            }
            if began == Some(second - 15) {
                assert!(failing(&demo) > 0.99, "every order needs the primary");
            }
        }
        let outage = ended.expect("an end") - began.expect("a beginning");
        assert!((60..=120).contains(&outage), "{outage}");
        outages.push(outage);
        handle.advance(15_000);
        assert!(failing(&demo) < 0.005, "{}", failing(&demo));
        let (_, events) = aws(&demo, "rds", EVENTS);
        assert_eq!(
            texts(&events, "Message"),
            ["Multi-AZ instance failover started.", "Multi-AZ instance failover completed", "DB instance restarted"]
        );
        handle.advance(130_000);
        let (_, now) = aws(&demo, "rds", INSTANCE);
        let told = ["DBInstanceStatus", "AvailabilityZone", "SecondaryAvailabilityZone"].map(|name| text(&now, name));
        assert_eq!(told, ["available", "eu-west-1b", "eu-west-1a"]);
    }
    assert_ne!(outages[0], outages[1], "each seed draws its own");
}

#[test]
fn what_rds_refuses_abandons_or_forgets_changes_nothing() {
    let demo = demo("calm", 1);
    for (form, code, error) in [
        ("Action=RebootDBInstance&DBInstanceIdentifier=nobody&ForceFailover=true", 404, "DBInstanceNotFound"),
        ("Action=RebootDBInstance&ForceFailover=true", 400, "MissingParameter"),
        (
            "Action=RebootDBInstance&DBInstanceIdentifier=orders-db-replica-1&ForceFailover=true",
            400,
            "InvalidParameterCombination",
        ),
    ] {
        let (status, answer) = aws(&demo, "rds", form);
        assert_eq!((status, text(&answer, "Code")), (code, error), "{answer}");
    }
    for (fault, code, error) in [("403", 403, "AccessDenied"), ("500", 500, "InternalFailure")] {
        assert_eq!(demo.command(&format!("{fault} rds")), format!("ok {fault} rds"));
        let (status, answer) = aws(&demo, "rds", REBOOT);
        assert_eq!((status, text(&answer, "Code")), (code, error));
        assert_eq!(demo.command("start rds"), "ok start rds");
    }
    assert_eq!(demo.command("ignore-writes aws"), "ok ignore-writes aws");
    assert_eq!(aws(&demo, "rds", REBOOT).0, 200);
    demo.handle().advance(200_000);
    assert!(texts(&aws(&demo, "rds", EVENTS).1, "Message").is_empty());
    assert_eq!(demo.command("heed-writes aws"), "ok heed-writes aws");
    assert_eq!(demo.command("abandon-failover"), "ok abandon-failover");
    assert_eq!(aws(&demo, "rds", REBOOT).0, 200);
    demo.handle().advance(60_000);
    let (_, events) = aws(&demo, "rds", EVENTS);
    assert!(text(&events, "Message").starts_with("Abandoning user requested failover"), "{events}");
    let (_, now) = aws(&demo, "rds", INSTANCE);
    assert_eq!((text(&now, "DBInstanceStatus"), text(&now, "AvailabilityZone")), ("available", "eu-west-1a"));
    assert!(insert(&demo));
    let seen: serde_json::Value =
        serde_json::from_str(demo.command("requests").strip_prefix("ok requests ").expect("an answer")).expect("JSON");
    assert_eq!(seen.as_array().map(Vec::len), Some(7), "{seen}");
    assert_eq!((&seen[6]["path"], &seen[6]["user_agent"]), (&"RebootDBInstance".into(), &"tierdeck/0.1 (op 7)".into()));
}

#[test]
fn a_replica_of_the_cache_is_promoted_in_three_steps() {
    let demo = demo("calm", 1);
    let modify = |wish: &str| {
        let form =
            format!("Action=ModifyReplicationGroup&ReplicationGroupId=shop-sessions&ApplyImmediately=true&{wish}");
        aws(&demo, "elasticache", &form)
    };
    let promote = "PrimaryClusterId=shop-sessions-002";
    let (code, refused) = modify(promote);
    assert_eq!((code, text(&refused, "Code")), (400, "InvalidParameterCombination"));
    let (code, answer) = modify("AutomaticFailoverEnabled=false&MultiAZEnabled=false");
    assert_eq!((code, text(&answer, "Status")), (200, "modifying"), "{answer}");
    assert_eq!(text(&modify(promote).1, "Code"), "InvalidReplicationGroupState");
    demo.handle().advance(30_000);
    assert_eq!(modify(promote).0, 200);
    demo.handle().advance(30_000);
    let (_, group) = aws(&demo, "elasticache", "Action=DescribeReplicationGroups&ReplicationGroupId=shop-sessions");
    assert_eq!(texts(&group, "CurrentRole"), ["replica", "primary"]);
    assert_eq!((text(&group, "AutomaticFailover"), text(&group, "MultiAZ")), ("disabled", "disabled"));
    assert_eq!(modify("AutomaticFailoverEnabled=true&MultiAZEnabled=true").0, 200);
    demo.handle().advance(30_000);
    assert_eq!(
        aws(&demo, "elasticache", "Action=TestFailover&ReplicationGroupId=shop-sessions&NodeGroupId=0001").0,
        200
    );
    demo.handle().advance(260_000);
    let (_, events) = aws(&demo, "elasticache", "Action=DescribeEvents&Duration=60");
    let told = texts(&events, "Message");
    assert!(told.first().is_some_and(|t| t.contains("Failover from primary node shop-sessions-001")), "{told:?}");
    assert!(told.last().is_some_and(|t| t.starts_with("Finished recovery")), "{told:?}");
    let (_, group) = aws(&demo, "elasticache", "Action=DescribeReplicationGroups&ReplicationGroupId=shop-sessions");
    assert_eq!(texts(&group, "CurrentRole"), ["primary", "replica"]);
}

#[test]
fn a_colleague_takes_an_abort_back_and_controllers_that_sleep_do_nothing() {
    let demo = demo("bad-canary", 2);
    let name = demo.handle().truth().culprit.expect("a culprit").workload;
    let path = format!("/apis/argoproj.io/v1alpha1/namespaces/shop/rollouts/{name}");
    let merge = "Content-Type: application/merge-patch+json\r\n";
    let phase = || {
        let (_, object) = send(&demo, "kubernetes", "GET", &path, "", "");
        let object: serde_json::Value = serde_json::from_str(&object).expect("JSON");
        object["status"]["phase"].as_str().unwrap_or_default().to_owned()
    };
    let abort =
        || send(&demo, "kubernetes", "PATCH", &format!("{path}/status"), merge, r#"{"status":{"abort":true}}"#).0;
    assert_eq!(demo.command("undo"), "error: nothing was changed that could be taken back");
    assert_eq!(demo.command("ignore-writes kubernetes"), "ok ignore-writes kubernetes");
    assert_eq!(abort(), 200);
    demo.handle().advance(120_000);
    assert_eq!(phase(), "Paused", "it is written, and nobody acts on it");
    assert_eq!(demo.command("heed-writes kubernetes"), "ok heed-writes kubernetes");
    demo.handle().advance(2_000);
    assert_eq!(phase(), "Degraded");
    assert_eq!(demo.command("undo"), "ok undo rollouts/".to_owned() + &name);
    demo.handle().advance(60_000);
    assert_eq!(phase(), "Paused");
    assert_eq!(demo.command("ignore-writes toaster"), "error: nothing is written to \"toaster\"");
    let seen = demo.command("requests");
    assert_eq!(seen.matches("\"method\":\"PATCH\"").count(), 1, "{seen}");
}

#[test]
fn a_world_with_operations_is_the_same_in_one_leap_or_in_small_ones() {
    let figures = |leaps: &[i64]| {
        let demo = demo("bad-canary", 2);
        let name = demo.handle().truth().culprit.expect("a culprit").workload;
        let path = format!("/apis/argoproj.io/v1alpha1/namespaces/shop/rollouts/{name}/status");
        let merge = "Content-Type: application/merge-patch+json\r\n";
        demo.handle().advance(3_700);
        aws(&demo, "rds", REBOOT);
        send(&demo, "kubernetes", "PATCH", &path, merge, r#"{"status":{"abort":true}}"#);
        leaps.iter().for_each(|ms| demo.handle().advance(*ms));
        demo.production().read(|world| format!("{:?}", world.flow()))
    };
    assert_eq!(figures(&[90_000]), figures(&[300, 700, 9_000, 30_000, 50_000]));
}
