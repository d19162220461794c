//! Drives sources: cadence, deadline, jittered backoff, heartbeats, freshness. One task each; none waits for another.

use std::hash::{BuildHasher, Hasher, RandomState};
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;

use futures::FutureExt;
use tokio::sync::{Notify, watch};

use super::clock::Clocks;
use super::inbox::Inbox;
use super::skew;
use crate::domain::error::{Fault, FaultKind};
use crate::domain::id::SourceId;
use crate::domain::text::Shown;
use crate::domain::time::{Human, Stamp};
use crate::model::board::{SourceKind, SourceState, SourceStatus};
use crate::model::facts::Observation;
use crate::sources::{Cadence, Outlet, Source};

/// Human time between heartbeats, and how long one may take: together below the 10 s within which silence must show.
const HEARTBEAT: Duration = Duration::from_secs(4);
const HEARTBEAT_DEADLINE: Duration = Duration::from_secs(3);
/// A stream that has proved its life and then proves none for this long (human time) is silent.
const SILENCE: Duration = Duration::from_secs(10);
const BACKOFF_FIRST: Duration = Duration::from_millis(500);
const BACKOFF_LAST: Duration = Duration::from_secs(5);
/// The longest wait that a server may ask for: a screen that is blind for longer helps nobody.
const ASKED_LAST: Duration = Duration::from_secs(60);

/// Runs one source until the runtime ends. `refresh` cuts waits short.
pub async fn drive(mut source: Box<dyn Source>, inbox: Inbox, clocks: Clocks, refresh: Arc<Notify>) {
    let id = source.id();
    inbox.add_source(SourceStatus {
        id: id.clone(),
        kind: source.kind(),
        state: SourceState::Connecting { since: clocks.now() },
        sample_at: None,
        endpoint: source.endpoint(),
        took: None,
        cost: None,
        identity: None,
    });
    let outlet = Port::new(id.clone(), source.kind(), inbox.clone(), clocks);
    let mut failures = 0u32;
    loop {
        let started = clocks.human();
        // A defect in one source must not end the others, nor the program.
        let round = match source.cadence() {
            Cadence::Poll { deadline, .. } => {
                let round = AssertUnwindSafe(source.round(&outlet)).catch_unwind();
                tokio::time::timeout(deadline, round).await.unwrap_or_else(|_| Ok(Err(silent(&id, deadline))))
            }
            Cadence::Stream => AssertUnwindSafe(watched(source.round(&outlet), &outlet, SILENCE)).catch_unwind().await,
        };
        match round.unwrap_or_else(|_| Err(defect(&id))) {
            Ok(()) => {
                failures = 0;
                let took = clocks.human().0.saturating_sub(started.0);
                inbox.status(&id, |status| status.took = Some(took));
                outlet.alive();
                match source.cadence() {
                    Cadence::Poll { every, .. } => {
                        let next = started.0 + clocks.on_the_wall(every);
                        if let Err(fault) = wait_alive(source.as_mut(), &outlet, next, &refresh).await {
                            outlet.failed(fault);
                        }
                    }
                    // A stream that the other side ends in good order, again and again, must not become a hot loop.
                    Cadence::Stream => rest(backoff(0), &refresh).await,
                }
            }
            Err(fault) => {
                let wait = pause(fault.retry_after, failures);
                failures = failures.saturating_add(1);
                outlet.failed(fault);
                rest(wait, &refresh).await;
            }
        }
    }
}

/// Waits, unless the operator asks for news now.
async fn rest(wait: Duration, refresh: &Notify) {
    tokio::select! {
        () = tokio::time::sleep(wait) => {}
        () = refresh.notified() => {}
    }
}

