//! Deployments, Argo Rollouts, StatefulSets, DaemonSets and ReplicaSets.

use serde_json::{Value, json};

use crate::demo::store::json::set;
use crate::demo::world::cluster::{Progress, Revision, Workload};
use crate::demo::world::model::Model;
use crate::demo::world::spec::{self, Kind, Step};

use super::pods::{hash_label, template};
use super::{labels, metadata, owner, selector, timestamp};

/// Revisions whose ReplicaSets stand.
pub fn kept(workload: &Workload) -> impl Iterator<Item = &Revision> {
    let by_replica_set = matches!(workload.spec.kind, Kind::Deployment | Kind::Rollout);
    workload.revisions.iter().filter(move |_| by_replica_set)
}

/// Replica counts of the whole workload.
struct Counts {
    living: u32,
    ready: u32,
    updated: u32,
}

impl Counts {
    fn of(model: &Model, workload: &Workload) -> Self {
        Self {
            living: workload.pods.iter().filter(|p| p.deleted_at.is_none()).count() as u32,
            ready: workload.ready(model.at),
            updated: workload.living(workload.current).count() as u32,
        }
    }
}

pub fn object(model: &Model, workload: &Workload) -> Value {
    let spec = workload.spec;
    let Some(current) = workload.revision(workload.current) else { return Value::Null };
    let (api_version, kind, annotation) = match spec.kind {
        Kind::Deployment => ("apps/v1", "Deployment", Some("deployment.kubernetes.io/revision")),
        Kind::Rollout => ("argoproj.io/v1alpha1", "Rollout", Some("rollout.argoproj.io/revision")),
        Kind::StatefulSet => ("apps/v1", "StatefulSet", None),
        Kind::DaemonSet => ("apps/v1", "DaemonSet", None),
    };
    let oldest = workload.revisions.first().map_or(current.created_at, |r| r.created_at);
    let mut metadata = metadata(model.seed, kind, spec.namespace, spec.name, oldest - 40 * 86_400_000);
    set(&mut metadata, &["generation"], workload.generation);
    set(&mut metadata, &["labels"], labels(spec));
    if let Some(annotation) = annotation {
        set(&mut metadata, &["annotations", annotation], current.number.to_string());
    }
    let fields = json!([{
        "manager": "argocd-controller", "operation": "Apply", "apiVersion": api_version,
        "time": timestamp(workload.changed_at), "fieldsType": "FieldsV1",
        "fieldsV1": {"f:spec": {"f:template": {"f:spec": {"f:containers": {}}}}},
    }]);
    set(&mut metadata, &["managedFields"], fields);
    let counts = Counts::of(model, workload);
    let status = match spec.kind {
        Kind::Deployment => deployment_status(workload, &counts, model.at),
        Kind::Rollout => rollout_status(workload, &counts, model.at),
        Kind::StatefulSet => json!({
            "observedGeneration": workload.generation, "replicas": counts.living, "readyReplicas": counts.ready,
            "availableReplicas": counts.ready, "currentReplicas": counts.updated, "updatedReplicas": counts.updated,
            "currentRevision": workload.replica_set(workload.stable),
            "updateRevision": workload.replica_set(workload.current),
        }),
        Kind::DaemonSet => json!({
            "observedGeneration": workload.generation, "desiredNumberScheduled": workload.desired,
            "currentNumberScheduled": counts.living, "numberReady": counts.ready, "numberMisscheduled": 0,
            "numberAvailable": counts.ready, "updatedNumberScheduled": counts.updated,
        }),
    };
    let wanted = wanted(workload, current);
    json!({"apiVersion": api_version, "kind": kind, "metadata": metadata, "spec": wanted, "status": status})
}

