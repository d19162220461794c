//! Checks a trail against itself and against what was known of it before (facts/trust.md A2.10).

use std::collections::{BTreeMap, BTreeSet};
use std::io::{self, BufRead, BufReader, Read as _};
use std::path::{Path, PathBuf};

use super::line::{self, LINE_CAP};
use super::record::summary::{Summaries, Summary};
use super::record::{Digest, Event, Head, Line, Recovery, Seal, StreamId};
use super::streams::{self, StreamFolder};

/// What is wrong, from worst to least.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Damage {
    /// A byte, a line, its order or its number is not as it was written.
    Altered,
    /// A stream is gone, or ends before a line that is known to have been there.
    Shorter,
    /// The end of a stream was being written when its session died.
    Torn,
}

/// One thing that is wrong, and where.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    pub damage: Damage,
    pub stream: StreamId,
    pub file: PathBuf,
    /// From 1; 0 when it is about the whole file.
    pub line: u64,
    /// Where that line begins in the file, bytes.
    pub offset: u64,
    pub what: String,
}

/// The result of reading a whole trail.
#[derive(Debug, Default)]
pub struct Report {
    pub findings: Vec<Finding>,
    /// The last line of every stream, to be kept elsewhere and given to a later [`verify`] as its anchor.
    pub heads: Vec<Head>,
    pub lines: u64,
    /// Lines of a newer version: their digests hold, their content is not understood.
    pub unknown: u64,
    /// Streams whose session is alive, and those that such a session went on from.
    pub alive: Vec<StreamId>,
    /// Streams that were left out, because reading them would have taken too long.
    pub skipped: u64,
    /// Operations, newest first.
    pub operations: Vec<Summary>,
}

impl Report {
    /// The exit code of `audit verify`: 0 whole, 1 altered, 3 shorter than what is known, 2 only torn, 4 whole but
    /// something is in doubt. A trail without a line is whole.
    #[must_use]
    pub fn exit_code(&self) -> u8 {
        match self.findings.iter().map(|finding| finding.damage).min() {
            Some(Damage::Altered) => 1,
            Some(Damage::Shorter) => 3,
            Some(Damage::Torn) => 2,
            None if self.in_doubt().next().is_some() => 4,
            None => 0,
        }
    }

    /// Operations with a request in doubt.
    pub fn in_doubt(&self) -> impl Iterator<Item = &Summary> {
        self.operations.iter().filter(|operation| !operation.doubts.is_empty())
    }
}

/// Reads and checks every line below `trail`, and that everything in `anchor` is still there. Each good line is given to
/// `each` with its stored bytes.
///
/// # Errors
/// The trail's folder cannot be read. A stream that cannot is a finding.
pub fn verify(trail: &Path, anchor: &[Head], each: impl FnMut(&Line, &[u8])) -> io::Result<Report> {
    verify_within(trail, anchor, u64::MAX, each)
}

/// As [`verify`], but of the newest streams only what has at most `budget` bytes together.
///
/// # Errors
/// As [`verify`].
pub fn verify_within(
    trail: &Path,
    anchor: &[Head],
    budget: u64,
    mut each: impl FnMut(&Line, &[u8]),
) -> io::Result<Report> {
    let mut report = Report::default();
    let mut alive = Alive::default();
    let (folders, skipped) = chosen(trail, budget)?;
    report.skipped = skipped.len() as u64;
    let mut summaries = Summaries::default();
    // What must be there: by stream and line, and who says so.
    let mut known: Vec<(Head, String)> =
        anchor.iter().map(|head| (head.clone(), "the checkpoint".to_owned())).collect();
    let mut hashes: BTreeMap<StreamId, Vec<Digest>> = BTreeMap::new();
    for folder in folders {
        let is_alive = streams::is_alive(&folder.path);
        let mut walk = Walk::new(folder.id.clone());
        let read = walk_stream(&folder, &mut walk, &mut |line, bytes| {
            if let Event::SessionStart(start) = &line.record.event {
                known.extend(start.heads.iter().map(|head| (head.clone(), format!("stream {}", line.stream))));
                alive.goes_on(&line.stream, start.continues.as_ref());
            }
            summaries.add(line);
            each(line, bytes);
        });
        if let Err(error) = read {
            walk.about(Damage::Altered, &folder.path, format!("it cannot be read: {error}"));
        } else if walk.findings.is_empty() && walk.hashes.is_empty() {
            let what = "it has no line: its session ended before its first, or they were taken away".to_owned();
            walk.about(Damage::Torn, &folder.path, what);
        }
        if is_alive {
            alive.has(&folder.id);
            // Its writer is in the middle of a line.
            walk.findings.retain(|finding| finding.damage != Damage::Torn);
        }
        report.lines += walk.hashes.len() as u64;
        report.unknown += walk.unknown;
        report.findings.append(&mut walk.findings);
        report.heads.extend(walk.head());
        hashes.insert(folder.id, walk.hashes);
    }
    for (head, by) in known.into_iter().filter(|(head, _)| !skipped.contains(&head.stream)) {
        report.findings.extend(missing(trail, &hashes, &head, &by));
    }
    report.findings.dedup();
    report.alive = alive.all();
    report.operations = summaries.rows(|stream| report.alive.contains(stream));
    Ok(report)
}

