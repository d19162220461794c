//! Sources, changes and alerts: a list, and below it the selected row in full.

use ratatui::layout::Rect;

use crate::domain::id::SourceId;
use crate::domain::text::{Raw, Shown};
use crate::model::board::{AlertRow, SourceKind, SourceState, SourceStatus};
use crate::shown;
use crate::state::State;
use crate::state::rows;
use crate::theme::Role;
use crate::ui::canvas::{Canvas, Ink, Piece, wrap};
use crate::ui::panels::{alerts, list};
use crate::ui::{format, looks};

/// Splits off the lines for the selected row in full.
pub(super) fn split(area: Rect, wanted: usize) -> (Rect, Rect) {
    let wanted = u16::try_from(wanted).unwrap_or(u16::MAX).min(area.height / 2);
    let list = Rect { height: area.height - wanted - 1, ..area };
    (list, Rect { y: list.bottom(), height: wanted + 1, ..area })
}

/// A rule and label-value lines below it, values wrapped.
pub(super) fn details(canvas: &mut Canvas<'_>, area: Rect, lines: &[Vec<Piece>]) {
    canvas.rule(area);
    for (y, line) in (area.y + 1..area.bottom()).zip(lines) {
        canvas.pieces(area.x, y, area.width, line);
    }
}

pub(super) fn labelled(label: &'static str, text: &Shown, role: Role, columns: u16) -> Vec<Vec<Piece>> {
    let lead = |row: usize| shown!(" {:<11}", if row == 0 { label } else { "" });
    wrap(text, columns.saturating_sub(13), 4)
        .into_iter()
        .enumerate()
        .map(|(row, text)| vec![Piece::new(lead(row), Role::Dim), Piece::new(text, role)])
        .collect()
}

pub fn sources(canvas: &mut Canvas<'_>, area: Rect, state: &State, selected: Option<&SourceId>) {
    let shown = rows::sources(state, state.filter.text());
    let selected = rows::place_of(&shown, |status| Some(&status.id) == selected);
    let detail = shown.get(selected).map(|status| source_details(state, status, area.width)).unwrap_or_default();
    let (top, bottom) = split(area, detail.len());
    let columns =
        [(3, "SOURCE"), (22, "KIND"), (35, "STATE"), (49, "SAMPLE"), (56, "TOOK"), (65, "COST"), (74, "ENDPOINT")];
    let fitting = match area.width {
        0..76 => 4,
        76..=90 => 6,
        _ => 7,
    };
    let body = list::heading(canvas, top, columns.get(..fitting).unwrap_or_default());
    let none = list::nothing(state, "no source is configured");
    list::draw(canvas, body, &shown, (Some(selected), 0), none, |canvas, line, status| {
        let (glyph, light) = looks::light(&status.state);
        let quiet = if status.state.is_live() { Role::Dim } else { Role::Text };
        let x = line.x;
        canvas.put(x + 1, line.y, 1, glyph, light);
        canvas.name(x + 3, line.y, 18, status.id.shown(), Ink::from(quiet));
        canvas.put(x + 22, line.y, 12, status.kind.name(), quiet);
        canvas.put(x + 35, line.y, 13, status.word(), light);
        match status.sample_at {
            Some(at) => canvas.put(x + 49, line.y, 6, format::source_age(state.now.since(at), "fresh"), quiet),
            None => canvas.put(x + 49, line.y, 6, "-", Role::Faint),
        };
        if let Some(took) = status.took.filter(|_| fitting > 4) {
            canvas.put(x + 56, line.y, 8, format::took(took), quiet);
        }
        if let Some(cost) = format::cost(status).filter(|_| fitting > 4) {
            canvas.put(x + 65, line.y, 8, cost, quiet);
        }
        if fitting > 6 {
            canvas.name(x + 74, line.y, line.width - 75, status.endpoint.shown(), Role::Dim);
        }
    });
    details(canvas, bottom, &detail);
}

fn source_details(state: &State, status: &SourceStatus, columns: u16) -> Vec<Vec<Piece>> {
    let mut lines = labelled("endpoint", &status.endpoint.shown(), Role::Text, columns);
    if let Some(identity) = &status.identity {
        lines.extend(labelled("as", identity, Role::Text, columns));
    }
    match &status.state {
        SourceState::Failed { since, fault } => {
            let words = shown!("{} (since {})", fault.what, format::moment(*since, state.now));
            lines.extend(labelled("failed", &words, Role::Crit, columns));
            lines.extend(labelled("do", &fault.hint, Role::Text, columns));
        }
        SourceState::Connecting { since } => {
            let words = shown!("no answer yet, {}", format::span(state.now.since(*since)));
            lines.extend(labelled("connecting", &words, Role::Unknown, columns));
        }
        SourceState::Live => {}
    }
    for gap in state.board.gaps.iter().filter(|gap| gap.source == status.id) {
        lines.extend(labelled("not seen", &shown!("{}; {}", gap.what, gap.hint), Role::Warn, columns));
    }
    lines
}

