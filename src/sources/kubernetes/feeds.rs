//! Which collections are followed.

use crate::clients::kube::read::Resource;

/// A followed collection.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Watched {
    Nodes,
    ReplicaSets,
    Deployments,
    StatefulSets,
    DaemonSets,
    Rollouts,
    /// Clusters of CloudNativePG.
    PostgresClusters,
    Services,
    Autoscalers,
    Budgets,
    Pods,
    EndpointSlices,
    /// Events of type Warning.
    Warnings,
    /// Successful decisions of autoscalers.
    Rescales,
}

impl Watched {
    /// In the order in which they are asked for: pods are named by what stands before them.
    pub const ALL: [Self; 14] = [
        Self::Nodes,
        Self::ReplicaSets,
        Self::Deployments,
        Self::StatefulSets,
        Self::DaemonSets,
        Self::Rollouts,
        Self::PostgresClusters,
        Self::Services,
        Self::Autoscalers,
        Self::Budgets,
        Self::Pods,
        Self::EndpointSlices,
        Self::Warnings,
        Self::Rescales,
    ];

    pub const fn resource(self) -> Resource {
        let (api, plural, fields) = match self {
            Self::Nodes => ("/api/v1", "nodes", ""),
            Self::ReplicaSets => ("/apis/apps/v1", "replicasets", ""),
            Self::Deployments => ("/apis/apps/v1", "deployments", ""),
            Self::StatefulSets => ("/apis/apps/v1", "statefulsets", ""),
            Self::DaemonSets => ("/apis/apps/v1", "daemonsets", ""),
            Self::Rollouts => ("/apis/argoproj.io/v1alpha1", "rollouts", ""),
            Self::PostgresClusters => ("/apis/postgresql.cnpg.io/v1", "clusters", ""),
            Self::Services => ("/api/v1", "services", ""),
            Self::Autoscalers => ("/apis/autoscaling/v2", "horizontalpodautoscalers", ""),
            Self::Budgets => ("/apis/policy/v1", "poddisruptionbudgets", ""),
            Self::Pods => ("/api/v1", "pods", ""),
            Self::EndpointSlices => ("/apis/discovery.k8s.io/v1", "endpointslices", ""),
            Self::Warnings => ("/api/v1", "events", "type%3DWarning"),
            Self::Rescales => ("/api/v1", "events", "reason%3DSuccessfulRescale"),
        };
        Resource { api, plural, namespaced: !matches!(self, Self::Nodes), fields }
    }

    /// Whether component facts of workloads rest on it.
    pub const fn shapes_workloads(self) -> bool {
        !matches!(self, Self::Nodes | Self::Pods | Self::EndpointSlices | Self::Warnings | Self::Rescales)
    }

    /// Not every cluster offers it, and then nothing is missing.
    pub const fn is_optional(self) -> bool {
        matches!(
            self,
            Self::Rollouts | Self::PostgresClusters | Self::Autoscalers | Self::Budgets | Self::EndpointSlices
        )
    }
}

/// A collection, everywhere or in one namespace.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Feed {
    pub watched: Watched,
    pub namespace: Option<String>,
}

/// The feeds of a run: each namespaced collection once for each namespace, or once for all.
pub fn feeds(namespaces: &[String]) -> Vec<Feed> {
    let mut feeds = Vec::new();
    for watched in Watched::ALL {
        if namespaces.is_empty() || !watched.resource().namespaced {
            feeds.push(Feed { watched, namespace: None });
        } else {
            feeds.extend(namespaces.iter().map(|name| Feed { watched, namespace: Some(name.clone()) }));
        }
    }
    feeds
}
