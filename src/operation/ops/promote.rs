//! Promote one step, and promote fully (facts/kubernetes.md 1.5, facts/controlplane.md 5).
//!
//! A step is promoted by clearing the pause that holds it; the index of the step that the operator saw is asserted, so
//! that a step taken meanwhile is not taken twice. On an aborted rollout the API accepts a promotion and nothing happens.

use serde_json::{Value, json};

use super::abort::{facts, goal, hold};
use super::{Draft, Refusal, percent};
use crate::domain::text::{Raw, Shown};
use crate::operation::evidence::rollout::{RolloutSeen, Step as RolloutStep, Strategy};
use crate::operation::guard::common::same_object;
use crate::operation::guard::{Finding, GuardId};
use crate::operation::mutation::{KubeMutation, Mutation, Resource};
use crate::operation::plan::{Backout, Change, Fact, Plan, Step, Story, Timing};
use crate::operation::target::Params;
use crate::operation::verb::{Risk, Verb};
use crate::operation::verify::{Goal, RolloutWant};
use crate::shown;

pub fn one(draft: &Draft<'_>) -> Result<Plan, Refusal> {
    let seen = draft.rollout()?;
    ready(seen)?;
    let at = draft.named();
    let promotion = promotion(seen)?;
    let want = match seen.state.step {
        Some(from) if !seen.is_blue_green() => RolloutWant::Advanced { from },
        _ => RolloutWant::Complete,
    };
    let mut fingerprint = facts(seen);
    fingerprint.push(Fact::new("step", Raw::from(seen.state.step.map_or_else(String::new, |step| step.to_string()))));
    let words = ["kubectl", "argo", "rollouts", "promote", at.name.as_str(), "-n", at.namespace.as_str()];
    let (diff, expected) = ahead(seen);
    Ok(Plan {
        // Blue-green has no steps: its promotion moves everyone at once.
        risk: if seen.is_blue_green() { Risk::Risky } else { Risk::Careful },
        steps: release(seen).into_iter().chain([promotion.typed(words)]).collect(),
        diff,
        story: Story {
            blast: Shown::fixed(if seen.is_blue_green() { "everyone" } else { "the next step's share of users" }),
            meanwhile: Shown::default(),
            after: Shown::fixed("it stops at the next pause, or becomes stable"),
            if_wrong: Shown::fixed("abort sends everyone back to the stable revision"),
            verify: Shown::fixed("past this step and errors < 1 % for 60 s"),
            notes: Vec::new(),
        },
        goal: goal(draft, seen, want),
        timing: Timing::new(u64::from(expected), 60).with_errors_below(0.01),
        backout: backout(),
        debts: Vec::new(),
        fingerprint,
        findings: findings(draft, seen),
        expected_red: Vec::new(),
    })
}

pub fn full(draft: &Draft<'_>) -> Result<Plan, Refusal> {
    let seen = draft.rollout()?;
    ready(seen)?;
    let at = draft.named();
    let asserts = [
        ("/status/currentPodHash", json!(seen.state.current.as_str())),
        ("/status/stableRS", json!(seen.state.stable.as_str())),
    ];
    let change = json!({ "op": "add", "path": "/status/promoteFull", "value": true });
    let object = seen.head.object(Resource::ROLLOUT);
    let mutation = Mutation::Kube(KubeMutation::json(&object, Some("status"), &asserts, &[change]));
    let step = Step::new(Shown::fixed("skip every step that is left"), mutation).typed([
        "kubectl",
        "argo",
        "rollouts",
        "promote",
        "--full",
        at.name.as_str(),
        "-n",
        at.namespace.as_str(),
    ]);
    Ok(Plan {
        risk: Risk::Risky,
        steps: release(seen).into_iter().chain([step]).collect(),
        diff: vec![
            Change::new("new revision", percent(seen.set_weight()), percent(100)),
            Change::new("stable", seen.state.stable.shown(), seen.state.current.shown()),
        ],
        story: Story {
            blast: Shown::fixed("everyone"),
            meanwhile: Shown::default(),
            after: shown!("{} is the stable revision; analyses that are left do not run", seen.state.current),
            if_wrong: Shown::fixed("roll back: an abort may be ignored once it is promoted (argo-rollouts 4461)"),
            verify: Shown::fixed("stable, Healthy and errors < 1 % for 60 s"),
            notes: Vec::new(),
        },
        goal: goal(draft, seen, RolloutWant::Complete),
        timing: Timing::new(180, 60).with_errors_below(0.01),
        backout: Some(Backout {
            verb: Verb::Rollback,
            params: Params { revision: Some(seen.state.stable.clone()), ..Params::default() },
            words: shown!("roll back to {}", seen.state.stable),
        }),
        debts: Vec::new(),
        fingerprint: facts(seen),
        findings: findings(draft, seen),
        expected_red: Vec::new(),
    })
}

