//! Operations on the screen: the desk, arming, and the cards and menus that lead to a change.
//!
//! Nothing here sends anything: what an operation asks for leaves as [`Effect::Operation`], and comes back as
//! [`super::message::Message::Operation`].

use std::collections::BTreeMap;
use std::time::Duration;

use super::message::Effect;
use super::{Ask, Overlay, State, rows, typed};
use crate::action::{Action, CardAction, Motion};
use crate::audit::record::history::History;
use crate::domain::id::ComponentId;
use crate::domain::settings::RiskClass;
use crate::domain::text::Shown;
use crate::domain::time::{Human, Stamp};
use crate::input::{Key, KeyName, TextField};
use crate::model::board::SourceKind;
use crate::operation::confirm::Press;
use crate::operation::desk::Desk;
use crate::operation::machine::{self, Event, Machine, Phase};
use crate::operation::policy::{Context, Door, Now, Place, Policy, Who};
use crate::operation::registry::{self, Offer};
use crate::operation::target::{OperationId, Params, Request, Target};
use crate::operation::verb::Verb;
use crate::shown;

/// Without a key for this long production is read-only again.
const IDLE: Duration = Duration::from_secs(300);

/// Operations of this session, and what they may do.
#[derive(Clone, Debug)]
pub struct Operations {
    pub desk: Desk,
    pub place: Place,
    pub policy: Policy,
    /// Who acts at the systems of the environment; `None` until one of them has said so.
    pub who: Option<Who>,
    pub door: Opening,
    /// Why the journal takes no records.
    pub journal: Result<(), Shown>,
    /// Required sinks of the trail that take no records, with why: nothing is sent without them.
    pub untaken: BTreeMap<Shown, Shown>,
    /// What the audit trail tells of earlier sessions and of colleagues.
    pub earlier: History,
    /// Components that an operation makes red, and until when.
    pub expected_red: BTreeMap<OperationId, (Vec<ComponentId>, Stamp)>,
    /// Lines that were typed in this session, newest last.
    pub typed: Vec<String>,
    /// Human time of the last message.
    pub human: Human,
}

/// How production is opened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Opening {
    /// No key opens it: `tierdeck run` confirms by its flags.
    Flags,
    ReadOnly,
    Armed {
        until: Human,
        last_key: Human,
        reason: Shown,
    },
}

impl Operations {
    #[must_use]
    pub fn new(environment: Shown, class: RiskClass, policy: Policy) -> Self {
        Self {
            desk: Desk::default(),
            place: Place { environment, class },
            policy,
            who: None,
            door: Opening::ReadOnly,
            journal: Err(Shown::fixed("the journal is not open yet")),
            untaken: BTreeMap::new(),
            earlier: History::default(),
            expected_red: BTreeMap::new(),
            typed: Vec::new(),
            human: Human::default(),
        }
    }

    /// Whether a required sink takes records, and if not, why.
    pub fn sink(&mut self, name: &Shown, health: Result<(), Shown>) {
        match health {
            Ok(()) => self.untaken.remove(name),
            Err(why) => self.untaken.insert(name.clone(), shown!("required sink {}: {}", name, why)),
        };
    }

    /// How long production stays armed, human time.
    #[must_use]
    pub fn armed_for(&self) -> Option<Duration> {
        match self.door {
            Opening::Armed { until, .. } if until > self.human => Some(until.0.saturating_sub(self.human.0)),
            _ => None,
        }
    }

    /// Whether a component is red because of an operation that runs, and until when.
    #[must_use]
    pub fn expects_red(&self, component: &ComponentId, now: Stamp) -> Option<Stamp> {
        let of_it = self.expected_red.values().filter(|(components, _)| components.contains(component));
        of_it.map(|(_, until)| *until).filter(|until| now < *until).max()
    }
}

/// The card that is open, and what of it is shown.
#[derive(Clone, Debug, PartialEq)]
pub struct Card {
    pub operation: OperationId,
    /// The whole diff, the steps and every guard instead of the summary.
    pub whole: bool,
    pub scroll: usize,
    /// Letters go into the reason.
    pub typing: bool,
}

/// The operations of a component, one of them selected.
#[derive(Clone, Debug, PartialEq)]
pub struct Menu {
    pub target: ComponentId,
    pub selected: Verb,
}

