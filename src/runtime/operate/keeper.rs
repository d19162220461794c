//! The journal's thread: takes one order after the other, and between them looks after the trail.

use std::collections::BTreeMap;
use std::sync::{Arc, mpsc};
use std::time::{Duration, Instant};

use tokio::runtime::Handle;

use super::door::{About, Answered, Commit, Door, Order, Secret};
use super::journal::Trail;
use super::sinks::Sinks;
use super::systems::Systems;
use super::{Actor, aws, records, tell};
use crate::audit::history::{BUDGET, Reader};
use crate::audit::journal::{Durable, JournalFault};
use crate::audit::record::history::History;
use crate::audit::record::{
    Class, Digest, Event as Recorded, InDoubt, Outcome, Record, Resolve, StreamId, Subject, Text,
};
use crate::audit::streams;
use crate::clients::change::{Failure, Reached};
use crate::clients::kube::write::Change;
use crate::domain::error::FaultKind;
use crate::domain::text::{Raw, Shown};
use crate::operation::machine::{Answer, Entry, Event};
use crate::operation::mutation::{KubeMutation, Mutation};
use crate::operation::target::OperationId;
use crate::runtime::clock::Clocks;
use crate::runtime::inbox::{Control, Inbox};
use crate::shown;

/// The trail is looked at this often: whether it can be written again, and whether others wrote.
const LOOK: Duration = Duration::from_secs(5);
/// Streams of others whose growth is noticed.
const WATCHED: usize = 64;

pub struct Keeper {
    door: Door,
    handle: Handle,
    inbox: Inbox,
    systems: Arc<Systems>,
    sinks: Sinks,
    trail: Trail,
    /// Who reads.
    who: Text,
    known: BTreeMap<OperationId, Known>,
    /// What was read last of earlier sessions and others.
    past: History,
    /// What the streams of others were like then: their size, and whether they lived.
    growth: Option<Vec<(StreamId, u64, bool)>>,
    reading: bool,
}

/// What is known of an operation of this session.
struct Known {
    subject: Subject,
    plan: Digest,
    /// The record that stands for its broken glass.
    glass: Option<Record>,
    /// The answer to one of its requests was lost.
    doubted: bool,
}

impl Keeper {
    pub fn new(
        door: Door,
        handle: Handle,
        (inbox, clocks): (Inbox, Clocks),
        systems: Arc<Systems>,
        actor: Actor,
        sinks: Sinks,
    ) -> Self {
        let who = Text::name(actor.who.as_str());
        let trail = Trail::new(clocks, actor, inbox.clone());
        let (known, past) = (BTreeMap::new(), History::default());
        Self { door, handle, inbox, systems, sinks, trail, who, known, past, growth: None, reading: false }
    }

    pub fn run(mut self, waiting: &mpsc::Receiver<Order>) {
        self.trail.tend();
        self.look_back();
        let mut look = Instant::now() + LOOK;
        loop {
            self.sinks.look(self.trail.own(), || self.trail.places());
            match waiting.recv_timeout(look.saturating_duration_since(Instant::now())) {
                Ok(Order::End(why, done)) => {
                    let _ = done.send(self.trail.end(why));
                    return;
                }
                Ok(order) => self.take(order),
                Err(mpsc::RecvTimeoutError::Timeout) => {
                    self.trail.tend_when_due();
                    self.look_back();
                    look = Instant::now() + LOOK;
                }
                Err(mpsc::RecvTimeoutError::Disconnected) => return,
            }
        }
    }

    fn take(&mut self, order: Order) {
        match order {
            Order::About(about) => self.about(&about),
            Order::Realm { operation, realm } => {
                if let Some(known) = self.known.get_mut(&operation) {
                    known.subject.target.realm = Text::name(realm.as_str());
                }
            }
            Order::Record { operation, entry } => self.record(&operation, &entry),
            Order::Session(event) => {
                let _ = self.trail.append(&Record::of_session(*event));
            }
            Order::Commit(commit) => self.commit(*commit),
            Order::Answered(answered) => self.answered(*answered),
            Order::Resolve { operation, outcome, reason } => self.resolve(&operation, outcome, &reason),
            Order::Secret(Secret(secret)) => self.trail.know_secret(&secret),
            Order::Remembered(history) => {
                self.reading = false;
                self.past = (*history).clone();
                self.inbox.control(Control::Remembered(history));
            }
            Order::End(..) => {}
        }
    }

    /// Reads what others wrote, on a thread of its own, when there is something new.
    fn look_back(&mut self) {
        let places = self.trail.places();
        let all = places.iter().filter_map(|place| streams::streams(place).ok());
        let newest = all.flat_map(|streams| streams.into_iter().rev().take(WATCHED));
        let others = newest.filter(|stream| !self.trail.own().contains(&stream.id));
        let growth = others.map(|of| (of.id.clone(), streams::size(&of).unwrap_or(0), streams::is_alive(&of.path)));
        let growth: Vec<_> = growth.collect();
        if self.reading || self.growth.as_ref() == Some(&growth) {
            return;
        }
        self.growth = Some(growth);
        let reader = Reader { who: self.who.clone(), own: self.trail.own().to_vec(), places };
        let door = self.door.clone();
        let read = move || door.order(Order::Remembered(Box::new(reader.read(BUDGET))));
        self.reading = std::thread::Builder::new().name("trail".to_owned()).spawn(read).is_ok();
    }

