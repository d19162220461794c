//! What we may change in the cluster, asked before there is anything to change (SelfSubjectAccessReview).

use std::time::Duration;

use super::look;
use super::systems::Systems;
use crate::domain::error::{Fault, FaultKind};
use crate::domain::settings::Settings;
use crate::domain::text::{Raw, Shown};
use crate::operation::evidence::{Evidence, Found, Gather};
use crate::operation::mutation::kube::Access;
use crate::runtime::clock::Clocks;

/// All questions together take no longer.
const PATIENCE: Duration = Duration::from_secs(15);

/// A right and the operations that need it: verb, group, resource, subresource.
const RIGHTS: [(&str, &str, &str, &str, &str); 12] = [
    ("patch", "apps", "deployments", "", "restart, rollback"),
    ("patch", "apps", "deployments", "scale", "scale"),
    ("patch", "apps", "statefulsets", "", "restart, rollback"),
    ("patch", "apps", "daemonsets", "", "restart, rollback"),
    ("patch", "argoproj.io", "rollouts", "", "pause, rollback, restart"),
    ("patch", "argoproj.io", "rollouts", "status", "abort, promote, retry"),
    ("patch", "autoscaling", "horizontalpodautoscalers", "", "bounds"),
    ("patch", "", "nodes", "", "cordon, uncordon, drain"),
    ("create", "", "pods", "eviction", "drain, evict"),
    ("patch", "argoproj.io", "applications", "", "suspend-sync, resume-sync"),
    ("patch", "postgresql.cnpg.io", "clusters", "status", "failover"),
    ("create", "coordination.k8s.io", "leases", "", "locks"),
];

/// What the server said.
pub struct Right {
    pub access: Access,
    pub operations: &'static str,
    pub answer: Result<bool, Fault>,
}

/// Asks for every right, in each namespace of the configuration or, without any, in the whole cluster; empty without exactly
/// one cluster.
#[must_use]
pub fn rights(settings: &Settings, clocks: Clocks) -> Vec<Right> {
    let [cluster] = settings.kubernetes.as_slice() else { return Vec::new() };
    let whole = [String::new()];
    let namespaces = if cluster.namespaces.is_empty() { whole.as_slice() } else { &cluster.namespaces };
    let questions: Vec<(Access, &'static str)> = namespaces
        .iter()
        .enumerate()
        .flat_map(|(index, namespace)| RIGHTS.iter().map(move |right| (index, namespace, right)))
        // Nodes have no namespace: once is enough.
        .filter(|(index, _, right)| right.2 != "nodes" || *index == 0)
        .map(|(_, namespace, &(verb, group, resource, subresource, operations))| {
            let namespace = if resource == "nodes" { Raw::default() } else { Raw::new(namespace) };
            (Access { verb, group, resource, subresource, namespace, name: Raw::default() }, operations)
        })
        .collect();
    let Ok(runtime) = tokio::runtime::Builder::new_current_thread().enable_all().build() else { return Vec::new() };
    let systems = Systems::new(settings);
    let answers = runtime.block_on(async {
        let all = questions.into_iter().map(|(access, operations)| {
            let systems = &systems;
            async move {
                let ask = Gather::Access(access.clone());
                let seen = tokio::time::timeout(PATIENCE, look::look(systems, clocks, &ask)).await;
                Right { access, operations, answer: seen.map_or_else(|_| Err(silent()), |seen| answer(seen.found)) }
            }
        });
        futures::future::join_all(all).await
    });
    runtime.shutdown_background();
    answers
}

fn answer(found: Found) -> Result<bool, Fault> {
    match found {
        Found::Evidence(Evidence::Access { allowed, .. }) => Ok(allowed),
        Found::Failed(fault) => Err(fault),
        _ => Err(silent()),
    }
}

fn silent() -> Fault {
    Fault::new(
        FaultKind::Timeout,
        Shown::fixed("the cluster does not say what we may change"),
        Shown::fixed("see its source above"),
    )
}
