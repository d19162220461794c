//! The bounds of the autoscaler that owns a workload (facts/kubernetes.md 1.1, HPA).

use serde_json::json;

use super::scale::{Counted, budget, counted};
use super::{Draft, Refusal, debt};
use crate::domain::text::{Raw, Shown};
use crate::operation::evidence::kube::AutoscalerSeen;
use crate::operation::guard::capacity::{autoscaler, capacity, floor};
use crate::operation::guard::common::same_object;
use crate::operation::guard::{Finding, GuardId};
use crate::operation::mutation::{KubeMutation, Mutation, Resource};
use crate::operation::plan::{Backout, Change, DebtKind, Fact, Plan, Step, Story, Timing};
use crate::operation::target::Params;
use crate::operation::verb::{Risk, Verb};
use crate::operation::verify::Goal;
use crate::shown;

pub fn plan(draft: &Draft<'_>) -> Result<Plan, Refusal> {
    let seen = counted(draft)?;
    let (min, max) = draft.request.params.bounds.ok_or(Refusal::new("the bounds are not said", "bounds MIN MAX"))?;
    if min == 0 || min > max {
        return Err(Refusal::new(shown!("{}–{} are no bounds", min, max), "1 ≤ MIN ≤ MAX"));
    }
    let scaler = autoscaler(draft.sheet, draft.target());
    let scaler = scaler.ok_or(Refusal::new("no autoscaler owns it", "scale it instead"))?;
    if (scaler.min, scaler.max) == (min, max) {
        return Err(Refusal::new(shown!("its bounds are {}–{}", min, max), "choose others"));
    }
    // The server writes the default of the lower one down: it is always there.
    let asserts = [("/spec/minReplicas", json!(scaler.min)), ("/spec/maxReplicas", json!(scaler.max))];
    let changes = [
        json!({ "op": "add", "path": "/spec/minReplicas", "value": min }),
        json!({ "op": "replace", "path": "/spec/maxReplicas", "value": max }),
    ];
    let mutation = KubeMutation::json(&scaler.head.object(Resource::AUTOSCALER), None, &asserts, &changes);
    let lower = min < scaler.min || max < scaler.max;
    let after = scaler.current.clamp(min, max);
    let findings = findings(draft, &seen, scaler, after);
    let name = scaler.head.name.clone();
    Ok(Plan {
        risk: if lower { Risk::Risky } else { Risk::Safer },
        steps: vec![Step::new(shown!("set the bounds of {}", name), Mutation::Kube(mutation))],
        diff: vec![
            Change::new("lowest", shown!("{}", scaler.min), shown!("{}", min)),
            Change::new("highest", shown!("{}", scaler.max), shown!("{}", max)),
            Change::new("instances", shown!("{}", scaler.current), shown!("{}", after)),
        ],
        story: Story {
            blast: shown!("{} instances", after.abs_diff(scaler.current)),
            meanwhile: Shown::default(),
            after: Shown::fixed("the autoscaler follows at its next sync, about 15 s"),
            if_wrong: shown!("bounds {} {}", scaler.min, scaler.max),
            verify: Shown::fixed("the bounds stand and the instances lie within them for 15 s"),
            notes: Vec::new(),
        },
        goal: Goal::Bounds {
            namespace: scaler.head.namespace.clone(),
            name: name.clone(),
            uid: scaler.head.uid.clone(),
            min,
            max,
        },
        timing: Timing::new(60 + 15 * u64::from(after.abs_diff(scaler.current)), 15),
        backout: Some(Backout {
            verb: Verb::Bounds,
            params: Params { bounds: Some((scaler.min, scaler.max)), ..Params::default() },
            words: shown!("bounds {} {}", scaler.min, scaler.max),
        }),
        debts: vec![debt(
            shown!("bounds of {} are {}–{} (were {}–{})", name, min, max, scaler.min, scaler.max),
            DebtKind::Bounds { autoscaler: name, min: scaler.min, max: scaler.max },
        )],
        fingerprint: vec![
            Fact::new("uid", scaler.head.uid.clone()),
            Fact::new("bounds", Raw::from(format!("{}-{}", scaler.min, scaler.max))),
        ],
        findings,
        expected_red: Vec::new(),
    })
}

fn findings(draft: &Draft<'_>, seen: &Counted<'_>, scaler: &AutoscalerSeen, after: u32) -> Vec<Finding> {
    let mut findings = vec![same_object(draft.request, seen.head)];
    findings.push(if after < scaler.current {
        let least = floor(budget(draft, seen), scaler.current, draft.policy);
        capacity(after, seen.counts.available, least)
    } else {
        Finding::pass(GuardId::Capacity, shown!("{} now, {} within the bounds", scaler.current, after))
    });
    findings.push(if scaler.active {
        Finding::pass(GuardId::Bounds, shown!("it wants {}", scaler.desired))
    } else {
        Finding::warn(GuardId::Bounds, "the autoscaler has no metrics: only its bounds act")
    });
    if scaler.head.name.as_str().starts_with("keda-hpa-") {
        findings.push(Finding::warn(
            GuardId::Owner,
            "KEDA owns this autoscaler and writes its bounds back: change the ScaledObject",
        ));
    }
    findings
}
