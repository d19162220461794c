//! Lines that are typed: a command, and what an operation still needs. Enter arms or plans; it starts nothing.

use std::time::Duration;

use super::message::Effect;
use super::operations::{arm, disarm, opening};
use super::palette::{self, Suggestion};
use super::{Card, Overlay, State};
use crate::action::Action;
use crate::domain::id::ComponentId;
use crate::domain::text::{Raw, Shown};
use crate::input::{Key, KeyName, TextField};
use crate::model::board::Board;
use crate::operation::registry::{self, Unclear};
use crate::operation::target::{Params, Request, Target};
use crate::operation::verb::Verb;
use crate::shown;

/// What an operation still needs, typed on one line.
#[derive(Clone, Debug)]
pub struct Ask {
    pub request: Request,
    pub field: TextField,
    /// Why what was typed cannot be meant.
    pub complaint: Option<Shown>,
}

impl PartialEq for Ask {
    fn eq(&self, other: &Self) -> bool {
        self.request == other.request && self.field.text() == other.field.text() && self.complaint == other.complaint
    }
}

/// A line that is typed: `arm 15m REASON`, `disarm`, `resolve ID OUTCOME REASON`, an operation with its target, a page,
/// `open NAME`.
#[derive(Clone, Debug, Default)]
pub struct Command {
    pub field: TextField,
    pub complaint: Option<Complaint>,
    /// The card over which it is typed; it is there again when the line is done.
    pub over: Option<Card>,
    /// What was typed before Tab took a suggestion, and which one it took.
    pub stem: Option<(String, usize)>,
    /// Which line of the history is shown, from the newest, and what was typed before.
    pub recalled: Option<(usize, String)>,
}

/// Why a line cannot be meant, and which of its words, counted from 0.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Complaint {
    pub word: usize,
    pub text: Shown,
}

impl PartialEq for Command {
    fn eq(&self, other: &Self) -> bool {
        let rest = |of: &Self| (of.complaint.clone(), of.over.clone(), of.stem.clone(), of.recalled.clone());
        self.field.text() == other.field.text() && rest(self) == rest(other)
    }
}

impl Command {
    /// What is suggested now: for what was typed by hand.
    #[must_use]
    pub fn suggestions(&self, state: &State) -> Vec<Suggestion> {
        palette::suggestions(state, self.stem.as_ref().map_or(self.field.text(), |(stem, _)| stem))
    }
}

/// Lines that are remembered.
const REMEMBERED: usize = 50;

/// Opens the line over the card that is shown, begun with what is most likely missing there.
pub fn on_card(state: &mut State) {
    let Some(Overlay::Card(card)) = &state.overlay else { return };
    let mut command = Command { over: Some(card.clone()), ..Command::default() };
    if state.operations.armed_for().is_none() {
        command.field.paste("arm 15m ");
    }
    state.overlay = Some(Overlay::Command(Box::new(command)));
}

/// What a key on the line leads to.
#[derive(Debug)]
pub enum Said {
    Effects(Vec<Effect>),
    /// The line is done and means this.
    Act(Action),
}

/// A key while a command is typed. Enter arms, plans or goes somewhere: it starts nothing.
pub fn command_key(state: &mut State, key: Key) -> Said {
    let Some(Overlay::Command(command)) = &mut state.overlay else { return Said::Effects(Vec::new()) };
    match key.name {
        KeyName::Escape => state.overlay = command.over.take().map(Overlay::Card),
        KeyName::Char('c') if key.control => state.overlay = command.over.take().map(Overlay::Card),
        KeyName::Enter => return enter(state),
        KeyName::Tab => complete(state, 1),
        KeyName::BackTab => complete(state, -1),
        KeyName::Up => recall(state, true),
        KeyName::Down => recall(state, false),
        _ => {
            (command.complaint, command.stem, command.recalled) = (None, None, None);
            command.field.key(key);
        }
    }
    Said::Effects(Vec::new())
}

fn enter(state: &mut State) -> Said {
    let Some(Overlay::Command(command)) = &mut state.overlay else { return Said::Effects(Vec::new()) };
    let text = command.field.text().to_owned();
    let over = command.over.clone();
    match run_command(state, &text) {
        Ok(said) => {
            remember(state, &text);
            state.overlay = over.map(Overlay::Card);
            said
        }
        Err(text_of) => {
            let word = palette::wrong_word(state, &text);
            if let Some(Overlay::Command(command)) = &mut state.overlay {
                command.complaint = Some(Complaint { word, text: text_of });
            }
            Said::Effects(Vec::new())
        }
    }
}

