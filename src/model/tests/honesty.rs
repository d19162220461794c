//! Nothing is fine whose evidence is gone.

use std::collections::BTreeMap;
use std::time::Duration;

use proptest::prelude::*;

use super::shop::{
    NOW, SOURCES, Shop, Trouble, component, observation, points, provenance, rollout, signal, statuses, tier,
};
use crate::domain::health::Health;
use crate::domain::id::Alias;
use crate::domain::reading::Reading;
use crate::domain::text::Raw;
use crate::domain::tier::Tier;
use crate::model::board::{Board, Evidence, SourceState};
use crate::model::facts::{Fact, Point, Replicas};
use crate::model::world::World;

const WEEK: Duration = Duration::from_secs(7 * 24 * 3600);

fn healths(board: &Board) -> BTreeMap<String, Health> {
    let tiers = board.tiers.iter().map(|t| (t.tier.name().to_owned(), t.health));
    let components =
        board.tiers.iter().flat_map(|t| &t.components).map(|c| (c.id.shown().as_str().to_owned(), c.health));
    tiers.chain(components).collect()
}

/// The sources whose loss must make a component's or tier's health unknown, unless worse is known.
fn rests_on(name: &str) -> &'static [&'static str] {
    match name {
        "edge" | "security" | "distribution/E2" | "web-acl/acl" => &["aws"],
        n if n.starts_with("rollout/") || n == "application" => &["k8s", "prom"],
        n if n.starts_with("db-instance/") || n == "database" => &["aws", "prom"],
        n if n.starts_with("load-balancer/") || n == "load-balancer" => &["aws", "cw"],
        n if n.starts_with("endpoint/") || n == "access" => &["probe"],
        _ => &[],
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]
    #[test]
    fn losing_sources_never_makes_what_rested_on_them_ok(
        lost in prop::sample::subsequence(SOURCES.map(|s| s.0).to_vec(), 0..=5),
        ill in any::<bool>(),
    ) {
        let service = ill.then_some(("orders", None, 0.2, 0.0));
        let shop = Shop { trouble: Trouble { since: 8.0, service, ..Trouble::default() }, ..Shop::default() };
        let world = shop.world();
        let before = healths(&world.assess(&statuses(&[]), NOW));
        let after = healths(&world.assess(&statuses(&lost), NOW));
        for (name, health) in &after {
            if rests_on(name).iter().any(|source| lost.contains(source)) {
                prop_assert_ne!(*health, Health::Ok, "{} without {:?}", name, &lost);
            } else if rests_on(name).is_empty() {
                continue;
            }
            if *health == Health::Ok {
                prop_assert_eq!(before[name], Health::Ok, "{} turned ok without {:?}", name, &lost);
            }
        }
    }
}

#[test]
fn partial_says_what_is_missing_and_leaves_the_rest_judging() {
    let board = Shop::default().world().assess(&statuses(&["prom"]), NOW);
    let Evidence::Partial { missing } = &board.evidence else { panic!("{:?}", board.evidence) };
    assert_eq!(missing.iter().map(|m| m.source.as_str()).collect::<Vec<_>>(), ["prom"]);
    assert_eq!(tier(&board, Tier::LoadBalancer).health, Health::Ok);
    assert_eq!(tier(&board, Tier::Access).health, Health::Ok);
    let application = tier(&board, Tier::Application);
    assert_eq!(application.health, Health::Unknown);
    assert!(matches!(&application.rate, Reading::Stale { last, .. } if last.value > 100.0), "{:?}", application.rate);
    assert_eq!(application.capacity.map(|c| c.ready), Some(26), "readiness still speaks");
    assert!(board.users.failing_ratio.value().is_some(), "the edge still tells what users feel");
}

