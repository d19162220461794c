//! Pods: 0.5 KiB of a 13 KiB object.

use serde::Deserialize;

use super::super::wire::{Labels, Str, lax};
use super::{Condition, Meta};

#[derive(Debug, Default, Deserialize)]
#[serde(default, bound(deserialize = "'de: 'a"))]
pub struct Pod<'a> {
    #[serde(deserialize_with = "lax")]
    pub metadata: Meta<'a>,
    #[serde(deserialize_with = "lax")]
    pub spec: PodSpec<'a>,
    #[serde(deserialize_with = "lax")]
    pub status: PodStatus<'a>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase", bound(deserialize = "'de: 'a"))]
pub struct PodSpec<'a> {
    pub node_name: Str<'a>,
    #[serde(deserialize_with = "lax")]
    pub containers: Vec<Container<'a>>,
    #[serde(deserialize_with = "lax")]
    pub init_containers: Vec<Container<'a>>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase", bound(deserialize = "'de: 'a"))]
pub struct Container<'a> {
    pub name: Str<'a>,
    pub image: Str<'a>,
    /// `Always` on an init container makes it a sidecar.
    pub restart_policy: Str<'a>,
    #[serde(deserialize_with = "lax")]
    pub resources: Resources<'a>,
    #[serde(deserialize_with = "lax")]
    pub ports: Vec<Port<'a>>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, bound(deserialize = "'de: 'a"))]
pub struct Resources<'a> {
    pub requests: Labels<'a>,
    pub limits: Labels<'a>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase", bound(deserialize = "'de: 'a"))]
pub struct Port<'a> {
    #[serde(deserialize_with = "lax")]
    pub container_port: u16,
    pub name: Str<'a>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase", bound(deserialize = "'de: 'a"))]
pub struct PodStatus<'a> {
    pub phase: Str<'a>,
    pub reason: Str<'a>,
    #[serde(rename = "podIP")]
    pub pod_ip: Str<'a>,
    pub start_time: Str<'a>,
    #[serde(deserialize_with = "lax")]
    pub conditions: Vec<Condition<'a>>,
    #[serde(deserialize_with = "lax")]
    pub container_statuses: Vec<ContainerStatus<'a>>,
    #[serde(deserialize_with = "lax")]
    pub init_container_statuses: Vec<ContainerStatus<'a>>,
}

impl PodStatus<'_> {
    #[must_use]
    pub fn condition(&self, kind: &str) -> Option<&Condition<'_>> {
        self.conditions.iter().find(|condition| &*condition.kind == kind)
    }
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase", bound(deserialize = "'de: 'a"))]
pub struct ContainerStatus<'a> {
    pub name: Str<'a>,
    #[serde(deserialize_with = "lax")]
    pub ready: bool,
    #[serde(deserialize_with = "lax")]
    pub started: bool,
    #[serde(deserialize_with = "lax")]
    pub restart_count: u32,
    #[serde(deserialize_with = "lax")]
    pub state: ContainerState<'a>,
    #[serde(deserialize_with = "lax")]
    pub last_state: ContainerState<'a>,
}

/// At most one of the three is set.
#[derive(Debug, Default, Deserialize)]
#[serde(default, bound(deserialize = "'de: 'a"))]
pub struct ContainerState<'a> {
    pub waiting: Option<Waiting<'a>>,
    pub running: Option<Running<'a>>,
    pub terminated: Option<Terminated<'a>>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, bound(deserialize = "'de: 'a"))]
pub struct Waiting<'a> {
    pub reason: Str<'a>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase", bound(deserialize = "'de: 'a"))]
pub struct Running<'a> {
    pub started_at: Str<'a>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase", bound(deserialize = "'de: 'a"))]
pub struct Terminated<'a> {
    pub reason: Str<'a>,
    #[serde(deserialize_with = "lax")]
    pub exit_code: i32,
    #[serde(deserialize_with = "lax")]
    pub signal: i32,
    pub finished_at: Str<'a>,
}
