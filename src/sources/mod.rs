//! One file per feed: drives read clients and turns their types into facts.
//!
//! A source never spawns, never reads a clock and never sees the state: the runner calls it, gives it an [`Outlet`] and
//! owns its cadence, deadline and backoff.

pub mod alertmanager;
pub mod aws;
pub mod cloudwatch;
pub mod kubernetes;
pub mod probe;
pub mod prometheus;

use std::time::Duration;

use futures::future::BoxFuture;

use crate::domain::error::Fault;
use crate::domain::id::SourceId;
use crate::domain::text::{Raw, Shown};
use crate::domain::time::Stamp;
use crate::model::board::SourceKind;
use crate::model::facts::Observation;

/// What a source gives its findings to. Never blocks; an observation that cannot be taken lowers the cadence.
pub trait Outlet: Send + Sync {
    /// World time now.
    fn now(&self) -> Stamp;
    fn observe(&self, observation: Observation);
    /// A proof of life without news (an empty answer, a bookmark, a heartbeat).
    fn alive(&self);
    /// Who we are there and what it is, in words for the header and the sources screen.
    fn identity(&self, identity: Shown);
    /// What this source costs now, USD per hour.
    fn cost(&self, usd_per_hour: f64);
}

/// How the runner drives a source.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cadence {
    /// `round` is called every `every` of world time and must end within `deadline` of human time.
    Poll { every: Duration, deadline: Duration },
    /// `round` connects and runs until it fails; it proves its life through [`Outlet::alive`] at least every 5 s, and
    /// must itself give up (return a fault) when the other side is silent.
    Stream,
}

/// One feed. What can fail alone is a source of its own (each AWS service, each Prometheus), so that losing one server
/// makes exactly the figures that rest on it old.
pub trait Source: Send {
    fn id(&self) -> SourceId;
    fn kind(&self) -> SourceKind;
    /// As a person would paste it, without secrets.
    fn endpoint(&self) -> Raw;
    fn cadence(&self) -> Cadence;
    /// One round. The first successful one also fetches history (at least 60 minutes).
    ///
    /// # Errors
    /// A [`Fault`] when nothing could be learned; single missing pieces are [`crate::model::facts::GapFact`]s instead.
    fn round<'a>(&'a mut self, outlet: &'a dyn Outlet) -> BoxFuture<'a, Result<(), Fault>>;

    /// A cheap request that the server answers only when it works and still accepts us. The runner makes it every few
    /// seconds between the rounds of a source that polls slower than that, so that a dead server is noticed within 10 s;
    /// streams and quicker polls need none. A source that pays for it leaves out what its budget does not bear.
    ///
    /// # Errors
    /// The [`Fault`] that a round would meet now.
    fn heartbeat<'a>(&'a mut self, _outlet: &'a dyn Outlet) -> BoxFuture<'a, Result<(), Fault>> {
        Box::pin(std::future::ready(Ok(())))
    }
}
