use std::sync::Arc;

use super::*;
use crate::domain::id::SourceId;
use crate::domain::reading::{Provenance, Query};
use crate::domain::text::Raw;

fn sample(value: f64, unit: Unit) -> Sample {
    Sample {
        value,
        unit,
        at: Stamp::from_millis(0),
        provenance: Arc::new(Provenance {
            source: SourceId::new("prom"),
            endpoint: Raw::new("http://127.0.0.1:9090"),
            query: Query::PromQl(Raw::new("up")),
            statistic: Statistic::P95,
            period: Duration::from_secs(15),
            delay: Duration::ZERO,
            threshold_origin: "default",
        }),
    }
}

fn fresh(value: f64, unit: Unit) -> Reading {
    Reading::Fresh(sample(value, unit))
}

#[test]
fn values_have_three_digits_and_their_unit() {
    for (value, unit, wide, narrow) in [
        (1_940.0, Unit::PerSecond, "1.94k/s", "1.94k/s"),
        (4_100.0, Unit::PerSecond, "4.10k/s", "4.10k/s"),
        (563.4, Unit::PerSecond, "563/s", "563/s"),
        (16.0, Unit::PerSecond, "16/s", "16/s"),
        (0.0, Unit::PerSecond, "0/s", "0/s"),
        (0.0004, Unit::PerSecond, "<0.01/s", "<0.01/s"),
        (999.6, Unit::PerSecond, "1.00k/s", "1.00k/s"),
        (12_345_678.0, Unit::PerSecond, "12.3M/s", "12.3M/s"),
        (0.0081, Unit::Ratio, "0.81 %", "0.81%"),
        (0.0, Unit::Ratio, "0.00 %", "0.00%"),
        (0.71, Unit::Ratio, "71.0 %", "71.0%"),
        (1.0, Unit::Ratio, "100 %", "100%"),
        (0.371, Unit::Seconds, "371 ms", "371ms"),
        (0.0012, Unit::Seconds, "1.2 ms", "1.2ms"),
        (0.9999, Unit::Seconds, "1 s", "1s"),
        (2.41, Unit::Seconds, "2.41 s", "2.41s"),
        (59.7, Unit::Seconds, "1m00s", "1m00s"),
        (151.0, Unit::Seconds, "2m31s", "2m31s"),
        (7_500.0, Unit::Seconds, "2h05m", "2h05m"),
        (1_610_612_736.0, Unit::Bytes, "1.50 GiB", "1.50GiB"),
        (12.0, Unit::Days, "12 d", "12d"),
        (0.0, Unit::Bool, "no", "no"),
        (0.118, Unit::UsdPerHour, "$0.12/h", "$0.12/h"),
        (f64::NAN, Unit::Count, "?", "?"),
        (f64::INFINITY, Unit::Ratio, "?", "?"),
    ] {
        let reading = fresh(value, unit);
        assert_eq!(full(&reading).text.as_str(), wide, "{value} {unit:?}");
        assert_eq!(cell(&reading).text.as_str(), narrow, "{value} {unit:?}");
    }
}

#[test]
fn unknown_is_never_zero_and_stale_tells_its_age() {
    let failed = Reading::Absent(Absence::Failed(Shown::fixed("refused")));
    assert_eq!((cell(&failed).text.as_str(), cell(&failed).role), ("?", Role::Unknown));
    assert_eq!(cell(&Reading::Absent(Absence::Connecting)).text.as_str(), "?");
    assert_eq!(cell(&Reading::Absent(Absence::NotMeasured)).text.as_str(), "-");
    assert_eq!(cell(&Reading::NoTraffic).text.as_str(), "idle");
    let stale = Reading::Stale { last: sample(0.371, Unit::Seconds), age: Duration::from_secs(95) };
    assert_eq!((full(&stale).text.as_str(), full(&stale).role), ("371 ms (2m old)", Role::Stale));
}

#[test]
fn latency_stands_whole_against_its_target() {
    for (value, target, expected) in [
        (0.371, Some(0.2), "p95 371/200"),
        (0.0588, Some(0.25), "p95 58.8/250"),
        (0.000_27, Some(0.01), "p95 0.27/10"),
        (0.000_001, Some(0.01), "p95 <0.01/10"),
        (2.414, Some(0.2), "p95 2410/200"),
        (12.44, Some(0.2), "p95 12400/200"),
        (151.0, Some(0.2), "p95 2m31s/200"),
        (2.41, Some(1.5), "p95 2.41/1.5s"),
        (0.061, None, "p95 61ms"),
    ] {
        let target = target.map(|t| (t, "default"));
        let row = Latency { reading: fresh(value, Unit::Seconds), statistic: Statistic::P95, target };
        assert_eq!(latency(&row).text.as_str(), expected);
        assert!(expected.len() <= 13, "the cell has 13 columns: {expected}");
    }
}

#[test]
fn saturation_keeps_its_name_and_its_value() {
    let row =
        Saturation { resource: "conn", reading: fresh(0.804, Unit::Ratio), detail: Some(Shown::fixed("402/500")) };
    assert_eq!(saturation(&row, 12).text.as_str(), "conn 402/500");
    assert_eq!(saturation(&row, 8).text.as_str(), "conn 80%");
    let targets = Saturation { resource: "targets", detail: Some(Shown::fixed("4/4")), ..row.clone() };
    assert_eq!(saturation(&targets, 8).text.as_str(), "ta…s 4/4");
    let row = Saturation { detail: None, ..row };
    assert_eq!(saturation(&row, 12).text.as_str(), "conn 80%");
    assert_eq!(share(&fresh(0.003, Unit::Ratio)).text.as_str(), "0.3%");
}

#[test]
fn changes_have_a_sign() {
    for (value, expected) in [(0.02, "+2%"), (-0.6, "-60%"), (0.001, "0%"), (-0.001, "0%"), (42.0, ">999%")] {
        assert_eq!(change(&fresh(value, Unit::Ratio)).text.as_str(), expected);
    }
}

#[test]
fn ages_are_coarse_and_never_understated() {
    let mut before = Duration::ZERO;
    for (secs, expected) in [
        (0.2, "1s"),
        (1.5, "2s"),
        (4.0, "5s"),
        (11.0, "20s"),
        (41.0, "1m"),
        (61.0, "2m"),
        (200.0, "4m"),
        (3_000.0, "50m"),
        (3_601.0, "2h"),
        (200_000.0, "3d"),
    ] {
        let duration = Duration::from_secs_f64(secs);
        assert!(duration > before);
        before = duration;
        assert_eq!(age(duration).as_str(), expected, "{secs}");
    }
}

#[test]
fn spans_are_exact() {
    for (secs, expected) in [(48, "48s"), (91, "1m31s"), (7_500, "2h05m"), (273_600, "3d4h")] {
        assert_eq!(span(Duration::from_secs(secs)).as_str(), expected);
    }
}
