//! End states of Kubernetes objects (facts/kubernetes.md 1.1 to 1.5 and 1.9, facts/controlplane.md 5).

use super::{Glance, RolloutWant};
use crate::domain::text::{Raw, Shown};
use crate::domain::time::Stamp;
use crate::operation::evidence::json::Head;
use crate::operation::evidence::kube::images;
use crate::operation::evidence::rollout::RolloutSeen;
use crate::operation::evidence::{Found, Gather, Named, Sheet};
use crate::operation::mutation::Resource;
use crate::shown;

fn other(head: &Head, uid: &Raw) -> Option<Glance> {
    (head.uid != *uid).then(|| Glance::Failed(shown!("another object has the name now (uid {})", head.uid)))
}

/// Who took it back, where managedFields tell.
fn away(head: &Head, since: Stamp, words: &Shown) -> Glance {
    let by = head.written_since(since).map(|who| shown!(", by {}", who)).unwrap_or_default();
    Glance::Away(shown!("{}{}", words, by))
}

pub fn rollout(sheet: &Sheet, uid: &Raw, hashes: (&Raw, &Raw), want: &RolloutWant, since: Stamp) -> Glance {
    let Some(seen) = sheet.rollout() else { return Glance::Unseen };
    if let Some(glance) = other(&seen.head, uid) {
        return glance;
    }
    let (stable, current) = hashes;
    let follows = !matches!(want, RolloutWant::Template { .. } | RolloutWant::Restarted { .. });
    let back = seen.state.current == *stable && seen.state.stable == *stable;
    if follows && seen.state.current != *current && !back && !seen.state.current.is_empty() {
        return away(&seen.head, since, &shown!("another revision {} was started", seen.state.current));
    }
    match want {
        RolloutWant::Aborted { replicas } => aborted(seen, current, back && stable != current, *replicas, since),
        RolloutWant::Held if seen.paused => Glance::Reached(Shown::fixed("held by hand")),
        RolloutWant::Held => away(&seen.head, since, &Shown::fixed("it is not held any more")),
        RolloutWant::Released if seen.paused => away(&seen.head, since, &Shown::fixed("it is held again")),
        RolloutWant::Released => Glance::Reached(shown!("released, {}", seen.state.phase)),
        RolloutWant::Advanced { from } => advanced(seen, current, *from),
        RolloutWant::Complete => complete(seen, current),
        RolloutWant::Retried => retried(seen, since),
        RolloutWant::Template { images: wanted, stable } => undone(seen, wanted, *stable, since),
        RolloutWant::Restarted { at } => restarted(seen, at, since),
    }
}

/// Degraded is the expected end state: the specification still names the new revision.
fn aborted(seen: &RolloutSeen, current: &Raw, reverted: bool, replicas: u32, since: Stamp) -> Glance {
    let state = &seen.state;
    let ready = shown!("{}/{} ready", seen.counts.available, replicas);
    if state.stable == *current {
        return Glance::Failed(Shown::fixed("the new revision has become the stable one"));
    }
    if reverted {
        let words = shown!("the stable template is back, {}", ready);
        return if seen.counts.available >= replicas { Glance::Reached(words) } else { Glance::Pending(words) };
    }
    if !state.aborted && state.aborted_at.is_none() {
        return away(&seen.head, since, &shown!("the abort was taken back: {}", state.phase));
    }
    let weight = state.weight.unwrap_or(0);
    let words = shown!("weight {} %, {}, {}", weight, ready, state.phase);
    let done = state.phase.as_str() == "Degraded" && weight == 0 && seen.counts.available >= replicas;
    if done { Glance::Reached(words) } else { Glance::Pending(words) }
}

fn step_words(seen: &RolloutSeen) -> Shown {
    match seen.state.step {
        Some(step) if seen.steps() > 0 => shown!("step {}/{}, {}", step, seen.steps(), seen.state.phase),
        _ => seen.state.phase.shown(),
    }
}

