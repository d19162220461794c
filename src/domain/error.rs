//! A failure of something outside, in words a tired person can act on.

use std::time::Duration;

use super::text::Shown;

/// What kind of failure it was: decides backoff, the word on the screen and the rule of health.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum FaultKind {
    /// The connection was refused or reset: a fresh negative, not an unknown.
    Refused,
    /// No answer within the deadline.
    Timeout,
    /// The name could not be resolved.
    Dns,
    /// TLS could not be agreed.
    Tls,
    /// 401, expired or missing credentials.
    Unauthenticated,
    /// 403: who we are may not do this.
    Forbidden,
    /// 429 or a provider's throttling.
    Throttled,
    /// The API or resource does not exist there.
    Missing,
    /// The server answered with an error of its own.
    Server,
    /// The answer was cut or is not what the protocol says.
    Malformed,
    /// Our own request or configuration is wrong.
    Usage,
}

impl FaultKind {
    /// One word for the header and the sources screen.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Refused => "refused",
            Self::Timeout => "silent",
            Self::Dns => "unresolved",
            Self::Tls => "tls",
            Self::Unauthenticated => "unauthenticated",
            Self::Forbidden => "forbidden",
            Self::Throttled => "throttled",
            Self::Missing => "missing",
            Self::Server => "server error",
            Self::Malformed => "malformed",
            Self::Usage => "misconfigured",
        }
    }
}

/// A failure outside: what failed, what to do. Both are complete at 60 columns where possible.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{what}; {hint}")]
pub struct Fault {
    pub kind: FaultKind,
    /// For example `kubernetes 10.0.0.1:6443 refused the connection`.
    pub what: Shown,
    /// The next step, for example `check that the API server runs`.
    pub hint: Shown,
    /// How long the server asked us to wait.
    pub retry_after: Option<Duration>,
}

impl Fault {
    #[must_use]
    pub const fn new(kind: FaultKind, what: Shown, hint: Shown) -> Self {
        Self { kind, what, hint, retry_after: None }
    }
}