/// A round that fails when `patience` passes between two proofs of life. Before the first one its own deadlines count.
async fn watched(
    round: impl Future<Output = Result<(), Fault>>,
    outlet: &Port,
    patience: Duration,
) -> Result<(), Fault> {
    outlet.heard.send_replace(None);
    let silence = async {
        loop {
            let heard: Option<Human> = *outlet.heard.borrow();
            let silent_for = heard.map_or(Duration::ZERO, |at| outlet.clocks.human().0.saturating_sub(at.0));
            if silent_for >= patience {
                return;
            }
            tokio::time::sleep(patience - silent_for).await;
        }
    };
    tokio::select! {
        biased;
        ended = round => ended,
        () = silence => Err(silent(&outlet.id, patience)),
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

/// How long to wait after a failure: what the server asks for, within bounds, or else the backoff.
fn pause(asked: Option<Duration>, failures: u32) -> Duration {
    let own = backoff(failures);
    asked.map_or(own, |asked| asked.clamp(own, ASKED_LAST))
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
    kind: SourceKind,
    inbox: Inbox,
    clocks: Clocks,
    /// The last proof of life of this round.
    heard: watch::Sender<Option<Human>>,
    /// When it last told of a time that has not come yet.
    ahead: watch::Sender<Option<Stamp>>,
}

impl Port {
    fn new(id: SourceId, kind: SourceKind, inbox: Inbox, clocks: Clocks) -> Self {
        Self { id, kind, inbox, clocks, heard: watch::Sender::new(None), ahead: watch::Sender::new(None) }
    }

    fn hear(&self) {
        self.heard.send_replace(Some(self.clocks.human()));
    }

    /// Tells that a clock over there is ahead of ours, and takes it back when that has not been seen for a while.
    fn judge_clock(&self, ahead: Option<Duration>, now: Stamp) {
        let told = *self.ahead.borrow();
        let gap = match (ahead, told) {
            (Some(ahead), told) => {
                self.ahead.send_replace(Some(now));
                told.is_none().then(|| vec![skew::gap(&self.id, ahead)])
            }
            (None, Some(at)) if now.since(at) >= skew::MEMORY => {
                self.ahead.send_replace(None);
                Some(Vec::new())
            }
            _ => None,
        };
        if let Some(facts) = gap {
            let source = self.id.clone();
            self.inbox.observe(Observation { source, scope: "clock", observed_at: now, complete: true, facts });
        }
    }

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

    fn observe(&self, mut observation: Observation) {
        let now = self.clocks.now();
        self.judge_clock(skew::take_future(&mut observation, now), now);
        let newest = observation.facts.iter().filter_map(skew::sample_time).max();
        let sample_at = newest.or_else(|| (!self.kind.measures()).then_some(observation.observed_at));
        let is_blind = observation.tells_gaps();
        self.inbox.observe(observation);
        if is_blind {
            return;
        }
        self.hear();
        self.inbox.status(&self.id, |status| {
            status.sample_at = status.sample_at.max(sample_at);
            status.state = SourceState::Live;
        });
    }

    fn alive(&self) {
        self.hear();
        self.inbox.status(&self.id, |status| status.state = SourceState::Live);
    }

    fn identity(&self, identity: Shown) {
        self.inbox.status(&self.id, |status| status.identity = Some(identity));
    }

    fn cost(&self, usd_per_hour: f64) {
        self.inbox.status(&self.id, |status| status.cost = Some(usd_per_hour));
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use futures::future::BoxFuture;

    use super::*;
    use crate::domain::text::Raw;
    use crate::domain::time::Clock;
    use crate::model::facts::Fact;

    #[tokio::test]
    async fn a_stream_is_silent_by_human_time_however_fast_the_world_goes() {
        let clock = crate::domain::time::Clock { rate: 1_000.0, ..crate::domain::time::Clock::REAL };
        let (id, inbox, clocks) = (SourceId::new("s"), Inbox::default(), Clocks::new(clock));
        let outlet = Port::new(id, SourceKind::Kubernetes, inbox, clocks);
        let patience = Duration::from_millis(400);
        let lively = async {
            tokio::time::sleep(patience * 2).await;
            for _ in 0..8 {
                outlet.alive();
                tokio::time::sleep(patience / 4).await;
            }
            Ok(())
        };
        assert_eq!(watched(lively, &outlet, patience).await, Ok(()));
        let hung = async {
            outlet.alive();
            std::future::pending().await
        };
        let fault = watched(hung, &outlet, patience).await.expect_err("silence");
        assert_eq!(fault.kind, FaultKind::Timeout);
    }

    fn told(source: &str, scope: &'static str, facts: Vec<Fact>, at: Stamp) -> Observation {
        Observation { source: SourceId::new(source), scope, observed_at: at, complete: false, facts }
    }

    /// What a source of this kind has told, and the age of its sample.
    fn after(kind: SourceKind, observations: impl Fn(Stamp) -> Vec<Observation>) -> (Vec<Observation>, Option<i64>) {
        let (id, inbox, clocks) = (SourceId::new("s"), Inbox::default(), Clocks::new(Clock::REAL));
        let state = SourceState::Live;
        let (cost, identity, took, sample_at) = (None, None, None, None);
        inbox.add_source(SourceStatus {
            id: id.clone(),
            kind,
            state,
            sample_at,
            endpoint: Raw::default(),
            took,
            cost,
            identity,
        });
        let port = Port::new(id.clone(), kind, inbox.clone(), clocks);
        let now = clocks.now();
        observations(now).into_iter().for_each(|observation| port.observe(observation));
        let news = inbox.take(Duration::ZERO);
        let status = news.sources.unwrap().into_iter().find(|status| status.id == id).unwrap();
        (news.observations, status.sample_at.map(|at| (now.millis() - at.millis() + 500).div_euclid(1_000)))
    }

    #[test]
    fn the_age_of_a_source_is_that_of_its_newest_sample_not_of_its_last_poll() {
        let minutes = |n: u64| Duration::from_secs(60 * n);
        let cloudwatch = |now: Stamp| {
            let signal = told("s", "signals", vec![skew::tests::signal(&[now - minutes(5), now - minutes(3)])], now);
            vec![signal, told("s", "alarms", Vec::new(), now), told("s", "refusals", Vec::new(), now)]
        };
        assert_eq!(after(SourceKind::CloudWatch, cloudwatch).1, Some(180));
        assert_eq!(after(SourceKind::Prometheus, cloudwatch).1, Some(180));
        assert_eq!(after(SourceKind::Prometheus, |now| vec![told("s", "alerts", Vec::new(), now)]).1, None);
        // States are as old as the look at them.
        assert_eq!(after(SourceKind::Aws, |now| vec![told("s", "databases", Vec::new(), now)]).1, Some(0));
    }

    #[test]
    fn a_sample_of_the_future_is_left_out_and_told_once() {
        let ahead = |now: Stamp| {
            let soon = now + Duration::from_secs(600);
            let one = told("s", "signals", vec![skew::tests::signal(&[now, soon]), skew::tests::signal(&[soon])], now);
            vec![one.clone(), one]
        };
        let (seen, age) = after(SourceKind::Prometheus, ahead);
        assert_eq!(age, Some(0));
        let points: Vec<usize> = seen.iter().flat_map(|o| &o.facts).filter_map(skew::tests::points).collect();
        assert_eq!(points, [1, 1], "the sample of now stays");
        let gaps: Vec<String> = seen.iter().flat_map(|o| &o.facts).filter_map(skew::tests::gap).collect();
        assert_eq!(gaps, ["a clock behind s is 600 s ahead of ours"]);
    }

    #[test]
    fn backoff_grows_stays_bounded_and_never_spins() {
        for failures in 0..40 {
            let wait = backoff(failures);
            assert!(wait >= BACKOFF_FIRST / 2 && wait <= BACKOFF_LAST, "{failures}: {wait:?}");
        }
        assert!(backoff(4) > backoff(0).mul_f64(1.5));
    }

    #[test]
    fn what_a_server_asks_for_is_obeyed_within_bounds() {
        let secs = |secs| Some(Duration::from_secs(secs));
        assert_eq!(pause(secs(20), 0), Duration::from_secs(20));
        assert_eq!(pause(secs(86_400), 0), ASKED_LAST);
        assert!(pause(secs(0), 9) >= BACKOFF_LAST / 2);
        assert!(pause(None, 0) <= BACKOFF_FIRST);
    }

    /// Ends in good order as soon as it is started.
    struct Brief(Arc<AtomicUsize>);

    impl Source for Brief {
        fn id(&self) -> SourceId {
            SourceId::new("brief")
        }

        fn kind(&self) -> SourceKind {
            SourceKind::Kubernetes
        }

        fn endpoint(&self) -> Raw {
            Raw::default()
        }

        fn cadence(&self) -> Cadence {
            Cadence::Stream
        }

        fn round<'a>(&'a mut self, _: &'a dyn Outlet) -> BoxFuture<'a, Result<(), Fault>> {
            self.0.fetch_add(1, Ordering::SeqCst);
            Box::pin(std::future::ready(Ok(())))
        }
    }

    #[tokio::test]
    async fn a_stream_that_ends_at_once_is_not_started_in_a_hot_loop() {
        let rounds = Arc::new(AtomicUsize::new(0));
        let source = Box::new(Brief(rounds.clone()));
        let clocks = Clocks::new(Clock::default());
        let driven = drive(source, Inbox::default(), clocks, Arc::new(Notify::new()));
        let ended = tokio::time::timeout(Duration::from_millis(700), driven).await;
        assert!(ended.is_err());
        assert!((1..=3).contains(&rounds.load(Ordering::SeqCst)), "{rounds:?}");
    }
}
