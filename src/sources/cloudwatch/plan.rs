//! What is asked of CloudWatch: the rows of the catalogue for the metrics that exist.

use std::collections::{BTreeMap, BTreeSet};

use crate::clients::aws::read::{Metric, MetricQuery};
use crate::domain::id::Alias;
use crate::domain::text::Raw;
use crate::model::signals::{self, CloudWatchFeed, DerivedFeed, Feed, Role, SignalSpec};

/// A dimension that names where a metric is kept; it selects nothing within a region.
const PLACE: &str = "Region";

/// Which resources of a namespace are asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Choice {
    All,
    /// Only those whose identifying dimension is one of these.
    Only(Vec<String>),
}

/// One row of the catalogue about one subject.
#[derive(Debug)]
pub struct Line {
    pub spec: &'static SignalSpec,
    pub feed: &'static CloudWatchFeed,
    pub query: MetricQuery,
}

/// A resource with the lines about it.
#[derive(Debug)]
pub struct Subject {
    pub alias: Alias,
    pub member: Option<Raw>,
    /// Indices into [`Plan::lines`] by the row's id.
    pub lines: BTreeMap<&'static str, usize>,
}

impl Subject {
    /// The derived rows whose inputs are all there.
    pub fn derived(&self) -> impl Iterator<Item = (&'static SignalSpec, &'static DerivedFeed)> {
        signals::all().filter_map(|spec| match &spec.feed {
            Feed::Derived(feed) if feed.from.iter().all(|id| self.lines.contains_key(id.as_str())) => {
                Some((spec, feed))
            }
            _ => None,
        })
    }
}

#[derive(Debug, Default)]
pub struct Plan {
    pub subjects: Vec<Subject>,
    pub lines: Vec<Line>,
}

/// Every namespace of the catalogue, once.
#[must_use]
pub fn namespaces() -> BTreeSet<&'static str> {
    rows().map(|(_, feed)| feed.namespace.as_str()).collect()
}

/// The dimensions by which resources are told apart.
#[must_use]
pub fn identities() -> BTreeSet<&'static str> {
    rows().filter_map(|(_, feed)| feed.dimensions.first().map(String::as_str)).collect()
}

fn rows() -> impl Iterator<Item = (&'static SignalSpec, &'static CloudWatchFeed)> {
    signals::all().filter_map(|spec| match &spec.feed {
        Feed::Cloudwatch(feed) => Some((spec, feed)),
        _ => None,
    })
}

/// The values of a row's dimensions in a metric, if the metric has exactly these.
fn values<'m>(feed: &CloudWatchFeed, metric: &'m Metric) -> Option<Vec<&'m str>> {
    let placed: Vec<_> = metric.dimensions.iter().filter(|(name, _)| name != PLACE).collect();
    if metric.namespace != feed.namespace || placed.len() != feed.dimensions.len() {
        return None;
    }
    feed.dimensions
        .iter()
        .map(|wanted| {
            let (_, value) = placed.iter().find(|(name, _)| name == wanted)?;
            feed.fixed.get(wanted).is_none_or(|fixed| fixed == value).then_some(value.as_str())
        })
        .collect()
}

impl Plan {
    /// The plan for the metrics that CloudWatch listed. A row that is published only when not zero is asked for as soon
    /// as the row that goes with it exists.
    #[must_use]
    pub fn of(metrics: &[Metric], choices: &BTreeMap<&'static str, Choice>) -> Self {
        let mut plan = Self::default();
        let mut known: BTreeMap<(&str, Vec<String>), usize> = BTreeMap::new();
        for (spec, feed) in rows().filter(|(_, feed)| feed.zero_with.is_none()) {
            for metric in metrics.iter().filter(|metric| metric.name == feed.metric) {
                let Some(values) = values(feed, metric) else { continue };
                let (Some(identity), Some(dimension)) = (values.first(), feed.dimensions.first()) else { continue };
                match choices.get(feed.namespace.as_str()) {
                    Some(Choice::Only(chosen)) if !chosen.iter().any(|one| one == identity) => continue,
                    None => continue,
                    Some(_) => {}
                }
                let key = (feed.namespace.as_str(), values.iter().map(|v| (*v).to_owned()).collect());
                let subject = *known.entry(key).or_insert_with(|| {
                    plan.subjects.push(Subject {
                        alias: Alias::Dimension { name: dimension, value: Raw::new(identity) },
                        member: feed.member.then(|| Raw::new(identity)),
                        lines: BTreeMap::new(),
                    });
                    plan.subjects.len() - 1
                });
                plan.add(subject, spec, feed, metric.dimensions.clone());
            }
        }
        for (spec, feed) in rows() {
            let Some(beside) = &feed.zero_with else { continue };
            for subject in 0..plan.subjects.len() {
                let line = plan.subjects.get(subject).and_then(|s| s.lines.get(beside.as_str()));
                let dimensions = line.and_then(|n| plan.lines.get(*n)).map(|l| l.query.metric.dimensions.clone());
                if let Some(dimensions) = dimensions {
                    plan.add(subject, spec, feed, dimensions);
                }
            }
        }
        plan
    }

    fn add(
        &mut self,
        subject: usize,
        spec: &'static SignalSpec,
        feed: &'static CloudWatchFeed,
        dimensions: Vec<(String, String)>,
    ) {
        let metric = Metric { namespace: feed.namespace.clone(), name: feed.metric.clone(), dimensions };
        let line = Line { spec, feed, query: MetricQuery { metric, period: feed.period, stat: feed.stat.clone() } };
        if let Some(subject) = self.subjects.get_mut(subject) {
            subject.lines.entry(spec.id.as_str()).or_insert_with(|| {
                self.lines.push(line);
                self.lines.len() - 1
            });
        }
    }

    /// Every line.
    #[must_use]
    pub fn all(&self) -> Vec<usize> {
        (0..self.lines.len()).collect()
    }

    /// The lines that last week is asked for, too: rates and what rates are computed from.
    #[must_use]
    pub fn rates(&self) -> Vec<usize> {
        let inputs: BTreeSet<&str> = signals::all()
            .filter_map(|spec| match &spec.feed {
                Feed::Derived(feed) if spec.role == Role::Rate => Some(feed.from.iter().map(String::as_str)),
                _ => None,
            })
            .flatten()
            .collect();
        let wanted = |line: &Line| line.spec.role == Role::Rate || inputs.contains(line.spec.id.as_str());
        self.lines.iter().enumerate().filter(|(_, line)| wanted(line)).map(|(index, _)| index).collect()
    }
}
