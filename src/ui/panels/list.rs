//! Plain lists: members, signals, changes, attributes. Only visible rows are formatted.

use ratatui::layout::Rect;

use super::first_visible;
use crate::domain::text::{Raw, Shown};
use crate::model::board::{ComponentRow, SignalRow};
use crate::model::facts::{ChangeFact, ChangeKind, MemberFact};
use crate::shown;
use crate::state::State;
use crate::theme::Role;
use crate::ui::canvas::{Canvas, Ink};
use crate::ui::{format, looks};

/// Draws the visible rows of a list below its heading, or what it means that there are none.
pub fn draw<T>(
    canvas: &mut Canvas<'_>,
    area: Rect,
    rows: &[T],
    (selected, scroll): (Option<usize>, usize),
    empty: &'static str,
    mut row: impl FnMut(&mut Canvas<'_>, Rect, &T),
) {
    if rows.is_empty() {
        canvas.put(area.x + 3, area.y, area.width.saturating_sub(3), empty, Role::Dim);
        return;
    }
    let height = usize::from(area.height);
    let first = match selected {
        Some(selected) => first_visible(selected, scroll, rows.len(), height),
        None => scroll.min(rows.len().saturating_sub(height)),
    };
    for (y, (index, item)) in (area.y..area.bottom()).zip(rows.iter().enumerate().skip(first)) {
        let line = Rect { y, height: 1, ..area };
        row(canvas, line, item);
        if selected == Some(index) {
            canvas.put(area.x, y, 1, "▸", Ink::bold(Role::Accent));
            canvas.tint(line);
        }
    }
    let below = rows.len().saturating_sub(first + height);
    if below > 0 && area.height > 1 {
        let words = shown!(" {} more ↓ ", below);
        canvas.right(area.x, area.bottom() - 1, area.width, words, Role::Dim);
    }
}

/// A heading over columns at these positions.
pub fn heading(canvas: &mut Canvas<'_>, area: Rect, columns: &[(u16, &'static str)]) -> Rect {
    for (x, words) in columns {
        canvas.put(area.x + x, area.y, area.width.saturating_sub(*x), *words, Role::Dim);
    }
    Rect { y: area.y + 1, height: area.height.saturating_sub(1), ..area }
}

/// Members, worst first. On narrow areas the zone, then the age give way to the name.
pub fn members(canvas: &mut Canvas<'_>, area: Rect, list: &[&MemberFact], scroll: usize, state: &State) {
    let (zone, since, version) = (area.width >= 66, area.width >= 60, area.width >= 110);
    let taken = 23 + if zone { 12 } else { 0 } + if since { 6 } else { 0 } + if version { 13 } else { 0 };
    let name = area.width.saturating_sub(taken + 4).clamp(12, 48);
    let state_at = name + 4;
    let restarts_at = state_at + 17;
    let zone_at = restarts_at + 6;
    let since_at = zone_at + if zone { 12 } else { 0 };
    let version_at = since_at + 6;
    let columns = [
        (3, "MEMBER", true),
        (state_at, "STATE", true),
        (restarts_at, "RST", true),
        (zone_at, "ZONE", zone),
        (since_at, "FOR", since),
        (version_at, "VERSION", version),
    ];
    let columns: Vec<(u16, &'static str)> =
        columns.into_iter().filter(|(.., shown)| *shown).map(|(x, words, _)| (x, words)).collect();
    let body = heading(canvas, area, &columns);
    draw(canvas, body, list, (None, scroll), "no members are known", |canvas, line, member| {
        let (glyph, word, role) = looks::member(member.state);
        let quiet = if role == Role::Ok { Role::Dim } else { Role::Text };
        let (x, y) = (line.x, line.y);
        canvas.put(x + 1, y, 1, glyph, role);
        canvas.name(x + 3, y, name, member.name.shown(), quiet);
        let words = member.word.shown();
        let words = if role == Role::Ok || words.is_empty() { Shown::fixed(word) } else { words };
        canvas.put(x + state_at, y, 16, words, role);
        let restarts = if member.restarts > 2 { Role::Warn } else { quiet };
        canvas.right(x + restarts_at, y, 3, shown!("{}", member.restarts), restarts);
        if zone {
            canvas.name(x + zone_at, y, 11, optional(member.zone.as_ref()), quiet);
        }
        if let (true, Some(at)) = (since, member.since) {
            canvas.put(x + since_at, y, 5, format::age(state.now.since(at)), quiet);
        }
        if version {
            canvas.name(x + version_at, y, 12, optional(member.version.as_ref()), Role::Dim);
        }
    });
}

fn optional(text: Option<&Raw>) -> Shown {
    text.map(Raw::shown).unwrap_or_default()
}

/// Signals with their thresholds.
pub fn signals(canvas: &mut Canvas<'_>, area: Rect, list: &[&SignalRow], scroll: usize) {
    let columns = [(3, "SIGNAL"), (14, "PART"), (30, "VALUE"), (42, "WARN"), (52, "CRIT"), (62, "FROM")];
    let body = heading(canvas, area, &columns);
    draw(canvas, body, list, (None, scroll), "nothing measures it", |canvas, line, signal| {
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

const fn kind(kind: ChangeKind) -> &'static str {
    match kind {
        ChangeKind::Deploy => "deploy",
        ChangeKind::Scale => "scale",
        ChangeKind::Config => "config",
        ChangeKind::Failover => "failover",
        ChangeKind::Restart => "restart",
        ChangeKind::Event => "event",
    }
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
    draw(canvas, body, list, cursor, "no change is known in what was looked at", |canvas, line, change| {
        let x = line.x;
        canvas.put(x + 3, line.y, 9, format::moment(change.at, state.now), Role::Text);
        canvas.put(x + 13, line.y, 4, format::age(state.now.since(change.at)), Role::Dim);
        canvas.put(x + 18, line.y, 9, kind(change.kind), Role::Info);
        if subject > 0 {
            canvas.name(x + 28, line.y, subject - 1, subject_name(change), Role::Text);
        }
        let who = change.who.as_ref().map(|who| shown!(" by {}", who)).unwrap_or_default();
        let start = x + 28 + subject;
        let words = shown!("{}{}", change.what, who);
        canvas.put(start, line.y, line.right().saturating_sub(start + 1), words, Role::Text);
    });
}

fn subject_name(change: &ChangeFact) -> Shown {
    use crate::domain::id::Alias;
    match &change.subject {
        Some(Alias::Component(id)) => id.name.shown(),
        Some(Alias::Workload { name, .. } | Alias::Pod { name, .. } | Alias::Service { name, .. }) => name.shown(),
        Some(Alias::Node(name) | Alias::Address(name) | Alias::Named(name) | Alias::Dimension { value: name, .. }) => {
            name.shown()
        }
        None => Shown::default(),
    }
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
    draw(canvas, area, &pairs, (None, scroll), "nothing is on record", |canvas, line, (name, value)| {
        canvas.put(line.x + 3, line.y, 14, *name, Role::Dim);
        canvas.name(line.x + 18, line.y, line.width.saturating_sub(19), value, Role::Text);
    });
}
