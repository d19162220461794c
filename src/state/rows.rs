//! The rows of every list, as drawing and moving the selection both need them, so that they cannot disagree.

mod databases;
mod rollouts;

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};

use super::{BoardPlace, BoardRow, Place, State, Tab, TierPlace, TopologyPlace};
use crate::domain::health::{Health, Reason};
use crate::domain::id::ComponentId;
use crate::domain::text::{Raw, Shown};
use crate::domain::tier::Tier;
use crate::model::board::{AlertRow, Board, Cause, ComponentRow, LinkRow, SignalRow, SourceStatus, TierRow};
use crate::model::facts::{ChangeFact, MemberFact, Revision};
use crate::model::signals::Role;
use crate::operation::target::OperationId;
use crate::shown;
pub use databases::{DataRow, databases, is_managed, of_instance, successor};
pub use rollouts::{of_revision, progress, rollouts};

/// The board's rows: users, then tiers in data-flow order, each followed by its components where it is open or where
/// the filter finds them.
#[must_use]
pub fn board_rows(board: &Board, place: &BoardPlace, filter: &str) -> Vec<BoardRow> {
    let mut rows = Vec::new();
    if filter.is_empty() {
        rows.push(BoardRow::Users);
    }
    for tier in &board.tiers {
        let named = any([tier.tier.name(), tier.health.brief()], filter);
        let found: Vec<&ComponentRow> = tier.components.iter().filter(|row| named || is_listed(row, filter)).collect();
        if !named && found.is_empty() {
            continue;
        }
        rows.push(BoardRow::Tier(tier.tier));
        if place.open.contains(&tier.tier) || (!filter.is_empty() && !named) {
            rows.extend(found.iter().map(|row| BoardRow::Component(row.id.clone())));
        }
    }
    rows
}

/// The row selected before the operator has moved: the tier that needs attention most; among equals the one that holds
/// the probable cause, then the first in data flow.
#[must_use]
pub fn default_selection(board: &Board) -> BoardRow {
    let cause = cause_tier(board);
    let rank = |row: &TierRow| (row.health.rank(), cause == Some(row.tier));
    let mut worst: Option<&TierRow> = None;
    for row in &board.tiers {
        if worst.is_none_or(|best| rank(row) > rank(best)) {
            worst = Some(row);
        }
    }
    worst.map_or(BoardRow::Users, |row| BoardRow::Tier(row.tier))
}

/// The row that is selected now: the operator's choice while it is there, else the default.
#[must_use]
pub fn selection(board: &Board, place: &BoardPlace) -> BoardRow {
    let exists = |row: &BoardRow| match row {
        BoardRow::Users => true,
        BoardRow::Tier(tier) => board.tiers.iter().any(|row| row.tier == *tier),
        BoardRow::Component(id) => component(board, id).is_some(),
    };
    place.selected.clone().filter(exists).unwrap_or_else(|| default_selection(board))
}

/// The tier that holds the probable cause.
#[must_use]
pub fn cause_tier(board: &Board) -> Option<Tier> {
    let Cause::Found(suspect) = &board.cause else { return None };
    component(board, &suspect.component).map(|(tier, _)| tier.tier)
}

/// The reasons of a tier that the probable cause does not already say in other words.
pub fn reasons_beside_cause<'b>(board: &'b Board, tier: &'b TierRow) -> impl Iterator<Item = &'b Reason> {
    let said: Vec<(&Shown, &Reason)> = match &board.cause {
        Cause::Found(suspect) => {
            let suspected = tier.components.iter().filter(|row| row.id == suspect.component);
            let of_rule = |reason: &&Reason| reason.rule == suspect.rule;
            suspected.flat_map(|row| row.reasons.iter().filter(of_rule).map(|reason| (&row.name, reason))).collect()
        }
        _ => Vec::new(),
    };
    tier.reasons.iter().filter(move |reason| {
        // A tier names the component before its reason, unless it has one only.
        said.iter().all(|(name, known)| {
            let rest = reason.text.as_str().strip_prefix(name.as_str()).and_then(|rest| rest.strip_prefix(": "));
            rest.unwrap_or(reason.text.as_str()) != known.text.as_str()
        })
    })
}

