//! The keys that matter now, the most likely first, in the words of the live keymap.

use super::operations::{shown_machine, takes_letters};
use super::{Hint, Overlay, State};
use crate::action::{Action, CardAction, Page};
use crate::domain::text::Shown;
use crate::input::{Context, Keymap};
use crate::operation::machine::{Machine, Phase};

/// An action without a key that works now is left out.
#[must_use]
pub fn hints(state: &State, context: Context, keymap: &Keymap) -> Vec<Hint> {
    let typed = |key: &'static str, words| Hint { action: None, key: Shown::fixed(key), words };
    let wanted: Vec<(Action, &'static str)> = match &state.overlay {
        // What is typed takes every other key.
        Some(Overlay::Ask(_)) => {
            return vec![typed("enter", "plan: starts nothing"), typed("esc", "leave")];
        }
        Some(Overlay::Command(_)) => {
            return vec![typed("enter", "plan, or arm"), typed("esc", "leave")];
        }
        Some(Overlay::Card(card)) => on_card(state, shown_machine(state), card.whole),
        _ => likely(context).iter().map(|action| (*action, action.doc())).collect(),
    };
    let letters = takes_letters(state);
    let key = |action| match context {
        Context::Card => card_key(keymap, action, letters),
        _ => keymap.keys_for(context, action),
    };
    let hint = |(action, words)| Some(Hint { action: Some(action), key: Shown::of(&key(action)?), words });
    wanted.into_iter().filter_map(hint).collect()
}

/// The first key of an action on a card; while letters are text, the first that is none.
fn card_key(keymap: &Keymap, action: Action, letters: bool) -> Option<String> {
    let bound = keymap.rows().filter(|(context, _, of)| *context == Context::Card && *of == action);
    let mut keys = bound.map(|(_, keys, _)| keys);
    keys.find(|keys| !letters || keys.chars().count() > 1)
}

/// The keys that matter in a context, the most likely first.
const fn likely(context: Context) -> &'static [Action] {
    match context {
        Context::Overlay => &[Action::Back],
        Context::Menu => &[Action::Open, Action::Back],
        Context::Operations => &[Action::Open, Action::Command, Action::Show(Page::Board), Action::Back, Action::Help],
        Context::Board => &[
            Action::Open,
            Action::Operate,
            Action::Show(Page::Topology),
            Action::Explain,
            Action::Show(Page::Changes),
            Action::Show(Page::Operations),
            Action::Help,
            Action::Quit,
        ],
        Context::Topology => &[
            Action::Open,
            Action::Operate,
            Action::ZoomIn,
            Action::ZoomOut,
            Action::Explain,
            Action::Back,
            Action::Help,
        ],
        Context::Component => &[
            Action::NextTab,
            Action::Operate,
            Action::NextSignal,
            Action::Range,
            Action::Explain,
            Action::Back,
            Action::Help,
        ],
        Context::Rollouts | Context::Databases => &[
            Action::Open,
            Action::Operate,
            Action::Explain,
            Action::Filter,
            Action::Show(Page::Changes),
            Action::Show(Page::Operations),
            Action::Back,
            Action::Help,
        ],
        Context::Trail => &[Action::Open, Action::Filter, Action::Refresh, Action::Back, Action::Help],
        Context::Tier => &[Action::Open, Action::Operate, Action::Explain, Action::Filter, Action::Back, Action::Help],
        _ => &[Action::Open, Action::Explain, Action::Filter, Action::Back, Action::Help],
    }
}

/// What can be pressed on a card in its phase.
fn on_card(state: &State, machine: Option<&Machine>, whole: bool) -> Vec<(Action, &'static str)> {
    let Some(machine) = machine else { return vec![(Action::Back, "close")] };
    let card = |action: CardAction| (Action::Card(action), Action::Card(action).doc());
    let planned = machine.card.as_ref();
    let reverts = planned.and_then(|card| card.sheet.owner()).is_some_and(|owner| !owner.suspended);
    let mut keys = Vec::new();
    let leave = match &machine.phase {
        Phase::Confirming(confirmation) => {
            keys.push(card(CardAction::Fire));
            if confirmation.need.armed && state.operations.armed_for().is_none() {
                keys.push((Action::Command, "arm"));
            }
            keys.push((Action::NextTab, if confirmation.need.phrase.is_some() { "next field" } else { "reason" }));
            if machine.request.params.accept_loss {
                keys.push((Action::Card(CardAction::AcceptLoss), "accept no loss"));
            }
            "nothing runs"
        }
        Phase::Guarded { .. } => {
            if planned.is_some_and(|card| card.report.loss_to_acknowledge()) {
                keys.push(card(CardAction::AcceptLoss));
            }
            if planned.is_some_and(|card| card.report.glass_would_help()) {
                keys.push(card(CardAction::BreakGlass));
            }
            keys.push((Action::Refresh, "plan again"));
            "nothing runs"
        }
        Phase::Draft | Phase::Gathering | Phase::Locking | Phase::Rechecking => "nothing runs",
        Phase::Executing { .. } => {
            keys.push((Action::Card(CardAction::Stop), "stop"));
            "leave it running"
        }
        Phase::Verifying(_) => "leave it running",
        Phase::Done(_) => {
            if let Some(back) = machine.backout() {
                keys.push((
                    Action::Card(CardAction::BackOut),
                    if back.is_way_back() { "back out" } else { back.verb.name() },
                ));
            }
            "close"
        }
    };
    let open = matches!(machine.phase, Phase::Confirming(_) | Phase::Guarded { .. });
    keys.push((Action::Back, leave));
    if open && reverts {
        let on = machine.request.params.suspend_owner;
        keys.push((Action::Card(CardAction::SuspendOwner), if on { "leave sync on" } else { "suspend sync first" }));
    }
    if planned.is_some() {
        keys.push((Action::Card(CardAction::Whole), if whole { "summary" } else { "everything" }));
        keys.push(card(CardAction::Copy));
    }
    keys
}
