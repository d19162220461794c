//! Plain lists: members, signals, changes, attributes. Only visible rows are formatted.

use std::collections::BTreeMap;

use ratatui::layout::Rect;

use super::first_visible;
use crate::domain::text::{Raw, Shown};
use crate::model::board::{ComponentRow, Evidence, SignalRow};
use crate::model::facts::{ChangeFact, MemberFact};
use crate::shown;
use crate::state::State;
use crate::state::rows;
use crate::theme::Role;
use crate::ui::canvas::{Canvas, Ink, Piece, width};
use crate::ui::{format, looks};

/// Draws the visible rows of a list below its heading, or what it means that there are none.
pub fn draw<T>(
    canvas: &mut Canvas<'_>,
    area: Rect,
    rows: &[T],
    (selected, scroll): (Option<usize>, usize),
    empty: Piece,
    mut row: impl FnMut(&mut Canvas<'_>, Rect, &T),
) {
    if selected.is_none() {
        canvas.reach = 0;
    }
    if rows.is_empty() {
        canvas.put(area.x + 3, area.y, area.width.saturating_sub(3), empty.text, empty.ink);
        return;
    }
    // What is left below is counted in a line of its own, so that it covers nothing.
    let overflows = rows.len() > usize::from(area.height) && area.height > 1;
    let height = usize::from(area.height - u16::from(overflows));
    let first = match selected {
        Some(selected) => first_visible(selected, scroll, rows.len(), height),
        None => {
            canvas.reach = rows.len().saturating_sub(height);
            scroll.min(canvas.reach)
        }
    };
    for (y, (index, item)) in (area.y..area.bottom()).zip(rows.iter().enumerate().skip(first).take(height)) {
        let line = Rect { y, height: 1, ..area };
        row(canvas, line, item);
        if selected == Some(index) {
            canvas.put(area.x, y, 1, "▸", Ink::bold(Role::Accent));
            canvas.tint(line);
        }
    }
    if overflows {
        let below = rows.len().saturating_sub(first + height);
        let words = match (first, below) {
            (0, below) => shown!("… {} more ↓", below),
            (above, 0) => shown!("… {} more ↑", above),
            (above, below) => shown!("… {} more ↑  {} more ↓", above, below),
        };
        canvas.put(area.x + 3, area.bottom() - 1, area.width.saturating_sub(3), words, Role::Dim);
    }
}

/// What an empty list says: that nothing is known yet, that the filter matches nothing, or else `otherwise`.
pub fn nothing(state: &State, otherwise: &'static str) -> Piece {
    if matches!(state.board.evidence, Evidence::Connecting) && !state.sources.is_empty() {
        Piece::new("connecting: no source has answered yet", Role::Unknown)
    } else if state.filter.text().is_empty() {
        Piece::new(otherwise, Role::Dim)
    } else {
        Piece::new("nothing matches the filter; esc shows all", Role::Warn)
    }
}

/// A heading over columns at these positions.
pub fn heading(canvas: &mut Canvas<'_>, area: Rect, columns: &[(u16, &'static str)]) -> Rect {
    for (x, words) in columns {
        canvas.put(area.x + x, area.y, area.width.saturating_sub(*x), *words, Role::Dim);
    }
    Rect { y: area.y + 1, height: area.height.saturating_sub(1), ..area }
}

