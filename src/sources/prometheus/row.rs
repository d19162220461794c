//! One row of the catalogue as it applies to one server: what to ask next, and what the answer means.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use crate::clients::prometheus::read::Series;
use crate::domain::id::SourceId;
use crate::domain::reading::{Provenance, Query};
use crate::domain::text::Raw;
use crate::domain::time::Stamp;
use crate::model::facts::{Fact, LinkFact, Point, SignalFact};
use crate::model::signals::{Labels, PromQl, Role, SignalSpec};

use super::identity::Identity;

/// How far back history is fetched on connecting.
const HISTORY: Duration = Duration::from_secs(60 * 60);
/// The finest step of history.
const FINEST_STEP: Duration = Duration::from_secs(15);
/// Series that have not been seen for so long are forgotten.
const MEMORY: Duration = Duration::from_secs(15 * 60);

/// How many recovered offenders are asked for in one round.
const AT_ONCE: usize = 32;

/// What every provenance of one source has in common.
pub struct Origin {
    pub source: SourceId,
    pub endpoint: Raw,
    /// Time between two rounds.
    pub poll: Duration,
    /// How long after its time a sample is asked for.
    pub settle: Duration,
}

pub struct Row {
    pub spec: &'static SignalSpec,
    pub promql: &'static PromQl,
    /// The metric that made the row apply.
    pub metric: String,
    pub window: Duration,
    /// Scrape interval of the jobs that have the metric.
    pub interval: Duration,
    /// Up to when the row has been answered.
    answered: Option<Stamp>,
    known: BTreeMap<Labels, Known>,
}

/// What is remembered of a series.
struct Known {
    identity: Identity,
    provenance: Arc<Provenance>,
    /// Time of its newest point.
    last: Stamp,
    /// It was among the offenders then, and has not been asked for by itself since.
    offends: bool,
}

/// The time of a question.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Span {
    Instant,
    History { start: Stamp, step: Duration },
}

impl Row {
    #[must_use]
    pub fn new(
        spec: &'static SignalSpec,
        promql: &'static PromQl,
        metric: &str,
        window: Duration,
        interval: Duration,
    ) -> Self {
        let metric = metric.to_owned();
        Self { spec, promql, metric, window, interval, answered: None, known: BTreeMap::new() }
    }

    /// Goes on where an earlier detection's row of the same question stands.
    pub fn resume(&mut self, earlier: Self) {
        self.answered = earlier.answered;
        // The query of a series depends on the window.
        if self.window == earlier.window {
            self.known = earlier.known;
        }
    }

    #[must_use]
    pub fn is_same_question(&self, other: &Self) -> bool {
        self.spec.id == other.spec.id && self.metric == other.metric
    }

    /// Up to when the row has been answered.
    #[must_use]
    pub const fn answered(&self) -> Option<Stamp> {
        self.answered
    }

    /// How many series it remembers.
    #[must_use]
    pub fn held(&self) -> usize {
        self.known.len()
    }

    /// Whether its series are calls from one component to another.
    #[must_use]
    pub fn tells_links(&self) -> bool {
        self.spec.role == Role::Rate && self.promql.is_per_call()
    }

    /// Whether the row has told how things were at this moment.
    #[must_use]
    pub fn is_answered(&self, at: Stamp) -> bool {
        self.answered == Some(at)
    }

    #[must_use]
    pub fn query(&self) -> String {
        self.promql.for_all(&self.metric, self.window)
    }

    /// The last hour at first, what was missed after a gap, else one moment.
    #[must_use]
    pub fn span(&self, at: Stamp, poll: Duration) -> Span {
        let step = self.interval.max(FINEST_STEP);
        let missed = self.answered.map_or(HISTORY, |answered| at.since(answered)).min(HISTORY);
        if missed <= step.max(poll) * 3 {
            return Span::Instant;
        }
        // Whole steps back from the moment asked for, so that the last point is the current one.
        let steps = u32::try_from(missed.as_millis() / step.as_millis().max(1)).unwrap_or(u32::MAX);
        Span::History { start: at - step * steps, step }
    }

