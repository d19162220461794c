//! Two clocks: world time, in which production happens, and human time, in which the operator acts.

use std::fmt;
use std::ops::{Add, Sub};
use std::time::Duration;

use serde::{Deserialize, Serialize};

/// How far clocks may differ.
const AHEAD: Duration = Duration::from_secs(60);

/// A moment of world time: milliseconds since the Unix epoch, UTC.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Stamp(i64);

impl Stamp {
    #[must_use]
    pub const fn from_millis(millis: i64) -> Self {
        Self(millis)
    }

    /// From seconds with a fraction, as Prometheus writes times.
    #[must_use]
    pub fn from_secs_f64(secs: f64) -> Self {
        Self((secs * 1000.0).round() as i64)
    }

    /// Parses RFC 3339, for example `2026-11-21T03:12:07Z`.
    #[must_use]
    pub fn parse_rfc3339(text: &str) -> Option<Self> {
        text.parse::<jiff::Timestamp>().ok().map(|t| Self(t.as_millisecond()))
    }

    #[must_use]
    pub const fn millis(self) -> i64 {
        self.0
    }

    #[must_use]
    pub fn secs_f64(self) -> f64 {
        self.0 as f64 / 1000.0
    }

    /// Time since `earlier`; zero when `earlier` is later.
    #[must_use]
    pub fn since(self, earlier: Self) -> Duration {
        Duration::from_millis(u64::try_from(self.0.saturating_sub(earlier.0)).unwrap_or(0))
    }

    /// Whether it lies so far in the future of `now` that a clock must be wrong.
    #[must_use]
    pub fn is_ahead_of(self, now: Self) -> bool {
        self.since(now) > AHEAD
    }

    /// The greatest multiple of `step` since the epoch that is not later than this moment.
    #[must_use]
    pub fn align_down(self, step: Duration) -> Self {
        let step = i64::try_from(step.as_millis()).unwrap_or(i64::MAX).max(1);
        Self(self.0.div_euclid(step) * step)
    }

    /// `03:12:07`, UTC.
    #[must_use]
    pub fn clock(self) -> String {
        let secs = self.0.div_euclid(1000).rem_euclid(86_400);
        format!("{:02}:{:02}:{:02}", secs / 3600, secs / 60 % 60, secs % 60)
    }

    /// `2026-11-21T03:12:07.250Z`; years outside jiff's range are shown as milliseconds.
    #[must_use]
    pub fn rfc3339(self) -> String {
        jiff::Timestamp::from_millisecond(self.0).map_or_else(|_| format!("{}ms", self.0), |t| format!("{t:.3}"))
    }
}

impl fmt::Display for Stamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.rfc3339())
    }
}

impl Add<Duration> for Stamp {
    type Output = Self;
    fn add(self, span: Duration) -> Self {
        Self(self.0.saturating_add(i64::try_from(span.as_millis()).unwrap_or(i64::MAX)))
    }
}

impl Sub<Duration> for Stamp {
    type Output = Self;
    fn sub(self, span: Duration) -> Self {
        Self(self.0.saturating_sub(i64::try_from(span.as_millis()).unwrap_or(i64::MAX)))
    }
}

/// A moment of human time: monotonic, counted from the start of the program.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Human(pub Duration);

/// How world time follows the wall's: `world + (wall - origin) * rate`. The real world has `world == origin` and rate 1.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Clock {
    /// Wall time, ms since the Unix epoch.
    pub origin: i64,
    /// World time at `origin`, ms since the Unix epoch.
    pub world: i64,
    pub rate: f64,
}

impl Clock {
    /// World time is the wall's.
    pub const REAL: Self = Self { origin: 0, world: 0, rate: 1.0 };

    /// World time when the wall shows `wall` (ms since the Unix epoch).
    #[must_use]
    pub fn at(&self, wall: i64) -> Stamp {
        Stamp(self.world + ((wall - self.origin) as f64 * self.rate).round() as i64)
    }

    /// How long a span of world time takes on the wall.
    #[must_use]
    pub fn on_the_wall(&self, world: Duration) -> Duration {
        if self.rate > 0.0 { world.div_f64(self.rate) } else { world }
    }
}

impl Default for Clock {
    fn default() -> Self {
        Self::REAL
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_clock_runs_at_its_rate_from_its_origin() {
        let clock = Clock { origin: 1_000, world: 50_000, rate: 20.0 };
        assert_eq!(clock.at(1_000), Stamp(50_000));
        assert_eq!(clock.at(1_100), Stamp(52_000));
        assert_eq!(clock.on_the_wall(Duration::from_secs(20)), Duration::from_secs(1));
        assert_eq!(Clock::REAL.at(7), Stamp(7));
    }

    #[test]
    fn spans_between_any_two_moments_are_told() {
        let (first, last) = (Stamp(i64::MIN), Stamp(i64::MAX));
        assert_eq!(last.since(first), Duration::from_millis(i64::MAX.unsigned_abs()));
        assert_eq!(first.since(last), Duration::ZERO);
        let now = Stamp(0);
        assert_eq!([0, 60_000, 60_001].map(|ahead| Stamp(ahead).is_ahead_of(now)), [false, false, true]);
    }

    #[test]
    fn stamps_print_and_parse() {
        let stamp = Stamp::from_millis(1_795_230_727_250);
        assert_eq!(stamp.rfc3339(), "2026-11-21T03:12:07.250Z");
        assert_eq!(stamp.clock(), "03:12:07");
        assert_eq!(Stamp::parse_rfc3339("2026-11-21T03:12:07.25Z"), Some(stamp));
        assert_eq!(stamp.align_down(Duration::from_secs(60)).clock(), "03:12:00");
    }
}
