//! The one door: an intent is on the disk before the first byte of its request leaves, and what came of the request is
//! recorded before anybody hears of it.
//!
//! The journal lives on a thread of its own, because a disk makes one wait. It hands the sender a [`Durable`], which
//! nothing else can make and which is used up by sending. A stream that a disk ended is continued in a new one; what
//! could not be recorded there either is not sent.

use std::collections::BTreeMap;
use std::sync::{Arc, mpsc};
use std::time::Duration;

use tokio::runtime::Handle;

use super::records;
use super::sinks::Sinks;
use super::systems::Systems;
use super::{Actor, aws, tell};
use crate::audit::journal::{Durable, Journal, JournalFault, Limits, Opening, RealDisk, host_facts};
use crate::audit::record::redact::Secrets;
use crate::audit::record::{Arm, Class, Digest, Event as Recorded, InDoubt, Record, Reply, StreamId, Subject, Text};
use crate::clients::change::{Failure, Reached};
use crate::clients::kube::write::Change;
use crate::domain::error::FaultKind;
use crate::domain::id::ComponentId;
use crate::domain::text::{Raw, Shown};
use crate::operation::machine::{Answer, Entry, Event, Intent};
use crate::operation::mutation::{KubeMutation, Mutation};
use crate::operation::target::OperationId;
use crate::runtime::clock::Clocks;
use crate::runtime::inbox::{Control, Inbox};
use crate::shown;

/// What the journal's thread is asked.
enum Order {
    /// What an operation is about, before its first record.
    About {
        operation: OperationId,
        environment: Shown,
        who: Option<Shown>,
        target: ComponentId,
    },
    Record {
        operation: OperationId,
        entry: Box<Entry>,
    },
    Session(Box<Recorded>),
    Commit(Box<Commit>),
    /// What came of a request.
    Answered(Box<Answered>),
    End(Text, mpsc::Sender<Option<StreamId>>),
}

struct Commit {
    operation: OperationId,
    step: usize,
    attempt: u32,
    intent: Intent,
    mutation: Mutation,
}

