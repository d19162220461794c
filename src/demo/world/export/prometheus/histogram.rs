//! Buckets of classic histograms.

use crate::demo::world::latency::Mixture;

use super::page::Writer;

/// Upper bounds of a histogram as numbers, labels and logarithms.
#[derive(Debug)]
pub struct Bounds {
    pub labels: &'static [&'static str],
    logs: Vec<f64>,
}

/// OpenTelemetry's default bounds for durations of HTTP requests, in seconds (facts/signals.md 2.3).
pub const OTEL: &[&str] =
    &["0.005", "0.01", "0.025", "0.05", "0.075", "0.1", "0.25", "0.5", "0.75", "1", "2.5", "5", "7.5", "10"];
/// The bounds of Tempo's metrics generator, in seconds.
pub const TEMPO: &[&str] = &["0.1", "0.2", "0.4", "0.8", "1.6", "3.2", "6.4", "12.8"];

impl Bounds {
    pub fn new(labels: &'static [&'static str]) -> Self {
        let log = |label: &&str| label.parse::<f64>().map_or(f64::INFINITY, f64::ln);
        Self { labels, logs: labels.iter().map(log).collect() }
    }

    /// The share at or below each bound.
    pub fn shares(&self, latency: &Mixture) -> Vec<f64> {
        self.logs.iter().map(|log| latency.share_below_log(*log)).collect()
    }
}

/// What a histogram has taken in since the last scrape.
#[derive(Clone, Debug, Default)]
pub struct Taken {
    buckets: Vec<f64>,
    sum: f64,
    count: f64,
}

impl Taken {
    /// Adds `count` observations that are distributed by `shares` with this mean.
    pub fn add(&mut self, count: f64, mean: f64, shares: &[f64]) {
        self.buckets.resize(shares.len(), 0.0);
        for (bucket, share) in self.buckets.iter_mut().zip(shares) {
            *bucket += count * share;
        }
        self.sum += count * mean;
        self.count += count;
    }

    /// Writes the series of the histogram and starts anew. `names` are those of buckets, sum and count.
    pub fn write(&mut self, writer: &mut Writer, names: [&str; 3], bounds: &Bounds, labels: [(&str, &str); 2]) {
        let [bucket, sum, count] = names;
        self.buckets.resize(bounds.labels.len(), 0.0);
        let [first, second] = labels;
        for (le, taken) in bounds.labels.iter().zip(&self.buckets) {
            writer.add(bucket, &[first, second, ("le", le)], *taken);
        }
        writer.add(bucket, &[first, second, ("le", "+Inf")], self.count);
        writer.add(sum, &labels, self.sum);
        writer.add(count, &labels, self.count);
        self.buckets.iter_mut().for_each(|b| *b = 0.0);
        (self.sum, self.count) = (0.0, 0.0);
    }
}
