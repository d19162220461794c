//! Numbers and times as people read them. Takes readings, stamps and durations only: a bare number has no way to the
//! screen. Three significant digits, units always, ages coarse and never understated.

mod number;
#[cfg(test)]
mod tests;

use std::time::Duration;

use crate::domain::reading::{Absence, Reading, Sample};
use crate::domain::text::Shown;
use crate::domain::time::Stamp;
use crate::domain::unit::{Statistic, Unit};
use crate::model::board::{Capacity, Latency, Saturation};
use crate::model::facts::Replicas;
use crate::shown;
use crate::theme::Role;

pub(in crate::ui) use number::axis;

/// A formatted figure and how it is to be drawn when nothing else is known of its health.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Figure {
    pub text: Shown,
    pub role: Role,
}

impl Figure {
    fn new(text: String, role: Role) -> Self {
        Self { text: Shown::composed(text), role }
    }

    /// Whether it is a value that can be relied on.
    #[must_use]
    pub fn is_fresh(&self) -> bool {
        self.role == Role::Text
    }
}

/// How much room a value may take.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Room {
    /// `371 ms`, `0.81 %`
    Wide,
    /// `371ms`, `0.81%`
    Narrow,
}

/// With a space before the unit, and the age when it is stale: `371 ms`, `0.81 %`, `402 (2m old)`.
#[must_use]
pub fn full(reading: &Reading) -> Figure {
    let figure = written(reading, |sample| number::value(sample.value, sample.unit, Room::Wide));
    match reading {
        Reading::Stale { age: old, .. } => Figure { text: shown!("{} ({} old)", figure.text, age(*old)), ..figure },
        _ => figure,
    }
}

/// For table cells: `371ms`, `1.94k/s`, `0.81%`. The age of a stale one stands elsewhere on its row.
#[must_use]
pub fn cell(reading: &Reading) -> Figure {
    written(reading, |sample| number::value(sample.value, sample.unit, Room::Narrow))
}

/// A ratio under a heading that says per cent: `0.81`, `18.2`, `100`.
#[must_use]
pub fn percent(reading: &Reading) -> Figure {
    written(reading, |sample| number::percent(sample.value))
}

/// A relative change: `+2%`, `-60%`.
#[must_use]
pub fn change(reading: &Reading) -> Figure {
    written(reading, |sample| number::change(sample.value))
}

/// `p95 371/200`: statistic, value and target, both in milliseconds; with its unit where there is no target.
#[must_use]
pub fn latency(latency: &Latency) -> Figure {
    written(&latency.reading, |sample| {
        let target = latency.target.map(|(seconds, _)| seconds);
        format!("{} {}", latency.statistic.name(), number::against(sample.value, target))
    })
}

/// `cpu 71%`, `conn 402/500`; where that is wider than `columns`, the share instead of its parts, then with a name cut in
/// its middle. The name of the resource is never left out: two resources must not look alike.
#[must_use]
pub fn saturation(saturation: &Saturation, columns: u16) -> Figure {
    let share = share(&saturation.reading);
    // The parts tell more than the share, as long as they leave enough of the name.
    let least = saturation.resource.len().min(4) + 1;
    let parts = saturation
        .detail
        .as_ref()
        .filter(|detail| saturation.reading.last().is_some() && least + detail.as_str().len() <= usize::from(columns));
    let value = parts.map_or_else(|| share.clone(), |detail| Figure { text: detail.clone(), role: share.role });
    named(saturation.resource, &value, columns)
}

/// `cpu 71%` in at most `columns`: the name is cut in its middle, the value never.
#[must_use]
pub fn named(name: &'static str, value: &Figure, columns: u16) -> Figure {
    let room = columns.saturating_sub(crate::ui::canvas::width(value) + 1);
    let name = crate::ui::canvas::cut_middle(name, usize::from(room.max(1)));
    Figure { text: shown!("{} {}", name, value.text), role: value.role }
}

/// A ratio as a share of a limit (`71%`), other units as in any cell.
#[must_use]
pub fn share(reading: &Reading) -> Figure {
    match reading.last().map(|sample| sample.unit) {
        Some(Unit::Ratio) => written(reading, |sample| number::share(sample.value)),
        _ => cell(reading),
    }
}

/// The value as it was received, with every digit, for *explain*.
#[must_use]
pub fn exact(sample: &Sample) -> Shown {
    Shown::composed(format!("{} {}", sample.value, sample.unit.symbol()))
}

/// A target in seconds as the board writes it: `200 ms`.
#[must_use]
pub fn target(latency: &Latency) -> Option<(Shown, &'static str)> {
    latency.target.map(|(seconds, origin)| (Shown::composed(number::value(seconds, Unit::Seconds, Room::Wide)), origin))
}

/// A threshold of a signal in the unit of its reading.
#[must_use]
pub fn threshold(level: Option<f64>, reading: &Reading) -> Option<Shown> {
    let unit = reading.last()?.unit;
    level.map(|level| number::axis(level, unit))
}

/// `9/9`.
#[must_use]
pub fn ready(replicas: &Replicas) -> Shown {
    shown!("{}/{}", replicas.ready, replicas.desired)
}

/// `12/12 3z`.
#[must_use]
pub fn capacity(capacity: &Capacity) -> Shown {
    if capacity.zones == 0 {
        shown!("{}/{}", capacity.ready, capacity.desired)
    } else {
        shown!("{}/{} {}z", capacity.ready, capacity.desired, capacity.zones)
    }
}

/// `44/45 ready in 3 zones`.
#[must_use]
pub fn capacity_words(capacity: &Capacity) -> Shown {
    let ready = shown!("{}/{} ready", capacity.ready, capacity.desired);
    match capacity.zones {
        0 => ready,
        1 => shown!("{} in 1 zone", ready),
        zones => shown!("{} in {} zones", ready, zones),
    }
}

