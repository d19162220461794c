//! A tier: why it is as it is, its components, and the chart that tells most about the selected one.

use ratatui::layout::Rect;

use crate::state::rows;
use crate::state::{State, TierPlace};
use crate::theme::Role;
use crate::ui::canvas::Canvas;
use crate::ui::panels::{graph, identity, table};

pub fn draw(canvas: &mut Canvas<'_>, area: Rect, state: &State, place: &TierPlace) {
    let Some(row) = rows::tier(&state.board, place.tier) else {
        canvas.put(area.x + 1, area.y, area.width - 1, "this tier has no components any more", Role::Unknown);
        return;
    };
    let mut head = identity::tier(state, row, area.width, 2);
    head.extend(identity::figures(row));
    let used = identity::draw(canvas, Rect { height: area.height * 2 / 3, ..area }, &head);
    canvas.rule(Rect { y: area.y + used, height: 1, ..area });
    let top = area.y + used + 1;
    let list = rows::tier_components(row, state.filter.text());
    let chosen = rows::tier_selection(&state.board, place, state.filter.text());
    let selected = rows::place_of(&list, |component| Some(&component.id) == chosen.as_ref());
    let left = area.bottom().saturating_sub(top);
    let rows = u16::try_from(list.len() + 1).unwrap_or(u16::MAX).min(left);
    let chart = match left.saturating_sub(rows + 1) {
        spare @ graph::SHORTEST.. => spare.min(16),
        _ if left >= 16 => 8,
        _ => 0,
    };
    let table = Rect { y: top, height: left - chart - u16::from(chart > 0), ..area };
    table::components(canvas, table, &list, selected, place.scroll, state);
    if let (true, Some(component)) = (chart > 0, list.get(selected)) {
        canvas.rule(Rect { y: area.bottom() - chart - 1, height: 1, ..area });
        let below = Rect { y: area.bottom() - chart, height: chart, ..area };
        if let Some(signal) = rows::telling(component) {
            graph::draw(canvas, below, state, component, signal, 60, None);
        }
    }
}
