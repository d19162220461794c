//! The thread of one sink.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use tokio::sync::watch;

use super::{Seen, lag, unreadable};
use crate::audit::journal::Receipt;
use crate::audit::record::{Event, Sink as SinkRecord, SinkState, StreamId, Text};
use crate::audit::sinks::Sink;
use crate::audit::sinks::cursor::{self, Cursor, Cursors};
use crate::audit::streams::{self, StreamFolder};
use crate::domain::error::Fault;
use crate::domain::id::SourceId;
use crate::domain::settings::SinkSettings;
use crate::domain::text::Shown;
use crate::model::board::SourceState;
use crate::runtime::clock::Clocks;
use crate::runtime::inbox::{Control, Inbox};
use crate::runtime::operate::door::{Door, Order};
use crate::shown;

/// So much is handed over at once, bytes.
const BATCH: u64 = 256 << 10;
/// Without a nudge the streams are looked at this often; those of ended sessions, too.
const LOOK: Duration = Duration::from_secs(10);
/// Between two attempts on a sink that fails: from the first, doubled, to the longest.
const FIRST: Duration = Duration::from_secs(1);
const LONGEST: Duration = Duration::from_secs(60);

pub type Ways = (Arc<Mutex<Vec<StreamFolder>>>, Arc<AtomicBool>, Receiver<()>, watch::Sender<Seen>);

pub struct Driver {
    pub settings: SinkSettings,
    trail: PathBuf,
    sink: Result<Box<dyn Sink>, Fault>,
    cursors: Cursors,
    ways: Ways,
    /// How far it has come in each stream; what is remembered on the disk may be older.
    at: BTreeMap<StreamId, Cursor>,
    /// Streams of ended sessions that it has whole, or that cannot be read any further.
    done: BTreeSet<StreamId>,
    /// The last attempt; `None` before the first.
    well: Option<bool>,
    tries: u32,
}

impl Driver {
    pub fn new(settings: &SinkSettings, trail: &Path, sink: Result<Box<dyn Sink>, Fault>, ways: Ways) -> Self {
        Self {
            settings: settings.clone(),
            trail: trail.to_owned(),
            sink,
            cursors: Cursors::of(trail, settings.name()),
            ways,
            at: BTreeMap::new(),
            done: BTreeSet::new(),
            well: None,
            tries: 0,
        }
    }

    pub fn run(mut self, inbox: &Inbox, clocks: Clocks, door: &Door) {
        loop {
            // What is written by now is in the streams that are looked at next.
            let ending = self.ways.1.load(Ordering::Acquire);
            let begun = Instant::now();
            let result = self.round();
            self.told(&result, begun.elapsed(), inbox, clocks, door);
            if ending {
                return;
            }
            self.wait(result.is_ok());
        }
    }

    /// Everything that is there: this session's first, again after every batch of the others'.
    fn round(&mut self) -> Result<(), Fault> {
        if let Err(fault) = &self.sink {
            return Err(fault.clone());
        }
        while self.deliver_own()? {}
        let Some(_turn) = self.cursors.turn() else { return Ok(()) };
        for stream in self.left_behind()? {
            while !self.done.contains(&stream.id) && !self.ways.1.load(Ordering::Acquire) {
                match self.deliver(&stream)? {
                    Delivered::Some => while self.deliver_own()? {},
                    Delivered::Nothing => {
                        self.done.insert(stream.id.clone());
                    }
                    // It stays where it is, and `audit verify` tells it; the others need not wait for it.
                    Delivered::Altered(why) => {
                        tracing::error!("{} is not delivered to {}: {why}", stream.id, self.settings.name());
                        self.done.insert(stream.id.clone());
                    }
                }
            }
        }
        Ok(())
    }

    /// Streams of sessions that have ended.
    fn left_behind(&self) -> Result<Vec<StreamFolder>, Fault> {
        let own: BTreeSet<StreamId> = self.own().into_iter().map(|stream| stream.id).collect();
        let all = streams::streams(&self.trail).map_err(|error| unreadable(&self.trail, &error))?;
        let known = |id: &StreamId| own.contains(id) || self.done.contains(id);
        Ok(all.into_iter().filter(|stream| !known(&stream.id) && !streams::is_alive(&stream.path)).collect())
    }

