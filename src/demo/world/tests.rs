//! What must hold of every world: conservation, quiet in calm weather, full history, the drawn truth in the samples.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use super::flow::Flow;
use super::model::Model;
use super::*;
use crate::demo::store::kube::{EVENTS, PODS, ROLLOUTS, STATEFULSETS};
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
    let start = now - 600_000;
    let mut model = Model::settled(seed, start);
    let revisions = |name: &str| model.workload(name).map(|w| (w.stable, w.next_revision()));
    let events = scenario::plan(scenario, seed, now, revisions).expect("a plan").events;
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
    let reads: f64 = flow.databases.iter().filter(|d| d.spec.replica).map(|d| d.queries).sum();
    let writes = flow.primary().map_or(0.0, |d| d.queries);
    check("writes", writes, needed(|n| n.writes) + flow.worker.done * spec::JOB_WRITES)?;
    check("reads", reads, needed(|n| n.reads))?;
    check("commands", flow.cache.commands, needed(|n| n.cache))
}

#[test]
fn rates_and_failures_are_conserved_at_every_step() {
    for seed in 0..20 {
        for scenario in ["bad-canary", "db-primary-degraded", "traffic-drop"] {
            let mut model = model(scenario, seed);
            steps(&mut model, NOW - 600_000, NOW + 600_000, STEP, |m| {
                conserved(&m.flow).unwrap_or_else(|broken| panic!("{scenario} {seed}: {broken}"));
            });
        }
    }
}

#[test]
fn a_service_without_pods_fails_at_its_caller() {
    let mut model = Model::settled(3, NOW);
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
        limit("waiting", database.waiting, 0.5);
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
    for seed in 0..12 {
        let start = NOW - NOW % 60_000;
        let mut model = Model::settled(seed, start);
        model.schedule(Vec::new());
        steps(&mut model, start, start + 7 * 24 * HOUR, 5 * MINUTE, |m| {
            assert_eq!(breaches(m), "", "seed {seed} at {}", m.at);
        });
    }
}