/// Takes a suggestion; again, the next one. One that stands alone is done with, so that the next word is completed next.
fn complete(state: &mut State, by: isize) {
    let Some(Overlay::Command(command)) = &state.overlay else { return };
    let found = command.suggestions(state);
    let stem = command.stem.clone();
    let Some(Overlay::Command(command)) = &mut state.overlay else { return };
    let (typed, at) = match stem {
        Some((typed, at)) => (typed, at.saturating_add_signed(by + isize::try_from(found.len()).unwrap_or_default())),
        None => (command.field.text().to_owned(), if by < 0 { found.len().saturating_sub(1) } else { 0 }),
    };
    let Some(at) = at.checked_rem(found.len()) else { return };
    if let Some(suggestion) = found.get(at) {
        command.field.set(&suggestion.line);
        (command.complaint, command.recalled) = (None, None);
        command.stem = (found.len() > 1).then_some((typed, at));
    }
}

/// Shows an older line of this session, or a newer one, and at last what was typed before.
fn recall(state: &mut State, older: bool) {
    let history = &state.operations.typed;
    let Some(Overlay::Command(command)) = &mut state.overlay else { return };
    let (at, typed) = match (&command.recalled, older) {
        (None, true) => (Some(0), command.field.text().to_owned()),
        (None, false) => return,
        (Some((at, typed)), true) => (Some((at + 1).min(history.len().saturating_sub(1))), typed.clone()),
        (Some((at, typed)), false) => (at.checked_sub(1), typed.clone()),
    };
    let line = at.map_or(Some(&typed), |at| history.iter().rev().nth(at));
    let Some(line) = line else { return };
    command.field.set(line);
    command.recalled = at.map(|at| (at, typed));
    (command.complaint, command.stem) = (None, None);
}

/// Keeps a line for this session. A reason is free text, in which a secret may stand: it is not kept.
fn remember(state: &mut State, text: &str) {
    let mut words = text.split_whitespace();
    let line = match (words.next(), words.next()) {
        (None, _) => return,
        (Some("arm"), Some(span)) => format!("arm {span} "),
        _ => text.trim().to_owned(),
    };
    let history = &mut state.operations.typed;
    history.retain(|known| *known != line);
    history.push(line);
    let excess = history.len().saturating_sub(REMEMBERED);
    history.drain(..excess);
}

/// `15m`, 1 to 60.
pub(super) fn minutes(span: &str) -> Option<u64> {
    let minutes = span.strip_suffix('m').and_then(|minutes| minutes.parse::<u64>().ok());
    minutes.filter(|minutes| (1..=60).contains(minutes))
}

fn run_command(state: &mut State, text: &str) -> Result<Said, Shown> {
    let (word, rest) = text.trim().split_once(' ').unwrap_or((text.trim(), ""));
    let effects = |effects| Ok(Said::Effects(effects));
    match word {
        "" => effects(Vec::new()),
        "arm" => {
            let (span, reason) = rest.trim().split_once(' ').unwrap_or((rest.trim(), ""));
            match minutes(span) {
                Some(minutes) if !reason.trim().is_empty() => {
                    effects(vec![arm(state, Duration::from_secs(minutes * 60), Shown::of(reason.trim()))])
                }
                Some(_) => Err(Shown::fixed("why? arm 15m REASON")),
                None => Err(Shown::fixed("for how long, 1 to 60 minutes? arm 15m REASON")),
            }
        }
        "disarm" => effects(disarm(state, "by hand")),
        "resolve" => super::earlier::resolve(state, rest).map(Said::Effects),
        "open" => {
            let component = named(state, rest.trim())?;
            super::navigate::go_to(state, component);
            effects(Vec::new())
        }
        _ => match palette::typed_action(word).filter(|_| rest.trim().is_empty()) {
            Some(action) => Ok(Said::Act(action)),
            None => request(state, word, rest).map(|request| Said::Effects(vec![opening(state, request)])),
        },
    }
}