#[test]
fn blind_is_when_nothing_that_users_feel_is_seen() {
    let shop = Shop::default();
    let board = shop.world().assess(&statuses(&["prom", "cw"]), NOW);
    assert!(matches!(board.evidence, Evidence::Partial { .. }), "a probe still sees");
    let board = shop.world().assess(&statuses(&["prom", "cw", "probe"]), NOW);
    assert!(matches!(board.evidence, Evidence::Blind { .. }), "{:?}", board.evidence);
    assert_eq!(board.health, Health::Unknown);
    let mut sources = statuses(&["prom"]);
    sources[2].state = SourceState::Connecting { since: NOW };
    let board = shop.world_of(&["k8s"]).assess(&sources, NOW);
    assert_eq!((board.evidence, board.health), (Evidence::Connecting, Health::Unknown), "one may still bring it");
    let board = shop.world_of(&[]).assess(&[], NOW);
    assert_eq!((board.evidence, board.health), (Evidence::Connecting, Health::Unknown));
}

#[test]
fn blind_hides_no_known_disaster_and_shows_nothing_less() {
    let mut world = Shop::default().world_of(&["k8s"]);
    let sources: Vec<_> = statuses(&[]).into_iter().take(1).collect();
    for (ready, expected) in [(4, Health::Unknown), (0, Health::Critical)] {
        let mut fact = component(rollout("frontend"), "k8s");
        fact.replicas = Some(Replicas { desired: 5, ready, bounds: None, floor: None });
        world.apply(observation("k8s", "workloads", false, vec![Fact::Component(fact)]));
        let board = world.assess(&sources, NOW);
        assert!(matches!(board.evidence, Evidence::Blind { .. }));
        assert_eq!(board.health, expected, "{ready} of 5");
    }
}

#[test]
fn old_samples_are_as_good_as_none() {
    let world = Shop::default().world();
    let board = world.assess(&statuses(&[]), NOW + Duration::from_secs(600));
    assert_eq!(tier(&board, Tier::Application).health, Health::Unknown);
    assert!(matches!(tier(&board, Tier::Application).error_ratio, Reading::Stale { .. }));
    assert!(matches!(tier(&board, Tier::Edge).rate, Reading::Stale { .. }));
}

#[test]
fn a_point_of_a_wrong_clock_displaces_nothing() {
    let mut world = Shop::default().world();
    let subject = || Alias::Workload { namespace: Raw::new("shop"), name: Raw::new("frontend") };
    let at = |ahead: Duration| {
        let point = Point { at: NOW + ahead, value: 1e6 };
        Fact::Signal(signal(subject(), "app.test.rps", vec![point], &provenance("prom", 15, 0)))
    };
    world.apply(observation("prom", "signals", false, vec![at(Duration::from_secs(3_600)), at(WEEK)]));
    let board = world.assess(&statuses(&[]), NOW);
    let rate = tier(&board, Tier::Application).rate.value().expect("a fresh rate");
    assert!(rate < 1_000.0, "{rate}");
    assert!(tier(&board, Tier::Application).rate_vs_last_week.value().expect("last week").abs() < 0.1);
    let early = world.assess(&statuses(&[]), NOW - Duration::from_secs(120));
    assert_eq!(tier(&early, Tier::Application).rate.value(), None, "samples of the future are not fresh");
}

#[test]
fn what_is_gone_is_neither_unknown_nor_remembered() {
    let from = provenance("prom", 15, 0);
    let ghost = |ended: u64| {
        let mut world = Shop::default().world();
        let subject = Alias::Named(Raw::new("ghost"));
        let fact = signal(subject, "app.test.rps", points(15, ended * 60, 10, |_| Some(5.0)), &from);
        world.apply(observation("prom", "signals", false, vec![Fact::Signal(fact)]));
        world
    };
    let shown = |world: &World, lost: &[&str]| {
        let board = world.assess(&statuses(lost), NOW);
        board.tiers.iter().flat_map(|t| &t.components).find(|c| c.id.name.as_str() == "ghost").map(|c| c.health)
    };
    assert_eq!(shown(&ghost(14), &[]), Some(Health::Unknown));
    assert_eq!(shown(&ghost(16), &[]), None);
    assert_eq!(shown(&ghost(16), &["prom"]), Some(Health::Unknown), "nobody can tell that it is gone");
    let mut world = ghost(70);
    let known = |world: &World| world.series.subjects().any(|(alias, _)| *alias == Alias::Named(Raw::new("ghost")));
    assert!(known(&world));
    let frontend = Alias::Workload { namespace: Raw::new("shop"), name: Raw::new("frontend") };
    let fact = signal(frontend, "app.test.rps", points(15, 0, 1, |_| Some(600.0)), &from);
    let mut later = observation("prom", "signals", false, vec![Fact::Signal(fact)]);
    later.observed_at = NOW + Duration::from_secs(11 * 60);
    world.apply(later);
    assert!(!known(&world));
    assert!(world.series.subjects().count() > 5, "the others are still remembered");
}

