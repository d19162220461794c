//! Statistics over the samples of a bucket.

use crate::demo::store::cloudwatch::{BUCKETS, Point, bucket_bound};

/// The statistics that the world can answer; trimmed means and the like are not among them.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Statistic {
    Average,
    Sum,
    Minimum,
    Maximum,
    SampleCount,
    /// As a share, 0 to 1.
    Percentile(f64),
}

impl Statistic {
    /// `Average`, ..., `p95`, `p99.99`.
    pub fn parse(text: &str) -> Option<Self> {
        Some(match text {
            "Average" => Self::Average,
            "Sum" => Self::Sum,
            "Minimum" => Self::Minimum,
            "Maximum" => Self::Maximum,
            "SampleCount" => Self::SampleCount,
            _ => {
                let digits = text.strip_prefix('p').filter(|d| d.bytes().all(|b| b.is_ascii_digit() || b == b'.'))?;
                let percent: f64 = digits.parse().ok()?;
                (0.0..=100.0).contains(&percent).then_some(Self::Percentile(percent / 100.0))?
            }
        })
    }

    /// The statistic of the points of one bucket; none if there is no sample, or if the samples' distribution is not
    /// known (a statistic set has no percentiles unless all its samples are equal: CloudWatch user guide, percentiles).
    pub fn of(self, points: &[Point]) -> Option<f64> {
        let count: f64 = points.iter().map(|p| p.count).sum();
        if points.is_empty() || count <= 0.0 {
            return None;
        }
        let sum: f64 = points.iter().map(|p| p.sum).sum();
        Some(match self {
            Self::Average => sum / count,
            Self::Sum => sum,
            Self::Minimum => points.iter().map(|p| p.min).fold(f64::INFINITY, f64::min),
            Self::Maximum => points.iter().map(|p| p.max).fold(f64::NEG_INFINITY, f64::max),
            Self::SampleCount => count,
            Self::Percentile(share) => percentile(points, count, share)?,
        })
    }
}

fn percentile(points: &[Point], count: f64, share: f64) -> Option<f64> {
    if points.iter().all(|p| p.histogram.is_some()) {
        return from_histograms(points, share);
    }
    if points.iter().any(|p| p.histogram.is_some() || (p.count > 1.0 && p.min < p.max)) {
        return None;
    }
    let mut samples: Vec<(f64, f64)> = points.iter().map(|p| (p.max, p.count)).collect();
    samples.sort_by(|a, b| a.0.total_cmp(&b.0));
    let rank = share * count;
    samples
        .iter()
        .scan(0.0, |below, (value, n)| {
            *below += n;
            Some((*below, *value))
        })
        .find(|(below, _)| *below >= rank)
        .map(|(_, value)| value)
}

/// Within a bucket the samples are spread evenly on its logarithmic scale.
fn from_histograms(points: &[Point], share: f64) -> Option<f64> {
    let mut cells = [0f64; BUCKETS];
    for histogram in points.iter().filter_map(|p| p.histogram.as_deref()) {
        for (cell, n) in cells.iter_mut().zip(histogram) {
            *cell += f64::from(*n);
        }
    }
    let total: f64 = cells.iter().sum();
    let min = points.iter().map(|p| p.min).fold(f64::INFINITY, f64::min);
    let max = points.iter().map(|p| p.max).fold(f64::NEG_INFINITY, f64::max);
    let rank = share * total;
    let mut below = 0.0;
    for (index, cell) in cells.iter().enumerate() {
        if *cell > 0.0 && below + cell >= rank {
            let upper = bucket_bound(index);
            let lower = index.checked_sub(1).map_or(upper / 2.0, bucket_bound);
            let value = lower * (upper / lower).powf(((rank - below) / cell).clamp(0.0, 1.0));
            return Some(value.clamp(min.min(max), max));
        }
        below += cell;
    }
    (total > 0.0).then_some(max)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parses_the_names_of_the_api() {
        assert_eq!(Statistic::parse("p99.9"), Some(Statistic::Percentile(0.9990000000000001)));
        assert_eq!(Statistic::parse("Sum"), Some(Statistic::Sum));
        for text in ["", "p", "p101", "pNaN", "p-1", "tm99", "sum", "IQM"] {
            assert_eq!(Statistic::parse(text), None, "{text}");
        }
    }

    #[test]
    fn a_counter_is_summed_and_a_gauge_averaged_over_the_minutes_of_the_bucket() {
        let gauge = [Point::single(0, 10.0), Point::single(60_000, 30.0)];
        assert_eq!(Statistic::Average.of(&gauge), Some(20.0));
        assert_eq!(Statistic::Maximum.of(&gauge), Some(30.0));
        assert_eq!(Statistic::Percentile(0.5).of(&gauge), Some(10.0));
        assert_eq!(Statistic::Percentile(0.95).of(&gauge), Some(30.0));
        let counter = [Point::counted(0, 120.0), Point::counted(60_000, 60.0)];
        assert_eq!(Statistic::Sum.of(&counter), Some(180.0));
        assert_eq!(Statistic::SampleCount.of(&counter), Some(180.0));
        assert_eq!(Statistic::Sum.of(&[]), None);
    }

    #[test]
    fn percentiles_come_from_the_merged_distribution() {
        // Exponential with mean 0.1 s: the p-th percentile is -0.1 ln(1 - p).
        let minute = |at| Point::distributed(at, 1_000.0, 0.1, |x| 1.0 - (-x / 0.1).exp());
        let points = [minute(0), minute(60_000)];
        for share in [0.5, 0.9, 0.95, 0.99] {
            let (value, exact) = (Statistic::Percentile(share).of(&points).unwrap(), -0.1 * (1.0f64 - share).ln());
            assert!((value / exact - 1.0).abs() < 0.02, "p{share} is {value}, not {exact}");
        }
    }

    #[test]
    fn a_statistic_set_has_no_percentile() {
        let set = Point { minute: 0, count: 10.0, sum: 50.0, min: 1.0, max: 9.0, histogram: None };
        assert_eq!(Statistic::Percentile(0.95).of(&[set]), None);
    }
}
