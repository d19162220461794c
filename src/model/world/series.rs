//! The recent points of every signal, and those of the same hour last week.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use crate::domain::id::{Alias, SourceId};
use crate::domain::reading::Provenance;
use crate::domain::text::Raw;
use crate::domain::time::Stamp;
use crate::model::facts::{Point, Scope, SignalFact};

/// How far back the points of a component go, from its newest one.
const HORIZON: Duration = Duration::from_secs(75 * 60);
/// The same for the points of a single instance, of which there may be thousands.
const MEMBER_HORIZON: Duration = Duration::from_secs(15 * 60);
const WEEK: Duration = Duration::from_secs(7 * 24 * 3600);
/// Points older than this, from the newest, are those of last week.
const LAST_WEEK: Duration = Duration::from_secs(6 * 24 * 3600);
/// A series without a point for this long (or for as long as its source may take) is forgotten.
const FORGOTTEN: Duration = Duration::from_secs(80 * 60);
/// A series without a point for this long, of a source that speaks, is of something that is no more.
const GONE: Duration = Duration::from_secs(15 * 60);
/// How often the series of a source are looked through for forgotten ones.
const PRUNE_EVERY: Duration = Duration::from_secs(60);
/// How many points of last week are kept; at one a minute, two and a half hours.
const WEEK_CAP: usize = 600;

/// Which series of a subject: the signal and what it is narrowed to.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct SeriesKey {
    pub signal: &'static str,
    pub member: Option<Raw>,
    pub version: Option<Raw>,
    pub peer: Option<Alias>,
}

#[derive(Debug)]
pub struct Series {
    /// Ascending; at most [`HORIZON`] long.
    pub points: Arc<[Point]>,
    /// Ascending; around the same hour last week.
    pub week: Arc<[Point]>,
    pub provenance: Arc<Provenance>,
    owner: (SourceId, Scope),
    round: u64,
    /// When its source last spoke of it, be it without a point that can be used.
    told_at: Stamp,
}

impl Series {
    /// Whether its source no longer speaks of it, when the section is in its `round`.
    #[must_use]
    pub fn vanished(&self, round: u64) -> bool {
        self.round < round
    }

    /// Whether it has had no point for so long that what it is about must be gone, given that its source speaks.
    #[must_use]
    pub fn ended(&self, is_over: impl Fn(Stamp, Duration) -> bool) -> bool {
        let patience = GONE.max(self.provenance.freshness());
        self.points.last().is_none_or(|newest| is_over(newest.at, patience))
    }

    fn is_forgotten(&self, now: Stamp) -> bool {
        let patience = FORGOTTEN.max(self.provenance.freshness());
        let recent = self.points.last().is_some_and(|p| now.since(p.at) <= patience);
        let week = self.week.last().is_some_and(|p| (now - WEEK).since(p.at) <= patience);
        let bare = self.points.is_empty() && self.week.is_empty() && now.since(self.told_at) <= GONE;
        !(recent || week || bare)
    }

    #[must_use]
    pub fn owner(&self) -> &(SourceId, Scope) {
        &self.owner
    }
}

/// Every series, by the name its source gives the subject.
#[derive(Debug, Default)]
pub struct SeriesStore {
    subjects: BTreeMap<Alias, BTreeMap<SeriesKey, Series>>,
    pruned_at: BTreeMap<(SourceId, Scope), Stamp>,
}

impl SeriesStore {
    pub fn subjects(&self) -> impl Iterator<Item = (&Alias, &BTreeMap<SeriesKey, Series>)> {
        self.subjects.iter()
    }

    /// Adds points to a series, replacing those with the same time. Points from the future of `now` are of a clock that is
    /// wrong: they are dropped, for beside them everything else would be old.
    pub fn extend(&mut self, fact: SignalFact, owner: &(SourceId, Scope), round: u64, now: Stamp) {
        let SignalFact { subject, member, version, peer, signal, mut points, provenance } = fact;
        points.retain(|p| !p.at.is_ahead_of(now));
        let horizon = if member.is_some() { MEMBER_HORIZON } else { HORIZON };
        let key = SeriesKey { signal, member, version, peer };
        let of_subject = self.subjects.entry(subject).or_default();
        let series = of_subject.entry(key).or_insert_with(|| Series {
            points: Arc::from([]),
            week: Arc::from([]),
            provenance: provenance.clone(),
            owner: owner.clone(),
            round,
            told_at: now,
        });
        series.provenance = provenance;
        series.owner = owner.clone();
        series.round = round;
        series.told_at = now;
        let newest = points.iter().chain(series.points.iter()).map(|p| p.at).max();
        let Some(newest) = newest else { return };
        let (week, recent): (Vec<Point>, Vec<Point>) = points.into_iter().partition(|p| newest.since(p.at) > LAST_WEEK);
        if !recent.is_empty() {
            series.points = merged(&series.points, recent, newest - horizon);
        }
        if !week.is_empty() {
            let all = merged(&series.week, week, Stamp::default());
            let extra = all.len().saturating_sub(WEEK_CAP);
            series.week = all.iter().skip(extra).copied().collect();
        }
    }

    /// Forgets the owner's series that have had no point for as long as their history reaches; now and then, since it
    /// looks at all of them.
    pub fn prune(&mut self, owner: &(SourceId, Scope), now: Stamp) {
        if self.pruned_at.get(owner).is_some_and(|at| now.since(*at) < PRUNE_EVERY) {
            return;
        }
        self.pruned_at.insert(owner.clone(), now);
        for of_subject in self.subjects.values_mut() {
            of_subject.retain(|_, series| series.owner != *owner || !series.is_forgotten(now));
        }
        self.subjects.retain(|_, of_subject| !of_subject.is_empty());
    }
}

/// Joins two runs of points by time; of two with the same time the new one counts. Points before `from` are dropped.
fn merged(old: &[Point], mut new: Vec<Point>, from: Stamp) -> Arc<[Point]> {
    new.sort_by_key(|p| p.at);
    let mut joined: Vec<Point> = Vec::with_capacity(old.len() + new.len());
    let mut fresh = new.into_iter().peekable();
    for point in old {
        while let Some(next) = fresh.next_if(|n| n.at < point.at) {
            joined.push(next);
        }
        if fresh.peek().is_none_or(|n| n.at != point.at) {
            joined.push(*point);
        }
    }
    joined.extend(fresh);
    joined.dedup_by_key(|p| p.at);
    joined.into_iter().filter(|p| p.at >= from).collect()
}
