//! Drives sources: cadence, deadline, jittered backoff, heartbeats, freshness. One task each; none waits for another.

use std::hash::{BuildHasher, Hasher, RandomState};
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;

use futures::FutureExt;
use tokio::sync::Notify;

use super::clock::Clocks;
use super::inbox::Inbox;
use crate::domain::error::{Fault, FaultKind};
use crate::domain::id::SourceId;
use crate::domain::text::Shown;
use crate::domain::time::Stamp;
use crate::model::board::{SourceState, SourceStatus};
use crate::model::facts::{Fact, Observation};
use crate::sources::{Cadence, Outlet, Source};

/// Human time between heartbeats, and how long one may take: together below the 10 s within which silence must show.
const HEARTBEAT: Duration = Duration::from_secs(4);
const HEARTBEAT_DEADLINE: Duration = Duration::from_secs(3);
const BACKOFF_FIRST: Duration = Duration::from_millis(500);
const BACKOFF_LAST: Duration = Duration::from_secs(5);

/// Runs one source until the runtime ends. `refresh` cuts waits short.
pub async fn drive(mut source: Box<dyn Source>, inbox: Inbox, clocks: Clocks, refresh: Arc<Notify>) {
    let id = source.id();
    inbox.add_source(SourceStatus {
        id: id.clone(),
        kind: source.kind(),
        state: SourceState::Connecting { since: clocks.now() },
        sample_at: None,
        alive_at: None,
        endpoint: source.endpoint(),
        took: None,
        cost: None,
        identity: None,
    });
    let outlet = Port { id: id.clone(), inbox: inbox.clone(), clocks };
    let mut failures = 0u32;
    loop {
        let started = clocks.human();
        // A defect in one source must not end the others, nor the program.
        let round = match source.cadence() {
            Cadence::Poll { deadline, .. } => {
                let round = AssertUnwindSafe(source.round(&outlet)).catch_unwind();
                tokio::time::timeout(deadline, round).await.unwrap_or_else(|_| Ok(Err(silent(&id, deadline))))
            }
            Cadence::Stream => AssertUnwindSafe(source.round(&outlet)).catch_unwind().await,
        };
        match round.unwrap_or_else(|_| Err(defect(&id))) {
            Ok(()) => {
                failures = 0;
                let took = clocks.human().0.saturating_sub(started.0);
                inbox.status(&id, |status| status.took = Some(took));
                outlet.alive();
                if let Cadence::Poll { every, .. } = source.cadence() {
                    let next = started.0 + clocks.on_the_wall(every);
                    if let Err(fault) = wait_alive(source.as_mut(), &outlet, next, &refresh).await {
                        outlet.failed(fault);
                    }
                }
            }
            Err(fault) => {
                let wait = fault.retry_after.unwrap_or_else(|| backoff(failures));
                failures = failures.saturating_add(1);
                outlet.failed(fault);
                tokio::select! {
                    () = tokio::time::sleep(wait) => {}
                    () = refresh.notified() => {}
                }
            }
        }
    }
}

/// Waits for the next round and keeps proving that the other side lives.
async fn wait_alive(source: &mut dyn Source, outlet: &Port, next: Duration, refresh: &Notify) -> Result<(), Fault> {
    loop {
        let left = next.saturating_sub(outlet.clocks.human().0);
        tokio::select! {
            () = tokio::time::sleep(left.min(HEARTBEAT)) => {}
            () = refresh.notified() => return Ok(()),
        }
        if left <= HEARTBEAT {
            return Ok(());
        }
        let beat = AssertUnwindSafe(source.heartbeat(outlet)).catch_unwind();
        match tokio::time::timeout(HEARTBEAT_DEADLINE, beat).await {
            Ok(Ok(Ok(()))) => outlet.alive(),
            Ok(Ok(Err(fault))) => return Err(fault),
            Ok(Err(_)) => return Err(defect(&outlet.id)),
            Err(_) => return Err(silent(&outlet.id, HEARTBEAT_DEADLINE)),
        }
    }
}

/// Exponential from half a second to five, each wait drawn between half and all of it.
fn backoff(failures: u32) -> Duration {
    let full = BACKOFF_FIRST.saturating_mul(1 << failures.min(8)).min(BACKOFF_LAST);
    let draw = RandomState::new().build_hasher().finish() % 512;
    full / 2 + full.mul_f64(draw as f64 / 1024.0)
}

fn silent(id: &SourceId, deadline: Duration) -> Fault {
    Fault::new(
        FaultKind::Timeout,
        crate::shown!("{} gave no answer within {} s", id.shown(), deadline.as_secs()),
        Shown::fixed("check that the server runs and that the way to it is open"),
    )
}

fn defect(id: &SourceId) -> Fault {
    Fault::new(
        FaultKind::Malformed,
        crate::shown!("{} met a defect of tierdeck", id.shown()),
        Shown::fixed("the log names it; the other sources go on"),
    )
}

/// The outlet of one source.
struct Port {
    id: SourceId,
    inbox: Inbox,
    clocks: Clocks,
}

impl Port {
    /// Keeps the time of the first failure, so that the header can say since when.
    fn failed(&self, fault: Fault) {
        tracing::warn!(source = self.id.as_str(), kind = fault.kind.word(), "{fault}");
        let now = self.clocks.now();
        self.inbox.status(&self.id, |status| {
            let since = if let SourceState::Failed { since, .. } = status.state { since } else { now };
            status.state = SourceState::Failed { since, fault };
        });
    }
}

impl Outlet for Port {
    fn now(&self) -> Stamp {
        self.clocks.now()
    }

    fn observe(&self, observation: Observation) {
        let newest = observation.facts.iter().filter_map(sample_time).max().unwrap_or(observation.observed_at);
        let now = self.clocks.now();
        let is_blind = observation.tells_gaps();
        self.inbox.observe(observation);
        if is_blind {
            return;
        }
        self.inbox.status(&self.id, |status| {
            status.sample_at = status.sample_at.max(Some(newest));
            status.alive_at = Some(now);
            status.state = SourceState::Live;
        });
    }

    fn alive(&self) {
        let now = self.clocks.now();
        self.inbox.status(&self.id, |status| {
            status.alive_at = Some(now);
            status.state = SourceState::Live;
        });
    }

    fn identity(&self, identity: Shown) {
        self.inbox.status(&self.id, |status| status.identity = Some(identity));
    }

    fn cost(&self, usd_per_hour: f64) {
        self.inbox.status(&self.id, |status| status.cost = Some(usd_per_hour));
    }
}

fn sample_time(fact: &Fact) -> Option<Stamp> {
    match fact {
        Fact::Signal(signal) => signal.points.last().map(|point| point.at),
        Fact::Probe(probe) => Some(probe.at),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn backoff_grows_stays_bounded_and_never_spins() {
        for failures in 0..40 {
            let wait = backoff(failures);
            assert!(wait >= BACKOFF_FIRST / 2 && wait <= BACKOFF_LAST, "{failures}: {wait:?}");
        }
        assert!(backoff(4) > backoff(0).mul_f64(1.5));
    }
}
