//! Clusters of CloudNativePG become database components; their pods are the members, with roles (facts/kubernetes.md 1.8).

use super::table::Names;
use super::workloads::{Counts, TemplateRow, Workload, pairs, written};
use crate::clients::kube::read::{Labels, PostgresCluster};
use crate::domain::health::Health;
use crate::domain::text::{Raw, Shown};
use crate::model::facts::Role;

/// The label that names the cluster of a pod.
pub const CLUSTER: &str = "cnpg.io/cluster";
/// The label that names its role; the operator moves it with the primary.
const ROLE: &str = "cnpg.io/instanceRole";
/// What the operator says when nothing is the matter.
const HEALTHY: &str = "Cluster in healthy state";

/// The role of an instance's pod; none for a pod that is no instance of a cluster.
pub fn role(labels: &Labels<'_>) -> Option<Role> {
    labels.get(CLUSTER)?;
    match labels.get(ROLE)? {
        "primary" => Some(Role::Primary),
        "replica" => Some(Role::Replica),
        _ => None,
    }
}

pub fn row(wire: &PostgresCluster<'_>, names: &mut Names) -> Workload {
    let (spec, status) = (&wire.spec, &wire.status);
    let (desired, ready) = (spec.instances, status.ready_instances);
    let mut notes = vec![("engine", Raw::new("cloudnative-pg"))];
    for (name, value) in [
        ("primary", &status.current_primary),
        ("phase", &status.phase),
        ("service for writing", &status.write_service),
        ("image", &spec.image_name),
    ] {
        notes.extend((!value.is_empty()).then(|| (name, Raw::new(value))));
    }
    if status.target_primary != status.current_primary {
        notes.push(("primary shall be", Raw::new(&status.target_primary)));
    }
    let ailing = !status.phase.is_empty() && &*status.phase != HEALTHY;
    Workload {
        counts: Counts { desired, ready, updated: ready, available: ready, total: desired },
        template: TemplateRow::default(),
        labels: pairs(&wire.metadata.labels, names),
        condition: ailing.then(|| (Health::Warn, Shown::of(&status.phase))),
        paused: false,
        observed: true,
        written: written(&wire.metadata, names),
        canary: None,
        notes,
    }
}
