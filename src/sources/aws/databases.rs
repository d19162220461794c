//! RDS instances that are no members of a cluster, their roles, and what RDS tells of them.

use serde_json::json;

use super::Site;
use crate::clients::aws::read::{DbEvent, DbInstance};
use crate::domain::health::Health;
use crate::domain::id::{Alias, ComponentId, Kind};
use crate::domain::text::{Raw, Shown};
use crate::domain::tier::Tier;
use crate::domain::time::Stamp;
use crate::model::facts::{
    ChangeFact, ChangeKind, ComponentFact, Fact, LinkFact, MemberFact, MemberState, ReplicaClass, Replicas, Role,
};

pub fn facts(site: &Site, instances: &[DbInstance]) -> Vec<Fact> {
    instances
        .iter()
        .flat_map(|db| {
            let component = component(site, db);
            let members = members(&component.id, db);
            let link = db.replication.as_ref().map(|replication| {
                Fact::Link(LinkFact {
                    from: Alias::Component(component.id.clone()),
                    to: identified(&replication.source),
                    protocol: Some(Raw::new("replication")),
                    port: db.endpoint.as_ref().map(|(_, port)| *port),
                    observed: true,
                })
            });
            members.into_iter().map(Fact::Member).chain(link).chain([Fact::Component(component)]).collect::<Vec<_>>()
        })
        .collect()
}

fn identified(id: &str) -> Alias {
    Alias::Dimension { name: "DBInstanceIdentifier", value: Raw::new(id) }
}

fn component(site: &Site, db: &DbInstance) -> ComponentFact {
    let mut aliases = vec![identified(&db.id), Alias::Named(Raw::new(&db.id))];
    let mut hints = vec![Raw::new(&db.engine)];
    let mut attributes = vec![
        ("status", Raw::new(&db.status)),
        ("engine", Raw::from(format!("{} {}", db.engine, db.engine_version))),
        ("class", Raw::new(&db.class)),
        ("zone", Raw::new(&db.zone)),
    ];
    if let Some((host, port)) = &db.endpoint {
        aliases.extend([Alias::Address(Raw::new(host)), Alias::Address(Raw::from(format!("{host}:{port}")))]);
        hints.push(Raw::from(format!("port={port}")));
        attributes.push(("endpoint", Raw::from(format!("{host}:{port}"))));
    }
    if let Some(replication) = &db.replication {
        let status = replication.status.as_deref().unwrap_or("unknown");
        attributes.push(("replica of", Raw::from(format!("{} ({status})", replication.source))));
    }
    if let Some(zone) = &db.standby_zone {
        attributes.push(("standby", Raw::new(zone)));
    }
    if let Some(gib) = db.allocated_gib {
        attributes.push(("storage", Raw::from(format!("{gib} GiB"))));
    }
    if let Some(days) = db.backup.retention_days {
        attributes.push(("backups kept", Raw::from(format!("{days} d"))));
    }
    if let Some(at) = db.backup.latest_restorable {
        attributes.push(("restorable to", Raw::from(Stamp::from_millis(at).rfc3339())));
    }
    if !db.pending.is_empty() {
        attributes.push(("pending", Raw::from(db.pending.join(", "))));
    }
    let desired = if db.multi_az { 2 } else { 1 };
    let ready = if serves(&db.status) { desired } else { 0 };
    let role = if db.replication.is_some() { Role::Replica } else { Role::Primary };
    ComponentFact {
        id: ComponentId::new(Kind::DbInstance, &site.region, &db.id),
        aliases,
        tier: Some(Tier::Database),
        hints,
        replicas: Some(Replicas { desired, ready, bounds: None, floor: None }),
        role: Some(role),
        rollout: None,
        class: match (role, db.multi_az) {
            (Role::Replica, _) => ReplicaClass::Pool,
            (_, true) => ReplicaClass::Primary,
            (_, false) => ReplicaClass::Singleton,
        },
        condition: condition(db),
        attributes,
        provenance: site.described(
            "rds:DescribeDBInstances",
            &json!({ "DBInstanceIdentifier": db.id }),
            "DBInstances[0].DBInstanceStatus",
        ),
    }
}

/// Whether clients are served in a status (RDS user guide, "Viewing DB instance status").
pub fn serves(status: &str) -> bool {
    matches!(
        status,
        "available"
            | "backing-up"
            | "configuring-enhanced-monitoring"
            | "configuring-iam-database-auth"
            | "configuring-log-exports"
            | "maintenance"
            | "modifying"
            | "renaming"
            | "resetting-master-credentials"
            | "storage-config-upgrade"
            | "storage-initialization"
            | "storage-optimization"
            | "upgrading"
    )
}

fn condition(db: &DbInstance) -> Option<(Health, Shown)> {
    if !serves(&db.status) {
        let passing = ["creating", "rebooting", "starting", "failing-over"].contains(&db.status.as_str());
        let health = if passing { Health::Warn } else { Health::Critical };
        return Some((health, Raw::new(&db.status).shown()));
    }
    let status = db.replication.as_ref()?.status.as_deref()?;
    (!["replicating", "replicating-connecting"].contains(&status))
        .then(|| (Health::Critical, crate::shown!("replication {}", Raw::new(status))))
}

fn members(component: &ComponentId, db: &DbInstance) -> Vec<MemberFact> {
    let state = if serves(&db.status) { MemberState::Ready } else { MemberState::NotReady };
    let role = if db.replication.is_some() { Role::Replica } else { Role::Primary };
    let member = |name: String, zone: &str, role| MemberFact {
        component: component.clone(),
        name: Raw::from(name),
        state,
        word: Raw::new(&db.status),
        zone: (!zone.is_empty()).then(|| Raw::new(zone)),
        node: None,
        version: Some(Raw::new(&db.engine_version)),
        role: Some(role),
        restarts: 0,
        since: None,
        address: None,
    };
    let mut own = member(db.id.clone(), &db.zone, role);
    own.address = db.endpoint.as_ref().map(|(host, port)| Raw::from(format!("{host}:{port}")));
    let standby = db
        .multi_az
        .then(|| member(format!("{} standby", db.id), db.standby_zone.as_deref().unwrap_or_default(), Role::Standby));
    std::iter::once(own).chain(standby).collect()
}

/// Events have no identity of their own: source, moment and text together are one (facts/aws.md 0).
pub fn changes(events: &[DbEvent]) -> Vec<Fact> {
    let kind = |event: &DbEvent| {
        let in_category = |name: &str| event.categories.iter().any(|c| c == name);
        match () {
            () if in_category("failover") => ChangeKind::Failover,
            () if in_category("configuration change") => ChangeKind::Config,
            () if in_category("availability") => ChangeKind::Restart,
            () => ChangeKind::Event,
        }
    };
    let change = |event: &DbEvent| {
        Fact::Change(ChangeFact {
            key: Raw::from(format!("rds/{}/{}/{}", event.source, event.at, event.message)),
            at: Stamp::from_millis(event.at),
            subject: Some(identified(&event.source)),
            kind: kind(event),
            what: Raw::new(&event.message).shown(),
            who: None,
        })
    };
    events.iter().map(change).collect()
}
