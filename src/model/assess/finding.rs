//! What a rule found: the stuff reasons and roll-ups are made of.

use crate::domain::health::{Health, Reason};
use crate::domain::text::Shown;
use crate::domain::time::Stamp;
use crate::shown;

/// What one rule says of a component or tier.
#[derive(Clone, Debug, PartialEq)]
pub struct Finding {
    pub health: Health,
    pub rule: &'static str,
    pub text: Shown,
    pub since: Option<Stamp>,
    /// What users feel of it; `None` when it is about what serves them.
    pub felt: Option<Felt>,
    /// It names the revision that has the trouble, which says more than that its workload has.
    pub of_revision: bool,
}

/// How trouble is felt by whoever sends requests.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Felt {
    /// Requests fail.
    Errors,
    /// Requests take long.
    Time,
    /// Far fewer requests come than should.
    Traffic,
    /// A probe from this host gets no answer.
    Reach,
}

impl Finding {
    #[must_use]
    pub const fn new(health: Health, rule: &'static str, text: Shown, since: Option<Stamp>) -> Self {
        Self { health, rule, text, since, felt: None, of_revision: false }
    }

    #[must_use]
    pub fn felt(self, felt: Felt) -> Self {
        Self { felt: Some(felt), ..self }
    }

    /// Trouble for certain: warn or critical.
    #[must_use]
    pub const fn is_trouble(&self) -> bool {
        matches!(self.health, Health::Warn | Health::Critical)
    }

    /// The same, told of the component `name` in a list of several.
    #[must_use]
    pub fn named(&self, name: &Shown) -> Self {
        Self { text: shown!("{}: {}", name, self.text), ..self.clone() }
    }

    #[must_use]
    pub fn reason(&self) -> Reason {
        Reason { rule: self.rule, text: self.text.clone(), since: self.since, health: self.health }
    }
}

/// The worst health of the findings, and `rest` when there is none that is worse.
#[must_use]
pub fn roll_up(findings: &[Finding], rest: Health) -> Health {
    findings.iter().fold(rest, |worst, finding| worst.worst(finding.health))
}

/// Worst first, what users feel before what serves them, the revision before its workload; of equals the earlier one.
pub fn sort(findings: &mut [Finding]) {
    let rank = |f: &Finding| std::cmp::Reverse(f.health.rank());
    findings.sort_by_key(|f| (rank(f), f.felt.is_none(), !f.of_revision, f.since.is_none(), f.since));
}

/// The reasons of a row, strongest first, without repetition; at most `cap`.
#[must_use]
pub fn reasons(findings: &[Finding], cap: usize) -> Vec<Reason> {
    let mut reasons: Vec<Reason> = Vec::new();
    for finding in findings.iter().filter(|f| f.health != Health::Ok) {
        if reasons.len() < cap && !reasons.iter().any(|r| r.rule == finding.rule && r.text == finding.text) {
            reasons.push(finding.reason());
        }
    }
    reasons
}
