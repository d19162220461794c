//! The one door: an intent is on the disk before the first byte of its request leaves, and what came of the request is
//! recorded before anybody hears of it.
//!
//! The journal lives on a thread of its own ([`keeper`]), because a disk makes one wait. It hands the sender a
//! [`Durable`](crate::audit::journal::Durable), which nothing else can make and which is used up by sending. A stream that
//! a disk ended is continued in a new one; what could not be recorded there either is not sent.

use std::sync::{Arc, mpsc};
use std::time::Duration;

use tokio::runtime::Handle;

use super::Actor;
use super::keeper::Keeper;
use super::sinks::Sinks;
use super::systems::Systems;
use crate::audit::record::history::History;
use crate::audit::record::{Arm, Event as Recorded, Outcome, StreamId, Text};
use crate::clients::change::Failure;
use crate::domain::id::ComponentId;
use crate::domain::text::{Raw, Shown};
use crate::operation::machine::{Entry, Intent};
use crate::operation::mutation::Mutation;
use crate::operation::target::OperationId;
use crate::runtime::clock::Clocks;
use crate::runtime::inbox::{Control, Inbox};

/// What the journal's thread is asked.
pub enum Order {
    /// What an operation is about, before its first record.
    About(Box<About>),
    /// The uid of its cluster, or its account.
    Realm {
        operation: OperationId,
        realm: Raw,
    },
    Record {
        operation: OperationId,
        entry: Box<Entry>,
    },
    Session(Box<Recorded>),
    Commit(Box<Commit>),
    /// What came of a request.
    Answered(Box<Answered>),
    /// What an operator says of an operation in doubt.
    Resolve {
        operation: OperationId,
        outcome: Outcome,
        reason: Shown,
    },
    Secret(Secret),
    /// The trail was read.
    Remembered(Box<History>),
    End(Text, mpsc::Sender<Option<StreamId>>),
}

/// Something that no record may hold. It cannot be shown.
pub struct Secret(pub String);

pub struct About {
    pub operation: OperationId,
    /// What it takes back.
    pub parent: Option<OperationId>,
    pub environment: Shown,
    pub who: Option<Shown>,
    pub target: ComponentId,
}

pub struct Commit {
    pub operation: OperationId,
    pub step: usize,
    pub attempt: u32,
    pub intent: Intent,
    pub mutation: Mutation,
}

pub struct Answered {
    pub operation: OperationId,
    pub step: usize,
    pub attempt: u32,
    /// It asked a pod to move.
    pub evicts: bool,
    pub stream: StreamId,
    pub result: Result<(Option<Raw>, Vec<Shown>), Failure>,
}

/// Takes what shall leave. Clones share the journal.
#[derive(Clone)]
pub struct Door {
    orders: mpsc::Sender<Order>,
}

impl Door {
    /// Opens the journal on its thread; whether it takes records reaches the loop as [`Control::Journal`].
    #[must_use]
    pub fn open(
        handle: Handle,
        inbox: Inbox,
        clocks: Clocks,
        systems: Arc<Systems>,
        actor: Actor,
        sinks: Sinks,
    ) -> Self {
        let (orders, waiting) = mpsc::channel();
        let door = Self { orders };
        let lost = inbox.clone();
        let keeper = Keeper::new(door.clone(), handle, (inbox, clocks), systems, actor, sinks);
        let spawned = std::thread::Builder::new().name("journal".to_owned()).spawn(move || keeper.run(&waiting));
        if spawned.is_err() {
            lost.control(Control::Journal(Err(Shown::fixed("the journal's thread cannot be started"))));
        }
        door
    }

    pub fn order(&self, order: Order) {
        // Without its thread nothing can be recorded, and so nothing is sent: the loop has been told.
        let _ = self.orders.send(order);
    }

    pub fn record(&self, operation: OperationId, entry: Entry) {
        self.order(Order::Record { operation, entry: Box::new(entry) });
    }

    pub fn armed(&self, period: Duration, reason: &Shown) {
        let arm = Arm { seconds: period.as_secs(), reason: Text::of(reason.as_str()) };
        self.order(Order::Session(Box::new(Recorded::Arm(arm))));
    }

    pub fn disarmed(&self, why: &'static str) {
        self.order(Order::Session(Box::new(Recorded::Disarm { why: Text::fixed(why) })));
    }

    pub fn detached(&self, why: &'static str) {
        self.order(Order::Session(Box::new(Recorded::Detached { why: Text::fixed(why) })));
    }

    /// Sends a request, once its intent is durable.
    pub fn commit(&self, operation: OperationId, step: usize, attempt: u32, intent: Intent, mutation: Mutation) {
        self.order(Order::Commit(Box::new(Commit { operation, step, attempt, intent, mutation })));
    }

    /// Ends the stream in order and waits for it, at most `limit`; which stream it was.
    pub fn end(&self, why: &'static str, limit: Duration) -> Option<StreamId> {
        let (done, ended) = mpsc::channel();
        self.order(Order::End(Text::fixed(why), done));
        ended.recv_timeout(limit).ok().flatten()
    }
}
