//! The footer: the keys that matter for what is selected, or the filter while it is typed; above it the newest notice.

use ratatui::layout::Rect;

use crate::action::Action;
use crate::domain::text::Shown;
use crate::shown;
use crate::state::{Hint, State, rows};
use crate::theme::Role;
use crate::ui::canvas::{Canvas, Ink, width};

/// More keys than this help nobody.
const MOST_HINTS: usize = 8;
/// What the key beside a notice does.
const AWAY: &str = "dismiss";

pub fn draw(canvas: &mut Canvas<'_>, area: Rect, state: &State) {
    if state.filter.typing {
        let x = canvas.put(area.x, area.y, area.width, " /", Ink::bold(Role::Key));
        let x = canvas.put(x, area.y, area.right() - x, Shown::of(state.filter.text()), Role::Text);
        let x = canvas.put(x, area.y, area.right().saturating_sub(x), "▌", Role::Accent);
        let (words, role) = found(state);
        canvas.put(x + 2, area.y, area.right().saturating_sub(x + 2), words, role);
        return;
    }
    let mut x = area.x;
    if !state.filter.text().is_empty() {
        let filter = shown!(" filter {}", Shown::of(state.filter.text()));
        x = canvas.put(x, area.y, area.width / 3, filter, Ink::bold(Role::Info));
        let (words, role) = found(state);
        x = canvas.put(x + 2, area.y, area.right().saturating_sub(x + 2), words, role) + 1;
    }
    for Hint { key, words, .. } in state.hints.iter().take(MOST_HINTS) {
        let needed = width(key) + width(*words) + 2;
        if x + needed > area.right() {
            break;
        }
        x = canvas.put(x + 1, area.y, area.right() - x, key, Role::Key);
        x = canvas.put(x + 1, area.y, area.right() - x, *words, Role::Dim) + 1;
    }
}

/// How much of the list the filter leaves; where that is nothing, what to press.
fn found(state: &State) -> (Shown, Role) {
    match rows::filtered(state) {
        None => (Shown::fixed("no list to filter here; esc leaves"), Role::Warn),
        Some((0, of)) => (shown!("0 of {}; esc shows all", of), Role::Warn),
        Some((found, of)) => (shown!("{} of {}", found, of), Role::Dim),
    }
}

pub fn notice(canvas: &mut Canvas<'_>, area: Rect, state: &State) {
    let Some(newest) = state.notices.last() else { return };
    if area.height == 0 {
        return;
    }
    let more = match state.notices.len() - 1 {
        0 => Shown::default(),
        more => shown!("{} more  ", more),
    };
    let doc = Action::Dismiss.doc();
    let key = state.help.iter().find(|(_, _, words)| *words == doc).map(|(_, key, _)| key.clone()).unwrap_or_default();
    let way_out = width(&more) + width(&key) + width(AWAY) + 3;
    let text = Rect { width: area.width.saturating_sub(way_out), ..area };
    let x = canvas.put(text.x, text.y, text.width, shown!(" {} ", crate::ui::format::clock(newest.at)), Role::Dim);
    canvas.put(x, text.y, text.right().saturating_sub(x), &newest.text, Role::Info);
    let x = canvas.put(text.right() + 1, area.y, way_out, more, Role::Dim);
    let x = canvas.put(x, area.y, area.right().saturating_sub(x), key, Role::Key);
    canvas.put(x + 1, area.y, area.right().saturating_sub(x + 1), AWAY, Role::Dim);
}
