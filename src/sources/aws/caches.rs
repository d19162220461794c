//! ElastiCache replication groups and the roles of their nodes.

use serde_json::json;

use super::Site;
use crate::clients::aws::read::{CacheGroup, CacheNode};
use crate::domain::health::Health;
use crate::domain::id::{Alias, ComponentId, Kind};
use crate::domain::text::Raw;
use crate::domain::tier::Tier;
use crate::model::facts::{ComponentFact, Fact, MemberFact, MemberState, ReplicaClass, Replicas, Role};

pub fn facts(site: &Site, groups: &[CacheGroup]) -> Vec<Fact> {
    groups
        .iter()
        .flat_map(|group| {
            let component = component(site, group);
            let members: Vec<Fact> =
                group.nodes.iter().map(|node| Fact::Member(member(&component.id, group, node))).collect();
            members.into_iter().chain([Fact::Component(component)])
        })
        .collect()
}

/// The state of a node; where only the group's is known, the group's.
fn status<'a>(group: &'a CacheGroup, node: &'a CacheNode) -> &'a str {
    node.status.as_deref().unwrap_or(&group.status)
}

fn component(site: &Site, group: &CacheGroup) -> ComponentFact {
    let mut aliases = vec![Alias::Named(Raw::new(&group.id))];
    for node in &group.nodes {
        aliases.push(Alias::Dimension { name: "CacheClusterId", value: Raw::new(&node.id) });
        aliases.extend(node.endpoint.iter().flat_map(addresses));
    }
    aliases.extend(group.endpoint.iter().flat_map(addresses));
    let switch = |on: bool| Raw::new(if on { "enabled" } else { "disabled" });
    let mut attributes = vec![
        ("status", Raw::new(&group.status)),
        ("description", Raw::new(&group.description)),
        ("engine", Raw::new(&group.engine)),
        ("node type", Raw::new(&group.node_type)),
        ("automatic failover", switch(group.automatic_failover)),
        ("multi-az", switch(group.multi_az)),
    ];
    if let Some((host, port)) = &group.endpoint {
        attributes.push(("endpoint", Raw::from(format!("{host}:{port}"))));
    }
    if let Some(days) = group.snapshot_retention_days {
        attributes.push(("snapshots kept", Raw::from(format!("{days} d"))));
    }
    let count = |n: usize| u32::try_from(n).unwrap_or(u32::MAX);
    let ready = group.nodes.iter().filter(|node| status(group, node) == "available").count();
    let passing = ["available", "modifying", "snapshotting"].contains(&group.status.as_str());
    ComponentFact {
        id: ComponentId::new(Kind::CacheGroup, &site.region, &group.id),
        aliases,
        tier: Some(Tier::Cache),
        hints: vec![Raw::new(&group.engine)],
        replicas: Some(Replicas { desired: count(group.nodes.len()), ready: count(ready), bounds: None, floor: None }),
        role: None,
        rollout: None,
        class: if group.nodes.len() > 1 { ReplicaClass::Primary } else { ReplicaClass::Singleton },
        condition: (!passing).then(|| (Health::Warn, Raw::new(&group.status).shown())),
        attributes,
        provenance: site.described(
            "elasticache:DescribeReplicationGroups",
            &json!({ "ReplicationGroupId": group.id }),
            "ReplicationGroups[0].Status",
        ),
    }
}

fn addresses((host, port): &(String, u16)) -> [Alias; 2] {
    [Alias::Address(Raw::new(host)), Alias::Address(Raw::from(format!("{host}:{port}")))]
}

fn member(component: &ComponentId, group: &CacheGroup, node: &CacheNode) -> MemberFact {
    let word = status(group, node);
    MemberFact {
        component: component.clone(),
        name: Raw::new(&node.id),
        state: match word {
            "available" | "snapshotting" => MemberState::Ready,
            "creating" | "rebooting cluster nodes" => MemberState::Starting,
            "deleting" | "deleted" => MemberState::Stopping,
            _ => MemberState::NotReady,
        },
        word: Raw::new(word),
        zone: (!node.zone.is_empty()).then(|| Raw::new(&node.zone)),
        node: None,
        version: (!node.engine_version.is_empty()).then(|| Raw::new(&node.engine_version)),
        role: match node.role.as_deref() {
            Some("primary") => Some(Role::Primary),
            Some("replica") => Some(Role::Replica),
            _ => None,
        },
        restarts: 0,
        since: None,
        address: node.endpoint.as_ref().map(|(host, port)| Raw::from(format!("{host}:{port}"))),
    }
}
