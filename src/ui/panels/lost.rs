//! Sources that failed: what failed and what to do, whole.

use ratatui::layout::Rect;

use crate::domain::text::Shown;
use crate::model::board::{SourceState, SourceStatus};
use crate::shown;
use crate::theme::Role;
use crate::ui::canvas::{Canvas, Ink, Piece, width, wrap};

/// Lines one source may take; a sentence of a fault is whole at 60 columns within it.
const MOST_LINES: usize = 4;

/// The lines to draw, at most `most`: whole sentences for as many sources as fit, one line that counts the others.
pub fn lines(sources: &[SourceStatus], columns: u16, most: usize) -> Vec<Vec<Piece>> {
    let failed: Vec<_> = sources
        .iter()
        .filter_map(|status| match &status.state {
            SourceState::Failed { fault, .. } => Some((status, fault)),
            _ => None,
        })
        .collect();
    let mut lines: Vec<Vec<Piece>> = Vec::new();
    for (index, (status, fault)) in failed.iter().enumerate() {
        let name = shown!(" x {} ", status.id.shown());
        let indent = width(&name).min(columns / 3);
        let text = wrap(shown!("{}; {}", fault.what, fault.hint), columns.saturating_sub(indent + 1), MOST_LINES);
        let left = failed.len() - index;
        let reserve = usize::from(left > 1);
        if lines.len() + text.len() + reserve > most {
            let names: Vec<&str> = failed.iter().skip(index).map(|(status, _)| status.id.as_str()).collect();
            let words = shown!(" x {} failed, see sources", Shown::of(&names.join(", ")));
            lines.push(vec![Piece::new(words, Role::Crit)]);
            break;
        }
        for (row, text) in text.into_iter().enumerate() {
            let lead = if row == 0 { name.clone() } else { Shown::of(&" ".repeat(usize::from(indent))) };
            lines.push(vec![Piece::new(lead, Ink::bold(Role::Crit)), Piece::new(text, Role::Text)]);
        }
    }
    lines
}

pub fn draw(canvas: &mut Canvas<'_>, area: Rect, lines: &[Vec<Piece>]) {
    for (y, line) in (area.y..area.bottom()).zip(lines) {
        canvas.pieces(area.x, y, area.width, line);
    }
}
