//! The signal catalogue: every number the console knows how to fetch, with its unit, statistic, thresholds and origin.
//!
//! Rows are data (`*.toml` beside this file); facts/signals.md part 2 and facts/aws.md 2.3 are where they come from.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use serde::Deserialize;

use super::board::Thresholds;
use crate::domain::unit::{Statistic, Unit};

/// The files of the catalogue, by name.
const FILES: [(&str, &str); 4] = [
    ("prometheus.toml", include_str!("prometheus.toml")),
    ("cloudwatch.toml", include_str!("cloudwatch.toml")),
    ("kubernetes.toml", include_str!("kubernetes.toml")),
    ("probe.toml", include_str!("probe.toml")),
];

/// What a signal means for health and for the board's columns.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Role {
    /// Requests, operations or queries in a second: the RATE column.
    Rate,
    /// Failed share of them: ERR%.
    ErrorRatio,
    /// Failed requests in a second that the component itself made fail (an ALB's own 5xx). Absent is 0 where the
    /// component's rate is there.
    OwnErrors,
    /// Failed requests in a second that it passed on from behind it (an ALB's target 5xx). Absent is 0 likewise.
    PassedErrors,
    /// Time to answer: LATENCY, in the row's statistic.
    Latency,
    /// Share of a limit in use: SAT. Raises at most *warn* unless `hard`.
    Saturation,
    /// 1 is up, 0 is down.
    Availability,
    /// Replication lag, seconds.
    Lag,
    /// Share of lookups answered from a cache.
    Hit,
    /// Something that should be zero or few (evictions, restarts, deadlocks, waiting clients).
    Trouble,
    /// A business figure (orders completed, registrations).
    Business,
    /// Only shown.
    Info,
}

/// One row of the catalogue.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SignalSpec {
    /// Unique, `system.exporter.name`.
    pub id: String,
    /// Short name for people: `errors`, `p95`, `cpu`, `conn`.
    pub label: String,
    pub role: Role,
    pub unit: Unit,
    #[serde(default = "last")]
    pub statistic: Statistic,
    #[serde(default)]
    pub warn: Option<f64>,
    #[serde(default)]
    pub critical: Option<f64>,
    /// Whether more is worse; `false` for hit ratios and free space.
    #[serde(default = "yes")]
    pub above: bool,
    /// Where the thresholds come from: `seed documents`, `kubernetes-mixin`, `default`, ...
    #[serde(default = "default_origin")]
    pub origin: String,
    /// A limit whose reaching is an outage (disk, connections, memory limit, certificate): may be critical by itself.
    #[serde(default)]
    pub hard: bool,
    #[serde(flatten)]
    pub feed: Feed,
}

/// How a row is fetched. Exactly one.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Feed {
    Promql(PromQl),
    Cloudwatch(CloudWatchFeed),
    /// Measured by the source itself (metrics.k8s.io, probes).
    Own(String),
}

/// `$M` stands for extra matchers, `$W` for the rate window, `$G` for the grouping labels.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PromQl {
    /// The metric whose existence says that this row applies.
    pub detect: String,
    pub query: String,
    /// An empty answer means "none is bad", as long as `detect` exists.
    #[serde(default)]
    pub empty_is_ok: bool,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CloudWatchFeed {
    pub namespace: String,
    pub metric: String,
    /// Names of the dimensions that select it, the identifying one first.
    pub dimensions: Vec<String>,
    /// As CloudWatch spells it: `Sum`, `Average`, `p95`.
    pub stat: String,
    /// Seconds.
    pub period: u32,
    /// Seconds until a point can be read.
    pub delay: u32,
    /// Value in our unit = value there * scale.
    #[serde(default = "one")]
    pub scale: f64,
    /// Published only when not zero: absent is 0 as long as the resource's request count is there.
    #[serde(default)]
    pub sparse: bool,
}

impl SignalSpec {
    #[must_use]
    pub fn thresholds(&'static self) -> Thresholds {
        Thresholds { warn: self.warn, critical: self.critical, above: self.above, origin: &self.origin }
    }
}

fn yes() -> bool {
    true
}
fn one() -> f64 {
    1.0
}
fn last() -> Statistic {
    Statistic::Last
}
fn default_origin() -> String {
    "default".to_owned()
}

#[derive(Deserialize)]
struct File {
    #[serde(default)]
    signal: Vec<SignalSpec>,
}

static CATALOGUE: LazyLock<BTreeMap<String, SignalSpec>> = LazyLock::new(|| {
    FILES
        .iter()
        .filter_map(|(_, text)| toml::from_str::<File>(text).ok())
        .flat_map(|file| file.signal)
        .map(|spec| (spec.id.clone(), spec))
        .collect()
});

/// Every row, ordered by id.
pub fn all() -> impl Iterator<Item = &'static SignalSpec> {
    CATALOGUE.values()
}

/// The row with this id.
#[must_use]
pub fn spec(id: &str) -> Option<&'static SignalSpec> {
    CATALOGUE.get(id)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_file_of_the_catalogue_loads_and_ids_are_unique() {
        let mut count = 0;
        for (name, text) in FILES {
            let file: File = toml::from_str(text).unwrap_or_else(|error| panic!("{name}: {error}"));
            count += file.signal.len();
        }
        assert_eq!(count, all().count(), "an id stands twice");
    }

    #[test]
    fn thresholds_are_in_order() {
        for spec in all() {
            if let (Some(warn), Some(critical)) = (spec.warn, spec.critical) {
                assert!(if spec.above { warn <= critical } else { warn >= critical }, "{}", spec.id);
            }
        }
    }
}