#[test]
fn calm_stays_calm_at_every_step_of_a_day() {
    let start = NOW - NOW % STEP;
    let mut model = Model::settled(5, start);
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
    let tsdb = &world.stores.tsdb;
    for (name, _) in tsdb.names() {
        let family = ["_bucket", "_sum", "_count"].iter().find_map(|suffix| name.strip_suffix(suffix));
        let known = tsdb.metadata.contains_key(name) || family.is_some_and(|f| tsdb.metadata.contains_key(f));
        assert!(known, "{name} has no metadata");
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

/// Failed and all requests of a revision over the last minute in the samples.
fn in_samples(tsdb: &Tsdb, workload: &str, hash: &str) -> (f64, f64) {
    let name = "http_server_request_duration_seconds_count";
    let mut sums = (0.0, 0.0);
    for series in series(tsdb, name, &[("service", workload), ("rollouts_pod_template_hash", hash)]) {
        let recent: Vec<_> = series.samples.iter().filter(|s| s.at > NOW - 75_000 && !s.is_stale_marker()).collect();
        if recent.len() < 5 {
            continue;
        }
        let grown = recent[recent.len() - 1].value - recent[0].value;
        sums.1 += grown;
        if series.labels.get("http_response_status_code") == "500" {
            sums.0 += grown;
        }
    }
    sums
}

#[test]
fn a_bad_canary_shows_in_the_samples_of_its_pods_alone() {
    let mut workloads = BTreeMap::new();
    for seed in 100..108 {
        let world = world("bad-canary", seed);
        let truth = world.truth();
        let culprit = truth.culprit.expect("a culprit");
        *workloads.entry(culprit.workload.clone()).or_insert(0) += 1;
        let breach = truth.breach.expect("a breach");
        assert!((90_000..180_000).contains(&(NOW - breach)), "{breach}");
        let rollout = world.stores.kube.get(ROLLOUTS, "shop", &culprit.workload).expect("the rollout");
        let status = &rollout["status"];
        assert_eq!(status["currentPodHash"].as_str(), culprit.revision.as_deref());
        assert_eq!(status["currentStepIndex"], 1);
        assert_eq!(status["phase"], "Paused");
        assert!(status["observedGeneration"].is_string());
        let stable = status["stableRS"].as_str().expect("stable");
        let (failed, all) =
            in_samples(&world.stores.tsdb, &culprit.workload, culprit.revision.as_deref().expect("hash"));
        let (stable_failed, stable_all) = in_samples(&world.stores.tsdb, &culprit.workload, stable);
        assert!(failed / all > 0.08, "seed {seed}: {failed} of {all}");
        let share = all / (all + stable_all);
        assert!((0.17..0.23).contains(&share), "a fifth of the traffic: {share}");
        if culprit.workload != "api-gateway" {
            assert!(stable_failed / stable_all < 0.002, "seed {seed}: {stable_failed} of {stable_all}");
        }
        let ready =
            world.stores.kube.list(PODS).filter(|p| p["metadata"]["labels"]["app"] == culprit.workload.as_str());
        assert_eq!(ready.count(), 5, "one canary and four stable pods");
        for decoy in &truth.decoys {
            assert_ne!(*decoy, culprit.workload);
        }
    }
    assert!(workloads.len() >= 3, "{workloads:?}");
}

#[test]
fn a_stable_failure_leaves_the_canary_beside_it_well() {
    let world = world("stable-fails", 3);
    let truth = world.truth();
    let culprit = truth.culprit.expect("a culprit");
    let canary = truth.decoys.iter().find(|d| !["frontend", "worker"].contains(&d.as_str())).expect("a canary");
    assert_ne!(*canary, culprit.workload);
    let (failed, all) = in_samples(&world.stores.tsdb, &culprit.workload, culprit.revision.as_deref().expect("hash"));
    assert!(failed / all > 0.04, "{failed} of {all}");
    let rollout = world.stores.kube.get(ROLLOUTS, "shop", canary).expect("the rollout");
    assert_eq!(rollout["status"]["phase"], "Paused");
    assert_ne!(rollout["status"]["stableRS"], rollout["status"]["currentPodHash"]);
}

#[test]
fn a_degraded_primary_slows_its_callers_and_only_them() {
    for (seed, hour) in (0..24).map(|hour| (hour as u64, hour)) {
        let now = NOW + hour * HOUR;
        let mut model = model_at("db-primary-degraded", seed, now);
        steps(&mut model, now - 600_000, now, STEP, |_| ());
        let flow = &model.flow;
        let primary = flow.primary().expect("a primary");
        assert!(primary.query.mean > 0.1, "{}", primary.query.mean);
        for name in ["orders", "payments"] {
            let service = flow.service(name).expect(name);
            assert!(service.latency.quantile(0.95) > 0.3 && service.error_ratio() > 0.02, "{seed} {name}");
        }
        assert!(flow.service("catalogue").expect("catalogue").latency.quantile(0.95) < 0.1);
        assert!(flow.databases.iter().filter(|d| d.spec.replica).all(|d| d.query.mean < 0.01));
    }
}

#[test]
fn fewer_users_make_no_errors_and_a_lag_makes_no_pain() {
    let mut dropped = model("traffic-drop", 2);
    steps(&mut dropped, NOW - 600_000, NOW, STEP, |_| ());
    let usual = traffic::demand(2, dropped.at, 1.0).requests;
    let ratio = dropped.flow.edge.requests / usual;
    assert!((0.29..0.61).contains(&ratio), "{ratio}");
    assert_eq!(breaches(&dropped), "");
    let mut lagging = model("replica-lag", 2);
    steps(&mut lagging, NOW - 600_000, NOW, STEP, |_| ());
    assert!(lagging.flow.databases.iter().any(|d| d.lag > 60.0));
    assert!(lagging.flow.services.iter().all(|s| s.error_ratio() < 0.005));
}

#[test]
fn without_monitoring_the_samples_stop_and_the_shop_goes_on() {
    let mut world = world("monitoring-down", 1);
    assert!(!world.prometheus_up());
    world.advance(NOW + 120_000);
    let newest = world.stores.tsdb.all().filter_map(|s| s.samples.last()).map(|s| s.at).max();
    assert!(newest.is_some_and(|at| at <= NOW), "no scrape after the fall");
    let minutes = world.stores.cloudwatch.metrics().filter_map(|(_, p)| p.last()).map(|p| p.minute).max();
    assert!(minutes.is_some_and(|m| m >= NOW), "CloudWatch goes on");
    let ready = |w: &World| {
        w.stores.kube.get(STATEFULSETS, "monitoring", "prometheus").map(|s| s["status"]["readyReplicas"].clone())
    };
    assert_eq!(ready(&world), Some(0.into()));
    world.set_scenario("calm", NOW + 120_000).expect("calm");
    world.advance(NOW + 240_000);
    assert!(world.prometheus_up());
    assert_eq!(ready(&world), Some(1.into()));
    let newest = world.stores.tsdb.all().filter_map(|s| s.samples.last()).map(|s| s.at).max();
    assert!(newest.is_some_and(|at| at > NOW + 200_000), "and the scrapes come back");
}

#[test]
fn a_crashing_release_is_seen_and_harms_no_one() {
    for seed in 0..6 {
        let mut world = world("crashing-release", seed);
        world.advance(NOW + 660_000);
        let culprit = world.truth().culprit.expect("a culprit");
        let (name, hash) = (culprit.workload.as_str(), culprit.revision.expect("a revision"));
        let waiting = series(&world.stores.tsdb, "kube_pod_container_status_waiting_reason", &[("container", name)]);
        assert!(!waiting.is_empty() && waiting.iter().all(|s| s.labels.get("reason") == "CrashLoopBackOff"));
        let pods =
            world.stores.kube.list(PODS).filter(|p| p["metadata"]["name"].as_str().is_some_and(|n| n.contains(&hash)));
        let states: Vec<_> = pods.map(|p| p["status"]["containerStatuses"][0].clone()).collect();
        assert!(!states.is_empty());
        for state in &states {
            assert!(state["restartCount"].as_u64() > Some(2), "{state}");
            assert_eq!((&state["ready"], &state["lastState"]["terminated"]["exitCode"]), (&false.into(), &1.into()));
        }
        let down = |name: &str, value: f64| {
            series(&world.stores.tsdb, name, &[]).iter().any(|s| s.samples.iter().any(|s| s.value == value))
        };
        assert!(down("up", 0.0), "the dead target is down");
        assert!(world.stores.alerting.alerts.iter().any(|a| a.rule == "TargetDown" && a.firing));
        let events: Vec<_> = world.stores.kube.list(EVENTS).filter(|e| e["reason"] == "BackOff").collect();
        assert!(!events.is_empty() && events.iter().all(|e| e["type"] == "Warning"));
        assert!(world.model.workload(name).expect(name).stuck(world.model.at));
        assert_eq!(breaches(&world.model), "", "the old revision serves on");
    }
}

#[test]
fn calm_heals_what_any_scenario_did() {
    for (number, scenario) in scenario_names().into_iter().enumerate() {
        let mut model = model(scenario, number as u64);
        steps(&mut model, NOW - 600_000, NOW, STEP, |_| ());
        model.schedule(Vec::new());
        // A replica that is behind catches up twenty times as fast as it fell back.
        steps(&mut model, NOW + STEP, NOW + 900_000, STEP, |_| ());
        assert_eq!(breaches(&model), "", "{scenario}");
        assert!(model.monitoring_up);
        for workload in &model.workloads {
            assert_eq!(workload.progress, cluster::Progress::Done, "{scenario}: {}", workload.spec.name);
            assert!(workload.pods.iter().all(|p| p.ready(model.at) && p.revision == workload.stable), "{scenario}");
            assert_eq!(workload.pods.len(), workload.spec.replicas as usize, "{scenario}: {}", workload.spec.name);
        }
    }
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
