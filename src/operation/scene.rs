//! What the board says of a target at one moment: the live values that a card shows and a verification needs.

use std::time::Duration;

use super::target::Target;
use crate::domain::health::Health;
use crate::domain::id::ComponentId;
use crate::domain::reading::Reading;
use crate::domain::text::{Raw, Shown};
use crate::domain::time::Stamp;
use crate::model::board::{Board, ComponentRow, Evidence, SourceKind, SourceState, SourceStatus, TierRow};
use crate::model::facts::{Replicas, RolloutFact};
use crate::model::signals::Role;
use crate::shown;

/// The board as one operation sees it.
#[derive(Clone, Debug, PartialEq)]
pub struct Scene {
    pub at: Stamp,
    pub users: Users,
    /// `None`: the board does not have the target.
    pub health: Option<Health>,
    /// The strongest reason of its health.
    pub reason: Option<Shown>,
    /// Share of requests that fail at the target; at a database, at those that call it.
    pub errors: Reading,
    /// The sources that judge the target, and how old what they say is.
    pub sources: Vec<SourceAge>,
    pub sight: Sight,
    pub replicas: Option<Replicas>,
    pub rollout: Option<RolloutFact>,
    /// Replication lag in seconds, by instance.
    pub lags: Vec<(Option<Shown>, Reading)>,
    /// Components that call it: they are hurt while it is away.
    pub callers: Vec<Shown>,
}

#[derive(Clone, Debug, PartialEq)]
pub struct Users {
    pub failing_per_second: Reading,
    pub failing_ratio: Reading,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SourceAge {
    pub name: Shown,
    pub live: bool,
    /// Age of its newest sample.
    pub age: Option<Duration>,
}

/// How much of what users feel can be seen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Sight {
    Full,
    /// What is missing.
    Partial(Shown),
    Blind(Shown),
}

impl Scene {
    #[must_use]
    pub fn of(board: &Board, sources: &[SourceStatus], target: &Target) -> Self {
        let found = find(board, &target.component);
        let row = found.map(|(_, row)| row);
        let callers: Vec<&ComponentId> =
            board.links.iter().filter(|link| link.to == target.component).map(|link| &link.from).collect();
        let lags = row.into_iter().flat_map(|row| &row.signals).filter(|signal| signal.role == Role::Lag);
        Self {
            at: board.at,
            users: Users {
                failing_per_second: board.users.failing_per_second.clone(),
                failing_ratio: board.users.failing_ratio.clone(),
            },
            health: row.map(|row| row.health),
            reason: row.and_then(|row| row.reasons.first()).map(|reason| reason.text.clone()),
            errors: errors(board, target, &callers),
            sources: sources
                .iter()
                .filter(|source| source.kind != SourceKind::Sink)
                .map(|source| age(source, board.at))
                .collect(),
            sight: sight(&board.evidence),
            replicas: row.and_then(|row| row.replicas),
            rollout: row.and_then(|row| row.rollout.clone()),
            lags: lags.map(|signal| (signal.part.clone(), signal.reading.clone())).collect(),
            callers: callers.iter().filter_map(|id| find(board, id)).map(|(_, row)| row.name.clone()).collect(),
        }
    }

    /// Lag of an instance in seconds: its own, else the component's.
    #[must_use]
    pub fn lag_of(&self, member: &Raw) -> Option<&Reading> {
        let own = self.lags.iter().find(|(part, _)| part.as_ref() == Some(&member.shown()));
        own.or_else(|| self.lags.iter().find(|(part, _)| part.is_none())).map(|(_, reading)| reading)
    }
}

fn find<'a>(board: &'a Board, id: &ComponentId) -> Option<(&'a TierRow, &'a ComponentRow)> {
    board.tiers.iter().find_map(|tier| Some((tier, tier.components.iter().find(|row| row.id == *id)?)))
}

/// Errors that a change shall take away: the target's own, else those of what calls it, else its tier's.
fn errors(board: &Board, target: &Target, callers: &[&ComponentId]) -> Reading {
    let of = |id: &ComponentId| {
        let (_, row) = find(board, id)?;
        let own = row.signals.iter().filter(|signal| signal.role == Role::ErrorRatio && signal.part.is_none());
        own.map(|signal| signal.reading.clone()).find(|reading| reading.last().is_some())
    };
    of(&target.component)
        .or_else(|| callers.iter().find_map(|id| of(id)))
        .or_else(|| find(board, &target.component).map(|(tier, _)| tier.error_ratio.clone()))
        .unwrap_or(Reading::Absent(crate::domain::reading::Absence::NotMeasured))
}

fn age(source: &SourceStatus, now: Stamp) -> SourceAge {
    let seen = source.sample_at;
    SourceAge {
        name: source.id.shown(),
        live: matches!(source.state, SourceState::Live),
        age: seen.map(|at| now.since(at)),
    }
}

fn sight(evidence: &Evidence) -> Sight {
    let names = |missing: &[crate::model::board::Missing]| {
        Shown::joined(missing.iter().map(|missing| missing.source.shown()), ", ")
    };
    match evidence {
        Evidence::Full => Sight::Full,
        Evidence::Partial { missing } => Sight::Partial(shown!("no {}", names(missing))),
        Evidence::Blind { missing, .. } => Sight::Blind(shown!("nothing user-facing is seen: no {}", names(missing))),
        Evidence::Connecting => Sight::Blind(Shown::fixed("no source has answered yet")),
    }
}
