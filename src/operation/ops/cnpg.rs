//! Switchover of a CloudNativePG cluster (facts/kubernetes.md 1.8, `internal/cmd/plugin/promote`).
//!
//! The operator's own plugin checks no lag, so the guards do. With the primary alive its shutdown waits for the replica
//! (up to `switchoverDelay`); with a dead primary what the replica has not received is lost.

use serde_json::json;

use super::{Draft, Refusal};
use crate::domain::text::{Raw, Shown};
use crate::domain::time::Stamp;
use crate::operation::evidence::kube::{CnpgInstanceSeen, CnpgSeen};
use crate::operation::evidence::{Evidence, Found, Gather};
use crate::operation::guard::common::same_object;
use crate::operation::guard::data::loss;
use crate::operation::guard::{Finding, GuardId};
use crate::operation::mutation::{KubeMutation, Mutation, Resource};
use crate::operation::plan::{Backout, Change, Fact, Plan, Step, Story, Timing};
use crate::operation::target::Params;
use crate::operation::verb::{Risk, Verb};
use crate::operation::verify::Goal;
use crate::shown;

/// The cluster, then what its instances say of themselves.
pub fn wants(draft: &Draft<'_>) -> Vec<Gather> {
    let namespace = draft.target().component.scope.clone();
    let instances = draft.sheet.cnpg().into_iter().flat_map(|seen| &seen.names);
    let instances = instances.map(|pod| Gather::CnpgInstance { namespace: namespace.clone(), pod: pod.clone() });
    std::iter::once(Gather::CnpgCluster(draft.named())).chain(instances).collect()
}

pub fn plan(draft: &Draft<'_>) -> Result<Plan, Refusal> {
    let seen = draft.sheet.cnpg().ok_or(Refusal::unread("the PostgreSQL cluster"))?;
    if seen.current != seen.target {
        let what = shown!("the operator moves the primary already: {} to {}", seen.current, seen.target);
        return Err(Refusal::new(what, "wait for it"));
    }
    let candidate = candidate(draft, seen)?;
    let alive = primary_alive(draft, seen);
    let lossy = !alive && draft.request.params.accept_loss;
    Ok(Plan {
        risk: if lossy { Risk::Irreversible } else { Risk::Risky },
        steps: vec![step(draft, seen, &candidate)],
        diff: vec![
            Change::new("primary", seen.current.shown(), candidate.shown()),
            Change::new("the old primary", if alive { "alive" } else { "dead" }, "replica"),
        ],
        story: Story {
            blast: crate::operation::scene_words::callers(draft.scene),
            meanwhile: Shown::fixed("every connection is cut; writes fail until the replica is promoted"),
            after: Shown::fixed("the old primary follows as a replica"),
            if_wrong: shown!("switch back to {} once it has joined again", seen.current),
            verify: shown!("primary {}, cluster healthy for 30 s, errors < 1 %", candidate),
            notes: vec![shown!("the old primary may take up to {} s to shut down", seen.switchover_delay)],
        },
        goal: Goal::CnpgPrimary {
            at: draft.named(),
            uid: seen.head.uid.clone(),
            from: seen.current.clone(),
            to: candidate.clone(),
        },
        timing: Timing::new(90, 30).with_errors_below(0.01),
        backout: Some(Backout {
            verb: Verb::Failover,
            params: Params { to: Some(seen.current.clone()), ..Params::default() },
            words: shown!("switch back to {}", seen.current),
        }),
        debts: Vec::new(),
        fingerprint: vec![
            Fact::new("uid", seen.head.uid.clone()),
            Fact::new("primary", seen.current.clone()),
            Fact::new("target", candidate.clone()),
            Fact::new("primary alive", if alive { "yes" } else { "no" }),
        ],
        findings: findings(draft, seen, &candidate, alive),
        expected_red: vec![draft.target().component.clone()],
    })
}

/// The status patch of the operator's own plugin, with the uid and the present target asserted.
fn step(draft: &Draft<'_>, seen: &CnpgSeen, candidate: &Raw) -> Step {
    let put = |path: &str, value: &str| json!({ "op": "add", "path": path, "value": value });
    let changes = [
        put("/status/targetPrimary", candidate.as_str()),
        put("/status/targetPrimaryTimestamp", &micros(draft.opened)),
        put("/status/phase", "Switchover in progress"),
        put("/status/phaseReason", &format!("Switching over to {}", candidate.as_str())),
    ];
    let asserts = [
        ("/status/currentPrimary", json!(seen.current.as_str())),
        ("/status/targetPrimary", json!(seen.target.as_str())),
    ];
    let object = seen.head.object(Resource::CNPG_CLUSTER);
    let mutation = KubeMutation::json(&object, Some("status"), &asserts, &changes);
    let (name, namespace) = (seen.head.name.as_str(), seen.head.namespace.as_str());
    Step::new(shown!("switch over to {}", candidate), Mutation::Kube(mutation)).typed([
        "kubectl",
        "cnpg",
        "promote",
        name,
        candidate.as_str(),
        "-n",
        namespace,
    ])
}

