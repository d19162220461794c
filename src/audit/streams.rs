//! The folder of a trail: streams are folders, their segments are files `000001.jsonl`, `000002.jsonl` and so on.

use std::fs::{File, OpenOptions, TryLockError};
use std::io::{self, Read, Seek, SeekFrom};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use rustix::fs::OFlags;

use super::line::{self, LINE_CAP};
use super::record::{Digest, Head, StreamId};

/// One stream's folder.
#[derive(Clone, Debug)]
pub struct StreamFolder {
    pub id: StreamId,
    pub path: PathBuf,
}

/// The streams of a trail, oldest first. A trail that does not exist is an empty one; other names are not streams.
///
/// # Errors
/// The folder cannot be read.
pub fn streams(trail: &Path) -> io::Result<Vec<StreamFolder>> {
    let entries = match std::fs::read_dir(trail) {
        Ok(entries) => entries,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(error),
    };
    let mut streams = Vec::new();
    for entry in entries {
        let entry = entry?;
        let id = entry.file_name().to_str().and_then(StreamId::parse);
        streams.extend(id.map(|id| StreamFolder { id, path: entry.path() }));
    }
    streams.sort_by(|a, b| a.id.cmp(&b.id));
    Ok(streams)
}

/// The file of a segment, counted from 1.
#[must_use]
pub fn segment_file(stream: &Path, number: u32) -> PathBuf {
    stream.join(format!("{number:06}.jsonl"))
}

/// The numbers of the segments that are there, in order; there should be no gap.
///
/// # Errors
/// The folder cannot be read.
pub fn segments(stream: &Path) -> io::Result<Vec<u32>> {
    let mut numbers = Vec::new();
    for entry in std::fs::read_dir(stream)? {
        let name = entry?.file_name();
        let number = name.to_str().and_then(|name| name.strip_suffix(".jsonl")).filter(|digits| digits.len() == 6);
        numbers.extend(number.and_then(|digits| digits.parse::<u32>().ok()));
    }
    numbers.sort_unstable();
    Ok(numbers)
}

/// Opens a segment to read. A pipe, a device or a link in its place is an error, not a wait.
///
/// # Errors
/// It cannot be read, or is no regular file.
pub fn open(path: &Path) -> io::Result<File> {
    let flags = i32::try_from((OFlags::NOFOLLOW | OFlags::NONBLOCK).bits()).unwrap_or(0);
    let file = OpenOptions::new().read(true).custom_flags(flags).open(path)?;
    if file.metadata()?.is_file() { Ok(file) } else { Err(io::Error::other("it is no regular file")) }
}

/// The bytes of a stream's segments.
///
/// # Errors
/// The folder cannot be read.
pub fn size(stream: &StreamFolder) -> io::Result<u64> {
    let about = |number| std::fs::metadata(segment_file(&stream.path, number)).map(|about| about.len());
    segments(&stream.path)?.into_iter().map(about).sum()
}

/// Whether a living process writes this stream: its first segment is locked.
#[must_use]
pub fn is_alive(stream: &Path) -> bool {
    let Ok(file) = open(&segment_file(stream, 1)) else { return false };
    matches!(file.try_lock_shared(), Err(TryLockError::WouldBlock))
}

/// The end of a stream.
#[derive(Clone, Debug, Default)]
pub struct Tail {
    /// The newest segment.
    pub segment: u32,
    /// Its length up to its last line break.
    pub whole: u64,
    /// What follows it: the torn part of a line that was being written when the machine or the disk gave up.
    pub torn: Vec<u8>,
    /// The last whole line, if it is as it was written.
    pub last: Option<Head>,
}

/// Reads only the end of a stream, whatever its length.
///
/// # Errors
/// A file cannot be read.
pub fn tail(stream: &StreamFolder) -> io::Result<Tail> {
    let Some(segment) = segments(&stream.path)?.last().copied() else { return Ok(Tail::default()) };
    let mut tail = end(stream, segment)?;
    if tail.whole == 0 && segment > 1 {
        // The newest segment has no line yet: the one before ends with the seal.
        tail.last = end(stream, segment - 1)?.last;
    }
    Ok(tail)
}

fn end(stream: &StreamFolder, segment: u32) -> io::Result<Tail> {
    let mut file = open(&segment_file(&stream.path, segment))?;
    let length = file.seek(SeekFrom::End(0))?;
    // A torn line and the whole one before it.
    let from = length.saturating_sub(2 * LINE_CAP as u64);
    file.seek(SeekFrom::Start(from))?;
    let mut bytes = Vec::new();
    file.take(2 * LINE_CAP as u64).read_to_end(&mut bytes)?;
    let whole = bytes.iter().rposition(|byte| *byte == b'\n').map_or(0, |at| at + 1);
    let torn = bytes.split_off(whole);
    let last = bytes.split_inclusive(|byte| *byte == b'\n').next_back().and_then(|stored| {
        let (link, _) = line::read(stored.strip_suffix(b"\n")?).ok()?;
        Some(Head { stream: stream.id.clone(), seq: link.seq, hash: Digest::of(stored) })
    });
    Ok(Tail { segment, whole: from + whole as u64, torn, last })
}
