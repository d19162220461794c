//! The detail beside the board on wide screens: evidence of what is selected, its components or members worst first, and
//! one chart.

use ratatui::layout::Rect;

use crate::model::board::{ComponentRow, TierRow};
use crate::state::rows;
use crate::state::{BoardRow, State};
use crate::theme::Role;
use crate::ui::canvas::{Canvas, Ink, width};
use crate::ui::panels::{graph, identity};
use crate::ui::{format, looks};

pub fn draw(canvas: &mut Canvas<'_>, area: Rect, state: &State, selected: &BoardRow) {
    for y in area.top()..area.bottom() {
        canvas.glyph(area.x - 1, y, "│", Role::Rule);
    }
    match selected {
        BoardRow::Users => users(canvas, area, state),
        BoardRow::Tier(tier) => {
            if let Some(row) = rows::tier(&state.board, *tier) {
                self::tier(canvas, area, state, row);
            }
        }
        BoardRow::Component(id) => {
            if let Some((_, row)) = rows::component(&state.board, id) {
                component(canvas, area, state, row);
            }
        }
    }
}

/// What the model thinks of the cause, with what it ruled out.
fn users(canvas: &mut Canvas<'_>, area: Rect, state: &State) {
    use crate::model::board::Cause;
    let mut lines = vec![(crate::domain::text::Shown::fixed("users"), Ink::bold(Role::Text))];
    match &state.board.cause {
        Cause::None => lines.push((crate::domain::text::Shown::fixed("nobody is hurt"), Role::Dim.into())),
        Cause::NotFound { looked_at } => {
            lines.push((crate::domain::text::Shown::fixed("cause not found; looked at:"), Role::Warn.into()));
            lines.extend(looked_at.iter().map(|text| (text.clone(), Role::Text.into())));
        }
        Cause::Found(suspect) => {
            lines.push((suspect.text.clone(), Ink::bold(Role::Text)));
            lines.extend(suspect.rejected.iter().map(|text| (crate::shown!("not: {}", text), Role::Dim.into())));
        }
    }
    let mut y = area.y;
    for (text, ink) in lines {
        for line in crate::ui::canvas::wrap(&text, area.width.saturating_sub(2), 3) {
            if y < area.bottom() {
                canvas.put(area.x + 1, y, area.width - 2, line, ink);
                y += 1;
            }
        }
    }
}

fn tier(canvas: &mut Canvas<'_>, area: Rect, state: &State, row: &TierRow) {
    let list = rows::tier_components(row, "");
    // A tier of one component is that component.
    if let [only] = list.as_slice() {
        return component(canvas, area, state, only);
    }
    let head = identity::tier(state, row, area.width, 3);
    let used = identity::draw(canvas, Rect { height: area.height / 2, ..area }, &head);
    canvas.rule(Rect { y: area.y + used, height: 1, ..area });
    let top = area.y + used + 1;
    let chart = chart_height(area.bottom() - top, list.len());
    let room = area.bottom().saturating_sub(top + chart);
    for (y, item) in (top..top + room).zip(&list) {
        let quiet = looks::row(item.health);
        canvas.put(area.x + 1, y, 1, looks::glyph(item.health), looks::role(item.health));
        let ready = item.replicas.as_ref().map(format::ready).unwrap_or_default();
        let end = area.right() - width(&ready) - 1;
        canvas.name(area.x + 3, y, end.saturating_sub(area.x + 4), &item.name, quiet);
        canvas.put(end, y, width(&ready), &ready, quiet);
    }
    if let (true, Some(first)) = (chart > 0, list.first()) {
        plot(canvas, Rect { y: area.bottom() - chart, height: chart, ..area }, state, first, true);
    }
}

fn component(canvas: &mut Canvas<'_>, area: Rect, state: &State, row: &ComponentRow) {
    let head = identity::component(state, row, area.width);
    let used = identity::draw(canvas, Rect { height: area.height / 2, ..area }, &head);
    canvas.rule(Rect { y: area.y + used, height: 1, ..area });
    let top = area.y + used + 1;
    let chart = chart_height(area.bottom() - top, row.members.len());
    let room = area.bottom().saturating_sub(top + chart);
    for (y, member) in (top..top + room).zip(&row.members) {
        let (glyph, word, role) = looks::member(member.state);
        let quiet = if role == Role::Ok { Role::Dim } else { Role::Text };
        canvas.put(area.x + 1, y, 1, glyph, role);
        canvas.name(area.x + 3, y, area.width.saturating_sub(14), member.name.shown(), quiet);
        canvas.right(area.right() - 10, y, 9, word, role);
    }
    if chart > 0 {
        plot(canvas, Rect { y: area.bottom() - chart, height: chart, ..area }, state, row, false);
    }
}

/// The chart gets what the list leaves, within reason; a list is never starved for it.
fn chart_height(room: u16, rows: usize) -> u16 {
    let rows = u16::try_from(rows).unwrap_or(u16::MAX).min(room * 2 / 3);
    match room.saturating_sub(rows + 1) {
        left @ 9.. => left.min(20),
        _ if room >= 16 => 10,
        _ => 0,
    }
}

fn plot(canvas: &mut Canvas<'_>, area: Rect, state: &State, row: &ComponentRow, named: bool) {
    let Some(signal) = rows::telling(row) else { return };
    let area = if named {
        canvas.name(area.x + 1, area.y, area.width - 2, &row.name, Ink::bold(Role::Text));
        Rect { y: area.y + 1, height: area.height - 1, ..area }
    } else {
        area
    };
    graph::draw(canvas, area, state, row, signal, 60, None);
}
