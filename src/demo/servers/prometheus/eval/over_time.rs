//! Statistics of one series within a range. The means are built up as Prometheus builds them, so that rounding agrees.

use super::counter::Kahan;
use super::select::Window;

pub(super) fn avg(window: &Window) -> Option<f64> {
    let mut mean = Kahan::ZERO;
    for (value, count) in values(window).zip(1u32..) {
        if mean.sum.is_infinite() && absorbs(mean.sum, value) {
            continue;
        }
        let count = f64::from(count);
        mean.add(value / count - mean.sum / count);
    }
    Some(mean.total())
}

/// Whether an infinite mean stays what it is when `value` joins.
pub(super) fn absorbs(mean: f64, value: f64) -> bool {
    if value.is_infinite() { (mean > 0.0) == (value > 0.0) } else { !value.is_nan() }
}

pub(super) fn sum(window: &Window) -> Option<f64> {
    let mut sum = Kahan::ZERO;
    values(window).for_each(|value| sum.add(value));
    Some(sum.total())
}

pub(super) fn min(window: &Window) -> Option<f64> {
    values(window).reduce(|least, v| if v < least || least.is_nan() { v } else { least })
}

pub(super) fn max(window: &Window) -> Option<f64> {
    values(window).reduce(|most, v| if v > most || most.is_nan() { v } else { most })
}

pub(super) fn count(window: &Window) -> Option<f64> {
    Some(window.samples.len() as f64)
}

pub(super) fn last(window: &Window) -> Option<f64> {
    values(window).last()
}

pub(super) fn present(_: &Window) -> Option<f64> {
    Some(1.0)
}

pub(super) fn stdvar(window: &Window) -> Option<f64> {
    let (mut mean, mut squares) = (Kahan::ZERO, Kahan::ZERO);
    for (value, count) in values(window).zip(1u32..) {
        let delta = value - (mean.sum + mean.lost);
        mean.add(delta / f64::from(count));
        squares.add(delta * (value - (mean.sum + mean.lost)));
    }
    Some((squares.sum + squares.lost) / window.samples.len() as f64)
}

pub(super) fn stddev(window: &Window) -> Option<f64> {
    stdvar(window).map(f64::sqrt)
}

pub(super) fn quantile(window: &Window, q: f64) -> Option<f64> {
    Some(quantile_of(&mut values(window).collect::<Vec<_>>(), q))
}

/// The `q`-quantile of plain values, interpolated between the two nearest; NaN counts as the least.
pub(super) fn quantile_of(values: &mut [f64], q: f64) -> f64 {
    if values.is_empty() || q.is_nan() {
        return f64::NAN;
    }
    if q < 0.0 {
        return f64::NEG_INFINITY;
    }
    if q > 1.0 {
        return f64::INFINITY;
    }
    values.sort_by(|a, b| (!a.is_nan()).cmp(&!b.is_nan()).then(a.partial_cmp(b).unwrap_or(std::cmp::Ordering::Equal)));
    let rank = q * (values.len() - 1) as f64;
    let weight = rank - rank.floor();
    let nth = |n: usize| values.get(n.min(values.len() - 1)).copied().unwrap_or(f64::NAN);
    let lower = rank.floor().max(0.0) as usize;
    nth(lower) * (1.0 - weight) + nth(lower + 1) * weight
}

fn values(window: &Window) -> impl Iterator<Item = f64> {
    window.samples.iter().map(|sample| sample.value)
}
