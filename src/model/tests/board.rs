//! Figures, tiers and what is passed on.

use std::time::Duration;

use super::shop::{
    NOW, Shop, Trouble, component, health_of, observation, pod, points, probe, provenance, rollout, signal, statuses,
    tier,
};
use crate::domain::health::Health;
use crate::domain::id::{Alias, ComponentId, Kind};
use crate::domain::reading::{Query, Reading, Sample};
use crate::domain::text::Raw;
use crate::domain::tier::Tier;
use crate::model::board::{Board, Cause, Evidence, TierRow};
use crate::model::facts::{Fact, MemberState, Replicas, SignalFact};

/// Computes a derived sample again from its parts, by its formula alone.
fn recomputed(sample: &Sample) -> f64 {
    let Query::Derived { formula, from } = &sample.provenance.query else { return sample.value };
    let parts: Vec<f64> = from.iter().map(recomputed).collect();
    match *formula {
        "a * b" => parts[0] * parts[1],
        "a / b" => parts[0] / parts[1],
        "a / b - 1" => parts[0] / parts[1] - 1.0,
        "a - b" => parts[0] - parts[1],
        "0 * a" => 0.0 * parts[0],
        sum => {
            assert_eq!(sum.split(" + ").count(), parts.len(), "{sum}");
            parts.iter().sum()
        }
    }
}

fn readings(board: &Board) -> Vec<&Reading> {
    let mut all = vec![&board.users.failing_per_second, &board.users.failing_ratio];
    for row in &board.tiers {
        all.extend([&row.rate, &row.rate_vs_last_week, &row.error_ratio, &row.error_added_ratio, &row.latency.reading]);
        all.push(&row.latency_added);
    }
    all
}

#[test]
fn every_figure_can_be_computed_again_from_what_it_names() {
    let mut derived = 0;
    for reading in readings(&Shop::default().board()) {
        if let Some(sample) = reading.last() {
            derived += usize::from(matches!(sample.provenance.query, Query::Derived { .. }));
            assert!((recomputed(sample) - sample.value).abs() < 1e-12, "{sample:?}");
        }
    }
    assert!(derived >= 6, "{derived} derived figures");
}

#[test]
fn a_calm_shop_is_ok_with_figures_of_every_tier() {
    let board = Shop::default().board();
    assert_eq!(board.evidence, Evidence::Full);
    assert_eq!(board.cause, Cause::None);
    for row in &board.tiers {
        assert_eq!(row.health, Health::Ok, "{:?} {:?}", row.tier, row.reasons);
    }
    let rate = |t: Tier| tier(&board, t).rate.value().expect("a rate");
    assert!((rate(Tier::LoadBalancer) - rate(Tier::Application)).abs() < 0.05 * rate(Tier::Application));
    assert!((rate(Tier::Edge) - rate(Tier::Security)).abs() < 1e-9);
    assert_eq!(tier(&board, Tier::Application).components.len(), 6, "five services and the worker");
    let against = tier(&board, Tier::Application).rate_vs_last_week.value().expect("last week");
    assert!(against.abs() < 0.1, "{against}");
    assert_eq!(
        tier(&board, Tier::LoadBalancer)
            .saturation
            .as_ref()
            .and_then(|s| s.detail.clone())
            .map(|d| d.as_str().to_owned()),
        Some("5/5".to_owned())
    );
    assert_eq!(tier(&board, Tier::Access).capacity.map(|c| (c.ready, c.desired)), Some((1, 1)));
    assert_eq!(tier(&board, Tier::Application).trend.len(), 30);
}

#[test]
fn errors_are_told_apart_as_seen_and_added() {
    let trouble = Trouble { since: 8.0, service: Some(("orders", None, 0.2, 0.0)), ..Trouble::default() };
    let board = Shop { trouble, ..Shop::default() }.board();
    let orders = 0.2 * 0.28 * 0.8;
    let application = tier(&board, Tier::Application);
    let seen = application.error_ratio.value().expect("seen");
    assert!((seen - orders).abs() < 0.005, "{seen}");
    assert!((application.error_added_ratio.value().expect("added") - orders).abs() < 0.005);
    let balancer = tier(&board, Tier::LoadBalancer);
    assert!((balancer.error_ratio.value().expect("seen") - orders).abs() < 0.005, "{:?}", balancer.error_ratio);
    assert!(balancer.error_added_ratio.value().expect("added").abs() < 1e-9);
    assert_eq!(balancer.health, Health::Warn, "{:?}", balancer.reasons);
    assert_eq!(balancer.reasons.first().map(|r| r.rule), Some("passed-on"), "{:?}", balancer.reasons);
    assert_eq!(application.health, Health::Critical);
    assert_eq!(health_of(&board, "orders"), Health::Critical);
    for passing in ["frontend", "api-gateway"] {
        assert_eq!(health_of(&board, passing), Health::Warn, "{passing}");
    }
    assert_eq!(health_of(&board, "catalogue"), Health::Ok);
    // What fails at the edge is what fails in the application.
    let failing = board.users.failing_per_second.value().expect("failing");
    assert!((failing - 600.0 * orders).abs() < 0.12 * failing, "{failing}");
    let via = board.users.via.as_ref().map(|(name, tier)| (name.as_str(), *tier));
    assert_eq!(via, Some(("orders", Tier::Application)));
    assert!(board.users.since.is_some());
}

