//! The JSON contract of `audit list`, `show` and `verify`. A record itself is told as its stored line: see `audit::record`.

use serde::{Deserialize, Serialize};

use super::figure::words;
use crate::audit::record::summary::Summary;
use crate::audit::record::{Head, StreamId};

/// `audit list --json`.
#[derive(Clone, Debug, Serialize)]
pub struct List {
    pub schema: u32,
    /// Newest first.
    pub operations: Vec<Operation>,
    /// The trail has no damage.
    pub whole: bool,
}

/// `audit show --json`.
#[derive(Clone, Debug, Serialize)]
pub struct Show<R> {
    pub schema: u32,
    pub operation: Operation,
    /// Ordered by time, each byte for byte as it is stored.
    pub records: Vec<R>,
    pub whole: bool,
}

/// `audit verify --json`; also what `--checkpoint` reads.
#[derive(Clone, Debug, Serialize)]
pub struct Verified {
    pub schema: u32,
    pub whole: bool,
    pub lines: u64,
    /// Lines of a newer version, whose digests hold but which cannot be read.
    pub not_understood: u64,
    pub findings: Vec<Finding>,
    pub in_doubt: Vec<Operation>,
    /// Streams whose session is alive.
    pub alive: Vec<StreamId>,
    /// The last line of every stream.
    pub heads: Vec<Head>,
}

/// What `--checkpoint` takes from an earlier [`Verified`].
#[derive(Clone, Debug, Deserialize)]
pub struct Checkpoint {
    pub heads: Vec<Head>,
}

#[derive(Clone, Debug, Serialize)]
pub struct Finding {
    /// `altered`, `shorter`, `torn`.
    pub damage: &'static str,
    pub stream: StreamId,
    pub file: String,
    /// From 1; null when it is about the whole file.
    pub line: Option<u64>,
    /// Where that line begins, bytes.
    pub offset: Option<u64>,
    pub what: String,
}

/// One operation.
#[derive(Clone, Debug, Serialize)]
pub struct Operation {
    pub action: String,
    /// Wall time of its first record.
    pub at: String,
    pub who: String,
    pub identity: String,
    pub environment: String,
    pub target: String,
    pub operation: String,
    pub reason: String,
    /// `planned`, `denied`, `in flight`, `IN DOUBT`, `unverified`, or an outcome.
    pub state: &'static str,
    pub break_glass: bool,
    pub in_doubt: Vec<Doubt>,
}

/// An intent without an outcome.
#[derive(Clone, Debug, Serialize)]
pub struct Doubt {
    pub stream: StreamId,
    pub seq: u64,
    pub step: u32,
}

impl From<&Summary> for Operation {
    fn from(summary: &Summary) -> Self {
        let doubt = |doubt: &crate::audit::record::summary::Doubt| Doubt {
            stream: doubt.stream.clone(),
            seq: doubt.seq,
            step: doubt.step,
        };
        Self {
            action: summary.action.as_str().to_owned(),
            at: summary.at.rfc3339(),
            who: words(&summary.who.shown()),
            identity: words(&summary.identity.shown()),
            environment: words(&summary.environment.shown()),
            target: words(&summary.target.shown()),
            operation: words(&summary.operation.shown()),
            reason: words(&summary.reason.shown()),
            state: summary.state.word(),
            break_glass: summary.break_glass,
            in_doubt: summary.doubts.iter().map(doubt).collect(),
        }
    }
}