/// `spec` of a workload.
fn wanted(workload: &Workload, current: &Revision) -> Value {
    let mut wanted = json!({"selector": selector(workload), "template": template(workload, current)});
    let replicas = workload.desired;
    let more = match workload.spec.kind {
        Kind::Deployment => json!({
            "replicas": replicas, "revisionHistoryLimit": 10, "progressDeadlineSeconds": 600,
            "strategy": {"type": "RollingUpdate", "rollingUpdate": {"maxSurge": "25%", "maxUnavailable": 0}},
        }),
        Kind::Rollout => json!({
            "replicas": replicas, "revisionHistoryLimit": 10, "progressDeadlineSeconds": 600,
            "strategy": {"canary": {"maxSurge": "25%", "maxUnavailable": 0, "steps": steps()}},
        }),
        Kind::StatefulSet => json!({
            "replicas": replicas, "serviceName": workload.spec.name,
            "updateStrategy": {"type": "RollingUpdate", "rollingUpdate": {"partition": 0}},
        }),
        Kind::DaemonSet => json!({
            "revisionHistoryLimit": 10,
            "updateStrategy": {"type": "RollingUpdate", "rollingUpdate": {"maxUnavailable": 1}},
        }),
    };
    for (key, value) in more.as_object().into_iter().flatten() {
        set(&mut wanted, &[key], value.clone());
    }
    wanted
}

fn steps() -> Value {
    let step = |step: &Step| match step {
        Step::SetWeight(weight) => json!({"setWeight": weight}),
        Step::Pause => json!({"pause": {}}),
    };
    spec::STEPS.iter().map(step).collect()
}

fn condition(kind: &str, on: bool, reason: &str, message: &str, since: i64) -> Value {
    json!({
        "type": kind, "status": if on { "True" } else { "False" }, "reason": reason, "message": message,
        "lastTransitionTime": timestamp(since), "lastUpdateTime": timestamp(since),
    })
}

fn deployment_status(workload: &Workload, counts: &Counts, at: i64) -> Value {
    let newest = workload.replica_set(workload.current);
    let progressing = if workload.progress == Progress::Done {
        let message = format!("ReplicaSet \"{newest}\" has successfully progressed.");
        condition("Progressing", true, "NewReplicaSetAvailable", &message, workload.settled_at)
    } else if workload.stuck(at) {
        let message = format!("ReplicaSet \"{newest}\" has timed out progressing.");
        condition("Progressing", false, "ProgressDeadlineExceeded", &message, workload.changed_at)
    } else {
        let message = format!("ReplicaSet \"{newest}\" is progressing.");
        condition("Progressing", true, "ReplicaSetUpdated", &message, workload.changed_at)
    };
    let mut status = json!({
        "observedGeneration": workload.generation, "replicas": counts.living, "updatedReplicas": counts.updated,
        "readyReplicas": counts.ready, "availableReplicas": counts.ready,
        "conditions": [
            condition(
                "Available", true, "MinimumReplicasAvailable", "Deployment has minimum availability.",
                workload.revisions.first().map_or(0, |r| r.created_at) + 30_000,
            ),
            progressing,
        ],
    });
    if counts.living > counts.ready {
        set(&mut status, &["unavailableReplicas"], json!(counts.living - counts.ready));
    }
    status
}

