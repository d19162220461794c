//! A card while it runs and once it is over: each step, what is seen against what is expected, and how it ended.

use super::lines::{Detail, Entry, Section, padded};
use super::plan;
use crate::domain::health::Health;
use crate::domain::id::ComponentId;
use crate::domain::text::Shown;
use crate::operation::machine::{Card, Machine, Phase, Progress, Sending};
use crate::operation::scene::Scene;
use crate::operation::verify::{End, Glance, NotRun, Outcome, Verifier};
use crate::shown;
use crate::state::State;
use crate::theme::Role;
use crate::ui::canvas::{Ink, Piece, width};
use crate::ui::{format, looks};

/// What is being read before there is a plan, or before the first byte.
pub fn reading(state: &State, machine: &Machine) -> Vec<Section> {
    let reads = machine.reads();
    let answered = reads.iter().filter(|(_, answered)| *answered).count();
    let count = |words: &'static str| {
        let lead = vec![Piece::new(shown!("{}/{}  ", answered, reads.len()), Ink::bold(Role::Text))];
        Entry::led(lead, words, Role::Text)
    };
    let mut entries = vec![match machine.phase {
        Phase::Locking => Entry::words("taking the lock of the target", Role::Text),
        Phase::Rechecking => count("everything is read again under the lock, then the first request goes"),
        _ => count("reads are answered"),
    }];
    let open = state.operations.human.0.saturating_sub(machine.opened.human.0);
    if let (Phase::Draft | Phase::Gathering, Some(Entry::Words { text, .. })) = (&machine.phase, entries.first_mut()) {
        *text = shown!("{}, {}", &*text, format::span(open));
    }
    let mut told: Vec<&'static str> = Vec::new();
    for (ask, answered) in reads.iter().filter(|(_, answered)| !answered).chain(reads.iter().filter(|(_, done)| *done))
    {
        if told.contains(&ask.words()) {
            continue;
        }
        told.push(ask.words());
        let (mark, role) = if *answered { ("+ ", Role::Dim) } else { ("○ ", Role::Unknown) };
        entries.push(Entry::led(
            vec![Piece::new(mark, role)],
            ask.words(),
            if *answered { Role::Dim } else { Role::Text },
        ));
    }
    vec![Section::new("READING", 2, entries)]
}

/// What is told while it runs.
pub fn running(state: &State, machine: &Machine, card: &Card, columns: u16, detail: Detail) -> Vec<Section> {
    let mut sections = Vec::new();
    match &machine.phase {
        Phase::Verifying(verifier) => sections.extend(watched(state, machine, card, verifier, "VERIFY")),
        Phase::Executing { state: Sending::Settling(verifier), .. } => {
            sections.extend(watched(state, machine, card, verifier, "WAITS"));
        }
        Phase::Executing { state: Sending::Again { at }, .. } => {
            let words = shown!("it is asked again in {}", format::span(at.since(state.now)));
            sections.push(Section::new("WAITS", 2, vec![Entry::words(words, Role::Warn)]));
        }
        _ => sections.extend(reading(state, machine).into_iter().filter(|_| !machine.has_begun())),
    }
    sections.push(steps(state, machine, columns, detail));
    sections.push(Section::new("USERS", 1, vec![plan::failing(state)]));
    sections.extend(red(state, machine));
    sections.push(Section::new("IF WRONG", 1, vec![Entry::words(&card.plan.story.if_wrong, Role::Text)]));
    sections.push(plan::commands(card, 0));
    sections.push(Section::new("PLAN", 0, vec![Entry::words(plan::hash(&card.hash), Role::Dim)]));
    sections
}

/// Observed against expected, and the verifier's clock.
fn watched(state: &State, machine: &Machine, card: &Card, verifier: &Verifier, label: &'static str) -> Vec<Section> {
    let now = state.now;
    let clock = shown!(
        "{} of {} at most, until {}",
        format::span(now.since(verifier.began)),
        format::span(verifier.timing.deadline()),
        format::time(verifier.deadline())
    );
    let (seen, role) = (verifier.last.sentence(), glance(&verifier.last));
    let stands = verifier.reached.filter(|_| !verifier.timing.hold.is_zero()).map_or_else(Shown::default, |since| {
        shown!("; stands {} of {}", format::span(now.since(since)), format::span(verifier.timing.hold))
    });
    let mut sections = vec![
        Section::new(label, 2, vec![Entry::words(clock, Ink::bold(Role::Text))]),
        Section::new("SEEN", 2, vec![Entry::words(shown!("{}{}", seen, stands), Ink::bold(role))]),
    ];
    if matches!(machine.phase, Phase::Verifying(_)) {
        sections.push(Section::new("EXPECTED", 2, vec![Entry::words(&card.plan.story.verify, Role::Text)]));
    }
    if let Some(limit) = verifier.timing.errors_below {
        let errors = Scene::of(&state.board, &state.sources, &machine.request.target).errors;
        let figure = format::full(&errors);
        let role = match errors.value() {
            Some(value) if value < limit => Role::Ok,
            Some(_) => Role::Crit,
            None => figure.role,
        };
        let lead = vec![Piece::new(shown!("{} ", figure.text), Ink::bold(role))];
        let entry = Entry::led(lead, shown!("of requests fail, wanted below {} %", limit * 100.0), Role::Text);
        sections.push(Section::new("ERRORS", 2, vec![entry]));
    }
    if let Some(outage) = verifier.outage(now) {
        let words = shown!("writes refused for {}", format::span(outage));
        sections.push(Section::new("OUTAGE", 2, vec![Entry::words(words, Ink::bold(Role::Crit))]));
    }
    sections
}

