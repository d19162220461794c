//! A plan: what will be sent, what follows from it, and how it is told that it worked. Data only; the files in
//! [`super::ops`] make it, pure over evidence.

use std::time::Duration;

use sha2::{Digest, Sha256};

use super::evidence::owner::OwnerRef;
use super::guard::Finding;
use super::mutation::{Mutation, hex, shell};
use super::target::{Params, Request};
use super::verb::{Risk, Verb};
use super::verify::Goal;
use crate::domain::id::ComponentId;
use crate::domain::text::{Raw, Shown};

#[derive(Clone, Debug, PartialEq)]
pub struct Plan {
    pub risk: Risk,
    pub steps: Vec<Step>,
    pub diff: Vec<Change>,
    pub story: Story,
    pub goal: Goal,
    pub timing: Timing,
    pub backout: Option<Backout>,
    /// What is put aside by it and must be put back.
    pub debts: Vec<Debt>,
    /// What matters: another value of any of these is another plan.
    pub fingerprint: Vec<Fact>,
    /// What only this kind of operation can judge: state, candidate, lag, budgets.
    pub findings: Vec<Finding>,
    /// Components that will be red because of it while it runs.
    pub expected_red: Vec<ComponentId>,
}

/// One request, and what must be seen before the next one.
#[derive(Clone, Debug, PartialEq)]
pub struct Step {
    pub title: Shown,
    pub mutation: Mutation,
    /// The same as one would type it.
    pub command: Raw,
    /// Seen before the next step goes, within the time.
    pub settle: Option<(Goal, Duration)>,
    /// A refusal that means *not yet* (an eviction against a spent budget) is asked again this often, this long.
    pub again: Option<(Duration, Duration)>,
    /// Sent even when an earlier step failed: it puts back what the first steps put aside.
    pub finally: bool,
}

impl Step {
    #[must_use]
    pub fn new(title: Shown, mutation: Mutation) -> Self {
        let command = Raw::from(shell::command(&mutation));
        Self { title, mutation, command, settle: None, again: None, finally: false }
    }

    /// With the command that people know for it.
    #[must_use]
    pub fn typed<'a>(mut self, words: impl IntoIterator<Item = &'a str>) -> Self {
        self.command = Raw::from(shell::line(words));
        self
    }
}

/// A value before and after.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Change {
    pub what: Shown,
    pub before: Shown,
    pub after: Shown,
}

impl Change {
    #[must_use]
    pub fn new(what: impl Into<Shown>, before: impl Into<Shown>, after: impl Into<Shown>) -> Self {
        Self { what: what.into(), before: before.into(), after: after.into() }
    }
}

/// What a person needs to know beyond the numbers.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Story {
    /// How much of production it touches.
    pub blast: Shown,
    /// Who is hurt while it runs; empty when nobody is.
    pub meanwhile: Shown,
    /// The state in which it ends, where that looks wrong but is right.
    pub after: Shown,
    pub if_wrong: Shown,
    /// What verification waits for.
    pub verify: Shown,
    /// What the plan rests on that may surprise.
    pub notes: Vec<Shown>,
}

/// World time.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Timing {
    pub expected: Duration,
    /// The end state must stand this long.
    pub hold: Duration,
    /// Error ratio that must be undercut in the end, where errors are measured at the target.
    pub errors_below: Option<f64>,
}

/// Window over which rates are computed, and the delay of samples: a verification that looks at rates waits for both.
const RATE_WINDOW: Duration = Duration::from_secs(60);
const SAMPLING: Duration = Duration::from_secs(30);

impl Timing {
    #[must_use]
    pub const fn new(expected: u64, hold: u64) -> Self {
        Self { expected: Duration::from_secs(expected), hold: Duration::from_secs(hold), errors_below: None }
    }

    #[must_use]
    pub const fn with_errors_below(self, ratio: f64) -> Self {
        Self { errors_below: Some(ratio), ..self }
    }

    /// When verification gives up: twice the expected time, the hold, and what sampling needs.
    #[must_use]
    pub fn deadline(&self) -> Duration {
        let rates = if self.errors_below.is_some() { RATE_WINDOW + SAMPLING } else { Duration::from_secs(10) };
        self.expected * 2 + self.hold + rates
    }
}

/// The way back.
#[derive(Clone, Debug, PartialEq)]
pub struct Backout {
    pub verb: Verb,
    pub params: Params,
    pub words: Shown,
}

/// Something put aside that somebody must put back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Debt {
    pub what: Shown,
    pub kind: DebtKind,
    /// The step (0-based) whose success books it, and the one that puts it back.
    pub booked_by: usize,
    pub cleared_by: Option<usize>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum DebtKind {
    /// The owner's sync is suspended; what stood there, as JSON (Argo CD).
    Sync { owner: OwnerRef, parked: Option<Raw> },
    /// The autoscaler's bounds were changed from these.
    Bounds { autoscaler: Raw, min: u32, max: u32 },
    /// A node is cordoned.
    Cordon { node: Raw },
    /// A rollout is held by hand.
    Hold { rollout: Raw },
    /// ElastiCache's automatic failover is off.
    AutomaticFailover { group: Raw },
}

/// A named value that a plan rests on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fact {
    pub name: &'static str,
    pub value: Raw,
}

impl Fact {
    #[must_use]
    pub fn new(name: &'static str, value: impl Into<Raw>) -> Self {
        Self { name, value: value.into() }
    }
}

/// How a new plan differs from the one on the card.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Drift {
    /// Nothing that is shown has changed.
    None,
    /// Only what does not matter: the card is refreshed in place and keeps what was typed.
    Refresh,
    /// What the plan rests on: each value before and now. Nothing typed for the old plan counts for the new one.
    Matters(Vec<Change>),
}

impl Plan {
    /// Compares by what matters.
    #[must_use]
    pub fn drift(&self, newer: &Self) -> Drift {
        let value =
            |facts: &[Fact], name: &str| facts.iter().find(|fact| fact.name == name).map(|fact| fact.value.clone());
        let mut names: Vec<&'static str> = self.fingerprint.iter().chain(&newer.fingerprint).map(|f| f.name).collect();
        names.sort_unstable();
        names.dedup();
        let changed: Vec<Change> = names
            .into_iter()
            .map(|name| (name, value(&self.fingerprint, name), value(&newer.fingerprint, name)))
            .filter(|(_, before, now)| before != now)
            .map(|(name, before, now)| Change::new(name, shown_or_none(before.as_ref()), shown_or_none(now.as_ref())))
            .collect();
        if !changed.is_empty() {
            return Drift::Matters(changed);
        }
        if self == newer { Drift::None } else { Drift::Refresh }
    }

    /// SHA-256 over what is asked, what matters and what will be sent, hexadecimal. Approvals and the journal bind to it.
    /// Canonical: one line a value, lengths before values, so that no two plans read alike.
    #[must_use]
    pub fn hash(&self, request: &Request, environment: &Shown) -> String {
        let mut hasher = Sha256::new();
        let mut put = |name: &str, value: &str| {
            hasher.update(format!("{name} {}\n{value}\n", value.len()));
        };
        put("environment", environment.as_str());
        put("verb", request.verb.name());
        put("target", request.target.component.shown().as_str());
        for fact in &self.fingerprint {
            put(fact.name, fact.value.as_str());
        }
        for step in &self.steps {
            put("request", &step.mutation.canonical());
        }
        hex(&hasher.finalize())
    }
}

fn shown_or_none(value: Option<&Raw>) -> Shown {
    value.map_or(Shown::fixed("-"), Raw::shown)
}
