//! The alerts strip: what fires, one line.

use ratatui::layout::Rect;

use crate::domain::text::Shown;
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
        let (words, role) = none(state);
        let words = if silenced == 0 { shown!(" {}", words) } else { shown!(" {}, {} silenced", words, silenced) };
        canvas.put(area.x, area.y, area.width, words, role);
        return;
    }
    let mut x = canvas.put(area.x, area.y, area.width, shown!(" ALERTS {}", firing), Ink::bold(Role::Text));
    if let Some(silent) = rows::silent_on_alerts(state).first() {
        let words = shown!(" + ? ({} {})", silent.id.shown(), silent.word());
        x = canvas.put(x, area.y, area.right().saturating_sub(x), words, Role::Unknown);
    }
    for (index, alert) in rows::alerts(state, "").into_iter().filter(|alert| !alert.silenced).enumerate() {
        let on = match (&alert.component, alert.tier) {
            (Some(_), _) => rows::alert_subject(&state.board, alert),
            (None, tier) => Shown::fixed(tier.map_or("-", crate::domain::tier::Tier::name)),
        };
        let rest = shown!(" {} {}", on, format::lasting(state.now.since(alert.since)));
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

/// What it means that no alert is listed: nothing fires, or nobody could say so.
pub fn none(state: &State) -> (Shown, Role) {
    let silent = rows::silent_on_alerts(state);
    if !silent.is_empty() {
        let silent = silent.into_iter().map(|source| shown!("{} {}", source.id.shown(), source.word()));
        return (shown!("? whether alerts fire is not known: {}", Shown::joined(silent, ", ")), Role::Unknown);
    }
    if state.sources.iter().any(|source| source.kind.tells_alerts()) {
        (Shown::fixed("no alerts"), Role::Dim)
    } else {
        (Shown::fixed("? no source of alerts is configured"), Role::Unknown)
    }
}
