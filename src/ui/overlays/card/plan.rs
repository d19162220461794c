//! What a plan says before it is fired.

use super::lines::{Detail, Entry, Line, Section, dotted, padded, right};
use crate::domain::health::Health;
use crate::domain::text::Shown;
use crate::model::board::Cause;
use crate::model::signals::Role as SignalRole;
use crate::operation::guard::{Finding, GuardId, Verdict};
use crate::operation::machine::{Card, EXPIRY, Machine, Phase};
use crate::operation::plan::Change;
use crate::operation::scene::Scene;
use crate::shown;
use crate::state::{State, rows};
use crate::theme::Role;
use crate::ui::canvas::{Ink, Piece, cut_middle, width};
use crate::ui::{format, looks};

/// What is told of a plan, the most urgent first.
pub fn sections(state: &State, machine: &Machine, card: &Card, columns: u16, detail: Detail) -> Vec<Section> {
    let scene = Scene::of(&state.board, &state.sources, &machine.request.target);
    let story = &card.plan.story;
    let mut sections: Vec<Section> = blocked(card).into_iter().collect();
    sections.extend(drifted(card));
    sections.extend(lost(machine, card));
    sections.push(Section::new("WHAT", 2, what(card, columns)));
    sections.push(Section::new("USERS", 2, users(state, card)));
    sections.push(Section::new("WHY NOW", 2, why(state, machine, &scene)));
    sections.push(guards(card, detail));
    let after = after(card);
    if !after.is_empty() {
        sections.push(Section::new("AFTER", 0, after));
    }
    sections.push(Section::new("IF WRONG", 1, if_wrong(card)));
    sections.push(commands(card, 0));
    sections.push(Section::new("VERIFY", 1, vec![Entry::words(verify(card), Role::Text)]));
    if !story.notes.is_empty() {
        let notes = story.notes.iter().map(|note| Entry::words(note, Role::Text)).collect();
        sections.push(Section::new("NOTE", 0, notes));
    }
    if !state.operations.desk.colleagues.is_empty() {
        let others = state.operations.desk.colleagues.iter().map(|who| Entry::words(who, Ink::bold(Role::Warn)));
        sections.push(Section::new("ALSO", 2, others.collect()));
    }
    sections.push(Section::new("PLAN", 1, vec![Entry::words(plan(state, machine, card), Role::Dim)]));
    sections
}

/// What blocks first, with what would unblock it.
fn blocked(card: &Card) -> Option<Section> {
    let blocks = card.report.blocks();
    let first = blocks.first()?;
    let hint = first.hint.as_ref().map_or_else(Shown::default, |hint| shown!(" → {}", hint));
    let more = if blocks.len() > 1 { shown!(" ({} more block)", blocks.len() - 1) } else { Shown::default() };
    let words = shown!("{}: {}{}{}", first.guard.word(), first.text, hint, more);
    let entry = Entry::words(words, Ink::bold(Role::Crit));
    Some(Section { ink: Ink::bold(Role::Crit), ..Section::new("BLOCKED", 3, vec![entry]) })
}

/// What is lost by it, once that is taken upon oneself.
fn lost(machine: &Machine, card: &Card) -> Option<Section> {
    let mut findings = card.report.findings.iter();
    let loss = findings.find(|finding| machine.request.params.accept_loss && finding.guard == GuardId::Loss)?;
    let ink = Ink::bold(Role::Crit);
    Some(Section { ink, ..Section::new("LOSES", 3, vec![Entry::words(&loss.text, ink)]) })
}

/// What mattered and has changed under the card.
fn drifted(card: &Card) -> Option<Section> {
    let one = |change: &Change| shown!("{} {} → {}", change.what, brief(&change.before), brief(&change.after));
    let words = dotted(&card.drifted.iter().map(one).collect::<Vec<_>>());
    let entry = Entry::words(shown!("{}; what was typed before does not count", words), Ink::bold(Role::Warn));
    let section = Section { ink: Ink::bold(Role::Warn), ..Section::new("CHANGED", 3, vec![entry]) };
    (!card.drifted.is_empty()).then_some(section)
}

/// Values before and after, aligned; two to a line where both fit.
fn what(card: &Card, columns: u16) -> Vec<Entry> {
    let changes = &card.plan.diff;
    let widest = |of: fn(&Change) -> &Shown| changes.iter().map(|change| width(of(change))).max().unwrap_or_default();
    let name = widest(|change| &change.what).min(columns / 3);
    let room = columns.saturating_sub(name + 5);
    let before = widest(|change| &change.before).min(room / 2);
    let after = widest(|change| &change.after).min(room - before);
    let one = name + before + after + 5;
    let pairs = changes.len() > 1 && 2 * one + 3 <= columns;
    let rows = changes.chunks(if pairs { 2 } else { 1 }).map(|changes| {
        let cells = changes.iter().map(|change| cell(change, name, before, after));
        cells.reduce(|row, cell| row.into_iter().chain([Piece::new("   ", Role::Dim)]).chain(cell).collect())
    });
    rows.map(|row| Entry::Row(row.unwrap_or_default())).collect()
}

