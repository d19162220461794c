//! The Kubernetes API, read side: a connection with our own deadlines, paged lists and watches over slim types.
//!
//! The wire is JSON over HTTP/1.1 (facts/kubernetes.md 2.1, facts/controlplane.md 4 and 6). Retries are off: every call
//! has one deadline and one answer, and who calls decides what to try again.

mod connect;
mod fault;
mod follow;
mod objects;
mod plugin;
mod proxy;
pub mod read;
mod wire;
pub mod write;

#[cfg(test)]
mod tests;

pub use connect::{secrets, userinfo};
pub use proxy::Proxy;
pub use read::{Connection, Connector};