/// What a component offers, available ones first; empty where nothing can be operated.
#[must_use]
pub fn offers(state: &State, target: &ComponentId) -> Vec<Offer> {
    let mut offers = rows::component(&state.board, target).map(|(_, row)| registry::offers(row)).unwrap_or_default();
    offers.sort_by_key(|offer| offer.unavailable.is_some());
    offers
}

/// Opens the action menu of what is selected: a component, or of a tier its worst one that can be operated.
pub fn menu(state: &mut State, selected: Option<ComponentId>) {
    let Some(target) = selected else {
        tell(state, Shown::fixed("nothing here can be operated: select a component"));
        return;
    };
    match offers(state, &target).first() {
        Some(first) => {
            let selected = first.verb;
            state.overlay = Some(Overlay::Menu(Menu { target, selected }));
        }
        None => tell(state, shown!("nothing can be done to {} from here", target.name)),
    }
}

fn tell(state: &mut State, text: Shown) {
    state.notices.push(super::Notice { at: state.now, text });
}

/// Moves the selection of the menu.
pub fn move_menu(state: &mut State, motion: Motion) {
    let Some(Overlay::Menu(menu)) = &state.overlay else { return };
    let offers = offers(state, &menu.target);
    let at = offers.iter().position(|offer| offer.verb == menu.selected).unwrap_or_default();
    let next = super::navigate::moved(at, offers.len(), motion);
    if let (Some(offer), Some(Overlay::Menu(menu))) = (offers.get(next), &mut state.overlay) {
        menu.selected = offer.verb;
    }
}

/// Enter on the menu: opens the card, or asks first for what the operation still needs. It starts nothing.
pub fn choose(state: &mut State) -> Vec<Effect> {
    let Some(Overlay::Menu(menu)) = &state.overlay else { return Vec::new() };
    let offer = offers(state, &menu.target).into_iter().find(|offer| offer.verb == menu.selected);
    let target = rows::component(&state.board, &menu.target).and_then(|(_, row)| Target::of(row));
    let (Some(offer), Some(target)) = (offer, target) else { return Vec::new() };
    if let Some(why) = offer.unavailable {
        tell(state, shown!("{}: {}", offer.verb.name(), why));
        return Vec::new();
    }
    let request = Request::new(offer.verb, target, Params::default());
    if needs_words(offer.verb) {
        let ask = Ask { request, field: TextField::default(), complaint: None };
        state.overlay = Some(Overlay::Ask(Box::new(ask)));
        return Vec::new();
    }
    state.overlay = None;
    vec![opening(state, request)]
}

/// What opens an operation: the shell gives it its identity.
#[must_use]
pub fn opening(state: &State, request: Request) -> Effect {
    let kind = if request.target.engine.is_kubernetes() { SourceKind::Kubernetes } else { SourceKind::Aws };
    let of_kind = state.sources.iter().filter(|source| source.kind == kind);
    let who = of_kind.filter_map(|source| source.identity.clone()).next();
    Effect::Open { request: Box::new(request), who }
}

/// Whom the cluster takes us for, once it has said so.
pub fn know_who(state: &mut State) {
    let clusters = state.sources.iter().filter(|source| source.kind == SourceKind::Kubernetes);
    let told = clusters.filter_map(|source| source.identity.clone()).next();
    state.operations.who = told.map(|name| Who { name, shared: false, expires: None });
}

const fn needs_words(verb: Verb) -> bool {
    matches!(verb, Verb::Scale | Verb::Bounds | Verb::Rollback | Verb::Evict)
}

/// Shows the card of an operation.
pub fn show(state: &mut State, operation: OperationId) {
    state.overlay = Some(Overlay::Card(Card { operation, whole: false, scroll: 0, typing: false }));
}

/// The machine whose card is open.
#[must_use]
pub fn shown_machine(state: &State) -> Option<&Machine> {
    match &state.overlay {
        Some(Overlay::Card(card)) => state.operations.desk.get(&card.operation),
        _ => None,
    }
}

/// Whether letters are text on the card: a token is wanted, or the reason is being typed.
#[must_use]
pub fn takes_letters(state: &State) -> bool {
    let Some(Overlay::Card(card)) = &state.overlay else { return false };
    match state.operations.desk.get(&card.operation).map(|machine| &machine.phase) {
        Some(Phase::Confirming(confirmation)) => card.typing || confirmation.need.token.is_some(),
        _ => false,
    }
}

