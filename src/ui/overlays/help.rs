//! Every key of the live keymap, by where it works.

use ratatui::layout::Rect;

use crate::domain::text::Shown;
use crate::shown;
use crate::state::State;
use crate::theme::Role;
use crate::ui::canvas::{Canvas, Ink, Piece, width};

/// Keys of up to this many columns share one column; a longer list pushes its own words only.
const KEYS: &str = "                          ";

pub fn draw(canvas: &mut Canvas<'_>, area: Rect, state: &State, scroll: usize) {
    let mut lines = Vec::new();
    let mut context = "";
    for (place, key, words) in &state.help {
        if *place != context {
            if !lines.is_empty() {
                lines.push(Vec::new());
            }
            lines.push(vec![Piece::new(Shown::fixed(place), Ink::bold(Role::Text))]);
            context = place;
        }
        lines.push(row(key, Role::Key, words));
    }
    lines.push(Vec::new());
    lines.push(vec![Piece::new("glyphs", Ink::bold(Role::Text))]);
    for (glyph, role, words) in [
        ("+", Role::Ok, "ok"),
        ("~", Role::Warn, "warn: outside of its target, users are not hurt much"),
        ("x", Role::Crit, "CRIT: users are hurt, or a limit is reached"),
        ("?", Role::Unknown, "unknown: the evidence is missing or too old"),
        ("-", Role::Dim, "idle: nothing was asked of it"),
        ("m", Role::Dim, "maint: silenced or under maintenance"),
    ] {
        lines.push(row(&Shown::fixed(glyph), role, words));
    }
    super::sheet(canvas, area, &Shown::fixed("help"), &lines, scroll);
}

fn row(key: &Shown, role: Role, words: &'static str) -> Vec<Piece> {
    let rest = KEYS.get(usize::from(width(key))..).unwrap_or_default();
    vec![Piece::new(shown!("  {}{}  ", key, Shown::fixed(rest)), role), Piece::new(Shown::fixed(words), Role::Dim)]
}