#[test]
fn failures_of_instances_are_paired_with_their_own_requests() {
    let mut world = Shop::default().world();
    let from = provenance("prom", 15, 0);
    let call = |instance: usize, id: &'static str, value: f64| {
        let peer = pod(&rollout("payments"), instance, MemberState::Ready).address.map(Alias::Address);
        let points = points(15, 0, 5, |_| Some(value));
        Fact::Signal(SignalFact { peer, ..signal(Alias::Named(Raw::new("catalogue")), id, points, &from) })
    };
    let rates = (0..3).map(|n| call(n, "topo.test.rps", [10.0, 20.0, 30.0][n]));
    // Nothing fails at the first one, so that nothing is published of its failures.
    let failing = [call(1, "topo.test.err", 0.5), call(2, "topo.test.err", 0.1)];
    world.apply(observation("prom", "signals", false, rates.chain(failing).collect()));
    let board = world.assess(&statuses(&[]), NOW);
    let (from, to) = (rollout("catalogue"), rollout("payments"));
    let link = board.links.iter().find(|l| l.from == from && l.to == to).expect("the calls");
    assert_eq!(link.rate.value(), Some(60.0));
    let ratio = link.error_ratio.value().expect("failures");
    assert!((ratio - 13.0 / 60.0).abs() < 1e-9, "{ratio}");
}

#[test]
fn a_drop_in_traffic_is_carried_by_the_outermost_tier_that_already_shows_it() {
    let carriers = |since: f64, factor: f64| -> Vec<(Tier, Health)> {
        let trouble = Trouble { since, traffic: Some(factor), ..Trouble::default() };
        let board = Shop { trouble, ..Shop::default() }.board();
        let dropped = |row: &&TierRow| row.reasons.iter().any(|reason| reason.rule == "traffic");
        board.tiers.iter().filter(dropped).map(|row| (row.tier, row.health)).collect()
    };
    // CloudWatch tells the edge a minute late.
    assert_eq!(carriers(1.0, 0.4), [(Tier::Application, Health::Critical)]);
    assert_eq!(carriers(1.0, 0.6), [(Tier::Application, Health::Warn)]);
    assert_eq!(carriers(15.0, 0.4), [(Tier::Edge, Health::Critical)]);
    assert_eq!(carriers(15.0, 0.9), []);
}

#[test]
fn time_is_told_apart_as_seen_and_added() {
    let trouble = Trouble { since: 8.0, service: Some(("orders", None, 0.0, 0.4)), ..Trouble::default() };
    let board = Shop { trouble, ..Shop::default() }.board();
    let balancer = tier(&board, Tier::LoadBalancer);
    assert!(balancer.latency.reading.value().expect("p95") > 0.4);
    assert!(balancer.latency_added.value().expect("added") < 0.03, "{:?}", balancer.latency_added);
    assert_eq!(balancer.health, Health::Warn, "{:?}", balancer.reasons);
    assert_eq!(balancer.latency.target, Some((0.25, "default")));
    let Cause::Found(suspect) = &board.cause else { panic!("{:?}", board.cause) };
    assert_eq!(suspect.component.name.as_str(), "orders");
}

#[test]
fn a_lost_replica_behind_well_served_users_warns_only() {
    let mut world = Shop::default().world();
    let id = super::shop::rollout("frontend");
    let mut fact = component(id, "k8s");
    fact.replicas = Some(Replicas { desired: 5, ready: 1, bounds: None, floor: None });
    world.apply(observation("k8s", "workloads", false, vec![Fact::Component(fact)]));
    let board = world.assess(&statuses(&[]), NOW);
    assert_eq!(health_of(&board, "frontend"), Health::Critical);
    assert_eq!(tier(&board, Tier::Application).health, Health::Warn);
}

#[test]
fn a_probe_is_down_after_two_negatives() {
    let mut world = Shop::default().world();
    for (back, expected) in [(30, Health::Warn), (15, Health::Critical), (0, Health::Critical)] {
        let at = NOW + Duration::from_secs(60 - back);
        let mut seen = observation("probe", "probes", true, vec![Fact::Probe(probe("bastion-1", at, false))]);
        seen.observed_at = at;
        world.apply(seen);
        let board = world.assess(&statuses(&[]), at);
        assert_eq!(tier(&board, Tier::Access).health, expected, "{back}");
    }
}

