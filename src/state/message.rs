//! What the reducer hears and what it asks for.

use std::time::Duration;

use super::trail::Trail;
use crate::audit::record::Outcome;
use crate::audit::record::history::History;
use crate::domain::text::Shown;
use crate::domain::time::{Human, Stamp};
use crate::input::Key;
use crate::model::board::SourceStatus;
use crate::model::facts::Observation;
use crate::operation::machine;
use crate::operation::target::{OperationId, Request};

/// What happened, with the world time at which the loop took it up.
#[derive(Debug)]
pub enum Message {
    Key(Key),
    /// A bracketed paste, and how many bytes of it were left out.
    Paste {
        text: String,
        dropped: usize,
    },
    /// Observations in the order they were made, and the sources as the runner knows them now.
    Feed {
        observations: Vec<Observation>,
        sources: Vec<SourceStatus>,
    },
    /// The clock moved on: ages grow.
    Tick,
    Resized {
        columns: u16,
        lines: u16,
    },
    /// An operation shall be opened, under this new identity.
    Opened {
        id: OperationId,
        request: Box<Request>,
    },
    /// What an operation asked for has come.
    Operation {
        id: OperationId,
        event: Box<machine::Event>,
    },
    /// Whether the journal takes records, and if not, why.
    Journal(Result<(), Shown>),
    /// Whether a required sink takes what the journal records, and if not, why.
    Sink {
        name: Shown,
        health: Result<(), Shown>,
    },
    /// The audit trail as it was read, or why it could not be.
    Trail(Result<Trail, Shown>),
    /// What earlier sessions and colleagues left, as the audit trail tells now.
    Remembered(Box<History>),
    /// Something the operator should know.
    Told(Shown),
    /// The terminal is gone: what has begun goes on without it.
    Detached,
}

/// What the shell shall do. Effects never return values.
#[derive(Clone, Debug, PartialEq)]
pub enum Effect {
    Quit,
    /// Give the terminal back and stop until continued.
    Suspend,
    /// Draw every cell again.
    Redraw,
    /// Ask every source again now.
    Refresh,
    /// Make an identity and send [`Message::Opened`].
    Open {
        request: Box<Request>,
        /// Who acts, as far as the system that owns the target has said so.
        who: Option<Shown>,
    },
    /// What an operation asks for.
    Operation(Box<machine::Effect>),
    /// Production is open for changes, for this long.
    Armed {
        period: Duration,
        reason: Shown,
    },
    Disarmed {
        why: &'static str,
    },
    /// Read the audit trail and send [`Message::Trail`].
    ReadTrail,
    /// To be recorded: how an operation in doubt really ended. [`Message::Remembered`] follows once it is.
    Resolve {
        operation: OperationId,
        outcome: Outcome,
        reason: Shown,
    },
    /// To the terminal's clipboard (OSC 52).
    Copy(String),
}

/// A message with its world and its human time.
#[derive(Debug)]
pub struct Timed {
    pub now: Stamp,
    pub human: Human,
    pub message: Message,
}