fn broken(seen: &RolloutSeen) -> Option<Glance> {
    let state = &seen.state;
    (state.phase.as_str() == "Degraded" || state.aborted)
        .then(|| Glance::Failed(shown!("{}: {}", state.phase, state.message)))
}

fn advanced(seen: &RolloutSeen, current: &Raw, from: u32) -> Glance {
    if let Some(glance) = broken(seen) {
        return glance;
    }
    let past = seen.state.step.is_some_and(|step| step > from) || seen.state.stable == *current;
    if past { Glance::Reached(step_words(seen)) } else { Glance::Pending(step_words(seen)) }
}

fn complete(seen: &RolloutSeen, current: &Raw) -> Glance {
    if let Some(glance) = broken(seen) {
        return glance;
    }
    if seen.state.stable == *current && seen.state.phase.as_str() == "Healthy" {
        return Glance::Reached(shown!("{} is stable", current));
    }
    Glance::Pending(step_words(seen))
}

fn retried(seen: &RolloutSeen, since: Stamp) -> Glance {
    let state = &seen.state;
    // Both times by the server's clock, where it tells.
    let since = seen.head.written_by_us("status").unwrap_or(since);
    if state.aborted_at.is_some_and(|at| at > since) {
        return Glance::Failed(shown!("it was aborted again: {}", state.message));
    }
    if state.aborted || state.phase.as_str() == "Degraded" {
        return Glance::Pending(step_words(seen));
    }
    Glance::Reached(step_words(seen))
}

fn undone(seen: &RolloutSeen, wanted: &[Raw], stable: bool, since: Stamp) -> Glance {
    if images(&seen.template) != wanted {
        return away(&seen.head, since, &Shown::fixed("the template is not the chosen one any more"));
    }
    // Until then it tells of the template before, which may have been aborted.
    if let Some(glance) = broken(seen).filter(|_| seen.observed) {
        return glance;
    }
    let state = &seen.state;
    let live = state.phase.as_str() == "Healthy" && state.stable == state.current;
    let walking = !stable && state.phase.as_str() == "Paused";
    if live || walking { Glance::Reached(step_words(seen)) } else { Glance::Pending(step_words(seen)) }
}

fn restarted(seen: &RolloutSeen, at: &Raw, since: Stamp) -> Glance {
    if seen.restart.0 != *at {
        return away(&seen.head, since, &Shown::fixed("another restart was asked for"));
    }
    if seen.restart.1 == *at && seen.counts.available >= seen.replicas.unwrap_or(1) {
        return Glance::Reached(shown!("{} available", seen.counts.available));
    }
    Glance::Pending(shown!("{} available, {}", seen.counts.available, seen.state.phase))
}

pub fn replicas(sheet: &Sheet, resource: Resource, uid: &Raw, wanted: u32, since: Stamp) -> Glance {
    let (head, asked, counts, stuck) = if resource == Resource::ROLLOUT {
        let Some(seen) = sheet.rollout() else { return Glance::Unseen };
        (&seen.head, seen.replicas.unwrap_or(1), seen.counts, None)
    } else {
        let Some(seen) = sheet.workload() else { return Glance::Unseen };
        (&seen.head, seen.replicas, seen.counts, seen.stuck.as_ref())
    };
    if let Some(glance) = other(head, uid) {
        return glance;
    }
    if asked != wanted {
        return away(head, since, &shown!("{} instances are asked for now, not {}", asked, wanted));
    }
    let words = shown!("{}/{} available", counts.available, wanted);
    match stuck {
        Some(stuck) => Glance::Part(shown!("{}, {}", words, stuck)),
        None if counts.available >= wanted && counts.total <= wanted => Glance::Reached(words),
        None => Glance::Part(words),
    }
}

