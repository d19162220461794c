//! The digits. Private to the formatter, except for the axes of charts, whose numbers come from points of a signal.

use super::Room;
use crate::domain::text::Shown;
use crate::domain::unit::Unit;

/// Three significant digits without a useless fraction: `563`, `18.2`, `2.78`, `16`, `<0.01`.
fn three(value: f64) -> String {
    let size = value.abs();
    if value == 0.0 {
        "0".to_owned()
    } else if size < 0.005 {
        if value > 0.0 { "<0.01".to_owned() } else { "-0".to_owned() }
    } else if size < 9.995 {
        trimmed(&format!("{value:.2}"))
    } else if size < 99.95 {
        trimmed(&format!("{value:.1}"))
    } else {
        format!("{value:.0}")
    }
}

fn trimmed(digits: &str) -> String {
    digits.trim_end_matches('0').trim_end_matches('.').to_owned()
}

/// With a decimal multiple: `1.94k`, `563`.
fn scaled(value: f64) -> String {
    let size = value.abs();
    for (from, by, suffix) in [(999_500_000.0, 1e9, "G"), (999_500.0, 1e6, "M"), (999.5, 1e3, "k")] {
        if size >= from {
            return format!("{}{suffix}", fixed_three(value / by));
        }
    }
    three(value)
}

/// Always three digits, so that a growing number does not jump: `4.10`, `19.4`, `194`.
fn fixed_three(value: f64) -> String {
    match value.abs() {
        size if size < 9.995 => format!("{value:.2}"),
        size if size < 99.95 => format!("{value:.1}"),
        _ => format!("{value:.0}"),
    }
}

/// A ratio in per cent, without the sign: two decimals below ten.
pub(super) fn percent(ratio: f64) -> String {
    let percent = ratio * 100.0;
    if !percent.is_finite() {
        "?".to_owned()
    } else if percent > 0.0 && percent < 0.005 {
        "<0.01".to_owned()
    } else {
        fixed_three(percent)
    }
}

/// A share of a limit, for which whole per cent are enough from ten up: `71%`, `0.3%`.
pub(super) fn share(ratio: f64) -> String {
    let percent = ratio * 100.0;
    if !percent.is_finite() {
        "?".to_owned()
    } else if percent >= 9.95 {
        format!("{percent:.0}%")
    } else {
        format!("{percent:.1}%")
    }
}

/// A relative change in whole per cent.
pub(super) fn change(ratio: f64) -> String {
    let percent = (ratio * 100.0).round();
    if !percent.is_finite() {
        "?".to_owned()
    } else if percent == 0.0 {
        "0%".to_owned()
    } else if percent > 999.0 {
        ">999%".to_owned()
    } else {
        format!("{percent:+.0}%")
    }
}

/// A value with its unit.
pub(super) fn value(value: f64, unit: Unit, room: Room) -> String {
    if !value.is_finite() {
        return "?".to_owned();
    }
    let gap = if room == Room::Wide { " " } else { "" };
    match unit {
        Unit::PerSecond => format!("{}/s", scaled(value)),
        Unit::Ratio if room == Room::Wide => format!("{} %", percent(value)),
        Unit::Ratio => format!("{}%", percent(value)),
        Unit::Seconds => seconds(value, gap),
        Unit::Milliseconds => seconds(value / 1000.0, gap),
        Unit::Bytes => bytes(value, gap),
        Unit::Count => scaled(value),
        Unit::Days => format!("{}{gap}d", three(value)),
        Unit::Bool => if value == 0.0 { "no" } else { "yes" }.to_owned(),
        Unit::UsdPerHour => format!("${value:.2}/h"),
    }
}

fn seconds(value: f64, gap: &str) -> String {
    let size = value.abs();
    let whole = size.round() as u64;
    if size < 0.9995 {
        format!("{}{gap}ms", three(value * 1000.0))
    } else if whole < 60 {
        format!("{}{gap}s", three(value))
    } else if whole < 3_600 {
        format!("{}m{:02}s", whole / 60, whole % 60)
    } else if whole < 86_400 {
        format!("{}h{:02}m", whole / 3_600, whole / 60 % 60)
    } else {
        format!("{}d{}h", whole / 86_400, whole / 3_600 % 24)
    }
}

fn bytes(value: f64, gap: &str) -> String {
    for (from, suffix) in [(1u64 << 40, "TiB"), (1 << 30, "GiB"), (1 << 20, "MiB"), (1 << 10, "KiB")] {
        if value.abs() >= from as f64 {
            return format!("{}{gap}{suffix}", fixed_three(value / from as f64));
        }
    }
    format!("{}{gap}B", three(value))
}

/// Seconds against a target, both in milliseconds as the heading's pair: `371/200`, `0.27/10`, `2410/200`. In seconds
/// from a target of one second up, `2.41/1.5s`, and from 100 s up as a span; `371ms` without a target.
pub(super) fn against(value_seconds: f64, target: Option<f64>) -> String {
    if !value_seconds.is_finite() {
        return "?".to_owned();
    }
    let Some(target) = target else { return value(value_seconds, Unit::Seconds, Room::Narrow) };
    if target >= 0.9995 {
        format!("{}/{}s", three(value_seconds), three(target))
    } else if value_seconds < 99.95 {
        format!("{}/{}", three_whole(value_seconds * 1000.0), three(target * 1000.0))
    } else {
        format!("{}/{}", value(value_seconds, Unit::Seconds, Room::Narrow), three(target * 1000.0))
    }
}

/// Three significant digits of a number that is not scaled: `2410`, `12400`.
fn three_whole(value: f64) -> String {
    let step = if value < 999.5 {
        return three(value);
    } else if value < 9_995.0 {
        10.0
    } else {
        100.0
    };
    format!("{:.0}", (value / step).round() * step)
}

/// A round level: a label of a chart's value axis, a threshold. Without digits that say nothing: `5 %`, `160 ms`.
pub(in crate::ui) fn axis(at: f64, unit: Unit) -> Shown {
    Shown::composed(match unit {
        Unit::Ratio if at.is_finite() => format!("{} %", three(at * 100.0)),
        Unit::Seconds if at == 0.0 => "0 s".to_owned(),
        _ => value(at, unit, Room::Wide),
    })
}
