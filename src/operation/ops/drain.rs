//! Cordon a node and move its pods away, one after the other (facts/kubernetes.md 1.9, kubectl `pkg/drain`).
//!
//! A spent budget is asked again every 5 s. Pods of DaemonSets and static pods stay; a pod that nothing would replace
//! blocks the drain.

use std::time::Duration;

use super::{Draft, Refusal, debt, evict, node};
use crate::domain::text::{Raw, Shown};
use crate::operation::evidence::kube::{BudgetSeen, PodSeen};
use crate::operation::evidence::{Gather, Named};
use crate::operation::guard::capacity::disruption;
use crate::operation::guard::common::same_object;
use crate::operation::guard::{Finding, GuardId, Verdict};
use crate::operation::plan::{Backout, Change, DebtKind, Fact, Plan, Step, Story, Timing};
use crate::operation::target::Params;
use crate::operation::verb::{Risk, Verb};
use crate::operation::verify::Goal;
use crate::shown;

/// How often a spent budget is asked again (kubectl's interval), and for how long.
const AGAIN: (Duration, Duration) = (Duration::from_secs(5), Duration::from_secs(600));

pub fn wants(draft: &Draft<'_>) -> Vec<Gather> {
    let node = draft.target().component.name.clone();
    vec![Gather::PodsOn { node }, Gather::Budgets { namespace: Raw::default() }]
}

pub fn plan(draft: &Draft<'_>) -> Result<Plan, Refusal> {
    let seen = draft.sheet.node().ok_or(Refusal::unread("the node"))?;
    let pods = draft.sheet.pods().ok_or(Refusal::unread("the pods of the node"))?;
    let moving: Vec<&PodSeen> = pods.iter().filter(|pod| moves(pod)).collect();
    let mut steps: Vec<Step> = Vec::new();
    if !seen.unschedulable {
        steps.push(node::step(seen, true));
    }
    steps.extend(moving.iter().map(|pod| {
        let mut step = evict::step(pod);
        step.again = Some(AGAIN);
        step
    }));
    if steps.is_empty() {
        return Err(Refusal::new("it is cordoned and has nothing to move", "nothing to do"));
    }
    let gone = moving.iter().map(|pod| {
        (Named { namespace: pod.head.namespace.clone(), name: pod.head.name.clone() }, pod.head.uid.clone())
    });
    let goal = if moving.is_empty() {
        Goal::Schedulable { node: seen.head.name.clone(), uid: seen.head.uid.clone(), schedulable: false }
    } else {
        Goal::Gone { node: Some(seen.head.name.clone()), pods: gone.collect() }
    };
    let stay = pods.len() - moving.len();
    let debts = if seen.unschedulable {
        Vec::new()
    } else {
        let kind = DebtKind::Cordon { node: seen.head.name.clone() };
        vec![debt(shown!("node {} is cordoned", seen.head.name), kind)]
    };
    Ok(Plan {
        risk: Risk::Risky,
        diff: vec![
            Change::new("scheduling", if seen.unschedulable { "closed" } else { "open" }, "closed"),
            Change::new(
                "pods on the node",
                shown!("{}", pods.len()),
                shown!("{} (not moved: DaemonSets, static)", stay),
            ),
        ],
        story: Story {
            blast: shown!("{} pods of {}", moving.len(), owners(&moving)),
            meanwhile: Shown::fixed("connections to each pod as it moves"),
            after: Shown::fixed("the node stays cordoned"),
            if_wrong: Shown::fixed("cancel stops after the pod under way; uncordon"),
            verify: shown!("{} pods gone from the node", moving.len()),
            notes: vec![Shown::fixed("a CloudNativePG primary on it switches over by itself")],
        },
        goal,
        timing: Timing::new(60 + 30 * moving.len() as u64, 0),
        backout: Some(Backout { verb: Verb::Uncordon, params: Params::default(), words: "uncordon".into() }),
        debts,
        fingerprint: fingerprint(&seen.head.uid, &moving),
        findings: findings(draft, &moving),
        expected_red: Vec::new(),
        steps,
    })
}

fn moves(pod: &PodSeen) -> bool {
    !pod.is_over() && !pod.mirror && !pod.of_daemon_set()
}

fn owners(pods: &[&PodSeen]) -> Shown {
    let names: std::collections::BTreeSet<&Raw> =
        pods.iter().filter_map(|pod| pod.head.controller.as_ref().map(|(_, name, _)| name)).collect();
    let (first, more) = (names.iter().take(4), names.len().saturating_sub(4));
    let listed = Shown::joined(first.map(|name| name.shown()), ", ");
    if more > 0 { shown!("{} and {} more", listed, more) } else { listed }
}

fn fingerprint(node: &Raw, moving: &[&PodSeen]) -> Vec<Fact> {
    let mut uids: Vec<&str> = moving.iter().map(|pod| pod.head.uid.as_str()).collect();
    uids.sort_unstable();
    vec![Fact::new("uid", node.clone()), Fact::new("pods", Raw::from(uids.join(" ")))]
}

fn findings(draft: &Draft<'_>, moving: &[&PodSeen]) -> Vec<Finding> {
    let mut findings: Vec<Finding> =
        draft.sheet.node().map(|node| same_object(draft.request, &node.head)).into_iter().collect();
    for pod in moving.iter().filter(|pod| pod.head.controller.is_none()) {
        findings.push(Finding::block(
            GuardId::Capacity,
            shown!("nothing replaces {}: it would be gone for good", pod.head.name),
            "delete it by hand if that is meant",
        ));
    }
    let dirs = moving.iter().filter(|pod| pod.empty_dir).count();
    if dirs > 0 {
        findings.push(Finding::warn(GuardId::State, shown!("emptyDir volumes of {} pods go with them", dirs)));
    }
    let Some(budgets) = draft.sheet.budgets() else {
        findings.push(Finding::unknown(GuardId::Disruption, "the disruption budgets could not be read"));
        return findings;
    };
    findings.extend(budget_findings(moving, budgets));
    findings
}

/// A spent budget is waited for; what can never work blocks. The rest is one count.
fn budget_findings(moving: &[&PodSeen], budgets: &[BudgetSeen]) -> Vec<Finding> {
    let mut findings = Vec::new();
    let mut passed = 0_usize;
    let mut bare = 0_usize;
    for pod in moving {
        let covering = budgets.iter().filter(|budget| budget.covers(pod)).count();
        let mut finding = disruption(pod, budgets);
        match finding.verdict {
            Verdict::Pass => passed += 1,
            Verdict::Warn if covering == 0 => bare += 1,
            Verdict::Block if covering == 1 => {
                finding.verdict = Verdict::Warn;
                finding.text = shown!("{}: waits for it", finding.text);
                findings.push(finding);
            }
            _ => findings.push(finding),
        }
    }
    findings.dedup();
    if bare > 0 {
        findings.push(Finding::warn(GuardId::Disruption, shown!("no disruption budget covers {} pods", bare)));
    }
    if passed > 0 {
        findings.push(Finding::pass(GuardId::Disruption, shown!("budgets allow {} pods now", passed)));
    }
    findings
}
