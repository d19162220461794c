//! Appends lines to the segments of one stream.

use std::path::{Path, PathBuf};

use super::disk::{Disk, Tape};
use super::fault::{JournalFault, is_full, unwritable};
use super::line::{self, Position};
use super::streams::segment_file;
use super::{Limits, Receipt};
use crate::audit::record::{Digest, Head, Moment, Record, Seal, StreamId, Text};
use crate::domain::secret::Secrets;

pub struct Writer {
    stream: StreamId,
    folder: PathBuf,
    who: Text,
    /// The last line's, or where the first follows.
    seq: u64,
    prev: Digest,
    segment: Segment,
    /// The first segment, kept open for its lock once another is written.
    first: Option<Box<dyn Tape>>,
}

struct Segment {
    number: u32,
    path: PathBuf,
    tape: Box<dyn Tape>,
    lines: u64,
    bytes: u64,
    /// Wall time of its first line, nanoseconds; `None` before it.
    since: Option<i64>,
}

impl Writer {
    /// Makes the first segment of a new stream, locked and with durable names.
    pub fn create(disk: &dyn Disk, trail: &Path, stream: StreamId, who: Text) -> Result<Self, JournalFault> {
        let folder = trail.join(stream.as_str());
        disk.folder(&folder).map_err(unwritable(&folder))?;
        let path = segment_file(&folder, 1);
        let mut tape = disk.tape(&path, true).map_err(unwritable(&path))?;
        tape.lock().map_err(unwritable(&path))?;
        disk.sync_folder(&folder).map_err(unwritable(&folder))?;
        let segment = Segment { number: 1, path, tape, lines: 0, bytes: 0, since: None };
        Ok(Self { stream, folder, who, seq: 0, prev: Digest::NONE, segment, first: None })
    }

    /// Goes on at the end of a stream whose writer is gone; `tape` is its newest segment, `bytes` long, and `first` the
    /// lock. `last` is its last line.
    pub fn resume(
        folder: PathBuf,
        who: Text,
        last: &Head,
        segment: (u32, u64, Box<dyn Tape>),
        first: Option<Box<dyn Tape>>,
    ) -> Self {
        let (number, bytes, tape) = segment;
        let path = segment_file(&folder, number);
        let segment = Segment { number, path, tape, lines: 0, bytes, since: None };
        Self { stream: last.stream.clone(), folder, who, seq: last.seq, prev: last.hash, segment, first }
    }

    pub const fn stream(&self) -> &StreamId {
        &self.stream
    }

    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// Writes one line whole and returns when it is on the disk.
    pub fn append(&mut self, moment: Moment, record: &Record, secrets: &Secrets) -> Result<Receipt, JournalFault> {
        let position = Position { stream: &self.stream, who: &self.who, seq: self.seq + 1, prev: self.prev };
        let bytes =
            line::encode(&position, moment, record, secrets).map_err(|bytes| JournalFault::TooLong { bytes })?;
        self.segment.write(&bytes)?;
        self.seq += 1;
        self.prev = Digest::of(&bytes);
        self.segment.lines += 1;
        self.segment.bytes += bytes.len() as u64;
        self.segment.since.get_or_insert(moment.wall);
        Ok(Receipt { head: Head { stream: self.stream.clone(), seq: self.seq, hash: self.prev }, line: bytes })
    }

    pub fn is_due(&self, moment: Moment, limits: &Limits) -> bool {
        let age = self.segment.since.map_or(0, |since| moment.wall.saturating_sub(since));
        self.segment.bytes >= limits.segment_bytes || age >= limits.segment_age
    }

    pub const fn seal(&self) -> Seal {
        Seal { segment: self.segment.number, lines: self.segment.lines, bytes: self.segment.bytes }
    }

    /// Opens the next segment; the lock stays on the first.
    pub fn next_segment(&mut self, disk: &dyn Disk, moment: Moment) -> Result<(), JournalFault> {
        let number = self.segment.number + 1;
        let path = segment_file(&self.folder, number);
        let tape = disk.tape(&path, true).map_err(unwritable(&path))?;
        disk.sync_folder(&self.folder).map_err(unwritable(&self.folder))?;
        let next = Segment { number, path, tape, lines: 0, bytes: 0, since: Some(moment.wall) };
        let before = std::mem::replace(&mut self.segment, next);
        self.first.get_or_insert(before.tape);
        Ok(())
    }
}

impl Segment {
    fn write(&mut self, bytes: &[u8]) -> Result<(), JournalFault> {
        let mut written = 0;
        while let Some(rest) = bytes.get(written..).filter(|rest| !rest.is_empty()) {
            match self.tape.write(rest) {
                Ok(0) => return Err(self.undo(&std::io::Error::from(std::io::ErrorKind::WriteZero))),
                Ok(some) => written += some,
                Err(error) if error.kind() == std::io::ErrorKind::Interrupted => {}
                Err(error) => return Err(self.undo(&error)),
            }
        }
        self.tape.sync().map_err(|error| JournalFault::Sync { path: self.path.clone(), why: error.to_string() })
    }

    /// Takes a half-written line back, so that the stream stays whole.
    fn undo(&mut self, error: &std::io::Error) -> JournalFault {
        let path = self.path.clone();
        match self.tape.cut(self.bytes) {
            Err(why) => JournalFault::Torn { path, why: why.to_string() },
            Ok(()) if is_full(error) => JournalFault::Full { path },
            Ok(()) => JournalFault::Write { path, why: error.to_string() },
        }
    }
}
