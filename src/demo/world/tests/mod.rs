//! What must hold of every world: conservation, quiet in calm weather, full history, the drawn truth in the samples.

mod objects;
mod scenarios;

use std::fmt::Write as _;

use super::flow::Flow;
use super::model::Model;
use super::*;
use crate::demo::store::kube::{PODS, ROLLOUTS};
use crate::demo::store::tsdb::{Series, Tsdb};

/// Saturday 2026-11-21 10:00:00 UTC, plus a bit so that nothing falls on a round minute.
const NOW: i64 = 1_795_255_200_000 + 7_321;

fn world(scenario: &str, seed: u64) -> World {
    World::new(&Options { scenario: scenario.to_owned(), seed, ..Options::default() }, NOW).expect("a world")
}

/// A model with this scenario that has not made a step; its history begins ten minutes before `NOW`.
fn model(scenario: &str, seed: u64) -> Model {
    model_at(scenario, seed, NOW)
}

fn model_at(scenario: &str, seed: u64, now: i64) -> Model {
    model_of(&shop::EKS, scenario, seed, now)
}

fn model_of(shop: &'static shop::Shop, scenario: &str, seed: u64, now: i64) -> Model {
    let start = now - 600_000;
    let mut model = Model::settled(shop, seed, start);
    let revisions = |name: &str| model.workload(name).map(|w| (w.stable, w.next_revision()));
    let events = scenario::plan(shop, scenario, seed, now, revisions).expect("a plan").events;
    model.schedule(events);
    model
}

fn steps(model: &mut Model, from: i64, to: i64, step: i64, mut each: impl FnMut(&Model)) {
    let mut at = from;
    while at <= to {
        model.step(at, step as f64 / 1_000.0);
        each(model);
        at += step;
    }
}

fn close(left: f64, right: f64) -> bool {
    (left - right).abs() <= 1e-9 * left.abs().max(right.abs()).max(1.0)
}

/// Rates along the path: what leaves one hop enters the next, and failures surface at every caller.
fn conserved(flow: &Flow) -> Result<(), String> {
    let check = |what: &str, left: f64, right: f64| {
        if close(left, right) { Ok(()) } else { Err(format!("{what} at {}: {left} is not {right}", flow.at)) }
    };
    let entry = flow.entry().ok_or("no entry")?;
    let edge = &flow.edge;
    check("edge", edge.requests, edge.hits + edge.blocked + edge.allowed())?;
    check("load balancer", edge.allowed(), entry.requests)?;
    for service in &flow.services {
        let name = service.spec.workload;
        let callees = || flow.services.iter().filter(|c| c.spec.caller.is_some_and(|(caller, _)| caller == name));
        for callee in callees() {
            let share = callee.spec.caller.map_or(0.0, |(_, share)| share);
            check(callee.spec.workload, callee.requests, (service.requests - service.unserved) * share)?;
        }
        let passed: f64 = callees().map(|c| c.failed).sum();
        check("failures", service.failed, service.own_failed + passed)?;
        if service.own_failed < 0.0 || service.failed > service.requests {
            return Err(format!("{name} at {}: {service:?}", flow.at));
        }
        check("groups", service.groups.iter().map(|g| g.requests).sum::<f64>() + service.unserved, service.requests)?;
        check(
            "group failures",
            service.groups.iter().map(|g| g.failed).sum::<f64>() + service.unserved,
            service.failed,
        )?;
        check("distribution", service.latency.share_below(1e9), 1.0)?;
        let weight: f64 = service.groups.iter().map(|g| g.weight).sum();
        for group in &service.groups {
            check("share", group.requests, service.requests * group.weight / weight)?;
        }
    }
    let needed = |needs: fn(&spec::Needs) -> f64| -> f64 {
        flow.services.iter().map(|s| s.requests * needs(&s.spec.needs)).sum()
    };
    let reads: f64 = flow.databases.iter().filter(|d| d.replica).map(|d| d.queries).sum();
    let writes: f64 = flow.databases.iter().filter(|d| !d.replica).map(|d| d.queries).sum();
    check("writes", writes, needed(|n| n.writes) + flow.worker.done * spec::JOB_WRITES)?;
    check("reads", reads, needed(|n| n.reads))?;
    check("commands", flow.cache.commands, needed(|n| n.cache))
}

#[test]
fn rates_and_failures_are_conserved_at_every_step() {
    for seed in 0..20 {
        let eks = ["bad-canary", "db-primary-degraded", "traffic-drop"].map(|scenario| (&shop::EKS, scenario));
        let mixed = ["db-primary-degraded", "ledger-dead"].map(|scenario| (&shop::MIXED, scenario));
        for (shop, scenario) in eks.into_iter().chain(mixed) {
            let mut model = model_of(shop, scenario, seed, NOW);
            steps(&mut model, NOW - 600_000, NOW + 600_000, STEP, |m| {
                conserved(&m.flow).unwrap_or_else(|broken| panic!("{scenario} {seed}: {broken}"));
            });
        }
    }
}

