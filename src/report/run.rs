//! `run --json` (schema 1).

use serde::{Serialize, Serializer};

use super::figure::{rfc3339, words};
use crate::audit::record::StreamId;
use crate::domain::text::Shown;
use crate::domain::time::Stamp;
use crate::operation::guard::{Finding, GuardId, Verdict};
use crate::operation::machine::{Card, Machine};
use crate::operation::plan::{Backout, Change, Plan, Step};
use crate::operation::policy::Place;
use crate::operation::verify::{self, End, NotRun};
use crate::shown;

/// How a run ended.
#[derive(Clone, Debug, PartialEq)]
pub enum Ending {
    /// By what was observed, or before anything was sent.
    Over(End),
    /// It was only to be planned and judged.
    Rehearsed,
    /// What it rested on changed before the first byte, or somebody else holds the lock.
    Refused(Vec<Shown>),
    /// The program ended before its end was seen.
    Left(Shown),
}

/// One operation, from what was asked to what was observed.
#[derive(Clone, Debug, Serialize)]
pub struct Run {
    pub schema: u32,
    pub environment: String,
    pub operation: OperationReport,
    /// As `status` names it.
    pub target: String,
    /// How careful one has to be in the environment: `production`, `staging`, `development`.
    pub class: &'static str,
    /// Null where it could not be planned.
    pub plan: Option<PlanReport>,
    /// The most important first.
    pub guards: Vec<GuardReport>,
    pub outcome: Outcome,
    /// What the outcome rests on.
    pub reasons: Vec<String>,
    /// RFC 3339, world time.
    pub started_at: String,
    pub ended_at: String,
    pub audit: AuditReport,
}

#[derive(Clone, Debug, Serialize)]
pub struct OperationReport {
    pub id: String,
    pub name: &'static str,
}

#[derive(Clone, Debug, Serialize)]
pub struct PlanReport {
    /// SHA-256 of what is asked, what it rests on and what is sent.
    pub hash: String,
    /// `safer`, `careful`, `risky`, `irreversible`: decides what confirms it.
    pub risk: &'static str,
    pub steps: Vec<StepReport>,
    /// By what they are values of.
    pub before: Values,
    pub after: Values,
    pub expected_seconds: u64,
    /// After this many seconds verification gives up.
    pub deadline_seconds: u64,
    /// What verification waits for.
    pub verify: String,
    pub if_wrong: String,
    /// Null where there is no way back by an operation.
    pub backout: Option<BackoutReport>,
    /// What it leaves to be put back.
    pub debts: Vec<String>,
}

#[derive(Clone, Debug, Serialize)]
pub struct StepReport {
    pub text: String,
    /// Method and path, or service and action.
    pub request: String,
    /// The same as a command.
    pub same_as: String,
}

#[derive(Clone, Debug, Serialize)]
pub struct BackoutReport {
    pub operation: &'static str,
    pub text: String,
}

#[derive(Clone, Debug, Serialize)]
pub struct GuardReport {
    pub id: &'static str,
    /// `block`, `unknown`, `warn`, `pass`.
    pub verdict: &'static str,
    pub text: String,
    /// What would unblock it.
    pub hint: Option<String>,
}

/// Where its records are.
#[derive(Clone, Debug, Serialize)]
pub struct AuditReport {
    /// Null where the trail takes no records.
    pub stream: Option<StreamId>,
    pub action: String,
}

/// Names and values in their order, as one object.
#[derive(Clone, Debug)]
pub struct Values(pub Vec<(String, String)>);

impl Serialize for Values {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.0.iter().map(|(name, value)| (name, value)))
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Outcome {
    Verified,
    Failed,
    NoEffect,
    Overridden,
    PartlyDone,
    Unknown,
    /// It cannot be planned, or a guard blocks it.
    Refused,
    /// What confirms it is missing or wrong, or it was cancelled before the first byte.
    NotConfirmed,
    DryRun,
}

impl Outcome {
    const fn of(outcome: verify::Outcome) -> Self {
        match outcome {
            verify::Outcome::Verified => Self::Verified,
            verify::Outcome::Failed => Self::Failed,
            verify::Outcome::NoEffect => Self::NoEffect,
            verify::Outcome::Overridden => Self::Overridden,
            verify::Outcome::PartlyDone => Self::PartlyDone,
            verify::Outcome::Unknown => Self::Unknown,
            verify::Outcome::NotRun(NotRun::Refused) => Self::Refused,
            verify::Outcome::NotRun(NotRun::NotConfirmed | NotRun::Cancelled) => Self::NotConfirmed,
        }
    }

    /// As people read it.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Verified => "VERIFIED",
            Self::Failed => "FAILED",
            Self::NoEffect => "NO EFFECT",
            Self::Overridden => "OVERRIDDEN",
            Self::PartlyDone => "PARTLY DONE",
            Self::Unknown => "UNKNOWN",
            Self::Refused => "REFUSED",
            Self::NotConfirmed => "NOT CONFIRMED",
            Self::DryRun => "DRY RUN",
        }
    }
}

