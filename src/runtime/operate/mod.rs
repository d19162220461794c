//! What operations ask of the world: reads, locks, and the one door through which a change leaves.
//!
//! [`Operator::perform`] takes an effect of the state and returns at once; what comes of it reaches the loop as events. The
//! journal has a thread of its own ([`door`]), because it waits for the disk; everything else is a task.

mod aws;
mod door;
mod endpoint;
mod follow;
mod journal;
mod keeper;
mod lock;
mod look;
mod realm;
mod records;
pub mod rights;
mod secrets;
pub mod sinks;
mod systems;
mod trail;

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use tokio::runtime::Handle;
use tokio::task::JoinHandle;

use super::clock::Clocks;
use super::inbox::{Control, Inbox};
use crate::audit::record::{ActionId, StreamId};
use crate::domain::settings::Settings;
use crate::domain::text::{Raw, Shown};
use crate::operation::machine::{Effect, Event};
use crate::operation::target::{OperationId, Request};
use crate::state::message::{self as state, Message};
use door::{About, Door, Order};
use sinks::Sinks;
use systems::Systems;

/// How long the end of the session waits for the locks that are let go, and for the disk.
const ENDING: Duration = Duration::from_secs(2);

/// Who we are, for locks and the trail.
#[derive(Clone, Debug)]
pub struct Actor {
    /// `user@host`.
    pub who: Shown,
    pub host: String,
    /// `console`, `run`.
    pub mode: &'static str,
    /// Value of `SSH_CLIENT`, where there is one.
    pub ssh_client: Option<String>,
    /// The folder of the audit trail; `None` with the reason why there is none.
    pub trail: Result<PathBuf, Shown>,
    /// Folders that take what breaks the glass while that one fails, the first that works.
    pub shelters: Vec<PathBuf>,
}

/// Carries out what operations ask.
pub struct Operator {
    handle: Handle,
    inbox: Inbox,
    clocks: Clocks,
    systems: Arc<Systems>,
    door: Door,
    sinks: Sinks,
    actor: Actor,
    environment: Shown,
    locks: BTreeMap<OperationId, lock::Lock>,
    /// Locks that are being let go.
    releasing: Vec<JoinHandle<()>>,
    follows: BTreeMap<OperationId, JoinHandle<()>>,
}

impl Operator {
    #[must_use]
    pub fn new(handle: Handle, inbox: Inbox, clocks: Clocks, settings: &Settings, actor: Actor) -> Self {
        let systems = Arc::new(Systems::new(settings));
        let environment = Shown::of(&settings.environment.name);
        let (sinks, waiting) = Sinks::new(settings, actor.trail.as_deref().ok());
        let door = Door::open(handle.clone(), inbox.clone(), clocks, systems.clone(), actor.clone(), sinks.clone());
        handle.spawn(secrets::tell(settings.clone(), systems.clone(), door.clone()));
        waiting.start(&inbox, clocks, &door);
        Self {
            handle,
            inbox,
            clocks,
            systems,
            door,
            sinks,
            actor,
            environment,
            locks: BTreeMap::new(),
            releasing: Vec::new(),
            follows: BTreeMap::new(),
        }
    }

    /// A new identity (UUIDv7) for an operation.
    fn identity(&self) -> OperationId {
        let random: [u8; 10] = rand::random();
        OperationId(Raw::new(ActionId::new(self.clocks.moment().wall_stamp(), random).as_str()))
    }

    /// Carries out an effect of the state; what the loop has to tell the state because of it.
    pub fn perform(&mut self, effect: state::Effect) -> Option<Message> {
        match effect {
            state::Effect::Open { request, who } => {
                let id = self.identity();
                self.about(&id, &request, who);
                return Some(Message::Opened { id, request });
            }
            state::Effect::Operation(effect) => self.run(*effect),
            state::Effect::Armed { period, reason } => self.door.armed(period, &reason),
            state::Effect::Disarmed { why } => self.door.disarmed(why),
            state::Effect::ReadTrail => return self.read_trail(),
            state::Effect::Resolve { operation, outcome, reason } => {
                self.door.order(Order::Resolve { operation, outcome, reason });
            }
            // The loop's own.
            state::Effect::Quit
            | state::Effect::Suspend
            | state::Effect::Redraw
            | state::Effect::Refresh
            | state::Effect::Copy(_) => {}
        }
        None
    }

