//! Which sources still speak: what rests on one that does not is unknown, whatever its last words were.

use std::collections::BTreeMap;

use crate::domain::id::SourceId;
use crate::domain::text::Shown;
use crate::domain::time::Stamp;
use crate::model::board::{SourceKind, SourceState, SourceStatus};

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
    pub fn new(statuses: &'a [SourceStatus], now: Stamp) -> Self {
        let verdicts = statuses.iter().map(|status| (&status.id, verdict(&status.state))).collect();
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

/// Silence is judged where human time is known: the runner fails a source that proves no life for 10 s.
fn verdict(state: &SourceState) -> Option<Lost> {
    match state {
        SourceState::Failed { since, fault } => Some(Lost { since: Some(*since), why: fault.what.clone() }),
        SourceState::Connecting { .. } | SourceState::Live => None,
    }
}
