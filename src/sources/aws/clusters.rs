//! Aurora clusters: one component with its instances as members.

use serde_json::json;

use super::Site;
use super::databases::serves;
use crate::clients::aws::read::{DbCluster, DbInstance, DbMember};
use crate::domain::health::Health;
use crate::domain::id::{Alias, ComponentId, Kind};
use crate::domain::text::Raw;
use crate::domain::tier::Tier;
use crate::domain::time::Stamp;
use crate::model::facts::{ComponentFact, Fact, MemberFact, MemberState, ReplicaClass, Replicas, Role};

pub fn facts(site: &Site, clusters: &[DbCluster], instances: &[DbInstance]) -> Vec<Fact> {
    let mut facts = Vec::new();
    for cluster in clusters {
        let component = component(site, cluster, instances);
        let members = cluster.members.iter().map(|it| Fact::Member(member(&component.id, cluster, it, instances)));
        facts.extend(members);
        facts.push(Fact::Component(component));
    }
    facts
}

fn instance<'a>(member: &DbMember, instances: &'a [DbInstance]) -> Option<&'a DbInstance> {
    instances.iter().find(|db| db.id == member.id)
}

fn addresses((host, port): &(String, u16)) -> [Alias; 2] {
    [Alias::Address(Raw::new(host)), Alias::Address(Raw::from(format!("{host}:{port}")))]
}

fn component(site: &Site, cluster: &DbCluster, instances: &[DbInstance]) -> ComponentFact {
    let mut aliases = vec![
        Alias::Named(Raw::new(&cluster.id)),
        Alias::Dimension { name: "DBClusterIdentifier", value: Raw::new(&cluster.id) },
    ];
    aliases.extend(cluster.endpoint.iter().flat_map(addresses));
    let writer = cluster.members.iter().find(|member| member.writer);
    let mut attributes = vec![
        ("status", Raw::new(&cluster.status)),
        ("engine", Raw::from(format!("{} {}", cluster.engine, cluster.engine_version))),
        ("writer", Raw::new(writer.map_or("none", |member| member.id.as_str()))),
    ];
    if let Some((host, port)) = &cluster.endpoint {
        attributes.push(("endpoint", Raw::from(format!("{host}:{port}"))));
    }
    for member in &cluster.members {
        if let Some(tier) = member.tier.filter(|_| !member.writer) {
            attributes.push(("promotion tier", Raw::from(format!("{tier} {}", member.id))));
        }
    }
    if let Some(days) = cluster.backup.retention_days {
        attributes.push(("backups kept", Raw::from(format!("{days} d"))));
    }
    if let Some(at) = cluster.backup.latest_restorable {
        attributes.push(("restorable to", Raw::from(Stamp::from_millis(at).rfc3339())));
    }
    let count = |n: usize| u32::try_from(n).unwrap_or(u32::MAX);
    let served =
        cluster.members.iter().filter_map(|member| instance(member, instances)).filter(|db| serves(&db.status));
    ComponentFact {
        id: ComponentId::new(Kind::DbCluster, &site.region, &cluster.id),
        aliases,
        tier: Some(Tier::Database),
        hints: vec![Raw::new(&cluster.engine)],
        replicas: Some(Replicas {
            desired: count(cluster.members.len()),
            ready: count(served.count()),
            bounds: None,
            floor: None,
        }),
        role: None,
        rollout: None,
        class: if cluster.members.len() > 1 { ReplicaClass::Primary } else { ReplicaClass::Singleton },
        condition: (!serves(&cluster.status)).then(|| (Health::Warn, Raw::new(&cluster.status).shown())),
        attributes,
        provenance: site.described(
            "rds:DescribeDBClusters",
            &json!({ "DBClusterIdentifier": cluster.id }),
            "DBClusters[0].Status",
        ),
    }
}

fn member(component: &ComponentId, cluster: &DbCluster, member: &DbMember, instances: &[DbInstance]) -> MemberFact {
    let db = instance(member, instances);
    MemberFact {
        component: component.clone(),
        name: Raw::new(&member.id),
        state: match db.map(|db| db.status.as_str()) {
            None => MemberState::Unknown,
            Some(status) if serves(status) => MemberState::Ready,
            Some("creating" | "rebooting" | "starting") => MemberState::Starting,
            Some("deleting" | "stopping") => MemberState::Stopping,
            Some(_) => MemberState::NotReady,
        },
        word: Raw::new(db.map_or("unknown", |db| db.status.as_str())),
        zone: db.map(|db| Raw::new(&db.zone)).filter(|zone| !zone.is_empty()),
        node: None,
        version: Some(Raw::new(&cluster.engine_version)),
        role: Some(if member.writer { Role::Primary } else { Role::Replica }),
        restarts: 0,
        since: None,
        address: db.and_then(|db| db.endpoint.as_ref()).map(|(host, port)| Raw::from(format!("{host}:{port}"))),
    }
}
