//! Nodes become components of the host tier.

use super::components::Origin;
use super::table::Names;
use crate::clients::kube::read::{Node, quantity, segment};
use crate::domain::health::Health;
use crate::domain::id::{Alias, ComponentId, Kind};
use crate::domain::text::{Raw, Shown};
use crate::domain::tier::Tier;
use crate::model::facts::{ComponentFact, ReplicaClass, Replicas};
use crate::shown;

/// What is kept of a node.
#[derive(Clone, Debug, PartialEq)]
pub struct NodeRow {
    pub zone: Option<Raw>,
    pub ready: bool,
    pub condition: Option<(Health, Shown)>,
    /// Allocatable cores and bytes.
    pub cpu: Option<f64>,
    pub memory: Option<f64>,
    pub address: Option<Raw>,
    attributes: Vec<(&'static str, Raw)>,
    ready_at: usize,
}

pub fn row(node: &Node<'_>, names: &mut Names) -> NodeRow {
    let labels = &node.metadata.labels;
    let label = |keys: &[&str]| keys.iter().find_map(|key| labels.get(key));
    let zone = label(&["topology.kubernetes.io/zone", "failure-domain.beta.kubernetes.io/zone"]);
    let machine = label(&["node.kubernetes.io/instance-type", "beta.kubernetes.io/instance-type"]);
    let conditions = &node.status.conditions;
    let ready_at = conditions.iter().position(|condition| &*condition.kind == "Ready");
    let ready = ready_at.and_then(|at| conditions.get(at));
    let pressure = conditions.iter().find(|condition| {
        &*condition.status == "True" && matches!(&*condition.kind, "MemoryPressure" | "DiskPressure" | "PIDPressure")
    });
    let condition = match ready.map(|condition| &*condition.status) {
        Some("True") => pressure
            .map(|condition| (Health::Warn, Raw::new(&condition.kind).shown()))
            .or_else(|| node.spec.unschedulable.then(|| (Health::Maintenance, Shown::fixed("cordoned")))),
        Some(_) => {
            let reason = Raw::new(ready.map(|condition| &*condition.reason).unwrap_or_default());
            Some((Health::Critical, shown!("NotReady: {}", reason)))
        }
        None => Some((Health::Unknown, Shown::fixed("no Ready condition"))),
    };
    let address = node.status.addresses.iter().find(|address| &*address.kind == "InternalIP");
    let mut attributes = Vec::new();
    for (name, text) in [
        ("zone", zone),
        ("instance type", machine),
        ("kubelet", Some(&*node.status.node_info.kubelet_version)),
        ("cpu", node.status.allocatable.get("cpu")),
        ("memory", node.status.allocatable.get("memory")),
        ("pods", node.status.allocatable.get("pods")),
    ] {
        attributes.extend(text.filter(|text| !text.is_empty()).map(|text| (name, names.of(text))));
    }
    let amount = |key| node.status.allocatable.get(key).and_then(quantity).filter(|value| *value > 0.0);
    NodeRow {
        zone: zone.map(|zone| names.of(zone)),
        ready: ready.is_some_and(|condition| &*condition.status == "True"),
        condition,
        cpu: amount("cpu"),
        memory: amount("memory"),
        address: address.map(|address| Raw::new(&address.address)),
        attributes,
        ready_at: ready_at.unwrap_or(0),
    }
}

pub fn id(name: &Raw) -> ComponentId {
    ComponentId { kind: Kind::Node, scope: Raw::default(), name: name.clone() }
}

pub fn fact(name: &Raw, row: &NodeRow, origin: &Origin) -> ComponentFact {
    let mut aliases = vec![Alias::Component(id(name)), Alias::Node(name.clone()), Alias::Named(name.clone())];
    aliases.extend(row.address.clone().map(Alias::Address));
    let path = format!("/api/v1/nodes/{}", segment(name.as_str()));
    ComponentFact {
        id: id(name),
        aliases,
        tier: Some(Tier::Host),
        hints: Vec::new(),
        replicas: Some(Replicas { desired: 1, ready: u32::from(row.ready), bounds: None, floor: None }),
        role: None,
        rollout: None,
        class: ReplicaClass::Pool,
        condition: row.condition.clone(),
        attributes: row.attributes.clone(),
        provenance: origin.http(&path, Some(&format!("/status/conditions/{}/status", row.ready_at))),
    }
}
