//! The footer: the keys that matter for what is selected, or the filter while it is typed; above it the newest notice.

use ratatui::layout::Rect;

use crate::domain::text::Shown;
use crate::shown;
use crate::state::State;
use crate::theme::Role;
use crate::ui::canvas::{Canvas, Ink, width};

/// More keys than this help nobody.
const MOST_HINTS: usize = 8;

pub fn draw(canvas: &mut Canvas<'_>, area: Rect, state: &State) {
    if state.filter.typing {
        let x = canvas.put(area.x, area.y, area.width, " /", Ink::bold(Role::Key));
        let x = canvas.put(x, area.y, area.right() - x, Shown::of(state.filter.text()), Role::Text);
        canvas.put(x, area.y, area.right().saturating_sub(x), "▌", Role::Accent);
        return;
    }
    let mut x = area.x;
    if !state.filter.text().is_empty() {
        let filter = shown!(" filter {} ", Shown::of(state.filter.text()));
        x = canvas.put(x, area.y, area.width / 3, filter, Ink::bold(Role::Info));
    }
    for (key, words) in state.hints.iter().take(MOST_HINTS) {
        let needed = width(key) + width(*words) + 2;
        if x + needed > area.right() {
            break;
        }
        x = canvas.put(x + 1, area.y, area.right() - x, key, Role::Key);
        x = canvas.put(x + 1, area.y, area.right() - x, *words, Role::Dim) + 1;
    }
}

pub fn notice(canvas: &mut Canvas<'_>, area: Rect, state: &State) {
    let Some(newest) = state.notices.last() else { return };
    if area.height == 0 {
        return;
    }
    let x = canvas.put(area.x, area.y, area.width, shown!(" {} ", crate::ui::format::clock(newest.at)), Role::Dim);
    let x = canvas.put(x, area.y, area.right().saturating_sub(x), &newest.text, Role::Info);
    if state.notices.len() > 1 {
        let more = shown!("  ({} more)", state.notices.len() - 1);
        canvas.put(x, area.y, area.right().saturating_sub(x), more, Role::Dim);
    }
}
