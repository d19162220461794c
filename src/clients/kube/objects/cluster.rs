//! Nodes, services, endpoint slices, autoscalers, disruption budgets and events.

use serde::Deserialize;

use super::super::wire::{Labels, Str, lax};
use super::{Condition, Meta, Selector};

#[derive(Debug, Default, Deserialize)]
#[serde(default, bound(deserialize = "'de: 'a"))]
pub struct Node<'a> {
    #[serde(deserialize_with = "lax")]
    pub metadata: Meta<'a>,
    #[serde(deserialize_with = "lax")]
    pub spec: NodeSpec,
    #[serde(deserialize_with = "lax")]
    pub status: NodeStatus<'a>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct NodeSpec {
    #[serde(deserialize_with = "lax")]
    pub unschedulable: bool,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase", bound(deserialize = "'de: 'a"))]
pub struct NodeStatus<'a> {
    pub allocatable: Labels<'a>,
    #[serde(deserialize_with = "lax")]
    pub conditions: Vec<Condition<'a>>,
    #[serde(deserialize_with = "lax")]
    pub addresses: Vec<NodeAddress<'a>>,
    #[serde(deserialize_with = "lax")]
    pub node_info: NodeInfo<'a>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, bound(deserialize = "'de: 'a"))]
pub struct NodeAddress<'a> {
    #[serde(rename = "type")]
    pub kind: Str<'a>,
    pub address: Str<'a>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase", bound(deserialize = "'de: 'a"))]
pub struct NodeInfo<'a> {
    pub kubelet_version: Str<'a>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, bound(deserialize = "'de: 'a"))]
pub struct Service<'a> {
    #[serde(deserialize_with = "lax")]
    pub metadata: Meta<'a>,
    #[serde(deserialize_with = "lax")]
    pub spec: ServiceSpec<'a>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, bound(deserialize = "'de: 'a"))]
pub struct ServiceSpec<'a> {
    pub selector: Labels<'a>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, bound(deserialize = "'de: 'a"))]
pub struct EndpointSlice<'a> {
    #[serde(deserialize_with = "lax")]
    pub metadata: Meta<'a>,
    #[serde(deserialize_with = "lax")]
    pub endpoints: Vec<Endpoint>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Endpoint {
    #[serde(deserialize_with = "lax")]
    pub conditions: EndpointConditions,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct EndpointConditions {
    /// Absent means ready (discovery.k8s.io/v1).
    pub ready: Option<bool>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, bound(deserialize = "'de: 'a"))]
pub struct Autoscaler<'a> {
    #[serde(deserialize_with = "lax")]
    pub metadata: Meta<'a>,
    #[serde(deserialize_with = "lax")]
    pub spec: AutoscalerSpec<'a>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase", bound(deserialize = "'de: 'a"))]
pub struct AutoscalerSpec<'a> {
    #[serde(deserialize_with = "lax")]
    pub scale_target_ref: ScaleTarget<'a>,
    /// Absent is 1.
    pub min_replicas: Option<u32>,
    #[serde(deserialize_with = "lax")]
    pub max_replicas: u32,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, bound(deserialize = "'de: 'a"))]
pub struct ScaleTarget<'a> {
    pub kind: Str<'a>,
    pub name: Str<'a>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, bound(deserialize = "'de: 'a"))]
pub struct Budget<'a> {
    #[serde(deserialize_with = "lax")]
    pub metadata: Meta<'a>,
    #[serde(deserialize_with = "lax")]
    pub spec: BudgetSpec<'a>,
    #[serde(deserialize_with = "lax")]
    pub status: BudgetStatus,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, bound(deserialize = "'de: 'a"))]
pub struct BudgetSpec<'a> {
    #[serde(deserialize_with = "lax")]
    pub selector: Selector<'a>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct BudgetStatus {
    /// The controller's own count of what must stay healthy, percentages resolved.
    pub desired_healthy: Option<u32>,
}

/// A core/v1 Event; new-style recorders fill `eventTime` and leave the other times null (facts/kubernetes.md 2.7).
#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase", bound(deserialize = "'de: 'a"))]
pub struct Event<'a> {
    #[serde(deserialize_with = "lax")]
    pub metadata: Meta<'a>,
    #[serde(deserialize_with = "lax")]
    pub involved_object: Involved<'a>,
    #[serde(rename = "type")]
    pub kind: Str<'a>,
    pub reason: Str<'a>,
    pub message: Str<'a>,
    #[serde(deserialize_with = "lax")]
    pub count: u32,
    #[serde(deserialize_with = "lax")]
    pub series: Series<'a>,
    pub event_time: Str<'a>,
    pub last_timestamp: Str<'a>,
    pub first_timestamp: Str<'a>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, bound(deserialize = "'de: 'a"))]
pub struct Involved<'a> {
    pub kind: Str<'a>,
    pub namespace: Str<'a>,
    pub name: Str<'a>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase", bound(deserialize = "'de: 'a"))]
pub struct Series<'a> {
    #[serde(deserialize_with = "lax")]
    pub count: u32,
    pub last_observed_time: Str<'a>,
}
