//! Kustomizations of Flux (`kustomize.toolkit.fluxcd.io/v1`).

use serde_json::{Value, json};

use crate::demo::store::json::set;
use crate::demo::world::cluster::Workload;
use crate::demo::world::model::Model;
use crate::demo::world::operations::owner::Owner;
use crate::demo::world::spec;

use super::applications::commit;
use super::{metadata, timestamp};

/// Where Flux lives.
pub const NAMESPACE: &str = "flux-system";

pub fn kustomization(model: &Model, owner: &Owner, workload: &Workload, interval: i64, created_at: i64) -> Value {
    let mut metadata = metadata(model.seed, "Kustomization", NAMESPACE, owner.name, created_at);
    set(&mut metadata, &["generation"], owner.generation);
    let revision = format!("main@sha1:{}", commit(model.seed, owner.name, workload.will.released));
    let applied = owner.synced_at.unwrap_or(workload.will.released_at);
    let mut wanted = json!({
        "interval": format!("{}m0s", interval / 60_000), "path": format!("./apps/{}", owner.name), "prune": true,
        "sourceRef": {"kind": "GitRepository", "name": "deploy"}, "targetNamespace": spec::NAMESPACE,
    });
    if owner.automated.is_none() {
        set(&mut wanted, &["suspend"], true);
    }
    json!({
        "apiVersion": "kustomize.toolkit.fluxcd.io/v1", "kind": "Kustomization", "metadata": metadata, "spec": wanted,
        "status": {
            "observedGeneration": owner.generation, "lastAppliedRevision": revision,
            "lastAttemptedRevision": revision,
            "conditions": [{
                "type": "Ready", "status": "True", "reason": "ReconciliationSucceeded",
                "message": format!("Applied revision: {revision}"), "lastTransitionTime": timestamp(applied),
            }],
        },
    })
}

/// How Flux marks what a Kustomization owns.
pub fn mark(owner: &Owner, metadata: &mut Value) {
    set(metadata, &["labels", "kustomize.toolkit.fluxcd.io/name"], owner.name);
    set(metadata, &["labels", "kustomize.toolkit.fluxcd.io/namespace"], NAMESPACE);
}
