//! Functions of how a series rises and falls within a range.

use super::select::Window;
use crate::demo::store::tsdb::Sample;

/// What [`extrapolated`] is asked for.
#[derive(Clone, Copy, PartialEq)]
enum Slope {
    Rate,
    Increase,
    Delta,
}

pub(super) fn rate(window: &Window) -> Option<f64> {
    extrapolated(window, Slope::Rate)
}

pub(super) fn increase(window: &Window) -> Option<f64> {
    extrapolated(window, Slope::Increase)
}

pub(super) fn delta(window: &Window) -> Option<f64> {
    extrapolated(window, Slope::Delta)
}

/// The change over the whole range: the change between the first and the last sample, extended towards the ends of the
/// range. An end nearer than 1.1 average intervals is reached, a farther one is approached by half an interval, and a
/// counter is not extended back beyond where it would have been zero.
fn extrapolated(window: &Window, slope: Slope) -> Option<f64> {
    let (first, last) = ends(window.samples)?;
    let is_counter = slope != Slope::Delta;
    let mut change = last.value - first.value;
    if is_counter {
        change += lost_to_resets(window.samples);
    }
    let sampled = seconds(last.at - first.at);
    let interval = sampled / (window.samples.len() - 1) as f64;
    let mut before = seconds(first.at - window.begin);
    let after = seconds(window.end - last.at);
    if is_counter && change > 0.0 && first.value >= 0.0 {
        before = before.min(sampled * (first.value / change));
    }
    let reach = |gap: f64| if gap < interval * 1.1 { gap } else { interval / 2.0 };
    let mut factor = (sampled + reach(before) + reach(after)) / sampled;
    if slope == Slope::Rate {
        factor /= seconds(window.end - window.begin);
    }
    Some(change * factor)
}

/// What a counter had reached each time before it fell.
fn lost_to_resets(samples: &[Sample]) -> f64 {
    pairs(samples).filter(|(a, b)| b.value < a.value).fold(0.0, |sum, (a, _)| sum + a.value)
}

pub(super) fn irate(window: &Window) -> Option<f64> {
    let (previous, last) = last_two(window.samples)?;
    let change = if last.value < previous.value { last.value } else { last.value - previous.value };
    Some(change / seconds(last.at - previous.at))
}

pub(super) fn idelta(window: &Window) -> Option<f64> {
    last_two(window.samples).map(|(previous, last)| last.value - previous.value)
}

pub(super) fn changes(window: &Window) -> Option<f64> {
    let differs = |a: &Sample, b: &Sample| a.value != b.value && !(a.value.is_nan() && b.value.is_nan());
    Some(pairs(window.samples).filter(|(a, b)| differs(a, b)).count() as f64)
}

pub(super) fn resets(window: &Window) -> Option<f64> {
    Some(pairs(window.samples).filter(|(a, b)| b.value < a.value).count() as f64)
}

/// The slope of the least-squares line, per second.
pub(super) fn deriv(window: &Window) -> Option<f64> {
    let (first, _) = ends(window.samples)?;
    Some(regression(window.samples, first.at).0)
}

/// The least-squares line's value `ahead` seconds after the moment of evaluation.
pub(super) fn predict_linear(window: &Window, ahead: f64) -> Option<f64> {
    ends(window.samples)?;
    let (slope, intercept) = regression(window.samples, window.at);
    Some(slope * ahead + intercept)
}

/// Slope per second and value at `origin` of the least-squares line. A constant series is its own line.
fn regression(samples: &[Sample], origin: i64) -> (f64, f64) {
    let level = samples.first().map_or(f64::NAN, |s| s.value);
    if samples.iter().all(|s| s.value == level) {
        return if level.is_infinite() { (f64::NAN, f64::NAN) } else { (0.0, level) };
    }
    let n = samples.len() as f64;
    let (mut x_sum, mut y_sum, mut xy_sum, mut xx_sum) = (Kahan::ZERO, Kahan::ZERO, Kahan::ZERO, Kahan::ZERO);
    for sample in samples {
        let x = seconds(sample.at - origin);
        x_sum.add(x);
        y_sum.add(sample.value);
        xy_sum.add(x * sample.value);
        xx_sum.add(x * x);
    }
    let (x, y) = (x_sum.total(), y_sum.total());
    let slope = (xy_sum.total() - x * y / n) / (xx_sum.total() - x * x / n);
    (slope, y / n - slope * x / n)
}

/// A sum that carries what rounding lost (Kahan, as improved by Neumaier).
#[derive(Clone, Copy)]
pub(super) struct Kahan {
    pub sum: f64,
    pub lost: f64,
}

impl Kahan {
    pub const ZERO: Self = Self { sum: 0.0, lost: 0.0 };

    pub fn add(&mut self, value: f64) {
        let sum = self.sum + value;
        self.lost += if self.sum.abs() >= value.abs() { (self.sum - sum) + value } else { (value - sum) + self.sum };
        self.sum = sum;
    }

    pub fn total(self) -> f64 {
        if self.sum.is_infinite() { self.sum } else { self.sum + self.lost }
    }
}

fn seconds(millis: i64) -> f64 {
    millis as f64 / 1000.0
}

fn pairs(samples: &[Sample]) -> impl Iterator<Item = (&Sample, &Sample)> {
    samples.iter().zip(samples.iter().skip(1))
}

/// First and last of at least two samples.
fn ends(samples: &[Sample]) -> Option<(Sample, Sample)> {
    match samples {
        [first, .., last] => Some((*first, *last)),
        _ => None,
    }
}

fn last_two(samples: &[Sample]) -> Option<(Sample, Sample)> {
    match samples {
        [.., previous, last] => Some((*previous, *last)),
        _ => None,
    }
}
