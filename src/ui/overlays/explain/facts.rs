//! What there is to tell of things that are no figures: a source, a change, an alert.

use super::Told;
use crate::domain::reading::{Query, Sample};
use crate::domain::text::{Raw, Shown};
use crate::model::board::{AlertRow, SourceState, SourceStatus};
use crate::model::facts::ChangeFact;
use crate::shown;
use crate::state::{State, rows};
use crate::ui::format;

type Facts = (Shown, Vec<(&'static str, Shown)>);

/// The facts of the selected row; of an empty list, that nothing is selected.
pub(super) fn told<'a>(facts: Option<Facts>) -> (Shown, Told<'a>) {
    let nothing = || (Shown::fixed("nothing"), vec![("", Shown::fixed("no row is selected; esc closes this"))]);
    let (title, facts) = facts.unwrap_or_else(nothing);
    (title, Told::Facts(facts))
}

/// How the source is doing and what rests on it.
pub(super) fn source(state: &State, status: &SourceStatus) -> Facts {
    let mut facts = vec![("kind", Shown::fixed(status.kind.name())), ("asked at", status.endpoint.shown())];
    facts.extend(status.identity.clone().map(|identity| ("as", identity)));
    match &status.state {
        SourceState::Live => facts.push(("state", Shown::fixed("live"))),
        SourceState::Connecting { since } => {
            facts.push(("state", shown!("no answer yet, since {}", format::moment(*since, state.now))));
        }
        SourceState::Failed { since, fault } => {
            facts.push(("failed", shown!("{}, since {}", fault.what, format::moment(*since, state.now))));
            facts.push(("do", fault.hint.clone()));
        }
    }
    if let Some(at) = status.sample_at {
        let old = format::age(state.now.since(at));
        facts.push(("newest", shown!("{}, {} old", Shown::of(&at.rfc3339()), old)));
    }
    facts.extend(status.took.map(|took| ("took", shown!("{} for the last round", format::took(took)))));
    facts.extend(format::cost(status).map(|cost| ("costs", cost)));
    facts.push(("gives", gives(state, status)));
    for gap in state.board.gaps.iter().filter(|gap| gap.source == status.id) {
        facts.push(("not seen", shown!("{}; {}", gap.what, gap.hint)));
    }
    (status.id.shown(), facts)
}

/// How many signals of how many components come from it, and in which tiers.
fn gives(state: &State, status: &SourceStatus) -> Shown {
    let (mut signals, mut components, mut tiers) = (0, 0, Vec::new());
    for tier in &state.board.tiers {
        let of = |row: &crate::model::board::ComponentRow| {
            row.signals.iter().filter(|signal| signal.reading.last().is_some_and(|last| is_from(last, status))).count()
        };
        let counts: Vec<usize> = tier.components.iter().map(of).filter(|count| *count > 0).collect();
        signals += counts.iter().sum::<usize>();
        components += counts.len();
        if !counts.is_empty() {
            tiers.push(tier.tier.name());
        }
    }
    if signals == 0 {
        return Shown::fixed("no signal that is on the board now");
    }
    shown!("{} signals of {} components in {}", signals, components, Shown::joined(tiers, ", "))
}

fn is_from(sample: &Sample, status: &SourceStatus) -> bool {
    match &sample.provenance.query {
        Query::Derived { from, .. } => from.iter().any(|part| is_from(part, status)),
        _ => sample.provenance.source == status.id,
    }
}

pub(super) fn change(state: &State, change: &ChangeFact) -> Facts {
    let who = change.who.as_ref().map_or(Shown::fixed("not known"), Raw::shown);
    let at = shown!("{}, {} ago", Shown::of(&change.at.rfc3339()), format::age(state.now.since(change.at)));
    let facts = vec![
        ("what", change.what.clone()),
        ("kind", Shown::fixed(change.kind.word())),
        ("on", change.subject_name()),
        ("who", who),
        ("at", at),
        ("key", change.key.shown()),
    ];
    (Shown::fixed("change"), facts)
}

pub(super) fn alert(state: &State, alert: &AlertRow) -> Facts {
    let on = alert
        .component
        .as_ref()
        .map_or(Shown::fixed("no component of the board"), crate::domain::id::ComponentId::shown);
    let asked = state.sources.iter().find(|source| source.id == alert.source);
    let mut facts = vec![
        ("says", alert.summary.clone()),
        ("state", shown!("{}, {}", alert.word(), alert.severity.word())),
        ("on", shown!("{} {}", rows::alert_subject(&state.board, alert), on)),
        ("since", Shown::of(&alert.since.rfc3339())),
        ("source", alert.source.shown()),
    ];
    facts.extend(asked.map(|source| ("asked at", source.endpoint.shown())));
    facts.extend(alert.runbook.clone().map(|runbook| ("runbook", runbook)));
    facts.push(("key", alert.key.shown()));
    (alert.name.clone(), facts)
}
