//! RDS (2014-10-31): the reading calls of facts/aws.md 2.4, and the reboot of 1.2.

use super::failure::Failure;
use super::form::{Form, Paging};
use super::xml::Xml;
use super::{Ask, Operation};
use crate::demo::store::aws::{DbEvent, DbInstance};
use crate::demo::world::admit::Order;

const PAGES: Paging = Paging { size: "MaxRecords", token: "Marker", range: 20..=100, default: 100 };

pub const OPERATIONS: &[Operation] = &[
    Operation::reading("DescribeDBInstances", db_instances),
    Operation::reading("DescribeDBClusters", db_clusters),
    Operation::reading("DescribeEvents", events),
    Operation::reading("DescribePendingMaintenanceActions", pending_maintenance),
    Operation { name: "RebootDBInstance", order: Some(reboot), answer: rebooting },
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
    xml.text("DBInstanceClass", &db.class);
    xml.text("Engine", db.engine);
    xml.text("EngineVersion", &db.engine_version);
    xml.text("DBInstanceStatus", &db.status);
    xml.nest("Endpoint", |xml| {
        xml.text("Address", &db.endpoint);
        xml.number("Port", db.port);
    });
    xml.number("AllocatedStorage", db.allocated_gib);
    xml.text("StorageType", "gp3");
    xml.time("InstanceCreateTime", db.created_at);
    xml.number("BackupRetentionPeriod", db.backup_retention_days);
    if let Some(at) = db.latest_restorable {
        xml.time("LatestRestorableTime", at);
    }
    xml.flag("MultiAZ", db.multi_az);
    xml.text("AvailabilityZone", &db.zone);
    xml.maybe("SecondaryAvailabilityZone", db.secondary_zone.as_deref());
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

/// The world's databases are instances: it has no Aurora and no Multi-AZ cluster.
fn db_clusters(ask: &Ask<'_>, xml: &mut Xml) -> Result<(), Failure> {
    if let Some(id) = ask.form.get("DBClusterIdentifier") {
        return Err(Failure::new(404, "DBClusterNotFoundFault", format!("DBCluster {id} not found.")));
    }
    xml.nest("DBClusters", |_| {});
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
            && kind.is_none_or(|k| k == "db-instance")
            && source.is_none_or(|s| s == event.source)
            && (categories.is_empty() || event.categories.iter().any(|c| categories.contains(c)))
    };
    let mut found: Vec<&DbEvent> = ask.aws.db_events.iter().filter(wanted).collect();
    found.sort_by_key(|event| event.at);
    let (page, next) = ask.form.page(&PAGES, found)?;
    xml.list("Events", "Event", page, |xml, event| {
        xml.text("SourceIdentifier", &event.source);
        xml.text("SourceType", "db-instance");
        xml.text("Message", &event.message);
        xml.texts("EventCategories", "EventCategory", event.categories.iter().copied());
        xml.time("Date", event.at);
        xml.text("SourceArn", &arn(ask, "db", &event.source));
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
