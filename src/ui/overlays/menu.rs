//! What can be done to a component: each operation with what it does, how dangerous it is, and why it is not available.

use ratatui::layout::Rect;

use crate::domain::health::Health;
use crate::domain::text::Shown;
use crate::operation::registry::Offer;
use crate::shown;
use crate::state::{Menu, State, operations, rows};
use crate::theme::Role;
use crate::ui::canvas::{Canvas, Ink, Piece, width};
use crate::ui::looks;
use crate::ui::panels::{header, list};

/// Columns of the verbs, of the risks.
const VERB: u16 = 14;
const RISK: u16 = 16;

pub fn draw(canvas: &mut Canvas<'_>, area: Rect, state: &State, menu: &Menu) {
    let offers = operations::offers(state, &menu.target);
    let wanted = u16::try_from(offers.len()).unwrap_or(u16::MAX).saturating_add(3);
    let height = wanted.clamp(5, area.height);
    // At the foot, so that what led here stays in sight above it.
    let sheet = Rect { y: area.bottom() - height, height, ..area };
    canvas.clear(sheet);
    canvas.rule(sheet);
    title(canvas, sheet, state, menu);
    let body = Rect { y: sheet.y + 2, height: sheet.height - 2, ..sheet };
    let none = Piece::new("nothing can be done to it from here; esc closes", Role::Dim);
    let at = offers.iter().position(|offer| offer.verb == menu.selected).unwrap_or_default();
    list::draw(canvas, body, &offers, (Some(at), 0), none, |canvas, line, offer| {
        row(canvas, line, offer, offer.verb == menu.selected);
    });
}

fn title(canvas: &mut Canvas<'_>, sheet: Rect, state: &State, menu: &Menu) {
    let (banner, role) = header::banner(state);
    let banner = shown!(" {} ", banner);
    let end = sheet.right().saturating_sub(width(&banner) + 1);
    canvas.put(end, sheet.y + 1, width(&banner), &banner, Ink::bold(role));
    let row = rows::component(&state.board, &menu.target).map(|(_, row)| row);
    let health = row.map_or(Health::Unknown, |row| row.health);
    let pieces = [
        Piece::new(" operate ", Role::Dim),
        Piece::new(menu.target.name.shown(), Ink::bold(Role::Text)),
        Piece::new(shown!("  {}", menu.target.shown()), Role::Dim),
        Piece::new(shown!("  {} {}", looks::glyph(health), health.brief()), looks::role(health)),
    ];
    canvas.pieces(sheet.x, sheet.y + 1, end.saturating_sub(sheet.x + 1), &pieces);
}

fn row(canvas: &mut Canvas<'_>, line: Rect, offer: &Offer, selected: bool) {
    let able = offer.unavailable.is_none();
    let (x, y) = (line.x, line.y);
    let verb = if able { Ink::bold(Role::Text) } else { Role::Faint.into() };
    canvas.put(x + 3, y, VERB - 1, offer.verb.name(), verb);
    let risk = if able { Ink::from(looks::risk(offer.risk)) } else { Role::Faint.into() };
    canvas.put(x + 3 + VERB, y, RISK - 1, offer.risk.word(), risk);
    let (words, role) = match &offer.unavailable {
        None => (Shown::fixed(offer.verb.doc()), if selected { Role::Text } else { Role::Dim }),
        Some(why) => (shown!("not now: {}", why), if selected { Role::Warn } else { Role::Faint }),
    };
    let at = x + 3 + VERB + RISK;
    canvas.put(at, y, line.right().saturating_sub(at), words, role);
}