const fn glance(glance: &Glance) -> Role {
    match glance {
        Glance::Unseen => Role::Unknown,
        Glance::Pending(_) | Glance::Part(_) => Role::Info,
        Glance::Reached(_) => Role::Ok,
        Glance::Away(_) | Glance::NoEffect(_) => Role::Warn,
        Glance::Failed(_) => Role::Crit,
    }
}

/// Each step with its time; of many those around the one under way.
fn steps(state: &State, machine: &Machine, columns: u16, detail: Detail) -> Section {
    let steps = &machine.progress;
    let done = steps.iter().take_while(|step| step.ended.is_some()).count();
    let most = detail.entries.max(1);
    let first = if steps.len() > most { done.saturating_sub(1).min(steps.len() - most) } else { 0 };
    let title = steps.iter().map(|step| width(&step.title)).max().unwrap_or_default();
    let title = title.min(columns.saturating_sub(28)).max(12);
    let mut entries = Vec::new();
    if first > 0 {
        entries.push(Entry::words(shown!("… {} before, {} done in all", first, done), Role::Dim));
    }
    for (index, step) in steps.iter().enumerate().skip(first).take(most) {
        entries.extend(step_lines(state, index, step, title, columns));
    }
    let after = steps.len().saturating_sub(first.saturating_add(most));
    if after > 0 {
        entries.push(Entry::words(shown!("… {} more to come", after), Role::Dim));
    }
    if entries.is_empty() {
        entries.push(Entry::words("none was sent", Role::Dim));
    }
    Section { cut: true, ..Section::new("STEPS", 2, entries) }
}

fn step_lines(state: &State, index: usize, step: &Progress, title: u16, columns: u16) -> Vec<Entry> {
    let role = if step.began.is_some() { Role::Text } else { Role::Dim };
    let mut row = vec![Piece::new(shown!("{} ", index + 1), Role::Dim)];
    row.extend(padded(&step.title, title + 2, role));
    let Some(began) = step.began else {
        row.push(Piece::new("waits", Role::Dim));
        return vec![Entry::Row(row)];
    };
    row.push(Piece::new(shown!("{}  ", format::time(began)), Role::Dim));
    let ink = match step.words.as_str() {
        words if words.starts_with("accepted") => Role::Ok.into(),
        "" => Ink::bold(Role::Info),
        words if words.starts_with("waits") => Ink::bold(Role::Warn),
        _ => Ink::bold(Role::Crit),
    };
    let words = match (step.ended, step.words.is_empty()) {
        (None, true) => shown!("under way {}", format::span(state.now.since(began))),
        (None, false) => step.words.clone(),
        (Some(ended), _) => shown!("{}, {}", format::span(ended.since(began)), step.words),
    };
    let used = super::lines::length(&row);
    if used + width(&words) <= columns {
        row.push(Piece::new(words, ink));
        return vec![Entry::Row(row)];
    }
    vec![Entry::Row(row), Entry::led(vec![Piece::new("  ", Role::Dim)], words, ink)]
}

/// What is red because of it, and what is red but not because of it.
fn red(state: &State, machine: &Machine) -> Vec<Section> {
    let expected = state.operations.expected_red.get(&machine.id);
    let mine: &[ComponentId] = expected.map(|(components, _)| components.as_slice()).unwrap_or_default();
    let name = |id: &ComponentId| id.name.shown();
    let mut entries = Vec::new();
    if let Some((components, until)) = expected {
        let names = Shown::joined(components.iter().map(name), ", ");
        entries.push(Entry::words(shown!("expected until {}: {}", format::time(*until), names), Role::Info));
    }
    let rows = state.board.tiers.iter().flat_map(|tier| &tier.components);
    let others = rows.filter(|row| row.health == Health::Critical && !mine.contains(&row.id));
    let others = others.filter(|row| row.id != machine.request.target.component).map(|row| row.name.clone());
    let others: Vec<Shown> = others.collect();
    if !others.is_empty() {
        let words = shown!("not because of it: {}", Shown::joined(others.iter(), ", "));
        entries.push(Entry::words(words, Role::Warn));
    }
    if entries.is_empty() { Vec::new() } else { vec![Section::new("RED", 1, entries)] }
}