    /// Reads the trail on a thread that may wait for the disk.
    fn read_trail(&self) -> Option<Message> {
        let folder = match &self.actor.trail {
            Ok(folder) => folder.clone(),
            Err(why) => return Some(Message::Trail(Err(why.clone()))),
        };
        let (inbox, now) = (self.inbox.clone(), self.clocks.now());
        self.handle.spawn_blocking(move || inbox.control(Control::Trail(Box::new(trail::read(&folder, now)))));
        None
    }

    /// What the records of an operation have in common: at once what is known, and where it is as soon as its system says.
    fn about(&self, id: &OperationId, request: &Request, who: Option<Shown>) {
        let (operation, parent) = (id.clone(), request.backs_out.clone());
        let (environment, target) = (self.environment.clone(), request.target.component.clone());
        self.door.order(Order::About(Box::new(About { operation, parent, environment, who, target })));
        let (systems, door, operation, target) =
            (self.systems.clone(), self.door.clone(), id.clone(), request.target.clone());
        self.handle.spawn(async move {
            if let Some(realm) = realm::of(&systems, &target).await {
                door.order(Order::Realm { operation, realm });
            }
        });
    }

    /// Nobody looks any more; what has begun goes on.
    pub fn detached(&self, why: &'static str) {
        self.door.detached(why);
    }

    /// Whether a lock is held or being taken.
    #[must_use]
    pub fn holds_a_lock(&self) -> bool {
        self.locks.values().any(lock::Lock::is_alive)
    }

    /// Waits until colleagues see that no lock is held any more, then ends the journal in order; which stream it was.
    pub fn end(&mut self, why: &'static str) -> Option<StreamId> {
        let releasing = futures::future::join_all(std::mem::take(&mut self.releasing));
        let _ = self.handle.block_on(async { tokio::time::timeout(ENDING, releasing).await });
        let stream = self.door.end(why, ENDING);
        self.sinks.end(ENDING);
        stream
    }

    /// Begins what an operation asks.
    fn run(&mut self, effect: Effect) {
        match effect {
            Effect::Gather { operation, round, asks } => {
                for ask in asks {
                    let (systems, clocks, inbox) = (self.systems.clone(), self.clocks, self.inbox.clone());
                    let operation = operation.clone();
                    self.handle.spawn(async move {
                        let seen = look::look(&systems, clocks, &ask).await;
                        tell(&inbox, operation, Event::Gathered { round, ask, seen });
                    });
                }
            }
            Effect::Lock { operation, target, .. } => {
                let lock = lock::Lock::take(
                    &self.handle,
                    (self.systems.clone(), self.clocks, self.inbox.clone()),
                    &self.actor.who,
                    operation.clone(),
                    target,
                );
                self.locks.insert(operation, lock);
            }
            Effect::Unlock { operation } => {
                self.releasing.retain(|task| !task.is_finished());
                self.releasing.extend(self.locks.remove(&operation).map(lock::Lock::release));
            }
            Effect::Commit { operation, step, attempt, intent, mutation } => {
                self.door.commit(operation, step, attempt, *intent, *mutation);
            }
            Effect::Follow { operation, reads, until } => {
                let task = follow::follow(
                    &self.handle,
                    (self.systems.clone(), self.clocks, self.inbox.clone()),
                    operation.clone(),
                    reads,
                    until,
                );
                if let Some(before) = self.follows.insert(operation, task) {
                    before.abort();
                }
            }
            Effect::Unfollow { operation } => {
                if let Some(task) = self.follows.remove(&operation) {
                    task.abort();
                }
            }
            Effect::Record { operation, entry } => self.door.record(operation, entry),
            // The state keeps these itself; that a debt was booked or paid is a record of its own.
            Effect::Arm { .. }
            | Effect::ExpectRed { .. }
            | Effect::ExpectedRedOver { .. }
            | Effect::DebtBooked { .. }
            | Effect::DebtCleared { .. } => {}
        }
    }
}

fn tell(inbox: &Inbox, id: OperationId, event: Event) {
    inbox.control(Control::Operation { id, event: Box::new(event) });
}

/// What the loop tells the state because of it.
#[must_use]
pub fn news(control: Control) -> Option<Message> {
    match control {
        Control::Operation { id, event } => Some(Message::Operation { id, event }),
        Control::Journal(health) => Some(Message::Journal(health)),
        Control::Sink { name, health } => Some(Message::Sink { name, health }),
        Control::Trail(read) => Some(Message::Trail(*read)),
        Control::Remembered(history) => Some(Message::Remembered(history)),
        Control::Told(text) => Some(Message::Told(text)),
        _ => None,
    }
}
