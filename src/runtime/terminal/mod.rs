//! The terminal: raw mode with a restore on every way out, a reader that notices when it is gone, and a writer that
//! never makes the loop wait.

mod backend;
mod guard;
mod reader;
mod sequences;
mod writer;

pub use backend::Capture;
pub use guard::{Guard, LARGEST, restore};
pub use writer::Writer;

use crate::runtime::inbox::Inbox;

/// Starts the thread that reads keys.
pub fn read(guard: &Guard, inbox: Inbox) {
    reader::spawn(guard.input(), inbox);
}
