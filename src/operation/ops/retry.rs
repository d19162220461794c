//! Start an aborted rollout again from its first step (`status.abort: false`, facts/kubernetes.md 1.5).
//!
//! Blue-green has no first step: within `abortScaleDownDelay` (30 s) the controller finds the new revision still up and
//! switches everyone to it without a pause (measured, Argo Rollouts 1.9).

use serde_json::json;

use super::abort::{facts, goal};
use super::{Draft, Refusal, percent};
use crate::domain::text::Shown;
use crate::operation::guard::common::same_object;
use crate::operation::guard::{Finding, GuardId};
use crate::operation::mutation::{KubeMutation, Mutation, Resource};
use crate::operation::plan::{Backout, Change, Plan, Step, Story, Timing};
use crate::operation::target::Params;
use crate::operation::verb::{Risk, Verb};
use crate::operation::verify::RolloutWant;
use crate::shown;

pub fn plan(draft: &Draft<'_>) -> Result<Plan, Refusal> {
    let seen = draft.rollout()?;
    if !seen.state.aborted {
        return Err(Refusal::new("it is not aborted", "nothing to retry"));
    }
    let at = draft.named();
    let everyone = seen.is_blue_green();
    let asserts = [("/status/abort", json!(true)), ("/status/currentPodHash", json!(seen.state.current.as_str()))];
    let change = json!({ "op": "replace", "path": "/status/abort", "value": false });
    let object = seen.head.object(Resource::ROLLOUT);
    let mutation = Mutation::Kube(KubeMutation::json(&object, Some("status"), &asserts, &[change]));
    let step = Step::new(Shown::fixed("start again from step 0"), mutation).typed([
        "kubectl",
        "argo",
        "rollouts",
        "retry",
        "rollout",
        at.name.as_str(),
        "-n",
        at.namespace.as_str(),
    ]);
    // A retry waits until the stable revision is up (argo-rollouts 841).
    let replicas = seen.replicas.unwrap_or(1);
    let state = if seen.counts.available < replicas {
        let text = shown!("{}/{} available: it waits until the stable revision is up", seen.counts.available, replicas);
        Finding::warn(GuardId::State, text)
    } else {
        Finding::pass(GuardId::State, shown!("{}", seen.state.phase))
    };
    Ok(Plan {
        risk: if everyone { Risk::Risky } else { Risk::Careful },
        steps: vec![step],
        diff: vec![
            Change::new("aborted", "yes", "no"),
            if everyone {
                Change::new("active", seen.state.active.shown(), seen.state.current.shown())
            } else {
                Change::new("canary traffic", percent(0), "by its steps, from step 0")
            },
        ],
        story: Story {
            blast: Shown::fixed(if everyone { "everyone" } else { "the first step's share of users" }),
            meanwhile: Shown::default(),
            after: Shown::fixed(if everyone {
                "the aborted revision may be active at once, without a pause"
            } else {
                "the same revision that was aborted is exposed again"
            }),
            if_wrong: Shown::fixed("abort"),
            verify: Shown::fixed("under way, not Degraded, for 30 s"),
            notes: Vec::new(),
        },
        goal: goal(draft, seen, RolloutWant::Retried),
        timing: Timing::new(60, 30),
        backout: Some(Backout { verb: Verb::Abort, params: Params::default(), words: "abort".into() }),
        debts: Vec::new(),
        fingerprint: facts(seen),
        findings: vec![same_object(draft.request, &seen.head), state],
        expected_red: Vec::new(),
    })
}
