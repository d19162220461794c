//! Who is blamed, and who never is.

use super::shop::{NOW, SERVICES, Shop, Trouble, rollout, statuses};
use crate::domain::health::Health;
use crate::domain::text::Shown;
use crate::model::board::{Cause, Suspect};

const ROLLOUTS: [&str; 4] = ["api-gateway", "orders", "catalogue", "payments"];

fn found(shop: &Shop) -> Suspect {
    let board = shop.board();
    match board.cause {
        Cause::Found(suspect) => suspect,
        other => {
            panic!("{other:?}\n{:#?}", board.tiers.iter().map(|t| (t.tier, t.health, &t.reasons)).collect::<Vec<_>>())
        }
    }
}

#[test]
fn nobody_is_blamed_when_nobody_is_hurt() {
    for seed in 0..5 {
        let shop = Shop { canaries: vec!["orders"], deploys: vec![("grafana", 3.0)], seed, ..Shop::default() };
        let board = shop.board();
        assert_eq!(board.cause, Cause::None);
        assert_eq!(board.health, Health::Ok, "{:#?}", board.tiers);
    }
}

#[test]
fn a_bad_canary_is_named_with_its_revision_beside_healthy_ones_and_decoys() {
    for seed in 0..20 {
        let bad = ROLLOUTS[seed % 4];
        let healthy = ROLLOUTS[(seed + 1) % 4];
        let decoy = SERVICES[(seed + 2) % 5].0;
        let trouble = Trouble {
            since: 6.0,
            service: Some((bad, Some(true), 0.08 + 0.01 * seed as f64, 0.0)),
            ..Trouble::default()
        };
        let canaries = if seed % 2 == 0 { vec![bad, healthy] } else { vec![bad] };
        let deploys = vec![(bad, 6.5), (decoy, 8.0), ("grafana", 6.6)];
        let shop = Shop { trouble, canaries, deploys, seed: seed as u64, ..Shop::default() };
        let suspect = found(&shop);
        assert_eq!(suspect.component, rollout(bad), "seed {seed}: {suspect:?}");
        assert_eq!(
            suspect.revision.as_ref().map(crate::domain::text::Shown::as_str),
            Some("new"),
            "seed {seed}: {suspect:?}"
        );
        assert!(suspect.explains > 0.8, "{suspect:?}");
        assert!(suspect.change.as_ref().is_some_and(|(what, _)| what.as_str().contains(bad)), "{suspect:?}");
        let text: Vec<&str> = suspect.rejected.iter().map(crate::domain::text::Shown::as_str).collect();
        assert!(text.iter().any(|t| t.contains("grafana") && t.contains("not on the users' path")), "{text:?}");
        assert!(decoy == bad || text.iter().any(|t| t.contains(decoy)), "{decoy} in {text:?}");
    }
}

#[test]
fn when_the_stable_revision_fails_no_canary_is_blamed() {
    for seed in 0..8 {
        let bad = ROLLOUTS[seed % 4];
        let trouble = Trouble { since: 6.0, service: Some((bad, Some(false), 0.15, 0.0)), ..Trouble::default() };
        // In half of them a canary of the same workload is in progress, which is well.
        let canaries = if seed < 4 { vec![bad] } else { vec![ROLLOUTS[(seed + 1) % 4]] };
        let shop = Shop { trouble, canaries, deploys: vec![("catalogue", 7.0)], seed: seed as u64, ..Shop::default() };
        let suspect = found(&shop);
        assert_eq!(suspect.component, rollout(bad), "{suspect:?}");
        let expected = (seed < 4).then_some("old");
        assert_eq!(suspect.revision.as_ref().map(crate::domain::text::Shown::as_str), expected, "{suspect:?}");
    }
}

#[test]
fn a_slow_database_is_the_cause_of_its_callers_waiting_and_timing_out() {
    for (seed, (slow, fails)) in [(0.15, 0.0), (0.3, 0.03), (0.2, 0.1), (0.6, 0.06)].into_iter().enumerate() {
        let trouble = Trouble { since: 8.0, database: Some((slow, fails)), ..Trouble::default() };
        let deploys = vec![("orders", 9.0), ("grafana", 8.5)];
        let shop = Shop { trouble, canaries: vec!["payments"], deploys, seed: seed as u64, ..Shop::default() };
        let suspect = found(&shop);
        assert_eq!(suspect.component.name.as_str(), "orders-db", "{slow} {fails}: {suspect:?}");
        assert_eq!(suspect.revision, None);
        assert_eq!(suspect.change, None, "a change elsewhere never raises a suspect");
        let via = shop.world().assess(&statuses(&[]), NOW).users.via;
        assert_eq!(via.map(|(name, _)| name), Some(Shown::fixed("orders-db")), "the users row names the cause");
    }
}

#[test]
fn a_fall_in_traffic_is_an_incident_without_a_culprit() {
    for seed in 0..5 {
        let trouble = Trouble { since: 10.0, traffic: Some(0.38), ..Trouble::default() };
        let deploys = vec![("orders", 11.0), ("catalogue", 10.5)];
        let shop = Shop { trouble, canaries: vec!["orders"], deploys, seed, ..Shop::default() };
        let board = shop.board();
        let Cause::NotFound { looked_at } = &board.cause else { panic!("{:?}", board.cause) };
        assert!(looked_at.iter().any(|t| t.as_str().contains("catalogue")), "{looked_at:?}");
        let edge = super::shop::tier(&board, crate::domain::tier::Tier::Edge);
        assert_eq!(edge.health, Health::Critical);
        assert!(edge.reasons.iter().any(|r| r.rule == "traffic"), "{:?}", edge.reasons);
    }
}
