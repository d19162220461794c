//! Guards about how many instances stay: autoscaler bounds, disruption budgets, the capacity floor (facts/trust.md A3).

use super::{Finding, GuardId};
use crate::operation::evidence::Sheet;
use crate::operation::evidence::kube::{AutoscalerSeen, BudgetSeen, PodSeen};
use crate::operation::policy::Policy;
use crate::operation::target::Target;
use crate::shown;

/// The autoscaler that owns the target's replicas.
#[must_use]
pub fn autoscaler<'a>(sheet: &'a Sheet, target: &Target) -> Option<&'a AutoscalerSeen> {
    let owns = |scaler: &&AutoscalerSeen| {
        scaler.scales.0.as_str() == target.engine.name() && scaler.scales.1 == target.component.name
    };
    sheet.autoscalers()?.iter().find(owns)
}

/// A number that the autoscaler would override at its next sync (15 s) is refused; its bounds are what to change.
#[must_use]
pub fn bounds(scaler: Option<&AutoscalerSeen>, wanted: u32) -> Finding {
    let Some(scaler) = scaler else {
        return Finding::pass(GuardId::Bounds, "no autoscaler owns it");
    };
    let name = &scaler.head.name;
    if wanted == 0 {
        return Finding::warn(GuardId::Bounds, shown!("zero also switches the autoscaler {} off", name));
    }
    if wanted < scaler.min || wanted > scaler.max {
        return Finding::block(
            GuardId::Bounds,
            shown!("autoscaler {} keeps {}–{} and undoes {} within seconds", name, scaler.min, scaler.max, wanted),
            shown!("change its bounds instead: bounds {} {}", wanted.min(scaler.min), wanted.max(scaler.max)),
        );
    }
    Finding::warn(
        GuardId::Bounds,
        shown!("autoscaler {} ({}–{}) decides again at its next sync", name, scaler.min, scaler.max),
    )
}

/// Healthy instances that must stay: the disruption budget's, else the policy's share of the desired.
#[must_use]
pub fn floor(budget: Option<&BudgetSeen>, desired: u32, policy: &Policy) -> u32 {
    budget.map_or_else(|| (f64::from(desired) * policy.floor).ceil() as u32, |budget| budget.floor)
}

/// Refuses to leave fewer healthy instances than the floor, or none.
#[must_use]
pub fn capacity(left: u32, now: u32, floor: u32) -> Finding {
    if left == 0 {
        return Finding::block(
            GuardId::Capacity,
            shown!("0 of {} would stay healthy", now),
            "keep at least one instance",
        );
    }
    if left < floor {
        return Finding::block(
            GuardId::Capacity,
            shown!("{} would stay healthy, the floor is {}", left, floor),
            shown!("keep at least {}", floor),
        );
    }
    Finding::pass(GuardId::Capacity, shown!("{} stay healthy, floor {}", left, floor))
}

/// The server's own verdict on taking a pod away, before it is asked (facts/kubernetes.md 1.9).
#[must_use]
pub fn disruption(pod: &PodSeen, budgets: &[BudgetSeen]) -> Finding {
    let name = &pod.head.name;
    let covering: Vec<&BudgetSeen> = budgets.iter().filter(|budget| budget.covers(pod)).collect();
    match covering.as_slice() {
        _ if !pod.ready && matches!(pod.phase.as_str(), "Pending" | "Succeeded" | "Failed") => {
            Finding::pass(GuardId::Disruption, shown!("{} is {}: no budget counts it", name, pod.phase))
        }
        [] => Finding::warn(GuardId::Disruption, shown!("no disruption budget covers {}", name)),
        [budget] if !budget.observed => {
            Finding::warn(GuardId::Disruption, shown!("budget {} is not yet counted", budget.head.name))
        }
        [budget] if !pod.ready && budget.lets_unready_go() => {
            Finding::pass(GuardId::Disruption, shown!("{} is not ready: budget {} lets it go", name, budget.head.name))
        }
        [budget] if budget.allowed == 0 => Finding::block(
            GuardId::Disruption,
            shown!("budget {} needs {} healthy and has {}", budget.head.name, budget.floor, budget.healthy),
            "wait until another instance is ready",
        ),
        [budget] => Finding::pass(GuardId::Disruption, shown!("budget {} allows {}", budget.head.name, budget.allowed)),
        several => Finding::block(
            GuardId::Disruption,
            shown!("{} budgets cover {}: the server refuses with an error", several.len(), name),
            "leave one budget for these pods",
        ),
    }
}
