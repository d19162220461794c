//! The Prometheus HTTP API (also Thanos, Mimir and Amazon Managed Prometheus where it is the same): reading only.
//!
//! Source: prometheus/prometheus docs/querying/api.md; what real servers do is in facts/signals.md 1.1.

pub mod read;
mod wire;

use futures::future::BoxFuture;

pub use super::web::Answer;
use crate::domain::error::Fault;

/// A way to a Prometheus that is not its own address, for example the service proxy of a Kubernetes API server.
/// Paths begin with `/api/v1/` (or `/-/`); the implementation puts its own prefix before them. A status that is an error
/// is an answer, because Prometheus says in its body what was wrong.
pub trait ProxyTransport: Send + Sync {
    fn get<'a>(&'a self, path: &'a str) -> BoxFuture<'a, Result<Answer, Fault>>;
    fn post_form<'a>(
        &'a self,
        path: &'a str,
        form: &'a [(&'static str, String)],
    ) -> BoxFuture<'a, Result<Answer, Fault>>;
}

#[cfg(test)]
mod tests;
