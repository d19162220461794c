//! From rows to component facts: replicas, revisions, the progress of a rollout.

use std::sync::Arc;
use std::time::Duration;

use super::around::Around;
use super::table::Table;
use super::workloads::{CanaryRow, SetRow, Workload};
use crate::clients::kube::read::segment;
use crate::domain::health::Health;
use crate::domain::id::{Alias, ComponentId, Kind, SourceId};
use crate::domain::reading::{Provenance, Query};
use crate::domain::text::{Raw, Shown};
use crate::domain::unit::Statistic;
use crate::model::facts::{ComponentFact, Halt, ReplicaClass, Replicas, Revision, RolloutFact, RolloutStep};

/// Where this source's figures come from.
#[derive(Clone, Debug)]
pub struct Origin {
    pub source: SourceId,
    pub endpoint: Raw,
}

/// A watch is as fresh as its heartbeat.
const PERIOD: Duration = Duration::from_secs(30);

impl Origin {
    pub fn http(&self, path: &str, pointer: Option<&str>) -> Arc<Provenance> {
        Arc::new(Provenance {
            source: self.source.clone(),
            endpoint: self.endpoint.clone(),
            query: Query::Http { path: Raw::new(path), pointer: pointer.map(Raw::new) },
            statistic: Statistic::Last,
            period: PERIOD,
            delay: Duration::ZERO,
            threshold_origin: "default",
        })
    }
}

/// The path of a workload's object and the JSON pointer of its ready replicas (absent there when 0).
pub fn object_path(id: &ComponentId) -> (String, &'static str) {
    let (api, plural, pointer) = match id.kind {
        Kind::Rollout => ("/apis/argoproj.io/v1alpha1", "rollouts", "/status/readyReplicas"),
        Kind::StatefulSet => ("/apis/apps/v1", "statefulsets", "/status/readyReplicas"),
        Kind::DaemonSet => ("/apis/apps/v1", "daemonsets", "/status/numberReady"),
        Kind::DbCluster => ("/apis/postgresql.cnpg.io/v1", "clusters", "/status/readyInstances"),
        _ => ("/apis/apps/v1", "deployments", "/status/readyReplicas"),
    };
    let (namespace, name) = (segment(id.scope.as_str()), segment(id.name.as_str()));
    (format!("{api}/namespaces/{namespace}/{plural}/{name}"), pointer)
}

/// The revisions of a workload, oldest first.
pub fn revisions<'a>(sets: &'a Table<(Raw, Raw), SetRow>, owner: &'a ComponentId) -> Vec<&'a SetRow> {
    let mut found: Vec<_> = sets
        .from(&(owner.scope.clone(), owner.name.clone()))
        .take_while(|((scope, name), _)| *scope == owner.scope && name.as_str().starts_with(owner.name.as_str()))
        .map(|(_, row)| row)
        .filter(|row| row.owner.as_ref() == Some(owner))
        .collect();
    found.sort_by_key(|row| (row.revision, row.created));
    found
}

