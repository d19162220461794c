//! One round of questions about one moment.

use std::pin::Pin;
use std::time::Duration;

use futures::stream::{self, StreamExt};
use tokio::time::Sleep;

use super::alerts;
use super::row::{Origin, Row, Span};
use crate::clients::prometheus::read::{PrometheusClient, QueryFault, Reply};
use crate::domain::error::{Fault, FaultKind};
use crate::domain::text::{Raw, Shown};
use crate::domain::time::Stamp;
use crate::model::facts::{Fact, GapFact, Observation, Scope};
use crate::model::signals::Labels;
use crate::sources::Outlet;

/// Questions on their way at once. The client lets no more through, and the wait for a place would count as the server's.
const QUESTIONS: usize = 4;
/// So many gaps are told of too many series: if it is all of them, more would not help.
const GAPS: usize = 40;
/// Rows per observation, so that the first ones are on the screen before the last have been asked.
const BATCH: usize = 24;

pub struct Round<'a> {
    pub client: &'a PrometheusClient,
    pub origin: &'a Origin,
    pub outlet: &'a dyn Outlet,
    /// The moment that is asked about.
    pub at: Stamp,
    /// How long it may go on asking; what has not been answered then waits for the next round.
    pub budget: Duration,
    /// How many series may be held of all its rows.
    pub most: usize,
}

impl Round<'_> {
    /// Asks every row for what it has not told yet, those first that have waited longest: where a round is too short
    /// for all, each gets its turn.
    ///
    /// # Errors
    /// The [`Fault`] of a server that cannot be used; what has been observed until then stands.
    pub async fn signals(&self, rows: &mut [Row]) -> Result<(), Fault> {
        let mut findings =
            Findings { unlinked: rows.iter().filter(|row| row.tells_links()).count(), ..Findings::default() };
        let mut questions: Vec<_> = rows
            .iter()
            .enumerate()
            .map(|(index, row)| (row.answered(), index, row.query(), row.span(self.at, self.origin.poll)))
            .collect();
        questions.sort_by_key(|(answered, ..)| *answered);
        let asked = questions.len();
        let mut answers = stream::iter(questions)
            .map(async |(_, index, query, span)| (index, self.ask(&query, span).await))
            .buffer_unordered(QUESTIONS);
        let mut time_is_up = std::pin::pin!(tokio::time::sleep(self.budget));
        let mut held: usize = rows.iter().map(Row::held).sum();
        while let Some((index, answer)) = before(&mut time_is_up, answers.next()).await {
            let Some(row) = rows.get_mut(index) else { continue };
            findings.rows += 1;
            held -= row.held();
            // Only an answer is a sign of life, be it a refusal of this one question.
            match answer {
                Ok(reply) => {
                    self.outlet.alive();
                    findings.warnings(reply.warnings, self.client.server());
                    findings.unlinked -= usize::from(row.tells_links());
                    let mut series = reply.series;
                    series.truncate(self.most.saturating_sub(held));
                    findings.too_many(row, series.len(), reply.total, self.client.server());
                    findings.signals(row.take(series, self.at, self.origin));
                }
                Err(fault) => self.refused(row, fault, &mut findings).await?,
            }
            held += row.held();
            if findings.rows.is_multiple_of(BATCH) {
                self.observe("signals", false, std::mem::take(&mut findings.signals));
            }
        }
        drop(answers);
        self.ask_recovered(rows, &mut findings, &mut time_is_up).await?;
        findings.unanswered(asked, self.client.server());
        if let Some(fault) = findings.all_refused() {
            return Err(fault);
        }
        self.observe("signals", false, findings.signals);
        // A call that is not told now is gone only when every question about calls has been answered.
        self.observe("links", findings.unlinked == 0, findings.links);
        self.observe("gaps", true, findings.gaps.into_iter().map(Fact::Gap).collect());
        Ok(())
    }

    /// A question that failed loses its row. Where the failure may be the server's own, a small call tells, once a round.
    ///
    /// # Errors
    /// The [`Fault`] of a server that cannot be used.
    async fn refused(&self, row: &Row, fault: QueryFault, findings: &mut Findings) -> Result<(), Fault> {
        let fault = match fault {
            QueryFault::Query(fault) => {
                self.outlet.alive();
                fault
            }
            QueryFault::Server(fault) if !is_of_one_question(fault.kind) => return Err(fault),
            QueryFault::Server(fault) => {
                if !findings.is_server_tried {
                    self.client.version().await?;
                    self.outlet.alive();
                    findings.is_server_tried = true;
                }
                fault
            }
        };
        findings.refused(row, fault);
        Ok(())
    }

    async fn ask(&self, query: &str, span: Span) -> Result<Reply, QueryFault> {
        match span {
            Span::Instant => self.client.query(query, self.at.millis()).await,
            Span::History { start, step } => {
                self.client.query_range(query, start.millis(), self.at.millis(), step).await
            }
        }
    }

    /// A subject that is no longer among the offenders is asked for by itself: it may be well, or gone.
    /// What the round has no time for is asked in the next one.
    async fn ask_recovered(
        &self,
        rows: &mut [Row],
        findings: &mut Findings,
        time_is_up: &mut Pin<&mut Sleep>,
    ) -> Result<(), Fault> {
        let questions: Vec<(usize, Labels, String)> = rows
            .iter()
            .enumerate()
            .filter(|(_, row)| row.is_answered(self.at))
            .flat_map(|(index, row)| {
                row.recovered(self.at).into_iter().map(move |(labels, query)| (index, labels, query))
            })
            .collect();
        let mut answers = stream::iter(questions)
            .map(async |(index, labels, query)| (index, labels, self.client.query(&query, self.at.millis()).await))
            .buffer_unordered(QUESTIONS);
        while let Some((index, labels, answer)) = before(time_is_up, answers.next()).await {
            let Some(row) = rows.get_mut(index) else { continue };
            match answer {
                Ok(reply) => findings.signals.extend(row.take_recovered(&labels, reply.series)),
                Err(fault) => self.refused(row, fault, findings).await?,
            }
        }
        Ok(())
    }

    /// Tells the alerts that fire by the server's own rules.
    ///
    /// # Errors
    /// The [`Fault`] of a server that cannot be used.
    pub async fn alerts(&self) -> Result<(), Fault> {
        let alerts = alerts::firing(&self.client.alerts().await?, self.outlet.now());
        self.observe("alerts", true, alerts.into_iter().map(Fact::Alert).collect());
        Ok(())
    }

    fn observe(&self, scope: Scope, complete: bool, facts: Vec<Fact>) {
        let (source, observed_at) = (self.origin.source.clone(), self.outlet.now());
        self.outlet.observe(Observation { source, scope, observed_at, complete, facts });
    }
}

