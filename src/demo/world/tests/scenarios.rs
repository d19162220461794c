//! What each scenario does, in the model and in what can be observed of it.

use std::collections::BTreeMap;

use super::super::*;
use super::{NOW, breaches, model, model_at, model_of, series, steps, world};
use crate::demo::store::kube::{EVENTS, PODS, ROLLOUTS, STATEFULSETS};
use crate::demo::store::tsdb::Tsdb;

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
        assert!(flow.databases.iter().filter(|d| d.replica).all(|d| d.query.mean < 0.01));
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
    let all =
        [&shop::EKS, &shop::MIXED].into_iter().flat_map(|shop| shop.scenarios.iter().map(move |name| (shop, name)));
    for (number, (shop, scenario)) in all.enumerate() {
        let mut model = model_of(shop, scenario, number as u64, NOW);
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
