//! The foot of a card: what is typed, what is still missing, and what the machine says to a press that did not count.

use super::lines::{Line, blank, length};
use crate::action::{Action, CardAction};
use crate::domain::text::Shown;
use crate::operation::confirm::{Confirmation, DWELL, Field};
use crate::operation::guard::Report;
use crate::operation::machine::{Machine, Phase, Sending};
use crate::shown;
use crate::state::{Card, State};
use crate::theme::Role;
use crate::ui::canvas::{Ink, Piece, cut_middle, width};
use crate::ui::format;

/// The lines at the foot, never none.
pub fn lines(state: &State, machine: &Machine, card: &Card, columns: u16) -> Vec<Line> {
    let mut lines = match &machine.phase {
        Phase::Confirming(confirmation) => confirming(state, machine, card, confirmation, columns),
        other => vec![vec![Piece::new(shown!(" {}", waiting(state, machine, other)), Role::Dim)]],
    };
    if let Some(notice) = machine.notice.as_ref().filter(|_| !machine.is_over()) {
        lines.push(vec![Piece::new(" ! ", Ink::bold(Role::Warn)), Piece::new(notice, Ink::bold(Role::Warn))]);
    }
    lines
}

/// What can be done while nothing is confirmed.
fn waiting(state: &State, machine: &Machine, phase: &Phase) -> Shown {
    let stop = key(state, Action::Card(CardAction::Stop), "^X");
    match phase {
        Phase::Draft | Phase::Gathering => Shown::fixed("nothing can be fired before everything is read"),
        Phase::Guarded { expired: true } => {
            shown!("nothing can be fired: {} plans it again", key(state, Action::Refresh, "r"))
        }
        Phase::Guarded { expired: false } => {
            let again = key(state, Action::Refresh, "r");
            let would = |helps: fn(&Report) -> bool| machine.card.as_ref().is_some_and(|card| helps(&card.report));
            match () {
                () if would(Report::loss_to_acknowledge) => shown!(
                    "nothing can be fired   {} acknowledge the loss (name, words, reason: typed)",
                    key(state, Action::Card(CardAction::AcceptLoss), "l")
                ),
                () if would(Report::glass_would_help) => shown!(
                    "nothing can be fired   {} break glass (name, phrase, reason, 10 s; reviewed)",
                    key(state, Action::Card(CardAction::BreakGlass), "!")
                ),
                () => shown!("nothing can be fired, and breaking the glass would not help   {} plan again", again),
            }
        }
        Phase::Locking | Phase::Rechecking => Shown::fixed("nothing is sent yet; leaving ends it"),
        Phase::Executing { state: Sending::Again { .. }, .. } => shown!("{} stops it here; leaving does not", stop),
        Phase::Executing { .. } => shown!("{} stops it after the step under way; leaving does not", stop),
        Phase::Verifying(_) => Shown::fixed("everything is sent: it is only watched, also when the card is left"),
        Phase::Done(_) => match machine.backout() {
            Some(back) => {
                let key = key(state, Action::Card(CardAction::BackOut), "u");
                let words = if back.is_way_back() { "backs out" } else { back.verb.name() };
                shown!("{} {}: another card, nothing runs yet", key, words)
            }
            None => Shown::fixed("it is over"),
        },
        Phase::Confirming(_) => Shown::default(),
    }
}

/// The key of an action as the live keymap's hints name it.
pub fn key(state: &State, action: Action, usual: &'static str) -> Shown {
    state.hints.iter().find(|hint| hint.action == Some(action)).map_or(Shown::fixed(usual), |hint| hint.key.clone())
}

