//! Delivers the trail to its sinks, each on a thread of its own, from what is stored: neither the loop nor the journal waits
//! for one. A session delivers its own streams and, one session at a time, those of sessions that have ended.
//!
//! A required sink is waited for in one place, [`Sinks::hold`], between the intent and the first byte.

mod drive;
pub mod make;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{SyncSender, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use tokio::sync::watch;

use super::door::Door;
use crate::audit::record::{Head, StreamId};
use crate::audit::sinks::cursor::{self, Cursors};
use crate::audit::streams::{self, StreamFolder};
use crate::clients::egress::Egress;
use crate::domain::error::{Fault, FaultKind};
use crate::domain::id::SourceId;
use crate::domain::settings::{Settings, SinkSettings};
use crate::domain::text::{Raw, Shown};
use crate::domain::time::Stamp;
use crate::model::board::{SourceKind, SourceState, SourceStatus};
use crate::runtime::clock::Clocks;
use crate::runtime::inbox::Inbox;
use crate::shown;
use drive::Driver;

/// How long an intent waits for a required sink.
const PATIENCE: Duration = Duration::from_secs(8);

/// Every sink of the session; clones share them.
#[derive(Clone)]
pub struct Sinks(Arc<Shared>);

struct Shared {
    outlets: Vec<Outlet>,
    own: Arc<Mutex<Vec<StreamFolder>>>,
    ending: Arc<AtomicBool>,
}

struct Outlet {
    name: Shown,
    required: bool,
    nudge: SyncSender<()>,
    seen: watch::Receiver<Seen>,
}

/// What a sink has taken of this session's streams, and why not more.
#[derive(Clone, Debug, Default)]
struct Seen {
    taken: BTreeMap<StreamId, u64>,
    fault: Option<Shown>,
}

/// Sinks that do not run yet.
pub struct Waiting(Vec<Driver>);

impl Sinks {
    /// Prepares the sinks of the configuration; a trail that has no folder has none.
    #[must_use]
    pub fn new(settings: &Settings, trail: Option<&Path>) -> (Self, Waiting) {
        let egress = if settings.egress.loopback_only { Egress::LoopbackOnly } else { Egress::Open };
        let (own, ending) = (Arc::new(Mutex::new(Vec::new())), Arc::new(AtomicBool::new(false)));
        let (mut outlets, mut drivers) = (Vec::new(), Vec::new());
        for (sink, trail) in settings.audit.sink.iter().zip(trail.into_iter().cycle()) {
            let (nudge, nudged) = sync_channel(1);
            let (tell, seen) = watch::channel(Seen::default());
            outlets.push(Outlet { name: Shown::of(sink.name()), required: sink.required, nudge, seen });
            let ways = (own.clone(), ending.clone(), nudged, tell);
            drivers.push(Driver::new(sink, trail, make::sink(sink, egress), ways));
        }
        (Self(Arc::new(Shared { outlets, own, ending })), Waiting(drivers))
    }

    /// There may be new records in the streams of this session, which only become more; `places` are the folders in which
    /// they are.
    pub fn look(&self, own: &[StreamId], places: impl FnOnce() -> Vec<PathBuf>) {
        let mut known = self.0.own.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(new @ [_, ..]) = own.get(known.len()..) {
            let places = places();
            for stream in new {
                let folders = || places.iter().map(|place| place.join(stream.as_str()));
                let path = folders().find(|path| path.is_dir()).or_else(|| folders().next()).unwrap_or_default();
                known.push(StreamFolder { id: stream.clone(), path });
            }
        }
        drop(known);
        self.nudge();
    }

    fn nudge(&self) {
        for outlet in &self.0.outlets {
            // One that is nudged already will see them too.
            let _ = outlet.nudge.try_send(());
        }
    }

