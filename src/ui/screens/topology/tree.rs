//! The tree: callers above what they call; a component that stands above already is named again without its callees.

use ratatui::layout::Rect;

use crate::domain::id::ComponentId;
use crate::shown;
use crate::state::rows;
use crate::state::{State, TopologyPlace};
use crate::theme::Role;
use crate::ui::canvas::{Canvas, Ink};
use crate::ui::panels::{first_visible, list};
use crate::ui::{format, looks};

pub fn draw(canvas: &mut Canvas<'_>, area: Rect, state: &State, place: &TopologyPlace, selected: Option<&ComponentId>) {
    let name = area.width.saturating_sub(47).clamp(14, 44);
    let at = |offset: u16| 3 + name + offset;
    let columns = [(3, "COMPONENT"), (at(1), "READY"), (at(9), "RATE IN"), (at(18), "ERR%"), (at(25), "LATENCY")];
    let body = list::heading(canvas, area, &columns);
    let nodes: Vec<rows::TreeNode<'_>> = rows::topology_tree(&state.board)
        .into_iter()
        .filter(|node| rows::matches(node.row.name.as_str(), state.filter.text()))
        .collect();
    let chosen = nodes.iter().position(|node| !node.again && Some(&node.row.id) == selected).unwrap_or(0);
    let height = usize::from(body.height);
    let first = first_visible(chosen, place.scroll.1, nodes.len(), height);
    for (y, (index, node)) in (body.y..body.bottom()).zip(nodes.iter().enumerate().skip(first)) {
        let line = Rect { y, height: 1, ..body };
        let row = node.row;
        let quiet = looks::row(row.health);
        let depth = u16::try_from(node.depth).unwrap_or(u16::MAX).min(name / 2 / 2);
        if node.again {
            canvas.name(line.x + 3 + depth * 2, y, name - depth * 2, shown!("↑ {}", row.name), Role::Faint);
        } else {
            canvas.put(line.x + 1, y, 1, looks::glyph(row.health), looks::role(row.health));
            let ink = if row.health.is_sick() { Ink::bold(Role::Text) } else { quiet.into() };
            canvas.name(line.x + 3 + depth * 2, y, name - depth * 2, &row.name, ink);
            figures(canvas, line, node, at(0), quiet);
            let room = line.width.saturating_sub(at(34));
            match state.operations.expects_red(&row.id, state.now) {
                Some(until) => {
                    let words = match room {
                        0..18 => shown!("till {}", format::minute(until)),
                        18..27 => shown!("red until {}", format::time(until)),
                        _ => shown!("expected red until {}", format::time(until)),
                    };
                    canvas.put(line.x + at(34), y, room, words, Ink::bold(Role::Info));
                }
                None => {
                    let mark = if super::is_cause(&state.board, &row.id) {
                        "◂ cause"
                    } else if row.spof {
                        "SPOF"
                    } else {
                        ""
                    };
                    canvas.put(line.x + at(34), y, room, mark, Ink::bold(Role::Warn));
                }
            }
        }
        if let Some(link) = node.link.filter(|link| link.rate.last().is_some()) {
            let rate = format::cell(&link.rate);
            let ink = if !rate.is_fresh() {
                rate.role
            } else if node.again {
                Role::Faint
            } else {
                quiet
            };
            canvas.right(line.x + at(8), y, 8, &rate, ink);
        }
        if index == chosen {
            canvas.put(line.x, y, 1, "▸", Ink::bold(Role::Accent));
            canvas.tint(line);
        }
    }
}

fn figures(canvas: &mut Canvas<'_>, line: Rect, node: &rows::TreeNode<'_>, at: u16, quiet: Role) {
    use crate::model::signals::Role as SignalRole;
    if let Some(replicas) = &node.row.replicas {
        let ink = if replicas.ready < replicas.desired { Role::Warn } else { quiet };
        canvas.put(line.x + at + 1, line.y, 7, format::ready(replicas), ink);
    }
    if let Some(signal) = rows::key_signal(node.row, SignalRole::ErrorRatio) {
        let figure = format::percent(&signal.reading);
        let ink = looks::value(&figure, signal.health);
        canvas.right(line.x + at + 17, line.y, 5, &figure, ink);
    }
    if let Some(signal) = rows::key_signal(node.row, SignalRole::Latency) {
        let figure = format::cell(&signal.reading);
        let ink = looks::value(&figure, signal.health);
        canvas.put(line.x + at + 25, line.y, 8, &figure, ink);
    }
}