/// The component of that name, whatever it is.
fn named(state: &State, name: &str) -> Result<ComponentId, Shown> {
    let rows = state.board.tiers.iter().flat_map(|tier| &tier.components);
    let is = |id: &ComponentId| {
        let (scope, own) = (id.scope.as_str(), id.name.as_str());
        name == own || name == format!("{scope}/{own}") || name == format!("{}/{scope}/{own}", id.kind.name())
    };
    let found: Vec<&ComponentId> = rows.map(|row| &row.id).filter(|id| is(id)).collect();
    match found.as_slice() {
        [one] => Ok((*one).clone()),
        [] => Err(shown!("nothing is called {}", Raw::new(name))),
        several => {
            Err(shown!("{} may be {}", Raw::new(name), Shown::joined(several.iter().map(|id| id.shown()), ", ")))
        }
    }
}

fn request(state: &State, word: &str, rest: &str) -> Result<Request, Shown> {
    let (target, parameters) = rest.trim().split_once(' ').unwrap_or((rest.trim(), ""));
    let order = Order::read(word, target, parameters)?;
    order.request(&state.board).map_err(|unclear| unclear.sentence())
}

/// An operation as it is typed, on the `:` line and after `tierdeck run`: `abort orders`, `scale shop/orders 12`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Order {
    pub verb: Verb,
    /// A name, which the board may or may not know.
    pub target: String,
    pub params: Params,
}

impl Order {
    /// Reads its three parts.
    ///
    /// # Errors
    /// What is expected instead.
    pub fn read(word: &str, target: &str, parameters: &str) -> Result<Self, Shown> {
        let verb = Verb::parse(word).ok_or_else(|| shown!("{} is no command; see the menu (a)", Raw::new(word)))?;
        if target.is_empty() {
            return Err(shown!("{} what? Its name is needed", verb.name()));
        }
        Ok(Self { verb, target: target.to_owned(), params: params(verb, parameters)? })
    }

    /// What it means on a board.
    ///
    /// # Errors
    /// The target is not exactly one component that the verb applies to.
    pub fn request(&self, board: &Board) -> Result<Request, Unclear> {
        let row = registry::find(board, self.verb, &self.target)?;
        let target = Target::of(row).ok_or_else(|| Unclear {
            what: shown!("nothing can be done to {}", row.id.shown()),
            candidates: Vec::new(),
            is_ambiguous: false,
        })?;
        Ok(Request::new(self.verb, target, self.params.clone()))
    }
}

/// A key while parameters are typed. Enter plans: it starts nothing.
pub fn ask_key(state: &mut State, key: Key) -> Vec<Effect> {
    let Some(Overlay::Ask(ask)) = &mut state.overlay else { return Vec::new() };
    match key.name {
        KeyName::Escape => state.overlay = None,
        KeyName::Enter => match params(ask.request.verb, ask.field.text()) {
            Ok(params) => {
                let request = Request { params, ..ask.request.clone() };
                state.overlay = None;
                return vec![opening(state, request)];
            }
            Err(complaint) => ask.complaint = Some(complaint),
        },
        _ => {
            ask.complaint = None;
            ask.field.key(key);
        }
    }
    Vec::new()
}

/// What was typed for an operation, as the palette and the question below the menu take it.
///
/// # Errors
/// What is expected instead.
pub fn params(verb: Verb, text: &str) -> Result<Params, Shown> {
    let text = text.trim();
    let number = |text: &str| text.trim().parse::<u32>().ok();
    let named = (!text.is_empty()).then(|| Raw::new(text));
    match verb {
        Verb::Scale => match number(text) {
            Some(replicas) => Ok(Params { replicas: Some(replicas), ..Params::default() }),
            None => Err(Shown::fixed("a whole number is needed: how many instances")),
        },
        Verb::Bounds => {
            let mut words = text.split_whitespace();
            let bounds = words.next().and_then(number).zip(words.next().and_then(number));
            match (bounds.filter(|(low, high)| low <= high), words.next()) {
                (Some(bounds), None) => Ok(Params { bounds: Some(bounds), ..Params::default() }),
                _ => Err(Shown::fixed("two whole numbers are needed: the lowest and the highest")),
            }
        }
        Verb::Rollback => Ok(Params { revision: named, ..Params::default() }),
        Verb::Failover => Ok(Params { to: named, ..Params::default() }),
        Verb::Evict if named.is_none() => Err(Shown::fixed("the name of a pod is needed")),
        Verb::Evict => Ok(Params { pod: named, ..Params::default() }),
        _ if named.is_some() => Err(shown!("{} takes nothing more", verb.name())),
        _ => Ok(Params::default()),
    }
}
