//! One file per operation: which evidence it wants, and the plan that follows from it.
//!
//! Everything here is pure over a [`Draft`]. [`wants`] is asked again after each round of answers, until it asks nothing
//! new: what to read next may depend on what was read (the selector of a workload, the owner that its labels name).

mod abort;
mod aurora;
mod bounds;
mod cache;
mod cnpg;
mod drain;
mod evict;
mod node;
mod pause;
mod promote;
mod rds;
mod restart;
mod retry;
mod rollback;
mod scale;
mod sync;
#[cfg(test)]
mod tests;

use super::evidence::json::Head;
use super::evidence::owner::OwnerRef;
use super::evidence::rollout::RolloutSeen;
use super::evidence::{Gather, Named, Sheet};
use super::mutation::Resource;
use super::plan::{Debt, Plan};
use super::policy::{Now, Policy};
use super::scene::Scene;
use super::target::{Engine, Request, Target};
use super::verb::Verb;
use crate::domain::text::{Raw, Shown};
use crate::domain::time::Stamp;
use crate::shown;

/// What a plan is made of.
#[derive(Clone, Copy, Debug)]
pub struct Draft<'a> {
    pub request: &'a Request,
    pub sheet: &'a Sheet,
    pub scene: &'a Scene,
    pub policy: &'a Policy,
    pub now: Now,
    /// When the card was opened: times inside requests are taken from it, so that planning twice gives the same request.
    pub opened: Stamp,
}

/// Why there is no plan: what stands in the way, and what to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    pub what: Shown,
    pub hint: Shown,
}

impl Refusal {
    #[must_use]
    pub fn new(what: impl Into<Shown>, hint: impl Into<Shown>) -> Self {
        Self { what: what.into(), hint: hint.into() }
    }

    /// A read that is needed has no answer.
    fn unread(what: &'static str) -> Self {
        Self::new(shown!("{} could not be read", what), "see the sources (S), then try again")
    }
}

impl<'a> Draft<'a> {
    #[must_use]
    pub const fn target(&self) -> &'a Target {
        &self.request.target
    }

    fn named(&self) -> Named {
        Named { namespace: self.target().component.scope.clone(), name: self.target().component.name.clone() }
    }

    fn rollout(&self) -> Result<&'a RolloutSeen, Refusal> {
        self.sheet.rollout().ok_or(Refusal::unread("the Rollout"))
    }

    /// Head of the object that is changed.
    fn head(&self) -> Option<&'a Head> {
        self.sheet.rollout().map(|seen| &seen.head).or_else(|| self.sheet.workload().map(|seen| &seen.head))
    }
}

/// The resource of a workload engine.
#[must_use]
pub const fn resource(engine: Engine) -> Option<Resource> {
    match engine {
        Engine::Rollout => Some(Resource::ROLLOUT),
        Engine::Deployment => Some(Resource::DEPLOYMENT),
        Engine::StatefulSet => Some(Resource::STATEFUL_SET),
        Engine::DaemonSet => Some(Resource::DAEMON_SET),
        Engine::Node => Some(Resource::NODE),
        Engine::CloudNativePg => Some(Resource::CNPG_CLUSTER),
        Engine::RdsInstance | Engine::Aurora | Engine::ElastiCache => None,
    }
}

/// Whether a verb applies to an engine at all.
#[must_use]
pub const fn applies(verb: Verb, engine: Engine) -> bool {
    use Engine as E;
    match verb {
        Verb::Abort | Verb::Pause | Verb::Resume | Verb::Promote | Verb::PromoteFull | Verb::Retry => {
            matches!(engine, E::Rollout)
        }
        Verb::Rollback | Verb::Restart => {
            matches!(engine, E::Rollout | E::Deployment | E::StatefulSet | E::DaemonSet)
        }
        Verb::Scale | Verb::Bounds => matches!(engine, E::Rollout | E::Deployment | E::StatefulSet),
        Verb::Evict => matches!(engine, E::Rollout | E::Deployment | E::StatefulSet | E::DaemonSet),
        Verb::SuspendSync | Verb::ResumeSync => {
            matches!(engine, E::Rollout | E::Deployment | E::StatefulSet | E::DaemonSet)
        }
        Verb::Failover => matches!(engine, E::RdsInstance | E::Aurora | E::CloudNativePg | E::ElastiCache),
        Verb::Cordon | Verb::Uncordon | Verb::Drain => matches!(engine, E::Node),
    }
}

