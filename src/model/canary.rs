//! Canary against stable: is the difference in failures more than chance (facts/signals.md part 4).

use std::time::Duration;

use super::assess::node::Node;
use super::facts::Point;
use super::signals::Role;
use crate::domain::text::Raw;
use crate::domain::time::Stamp;

/// 95 %, two-sided.
pub const Z: f64 = 1.96;
/// Fewest requests of each side.
const LEAST: f64 = 300.0;
/// Fewest failures of both, unless the difference is surely small.
const LEAST_FAILURES: f64 = 5.0;
/// The longest window looked at.
pub const WINDOW: Duration = Duration::from_secs(30 * 60);
/// A failed verdict must stand for this long, unless it is overwhelming.
const CONFIRM: Duration = Duration::from_secs(30);

/// Requests of one side, and how many of them failed.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Counts {
    pub failed: f64,
    pub total: f64,
}

/// The difference of two shares with its confidence interval.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Difference {
    pub point: f64,
    pub lower: f64,
    pub upper: f64,
}

#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Verdict {
    /// Worse for certain.
    Fail,
    /// Not worse by more than the margin, for certain.
    Pass,
    /// Cannot be told yet; about this many requests of the canary would tell.
    Inconclusive { needed: u64 },
}

impl Counts {
    /// `failed` and `total` rounded to whole requests: extrapolated increases are no integers.
    #[must_use]
    pub fn rounded(failed: f64, total: f64) -> Self {
        let total = total.round().max(0.0);
        Self { failed: failed.round().clamp(0.0, total), total }
    }

    fn share(self) -> f64 {
        if self.total > 0.0 { self.failed / self.total } else { 0.0 }
    }
}

/// Newcombe's hybrid score interval of `canary - stable` (Statistics in Medicine 17:873-890, 1998, method 10).
#[must_use]
pub fn difference(canary: Counts, stable: Counts, z: f64) -> Option<Difference> {
    if canary.total <= 0.0 || stable.total <= 0.0 {
        return None;
    }
    let ((low_c, high_c), (low_s, high_s)) = (wilson(canary, z), wilson(stable, z));
    let (p_c, p_s) = (canary.share(), stable.share());
    let point = p_c - p_s;
    let lower = point - (p_c - low_c).hypot(high_s - p_s);
    let upper = point + (high_c - p_c).hypot(p_s - low_s);
    Some(Difference { point, lower, upper })
}

/// Wilson's score interval of one share.
fn wilson(counts: Counts, z: f64) -> (f64, f64) {
    let (n, p, zz) = (counts.total, counts.share(), z * z);
    let scale = 1.0 + zz / n;
    let centre = (p + zz / (2.0 * n)) / scale;
    let half = z * (p * (1.0 - p) / n + zz / (4.0 * n * n)).sqrt() / scale;
    (centre - half, centre + half)
}

/// What counts as worse: half as much again as stable, and at least half a per cent.
fn margin(stable: Counts) -> f64 {
    (0.5 * stable.share()).max(0.005)
}

/// The verdict of one look. `critical` is the error ratio that is too much whatever stable does.
#[must_use]
pub fn verdict(canary: Counts, stable: Counts, critical: f64) -> Verdict {
    let margin = margin(stable);
    let p = canary.share().max(stable.share());
    let needed = (Z * Z * p * (1.0 - p) / (margin * margin)).ceil().max(LEAST);
    let inconclusive = Verdict::Inconclusive { needed: needed as u64 };
    let Some(d) = difference(canary, stable, Z) else { return inconclusive };
    let enough = canary.total >= LEAST
        && stable.total >= LEAST
        && (canary.failed + stable.failed >= LEAST_FAILURES || d.upper < margin);
    if !enough {
        return inconclusive;
    }
    if (d.lower > 0.0 && d.point > margin) || canary.share() > critical {
        return Verdict::Fail;
    }
    if d.upper < margin { Verdict::Pass } else { inconclusive }
}

/// Whether `one` fails significantly more than `other`, by more than the margin.
#[must_use]
pub fn is_worse(one: Counts, other: Counts) -> bool {
    let Some(d) = difference(one, other, Z) else { return false };
    one.total >= LEAST
        && other.total >= LEAST
        && one.failed + other.failed >= LEAST_FAILURES
        && d.lower > 0.0
        && d.point > margin(other)
}

/// Two revisions of one workload over a window.
#[derive(Clone, Copy)]
pub struct Comparison<'n, 'a> {
    pub node: &'n Node<'a>,
    pub canary: &'n Raw,
    pub stable: &'n Raw,
    /// The last change of weights, where known.
    pub since: Option<Stamp>,
}

impl<'n, 'a> Comparison<'n, 'a> {
    /// The rollout's canary and stable, while both take part.
    #[must_use]
    pub fn of(node: &'n Node<'a>, since: Option<Stamp>) -> Option<Self> {
        let rollout = node.rollout()?;
        let canary = rollout.canary.as_ref()?;
        (canary.hash != rollout.stable.hash).then_some(Self {
            node,
            canary: &canary.hash,
            stable: &rollout.stable.hash,
            since,
        })
    }