/// The streams that are read, oldest first, and the names of those that are not.
fn chosen(trail: &Path, budget: u64) -> io::Result<(Vec<StreamFolder>, BTreeSet<StreamId>)> {
    let (mut read, mut skipped, mut left) = (Vec::new(), BTreeSet::new(), budget);
    for folder in streams::streams(trail)?.into_iter().rev() {
        // One that cannot be measured cannot be read either, which is found out cheaply.
        let size = if budget == u64::MAX { 0 } else { streams::size(&folder).unwrap_or(0) };
        match left.checked_sub(size) {
            Some(rest) => {
                left = rest;
                read.push(folder);
            }
            None => drop(skipped.insert(folder.id)),
        }
    }
    read.reverse();
    Ok((read, skipped))
}

/// Which streams have a living session: one that lost its stream to a disk goes on in another, and what it has under way
/// stands in both.
#[derive(Debug, Default)]
struct Alive {
    locked: BTreeSet<StreamId>,
    before: BTreeMap<StreamId, StreamId>,
}

impl Alive {
    fn has(&mut self, stream: &StreamId) {
        self.locked.insert(stream.clone());
    }

    fn goes_on(&mut self, stream: &StreamId, from: Option<&StreamId>) {
        self.before.extend(from.map(|from| (stream.clone(), from.clone())));
    }

    fn all(self) -> Vec<StreamId> {
        let mut all = self.locked;
        let mut ends: Vec<StreamId> = all.iter().cloned().collect();
        while let Some(end) = ends.pop() {
            let before = self.before.get(&end).filter(|before| all.insert((*before).clone()));
            ends.extend(before.cloned());
        }
        all.into_iter().collect()
    }
}

/// Whether a line that is known to have been there still is.
fn missing(trail: &Path, hashes: &BTreeMap<StreamId, Vec<Digest>>, head: &Head, by: &str) -> Option<Finding> {
    let file = trail.join(head.stream.as_str());
    let found = |damage, what| Some(Finding { damage, stream: head.stream.clone(), file, line: 0, offset: 0, what });
    let index = usize::try_from(head.seq).unwrap_or(usize::MAX).saturating_sub(1);
    match hashes.get(&head.stream) {
        None => found(Damage::Shorter, format!("the stream is gone; {by} knew its line {}", head.seq)),
        Some(hashes) => match hashes.get(index) {
            None => found(Damage::Shorter, format!("ends at line {}; {by} knew line {}", hashes.len(), head.seq)),
            Some(hash) if *hash != head.hash => {
                found(Damage::Altered, format!("line {} is not the one that {by} knew", head.seq))
            }
            Some(_) => None,
        },
    }
}

/// Follows one stream line by line.
#[derive(Clone, Debug)]
pub(super) struct Walk {
    stream: StreamId,
    /// Of every line so far, for those who remember one.
    hashes: Vec<Digest>,
    seq: u64,
    prev: Digest,
    unknown: u64,
    /// The stream has ended, or this segment was sealed: nothing may follow.
    closed: Option<&'static str>,
    /// The last line sealed its segment with this.
    seal: Option<Seal>,
    recoveries: Vec<(Recovery, PathBuf, u64, u64)>,
    pub(super) findings: Vec<Finding>,
}

impl Walk {
    pub(super) fn new(stream: StreamId) -> Self {
        Self {
            stream,
            hashes: Vec::new(),
            seq: 0,
            prev: Digest::NONE,
            unknown: 0,
            closed: None,
            seal: None,
            recoveries: Vec::new(),
            findings: Vec::new(),
        }
    }

    /// Something about a whole file or folder.
    fn about(&mut self, damage: Damage, file: &Path, what: String) {
        let (stream, file) = (self.stream.clone(), file.to_owned());
        self.findings.push(Finding { damage, stream, file, line: 0, offset: 0, what });
    }

    fn head(&self) -> Option<Head> {
        let hash = *self.hashes.last()?;
        Some(Head { stream: self.stream.clone(), seq: self.seq, hash })
    }

