//! What a request that changes something can come to, whatever the protocol.
//!
//! Whether a failed request may have taken effect is the question that matters. What never left, and what the server
//! refused, has none; a reply that is lost, and an error of the server's own, may have (facts/trust.md A3 row 7).

use std::error::Error;

use hyper_util::client::legacy::Error as Client;

use crate::domain::error::Fault;
use crate::domain::text::Raw;

/// How deep a chain of causes is followed.
const DEPTH: usize = 16;

/// How far a request came that was not accepted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reached {
    /// It never left this host.
    Nothing,
    /// The server answered that it does not do it.
    Refused,
    /// The server answered that what the request asserts does not hold: it was changed by somebody else.
    Outdated,
    /// It may have been done.
    Unknown,
}

/// It was not accepted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure {
    pub reached: Reached,
    /// HTTP status of the answer, where there was one.
    pub status: Option<u16>,
    /// Under which the provider knows the request: `Audit-Id` of a Kubernetes API, `x-amzn-requestid` of AWS.
    pub request_id: Option<Raw>,
    pub fault: Fault,
}

impl Failure {
    /// Without an answer.
    #[must_use]
    pub const fn unanswered(reached: Reached, fault: Fault) -> Self {
        Self { reached, status: None, request_id: None, fault }
    }
}

/// Whether an error says that no connection came about, so that nothing can have left.
#[must_use]
pub fn never_connected(error: &(dyn Error + 'static)) -> bool {
    let chain = std::iter::successors(Some(error), |&error| error.source()).take(DEPTH);
    chain.filter_map(|error| error.downcast_ref::<Client>()).any(Client::is_connect)
}
