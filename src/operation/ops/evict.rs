//! Move one pod away, as its disruption budget allows (facts/kubernetes.md 1.9, facts/controlplane.md 0.4 and 4).
//!
//! The server dry run of the very eviction is part of every plan: a wrong uid would spend the budget for two minutes.

use super::{Draft, Refusal};
use crate::domain::text::Shown;
use crate::operation::evidence::kube::PodSeen;
use crate::operation::evidence::{Gather, Named};
use crate::operation::guard::capacity::disruption;
use crate::operation::guard::common::same_object;
use crate::operation::guard::{Finding, GuardId};
use crate::operation::mutation::{KubeMutation, Mutation};
use crate::operation::plan::{Change, Fact, Plan, Step, Story, Timing};
use crate::operation::verb::Risk;
use crate::operation::verify::Goal;
use crate::shown;

pub fn wants(draft: &Draft<'_>) -> Vec<Gather> {
    let namespace = draft.target().component.scope.clone();
    let Some(pod) = &draft.request.params.pod else { return Vec::new() };
    vec![Gather::Pod(Named { namespace: namespace.clone(), name: pod.clone() }), Gather::Budgets { namespace }]
}

pub fn plan(draft: &Draft<'_>) -> Result<Plan, Refusal> {
    let head = draft.head().ok_or(Refusal::unread("the workload"))?;
    let name = draft.request.params.pod.as_ref().ok_or(Refusal::new("which pod is not said", "evict POD"))?;
    let pods = draft.sheet.pods().ok_or(Refusal::unread("the pod"))?;
    let pod = pods.iter().find(|pod| pod.head.name == *name);
    let pod = pod.ok_or_else(|| Refusal::new(shown!("there is no pod {}", name), "choose another"))?;
    if pod.is_over() {
        return Err(Refusal::new(shown!("{} is ending already", name), "nothing to move"));
    }
    let budgets = draft.sheet.budgets();
    let mut findings = vec![same_object(draft.request, head)];
    findings.push(match budgets {
        Some(budgets) => disruption(pod, budgets),
        None => Finding::unknown(GuardId::Disruption, "the disruption budgets could not be read"),
    });
    let managed = pod.head.controller.is_some();
    findings.push(if managed {
        Finding::pass(GuardId::Capacity, "its controller replaces it")
    } else {
        Finding::block(
            GuardId::Capacity,
            "nothing replaces it: it would be gone for good",
            "delete it by hand if that is meant",
        )
    });
    if pod.empty_dir {
        findings.push(Finding::warn(GuardId::State, "its emptyDir volumes go with it"));
    }
    let named = Named { namespace: pod.head.namespace.clone(), name: name.clone() };
    let mut story = Story {
        blast: Shown::fixed("one pod"),
        meanwhile: Shown::fixed("connections to it"),
        after: Shown::fixed("its replacement has another name, or another uid"),
        if_wrong: Shown::fixed("an eviction cannot be taken back; the replacement is on its way"),
        verify: Shown::fixed("the pod is gone"),
        notes: Vec::new(),
    };
    story.notes.extend(pod.waiting.as_ref().map(|why| shown!("it waits: {}", why)));
    Ok(Plan {
        risk: Risk::Careful,
        steps: vec![step(pod)],
        diff: vec![Change::new("pod", name.shown(), "moved")],
        story,
        goal: Goal::Gone { node: None, pods: vec![(named, pod.head.uid.clone())] },
        timing: Timing::new(60, 0),
        backout: None,
        debts: Vec::new(),
        fingerprint: vec![Fact::new("uid", head.uid.clone()), Fact::new("pod", pod.head.uid.clone())],
        findings,
        expected_red: Vec::new(),
    })
}

/// The eviction of one pod.
pub fn step(pod: &PodSeen) -> Step {
    let mutation = KubeMutation::Evict {
        namespace: pod.head.namespace.clone(),
        pod: pod.head.name.clone(),
        uid: pod.head.uid.clone(),
    };
    Step::new(shown!("evict {}", pod.head.name), Mutation::Kube(mutation))
}
