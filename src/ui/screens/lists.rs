//! Sources, changes and alerts: a list, and below it the selected row in full.

use ratatui::layout::Rect;

use crate::domain::id::SourceId;
use crate::domain::text::{Raw, Shown};
use crate::model::board::{AlertRow, SourceState, SourceStatus};
use crate::shown;
use crate::state::State;
use crate::state::rows;
use crate::theme::Role;
use crate::ui::canvas::{Canvas, Ink, Piece, wrap};
use crate::ui::panels::list;
use crate::ui::{format, looks};

/// Splits off the lines for the selected row in full.
fn split(area: Rect, wanted: usize) -> (Rect, Rect) {
    let wanted = u16::try_from(wanted).unwrap_or(u16::MAX).min(area.height / 2);
    let list = Rect { height: area.height - wanted - 1, ..area };
    (list, Rect { y: list.bottom(), height: wanted + 1, ..area })
}

/// A rule and label-value lines below it, values wrapped.
fn details(canvas: &mut Canvas<'_>, area: Rect, lines: &[Vec<Piece>]) {
    canvas.rule(area);
    for (y, line) in (area.y + 1..area.bottom()).zip(lines) {
        canvas.pieces(area.x, y, area.width, line);
    }
}

fn labelled(label: &'static str, text: &Shown, role: Role, columns: u16) -> Vec<Vec<Piece>> {
    let lead = |row: usize| shown!(" {:<11}", if row == 0 { label } else { "" });
    wrap(text, columns.saturating_sub(13), 4)
        .into_iter()
        .enumerate()
        .map(|(row, text)| vec![Piece::new(lead(row), Role::Dim), Piece::new(text, role)])
        .collect()
}

pub fn sources(canvas: &mut Canvas<'_>, area: Rect, state: &State, selected: Option<&SourceId>) {
    let shown = rows::sources(state);
    let selected = rows::place_of(&shown, |status| Some(&status.id) == selected);
    let detail = shown.get(selected).map(|status| source_details(state, status, area.width)).unwrap_or_default();
    let (top, bottom) = split(area, detail.len());
    let columns =
        [(3, "SOURCE"), (15, "KIND"), (28, "STATE"), (45, "SAMPLE"), (53, "TOOK"), (63, "COST"), (73, "ENDPOINT")];
    let body = list::heading(canvas, top, columns.get(..if area.width > 90 { 7 } else { 6 }).unwrap_or_default());
    list::draw(canvas, body, &shown, (Some(selected), 0), "no source is configured", |canvas, line, status| {
        let (glyph, light) = looks::light(&status.state);
        let quiet = if status.state.is_live() { Role::Dim } else { Role::Text };
        let x = line.x;
        canvas.put(x + 1, line.y, 1, glyph, light);
        canvas.name(x + 3, line.y, 11, status.id.shown(), Ink::from(quiet));
        canvas.put(x + 15, line.y, 12, status.kind.name(), quiet);
        canvas.put(x + 28, line.y, 16, looks::source_word(status), light);
        match status.sample_at {
            Some(at) => canvas.put(x + 45, line.y, 7, format::age(state.now.since(at)), quiet),
            None => canvas.put(x + 45, line.y, 7, "-", Role::Faint),
        };
        if let Some(took) = status.took {
            canvas.put(x + 53, line.y, 9, format::took(took), quiet);
        }
        if let Some(cost) = format::cost(status) {
            canvas.put(x + 63, line.y, 9, cost, quiet);
        }
        if line.width > 90 {
            canvas.name(x + 73, line.y, line.width - 74, status.endpoint.shown(), Role::Dim);
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
    let list = rows::changes(state);
    let selected = rows::place_of(&list, |change| Some(&change.key) == selected);
    let mut detail = Vec::new();
    if let Some(change) = list.get(selected) {
        detail.extend(labelled("what", &change.what, Role::Text, area.width));
        let who = change.who.as_ref().map_or(Shown::fixed("not known"), crate::domain::text::Raw::shown);
        detail.extend(labelled("who", &who, Role::Text, area.width));
    }
    let looked: Vec<&'static str> = state.sources.iter().filter(|s| s.state.is_live()).map(|s| s.kind.name()).collect();
    let lost: Vec<Shown> = state
        .sources
        .iter()
        .filter(|source| !source.state.is_live())
        .map(|source| shown!("{} ({})", source.id.shown(), looks::source_word(source)))
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
    let list = rows::alerts(state);
    let selected = rows::place_of(&list, |alert| {
        selected.is_some_and(|(source, key)| (source, key) == (&alert.source, &alert.key))
    });
    let detail = list.get(selected).map(|alert| alert_details(state, alert, area.width)).unwrap_or_default();
    let (top, bottom) = split(area, detail.len());
    let name = area.width.saturating_sub(46).clamp(16, 50);
    let columns = [(3, "ALERT"), (name + 4, "TIER"), (name + 18, "FOR"), (name + 26, "FROM"), (name + 34, "STATE")];
    let body = list::heading(canvas, top, &columns);
    list::draw(canvas, body, &list, (Some(selected), 0), "no alerts", |canvas, line, alert| {
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
        canvas.put(x + name + 4, line.y, 13, alert.tier.map_or("-", crate::domain::tier::Tier::name), quiet);
        canvas.put(x + name + 18, line.y, 7, format::span(state.now.since(alert.since)), quiet);
        canvas.name(x + name + 26, line.y, 7, alert.source.shown(), Role::Dim);
        canvas.put(x + name + 34, line.y, 9, if alert.silenced { "silenced" } else { "firing" }, quiet);
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
