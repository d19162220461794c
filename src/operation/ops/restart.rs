//! Replace every instance, a few at a time (facts/kubernetes.md 1.4 and 1.5).
//!
//! The mark is the moment the card was opened: planning twice gives the same request, and sending it twice restarts once.

use serde_json::json;

use super::scale::{budget, counted};
use super::{Draft, Refusal};
use crate::domain::text::{Raw, Shown};
use crate::domain::time::Stamp;
use crate::operation::evidence::kube::images;
use crate::operation::guard::common::same_object;
use crate::operation::guard::{Finding, GuardId};
use crate::operation::mutation::{KubeMutation, Mutation, Resource};
use crate::operation::plan::{Change, Fact, Plan, Step, Story, Timing};
use crate::operation::verb::Risk;
use crate::operation::verify::{Goal, RolloutWant};
use crate::shown;

pub fn plan(draft: &Draft<'_>) -> Result<Plan, Refusal> {
    let seen = counted(draft)?;
    let mark = mark(draft.opened);
    let name = seen.head.name.as_str();
    let replicas = seen.replicas.unwrap_or(seen.counts.total);
    if draft.sheet.workload().is_some_and(|seen| seen.paused) {
        return Err(Refusal::new("it is paused: nothing would restart", "resume it first"));
    }
    let (mutation, goal) = match draft.sheet.rollout() {
        Some(rollout) => {
            let change = json!({ "op": "add", "path": "/spec/restartAt", "value": mark.as_str() });
            let want = RolloutWant::Restarted { at: mark.clone() };
            let mutation = KubeMutation::json(&rollout.head.object(Resource::ROLLOUT), None, &[], &[change]);
            (mutation, super::abort::goal(draft, rollout, want))
        }
        None => {
            let workload = draft.sheet.workload().ok_or(Refusal::unread("the workload"))?;
            let note = json!({ "kubectl.kubernetes.io/restartedAt": mark.as_str() });
            let body = json!({ "spec": { "template": { "metadata": { "annotations": note } } } });
            let goal = Goal::Template {
                resource: workload.resource,
                at: draft.named(),
                uid: workload.head.uid.clone(),
                images: images(&workload.template),
                restarted: Some(mark.clone()),
            };
            (KubeMutation::strategic(&workload.head.object(workload.resource), body), goal)
        }
    };
    let step = Step::new(Shown::fixed("restart"), Mutation::Kube(mutation));
    let kind = format!("{}/{name}", seen.resource.kind.to_lowercase());
    let namespace = seen.head.namespace.as_str();
    let step = if seen.resource == Resource::ROLLOUT {
        step.typed(["kubectl", "argo", "rollouts", "restart", name, "-n", namespace])
    } else {
        step.typed(["kubectl", "rollout", "restart", &kind, "-n", namespace])
    };
    let alone = replicas == 1;
    Ok(Plan {
        risk: Risk::Risky,
        steps: vec![step],
        diff: vec![Change::new("instances replaced", "0", shown!("{}", replicas))],
        story: Story {
            blast: shown!("every instance of {} ({})", seen.head.name, replicas),
            meanwhile: Shown::fixed(if alone {
                "whoever calls its only instance"
            } else {
                "connections to the instances that end"
            }),
            after: Shown::fixed("the same template on new instances"),
            if_wrong: Shown::fixed("a rollback does not help: look at the instances' logs"),
            verify: shown!("{} new instances available", replicas),
            notes: Vec::new(),
        },
        goal,
        timing: Timing::new(60 + 20 * u64::from(replicas), 15),
        backout: None,
        debts: Vec::new(),
        fingerprint: vec![
            Fact::new("uid", seen.head.uid.clone()),
            Fact::new("replicas", Raw::from(replicas.to_string())),
        ],
        findings: findings(draft, &seen, alone),
        expected_red: if alone { vec![draft.target().component.clone()] } else { Vec::new() },
    })
}

fn findings(draft: &Draft<'_>, seen: &super::scale::Counted<'_>, alone: bool) -> Vec<Finding> {
    let available = seen.counts.available;
    let capacity = if alone {
        Finding::warn(GuardId::Capacity, "one instance: it is away until the new one is ready")
    } else if budget(draft, seen).is_some_and(|budget| budget.allowed == 0) {
        Finding::warn(GuardId::Capacity, shown!("{} available, and its budget allows none away", available))
    } else {
        Finding::pass(GuardId::Capacity, shown!("{} available", available))
    };
    let under_way = draft.sheet.rollout().is_some_and(crate::operation::evidence::rollout::RolloutSeen::under_way)
        || draft.sheet.workload().is_some_and(|seen| !seen.is_settled());
    let state = if under_way {
        Finding::warn(GuardId::State, "a rollout is under way: the restart mixes with it")
    } else {
        Finding::pass(GuardId::State, "settled")
    };
    let held = draft.sheet.workload().and_then(|seen| seen.held_back.clone());
    let held = held.map(|why| Finding::warn(GuardId::State, why));
    [same_object(draft.request, seen.head), capacity, state].into_iter().chain(held).collect()
}

/// RFC 3339 in whole seconds, as kubectl writes it.
fn mark(at: Stamp) -> Raw {
    let whole = at.align_down(std::time::Duration::from_secs(1)).rfc3339();
    Raw::from(whole.replace(".000Z", "Z"))
}
