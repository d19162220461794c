//! What waits for the loop: control first, then keys, then the feed of every source.
//!
//! Producers never block. Keys beyond the bound are dropped (nobody types a thousand ahead); a complete observation
//! replaces what is still queued of its scope, so that a slow loop sees the newest world and not every step to it.

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use crate::audit::record::history::History;
use crate::domain::id::SourceId;
use crate::domain::text::Shown;
use crate::input::Key;
use crate::model::board::SourceStatus;
use crate::model::facts::Observation;
use crate::operation::machine::Event;
use crate::operation::target::OperationId;
use crate::state::trail::Trail;

const KEYS: usize = 1024;
/// Facts that are taken at once, unless one observation has more: applying them must not keep a key waiting.
const FACTS: usize = 2_000;

/// What must not wait behind keys or data.
#[derive(Clone, Debug, PartialEq)]
pub enum Control {
    Resized,
    /// A signal that asks the program to end cleanly.
    Terminate(&'static str),
    /// Stop, as job control asks.
    Suspend,
    /// The terminal is gone; nothing can be drawn any more.
    TerminalLost,
    /// Continued after a stop: the terminal must be set up again.
    Continued,
    /// The writer has finished a frame.
    Drawn,
    /// What an operation asked for has come.
    Operation {
        id: OperationId,
        event: Box<Event>,
    },
    /// Whether the journal takes records.
    Journal(Result<(), Shown>),
    /// Whether a required sink takes them.
    Sink {
        name: Shown,
        health: Result<(), Shown>,
    },
    /// The audit trail as it was read.
    Trail(Box<Result<Trail, Shown>>),
    /// What earlier sessions and colleagues left, as the trail tells now.
    Remembered(Box<History>),
    /// Something the operator should know.
    Told(Shown),
}

#[derive(Clone, Debug)]
pub enum Input {
    Key(Key),
    /// Pasted text, and how many bytes of it were left out.
    Paste {
        text: String,
        dropped: usize,
    },
}

/// Everything that was waiting, in the order of its rank.
#[derive(Debug, Default)]
pub struct Batch {
    pub control: Vec<Control>,
    pub input: Vec<Input>,
    pub observations: Vec<Observation>,
    /// Present when some source's status changed.
    pub sources: Option<Vec<SourceStatus>>,
}

#[derive(Default)]
struct Queues {
    control: VecDeque<Control>,
    input: VecDeque<Input>,
    feed: VecDeque<Observation>,
    sources: BTreeMap<SourceId, SourceStatus>,
    sources_changed: bool,
}

#[derive(Default)]
struct Shared {
    queues: Mutex<Queues>,
    ready: Condvar,
}

/// The queue's handle; clones share it.
#[derive(Clone, Default)]
pub struct Inbox(Arc<Shared>);

impl Inbox {
    pub fn control(&self, control: Control) {
        self.with(|queues| queues.control.push_back(control));
    }

    pub fn input(&self, input: Input) {
        self.with(|queues| {
            if queues.input.len() < KEYS {
                queues.input.push_back(input);
            }
        });
    }

    pub fn observe(&self, observation: Observation) {
        self.with(|queues| {
            if observation.complete {
                queues.feed.retain(|old| (&old.source, old.scope) != (&observation.source, observation.scope));
            } else if let Some(last) = queues.feed.back_mut()
                && !last.complete
                && (&last.source, last.scope) == (&observation.source, observation.scope)
                && last.facts.len() + observation.facts.len() <= FACTS
            {
                last.observed_at = observation.observed_at;
                last.facts.extend(observation.facts);
                return;
            }
            queues.feed.push_back(observation);
        });
    }

    /// Changes the status of one source; an unchanged one wakes nobody.
    pub fn status(&self, id: &SourceId, change: impl FnOnce(&mut SourceStatus)) {
        let mut queues = self.lock();
        if let Some(status) = queues.sources.get_mut(id) {
            let before = status.clone();
            change(status);
            if *status != before {
                queues.sources_changed = true;
                drop(queues);
                self.0.ready.notify_one();
            }
        }
    }

