//! The number of instances (facts/kubernetes.md 1.1, facts/controlplane.md 4 and 5).
//!
//! A JSON patch on `/scale` that asserts uid and old number: the uid of a merge patch is ignored on a custom resource's
//! `/scale`, and its resourceVersion moves with every status update.

use serde_json::{Value, json};

use super::{Draft, Refusal, resource};
use crate::domain::text::{Raw, Shown};
use crate::operation::evidence::Gather;
use crate::operation::evidence::json::{Head, Selector};
use crate::operation::evidence::kube::{BudgetSeen, Counts};
use crate::operation::guard::capacity::{autoscaler, bounds, capacity, floor};
use crate::operation::guard::common::same_object;
use crate::operation::guard::{Finding, GuardId};
use crate::operation::mutation::{KubeMutation, Mutation, Resource};
use crate::operation::plan::{Backout, Change, Fact, Plan, Step, Story, Timing};
use crate::operation::target::Params;
use crate::operation::verb::{Risk, Verb};
use crate::operation::verify::Goal;
use crate::shown;

/// Autoscalers and budgets of its namespace.
pub fn wants(draft: &Draft<'_>) -> Vec<Gather> {
    let namespace = draft.target().component.scope.clone();
    vec![Gather::Autoscalers { namespace: namespace.clone() }, Gather::Budgets { namespace }]
}

/// What is counted of a workload, whatever its kind.
pub struct Counted<'a> {
    pub head: &'a Head,
    pub replicas: Option<u32>,
    pub counts: Counts,
    pub selector: &'a Selector,
    pub resource: Resource,
}

pub fn counted<'a>(draft: &Draft<'a>) -> Result<Counted<'a>, Refusal> {
    let resource = resource(draft.target().engine).ok_or(Refusal::new("it has no number of instances", "-"))?;
    if let Some(seen) = draft.sheet.rollout() {
        let (replicas, counts) = (seen.replicas, seen.counts);
        return Ok(Counted { head: &seen.head, replicas, counts, selector: &seen.selector, resource });
    }
    let seen = draft.sheet.workload().ok_or(Refusal::unread("the workload"))?;
    Ok(Counted {
        head: &seen.head,
        replicas: Some(seen.replicas),
        counts: seen.counts,
        selector: &seen.selector,
        resource,
    })
}

/// The budget that covers its pods, judged by the labels its selector wants.
pub fn budget<'a>(draft: &Draft<'a>, seen: &Counted<'_>) -> Option<&'a BudgetSeen> {
    draft.sheet.budgets()?.iter().find(|budget| budget.selector.matches(&seen.selector.labels))
}

pub fn plan(draft: &Draft<'_>) -> Result<Plan, Refusal> {
    let seen = counted(draft)?;
    let wanted = draft.request.params.replicas.ok_or(Refusal::new("how many is not said", "scale N"))?;
    let now = seen.replicas.unwrap_or(seen.counts.total);
    if wanted == now {
        return Err(Refusal::new(shown!("it has {} instances", now), "choose another number"));
    }
    if seen.selector.is_empty() {
        return Err(Refusal::new("its selector is empty", "an empty selection is never meant"));
    }
    let scaler = autoscaler(draft.sheet, draft.target());
    let mut findings = vec![same_object(draft.request, seen.head), bounds(scaler, wanted)];
    if draft.sheet.autoscalers().is_none() {
        findings.push(Finding::unknown(GuardId::Bounds, "the autoscalers could not be read"));
    }
    findings.push(if wanted > now {
        Finding::pass(GuardId::Capacity, shown!("{} more", wanted - now))
    } else {
        let least = floor(budget(draft, &seen), now, draft.policy);
        capacity_down(wanted, &seen, least)
    });
    let down = wanted < now;
    let per = if down { 2 } else { 15 };
    Ok(Plan {
        risk: risk(wanted, now),
        steps: vec![step(&seen, wanted, now)],
        diff: vec![
            Change::new("instances", shown!("{}", now), shown!("{}", wanted)),
            Change::new("available", shown!("{}", seen.counts.available), shown!("{}", wanted)),
        ],
        story: Story {
            blast: shown!("{} of {} instances", now.abs_diff(wanted), now.max(wanted)),
            meanwhile: Shown::fixed(if down { "requests on the instances that end" } else { "" }),
            after: Shown::default(),
            if_wrong: shown!("scale back to {}", now),
            verify: shown!("{}/{} available for 15 s", wanted, wanted),
            notes: Vec::new(),
        },
        goal: Goal::Replicas {
            resource: seen.resource,
            at: draft.named(),
            uid: seen.head.uid.clone(),
            replicas: wanted,
        },
        timing: Timing::new(60 + per * u64::from(now.abs_diff(wanted)), 15),
        backout: Some(Backout {
            verb: Verb::Scale,
            params: Params { replicas: Some(now), ..Params::default() },
            words: shown!("scale back to {}", now),
        }),
        debts: Vec::new(),
        fingerprint: vec![Fact::new("uid", seen.head.uid.clone()), Fact::new("replicas", Raw::from(now.to_string()))],
        findings,
        expected_red: if wanted == 0 { vec![draft.target().component.clone()] } else { Vec::new() },
    })
}

/// Zero is asked for by its own confirmation; below the floor nothing goes.
fn capacity_down(wanted: u32, seen: &Counted<'_>, least: u32) -> Finding {
    if wanted == 0 {
        return Finding::warn(GuardId::Capacity, "nothing stays: whoever calls it fails");
    }
    capacity(wanted, seen.counts.available, least)
}

const fn risk(wanted: u32, now: u32) -> Risk {
    match wanted {
        0 => Risk::Irreversible,
        _ if wanted > now => Risk::Safer,
        _ => Risk::Risky,
    }
}

fn step(seen: &Counted<'_>, wanted: u32, now: u32) -> Step {
    // A Scale leaves zero out: `test` finds null there (measured, 1.36).
    let before = |now: u32| if now == 0 { Value::Null } else { json!(now) };
    let asserts: Vec<_> = seen.replicas.map(|now| ("/spec/replicas", before(now))).into_iter().collect();
    let change = json!({ "op": "add", "path": "/spec/replicas", "value": wanted });
    let mutation = KubeMutation::json(&seen.head.object(seen.resource), Some("scale"), &asserts, &[change]);
    let kind = format!("{}/{}", seen.resource.plural, seen.head.name.as_str());
    let (current, replicas) = (format!("--current-replicas={now}"), format!("--replicas={wanted}"));
    Step::new(shown!("scale to {}", wanted), Mutation::Kube(mutation)).typed([
        "kubectl",
        "scale",
        &kind,
        "-n",
        seen.head.namespace.as_str(),
        &current,
        &replicas,
    ])
}
