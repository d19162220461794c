//! Parts of screens.

pub mod alerts;
pub mod footer;
pub mod graph;
pub mod header;
pub mod identity;
pub mod list;
pub mod lost;
pub mod side;
pub mod table;
pub mod users;

/// First visible row of a list so that the selected one is on screen; `scroll` is kept where it can be.
#[must_use]
pub fn first_visible(selected: usize, scroll: usize, count: usize, height: usize) -> usize {
    let last = count.saturating_sub(height);
    let from = (selected + 1).saturating_sub(height);
    scroll.clamp(from.min(selected), selected).min(last)
}
