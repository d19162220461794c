//! The kinds of records and what each holds.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::{ActionId, Digest, Head, StreamId, Text};

/// What happened. Stored as `"kind": "...", "data": {...}`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", content = "data", rename_all = "kebab-case")]
pub enum Event {
    /// First in every stream.
    SessionStart(SessionStart),
    /// Last in every stream that ended in order: nothing may follow it.
    SessionEnd {
        why: Text,
    },
    /// The configuration and the policy in force, by digest.
    Config {
        file: Text,
        digest: Digest,
    },
    Arm(Arm),
    Disarm {
        why: Text,
    },
    /// Nobody looks any more: the terminal was given back, or is gone. What has begun goes on to its end.
    Detached {
        why: Text,
    },
    Plan(Plan),
    /// All guards, at plan time and again before the first byte (`recheck`).
    Guards {
        plan: Digest,
        recheck: bool,
        results: Vec<Guard>,
    },
    /// The operation was refused or given up before anything was sent, with both values where something had changed.
    Deny {
        plan: Option<Digest>,
        reason: Text,
    },
    Confirm(Confirm),
    /// A second person's approval of exactly this plan.
    Approve {
        plan: Digest,
        by: Text,
    },
    Lock(Lock),
    /// Durable before the first byte of the request.
    Intent(Intent),
    /// The first byte may have left.
    Sent {
        step: u32,
    },
    /// The answer to a request. It says that the request was taken, never that it had its effect.
    Outcome(Reply),
    /// The end of an operation, by what was observed.
    Verify(Verified),
    /// The request was sent, or may have been, and no answer came.
    InDoubt(InDoubt),
    /// What is known of a request in doubt, by an operator or by a read of the real state.
    Resolve(Resolve),
    Note {
        text: Text,
        ticket: Option<Text>,
    },
    /// Something put aside that must be put back, or its being put back.
    Debt(Debt),
    BreakGlass(BreakGlass),
    Runbook(Runbook),
    Sink(Sink),
    /// The torn end of a stream was set aside. Written into that stream by a later session.
    Recovery(Recovery),
    /// Last in every segment but the newest.
    Seal(Seal),
}

