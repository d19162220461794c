//! Opening a stream: what others left torn is set aside and told, their ends are remembered, then ours begins.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use super::disk::Disk;
use super::fault::{JournalFault, unwritable};
use super::streams::{self, StreamFolder};
use super::writer::Writer;
use super::{Journal, Limits, Now, reserve_file};
use crate::audit::record::{Digest, Event, Head, Moment, Record, Recovery, SessionStart, StreamId, Text};
use crate::domain::secret::Secrets;

/// Heads that a session's first line remembers: so many, that the line stays far under its longest.
const HEADS: usize = 64;

/// Who opens a stream, how and why.
pub struct Opening {
    /// Reads the clocks; for the session's start `mono` is 0.
    pub now: Now,
    pub limits: Limits,
    /// What is masked in every line.
    pub secrets: Secrets,
    /// `user@host`.
    pub who: Text,
    /// The host's name, for the stream's.
    pub host: String,
    /// What the host knows about us: see [`SessionStart::host`].
    pub facts: BTreeMap<String, Text>,
    /// `console`, `run`, `audit`.
    pub mode: &'static str,
    /// The stream that a fault ended, when this one goes on from it.
    pub continues: Option<StreamId>,
}

/// An open journal and what was found on the way.
pub struct Opened {
    pub journal: Journal,
    /// Torn ends of dead streams that were set aside: to be told, they are never dropped silently.
    pub recovered: Vec<(StreamId, Recovery)>,
    /// Streams whose end could not be read or recovered, with why: `tierdeck audit verify` says more.
    pub unreadable: Vec<(StreamId, String)>,
}

impl Journal {
    /// Opens a new stream below `trail`, usually `$XDG_STATE_HOME/tierdeck/audit`. It reads only the ends of the newest
    /// streams, so it takes milliseconds whatever the trail's length; what is in doubt is found by
    /// [`verify`](crate::audit::verify::verify), which reads all of it.
    ///
    /// # Errors
    /// The trail cannot be written: a full disk, a read-only or foreign folder. Nothing may be sent then.
    pub fn open(disk: Box<dyn Disk>, trail: &Path, opening: Opening) -> Result<Opened, JournalFault> {
        let Opening { mut now, limits, secrets, who, host, facts, mode, continues } = opening;
        disk.folder(trail).map_err(unwritable(trail))?;
        let moment = now();
        let mut found = Ends::default();
        let others = streams::streams(trail).map_err(unwritable(trail))?;
        for stream in others.iter().rev().take(HEADS) {
            found.look(&*disk, stream, (moment, &who, &secrets));
        }
        let stream = StreamId::new(moment.wall_stamp(), &host, std::process::id(), random());
        let folder = trail.join(stream.as_str());
        let writer = Writer::create(&*disk, trail, stream, who).inspect_err(|_| disk.discard(&folder))?;
        let trail = trail.to_owned();
        let mut journal = Self { disk, trail, now, limits, secrets, writer, is_short: false, poisoned: None };
        if limits.reserve_bytes > 0 {
            let reserve = journal.reserve_file();
            journal.disk.reserve(&reserve, limits.reserve_bytes).map_err(|error| {
                journal.disk.release(&reserve);
                journal.disk.discard(&folder);
                unwritable(&reserve)(error)
            })?;
        }
        let version = Text::fixed(env!("CARGO_PKG_VERSION"));
        let mode = Text::fixed(mode);
        let start = SessionStart { version, mode, pid: std::process::id(), host: facts, heads: found.heads, continues };
        let first = journal.append(&Record::of_session(Event::SessionStart(start)));
        first.inspect_err(|_| {
            journal.disk.release(&journal.reserve_file());
            journal.disk.discard(&folder);
        })?;
        Ok(Opened { journal, recovered: found.recovered, unreadable: found.unreadable })
    }
}

#[derive(Default)]
struct Ends {
    heads: Vec<Head>,
    recovered: Vec<(StreamId, Recovery)>,
    unreadable: Vec<(StreamId, String)>,
}

impl Ends {
    /// Remembers the end of another stream, after setting its torn part aside if nobody writes it any more.
    fn look(&mut self, disk: &dyn Disk, stream: &StreamFolder, by: (Moment, &Text, &Secrets)) {
        let tail = match streams::tail(stream) {
            Ok(tail) => tail,
            Err(error) => return self.unreadable.push((stream.id.clone(), error.to_string())),
        };
        if !streams::is_alive(&stream.path) {
            disk.release(&reserve_file(&stream.path));
            if !tail.torn.is_empty() {
                match set_aside(disk, stream, by) {
                    Ok(Some((recovery, head))) => {
                        self.recovered.push((stream.id.clone(), recovery));
                        return self.heads.push(head);
                    }
                    Ok(None) => {}
                    Err(fault) => self.unreadable.push((stream.id.clone(), fault.sentence().as_str().to_owned())),
                }
            }
        }
        match tail.last {
            Some(head) => self.heads.push(head),
            None if tail.whole > 0 => self.unreadable.push((stream.id.clone(), "its last line was changed".to_owned())),
            None => {}
        }
    }
}

