//! World `shop-mixed` over the wire: Aurora, CloudNativePG and two owners that put back what was changed.

use serde_json::Value;

use super::*;

const FAILOVER: &str = "Action=FailoverDBCluster&DBClusterIdentifier=orders-db";
const CLUSTER: &str = "Action=DescribeDBClusters&DBClusterIdentifier=orders-db";
const LEDGER: &str = "/apis/postgresql.cnpg.io/v1/namespaces/shop/clusters/ledger";
const MERGE: &str = "Content-Type: application/merge-patch+json\r\n";

fn mixed(scenario: &str, seed: u64) -> Demo {
    demo_of("shop-mixed", scenario, seed)
}

fn writer(demo: &Demo) -> String {
    let (_, answer) = aws(demo, "rds", CLUSTER);
    let members = texts(&answer, "DBClusterMember");
    let writers: Vec<_> = members.iter().filter(|it| text(it, "IsClusterWriter") == "true").collect();
    assert_eq!(writers.len(), 1, "{answer}");
    text(writers[0], "DBInstanceIdentifier").to_owned()
}

fn get(demo: &Demo, path: &str) -> Value {
    let (status, body) = send(demo, "kubernetes", "GET", path, "", "");
    assert_eq!(status, 200, "{body}");
    serde_json::from_str(&body).expect("JSON")
}

fn messages(demo: &Demo, kind: &str, source: &str) -> Vec<String> {
    let form = format!("Action=DescribeEvents&SourceType={kind}&SourceIdentifier={source}&Duration=20");
    texts(&aws(demo, "rds", &form).1, "Message").into_iter().map(str::to_owned).collect()
}

#[test]
fn an_aurora_cluster_fails_over_to_the_reader_that_was_named() {
    for (seed, target) in [(1, "orders-db-2"), (2, "orders-db-3")] {
        let demo = mixed("calm", seed);
        assert!(insert(&demo) && failing(&demo) < 0.005);
        assert_eq!(writer(&demo), "orders-db-1");
        let form = format!("{FAILOVER}&TargetDBInstanceIdentifier={target}");
        let (status, answer) = aws(&demo, "rds", &form);
        assert_eq!((status, text(&answer, "Status")), (200, "failing-over"), "{answer}");
        let again = aws(&demo, "rds", &form);
        assert_eq!((again.0, text(&again.1, "Code")), (400, "InvalidDBClusterStateFault"));
        let (mut outage, mut moved) = (0, None);
        for second in 1..=70 {
            demo.handle().advance(1_000);
            let taken = |world: &world::World| {
                let service = &world.stores.network.tcp[0];
                service.up && !service.read_only
            };
            outage += i32::from(!demo.production().read(taken));
            if moved.is_none() && writer(&demo) == target {
                moved = Some(second);
            }
        }
        assert!((14..=38).contains(&outage), "{outage}");
        assert!(moved.is_some_and(|second| (10..40).contains(&second)), "{moved:?}");
        let (_, told) = aws(&demo, "rds", CLUSTER);
        assert_eq!(text(&told, "Status"), "available");
        assert!(insert(&demo) && failing(&demo) < 0.005, "{}", failing(&demo));
        assert_eq!(
            messages(&demo, "db-cluster", "orders-db"),
            [
                format!("Started cross AZ failover to DB instance: {target}"),
                format!("Completed failover to DB instance: {target}")
            ]
        );
        assert_eq!(messages(&demo, "db-instance", target), ["DB instance shutdown", "DB instance restarted"]);
    }
}

#[test]
fn what_aurora_refuses_or_abandons_changes_nothing() {
    let demo = mixed("calm", 1);
    for (form, code, error) in [
        ("Action=FailoverDBCluster&DBClusterIdentifier=nobody".to_owned(), 404, "DBClusterNotFoundFault"),
        (format!("{FAILOVER}&TargetDBInstanceIdentifier=ledger-1"), 400, "InvalidParameterValue"),
        (format!("{FAILOVER}&TargetDBInstanceIdentifier=orders-db-1"), 400, "InvalidParameterValue"),
    ] {
        let (status, answer) = aws(&demo, "rds", &form);
        assert_eq!((status, text(&answer, "Code")), (code, error), "{answer}");
    }
    assert_eq!(demo.command("abandon-failover"), "ok abandon-failover");
    assert_eq!(aws(&demo, "rds", FAILOVER).0, 200);
    demo.handle().advance(30_000);
    assert_eq!(writer(&demo), "orders-db-1");
    assert!(insert(&demo));
    let told = messages(&demo, "db-cluster", "orders-db");
    assert_eq!(told.last().map(String::as_str), Some("Promoting previous primary again: orders-db-1"));
}

fn ledger(demo: &Demo) -> (String, String, String, u64) {
    let object = get(demo, LEDGER);
    let status = |name: &str| object["status"][name].as_str().unwrap_or_default().to_owned();
    let ready = object["status"]["readyInstances"].as_u64().unwrap_or_default();
    (status("currentPrimary"), status("targetPrimary"), status("phase"), ready)
}

fn healthy(primary: &str) -> (String, String, String, u64) {
    (primary.to_owned(), primary.to_owned(), "Cluster in healthy state".to_owned(), 3)
}

