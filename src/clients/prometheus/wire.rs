//! The bytes of the API. Fields that are not named here are ignored, so that newer servers can be read.

use std::collections::BTreeMap;
use std::fmt;
use std::marker::PhantomData;

use serde::de::{Error, IgnoredAny, SeqAccess, Visitor};
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
    Vector(Many<Instant>),
    Matrix(Many<Range>),
    Scalar(Pair),
    String(IgnoredAny),
}

/// Series of an answer, ordered by their labels: at most `MOST` of them, always the same ones whatever order they come
/// in, and how many there were. The rest is not kept while it is read.
#[derive(Debug)]
pub struct Many<T, const MOST: usize = SERIES> {
    pub kept: Vec<T>,
    pub total: usize,
}

/// The most series that are taken of one answer.
pub const SERIES: usize = 10_000;

/// Something that is told apart by its labels.
pub trait Labelled {
    fn labels(&self) -> &BTreeMap<String, String>;
}

impl Labelled for Instant {
    fn labels(&self) -> &BTreeMap<String, String> {
        &self.metric
    }
}

impl Labelled for Range {
    fn labels(&self) -> &BTreeMap<String, String> {
        &self.metric
    }
}

impl<'de, T: Deserialize<'de> + Labelled, const MOST: usize> Deserialize<'de> for Many<T, MOST> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Items<T, const MOST: usize>(PhantomData<T>);
        impl<'de, T: Deserialize<'de> + Labelled, const MOST: usize> Visitor<'de> for Items<T, MOST> {
            type Value = Many<T, MOST>;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a list of series")
            }
            fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Self::Value, A::Error> {
                let (mut kept, mut total) = (Vec::new(), 0);
                let cut = |kept: &mut Vec<T>| {
                    kept.sort_by(|a, b| a.labels().cmp(b.labels()));
                    kept.truncate(MOST);
                };
                while let Some(item) = items.next_element()? {
                    kept.push(item);
                    total += 1;
                    if kept.len() >= MOST * 2 {
                        cut(&mut kept);
                    }
                }
                cut(&mut kept);
                Ok(Many { kept, total })
            }
        }
        deserializer.deserialize_seq(Items(PhantomData))
    }
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_too_many_series_the_same_ones_are_taken_whatever_their_order() {
        let answer = |order: &mut dyn Iterator<Item = u32>| {
            let series: Vec<String> =
                order.map(|n| format!(r#"{{"metric":{{"pod":"p{n:03}"}},"value":[1,"1"]}}"#)).collect();
            let many: Many<Instant, 3> = serde_json::from_str(&format!("[{}]", series.join(","))).unwrap();
            let kept: Vec<String> = many.kept.iter().map(|item| item.metric["pod"].clone()).collect();
            (kept, many.total)
        };
        let expected = (vec!["p000".to_owned(), "p001".to_owned(), "p002".to_owned()], 50);
        assert_eq!(answer(&mut (0..50)), expected);
        assert_eq!(answer(&mut (0..50).rev()), expected);
        assert_eq!(answer(&mut (7..9)).1, 2);
    }
}