pub fn changes(canvas: &mut Canvas<'_>, area: Rect, state: &State, selected: Option<&Raw>) {
    let list = rows::changes(state, state.filter.text());
    let selected = rows::place_of(&list, |change| Some(&change.key) == selected);
    let mut detail = Vec::new();
    if let Some(change) = list.get(selected) {
        detail.extend(labelled("what", &change.what, Role::Text, area.width));
        let who = change.who.as_ref().map_or(Shown::fixed("not known"), crate::domain::text::Raw::shown);
        detail.extend(labelled("who", &who, Role::Text, area.width));
    }
    let mut looked: Vec<&'static str> = Vec::new();
    let sources = || state.sources.iter().filter(|source| source.kind != SourceKind::Sink);
    for kind in sources().filter(|source| source.state.is_live()).map(|source| source.kind.name()) {
        if !looked.contains(&kind) {
            looked.push(kind);
        }
    }
    let lost: Vec<Shown> = sources()
        .filter(|source| !source.state.is_live())
        .map(|source| shown!("{} ({})", source.id.shown(), source.word()))
        .chain(state.board.gaps.iter().map(|gap| gap.what.clone()))
        .collect();
    detail.extend(labelled("looked", &Shown::joined(looked, ", "), Role::Dim, area.width));
    if !lost.is_empty() {
        detail.extend(labelled("not looked", &Shown::joined(lost, ", "), Role::Warn, area.width));
    }
    let (top, bottom) = split(area, detail.len());
    list::changes(canvas, top, &list, (Some(selected), 0), state);
    details(canvas, bottom, &detail);
}

pub fn alerts(canvas: &mut Canvas<'_>, area: Rect, state: &State, selected: Option<&(SourceId, Raw)>) {
    let list = rows::alerts(state, state.filter.text());
    let selected = rows::place_of(&list, |alert| {
        selected.is_some_and(|(source, key)| (source, key) == (&alert.source, &alert.key))
    });
    let detail = list.get(selected).map(|alert| alert_details(state, alert, area.width)).unwrap_or_default();
    let (top, bottom) = split(area, detail.len());
    // On narrow screens the tier gives way: the component says more.
    let tier = if area.width >= 76 { 14 } else { 0 };
    let name = area.width.saturating_sub(tier + 45).clamp(15, 50);
    let on = name + 4 + tier;
    let columns = [(3, "ALERT"), (on, "ON"), (on + 17, "FOR"), (on + 22, "FROM"), (on + 32, "STATE")];
    let body = list::heading(canvas, top, &columns);
    if tier > 0 {
        canvas.put(top.x + name + 4, top.y, tier, "TIER", Role::Dim);
    }
    let (none, role) = alerts::none(state);
    let none = if state.filter.text().is_empty() { Piece::new(none, role) } else { list::nothing(state, "") };
    list::draw(canvas, body, &list, (Some(selected), 0), none, |canvas, line, alert| {
        let x = line.x;
        let quiet = if alert.silenced { Role::Dim } else { Role::Text };
        canvas.put(x + 1, line.y, 1, looks::glyph(alert.severity), looks::role(alert.severity));
        canvas.name(
            x + 3,
            line.y,
            name,
            &alert.name,
            if alert.silenced { Role::Dim } else { looks::role(alert.severity) },
        );
        if tier > 0 {
            canvas.put(x + name + 4, line.y, 13, alert.tier.map_or("-", crate::domain::tier::Tier::name), quiet);
        }
        canvas.name(x + on, line.y, 16, rows::alert_subject(&state.board, alert), quiet);
        canvas.put(x + on + 17, line.y, 4, format::lasting(state.now.since(alert.since)), quiet);
        canvas.name(x + on + 22, line.y, 9, alert.source.shown(), Role::Dim);
        canvas.put(x + on + 32, line.y, 8, alert.word(), quiet);
    });
    details(canvas, bottom, &detail);
}

fn alert_details(state: &State, alert: &AlertRow, columns: u16) -> Vec<Vec<Piece>> {
    let mut lines = labelled("says", &alert.summary, Role::Text, columns);
    if let Some(id) = &alert.component {
        lines.extend(labelled("on", &id.shown(), Role::Text, columns));
    }
    lines.extend(labelled("since", &format::moment(alert.since, state.now), Role::Text, columns));
    if let Some(runbook) = &alert.runbook {
        lines.extend(labelled("runbook", runbook, Role::Info, columns));
    }
    lines
}
