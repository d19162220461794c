//! What a Prometheus tells that cannot be used: impossible figures, figures of another time, or none.

use super::shop::{NOW, Shop, observation, statuses, tier};
use crate::domain::health::Health;
use crate::domain::id::Alias;
use crate::domain::reading::Reading;
use crate::domain::tier::Tier;
use crate::model::board::Board;
use crate::model::facts::{Fact, Point, SignalFact};

/// The shop with each figure of its Prometheus changed, or taken away.
fn told(change: impl Fn(&mut SignalFact) -> bool) -> Board {
    let shop = Shop::default();
    let mut world = shop.world_of(&["k8s", "aws", "probe"]);
    let mut facts = shop.prometheus();
    facts.retain_mut(|fact| if let Fact::Signal(signal) = fact { change(signal) } else { true });
    world.apply(observation("prom", "signals", false, facts));
    world.assess(&statuses(&[]), NOW)
}

fn all(of: &'static str, value: f64) -> impl Fn(&mut SignalFact) -> bool {
    move |fact| {
        if fact.signal.contains(of) {
            fact.points.iter_mut().for_each(|point| point.value = value);
        }
        true
    }
}

#[test]
fn what_cannot_be_is_a_gap_and_no_figure() {
    let cases = [
        ("app.test.rps", -1.0),
        ("app.test.rps", 1e308),
        ("app.test.rps", f64::NAN),
        ("app.test.err", -100.0),
        ("app.test.err", 1e308),
        ("app.test.p95", -1_000.0),
    ];
    for (signal, value) in cases {
        let board = told(all(signal, value));
        let application = tier(&board, Tier::Application);
        let reading = match signal {
            "app.test.rps" => &application.rate,
            "app.test.err" => &application.error_ratio,
            _ => &application.latency.reading,
        };
        assert!(matches!(reading, Reading::Absent(_)), "{signal} {value}: {reading:?}");
        let gap = board.gaps.iter().find(|gap| gap.what.as_str().contains(signal));
        assert!(gap.is_some_and(|gap| gap.source.as_str() == "prom"), "{signal} {value}: {:?}", board.gaps);
    }
    assert_eq!(told(|_| true).gaps, []);
}

#[test]
fn no_traffic_is_a_rate_of_zero_and_not_one_that_is_no_number() {
    for (rate, expected) in [(f64::NAN, Health::Unknown), (0.0, Health::Critical)] {
        let board = told(|fact| {
            if fact.signal.starts_with("app.") {
                let value = if fact.signal == "app.test.rps" { rate } else { f64::NAN };
                let changed = |point: &&mut Point| rate.is_nan() || NOW.since(point.at).as_secs() < 86_400;
                fact.points.iter_mut().filter(changed).for_each(|point| point.value = value);
            }
            true
        });
        let application = tier(&board, Tier::Application);
        assert_eq!(application.health, expected, "{:?}", application.reasons);
        assert_ne!(application.rate, Reading::NoTraffic);
    }
}

#[test]
fn a_prometheus_that_tells_nothing_is_as_good_as_one_that_fails() {
    let nothing = told(|_| false);
    let of_another_time = told(|fact| {
        let later = std::time::Duration::from_secs(8_000 * 365 * 86_400);
        fact.points.iter_mut().for_each(|point| point.at = point.at + later);
        true
    });
    for board in [nothing, of_another_time] {
        let database = tier(&board, Tier::Database);
        assert_eq!(database.health, Health::Unknown, "{:?}", database.reasons);
        assert!(database.reasons.iter().any(|r| r.text.as_str().contains("gives no sample")), "{:?}", database.reasons);
        assert!(board.gaps.iter().any(|gap| gap.what.as_str().contains("gives no sample")), "{:?}", board.gaps);
    }
    // One that measures others says nothing against a database that it never measured.
    let others = told(|fact| fact.subject != Alias::Named("orders-db".into()) && fact.peer.is_none());
    assert_eq!(tier(&others, Tier::Database).health, Health::Ok, "{:?}", tier(&others, Tier::Database).reasons);
}

#[test]
fn what_observes_the_others_is_not_well_while_it_does_not_answer() {
    let world = Shop::default().world();
    let health = |lost: &[&str]| tier(&world.assess(&statuses(lost), NOW), Tier::Observability).health;
    assert_eq!((health(&[]), health(&["prom"])), (Health::Ok, Health::Unknown));
}
