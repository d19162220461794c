//! The Kubernetes source: one stream of lists, watches, heartbeats and metrics polls, turned into facts.
//!
//! What is known lives in [`store::Store`]; this file only joins the streams, decides when to tell, and when the other
//! side counts as lost.

mod around;
mod changes;
mod components;
mod feeds;
mod gaps;
mod nodes;
mod pods;
mod postgres;
mod store;
mod table;
mod usage;
mod workloads;

#[cfg(test)]
mod tests;

use std::time::Duration;

use futures::future::BoxFuture;
use futures::stream::{BoxStream, SelectAll, StreamExt, select_all, unfold};
use tokio::time::Instant;

use self::components::Origin;
use self::store::Store;
use super::{Cadence, Outlet, Source};
use crate::clients::egress::Egress;
use crate::clients::kube::read::{Connection, Connector, Seen, follow};
use crate::domain::error::{Fault, FaultKind};
use crate::domain::id::SourceId;
use crate::domain::settings::KubernetesSettings;
use crate::domain::text::{Raw, Shown};
use crate::model::board::SourceKind;
use crate::model::facts::Observation;
use crate::shown;

/// Between two proofs of life; with the 3 s deadline of the question, silence is a fault after 6 s at most.
const HEARTBEAT: Duration = Duration::from_secs(3);
/// After a broken connection.
const SECOND_TRY: Duration = Duration::from_millis(500);
/// The least time between two connections that replace ended credentials without a word.
const RENEWAL: Duration = Duration::from_secs(60);
/// How long changes are gathered before they are told.
const GATHER: Duration = Duration::from_millis(250);
/// The same while the first lists come in.
const GATHER_FIRST: Duration = Duration::from_millis(20);
/// How often it is looked whether the next poll of metrics is due in world time.
const LOOK: Duration = Duration::from_millis(250);

/// One cluster.
pub struct KubernetesSource {
    settings: KubernetesSettings,
    connector: Connector,
    endpoint: Raw,
    /// When credentials that had ended were last replaced without a word.
    renewed_at: Option<Instant>,
}

impl KubernetesSource {
    /// Nothing is read or connected before the first round.
    #[must_use]
    pub fn new(settings: &KubernetesSettings, egress: Egress) -> Self {
        let context = settings.context.as_deref().unwrap_or("current context");
        let connector = Connector::new(settings.clone(), egress);
        Self { settings: settings.clone(), connector, endpoint: Raw::new(context), renewed_at: None }
    }

    async fn run(&mut self, outlet: &dyn Outlet) -> Result<(), Fault> {
        loop {
            let mut lived = false;
            match self.session(outlet, &mut lived).await {
                // Credentials of a plugin that cannot be refreshed have ended: a new connection runs the plugin again.
                Err(fault) if fault.kind == FaultKind::Unauthenticated && lived && self.may_renew() => {}
                result => return result,
            }
        }
    }

    /// Whether a new connection may be made at once. Credentials that live shorter than [`RENEWAL`] are no credentials:
    /// that is told as a fault, and tried again as slowly as any other.
    fn may_renew(&mut self) -> bool {
        let now = Instant::now();
        let may = self.renewed_at.is_none_or(|at| now.duration_since(at) >= RENEWAL);
        if may {
            self.renewed_at = Some(now);
        }
        may
    }

    async fn session(&mut self, outlet: &dyn Outlet, lived: &mut bool) -> Result<(), Fault> {
        let connection = self.connector.connect().await?;
        self.endpoint = connection.endpoint().clone();
        outlet.identity(identity(&connection).await?);
        let feeds = feeds::feeds(&self.settings.namespaces);
        let mut inputs = inputs(&connection, &feeds, &self.settings.namespaces, outlet);
        let origin = Origin { source: self.id(), endpoint: self.endpoint.clone() };
        let mut store = Store::new(origin, feeds);
        let mut due: Option<Instant> = None;
        // Metrics that came before the pods they are about.
        let mut early = None;
        loop {
            let flush_at = due.unwrap_or_else(|| Instant::now() + HEARTBEAT);
            tokio::select! {
                biased;
                () = tokio::time::sleep_until(flush_at), if due.is_some() => {
                    due = None;
                    // Where nothing may be seen, what was known before is neither confirmed nor taken back.
                    if let Some(fault) = store.blind() {
                        let told = store.flush(outlet.now());
                        told.into_iter().filter(Observation::tells_gaps).for_each(|gaps| outlet.observe(gaps));
                        return Err(fault);
                    }
                    if !store.sees_something() {
                        continue;
                    }
                    for observation in store.flush(outlet.now()) {
                        outlet.observe(observation);
                    }
                    if store.is_settled() {
                        *lived = true;
                        early.take().into_iter().for_each(|usage| tell_signals(&store, &usage, outlet));
                    }
                }
                input = inputs.next() => {
                    let input = match input {
                        None => return Ok(()),
                        Some(Input::Usage(usage)) if !store.is_settled() => {
                            early = Some(usage);
                            continue;
                        }
                        Some(input) => input,
                    };
                    if take(&mut store, input, outlet)? && due.is_none() {
                        due = Some(Instant::now() + if store.is_settled() { GATHER } else { GATHER_FIRST });
                    }
                }
            }
        }
    }
}