/// Moves the torn end of a dead stream into a file beside it and says so in that stream. `None` when another session that
/// started at the same time has done it.
fn set_aside(
    disk: &dyn Disk,
    stream: &StreamFolder,
    (moment, who, secrets): (Moment, &Text, &Secrets),
) -> Result<Option<(Recovery, Head)>, JournalFault> {
    let first_file = streams::segment_file(&stream.path, 1);
    let mut lock = disk.tape(&first_file, false).map_err(unwritable(&first_file))?;
    lock.lock().map_err(unwritable(&first_file))?;
    // Under the lock: what was seen before it may be gone.
    let tail = streams::tail(stream).map_err(unwritable(&first_file))?;
    if tail.torn.is_empty() {
        return Ok(None);
    }
    let path = streams::segment_file(&stream.path, tail.segment);
    let first = Head { stream: stream.id.clone(), seq: 0, hash: Digest::NONE };
    let last = match (&tail.last, tail.whole, tail.segment) {
        (Some(head), ..) => head,
        (None, 0, 1) => &first,
        _ => return Err(unwritable(&path)(std::io::Error::other("the line before the torn one was changed"))),
    };
    let aside = torn_file(&path, last.seq);
    save(disk, &aside, &tail.torn).map_err(unwritable(&aside))?;
    let mut tape = disk.tape(&path, false).map_err(unwritable(&path))?;
    tape.cut(tail.whole).map_err(unwritable(&path))?;
    let name = aside.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    let recovery = Recovery { file: Text::name(&name), bytes: tail.torn.len() as u64, digest: Digest::of(&tail.torn) };
    let segment = (tail.segment, tail.whole, tape);
    let mut writer = Writer::resume(stream.path.clone(), who.clone(), last, segment, Some(lock));
    let record = Record::of_session(Event::Recovery(recovery.clone()));
    let receipt = writer.append(moment, &record, secrets)?;
    Ok(Some((recovery, receipt.head)))
}

/// `000001.jsonl.41.torn`: after which line it was torn, so that a second time does not overwrite the first.
fn torn_file(segment: &Path, seq: u64) -> PathBuf {
    segment.with_extension(format!("jsonl.{seq}.torn"))
}

/// Writes a file that may be left from an attempt that was itself interrupted.
fn save(disk: &dyn Disk, path: &Path, bytes: &[u8]) -> std::io::Result<()> {
    let _ = std::fs::remove_file(path);
    let mut tape = disk.tape(path, true)?;
    let mut rest = bytes;
    while !rest.is_empty() {
        let written = tape.write(rest)?;
        rest = rest.get(written..).filter(|_| written > 0).ok_or(std::io::ErrorKind::WriteZero)?;
    }
    tape.sync()?;
    path.parent().map_or(Ok(()), |folder| disk.sync_folder(folder))
}

/// From the kernel; the process' id and the time do for one that gives none.
fn random() -> u32 {
    let mut bytes = [0; 4];
    let read =
        std::fs::File::open("/dev/urandom").and_then(|mut file| std::io::Read::read_exact(&mut file, &mut bytes));
    read.map_or(std::process::id(), |()| u32::from_ne_bytes(bytes))
}

/// What the host knows about us, for [`Opening::facts`]: `uid`, `loginuid` (who logged in, whatever `sudo` followed), `tty`,
/// `boot_id`, and `ssh_client` as the environment tells it.
#[must_use]
pub fn host_facts(ssh_client: Option<&str>) -> BTreeMap<String, Text> {
    let read = |path: &str| std::fs::read_to_string(path).ok().map(|text| text.trim().to_owned());
    let tty = std::fs::read_link("/proc/self/fd/0").ok().map(|path| path.display().to_string());
    let facts = [
        ("uid", Some(rustix::process::getuid().as_raw().to_string())),
        ("loginuid", read("/proc/self/loginuid")),
        ("boot_id", read("/proc/sys/kernel/random/boot_id")),
        ("tty", tty.filter(|path| path.starts_with("/dev/"))),
        ("ssh_client", ssh_client.map(str::to_owned)),
    ];
    facts.into_iter().filter_map(|(name, value)| Some((name.to_owned(), Text::name(&value?)))).collect()
}
