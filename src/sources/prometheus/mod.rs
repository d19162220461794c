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
mod row;

use std::time::Duration;

use futures::future::BoxFuture;
use futures::stream::{self, StreamExt};

use self::detect::Intervals;
use self::row::{Origin, Row, Span};
use super::{Cadence, Outlet, Source};
use crate::clients::egress::Egress;
use crate::clients::prometheus::ProxyTransport;
use crate::clients::prometheus::read::{PrometheusClient, QueryFault, Reply, Route};
use crate::clients::web::Site;
use crate::domain::error::Fault;
use crate::domain::id::SourceId;
use crate::domain::settings::PrometheusSettings;
use crate::domain::text::{Raw, Shown};
use crate::domain::time::Stamp;
use crate::model::board::SourceKind;
use crate::model::facts::{Fact, GapFact, Observation, Scope};
use crate::model::signals::Labels;

/// How long after its time a moment is asked for: scrapes that began before it have been stored by then.
const SETTLE: Duration = Duration::from_secs(2);
/// Time between two signs of life: silence must be noticed within 10 s.
const LIFE: Duration = Duration::from_secs(4);
/// Time between two detections.
const DETECT: Duration = Duration::from_secs(5 * 60);
/// Rows that have not been answered after so long wait for the next round (human time).
const BUDGET: Duration = Duration::from_secs(8);
/// The runner's patience: the budget and one last call of the client.
const PATIENCE: Duration = Duration::from_secs(18);
/// Questions on their way at once; the client lets four through.
const QUESTIONS: usize = 8;
/// Rows per observation, so that the first ones are on the screen before the last have been asked.
const BATCH: usize = 24;

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
    session: Option<Session>,
}

/// What is known of the server since it first answered.
struct Session {
    rows: Vec<Row>,
    /// Moments that are asked for are multiples of this.
    step: Duration,
    detected_at: Stamp,
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
                (Route::Direct(Site { what: "prometheus", url, headers, bearer_file }), Raw::default())
            }
            Transport::Kubernetes(proxy) => {
                let through = settings.through.as_ref().map_or_else(Raw::default, |proxy| {
                    let (namespace, service, port) = (&proxy.namespace, &proxy.service, proxy.port);
                    let path = format!("/api/v1/namespaces/{namespace}/services/{service}:{port}/proxy");
                    Raw::from(format!("{}{path}", proxy.kubernetes))
                });
                (Route::Proxy { proxy, server: crate::shown!("prometheus {}", through) }, through)
            }
        };
        let client = PrometheusClient::new(route, egress)?;
        let origin = Origin {
            source: SourceId::new(&settings.name),
            endpoint: client.endpoint().unwrap_or(through),
            poll: settings.poll,
            settle: SETTLE,
        };
        Ok(Self { client, origin, tells_alerts: true, session: None })
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
                return Ok(());
            }
            (Some(session), Some(at)) if !session.is_detection_due(now) => at,
            _ => {
                let version = self.client.version().await?;
                let version = version.unwrap_or_else(|| Raw::new("API"));
                outlet.identity(crate::shown!("prometheus {}", version));
                outlet.alive();
                self.detect(now).await?
            }
        };
        let Some(mut session) = self.session.take() else { return Ok(()) };
        let polled = self.poll(&mut session, at, outlet).await;
        session.polled_at = Some(now);
        if polled.is_ok() {
            session.asked_for = Some(at);
        }
        self.session = Some(session);
        polled?;
        if self.tells_alerts {
            let alerts = alerts::firing(&self.client.alerts().await?, now);
            self.observe(outlet, "alerts", true, alerts.into_iter().map(Fact::Alert).collect());
        }
        Ok(())
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
        let (mut earlier, polled_at, asked_for) = match self.session.take() {
            Some(session) => (session.rows, session.polled_at, session.asked_for),
            None => (Vec::new(), None, None),
        };
        for row in &mut rows {
            if let Some(place) = earlier.iter().position(|other| row.is_same_question(other)) {
                row.resume(earlier.swap_remove(place));
            }
        }
        let step = intervals.shortest().min(self.origin.poll).max(Duration::from_secs(1));
        self.session = Some(Session { rows, step, detected_at: now, polled_at, asked_for });
        Ok(settled.align_down(step))
    }

    /// Asks every row for what it has not told yet.
    async fn poll(&self, session: &mut Session, at: Stamp, outlet: &dyn Outlet) -> Result<(), Fault> {
        let mut findings = Findings::default();
        let questions: Vec<_> = session
            .rows
            .iter()
            .enumerate()
            .map(|(index, row)| (index, row.query(), row.span(at, self.origin.poll)))
            .collect();
        let asked = questions.len();
        let mut answers = stream::iter(questions)
            .map(async |(index, query, span)| (index, self.ask(&query, span, at).await))
            .buffer_unordered(QUESTIONS);
        let mut time_is_up = std::pin::pin!(tokio::time::sleep(BUDGET));
        loop {
            let next = tokio::select! {
                biased;
                next = answers.next() => next,
                () = &mut time_is_up => None,
            };
            let Some((index, answer)) = next else { break };
            let Some(row) = session.rows.get_mut(index) else { continue };
            outlet.alive();
            findings.rows += 1;
            match answer {
                Ok(reply) => {
                    findings.warnings(reply.warnings, self.client.server());
                    findings.signals(row.take(reply.series, at, &self.origin));
                }
                Err(QueryFault::Query(fault)) => findings.refused(row, fault),
                Err(QueryFault::Server(fault)) => return Err(fault),
            }
            if findings.rows.is_multiple_of(BATCH) {
                self.observe(outlet, "signals", false, std::mem::take(&mut findings.signals));
            }
        }
        drop(answers);
        self.ask_recovered(session, at, &mut findings).await?;
        findings.unanswered(asked, self.client.server());
        if let Some(fault) = findings.all_refused() {
            return Err(fault);
        }
        self.observe(outlet, "signals", false, findings.signals);
        self.observe(outlet, "links", true, findings.links);
        self.observe(outlet, "gaps", true, findings.gaps.into_iter().map(Fact::Gap).collect());
        Ok(())
    }

    async fn ask(&self, query: &str, span: Span, at: Stamp) -> Result<Reply, QueryFault> {
        match span {
            Span::Instant => self.client.query(query, at.millis()).await,
            Span::History { start, step } => self.client.query_range(query, start.millis(), at.millis(), step).await,
        }
    }

    /// A subject that is no longer among the offenders is asked for by itself: it may be well, or gone.
    async fn ask_recovered(&self, session: &mut Session, at: Stamp, findings: &mut Findings) -> Result<(), Fault> {
        let questions: Vec<(usize, Labels, String)> = session
            .rows
            .iter()
            .enumerate()
            .filter(|(_, row)| row.is_answered(at))
            .flat_map(|(index, row)| row.recovered(at).into_iter().map(move |(labels, query)| (index, labels, query)))
            .collect();
        let mut answers = stream::iter(questions)
            .map(async |(index, labels, query)| (index, labels, self.client.query(&query, at.millis()).await))
            .buffer_unordered(QUESTIONS);
        while let Some((index, labels, answer)) = answers.next().await {
            let Some(row) = session.rows.get_mut(index) else { continue };
            match answer {
                Ok(reply) => findings.signals.extend(row.take_recovered(&labels, reply.series)),
                Err(QueryFault::Query(fault)) => findings.refused(row, fault),
                Err(QueryFault::Server(fault)) => return Err(fault),
            }
        }
        Ok(())
    }

    fn observe(&self, outlet: &dyn Outlet, scope: Scope, complete: bool, facts: Vec<Fact>) {
        let (source, observed_at) = (self.origin.source.clone(), outlet.now());
        outlet.observe(Observation { source, scope, observed_at, complete, facts });
    }

    /// Time between two rounds of the runner: a whole part of the poll period.
    fn pulse(&self) -> Duration {
        let parts = self.origin.poll.as_millis().div_ceil(LIFE.as_millis()).max(1);
        self.origin.poll / u32::try_from(parts).unwrap_or(u32::MAX)
    }
}

