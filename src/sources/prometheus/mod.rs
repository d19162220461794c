//! Signals, calls between services and alerts from one Prometheus.
//!
//! On connecting, one question finds which rows of the catalogue apply; then every row is asked over the last hour, and
//! from then on at one moment per round, the same for all rows, named explicitly and a little in the past, so that the
//! samples of every target have arrived and each figure can be computed again by its own query at its own time.
//!
//! A server that fails ends the round with its fault; a query that fails is a gap, and the other rows go on. Series that
//! vanish are not mentioned: they age. Between rounds a small call shows that the server is alive.

pub mod alerts;
mod detect;
mod identity;
mod poll;
mod row;

use std::time::Duration;

use futures::future::BoxFuture;

use self::detect::Intervals;
use self::poll::Round;
use self::row::{Origin, Row};
use super::{Cadence, Outlet, Source};
use crate::clients::egress::Egress;
use crate::clients::prometheus::ProxyTransport;
use crate::clients::prometheus::read::{LARGEST, PrometheusClient, Route};
use crate::clients::web::Site;
use crate::domain::error::Fault;
use crate::domain::id::SourceId;
use crate::domain::settings::{PrometheusSettings, ServiceProxy};
use crate::domain::text::{Raw, Shown};
use crate::domain::time::Stamp;
use crate::model::board::SourceKind;
use crate::model::facts::{Fact, GapFact, Observation};

/// How long after its time a moment is asked for: scrapes that began before it have been stored by then.
const SETTLE: Duration = Duration::from_secs(2);
/// Time between two signs of life: silence must be noticed within 10 s.
const LIFE: Duration = Duration::from_secs(4);
/// Time between the first two detections, doubled from one to the next: a server that has just started has not scraped
/// everything yet.
const DETECT_FIRST: Duration = Duration::from_secs(15);
/// Time between two detections in the long run.
const DETECT: Duration = Duration::from_secs(5 * 60);
/// Questions that have not been answered after so long wait for the next round (human time).
const BUDGET: Duration = Duration::from_secs(8);
/// The most series of one server: 2,000 services with six figures each, and 10,000 pods of which something is told.
const MOST: usize = 30_000;
/// The runner's patience: the budget and one last call of the client.
const PATIENCE: Duration = Duration::from_secs(18);
/// What the server's clock may differ from ours before it is told; `Date` has whole seconds, and answers travel.
const SKEW: Duration = Duration::from_secs(60);

/// How the server is reached.
pub enum Transport {
    /// Its base URL.
    Direct(String),
    /// Through the service proxy of a Kubernetes API server.
    Kubernetes(Box<dyn ProxyTransport>),
}

/// Reads signals from one Prometheus.
pub struct PrometheusSource {
    client: PrometheusClient,
    origin: Origin,
    tells_alerts: bool,
    /// How long a round may go on asking (human time).
    budget: Duration,
    session: Option<Session>,
    /// Its clock has been told to be wrong.
    is_skewed: bool,
}

/// What is known of the server since it first answered.
struct Session {
    rows: Vec<Row>,
    /// Moments that are asked for are multiples of this.
    step: Duration,
    detected_at: Stamp,
    /// How long after it the next detection is due.
    detect_after: Duration,
    polled_at: Option<Stamp>,
    asked_for: Option<Stamp>,
}

impl PrometheusSource {
    /// # Errors
    /// [`crate::domain::error::FaultKind::Usage`] when the address is wrong or outside what `egress` allows.
    pub fn new(settings: &PrometheusSettings, egress: Egress, transport: Transport) -> Result<Self, Fault> {
        let (route, through) = match transport {
            Transport::Direct(url) => {
                let headers = settings.headers.clone();
                let bearer_file = settings.bearer_file.clone();
                (
                    Route::Direct(Site { what: "prometheus", url, headers, bearer_file, largest: LARGEST }),
                    Raw::default(),
                )
            }
            Transport::Kubernetes(proxy) => {
                let (server, endpoint) = settings.through.as_ref().map(through).unwrap_or_default();
                (Route::Proxy { proxy, server }, endpoint)
            }
        };
        let client = PrometheusClient::new(route, egress)?;
        let origin = Origin {
            source: SourceId::new(&settings.name),
            endpoint: client.endpoint().unwrap_or(through),
            poll: settings.poll,
            settle: SETTLE,
        };
        Ok(Self { client, origin, tells_alerts: true, budget: BUDGET, session: None, is_skewed: false })
    }

    /// Leaves alerts to an Alertmanager, which knows silences too.
    #[must_use]
    pub fn without_alerts(mut self) -> Self {
        self.tells_alerts = false;
        self
    }

    async fn run(&mut self, outlet: &dyn Outlet) -> Result<(), Fault> {
        let now = outlet.now();
        let due = self.session.as_ref().and_then(|session| session.due(now, self.origin.poll, self.pulse()));
        let at = match (&self.session, due) {
            (Some(_), None) => {
                self.client.version().await?;
                outlet.alive();
                self.judge_clock(outlet);
                return Ok(());
            }
            (Some(session), Some(at)) if !session.is_detection_due(now) => at,
            _ => {
                let version = self.client.version().await?;
                let version = version.unwrap_or_else(|| Raw::new("API"));
                outlet.identity(crate::shown!("prometheus {}", version));
                self.judge_clock(outlet);
                let at = self.detect(now).await?;
                outlet.alive();
                at
            }
        };
        let Some(session) = &mut self.session else { return Ok(()) };
        session.polled_at = Some(now);
        let round = Round { client: &self.client, origin: &self.origin, outlet, at, budget: self.budget, most: MOST };
        round.signals(&mut session.rows).await?;
        session.asked_for = Some(at);
        if self.tells_alerts { round.alerts().await } else { Ok(()) }
    }

