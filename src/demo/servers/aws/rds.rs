//! RDS (2014-10-31): the reading calls of facts/aws.md 2.4, the reboot of 1.2 and the failover of 1.1.

use super::failure::Failure;
use super::form::{Form, Paging};
use super::xml::Xml;
use super::{Ask, Operation};
use crate::demo::store::aws::{DbCluster, DbEvent, DbInstance};
use crate::demo::world::admit::Order;
use crate::demo::world::noise::digest;

const PAGES: Paging = Paging { size: "MaxRecords", token: "Marker", range: 20..=100, default: 100 };

pub const OPERATIONS: &[Operation] = &[
    Operation::reading("DescribeDBInstances", db_instances),
    Operation::reading("DescribeDBClusters", db_clusters),
    Operation::reading("DescribeEvents", events),
    Operation::reading("DescribePendingMaintenanceActions", pending_maintenance),
    Operation { name: "RebootDBInstance", order: Some(reboot), answer: rebooting },
    Operation { name: "FailoverDBCluster", order: Some(fail_over), answer: failing_over },
];

fn db_instances(ask: &Ask<'_>, xml: &mut Xml) -> Result<(), Failure> {
    let id = ask.form.get("DBInstanceIdentifier");
    let found: Vec<&DbInstance> = ask.aws.db_instances.iter().filter(|db| id.is_none_or(|id| id == db.id)).collect();
    if let Some(id) = id
        && found.is_empty()
    {
        return Err(Failure::new(404, "DBInstanceNotFound", format!("DBInstance {id} not found.")));
    }
    let (page, next) = ask.form.page(&PAGES, found)?;
    xml.list("DBInstances", "DBInstance", page, |xml, db| db_instance(ask, xml, db));
    xml.maybe("Marker", next.as_deref());
    Ok(())
}

fn db_instance(ask: &Ask<'_>, xml: &mut Xml, db: &DbInstance) {
    xml.text("DBInstanceIdentifier", &db.id);
    xml.text("DBInstanceArn", &arn(ask, "db", &db.id));
    xml.text("DbiResourceId", &resource_id(&db.id));
    xml.text("DBInstanceClass", &db.class);
    xml.text("Engine", db.engine);
    xml.text("EngineVersion", &db.engine_version);
    xml.text("DBInstanceStatus", &db.status);
    xml.nest("Endpoint", |xml| {
        xml.text("Address", &db.endpoint);
        xml.number("Port", db.port);
    });
    xml.number("AllocatedStorage", db.allocated_gib);
    xml.text("StorageType", if db.cluster.is_some() { "aurora" } else { "gp3" });
    xml.time("InstanceCreateTime", db.created_at);
    xml.number("BackupRetentionPeriod", db.backup_retention_days);
    if let Some(at) = db.latest_restorable {
        xml.time("LatestRestorableTime", at);
    }
    xml.flag("MultiAZ", db.multi_az);
    xml.text("AvailabilityZone", &db.zone);
    xml.maybe("SecondaryAvailabilityZone", db.secondary_zone.as_deref());
    xml.maybe("DBClusterIdentifier", db.cluster.as_deref());
    xml.maybe("ReadReplicaSourceDBInstanceIdentifier", db.replica_of.as_deref());
    xml.texts(
        "ReadReplicaDBInstanceIdentifiers",
        "ReadReplicaDBInstanceIdentifier",
        db.replicas.iter().map(String::as_str),
    );
    xml.list("StatusInfos", "DBInstanceStatusInfo", db.replication, |xml, status| {
        xml.text("StatusType", "read replication");
        xml.flag("Normal", status == "replicating");
        xml.text("Status", status);
    });
    xml.nest("PendingModifiedValues", |_| {});
    xml.flag("PubliclyAccessible", false);
    xml.flag("StorageEncrypted", true);
    xml.flag("DeletionProtection", true);
}

fn arn(ask: &Ask<'_>, kind: &str, id: &str) -> String {
    format!("arn:aws:rds:{}:{}:{kind}:{id}", ask.aws.region, ask.aws.account)
}

/// `DbiResourceId`: an instance keeps it for life.
fn resource_id(id: &str) -> String {
    format!("db-{:016X}", digest(id))
}

fn db_clusters(ask: &Ask<'_>, xml: &mut Xml) -> Result<(), Failure> {
    let found: Vec<&DbCluster> = match ask.form.get("DBClusterIdentifier") {
        Some(_) => vec![named_cluster(ask)?],
        None => ask.aws.db_clusters.iter().collect(),
    };
    let (page, next) = ask.form.page(&PAGES, found)?;
    xml.list("DBClusters", "DBCluster", page, |xml, cluster| db_cluster(ask, xml, cluster));
    xml.maybe("Marker", next.as_deref());
    Ok(())
}

