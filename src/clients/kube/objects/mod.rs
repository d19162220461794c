//! Slim views of API objects: only the fields that facts are made from, borrowed from the wire.

mod cluster;
mod metrics;
mod pod;
mod quantity;
mod workload;

use serde::Deserialize;

pub use super::wire::{Labels, Str};

use super::wire::lax;

pub use cluster::{Autoscaler, Budget, EndpointSlice, Event, Node, NodeAddress, Service};
pub use metrics::{NodeUsage, PodUsage};
pub use pod::{Container, ContainerState, ContainerStatus, Pod, PodStatus};
pub use quantity::quantity;
pub use workload::{
    CanaryStep, PostgresCluster, ReplicaSet, Rollout, RolloutStatus, Template, Workload, WorkloadStatus,
};

/// Reads one object; `None` when it is not what its resource says it is.
#[must_use]
pub fn read<'a, T: Deserialize<'a>>(text: &'a str) -> Option<T> {
    serde_json::from_str(text).ok()
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase", bound(deserialize = "'de: 'a"))]
pub struct Meta<'a> {
    pub name: Str<'a>,
    pub namespace: Str<'a>,
    #[serde(deserialize_with = "lax")]
    pub generation: i64,
    pub creation_timestamp: Str<'a>,
    /// Not empty while the object is being deleted.
    pub deletion_timestamp: Str<'a>,
    pub labels: Labels<'a>,
    pub annotations: Labels<'a>,
    #[serde(deserialize_with = "lax")]
    pub owner_references: Vec<Owner<'a>>,
    /// Who wrote the object when, as servers keep it for server-side apply.
    #[serde(deserialize_with = "lax")]
    pub managed_fields: Vec<Manager<'a>>,
}

impl Meta<'_> {
    /// The owner that manages this object.
    #[must_use]
    pub fn controller(&self) -> Option<&Owner<'_>> {
        self.owner_references.iter().find(|owner| owner.controller)
    }
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, bound(deserialize = "'de: 'a"))]
pub struct Owner<'a> {
    pub kind: Str<'a>,
    pub name: Str<'a>,
    #[serde(deserialize_with = "lax")]
    pub controller: bool,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, bound(deserialize = "'de: 'a"))]
pub struct Manager<'a> {
    pub manager: Str<'a>,
    pub time: Str<'a>,
    pub subresource: Str<'a>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase", bound(deserialize = "'de: 'a"))]
pub struct Condition<'a> {
    #[serde(rename = "type")]
    pub kind: Str<'a>,
    /// `True`, `False`, `Unknown`.
    pub status: Str<'a>,
    pub reason: Str<'a>,
    pub message: Str<'a>,
    pub last_transition_time: Str<'a>,
}

/// A label selector; one without any requirement matches nothing here (policy/v1 would match everything, which no
/// budget of a workload means).
#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase", bound(deserialize = "'de: 'a"))]
pub struct Selector<'a> {
    pub match_labels: Labels<'a>,
    #[serde(deserialize_with = "lax")]
    pub match_expressions: Vec<Requirement<'a>>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, bound(deserialize = "'de: 'a"))]
pub struct Requirement<'a> {
    pub key: Str<'a>,
    /// `In`, `NotIn`, `Exists`, `DoesNotExist`.
    pub operator: Str<'a>,
    #[serde(deserialize_with = "lax")]
    pub values: Vec<Str<'a>>,
}