#[test]
fn a_service_without_pods_fails_at_its_caller() {
    let mut model = Model::settled(&shop::EKS, 3, NOW);
    for workload in model.workloads.iter_mut().filter(|w| w.spec.name == "api-gateway") {
        workload.pods.clear();
        workload.desired = 0;
    }
    model.step(NOW, 5.0);
    conserved(&model.flow).expect("conserved");
    let of = |name: &str| model.flow.service(name).expect(name);
    assert!(close(of("api-gateway").failed, of("api-gateway").requests));
    assert_eq!(of("orders").requests, 0.0);
    assert!(of("frontend").error_ratio() > 0.79);
}

/// The thresholds of the signal catalogue (facts/signals.md 2.2) that rest on the model.
fn breaches(model: &Model) -> String {
    let mut found = String::new();
    let mut limit = |what: &str, value: f64, limit: f64| {
        if value > limit {
            let _ = write!(found, "{what} {value:.3} > {limit}; ");
        }
    };
    let flow = &model.flow;
    for service in &flow.services {
        limit(service.spec.workload, service.error_ratio(), 0.01 * 0.5);
        limit("p95", service.latency.quantile(0.95), 0.1);
        limit("p99", service.latency.quantile(0.99), 0.25);
    }
    for database in &flow.databases {
        limit("query", database.query.mean, 0.05);
        limit("lag", database.lag, 1.0);
        limit("connections", database.connections, 60.0);
        limit("cpu", database.cpu, 0.6);
        limit("waiting", database.waiting(), 0.5);
    }
    limit("cache", flow.cache.command.mean, 0.005);
    limit("misses", 1.0 - flow.cache.hit_ratio, 0.08);
    limit("backlog", flow.worker.backlog, 1.0);
    limit("worker", flow.worker.utilisation, 0.7);
    for workload in model.workloads.iter().filter(|w| w.spec.autoscale.is_some()) {
        limit("autoscaler", model.cpu_of_request(workload) / model::CPU_TARGET, 1.0);
        limit("replicas", f64::from(workload.desired), f64::from(workload.spec.replicas));
    }
    found
}

#[test]
fn calm_stays_calm_for_a_week_on_any_seed() {
    for (seed, shop) in (0..12).map(|seed| (seed, if seed % 4 == 3 { &shop::MIXED } else { &shop::EKS })) {
        let start = NOW - NOW % 60_000;
        let mut model = Model::settled(shop, seed, start);
        model.schedule(Vec::new());
        steps(&mut model, start, start + 7 * 24 * HOUR, 5 * MINUTE, |m| {
            assert_eq!(breaches(m), "", "seed {seed} at {}", m.at);
        });
    }
}

#[test]
fn calm_stays_calm_at_every_step_of_a_day() {
    let start = NOW - NOW % STEP;
    let mut model = Model::settled(&shop::EKS, 5, start);
    steps(&mut model, start, start + 24 * HOUR, STEP, |m| assert_eq!(breaches(m), "", "at {}", m.at));
    assert!(model.notices.is_empty(), "controllers have nothing to do: {:?}", model.notices);
}

fn series<'a>(tsdb: &'a Tsdb, name: &str, wanted: &[(&str, &str)]) -> Vec<&'a Series> {
    let found = tsdb.by_name(name).iter().filter_map(|id| tsdb.get(*id));
    found.filter(|s| wanted.iter().all(|(k, v)| s.labels.get(k) == *v)).collect()
}

#[test]
fn history_is_full_at_the_start() {
    let world = world("calm", 1);
    let tsdb = &world.stores.tsdb;
    assert!(tsdb.all().count() <= 3_200);
    for (name, labels) in [
        (
            "http_server_request_duration_seconds_count",
            &[("service", "orders"), ("http_response_status_code", "200")][..],
        ),
        ("up", &[("job", "redis")]),
        ("pg_replication_lag_seconds", &[]),
        ("node_load1", &[]),
        ("ALERTS", &[("alertname", "Watchdog")]),
        ("traces_service_graph_request_total", &[("client", "api-gateway")]),
    ] {
        let found = series(tsdb, name, labels);
        assert!(!found.is_empty(), "{name}");
        for series in found {
            let (old, recent): (Vec<i64>, Vec<i64>) =
                series.samples.iter().map(|s| s.at).partition(|at| *at < NOW - 24 * HOUR);
            assert!(recent.windows(2).all(|w| w[1] - w[0] == SCRAPE), "{name}: a gap");
            assert!(old.windows(2).all(|w| w[1] - w[0] == COARSE), "{name}: a gap last week");
            assert!(recent[0] <= NOW - 2 * HOUR + SCRAPE && NOW - recent[recent.len() - 1] < SCRAPE, "{name}");
            assert!(
                old[0] <= NOW - WEEK - HOUR / 2 + COARSE && old[old.len() - 1] >= NOW - WEEK + 4 * HOUR - 2 * COARSE
            );
        }
    }
    for (id, points) in world.stores.cloudwatch.metrics() {
        let sparse = id.name.contains("5XX") || id.name.contains("5xx") && id.namespace == "AWS/S3";
        let recent: Vec<i64> = points.iter().map(|p| p.minute).filter(|m| *m > NOW - 24 * HOUR).collect();
        assert!(sparse || recent.windows(2).all(|w| w[1] - w[0] == MINUTE), "{id:?}: a gap");
        assert!(sparse || recent.len() >= 118, "{id:?}: {} minutes", recent.len());
    }
}

