//! Deployments, StatefulSets, DaemonSets and Rollouts become components.

use std::sync::Arc;

use super::table::Names;
use crate::clients::kube::read::{
    CanaryStep, Condition, Labels, Meta, ReplicaSet, Rollout, Template, Workload as Wire,
};
use crate::domain::health::Health;
use crate::domain::id::{ComponentId, Kind};
use crate::domain::text::{Raw, Shown};
use crate::domain::time::Stamp;
use crate::model::facts::RolloutStep;
use crate::shown;

/// What is kept of a workload.
#[derive(Clone, Debug, PartialEq)]
pub struct Workload {
    pub counts: Counts,
    pub template: TemplateRow,
    pub labels: Vec<(Raw, Raw)>,
    pub condition: Option<(Health, Shown)>,
    pub paused: bool,
    /// The controller has seen the latest specification.
    pub observed: bool,
    /// Who wrote the specification last, as far as managedFields tell, and when.
    pub written: Option<(Raw, Stamp)>,
    /// Present for Rollouts.
    pub canary: Option<CanaryRow>,
    /// What else is told of it.
    pub notes: Vec<(&'static str, Raw)>,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    pub desired: u32,
    pub ready: u32,
    pub updated: u32,
    pub available: u32,
    pub total: u32,
}

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TemplateRow {
    pub labels: Vec<(Raw, Raw)>,
    pub images: Vec<Raw>,
    pub ports: Vec<u16>,
}

/// The state of a Rollout beyond its replicas.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CanaryRow {
    pub phase: Raw,
    pub message: Raw,
    pub steps: Arc<[RolloutStep]>,
    pub step: Option<u32>,
    /// Why its controller holds it, and since when.
    pub pause: Option<(Raw, Option<Stamp>)>,
    pub stable: Raw,
    pub current: Raw,
    pub actual_weight: Option<u32>,
    pub aborted_at: Option<Stamp>,
    /// The Deployment whose template it borrows.
    pub borrows: Option<Raw>,
}

/// What is kept of a ReplicaSet: one revision of a workload.
#[derive(Clone, Debug, PartialEq)]
pub struct SetRow {
    pub owner: Option<ComponentId>,
    pub hash: Raw,
    pub revision: Option<u64>,
    pub image: Raw,
    pub ready: u32,
    pub replicas: u32,
    pub created: Option<Stamp>,
    /// It has had another revision number before: a rollback went to it.
    pub reused: bool,
    /// Its change has been told.
    pub announced: bool,
}

/// Labels that every pod of a revision shares and no selector of a service should decide on.
pub const HASHES: [&str; 2] = ["pod-template-hash", "rollouts-pod-template-hash"];

pub fn pairs(labels: &Labels<'_>, names: &mut Names) -> Vec<(Raw, Raw)> {
    labels.iter().map(|(key, value)| (names.of(key), names.of(value))).collect()
}

fn template(template: &Template<'_>, names: &mut Names) -> TemplateRow {
    let containers = &template.spec.containers;
    TemplateRow {
        labels: pairs(&template.metadata.labels, names),
        images: containers.iter().filter_map(|container| names.some(&container.image)).collect(),
        ports: containers.iter().flat_map(|container| &container.ports).map(|port| port.container_port).collect(),
    }
}

/// Controllers write too; a person or a pipeline is whoever else wrote last.
pub fn written(meta: &Meta<'_>, names: &mut Names) -> Option<(Raw, Stamp)> {
    let by_hand = meta.managed_fields.iter().filter(|entry| {
        entry.subresource.is_empty()
            && !matches!(&*entry.manager, "" | "kube-controller-manager" | "rollouts-controller" | "argo-rollouts")
    });
    by_hand
        .filter_map(|entry| Some((Stamp::parse_rfc3339(&entry.time)?, &*entry.manager)))
        .max()
        .map(|(at, who)| (names.of(who), at))
}

/// A Deployment, StatefulSet or DaemonSet.
pub fn workload(wire: &Wire<'_>, kind: Kind, names: &mut Names) -> Workload {
    let status = &wire.status;
    let counts = if kind == Kind::DaemonSet {
        let desired = status.desired_number_scheduled.unwrap_or(0);
        Counts { desired, ready: status.number_ready, updated: desired, available: desired, total: desired }
    } else {
        Counts {
            // The API server fills in 1 where a manifest says nothing.
            desired: wire.spec.replicas.unwrap_or(1),
            ready: status.ready_replicas,
            updated: status.updated_replicas,
            available: status.available_replicas,
            total: status.replicas,
        }
    };
    Workload {
        counts,
        template: template(&wire.spec.template, names),
        labels: pairs(&wire.metadata.labels, names),
        condition: deployment_condition(&status.conditions),
        paused: wire.spec.paused,
        observed: status.observed_generation >= wire.metadata.generation,
        written: written(&wire.metadata, names),
        canary: None,
        notes: Vec::new(),
    }
}