/// The statistic before a value where it matters (`p95`), nothing for the last value of a gauge.
#[must_use]
pub fn statistic(reading: &Reading) -> &'static str {
    match reading.last().map(|sample| sample.provenance.statistic) {
        None | Some(Statistic::Last) => "",
        Some(other) => other.name(),
    }
}

/// How much of the failing traffic a suspect explains: `86 %`.
#[must_use]
pub fn explains(of: &crate::model::board::Suspect) -> Shown {
    shown!("{} %", (of.explains.clamp(0.0, 1.0) * 100.0).round() as u32)
}

fn written(reading: &Reading, write: impl FnOnce(&Sample) -> String) -> Figure {
    match reading {
        Reading::Fresh(sample) => Figure::new(write(sample), Role::Text),
        Reading::Stale { last, .. } => Figure::new(write(last), Role::Stale),
        Reading::NoTraffic => Figure { text: Shown::fixed("idle"), role: Role::Dim },
        Reading::Absent(Absence::NotMeasured) => Figure { text: Shown::fixed("-"), role: Role::Faint },
        Reading::Absent(_) => Figure { text: Shown::fixed("?"), role: Role::Unknown },
    }
}

/// The age of a reading that is too old to be relied on.
#[must_use]
pub fn stale_age(reading: &Reading) -> Option<Duration> {
    if let Reading::Stale { age, .. } = reading { Some(*age) } else { None }
}

/// Upper ends of the steps in which ages below a minute are told, in seconds.
const AGE_STEPS: [u64; 6] = [1, 2, 5, 10, 20, 40];

/// A coarse age, rounded up so that nothing looks fresher than it is: `1s 5s 20s 1m 7m 2h 3d`.
#[must_use]
pub fn age(age: Duration) -> Shown {
    let secs = age.as_millis().div_ceil(1000).try_into().unwrap_or(u64::MAX);
    match AGE_STEPS.into_iter().find(|step| secs <= *step) {
        Some(step) => shown!("{}s", step),
        None if secs <= 59 * 60 => shown!("{}m", secs.div_ceil(60)),
        None if secs <= 48 * 3_600 => shown!("{}h", secs.div_ceil(3_600)),
        None => shown!("{}d", secs.div_ceil(86_400)),
    }
}

/// What is younger is as fresh as what polls four times a minute can be.
const FRESH: Duration = Duration::from_secs(30);

/// The age of a source's newest sample; `fresh` below half a minute, for then its age says nothing and would only flicker.
#[must_use]
pub fn source_age(old: Duration, fresh: &'static str) -> Shown {
    if old <= FRESH { Shown::fixed(fresh) } else { age(old) }
}

/// For how long something has been so, in coarse steps that begun are not counted: `<1m`, `2m`, `3h`, `5d`.
#[must_use]
pub fn lasting(span: Duration) -> Shown {
    match span.as_secs() {
        0..60 => Shown::fixed("<1m"),
        secs @ 60..3_600 => shown!("{}m", secs / 60),
        secs @ 3_600..172_800 => shown!("{}h", secs / 3_600),
        secs => shown!("{}d", secs / 86_400),
    }
}

/// An exact span: `48s`, `1m31s`, `2h05m`, `3d4h`.
#[must_use]
pub fn span(span: Duration) -> Shown {
    let secs = span.as_secs();
    match secs {
        0..60 => shown!("{}s", secs),
        60..3_600 => Shown::composed(format!("{}m{:02}s", secs / 60, secs % 60)),
        3_600..86_400 => Shown::composed(format!("{}h{:02}m", secs / 3_600, secs / 60 % 60)),
        _ => shown!("{}d{}h", secs / 86_400, secs / 3_600 % 24),
    }
}

/// `42 ms` or `2.4 s`: how long a call took.
#[must_use]
pub fn took(took: Duration) -> Shown {
    Shown::composed(number::value(took.as_secs_f64(), Unit::Seconds, Room::Wide))
}

/// `03:12Z`: a clock whose seconds nobody waits for.
#[must_use]
pub fn quiet_clock(at: Stamp) -> Shown {
    shown!("{}Z", minute(at))
}

/// `03:12:07Z`.
#[must_use]
pub fn clock(at: Stamp) -> Shown {
    Shown::composed(format!("{}Z", at.clock()))
}

/// `03:12:07`.
#[must_use]
pub fn time(at: Stamp) -> Shown {
    Shown::composed(at.clock())
}

/// `03:12`.
#[must_use]
pub fn minute(at: Stamp) -> Shown {
    Shown::composed(at.clock().chars().take(5).collect())
}

/// `03:12:07`, for moments of the same day; the date stands before it otherwise.
#[must_use]
pub fn moment(at: Stamp, now: Stamp) -> Shown {
    let clock = time(at);
    if now.since(at) < Duration::from_secs(20 * 3_600) {
        return clock;
    }
    let date: String = at.rfc3339().chars().take(10).collect();
    shown!("{} {}", Shown::composed(date), clock)
}

/// `03:12:07` of the same day, `11-20 03:12` otherwise.
#[must_use]
pub fn short_moment(at: Stamp, now: Stamp) -> Shown {
    if now.since(at) < Duration::from_secs(20 * 3_600) {
        return time(at);
    }
    let date: String = at.rfc3339().chars().skip(5).take(5).collect();
    shown!("{} {}", Shown::composed(date), minute(at))
}

/// What a source costs: `$0.12/h`.
#[must_use]
pub fn cost(status: &crate::model::board::SourceStatus) -> Option<Shown> {
    status.cost.map(|usd| Shown::composed(number::value(usd, Unit::UsdPerHour, Room::Wide)))
}