/// A key on the card that its keymap does not bind, or that is a letter while text is typed.
pub fn card_key(state: &mut State, key: Key) -> Vec<Effect> {
    let press = match key.name {
        KeyName::Char(c) if !key.control && !key.alt => Press::Char(c),
        KeyName::Backspace => Press::Backspace,
        KeyName::Enter => Press::Enter,
        _ => return Vec::new(),
    };
    give(state, Event::Press(press))
}

/// Bracketed paste: into a field that takes it, never into what confirms.
pub fn paste(state: &mut State, text: &str) -> Vec<Effect> {
    match &mut state.overlay {
        Some(Overlay::Card(_)) => return give(state, Event::Press(Press::Paste(text.to_owned()))),
        Some(Overlay::Ask(ask)) => ask.field.paste(text),
        Some(Overlay::Command(command)) => command.field.paste(text),
        _ => {}
    }
    Vec::new()
}

/// What a key of the card's keymap means.
pub fn card_action(state: &mut State, action: Action) -> Vec<Effect> {
    let Some(Overlay::Card(card)) = &mut state.overlay else { return Vec::new() };
    match action {
        Action::Card(CardAction::Fire) => give(state, Event::Press(Press::Fire)),
        Action::NextTab => {
            let moves = card.typing;
            card.typing = true;
            if moves || has_token(state) { give(state, Event::Press(Press::Tab)) } else { Vec::new() }
        }
        Action::Card(CardAction::Whole) => {
            card.whole = !card.whole;
            card.scroll = 0;
            Vec::new()
        }
        Action::Card(CardAction::BreakGlass) => give(state, Event::BreakGlass),
        Action::Card(CardAction::Stop) => give(state, Event::Cancel),
        Action::Refresh => give(state, Event::Replan),
        Action::Card(CardAction::SuspendOwner) => {
            choose_anew(state, |params| params.suspend_owner = !params.suspend_owner)
        }
        Action::Card(CardAction::AcceptLoss) => accept_loss(state),
        Action::Command => {
            typed::on_card(state);
            Vec::new()
        }
        Action::Card(CardAction::BackOut) => {
            let request = shown_machine(state).and_then(Machine::backout);
            request.map(|request| opening(state, request)).into_iter().collect()
        }
        Action::Card(CardAction::Copy) => {
            let plan = shown_machine(state).and_then(|machine| machine.card.as_ref());
            let commands = plan.map(|card| {
                card.plan.steps.iter().map(|step| step.command.as_str().to_owned()).collect::<Vec<_>>().join("\n")
            });
            commands.map(Effect::Copy).into_iter().collect()
        }
        Action::Back => leave(state),
        _ => Vec::new(),
    }
}

fn has_token(state: &State) -> bool {
    let phase = shown_machine(state).map(|machine| &machine.phase);
    matches!(phase, Some(Phase::Confirming(confirmation)) if confirmation.need.token.is_some())
}

/// Plans anew with the loss acknowledged, which has to be typed then, or not any more. Where nothing is lost nothing can
/// be acknowledged.
fn accept_loss(state: &mut State) -> Vec<Effect> {
    let Some(machine) = shown_machine(state) else { return Vec::new() };
    let blocks = machine.card.as_ref().is_some_and(|card| card.report.loss_to_acknowledge());
    if !blocks && !machine.request.params.accept_loss {
        return Vec::new();
    }
    choose_anew(state, |params| params.accept_loss = !params.accept_loss)
}

/// Plans anew with what was chosen.
fn choose_anew(state: &mut State, choose: impl FnOnce(&mut Params)) -> Vec<Effect> {
    let Some(machine) = shown_machine(state) else { return Vec::new() };
    let mut params = machine.request.params.clone();
    choose(&mut params);
    let Params { suspend_owner, accept_loss, .. } = params;
    give(state, Event::Choose { suspend_owner, accept_loss })
}

/// Esc: leaves the card. What runs goes on; what was not confirmed ends, and nothing runs.
fn leave(state: &mut State) -> Vec<Effect> {
    let Some(machine) = shown_machine(state) else {
        state.overlay = None;
        return Vec::new();
    };
    let (id, runs) = (machine.id.clone(), machine.has_begun() || machine.is_over());
    let effects = if runs { Vec::new() } else { give(state, Event::Cancel) };
    state.operations.desk.close(&id);
    state.overlay = None;
    effects
}

