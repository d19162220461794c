//! Deployments, StatefulSets, DaemonSets (one shape), ReplicaSets, Argo Rollouts and CloudNativePG clusters.

use serde::Deserialize;
use serde::de::IgnoredAny;

use super::super::wire::{Labels, Str, lax};
use super::{Condition, Container, Meta};

/// A Deployment, StatefulSet or DaemonSet; the fields that a kind lacks are absent.
#[derive(Debug, Default, Deserialize)]
#[serde(default, bound(deserialize = "'de: 'a"))]
pub struct Workload<'a> {
    #[serde(deserialize_with = "lax")]
    pub metadata: Meta<'a>,
    #[serde(deserialize_with = "lax")]
    pub spec: WorkloadSpec<'a>,
    #[serde(deserialize_with = "lax")]
    pub status: WorkloadStatus<'a>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, bound(deserialize = "'de: 'a"))]
pub struct WorkloadSpec<'a> {
    pub replicas: Option<u32>,
    #[serde(deserialize_with = "lax")]
    pub paused: bool,
    #[serde(deserialize_with = "lax")]
    pub template: Template<'a>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, bound(deserialize = "'de: 'a"))]
pub struct Template<'a> {
    #[serde(deserialize_with = "lax")]
    pub metadata: TemplateMeta<'a>,
    #[serde(deserialize_with = "lax")]
    pub spec: TemplateSpec<'a>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, bound(deserialize = "'de: 'a"))]
pub struct TemplateMeta<'a> {
    pub labels: Labels<'a>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, bound(deserialize = "'de: 'a"))]
pub struct TemplateSpec<'a> {
    #[serde(deserialize_with = "lax")]
    pub containers: Vec<Container<'a>>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase", bound(deserialize = "'de: 'a"))]
pub struct WorkloadStatus<'a> {
    #[serde(deserialize_with = "lax")]
    pub observed_generation: i64,
    #[serde(deserialize_with = "lax")]
    pub replicas: u32,
    #[serde(deserialize_with = "lax")]
    pub ready_replicas: u32,
    #[serde(deserialize_with = "lax")]
    pub updated_replicas: u32,
    #[serde(deserialize_with = "lax")]
    pub available_replicas: u32,
    /// DaemonSets count nodes instead of replicas.
    pub desired_number_scheduled: Option<u32>,
    #[serde(deserialize_with = "lax")]
    pub number_ready: u32,
    #[serde(deserialize_with = "lax")]
    pub conditions: Vec<Condition<'a>>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, bound(deserialize = "'de: 'a"))]
pub struct ReplicaSet<'a> {
    #[serde(deserialize_with = "lax")]
    pub metadata: Meta<'a>,
    #[serde(deserialize_with = "lax")]
    pub spec: WorkloadSpec<'a>,
    #[serde(deserialize_with = "lax")]
    pub status: WorkloadStatus<'a>,
}

/// An Argo Rollout (`argoproj.io/v1alpha1`).
#[derive(Debug, Default, Deserialize)]
#[serde(default, bound(deserialize = "'de: 'a"))]
pub struct Rollout<'a> {
    #[serde(deserialize_with = "lax")]
    pub metadata: Meta<'a>,
    #[serde(deserialize_with = "lax")]
    pub spec: RolloutSpec<'a>,
    #[serde(deserialize_with = "lax")]
    pub status: RolloutStatus<'a>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase", bound(deserialize = "'de: 'a"))]
pub struct RolloutSpec<'a> {
    pub replicas: Option<u32>,
    #[serde(deserialize_with = "lax")]
    pub paused: bool,
    #[serde(deserialize_with = "lax")]
    pub template: Template<'a>,
    #[serde(deserialize_with = "lax")]
    pub workload_ref: WorkloadRef<'a>,
    #[serde(deserialize_with = "lax")]
    pub strategy: Strategy,
}

/// The Deployment whose template a Rollout borrows.
#[derive(Debug, Default, Deserialize)]
#[serde(default, bound(deserialize = "'de: 'a"))]
pub struct WorkloadRef<'a> {
    pub kind: Str<'a>,
    pub name: Str<'a>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Strategy {
    pub canary: Option<Canary>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Canary {
    #[serde(deserialize_with = "lax")]
    pub steps: Vec<CanaryStep>,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct CanaryStep {
    pub set_weight: Option<u32>,
    /// Whether it waits; for how long is not kept.
    pub pause: Option<IgnoredAny>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase", bound(deserialize = "'de: 'a"))]
pub struct RolloutStatus<'a> {
    /// A number written as a string (facts/controlplane.md 5).
    pub observed_generation: Str<'a>,
    pub phase: Str<'a>,
    pub message: Str<'a>,
    #[serde(deserialize_with = "lax")]
    pub ready_replicas: u32,
    pub current_step_index: Option<u32>,
    #[serde(rename = "stableRS")]
    pub stable_rs: Str<'a>,
    pub current_pod_hash: Str<'a>,
    #[serde(deserialize_with = "lax")]
    pub controller_pause: bool,
    #[serde(deserialize_with = "lax")]
    pub pause_conditions: Vec<PauseCondition<'a>>,
    pub aborted_at: Str<'a>,
    #[serde(deserialize_with = "lax")]
    pub canary: CanaryStatus,
    #[serde(deserialize_with = "lax")]
    pub conditions: Vec<Condition<'a>>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase", bound(deserialize = "'de: 'a"))]
pub struct PauseCondition<'a> {
    pub reason: Str<'a>,
    pub start_time: Str<'a>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct CanaryStatus {
    /// Absent without a traffic router.
    pub weights: Option<Weights>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Weights {
    #[serde(deserialize_with = "lax")]
    pub canary: Weight,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Weight {
    pub weight: Option<u32>,
}

/// A PostgreSQL cluster of CloudNativePG (`postgresql.cnpg.io/v1`).
#[derive(Debug, Default, Deserialize)]
#[serde(default, bound(deserialize = "'de: 'a"))]
pub struct PostgresCluster<'a> {
    #[serde(deserialize_with = "lax")]
    pub metadata: Meta<'a>,
    #[serde(deserialize_with = "lax")]
    pub spec: PostgresSpec<'a>,
    #[serde(deserialize_with = "lax")]
    pub status: PostgresStatus<'a>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase", bound(deserialize = "'de: 'a"))]
pub struct PostgresSpec<'a> {
    #[serde(deserialize_with = "lax")]
    pub instances: u32,
    pub image_name: Str<'a>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase", bound(deserialize = "'de: 'a"))]
pub struct PostgresStatus<'a> {
    #[serde(deserialize_with = "lax")]
    pub ready_instances: u32,
    pub current_primary: Str<'a>,
    /// The wish; `pending` while the operator chooses.
    pub target_primary: Str<'a>,
    pub phase: Str<'a>,
    pub write_service: Str<'a>,
}
