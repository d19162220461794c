//! What the tests of the room share: records, a journal in a folder, a disk that fails on demand.

use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};

use super::journal::{Disk, Journal, JournalFault, Limits, Opened, Opening, RealDisk, Tape};
use super::record::{
    ActionId, Class, Digest, Event, Intent, Moment, Outcome, Record, Reply, Request, StreamId, Subject, Target, Text,
    Verified,
};
use crate::domain::secret::Secrets;
use crate::domain::time::Stamp;

/// A second passes with every look at the clock.
fn now() -> Moment {
    static SECOND: AtomicI64 = AtomicI64::new(0);
    let second = SECOND.fetch_add(1, Ordering::Relaxed);
    let start = Stamp::parse_rfc3339("2026-11-21T03:12:07Z").unwrap().millis();
    let wall = (start + second * 1000) * 1_000_000;
    Moment { wall, mono: second.unsigned_abs(), world: Stamp::from_millis(wall / 1_000_000) }
}

pub fn opening(limits: Limits, continues: Option<StreamId>) -> Opening {
    Opening {
        now: Box::new(now),
        limits,
        secrets: Secrets::default(),
        who: Text::of("jane@bastion"),
        host: "bastion".to_owned(),
        facts: BTreeMap::new(),
        mode: "console",
        continues,
    }
}

pub fn open(trail: &Path) -> Opened {
    Journal::open(Box::new(RealDisk), trail, opening(Limits::default(), None)).unwrap()
}

pub fn note(text: &str) -> Record {
    Record::of_session(Event::Note { text: Text::of(text), ticket: None })
}

pub fn subject(number: u8) -> Subject {
    Subject {
        action: ActionId::new(Stamp::from_millis(i64::from(number)), [number; 10]),
        parent: None,
        environment: Text::of("prod-eu"),
        identity: Text::of("ops@shop"),
        target: Target {
            system: Text::fixed("kubernetes"),
            realm: Text::fixed("c0ffee"),
            scope: Text::fixed("shop"),
            kind: Text::fixed("rollout"),
            name: Text::fixed("backend"),
            uid: Text::fixed("u-1"),
        },
    }
}

pub fn intent(step: u32) -> Intent {
    Intent {
        operation: Text::fixed("abort"),
        params: BTreeMap::from([("replicas".to_owned(), Text::valued("replicas", "5"))]),
        plan: Digest::of(b"plan"),
        step,
        steps: 2,
        request: Request {
            method: Text::fixed("PATCH"),
            address: Text::fixed("https://k8s/apis/argoproj.io/v1alpha1/namespaces/shop/rollouts/backend"),
            body: Digest::of(b"{}"),
            preconditions: Text::fixed("uid u-1"),
            token: Text::default(),
        },
    }
}

pub fn outcome(subject: &Subject, step: u32) -> Record {
    let reply = Reply {
        step,
        class: Class::Accepted,
        code: Some(200),
        request_id: Text::fixed("r-1"),
        detail: Text::default(),
    };
    Record::of_action(subject, Event::Outcome(reply))
}

pub fn verified(subject: &Subject, outcome: Outcome) -> Record {
    let verified = Verified { outcome, after: Vec::new(), outage_ms: None, detail: Text::default() };
    Record::of_action(subject, Event::Verify(verified))
}

/// A disk that gives up: after `room` bytes, at the n-th sync, and when it is to take something back.
#[derive(Clone, Debug)]
pub struct SickDisk(pub Arc<Sickness>);

#[derive(Debug)]
pub struct Sickness {
    pub room: AtomicU64,
    /// Syncs that still succeed.
    pub syncs: AtomicU64,
    /// Syncs that were asked for.
    pub asked: AtomicU64,
    /// The most that one write takes.
    pub gulp: AtomicU64,
    /// Cuts that still succeed.
    pub cuts: AtomicU64,
}

impl SickDisk {
    pub fn healthy() -> Self {
        let many = || AtomicU64::new(u64::MAX / 2);
        let asked = AtomicU64::new(0);
        Self(Arc::new(Sickness { room: many(), syncs: many(), asked, gulp: many(), cuts: many() }))
    }

    pub fn open(&self, trail: &Path, limits: Limits) -> Result<Journal, JournalFault> {
        Journal::open(Box::new(self.clone()), trail, opening(limits, None)).map(|opened| opened.journal)
    }
}

fn take(from: &AtomicU64) -> bool {
    from.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |left| left.checked_sub(1)).is_ok()
}

impl Disk for SickDisk {
    fn folder(&self, path: &Path) -> io::Result<()> {
        RealDisk.folder(path)
    }

    fn tape(&self, path: &Path, new: bool) -> io::Result<Box<dyn Tape>> {
        Ok(Box::new(SickTape(RealDisk.tape(path, new)?, Arc::clone(&self.0))))
    }

    fn sync_folder(&self, path: &Path) -> io::Result<()> {
        RealDisk.sync_folder(path)
    }

    fn reserve(&self, path: &Path, bytes: u64) -> io::Result<()> {
        let left = |room: u64| room.checked_sub(bytes);
        let taken = self.0.room.fetch_update(Ordering::Relaxed, Ordering::Relaxed, left);
        taken.map_err(|_| io::Error::from(io::ErrorKind::StorageFull))?;
        RealDisk.reserve(path, bytes)
    }

    fn release(&self, path: &Path) {
        if let Ok(about) = std::fs::metadata(path) {
            self.0.room.fetch_add(about.len(), Ordering::Relaxed);
        }
        RealDisk.release(path);
    }

    fn discard(&self, stream: &Path) {
        RealDisk.discard(stream);
    }
}

struct SickTape(Box<dyn Tape>, Arc<Sickness>);

impl Tape for SickTape {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let room = self.1.room.load(Ordering::Relaxed).min(self.1.gulp.load(Ordering::Relaxed));
        let some = bytes.len().min(usize::try_from(room).unwrap_or(usize::MAX));
        if some == 0 {
            return Err(io::ErrorKind::StorageFull.into());
        }
        self.1.room.fetch_sub(some as u64, Ordering::Relaxed);
        self.0.write(&bytes[..some])
    }

    fn sync(&mut self) -> io::Result<()> {
        self.1.asked.fetch_add(1, Ordering::Relaxed);
        if take(&self.1.syncs) { self.0.sync() } else { Err(io::Error::other("Input/output error")) }
    }

    fn cut(&mut self, length: u64) -> io::Result<()> {
        if take(&self.1.cuts) { self.0.cut(length) } else { Err(io::Error::other("Input/output error")) }
    }

    fn lock(&mut self) -> io::Result<()> {
        self.0.lock()
    }
}

/// The one segment of the one stream of a trail.
pub fn only_file(trail: &Path) -> PathBuf {
    let streams = super::streams::streams(trail).unwrap();
    assert_eq!(streams.len(), 1);
    super::streams::segment_file(&streams[0].path, 1)
}
