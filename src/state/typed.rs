//! Lines that are typed: a command, and what an operation still needs. Enter arms or plans; it starts nothing.

use std::time::Duration;

use super::message::Effect;
use super::operations::{arm, disarm, opening};
use super::{Overlay, State};
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

/// A line that is typed: `arm 15m REASON`, `disarm`, or an operation with its target.
#[derive(Clone, Debug, Default)]
pub struct Command {
    pub field: TextField,
    pub complaint: Option<Shown>,
}

impl PartialEq for Command {
    fn eq(&self, other: &Self) -> bool {
        self.field.text() == other.field.text() && self.complaint == other.complaint
    }
}

/// A key while a command is typed. Enter arms or plans: it starts nothing.
pub fn command_key(state: &mut State, key: Key) -> Vec<Effect> {
    let Some(Overlay::Command(command)) = &mut state.overlay else { return Vec::new() };
    match key.name {
        KeyName::Escape => state.overlay = None,
        KeyName::Enter => {
            let text = command.field.text().to_owned();
            match run_command(state, &text) {
                Ok(effects) => {
                    if matches!(state.overlay, Some(Overlay::Command(_))) {
                        state.overlay = None;
                    }
                    return effects;
                }
                Err(complaint) => {
                    if let Some(Overlay::Command(command)) = &mut state.overlay {
                        command.complaint = Some(complaint);
                    }
                }
            }
        }
        _ => {
            command.complaint = None;
            command.field.key(key);
        }
    }
    Vec::new()
}

fn run_command(state: &mut State, text: &str) -> Result<Vec<Effect>, Shown> {
    let (word, rest) = text.trim().split_once(' ').unwrap_or((text.trim(), ""));
    match word {
        "" => Ok(Vec::new()),
        "arm" => {
            let (span, reason) = rest.trim().split_once(' ').unwrap_or((rest.trim(), ""));
            let minutes = span.strip_suffix('m').and_then(|minutes| minutes.parse::<u64>().ok());
            match minutes.filter(|minutes| (1..=60).contains(minutes)) {
                Some(minutes) if !reason.trim().is_empty() => {
                    Ok(vec![arm(state, Duration::from_secs(minutes * 60), Shown::of(reason.trim()))])
                }
                Some(_) => Err(Shown::fixed("why? arm 15m REASON")),
                None => Err(Shown::fixed("for how long, 1 to 60 minutes? arm 15m REASON")),
            }
        }
        "disarm" => Ok(disarm(state, "by hand")),
        _ => request(state, word, rest).map(|request| vec![opening(state, request)]),
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