/// The next item, unless the time is up.
async fn before<T>(time_is_up: &mut Pin<&mut Sleep>, next: impl Future<Output = Option<T>>) -> Option<T> {
    tokio::select! {
        biased;
        next = next => next,
        () = time_is_up => None,
    }
}

/// Whether a failure may be one question's alone: too slow, too large, too much, an error behind a proxy. Others (no
/// connection, no credentials) are everybody's.
const fn is_of_one_question(kind: FaultKind) -> bool {
    use FaultKind::{Malformed, Server, Throttled, Timeout};
    matches!(kind, Timeout | Malformed | Throttled | Server)
}

/// What one round has brought.
#[derive(Default)]
struct Findings {
    /// Rows whose question has come back, whatever with.
    rows: usize,
    /// Rows about calls between components that have not been answered.
    unlinked: usize,
    /// A small call has been answered after a question had failed.
    is_server_tried: bool,
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

    /// Tells what was not taken of an answer: it has too many series, or the server has.
    fn too_many(&mut self, row: &Row, taken: usize, total: usize, server: &Shown) {
        if total > taken && self.gaps.len() < GAPS {
            let id = Raw::new(&row.spec.id);
            let what = crate::shown!("{} has {} series for {}: the first {} are taken", server, total, id, taken);
            let hint = Shown::fixed("narrow it there: a recording rule, or fewer labels");
            self.gaps.push(GapFact { what, hint });
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