    /// Waits until every required sink has taken everything up to and with this record.
    ///
    /// # Errors
    /// One has not, in time. Nothing may be sent on the strength of the record.
    pub async fn hold(&self, head: &Head) -> Result<(), Fault> {
        for outlet in self.0.outlets.iter().filter(|outlet| outlet.required) {
            let mut seen = outlet.seen.clone();
            let taken = |seen: &Seen| seen.taken.get(&head.stream).is_some_and(|seq| *seq >= head.seq);
            let done = tokio::time::timeout(PATIENCE, seen.wait_for(taken)).await.is_ok_and(|done| done.is_ok());
            if !done {
                let why =
                    outlet.seen.borrow().fault.clone().unwrap_or_else(|| Shown::fixed("it did not answer in time"));
                return Err(Fault::new(
                    FaultKind::Refused,
                    shown!("the required sink {} has not taken the intent: {}", outlet.name, why),
                    Shown::fixed("nothing was sent: bring the sink back, or break the glass"),
                ));
            }
        }
        Ok(())
    }

    /// Lets the sinks take the last records, at most for `limit`; what is left comes with the next session.
    pub fn end(&self, limit: Duration) {
        self.0.ending.store(true, Ordering::Release);
        self.nudge();
        let until = Instant::now() + limit;
        // A driver that has ended drops its sender.
        while self.0.outlets.iter().any(|outlet| outlet.seen.has_changed().is_ok()) && Instant::now() < until {
            std::thread::sleep(Duration::from_millis(10));
        }
    }
}

impl Waiting {
    /// Starts to deliver.
    pub fn start(self, inbox: &Inbox, clocks: Clocks, door: &Door) {
        for driver in self.0 {
            inbox.add_source(status(&driver.settings, SourceState::Connecting { since: clocks.now() }));
            let name = format!("sink-{}", driver.settings.name());
            let (inbox, door) = (inbox.clone(), door.clone());
            let spawned = std::thread::Builder::new().name(name).spawn(move || driver.run(&inbox, clocks, &door));
            if let Err(error) = spawned {
                tracing::error!("a sink's thread cannot be started: {error}");
            }
        }
    }
}

fn status(settings: &SinkSettings, state: SourceState) -> SourceStatus {
    SourceStatus {
        id: SourceId::new(settings.name()),
        kind: SourceKind::Sink,
        state,
        sample_at: None,
        endpoint: Raw::new(settings.address.as_deref().unwrap_or_default()),
        took: None,
        cost: None,
        identity: settings.required.then(|| Shown::fixed("required: without it nothing is changed")),
    }
}

/// The sinks as a run finds them that records nothing itself: what was not delivered to each, as its cursors tell.
#[must_use]
pub fn rows(settings: &Settings, trail: &Path, now: Stamp) -> Vec<SourceStatus> {
    let row = |sink: &SinkSettings| {
        let state = match lag(trail, sink.name()) {
            Ok(0) => SourceState::Live,
            Ok(behind) => SourceState::Failed {
                since: now,
                fault: Fault::new(
                    FaultKind::Missing,
                    shown!("{} records of the trail have not been delivered to {}", behind, Raw::new(sink.name())),
                    Shown::fixed("the console delivers them while it runs; tierdeck doctor says what is wrong"),
                ),
            },
            Err(error) => SourceState::Failed { since: now, fault: unreadable(trail, &error) },
        };
        SourceStatus { took: Some(Duration::ZERO), ..status(sink, state) }
    };
    settings.audit.sink.iter().map(row).collect()
}

/// How many records of a trail a sink has not taken.
///
/// # Errors
/// The trail cannot be read.
pub fn lag(trail: &Path, sink: &str) -> std::io::Result<u64> {
    let cursors = Cursors::of(trail, sink);
    let streams = streams::streams(trail)?;
    streams.iter().map(|stream| cursor::behind(stream, cursors.get(&stream.id))).sum()
}

fn unreadable(path: &Path, error: &std::io::Error) -> Fault {
    let path = PathBuf::from(path);
    Fault::new(
        FaultKind::Usage,
        shown!(
            "the audit trail at {} cannot be read: {}",
            Raw::from(path.display().to_string()),
            Raw::from(error.to_string())
        ),
        Shown::fixed("see tierdeck audit verify"),
    )
}

#[cfg(test)]
mod tests;
