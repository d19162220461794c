//! Copies of the trail outside its files (PRODUCT section 7, facts/trust.md A2.11).
//!
//! What a sink is sent is read from the stored streams ([`cursor`]), never from memory: what it missed while it was dead,
//! and what an earlier session left, comes when it is back. Each line comes at least once; its key is stream and `seq`. The
//! runtime drives the sinks, each on a thread of its own, and decides what a failing one forbids.

pub mod cursor;
pub mod journald;
pub mod postgres;
pub mod syslog;

use std::io;

use super::journal::Receipt;
use super::record::{ActionId, Line, Text};
use crate::domain::error::{Fault, FaultKind};
use crate::domain::text::{Raw, Shown};
use crate::shown;

/// The field of one line in which it is told what it is about: no longer than this, bytes.
const HEADLINE_CAP: usize = 1024;

/// Takes lines.
pub trait Sink: Send {
    /// Where it is, for people.
    fn endpoint(&self) -> Raw;

    /// Hands lines of one stream over, in their order. It may wait for the other side.
    ///
    /// # Errors
    /// Not all were taken: how many were, and why no more.
    fn take(&mut self, lines: &[Receipt]) -> Result<(), Untaken>;

    /// Whether it would take lines now, without giving it any; what is not as it should be.
    ///
    /// # Errors
    /// It would not.
    fn check(&mut self) -> Result<Option<Shown>, Fault>;
}

/// A sink did not take everything it was given.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Untaken {
    /// The first so many are there.
    pub taken: usize,
    pub fault: Fault,
}

/// Hands each line over by itself.
fn one_by_one(lines: &[Receipt], mut send: impl FnMut(&Receipt) -> Result<(), Fault>) -> Result<(), Untaken> {
    for (taken, line) in lines.iter().enumerate() {
        send(line).map_err(|fault| Untaken { taken, fault })?;
    }
    Ok(())
}

/// What a line is about, in one line of ASCII.
fn headline(line: &Line) -> String {
    let record = &line.record;
    let target = record.target.as_ref().map(|target| Text::name(&target.path()));
    let parts = [Some(&line.who), record.environment.as_ref(), target.as_ref()];
    let action = record.action.as_ref().map(ActionId::as_str);
    let words = parts.into_iter().flatten().map(|text| text.shown().as_str().escape_default().to_string());
    let words = [record.event.kind().to_owned(), action.unwrap_or_default().to_owned()].into_iter().chain(words);
    let words: Vec<String> = words.filter(|word| !word.is_empty()).collect();
    words.join(" ").chars().take(HEADLINE_CAP).collect()
}

/// The line of a receipt. One that a newer version wrote cannot be told in fields.
fn parsed(receipt: &Receipt) -> Result<Line, Fault> {
    let bytes = receipt.line.strip_suffix(b"\n").unwrap_or(&receipt.line);
    let line = super::line::read(bytes).ok().and_then(|(_, line)| line);
    line.ok_or_else(|| {
        Fault::new(
            FaultKind::Malformed,
            shown!(
                "record {} of {} was written by a newer version",
                receipt.head.seq,
                Raw::new(receipt.head.stream.as_str())
            ),
            Shown::fixed("deliver it with that version of tierdeck"),
        )
    })
}

/// Words for a socket that does not take a line.
fn socket_fault(at: &str, error: &io::Error) -> Fault {
    let kind = match error.kind() {
        io::ErrorKind::NotFound => FaultKind::Missing,
        io::ErrorKind::PermissionDenied => FaultKind::Forbidden,
        io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut => FaultKind::Timeout,
        _ => FaultKind::Refused,
    };
    let why = Raw::from(error.to_string());
    Fault::new(kind, shown!("{} takes no record: {}", Raw::new(at), why), Shown::fixed("check that its daemon runs"))
}

#[cfg(test)]
mod tests;