fn confirming(state: &State, machine: &Machine, card: &Card, confirmation: &Confirmation, columns: u16) -> Vec<Line> {
    let mut lines = Vec::new();
    let on = |field| confirmation.field == field;
    if let Some(token) = &confirmation.need.token {
        let typing = on(Field::Token);
        lines.push(typed("type to confirm: ", token.as_str(), &confirmation.token, typing));
    }
    if let Some(phrase) = confirmation.need.phrase {
        lines.push(typed("then type: ", phrase, &confirmation.phrase, on(Field::Phrase)));
    }
    let writes = on(Field::Reason) && (card.typing || confirmation.need.reason);
    if writes || confirmation.need.reason || !confirmation.reason.is_empty() {
        lines.push(reason(confirmation, writes, columns));
    }
    let missing = missing(state, machine, confirmation);
    let fire = key(state, Action::Card(CardAction::Fire), "^G");
    let verb = Shown::fixed(machine.request.verb.name());
    let mut line = match missing.is_empty() {
        true => {
            let arms = confirmation.need.arms && state.operations.armed_for().is_none();
            let arms = if arms { "   arms production for 15 min" } else { "" };
            vec![Piece::new(shown!(" [ {} ] {} now", fire, verb), Ink::bold(Role::Accent)), Piece::new(arms, Role::Dim)]
        }
        false => vec![
            Piece::new(shown!(" [ {} ] {}", fire, verb), Role::Faint),
            Piece::new("   still needed: ", Role::Dim),
            Piece::new(Shown::joined(missing.iter(), " · "), Ink::bold(Role::Warn)),
        ],
    };
    let who =
        state.operations.who.as_ref().map_or(Shown::fixed("who acts is not known"), |who| shown!("as {}", who.name));
    let gap = columns.saturating_sub(length(&line) + width(&who) + 1);
    if gap >= 3 {
        line.push(Piece::new(blank(gap), Role::Dim));
        line.push(Piece::new(who, Role::Dim));
    }
    lines.push(line);
    lines
}

/// What is wanted, and how much of it is typed: the right part, what is wrong from there on, the cursor.
fn typed(label: &'static str, wanted: &str, typed: &str, here: bool) -> Line {
    let right = wanted.chars().zip(typed.chars()).take_while(|(a, b)| a == b).count();
    let part = |skip: usize, take: usize| Shown::of(&typed.chars().skip(skip).take(take).collect::<String>());
    let done = wanted == typed;
    let mut line = vec![
        Piece::new(shown!(" {}", label), if here { Role::Text } else { Role::Dim }),
        Piece::new(Shown::of(wanted), Ink::bold(if done { Role::Dim } else { Role::Text })),
        Piece::new("  ", Role::Dim),
        Piece::new(part(0, right), Ink::bold(Role::Ok)),
        Piece::new(part(right, 60), Ink::bold(Role::Crit)),
    ];
    if here {
        line.push(Piece::new("▌", Role::Accent));
    }
    let wrong = typed.chars().count() > right;
    let words = if done {
        " +"
    } else if wrong {
        "  x not what is wanted: backspace"
    } else {
        ""
    };
    line.push(Piece::new(words, if done { Role::Ok } else { Role::Crit }));
    line
}

fn reason(confirmation: &Confirmation, here: bool, columns: u16) -> Line {
    let text = Shown::of(&confirmation.reason);
    let text = cut_middle(text.as_str(), usize::from(columns.saturating_sub(24)));
    let label = if confirmation.need.reason { " reason or ticket: " } else { " reason: " };
    let mut line =
        vec![Piece::new(label, if here { Role::Text } else { Role::Dim }), Piece::new(text, Ink::bold(Role::Text))];
    if here {
        line.push(Piece::new("▌", Role::Accent));
    }
    line
}

/// Everything that still stands between the card and the first byte.
fn missing(state: &State, machine: &Machine, confirmation: &Confirmation) -> Vec<Shown> {
    let operations = &state.operations;
    let need = &confirmation.need;
    let armed = operations.armed_for().is_some();
    let open = operations.human.0.saturating_sub(confirmation.opened.0);
    let mut missing = Vec::new();
    if machine.card.as_ref().is_none_or(|card| !card.report.blocks().is_empty()) {
        missing.push(Shown::fixed("a guard blocks"));
    }
    if need.armed && !armed {
        missing.push(shown!("arming ({})", key(state, Action::Command, ":")));
    }
    if need.token.as_ref().is_some_and(|token| token.as_str() != confirmation.token) {
        missing.push(Shown::fixed("the name"));
    }
    let tab = key(state, Action::NextTab, "tab");
    if need.phrase.is_some_and(|phrase| phrase != confirmation.phrase) {
        missing.push(shown!("the phrase ({})", tab));
    }
    if need.reason && confirmation.reason.trim().is_empty() {
        missing.push(shown!("a reason ({})", tab));
    }
    if need.wait > DWELL && open < need.wait {
        missing.push(format::span(need.wait - open));
    }
    if need.approval && confirmation.approved_by.is_none() && open < operations.policy.alone {
        missing.push(shown!("an approval, or {} alone", format::span(operations.policy.alone - open)));
    }
    missing
}