    /// Requests of canary and stable from the last weight change (at most 30 minutes ago) to `end`; only of the time in
    /// which both took part, or what happened before the canary came would be held against it.
    #[must_use]
    pub fn counts(&self, end: Stamp) -> Option<(Counts, Counts)> {
        let mut start = self.since.unwrap_or_default().max(end - WINDOW);
        for version in [self.canary, self.stable] {
            let rate = self.node.of_version(Role::Rate, version).find(|l| l.is_fresh())?;
            start = start.max(rate.series.points.iter().find(|p| p.value > 0.0)?.at);
        }
        Some((counts(self.node, self.canary, start, end)?, counts(self.node, self.stable, start, end)?))
    }

    /// The verdict on the canary now: a failure must have stood for 30 s already, unless it is overwhelming.
    #[must_use]
    pub fn verdict(&self, now: Stamp, critical: f64) -> Option<Verdict> {
        let (canary, stable) = self.counts(now)?;
        let verdict = verdict(canary, stable, critical);
        if verdict != Verdict::Fail {
            return Some(verdict);
        }
        let overwhelming = difference(canary, stable, Z).is_some_and(|d| d.lower > 3.0 * margin(stable));
        let before = self.counts(now - CONFIRM).map(|(canary, stable)| self::verdict(canary, stable, critical));
        let stands = overwhelming || before == Some(Verdict::Fail);
        Some(if stands { Verdict::Fail } else { Verdict::Inconclusive { needed: LEAST as u64 } })
    }

    /// The revision that fails significantly more than the other one: of a canary, or of the stable pods.
    #[must_use]
    pub fn worse(&self, now: Stamp) -> Option<(&'n Raw, Counts, Counts)> {
        let (canary, stable) = self.counts(now)?;
        if is_worse(canary, stable) {
            return Some((self.canary, canary, stable));
        }
        is_worse(stable, canary).then_some((self.stable, stable, canary))
    }
}

/// Requests and failures of one revision: rates over the window, summed.
fn counts(node: &Node, version: &Raw, start: Stamp, end: Stamp) -> Option<Counts> {
    let rate = node.of_version(Role::Rate, version).find(|l| l.is_fresh())?;
    let ratio = node.of_version(Role::ErrorRatio, version).find(|l| l.is_fresh());
    let ratio = ratio.map(super::assess::node::Line::curve);
    let (mut total, mut failed) = (0.0, 0.0);
    let mut before: Option<&Point> = None;
    let longest = (rate.series.provenance.period * 2).max(CONFIRM);
    for point in rate.series.points.iter().filter(|p| p.at >= start && p.at <= end && !p.value.is_nan()) {
        let span = before.map_or(rate.series.provenance.period, |b| point.at.since(b.at)).min(longest);
        let requests = point.value * span.as_secs_f64();
        let share = ratio.as_ref().and_then(|r| r.value_at(point.at)).filter(|v| !v.is_nan()).unwrap_or(0.0);
        total += requests;
        failed += requests * share;
        before = Some(point);
    }
    (total > 0.0).then(|| Counts::rounded(failed, total))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(failed: f64, total: f64) -> Counts {
        Counts { failed, total }
    }

    #[test]
    fn intervals_equal_the_published_vectors() {
        let cases = [
            (of(24.0, 1200.0), of(24.0, 12000.0), 0.0180, 0.0114, 0.0276),
            (of(0.0, 50.0), of(2.0, 1000.0), -0.0020, -0.0073, 0.0694),
            (of(3.0, 1000.0), of(0.0, 10000.0), 0.0030, 0.0010, 0.0088),
        ];
        for (canary, stable, point, lower, upper) in cases {
            let d = difference(canary, stable, Z).expect("both have requests");
            for (got, expected) in [(d.point, point), (d.lower, lower), (d.upper, upper)] {
                assert!((got - expected).abs() < 0.000_06, "{canary:?} {stable:?}: {d:?}");
            }
        }
    }

    #[test]
    fn verdicts_need_data_and_a_margin() {
        let needs = |n: u64| Verdict::Inconclusive { needed: n };
        let cases = [
            (of(180.0, 1000.0), of(10.0, 10_000.0), Verdict::Fail),
            (of(1.0, 2000.0), of(10.0, 20_000.0), Verdict::Pass),
            // Too few requests, however bad.
            (of(50.0, 200.0), of(1.0, 10_000.0), needs(28_812)),
            // Worse for certain, but by less than half a per cent.
            (of(60.0, 20_000.0), of(40.0, 100_000.0), Verdict::Pass),
            // Beyond the absolute limit, as stable is: the canary must not go on.
            (of(80.0, 1000.0), of(800.0, 10_000.0), Verdict::Fail),
        ];
        for (canary, stable, expected) in cases {
            assert_eq!(verdict(canary, stable, 0.05), expected, "{canary:?} {stable:?}");
        }
        assert_eq!(difference(of(0.0, 0.0), of(1.0, 10.0), Z), None);
    }

    #[test]
    fn a_difference_names_the_worse_side_only() {
        let (bad, good) = (of(180.0, 1000.0), of(10.0, 10_000.0));
        assert!(is_worse(bad, good));
        assert!(!is_worse(good, bad));
        assert!(!is_worse(of(80.0, 1000.0), of(800.0, 10_000.0)), "both alike");
    }
}
