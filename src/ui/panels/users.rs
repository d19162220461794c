//! The users row: who is hurt now.

use ratatui::layout::Rect;

use crate::domain::text::Shown;
use crate::model::board::{Board, Cause};
use crate::shown;
use crate::theme::Role;
use crate::ui::canvas::{Canvas, Ink, Piece};
use crate::ui::{format, looks};

pub fn draw(canvas: &mut Canvas<'_>, area: Rect, board: &Board, now: crate::domain::time::Stamp, selected: bool) {
    let users = &board.users;
    let hurt = users.since.is_some() || users.failing_ratio.fresh().is_some() && board.health.is_sick();
    let quiet = if hurt { Role::Text } else { Role::Dim };
    let mut pieces = vec![
        Piece::new(if selected { "▸" } else { " " }, Role::Accent),
        Piece::new(looks::glyph(board.health), looks::role(board.health)),
        Piece::new(" users  ", if hurt { Ink::bold(Role::Text) } else { quiet.into() }),
    ];
    let failing = format::full(&users.failing_per_second);
    let share = format::full(&users.failing_ratio);
    let ink = |figure: &format::Figure| -> Ink {
        match (figure.is_fresh(), hurt) {
            (true, true) => Ink::bold(looks::role(board.health)),
            (true, false) => quiet.into(),
            (false, _) => figure.role.into(),
        }
    };
    pieces.push(Piece::new("failing ", quiet));
    pieces.push(Piece::new(&failing, ink(&failing)));
    pieces.push(Piece::new("  ", quiet));
    pieces.push(Piece::new(&share, ink(&share)));
    if let Some(since) = users.since {
        pieces.push(Piece::new(shown!("  since {}", format::moment(since, now)), quiet));
    }
    if let Some(via) = &users.via {
        pieces.push(Piece::new(shown!("  {}", via), quiet));
    }
    if let Some((name, ratio)) = &users.business {
        let change = format::change(ratio);
        let fell = ratio.value().is_some_and(|value| value <= -0.03);
        pieces.push(Piece::new(shown!("  {} ", name), quiet));
        pieces.push(Piece::new(
            &change,
            if fell {
                Role::Warn
            } else if change.is_fresh() {
                quiet
            } else {
                change.role
            },
        ));
    }
    canvas.pieces(area.x, area.y, area.width, &pieces);
    if selected {
        canvas.tint(Rect { height: 1, ..area });
    }
    if let Some(words) = no_cause(board) {
        canvas.put(area.x + 5, area.y + 1, 5, "why", Role::Dim);
        canvas.put(area.x + 10, area.y + 1, area.width.saturating_sub(11), words, Role::Warn);
    }
}

/// Lines the row takes: one more where users are hurt and nothing explains it.
pub fn height(board: &Board) -> u16 {
    1 + u16::from(no_cause(board).is_some())
}

fn no_cause(board: &Board) -> Option<Shown> {
    let Cause::NotFound { looked_at } = &board.cause else { return None };
    Some(if looked_at.is_empty() {
        Shown::fixed("cause not found")
    } else {
        shown!("cause not found; looked at {}", Shown::joined(looked_at, ", "))
    })
}
