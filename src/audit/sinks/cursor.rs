//! How far a sink has come in each stream: a small file for each, `TRAIL/sinks/SINK/STREAM`. One that is lost or torn means
//! from the beginning, which is why a sink has to know a line that it has already.

use std::fs::{DirBuilder, File, OpenOptions};
use std::io::{self, BufRead, BufReader, Read, Seek, SeekFrom, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use crate::audit::journal::Receipt;
use crate::audit::line::{self, LINE_CAP};
use crate::audit::record::{Digest, Head, StreamId};
use crate::audit::streams::{StreamFolder, segment_file, segments};

/// The folder of all cursors in that of the trail; no stream has such a name.
const FOLDER: &str = "sinks";

/// A place between two lines of a stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cursor {
    /// The segment that is read next, and from which of its bytes on.
    pub segment: u32,
    pub offset: u64,
    /// The last line that was taken.
    pub seq: u64,
}

impl Default for Cursor {
    fn default() -> Self {
        Self { segment: 1, offset: 0, seq: 0 }
    }
}

/// The cursors of one sink.
#[derive(Clone, Debug)]
pub struct Cursors {
    folder: PathBuf,
}

impl Cursors {
    /// Nothing is made yet.
    #[must_use]
    pub fn of(trail: &Path, sink: &str) -> Self {
        Self { folder: trail.join(FOLDER).join(sink) }
    }

    /// Where a stream was left; its beginning where that is not known.
    #[must_use]
    pub fn get(&self, stream: &StreamId) -> Cursor {
        let text = std::fs::read_to_string(self.folder.join(stream.as_str())).unwrap_or_default();
        let numbers: Vec<u64> = text.split_whitespace().filter_map(|word| word.parse().ok()).collect();
        match (numbers.as_slice(), text.ends_with('\n')) {
            (&[segment, offset, seq], true) => {
                u32::try_from(segment).map_or_else(|_| Cursor::default(), |segment| Cursor { segment, offset, seq })
            }
            _ => Cursor::default(),
        }
    }

    /// Remembers it. It is not synced: what a crash forgets is only sent again.
    ///
    /// # Errors
    /// The folder cannot be written.
    pub fn put(&self, stream: &StreamId, cursor: Cursor) -> io::Result<()> {
        DirBuilder::new().recursive(true).mode(0o700).create(&self.folder)?;
        let (path, fresh) = (self.folder.join(stream.as_str()), self.folder.join(format!(".{stream}")));
        let mut file = OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&fresh)?;
        writeln!(file, "{} {} {}", cursor.segment, cursor.offset, cursor.seq)?;
        std::fs::rename(fresh, path)
    }

    /// The right to deliver what the dead left behind: one session at a time has it, until the file is closed.
    #[must_use]
    pub fn turn(&self) -> Option<File> {
        DirBuilder::new().recursive(true).mode(0o700).create(&self.folder).ok()?;
        let path = self.folder.join(".turn");
        let file = OpenOptions::new().write(true).create(true).truncate(false).mode(0o600).open(path).ok()?;
        file.try_lock().ok().map(|()| file)
    }
}

/// Lines of a stream, each with the cursor behind it.
#[derive(Debug, Default)]
pub struct Batch {
    pub lines: Vec<(Receipt, Cursor)>,
    /// Why the stream cannot be read beyond them: it was changed.
    pub broken: Option<String>,
}

/// Whole lines from a cursor on, until `limit` bytes are read; empty at the end of what is written.
///
/// # Errors
/// A file cannot be read.
pub fn read(stream: &StreamFolder, from: Cursor, limit: u64) -> io::Result<Batch> {
    let mut batch = Batch::default();
    let (mut at, mut room) = (from, limit);
    loop {
        // Before its end is looked for: a segment that another follows has its last line.
        let next = segment_file(&stream.path, at.segment + 1).exists();
        let mut reader = open(stream, at)?;
        loop {
            let mut stored = Vec::new();
            reader.by_ref().take(LINE_CAP as u64 + 1).read_until(b'\n', &mut stored)?;
            if stored.last() != Some(&b'\n') {
                if stored.len() > LINE_CAP {
                    batch.broken = Some(format!("the line after record {} is too long", at.seq));
                }
                break;
            }
            let behind = Cursor { offset: at.offset + stored.len() as u64, seq: at.seq + 1, ..at };
            match receipt(stream, behind.seq, stored) {
                Ok(receipt) => batch.lines.push((receipt, behind)),
                Err(why) => batch.broken = Some(why),
            }
            if batch.broken.is_some() {
                return Ok(batch);
            }
            room = room.saturating_sub(behind.offset - at.offset);
            at = behind;
            if room == 0 {
                return Ok(batch);
            }
        }
        if !next || batch.broken.is_some() {
            return Ok(batch);
        }
        at = Cursor { segment: at.segment + 1, offset: 0, ..at };
    }
}

/// How many whole lines stand behind a cursor.
///
/// # Errors
/// A file cannot be read.
pub fn behind(stream: &StreamFolder, from: Cursor) -> io::Result<u64> {
    let mut lines = 0;
    for segment in segments(&stream.path)?.into_iter().filter(|segment| *segment >= from.segment) {
        let offset = if segment == from.segment { from.offset } else { 0 };
        let mut reader = open(stream, Cursor { segment, offset, ..from })?;
        loop {
            let bytes = reader.fill_buf()?;
            let length = bytes.len();
            if length == 0 {
                break;
            }
            lines += bytes.iter().filter(|byte| **byte == b'\n').count() as u64;
            reader.consume(length);
        }
    }
    Ok(lines)
}

fn open(stream: &StreamFolder, at: Cursor) -> io::Result<BufReader<File>> {
    let mut file = File::open(segment_file(&stream.path, at.segment))?;
    file.seek(SeekFrom::Start(at.offset))?;
    Ok(BufReader::new(file))
}

fn receipt(stream: &StreamFolder, seq: u64, stored: Vec<u8>) -> Result<Receipt, String> {
    let (link, _) = line::read(stored.strip_suffix(b"\n").unwrap_or_default())
        .map_err(|defect| format!("record {seq}: {defect}"))?;
    if link.seq != seq || link.stream != stream.id {
        return Err(format!("record {} of {} stands where record {seq} should", link.seq, link.stream));
    }
    Ok(Receipt { head: Head { stream: link.stream, seq, hash: Digest::of(&stored) }, line: stored })
}
