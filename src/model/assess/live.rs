//! Which sources still speak: what rests on one that does not is unknown, whatever its last words were.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::domain::id::SourceId;
use crate::domain::text::Shown;
use crate::domain::time::Stamp;
use crate::model::board::{SourceKind, SourceState, SourceStatus};
use crate::model::world::World;
use crate::shown;

/// A source that is due to speak and has not for this long is silent.
const SILENCE: Duration = Duration::from_secs(10);

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
}

impl<'a> Live<'a> {
    /// A source of measurements that is lost. What it would have measured cannot be known, even where it never spoke.
    #[must_use]
    pub fn lost_measurements(&self) -> Option<&Lost> {
        let measures = |kind| matches!(kind, SourceKind::Prometheus | SourceKind::CloudWatch);
        self.statuses.iter().filter(|status| measures(status.kind)).find_map(|status| self.lost(&status.id))
    }

    #[must_use]
    pub fn new(world: &World, statuses: &'a [SourceStatus], now: Stamp) -> Self {
        let verdicts = statuses.iter().map(|status| (&status.id, verdict(world, status, now))).collect();
        let stranger = Lost { since: None, why: Shown::fixed("its source is not running") };
        Self { now, statuses, verdicts, stranger }
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

fn verdict(world: &World, status: &SourceStatus, now: Stamp) -> Option<Lost> {
    match &status.state {
        SourceState::Failed { since, fault } => Some(Lost { since: Some(*since), why: fault.what.clone() }),
        SourceState::Connecting { .. } => None,
        SourceState::Live => {
            // A polled source owes a word only once in its period.
            let due = world.periods.get(&status.id).copied().unwrap_or_default() + SILENCE;
            let alive = status.alive_at?;
            let silent = now.since(alive);
            (silent >= due).then(|| Lost {
                since: Some(alive),
                why: shown!("{} silent for {} s", status.id.shown(), silent.as_secs()),
            })
        }
    }
}
