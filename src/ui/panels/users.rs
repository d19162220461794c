//! The users row: who is hurt now.

use ratatui::layout::Rect;

use crate::domain::health::Health;
use crate::domain::reading::Reading;
use crate::domain::text::Shown;
use crate::model::board::{Board, Cause};
use crate::shown;
use crate::theme::Role;
use crate::ui::canvas::{Canvas, Ink, Piece, cut_middle, width};
use crate::ui::{format, looks};

/// A business figure this much below last week's is worth a look.
const FELL: f64 = -0.03;

pub fn draw(canvas: &mut Canvas<'_>, area: Rect, board: &Board, now: crate::domain::time::Stamp, selected: bool) {
    let users = &board.users;
    let hurt = users.since.is_some();
    // The worst of the board is not what users feel: a monitoring that is down hurts nobody yet.
    let health = match (hurt, &users.failing_ratio) {
        (true, _) => board.health,
        (false, Reading::Fresh(_)) => Health::Ok,
        (false, Reading::NoTraffic) => Health::NoTraffic,
        (false, Reading::Stale { .. } | Reading::Absent(_)) => Health::Unknown,
    };
    let quiet = if hurt { Role::Text } else { Role::Dim };
    let mut pieces = vec![
        Piece::new(if selected { "▸" } else { " " }, Role::Accent),
        Piece::new(looks::glyph(health), looks::role(health)),
        Piece::new(" users  ", if hurt { Ink::bold(Role::Text) } else { quiet.into() }),
    ];
    let failing = format::full(&users.failing_per_second);
    let share = format::full(&users.failing_ratio);
    let ink = |figure: &format::Figure| -> Ink {
        match (figure.is_fresh(), hurt) {
            (true, true) => Ink::bold(looks::role(health)),
            (true, false) => quiet.into(),
            (false, _) => figure.role.into(),
        }
    };
    pieces.push(Piece::new("failing ", quiet));
    pieces.push(Piece::new(&failing, ink(&failing)));
    pieces.push(Piece::new("  ", quiet));
    pieces.push(Piece::new(&share, ink(&share)));
    if let Some(since) = users.since {
        let since = if area.width < 70 { format::minute(since) } else { format::moment(since, now) };
        pieces.push(Piece::new(shown!("  since {}", since), quiet));
    }
    let business = business(board, quiet);
    let via = users.via.as_ref().filter(|_| hurt);
    let room = |pieces: &[Piece]| area.width.saturating_sub(pieces.iter().map(|piece| width(&piece.text)).sum());
    // The name of the tier gives way first, then the business figure as a whole: half a figure is none.
    let left = room(&pieces);
    if let Some((name, tier)) = via {
        let (short, whole) = (shown!("  via {}", name), shown!("  via {} in {}", name, tier.name()));
        let beside: u16 = business.iter().map(|piece| width(&piece.text)).sum();
        let fits = width(&whole) + beside <= left;
        pieces.push(Piece::new(if fits { whole } else { cut_middle(short.as_str(), usize::from(left)) }, quiet));
    }
    if business.iter().map(|piece| width(&piece.text)).sum::<u16>() <= room(&pieces) {
        pieces.extend(business);
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

/// `  sales -4%`.
fn business(board: &Board, quiet: Role) -> Vec<Piece> {
    let Some((name, ratio)) = &board.users.business else { return Vec::new() };
    let change = format::change(ratio);
    let ink = match ratio.value() {
        Some(value) if value <= FELL => Role::Warn,
        Some(_) => quiet,
        None => change.role,
    };
    vec![Piece::new(shown!("  {} ", name), quiet), Piece::new(&change, ink)]
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
