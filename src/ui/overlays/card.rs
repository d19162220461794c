//! The preflight card of an operation, which is also where it is followed to its end.
//!
//! It covers the whole body: title, sections, a rule, and the foot with what is typed and what is missing. When lines run
//! out the sections say less, but never nothing of what must be known before the fire key.

mod foot;
mod lines;
mod plan;
mod run;

use ratatui::layout::Rect;

use crate::domain::text::Shown;
use crate::operation::evidence::Found;
use crate::operation::machine::{self, Machine, Phase};
use crate::shown;
use crate::state::{Card, State};
use crate::theme::Role;
use crate::ui::canvas::{Canvas, Ink, Piece};
use crate::ui::panels::header;
use crate::ui::{format, looks};
use lines::{Detail, Entry, Line, Section, length, text_columns};

pub fn draw(canvas: &mut Canvas<'_>, area: Rect, state: &State, card: &Card) {
    canvas.clear(area);
    canvas.reach = 0;
    let Some(machine) = state.operations.desk.get(&card.operation) else {
        canvas.put(area.x + 1, area.y, area.width - 2, "this operation is not known any more; esc closes", Role::Dim);
        return;
    };
    title(canvas, area, state, machine);
    let foot = foot::lines(state, machine, card, area.width);
    let height = u16::try_from(foot.len()).unwrap_or(u16::MAX).min(area.height / 2);
    let foot_area = Rect { y: area.bottom() - height, height, ..area };
    lines::draw(canvas, foot_area, &foot, 0);
    canvas.rule(Rect { y: foot_area.y - 1, height: 1, ..area });
    // A short screen needs the line of the upper rule.
    let airy = area.height >= 18;
    if airy {
        canvas.rule(Rect { y: area.y + 1, height: 1, ..area });
    }
    let top = area.y + 1 + u16::from(airy);
    let body = Rect { y: top, height: (foot_area.y - 1).saturating_sub(top), ..area };
    if card.whole {
        everything(canvas, body, state, machine, card.scroll);
    } else {
        let columns = text_columns(area.width);
        let sections = |detail| sections(state, machine, columns, detail);
        lines::draw(canvas, body, &lines::fit(sections, area.width, usize::from(body.height)), 0);
    }
}

/// What is done to what, where, and how dangerous it is or how it stands.
fn title(canvas: &mut Canvas<'_>, area: Rect, state: &State, machine: &Machine) {
    let (banner, role) = header::banner(state);
    let (word, ink) = standing(machine);
    let end = [
        Piece::new(shown!(" {} ", banner), Ink::bold(role)),
        Piece::new("  ", Role::Dim),
        Piece::new(word, ink),
        Piece::new(" ", Role::Dim),
    ];
    let start = area.right().saturating_sub(length(&end));
    canvas.pieces(start, area.y, area.width, &end);
    let verb = Shown::fixed(machine.request.verb.name()).upper();
    let room = start.saturating_sub(area.x + 2);
    let x = canvas.put(area.x + 1, area.y, room, shown!("{}  ", verb), Ink::bold(Role::Accent));
    let back = if machine.request.is_way_back() { "  way back" } else { "" };
    let room = start.saturating_sub(x + 1 + crate::ui::canvas::width(back));
    let x = canvas.name(x, area.y, room, machine.request.target.title(), Ink::bold(Role::Text));
    canvas.put(x, area.y, start.saturating_sub(x), back, Role::Info);
}

