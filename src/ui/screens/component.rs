//! A component: identity, health and reasons first, then tabs.

use ratatui::layout::Rect;

use crate::model::board::ComponentRow;
use crate::model::facts::MemberState;
use crate::shown;
use crate::state::rows;
use crate::state::{ComponentPlace, State, Tab};
use crate::theme::Role;
use crate::ui::canvas::{Canvas, Ink};
use crate::ui::panels::{graph, identity, list};

pub fn draw(canvas: &mut Canvas<'_>, area: Rect, state: &State, place: &ComponentPlace) {
    let Some((_, row)) = rows::component(&state.board, &place.component) else {
        let words = shown!("{} is no longer known to any source", place.component.shown());
        canvas.put(area.x + 1, area.y, area.width - 1, words, Role::Unknown);
        return;
    };
    let head = identity::component(state, row, area.width);
    // The head may not push the tabs off a small screen.
    let room = Rect { height: area.height / 2, ..area };
    let used = identity::draw(canvas, room, &head);
    canvas.rule(Rect { y: area.y + used, height: 1, ..area });
    tabs(canvas, Rect { y: area.y + used + 1, height: 1, ..area }, state, row, place.tab);
    let top = area.y + used + 2;
    let body = Rect { y: top, height: area.bottom().saturating_sub(top), ..area };
    let filter = state.filter.text();
    match place.tab {
        Tab::Overview => overview(canvas, body, state, row, place),
        Tab::Members => list::members(canvas, body, row, &rows::members(row, filter), place.scroll, state),
        Tab::Signals => list::signals(canvas, body, &rows::all_signals(row, filter), place.scroll, state),
        Tab::Changes => {
            let list = rows::component_changes(&state.board, &row.id, filter);
            list::changes(canvas, body, &list, (None, place.scroll), state);
        }
        Tab::Config => list::attributes(canvas, body, row, place.scroll),
    }
}

fn tabs(canvas: &mut Canvas<'_>, area: Rect, state: &State, row: &ComponentRow, open: Tab) {
    let mut x = area.x + 1;
    for tab in Tab::ALL {
        let count = match tab {
            Tab::Overview => None,
            Tab::Members => Some(row.members.len()),
            Tab::Signals => Some(row.signals.len()),
            Tab::Changes => Some(rows::component_changes(&state.board, &row.id, "").len()),
            Tab::Config => Some(row.attributes.len()),
        };
        let count = count.map(|count| shown!(" {}", count)).unwrap_or_default();
        let (words, ink) = if tab == open {
            (shown!("[{}{}]", tab.name(), count), Ink::bold(Role::Accent))
        } else {
            (shown!(" {}{} ", tab.name(), count), Role::Dim.into())
        };
        x = canvas.put(x, area.y, area.right().saturating_sub(x), words, ink) + 1;
    }
}

/// The chart of one signal and the worst members; side by side where there is room.
fn overview(canvas: &mut Canvas<'_>, area: Rect, state: &State, row: &ComponentRow, place: &ComponentPlace) {
    if area.height < graph::SHORTEST {
        return list::members(canvas, area, row, &rows::members(row, state.filter.text()), place.scroll, state);
    }
    let signals = rows::signals(row);
    let position = rows::charted(row, place.signal);
    let wide = area.width >= 120;
    let chart = if wide {
        Rect { width: area.width * 11 / 20, height: area.height.min(18), ..area }
    } else {
        let troubled = row.members.iter().filter(|member| member.state != MemberState::Ready).count();
        let wanted = u16::try_from(troubled.min(4)).unwrap_or(0);
        let lists = if troubled > 0 { (wanted + 1).min(area.height.saturating_sub(8)) } else { 0 };
        Rect { height: (area.height - lists).min(16), ..area }
    };
    match signals.get(position) {
        Some(signal) => {
            graph::draw(canvas, chart, state, row, signal, place.range_minutes, Some((position, signals.len())));
        }
        None => {
            canvas.put(area.x + 3, area.y, area.width - 3, "nothing measures it", Role::Dim);
        }
    }
    let members = rows::members(row, state.filter.text());
    if wide {
        let side = Rect { x: chart.right() + 2, width: area.width - chart.width - 2, ..area };
        let half = (side.height / 2).min(u16::try_from(row.signals.len() + 2).unwrap_or(u16::MAX));
        list::signals(canvas, Rect { height: half, ..side }, &rows::all_signals(row, ""), 0, state);
        let below = Rect { y: side.y + half, height: side.height - half, ..side };
        list::members(canvas, below, row, &members, place.scroll, state);
    } else if area.height > chart.height + 1 {
        let below = Rect { y: chart.bottom(), height: area.bottom() - chart.bottom(), ..area };
        list::members(canvas, below, row, &members, 0, state);
    }
}
