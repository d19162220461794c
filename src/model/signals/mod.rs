//! The signal catalogue: every number the console knows how to fetch, with its unit, statistic, thresholds and origin.
//!
//! Rows are data (`*.toml` in this folder); facts/signals.md part 2 and facts/aws.md 2.3 are where they come from.
//!
//! A file is a list of `[[signal]]` tables with the fields of [`SignalSpec`] and exactly one of `promql`, `cloudwatch`,
//! `derived` and `own` (see [`Feed`]); unknown fields are errors. A threshold is crossed when the value is strictly beyond it.
//! Every PromQL row of role `rate` or `business` that is about a whole component has a twin whose id ends in
//! [`LAST_WEEK`]: the same question one week earlier.

mod promql;

use std::collections::BTreeMap;
use std::sync::LazyLock;

use serde::Deserialize;

pub use promql::{Labels, PromQl, REVISION};

use super::board::Thresholds;
use crate::domain::unit::{Statistic, Unit};

/// The files of the catalogue, by name.
const FILES: [(&str, &str); 12] = [
    ("prometheus/edge.toml", include_str!("prometheus/edge.toml")),
    ("prometheus/load-balancer.toml", include_str!("prometheus/load-balancer.toml")),
    ("prometheus/application.toml", include_str!("prometheus/application.toml")),
    ("prometheus/mesh.toml", include_str!("prometheus/mesh.toml")),
    ("prometheus/kubernetes.toml", include_str!("prometheus/kubernetes.toml")),
    ("prometheus/cache.toml", include_str!("prometheus/cache.toml")),
    ("prometheus/database.toml", include_str!("prometheus/database.toml")),
    ("prometheus/host.toml", include_str!("prometheus/host.toml")),
    ("prometheus/monitoring.toml", include_str!("prometheus/monitoring.toml")),
    ("cloudwatch.toml", include_str!("cloudwatch.toml")),
    ("kubernetes.toml", include_str!("kubernetes.toml")),
    ("probe.toml", include_str!("probe.toml")),
];

/// What the id of a row's twin of last week ends in.
pub const LAST_WEEK: &str = ".lastweek";

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
    /// Only shown; a threshold may mark the number but never raises a health.
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
    pub feed: Feed,
}

/// How a row is fetched: the field of the row with this name.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Feed {
    Promql(PromQl),
    Cloudwatch(CloudWatchFeed),
    /// Computed from other rows about the same subject, bucket by bucket.
    Derived(DerivedFeed),
    /// Measured by the source itself (metrics.k8s.io, probes).
    Own(String),
}

impl Feed {
    /// The fields of a row that say how it is fetched.
    const FIELDS: [&str; 4] = ["promql", "cloudwatch", "derived", "own"];
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
    /// Value in our unit = value there / divisor; one of those that [`CloudWatchFeed::conversion`] words.
    #[serde(default = "one")]
    pub divisor: u32,
    /// Published only when not zero: absent is 0 as long as this row, about the same subject, has a value.
    #[serde(default)]
    pub zero_with: Option<String>,
    /// Dimensions whose value is always the same, for example `Rule` = `ALL`. They select the metric, too.
    #[serde(default)]
    pub fixed: BTreeMap<String, String>,
    /// The identifying dimension names an instance of the component, not the component.
    #[serde(default)]
    pub member: bool,
}

impl CloudWatchFeed {
    /// The conversion as a formula over the value there; `None` where the units agree.
    #[must_use]
    pub const fn conversion(&self) -> Option<&'static str> {
        match self.divisor {
            60 => Some("a / 60"),
            100 => Some("a / 100"),
            1_000 => Some("a / 1000"),
            1_000_000 => Some("a / 1000000"),
            _ => None,
        }
    }
}

/// A row computed from other rows.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DerivedFeed {
    pub formula: Formula,
    /// The ids of the rows that are `a`, `b`, `c`.
    pub from: Vec<String>,
}

/// The formulas of derived rows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
pub enum Formula {
    #[serde(rename = "a + b")]
    Sum,
    #[serde(rename = "a / b")]
    Quotient,
    #[serde(rename = "(a + b) / c")]
    SumQuotient,
    #[serde(rename = "a / (a + b)")]
    Share,
}

impl Formula {
    #[must_use]
    pub const fn text(self) -> &'static str {
        match self {
            Self::Sum => "a + b",
            Self::Quotient => "a / b",
            Self::SumQuotient => "(a + b) / c",
            Self::Share => "a / (a + b)",
        }
    }

    /// The value; `None` for a wrong number of inputs, NaN for 0/0 (no traffic).
    #[must_use]
    pub fn of(self, inputs: &[f64]) -> Option<f64> {
        match (self, inputs) {
            (Self::Sum, [a, b]) => Some(a + b),
            (Self::Quotient, [a, b]) => Some(a / b),
            (Self::SumQuotient, [a, b, c]) => Some((a + b) / c),
            (Self::Share, [a, b]) => Some(a / (a + b)),
            _ => None,
        }
    }
}

