//! The head of a detail: what it is, how it is, and why, before anything else.

use ratatui::layout::Rect;

use crate::domain::health::{Health, Reason};
use crate::domain::text::Shown;
use crate::model::board::{Cause, ComponentRow, Latency, TierRow};
use crate::shown;
use crate::state::State;
use crate::state::rows;
use crate::theme::Role;
use crate::ui::canvas::{Canvas, Ink, Piece, wrap};
use crate::ui::{format, looks};

/// A line of the head.
pub type Line = Vec<Piece>;

/// Draws lines from the top of `area`; returns how many lines were used.
pub fn draw(canvas: &mut Canvas<'_>, area: Rect, lines: &[Line]) -> u16 {
    for (y, line) in (area.y..area.bottom()).zip(lines) {
        canvas.pieces(area.x, y, area.width, line);
    }
    u16::try_from(lines.len()).unwrap_or(u16::MAX).min(area.height)
}

fn title(health: Health, name: impl crate::ui::canvas::Print, kind: &Shown) -> Line {
    vec![
        Piece::new(shown!(" {} {}  ", looks::glyph(health), health.brief()), Ink::bold(looks::role(health))),
        Piece::new(name, Ink::bold(Role::Text)),
        Piece::new(shown!("  {}", kind), Role::Dim),
    ]
}

/// Identity, state, reasons, cause and rollout of a component; reasons are wrapped to `columns`.
pub fn component(state: &State, row: &ComponentRow, columns: u16) -> Vec<Line> {
    let scope = row.id.scope.shown();
    let kind =
        if scope.is_empty() { Shown::fixed(row.id.kind.name()) } else { shown!("{} in {}", row.id.kind.name(), scope) };
    let mut head = title(row.health, &row.name, &kind);
    if let Some(replicas) = &row.replicas {
        let short = replicas.ready < replicas.desired;
        let ink = if short { Role::Warn } else { Role::Dim };
        head.push(Piece::new(shown!("  {} ready", format::ready(replicas)), ink));
    }
    match row.zones.len() {
        0 => {}
        1 => head.push(Piece::new("  1 zone", Role::Warn)),
        zones => head.push(Piece::new(shown!("  {} zones", zones), Role::Dim)),
    }
    if row.spof {
        head.push(Piece::new("  SPOF", Ink::bold(Role::Warn)));
    }
    let mut lines = vec![head];
    if let Some(until) = state.operations.expects_red(&row.id, state.now) {
        let words = shown!("an operation of ours runs: expected red until {}", format::time(until));
        lines.extend(note("op", &words, Ink::bold(Role::Info), columns, 1));
    }
    lines.extend(why(&row.reasons, state, columns, 2));
    if let Cause::Found(suspect) = &state.board.cause
        && suspect.component == row.id
    {
        let share = shown!("this explains {} of the failing requests", format::explains(suspect));
        let said = row.reasons.iter().any(|reason| suspect.text.as_str().contains(reason.text.as_str()));
        let words = if said { shown!("it is here; {}", share) } else { shown!("{}; {}", suspect.text, share) };
        lines.extend(note("cause", &words, Ink::bold(Role::Text), columns, 2));
        if let Some((change, before)) = &suspect.change {
            let words = shown!("{}, {} before the breach", change, format::span(*before));
            lines.extend(note("hint", &words, Role::Text.into(), columns, 2));
        }
    }
    if let Some(words) = rollout(row) {
        lines.extend(note("roll", &words, Role::Text.into(), columns, 2));
    }
    lines
}

fn rollout(row: &ComponentRow) -> Option<Shown> {
    let rollout = row.rollout.as_ref()?;
    let canary = rollout.canary.as_ref()?;
    let number = |number: Option<u64>| number.map_or_else(Shown::default, |number| shown!(" rev {}", number));
    let mut words = rollout.phase.shown();
    if let Some((step, of)) = rollout.step {
        words = shown!("{} step {}/{}", words, step + 1, of);
    }
    if let (Some(set), Some(actual)) = (rollout.set_weight, rollout.actual_weight) {
        words = shown!("{}, weight {} % (set {} %)", words, actual, set);
    }
    let stable = shown!("stable{} {} ready", number(rollout.stable.number), rollout.stable.ready);
    Some(shown!("{}; canary{} {} ready, {}", words, number(canary.number), canary.ready, stable))
}

/// Identity, figures and reasons of a tier.
pub fn tier(state: &State, row: &TierRow, columns: u16, most: usize) -> Vec<Line> {
    let kind = match &row.capacity {
        Some(capacity) if columns < 60 => format::capacity(capacity),
        Some(capacity) => shown!("tier  {}", format::capacity_words(capacity)),
        None => Shown::fixed("tier"),
    };
    let mut lines = vec![title(row.health, Shown::fixed(row.tier.name()), &kind)];
    if let (Cause::Found(suspect), true) = (&state.board.cause, rows::cause_tier(&state.board) == Some(row.tier)) {
        lines.extend(note("cause", &suspect.text, Ink::bold(Role::Text), columns, most));
    }
    lines.extend(why(rows::reasons_beside_cause(&state.board, row), state, columns, most));
    lines
}

/// The tier's figures in full, with the part it adds itself.
pub fn figures(row: &TierRow) -> Vec<Line> {
    let figure = |label: &'static str, figure: &format::Figure| {
        [Piece::new(shown!("{} ", label), Role::Dim), Piece::new(figure, figure.role), Piece::new("   ", Role::Dim)]
    };
    let mut first = vec![Piece::new("   ", Role::Dim)];
    first.extend(figure("rate", &format::full(&row.rate)));
    first.extend(figure("on last week", &format::change(&row.rate_vs_last_week)));
    first.extend(figure("errors", &format::full(&row.error_ratio)));
    first.extend(figure("added here", &format::full(&row.error_added_ratio)));
    let mut second = vec![Piece::new("   ", Role::Dim)];
    second.extend(figure(row.latency.statistic.name(), &format::full(&row.latency.reading)));
    second.extend(figure("added here", &format::full(&row.latency_added)));
    second.extend(target(&row.latency));
    vec![first, second]
}

fn target(latency: &Latency) -> Option<Piece> {
    format::target(latency).map(|(text, origin)| Piece::new(shown!("target {} ({})", text, origin), Role::Dim))
}

/// `why` lines: each reason wrapped, with since when.
pub fn why<'r>(
    reasons: impl IntoIterator<Item = &'r Reason>,
    state: &State,
    columns: u16,
    most_lines: usize,
) -> Vec<Line> {
    let mut lines = Vec::new();
    for (index, reason) in reasons.into_iter().enumerate() {
        let since = match reason.since {
            Some(since) if !reason.text.as_str().contains("since ") => {
                shown!(", since {}", format::moment(since, state.now))
            }
            _ => Shown::default(),
        };
        let text = shown!("{}{}", reason.text, since);
        let ink: Ink = if reason.health.is_sick() { Role::Text.into() } else { Role::Dim.into() };
        lines.extend(note(if index == 0 { "why" } else { "" }, &text, ink, columns, most_lines));
    }
    lines
}

fn note(label: &'static str, text: &Shown, ink: Ink, columns: u16, most: usize) -> Vec<Line> {
    let wrapped = wrap(text, columns.saturating_sub(10), most);
    let lead = |row: usize| shown!("   {:<6}", if row == 0 { label } else { "" });
    let line = |(row, text): (usize, Shown)| vec![Piece::new(lead(row), Role::Dim), Piece::new(text, ink)];
    wrapped.into_iter().enumerate().map(line).collect()
}