    /// Tells a server whose clock is not ours. It dates its samples by its own clock and is asked by ours: one that is
    /// ahead answers with what was long ago, and every figure of it looks fresh.
    fn judge_clock(&mut self, outlet: &dyn Outlet) {
        let Some(clock) = self.client.clock().map(Stamp::from_millis) else { return };
        let now = outlet.now();
        let (off, word) = if clock > now { (clock.since(now), "ahead of") } else { (now.since(clock), "behind") };
        let is_skewed = off > SKEW;
        if is_skewed == std::mem::replace(&mut self.is_skewed, is_skewed) {
            return;
        }
        let gap = GapFact {
            what: crate::shown!("the clock of {} is {} s {} ours", self.client.server(), off.as_secs(), word),
            hint: Shown::fixed(
                "compare both with NTP (chronyc tracking): its figures are older or newer than they say",
            ),
        };
        let facts = if is_skewed { vec![Fact::Gap(gap)] } else { Vec::new() };
        let source = self.origin.source.clone();
        outlet.observe(Observation { source, scope: "server clock", observed_at: now, complete: true, facts });
    }

    /// Learns scrape intervals and which rows apply; gives the first moment to ask for.
    async fn detect(&mut self, now: Stamp) -> Result<Stamp, Fault> {
        let question = detect::question();
        let settled = now - SETTLE;
        let (targets, found) = futures::try_join!(self.client.targets(), async {
            Ok(self.client.query(&question, settled.millis()).await?)
        })?;
        let intervals = Intervals::of(&targets);
        let mut rows = detect::rows(&found.series, &intervals);
        let (mut earlier, detect_after, polled_at, asked_for) = match self.session.take() {
            Some(session) => {
                let detect_after = session.next_patience();
                (session.rows, detect_after, session.polled_at, session.asked_for)
            }
            None => (Vec::new(), DETECT_FIRST, None, None),
        };
        for row in &mut rows {
            if let Some(place) = earlier.iter().position(|other| row.is_same_question(other)) {
                row.resume(earlier.swap_remove(place));
            }
        }
        let step = intervals.shortest().min(self.origin.poll).max(Duration::from_secs(1));
        self.session = Some(Session { rows, step, detected_at: now, detect_after, polled_at, asked_for });
        Ok(settled.align_down(step))
    }

    /// Time between two rounds of the runner: a whole part of the poll period.
    fn pulse(&self) -> Duration {
        let parts = self.origin.poll.as_millis().div_ceil(LIFE.as_millis()).max(1);
        self.origin.poll / u32::try_from(parts).unwrap_or(u32::MAX)
    }
}

/// What to call a server behind a service proxy, and its address below the Kubernetes source that leads to it.
fn through(proxy: &ServiceProxy) -> (Shown, Raw) {
    let ServiceProxy { kubernetes, namespace, service, port } = proxy;
    let name = Raw::from(format!("{namespace}/{service}:{port} through {kubernetes}"));
    let path = format!("{kubernetes}/api/v1/namespaces/{namespace}/services/{service}:{port}/proxy");
    (crate::shown!("prometheus {}", name), Raw::from(path))
}

impl Session {
    /// The moment to ask for, when a poll is due and there is a new one.
    fn due(&self, now: Stamp, poll: Duration, pulse: Duration) -> Option<Stamp> {
        let at = (now - SETTLE).align_down(self.step);
        let due = self.polled_at.is_none_or(|polled| now.since(polled) + pulse / 2 >= poll);
        (due && self.asked_for.is_none_or(|asked| at > asked)).then_some(at)
    }

    /// How long to wait after the detection that follows this session's. Finding nothing does not make patient.
    fn next_patience(&self) -> Duration {
        if self.rows.is_empty() { DETECT_FIRST } else { (self.detect_after * 2).min(DETECT) }
    }

    fn is_detection_due(&self, now: Stamp) -> bool {
        self.rows.is_empty() || now.since(self.detected_at) >= self.detect_after
    }
}

impl Source for PrometheusSource {
    fn id(&self) -> SourceId {
        self.origin.source.clone()
    }

    fn kind(&self) -> SourceKind {
        SourceKind::Prometheus
    }

    fn endpoint(&self) -> Raw {
        self.origin.endpoint.clone()
    }

    fn cadence(&self) -> Cadence {
        Cadence::Poll { every: self.pulse(), deadline: PATIENCE }
    }

    fn round<'a>(&'a mut self, outlet: &'a dyn Outlet) -> BoxFuture<'a, Result<(), Fault>> {
        Box::pin(async move {
            let outcome = self.run(outlet).await;
            if let (Err(_), Some(session)) = (&outcome, &mut self.session) {
                // The first answer after a failure must be about the signals, not only a sign of life.
                session.polled_at = None;
            }
            outcome
        })
    }
}

#[cfg(test)]
mod tests;