    fn own(&self) -> Vec<StreamFolder> {
        self.ways.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Whether there may be more.
    fn deliver_own(&mut self) -> Result<bool, Fault> {
        let mut more = false;
        for stream in self.own() {
            match self.deliver(&stream)? {
                Delivered::Some => more = true,
                Delivered::Nothing => {}
                Delivered::Altered(why) => {
                    let error = std::io::Error::other(format!("it was changed under our hands: {why}"));
                    return Err(unreadable(&stream.path, &error));
                }
            }
        }
        Ok(more)
    }

    /// One batch.
    fn deliver(&mut self, stream: &StreamFolder) -> Result<Delivered, Fault> {
        let from = self.at.get(&stream.id).copied().unwrap_or_else(|| self.cursors.get(&stream.id));
        let batch = match cursor::read(stream, from, BATCH) {
            Ok(batch) => batch,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
                return Ok(Delivered::Altered(format!("segment {} is gone", from.segment)));
            }
            Err(error) => return Err(unreadable(&stream.path, &error)),
        };
        if batch.lines.is_empty() {
            return Ok(batch.broken.map_or(Delivered::Nothing, Delivered::Altered));
        }
        let (lines, places): (Vec<Receipt>, Vec<Cursor>) = batch.lines.into_iter().unzip();
        let result = match &mut self.sink {
            Ok(sink) => sink.take(&lines),
            Err(fault) => return Err(fault.clone()),
        };
        let taken = result.as_ref().map_or_else(|untaken| untaken.taken, |()| lines.len());
        if let Some(cursor) = taken.checked_sub(1).and_then(|last| places.get(last)) {
            self.remember(&stream.id, *cursor);
        }
        result.map(|()| Delivered::Some).map_err(|untaken| untaken.fault)
    }

    fn remember(&mut self, stream: &StreamId, cursor: Cursor) {
        self.at.insert(stream.clone(), cursor);
        if let Err(error) = self.cursors.put(stream, cursor) {
            tracing::warn!("how far {} has come in {stream} cannot be remembered: {error}", self.settings.name());
        }
        self.ways.3.send_modify(|seen| {
            seen.taken.insert(stream.clone(), cursor.seq);
        });
    }

    /// Tells the screen, the guards and the trail how it stands.
    fn told(&mut self, result: &Result<(), Fault>, took: Duration, inbox: &Inbox, clocks: Clocks, door: &Door) {
        let (id, name) = (SourceId::new(self.settings.name()), Shown::of(self.settings.name()));
        let endpoint = self.sink.as_ref().map(|sink| sink.endpoint()).ok();
        let was = self.well.replace(result.is_ok());
        self.tries = if result.is_ok() { 0 } else { self.tries.saturating_add(1) };
        let words = result.as_ref().err().map(|fault| match lag(&self.trail, self.settings.name()) {
            Ok(behind) if behind > 0 => (behind, shown!("{} records behind: {}", behind, fault.what)),
            _ => (0, fault.what.clone()),
        });
        inbox.status(&id, |status| {
            status.took = Some(took);
            status.endpoint = endpoint.unwrap_or_else(|| status.endpoint.clone());
            status.state = match (result, &words, &status.state) {
                (Err(fault), Some((_, words)), before) => {
                    let since = match before {
                        SourceState::Failed { since, .. } => *since,
                        _ => clocks.now(),
                    };
                    SourceState::Failed { since, fault: Fault { what: words.clone(), ..fault.clone() } }
                }
                _ => SourceState::Live,
            };
        });
        let fault = words.as_ref().map(|(_, words)| words.clone());
        self.ways.3.send_modify(|seen| seen.fault.clone_from(&fault));
        if was == self.well || (was.is_none() && result.is_ok() && !self.settings.required) {
            return;
        }
        if self.settings.required {
            inbox.control(Control::Sink { name: name.clone(), health: fault.clone().map_or(Ok(()), Err) });
        }
        if was.is_some() || result.is_err() {
            door.order(Order::Session(Box::new(Event::Sink(SinkRecord {
                name: Text::name(name.as_str()),
                state: if result.is_ok() { SinkState::Up } else { SinkState::Down },
                behind: words.map_or(0, |(behind, _)| behind),
                detail: fault.map(|fault| Text::of(fault.as_str())).unwrap_or_default(),
            }))));
        }
    }

    /// Until there is something to do. Nudges do not make a failing sink be asked more often than once in [`FIRST`].
    fn wait(&self, well: bool) {
        let nudged = &self.ways.2;
        if well {
            let _ = nudged.recv_timeout(LOOK);
            return;
        }
        let doubled = FIRST.saturating_mul(1 << self.tries.saturating_sub(1).min(6)).min(LONGEST);
        let wait = doubled.mul_f64(0.75 + rand::random::<f64>() / 2.0);
        let least = Instant::now() + FIRST.min(wait);
        if nudged.recv_timeout(wait) != Err(RecvTimeoutError::Timeout) && !self.ways.1.load(Ordering::Acquire) {
            std::thread::sleep(least.saturating_duration_since(Instant::now()));
        }
    }
}

/// What came of one batch.
enum Delivered {
    Some,
    /// There is nothing more.
    Nothing,
    /// The stream cannot be read any further.
    Altered(String),
}
