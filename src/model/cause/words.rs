//! What is said of a suspect, of what was ruled out, and of what could not be seen.

use super::weights::Weights;
use super::{Lead, Question, Why, candidates, last_own_change, one_each};
use crate::domain::id::ComponentId;
use crate::domain::text::Shown;
use crate::domain::time::Stamp;
use crate::domain::unit::Unit;
use crate::model::assess::component::revision_name;
use crate::model::assess::finding::Felt;
use crate::model::assess::tier::display_name;
use crate::model::assess::words::amount;
use crate::model::board::Suspect;
use crate::model::canary::{Comparison, Counts, Verdict};
use crate::model::changes::BEFORE;
use crate::shown;

/// How many things that were ruled out are told.
const REJECTED: usize = 6;
/// The error ratio at which a canary is too bad whatever stable does.
const CRITICAL: f64 = crate::model::assess::thresholds::ERROR_RATIO.1;

#[must_use]
pub fn suspect(question: &Question, lead: &Lead, breach: Stamp) -> Suspect {
    let id = &lead.node.id;
    let since = Some(lead.since.unwrap_or(breach));
    let own = candidates(question, Some(id), breach).into_iter().find(|c| c.distance == Some(0) && c.before <= BEFORE);
    let change = own.map(|c| (described(&c.change), c.before));
    let revision = match &lead.why {
        Why::Revision { hash, .. } | Why::SlowRevision { hash, .. } => Some(hash.shown()),
        _ => None,
    };
    Suspect {
        component: id.clone(),
        revision,
        rule: rule(lead),
        text: text(lead),
        since,
        explains: lead.explains,
        change,
        rejected: rejected(question, Some(lead), breach),
    }
}

const fn rule(lead: &Lead) -> &'static str {
    match &lead.why {
        Why::Revision { .. } | Why::Errors { .. } => "error-ratio",
        Why::SlowRevision { .. } | Why::Slow { .. } | Why::Time => "latency",
        Why::Sick(finding) => finding.rule,
    }
}

fn text(lead: &Lead) -> Shown {
    let name = display_name(&lead.node.id);
    let share = |counts: &Counts| amount(counts.failed / counts.total.max(1.0), Unit::Ratio);
    match &lead.why {
        Why::Revision { hash, bad, good } => shown!(
            "{} {}: errors {} against {} elsewhere",
            name,
            revision_name(lead.node, hash),
            share(bad),
            share(good)
        ),
        Why::SlowRevision { hash, bad, good } => shown!(
            "{} {}: takes {} against {} elsewhere",
            name,
            revision_name(lead.node, hash),
            amount(*bad, Unit::Seconds),
            amount(*good, Unit::Seconds)
        ),
        Why::Errors { added, total } => {
            shown!("{} adds {} of {} failing", name, amount(*added, Unit::PerSecond), amount(*total, Unit::PerSecond))
        }
        Why::Slow { now, usual } => {
            shown!("{} takes {}, usually {}", name, amount(*now, Unit::Seconds), amount(*usual, Unit::Seconds))
        }
        Why::Sick(finding) => shown!("{}: {}", name, finding.text),
        Why::Time => {
            let finding = "adds most of the time that requests take longer";
            shown!("{} {}", name, finding)
        }
    }
}

fn described(change: &crate::model::facts::ChangeFact) -> Shown {
    match &change.who {
        Some(who) if !who.is_empty() => shown!("{} by {}", change.what, who),
        _ => change.what.clone(),
    }
}

/// Changes, canaries and components that were looked at and are not the cause, with the reason.
#[must_use]
pub fn rejected(question: &Question, lead: Option<&Lead>, breach: Stamp) -> Vec<Shown> {
    let suspect = lead.map(|l| &l.node.id);
    let mut told: Vec<Shown> = Vec::new();
    let mut seen: Vec<&ComponentId> = suspect.into_iter().collect();
    for node in question.nodes.values().filter(|n| Some(&n.id) != suspect) {
        let comparison = Comparison::of(node, last_own_change(question, &node.id));
        let verdict = comparison.and_then(|c| c.verdict(question.context.live.sliding(), CRITICAL));
        let why = match verdict {
            Some(Verdict::Pass) => "is no worse than stable",
            Some(Verdict::Inconclusive { .. }) => "has too few requests to differ from stable",
            Some(Verdict::Fail) | None => continue,
        };
        if let Some(canary) = node.rollout().and_then(|r| r.canary.as_ref()) {
            told.push(shown!("{} {} {}", display_name(&node.id), revision_name(node, &canary.hash), why));
            seen.push(&node.id);
        }
    }
    for candidate in one_each(candidates(question, suspect, breach)) {
        if candidate.component.as_ref().is_some_and(|id| seen.contains(&id)) {
            continue;
        }
        let why = match &candidate.component {
            None => "nothing on the users' path",
            Some(id) if !question.path.contains(id) => "not on the users' path",
            Some(id) if adds_nothing(question, id) => "adds no failures and no time",
            Some(_) => "adds less than half of the trouble",
        };
        told.push(shown!("{}: {}", described(&candidate.change), why));
    }
    let passing = question.assessed.iter().filter(|(id, a)| a.passes_on && Some(*id) != suspect);
    told.extend(passing.map(|(id, _)| shown!("{} only passes on", display_name(id))));
    told.truncate(REJECTED);
    told
}

fn adds_nothing(question: &Question, id: &ComponentId) -> bool {
    let Some(assessed) = question.assessed.get(id) else { return true };
    let felt = |f: &crate::model::assess::finding::Finding| matches!(f.felt, Some(Felt::Errors | Felt::Time));
    assessed.passes_on || !assessed.findings.iter().any(|f| felt(f) && f.is_trouble())
}

/// The component that adds most, which is too little.
#[must_use]
pub fn largest(weights: &Weights, what: &'static str) -> Option<Shown> {
    let largest = weights.largest();
    let (id, weight) = largest.first()?;
    Some(shown!("{} {}: {}", display_name(id), what, amount(weights.share(*weight), Unit::Ratio)))
}

/// Sources that could not be asked.
#[must_use]
pub fn unseen(question: &Question) -> Vec<Shown> {
    let live = question.context.live;
    let lost = live.statuses.iter().filter(|s| live.lost(&s.id).is_some());
    lost.map(|s| shown!("{} could not be asked", s.id.shown())).collect()
}