/// A component with its tier.
#[must_use]
pub fn component<'a>(board: &'a Board, id: &ComponentId) -> Option<(&'a TierRow, &'a ComponentRow)> {
    board.tiers.iter().find_map(|tier| tier.components.iter().find(|row| row.id == *id).map(|row| (tier, row)))
}

/// A tier's row.
#[must_use]
pub fn tier(board: &Board, tier: Tier) -> Option<&TierRow> {
    board.tiers.iter().find(|row| row.tier == tier)
}

/// Components of a tier, those that need attention first, otherwise as the board has them.
#[must_use]
pub fn tier_components<'a>(tier: &'a TierRow, filter: &str) -> Vec<&'a ComponentRow> {
    let mut rows: Vec<_> = tier.components.iter().filter(|row| is_listed(row, filter)).collect();
    rows.sort_by_key(|row| Reverse(attention(row.health)));
    rows
}

/// Rank of what needs attention; everything quiet is alike, so that quiet rows keep their order.
fn attention(health: Health) -> u8 {
    if health.is_sick() { health.rank() } else { 0 }
}

/// The component of a tier that is selected now: the operator's choice while it is listed, else the probable cause, else
/// the first, which is the worst.
#[must_use]
pub fn tier_selection(board: &Board, place: &TierPlace, filter: &str) -> Option<ComponentId> {
    let list = tier_components(tier(board, place.tier)?, filter);
    let listed = |id: &&ComponentId| list.iter().any(|row| row.id == **id);
    let cause = || if let Cause::Found(suspect) = &board.cause { Some(&suspect.component) } else { None };
    let chosen = place.selected.as_ref().filter(listed).or_else(|| cause().filter(listed));
    chosen.or_else(|| list.first().map(|row| &row.id)).cloned()
}

/// The component of the topology that is selected now: the operator's choice while it is there, else the probable cause,
/// else the worst, else the first.
#[must_use]
pub fn topology_selection(board: &Board, place: &TopologyPlace) -> Option<ComponentId> {
    if let Some(id) = place.selected.as_ref().filter(|id| component(board, id).is_some()) {
        return Some(id.clone());
    }
    if let Cause::Found(suspect) = &board.cause {
        return Some(suspect.component.clone());
    }
    let mut worst: Option<&ComponentRow> = None;
    for row in topology_order(board) {
        if worst.is_none_or(|best| row.health.rank() > best.health.rank()) {
            worst = Some(row);
        }
    }
    worst.map(|row| row.id.clone())
}

/// Where in a list the selected row is; the first row when it is nowhere.
#[must_use]
pub fn place_of<T>(list: &[T], is_selected: impl Fn(&T) -> bool) -> usize {
    list.iter().position(is_selected).unwrap_or_default()
}

/// Sources that pass the filter.
#[must_use]
pub fn sources<'a>(state: &'a State, filter: &str) -> Vec<&'a SourceStatus> {
    let found = |status: &&SourceStatus| {
        any([status.id.as_str(), status.kind.name(), status.word(), status.endpoint.as_str()], filter)
    };
    state.sources.iter().filter(found).collect()
}

/// Components in the order of the topology's tree: along the dependencies from those that nobody calls, each once.
#[must_use]
pub fn topology_order(board: &Board) -> Vec<&ComponentRow> {
    topology_tree(board).into_iter().filter(|node| !node.again).map(|node| node.row).collect()
}

/// A line of the topology's tree.
#[derive(Clone, Debug)]
pub struct TreeNode<'a> {
    pub row: &'a ComponentRow,
    pub depth: usize,
    /// The dependency by which it stands here; `None` for a root.
    pub link: Option<&'a LinkRow>,
    /// It stands above already, with what it depends on.
    pub again: bool,
}