#[test]
fn a_source_that_is_not_there_is_no_evidence() {
    let world = Shop::default().world();
    let mut sources = statuses(&[]);
    sources.retain(|s| s.id.as_str() != "k8s");
    let board = world.assess(&sources, NOW);
    assert_eq!(tier(&board, Tier::Application).health, Health::Unknown);
    let mut sources = statuses(&[]);
    sources[0].state = SourceState::Connecting { since: NOW };
    assert_eq!(tier(&world.assess(&sources, NOW), Tier::Application).health, Health::Ok);
}

#[test]
fn what_a_source_that_was_never_heard_would_have_measured_is_unknown() {
    let unheard = Shop::default().world_of(&["k8s", "aws", "cw", "probe"]);
    let board = unheard.assess(&statuses(&["prom"]), NOW);
    assert_eq!(tier(&board, Tier::Application).health, Health::Unknown);
    assert!(tier(&board, Tier::Application).reasons.iter().any(|reason| reason.rule == "unmeasured"));
    assert_eq!(tier(&board, Tier::LoadBalancer).health, Health::Ok, "CloudWatch still measures it");
}

#[test]
fn a_resource_that_is_no_longer_measured_is_told_and_hides_no_requests() {
    let cpu = |ended: u64| {
        let subject = Alias::Workload { namespace: Raw::new("shop"), name: Raw::new("frontend") };
        let from = provenance("prom", 15, 0);
        let points = points(15, ended * 60, 10, |_| Some(0.3));
        observation("prom", "usage", false, vec![Fact::Signal(signal(subject, "app.test.cpu", points, &from))])
    };
    let mut world = Shop::default().world();
    world.apply(cpu(5));
    let board = world.assess(&statuses(&[]), NOW);
    let application = tier(&board, Tier::Application);
    assert_eq!(application.health, Health::Ok, "{:?}", application.reasons);
    let told = |text: &str| application.reasons.iter().any(|reason| reason.text.as_str().contains(text));
    assert!(told("cpu no longer measured"), "{:?}", application.reasons);
    // Where it is all that judges, its absence is unknown.
    let mut world = Shop::default().world_of(&[]);
    world.apply(cpu(5));
    let board = world.assess(&statuses(&[]), NOW);
    assert_eq!(tier(&board, Tier::Application).health, Health::Unknown);
}

#[test]
fn what_a_board_says_holds_until_it_says() {
    let world = Shop::default().world();
    let board = world.assess(&statuses(&[]), NOW);
    assert!(board.holds_until > NOW && board.holds_until <= NOW + Duration::from_secs(30));
    let just_before = world.assess(&statuses(&[]), board.holds_until - Duration::from_millis(1));
    assert_eq!(healths(&just_before), healths(&board));
    // Walking from one end to the next misses no change that walking by the second sees.
    let by_second: Vec<_> =
        (0..200).map(|s| healths(&world.assess(&statuses(&[]), NOW + Duration::from_secs(s)))).collect();
    let mut held = board;
    for (second, expected) in by_second.iter().enumerate() {
        let now = NOW + Duration::from_secs(second as u64);
        if now >= held.holds_until {
            held = world.assess(&statuses(&[]), now);
        }
        assert_eq!(healths(&held), *expected, "after {second} s");
    }
}