pub fn template(sheet: &Sheet, uid: &Raw, wanted: &[Raw], restart: Option<&Raw>, since: Stamp) -> Glance {
    let Some(seen) = sheet.workload() else { return Glance::Unseen };
    if let Some(glance) = other(&seen.head, uid) {
        return glance;
    }
    if images(&seen.template) != wanted {
        return away(&seen.head, since, &Shown::fixed("the template is not the chosen one any more"));
    }
    let mark = seen.template.pointer("/metadata/annotations/kubectl.kubernetes.io~1restartedAt");
    if restart.is_some_and(|at| mark.and_then(serde_json::Value::as_str) != Some(at.as_str())) {
        return away(&seen.head, since, &Shown::fixed("the mark of this restart is gone"));
    }
    let words = shown!("{}/{} updated, {} available", seen.counts.updated, seen.replicas, seen.counts.available);
    match &seen.stuck {
        Some(stuck) if seen.observed => Glance::Failed(shown!("{}: {}", stuck, words)),
        _ if seen.is_settled() => Glance::Reached(words),
        _ if seen.observed && seen.counts.updated > 0 => Glance::Part(words),
        _ => Glance::Pending(words),
    }
}

pub fn bounds(sheet: &Sheet, uid: &Raw, wanted: (u32, u32), since: Stamp) -> Glance {
    let Some(scalers) = sheet.autoscalers() else { return Glance::Unseen };
    let Some(seen) = scalers.iter().find(|scaler| scaler.head.uid == *uid) else {
        return Glance::Failed(Shown::fixed("the autoscaler is gone"));
    };
    if (seen.min, seen.max) != wanted {
        return away(&seen.head, since, &shown!("its bounds are {}–{} now", seen.min, seen.max));
    }
    let words = shown!("{} instances within {}–{}", seen.current, seen.min, seen.max);
    if (seen.min..=seen.max).contains(&seen.current) { Glance::Reached(words) } else { Glance::Part(words) }
}

pub fn schedulable(sheet: &Sheet, uid: &Raw, wanted: bool) -> Glance {
    let Some(seen) = sheet.node() else { return Glance::Unseen };
    if let Some(glance) = other(&seen.head, uid) {
        return glance;
    }
    match (seen.unschedulable, wanted) {
        (true, false) => Glance::Reached(Shown::fixed("nothing new is scheduled on it")),
        (false, true) => Glance::Reached(Shown::fixed("it can be scheduled on")),
        (true, true) => Glance::Away(Shown::fixed("it is cordoned again")),
        (false, false) => Glance::Away(Shown::fixed("it was uncordoned")),
    }
}

/// A pod is gone when it is missing or another one has its name (facts/kubernetes.md 1.9).
pub fn gone(sheet: &Sheet, node: Option<&Raw>, pods: &[(Named, Raw)]) -> Glance {
    let mut left: Vec<&Raw> = Vec::new();
    for (named, uid) in pods {
        let ask = match node {
            Some(node) => Gather::PodsOn { node: node.clone() },
            None => Gather::Pod(named.clone()),
        };
        match sheet.get(&ask).map(|seen| &seen.found) {
            None | Some(Found::Failed(_)) => return Glance::Unseen,
            Some(Found::Missing) => {}
            Some(Found::Evidence(super::Evidence::Pods(seen))) => {
                left.extend(seen.iter().filter(|pod| pod.head.uid == *uid).map(|pod| &pod.head.name));
            }
            Some(Found::Evidence(_)) => return Glance::Unseen,
        }
    }
    let done = pods.len() - left.len();
    match left.first() {
        None => Glance::Reached(shown!("{} pods moved", pods.len())),
        Some(first) if done > 0 => Glance::Part(shown!("{} of {} pods moved; {} is left", done, pods.len(), first)),
        Some(first) => Glance::Pending(shown!("{} is still there", first)),
    }
}

pub fn sync(sheet: &Sheet, uid: &Raw, suspended: bool, since: Stamp) -> Glance {
    let Some(seen) = sheet.owner() else { return Glance::Unseen };
    if let Some(glance) = other(&seen.head, uid) {
        return glance;
    }
    if seen.suspended == suspended {
        return Glance::Reached(Shown::fixed(if suspended { "it applies nothing by itself" } else { "it reconciles" }));
    }
    let words = if suspended { "its sync is on again" } else { "its sync is off again" };
    away(&seen.head, since, &Shown::fixed(words))
}