    pub fn add_source(&self, status: SourceStatus) {
        self.with(|queues| {
            queues.sources.insert(status.id.clone(), status);
            queues.sources_changed = true;
        });
    }

    /// Waits until something is there or `timeout` has passed, then takes it: all control, at most 32 inputs, and so much
    /// of the feed as one turn may take.
    #[must_use]
    pub fn take(&self, timeout: Duration) -> Batch {
        let queues = self.lock();
        let (mut queues, _) = self
            .0
            .ready
            .wait_timeout_while(queues, timeout, |q| {
                q.control.is_empty() && q.input.is_empty() && q.feed.is_empty() && !q.sources_changed
            })
            .unwrap_or_else(PoisonError::into_inner);
        let inputs = queues.input.len().min(32);
        let mut facts = 0;
        let within = |observation: &&Observation| {
            let first = facts == 0;
            facts += observation.facts.len().max(1);
            first || facts <= FACTS
        };
        let observed = queues.feed.iter().take_while(within).count();
        let sources = std::mem::take(&mut queues.sources_changed).then(|| queues.sources.values().cloned().collect());
        Batch {
            control: queues.control.drain(..).collect(),
            input: queues.input.drain(..inputs).collect(),
            observations: queues.feed.drain(..observed).collect(),
            sources,
        }
    }

    fn with(&self, change: impl FnOnce(&mut Queues)) {
        change(&mut self.lock());
        self.0.ready.notify_one();
    }

    fn lock(&self) -> MutexGuard<'_, Queues> {
        self.0.queues.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::time::Stamp;
    use crate::model::facts::{Fact, GapFact};

    fn observation(scope: &'static str, at: i64, complete: bool) -> Observation {
        Observation {
            source: SourceId::new("s"),
            scope,
            observed_at: Stamp::from_millis(at),
            complete,
            facts: Vec::new(),
        }
    }

    #[test]
    fn a_complete_observation_replaces_what_waits_of_its_scope() {
        let inbox = Inbox::default();
        inbox.observe(observation("pods", 1, true));
        inbox.observe(observation("pods", 2, false));
        inbox.observe(observation("nodes", 3, true));
        inbox.observe(observation("pods", 4, true));
        let batch = inbox.take(Duration::ZERO);
        let seen: Vec<_> = batch.observations.iter().map(|o| (o.scope, o.observed_at.millis())).collect();
        assert_eq!(seen, [("nodes", 3), ("pods", 4)]);
    }

    #[test]
    fn a_flood_of_facts_is_taken_in_turns() {
        let inbox = Inbox::default();
        let gap = GapFact { what: Shown::default(), hint: Shown::default() };
        for (at, facts) in [(1, FACTS / 2), (2, FACTS / 2), (3, 1), (4, FACTS * 2), (5, 1)] {
            let facts = vec![Fact::Gap(gap.clone()); facts];
            inbox.observe(Observation { facts, ..observation("signals", at, false) });
        }
        let turn = || inbox.take(Duration::ZERO).observations.iter().map(|o| o.facts.len()).collect::<Vec<_>>();
        assert_eq!([turn(), turn(), turn(), turn()], [vec![FACTS], vec![1], vec![FACTS * 2], vec![1]]);
        assert!(turn().is_empty());
    }

    #[test]
    fn control_is_never_behind_a_flood_of_keys() {
        let inbox = Inbox::default();
        for _ in 0..5000 {
            inbox.input(Input::Key(Key::char('j')));
        }
        inbox.control(Control::Terminate("SIGTERM"));
        let batch = inbox.take(Duration::ZERO);
        assert_eq!(batch.control, [Control::Terminate("SIGTERM")]);
        assert_eq!(batch.input.len(), 32);
    }
}