#[test]
fn only_kubernetes_is_a_world() {
    let world = Shop::default().world_of(&["k8s"]);
    let k8s: Vec<_> = statuses(&[]).into_iter().take(1).collect();
    let board = world.assess(&k8s, NOW);
    assert_eq!(board.health, Health::Unknown, "pods that are ready say nothing of what users feel");
    assert_eq!(board.evidence, Evidence::Blind { missing: Vec::new(), since: None });
    assert_eq!(tier(&board, Tier::Application).health, Health::Ok);
    assert_eq!(tier(&board, Tier::Application).capacity.map(|c| c.ready), Some(26));
    assert!(matches!(board.users.failing_ratio, Reading::Absent(_)));
}

#[test]
fn only_a_node_exporter_is_a_world() {
    let mut world = Shop::default().world_of(&[]);
    let from = provenance("prom", 15, 0);
    let cpu = |value: f64| {
        let subject = Alias::Address(Raw::new("localhost:9100"));
        Fact::Signal(signal(subject, "host.test.cpu", points(15, 0, 10, |_| Some(value)), &from))
    };
    world.apply(observation("prom", "signals", true, vec![cpu(0.95)]));
    let board = world.assess(&statuses(&[]), NOW);
    let host = tier(&board, Tier::Host);
    let row = host.components.first().expect("the host");
    assert_eq!(row.id, ComponentId::new(Kind::Host, "", "localhost:9100"));
    assert_eq!(row.health, Health::Warn, "utilisation alone is no more than a warning");
    assert_eq!(host.saturation.as_ref().and_then(|s| s.reading.value()), Some(0.95));
}

#[test]
fn business_belongs_to_the_users_and_what_is_only_observed_to_what_observes() {
    let mut world = Shop::default().world();
    let from = provenance("prom", 15, 0);
    let of = |name: &str, id: &'static str, value: f64| {
        let subject = Alias::Named(Raw::new(name));
        Fact::Signal(signal(subject, id, points(15, 0, 10, |_| Some(value)), &from))
    };
    let facts = vec![
        of("shop_orders_completed_total", "app.test.sold", 12.0),
        of("kubelet", "mon.targets", 0.5),
        of("billing", "mon.targets", 1.0),
        of("billing", "app.test.rps", 3.0),
    ];
    world.apply(observation("prom", "more", true, facts));
    let board = world.assess(&statuses(&[]), NOW);
    assert_eq!(board.users.business.as_ref().map(|(label, _)| label.as_str()), Some("sales"));
    let names: Vec<&str> = board.tiers.iter().flat_map(|t| &t.components).map(|c| c.id.name.as_str()).collect();
    assert!(!names.contains(&"shop_orders_completed_total") && !names.contains(&"kubelet"), "{names:?}");
    assert!(names.contains(&"billing"), "a service that only Prometheus knows stays: {names:?}");
    let observing = tier(&board, Tier::Observability);
    let told: Vec<&str> = observing.reasons.iter().map(|r| r.text.as_str()).collect();
    assert!(told.iter().any(|text| text.contains("kubelet targets")), "{told:?}");
}

#[test]
fn the_outermost_tier_that_shows_a_fall_in_traffic_carries_it() {
    let trouble = Trouble { since: 10.0, traffic: Some(0.38), ..Trouble::default() };
    let shop = Shop { trouble, ..Shop::default() };
    let of = |board: &Board, t: Tier| tier(board, t).reasons.iter().any(|r| r.rule == "traffic");
    let board = shop.board();
    assert!(of(&board, Tier::Edge) && !of(&board, Tier::Application), "the edge tells it");
    // What CloudWatch still says is of before the fall.
    let mut world = shop.world_of(&["k8s", "prom", "aws", "probe"]);
    world.apply(observation("cw", "signals", true, Shop::default().cloudwatch()));
    let board = world.assess(&statuses(&[]), NOW);
    assert!(!of(&board, Tier::Edge), "its figures are of before");
    assert!(of(&board, Tier::Application), "{:?}", tier(&board, Tier::Application).reasons);
    assert_eq!(tier(&board, Tier::Application).health, Health::Critical);
}

#[test]
fn the_users_share_is_of_the_same_requests_whoever_counts_the_failures() {
    // The edge is told minutes later than the load balancer: at first only the latter knows.
    let share = |since: f64| {
        let trouble = Trouble { since, service: Some(("orders", None, 0.2, 0.0)), ..Trouble::default() };
        let board = Shop { trouble, ..Shop::default() }.world().assess(&statuses(&[]), NOW);
        let of = |reading: &Reading| reading.value().expect("fresh");
        let edge = of(&tier(&board, Tier::Edge).rate);
        let users = &board.users;
        (of(&users.failing_ratio), of(&users.failing_per_second) / edge, users.counted.clone().expect("said"))
    };
    for since in [1.0, 2.0, 3.0, 4.0, 6.0, 9.0] {
        let (told, by_hand, counted) = share(since);
        assert!((told - by_hand).abs() <= 0.1 * by_hand.max(1e-4), "{since}: {told} {by_hand} ({counted})");
        assert!(counted.as_str().contains("edge"), "{counted}");
    }
}
