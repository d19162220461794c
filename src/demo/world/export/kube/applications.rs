//! Applications of Argo CD (`argoproj.io/v1alpha1`): sync policy, sync state and history.

use serde_json::{Value, json};

use crate::demo::store::json::set;
use crate::demo::world::cluster::{Progress, Workload};
use crate::demo::world::model::Model;
use crate::demo::world::noise::{digest, mix};
use crate::demo::world::operations::owner::Owner;
use crate::demo::world::spec::{self, Kind};

use super::{metadata, timestamp};

pub fn application(model: &Model, owner: &Owner, workload: &Workload, created_at: i64) -> Value {
    let mut metadata = metadata(model.seed, "Application", spec::ARGO_CD, owner.name, created_at);
    set(&mut metadata, &["generation"], owner.generation);
    set(&mut metadata, &["labels"], json!({"app.kubernetes.io/part-of": "shop"}));
    let source = json!({
        "repoURL": "https://git.shop.example/deploy.git", "path": format!("apps/{}", owner.name),
        "targetRevision": "main",
    });
    let mut wanted = json!({
        "project": "default", "source": source,
        "destination": {"server": "https://kubernetes.default.svc", "namespace": spec::NAMESPACE},
        "syncPolicy": {"syncOptions": ["RespectIgnoreDifferences=true"]},
    });
    if let Some(automated) = owner.automated {
        let policy = json!({"prune": automated.prune, "selfHeal": automated.self_heal});
        set(&mut wanted, &["syncPolicy", "automated"], policy);
    }
    if workload.spec.autoscale.is_some() {
        let (group, kind) = kind_of(workload);
        let ignored = json!([{"group": group, "kind": kind, "jsonPointers": ["/spec/replicas"]}]);
        set(&mut wanted, &["ignoreDifferences"], ignored);
    }
    let revision = commit(model.seed, owner.name, workload.will.released);
    let sync = if Owner::drifted(workload) { "OutOfSync" } else { "Synced" };
    let deployed = owner.synced_at.unwrap_or(workload.will.released_at);
    let (group, kind) = kind_of(workload);
    json!({
        "apiVersion": "argoproj.io/v1alpha1", "kind": "Application", "metadata": metadata, "spec": wanted,
        "status": {
            "sync": {"status": sync, "revision": revision, "comparedTo": {"source": source}},
            "health": {"status": health(workload, model.at)},
            "resources": [{
                "group": group, "kind": kind, "namespace": spec::NAMESPACE, "name": owner.name, "status": sync,
            }],
            "operationState": {
                "phase": "Succeeded", "message": "successfully synced (all tasks run)",
                "startedAt": timestamp(deployed), "finishedAt": timestamp(deployed),
                "operation": {"sync": {"revision": revision}, "initiatedBy": {"automated": owner.automated.is_some()}},
                "syncResult": {"revision": revision},
            },
            "history": [{
                "id": owner.syncs, "revision": revision, "deployedAt": timestamp(deployed), "source": source,
            }],
            "reconciledAt": timestamp(model.at - model.at.rem_euclid(180_000)),
        },
    })
}

fn kind_of(workload: &Workload) -> (&'static str, &'static str) {
    match workload.spec.kind {
        Kind::Rollout => ("argoproj.io", "Rollout"),
        _ => ("apps", "Deployment"),
    }
}

/// Health as Argo CD assesses it: a canary that waits is suspended.
fn health(workload: &Workload, at: i64) -> &'static str {
    match workload.progress {
        Progress::Aborted => "Degraded",
        _ if workload.will.paused => "Suspended",
        Progress::Paused { .. } => "Suspended",
        _ if workload.stuck(at) => "Degraded",
        Progress::Done if workload.ready(at) >= workload.desired => "Healthy",
        _ => "Progressing",
    }
}

/// The commit that a release was made from.
pub fn commit(seed: u64, name: &str, release: u32) -> String {
    let own = mix(mix(seed, digest(name)), u64::from(release));
    format!("{own:016x}{:016x}{:08x}", mix(own, 1), mix(own, 2) >> 32)
}