    /// Turns the answer about all subjects into facts.
    pub fn take(&mut self, series: Vec<Series>, at: Stamp, origin: &Origin) -> Vec<Fact> {
        self.answered = Some(at);
        let mut facts = Vec::with_capacity(series.len());
        let mut taken = BTreeSet::new();
        for series in series {
            let Some(fact) = self.fact(series, origin, &mut taken) else { continue };
            if let Some(peer) = fact.peer.clone()
                && self.spec.role == Role::Rate
            {
                let from = fact.subject.clone();
                facts.push(Fact::Link(LinkFact { from, to: peer, protocol: None, port: None, observed: true }));
            }
            facts.push(Fact::Signal(fact));
        }
        self.known.retain(|_, known| known.offends || at.since(known.last) <= MEMORY);
        facts
    }

    fn fact(&mut self, series: Series, origin: &Origin, taken: &mut BTreeSet<Identity>) -> Option<SignalFact> {
        let Series { labels, samples } = series;
        // A value that is no number but for 0/0 comes from a limit of zero: it says nothing.
        let points: Vec<Point> = samples
            .into_iter()
            .filter(|(_, value)| !value.is_infinite())
            .map(|(at, value)| Point { at: Stamp::from_millis(at), value })
            .collect();
        let last = points.last()?.at;
        let known = match self.known.get_mut(&labels) {
            Some(known) => known,
            None => {
                let known = self.introduce(&labels, origin);
                self.known.entry(labels.clone()).or_insert(known)
            }
        };
        known.last = last;
        known.offends = self.promql.only.is_some();
        let mut identity = known.identity.clone();
        if self.promql.is_per_revision() && identity.version.is_none() {
            return None;
        }
        if !taken.insert(identity.clone()) {
            identity = identity.spelled_out(&labels);
        }
        Some(SignalFact {
            subject: identity.subject,
            member: identity.member,
            version: identity.version,
            peer: identity.peer,
            signal: &self.spec.id,
            points,
            provenance: Arc::clone(&known.provenance),
        })
    }

    /// Series that were among the offenders and are no more, with the question that tells how they are now.
    #[must_use]
    pub fn recovered(&self, at: Stamp) -> Vec<(Labels, String)> {
        self.known
            .iter()
            .filter(|(_, known)| known.offends && known.last < at)
            .map(|(labels, _)| (labels.clone(), self.promql.for_one(&self.metric, self.window, labels)))
            .take(AT_ONCE)
            .collect()
    }

    /// Takes the answer about one series that had been an offender. An empty one means that it is gone.
    pub fn take_recovered(&mut self, labels: &Labels, series: Vec<Series>) -> Option<Fact> {
        let known = self.known.get_mut(labels)?;
        known.offends = false;
        let (at, value) = series.into_iter().next()?.samples.into_iter().next_back()?;
        let identity = known.identity.clone();
        Some(Fact::Signal(SignalFact {
            subject: identity.subject,
            member: identity.member,
            version: identity.version,
            peer: identity.peer,
            signal: &self.spec.id,
            points: vec![Point { at: Stamp::from_millis(at), value }],
            provenance: Arc::clone(&known.provenance),
        }))
    }

    fn introduce(&self, labels: &Labels, origin: &Origin) -> Known {
        // Without labels it is about the system as a whole, or is what its metric counts.
        let system = match self.spec.id.split('.').nth(1) {
            Some(system) if !self.promql.detect.contains('*') => system,
            _ => &self.metric,
        };
        let query = self.promql.for_one(&self.metric, self.window, labels);
        let provenance = Provenance {
            source: origin.source.clone(),
            endpoint: origin.endpoint.clone(),
            query: Query::PromQl(Raw::from(query)),
            statistic: self.spec.statistic,
            period: self.interval.max(origin.poll),
            delay: origin.settle,
            threshold_origin: &self.spec.origin,
        };
        Known {
            identity: Identity::of(labels, system),
            provenance: Arc::new(provenance),
            last: Stamp::default(),
            offends: false,
        }
    }
}