/// The dependencies as a tree; a component with several callers stands in full under the first and as a reference under
/// the others, so that no dependency is lost.
#[must_use]
pub fn topology_tree(board: &Board) -> Vec<TreeNode<'_>> {
    let all: Vec<&ComponentRow> = board.tiers.iter().flat_map(|tier| &tier.components).collect();
    let called: BTreeSet<&ComponentId> =
        board.links.iter().filter(|link| link.from != link.to).map(|link| &link.to).collect();
    let rows: BTreeMap<&ComponentId, &ComponentRow> = all.iter().map(|row| (&row.id, *row)).collect();
    let mut callees: BTreeMap<&ComponentId, Vec<(&ComponentRow, &LinkRow)>> = BTreeMap::new();
    for link in board.links.iter().filter(|link| link.from != link.to) {
        let to = rows.get(&link.to).map(|row| (*row, link));
        callees.entry(&link.from).or_default().extend(to);
    }
    let mut seen = BTreeSet::new();
    let mut nodes = Vec::new();
    // Roots first; then what is left, which only cycles can leave.
    for root in all.iter().filter(|row| !called.contains(&row.id)).chain(&all) {
        if seen.contains(&root.id) {
            continue;
        }
        let mut stack = vec![(*root, 0, None)];
        while let Some((row, depth, link)) = stack.pop() {
            let again = !seen.insert(&row.id);
            nodes.push(TreeNode { row, depth, link, again });
            if again {
                continue;
            }
            let next = callees.get(&row.id).into_iter().flatten().rev();
            stack.extend(next.map(|(row, link)| (*row, depth + 1, Some(*link))));
        }
    }
    nodes
}

/// Signals of the component as a whole, in the model's order.
#[must_use]
pub fn signals(row: &ComponentRow) -> Vec<&SignalRow> {
    row.signals.iter().filter(|signal| signal.part.is_none()).collect()
}

/// The signal of a role that stands for the component as a whole: the worst, then the first.
#[must_use]
pub fn key_signal(row: &ComponentRow, role: Role) -> Option<&SignalRow> {
    signals(row).into_iter().filter(|signal| signal.role == role).min_by_key(|signal| Reverse(signal.health.rank()))
}

/// What is worth a chart of signals that are equally well, the first most.
const TELLING: [Role; 5] = [Role::ErrorRatio, Role::Latency, Role::Lag, Role::Saturation, Role::Rate];

/// The signal worth a chart: the sickest, and of those that are well the one that users feel most.
#[must_use]
pub fn telling(row: &ComponentRow) -> Option<&SignalRow> {
    let trouble = |health: Health| if health == Health::Unknown { 0 } else { attention(health) };
    let place = |role: Role| TELLING.iter().position(|known| *known == role).unwrap_or(TELLING.len());
    let charted = signals(row).into_iter().filter(|signal| !signal.history.is_empty());
    charted.min_by_key(|signal| (Reverse(trouble(signal.health)), place(signal.role)))
}

/// Which of the component's signals is charted: the operator's choice, else the one worth it.
#[must_use]
pub fn charted(row: &ComponentRow, chosen: Option<usize>) -> usize {
    let all = signals(row);
    let worth = || telling(row).and_then(|telling| all.iter().position(|signal| std::ptr::eq(*signal, telling)));
    chosen.or_else(worth).unwrap_or_default().min(all.len().saturating_sub(1))
}

