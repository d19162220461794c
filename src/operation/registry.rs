//! Which operations a component offers, with the reason when one is not available: the action menu, the palette and
//! `tierdeck run` read this. Judged by the slim rows of the board; the plan looks closer.

use super::ops;
use super::target::{Engine, Target};
use super::verb::{Risk, Verb};
use crate::domain::text::Shown;
use crate::model::board::{Board, ComponentRow};
use crate::shown;

/// An operation as it is offered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Offer {
    pub verb: Verb,
    /// The least risk it can have; parameters may raise it (scaling down, an older revision).
    pub risk: Risk,
    /// Why it is not available now.
    pub unavailable: Option<Shown>,
}

/// Everything that applies to the kind of component, in the order of the menu. Empty where nothing can be operated.
#[must_use]
pub fn offers(row: &ComponentRow) -> Vec<Offer> {
    let Some(target) = Target::of(row) else { return Vec::new() };
    let verbs = Verb::ALL.into_iter().filter(|verb| ops::applies(*verb, target.engine));
    verbs.map(|verb| Offer { verb, risk: least_risk(verb), unavailable: unavailable(verb, &target, row) }).collect()
}

/// What a TARGET of the command line names: `name`, `namespace/name` or `kind/namespace/name`.
///
/// # Errors
/// All that it may mean, when it is not exactly one; none when nothing has the name.
pub fn find<'a>(board: &'a Board, text: &str) -> Result<&'a ComponentRow, Vec<Shown>> {
    let rows = || board.tiers.iter().flat_map(|tier| &tier.components).filter(|row| Target::of(row).is_some());
    let parts: Vec<&str> = text.splitn(3, '/').collect();
    let named = |row: &&ComponentRow| match parts.as_slice() {
        [name] => row.id.name.as_str() == *name,
        [scope, name] => row.id.scope.as_str() == *scope && row.id.name.as_str() == *name,
        [kind, scope, name] => {
            row.id.kind.name() == *kind && row.id.scope.as_str() == *scope && row.id.name.as_str() == *name
        }
        _ => false,
    };
    let found: Vec<&ComponentRow> = rows().filter(named).collect();
    match found.as_slice() {
        [one] => Ok(one),
        several => Err(several.iter().map(|row| row.id.shown()).collect()),
    }
}

const fn least_risk(verb: Verb) -> Risk {
    match verb {
        Verb::Abort | Verb::Pause | Verb::Scale | Verb::Bounds | Verb::Uncordon | Verb::ResumeSync => Risk::Safer,
        Verb::Promote
        | Verb::Resume
        | Verb::Retry
        | Verb::Rollback
        | Verb::Cordon
        | Verb::Evict
        | Verb::SuspendSync => Risk::Careful,
        Verb::PromoteFull | Verb::Drain | Verb::Restart | Verb::Failover => Risk::Risky,
    }
}

fn unavailable(verb: Verb, target: &Target, row: &ComponentRow) -> Option<Shown> {
    let rollout = row.rollout.as_ref();
    let under_way = rollout.is_some_and(|rollout| rollout.canary.is_some());
    let phase = rollout.map(|rollout| rollout.phase.as_str()).unwrap_or_default();
    match verb {
        Verb::Abort | Verb::Pause | Verb::Promote | Verb::PromoteFull if !under_way => {
            Some(Shown::fixed("no rollout is under way"))
        }
        Verb::Abort | Verb::Promote | Verb::PromoteFull if phase == "Degraded" => {
            Some(Shown::fixed("the rollout is aborted or degraded: retry it, or roll back"))
        }
        Verb::Retry if phase != "Degraded" => Some(Shown::fixed("it is not aborted")),
        Verb::Resume if phase != "Paused" => Some(Shown::fixed("it is not paused")),
        Verb::Bounds if row.replicas.is_none_or(|replicas| replicas.bounds.is_none()) => {
            Some(Shown::fixed("no autoscaler owns it"))
        }
        Verb::Evict if row.members.is_empty() => Some(Shown::fixed("it has no pods")),
        Verb::Failover if target.engine == Engine::RdsInstance => {
            let standby = row.attributes.iter().any(|(name, _)| *name == "standby");
            (!standby).then_some(Shown::fixed("it has no standby (not Multi-AZ)"))
        }
        Verb::Failover if row.members.len() == 1 => Some(shown!("{} is its only instance", row.name)),
        _ => None,
    }
}