fn ready(seen: &RolloutSeen) -> Result<(), Refusal> {
    if seen.state.aborted {
        return Err(Refusal::new("it is aborted: a promotion would be accepted and do nothing", "retry it first"));
    }
    if !seen.under_way() {
        return Err(Refusal::new("the new revision is the stable one already", "nothing to promote"));
    }
    if seen.state.promoting_fully {
        return Err(Refusal::new("a full promotion runs already", "watch it"));
    }
    Ok(())
}

/// A hold by hand has to go first: a promotion under it clears the pause, does not advance, and stops again.
fn release(seen: &RolloutSeen) -> Option<Step> {
    let step = || {
        let mut step = Step::new(Shown::fixed("take the hold off first"), hold(seen, false));
        let at =
            crate::operation::evidence::Named { namespace: seen.head.namespace.clone(), name: seen.head.name.clone() };
        let goal = Goal::Rollout {
            at,
            uid: seen.head.uid.clone(),
            stable: seen.state.stable.clone(),
            current: seen.state.current.clone(),
            want: RolloutWant::Released,
        };
        step.settle = Some((goal, std::time::Duration::from_secs(30)));
        step
    };
    seen.paused.then(step)
}

fn promotion(seen: &RolloutSeen) -> Result<Step, Refusal> {
    let state = &seen.state;
    let mut asserts = vec![("/status/currentPodHash", json!(state.current.as_str()))];
    asserts.extend(state.step.map(|step| ("/status/currentStepIndex", json!(step))));
    let clear = json!({ "op": "remove", "path": "/status/pauseConditions" });
    let advance = |step: u32| -> Value {
        json!({ "op": "replace", "path": "/status/currentStepIndex", "value": (step + 1).min(seen.steps()) })
    };
    let (title, changes) = match state.step.filter(|_| !seen.is_blue_green()) {
        Some(step) if seen.inconclusive() && state.controller_pause => (
            "go on in spite of an inconclusive analysis",
            vec![clear, json!({ "op": "add", "path": "/status/controllerPause", "value": false }), advance(step)],
        ),
        _ if !state.pauses.is_empty() => ("end the pause", vec![clear]),
        Some(step) if step < seen.steps() => ("skip the running step", vec![advance(step)]),
        _ => return Err(Refusal::new("it does not wait for a promotion", "it goes on by itself")),
    };
    let object = seen.head.object(Resource::ROLLOUT);
    let mutation = KubeMutation::json(&object, Some("status"), &asserts, &changes);
    Ok(Step::new(Shown::fixed(title), Mutation::Kube(mutation)))
}

fn backout() -> Option<Backout> {
    Some(Backout { verb: Verb::Abort, params: Params::default(), words: "abort".into() })
}

fn findings(draft: &Draft<'_>, seen: &RolloutSeen) -> Vec<Finding> {
    let state = if let Some(why) = seen.paused_because() {
        Finding::pass(GuardId::State, why)
    } else {
        Finding::warn(GuardId::State, shown!("{}: a running step is cut short", seen.state.phase))
    };
    let inconclusive = seen.inconclusive().then(|| Finding::warn(GuardId::State, "its analysis was inconclusive"));
    [same_object(draft.request, &seen.head), state].into_iter().chain(inconclusive).collect()
}

/// What the next step changes, and how many seconds until the next stop.
fn ahead(seen: &RolloutSeen) -> (Vec<Change>, u32) {
    let Strategy::Canary { steps, .. } = &seen.strategy else {
        let change = Change::new("active", seen.state.active.shown(), seen.state.current.shown());
        return (vec![change], 60);
    };
    let from = seen.state.step.unwrap_or(0);
    let next = usize::try_from(from).unwrap_or(usize::MAX).saturating_add(1);
    let (mut weight, mut waits, mut stop) = (seen.set_weight(), 30_u32, steps.len());
    for (index, step) in steps.iter().enumerate().skip(next) {
        match step {
            RolloutStep::Weight(to) => weight = *to,
            RolloutStep::Pause(Some(seconds)) => waits = waits.saturating_add(*seconds),
            RolloutStep::Pause(None) => {
                stop = index;
                break;
            }
            RolloutStep::Analysis | RolloutStep::Other => waits = waits.saturating_add(60),
        }
    }
    if stop == steps.len() {
        weight = 100;
    }
    let changes = vec![
        Change::new("step", shown!("{}/{}", from, steps.len()), shown!("{}/{}", stop, steps.len())),
        Change::new("canary traffic", percent(seen.set_weight()), percent(weight)),
    ];
    (changes, waits)
}