/// As the operator writes moments: RFC 3339 with microseconds.
fn micros(at: Stamp) -> String {
    at.rfc3339().replace('Z', "000Z")
}

/// Its status answers and says that it is the primary; where it cannot be asked (a right that is missing, a proxy that
/// fails), the operator calls it healthy. A primary that is only out of our sight is not given up.
fn primary_alive(draft: &Draft<'_>, seen: &CnpgSeen) -> bool {
    match draft.sheet.cnpg_instance(seen.current.as_str()) {
        Some(instance) => instance.primary,
        None => seen.healthy.contains(&seen.current),
    }
}

fn candidate(draft: &Draft<'_>, seen: &CnpgSeen) -> Result<Raw, Refusal> {
    let replicas = || seen.names.iter().filter(|name| **name != seen.current);
    if let Some(wanted) = &draft.request.params.to {
        if *wanted == seen.current {
            return Err(Refusal::new(shown!("{} is the primary already", wanted), "choose a replica"));
        }
        let known = Shown::joined(replicas().map(Raw::shown), ", ");
        let found = replicas().find(|name| *name == wanted).cloned();
        return found.ok_or_else(|| Refusal::new(shown!("{} is no instance", wanted), shown!("choose of {}", known)));
    }
    // The most advanced of those that receive.
    let best = replicas().max_by_key(|name| {
        let instance = draft.sheet.cnpg_instance(name.as_str());
        (instance.map(|instance| (instance.receiving, instance.lsn)), std::cmp::Reverse((*name).clone()))
    });
    best.cloned().ok_or(Refusal::new("it has no replica", "add one first"))
}

fn findings(draft: &Draft<'_>, seen: &CnpgSeen, candidate: &Raw, alive: bool) -> Vec<Finding> {
    let healthy = seen.phase.as_str() == "Cluster in healthy state" && seen.ready == seen.instances;
    let state = shown!("{}, {}/{} ready", seen.phase, seen.ready, seen.instances);
    let state = if healthy { Finding::pass(GuardId::State, state) } else { Finding::warn(GuardId::State, state) };
    let mut findings = vec![same_object(draft.request, &seen.head), state];
    let fenced = seen.fenced.iter().any(|name| name == candidate || name.as_str() == "*");
    let instance = draft.sheet.cnpg_instance(candidate.as_str());
    findings.push(match instance {
        _ if fenced => {
            Finding::block(GuardId::Candidate, shown!("{} is fenced", candidate), "lift the fence, or choose another")
        }
        None => Finding::unknown(GuardId::Candidate, why_unread(draft, candidate)),
        Some(instance) if alive && !instance.receiving => Finding::block(
            GuardId::Candidate,
            shown!("{} receives nothing from the primary", candidate),
            "choose a replica that streams",
        ),
        Some(_) => Finding::pass(GuardId::Candidate, shown!("{} streams", candidate)),
    });
    findings.push(lag(draft, seen, candidate, alive, instance));
    findings
}

/// In bytes where both sides tell their position, else in seconds from the metrics.
fn lag(
    draft: &Draft<'_>,
    seen: &CnpgSeen,
    candidate: &Raw,
    alive: bool,
    instance: Option<&CnpgInstanceSeen>,
) -> Finding {
    let primary = draft.sheet.cnpg_instance(seen.current.as_str()).filter(|_| alive);
    if let (Some(written), Some(received)) = (primary.and_then(|p| p.lsn), instance.and_then(|i| i.lsn))
        && received >= written
    {
        return Finding::pass(GuardId::Loss, "0: the replica has received all that was written");
    }
    loss(draft.scene.lag_of(candidate), draft.policy, alive, draft.request.params.accept_loss)
}

fn why_unread(draft: &Draft<'_>, pod: &Raw) -> Shown {
    let ask = Gather::CnpgInstance { namespace: draft.target().component.scope.clone(), pod: pod.clone() };
    match draft.sheet.get(&ask).map(|seen| &seen.found) {
        Some(Found::Failed(fault)) => shown!("{} tells nothing of itself: {}", pod, fault.what),
        Some(Found::Evidence(Evidence::CnpgInstance(_))) | None | Some(_) => shown!("{} was not asked", pod),
    }
}