fn promote(demo: &Demo, instance: &str) -> u16 {
    let body = format!(r#"{{"status":{{"targetPrimary":"{instance}","phase":"Switchover in progress"}}}}"#);
    send(demo, "kubernetes", "PATCH", &format!("{LEDGER}/status"), MERGE, &body).0
}

fn instance(demo: &Demo, pod: &str) -> (u16, Value) {
    let path = format!("/api/v1/namespaces/shop/pods/https:{pod}:8000/proxy/pg/status");
    let (status, body) = send(demo, "kubernetes", "GET", &path, "", "");
    (status, serde_json::from_str(&body).expect("JSON"))
}

fn recovery(demo: &Demo) -> Option<u8> {
    let answer = query(demo, "ledger", "SELECT pg_is_in_recovery()").ok()?;
    answer.into_iter().find(|(kind, _)| *kind == b'D').and_then(|(_, row)| row.last().copied())
}

fn payments_failing(demo: &Demo) -> f64 {
    demo.production().read(|world| world.flow().service("payments").map_or(0.0, world::flow::ServiceFlow::error_ratio))
}

#[test]
fn a_ledger_whose_primary_lives_switches_over_without_a_loss() {
    let demo = mixed("ledger-lag", 1);
    demo.handle().advance(10_000);
    assert_eq!(ledger(&demo), healthy("ledger-1"));
    let (one, two) = (instance(&demo, "ledger-1").1, instance(&demo, "ledger-2").1);
    assert_eq!(
        (&one["isPrimary"], &two["isPrimary"], &two["isWalReceiverActive"]),
        (&true.into(), &false.into(), &true.into())
    );
    assert_ne!(one["currentLsn"], two["receivedLsn"], "the replica is behind");
    assert_eq!(recovery(&demo), Some(b'f'));
    assert_eq!(promote(&demo, "ledger-2"), 200);
    let mut phases = Vec::new();
    for _ in 0..120 {
        demo.handle().advance(1_000);
        let (_, _, phase, _) = ledger(&demo);
        if phases.last() != Some(&phase) {
            phases.push(phase);
        }
    }
    assert_eq!(
        phases,
        ["Switchover in progress", "Waiting for the instances to become active", "Cluster in healthy state"]
    );
    assert_eq!(ledger(&demo), healthy("ledger-2"));
    assert!(recovery(&demo) == Some(b'f') && payments_failing(&demo) < 0.005, "{}", payments_failing(&demo));
    let pods = get(&demo, "/api/v1/namespaces/shop/pods?labelSelector=cnpg.io%2Fcluster%3Dledger%2Crole%3Dprimary");
    assert_eq!(pods["items"][0]["metadata"]["name"], "ledger-2");
    assert_eq!(pods["items"].as_array().map(Vec::len), Some(1));
}

#[test]
fn a_dead_primary_is_followed_by_hand_at_once_or_by_the_operator_in_its_time() {
    for by_hand in [true, false] {
        let demo = mixed("ledger-dead", 3);
        demo.handle().advance(10_000);
        let (current, target, phase, ready) = ledger(&demo);
        assert_eq!((current.as_str(), target.as_str(), ready), ("ledger-1", "ledger-1", 2));
        assert_eq!(phase, "Waiting for the instances to become active");
        assert!(payments_failing(&demo) > 0.99 && recovery(&demo).is_none());
        assert_eq!(instance(&demo, "ledger-1").0, 503);
        assert_eq!(instance(&demo, "ledger-2").1["isWalReceiverActive"], false);
        if by_hand {
            assert_eq!(promote(&demo, "ledger-3"), 200);
        }
        demo.handle().advance(if by_hand { 90_000 } else { 700_000 });
        // The operator takes the one that has received most.
        assert_eq!(ledger(&demo), healthy(if by_hand { "ledger-3" } else { "ledger-2" }), "by hand: {by_hand}");
        demo.handle().advance(5_000);
        assert!(payments_failing(&demo) < 0.005, "{}", payments_failing(&demo));
    }
}

#[test]
fn owners_put_back_what_was_changed_unless_they_are_suspended() {
    let demo = mixed("calm", 1);
    let scale = |path: &str| send(&demo, "kubernetes", "PATCH", path, MERGE, r#"{"spec":{"replicas":8}}"#).0;
    let replicas = |path: &str| get(&demo, path)["spec"]["replicas"].as_u64().unwrap_or_default();
    let payments = "/apis/argoproj.io/v1alpha1/namespaces/shop/rollouts/payments";
    let worker = "/apis/apps/v1/namespaces/shop/deployments/worker";
    let kustomization = "/apis/kustomize.toolkit.fluxcd.io/v1/namespaces/flux-system/kustomizations/worker";
    for (path, before, within) in [(payments, 5, 12_000), (worker, 2, 62_000)] {
        assert_eq!((replicas(path), scale(path)), (before, 200));
        demo.handle().advance(1_000);
        assert_eq!(replicas(path), 8);
        demo.handle().advance(within);
        assert_eq!(replicas(path), before, "{path}");
    }
    assert_eq!(get(&demo, worker)["metadata"]["labels"]["kustomize.toolkit.fluxcd.io/name"], "worker");
    for suspended in [true, false] {
        let body = format!(r#"{{"spec":{{"suspend":{suspended}}}}}"#);
        assert_eq!(send(&demo, "kubernetes", "PATCH", kustomization, MERGE, &body).0, 200);
        assert_eq!(get(&demo, kustomization)["spec"]["suspend"].as_bool().unwrap_or_default(), suspended);
        if suspended {
            assert_eq!(scale(worker), 200);
        }
        demo.handle().advance(130_000);
        assert_eq!(replicas(worker), if suspended { 8 } else { 2 });
    }
}