    /// Takes one stored line, its break included, at a place in a file. A good one is given back.
    pub(super) fn line(&mut self, stored: &[u8], file: &Path, number: u64, offset: u64) -> Option<Line> {
        let mut wrong = |damage, what: String| {
            let (stream, file) = (self.stream.clone(), file.to_owned());
            self.findings.push(Finding { damage, stream, file, line: number, offset, what });
        };
        let Some(bytes) = stored.strip_suffix(b"\n") else {
            // A line that was being written has no digest yet: one that has, lost or changed its break afterwards.
            let torn = !whole_but_its_break(stored);
            let (damage, what) = match torn {
                true => (Damage::Torn, format!("{} bytes of a line that was never finished", stored.len())),
                false => (Damage::Altered, "the break of the last line was changed".to_owned()),
            };
            wrong(damage, what);
            return None;
        };
        let hash = Digest::of(stored);
        let (link, line) = match line::read(bytes) {
            Ok((link, line)) => (Ok(link), line),
            Err(defect) => (Err(defect), None),
        };
        match &link {
            Err(defect) => wrong(Damage::Altered, defect.to_string()),
            Ok(link) if link.stream != self.stream => {
                wrong(Damage::Altered, format!("the line is of stream {}", link.stream));
            }
            Ok(link) if link.seq != self.seq + 1 => {
                wrong(Damage::Altered, format!("line {} stands where {} must be", link.seq, self.seq + 1));
            }
            Ok(link) if link.prev != self.prev => {
                wrong(Damage::Altered, "the line before it is not the one it was written after".to_owned());
            }
            Ok(_) if self.seq == 0 && !line.as_ref().is_none_or(|line| begins(&line.record.event)) => {
                wrong(Damage::Altered, "the stream does not begin with its session".to_owned());
            }
            Ok(_) if line.is_none() => self.unknown += 1,
            Ok(_) => {}
        }
        if let Some(end) = self.closed {
            wrong(Damage::Altered, format!("a line follows {end}"));
        }
        // After a break the walk goes on from what stands there, so that one change is told once.
        self.seq = link.map_or(self.seq + 1, |link| link.seq);
        self.prev = hash;
        self.hashes.push(hash);
        let line = line?;
        (self.closed, self.seal) = match &line.record.event {
            Event::SessionEnd { .. } => (Some("the end of the session"), None),
            Event::Seal(seal) => (Some("the seal of the segment"), Some(seal.clone())),
            _ => (None, None),
        };
        if let Event::Recovery(recovery) = &line.record.event {
            self.recoveries.push((recovery.clone(), file.to_owned(), number, offset));
        }
        Some(line)
    }

    /// The next segment begins: the one before must have been sealed with what is in it.
    fn segment(&mut self, number: u32, expected: u32, file: &Path, before: (u64, u64)) {
        let (lines, _) = before;
        let fits = |seal: &Seal| seal.segment + 1 == expected && seal.lines + 1 == lines;
        let what = match &self.seal {
            _ if number != expected => format!("segment {expected} is gone"),
            None if expected > 1 => format!("segment {} was not sealed", expected - 1),
            Some(seal) if !fits(seal) => format!("the seal of segment {} does not fit it", expected - 1),
            _ => {
                self.closed = None;
                return;
            }
        };
        self.closed = None;
        self.about(Damage::Altered, file, what);
    }
}

fn begins(event: &Event) -> bool {
    matches!(event, Event::SessionStart(_) | Event::Recovery(_))
}

fn whole_but_its_break(stored: &[u8]) -> bool {
    // All but the break may have been written before the disk gave up; anything else in its place was put there.
    stored.split_last().is_some_and(|(_, rest)| line::read(rest).is_ok())
}

fn walk_stream(folder: &StreamFolder, walk: &mut Walk, each: &mut impl FnMut(&Line, &[u8])) -> io::Result<()> {
    let mut before = (0, 0);
    let mut expected = 1;
    for number in streams::segments(&folder.path)? {
        let file = streams::segment_file(&folder.path, number);
        walk.segment(number, expected, &file, before);
        before = walk_segment(&file, walk, each)
            .map_err(|error| io::Error::new(error.kind(), format!("{number:06}.jsonl: {error}")))?;
        expected = number + 1;
    }
    // A session may die between a seal and its next segment, so a seal at the end is no damage; that a segment after it is
    // gone shows only against a head that knew a line of it.
    let kept: Vec<_> = std::mem::take(&mut walk.recoveries);
    for (recovery, file, line, offset) in kept {
        let aside = folder.path.join(recovery.file.as_str());
        let intact = aside_of(&aside, recovery.bytes)
            .is_ok_and(|bytes| bytes.len() as u64 == recovery.bytes && Digest::of(&bytes) == recovery.digest);
        if !intact {
            let what = format!("what was set aside in {} is gone or was changed", recovery.file.shown());
            let stream = folder.id.clone();
            walk.findings.push(Finding { damage: Damage::Altered, stream, file, line, offset, what });
        }
    }
    Ok(())
}

/// What was set aside, and one byte more if there is any.
fn aside_of(file: &Path, length: u64) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    streams::open(file)?.take(length.saturating_add(1)).read_to_end(&mut bytes)?;
    Ok(bytes)
}

/// Lines and bytes of one file.
fn walk_segment(file: &Path, walk: &mut Walk, each: &mut impl FnMut(&Line, &[u8])) -> io::Result<(u64, u64)> {
    let mut reader = BufReader::with_capacity(1 << 18, streams::open(file)?);
    let (mut number, mut offset) = (0, 0);
    let mut stored = Vec::new();
    loop {
        stored.clear();
        // A line that never ends must not fill the memory: what is over the cap is read as another line.
        let read = (&mut reader).take(LINE_CAP as u64 + 1).read_until(b'\n', &mut stored)?;
        if read == 0 {
            return Ok((number, offset));
        }
        number += 1;
        if let Some(line) = walk.line(&stored, file, number, offset) {
            each(&line, &stored);
        }
        offset += read as u64;
    }
}

#[cfg(test)]
#[path = "verify_tests.rs"]
mod tests;