/// The fact of one workload.
pub fn fact(
    id: &ComponentId,
    row: &Workload,
    around: &Around,
    sets: &Table<(Raw, Raw), SetRow>,
    origin: &Origin,
) -> ComponentFact {
    let revisions = revisions(sets, id);
    let rollout = match &row.canary {
        Some(canary) => Some(canary_progress(row, canary, &revisions)),
        None if id.kind == Kind::Deployment => update_progress(row, &revisions),
        None => None,
    };
    let services: Vec<&Raw> = around.services_of(&id.scope, &row.template).collect();
    let mut aliases = vec![
        Alias::Component(id.clone()),
        Alias::Workload { namespace: id.scope.clone(), name: id.name.clone() },
        Alias::Named(id.name.clone()),
    ];
    aliases.extend(services.iter().map(|name| Alias::Service { namespace: id.scope.clone(), name: Raw::clone(name) }));
    let images = if row.template.images.is_empty() {
        revisions.last().map(|set| vec![set.image.clone()]).unwrap_or_default()
    } else {
        row.template.images.clone()
    };
    let mut hints = images.clone();
    hints.extend(row.template.ports.iter().map(|port| Raw::from(port.to_string())));
    hints.extend(row.labels.iter().map(|(key, value)| Raw::from(format!("{}={}", key.as_str(), value.as_str()))));
    let mut attributes: Vec<(&'static str, Raw)> = images.into_iter().map(|image| ("image", image)).collect();
    for name in services {
        let text = around.endpoints_of(&id.scope, name).map_or_else(
            || name.as_str().to_owned(),
            |(ready, total)| format!("{} {ready}/{total} endpoints ready", name.as_str()),
        );
        attributes.push(("service", Raw::from(text)));
    }
    attributes.extend(row.notes.iter().cloned());
    if let Some((who, at)) = &row.written {
        attributes.push(("last written", Raw::from(format!("{} by {}", at.rfc3339(), who.as_str()))));
    }
    let (path, pointer) = object_path(id);
    ComponentFact {
        id: id.clone(),
        aliases,
        tier: None,
        hints,
        replicas: Some(Replicas {
            desired: row.counts.desired,
            ready: row.counts.ready,
            bounds: around.bounds_of(id),
            floor: around.floor_of(&id.scope, &row.template),
        }),
        role: None,
        rollout: rollout.map(Box::new),
        class: match (row.counts.desired, id.kind) {
            (1, _) => ReplicaClass::Singleton,
            (_, Kind::DbCluster) => ReplicaClass::Primary,
            _ => ReplicaClass::Pool,
        },
        condition: row.condition.clone().or_else(|| paused(id.kind, row)),
        attributes,
        provenance: origin.http(&path, Some(pointer)),
    }
}

fn paused(kind: Kind, row: &Workload) -> Option<(Health, Shown)> {
    (row.paused && kind == Kind::Deployment).then(|| (Health::Ok, Shown::fixed("paused by hand")))
}

fn revision(set: &SetRow) -> Revision {
    Revision { hash: set.hash.clone(), number: set.revision, image: set.image.clone(), ready: set.ready }
}

fn by_hash(hash: &Raw, revisions: &[&SetRow]) -> Revision {
    revisions.iter().find(|set| set.hash == *hash).map_or_else(
        || Revision { hash: hash.clone(), number: None, image: Raw::default(), ready: 0 },
        |set| revision(set),
    )
}

/// The progress of a Rollout; weights without a traffic router are computed from ready pods (facts/controlplane.md 5).
fn canary_progress(workload: &Workload, row: &CanaryRow, revisions: &[&SetRow]) -> RolloutFact {
    let stable = by_hash(&row.stable, revisions);
    let under_way = row.current != row.stable && !row.current.is_empty() && !row.stable.is_empty();
    let canary = under_way.then(|| by_hash(&row.current, revisions));
    let steps = u32::try_from(row.steps.len()).unwrap_or(u32::MAX);
    let set_weight = canary.as_ref().and_then(|_| asked_weight(row));
    let actual_weight = canary.as_ref().and_then(|canary| {
        row.actual_weight.or_else(|| {
            let all = stable.ready.saturating_add(canary.ready);
            canary.ready.saturating_mul(100).checked_add(all / 2)?.checked_div(all)
        })
    });
    RolloutFact {
        phase: row.phase.clone(),
        step: row.step.filter(|_| steps > 0).map(|step| (step, steps)),
        set_weight,
        actual_weight,
        stable,
        canary,
        steps: Arc::clone(&row.steps),
        halt: halt(workload, row),
    }
}

/// What keeps it where it is: an abort, a hold by hand, a step that waits, or what its controller complains of.
fn halt(workload: &Workload, row: &CanaryRow) -> Option<Halt> {
    if row.aborted_at.is_some() {
        return Some(Halt { why: Shown::fixed("aborted"), since: row.aborted_at });
    }
    match (row.phase.as_str(), &row.pause) {
        ("Paused", _) if workload.paused => Some(Halt { why: Shown::fixed("held by hand"), since: None }),
        ("Paused", Some((reason, since))) => {
            let waits = "its step waits until it is promoted";
            let why = if reason.as_str() == "CanaryPauseStep" { Shown::fixed(waits) } else { reason.shown() };
            Some(Halt { why, since: *since })
        }
        ("Degraded" | "Paused", _) => Some(Halt { why: row.message.shown(), since: None }),
        _ => None,
    }
}

/// What the latest step that sets a weight asks for; all of it after the last step, none once aborted.
fn asked_weight(row: &CanaryRow) -> Option<u32> {
    let step = usize::try_from(row.step?).ok()?;
    if row.aborted_at.is_some() {
        return Some(0);
    }
    if step >= row.steps.len() {
        return Some(100);
    }
    let weight = |step: &RolloutStep| if let RolloutStep::Weight(weight) = step { Some(*weight) } else { None };
    Some(row.steps.iter().take(step + 1).rev().find_map(weight).unwrap_or(0))
}

/// A Deployment in the middle of an update, from its ReplicaSets: newest against the largest of the others.
fn update_progress(row: &Workload, revisions: &[&SetRow]) -> Option<RolloutFact> {
    let counts = row.counts;
    let newest = revisions.last()?;
    let old =
        revisions.iter().rev().skip(1).filter(|set| set.replicas > 0 || set.ready > 0).max_by_key(|set| set.ready);
    let done = row.observed
        && counts.updated >= counts.desired
        && counts.total <= counts.updated
        && counts.available >= counts.updated;
    if done || (old.is_none() && revisions.len() < 2) {
        return None;
    }
    let phase = if row.condition.is_some() {
        "Degraded"
    } else if row.paused {
        "Paused"
    } else {
        "Progressing"
    };
    let (stable, canary) = match old {
        Some(old) => (revision(old), Some(revision(newest))),
        None => (revision(newest), None),
    };
    // Without an old revision this is a scaling, not an update.
    canary.as_ref()?;
    let all = stable.ready.saturating_add(newest.ready);
    Some(RolloutFact {
        phase: Raw::new(phase),
        step: None,
        set_weight: None,
        actual_weight: newest.ready.saturating_mul(100).checked_div(all),
        stable,
        canary,
        steps: Arc::default(),
        halt: match (phase, &row.condition) {
            ("Degraded", Some((_, why))) => Some(Halt { why: why.clone(), since: None }),
            ("Paused", _) => Some(Halt { why: Shown::fixed("paused by hand"), since: None }),
            _ => None,
        },
    })
}
