//! From buckets to signals: units, absent zeros, derived rows, and for the newest point the way to fetch it again.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use super::plan::{Line, Plan, Subject};
use crate::domain::id::SourceId;
use crate::domain::reading::{Provenance, Query, Sample};
use crate::domain::text::Raw;
use crate::domain::time::Stamp;
use crate::domain::unit::{Statistic, Unit};
use crate::model::facts::{Fact, Point, SignalFact};
use crate::model::signals::{DerivedFeed, SignalSpec};

/// Values by the start of their bucket, ms.
pub type Buckets = BTreeMap<i64, f64>;

/// What provenance needs to know of the source.
pub struct Origin {
    pub source: SourceId,
    pub endpoint: Raw,
    /// How often the source asks.
    pub every: Duration,
}

/// The signals of a plan. `raw` holds what CloudWatch said, one per line, `None` where it did not answer: such a line is
/// not told, nor filled with zeros, nor is anything computed from it. Only buckets that are complete at `now` and
/// published count.
pub fn signals(plan: &Plan, raw: &[Option<Buckets>], origin: &Origin, now: Stamp) -> Vec<Fact> {
    plan.subjects.iter().flat_map(|subject| Sheet::new(plan, subject, raw, origin, now).facts()).collect()
}

/// One value: as CloudWatch gave it, or the zero that its absence means.
#[derive(Clone, Copy)]
enum Cell {
    Given(f64),
    Absent,
}

/// The lines of one subject with their cells.
struct Sheet<'a> {
    plan: &'a Plan,
    subject: &'a Subject,
    origin: &'a Origin,
    columns: BTreeMap<&'static str, BTreeMap<i64, Cell>>,
}

impl<'a> Sheet<'a> {
    fn new(plan: &'a Plan, subject: &'a Subject, raw: &[Option<Buckets>], origin: &'a Origin, now: Stamp) -> Self {
        let mut columns: BTreeMap<&'static str, BTreeMap<i64, Cell>> = BTreeMap::new();
        for (id, index) in &subject.lines {
            let (Some(line), Some(Some(buckets))) = (plan.lines.get(*index), raw.get(*index)) else { continue };
            let late = i64::from(line.feed.period + line.feed.delay) * 1_000;
            let settled = buckets.iter().filter(|(at, _)| **at + late <= now.millis());
            columns.insert(id, settled.map(|(at, value)| (*at, Cell::Given(*value))).collect());
        }
        for (id, index) in &subject.lines {
            let beside = plan.lines.get(*index).and_then(|line| line.feed.zero_with.as_deref());
            let times: Vec<i64> =
                beside.and_then(|b| columns.get(b)).map(|c| c.keys().copied().collect()).unwrap_or_default();
            if let Some(column) = columns.get_mut(id) {
                for at in times {
                    column.entry(at).or_insert(Cell::Absent);
                }
            }
        }
        Self { plan, subject, origin, columns }
    }