/// How it ended.
pub fn over(state: &State, machine: &Machine, end: &End, columns: u16, detail: Detail) -> Vec<Section> {
    let role = looks::outcome(end.outcome);
    let word = Shown::fixed(end.outcome.word()).upper();
    let lead = vec![Piece::new(shown!("{}  ", word), Ink::bold(role))];
    let mut entries = vec![Entry::led(lead, &end.words, Ink::bold(Role::Text))];
    entries.push(match (&end.outcome, &machine.notice) {
        (Outcome::NotRun(_), Some(notice)) => Entry::words(shown!("→ {}", notice), Role::Text),
        _ => Entry::words(advice(end.outcome, machine.backout().is_some_and(|back| back.is_way_back())), Role::Text),
    });
    let mut sections = vec![Section::new("OUTCOME", 2, entries)];
    if let Some(outage) = end.outage {
        let words = shown!("writes were refused for {}, measured", format::span(outage));
        sections.push(Section::new("OUTAGE", 2, vec![Entry::words(words, Ink::bold(Role::Warn))]));
    }
    let Some(card) = &machine.card else { return sections };
    if let (Some(request), Some(back)) = (machine.backout(), &card.plan.backout) {
        let key = super::foot::key(state, crate::action::Action::Card(crate::action::CardAction::BackOut), "u");
        let lead = vec![Piece::new(shown!("{}  ", key), Role::Key)];
        let mends = request.is_way_back();
        let text = match mends {
            true => shown!("{} ({}), on a card of its own", back.words, back.verb.name()),
            false => shown!("{} {}; careful, on a card of its own", back.verb.name(), back.words),
        };
        let wanted = mends && end.outcome != Outcome::Verified;
        let ink = if wanted { Ink::bold(Role::Text) } else { Role::Dim.into() };
        sections.push(Section::new(if mends { "BACK OUT" } else { "AGAIN" }, 2, vec![Entry::led(lead, text, ink)]));
    }
    let owed = state.operations.desk.debts.iter().filter(|owed| owed.by == machine.id);
    let owed: Vec<Entry> = owed.map(|owed| Entry::words(&owed.debt.what, Ink::bold(Role::Warn))).collect();
    if !owed.is_empty() {
        sections.push(Section::new("DEBT", 2, owed));
    }
    if !machine.progress.is_empty() {
        sections.push(steps(state, machine, columns, detail));
        if end.outcome == Outcome::Verified && !card.plan.story.after.is_empty() {
            sections.push(Section::new("AFTER", 1, vec![Entry::words(&card.plan.story.after, Role::Text)]));
        }
        if end.outcome != Outcome::Verified {
            sections.push(Section::new("EXPECTED", 1, vec![Entry::words(plan::verify(card), Role::Text)]));
            sections.push(Section::new("IF WRONG", 1, vec![Entry::words(&card.plan.story.if_wrong, Role::Text)]));
            sections.extend(red(state, machine));
        }
        sections.push(plan::commands(card, 0));
    }
    sections.push(Section::new("PLAN", 0, vec![Entry::words(plan::hash(&card.hash), Role::Dim)]));
    sections
}

/// What the outcome asks of a person, with a way back by key or without.
const fn advice(outcome: Outcome, way_back: bool) -> &'static str {
    match outcome {
        Outcome::Verified => "it was observed, not only accepted",
        Outcome::Failed if way_back => "it did not come about: back out, or look by hand",
        Outcome::Failed => "it did not come about: look at the target by hand, or choose another operation",
        Outcome::NoEffect => "nothing changed: it can be planned again",
        Outcome::Overridden => "somebody else decides it now: find out who before another try",
        Outcome::PartlyDone if !way_back => "some of it had its effect: read the steps, then finish it by hand",
        Outcome::PartlyDone => "some of it had its effect: read the steps, then finish it or back out",
        Outcome::Unknown => {
            "nobody knows whether it came about: look at the real state, then resolve it (:resolve); risky operations on it wait for that"
        }
        Outcome::NotRun(NotRun::Refused | NotRun::NotConfirmed | NotRun::Cancelled) => "no request was sent",
    }
}