impl Event {
    /// As it stands in `kind`.
    #[must_use]
    pub const fn kind(&self) -> &'static str {
        match self {
            Self::SessionStart(_) => "session-start",
            Self::SessionEnd { .. } => "session-end",
            Self::Config { .. } => "config",
            Self::Arm(_) => "arm",
            Self::Disarm { .. } => "disarm",
            Self::Detached { .. } => "detached",
            Self::Plan(_) => "plan",
            Self::Guards { .. } => "guards",
            Self::Deny { .. } => "deny",
            Self::Confirm(_) => "confirm",
            Self::Approve { .. } => "approve",
            Self::Lock(_) => "lock",
            Self::Intent(_) => "intent",
            Self::Sent { .. } => "sent",
            Self::Outcome(_) => "outcome",
            Self::Verify(_) => "verify",
            Self::InDoubt(_) => "in-doubt",
            Self::Resolve(_) => "resolve",
            Self::Note { .. } => "note",
            Self::Debt(_) => "debt",
            Self::BreakGlass(_) => "break-glass",
            Self::Runbook(_) => "runbook",
            Self::Sink(_) => "sink",
            Self::Recovery(_) => "recovery",
            Self::Seal(_) => "seal",
        }
    }
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SessionStart {
    /// tierdeck's version.
    pub version: Text,
    /// `console`, `run`, `audit`.
    pub mode: Text,
    pub pid: u32,
    /// The host as it knows itself: `uid`, `loginuid`, `tty`, `ssh_client`, `boot_id`; what is unknown is left out.
    pub host: BTreeMap<String, Text>,
    /// The newest line of every other stream that was there, the newest 64 streams: a later truncation or removal of one
    /// shows against it.
    pub heads: Vec<Head>,
    /// The stream this one goes on from, where a full disk or a failed sync ended that one.
    pub continues: Option<StreamId>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Arm {
    pub seconds: u64,
    /// Empty where mitigation armed by itself: the reason follows as a note.
    pub reason: Text,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Plan {
    pub operation: Text,
    /// By [`Text::valued`].
    pub params: BTreeMap<String, Text>,
    pub hash: Digest,
    pub steps: Vec<Step>,
    /// What the plan rests on.
    pub before: Vec<Value>,
    /// `safer`, `careful`, `risky`, `irreversible`.
    pub risk: Text,
}

/// One request of a plan.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Step {
    pub what: Text,
    /// What will be sent, body included.
    pub request: Text,
    /// The equivalent shell command.
    pub same_as: Text,
}

/// One observed value.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Value {
    pub what: Text,
    pub value: Text,
    /// The server's version of the object it was read from; empty where there is none.
    pub version: Text,
    /// World time, RFC 3339.
    pub observed_at: Text,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Guard {
    pub name: Text,
    pub verdict: Verdict,
    /// The live value, with the age of the sample it rests on.
    pub value: Text,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Verdict {
    Pass,
    Warn,
    Block,
    Unknown,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Confirm {
    pub plan: Digest,
    pub method: Method,
    /// How long the card had been on the screen, milliseconds of human time.
    pub dwell_ms: u64,
    pub reason: Text,
}

/// How an operation was confirmed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Method {
    /// The fire key.
    Key,
    /// `name@environment` was typed.
    Typed,
    /// `--confirm NAME@ENV`, or a headless operation that needs none.
    CommandLine,
    BreakGlass,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Lock {
    pub resource: Text,
    pub state: LockState,
    /// Who has it, where it is not us.
    pub holder: Option<Text>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum LockState {
    Taken,
    Released,
    Lost,
    Refused,
}

/// One request that will be sent once.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Intent {
    pub operation: Text,
    /// By [`Text::valued`].
    pub params: BTreeMap<String, Text>,
    pub plan: Digest,
    /// From 1, of `steps`.
    pub step: u32,
    pub steps: u32,
    pub request: Request,
}

/// What exactly will be sent.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Request {
    /// `PATCH`, `RebootDBInstance`.
    pub method: Text,
    /// Server and path.
    pub address: Text,
    /// SHA-256 of the body; of nothing where there is none.
    pub body: Digest,
    /// Resource version, weights, leader: what the server or we hold it to.
    pub preconditions: Text,
    /// The idempotency token; empty where the API has none.
    pub token: Text,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reply {
    pub step: u32,
    pub class: Class,
    /// HTTP status.
    pub code: Option<u16>,
    /// The provider's id of the request, or Kubernetes' audit id; empty where it gave none.
    pub request_id: Text,
    pub detail: Text,
}

/// How a request ended. One whose answer was lost has no outcome: it is in doubt.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Class {
    Accepted,
    Refused,
    /// No byte left: the connection could not be made.
    NotSent,
}

/// The outcomes of PRODUCT section 6.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Outcome {
    Verified,
    Failed,
    NoEffect,
    Overridden,
    PartlyDone,
    Unknown,
}

impl Outcome {
    pub const ALL: [Self; 6] =
        [Self::Verified, Self::Failed, Self::NoEffect, Self::Overridden, Self::PartlyDone, Self::Unknown];

    /// As it stands in a record and on the command line.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Verified => "verified",
            Self::Failed => "failed",
            Self::NoEffect => "no-effect",
            Self::Overridden => "overridden",
            Self::PartlyDone => "partly-done",
            Self::Unknown => "unknown",
        }
    }
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Verified {
    pub outcome: Outcome,
    pub after: Vec<Value>,
    /// How long writes were refused, where that was measured, milliseconds.
    pub outage_ms: Option<u64>,
    pub detail: Text,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct InDoubt {
    pub step: u32,
    /// The stream of the intent.
    pub stream: StreamId,
    pub why: Text,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Resolve {
    /// Every step in doubt when there is none.
    pub step: Option<u32>,
    pub outcome: Outcome,
    /// The state was read back from the system; else an operator says so.
    pub observed: bool,
    pub reason: Text,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Debt {
    /// The operation that made it.
    pub of: ActionId,
    pub state: DebtState,
    /// `sync of argocd/shop suspended`.
    pub what: Text,
    /// `sync`, `bounds`, `cordon`, `hold`, `automatic-failover`.
    pub sort: Text,
    /// What puts it back needs these.
    pub values: BTreeMap<String, Text>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum DebtState {
    Booked,
    Paid,
}

/// Always for review.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct BreakGlass {
    pub plan: Digest,
    /// The guards that were skipped.
    pub skipped: Vec<Text>,
    pub reason: Text,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Runbook {
    pub file: Text,
    pub digest: Digest,
    pub step: Text,
    pub result: Text,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sink {
    pub name: Text,
    pub state: SinkState,
    /// Lines of this stream that it has not taken.
    pub behind: u64,
    pub detail: Text,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum SinkState {
    Up,
    Down,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Recovery {
    /// The file, beside the segment, that has the torn bytes.
    pub file: Text,
    pub bytes: u64,
    pub digest: Digest,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Seal {
    /// The segment that this line closes, from 1.
    pub segment: u32,
    /// Lines and bytes in it before this one.
    pub lines: u64,
    pub bytes: u64,
}
