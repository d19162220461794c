//! The audit trail: every record, newest first; below it the selected one, on Enter in full.

use ratatui::layout::Rect;

use super::lists::{details, labelled, split};
use crate::audit::record::{Event, Outcome};
use crate::domain::text::Shown;
use crate::domain::time::Stamp;
use crate::shown;
use crate::state::State;
use crate::state::rows;
use crate::state::trail::{TrailPlace, TrailRow, found};
use crate::theme::Role;
use crate::ui::canvas::{Canvas, Ink, Piece};
use crate::ui::format;
use crate::ui::overlays;
use crate::ui::panels::list;

pub fn draw(canvas: &mut Canvas<'_>, area: Rect, state: &State, place: &TrailPlace) {
    let trail = match &place.trail {
        Some(Ok(trail)) => trail,
        Some(Err(why)) => {
            for (y, line) in (area.y..area.bottom()).zip(labelled("no trail", why, Role::Crit, area.width)) {
                canvas.pieces(area.x, y, area.width, &line);
            }
            return;
        }
        None => {
            canvas.put(area.x + 1, area.y, area.width - 2, "the trail is being read and checked", Role::Unknown);
            return;
        }
    };
    let shown = found(place, state.filter.text(), state.now);
    let at = rows::place_of(&shown, |row| row.is(place.selected.as_ref()));
    let mut detail = shown.get(at).map(|row| detail(row, area.width)).unwrap_or_default();
    let kept = if trail.of > trail.rows.len() {
        shown!(", the newest {} of them", trail.rows.len())
    } else {
        Shown::default()
    };
    let whole =
        shown!("{} records{} in {}, read {}", trail.of, kept, trail.folder, format::moment(trail.at, state.now));
    detail.extend(labelled("trail", &whole, Role::Dim, area.width));
    if trail.damage > 0 {
        let words = shown!("{} findings: it is not as it was written; see tierdeck audit verify", trail.damage);
        detail.extend(labelled("DAMAGED", &words, Role::Crit, area.width));
    }
    let (top, bottom) = split(area, detail.len());
    let free = area.width.saturating_sub(54);
    let (who, target) = ((free / 2).clamp(8, 26), (free - free / 2).clamp(8, 40));
    let (what, on) = (16 + who, 16 + who + 24);
    let end = on + target + 1;
    let columns = [(3, "TIME"), (15, "WHO"), (what, "WHAT"), (on, "TARGET"), (end, "OUTCOME")];
    let body = list::heading(canvas, top, &columns);
    let none = list::nothing(state, "nothing was recorded yet");
    list::draw(canvas, body, &shown, (Some(at), 0), none, |canvas, line, row| {
        let (x, y) = (line.x, line.y);
        let record = &row.line.record;
        let (mark, ink) = looks_of(&record.event);
        canvas.put(x + 1, y, 1, mark, ink);
        let time = Stamp::parse_rfc3339(&row.line.world).unwrap_or_default();
        canvas.put(x + 3, y, 11, format::short_moment(time, state.now), Role::Text);
        canvas.name(x + 15, y, who, row.line.actor().shown(), Role::Dim);
        let kind = canvas.put(x + what, y, 13, record.event.kind(), Role::Text) + 1;
        if record.event.kind() != row.operation.as_str() {
            canvas.put(kind, y, (x + on).saturating_sub(kind + 1), row.operation.shown(), Role::Dim);
        }
        let name = record.target.as_ref().map_or(Shown::fixed("-"), |target| target.name.shown());
        canvas.name(x + on, y, target, name, Role::Text);
        canvas.put(x + end, y, line.right().saturating_sub(x + end), record.event.outcome(), ink);
    });
    details(canvas, bottom, &detail);
}

/// Its mark, and what its outcome is drawn in.
fn looks_of(event: &Event) -> (&'static str, Ink) {
    let ended = |outcome: Outcome| match outcome {
        Outcome::Verified => ("+", Role::Ok.into()),
        Outcome::Failed => ("x", Ink::bold(Role::Crit)),
        Outcome::Unknown => ("?", Ink::bold(Role::Unknown)),
        _ => ("~", Ink::bold(Role::Warn)),
    };
    match event {
        Event::Verify(verified) => ended(verified.outcome),
        Event::Resolve(resolve) => ended(resolve.outcome),
        Event::InDoubt(_) => ("?", Ink::bold(Role::Unknown)),
        Event::BreakGlass(_) => ("!", Ink::bold(Role::Crit)),
        Event::Deny { .. } => ("~", Role::Warn.into()),
        Event::Outcome(_) if event.outcome() != "accepted" => ("x", Ink::bold(Role::Crit)),
        Event::Arm(_) | Event::Intent(_) => ("●", Role::Info.into()),
        _ => (" ", Role::Dim.into()),
    }
}

