//! The writer: one stream per session, a line is on the disk before anything that rests on it happens.

mod disk;
mod fault;
mod start;
mod writer;

use std::path::{Path, PathBuf};

use super::record::{Event, Head, Intent, Moment, Record, StreamId, Subject, Text};
use super::{line, streams};
use crate::domain::secret::Secrets;

pub use disk::{Disk, RealDisk, Tape, shelters};
pub use fault::JournalFault;
pub use start::{Opened, Opening, host_facts};
use writer::Writer;

/// Size of a segment, its age and the reserve.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// A segment is sealed when it has grown to this, bytes.
    pub segment_bytes: u64,
    /// A segment is sealed when it is this old, nanoseconds of wall time.
    pub segment_age: i64,
    /// Allocated at the start and let go when the disk is full, so that the outcome of what was sent can still be written.
    /// Zero for none.
    pub reserve_bytes: u64,
}

impl Default for Limits {
    /// facts/trust.md A2.6 and A2.7.
    fn default() -> Self {
        Self { segment_bytes: 16 << 20, segment_age: 24 * 3600 * 1_000_000_000, reserve_bytes: 1 << 20 }
    }
}

/// A record is on the disk, here.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Receipt {
    pub head: Head,
    /// The stored bytes, line break included.
    pub line: Vec<u8>,
}

/// The right to send one request: its intent is on the disk. It cannot be made elsewhere, copied or used twice; whoever
/// sends takes it by value.
#[must_use = "an intent was written for a request that is not sent"]
#[derive(Debug)]
pub struct Durable {
    subject: Subject,
    intent: Intent,
    receipt: Receipt,
}

impl Durable {
    /// What may be sent, so that the sender can hold its request against it.
    #[must_use]
    pub const fn intent(&self) -> &Intent {
        &self.intent
    }

    #[must_use]
    pub const fn subject(&self) -> &Subject {
        &self.subject
    }

    /// Uses the right up. The receipt names the line that stands for the request.
    #[must_use]
    pub fn spend(self) -> Receipt {
        self.receipt
    }
}

/// The open stream of this session. It belongs to one thread; dropping it without [`Journal::end`] leaves a stream that
/// reads as one whose session was killed.
pub struct Journal {
    disk: Box<dyn Disk>,
    trail: PathBuf,
    now: Now,
    limits: Limits,
    secrets: Secrets,
    writer: Writer,
    /// The reserve was let go: outcomes may still be written, intents not.
    is_short: bool,
    /// A sync failed or a line could not be taken back: this stream takes nothing more.
    poisoned: Option<JournalFault>,
}

/// Reads the clocks.
pub type Now = Box<dyn FnMut() -> Moment + Send>;

impl Journal {
    /// Appends a record and returns when it is on the disk.
    ///
    /// # Errors
    /// Nothing was recorded; the sentence says what to do. After [`JournalFault::Sync`] and [`JournalFault::Torn`] the
    /// stream takes nothing more: open a new one with `continues` set and append the record again there.
    pub fn append(&mut self, record: &Record) -> Result<Receipt, JournalFault> {
        if let Some(fault) = &self.poisoned {
            return Err(fault.clone());
        }
        let moment = (self.now)();
        self.rotate(moment)?;
        self.write(moment, record)
    }

    /// Makes an intent durable. The token is what a sender needs.
    ///
    /// # Errors
    /// As [`Journal::append`], and [`JournalFault::Full`] once the reserve is gone: nothing may be sent.
    pub fn intend(&mut self, subject: Subject, intent: Intent) -> Result<Durable, JournalFault> {
        if self.is_short {
            return Err(self.full());
        }
        let record = Record::of_action(&subject, Event::Intent(intent.clone()));
        let receipt = self.append(&record)?;
        // A reserve that had to be let go for the intent itself leaves none for its outcome.
        if self.is_short { Err(self.full()) } else { Ok(Durable { subject, intent, receipt }) }
    }

    /// Ends the stream in order.
    ///
    /// # Errors
    /// As [`Journal::append`].
    pub fn end(mut self, why: Text) -> Result<Receipt, JournalFault> {
        let receipt = self.append(&Record::of_session(Event::SessionEnd { why }));
        self.disk.release(&self.reserve_file());
        receipt
    }

    /// Whether the reserve is used up: outcomes are still taken, intents are not until another journal is opened.
    #[must_use]
    pub const fn is_short(&self) -> bool {
        self.is_short
    }

    #[must_use]
    pub const fn stream(&self) -> &StreamId {
        self.writer.stream()
    }

    /// Adds a secret that is masked in every line from now on.
    pub fn know_secret(&mut self, value: &str) {
        self.secrets.know(value);
    }

    fn write(&mut self, moment: Moment, record: &Record) -> Result<Receipt, JournalFault> {
        let result = match self.writer.append(moment, record, &self.secrets) {
            Err(JournalFault::Full { .. }) if !self.is_short && self.limits.reserve_bytes > 0 && !is_intent(record) => {
                self.is_short = true;
                self.disk.release(&self.reserve_file());
                self.writer.append(moment, record, &self.secrets)
            }
            other => other,
        };
        if let Err(fault @ (JournalFault::Sync { .. } | JournalFault::Torn { .. })) = &result {
            self.poisoned = Some(fault.clone());
        }
        result
    }

    /// Seals a segment that is full or old and goes on in the next.
    fn rotate(&mut self, moment: Moment) -> Result<(), JournalFault> {
        if !self.writer.is_due(moment, &self.limits) {
            return Ok(());
        }
        let seal = Record::of_session(Event::Seal(self.writer.seal()));
        self.write(moment, &seal)?;
        self.writer.next_segment(&*self.disk, moment).inspect_err(|fault| self.poisoned = Some(fault.clone()))
    }

    fn reserve_file(&self) -> PathBuf {
        reserve_file(self.writer.folder())
    }

    fn full(&self) -> JournalFault {
        JournalFault::Full { path: self.trail.clone() }
    }
}

fn reserve_file(stream: &Path) -> PathBuf {
    stream.join("reserve")
}

const fn is_intent(record: &Record) -> bool {
    matches!(record.event, Event::Intent(_))
}

#[cfg(test)]
mod tests;
