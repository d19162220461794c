//! What a rule found: the stuff reasons and roll-ups are made of.

use std::collections::BTreeSet;

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
    /// What is missing could have told of a warning at most.
    pub minor: bool,
    /// Another finding of the same component says the same and more: it counts, and is not told.
    pub restated: bool,
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
        Self { health, rule, text, since, felt: None, of_revision: false, minor: false, restated: false }
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

/// The worst health of the findings, and `rest` when there is none that is worse. Where what users feel is `judged`, a
/// missing figure of a resource, which could have warned at most, is told and decides nothing.
#[must_use]
pub fn roll_up(findings: &[Finding], rest: Health, judged: bool) -> Health {
    let counts = |finding: &&Finding| !(judged && finding.minor);
    findings.iter().filter(counts).fold(rest, |worst, finding| worst.worst(finding.health))
}

/// Worst first, what users feel before what serves them, the revision before its workload; of equals the earlier one.
pub fn sort(findings: &mut [Finding]) {
    let rank = |f: &Finding| std::cmp::Reverse(f.health.rank());
    findings.sort_by_key(|f| (rank(f), f.felt.is_none(), !f.of_revision, f.since.is_none(), f.since));
}

/// What alerts are called by what they watch, and the rule that measures it here.
const ALERT_TOPICS: [(&str, &[&str]); 4] = [
    ("error-ratio", &["error", "5xx", "fail"]),
    ("latency", &["latency", "slow", "duration", "response"]),
    ("lag", &["lag"]),
    ("saturation", &["cpu", "memory", "disk", "connection"]),
];

/// Marks, in the sorted findings of one component, those that a stronger one says as well: the workload's after its
/// revision's, an alert after the measurement it watches.
pub fn mark_restated(findings: &mut [Finding]) {
    let mut topics: BTreeSet<&'static str> = BTreeSet::new();
    let mut of_revision: Vec<(&'static str, Option<Felt>)> = Vec::new();
    for finding in findings {
        finding.restated = if finding.rule == "alert" {
            let name = finding.text.as_str().to_lowercase();
            let watches = |words: &[&str]| words.iter().any(|word| name.contains(word));
            ALERT_TOPICS.iter().any(|(rule, words)| topics.contains(rule) && watches(words))
        } else {
            !finding.of_revision && of_revision.contains(&(finding.rule, finding.felt))
        };
        topics.insert(finding.topic());
        if finding.of_revision && !of_revision.contains(&(finding.rule, finding.felt)) {
            of_revision.push((finding.rule, finding.felt));
        }
    }
}

impl Finding {
    /// The rule, or the one by which what is passed on was found.
    const fn topic(&self) -> &'static str {
        match self.felt {
            Some(Felt::Errors) => "error-ratio",
            Some(Felt::Time) => "latency",
            _ => self.rule,
        }
    }
}

/// The reasons of a row, strongest first, without repetition; at most `cap`.
#[must_use]
pub fn reasons(findings: &[Finding], cap: usize) -> Vec<Reason> {
    let mut reasons: Vec<Reason> = Vec::new();
    for finding in findings.iter().filter(|f| f.health != Health::Ok && !f.restated) {
        if reasons.len() < cap && !reasons.iter().any(|r| r.rule == finding.rule && r.text == finding.text) {
            reasons.push(finding.reason());
        }
    }
    reasons
}

#[cfg(test)]
mod tests {
    use super::*;

    fn finding(rule: &'static str, text: &'static str, felt: Option<Felt>) -> Finding {
        Finding { felt, ..Finding::new(Health::Warn, rule, Shown::fixed(text), None) }
    }

    #[test]
    fn what_a_stronger_finding_says_is_not_told_again() {
        let errors = Some(Felt::Errors);
        let revision = Finding { of_revision: true, ..finding("error-ratio", "canary rev 7 errors 16 %", errors) };
        let whole = finding("error-ratio", "errors 3 %", errors);
        let passed = finding("passed-on", "passes on errors of orders", errors);
        let alert = |text| finding("alert", text, None);
        for (first, second, restated) in [
            (&revision, whole.clone(), true),
            (&whole, revision.clone(), false),
            (&whole, whole.clone(), false),
            (&revision, finding("latency", "p95 631 ms", Some(Felt::Time)), false),
            (&whole, alert("alert HighErrorRate"), true),
            (&passed, alert("alert shop-alb-target-5xx"), true),
            (&whole, alert("alert HighLatency"), false),
            (&whole, alert("alert KubePodCrashLooping"), false),
            (&finding("lag", "lag 41 s", None), alert("alert ReplicaLag"), true),
        ] {
            let mut both = [first.clone(), second];
            mark_restated(&mut both);
            let [_, second] = &both;
            assert_eq!(second.restated, restated, "{} after {}", second.text, first.text);
            assert_eq!(
                reasons(&both, 9).len(),
                if restated { 1 } else { 2 - usize::from(both[0].text == both[1].text) }
            );
        }
    }
}
