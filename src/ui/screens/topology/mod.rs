//! The request path: a layered drawing from 100 columns up, an indented tree below; the same information in both.

mod drawing;
mod tree;

use ratatui::layout::Rect;

use crate::domain::id::ComponentId;
use crate::domain::text::Shown;
use crate::model::board::{Board, Cause, ComponentRow, LinkRow};
use crate::model::signals::Role as SignalRole;
use crate::shown;
use crate::state::rows;
use crate::state::{State, TopologyPlace};
use crate::theme::Role;
use crate::ui::canvas::{Canvas, Ink, Piece};
use crate::ui::format;
use crate::ui::panels::identity;

/// Narrower screens get the tree.
const DRAWN_FROM: u16 = 100;

/// Lines below the map: a rule, the cause, and what is selected with its dependencies.
const DETAIL: u16 = 7;

pub fn draw(canvas: &mut Canvas<'_>, area: Rect, state: &State, place: &TopologyPlace) {
    let selected = rows::topology_selection(&state.board, place);
    let below = DETAIL.min(area.height / 4);
    let map = Rect { height: area.height - below, ..area };
    let detail = Rect { y: map.bottom(), height: below, ..area };
    let left_out = if area.width >= DRAWN_FROM {
        drawing::draw(canvas, map, state, place, selected.as_ref())
    } else {
        tree::draw(canvas, map, state, place, selected.as_ref());
        Vec::new()
    };
    canvas.rule(detail);
    let mut lines = Vec::new();
    if !left_out.is_empty() {
        let names = left_out.iter().map(|link| arrow(&state.board, link));
        let words = shown!(" not drawn: {}", Shown::joined(names, ", "));
        lines.extend(
            crate::ui::canvas::wrap(&words, area.width - 2, 2)
                .into_iter()
                .map(|line| vec![Piece::new(shown!(" {}", line), Role::Dim)]),
        );
    }
    lines.extend(cause(&state.board).filter(|_| !selected.as_ref().is_some_and(|id| is_cause(&state.board, id))));
    if let Some((_, row)) = selected.as_ref().and_then(|id| rows::component(&state.board, id)) {
        lines.extend(identity::component(state, row, area.width).into_iter().take(2));
        lines.extend(links(&state.board, row));
    }
    for (y, line) in (detail.y + 1..detail.bottom()).zip(&lines) {
        canvas.pieces(area.x, y, area.width, line);
    }
}

fn cause(board: &Board) -> Option<Vec<Piece>> {
    let Cause::Found(suspect) = &board.cause else { return None };
    Some(vec![
        Piece::new("   cause ", Role::Dim),
        Piece::new(&suspect.text, Ink::bold(Role::Text)),
        Piece::new(shown!("  explains {}", format::explains(suspect)), Role::Dim),
    ])
}

/// What is measured on the dependencies of the selected component.
fn links(board: &Board, row: &ComponentRow) -> Vec<Vec<Piece>> {
    let mut lines = Vec::new();
    for link in board.links.iter().filter(|link| link.from == row.id || link.to == row.id) {
        let mut pieces = vec![Piece::new(shown!("   {}", arrow(board, link)), Role::Accent)];
        for reading in [&link.rate, &link.error_ratio, &link.latency] {
            if reading.last().is_some() {
                let figure = format::full(reading);
                pieces.push(Piece::new(shown!("  {}", figure.text), figure.role));
            }
        }
        if let (Some(protocol), Some(port)) = (&link.protocol, link.port) {
            pieces.push(Piece::new(shown!("  {} {}", protocol, port), Role::Dim));
        }
        if !link.observed {
            pieces.push(Piece::new("  not seen in traffic", Role::Dim));
        }
        lines.push(pieces);
    }
    // Two dependencies share a line where both fit half of it.
    let mut paired: Vec<Vec<Piece>> = Vec::new();
    for line in lines {
        match paired.last_mut() {
            Some(last) if length(last) + length(&line) < 96 => last.extend(line),
            _ => paired.push(line),
        }
    }
    paired
}

fn length(pieces: &[Piece]) -> u16 {
    pieces.iter().map(|piece| crate::ui::canvas::width(&piece.text)).sum()
}

fn arrow(board: &Board, link: &LinkRow) -> Shown {
    let name = |id: &ComponentId| rows::component(board, id).map_or_else(|| id.shown(), |(_, row)| row.name.clone());
    shown!("{} → {}", name(&link.from), name(&link.to))
}

/// Whether the component is what most of the failing requests come from.
fn is_cause(board: &Board, id: &ComponentId) -> bool {
    matches!(&board.cause, Cause::Found(suspect) if suspect.component == *id)
}

/// Error ratio and latency of a component, where they are measured.
fn figures(row: &ComponentRow) -> Vec<format::Figure> {
    [SignalRole::ErrorRatio, SignalRole::Latency]
        .into_iter()
        .filter_map(|role| rows::key_signal(row, role))
        .map(|signal| format::cell(&signal.reading))
        .collect()
}