/// Members, worst first as the model has them.
#[must_use]
pub fn members<'a>(row: &'a ComponentRow, filter: &str) -> Vec<&'a MemberFact> {
    // Thousands of pods: a list that is not filtered looks at none of them.
    if filter.is_empty() {
        return row.members.iter().collect();
    }
    let found = |member: &&MemberFact| {
        let optional = |text: &Option<Raw>| text.as_ref().is_some_and(|text| matches(text.as_str(), filter));
        any([member.name.as_str(), member.word.as_str(), member.state.word()], filter)
            || optional(&member.zone)
            || optional(&member.version)
            || matches(revision(row, member).as_str(), filter)
    };
    row.members.iter().filter(found).collect()
}

/// Which revision an instance is of: `canary 7`, `stable 6`, else the version it says itself.
#[must_use]
pub fn revision(row: &ComponentRow, member: &MemberFact) -> Shown {
    let Some(version) = &member.version else { return Shown::default() };
    let of = |word: &'static str, revision: &Revision| match revision.number {
        Some(number) => shown!("{} {}", word, number),
        None => Shown::fixed(word),
    };
    match &row.rollout {
        Some(rollout) if rollout.canary.as_ref().is_some_and(|canary| canary.hash == *version) => {
            rollout.canary.as_ref().map(|canary| of("canary", canary)).unwrap_or_default()
        }
        Some(rollout) if rollout.stable.hash == *version => of("stable", &rollout.stable),
        _ => version.shown(),
    }
}

/// The signals of the component and its parts.
#[must_use]
pub fn all_signals<'a>(row: &'a ComponentRow, filter: &str) -> Vec<&'a SignalRow> {
    let part = |signal: &SignalRow| signal.part.as_ref().is_some_and(|part| matches(part.as_str(), filter));
    let found = |signal: &&SignalRow| {
        any([signal.label, signal.health.brief(), signal.thresholds.origin], filter) || part(signal)
    };
    row.signals.iter().filter(found).collect()
}

/// Changes, newest first.
#[must_use]
pub fn changes<'a>(state: &'a State, filter: &str) -> Vec<&'a ChangeFact> {
    state.board.changes.iter().map(AsRef::as_ref).filter(|change| is_found(change, filter)).collect()
}

fn is_found(change: &ChangeFact, filter: &str) -> bool {
    let who = change.who.as_ref().map(Raw::as_str).unwrap_or_default();
    let (at, on) = (change.at.clock(), change.subject_name());
    any([change.what.as_str(), who, change.kind.word(), on.as_str(), at.as_str()], filter)
}

/// Alerts: firing ones first, worst first, then the newest.
#[must_use]
pub fn alerts<'a>(state: &'a State, filter: &str) -> Vec<&'a AlertRow> {
    let found = |alert: &&AlertRow| {
        let on = alert_subject(&state.board, alert);
        let tier = alert.tier.map_or("", Tier::name);
        any([alert.name.as_str(), tier, on.as_str(), alert.source.as_str(), alert.word()], filter)
    };
    let mut rows: Vec<_> = state.board.alerts.iter().filter(found).collect();
    rows.sort_by_key(|alert| (alert.silenced, Reverse((alert.severity.rank(), alert.since))));
    rows
}

/// The name of the component an alert is about.
#[must_use]
pub fn alert_subject(board: &Board, alert: &AlertRow) -> Shown {
    let Some(id) = &alert.component else { return Shown::default() };
    component(board, id).map_or_else(|| id.name.shown(), |(_, row)| row.name.clone())
}

/// Sources that would tell of alerts and cannot: without them silence means nothing.
#[must_use]
pub fn silent_on_alerts(state: &State) -> Vec<&SourceStatus> {
    state.sources.iter().filter(|source| source.kind.tells_alerts() && !source.state.is_live()).collect()
}

