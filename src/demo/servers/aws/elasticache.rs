//! ElastiCache (2015-02-02): the reading calls of facts/aws.md 2.4, and the writing ones of 1.7.

use super::failure::Failure;
use super::form::Paging;
use super::xml::Xml;
use super::{Ask, Operation, rds};
use crate::demo::store::aws::{CacheEvent, CacheMember, ReplicationGroup};
use crate::demo::world::admit::Order;
use crate::demo::world::operations::cache::Wish;

const PAGES: Paging = Paging { size: "MaxRecords", token: "Marker", range: 20..=100, default: 100 };
const PORT: i64 = 6379;

pub const OPERATIONS: &[Operation] = &[
    Operation::reading("DescribeReplicationGroups", replication_groups),
    Operation::reading("DescribeCacheClusters", cache_clusters),
    Operation::reading("DescribeEvents", events),
    Operation { name: "ModifyReplicationGroup", order: Some(modify), answer: modified },
    Operation { name: "TestFailover", order: Some(test_failover), answer: modified },
];

fn replication_groups(ask: &Ask<'_>, xml: &mut Xml) -> Result<(), Failure> {
    let id = ask.form.get("ReplicationGroupId");
    let all = &ask.aws.replication_groups;
    let found: Vec<&ReplicationGroup> = all.iter().filter(|g| id.is_none_or(|id| id == g.id)).collect();
    if let Some(id) = id
        && found.is_empty()
    {
        return Err(Failure::new(404, "ReplicationGroupNotFoundFault", format!("ReplicationGroup {id} not found.")));
    }
    let (page, next) = ask.form.page(&PAGES, found)?;
    xml.list("ReplicationGroups", "ReplicationGroup", page, replication_group);
    xml.maybe("Marker", next.as_deref());
    Ok(())
}

fn enabled(on: bool) -> &'static str {
    if on { "enabled" } else { "disabled" }
}

fn endpoint(xml: &mut Xml, name: &str, address: &str) {
    xml.nest(name, |xml| {
        xml.text("Address", address);
        xml.number("Port", PORT);
    });
}

fn replication_group(xml: &mut Xml, group: &ReplicationGroup) {
    xml.text("ReplicationGroupId", &group.id);
    xml.text("Description", &group.description);
    xml.text("Status", &group.status);
    xml.nest("PendingModifiedValues", |_| {});
    xml.texts("MemberClusters", "ClusterId", group.members.iter().map(|m| m.id.as_str()));
    xml.list("NodeGroups", "NodeGroup", [group], |xml, group| {
        xml.text("NodeGroupId", "0001");
        xml.text("Status", &group.status);
        endpoint(xml, "PrimaryEndpoint", &group.primary_endpoint);
        xml.list("NodeGroupMembers", "NodeGroupMember", &group.members, |xml, member| {
            xml.text("CacheClusterId", &member.id);
            xml.text("CacheNodeId", &member.node_id);
            endpoint(xml, "ReadEndpoint", &member.endpoint);
            xml.text("PreferredAvailabilityZone", &member.zone);
            xml.text("CurrentRole", member.role);
        });
    });
    xml.text("AutomaticFailover", enabled(group.automatic_failover));
    xml.text("MultiAZ", enabled(group.multi_az));
    xml.number("SnapshotRetentionLimit", group.snapshot_retention_days);
    xml.flag("ClusterEnabled", false);
    xml.text("CacheNodeType", &group.node_type);
    xml.text("Engine", "redis");
}

