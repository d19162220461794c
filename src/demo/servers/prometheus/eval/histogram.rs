//! Quantiles of classic histograms (`_bucket` series with the label `le`).

use std::collections::HashMap;

use super::value::{Column, merge};
use super::{EvalError, Evaluation};
use crate::demo::store::tsdb::Labels;

/// One bucket at one step: its upper bound and the number of observations up to it.
#[derive(Clone, Copy)]
struct Bucket {
    bound: f64,
    count: f64,
}

/// `histogram_quantile(q, buckets)`: a series without a numeric `le` is left out.
pub(super) fn quantile(
    evaluation: &Evaluation,
    quantiles: &[f64],
    columns: &[Column],
) -> Result<Vec<Column>, EvalError> {
    let mut index: HashMap<Labels, usize> = HashMap::new();
    let mut groups: Vec<Vec<(f64, &Column)>> = Vec::new();
    for column in columns {
        let Some(bound) = parse_bound(column.labels.get("le")) else { continue };
        let at = *index.entry(column.labels.retain(|name| name != "le")).or_insert(groups.len());
        match groups.get_mut(at) {
            Some(group) => group.push((bound, column)),
            None => groups.push(vec![(bound, column)]),
        }
    }
    let mut result = Vec::with_capacity(groups.len());
    for mut group in groups {
        group.sort_by(|(a, _), (b, _)| a.total_cmp(b));
        let Some((_, first)) = group.first() else { continue };
        let labels = first.labels.retain(|name| !matches!(name, "le" | "__name__"));
        let values = (0..evaluation.frame.steps()).zip(quantiles).map(|(step, q)| {
            let buckets = group.iter().filter_map(|(bound, c)| c.at(step).map(|count| Bucket { bound: *bound, count }));
            let buckets: Vec<_> = buckets.collect();
            (!buckets.is_empty()).then(|| bucket_quantile(*q, buckets))
        });
        result.push(Column { labels, values: values.collect() });
    }
    merge(result)
}

fn parse_bound(le: &str) -> Option<f64> {
    le.parse().ok().filter(|bound: &f64| !bound.is_nan())
}

/// The `q`-quantile, linear within the bucket it falls into. Buckets come in the order of their bounds. Counts that
/// fall from one bucket to the next are raised; the highest finite bound stands for everything above it.
fn bucket_quantile(q: f64, buckets: Vec<Bucket>) -> f64 {
    if q < 0.0 {
        return f64::NEG_INFINITY;
    }
    if q > 1.0 {
        return f64::INFINITY;
    }
    if q.is_nan() || buckets.last().is_none_or(|last| last.bound != f64::INFINITY) {
        return f64::NAN;
    }
    let buckets = monotonic(coalesced(buckets));
    let [finite @ .., whole] = buckets.as_slice() else { return f64::NAN };
    let (Some(first), Some(top)) = (finite.first(), finite.last()) else { return f64::NAN };
    if whole.count == 0.0 {
        return f64::NAN;
    }
    let rank = q * whole.count;
    let at = finite.partition_point(|bucket| bucket.count < rank || bucket.count.is_nan() || rank.is_nan());
    let Some(bucket) = finite.get(at) else { return top.bound };
    if at == 0 && first.bound <= 0.0 {
        return first.bound;
    }
    let below = at.checked_sub(1).and_then(|n| finite.get(n)).copied().unwrap_or(Bucket { bound: 0.0, count: 0.0 });
    below.bound + (bucket.bound - below.bound) * ((rank - below.count) / (bucket.count - below.count))
}

/// Adds up buckets of the same bound, which differ in how `le` was written.
fn coalesced(buckets: Vec<Bucket>) -> Vec<Bucket> {
    let mut result: Vec<Bucket> = Vec::with_capacity(buckets.len());
    for bucket in buckets {
        match result.last_mut() {
            Some(last) if last.bound == bucket.bound => last.count += bucket.count,
            _ => result.push(bucket),
        }
    }
    result
}

fn monotonic(mut buckets: Vec<Bucket>) -> Vec<Bucket> {
    let mut most = f64::NEG_INFINITY;
    for bucket in &mut buckets {
        if bucket.count > most {
            most = bucket.count;
        } else if bucket.count < most {
            bucket.count = most;
        }
    }
    buckets
}
