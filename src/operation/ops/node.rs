//! Cordon and uncordon a node (facts/kubernetes.md 1.9, facts/controlplane.md 4).

use serde_json::{Value, json};

use super::{Draft, Refusal, debt};
use crate::domain::text::Shown;
use crate::operation::evidence::kube::NodeSeen;
use crate::operation::guard::common::same_object;
use crate::operation::guard::{Finding, GuardId};
use crate::operation::mutation::{KubeMutation, Mutation, Resource};
use crate::operation::plan::{Backout, Change, DebtKind, Fact, Plan, Step, Story, Timing};
use crate::operation::target::Params;
use crate::operation::verb::{Risk, Verb};
use crate::operation::verify::Goal;
use crate::shown;

pub fn cordon(draft: &Draft<'_>) -> Result<Plan, Refusal> {
    let node = draft.sheet.node().ok_or(Refusal::unread("the node"))?;
    if node.unschedulable {
        return Err(Refusal::new("it is cordoned already", "uncordon lets it be scheduled on"));
    }
    let mut plan = flag(draft, node, true);
    plan.debts
        .push(debt(shown!("node {} is cordoned", node.head.name), DebtKind::Cordon { node: node.head.name.clone() }));
    plan.story.notes.push(Shown::fixed("a CloudNativePG primary on it switches over by itself"));
    Ok(plan)
}

pub fn uncordon(draft: &Draft<'_>) -> Result<Plan, Refusal> {
    let node = draft.sheet.node().ok_or(Refusal::unread("the node"))?;
    if !node.unschedulable {
        return Err(Refusal::new("it is not cordoned", "nothing to undo"));
    }
    Ok(flag(draft, node, false))
}

/// The request that sets or clears `spec.unschedulable`; the taint follows by itself.
pub fn step(node: &NodeSeen, unschedulable: bool) -> Step {
    let value = if unschedulable { json!(true) } else { Value::Null };
    let body = json!({ "spec": { "unschedulable": value } });
    let mutation = KubeMutation::strategic(&node.head.object(Resource::NODE), body);
    let verb = if unschedulable { "cordon" } else { "uncordon" };
    Step::new(Shown::fixed(verb), Mutation::Kube(mutation)).typed(["kubectl", verb, node.head.name.as_str()])
}

fn flag(draft: &Draft<'_>, node: &NodeSeen, unschedulable: bool) -> Plan {
    let words = |cordoned: bool| Shown::fixed(if cordoned { "closed" } else { "open" });
    let state = if node.ready {
        Finding::pass(GuardId::State, "ready")
    } else {
        Finding::warn(GuardId::State, "the node is not ready")
    };
    let back = if unschedulable { Verb::Uncordon } else { Verb::Cordon };
    Plan {
        risk: if unschedulable { Risk::Careful } else { Risk::Safer },
        steps: vec![step(node, unschedulable)],
        diff: vec![Change::new("scheduling", words(node.unschedulable), words(unschedulable))],
        story: Story {
            blast: Shown::fixed("new pods only; what runs there stays"),
            meanwhile: Shown::default(),
            after: Shown::default(),
            if_wrong: Shown::fixed(back.name()),
            verify: Shown::fixed("the flag stands for 10 s"),
            notes: Vec::new(),
        },
        goal: Goal::Schedulable {
            node: node.head.name.clone(),
            uid: node.head.uid.clone(),
            schedulable: !unschedulable,
        },
        timing: Timing::new(10, 10),
        backout: Some(Backout { verb: back, params: Params::default(), words: Shown::fixed(back.name()) }),
        debts: Vec::new(),
        fingerprint: vec![Fact::new("uid", node.head.uid.clone())],
        findings: vec![same_object(draft.request, &node.head), state],
        expected_red: Vec::new(),
    }
}