/// Members, worst first. On narrow areas the zone, then the age give way to the name; the revision never does.
pub fn members(
    canvas: &mut Canvas<'_>,
    area: Rect,
    row: &ComponentRow,
    list: &[&MemberFact],
    scroll: usize,
    state: &State,
) {
    let (zone, since) = (area.width >= 76, area.width >= 60);
    // As many columns as the longest needs, so that a list without revisions loses none.
    // Thousands of instances share few versions: each is formatted once.
    let versions: BTreeMap<_, _> = list.iter().map(|member| (&member.version, *member)).collect();
    let widest = versions.values().map(|member| width(rows::revision(row, member))).max().unwrap_or_default();
    let revision = if widest > 0 { widest.clamp(3, 12) + 1 } else { 0 };
    let taken = 22 + revision + if zone { 12 } else { 0 } + if since { 5 } else { 0 };
    let name = area.width.saturating_sub(taken + 4).clamp(12, 48);
    let revision_at = name + 4;
    let state_at = revision_at + revision;
    let restarts_at = state_at + 17;
    let zone_at = restarts_at + 5;
    let since_at = zone_at + if zone { 12 } else { 0 };
    let columns = [
        (3, "MEMBER", true),
        (revision_at, "REV", revision > 0),
        (state_at, "STATE", true),
        (restarts_at, "RST", true),
        (zone_at, "ZONE", zone),
        (since_at, "FOR", since),
    ];
    let columns: Vec<(u16, &'static str)> =
        columns.into_iter().filter(|(.., shown)| *shown).map(|(x, words, _)| (x, words)).collect();
    let body = heading(canvas, area, &columns);
    draw(canvas, body, list, (None, scroll), nothing(state, "no members are known"), |canvas, line, member| {
        let (glyph, word, role) = looks::member(member.state);
        let quiet = if role == Role::Ok { Role::Dim } else { Role::Text };
        let (x, y) = (line.x, line.y);
        canvas.put(x + 1, y, 1, glyph, role);
        canvas.name(x + 3, y, name, member.name.shown(), quiet);
        if revision > 0 {
            canvas.name(x + revision_at, y, revision - 1, rows::revision(row, member), quiet);
        }
        let words = member.word.shown();
        let words = if role == Role::Ok || words.is_empty() { Shown::fixed(word) } else { words };
        canvas.name(x + state_at, y, 16, words, role);
        let restarts = if member.restarts > 2 { Role::Warn } else { quiet };
        canvas.right(x + restarts_at, y, 3, shown!("{}", member.restarts), restarts);
        if zone {
            canvas.name(x + zone_at, y, 11, optional(member.zone.as_ref()), quiet);
        }
        if let (true, Some(at)) = (since, member.since) {
            canvas.put(x + since_at, y, 4, format::age(state.now.since(at)), quiet);
        }
    });
}

fn optional(text: Option<&Raw>) -> Shown {
    text.map(Raw::shown).unwrap_or_default()
}

/// Signals with their thresholds.
pub fn signals(canvas: &mut Canvas<'_>, area: Rect, list: &[&SignalRow], scroll: usize, state: &State) {
    let columns = [(3, "SIGNAL"), (14, "PART"), (30, "VALUE"), (42, "WARN"), (52, "CRIT"), (62, "FROM")];
    let body = heading(canvas, area, &columns);
    draw(canvas, body, list, (None, scroll), nothing(state, "nothing measures it"), |canvas, line, signal| {
        let quiet = looks::row(signal.health);
        let x = line.x;
        canvas.put(x + 1, line.y, 1, looks::glyph(signal.health), looks::role(signal.health));
        canvas.name(x + 3, line.y, 10, Shown::fixed(signal.label), quiet);
        if let Some(part) = &signal.part {
            canvas.name(x + 14, line.y, 15, part, quiet);
        }
        let value = format::full(&signal.reading);
        let ink = looks::value(&value, signal.health);
        canvas.put(x + 30, line.y, 11, &value, ink);
        for (offset, level) in [(42, signal.thresholds.warn), (52, signal.thresholds.critical)] {
            match format::threshold(level, &signal.reading) {
                Some(level) => canvas.put(x + offset, line.y, 9, level, Role::Dim),
                None => canvas.put(x + offset, line.y, 9, "-", Role::Faint),
            };
        }
        canvas.put(x + 62, line.y, line.width.saturating_sub(63), signal.thresholds.origin, Role::Dim);
    });
}

/// Changes, newest first.
pub fn changes(
    canvas: &mut Canvas<'_>,
    area: Rect,
    list: &[&ChangeFact],
    cursor: (Option<usize>, usize),
    state: &State,
) {
    let subject = if area.width >= 76 { 16 } else { 0 };
    let mut columns = vec![(3, "TIME"), (13, "AGO"), (18, "KIND")];
    if subject > 0 {
        columns.push((28, "ON"));
    }
    columns.push((28 + subject, "WHAT"));
    let body = heading(canvas, area, &columns);
    draw(
        canvas,
        body,
        list,
        cursor,
        nothing(state, "no change is known in what was looked at"),
        |canvas, line, change| {
            let x = line.x;
            canvas.put(x + 3, line.y, 9, format::moment(change.at, state.now), Role::Text);
            canvas.put(x + 13, line.y, 4, format::age(state.now.since(change.at)), Role::Dim);
            canvas.put(x + 18, line.y, 9, change.kind.word(), Role::Info);
            if subject > 0 {
                canvas.name(x + 28, line.y, subject - 1, change.subject_name(), Role::Text);
            }
            let who = change.who.as_ref().map(|who| shown!(" by {}", who)).unwrap_or_default();
            let start = x + 28 + subject;
            let words = shown!("{}{}", change.what, who);
            canvas.put(start, line.y, line.right().saturating_sub(start + 1), words, Role::Text);
        },
    );
}

/// Configuration of record.
pub fn attributes(canvas: &mut Canvas<'_>, area: Rect, row: &ComponentRow, scroll: usize) {
    let mut pairs = vec![("id", row.id.shown())];
    if let Some(replicas) = &row.replicas {
        pairs.push(("replicas", format::ready(replicas)));
        if let Some((low, high)) = replicas.bounds {
            pairs.push(("autoscaler", shown!("{} to {}", low, high)));
        }
        if let Some(floor) = replicas.floor {
            pairs.push(("disruption", shown!("at least {} available", floor)));
        }
    }
    if !row.zones.is_empty() {
        pairs.push(("zones", Shown::joined(row.zones.iter().map(crate::domain::text::Raw::shown), ", ")));
    }
    pairs.extend(row.attributes.iter().map(|(name, value)| (*name, value.shown())));
    draw(
        canvas,
        area,
        &pairs,
        (None, scroll),
        Piece::new("nothing is on record", Role::Dim),
        |canvas, line, (name, value)| {
            canvas.put(line.x + 3, line.y, 14, *name, Role::Dim);
            canvas.name(line.x + 18, line.y, line.width.saturating_sub(19), value, Role::Text);
        },
    );
}
