//! Samples as a Prometheus server would hold them.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

/// Bit pattern Prometheus writes when a series ends (model/value/value.go, `StaleNaN`).
pub const STALE_NAN: u64 = 0x7ff0_0000_0000_0002;

/// A sorted label set; the metric name is the label `__name__`.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Labels(Arc<[(Arc<str>, Arc<str>)]>);

impl Labels {
    /// Builds the set for metric `name`; later duplicates of a label replace earlier ones, empty values are dropped.
    #[must_use]
    pub fn new<'a>(name: &str, pairs: impl IntoIterator<Item = (&'a str, &'a str)>) -> Self {
        let mut map: BTreeMap<&str, &str> = pairs.into_iter().collect();
        map.insert("__name__", name);
        map.retain(|_, value| !value.is_empty());
        Self(map.into_iter().map(|(k, v)| (Arc::from(k), Arc::from(v))).collect())
    }

    /// The labels whose names satisfy `keep`; the same set when all do.
    #[must_use]
    pub fn retain(&self, keep: impl Fn(&str) -> bool) -> Self {
        if self.0.iter().all(|(k, _)| keep(k)) {
            return self.clone();
        }
        Self(self.0.iter().filter(|(k, _)| keep(k)).cloned().collect())
    }

    /// The set with label `name` replaced; an empty value removes it.
    #[must_use]
    pub fn with(&self, name: &str, value: &str) -> Self {
        let mut pairs: Vec<_> = self.0.iter().filter(|(k, _)| &**k != name).cloned().collect();
        if !value.is_empty() {
            let at = pairs.partition_point(|(k, _)| &**k < name);
            pairs.insert(at, (Arc::from(name), Arc::from(value)));
        }
        Self(pairs.into())
    }

    #[must_use]
    pub fn get(&self, name: &str) -> &str {
        self.0.iter().find(|(k, _)| &**k == name).map_or("", |(_, v)| v)
    }

    #[must_use]
    pub fn name(&self) -> &str {
        self.get("__name__")
    }

    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().map(|(k, v)| (&**k, &**v))
    }
}

/// Index of a series in its [`Tsdb`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SeriesId(usize);

/// One sample: world time in milliseconds and its value ([`STALE_NAN`] bits mark the end of the series).
#[derive(Clone, Copy, Debug)]
pub struct Sample {
    pub at: i64,
    pub value: f64,
}

impl Sample {
    #[must_use]
    pub fn is_stale_marker(self) -> bool {
        self.value.to_bits() == STALE_NAN
    }
}

#[derive(Debug)]
pub struct Series {
    pub labels: Labels,
    /// Ascending by time; a gap in time is a gap in the data.
    pub samples: Vec<Sample>,
}

/// Type, help and unit as `/api/v1/metadata` tells them.
#[derive(Clone, Debug)]
pub struct Metadata {
    pub kind: &'static str,
    pub help: &'static str,
    pub unit: &'static str,
}

/// A scrape target as `/api/v1/targets` tells it.
#[derive(Clone, Debug)]
pub struct Target {
    pub job: String,
    pub instance: String,
    pub up: bool,
    pub last_scrape: i64,
    pub last_error: String,
}

/// An in-memory store of series, indexed by metric name.
#[derive(Debug, Default)]
pub struct Tsdb {
    series: Vec<Series>,
    by_labels: HashMap<Labels, SeriesId>,
    by_name: BTreeMap<Arc<str>, Vec<SeriesId>>,
    pub metadata: BTreeMap<&'static str, Metadata>,
    pub targets: Vec<Target>,
    /// The scrape interval in milliseconds.
    pub scrape_interval: i64,
}

impl Tsdb {
    /// The series with these labels, created empty when it does not exist.
    pub fn series_id(&mut self, labels: Labels) -> SeriesId {
        if let Some(id) = self.by_labels.get(&labels) {
            return *id;
        }
        let id = SeriesId(self.series.len());
        self.by_name.entry(Arc::from(labels.name())).or_default().push(id);
        self.by_labels.insert(labels.clone(), id);
        self.series.push(Series { labels, samples: Vec::new() });
        id
    }

    /// Appends a sample; one that is not newer than the last is ignored, as Prometheus ignores it.
    pub fn append(&mut self, id: SeriesId, at: i64, value: f64) {
        if let Some(series) = self.series.get_mut(id.0)
            && series.samples.last().is_none_or(|last| last.at < at)
        {
            series.samples.push(Sample { at, value });
        }
    }

    /// Ends the series with a staleness marker.
    pub fn end(&mut self, id: SeriesId, at: i64) {
        self.append(id, at, f64::from_bits(STALE_NAN));
    }

    /// Every metric name with its series.
    pub fn names(&self) -> impl Iterator<Item = (&str, &[SeriesId])> {
        self.by_name.iter().map(|(name, ids)| (&**name, ids.as_slice()))
    }

    #[must_use]
    pub fn by_name(&self, name: &str) -> &[SeriesId] {
        self.by_name.get(name).map_or(&[], Vec::as_slice)
    }

    #[must_use]
    pub fn get(&self, id: SeriesId) -> Option<&Series> {
        self.series.get(id.0)
    }

    pub fn all(&self) -> impl Iterator<Item = &Series> {
        self.series.iter()
    }

    /// Drops samples older than `before` unless they lie in `keep` (start inclusive, end exclusive).
    pub fn retain(&mut self, before: i64, keep: std::ops::Range<i64>) {
        for series in &mut self.series {
            series.samples.retain(|s| s.at >= before || keep.contains(&s.at));
        }
    }
}
