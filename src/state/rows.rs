//! The rows of each page, as the reducer moves through them and the screens draw them: one order for both.

use super::{BoardPlace, BoardRow};
use crate::domain::id::ComponentId;
use crate::domain::tier::Tier;
use crate::model::board::{Board, ComponentRow, TierRow};

/// Rows of the board: users, tiers, and the components of opened tiers. A filter keeps tiers and components whose name
/// contains it, and opens every tier that has one.
#[must_use]
pub fn board_rows(board: &Board, place: &BoardPlace, filter: &str) -> Vec<BoardRow> {
    let mut rows = Vec::new();
    if filter.is_empty() {
        rows.push(BoardRow::Users);
    }
    for tier in &board.tiers {
        let named = matches(tier.tier.name(), filter);
        let components: Vec<_> = tier
            .components
            .iter()
            .filter(
                |c| if filter.is_empty() { place.open.contains(&tier.tier) } else { matches(c.name.as_str(), filter) },
            )
            .collect();
        if named || !components.is_empty() {
            rows.push(BoardRow::Tier(tier.tier));
        }
        rows.extend(components.into_iter().map(|c| BoardRow::Component(c.id.clone())));
    }
    rows
}

/// The row selected before the operator has moved: the worst tier, the upstream one of equals.
#[must_use]
pub fn default_selection(board: &Board) -> BoardRow {
    let mut worst: Option<&TierRow> = None;
    for tier in &board.tiers {
        if worst.is_none_or(|w| tier.health.rank() > w.health.rank()) {
            worst = Some(tier);
        }
    }
    worst.map_or(BoardRow::Users, |tier| BoardRow::Tier(tier.tier))
}

/// The selected row of the board, as drawn: the default one while nothing is selected or the selection is gone.
#[must_use]
pub fn board_selection(board: &Board, place: &BoardPlace, filter: &str) -> Option<BoardRow> {
    let rows = board_rows(board, place, filter);
    match &place.selected {
        Some(row) if rows.contains(row) => Some(row.clone()),
        Some(_) => rows.into_iter().next(),
        None => Some(default_selection(board)).filter(|row| rows.contains(row)).or_else(|| rows.into_iter().next()),
    }
}

/// Components of a tier, worst first, then by name.
#[must_use]
pub fn tier_components<'a>(board: &'a Board, tier: Tier, filter: &str) -> Vec<&'a ComponentRow> {
    let mut rows: Vec<_> = board
        .tiers
        .iter()
        .filter(|row| row.tier == tier)
        .flat_map(|row| &row.components)
        .filter(|c| matches(c.name.as_str(), filter))
        .collect();
    rows.sort_by(|a, b| b.health.rank().cmp(&a.health.rank()).then_with(|| a.id.cmp(&b.id)));
    rows
}

/// Components in the order of the request path: by tier, then by name.
#[must_use]
pub fn topology_order(board: &Board, filter: &str) -> Vec<ComponentId> {
    board
        .tiers
        .iter()
        .flat_map(|tier| &tier.components)
        .filter(|c| matches(c.name.as_str(), filter))
        .map(|c| c.id.clone())
        .collect()
}

/// A component of the board with its tier.
#[must_use]
pub fn component<'a>(board: &'a Board, id: &ComponentId) -> Option<(Tier, &'a ComponentRow)> {
    board.tiers.iter().find_map(|tier| tier.components.iter().find(|c| c.id == *id).map(|c| (tier.tier, c)))
}

/// Whether `name` passes the filter: it contains the text, without regard to case; `!text` means it does not.
#[must_use]
pub fn matches(name: &str, filter: &str) -> bool {
    if let Some(unwanted) = filter.strip_prefix('!') {
        return unwanted.is_empty() || !contains(name, unwanted);
    }
    filter.is_empty() || contains(name, filter)
}

fn contains(name: &str, text: &str) -> bool {
    name.to_lowercase().contains(&text.to_lowercase())
}