    fn about(&mut self, about: &About) {
        let subject = records::subject(about);
        self.known.insert(about.operation.clone(), Known { subject, plan: Digest::NONE, glass: None, doubted: false });
    }

    fn append_of(&mut self, operation: &OperationId, event: Recorded) {
        let record = match self.known.get(operation) {
            Some(known) => Record::of_action(&known.subject, event),
            None => Record { action: Some(records::action(operation)), ..Record::of_session(event) },
        };
        if let Err(fault) = self.trail.append(&record) {
            tracing::error!("{fault}");
        }
    }

    fn record(&mut self, operation: &OperationId, entry: &Entry) {
        let Some(known) = self.known.get_mut(operation) else { return };
        if let Entry::Plan(planned) = entry {
            known.plan = records::digest(&planned.hash);
            known.subject.target.uid = records::uid(&planned.plan.fingerprint);
        }
        let event = records::event(entry, known.plan);
        if matches!(entry, Entry::BreakGlass { .. }) {
            known.glass = Some(Record::of_action(&known.subject, event.clone()));
        }
        let doubted = known.doubted;
        self.append_of(operation, event);
        if let Entry::Verify(end) = entry {
            let (outcome, reason) = (records::outcome(end.outcome), Text::of(end.words.as_str()));
            // The answer was lost, and what the request did was seen all the same.
            if doubted && outcome != Outcome::Unknown {
                self.append_of(operation, Recorded::Resolve(Resolve { step: None, outcome, observed: true, reason }));
            }
        }
    }

    fn resolve(&mut self, operation: &OperationId, outcome: Outcome, reason: &Shown) {
        let id = records::action(operation);
        let resolve = Resolve { step: None, outcome, observed: false, reason: Text::of(reason.as_str()) };
        let event = Recorded::Resolve(resolve);
        let record = match (self.known.get(operation), self.past.in_doubt.iter().find(|row| row.action == id)) {
            (Some(known), _) => Record::of_action(&known.subject, event),
            (None, row) => Record {
                action: Some(id),
                environment: row.map(|row| row.environment.clone()),
                target: row.map(|row| row.target.clone()),
                ..Record::of_session(event)
            },
        };
        match self.trail.append(&record) {
            Ok(()) => {
                self.growth = None;
                self.look_back();
            }
            Err(fault) => self.inbox.control(Control::Told(shown!("not resolved: {}", fault.sentence()))),
        }
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
                if fault.ends_the_stream() {
                    // The intent may stand in a stream that a disk ended: no byte left on the strength of it.
                    let words = fault.sentence();
                    self.append_of(&operation, records::reply(step, (Class::NotSent, None, None), &words));
                }
                tell(&self.inbox, operation, Event::NotSent { step, attempt, why: fault.sentence() });
            }
        }
    }

    fn intend(&mut self, commit: &Commit) -> Result<Durable, JournalFault> {
        let Some(known) = self.known.get_mut(&commit.operation) else {
            return Err(self.trail.closed("no such operation"));
        };
        known.subject.target.uid = records::uid(&commit.intent.pre);
        let intent = records::intent(&commit.intent, &commit.mutation, self.systems.server().map_or("", Raw::as_str));
        let glass = known.glass.as_ref().filter(|_| commit.intent.confirmed.glass_broken);
        self.trail.intend(&known.subject, &intent, glass)
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
        let (event, record) = match result {
            Ok((request_id, warnings)) => {
                let detail = Shown::joined(warnings.iter().cloned(), "; ");
                let record = records::reply(step, (Class::Accepted, None, request_id.as_ref()), &detail);
                (Event::Answered { step, attempt, answer: Answer::Accepted { request_id, warnings } }, record)
            }
            Err(failure) => refused((step, attempt, evicts), stream, failure),
        };
        if let (Recorded::InDoubt(_), Some(known)) = (&record, self.known.get_mut(&operation)) {
            known.doubted = true;
        }
        self.append_of(&operation, record);
        tell(&self.inbox, operation, event);
    }
}

/// What became of a request that was not accepted.
fn refused((step, attempt, evicts): (usize, u32, bool), stream: StreamId, failure: Failure) -> (Event, Recorded) {
    let Failure { reached, status, request_id, fault } = failure;
    let words = shown!("{}; {}", fault.what, fault.hint);
    match reached {
        Reached::Nothing => {
            let record = records::reply(step, (Class::NotSent, None, None), &words);
            (Event::NotSent { step, attempt, why: words }, record)
        }
        Reached::Refused | Reached::Outdated => {
            let record = records::reply(step, (Class::Refused, status, request_id.as_ref()), &words);
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
            let doubt = InDoubt { step: records::number(step + 1), stream, why: Text::of(words.as_str()) };
            (Event::Answered { step, attempt, answer: Answer::Lost { why: words } }, Recorded::InDoubt(doubt))
        }
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