/// What has to be read, as far as is known now.
#[must_use]
pub fn wants(draft: &Draft<'_>) -> Vec<Gather> {
    let engine = draft.target().engine;
    let region = || draft.target().component.scope.clone();
    let id = || draft.target().component.name.clone();
    let mut asks = match engine {
        Engine::Rollout => vec![Gather::Rollout(draft.named())],
        Engine::Deployment | Engine::StatefulSet | Engine::DaemonSet => {
            resource(engine).map(|resource| Gather::Workload(resource, draft.named())).into_iter().collect()
        }
        Engine::Node => vec![Gather::Node { name: id() }],
        Engine::CloudNativePg => cnpg::wants(draft),
        Engine::RdsInstance => rds::wants(draft),
        Engine::Aurora => vec![Gather::DbCluster { region: region(), id: id() }],
        Engine::ElastiCache => vec![Gather::CacheGroup { region: region(), id: id() }],
    };
    asks.extend(match draft.request.verb {
        Verb::Rollback => rollback::wants(draft),
        Verb::Scale | Verb::Bounds | Verb::Restart => scale::wants(draft),
        Verb::Drain => drain::wants(draft),
        Verb::Evict => evict::wants(draft),
        _ => Vec::new(),
    });
    if let Some(owner) = draft.head().and_then(|head| OwnerRef::of(head, &draft.policy.argocd_namespace)) {
        asks.push(Gather::Owner(owner));
    }
    asks
}

/// The plan, or why there is none.
///
/// # Errors
/// When the verb does not apply to the target or to its present state, or when something needed could not be read.
pub fn plan(draft: &Draft<'_>) -> Result<Plan, Refusal> {
    let request = draft.request;
    if !applies(request.verb, request.target.engine) {
        let what = shown!("{} is nothing for a {}", request.verb.name(), request.target.engine.name());
        return Err(Refusal::new(what, "see what is offered (a)"));
    }
    let plan = match request.verb {
        Verb::Abort => abort::plan(draft),
        Verb::Pause => pause::pause(draft),
        Verb::Resume => pause::resume(draft),
        Verb::Promote => promote::one(draft),
        Verb::PromoteFull => promote::full(draft),
        Verb::Retry => retry::plan(draft),
        Verb::Rollback => rollback::plan(draft),
        Verb::Scale => scale::plan(draft),
        Verb::Bounds => bounds::plan(draft),
        Verb::Restart => restart::plan(draft),
        Verb::Cordon => node::cordon(draft),
        Verb::Uncordon => node::uncordon(draft),
        Verb::Drain => drain::plan(draft),
        Verb::Evict => evict::plan(draft),
        Verb::SuspendSync => sync::suspend(draft),
        Verb::ResumeSync => sync::resume(draft),
        Verb::Failover => match request.target.engine {
            Engine::RdsInstance => rds::plan(draft),
            Engine::Aurora => aurora::plan(draft),
            Engine::ElastiCache => cache::plan(draft),
            _ => cnpg::plan(draft),
        },
    }?;
    let plan = with_owner_suspended(draft, plan)?;
    Ok(held_against_owner(draft, softened(draft, plan)))
}

/// The way back from one's own operation mends: it is as safe as an abort, unless it exposes users again.
fn softened(draft: &Draft<'_>, mut plan: Plan) -> Plan {
    if draft.request.is_way_back() && plan.risk != super::verb::Risk::Irreversible {
        plan.risk = super::verb::Risk::Safer;
    }
    plan
}

/// Suspends the owner's sync first, where that was chosen, and books the debt.
fn with_owner_suspended(draft: &Draft<'_>, mut plan: Plan) -> Result<Plan, Refusal> {
    if !draft.request.params.suspend_owner || matches!(draft.request.verb, Verb::SuspendSync | Verb::ResumeSync) {
        return Ok(plan);
    }
    let owner = draft.sheet.owner().ok_or(Refusal::new("no GitOps owner is known", "plan without suspending it"))?;
    if owner.suspended {
        return Ok(plan);
    }
    let (step, debt) = sync::suspension(owner);
    plan.steps.insert(0, step);
    for debt in &mut plan.debts {
        debt.booked_by += 1;
        debt.cleared_by = debt.cleared_by.map(|step| step + 1);
    }
    plan.debts.insert(0, debt);
    plan.fingerprint.extend(sync::facts(owner));
    Ok(plan)
}

/// An owner that reverts within seconds is looked out for: the end state is read back for a minute.
fn held_against_owner(draft: &Draft<'_>, mut plan: Plan) -> Plan {
    // Its own suspension is not in git: nothing would revert that.
    let own = matches!(draft.request.verb, Verb::SuspendSync | Verb::ResumeSync);
    let reverts = draft.sheet.owner().is_some_and(|owner| owner.reverts) && !own;
    if reverts && !draft.request.params.suspend_owner {
        plan.timing.hold = plan.timing.hold.max(std::time::Duration::from_secs(60));
    }
    plan
}

/// `12 %`.
fn percent(value: u32) -> Shown {
    shown!("{} %", value)
}

/// A debt booked by the first step.
fn debt(what: Shown, kind: super::plan::DebtKind) -> Debt {
    Debt { what, kind, booked_by: 0, cleared_by: None }
}

/// Images as one text.
fn listed(names: &[Raw]) -> Shown {
    Shown::joined(names.iter().map(Raw::shown), ", ")
}