fn cache_clusters(ask: &Ask<'_>, xml: &mut Xml) -> Result<(), Failure> {
    let id = ask.form.get("CacheClusterId");
    let alone = ask.form.flag("ShowCacheClustersNotInReplicationGroups");
    let nodes = ask.form.flag("ShowCacheNodeInfo");
    let all = ask.aws.replication_groups.iter().flat_map(|g| g.members.iter().map(move |m| (g, m)));
    let found: Vec<(&ReplicationGroup, &CacheMember)> =
        all.filter(|(_, m)| !alone && id.is_none_or(|id| id == m.id)).collect();
    if let Some(id) = id
        && found.is_empty()
    {
        return Err(Failure::new(404, "CacheClusterNotFound", format!("CacheCluster not found: {id}")));
    }
    let (page, next) = ask.form.page(&PAGES, found)?;
    xml.list("CacheClusters", "CacheCluster", page, |xml, (group, member)| {
        xml.text("CacheClusterId", &member.id);
        xml.text("CacheNodeType", &group.node_type);
        xml.text("Engine", "redis");
        xml.text("EngineVersion", &group.engine_version);
        xml.text("CacheClusterStatus", &member.status);
        xml.number("NumCacheNodes", 1);
        xml.text("PreferredAvailabilityZone", &member.zone);
        if nodes {
            xml.list("CacheNodes", "CacheNode", [member], |xml, member| {
                xml.text("CacheNodeId", &member.node_id);
                xml.text("CacheNodeStatus", &member.status);
                endpoint(xml, "Endpoint", &member.endpoint);
                xml.text("CustomerAvailabilityZone", &member.zone);
            });
        }
        xml.text("ReplicationGroupId", &group.id);
        xml.number("SnapshotRetentionLimit", group.snapshot_retention_days);
    });
    xml.maybe("Marker", next.as_deref());
    Ok(())
}

fn events(ask: &Ask<'_>, xml: &mut Xml) -> Result<(), Failure> {
    let window = rds::window(ask.form, ask.now)?;
    let (source, kind) = (ask.form.get("SourceIdentifier"), ask.form.get("SourceType"));
    let wanted = |event: &&CacheEvent| {
        window.contains(&event.at) && kind.is_none_or(|k| k == event.kind) && source.is_none_or(|s| s == event.source)
    };
    let mut found: Vec<&CacheEvent> = ask.aws.cache_events.iter().filter(wanted).collect();
    found.sort_by_key(|event| event.at);
    let (page, next) = ask.form.page(&PAGES, found)?;
    xml.list("Events", "Event", page, |xml, event| {
        xml.text("SourceIdentifier", &event.source);
        xml.text("SourceType", event.kind);
        xml.text("Message", &event.message);
        xml.time("Date", event.at);
    });
    xml.maybe("Marker", next.as_deref());
    Ok(())
}

fn named<'a>(ask: &'a Ask<'_>) -> Result<&'a ReplicationGroup, Failure> {
    let id = ask.form.get("ReplicationGroupId").ok_or_else(|| Failure::missing("ReplicationGroupId"))?;
    let found = ask.aws.replication_groups.iter().find(|g| g.id == id);
    found.ok_or_else(|| Failure::new(404, "ReplicationGroupNotFoundFault", format!("ReplicationGroup {id} not found.")))
}

/// A modification. Without `ApplyImmediately` it waits for the maintenance window, which never comes here: AWS refuses
/// a change of the primary then.
fn modify(ask: &Ask<'_>) -> Result<Order, Failure> {
    let group = named(ask)?;
    let primary = ask
        .form
        .get("PrimaryClusterId")
        .map(|id| {
            let found = group.members.iter().position(|m| m.id == id);
            found.ok_or_else(|| Failure::new(404, "CacheClusterNotFound", format!("CacheCluster not found: {id}")))
        })
        .transpose()?;
    if primary.is_some() && !ask.form.flag("ApplyImmediately") {
        return Err(Failure::new(
            400,
            "InvalidParameterCombination",
            "PrimaryClusterId can be changed with ApplyImmediately only.",
        ));
    }
    let flag = |name: &str| ask.form.get(name).map(|value| value == "true");
    Ok(Order::ModifyCache(Wish { automatic: flag("AutomaticFailoverEnabled"), zones: flag("MultiAZEnabled"), primary }))
}

fn test_failover(ask: &Ask<'_>) -> Result<Order, Failure> {
    named(ask)?;
    match ask.form.get("NodeGroupId") {
        Some("0001") => Ok(Order::TestFailover),
        Some(id) => Err(Failure::new(404, "NodeGroupNotFoundFault", format!("Node group {id} not found."))),
        None => Err(Failure::missing("NodeGroupId")),
    }
}

fn modified(ask: &Ask<'_>, xml: &mut Xml) -> Result<(), Failure> {
    let group = named(ask)?;
    xml.nest("ReplicationGroup", |xml| replication_group(xml, group));
    Ok(())
}