impl Run {
    /// The report of an operation that has ended.
    #[must_use]
    pub fn new(place: &Place, machine: &Machine, ending: &Ending, now: Stamp, stream: Option<StreamId>) -> Self {
        let (outcome, reasons) = told(machine, ending);
        let card = machine.card.as_ref();
        Self {
            schema: super::SCHEMA,
            environment: words(&place.environment),
            operation: OperationReport { id: machine.id.0.as_str().to_owned(), name: machine.request.verb.name() },
            target: words(&machine.request.target.component.shown()),
            class: place.class.name(),
            plan: card.map(plan),
            guards: card.map(|card| card.report.findings.iter().map(guard).collect()).unwrap_or_default(),
            outcome,
            reasons: reasons.iter().filter(|reason| !reason.is_empty()).map(words).collect(),
            started_at: rfc3339(machine.opened.world),
            ended_at: rfc3339(now),
            audit: AuditReport { stream, action: machine.id.0.as_str().to_owned() },
        }
    }

    /// Whether a guard blocks it.
    #[must_use]
    pub fn is_blocked(&self) -> bool {
        self.guards.iter().any(|guard| guard.verdict == Verdict::Block.word())
    }

    /// 0 verified, or a dry run that nothing blocks; 3 refused; 4 not confirmed; 5 not verified (PRODUCT section 10).
    #[must_use]
    pub fn exit_code(&self) -> u8 {
        match self.outcome {
            Outcome::DryRun if self.is_blocked() => 3,
            Outcome::Verified | Outcome::DryRun => 0,
            Outcome::Refused => 3,
            Outcome::NotConfirmed => 4,
            Outcome::Failed | Outcome::NoEffect | Outcome::Overridden | Outcome::PartlyDone | Outcome::Unknown => 5,
        }
    }
}

fn told(machine: &Machine, ending: &Ending) -> (Outcome, Vec<Shown>) {
    match ending {
        Ending::Over(end) => {
            let hint =
                machine.notice.clone().filter(|_| matches!(end.outcome, verify::Outcome::NotRun(NotRun::Refused)));
            let outage =
                end.outage.map(|outage| shown!("writes were refused for {} s, measured", outage.as_secs_f64().ceil()));
            let reasons = std::iter::once(end.words.clone()).chain(hint).chain(outage);
            (Outcome::of(end.outcome), reasons.collect())
        }
        Ending::Rehearsed => {
            let blocks = machine.card.iter().flat_map(|card| card.report.blocks());
            (Outcome::DryRun, blocks.map(|finding| finding.text.clone()).collect())
        }
        Ending::Refused(why) => (Outcome::Refused, why.clone()),
        Ending::Left(why) => (Outcome::Unknown, vec![why.clone()]),
    }
}

fn plan(card: &Card) -> PlanReport {
    let Plan { risk, steps, diff, story, timing, backout, debts, .. } = &card.plan;
    let values = |of: fn(&Change) -> &Shown| {
        Values(diff.iter().map(|change| (words(&change.what), words(of(change)))).collect())
    };
    PlanReport {
        hash: card.hash.clone(),
        risk: match risk {
            crate::operation::verb::Risk::Safer => "safer",
            other => other.word(),
        },
        steps: steps.iter().map(step).collect(),
        before: values(|change| &change.before),
        after: values(|change| &change.after),
        expected_seconds: timing.expected.as_secs(),
        deadline_seconds: timing.deadline().as_secs(),
        verify: words(&story.verify),
        if_wrong: words(&story.if_wrong),
        backout: backout.as_ref().map(self::backout),
        debts: debts.iter().filter(|debt| debt.cleared_by.is_none()).map(|debt| words(&debt.what)).collect(),
    }
}

fn step(step: &Step) -> StepReport {
    StepReport {
        text: words(&step.title),
        request: words(&step.mutation.summary()),
        same_as: words(&step.command.shown()),
    }
}

fn backout(backout: &Backout) -> BackoutReport {
    BackoutReport { operation: backout.verb.name(), text: words(&backout.words) }
}

fn guard(finding: &Finding) -> GuardReport {
    GuardReport {
        id: guard_id(finding.guard),
        verdict: finding.verdict.word(),
        text: words(&finding.text),
        hint: finding.hint.as_ref().map(words),
    }
}

/// The contract's name of a guard, apart from the word on the card.
#[must_use]
pub const fn guard_id(guard: GuardId) -> &'static str {
    match guard {
        GuardId::Identity => "identity",
        GuardId::Selection => "selection",
        GuardId::State => "state",
        GuardId::Permission => "permission",
        GuardId::DryRun => "dry-run",
        GuardId::Bounds => "bounds",
        GuardId::Capacity => "capacity",
        GuardId::Disruption => "disruption",
        GuardId::Loss => "loss",
        GuardId::Candidate => "candidate",
        GuardId::Backup => "backup",
        GuardId::Pending => "pending",
        GuardId::Owner => "owner",
        GuardId::Freeze => "freeze",
        GuardId::Busy => "busy",
        GuardId::Rate => "rate",
        GuardId::Lock => "lock",
        GuardId::Credentials => "credentials",
        GuardId::SharedIdentity => "shared-identity",
        GuardId::Monitoring => "monitoring",
        GuardId::Freshness => "freshness",
        GuardId::InDoubt => "in-doubt",
        GuardId::Journal => "journal",
        GuardId::Approval => "approval",
    }
}
