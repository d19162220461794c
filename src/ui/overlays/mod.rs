//! What is laid over a page: a sheet with a title, scrolled.

pub mod ask;
pub mod card;
pub mod explain;
pub mod help;
pub mod menu;

use ratatui::layout::Rect;

use crate::domain::text::Shown;
use crate::shown;
use crate::theme::Role;
use crate::ui::canvas::{Canvas, Ink, Piece};

/// A sheet is this wide at most; on a wide screen the page stays in sight beside it.
const WIDEST: u16 = 100;

/// Columns a sheet's text has.
pub fn columns(area: Rect) -> u16 {
    sheet_area(area).width.saturating_sub(4)
}

fn sheet_area(area: Rect) -> Rect {
    let width = area.width.min(WIDEST);
    Rect { x: area.right() - width, width, ..area }
}

/// Draws lines as a sheet over `area`, from line `scroll` on; says how much is left below.
pub fn sheet(canvas: &mut Canvas<'_>, area: Rect, title: &Shown, lines: &[Vec<Piece>], scroll: usize) {
    let sheet = sheet_area(area);
    canvas.clear(sheet);
    canvas.rule(Rect { height: 1, ..sheet });
    canvas.put(sheet.x + 1, sheet.y, sheet.width - 2, shown!(" {} ", title), Ink::bold(Role::Accent));
    if sheet.width < area.width {
        for y in sheet.y + 1..sheet.bottom() {
            canvas.glyph(sheet.x, y, "│", Role::Rule);
        }
    }
    let body = Rect { x: sheet.x + 2, y: sheet.y + 1, width: sheet.width - 3, height: sheet.height - 1 };
    let height = usize::from(body.height);
    canvas.reach = lines.len().saturating_sub(height);
    let first = scroll.min(canvas.reach);
    for (y, line) in (body.y..body.bottom()).zip(lines.iter().skip(first)) {
        canvas.pieces(body.x, y, body.width, line);
    }
    let below = lines.len().saturating_sub(first + height);
    let hint = if below > 0 { shown!(" {} more ↓  esc closes ", below) } else { Shown::fixed(" esc closes ") };
    let width = crate::ui::canvas::width(&hint).min(sheet.width);
    canvas.put(sheet.right() - width, sheet.y, width, hint, Role::Dim);
}
