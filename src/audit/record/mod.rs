//! What can stand in the audit trail: closed types without input or output, the only part of the room that `operation`,
//! `state` and `report` import.
//!
//! The kinds are those of facts/trust.md A2.4 with PRODUCT section 7's. A backout is an operation of its own whose
//! `parent` is what it takes back; it needs no kind.

mod event;
pub mod history;
mod ids;
pub mod redact;
pub mod summary;
mod text;
mod told;

use serde::{Deserialize, Serialize};

use crate::domain::text::Shown;
use crate::domain::time::Stamp;

pub use event::{
    Arm, BreakGlass, Class, Confirm, Debt, DebtState, Event, Guard, InDoubt, Intent, Lock, LockState, Method, Outcome,
    Plan, Recovery, Reply, Request, Resolve, Runbook, Seal, SessionStart, Sink, SinkState, Step, Value, Verdict,
    Verified,
};
pub use ids::{ActionId, Digest, StreamId};
pub use text::{TEXT_CAP, Text};
pub use told::Field;

/// One thing that happened, before it has its place in a stream.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Record {
    /// The operation it belongs to.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub action: Option<ActionId>,
    /// The operation that this one takes back or continues.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub parent: Option<ActionId>,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub environment: Option<Text>,
    /// Who the system that is operated takes us for: an ARN, a Kubernetes user.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub identity: Option<Text>,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub target: Option<Target>,
    #[serde(flatten)]
    pub event: Event,
}

impl Record {
    /// A record of the session itself.
    #[must_use]
    pub const fn of_session(event: Event) -> Self {
        Self { action: None, parent: None, environment: None, identity: None, target: None, event }
    }

    /// A record of an operation.
    #[must_use]
    pub fn of_action(subject: &Subject, event: Event) -> Self {
        Self {
            action: Some(subject.action.clone()),
            parent: subject.parent.clone(),
            environment: Some(subject.environment.clone()),
            identity: Some(subject.identity.clone()),
            target: Some(subject.target.clone()),
            event,
        }
    }
}

/// What all records of one operation have in common.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Subject {
    pub action: ActionId,
    pub parent: Option<ActionId>,
    pub environment: Text,
    pub identity: Text,
    pub target: Target,
}

/// What is operated, by the identity that the server gives it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Target {
    /// `kubernetes`, `aws`, `host`.
    pub system: Text,
    /// The cluster's uid or the account; empty where there is none.
    pub realm: Text,
    /// Namespace or region; empty where there is none.
    pub scope: Text,
    /// `rollout`, `db-instance`.
    pub kind: Text,
    pub name: Text,
    /// The server's own identity of the object; empty where it has none.
    pub uid: Text,
}

impl Target {
    /// `rollout/shop/backend`.
    #[must_use]
    pub fn path(&self) -> String {
        let parts = [&self.kind, &self.scope, &self.name].map(Text::as_str);
        parts.into_iter().filter(|part| !part.is_empty()).collect::<Vec<_>>().join("/")
    }

    /// The same for people.
    #[must_use]
    pub fn shown(&self) -> Shown {
        Shown::of(&self.path())
    }
}

/// When something was recorded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Moment {
    /// The host's clock, nanoseconds since the Unix epoch.
    pub wall: i64,
    /// The host's monotonic clock, nanoseconds since the session's start: it tells when the wall clock was set.
    pub mono: u64,
    /// World time; in production the same as `wall` to the millisecond.
    pub world: Stamp,
}

impl Moment {
    /// The host's clock, to the millisecond.
    #[must_use]
    pub const fn wall_stamp(&self) -> Stamp {
        Stamp::from_millis(self.wall.div_euclid(1_000_000))
    }
}

/// The format's version.
pub const VERSION: u32 = 1;

/// A line of a stream as it is stored (facts/trust.md A2.2 and A2.3).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Line {
    pub v: u32,
    /// From 1, without gaps, over all segments of a stream.
    pub seq: u64,
    /// SHA-256 of the stored bytes of the line before, its line break included; zeros in the first.
    pub prev: Digest,
    /// Wall time, UTC, RFC 3339 with nanoseconds.
    pub ts: String,
    /// Nanoseconds since the session's start by the monotonic clock.
    pub mono: u64,
    /// World time, UTC, RFC 3339 with milliseconds.
    pub world: String,
    pub stream: StreamId,
    /// `user@host` of the one who ran the session.
    pub who: Text,
    #[serde(flatten)]
    pub record: Record,
    /// How many secrets were masked in this line.
    pub redacted: u64,
    /// SHA-256 of the stored bytes of this line up to the comma before this field.
    pub digest: Digest,
}

impl Line {
    /// Wall time in milliseconds since the epoch.
    #[must_use]
    pub fn at(&self) -> Stamp {
        Stamp::parse_rfc3339(&self.ts).unwrap_or_default()
    }
}

/// The place of a line in the trail, also its key in every sink.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Head {
    pub stream: StreamId,
    pub seq: u64,
    /// SHA-256 of the stored bytes of that line, its line break included: what the next line's `prev` must be.
    pub hash: Digest,
}
