//! A number with where it came from and how old it is. A bare number cannot reach a screen.

use std::sync::Arc;
use std::time::Duration;

use super::id::SourceId;
use super::text::{Raw, Shown};
use super::time::Stamp;
use super::unit::{Statistic, Unit};

/// Where a number comes from, precisely enough to fetch it again by hand.
#[derive(Clone, Debug, PartialEq)]
pub struct Provenance {
    pub source: SourceId,
    /// The endpoint as a person would paste it, without secrets.
    pub endpoint: Raw,
    pub query: Query,
    pub statistic: Statistic,
    /// The period of the data: scrape interval, CloudWatch period, probe cadence.
    pub period: Duration,
    /// How much later than its time a sample can be read by nature (CloudWatch: minutes).
    pub delay: Duration,
    /// Where the thresholds come from, for example `seed documents`, `default`, `configuration`.
    pub threshold_origin: &'static str,
}

impl Provenance {
    /// A sample older than this is stale: three periods (at least 90 s, facts/signals.md 5) plus the delay.
    #[must_use]
    pub fn freshness(&self) -> Duration {
        (self.period * 3).max(Duration::from_secs(90)) + self.delay
    }
}

/// What to ask to get the number again.
#[derive(Clone, Debug, PartialEq)]
pub enum Query {
    /// An instant query; evaluated at the sample's time it gives exactly the sample's value.
    PromQl(Raw),
    /// A GetMetricData request as JSON (awsJson 1.0 form); the sample is the first value of its only result.
    CloudWatch(Raw),
    /// An HTTP GET of a path; `pointer` is the JSON pointer of the value (RFC 6901), `None` when the status decides.
    Http { path: Raw, pointer: Option<Raw> },
    /// An AWS Describe call with its parameters, and the field that is read.
    Describe { call: &'static str, parameters: Raw, field: Raw },
    /// A probe from this host, for example `tcp 10.0.1.9:22`.
    Probe(Raw),
    /// Computed from other figures by the formula, in which they are `a`, `b`, `c`, ...
    Derived { formula: &'static str, from: Vec<Sample> },
}

/// One value, when it was true, and where it came from.
#[derive(Clone, Debug, PartialEq)]
pub struct Sample {
    pub value: f64,
    pub unit: Unit,
    pub at: Stamp,
    pub provenance: Arc<Provenance>,
}

/// What is known of one number now.
#[derive(Clone, Debug, PartialEq)]
pub enum Reading {
    Fresh(Sample),
    /// The last value known; too old to be relied on, or its source has failed.
    Stale {
        last: Sample,
        age: Duration,
    },
    /// No value: why not.
    Absent(Absence),
    /// The question has no answer because nothing was asked of the component (0 requests).
    NoTraffic,
}

/// Why there is no number.
#[derive(Clone, Debug, PartialEq)]
pub enum Absence {
    /// Nothing on this kind of component measures it.
    NotMeasured,
    /// The source has not answered yet.
    Connecting,
    /// The source failed before it gave a value; the words say how.
    Failed(Shown),
}

impl Reading {
    /// The sample if it is fresh.
    #[must_use]
    pub fn fresh(&self) -> Option<&Sample> {
        if let Self::Fresh(sample) = self { Some(sample) } else { None }
    }

    /// The last known sample, fresh or stale.
    #[must_use]
    pub fn last(&self) -> Option<&Sample> {
        match self {
            Self::Fresh(sample) | Self::Stale { last: sample, .. } => Some(sample),
            Self::Absent(_) | Self::NoTraffic => None,
        }
    }

    /// The value if it is fresh.
    #[must_use]
    pub fn value(&self) -> Option<f64> {
        self.fresh().map(|sample| sample.value)
    }
}
