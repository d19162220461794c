//! Where the trouble begins (PRODUCT 5; facts/signals.md part 5, sharpened by conservation).
//!
//! The suspect adds trouble itself, began no later than its callers' trouble, lies on the users' path and explains at
//! least half of what is added anywhere. Of a caller and a callee that both could be, the callee is. Within a workload
//! the revision is named whose failures differ significantly. A change raises a suspect only when it is the suspect's
//! own; every other change is a decoy and is told as such.

mod weights;
mod words;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use weights::Weights;

use super::assess::AllAssessed;
use super::assess::component::Context;
use super::assess::finding::{Felt, Finding};
use super::assess::live::Live;
use super::assess::node::{Node, Nodes};
use super::board::{Cause, TierRow};
use super::canary::{Comparison, Counts};
use super::changes::{self, Candidate};
use super::facts::{ChangeFact, ChangeKind};
use super::resolve::Resolver;
use crate::domain::health::Health;
use crate::domain::id::ComponentId;
use crate::domain::text::Raw;
use crate::domain::tier::Tier;
use crate::domain::time::Stamp;

/// The least share of the trouble that a cause explains.
const EXPLAINS: f64 = 0.5;
/// Onsets are told by samples: a cause may seem to begin this much later than its effect.
const TOLERANCE: Duration = Duration::from_secs(120);
/// What is usual is taken from before the breach, less the window over which rates are smoothed.
const SMOOTHING: Duration = Duration::from_secs(120);

/// Everything the search looks at.
pub struct Question<'q, 'a> {
    pub nodes: &'q Nodes<'a>,
    pub assessed: &'q AllAssessed,
    pub context: &'q Context<'q, 'a>,
    pub tiers: &'q [TierRow],
    pub changes: &'q [Arc<ChangeFact>],
    pub resolver: &'q Resolver<'a>,
    /// See [`changed`].
    pub changed: BTreeMap<ComponentId, Stamp>,
    /// What users' requests reach.
    pub path: BTreeSet<&'q ComponentId>,
}

/// What users suffer.
#[derive(Clone, Debug, Default)]
struct Breach {
    since: Option<Stamp>,
    errors: bool,
    time: bool,
    traffic: bool,
    /// A user-facing tier is critical for want of instances or answers.
    down: bool,
}

/// A component that may be the cause.
struct Lead<'q, 'a> {
    node: &'q Node<'a>,
    explains: f64,
    since: Option<Stamp>,
    why: Why<'q>,
}

enum Why<'q> {
    Revision {
        hash: &'q Raw,
        bad: Counts,
        good: Counts,
    },
    /// A revision that is slow: seconds of it and of the other.
    SlowRevision {
        hash: &'q Raw,
        bad: f64,
        good: f64,
    },
    Errors {
        added: f64,
        total: f64,
    },
    Slow {
        now: f64,
        usual: f64,
    },
    Sick(Finding),
    Time,
}

/// What users' requests reach: everything behind the outermost tiers, and the application where nothing leads to it.
#[must_use]
pub fn path<'q>(nodes: &'q Nodes, context: &'q Context) -> BTreeSet<&'q ComponentId> {
    let outer = |n: &&Node| matches!(n.tier, Tier::Edge | Tier::Security | Tier::LoadBalancer);
    let reached = context.graph.downstream(nodes.values().filter(outer).map(|n| &n.id));
    let application = || nodes.values().filter(|n| n.tier == Tier::Application);
    if application().any(|n| reached.contains(&n.id)) {
        return reached;
    }
    let first = application().filter(|n| context.graph.callers(&n.id).next().is_none()).map(|n| &n.id);
    context.graph.downstream(first.chain(reached))
}

/// The probable cause of what users suffer.
#[must_use]
pub fn find(question: &Question) -> Cause {
    let Some(breach) = breach(question) else { return Cause::None };
    let since = breach.since.unwrap_or(question.context.live.now);
    let usual = since - SMOOTHING;
    let mut looked_at = Vec::new();
    if breach.errors {
        let weights = weights::failures(question, usual);
        if let Some(lead) = by_errors(question, &weights, since) {
            return Cause::Found(words::suspect(question, &lead, since));
        }
        looked_at.extend(words::largest(&weights, "adds most failures"));
    }
    if breach.time {
        let weights = weights::delays(question, usual);
        if let Some(lead) = by_time(question, &weights, since) {
            return Cause::Found(words::suspect(question, &lead, since));
        }
        looked_at.extend(words::largest(&weights, "adds most time"));
    }
    if breach.down
        && let Some(lead) = by_state(question, since)
    {
        return Cause::Found(words::suspect(question, &lead, since));
    }
    if breach.traffic {
        looked_at.push(crate::domain::text::Shown::fixed("fewer requests come in; nothing in here adds trouble"));
    }
    looked_at.extend(words::rejected(question, None, since));
    looked_at.extend(words::unseen(question));
    Cause::NotFound { looked_at }
}