impl Session {
    /// The moment to ask for, when a poll is due and there is a new one.
    fn due(&self, now: Stamp, poll: Duration, pulse: Duration) -> Option<Stamp> {
        let at = (now - SETTLE).align_down(self.step);
        let due = self.polled_at.is_none_or(|polled| now.since(polled) + pulse / 2 >= poll);
        (due && self.asked_for.is_none_or(|asked| at > asked)).then_some(at)
    }

    fn is_detection_due(&self, now: Stamp) -> bool {
        self.rows.is_empty() || now.since(self.detected_at) >= DETECT
    }
}

/// What one round has brought.
#[derive(Default)]
struct Findings {
    rows: usize,
    signals: Vec<Fact>,
    links: Vec<Fact>,
    gaps: Vec<GapFact>,
    refused: Vec<Fault>,
}

impl Findings {
    fn signals(&mut self, facts: Vec<Fact>) {
        let (links, signals): (Vec<_>, Vec<_>) = facts.into_iter().partition(|fact| matches!(fact, Fact::Link(_)));
        self.links.extend(links);
        self.signals.extend(signals);
    }

    fn refused(&mut self, row: &Row, fault: Fault) {
        let what = crate::shown!("no {}: {}", Raw::new(&row.spec.id), fault.what);
        self.gaps.push(GapFact { what, hint: fault.hint.clone() });
        self.refused.push(fault);
    }

    /// A server that refuses every question cannot be used.
    fn all_refused(&self) -> Option<Fault> {
        let all = self.rows > 0 && self.refused.len() >= self.rows;
        self.refused.first().filter(|_| all).cloned()
    }

    fn warnings(&mut self, warnings: Vec<Raw>, server: &Shown) {
        for warning in warnings {
            let what = crate::shown!("{} warns: {}", server, warning);
            if !self.gaps.iter().any(|gap| gap.what == what) {
                let hint = Shown::fixed("its answers may be partial");
                self.gaps.push(GapFact { what, hint });
            }
        }
    }

    fn unanswered(&mut self, asked: usize, server: &Shown) {
        let (what, hint) = match asked.saturating_sub(self.rows) {
            0 if asked > 0 => return,
            0 => (
                crate::shown!("{} has no metric that the catalogue knows", server),
                "add an exporter to its scrape configuration",
            ),
            missing => (
                crate::shown!("{} of {} signals were not answered in time by {}", missing, asked, server),
                "the server is slow: look at its load",
            ),
        };
        self.gaps.push(GapFact { what, hint: Shown::fixed(hint) });
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