struct Answered {
    operation: OperationId,
    step: usize,
    attempt: u32,
    /// It asked a pod to move.
    evicts: bool,
    stream: StreamId,
    result: Result<(Option<Raw>, Vec<Shown>), Failure>,
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
        let keeper = Keeper {
            door: door.clone(),
            handle,
            inbox,
            clocks,
            systems,
            actor,
            sinks,
            journal: None,
            ailing: false,
            subjects: BTreeMap::new(),
            plans: BTreeMap::new(),
        };
        let spawned = std::thread::Builder::new().name("journal".to_owned()).spawn(move || keeper.run(&waiting));
        if spawned.is_err() {
            lost.control(Control::Journal(Err(Shown::fixed("the journal's thread cannot be started"))));
        }
        door
    }

    fn order(&self, order: Order) {
        // Without its thread nothing can be recorded, and so nothing is sent: the loop has been told.
        let _ = self.orders.send(order);
    }

    /// What an operation is about.
    pub fn about(&self, operation: OperationId, environment: Shown, who: Option<Shown>, target: ComponentId) {
        self.order(Order::About { operation, environment, who, target });
    }

    pub fn record(&self, operation: OperationId, entry: Entry) {
        self.order(Order::Record { operation, entry: Box::new(entry) });
    }

    pub fn armed(&self, period: Duration, reason: &Shown) {
        let arm = Arm { seconds: period.as_secs(), reason: Text::of(reason.as_str()) };
        self.order(Order::Session(Box::new(Recorded::Arm(arm))));
    }

    /// A record of no operation.
    pub fn session(&self, event: Recorded) {
        self.order(Order::Session(Box::new(event)));
    }

    pub fn disarmed(&self, why: &'static str) {
        self.order(Order::Session(Box::new(Recorded::Disarm { why: Text::fixed(why) })));
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

/// The journal's thread.
struct Keeper {
    door: Door,
    handle: Handle,
    inbox: Inbox,
    clocks: Clocks,
    systems: Arc<Systems>,
    actor: Actor,
    sinks: Sinks,
    journal: Option<Journal>,
    /// The loop was told that the journal takes nothing.
    ailing: bool,
    subjects: BTreeMap<OperationId, Subject>,
    plans: BTreeMap<OperationId, Digest>,
}

impl Keeper {
    fn run(mut self, waiting: &mpsc::Receiver<Order>) {
        self.reopen(None);
        while let Ok(order) = waiting.recv() {
            match order {
                Order::About { operation, environment, who, target } => {
                    let subject = records::subject(&operation, &environment, who.as_ref(), &target);
                    self.subjects.insert(operation, subject);
                }
                Order::Record { operation, entry } => self.record(&operation, &entry),
                Order::Session(event) => {
                    let _ = self.append(&Record::of_session(*event));
                }
                Order::Commit(commit) => self.commit(*commit),
                Order::Answered(answered) => self.answered(*answered),
                Order::End(why, done) => {
                    let stream = self.journal.take().map(|journal| {
                        let stream = journal.stream().clone();
                        let _ = journal.end(why);
                        stream
                    });
                    let _ = done.send(stream);
                    return;
                }
            }
            self.sinks.nudge();
        }
    }

    /// Opens a stream, in place of one that a fault ended.
    fn reopen(&mut self, continues: Option<StreamId>) {
        let health = match &self.actor.trail {
            Err(why) => Err(why.clone()),
            Ok(trail) => {
                let clocks = self.clocks;
                let opening = Opening {
                    now: Box::new(move || clocks.moment()),
                    limits: Limits::default(),
                    secrets: Secrets::default(),
                    who: Text::name(self.actor.who.as_str()),
                    host: self.actor.host.clone(),
                    facts: host_facts(self.actor.ssh_client.as_deref()),
                    mode: self.actor.mode,
                    continues,
                };
                match Journal::open(Box::new(RealDisk), trail, opening) {
                    Ok(opened) => {
                        self.sinks.own(trail, opened.journal.stream());
                        self.journal = Some(opened.journal);
                        Ok(())
                    }
                    Err(fault) => Err(fault.sentence()),
                }
            }
        };
        self.inbox.control(Control::Journal(health));
    }

    /// Appends; where the stream is lost, once more in a new one.
    fn append(&mut self, record: &Record) -> Result<(), JournalFault> {
        if self.journal.is_none() {
            // What stood in the way of opening it may be gone by now.
            self.reopen(None);
        }
        let Some(journal) = &mut self.journal else { return Err(self.closed()) };
        match journal.append(record) {
            Ok(_) => {
                self.well();
                Ok(())
            }
            Err(fault) => {
                let fault = self.healed(fault)?;
                let again = self.journal.as_mut().map(|journal| journal.append(record));
                again.unwrap_or(Err(fault)).map(|_| ())
            }
        }
    }

    /// Opens a new stream after a fault that ended the old one; else the fault stays.
    fn healed(&mut self, fault: JournalFault) -> Result<JournalFault, JournalFault> {
        if !fault.ends_the_stream() {
            self.ailing = true;
            self.inbox.control(Control::Journal(Err(fault.sentence())));
            return Err(fault);
        }
        let continues = self.journal.take().map(|journal| journal.stream().clone());
        self.reopen(continues);
        if self.journal.is_some() { Ok(fault) } else { Err(fault) }
    }

    /// A disk that has room again is told, so that operations are not held up for nothing.
    fn well(&mut self) {
        if std::mem::take(&mut self.ailing) {
            self.inbox.control(Control::Journal(Ok(())));
        }
    }

    fn closed(&self) -> JournalFault {
        let path = self.actor.trail.clone().unwrap_or_default();
        JournalFault::Unwritable { path, why: "the journal is not open".to_owned() }
    }

    fn append_of(&mut self, operation: &OperationId, event: Recorded) {
        let record = match self.subjects.get(operation) {
            Some(subject) => Record::of_action(subject, event),
            None => Record { action: Some(records::action(operation)), ..Record::of_session(event) },
        };
        if let Err(fault) = self.append(&record) {
            tracing::error!("{fault}");
        }
    }

    fn record(&mut self, operation: &OperationId, entry: &Entry) {
        if let Entry::Plan { hash, .. } = entry {
            self.plans.insert(operation.clone(), records::digest(hash));
        }
        let plan = self.plans.get(operation).copied().unwrap_or(Digest::NONE);
        self.append_of(operation, records::event(operation, entry, plan));
    }

    fn commit(&mut self, commit: Commit) {
        match self.intend(&commit) {
            Ok(durable) => {
                let (operation, step) = (commit.operation.clone(), records::number(commit.step + 1));
                self.send(commit, durable);
                self.append_of(&operation, Recorded::Sent { step });
            }
            Err(fault) => {
                let Commit { operation, step, attempt, .. } = commit;
                tell(&self.inbox, operation, Event::NotSent { step, attempt, why: fault.sentence() });
            }
        }
    }

    fn intend(&mut self, commit: &Commit) -> Result<Durable, JournalFault> {
        let mut subject = self.subjects.get(&commit.operation).cloned().ok_or_else(|| self.closed())?;
        subject.target.uid = records::uid(&commit.intent);
        self.subjects.insert(commit.operation.clone(), subject.clone());
        let intent = records::intent(&commit.intent, &commit.mutation, self.systems.server().map_or("", Raw::as_str));
        let Some(journal) = &mut self.journal else { return Err(self.closed()) };
        match journal.intend(subject.clone(), intent.clone()) {
            Ok(durable) => Ok(durable),
            Err(fault) => {
                let fault = self.healed(fault)?;
                self.journal.as_mut().map_or(Err(fault), |journal| journal.intend(subject, intent))
            }
        }
    }

    /// Sends on a task of its own; the answer comes back as an order, so that it is recorded first.
    fn send(&self, commit: Commit, durable: Durable) {
        let (systems, door, sinks) = (self.systems.clone(), self.door.clone(), self.sinks.clone());
        self.handle.spawn(async move {
            let head = durable.spend().head;
            // What breaks the glass needs one durable place, and the intent is in one.
            let held = if commit.intent.confirmed.glass_broken { Ok(()) } else { sinks.hold(&head).await };
            let result = match held {
                Ok(()) => send(&systems, &commit.mutation).await,
                Err(fault) => Err(Failure::unanswered(Reached::Nothing, fault)),
            };
            let stream = head.stream;
            let evicts = matches!(commit.mutation, Mutation::Kube(KubeMutation::Evict { .. }));
            let Commit { operation, step, attempt, .. } = commit;
            door.order(Order::Answered(Box::new(Answered { operation, step, attempt, evicts, stream, result })));
        });
    }

    fn answered(&mut self, answered: Answered) {
        let Answered { operation, step, attempt, evicts, stream, result } = answered;
        let number = records::number(step + 1);
        let reply = |class, code, id: Option<&Raw>, detail: &Shown| {
            Recorded::Outcome(Reply {
                step: number,
                class,
                code,
                request_id: id.map(|id| Text::name(id.as_str())).unwrap_or_default(),
                detail: Text::of(detail.as_str()),
            })
        };
        let (event, record) = match result {
            Ok((request_id, warnings)) => {
                let detail = Shown::joined(warnings.iter().cloned(), "; ");
                let record = reply(Class::Accepted, None, request_id.as_ref(), &detail);
                (Event::Answered { step, attempt, answer: Answer::Accepted { request_id, warnings } }, record)
            }
            Err(failure) => {
                let Failure { reached, status, request_id, fault } = failure;
                let words = shown!("{}; {}", fault.what, fault.hint);
                match reached {
                    Reached::Nothing => {
                        let record = reply(Class::NotSent, None, None, &words);
                        (Event::NotSent { step, attempt, why: words }, record)
                    }
                    Reached::Refused | Reached::Outdated => {
                        let record = reply(Class::Refused, status, request_id.as_ref(), &words);
                        let answer = match (reached, fault.kind) {
                            // Another pod has its name by now.
                            (Reached::Outdated, _) if evicts => Answer::Gone { fault },
                            (Reached::Outdated, _) => Answer::Conflict { fault },
                            (_, FaultKind::Missing) => Answer::Gone { fault },
                            (_, FaultKind::Throttled) if evicts => Answer::NotYet { fault },
                            _ => Answer::Refused { fault },
                        };
                        (Event::Answered { step, attempt, answer }, record)
                    }
                    Reached::Unknown => {
                        let doubt = InDoubt { step: number, stream, why: Text::of(words.as_str()) };
                        let answer = Answer::Lost { why: words };
                        (Event::Answered { step, attempt, answer }, Recorded::InDoubt(doubt))
                    }
                }
            }
        };
        self.append_of(&operation, record);
        tell(&self.inbox, operation, event);
    }
}

async fn send(systems: &Systems, mutation: &Mutation) -> Result<(Option<Raw>, Vec<Shown>), Failure> {
    match mutation {
        Mutation::Kube(mutation) => {
            let writer = systems.cluster_to_write().await;
            let writer = writer.map_err(|fault| Failure::unanswered(Reached::Nothing, fault))?;
            let accepted = writer.send(&change(mutation)).await?;
            Ok((accepted.request_id, accepted.warnings))
        }
        Mutation::Aws(mutation) => Ok((aws::send(systems, mutation).await?, Vec::new())),
    }
}

fn change(mutation: &KubeMutation) -> Change {
    Change {
        method: mutation.verb(),
        path: mutation.path(),
        content_type: mutation.content_type(),
        body: mutation.body(),
    }
}
