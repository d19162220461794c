//! Operations gathered from their records, for lists: a fold without input or output.

use std::collections::{BTreeMap, BTreeSet};

use super::{ActionId, Class, Event, Line, Outcome, StreamId, Target, Text};
use crate::domain::time::Stamp;

/// How far an operation has come, by its records.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    /// Planned or confirmed; nothing was sent.
    Planned,
    /// Refused or given up before anything was sent.
    Denied,
    /// Sent, and the session that watches it is alive.
    InFlight,
    /// A request may have been sent and no answer is known: its session is gone, or said so.
    InDoubt,
    /// Every request was answered but the session ended before the end was observed.
    Unverified,
    Done(Outcome),
    /// Was in doubt; somebody or something said how it ended.
    Resolved(Outcome),
}

impl State {
    /// In a few letters.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Planned => "planned",
            Self::Denied => "denied",
            Self::InFlight => "in flight",
            Self::InDoubt => "IN DOUBT",
            Self::Unverified => "unverified",
            Self::Done(outcome) | Self::Resolved(outcome) => outcome.name(),
        }
    }
}

/// One operation: a row of a list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Summary {
    pub action: ActionId,
    /// Wall time of its first record.
    pub at: Stamp,
    /// World time of its newest record.
    pub last: Stamp,
    pub who: Text,
    pub identity: Text,
    pub environment: Text,
    pub target: Target,
    pub operation: Text,
    /// The newest reason that was given.
    pub reason: Text,
    pub state: State,
    /// The requests in doubt.
    pub doubts: Vec<Doubt>,
    pub break_glass: bool,
}

/// A request of which it is not known whether it was sent and what it did.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Doubt {
    /// The stream and line of its intent.
    pub stream: StreamId,
    pub seq: u64,
    pub step: u32,
}

/// Gathers lines, in any order, into operations.
#[derive(Debug, Default)]
pub struct Summaries {
    actions: BTreeMap<ActionId, Gathered>,
}

#[derive(Debug)]
struct Gathered {
    row: Summary,
    intents: BTreeMap<u32, Doubt>,
    /// Steps that were answered or resolved.
    closed: BTreeSet<u32>,
    /// Steps that a living session itself called in doubt.
    doubted: BTreeSet<u32>,
    all_resolved: bool,
    resolved: Option<(Stamp, Outcome)>,
    done: Option<Outcome>,
    denied: bool,
    refused: bool,
}

impl Summaries {
    /// Takes a line; those without an operation are passed over.
    pub fn add(&mut self, line: &Line) {
        let Some(action) = &line.record.action else { return };
        let gathered = self.actions.entry(action.clone()).or_insert_with(|| Gathered::new(action, line));
        gathered.add(line);
    }

    /// The operations, newest first. `is_alive` says whether the session of a stream still runs.
    #[must_use]
    pub fn rows(self, is_alive: impl Fn(&StreamId) -> bool) -> Vec<Summary> {
        let mut rows: Vec<_> = self.actions.into_values().map(|gathered| gathered.row(&is_alive)).collect();
        rows.sort_by(|a, b| b.at.cmp(&a.at).then_with(|| b.action.cmp(&a.action)));
        rows
    }
}

impl Gathered {
    fn new(action: &ActionId, line: &Line) -> Self {
        let empty = Text::default;
        let row = Summary {
            action: action.clone(),
            at: line.at(),
            last: Stamp::default(),
            who: line.who.clone(),
            identity: empty(),
            environment: empty(),
            target: Target::default(),
            operation: empty(),
            reason: empty(),
            state: State::Planned,
            doubts: Vec::new(),
            break_glass: false,
        };
        Self {
            row,
            intents: BTreeMap::new(),
            closed: BTreeSet::new(),
            doubted: BTreeSet::new(),
            all_resolved: false,
            resolved: None,
            done: None,
            denied: false,
            refused: false,
        }
    }

    fn add(&mut self, line: &Line) {
        let row = &mut self.row;
        row.last = row.last.max(Stamp::parse_rfc3339(&line.world).unwrap_or_default());
        let is_first = line.at() <= row.at;
        if is_first {
            row.at = line.at();
            row.who.clone_from(&line.who);
        }
        for (to, from) in [(&mut row.identity, &line.record.identity), (&mut row.environment, &line.record.environment)]
        {
            if let Some(from) = from.as_ref().filter(|_| to.is_empty()) {
                to.clone_from(from);
            }
        }
        if let Some(target) = &line.record.target {
            // Later records know more of it: the server's own identity is read on the way.
            let known = row.target.uid.is_empty() || !target.uid.is_empty();
            if known {
                row.target.clone_from(target);
            }
        }
        self.event(line);
    }

    fn event(&mut self, line: &Line) {
        let row = &mut self.row;
        match &line.record.event {
            Event::Plan(plan) => row.operation.clone_from(&plan.operation),
            Event::Deny { reason, .. } => {
                self.denied = true;
                row.reason.clone_from(reason);
            }
            Event::Confirm(confirm) if !confirm.reason.is_empty() => row.reason.clone_from(&confirm.reason),
            Event::BreakGlass(glass) => {
                row.break_glass = true;
                row.reason.clone_from(&glass.reason);
            }
            Event::Intent(intent) => {
                row.operation.clone_from(&intent.operation);
                let doubt = Doubt { stream: line.stream.clone(), seq: line.seq, step: intent.step };
                self.intents.insert(intent.step, doubt);
            }
            Event::Outcome(reply) => {
                self.closed.insert(reply.step);
                self.refused |= reply.class != Class::Accepted;
            }
            Event::Verify(verified) => self.done = Some(verified.outcome),
            Event::InDoubt(doubt) => {
                self.doubted.insert(doubt.step);
            }
            Event::Resolve(resolve) => {
                if self.resolved.is_none_or(|(at, _)| at <= line.at()) {
                    self.resolved = Some((line.at(), resolve.outcome));
                    row.reason.clone_from(&resolve.reason);
                }
                self.all_resolved |= resolve.step.is_none();
                self.closed.extend(resolve.step);
            }
            _ => {}
        }
    }

    fn row(self, is_alive: &impl Fn(&StreamId) -> bool) -> Summary {
        let mut row = self.row;
        let open = self.intents.values().filter(|doubt| !self.all_resolved && !self.closed.contains(&doubt.step));
        let (living, dead): (Vec<_>, Vec<_>) =
            open.cloned().partition(|doubt| !self.doubted.contains(&doubt.step) && is_alive(&doubt.stream));
        let watched = self.intents.values().any(|doubt| is_alive(&doubt.stream));
        row.state = match (self.resolved, self.done) {
            _ if !dead.is_empty() => State::InDoubt,
            // What was verified after it was resolved, or without, is the stronger word.
            (_, Some(outcome)) => State::Done(outcome),
            (Some((_, outcome)), None) => State::Resolved(outcome),
            (None, None) if !living.is_empty() || watched => State::InFlight,
            (None, None) if self.intents.is_empty() && self.denied => State::Denied,
            (None, None) if self.intents.is_empty() => State::Planned,
            (None, None) if self.refused => State::Done(Outcome::Failed),
            (None, None) => State::Unverified,
        };
        row.doubts = dead;
        row
    }
}