    fn line(&self, id: &str) -> Option<&'a Line> {
        self.subject.lines.get(id).and_then(|index| self.plan.lines.get(*index))
    }

    /// The value of a line in our unit.
    fn value(&self, id: &str, at: i64) -> Option<f64> {
        Some(match self.columns.get(id)?.get(&at)? {
            Cell::Given(value) => value / f64::from(self.line(id)?.feed.divisor),
            Cell::Absent => 0.0,
        })
    }

    fn derive(&self, feed: &DerivedFeed, at: i64) -> Option<f64> {
        let inputs: Vec<f64> = feed.from.iter().map(|id| self.value(id, at)).collect::<Option<_>>()?;
        feed.formula.of(&inputs)
    }

    fn facts(&self) -> Vec<Fact> {
        let mut facts = Vec::new();
        for (id, column) in &self.columns {
            let Some(line) = self.line(id) else { continue };
            let points = column.keys().filter_map(|at| Some((*at, self.value(id, *at)?))).collect();
            facts.extend(self.fact(line.spec, points, |at| self.sample(line.spec.id.as_str(), at)));
        }
        for (spec, feed) in self.subject.derived() {
            let times = feed.from.first().and_then(|id| self.columns.get(id.as_str()));
            let points =
                times.into_iter().flat_map(BTreeMap::keys).filter_map(|at| Some((*at, self.derive(feed, *at)?)));
            let sample = |at| {
                let from = feed.from.iter().map(|id| self.sample(id, at)).collect::<Option<_>>()?;
                let value = self.derive(feed, at)?;
                let line = self.line(feed.from.first()?)?;
                Some(self.made(spec, line, at, value, Query::Derived { formula: feed.formula.text(), from }))
            };
            facts.extend(self.fact(spec, points.collect(), sample));
        }
        facts
    }

    /// The fact of a row; its provenance is that of its newest point.
    fn fact(
        &self,
        spec: &'static SignalSpec,
        points: Vec<(i64, f64)>,
        sample: impl FnOnce(i64) -> Option<Sample>,
    ) -> Option<Fact> {
        let (newest, _) = points.last()?;
        let provenance = sample(*newest)?.provenance;
        let points = points.into_iter().map(|(at, value)| Point { at: Stamp::from_millis(at), value }).collect();
        Some(Fact::Signal(SignalFact {
            subject: self.subject.alias.clone(),
            member: self.subject.member.clone(),
            version: None,
            peer: None,
            signal: spec.id.as_str(),
            points,
            provenance,
        }))
    }

    /// The value of a line at a bucket with the request that gives it again.
    fn sample(&self, id: &str, at: i64) -> Option<Sample> {
        let line = self.line(id)?;
        let value = self.value(id, at)?;
        let query = match (self.columns.get(id)?.get(&at)?, line.feed.conversion()) {
            (Cell::Absent, _) => {
                Query::Derived { formula: "0 * a", from: vec![self.sample(line.feed.zero_with.as_deref()?, at)?] }
            }
            (Cell::Given(_), None) => Query::CloudWatch(request(line, at)),
            (Cell::Given(there), Some(formula)) => {
                let mut asked = self.made(line.spec, line, at, *there, Query::CloudWatch(request(line, at)));
                asked.unit = Unit::Count;
                Query::Derived { formula, from: vec![asked] }
            }
        };
        Some(self.made(line.spec, line, at, value, query))
    }

    fn made(&self, spec: &'static SignalSpec, line: &Line, at: i64, value: f64, query: Query) -> Sample {
        let period = Duration::from_secs(u64::from(line.feed.period));
        let provenance = Provenance {
            source: self.origin.source.clone(),
            endpoint: self.origin.endpoint.clone(),
            query,
            statistic: spec.statistic,
            period: period.max(self.origin.every),
            // A bucket's time is its start: it can be read when it has ended and has been published.
            delay: period + Duration::from_secs(u64::from(line.feed.delay)),
            threshold_origin: &spec.origin,
        };
        Sample { value, unit: spec.unit, at: Stamp::from_millis(at), provenance: Arc::new(provenance) }
    }
}

/// The GetMetricData request, in awsJson 1.0, whose only value is the bucket at `at`.
fn request(line: &Line, at: i64) -> Raw {
    let metric = &line.query.metric;
    let dimension = |(name, value): &(String, String)| serde_json::json!({ "Name": name, "Value": value });
    let body = serde_json::json!({
        "StartTime": at / 1_000,
        "EndTime": at / 1_000 + i64::from(line.query.period),
        "MetricDataQueries": [{
            "Id": "q0",
            "MetricStat": {
                "Metric": {
                    "Namespace": metric.namespace,
                    "MetricName": metric.name,
                    "Dimensions": metric.dimensions.iter().map(dimension).collect::<Vec<_>>(),
                },
                "Period": line.query.period,
                "Stat": line.query.stat,
            },
        }],
    });
    Raw::from(body.to_string())
}

/// The provenance of what a listing call says.
pub fn listed(origin: &Origin, namespace: &str) -> Arc<Provenance> {
    Arc::new(Provenance {
        source: origin.source.clone(),
        endpoint: origin.endpoint.clone(),
        query: Query::Describe {
            call: "cloudwatch:ListMetrics",
            parameters: Raw::from(serde_json::json!({ "Namespace": namespace, "RecentlyActive": "PT3H" }).to_string()),
            field: Raw::new("Metrics"),
        },
        statistic: Statistic::Last,
        period: origin.every,
        delay: Duration::ZERO,
        threshold_origin: "",
    })
}
