//! Deployments, Argo Rollouts, StatefulSets, DaemonSets and ReplicaSets.

use serde_json::{Value, json};

use crate::demo::store::json::set;
use crate::demo::world::cluster::{Progress, Revision, Workload};
use crate::demo::world::model::Model;
use crate::demo::world::operations::owner::{Owner, System};
use crate::demo::world::spec::{self, Kind, Step};

use super::pods::{hash_label, template};
use super::{kustomizations, labels, metadata, owner, postgres, rollouts, selector, timestamp};

/// Revisions whose ReplicaSets stand.
pub fn kept(workload: &Workload) -> impl Iterator<Item = &Revision> {
    let by_replica_set = matches!(workload.spec.kind, Kind::Deployment | Kind::Rollout);
    workload.revisions.iter().filter(move |_| by_replica_set)
}

/// Replica counts of the whole workload.
pub struct Counts {
    pub living: u32,
    pub ready: u32,
    pub updated: u32,
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

const CAUSE: &str = "kubernetes.io/change-cause";

const TRACKING: &str = "argocd.argoproj.io/tracking-id";

/// Who has the workload in a repository.
fn owner_of<'a>(model: &'a Model, spec: &spec::Workload) -> Option<&'a Owner> {
    model.operations.owners.iter().find(|owner| owner.name == spec.name)
}

/// How Argo CD marks what an Application owns.
fn tracking(model: &Model, spec: &spec::Workload, api_version: &str, kind: &str) -> Option<String> {
    let owner = owner_of(model, spec).filter(|owner| owner.system == System::ArgoCd)?;
    let group = api_version.split_once('/').map_or("", |(group, _)| group);
    Some(format!("{}:{group}/{kind}:{}/{}", owner.name, spec.namespace, spec.name))
}

/// A revision of a StatefulSet or DaemonSet (`apps/v1` ControllerRevision): its data is the patch that goes back to it.
pub fn controller_revision(model: &Model, workload: &Workload, revision: &Revision) -> Value {
    let (spec, seed) = (workload.spec, model.seed);
    let kind = if spec.kind == Kind::StatefulSet { "StatefulSet" } else { "DaemonSet" };
    let name = workload.replica_set(revision.number);
    let mut metadata = metadata(seed, "ControllerRevision", spec.namespace, &name, revision.created_at);
    set(&mut metadata, &["labels"], labels(spec));
    set(&mut metadata, &["labels", hash_label(spec.kind)], json!(revision.hash));
    set(&mut metadata, &["ownerReferences"], owner(seed, "apps/v1", kind, spec.namespace, spec.name));
    let mut template = template(workload, revision);
    set(&mut template, &["$patch"], "replace");
    json!({
        "apiVersion": "apps/v1", "kind": "ControllerRevision", "metadata": metadata,
        "revision": revision.ordinal, "data": {"spec": {"template": template}},
    })
}

