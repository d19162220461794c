//! The board's table: one row per tier in data-flow order, why a sick one is sick below it, components where it is open.
//! When lines run out healthy tiers are folded to a count, never the sick ones.

mod columns;
mod lines;

use ratatui::layout::Rect;

use crate::model::board::ComponentRow;
use crate::state::rows;
use crate::state::{BoardPlace, State};
use crate::theme::Role;
use crate::ui::canvas::{Canvas, Ink, width};

pub use columns::key_signal;
use columns::{Layout, Record};
use lines::{Line, What};

/// Draws the table with its heading into `area`.
pub fn draw(canvas: &mut Canvas<'_>, area: Rect, state: &State, place: &BoardPlace) {
    let layout = Layout::fit(area.width);
    layout.heading(canvas, area.x, area.y, "TIER");
    let body = Rect { y: area.y + 1, height: area.height.saturating_sub(1), ..area };
    let selected = rows::selection(&state.board, place);
    let lines = lines::compose(state, place, &selected, body.width, usize::from(body.height));
    let first = lines::first_visible(&lines, &selected, place.scroll, usize::from(body.height));
    for (y, line) in (body.y..body.bottom()).zip(lines.iter().skip(first)) {
        row(canvas, Rect { y, height: 1, ..body }, line, &layout, state, line.owner.as_ref() == Some(&selected));
    }
}

fn row(canvas: &mut Canvas<'_>, area: Rect, line: &Line<'_>, layout: &Layout, state: &State, selected: bool) {
    match &line.what {
        What::Tier(row) => {
            layout.record(canvas, area, &Record::of_tier(row, state, layout), selected);
            if selected {
                canvas.tint(area);
            }
        }
        What::Component(row) => {
            layout.record(canvas, area, &Record::of_component(row), selected);
            if selected {
                canvas.tint(area);
            }
        }
        What::Note { label, text, ink } => {
            let x = canvas.put(area.x + 5, area.y, 5, *label, Role::Dim);
            canvas.put(x.max(area.x + 10), area.y, area.width.saturating_sub(11), text, *ink);
        }
        What::Folded(text) => {
            canvas.put(area.x + 1, area.y, area.width - 1, "+", Role::Ok);
            canvas.put(area.x + 3, area.y, area.width - 3, text, Role::Dim);
        }
    }
}

/// Draws a list of components with the columns of the board; used by the tier's detail.
pub fn components(canvas: &mut Canvas<'_>, area: Rect, list: &[&ComponentRow], selected: usize, scroll: usize) {
    let longest = list.iter().map(|row| width(&row.name)).max().unwrap_or_default();
    let layout = Layout::of_components(area.width, longest);
    layout.heading(canvas, area.x, area.y, "COMPONENT");
    let body = Rect { y: area.y + 1, height: area.height.saturating_sub(1), ..area };
    let first = super::first_visible(selected, scroll, list.len(), usize::from(body.height));
    for (y, (index, row)) in (body.y..body.bottom()).zip(list.iter().enumerate().skip(first)) {
        let area = Rect { y, height: 1, ..body };
        layout.record(canvas, area, &Record::of_component(row).at_margin(), index == selected);
        if index == selected {
            canvas.tint(area);
        }
    }
    if list.is_empty() {
        canvas.put(body.x + 3, body.y, body.width - 3, "nothing matches", Ink::from(Role::Dim));
    }
}
