//! Abort a canary or a blue-green rollout (facts/kubernetes.md 1.5, facts/controlplane.md 5).
//!
//! `status.abort` sends all traffic back to the stable revision; the phase ends Degraded and the specification still
//! names the new revision. While `spec.paused` holds it, the controller loops on an abort (argo-rollouts 3756), so the
//! hold is taken off afterwards.

use serde_json::json;

use super::{Draft, Refusal, percent};
use crate::domain::text::Shown;
use crate::operation::evidence::rollout::RolloutSeen;
use crate::operation::guard::common::same_object;
use crate::operation::guard::{Finding, GuardId};
use crate::operation::mutation::{KubeMutation, Mutation, Resource};
use crate::operation::plan::{Backout, Change, Fact, Plan, Step, Story, Timing};
use crate::operation::target::Params;
use crate::operation::verb::{Risk, Verb};
use crate::operation::verify::{Goal, RolloutWant};
use crate::shown;

pub fn plan(draft: &Draft<'_>) -> Result<Plan, Refusal> {
    let seen = draft.rollout()?;
    let state = &seen.state;
    if !seen.under_way() {
        return Err(Refusal::new("no other revision than the stable one takes part", "nothing to abort"));
    }
    if state.aborted {
        return Err(Refusal::new("it is aborted already", "retry it, or roll back in git"));
    }
    let at = draft.named();
    let replicas = seen.replicas.unwrap_or(1);
    let mut steps = vec![Step::new(Shown::fixed("abort: all traffic to the stable revision"), abort(seen)).typed([
        "kubectl",
        "argo",
        "rollouts",
        "abort",
        at.name.as_str(),
        "-n",
        at.namespace.as_str(),
    ])];
    if seen.paused {
        steps.push(Step::new(Shown::fixed("take the hold off, or the abort loops"), hold(seen, false)));
    }
    let mut findings = vec![same_object(draft.request, &seen.head)];
    findings.push(if state.promoting_fully {
        Finding::warn(GuardId::State, "a full promotion runs; on an unhealthy canary an abort may be ignored")
    } else {
        Finding::pass(GuardId::State, shown!("{}", state.phase))
    });
    Ok(Plan {
        risk: Risk::Safer,
        steps,
        diff: traffic(draft, seen, replicas),
        story: Story {
            blast: shown!("the canary's share of {}", at.name),
            meanwhile: Shown::default(),
            after: Shown::fixed("phase Degraded is the expected end state; then revert in git"),
            if_wrong: Shown::fixed("retry starts the new revision again from step 0 (exposes users again)"),
            verify: shown!("weight 0, {}/{} available, errors < 1 % for 60 s", replicas, replicas),
            notes: Vec::new(),
        },
        goal: goal(draft, seen, RolloutWant::Aborted { replicas }),
        timing: Timing::new(60, 60).with_errors_below(0.01),
        backout: Some(Backout {
            verb: Verb::Retry,
            params: Params::default(),
            words: "from step 0 again, which exposes users again".into(),
        }),
        debts: Vec::new(),
        fingerprint: facts(seen),
        findings,
        expected_red: Vec::new(),
    })
}

fn abort(seen: &RolloutSeen) -> Mutation {
    let asserts = [
        ("/status/currentPodHash", json!(seen.state.current.as_str())),
        ("/status/stableRS", json!(seen.state.stable.as_str())),
    ];
    let change = json!({ "op": "add", "path": "/status/abort", "value": true });
    Mutation::Kube(KubeMutation::json(&seen.head.object(Resource::ROLLOUT), Some("status"), &asserts, &[change]))
}

/// Sets or takes off `spec.paused`.
pub fn hold(seen: &RolloutSeen, paused: bool) -> Mutation {
    let change = json!({ "op": "add", "path": "/spec/paused", "value": paused });
    let asserts = if paused { Vec::new() } else { vec![("/spec/paused", json!(true))] };
    Mutation::Kube(KubeMutation::json(&seen.head.object(Resource::ROLLOUT), None, &asserts, &[change]))
}

/// The goal of an operation on a Rollout, held to the revisions that were seen.
pub fn goal(draft: &Draft<'_>, seen: &RolloutSeen, want: RolloutWant) -> Goal {
    Goal::Rollout {
        at: draft.named(),
        uid: seen.head.uid.clone(),
        stable: seen.state.stable.clone(),
        current: seen.state.current.clone(),
        want,
    }
}

/// What matters of every operation on a rollout under way: which object and which two revisions.
pub fn facts(seen: &RolloutSeen) -> Vec<Fact> {
    vec![
        Fact::new("uid", seen.head.uid.clone()),
        Fact::new("stable", seen.state.stable.clone()),
        Fact::new("canary", seen.state.current.clone()),
    ]
}

fn traffic(draft: &Draft<'_>, seen: &RolloutSeen, replicas: u32) -> Vec<Change> {
    let rollout = draft.scene.rollout.as_ref();
    let pods = rollout.and_then(|fact| Some((fact.stable.ready, fact.canary.as_ref()?.ready)));
    let mut changes = Vec::new();
    if seen.is_blue_green() {
        changes.push(Change::new("active", seen.state.active.shown(), seen.state.stable.shown()));
    } else {
        let now = seen.state.weight.or_else(|| rollout?.actual_weight).unwrap_or_else(|| seen.set_weight());
        changes.push(Change::new("canary traffic", percent(now), percent(0)));
        changes.push(Change::new("stable traffic", percent(100_u32.saturating_sub(now)), percent(100)));
    }
    let (stable, canary) = match pods {
        Some((stable, canary)) => (shown!("{}", stable), shown!("{}", canary)),
        None => (Shown::fixed("?"), shown!("{}", seen.counts.updated)),
    };
    changes.push(Change::new("canary pods", canary, "0"));
    changes.push(Change::new("stable pods", stable, shown!("{}", replicas)));
    changes
}