pub fn object(model: &Model, workload: &Workload) -> Value {
    let spec = workload.spec;
    let Some(current) = workload.revision(workload.current) else { return Value::Null };
    let (api_version, kind, annotation) = match spec.kind {
        Kind::Deployment => ("apps/v1", "Deployment", Some("deployment.kubernetes.io/revision")),
        Kind::Rollout => ("argoproj.io/v1alpha1", "Rollout", Some("rollout.argoproj.io/revision")),
        Kind::StatefulSet => ("apps/v1", "StatefulSet", None),
        Kind::DaemonSet => ("apps/v1", "DaemonSet", None),
        Kind::PostgresCluster => return postgres::object(model, workload),
    };
    let oldest = workload.revisions.first().map_or(current.created_at, |r| r.created_at);
    let mut metadata = metadata(model.seed, kind, spec.namespace, spec.name, oldest - 40 * 86_400_000);
    set(&mut metadata, &["generation"], workload.generation);
    set(&mut metadata, &["labels"], labels(spec));
    if let Some(annotation) = annotation {
        set(&mut metadata, &["annotations", annotation], current.ordinal.to_string());
        if let Some(cause) = &current.cause {
            set(&mut metadata, &["annotations", CAUSE], cause.as_str());
        }
    }
    if let Some(tracking) = tracking(model, spec, api_version, kind) {
        set(&mut metadata, &["annotations", TRACKING], tracking);
    }
    let by_flux = owner_of(model, spec).filter(|owner| owner.system != System::ArgoCd);
    if let Some(owner) = by_flux {
        kustomizations::mark(owner, &mut metadata);
    }
    let fields = json!([{
        "manager": if by_flux.is_some() { "kustomize-controller" } else { "argocd-controller" }, "operation": "Apply", "apiVersion": api_version,
        "time": timestamp(workload.will.released_at), "fieldsType": "FieldsV1",
        "fieldsV1": {"f:spec": {"f:template": {"f:spec": {"f:containers": {}}}}},
    }]);
    set(&mut metadata, &["managedFields"], fields);
    let counts = Counts::of(model, workload);
    let status = match spec.kind {
        Kind::Deployment => deployment_status(workload, &counts, model.at),
        Kind::Rollout => rollouts::status(workload, &counts, model.at),
        Kind::StatefulSet => json!({
            "observedGeneration": workload.will.observed, "replicas": counts.living, "readyReplicas": counts.ready,
            "availableReplicas": counts.ready, "updatedReplicas": counts.updated,
            "currentReplicas": workload.living(workload.stable).count(),
            "currentRevision": workload.replica_set(workload.stable),
            "updateRevision": workload.replica_set(workload.current),
        }),
        Kind::PostgresCluster => Value::Null,
        Kind::DaemonSet => json!({
            "observedGeneration": workload.will.observed, "desiredNumberScheduled": workload.desired,
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
        Kind::PostgresCluster => Value::Null,
        Kind::DaemonSet => json!({
            "revisionHistoryLimit": 10,
            "updateStrategy": {"type": "RollingUpdate", "rollingUpdate": {"maxUnavailable": 1}},
        }),
    };
    for (key, value) in more.as_object().into_iter().flatten() {
        set(&mut wanted, &[key], value.clone());
    }
    if workload.will.paused {
        set(&mut wanted, &["paused"], true);
    }
    if let Some(at) = workload.will.restart_at {
        set(&mut wanted, &["restartAt"], timestamp(at));
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

pub fn condition(kind: &str, on: bool, reason: &str, message: &str, since: i64) -> Value {
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
    } else if workload.will.paused {
        let mut paused =
            condition("Progressing", true, "DeploymentPaused", "Deployment is paused", workload.changed_at);
        set(&mut paused, &["status"], "Unknown");
        paused
    } else if workload.stuck(at) {
        let message = format!("ReplicaSet \"{newest}\" has timed out progressing.");
        condition("Progressing", false, "ProgressDeadlineExceeded", &message, workload.changed_at)
    } else {
        let message = format!("ReplicaSet \"{newest}\" is progressing.");
        condition("Progressing", true, "ReplicaSetUpdated", &message, workload.changed_at)
    };
    let mut status = json!({
        "observedGeneration": workload.will.observed, "replicas": counts.living, "updatedReplicas": counts.updated,
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
            format!("{prefix}/revision"): revision.ordinal.to_string(),
            format!("{prefix}/desired-replicas"): workload.desired.to_string(),
        }),
    );
    if !revision.ordinals_before.is_empty() {
        let before: Vec<String> = revision.ordinals_before.iter().map(u32::to_string).collect();
        set(&mut metadata, &["annotations", &format!("{prefix}/revision-history")], before.join(","));
    }
    if let Some(cause) = &revision.cause {
        set(&mut metadata, &["annotations", CAUSE], cause.as_str());
    }
    if let Some(tracking) = tracking(model, spec, api_version, kind) {
        // The controller copies the annotations of the Deployment.
        set(&mut metadata, &["annotations", TRACKING], tracking);
    }
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
