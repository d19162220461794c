//! Hold a rollout where it is, and let it go (`spec.paused`, facts/kubernetes.md 1.5).

use super::abort::{facts, goal, hold};
use super::{Draft, Refusal, debt};
use crate::domain::text::Shown;
use crate::operation::guard::common::same_object;
use crate::operation::guard::{Finding, GuardId};
use crate::operation::plan::{Backout, Change, DebtKind, Plan, Step, Story, Timing};
use crate::operation::target::Params;
use crate::operation::verb::{Risk, Verb};
use crate::operation::verify::RolloutWant;
use crate::shown;

pub fn pause(draft: &Draft<'_>) -> Result<Plan, Refusal> {
    let seen = draft.rollout()?;
    if seen.paused {
        return Err(Refusal::new("it is held already", "resume lets it go"));
    }
    if !seen.under_way() {
        return Err(Refusal::new("no rollout is under way", "nothing to hold"));
    }
    let at = draft.named();
    let step = Step::new(Shown::fixed("hold the rollout"), hold(seen, true)).typed([
        "kubectl",
        "argo",
        "rollouts",
        "pause",
        at.name.as_str(),
        "-n",
        at.namespace.as_str(),
    ]);
    Ok(Plan {
        risk: Risk::Safer,
        steps: vec![step],
        diff: vec![Change::new("held", "no", "yes"), Change::new("step", step_of(draft), step_of(draft))],
        story: Story {
            blast: shown!("the rollout of {} stops where it is", at.name),
            meanwhile: Shown::fixed("whoever the canary serves now stays on it"),
            after: Shown::fixed("phase Paused, manually; the canary keeps its share"),
            if_wrong: Shown::fixed("resume"),
            verify: Shown::fixed("held for 10 s"),
            notes: Vec::new(),
        },
        goal: goal(draft, seen, RolloutWant::Held),
        timing: Timing::new(10, 10),
        backout: Some(Backout {
            verb: Verb::Resume,
            params: Params::default(),
            words: "let the rollout go on, to more users".into(),
        }),
        debts: vec![debt(shown!("{} is held by hand", at.name), DebtKind::Hold { rollout: at.name })],
        fingerprint: facts(seen),
        findings: vec![same_object(draft.request, &seen.head), Finding::pass(GuardId::State, seen.state.phase.shown())],
        expected_red: Vec::new(),
    })
}

pub fn resume(draft: &Draft<'_>) -> Result<Plan, Refusal> {
    let seen = draft.rollout()?;
    if !seen.paused {
        let hint = if seen.state.pauses.is_empty() { "nothing to resume" } else { "promote takes the next step" };
        return Err(Refusal::new("it is not held by hand", hint));
    }
    let at = draft.named();
    let state = if seen.state.aborted {
        Finding::warn(GuardId::State, "it is aborted: nothing will move until it is retried")
    } else {
        Finding::pass(GuardId::State, seen.state.phase.shown())
    };
    Ok(Plan {
        risk: Risk::Careful,
        steps: vec![Step::new(Shown::fixed("take the hold off"), hold(seen, false))],
        diff: vec![Change::new("held", "yes", "no")],
        story: Story {
            blast: shown!("the rollout of {} goes on by its own steps", at.name),
            meanwhile: Shown::fixed("timed steps expose more users as they pass"),
            after: Shown::fixed("it stops at the next pause of its steps"),
            if_wrong: Shown::fixed("pause again, or abort"),
            verify: Shown::fixed("not held for 10 s"),
            notes: Vec::new(),
        },
        goal: goal(draft, seen, RolloutWant::Released),
        timing: Timing::new(10, 10),
        backout: Some(Backout { verb: Verb::Pause, params: Params::default(), words: "pause again".into() }),
        debts: Vec::new(),
        fingerprint: facts(seen),
        findings: vec![same_object(draft.request, &seen.head), state],
        expected_red: Vec::new(),
    })
}

fn step_of(draft: &Draft<'_>) -> Shown {
    let seen = draft.sheet.rollout();
    seen.and_then(|seen| Some(shown!("{}/{}", seen.state.step?, seen.steps()))).unwrap_or(Shown::fixed("-"))
}
