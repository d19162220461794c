//! CloudWatch metrics: one minute of samples per point, with enough of the distribution for percentiles.

use std::collections::BTreeMap;

/// Upper bounds of the distribution's buckets: `BUCKET_BASE * BUCKET_GROWTH^i`, in the metric's unit.
pub const BUCKETS: usize = 144;
const BUCKET_BASE: f64 = 1e-4;
const BUCKET_GROWTH: f64 = 1.14;

/// Namespace, metric name, dimensions sorted by name.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct MetricId {
    pub namespace: String,
    pub name: String,
    pub dimensions: Vec<(String, String)>,
}

impl MetricId {
    #[must_use]
    pub fn new<'a>(namespace: &str, name: &str, dimensions: impl IntoIterator<Item = (&'a str, &'a str)>) -> Self {
        let mut dimensions: Vec<(String, String)> =
            dimensions.into_iter().map(|(k, v)| (k.to_owned(), v.to_owned())).collect();
        dimensions.sort();
        Self { namespace: namespace.to_owned(), name: name.to_owned(), dimensions }
    }
}

/// The samples of one minute. `histogram` is present for metrics that AWS publishes with percentiles.
#[derive(Clone, Debug)]
pub struct Point {
    /// Start of the minute, ms.
    pub minute: i64,
    pub count: f64,
    pub sum: f64,
    pub min: f64,
    pub max: f64,
    pub histogram: Option<Box<[f32; BUCKETS]>>,
}

impl Point {
    /// A metric that publishes one value a minute.
    #[must_use]
    pub fn single(minute: i64, value: f64) -> Self {
        Self { minute, count: 1.0, sum: value, min: value, max: value, histogram: None }
    }

    /// A counter: `sum` things in the minute, published as `sum` samples of 1.
    #[must_use]
    pub fn counted(minute: i64, sum: f64) -> Self {
        Self { minute, count: sum, sum, min: 1.0, max: 1.0, histogram: None }
    }

    /// Samples of a distribution given by its cumulative function: `share(x)` is the share of samples at or below x.
    #[must_use]
    pub fn distributed(minute: i64, count: f64, mean: f64, share: impl Fn(f64) -> f64) -> Self {
        let mut histogram = Box::new([0f32; BUCKETS]);
        let (mut below, mut min, mut max) = (0.0, f64::NAN, 0.0);
        for (index, cell) in histogram.iter_mut().enumerate() {
            let upto = share(bucket_bound(index)).clamp(below, 1.0);
            *cell = ((upto - below) * count) as f32;
            if upto > 1e-4 && min.is_nan() {
                min = bucket_bound(index);
            }
            if below < 0.9999 {
                max = bucket_bound(index);
            }
            below = upto;
        }
        Self { minute, count, sum: mean * count, min, max, histogram: Some(histogram) }
    }
}

/// Upper bound of bucket `index`.
#[must_use]
pub fn bucket_bound(index: usize) -> f64 {
    BUCKET_BASE * BUCKET_GROWTH.powi(i32::try_from(index).unwrap_or(i32::MAX))
}

/// A metric alarm as DescribeAlarms tells it.
#[derive(Clone, Debug)]
pub struct Alarm {
    pub name: String,
    pub metric: MetricId,
    pub statistic: &'static str,
    pub comparison: &'static str,
    pub threshold: f64,
    /// `OK`, `ALARM` or `INSUFFICIENT_DATA`.
    pub state: &'static str,
    pub reason: String,
    pub updated_at: i64,
}

#[derive(Debug, Default)]
pub struct CloudWatch {
    metrics: BTreeMap<MetricId, Vec<Point>>,
    pub alarms: Vec<Alarm>,
}

impl CloudWatch {
    pub fn record(&mut self, id: &MetricId, point: Point) {
        let points = match self.metrics.get_mut(id) {
            Some(points) => points,
            None => self.metrics.entry(id.clone()).or_default(),
        };
        if points.last().is_none_or(|last| last.minute < point.minute) {
            points.push(point);
        }
    }

    /// All points of a metric, ascending; the server hides those whose publication delay has not passed.
    #[must_use]
    pub fn points(&self, id: &MetricId) -> &[Point] {
        self.metrics.get(id).map_or(&[], Vec::as_slice)
    }

    pub fn metrics(&self) -> impl Iterator<Item = (&MetricId, &[Point])> {
        self.metrics.iter().map(|(id, points)| (id, points.as_slice()))
    }

    /// Drops points older than `before` unless they lie in `keep`.
    pub fn retain(&mut self, before: i64, keep: std::ops::Range<i64>) {
        for points in self.metrics.values_mut() {
            points.retain(|p| p.minute >= before || keep.contains(&p.minute));
        }
    }
}

/// How long after the end of a minute its point can be read (facts/aws.md 2.1), ms.
#[must_use]
pub fn publication_delay(namespace: &str) -> i64 {
    match namespace {
        "AWS/CloudFront" | "AWS/Route53" => 120_000,
        "AWS/S3" => 300_000,
        _ => 60_000,
    }
}
