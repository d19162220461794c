//! The start screen: users, tiers, why, alerts.

use ratatui::layout::Rect;

use crate::layout::Regions;
use crate::model::board::{SourceState, SourceStatus};
use crate::shown;
use crate::state::rows;
use crate::state::{BoardPlace, BoardRow, State};
use crate::theme::Role;
use crate::ui::canvas::{Canvas, Ink};
use crate::ui::panels::{alerts, lost, side, table, users};
use crate::ui::{format, looks};

pub fn draw(canvas: &mut Canvas<'_>, regions: &Regions, state: &State, place: &BoardPlace) {
    let body = regions.body;
    let selected = rows::selection(&state.board, place);
    let top = users::height(&state.board);
    users::draw(canvas, Rect { height: top, ..body }, &state.board, state.now, selected == BoardRow::Users);
    canvas.rule(Rect { y: body.y + top, height: 1, ..body });
    let rest = Rect { y: body.y + top + 1, height: body.height.saturating_sub(top + 1), ..body };
    let sentences = lost::lines(&state.sources, rest.width, usize::from(rest.height / 3).max(2));
    let below = u16::try_from(sentences.len()).unwrap_or(0).min(rest.height);
    let list = Rect { height: rest.height - below, ..rest };
    if state.board.tiers.is_empty() {
        waiting(canvas, list, state);
    } else {
        table::draw(canvas, list, state, place);
    }
    lost::draw(canvas, Rect { y: list.bottom(), height: below, ..rest }, &sentences);
    if let Some(area) = regions.side {
        side::draw(canvas, area, state, &selected);
    }
    canvas.rule(regions.rule);
    alerts::draw(canvas, regions.strip, state);
}

/// Nothing is known yet: what is being asked, and for how long.
fn waiting(canvas: &mut Canvas<'_>, area: Rect, state: &State) {
    let sources: Vec<&SourceStatus> = state.sources.iter().collect();
    if sources.is_empty() {
        canvas.put(area.x + 3, area.y, area.width - 3, "no source is configured: see tierdeck --help", Role::Warn);
    }
    for (y, status) in (area.y..area.bottom()).zip(sources) {
        let (glyph, role) = looks::light(&status.state);
        canvas.put(area.x + 1, y, 1, glyph, role);
        canvas.name(area.x + 3, y, 14, status.id.shown(), Ink::bold(Role::Text));
        let words = match &status.state {
            SourceState::Connecting { since } => shown!("connecting, {}", format::span(state.now.since(*since))),
            _ => crate::domain::text::Shown::fixed(status.word()),
        };
        let x = canvas.put(area.x + 18, y, 22, words, role);
        canvas.name(x.max(area.x + 40), y, area.width.saturating_sub(41), status.endpoint.shown(), Role::Dim);
    }
}
