//! Suspend and resume the sync of the GitOps owner.
//!
//! Argo CD: the automated policy is taken out, and kept as it was in an annotation of the Application, so that any
//! console can put it back. Flux: `spec.suspend` of the Kustomization or HelmRelease.

use serde_json::{Value, json};

use super::{Draft, Refusal};
use crate::domain::text::{Raw, Shown};
use crate::operation::evidence::owner::{OwnerRef, OwnerSeen, PARKED};
use crate::operation::guard::common::identity;
use crate::operation::guard::{Finding, GuardId};
use crate::operation::mutation::{KubeMutation, Mutation};
use crate::operation::plan::{Backout, Change, Debt, DebtKind, Fact, Plan, Step, Story, Timing};
use crate::operation::target::Params;
use crate::operation::verb::{Risk, Verb};
use crate::operation::verify::Goal;
use crate::shown;

pub fn suspend(draft: &Draft<'_>) -> Result<Plan, Refusal> {
    let owner = seen(draft)?;
    if owner.suspended {
        return Err(Refusal::new(shown!("{} applies nothing by itself", owner.owner.shown()), "nothing to suspend"));
    }
    let (step, debt) = suspension(owner);
    let mut plan = assemble(draft, owner, step, true);
    plan.debts.push(debt);
    Ok(plan)
}

pub fn resume(draft: &Draft<'_>) -> Result<Plan, Refusal> {
    let owner = seen(draft)?;
    if !owner.suspended {
        return Err(Refusal::new(shown!("{} reconciles", owner.owner.shown()), "nothing to resume"));
    }
    let step = resumption(draft, owner)?;
    Ok(assemble(draft, owner, step, false))
}

fn seen<'a>(draft: &Draft<'a>) -> Result<&'a OwnerSeen, Refusal> {
    let known = draft.head().is_some();
    draft.sheet.owner().ok_or_else(|| {
        if known {
            Refusal::new("no GitOps owner is known", "nothing reverts it")
        } else {
            Refusal::unread("the workload")
        }
    })
}

/// The first step of any plan that chose to suspend the owner, and its debt.
pub fn suspension(owner: &OwnerSeen) -> (Step, Debt) {
    let object = owner.head.object(owner.owner.resource());
    let policy = owner.automated.clone().unwrap_or(Value::Null);
    let argo = matches!(owner.owner, OwnerRef::ArgoCd(_));
    let mutation = if argo {
        let mut asserts = vec![("/spec/syncPolicy/automated", policy.clone())];
        let mut changes = vec![json!({ "op": "remove", "path": "/spec/syncPolicy/automated" })];
        if owner.head.annotations.is_empty() {
            // Else the annotations that came meanwhile would go.
            asserts.push(("/metadata/annotations", Value::Null));
            changes.push(json!({ "op": "add", "path": "/metadata/annotations", "value": {} }));
        }
        changes.push(json!({ "op": "add", "path": parked(), "value": policy.to_string() }));
        KubeMutation::json(&object, None, &asserts, &changes)
    } else {
        KubeMutation::json(&object, None, &[], &[json!({ "op": "add", "path": "/spec/suspend", "value": true })])
    };
    let mut step = Step::new(shown!("suspend the sync of {}", owner.owner.shown()), Mutation::Kube(mutation));
    let goal = Goal::Sync { owner: owner.owner.clone(), uid: owner.head.uid.clone(), suspended: true };
    step.settle = Some((goal, std::time::Duration::from_secs(30)));
    let debt = Debt {
        what: shown!("sync of {} is suspended", owner.owner.shown()),
        kind: DebtKind::Sync { owner: owner.owner.clone(), parked: argo.then(|| Raw::from(policy.to_string())) },
        booked_by: 0,
        cleared_by: None,
    };
    (step, debt)
}

fn parked() -> String {
    format!("/metadata/annotations/{}", PARKED.replace('/', "~1"))
}

/// Puts back what was there: from the debt, else from the annotation. Without either nothing is guessed.
fn resumption(draft: &Draft<'_>, owner: &OwnerSeen) -> Result<Step, Refusal> {
    let object = owner.head.object(owner.owner.resource());
    let title = shown!("resume the sync of {}", owner.owner.shown());
    if !matches!(owner.owner, OwnerRef::ArgoCd(_)) {
        let change = json!({ "op": "replace", "path": "/spec/suspend", "value": false });
        let mutation = KubeMutation::json(&object, None, &[("/spec/suspend", json!(true))], &[change]);
        return Ok(Step::new(title, Mutation::Kube(mutation)));
    }
    let kept = draft.request.params.restore.as_ref().or(owner.parked.as_ref());
    let policy = kept.and_then(|text| serde_json::from_str::<Value>(text.as_str()).ok());
    let policy = policy.filter(Value::is_object).ok_or(Refusal::new(
        "what its policy was is not known: it was not suspended from here",
        "set spec.syncPolicy.automated in git or with the argocd command",
    ))?;
    let mut changes = vec![json!({ "op": "add", "path": "/spec/syncPolicy/automated", "value": policy })];
    if owner.parked.is_some() {
        changes.push(json!({ "op": "remove", "path": parked() }));
    }
    Ok(Step::new(title, Mutation::Kube(KubeMutation::json(&object, None, &[], &changes))))
}

/// What matters of an owner.
pub fn facts(owner: &OwnerSeen) -> Vec<Fact> {
    vec![
        Fact::new("owner", owner.head.uid.clone()),
        Fact::new("owner's sync", if owner.suspended { "suspended" } else { "on" }),
    ]
}

fn assemble(draft: &Draft<'_>, owner: &OwnerSeen, step: Step, suspended: bool) -> Plan {
    let words = |suspended: bool| Shown::fixed(if suspended { "suspended" } else { "on" });
    let back = if suspended { Verb::ResumeSync } else { Verb::SuspendSync };
    let restore = owner.automated.as_ref().map(|policy| Raw::from(policy.to_string()));
    let head = draft.head();
    Plan {
        risk: if suspended { Risk::Careful } else { Risk::Safer },
        steps: vec![step],
        diff: vec![Change::new("sync", words(!suspended), words(suspended))],
        story: Story {
            blast: shown!("everything that {} owns", owner.owner.shown()),
            meanwhile: Shown::default(),
            after: Shown::fixed(if suspended {
                "nothing is reverted, and nothing that is merged arrives"
            } else {
                "what differs from git is reverted now"
            }),
            if_wrong: Shown::fixed(back.name()),
            verify: Shown::fixed("it stands for 10 s"),
            notes: Vec::new(),
        },
        goal: Goal::Sync { owner: owner.owner.clone(), uid: owner.head.uid.clone(), suspended },
        timing: Timing::new(10, 10),
        backout: Some(Backout {
            verb: back,
            params: Params { restore, ..Params::default() },
            words: Shown::fixed(back.name()),
        }),
        debts: Vec::new(),
        fingerprint: facts(owner),
        findings: head
            .map(|head| identity(draft.request, &head.uid))
            .into_iter()
            .chain([Finding::pass(GuardId::State, words(owner.suspended))])
            .collect(),
        expected_red: Vec::new(),
    }
}