/// The selected one in a few lines.
fn detail(row: &TrailRow, columns: u16) -> Vec<Vec<Piece>> {
    let line = &row.line;
    let mut lines = Vec::new();
    let mut say = |label, text: Shown| {
        if !text.as_str().is_empty() {
            lines.extend(labelled(label, &text, Role::Text, columns).into_iter().take(2));
        }
    };
    let target = line.record.target.as_ref().map(|target| Shown::of(&target.path())).unwrap_or_default();
    let environment = line.record.environment.as_ref().map(|name| shown!(" in {}", name.shown())).unwrap_or_default();
    say("target", if target.as_str().is_empty() { target } else { shown!("{}{}", target, environment) });
    let identity = line.record.identity.as_ref().map(|identity| shown!(" as {}", identity.shown())).unwrap_or_default();
    say("who", shown!("{}{}", line.who.shown(), identity));
    say("says", line.record.event.words().map(crate::audit::record::Text::shown).unwrap_or_default());
    lines
}

/// The selected record with everything that is stored.
pub fn record(canvas: &mut Canvas<'_>, area: Rect, state: &State, place: &TrailPlace, scroll: usize) {
    let shown = found(place, state.filter.text(), state.now);
    let at = rows::place_of(&shown, |row| row.is(place.selected.as_ref()));
    let Some(TrailRow { line, operation }) = shown.get(at) else { return };
    let columns = overlays::columns(area).saturating_sub(2);
    let mut lines = Vec::new();
    let mut say = |label: &'static str, text: Shown| {
        if !text.as_str().is_empty() {
            lines.extend(labelled(label, &text, Role::Text, columns));
        }
    };
    let text =
        |text: Option<&crate::audit::record::Text>| text.map(crate::audit::record::Text::shown).unwrap_or_default();
    say("operation", operation.shown());
    say("id", line.record.action.as_ref().map(|action| Shown::of(action.as_str())).unwrap_or_default());
    say("takes back", line.record.parent.as_ref().map(|action| Shown::of(action.as_str())).unwrap_or_default());
    say("who", line.who.shown());
    say("as", text(line.record.identity.as_ref()));
    say("in", text(line.record.environment.as_ref()));
    if let Some(target) = &line.record.target {
        say("target", Shown::of(&target.path()));
        say("realm", shown!("{} {}", target.system.shown(), target.realm.shown()));
        say("uid", target.uid.shown());
    }
    say("time", Shown::of(&line.world));
    say("host time", Shown::of(&line.ts));
    if line.redacted > 0 {
        say("masked", shown!("{} secrets", line.redacted));
    }
    lines.push(Vec::new());
    for field in line.fields() {
        let lead = shown!(" {}{}", Shown::of(&"  ".repeat(field.depth)), field.name);
        let value = field.value.unwrap_or_default();
        let used = crate::ui::canvas::width(&lead) + 2;
        let wrapped = crate::ui::canvas::wrap(&value, columns.saturating_sub(used).max(10), 20);
        let mut parts = wrapped.into_iter();
        let first = parts.next().unwrap_or_default();
        lines.push(vec![Piece::new(lead, Role::Dim), Piece::new("  ", Role::Dim), Piece::new(first, Role::Text)]);
        let indent = Shown::of(&" ".repeat(usize::from(used)));
        lines.extend(parts.map(|part| vec![Piece::new(&indent, Role::Dim), Piece::new(part, Role::Text)]));
    }
    lines.push(Vec::new());
    let mut say = |label: &'static str, text: Shown| lines.extend(labelled(label, &text, Role::Dim, columns));
    say("stream", shown!("{} line {}", Shown::of(line.stream.as_str()), line.seq));
    say("digest", Shown::of(&line.digest.to_string()));
    say("before it", Shown::of(&line.prev.to_string()));
    let title = shown!("record  {}", line.record.event.kind());
    overlays::sheet(canvas, area, &title, &lines, scroll);
}
