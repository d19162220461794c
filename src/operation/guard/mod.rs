//! Guards: each says pass, warn, block or unknown, with the live value it judged.
//!
//! What every operation is asked stands in [`common`]; what only one kind of operation can judge is in its plan
//! (`Plan::findings`), made with the helpers of [`capacity`] and [`data`].

pub mod capacity;
pub mod common;
pub mod data;

use crate::domain::text::Shown;

/// Which rule speaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum GuardId {
    /// The object is the one that was chosen.
    Identity,
    /// Something is selected, and not everything.
    Selection,
    /// The operation applies in the target's present state.
    State,
    Permission,
    DryRun,
    /// Limits of an autoscaler.
    Bounds,
    /// Healthy instances that stay.
    Capacity,
    /// Disruption budgets.
    Disruption,
    /// What would be lost.
    Loss,
    /// Whether the chosen instance can take over.
    Candidate,
    Backup,
    /// Parameters and modifications that the operation would apply on the way.
    Pending,
    /// Who would revert it.
    Owner,
    Freeze,
    /// Another operation of ours on the target.
    Busy,
    Rate,
    Lock,
    Credentials,
    SharedIdentity,
    /// Whether what users feel can be seen.
    Monitoring,
    /// Age of what the board knows of the target.
    Freshness,
    InDoubt,
    Journal,
    Approval,
}

impl GuardId {
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Identity => "identity",
            Self::Selection => "selection",
            Self::State => "state",
            Self::Permission => "allowed",
            Self::DryRun => "dry run",
            Self::Bounds => "bounds",
            Self::Capacity => "capacity",
            Self::Disruption => "budget",
            Self::Loss => "loss",
            Self::Candidate => "candidate",
            Self::Backup => "backup",
            Self::Pending => "pending",
            Self::Owner => "owner",
            Self::Freeze => "window",
            Self::Busy => "one at a time",
            Self::Rate => "rate",
            Self::Lock => "lock",
            Self::Credentials => "credentials",
            Self::SharedIdentity => "who",
            Self::Monitoring => "sight",
            Self::Freshness => "fresh",
            Self::InDoubt => "in doubt",
            Self::Journal => "journal",
            Self::Approval => "approval",
        }
    }

    /// Whether break-glass goes past its block. Identity, selection and capacity never yield, nor does a guard that says
    /// that the request itself cannot work.
    #[must_use]
    pub const fn yields_to_break_glass(self) -> bool {
        matches!(self, Self::Freeze | Self::Monitoring | Self::Freshness | Self::Lock | Self::Approval | Self::Journal)
    }

    /// Whether a mitigation, or the way back from one's own operation, is only warned by its block.
    #[must_use]
    pub const fn yields_to_mitigation(self) -> bool {
        matches!(self, Self::Freeze | Self::Rate | Self::Busy | Self::Monitoring | Self::Freshness | Self::InDoubt)
    }
}

/// In the order in which a card lists them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Verdict {
    Block,
    /// It could not be told. Never drawn as pass.
    Unknown,
    Warn,
    Pass,
}

impl Verdict {
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Block => "block",
            Self::Unknown => "unknown",
            Self::Warn => "warn",
            Self::Pass => "pass",
        }
    }
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    pub guard: GuardId,
    pub verdict: Verdict,
    /// What was seen, with its value.
    pub text: Shown,
    /// What would unblock it.
    pub hint: Option<Shown>,
    /// A loss: who acknowledges it by typing goes past its block.
    pub acknowledgeable: bool,
}

impl Finding {
    #[must_use]
    pub fn pass(guard: GuardId, text: impl Into<Shown>) -> Self {
        Self { guard, verdict: Verdict::Pass, text: text.into(), hint: None, acknowledgeable: false }
    }

    #[must_use]
    pub fn warn(guard: GuardId, text: impl Into<Shown>) -> Self {
        Self { guard, verdict: Verdict::Warn, text: text.into(), hint: None, acknowledgeable: false }
    }

    #[must_use]
    pub fn unknown(guard: GuardId, text: impl Into<Shown>) -> Self {
        Self { guard, verdict: Verdict::Unknown, text: text.into(), hint: None, acknowledgeable: false }
    }

    #[must_use]
    pub fn block(guard: GuardId, text: impl Into<Shown>, hint: impl Into<Shown>) -> Self {
        Self { guard, verdict: Verdict::Block, text: text.into(), hint: Some(hint.into()), acknowledgeable: false }
    }
}

/// Every guard's answer, the most important first.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Report {
    pub findings: Vec<Finding>,
}

impl Report {
    /// Sorted block, unknown, warn, pass; a mitigation turns the blocks that yield to it into warnings, break-glass those
    /// that yield to that.
    #[must_use]
    pub fn new(mut findings: Vec<Finding>, mitigates: bool, glass_broken: bool) -> Self {
        for finding in findings.iter_mut().filter(|finding| finding.verdict == Verdict::Block) {
            let yields = (mitigates && finding.guard.yields_to_mitigation())
                || (glass_broken && finding.guard.yields_to_break_glass());
            if yields {
                finding.verdict = Verdict::Warn;
            }
        }
        findings.sort_by_key(|finding| finding.verdict);
        Self { findings }
    }

    #[must_use]
    pub fn blocks(&self) -> Vec<&Finding> {
        self.findings.iter().filter(|finding| finding.verdict == Verdict::Block).collect()
    }

    /// Whether a loss blocks that its acknowledgement would let through.
    #[must_use]
    pub fn loss_to_acknowledge(&self) -> bool {
        self.blocks().iter().any(|finding| finding.acknowledgeable)
    }

    /// How many passed: they are folded to a count.
    #[must_use]
    pub fn passed(&self) -> usize {
        self.findings.iter().filter(|finding| finding.verdict == Verdict::Pass).count()
    }

    /// Whether breaking the glass would let it through.
    #[must_use]
    pub fn glass_would_help(&self) -> bool {
        let blocks = self.blocks();
        !blocks.is_empty() && blocks.iter().all(|finding| finding.guard.yields_to_break_glass())
    }
}
