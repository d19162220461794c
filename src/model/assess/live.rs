//! Which sources still speak: what rests on one that does not is unknown, whatever its last words were.

use std::cell::Cell;
use std::collections::BTreeMap;
use std::time::Duration;

use crate::domain::id::SourceId;
use crate::domain::text::Shown;
use crate::domain::time::Stamp;
use crate::model::board::{SourceKind, SourceState, SourceStatus};
use crate::model::facts::Point;
use crate::model::world::World;
use crate::shown;

/// A source that does not speak.
#[derive(Clone, Debug, PartialEq)]
pub struct Lost {
    pub since: Option<Stamp>,
    pub why: Shown,
}

pub struct Live<'a> {
    pub now: Stamp,
    pub statuses: &'a [SourceStatus],
    verdicts: BTreeMap<&'a SourceId, Option<Lost>>,
    stranger: Lost,
    turns_at: Cell<Stamp>,
    /// See [`Live::mute`].
    mute: Vec<(SourceId, Lost)>,
}

/// However little depends on the time, what was assessed is assessed again after this.
const HOLDS: Duration = Duration::from_secs(30);
/// An age that is told, and what is counted over a sliding window, is told anew after this.
const TOLD: Duration = Duration::from_secs(5);

impl<'a> Live<'a> {
    /// A source of measurements that is lost. What it would have measured cannot be known, even where it never spoke.
    #[must_use]
    pub fn lost_measurements(&self) -> Option<&Lost> {
        let measures = |kind| matches!(kind, SourceKind::Prometheus | SourceKind::CloudWatch);
        let lost = self.statuses.iter().filter(|status| measures(status.kind)).find_map(|status| self.lost(&status.id));
        lost.or_else(|| self.mute.first().map(|(_, lost)| lost))
    }

    /// Every Prometheus that answers and has given no sample that can be used: it tells as little as one that fails.
    #[must_use]
    pub fn mute(&self) -> &[(SourceId, Lost)] {
        &self.mute
    }

    /// Finds out who answers and says nothing.
    #[must_use]
    pub fn listening(mut self, world: &World) -> Self {
        let speaks = |id: &SourceId| {
            world.series.subjects().flat_map(|(_, of)| of.values()).any(|series| {
                let fresh = |p: &Point| !p.value.is_nan() && !self.is_over(p.at, series.provenance.freshness());
                series.owner().0 == *id && series.points.last().is_some_and(fresh)
            })
        };
        let asked = self.statuses.iter().filter(|s| s.kind == SourceKind::Prometheus && s.state == SourceState::Live);
        // Before its first round it may still have something to tell.
        let asked = asked.filter(|status| world.sections.keys().any(|(source, _)| *source == status.id));
        let mute = asked.filter(|status| !speaks(&status.id)).map(|status| {
            let why = shown!("{} answers and gives no sample that can be used", status.id.shown());
            (status.id.clone(), Lost { since: None, why })
        });
        self.mute = mute.collect();
        self
    }

    #[must_use]
    pub fn new(statuses: &'a [SourceStatus], now: Stamp) -> Self {
        let verdicts = statuses.iter().map(|status| (&status.id, verdict(&status.state))).collect();
        let stranger = Lost { since: None, why: Shown::fixed("its source is not running") };
        Self { now, statuses, verdicts, stranger, turns_at: Cell::new(now + HOLDS), mute: Vec::new() }
    }

    /// Whether `limit` has passed since `at`. If not, the assessment holds no longer than until it has.
    #[must_use]
    pub fn is_over(&self, at: Stamp, limit: Duration) -> bool {
        let over = self.now.since(at) > limit;
        if !over {
            self.holds_until(at + limit + Duration::from_millis(1));
        }
        over
    }

    /// How long ago it was. The assessment holds for as long as the words for it do.
    #[must_use]
    pub fn age(&self, at: Stamp) -> Duration {
        self.holds_until(self.now + TOLD);
        self.now.since(at)
    }

    /// Now, for what is counted up to now.
    #[must_use]
    pub fn sliding(&self) -> Stamp {
        self.holds_until(self.now + TOLD);
        self.now
    }

    /// Whether a moment is in the future, as only a wrong clock tells it.
    #[must_use]
    pub fn is_ahead(&self, at: Stamp) -> bool {
        let ahead = at.is_ahead_of(self.now);
        if ahead {
            self.holds_until(self.now + TOLD);
        }
        ahead
    }

    fn holds_until(&self, at: Stamp) {
        self.turns_at.set(self.turns_at.get().min(at));
    }

    /// When the passing of time alone may change what was assessed, by what was asked of this so far.
    #[must_use]
    pub fn turns_at(&self) -> Stamp {
        self.turns_at.get()
    }

    /// Why nothing that came from this source may be relied on; `None` while it lives.
    #[must_use]
    pub fn lost(&self, source: &SourceId) -> Option<&Lost> {
        match self.verdicts.get(source) {
            Some(verdict) => verdict.as_ref(),
            None => Some(&self.stranger),
        }
    }
}

/// Silence is judged where human time is known: the runner fails a source that proves no life for 10 s.
fn verdict(state: &SourceState) -> Option<Lost> {
    match state {
        SourceState::Failed { since, fault } => Some(Lost { since: Some(*since), why: fault.what.clone() }),
        SourceState::Connecting { .. } | SourceState::Live => None,
    }
}
