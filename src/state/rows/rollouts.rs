//! Workloads and how far their rollouts are.

use std::cmp::Reverse;

use super::{any, attention};
use crate::domain::id::Kind;
use crate::model::board::{ComponentRow, SignalRow};
use crate::model::canary::Verdict;
use crate::model::facts::Revision;
use crate::model::signals::Role;
use crate::state::State;

/// Every workload: those under way first and of them the worst, then the sick ones, then by name.
#[must_use]
pub fn rollouts<'a>(state: &'a State, filter: &str) -> Vec<&'a ComponentRow> {
    let rolled = |row: &&ComponentRow| {
        matches!(row.id.kind, Kind::Deployment | Kind::StatefulSet | Kind::DaemonSet | Kind::Rollout)
    };
    let found = |row: &&ComponentRow| {
        any([row.name.as_str(), row.id.kind.name(), row.id.scope.as_str(), row.health.brief(), progress(row)], filter)
    };
    let all = state.board.tiers.iter().flat_map(|tier| &tier.components);
    let mut rows: Vec<&ComponentRow> = all.filter(rolled).filter(found).collect();
    let rank = |row: &ComponentRow| {
        let under_way = row.rollout.as_ref().is_some_and(|rollout| rollout.canary.is_some());
        Reverse((under_way, row.verdict == Some(Verdict::Fail), attention(row.health)))
    };
    rows.sort_by(|a, b| rank(a).cmp(&rank(b)).then_with(|| a.id.name.cmp(&b.id.name)));
    rows
}

/// How far the rollout is, in a word. A StatefulSet or DaemonSet tells nothing of an update.
#[must_use]
pub fn progress(row: &ComponentRow) -> &'static str {
    match (&row.rollout, row.id.kind) {
        (Some(rollout), _) => match rollout.phase.as_str() {
            "Healthy" => "done",
            "Paused" => "paused",
            "Degraded" if rollout.halt.as_ref().is_some_and(|halt| halt.why.as_str() == "aborted") => "aborted",
            "Degraded" => "degraded",
            _ => "moving",
        },
        (None, Kind::Deployment | Kind::Rollout) => "done",
        (None, _) => "-",
    }
}

/// What one revision of a workload is measured at.
pub fn of_revision<'a>(
    row: &'a ComponentRow,
    revision: &'a Revision,
    role: Role,
) -> impl Iterator<Item = &'a SignalRow> {
    row.signals.iter().filter(move |signal| signal.role == role && signal.version.as_ref() == Some(&revision.hash))
}