fn deployment_condition(conditions: &[Condition<'_>]) -> Option<(Health, Shown)> {
    let is = |kind: &str, status: &str| {
        conditions.iter().find(|condition| &*condition.kind == kind && &*condition.status == status)
    };
    if let Some(failure) = is("ReplicaFailure", "True") {
        return Some((Health::Warn, shown!("ReplicaFailure: {}", words(failure))));
    }
    is("Progressing", "False")
        .filter(|condition| &*condition.reason == "ProgressDeadlineExceeded")
        .map(|_| (Health::Warn, Shown::fixed("ProgressDeadlineExceeded")))
}

/// Reason and the start of the message.
fn words(condition: &Condition<'_>) -> Raw {
    let text = if condition.message.is_empty() { &condition.reason } else { &condition.message };
    Raw::from(text.chars().take(160).collect::<String>())
}

/// An Argo Rollout.
pub fn rollout(wire: &Rollout<'_>, names: &mut Names) -> Workload {
    let status = &wire.status;
    let observed = status.observed_generation.parse::<i64>().is_ok_and(|seen| seen >= wire.metadata.generation);
    let phase = phase(wire, observed);
    let steps = wire.spec.strategy.canary.as_ref().map(|canary| &*canary.steps).unwrap_or_default();
    let condition = (phase == "Degraded").then(|| {
        let message = if status.message.is_empty() { &status.phase } else { &status.message };
        (Health::Warn, shown!("Degraded: {}", Raw::from(message.chars().take(160).collect::<String>())))
    });
    Workload {
        counts: Counts { desired: wire.spec.replicas.unwrap_or(1), ready: status.ready_replicas, ..Counts::default() },
        template: template(&wire.spec.template, names),
        labels: pairs(&wire.metadata.labels, names),
        condition,
        paused: wire.spec.paused,
        observed,
        written: written(&wire.metadata, names),
        canary: Some(CanaryRow {
            phase: names.of(phase),
            message: names.of(&status.message),
            steps: steps.iter().map(|step| kind_of(*step)).collect(),
            step: status.current_step_index,
            pause: status
                .pause_conditions
                .first()
                .map(|held| (names.of(&held.reason), Stamp::parse_rfc3339(&held.start_time))),
            stable: names.of(&status.stable_rs),
            current: names.of(&status.current_pod_hash),
            actual_weight: status.canary.weights.as_ref().and_then(|weights| weights.canary.weight),
            aborted_at: Stamp::parse_rfc3339(&status.aborted_at),
            borrows: (&*wire.spec.workload_ref.kind == "Deployment").then(|| names.of(&wire.spec.workload_ref.name)),
        }),
        notes: Vec::new(),
    }
}

const fn kind_of(step: CanaryStep) -> RolloutStep {
    match step {
        CanaryStep { set_weight: Some(weight), .. } => RolloutStep::Weight(weight),
        CanaryStep { pause: Some(_), .. } => RolloutStep::Pause,
        CanaryStep { .. } => RolloutStep::Other,
    }
}

/// The phase as argo's own client tells it (facts/kubernetes.md 1.5, `GetRolloutPhase`).
fn phase<'a>(wire: &'a Rollout<'_>, observed: bool) -> &'a str {
    let status = &wire.status;
    let unpausing = status.controller_pause && status.pause_conditions.is_empty() && !wire.spec.paused;
    if !observed || (unpausing && &*status.phase == "Paused") {
        return "Progressing";
    }
    if !status.phase.is_empty() {
        return &status.phase;
    }
    let failed = status.conditions.iter().any(|condition| {
        &*condition.kind == "InvalidSpec" || matches!(&*condition.reason, "RolloutAborted" | "ProgressDeadlineExceeded")
    });
    if failed {
        "Degraded"
    } else if wire.spec.paused || !status.pause_conditions.is_empty() {
        "Paused"
    } else if *status.stable_rs != *status.current_pod_hash {
        "Progressing"
    } else {
        "Healthy"
    }
}

/// A ReplicaSet with its owner.
pub fn replica_set(wire: &ReplicaSet<'_>, names: &mut Names, before: Option<&SetRow>) -> SetRow {
    let meta = &wire.metadata;
    let owner = meta.controller().and_then(|owner| {
        let kind = match &*owner.kind {
            "Deployment" => Kind::Deployment,
            "Rollout" => Kind::Rollout,
            _ => return None,
        };
        Some(ComponentId { kind, scope: names.of(&meta.namespace), name: names.of(&owner.name) })
    });
    let note = |key: &str| meta.annotations.get(key);
    let revision = note("deployment.kubernetes.io/revision")
        .or_else(|| note("rollout.argoproj.io/revision"))
        .and_then(|text| text.parse().ok());
    let hash = HASHES.iter().rev().find_map(|label| meta.labels.get(label)).unwrap_or_default();
    let history = ["deployment.kubernetes.io/revision-history", "rollout.argoproj.io/revision-history"];
    SetRow {
        owner,
        hash: names.of(hash),
        image: wire.spec.template.spec.containers.first().map(|c| names.of(&c.image)).unwrap_or_default(),
        ready: wire.status.ready_replicas,
        replicas: wire.spec.replicas.unwrap_or(0),
        created: Stamp::parse_rfc3339(&meta.creation_timestamp),
        reused: history.iter().any(|key| note(key).is_some()),
        announced: before.is_some_and(|row| row.announced && row.revision == revision),
        revision,
    }
}