fn give(state: &mut State, event: Event) -> Vec<Effect> {
    let Some(Overlay::Card(card)) = &state.overlay else { return Vec::new() };
    let id = card.operation.clone();
    handle(state, &id, event)
}

/// Opens a card for a request.
pub fn open(state: &mut State, id: OperationId, request: Request) -> Vec<Effect> {
    let effects = with_desk(state, |desk, context| desk.open(&id, request, context));
    show(state, id);
    effects
}

/// Gives an event to an operation.
pub fn handle(state: &mut State, id: &OperationId, event: Event) -> Vec<Effect> {
    with_desk(state, |desk, context| desk.handle(id, event, context))
}

/// The clock moved on.
pub fn tick(state: &mut State) -> Vec<Effect> {
    let mut effects = disarm_when_due(state);
    effects.extend(with_desk(state, |desk, context| desk.broadcast(&Event::Tick, context)));
    effects
}

/// The terminal is gone: what has begun goes on without it.
pub fn detached(state: &mut State) -> Vec<Effect> {
    with_desk(state, |desk, context| desk.broadcast(&Event::Detached, context))
}

fn with_desk(state: &mut State, call: impl FnOnce(&mut Desk, &Context<'_>) -> Vec<machine::Effect>) -> Vec<Effect> {
    let mut desk = std::mem::take(&mut state.operations.desk);
    let operations = &state.operations;
    let door = match operations.door {
        Opening::Flags => Door::Headless,
        Opening::ReadOnly => Door::Keys { armed_until: None },
        Opening::Armed { until, .. } => Door::Keys { armed_until: Some(until) },
    };
    let context = Context {
        now: Now { world: state.now, human: operations.human },
        board: &state.board,
        sources: &state.sources,
        place: &operations.place,
        policy: &operations.policy,
        who: operations.who.as_ref(),
        door,
        journal: match operations.untaken.values().next() {
            Some(why) if operations.journal.is_ok() => Err(why),
            _ => operations.journal.as_ref().copied(),
        },
    };
    let asked = call(&mut desk, &context);
    state.operations.desk = desk;
    asked.into_iter().filter_map(|effect| keep(state, effect)).collect()
}

/// What the state does itself of what an operation asks; the rest goes to the shell.
fn keep(state: &mut State, effect: machine::Effect) -> Option<Effect> {
    match effect {
        machine::Effect::Arm { period, .. } => {
            return Some(arm(state, period, Shown::fixed("armed by a change that makes it safer")));
        }
        machine::Effect::ExpectRed { operation, components, until } => {
            state.operations.expected_red.insert(operation, (components, until));
        }
        machine::Effect::ExpectedRedOver { operation } => {
            state.operations.expected_red.remove(&operation);
        }
        other => return Some(Effect::Operation(Box::new(other))),
    }
    None
}

/// Opens production for a period of human time.
pub fn arm(state: &mut State, period: Duration, reason: Shown) -> Effect {
    let now = state.operations.human;
    state.operations.door = Opening::Armed { until: Human(now.0 + period), last_key: now, reason: reason.clone() };
    Effect::Armed { period, reason }
}

/// A key was pressed: production does not fall asleep.
pub fn awake(state: &mut State) {
    let now = state.operations.human;
    if let Opening::Armed { last_key, .. } = &mut state.operations.door {
        *last_key = now;
    }
}

/// Production is read-only again.
pub fn disarm(state: &mut State, why: &'static str) -> Vec<Effect> {
    if !matches!(state.operations.door, Opening::Armed { .. }) {
        return Vec::new();
    }
    state.operations.door = Opening::ReadOnly;
    vec![Effect::Disarmed { why }]
}

fn disarm_when_due(state: &mut State) -> Vec<Effect> {
    let now = state.operations.human;
    match state.operations.door {
        Opening::Armed { until, .. } if now >= until => disarm(state, "the time is over"),
        Opening::Armed { last_key, .. } if now.0.saturating_sub(last_key.0) >= IDLE => disarm(state, "idle"),
        _ => Vec::new(),
    }
}