/// What users suffer, if they do, and since when.
fn breach(question: &Question) -> Option<Breach> {
    let mut breach = Breach::default();
    let mut onsets = Vec::new();
    let user_facing = |n: &&Node| n.tier.is_user_facing() && question.path.contains(&n.id);
    for node in question.nodes.values().filter(user_facing) {
        let findings = question.assessed.get(&node.id).map(|a| a.findings.as_slice()).unwrap_or_default();
        for finding in findings.iter().filter(|f| f.is_trouble()) {
            match finding.felt {
                Some(Felt::Errors) => breach.errors = true,
                Some(Felt::Time) => breach.time = true,
                Some(Felt::Reach) => breach.down = true,
                Some(Felt::Traffic) => breach.traffic = true,
                None if finding.health == Health::Critical => breach.down = true,
                None => continue,
            }
            onsets.extend(finding.since);
        }
    }
    for row in question.tiers.iter().filter(|r| r.tier.is_user_facing()) {
        for reason in row.reasons.iter().filter(|r| r.rule == "traffic") {
            breach.traffic = true;
            onsets.extend(reason.since);
        }
    }
    breach.since = onsets.into_iter().min();
    (breach.errors || breach.time || breach.traffic || breach.down).then_some(breach)
}

/// The component whose own failures, or whose sickness behind its callers' failures, explain most of them.
fn by_errors<'q, 'a>(question: &Question<'q, 'a>, weights: &Weights, since: Stamp) -> Option<Lead<'q, 'a>> {
    let now = question.context.live.sliding();
    let worse = |id: &ComponentId| {
        let node = question.nodes.get(id)?;
        Comparison::of(node, last_own_change(question, id)).and_then(|c| c.worse(now))
    };
    let concentrated: BTreeSet<&ComponentId> = question.path.iter().copied().filter(|id| worse(id).is_some()).collect();
    let mut best: Option<(f64, Lead)> = None;
    for id in question.path.iter().copied() {
        let Some(node) = question.nodes.get(id) else { continue };
        let own = weights.of(id);
        let sick = if concentrated.contains(id) { None } else { sickness(question, id, since) };
        // A sick callee answers for what its callers fail, unless that is one revision's of theirs alone.
        let behind: f64 = if sick.is_some() {
            let callers = question.context.graph.callers(id).filter(|c| !concentrated.contains(c));
            callers.map(|caller| weights.of(caller)).sum()
        } else {
            0.0
        };
        let explains = weights.share(own + behind);
        let why = match (worse(id), sick) {
            (Some((hash, bad, good)), _) if own > 0.0 => Why::Revision { hash, bad, good },
            // What fails by itself is told by its failures, however slow it is as well.
            (_, Some((why, _))) if behind > own => why,
            _ if own > 0.0 => Why::Errors { added: own, total: weights.total },
            _ => continue,
        };
        let lead = Lead { node, explains, since: onset(question, id, Felt::Errors), why };
        if lead.since.is_some_and(|began| began > since + TOLERANCE) && !began_with_its_callers(question, id, since) {
            continue;
        }
        let rank = explains + depth_bonus(question, id);
        if explains >= EXPLAINS && best.as_ref().is_none_or(|(known, _)| rank > *known) {
            best = Some((rank, lead));
        }
    }
    best.map(|(_, lead)| lead)
}

/// Of equal explanations the deeper and the recently changed one counts, by less than any real difference.
fn depth_bonus(question: &Question, id: &ComponentId) -> f64 {
    let depth = question.context.graph.callees(id).next().is_none();
    let changed = last_own_change(question, id).is_some();
    f64::from(u8::from(depth)) * 0.01 + f64::from(u8::from(changed)) * 0.01
}

/// The component that adds most of the time users wait longer.
fn by_time<'q, 'a>(question: &Question<'q, 'a>, weights: &Weights, since: Stamp) -> Option<Lead<'q, 'a>> {
    let (id, weight) = *weights.largest().first()?;
    let node = question.nodes.get(id)?;
    let explains = weights.share(weight);
    if explains < EXPLAINS {
        return None;
    }
    let began = onset(question, id, Felt::Time);
    let why = slow_revision(node).or_else(|| sickness(question, id, since).map(|(why, _)| why)).unwrap_or(Why::Time);
    Some(Lead { node, explains, since: began, why })
}

/// The deepest critical component, where what is down explains itself.
fn by_state<'q, 'a>(question: &Question<'q, 'a>, since: Stamp) -> Option<Lead<'q, 'a>> {
    let critical = |id: &ComponentId| question.assessed.get(id).is_some_and(|a| a.health == Health::Critical);
    let deepest: Vec<&ComponentId> = question
        .path
        .iter()
        .copied()
        .filter(|id| critical(id) && !question.context.graph.callees(id).any(critical))
        .collect();
    let id = *deepest.first()?;
    let node = question.nodes.get(id)?;
    let finding = question.assessed.get(id)?.findings.iter().find(|f| f.health == Health::Critical)?.clone();
    let explains = 1.0 / deepest.len() as f64;
    let in_time = finding.since.is_none_or(|began| began <= since + TOLERANCE);
    let began = finding.since;
    (explains >= EXPLAINS && in_time).then_some(Lead { node, explains, since: began, why: Why::Sick(finding) })
}

