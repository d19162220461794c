//! What goes into the machine and what comes out of it.

use std::time::Duration;

use crate::domain::error::Fault;
use crate::domain::id::ComponentId;
use crate::domain::text::{Raw, Shown};
use crate::domain::time::Stamp;
use crate::operation::confirm::Press;
use crate::operation::evidence::{Gather, Seen};
use crate::operation::guard::Finding;
use crate::operation::mutation::Mutation;
use crate::operation::plan::{Change, Debt, Plan};
use crate::operation::target::{OperationId, Request};
use crate::operation::verb::Verb;
use crate::operation::verify::End;

/// What happens to an operation.
#[derive(Clone, Debug, PartialEq)]
pub enum Event {
    /// The answer to a read of a round of evidence.
    Gathered {
        round: u32,
        ask: Gather,
        seen: Seen,
    },
    /// The answer to a read of a verification.
    Sighted {
        ask: Gather,
        seen: Seen,
    },
    Press(Press),
    /// `run` confirms by its flags.
    Confirm {
        reason: Option<String>,
        token: Option<String>,
    },
    /// A second person approved the plan with this hash.
    Approved {
        by: Shown,
        hash: String,
    },
    /// `!` on a blocked card.
    BreakGlass,
    /// Plan anew (an expired or blocked card).
    Replan,
    /// Plan anew with the owner's sync suspended first, or not; with the loss acknowledged, or not.
    Choose {
        suspend_owner: bool,
        accept_loss: bool,
    },
    Locked,
    LockRefused {
        holder: Shown,
    },
    /// It could not be asked for. Where we are `forbidden` to keep locks at all there is none, which is told; any other
    /// reason passes, and is waited for.
    LockFailed {
        why: Shown,
        forbidden: bool,
    },
    LockLost {
        why: Shown,
    },
    /// The door did not let it through: no byte was sent.
    NotSent {
        step: usize,
        attempt: u32,
        why: Shown,
    },
    Answered {
        step: usize,
        attempt: u32,
        answer: Answer,
    },
    /// Stop at the next safe point.
    Cancel,
    /// A mitigation of one's own goes ahead of it.
    Preempted {
        by: Verb,
    },
    /// The terminal is gone: what has begun goes on, what has not ends.
    Detached,
    Tick,
}

/// How a mutation was answered.
#[derive(Clone, Debug, PartialEq)]
pub enum Answer {
    Accepted {
        request_id: Option<Raw>,
        warnings: Vec<Shown>,
    },
    /// A precondition did not hold. Nothing was changed.
    Conflict {
        fault: Fault,
    },
    /// The object that it was about is not there any more. Nothing was changed.
    Gone {
        fault: Fault,
    },
    /// 429 of an eviction: not now.
    NotYet {
        fault: Fault,
    },
    /// Any other refusal. Nothing was changed.
    Refused {
        fault: Fault,
    },
    /// Sent, and no answer came: whether it had an effect is not known. Never sent again.
    Lost {
        why: Shown,
    },
}

/// What is to be done. Effects give no value back: what they bring comes as events.
#[derive(Clone, Debug, PartialEq)]
pub enum Effect {
    /// Run these reads; each is answered by [`Event::Gathered`] with this round.
    Gather {
        operation: OperationId,
        round: u32,
        asks: Vec<Gather>,
    },
    /// Take the lock of the target (Lease or file), 60 s, renewed every 20 s until [`Effect::Unlock`].
    Lock {
        operation: OperationId,
        target: ComponentId,
        what: Shown,
    },
    Unlock {
        operation: OperationId,
    },
    /// Through the door: durable intent, then the request once, then [`Event::Answered`].
    Commit {
        operation: OperationId,
        step: usize,
        attempt: u32,
        intent: Box<Intent>,
        mutation: Box<Mutation>,
    },
    /// Read these again and again (world time); each answer is an [`Event::Sighted`].
    Follow {
        operation: OperationId,
        reads: Vec<Follow>,
        until: Stamp,
    },
    Unfollow {
        operation: OperationId,
    },
    /// Production is armed by the card, for this long.
    Arm {
        operation: OperationId,
        period: Duration,
    },
    /// A record for the audit trail beside those that the door writes.
    Record {
        operation: OperationId,
        entry: Entry,
    },
    /// The board marks these as red because of the operation, until then.
    ExpectRed {
        operation: OperationId,
        components: Vec<ComponentId>,
        until: Stamp,
    },
    ExpectedRedOver {
        operation: OperationId,
    },
    DebtBooked {
        operation: OperationId,
        debt: Debt,
    },
    DebtCleared {
        operation: OperationId,
        debt: Debt,
    },
}

/// A read of a verification, and how often.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Follow {
    pub ask: Gather,
    /// World time.
    pub every: Duration,
}

/// What the journal keeps before the first byte.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Intent {
    pub environment: Shown,
    pub verb: Verb,
    pub target: ComponentId,
    /// uid, resource id or ARN, and whatever else the plan rests on.
    pub pre: Vec<crate::operation::plan::Fact>,
    pub plan_hash: String,
    /// Which of how many, in words.
    pub step: (usize, usize, Shown),
    /// Method and path, or service and action.
    pub request: Shown,
    /// SHA-256 of all that is sent.
    pub digest: String,
    pub confirmed: Confirmed,
}

/// How it was confirmed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Confirmed {
    /// `fire key`, `token`, `flags`, `break glass`.
    pub method: &'static str,
    /// How long the card was open.
    pub dwell: Duration,
    pub reason: Option<Shown>,
    pub approved_by: Option<Shown>,
    pub glass_broken: bool,
}

/// A record of the audit trail (kinds of facts/trust.md A2); the shell adds actor, time and chain.
#[derive(Clone, Debug, PartialEq)]
pub enum Entry {
    Plan(Box<Planned>),
    /// What every guard said of the plan, with the values it saw; again right before the first byte.
    Guards {
        recheck: bool,
        findings: Vec<Finding>,
    },
    /// Refused or blocked before anything was sent.
    Deny {
        why: Vec<Shown>,
    },
    Confirm(Confirmed),
    Approval {
        by: Shown,
        hash: String,
    },
    BreakGlass {
        reason: Shown,
        skipped: Vec<Shown>,
    },
    /// What the plan rested on had changed.
    Drift {
        changes: Vec<Change>,
    },
    Cancel {
        at: Shown,
    },
    /// An answer that nobody waited for any more.
    Late {
        step: usize,
        attempt: u32,
        answer: Answer,
    },
    Verify(End),
    /// Put aside, or put back, by this operation; `of` is the one that booked it.
    Debt {
        of: OperationId,
        debt: Debt,
        booked: bool,
    },
}

/// A plan as the trail keeps it.
#[derive(Clone, Debug, PartialEq)]
pub struct Planned {
    pub request: Request,
    pub hash: String,
    pub plan: Plan,
    /// The objects it was made from: what, name, version, world time of the read.
    pub seen: Vec<(&'static str, Raw, Raw, Stamp)>,
}