fn cell(change: &Change, name: u16, before: u16, after: u16) -> Line {
    let same = change.before == change.after;
    let (old, new) = if same { (Role::Dim, Role::Dim) } else { (Role::DiffDel, Role::DiffAdd) };
    let mut line = padded(&change.what, name + 2, Role::Dim);
    line.extend(right(&change.before, before, old));
    line.push(Piece::new(" → ", Role::Dim));
    line.extend(padded(&change.after, after, if same { new.into() } else { Ink::bold(new) }));
    line
}

/// Who fails now.
pub fn failing(state: &State) -> Entry {
    let users = &state.board.users;
    let (rate, ratio) = (format::full(&users.failing_per_second), format::full(&users.failing_ratio));
    let via = users.via.as_ref().map_or_else(Shown::default, |(name, _)| shown!(" via {}", name));
    let since = users.since.map_or_else(Shown::default, |at| shown!(" since {}", format::moment(at, state.now)));
    let failing = match users.failing_per_second.value() {
        Some(0.0) => Shown::fixed("nobody fails now"),
        _ => shown!("{} fail now, {}{}{}", rate.text, ratio.text, via, since),
    };
    let ink = if state.board.health == Health::Critical { Ink::bold(Role::Text) } else { Role::Text.into() };
    Entry::words(failing, ink)
}

/// Who fails now, who is hurt while it runs, and whom it touches.
fn users(state: &State, card: &Card) -> Vec<Entry> {
    let story = &card.plan.story;
    let mut entries = vec![failing(state)];
    if story.meanwhile.is_empty() {
        entries.push(Entry::words(shown!("nobody is hurt meanwhile; touches {}", story.blast), Role::Text));
    } else {
        entries.push(Entry::words(shown!("meanwhile {}", story.meanwhile), Role::Warn));
        entries.push(Entry::words(shown!("touches {}", story.blast), Role::Text));
    }
    entries
}

/// Why one would do it now, or what speaks for doing it elsewhere.
fn why(state: &State, machine: &Machine, scene: &Scene) -> Vec<Entry> {
    let mut entries = Vec::new();
    let target = &machine.request.target.component;
    match (&scene.health, &scene.reason) {
        (Some(health), Some(reason)) => {
            let lead = vec![Piece::new(shown!("{} ", health.brief()), Ink::bold(looks::role(*health)))];
            entries.push(Entry::led(lead, reason, Role::Text));
        }
        (Some(health), None) => entries.push(Entry::words(shown!("it is {} itself", health.brief()), Role::Text)),
        (None, _) => entries.push(Entry::words("the board does not have it now", Role::Unknown)),
    }
    entries.extend(revisions(state, machine));
    match &state.board.cause {
        Cause::Found(suspect) if suspect.component == *target => {
            let change = suspect.change.as_ref().map_or_else(Shown::default, |(change, before)| {
                shown!("; {}, {} before the breach", change, format::span(*before))
            });
            let words = shown!("explains {} of the failures{}", format::explains(suspect), change);
            entries.push(Entry::words(words, Role::Text));
        }
        Cause::Found(suspect) => {
            let words = shown!("the probable cause is elsewhere: {}", suspect.text);
            entries.insert(0, Entry::words(words, Role::Warn));
        }
        Cause::NotFound { .. } => entries.push(Entry::words("users are hurt and no cause is found", Role::Warn)),
        Cause::None => {}
    }
    entries
}

/// Canary beside stable, where both are measured.
fn revisions(state: &State, machine: &Machine) -> Option<Entry> {
    let (_, row) = rows::component(&state.board, &machine.request.target.component)?;
    let told = row.signals.iter().filter(|signal| signal.role == SignalRole::ErrorRatio).filter_map(|signal| {
        let part = signal.part.as_ref()?;
        Some(shown!("{} {}", part, format::full(&signal.reading).text))
    });
    let told: Vec<Shown> = told.collect();
    (!told.is_empty()).then(|| Entry::words(shown!("errors  {}", dotted(&told)), Role::Text))
}