/// Status of a Rollout (facts/kubernetes.md 1.5): `observedGeneration` is a string.
fn rollout_status(workload: &Workload, counts: &Counts, at: i64) -> Value {
    let hash = |number| workload.revision(number).map_or("", |r| r.hash.as_str());
    let newest = workload.replica_set(workload.current);
    let stuck = workload.stuck(at);
    let timed_out = format!("ReplicaSet \"{newest}\" has timed out progressing.");
    let given_up = format!("ProgressDeadlineExceeded: {timed_out}");
    let (phase, message, index) = match workload.progress {
        Progress::Done => ("Healthy", "", spec::STEPS.len()),
        Progress::Moving { step } if stuck => ("Degraded", given_up.as_str(), step),
        Progress::Paused { step, .. } => ("Paused", "CanaryPauseStep", step),
        Progress::Moving { step } => ("Progressing", "more replicas need to be updated", step),
        Progress::Rolling => ("Progressing", "more replicas need to be updated", spec::STEPS.len() - 1),
    };
    let done = workload.progress == Progress::Done;
    let since = if done { workload.settled_at } else { workload.changed_at };
    let paused = matches!(workload.progress, Progress::Paused { .. });
    let progressing = match workload.progress {
        Progress::Done => ("NewReplicaSetAvailable", format!("ReplicaSet \"{newest}\" has successfully progressed.")),
        Progress::Paused { .. } => ("RolloutPaused", "Rollout is paused".to_owned()),
        _ if stuck => ("ProgressDeadlineExceeded", timed_out),
        _ => ("ReplicaSetUpdated", format!("ReplicaSet \"{newest}\" is progressing.")),
    };
    let mut status = json!({
        "HPAReplicas": counts.living, "replicas": counts.living, "updatedReplicas": counts.updated,
        "readyReplicas": counts.ready, "availableReplicas": counts.ready,
        "selector": format!("app={}", workload.spec.name),
        "stableRS": hash(workload.stable), "currentPodHash": hash(workload.current),
        "currentStepIndex": index, "currentStepHash": "6b9d5c7f4d",
        "observedGeneration": workload.generation.to_string(),
        "phase": phase, "blueGreen": {}, "canary": {},
        "conditions": [
            condition("Available", true, "AvailableReason", "Rollout has minimum availability", workload.settled_at),
            condition("Progressing", !paused && !stuck, progressing.0, &progressing.1, since),
            condition("Healthy", done, if done { "RolloutHealthy" } else { "RolloutNotHealthy" }, if done { "Rollout is healthy" } else { "Rollout is not healthy" }, since),
            condition("Completed", done, "RolloutCompleted", "Rollout completed update to revision", since),
            condition("Paused", paused, "RolloutPaused", if paused { "Rollout is paused" } else { "Rollout is not paused" }, since),
        ],
    });
    if !message.is_empty() {
        set(&mut status, &["message"], json!(message));
    }
    if let Progress::Paused { since, .. } = workload.progress {
        set(&mut status, &["controllerPause"], json!(true));
        set(&mut status, &["pauseConditions"], json!([{"reason": "CanaryPauseStep", "startTime": timestamp(since)}]));
    }
    status
}

pub fn replica_set(model: &Model, workload: &Workload, revision: &Revision) -> Value {
    let (spec, seed) = (workload.spec, model.seed);
    let name = workload.replica_set(revision.number);
    let label = hash_label(spec.kind);
    let mut metadata = metadata(seed, "ReplicaSet", spec.namespace, &name, revision.created_at);
    set(&mut metadata, &["labels"], labels(spec));
    set(&mut metadata, &["labels", label], json!(revision.hash));
    let (api_version, kind, prefix) = match spec.kind {
        Kind::Rollout => ("argoproj.io/v1alpha1", "Rollout", "rollout.argoproj.io"),
        _ => ("apps/v1", "Deployment", "deployment.kubernetes.io"),
    };
    set(&mut metadata, &["ownerReferences"], owner(seed, api_version, kind, spec.namespace, spec.name));
    set(
        &mut metadata,
        &["annotations"],
        json!({
            format!("{prefix}/revision"): revision.number.to_string(),
            format!("{prefix}/desired-replicas"): workload.desired.to_string(),
        }),
    );
    set(&mut metadata, &["generation"], json!(2));
    let living = workload.living(revision.number).count();
    let ready = workload.living(revision.number).filter(|p| p.ready(model.at)).count();
    let mut pod_template = template(workload, revision);
    set(&mut pod_template, &["metadata", "labels", label], json!(revision.hash));
    let mut status = json!({"observedGeneration": 2, "replicas": living});
    if living > 0 {
        set(&mut status, &["readyReplicas"], json!(ready));
        set(&mut status, &["availableReplicas"], json!(ready));
        set(&mut status, &["fullyLabeledReplicas"], json!(living));
    }
    json!({
        "apiVersion": "apps/v1", "kind": "ReplicaSet", "metadata": metadata,
        "spec": {
            "replicas": living,
            "selector": {"matchLabels": {"app": spec.name, label: revision.hash}},
            "template": pod_template,
        },
        "status": status,
    })
}