#[test]
fn every_metric_tells_its_type_and_pods_spread_over_zones() {
    let world = world("crashing-release", 1);
    let options = Options { world: "shop-mixed".to_owned(), history: 600_000, ..Options::default() };
    let mixed = World::new(&options, NOW).expect("a world");
    for tsdb in [&world.stores.tsdb, &mixed.stores.tsdb] {
        for (name, _) in tsdb.names() {
            let family = ["_bucket", "_sum", "_count"].iter().find_map(|suffix| name.strip_suffix(suffix));
            let known = tsdb.metadata.contains_key(name) || family.is_some_and(|f| tsdb.metadata.contains_key(f));
            assert!(known, "{name} has no metadata");
        }
    }
    for workload in world.model.workloads.iter().filter(|w| w.spec.replicas > 1) {
        let zones: std::collections::BTreeSet<_> = workload.pods.iter().map(|p| p.node.zone).collect();
        assert!(zones.len() >= 3.min(workload.spec.replicas as usize), "{}: {zones:?}", workload.spec.name);
        let addresses: std::collections::BTreeSet<_> = workload.pods.iter().map(|p| p.address).collect();
        assert_eq!(addresses.len(), workload.pods.len(), "{}", workload.spec.name);
    }
}

#[test]
fn counters_only_grow_and_series_of_gone_pods_end() {
    let mut world = world("bad-canary", 4);
    world.advance(NOW + 300_000);
    let mut ended = 0;
    for series in world.stores.tsdb.all() {
        let name = series.labels.name();
        let counter = name.ends_with("_total")
            || name.ends_with("_bucket")
            || name.ends_with("_count") && !name.starts_with("pg_");
        let values: Vec<f64> = series.samples.iter().filter(|s| !s.is_stale_marker()).map(|s| s.value).collect();
        assert!(!counter || values.windows(2).all(|w| w[1] >= w[0]), "{:?} falls", series.labels);
        assert!(values.iter().all(|v| v.is_finite()), "{:?}", series.labels);
        ended += usize::from(series.samples.last().is_some_and(|s| s.is_stale_marker()));
    }
    assert!(ended > 50, "the decoy's old pods and the replaced stable pod are gone: {ended} series ended");
}

/// Everything that a world has made observable, as text.
fn contents(world: &World) -> String {
    let mut text = format!("{:?}{:?}{:?}", world.stores.aws, world.stores.alerting, world.stores.network);
    for series in world.stores.tsdb.all() {
        let _ = write!(text, "{:?}", series.labels);
        for sample in &series.samples {
            let _ = write!(text, "{}:{:x} ", sample.at, sample.value.to_bits());
        }
    }
    for (id, points) in world.stores.cloudwatch.metrics() {
        let _ = write!(text, "{id:?}{points:?}");
    }
    for gvr in [PODS, ROLLOUTS] {
        world.stores.kube.list(gvr).for_each(|o| text.push_str(&o.to_string()));
    }
    text
}

#[test]
fn the_same_options_make_the_same_world() {
    let options = |seed| Options { scenario: "bad-canary".to_owned(), seed, history: 600_000, ..Options::default() };
    let build = |seed| contents(&World::new(&options(seed), NOW).expect("a world"));
    assert!(build(9) == build(9));
    assert!(build(9) != build(10));
}

#[test]
fn advancing_in_one_leap_or_in_small_ones_is_the_same() {
    let (mut leap, mut walk) = (world("bad-canary", 2), world("bad-canary", 2));
    leap.advance(NOW + 61_000);
    for second in 1..=61 {
        walk.advance(NOW + second * 1_000);
    }
    assert_eq!(leap.now(), walk.now());
    let all = |w: &World| -> Vec<Vec<(i64, u64)>> {
        w.stores.tsdb.all().map(|s| s.samples.iter().map(|s| (s.at, s.value.to_bits())).collect()).collect()
    };
    assert!(all(&leap) == all(&walk));
    assert_eq!(
        leap.stores.tsdb.all().map(|s| s.labels.clone()).collect::<Vec<_>>(),
        walk.stores.tsdb.all().map(|s| s.labels.clone()).collect::<Vec<_>>()
    );
}

#[test]
fn unknown_names_are_refused() {
    let refuse = |world: &str, scenario: &str| {
        let options = Options { world: world.to_owned(), scenario: scenario.to_owned(), ..Options::default() };
        World::new(&options, NOW).expect_err("refused").to_string()
    };
    assert!(refuse("shop-ecs", "calm").contains("shop-ecs"));
    assert!(refuse("shop-eks", "storm").contains("storm"));
}