/// What blocks, what is not known, what warns; what passes is counted.
fn guards(card: &Card, detail: Detail) -> Section {
    let findings = &card.report.findings;
    let told: Vec<&Finding> = findings.iter().filter(|finding| finding.verdict != Verdict::Pass).collect();
    // The first block stands in the first line of the card.
    let first = usize::from(told.first().is_some_and(|finding| finding.verdict == Verdict::Block));
    let told = told.get(first..).unwrap_or_default();
    let room = detail.entries.saturating_sub(1);
    let mut entries: Vec<Entry> = told.iter().take(room).map(|finding| guard(finding)).collect();
    let left = told.get(room..).unwrap_or_default();
    let passes: Vec<&Finding> = findings.iter().filter(|finding| finding.verdict == Verdict::Pass).collect();
    if detail == Detail::WHOLE {
        entries.extend(passes.into_iter().map(guard));
        return Section { cut: true, ..Section::new("GUARDS", 2, entries) };
    }
    let mut lead = Vec::new();
    for verdict in [Verdict::Block, Verdict::Unknown, Verdict::Warn] {
        let count = left.iter().filter(|finding| finding.verdict == verdict).count();
        if count > 0 {
            lead.push(Piece::new(shown!("{} more {}  ", count, verdict.word()), Ink::bold(looks::verdict(verdict))));
        }
    }
    lead.push(Piece::new(shown!("{} pass  ", passes.len()), Role::Ok));
    let mut words: Vec<Shown> = Vec::new();
    for finding in passes {
        let word = match finding.guard {
            GuardId::Freshness => shown!("fresh ({})", finding.text),
            guard => Shown::fixed(guard.word()),
        };
        if !words.contains(&word) {
            words.push(word);
        }
    }
    entries.push(Entry::Words { lead, text: shown!("({})", dotted(&words)), ink: Role::Dim.into() });
    Section { cut: true, ..Section::new("GUARDS", 2, entries) }
}

fn guard(finding: &Finding) -> Entry {
    let role = looks::verdict(finding.verdict);
    let ink = if finding.verdict == Verdict::Pass { role.into() } else { Ink::bold(role) };
    let lead = padded(&Shown::fixed(finding.verdict.word()), 8, ink);
    let hint = finding.hint.as_ref().map_or_else(Shown::default, |hint| shown!(" → {}", hint));
    let text = if finding.verdict == Verdict::Pass { Role::Dim } else { Role::Text };
    Entry::led(lead, shown!("{}: {}{}", finding.guard.word(), finding.text, hint), text)
}

fn after(card: &Card) -> Vec<Entry> {
    let mut entries = Vec::new();
    if !card.plan.story.after.is_empty() {
        entries.push(Entry::words(&card.plan.story.after, Role::Text));
    }
    let lasting = card.plan.debts.iter().filter(|debt| debt.cleared_by.is_none());
    let owed = lasting.map(|debt| Entry::words(shown!("leaves a debt to put back: {}", debt.what), Role::Warn));
    entries.extend(owed);
    entries
}

fn if_wrong(card: &Card) -> Vec<Entry> {
    let words = match &card.plan.backout {
        Some(_) => card.plan.story.if_wrong.clone(),
        None => shown!("{}; there is no way back by key", card.plan.story.if_wrong),
    };
    vec![Entry::words(words, Role::Text)]
}

/// The same as one would type it.
pub fn commands(card: &Card, rank: u8) -> Section {
    let line = |command: Shown| match width(&command) {
        // Broken over many lines it could not be read as one command: it is cut, and copied whole.
        0..=150 => Entry::words(command, Role::Info),
        _ => Entry::Row(vec![Piece::new(command, Role::Info)]),
    };
    let lines = card.plan.steps.iter().map(|step| line(step.command.shown())).collect();
    Section::new("SAME AS", rank, lines)
}

pub fn verify(card: &Card) -> Shown {
    let timing = &card.plan.timing;
    shown!(
        "about {}, at most {}: {}",
        format::span(timing.expected),
        format::span(timing.deadline()),
        card.plan.story.verify
    )
}

/// The plan's identity, how long it stands, how old its evidence is and what it holds to.
fn plan(state: &State, machine: &Machine, card: &Card) -> Shown {
    let left = EXPIRY.saturating_sub(state.operations.human.0.saturating_sub(card.since.0));
    let stands = match &machine.phase {
        Phase::Confirming(confirmation) if confirmation.is_typing_reason(state.operations.human) => {
            Shown::fixed("stands while the reason is typed")
        }
        Phase::Guarded { expired: true } => Shown::fixed("expired"),
        _ => shown!("{} left", format::span(left)),
    };
    let ends = |value: &Shown| cut_middle(value.as_str(), 7);
    let facts = card.plan.fingerprint.iter().map(|fact| shown!("{} {}", fact.name, ends(&fact.value.shown())));
    let seen = card.seen_at.map_or_else(Shown::default, |at| shown!("  seen {} ago", format::age(state.now.since(at))));
    let refreshed = if card.refreshed { "  refreshed in place" } else { "" };
    shown!("{}  {}  holds {}{}{}", hash(&card.hash), stands, Shown::joined(facts, " "), seen, refreshed)
}

/// The two ends of a plan's hash.
pub fn hash(hash: &str) -> Shown {
    cut_middle(Shown::of(hash).as_str(), 7)
}

fn brief(value: &Shown) -> Shown {
    cut_middle(value.as_str(), 14)
}
