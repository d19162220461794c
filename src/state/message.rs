//! What the reducer hears and what it asks for.

use crate::domain::time::Stamp;
use crate::input::Key;
use crate::model::board::SourceStatus;
use crate::model::facts::Observation;

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
}

/// What the shell shall do. Effects never return values.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Effect {
    Quit,
    /// Give the terminal back and stop until continued.
    Suspend,
    /// Draw every cell again.
    Redraw,
    /// Ask every source again now.
    Refresh,
}

/// A message with its world time.
#[derive(Debug)]
pub struct Timed {
    pub now: Stamp,
    pub message: Message,
}
