//! The rows of every list, as drawing and moving the selection both need them, so that they cannot disagree.

use std::collections::BTreeSet;

use super::{BoardPlace, BoardRow, State, TopologyPlace};
use crate::domain::health::{Health, Reason};
use crate::domain::id::ComponentId;
use crate::domain::text::Shown;
use crate::domain::tier::Tier;
use crate::model::board::{AlertRow, Board, Cause, ComponentRow, LinkRow, SignalRow, SourceStatus, TierRow};
use crate::model::facts::{ChangeFact, MemberFact};

/// The board's rows: users, then tiers in data-flow order, each followed by its components where it is open or where
/// the filter finds them.
#[must_use]
pub fn board_rows(board: &Board, place: &BoardPlace, filter: &str) -> Vec<BoardRow> {
    let mut rows = Vec::new();
    if filter.is_empty() {
        rows.push(BoardRow::Users);
    }
    for tier in &board.tiers {
        let named = matches(tier.tier.name(), filter);
        let found: Vec<&ComponentRow> =
            tier.components.iter().filter(|row| named || matches(row.name.as_str(), filter)).collect();
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
    let mut rows: Vec<_> = tier.components.iter().filter(|row| matches(row.name.as_str(), filter)).collect();
    rows.sort_by_key(|row| std::cmp::Reverse(attention(row.health)));
    rows
}

/// Rank of what needs attention; everything quiet is alike, so that quiet rows keep their order.
fn attention(health: Health) -> u8 {
    if health.is_sick() { health.rank() } else { 0 }
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

/// Sources whose name passes the filter.
#[must_use]
pub fn sources(state: &State) -> Vec<&SourceStatus> {
    state.sources.iter().filter(|status| matches(status.id.as_str(), state.filter.text())).collect()
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
            let callees = board.links.iter().filter(|link| link.from == row.id && link.to != row.id);
            let next: Vec<_> = callees
                .filter_map(|link| all.iter().find(|row| row.id == link.to).map(|row| (*row, depth + 1, Some(link))))
                .collect();
            stack.extend(next.into_iter().rev());
        }
    }
    nodes
}

/// Signals of the component as a whole, in the model's order.
#[must_use]
pub fn signals(row: &ComponentRow) -> Vec<&SignalRow> {
    row.signals.iter().filter(|signal| signal.part.is_none()).collect()
}

/// Members, worst first as the model has them.
#[must_use]
pub fn members<'a>(row: &'a ComponentRow, filter: &str) -> Vec<&'a MemberFact> {
    row.members.iter().filter(|member| matches(member.name.as_str(), filter)).collect()
}

/// Changes, newest first.
#[must_use]
pub fn changes(state: &State) -> Vec<&ChangeFact> {
    let filter = state.filter.text();
    state.board.changes.iter().map(AsRef::as_ref).filter(|change| matches(change.what.as_str(), filter)).collect()
}

/// Alerts: firing ones first, worst first, then the newest.
#[must_use]
pub fn alerts(state: &State) -> Vec<&AlertRow> {
    let filter = state.filter.text();
    let mut rows: Vec<_> = state.board.alerts.iter().filter(|alert| matches(alert.name.as_str(), filter)).collect();
    rows.sort_by_key(|alert| (alert.silenced, std::cmp::Reverse((alert.severity.rank(), alert.since))));
    rows
}

/// Changes of one component, newest first.
#[must_use]
pub fn component_changes<'a>(board: &'a Board, id: &ComponentId) -> Vec<&'a ChangeFact> {
    board.changes.iter().map(AsRef::as_ref).filter(|change| is_about(change, id)).collect()
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

/// Whether a name contains the filter, without regard to ASCII case.
#[must_use]
pub fn matches(name: &str, filter: &str) -> bool {
    let (name, filter) = (name.as_bytes(), filter.as_bytes());
    filter.is_empty() || name.windows(filter.len()).any(|window| window.eq_ignore_ascii_case(filter))
}

#[cfg(test)]
mod tests {
    use super::matches;

    #[test]
    fn the_filter_finds_parts_without_case() {
        assert!(matches("Orders-canary", "S-CAN") && matches("x", "") && !matches("", "x") && !matches("orders", "db"));
    }
}