/// Trouble of a component's own that makes its callers fail: it lost instances or a limit, or it became slow; not later
/// than they began to fail, and not long before.
fn sickness<'q>(question: &Question<'q, '_>, id: &ComponentId, since: Stamp) -> Option<(Why<'q>, Option<Stamp>)> {
    let in_time = |began: Option<Stamp>| {
        began.is_none_or(|began| began <= since + TOLERANCE && since.since(began) <= changes::BEFORE)
    };
    let lost = question.assessed.get(id)?.findings.iter().find(|f| {
        let own = f.felt.is_none() || f.felt == Some(Felt::Reach);
        own && f.health == Health::Critical && f.rule != "alert" && in_time(f.since)
    });
    if let Some(finding) = lost {
        return Some((Why::Sick(finding.clone()), finding.since));
    }
    let (now, usual, began) = weights::slow(question, id, since - SMOOTHING)?;
    in_time(began).then_some((Why::Slow { now, usual }, began))
}

/// When a component's own trouble of this kind began, by its findings.
fn onset(question: &Question, id: &ComponentId, felt: Felt) -> Option<Stamp> {
    let findings = &question.assessed.get(id)?.findings;
    findings.iter().filter(|f| f.felt == Some(felt) && f.is_trouble()).filter_map(|f| f.since).min()
}

/// Thresholds are crossed later where the share is small; what counts then is whether it failed more when they did.
fn began_with_its_callers(question: &Question, id: &ComponentId, since: Stamp) -> bool {
    let Some(added) = question.context.flow.component(id).and_then(|red| red.added.as_ref()) else { return true };
    let usual = super::assess::flow::usual(&added.points(), since - SMOOTHING).unwrap_or(0.0);
    let then = added.value_at(since + TOLERANCE).or_else(|| added.value_at(since)).unwrap_or(0.0);
    then > 2.0 * usual
}

/// The last time this component was changed before now: its weights, its revision, its configuration.
fn last_own_change(question: &Question, id: &ComponentId) -> Option<Stamp> {
    question.changed.get(id).copied()
}

/// When each component was last changed itself, of the changes that may still show.
#[must_use]
pub fn changed(changes: &[Arc<ChangeFact>], resolver: &Resolver, live: &Live) -> BTreeMap<ComponentId, Stamp> {
    let mut changed: BTreeMap<ComponentId, Stamp> = BTreeMap::new();
    let own = changes.iter().filter(|c| matches!(c.kind, ChangeKind::Deploy | ChangeKind::Config));
    for change in own.filter(|change| !live.is_over(change.at, super::canary::WINDOW)) {
        let subject = change.subject.as_ref().map(|subject| resolver.resolve(subject));
        if let Some(id) = subject.as_ref().and_then(|found| found.component()) {
            let last = changed.entry(id.clone()).or_insert(change.at);
            *last = change.at.max(*last);
        }
    }
    changed
}

/// The revision that takes clearly longer than the other one: in each of the last samples, by a fifth and 20 ms.
fn slow_revision<'q>(node: &'q Node) -> Option<Why<'q>> {
    use super::assess::flow::recent;
    use super::signals::Role;
    let rollout = node.rollout()?;
    let canary = rollout.canary.as_ref().map(|c| &c.hash).filter(|hash| **hash != rollout.stable.hash)?;
    let time = |hash: &Raw| {
        let line = node.of_version(Role::Latency, hash).find(|l| l.is_fresh())?;
        recent(&line.curve())
    };
    let (of_canary, of_stable) = (time(canary)?, time(&rollout.stable.hash)?);
    let slower = |one: f64, other: f64| one - other > (0.2 * other).max(0.02);
    if slower(of_canary, of_stable) {
        return Some(Why::SlowRevision { hash: canary, bad: of_canary, good: of_stable });
    }
    slower(of_stable, of_canary).then_some(Why::SlowRevision {
        hash: &rollout.stable.hash,
        bad: of_stable,
        good: of_canary,
    })
}

/// The changes before the breach, ranked by their distance from the suspect.
fn candidates(question: &Question, suspect: Option<&ComponentId>, breach: Stamp) -> Vec<Candidate> {
    let with = (question.context.graph, question.resolver);
    changes::before(question.changes, breach, changes::BEFORE * 2, suspect, with)
}

/// One candidate change a component: the nearest to the breach.
fn one_each(candidates: Vec<Candidate>) -> Vec<Candidate> {
    let mut seen: BTreeSet<Option<ComponentId>> = BTreeSet::new();
    candidates.into_iter().filter(|c| seen.insert(c.component.clone())).collect()
}
