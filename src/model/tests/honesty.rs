//! Nothing is fine whose evidence is gone.

use std::collections::BTreeMap;
use std::time::Duration;

use proptest::prelude::*;

use super::shop::{NOW, SOURCES, Shop, Trouble, statuses, tier};
use crate::domain::health::Health;
use crate::domain::reading::Reading;
use crate::domain::tier::Tier;
use crate::model::board::{Board, Evidence, SourceState};

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
    let board = shop.world_of(&[]).assess(&[], NOW);
    assert_eq!((board.evidence, board.health), (Evidence::Connecting, Health::Unknown));
}

#[test]
fn old_samples_are_as_good_as_none() {
    let world = Shop::default().world();
    let mut sources = statuses(&[]);
    let later = NOW + Duration::from_secs(600);
    for source in &mut sources {
        source.alive_at = Some(later);
    }
    let board = world.assess(&sources, later);
    assert_eq!(tier(&board, Tier::Application).health, Health::Unknown);
    assert!(matches!(tier(&board, Tier::Application).error_ratio, Reading::Stale { .. }));
    assert!(matches!(tier(&board, Tier::Edge).rate, Reading::Stale { .. }));
}

#[test]
fn a_silent_source_is_lost_ten_seconds_after_its_word_was_due() {
    let world = Shop::default().world();
    let at = |silent: u64| {
        let mut sources = statuses(&[]);
        // Kubernetes is watched (due at once), Prometheus asked every 15 s.
        for source in sources.iter_mut().take(2) {
            source.alive_at = Some(NOW - Duration::from_secs(silent));
        }
        match world.assess(&sources, NOW).evidence {
            Evidence::Full => 0,
            Evidence::Partial { missing } => missing.len(),
            other => panic!("{other:?}"),
        }
    };
    assert_eq!([9, 10, 24, 25].map(at), [0, 1, 1, 2]);
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
