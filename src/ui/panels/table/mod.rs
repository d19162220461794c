//! The board's table: one row per tier in data-flow order, why a sick one is sick below it, components where it is open.
//! When lines run out healthy tiers are folded to a count, never the sick ones.

mod columns;
mod lines;

use ratatui::layout::Rect;

use crate::model::board::ComponentRow;
use crate::state::rows;
use crate::state::{BoardPlace, State};
use crate::theme::Role;
use crate::ui::canvas::{Canvas, width};
use crate::ui::panels::list;

use columns::{Layout, Record};
use lines::{Line, What};

/// Draws the table with its heading into `area`.
pub fn draw(canvas: &mut Canvas<'_>, area: Rect, state: &State, place: &BoardPlace) {
    let layout = Layout::fit(area.width);
    layout.heading(canvas, area.x, area.y, "TIER");
    let body = Rect { y: area.y + 1, height: area.height.saturating_sub(1), ..area };
    let selected = rows::selection(&state.board, place);
    let lines = lines::compose(state, place, &selected, body.width, usize::from(body.height));
    if lines.is_empty() {
        let words = list::nothing(state, "no tier is known");
        canvas.put(body.x + 3, body.y, body.width.saturating_sub(3), words.text, words.ink);
    }
    // What does not fit is counted and named in the last line.
    let fits = lines.len() <= usize::from(body.height);
    let shown = if fits { body.height } else { body.height.saturating_sub(1) };
    let first = lines::first_visible(&lines, &selected, place.scroll, usize::from(shown));
    for (y, line) in (body.y..body.y + shown).zip(lines.iter().skip(first)) {
        row(canvas, Rect { y, height: 1, ..body }, line, &layout, state, line.owner.as_ref() == Some(&selected));
    }
    if !fits && body.height > 0 {
        let (words, ink) = lines::hidden(&lines, first, usize::from(shown));
        canvas.put(body.x + 1, body.bottom() - 1, body.width - 1, words, ink);
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
            layout.record(canvas, area, &Record::of_component(row, layout), selected);
            if selected {
                canvas.tint(area);
            }
        }
        What::Note { label, text, ink } => {
            let x = canvas.put(area.x + 5, area.y, 5, *label, Role::Dim);
            canvas.put(x.max(area.x + 10), area.y, area.width.saturating_sub(11), text, *ink);
        }
        What::Folded(text) => {
            canvas.put(area.x + 3, area.y, area.width - 3, text, Role::Dim);
        }
    }
}

/// Draws a list of components with the columns of the board; used by the tier's detail.
pub fn components(
    canvas: &mut Canvas<'_>,
    area: Rect,
    components: &[&ComponentRow],
    selected: usize,
    scroll: usize,
    state: &State,
) {
    let longest = components.iter().map(|row| width(&row.name)).max().unwrap_or_default();
    let layout = Layout::of_components(area.width, longest);
    layout.heading(canvas, area.x, area.y, "COMPONENT");
    let body = Rect { y: area.y + 1, height: area.height.saturating_sub(1), ..area };
    let first = super::first_visible(selected, scroll, components.len(), usize::from(body.height));
    for (y, (index, row)) in (body.y..body.bottom()).zip(components.iter().enumerate().skip(first)) {
        let area = Rect { y, height: 1, ..body };
        layout.record(canvas, area, &Record::of_component(row, &layout).at_margin(), index == selected);
        if index == selected {
            canvas.tint(area);
        }
    }
    if components.is_empty() {
        let words = list::nothing(state, "no component is known");
        canvas.put(body.x + 3, body.y, body.width - 3, words.text, words.ink);
    }
}