impl SignalSpec {
    #[must_use]
    pub fn thresholds(&'static self) -> Thresholds {
        Thresholds { warn: self.warn, critical: self.critical, above: self.above, origin: &self.origin }
    }

    /// Whether the signal can have this value at all. No rate, time, size or number of things is below zero, nor a share;
    /// NaN is "nothing was asked" (0/0) only where shares of requests and times of them are told.
    #[must_use]
    pub fn admits(&self, value: f64) -> bool {
        if value.is_nan() {
            return self.unit == Unit::Ratio || matches!(self.role, Role::ErrorRatio | Role::Latency | Role::Hit);
        }
        let signed = matches!(self.role, Role::Lag | Role::Info | Role::Trouble) || self.unit == Unit::Days;
        // Parts that are not counted at the same instant as their whole pass it a little, or fall below nothing.
        let tolerance = if self.unit == Unit::Ratio { 0.01 } else { 1e-9 };
        let largest = match (self.unit, self.role) {
            (Unit::Bool, _) => 2.0,
            (Unit::Ratio, Role::ErrorRatio | Role::Hit) => 10.0,
            (Unit::Ratio, _) => 1e6,
            (Unit::Seconds | Unit::Milliseconds, _) => 1e11,
            _ => 1e18,
        };
        let least = if signed { -largest } else { -tolerance };
        (least..=largest).contains(&value)
    }

    /// The question to Prometheus, when this row is one.
    #[must_use]
    pub const fn promql(&self) -> Option<&PromQl> {
        if let Feed::Promql(promql) = &self.feed { Some(promql) } else { None }
    }

    /// Reads one table. The feed stands beside the other fields in the file and in a field of its own here, because
    /// serde's flattening would let unknown fields pass.
    fn parse(mut row: toml::Table) -> Result<Self, toml::de::Error> {
        let feed = Feed::FIELDS.iter().filter_map(|name| row.remove_entry(*name)).collect::<toml::Table>();
        if row.insert("feed".to_owned(), feed.into()).is_some() {
            return Err(serde::de::Error::unknown_field("feed", &Feed::FIELDS));
        }
        row.try_into()
    }

    /// The same row one week earlier, for rows whose change against last week is told.
    fn last_week(&self) -> Option<Self> {
        let promql = self.promql()?;
        if !matches!(self.role, Role::Rate | Role::Business) || promql.is_per_revision() || promql.is_per_call() {
            return None;
        }
        Some(Self {
            id: format!("{}{LAST_WEEK}", self.id),
            label: format!("{} last week", self.label),
            role: Role::Info,
            warn: None,
            critical: None,
            feed: Feed::Promql(promql.a_week_earlier()),
            ..self.clone()
        })
    }
}

fn yes() -> bool {
    true
}
fn one() -> u32 {
    1
}
fn last() -> Statistic {
    Statistic::Last
}
fn default_origin() -> String {
    "default".to_owned()
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    #[serde(default)]
    signal: Vec<toml::Table>,
}

/// The rows of one file, with their twins of last week.
pub(super) fn rows(text: &str) -> Result<Vec<SignalSpec>, toml::de::Error> {
    let file: File = toml::from_str(text)?;
    let mut rows = file.signal.into_iter().map(SignalSpec::parse).collect::<Result<Vec<_>, _>>()?;
    rows.extend(rows.iter().filter_map(SignalSpec::last_week).collect::<Vec<_>>());
    Ok(rows)
}

#[derive(Default)]
struct Catalogue {
    rows: BTreeMap<String, SignalSpec>,
    defects: Vec<String>,
}

static CATALOGUE: LazyLock<Catalogue> = LazyLock::new(|| {
    let mut catalogue = Catalogue::default();
    for (name, text) in FILES {
        match rows(text) {
            Ok(rows) => catalogue.rows.extend(rows.into_iter().map(|spec| (spec.id.clone(), spec))),
            Err(error) => catalogue.defects.push(format!("{name}: {error}")),
        }
    }
    catalogue
});

/// The files that could not be read, each with the reason: their rows are missing.
#[must_use]
pub fn defects() -> &'static [String] {
    &CATALOGUE.defects
}

/// Every row, ordered by id.
pub fn all() -> impl Iterator<Item = &'static SignalSpec> {
    CATALOGUE.rows.values()
}

/// The row with this id.
#[must_use]
pub fn spec(id: &str) -> Option<&'static SignalSpec> {
    CATALOGUE.rows.get(id)
}

#[cfg(test)]
mod tests;
