//! Which operations a component offers, with the reason when one is not available: the action menu, the palette and
//! `tierdeck run` read this. Judged by the slim rows of the board; the plan looks closer.

use super::ops;
use super::target::{Engine, Target};
use super::verb::{Risk, Verb};
use crate::domain::text::{Raw, Shown};
use crate::model::board::{Board, ComponentRow, SourceKind};
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

/// A TARGET that does not name exactly one component that the verb applies to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unclear {
    /// The sentence up to the candidates.
    pub what: Shown,
    /// What it may mean, as [`find`] takes it.
    pub candidates: Vec<Shown>,
    /// Each of them has the name.
    pub is_ambiguous: bool,
}

impl Unclear {
    /// On one line.
    #[must_use]
    pub fn sentence(&self) -> Shown {
        match self.candidates.as_slice() {
            [] => self.what.clone(),
            candidates => shown!("{}: {}", self.what, Shown::joined(candidates, ", ")),
        }
    }
}

/// Candidates for a name that nothing has.
const NEAR: usize = 8;

/// What a TARGET names among the components that a verb applies to: `name`, `namespace/name` or `kind/namespace/name`.
///
/// # Errors
/// It is not exactly one.
pub fn find<'a>(board: &'a Board, verb: Verb, text: &str) -> Result<&'a ComponentRow, Unclear> {
    let all = || board.tiers.iter().flat_map(|tier| &tier.components);
    let fits = |row: &&ComponentRow| Target::of(row).is_some_and(|target| ops::applies(verb, target.engine));
    let named = |row: &&ComponentRow| is_called(row, text);
    let found: Vec<&ComponentRow> = all().filter(fits).filter(named).collect();
    if let [one] = found.as_slice() {
        return Ok(one);
    }
    let ids = |rows: &[&ComponentRow]| rows.iter().map(|row| row.id.shown()).collect();
    let typed = Raw::new(text);
    if !found.is_empty() {
        return Err(Unclear { what: shown!("{} may be", typed), candidates: ids(&found), is_ambiguous: true });
    }
    if let Some(other) = all().find(named) {
        let what = shown!("{} is nothing for {}", verb.name(), other.id.shown());
        return Err(Unclear { what, candidates: Vec::new(), is_ambiguous: false });
    }
    let name = text.rsplit('/').next().unwrap_or(text);
    let mut near: Vec<&ComponentRow> = all().filter(fits).filter(|row| row.id.name.as_str().contains(name)).collect();
    if near.is_empty() {
        near = all().filter(fits).collect();
    }
    near.truncate(NEAR);
    let there = if near.is_empty() { "" } else { "; there is" };
    let what = shown!("nothing that {} applies to is called {}{}", verb.name(), typed, there);
    Err(Unclear { what, candidates: ids(&near), is_ambiguous: false })
}

fn is_called(row: &ComponentRow, text: &str) -> bool {
    let id = &row.id;
    match text.splitn(3, '/').collect::<Vec<_>>().as_slice() {
        [name] => id.name.as_str() == *name,
        [scope, name] if id.scope.as_str() == *scope => id.name.as_str() == *name,
        // What has no scope is told as `kind/name`.
        [kind, name] => id.scope.is_empty() && id.kind.name() == *kind && id.name.as_str() == *name,
        [kind, scope, name] => id.kind.name() == *kind && id.scope.as_str() == *scope && id.name.as_str() == *name,
        _ => false,
    }
}

/// Whether a TARGET can name one component only, whatever else there is.
#[must_use]
pub fn is_exact(text: &str) -> bool {
    text.split('/').count() >= 3
}

/// The kinds of sources that tell of what a verb applies to: before they have answered nobody knows what a name means.
#[must_use]
pub fn told_by(verb: Verb) -> Vec<SourceKind> {
    let tells = |kind: &SourceKind| {
        let mut engines = Engine::ALL.into_iter().filter(|engine| ops::applies(verb, *engine));
        engines.any(|engine| engine.is_kubernetes() == matches!(kind, SourceKind::Kubernetes))
    };
    [SourceKind::Kubernetes, SourceKind::Aws].into_iter().filter(tells).collect()
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::id::Kind;
    use crate::operation::testing::board_of;

    #[test]
    fn a_target_is_one_component_that_the_verb_applies_to_or_its_candidates() {
        let board = board_of(&[
            (Kind::Rollout, "shop", "orders"),
            (Kind::Deployment, "staging", "orders"),
            (Kind::DbInstance, "eu-west-1", "orders"),
            (Kind::Deployment, "shop", "worker"),
            (Kind::Node, "", "node-a"),
            (Kind::LoadBalancer, "eu-west-1", "app/shop/50dc"),
        ]);
        let both = "orders may be: rollout/shop/orders, deployment/staging/orders";
        let cases = [
            (Verb::Abort, "orders", Ok("rollout/shop/orders")),
            (Verb::Failover, "orders", Ok("db-instance/eu-west-1/orders")),
            (Verb::Restart, "staging/orders", Ok("deployment/staging/orders")),
            (Verb::Restart, "rollout/shop/orders", Ok("rollout/shop/orders")),
            (Verb::Cordon, "node/node-a", Ok("node/node-a")),
            (Verb::Restart, "orders", Err((true, both))),
            (Verb::Abort, "worker", Err((false, "abort is nothing for deployment/shop/worker"))),
            (
                Verb::Restart,
                "app/shop/50dc",
                Err((
                    false,
                    "nothing that restart applies to is called app/shop/50dc; \
              there is: rollout/shop/orders, deployment/staging/orders, deployment/shop/worker",
                )),
            ),
            (
                Verb::Abort,
                "ordres",
                Err((
                    false,
                    "nothing that abort applies to is called ordres; \
              there is: rollout/shop/orders",
                )),
            ),
            (
                Verb::Evict,
                "",
                Err((
                    false,
                    "nothing that evict applies to is called ; \
              there is: rollout/shop/orders, deployment/staging/orders, deployment/shop/worker",
                )),
            ),
        ];
        for (verb, text, expected) in cases {
            let found = find(&board, verb, text);
            let found = found.map(|row| row.id.shown()).map_err(|unclear| (unclear.is_ambiguous, unclear.sentence()));
            let words = found.as_ref().map(Shown::as_str).map_err(|(several, words)| (*several, words.as_str()));
            assert_eq!(words, expected, "{verb:?} {text:?}");
        }
    }

    #[test]
    fn only_the_systems_that_could_have_it_are_asked() {
        assert_eq!(told_by(Verb::Abort), [SourceKind::Kubernetes]);
        assert_eq!(told_by(Verb::Failover), [SourceKind::Kubernetes, SourceKind::Aws]);
    }
}