fn db_cluster(ask: &Ask<'_>, xml: &mut Xml, cluster: &DbCluster) {
    xml.text("DBClusterIdentifier", &cluster.id);
    xml.text("DBClusterArn", &arn(ask, "cluster", &cluster.id));
    xml.text("DbClusterResourceId", &cluster.resource_id);
    xml.text("Engine", cluster.engine);
    xml.text("EngineVersion", &cluster.engine_version);
    xml.text("EngineMode", "provisioned");
    xml.text("Status", &cluster.status);
    xml.text("Endpoint", &cluster.endpoint);
    xml.text("ReaderEndpoint", &cluster.reader_endpoint);
    xml.number("Port", cluster.port);
    xml.flag("MultiAZ", cluster.members.len() > 1);
    xml.list("DBClusterMembers", "DBClusterMember", &cluster.members, |xml, member| {
        xml.text("DBInstanceIdentifier", &member.id);
        xml.flag("IsClusterWriter", member.writer);
        xml.text("DBClusterParameterGroupStatus", "in-sync");
        xml.number("PromotionTier", i32::try_from(member.tier).unwrap_or(15));
    });
    xml.number("BackupRetentionPeriod", cluster.backup_retention_days);
    if let Some(at) = cluster.latest_restorable {
        xml.time("LatestRestorableTime", at);
    }
    xml.time("ClusterCreateTime", cluster.created_at);
    xml.flag("StorageEncrypted", true);
    xml.flag("DeletionProtection", true);
}

fn named_cluster<'a>(ask: &'a Ask<'_>) -> Result<&'a DbCluster, Failure> {
    let id = ask.form.get("DBClusterIdentifier").ok_or_else(|| Failure::missing("DBClusterIdentifier"))?;
    let found = ask.aws.db_clusters.iter().find(|cluster| cluster.id == id);
    found.ok_or_else(|| Failure::new(404, "DBClusterNotFoundFault", format!("DBCluster {id} not found.")))
}

fn fail_over(ask: &Ask<'_>) -> Result<Order, Failure> {
    let target = ask.form.get("TargetDBInstanceIdentifier").map(str::to_owned);
    Ok(Order::FailOver { cluster: named_cluster(ask)?.id.clone(), target })
}

fn failing_over(ask: &Ask<'_>, xml: &mut Xml) -> Result<(), Failure> {
    let cluster = named_cluster(ask)?;
    xml.nest("DBCluster", |xml| db_cluster(ask, xml, cluster));
    Ok(())
}

fn pending_maintenance(_: &Ask<'_>, xml: &mut Xml) -> Result<(), Failure> {
    xml.nest("PendingMaintenanceActions", |_| {});
    Ok(())
}

fn named<'a>(ask: &'a Ask<'_>) -> Result<&'a DbInstance, Failure> {
    let id = ask.form.get("DBInstanceIdentifier").ok_or_else(|| Failure::missing("DBInstanceIdentifier"))?;
    let found = ask.aws.db_instances.iter().find(|db| db.id == id);
    found.ok_or_else(|| Failure::new(404, "DBInstanceNotFound", format!("DBInstance {id} not found.")))
}

fn reboot(ask: &Ask<'_>) -> Result<Order, Failure> {
    Ok(Order::Reboot { database: named(ask)?.id.clone(), failover: ask.form.flag("ForceFailover") })
}

fn rebooting(ask: &Ask<'_>, xml: &mut Xml) -> Result<(), Failure> {
    let db = named(ask)?;
    xml.nest("DBInstance", |xml| db_instance(ask, xml, db));
    Ok(())
}

const MINUTE: i64 = 60_000;
/// How long RDS keeps events (API DescribeEvents).
const KEPT: i64 = 14 * 24 * 60 * MINUTE;

fn events(ask: &Ask<'_>, xml: &mut Xml) -> Result<(), Failure> {
    let window = window(ask.form, ask.now)?;
    let source = ask.form.get("SourceIdentifier");
    let kind = ask.form.get("SourceType");
    if source.is_some() && kind.is_none() {
        return Err(Failure::new(
            400,
            "InvalidParameterCombination",
            "SourceType must be provided along with SourceIdentifier",
        ));
    }
    let categories = ask.form.list("EventCategories");
    let wanted = |event: &&DbEvent| {
        window.contains(&event.at)
            && kind.is_none_or(|k| k == event.kind)
            && source.is_none_or(|s| s == event.source)
            && (categories.is_empty() || event.categories.iter().any(|c| categories.contains(c)))
    };
    let mut found: Vec<&DbEvent> = ask.aws.db_events.iter().filter(wanted).collect();
    found.sort_by_key(|event| event.at);
    let (page, next) = ask.form.page(&PAGES, found)?;
    xml.list("Events", "Event", page, |xml, event| {
        xml.text("SourceIdentifier", &event.source);
        xml.text("SourceType", event.kind);
        xml.text("Message", &event.message);
        xml.texts("EventCategories", "EventCategory", event.categories.iter().copied());
        xml.time("Date", event.at);
        let kind = if event.kind == "db-cluster" { "cluster" } else { "db" };
        xml.text("SourceArn", &arn(ask, kind, &event.source));
    });
    xml.maybe("Marker", next.as_deref());
    Ok(())
}

/// The window of a DescribeEvents call: `StartTime`/`EndTime`, or the last `Duration` minutes, an hour by default; as
/// RDS and ElastiCache read it.
pub(super) fn window(form: &Form, now: i64) -> Result<std::ops::RangeInclusive<i64>, Failure> {
    let minutes = form.int("Duration", 1..=20_160)?.unwrap_or(60);
    let end = form.time("EndTime")?.unwrap_or(now).min(now);
    let start = form.time("StartTime")?.unwrap_or(end - minutes * MINUTE).max(now - KEPT);
    if start > end {
        return Err(Failure::new(400, "InvalidParameterCombination", "StartTime must be earlier than EndTime"));
    }
    Ok(start..=end)
}