/// How many rows of the list on screen the filter leaves, of how many; `None` where there is no list to filter.
#[must_use]
pub fn filtered(state: &State) -> Option<(usize, usize)> {
    let board = &state.board;
    let count: Box<dyn Fn(&str) -> usize + '_> = match state.place()? {
        Place::Board(place) => {
            let open = BoardPlace { open: board.tiers.iter().map(|tier| tier.tier).collect(), ..place.clone() };
            let tiers = move |row: &&BoardRow| !matches!(row, BoardRow::Users);
            Box::new(move |filter| board_rows(board, &open, filter).iter().filter(tiers).count())
        }
        Place::Tier(place) => {
            let row = tier(board, place.tier)?;
            Box::new(move |filter| tier_components(row, filter).len())
        }
        Place::Component(place) => {
            let (_, row) = component(board, &place.component)?;
            match place.tab {
                Tab::Overview | Tab::Members => Box::new(move |filter| members(row, filter).len()),
                Tab::Signals => Box::new(move |filter| all_signals(row, filter).len()),
                Tab::Changes => Box::new(move |filter| component_changes(board, &row.id, filter).len()),
                Tab::Config => return None,
            }
        }
        Place::Sources { .. } => Box::new(move |filter| sources(state, filter).len()),
        Place::Changes { .. } => Box::new(move |filter| changes(state, filter).len()),
        Place::Alerts { .. } => Box::new(move |filter| alerts(state, filter).len()),
        Place::Rollouts { .. } => Box::new(move |filter| rollouts(state, filter).len()),
        Place::Trail(place) => Box::new(move |filter| super::trail::found(place, filter, state.now).len()),
        Place::Databases { .. } => Box::new(move |filter| databases(state, filter).len()),
        Place::Topology(_) | Place::Operations { .. } => return None,
    };
    Some((count(state.filter.text()), count("")))
}

/// Changes of one component, newest first.
#[must_use]
pub fn component_changes<'a>(board: &'a Board, id: &ComponentId, filter: &str) -> Vec<&'a ChangeFact> {
    let found = |change: &&ChangeFact| is_about(change, id) && is_found(change, filter);
    board.changes.iter().map(AsRef::as_ref).filter(found).collect()
}

/// Whether a change names this component, under any of the names that need no joining.
fn is_about(change: &ChangeFact, id: &ComponentId) -> bool {
    use crate::domain::id::Alias;
    match &change.subject {
        Some(Alias::Component(subject)) => subject == id,
        Some(Alias::Workload { namespace, name } | Alias::Service { namespace, name }) => {
            *namespace == id.scope && *name == id.name
        }
        Some(Alias::Node(name) | Alias::Named(name)) => *name == id.name,
        _ => false,
    }
}

/// Whether one of a row's columns contains the filter.
fn any<const N: usize>(columns: [&str; N], filter: &str) -> bool {
    columns.iter().any(|column| matches(column, filter))
}

/// Whether a component's row has the filter in one of its columns of words.
fn is_listed(row: &ComponentRow, filter: &str) -> bool {
    any([row.name.as_str(), row.id.kind.name(), row.health.brief()], filter)
}

/// Whether a name contains the filter, without regard to ASCII case.
#[must_use]
pub fn matches(name: &str, filter: &str) -> bool {
    let (name, filter) = (name.as_bytes(), filter.as_bytes());
    filter.is_empty() || name.windows(filter.len()).any(|window| window.eq_ignore_ascii_case(filter))
}

/// Operations of this session, newest first.
#[must_use]
pub fn operations(state: &State) -> Vec<OperationId> {
    state.operations.desk.machines().iter().rev().map(|machine| machine.id.clone()).collect()
}

/// The selected one of them; the newest before the operator has moved.
#[must_use]
pub fn operation(state: &State, selected: Option<&OperationId>) -> Option<OperationId> {
    let list = operations(state);
    let found = selected.filter(|id| list.contains(id)).cloned();
    found.or_else(|| list.first().cloned())
}

#[cfg(test)]
mod tests {
    use super::matches;

    #[test]
    fn the_filter_finds_parts_without_case() {
        assert!(matches("Orders-canary", "S-CAN") && matches("x", "") && !matches("", "x") && !matches("orders", "db"));
    }
}
