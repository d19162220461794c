//! The bytes of the API. Fields that are not named here are ignored, so that newer servers can be read.

use std::collections::BTreeMap;
use std::fmt;

use serde::de::{Error, IgnoredAny, Visitor};
use serde::{Deserialize, Deserializer};

/// The envelope of every answer. `data` may be there together with an error.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", bound = "T: Deserialize<'de>")]
pub struct Envelope<T> {
    pub status: String,
    pub data: Option<T>,
    pub error_type: Option<String>,
    pub error: Option<String>,
    /// A Kubernetes API server that cannot reach the service behind its proxy says so here.
    pub message: Option<String>,
    #[serde(default)]
    pub warnings: Vec<String>,
}

#[derive(Debug, Deserialize)]
#[serde(tag = "resultType", content = "result", rename_all = "lowercase")]
pub enum Data {
    Vector(Vec<Instant>),
    Matrix(Vec<Range>),
    Scalar(Pair),
    String(IgnoredAny),
}

#[derive(Debug, Deserialize)]
pub struct Instant {
    pub metric: BTreeMap<String, String>,
    /// Absent for a native histogram.
    pub value: Option<Pair>,
}

#[derive(Debug, Deserialize)]
pub struct Range {
    pub metric: BTreeMap<String, String>,
    #[serde(default)]
    pub values: Vec<Pair>,
}

/// Time in seconds and value.
#[derive(Clone, Copy, Debug, Deserialize)]
pub struct Pair(pub f64, pub Value);

/// A sample's value: a string, because JSON has no `NaN` and no `+Inf`.
#[derive(Clone, Copy, Debug)]
pub struct Value(pub f64);

impl<'de> Deserialize<'de> for Value {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Text;
        impl Visitor<'_> for Text {
            type Value = Value;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a number in quotes")
            }
            fn visit_str<E: Error>(self, text: &str) -> Result<Value, E> {
                text.parse().map(Value).map_err(|_| E::custom("a sample's value is not a number"))
            }
        }
        deserializer.deserialize_str(Text)
    }
}

#[derive(Debug, Deserialize)]
pub struct BuildInfo {
    pub version: String,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Targets {
    #[serde(default)]
    pub active_targets: Vec<Target>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Target {
    #[serde(default)]
    pub labels: BTreeMap<String, String>,
    /// Not told by old servers.
    pub scrape_interval: Option<String>,
}

#[derive(Debug, Deserialize)]
pub struct Alerts {
    #[serde(default)]
    pub alerts: Vec<Alert>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Alert {
    #[serde(default)]
    pub labels: BTreeMap<String, String>,
    #[serde(default)]
    pub annotations: BTreeMap<String, String>,
    pub state: String,
    pub active_at: Option<String>,
}
