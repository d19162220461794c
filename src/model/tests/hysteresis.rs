//! The health of a signal over its history.

use std::time::Duration;

use crate::domain::health::Health::{self, Critical, NoTraffic, Ok, Unknown, Warn};
use crate::domain::time::Stamp;
use crate::model::assess::hysteresis::{Judged, judge};
use crate::model::board::Thresholds;
use crate::model::facts::Point;

fn history(values: &[f64]) -> Vec<Point> {
    let at = |n: usize| Stamp::from_millis(0) + Duration::from_secs(15 * n as u64);
    values.iter().enumerate().map(|(n, value)| Point { at: at(n), value: *value }).collect()
}

fn judged(values: &[f64], thresholds: Thresholds, availability: bool) -> Judged {
    judge(&history(values), &thresholds, availability)
}

const ERRORS: Thresholds = Thresholds { warn: Some(1.0), critical: Some(5.0), above: true, origin: "test" };
const FREE: Thresholds = Thresholds { warn: Some(0.15), critical: Some(0.05), above: false, origin: "test" };
const UP: Thresholds = Thresholds { warn: None, critical: Some(1.0), above: false, origin: "test" };

#[test]
fn levels_are_entered_by_two_of_three_and_left_by_three_well_below() {
    let nan = f64::NAN;
    let cases: [(&[f64], Health, Option<u64>); 15] = [
        (&[], Unknown, None),
        (&[0.2], Ok, None),
        (&[9.0], Critical, Some(0)),
        (&[0.2, 2.0], Ok, None),
        (&[0.2, 2.0, 2.0], Warn, Some(1)),
        (&[0.2, 2.0, 0.2, 2.0], Warn, Some(1)),
        (&[0.2, 2.0, 0.2, 0.2, 2.0], Ok, None),
        (&[0.2, 6.0, 6.0], Critical, Some(1)),
        (&[0.2, 2.0, 2.0, 6.0, 6.0], Critical, Some(1)),
        (&[0.2, 2.0, 2.0, 0.95, 0.95, 0.95], Warn, Some(1)),
        (&[0.2, 2.0, 2.0, 0.5, 0.5], Warn, Some(1)),
        (&[0.2, 2.0, 2.0, 0.5, 0.5, 0.5], Ok, None),
        (&[6.0, 6.0, 6.0, 2.0, 2.0, 2.0], Warn, Some(0)),
        (&[0.2, 2.0, nan, 2.0], Warn, Some(1)),
        (&[0.2, nan], NoTraffic, None),
    ];
    for (values, health, since) in cases {
        let got = judged(values, ERRORS, false);
        let since = since.map(|n| Stamp::from_millis(0) + Duration::from_secs(15 * n));
        assert_eq!((got.health, got.since, got.flapping), (health, since, false), "{values:?}");
    }
}

#[test]
fn less_can_be_worse() {
    assert_eq!(judged(&[0.3, 0.04, 0.04], FREE, false).health, Critical);
    assert_eq!(judged(&[0.3, 0.14, 0.14, 0.16, 0.16, 0.16], FREE, false).health, Warn);
    assert_eq!(judged(&[0.3, 0.14, 0.14, 0.17, 0.17, 0.17], FREE, false).health, Ok);
}

#[test]
fn availability_is_critical_after_two_in_a_row_and_can_recover() {
    assert_eq!(judged(&[1.0, 0.0], UP, true).health, Ok);
    assert_eq!(judged(&[1.0, 0.0, 1.0, 0.0], UP, true).health, Ok);
    assert_eq!(judged(&[1.0, 0.0, 0.0], UP, true).health, Critical);
    assert_eq!(judged(&[1.0, 0.0, 0.0, 1.0, 1.0], UP, true).health, Critical);
    assert_eq!(judged(&[1.0, 0.0, 0.0, 1.0, 1.0, 1.0], UP, true).health, Ok);
}

#[test]
fn flapping_freezes_at_the_worst_until_it_has_been_quiet() {
    let mut values = Vec::new();
    for _ in 0..4 {
        values.extend([6.0, 6.0, 0.1, 0.1, 0.1]);
    }
    let flapping = judged(&values, ERRORS, false);
    assert_eq!((flapping.health, flapping.flapping), (Critical, true));
    values.extend([0.1; 20]);
    assert!(judged(&values, ERRORS, false).flapping, "quiet for less than five minutes");
    values.extend([0.1; 20]);
    let calm = judged(&values, ERRORS, false);
    assert_eq!((calm.health, calm.flapping), (Ok, false));
}

#[test]
fn the_judgement_does_not_depend_on_where_the_history_begins() {
    let mut values = vec![0.2; 40];
    values.extend([2.0, 2.0, 6.0, 6.0, 6.0, 0.5, 6.0]);
    let whole = judged(&values, ERRORS, false).health;
    for skip in 1..40 {
        assert_eq!(judged(&values[skip..], ERRORS, false).health, whole, "from {skip}");
    }
}
