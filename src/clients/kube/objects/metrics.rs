//! metrics.k8s.io: usage of pods and nodes, averaged over a window by the metrics server.

use serde::Deserialize;

use super::super::wire::{Labels, Str, lax};
use super::Meta;

#[derive(Debug, Default, Deserialize)]
#[serde(default, bound(deserialize = "'de: 'a"))]
pub struct PodUsage<'a> {
    #[serde(deserialize_with = "lax")]
    pub metadata: Meta<'a>,
    pub timestamp: Str<'a>,
    #[serde(deserialize_with = "lax")]
    pub containers: Vec<ContainerUsage<'a>>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, bound(deserialize = "'de: 'a"))]
pub struct ContainerUsage<'a> {
    pub name: Str<'a>,
    pub usage: Labels<'a>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, bound(deserialize = "'de: 'a"))]
pub struct NodeUsage<'a> {
    #[serde(deserialize_with = "lax")]
    pub metadata: Meta<'a>,
    pub timestamp: Str<'a>,
    pub usage: Labels<'a>,
}
