//! One number of the report: its value, and what to ask to get it again.

use std::time::Duration;

use serde::Serialize;

use crate::domain::id::SourceId;
use crate::domain::reading::{Query, Reading, Sample};
use crate::domain::text::Shown;
use crate::domain::time::Stamp;
use crate::domain::unit::Unit;

/// A figure of the report. `query` and `from` exclude each other: a derived figure is recomputed from its parts.
#[derive(Clone, Debug, Serialize)]
pub struct Figure {
    /// Null where the arithmetic has no finite result.
    pub value: Option<f64>,
    pub unit: &'static str,
    /// RFC 3339, world time.
    pub at: String,
    pub source: SourceId,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub query: Option<String>,
    /// Which API the query is for: `promql`, `cloudwatch`, `http`, `describe`, `probe`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub api: Option<&'static str>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub from: Vec<Figure>,
    /// Arithmetic over the parts, in which they are `a`, `b`, `c`, ...
    #[serde(skip_serializing_if = "Option::is_none")]
    pub formula: Option<&'static str>,
    /// Present when the value is too old to be relied on.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub stale_seconds: Option<f64>,
}

impl Figure {
    /// `None` (null) when there is no value.
    #[must_use]
    pub fn of(reading: &Reading) -> Option<Self> {
        match reading {
            Reading::Fresh(sample) => Some(Self::sample(sample, None)),
            Reading::Stale { last, age } => Some(Self::sample(last, Some(*age))),
            Reading::Absent(_) | Reading::NoTraffic => None,
        }
    }

    /// The same figure in milliseconds, for one in seconds.
    #[must_use]
    pub fn milliseconds(reading: &Reading) -> Option<Self> {
        let seconds = Self::of(reading)?;
        Some(Self {
            value: seconds.value.map(|value| value * 1000.0),
            unit: Unit::Milliseconds.symbol(),
            at: seconds.at.clone(),
            source: seconds.source.clone(),
            query: None,
            api: None,
            formula: Some("a * 1000"),
            stale_seconds: seconds.stale_seconds,
            from: vec![seconds],
        })
    }

    fn sample(sample: &Sample, age: Option<Duration>) -> Self {
        let (api, query) = match &sample.provenance.query {
            // A query is text of our own making over names from outside: it goes into JSON as it is to be sent.
            Query::PromQl(text) => (Some("promql"), Some(text.as_str().to_owned())),
            Query::CloudWatch(text) => (Some("cloudwatch"), Some(text.as_str().to_owned())),
            Query::Http { path, pointer } => {
                let fragment = pointer.as_ref().map(|p| format!("#{}", p.as_str())).unwrap_or_default();
                (Some("http"), Some(format!("{}{fragment}", path.as_str())))
            }
            Query::Describe { call, parameters, field } => {
                (Some("describe"), Some(format!("{call} {} {}", parameters.as_str(), field.as_str())))
            }
            Query::Probe(text) => (Some("probe"), Some(text.as_str().to_owned())),
            Query::Derived { .. } => (None, None),
        };
        let (from, formula) = match &sample.provenance.query {
            Query::Derived { formula, from } => (from.iter().map(|s| Self::sample(s, None)).collect(), Some(*formula)),
            _ => (Vec::new(), None),
        };
        Self {
            value: sample.value.is_finite().then_some(sample.value),
            unit: sample.unit.symbol(),
            at: rfc3339(sample.at),
            source: sample.provenance.source.clone(),
            query,
            api,
            from,
            formula,
            stale_seconds: age.map(|age| age.as_secs_f64()),
        }
    }
}

/// Times of the report.
pub fn rfc3339(at: Stamp) -> String {
    at.rfc3339()
}

/// Words of the report: shown text, because a terminal may be where the JSON ends.
pub fn words(text: &Shown) -> String {
    text.as_str().to_owned()
}