/// `sre1@production v1.36.3`.
async fn identity(connection: &Connection) -> Result<Shown, Fault> {
    let version = connection.version().await?;
    // Old servers have no self review, and some refuse it: who we are is then unknown, and nothing else.
    let who = match connection.username().await {
        Ok(who) if !who.is_empty() => who,
        Err(fault) if fault.kind == FaultKind::Unauthenticated => return Err(fault),
        _ => Raw::new("?"),
    };
    Ok(shown!("{}@{} {}", who, connection.cluster(), version))
}

enum Input {
    Seen(usize, Result<Seen, Fault>),
    Heartbeat(Result<(), Fault>),
    Usage(usage::Usage),
}

/// Everything that can happen, as one stream.
fn inputs<'a>(
    connection: &Connection,
    feeds: &[feeds::Feed],
    namespaces: &'a [String],
    outlet: &'a dyn Outlet,
) -> SelectAll<BoxStream<'a, Input>> {
    let mut streams: Vec<BoxStream<'a, Input>> = Vec::new();
    for (at, feed) in feeds.iter().enumerate() {
        let seen = follow(connection.clone(), feed.watched.resource(), feed.namespace.clone());
        streams.push(seen.map(move |seen| Input::Seen(at, seen)).boxed());
    }
    let heart = unfold(connection.clone(), |connection| async {
        tokio::time::sleep(HEARTBEAT).await;
        let mut beat = connection.version().await;
        // One of several API servers behind an address may just have gone: a broken connection is tried once more.
        if beat.as_ref().is_err_and(|fault| matches!(fault.kind, FaultKind::Refused | FaultKind::Malformed)) {
            tokio::time::sleep(SECOND_TRY).await;
            beat = connection.version().await;
        }
        Some((Input::Heartbeat(beat.map(|_| ())), connection))
    });
    streams.push(heart.boxed());
    let polls = unfold((connection.clone(), None), move |(connection, last)| async move {
        while last.is_some_and(|last| outlet.now().since(last) < usage::EVERY) {
            tokio::time::sleep(LOOK).await;
        }
        let now = outlet.now();
        let usage = usage::poll(&connection, namespaces).await;
        Some((Input::Usage(usage), (connection, Some(now))))
    });
    streams.push(polls.boxed());
    select_all(streams)
}

/// Takes one input; `true` when there is something to tell soon.
fn take(store: &mut Store, input: Input, outlet: &dyn Outlet) -> Result<bool, Fault> {
    match input {
        Input::Seen(feed, Ok(seen)) => {
            outlet.alive();
            Ok(store.take(feed, seen, outlet.now()))
        }
        Input::Seen(feed, Err(fault)) if matches!(fault.kind, FaultKind::Forbidden | FaultKind::Missing) => {
            store.refuse(feed, fault);
            Ok(true)
        }
        Input::Heartbeat(Ok(())) => {
            outlet.alive();
            Ok(false)
        }
        // Busy is alive.
        Input::Heartbeat(Err(fault)) if fault.kind == FaultKind::Throttled => {
            outlet.alive();
            Ok(false)
        }
        Input::Usage(usage) => {
            tell_signals(store, &usage, outlet);
            Ok(false)
        }
        Input::Seen(_, Err(fault)) | Input::Heartbeat(Err(fault)) => Err(fault),
    }
}

fn tell_signals(store: &Store, usage: &usage::Usage, outlet: &dyn Outlet) {
    let now = outlet.now();
    let tell = |scope, complete, facts| {
        let source = store.origin().source.clone();
        outlet.observe(Observation { source, scope, observed_at: now, complete, facts });
    };
    let mut facts = usage::restarts(store, now);
    facts.extend(usage::facts(store, usage));
    if !facts.is_empty() {
        tell("signals", false, facts);
    }
    tell("usage gaps", true, usage.gaps());
}

impl Source for KubernetesSource {
    fn id(&self) -> SourceId {
        SourceId::new(&self.settings.name)
    }

    fn kind(&self) -> SourceKind {
        SourceKind::Kubernetes
    }

    fn endpoint(&self) -> Raw {
        self.endpoint.clone()
    }

    fn cadence(&self) -> Cadence {
        Cadence::Stream
    }

    fn round<'a>(&'a mut self, outlet: &'a dyn Outlet) -> BoxFuture<'a, Result<(), Fault>> {
        Box::pin(self.run(outlet))
    }
}