/// The risk until it is fired, then where it stands.
fn standing(machine: &Machine) -> (Shown, Ink) {
    let fixed = |word: &'static str, role| (Shown::fixed(word), Ink::bold(role));
    let risk = machine.card.as_ref().map(|card| card.plan.risk);
    match (&machine.phase, risk) {
        (Phase::Confirming(confirmation), _) if confirmation.need.breaks_glass() => {
            fixed("BREAKS THE GLASS", Role::Crit)
        }
        (Phase::Confirming(_), Some(risk)) => fixed(risk.word(), looks::risk(risk)),
        (Phase::Guarded { expired: true }, _) => fixed("EXPIRED", Role::Warn),
        (Phase::Guarded { expired: false }, _) => fixed("BLOCKED", Role::Crit),
        (Phase::Draft | Phase::Gathering | Phase::Confirming(_), _) => fixed("reading", Role::Unknown),
        (Phase::Locking, _) => fixed("LOCKING", Role::Info),
        (Phase::Rechecking, _) => fixed("LAST LOOK", Role::Info),
        (Phase::Executing { step, .. }, _) => {
            let steps = machine.progress.len();
            (shown!("STEP {} OF {}", step + 1, steps), Ink::bold(Role::Info))
        }
        (Phase::Verifying(_), _) => fixed("VERIFYING", Role::Info),
        (Phase::Done(end), _) => (Shown::fixed(end.outcome.word()).upper(), Ink::bold(looks::outcome(end.outcome))),
    }
}

fn sections(state: &State, machine: &Machine, columns: u16, detail: Detail) -> Vec<Section> {
    match (&machine.phase, &machine.card) {
        (Phase::Done(end), _) => run::over(state, machine, end, columns, detail),
        (Phase::Locking | Phase::Rechecking | Phase::Executing { .. } | Phase::Verifying(_), Some(card)) => {
            run::running(state, machine, card, columns, detail)
        }
        (Phase::Guarded { .. } | Phase::Confirming(_), Some(card)) => {
            plan::sections(state, machine, card, columns, detail)
        }
        _ => run::reading(state, machine),
    }
}

/// Everything there is to tell, scrolled.
fn everything(canvas: &mut Canvas<'_>, area: Rect, state: &State, machine: &Machine, scroll: usize) {
    let columns = text_columns(area.width);
    let mut sections = sections(state, machine, columns, Detail::WHOLE);
    if let Some(card) = &machine.card {
        if !matches!(machine.phase, Phase::Guarded { .. } | Phase::Confirming(_)) {
            sections.extend(plan::sections(state, machine, card, columns, Detail::WHOLE));
        }
        sections.push(requests(card));
        sections.push(evidence(state, card));
    }
    let lines: Vec<Line> = lines::whole(&sections, area.width);
    let height = usize::from(area.height.saturating_sub(1));
    canvas.reach = lines.len().saturating_sub(height);
    let first = scroll.min(canvas.reach);
    lines::draw(canvas, Rect { height: area.height.saturating_sub(1), ..area }, &lines, first);
    let last = (first + height).min(lines.len());
    let words = shown!(" lines {} to {} of {}  ↑ ↓ page keys", first + 1, last, lines.len());
    canvas.put(area.x, area.bottom().saturating_sub(1), area.width, words, Role::Dim);
}

/// What is sent, request by request.
fn requests(card: &machine::Card) -> Section {
    let entries = card.plan.steps.iter().enumerate().flat_map(|(index, step)| {
        let lead = vec![Piece::new(shown!("{} ", index + 1), Role::Dim)];
        let again = step.again.map_or_else(Shown::default, |(every, most)| {
            shown!("; asked again every {} for {}", format::span(every), format::span(most))
        });
        let last = if step.finally { "; sent even when an earlier step failed" } else { "" };
        let words = shown!("{}{}{}", step.title, again, last);
        [Entry::led(lead, words, Role::Text), Entry::words(step.mutation.summary(), Role::Dim)]
    });
    Section::new("REQUESTS", 0, entries.collect())
}

/// What it rests on: each read, how old it is, and how it ended.
fn evidence(state: &State, card: &machine::Card) -> Section {
    let entries = card.sheet.all().map(|(ask, seen)| {
        let age = format::age(state.now.since(seen.at));
        match &seen.found {
            Found::Evidence(_) => Entry::words(shown!("{}, {} old", ask.words(), age), Role::Dim),
            Found::Missing => Entry::words(shown!("{} does not exist there", ask.words()), Role::Warn),
            Found::Failed(fault) => Entry::words(shown!("{}: {}; {}", ask.words(), fault.what, fault.hint), Role::Warn),
        }
    });
    Section::new("READ", 0, entries.collect())
}
