//! The alerts strip: what fires, one line.

use ratatui::layout::Rect;

use crate::shown;
use crate::state::State;
use crate::state::rows;
use crate::theme::Role;
use crate::ui::canvas::{Canvas, Ink, width};
use crate::ui::{format, looks};

pub fn draw(canvas: &mut Canvas<'_>, area: Rect, state: &State) {
    let all = &state.board.alerts;
    let firing = all.iter().filter(|alert| !alert.silenced).count();
    let silenced = all.len() - firing;
    if firing == 0 {
        let words = if silenced == 0 { shown!(" no alerts") } else { shown!(" no alerts, {} silenced", silenced) };
        canvas.put(area.x, area.y, area.width, words, Role::Dim);
        return;
    }
    let mut x = canvas.put(area.x, area.y, area.width, shown!(" ALERTS {}", firing), Ink::bold(Role::Text));
    for (index, alert) in rows::alerts(state).into_iter().filter(|alert| !alert.silenced).enumerate() {
        let tier = alert.tier.map_or("", crate::domain::tier::Tier::name);
        let rest = shown!(" {} {}", tier, format::span(state.now.since(alert.since)));
        let more = shown!("  +{} more", firing - index);
        let needed = width(&alert.name) + width(&rest) + 3;
        let reserve = if index + 1 < firing { width(&more) } else { 0 };
        if x + needed + reserve > area.right() && index > 0 {
            canvas.put(x, area.y, area.right().saturating_sub(x), more, Role::Dim);
            return;
        }
        x = canvas.put(x, area.y, area.right().saturating_sub(x), "  ", Role::Dim);
        x = canvas.put(x, area.y, area.right().saturating_sub(x), &alert.name, looks::role(alert.severity));
        x = canvas.put(x, area.y, area.right().saturating_sub(x), rest, Role::Dim);
    }
}
