//! RDS: instances, Aurora clusters and events.

use aws_config::SdkConfig;
use aws_sdk_rds::Client;
use aws_sdk_rds::primitives::DateTime;
use aws_sdk_rds::types::SourceType;

use super::operated::{pending, waiting_for_reboot};
use super::pages::pages;
use super::{Connection, millis, text, texts};
use crate::clients::aws::cap::Cap;
use crate::clients::aws::connect::Place;
use crate::clients::aws::fault;
use crate::domain::error::Fault;

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DbInstance {
    pub id: String,
    pub class: String,
    pub engine: String,
    pub engine_version: String,
    pub status: String,
    pub endpoint: Option<(String, u16)>,
    pub multi_az: bool,
    pub zone: String,
    pub standby_zone: Option<String>,
    /// Only of a read replica.
    pub replication: Option<Replication>,
    /// The cluster that it is a member of.
    pub cluster: Option<String>,
    pub allocated_gib: Option<i32>,
    pub backup: Backup,
    /// Modifications that wait for the next window or reboot, and parameter groups that wait for a reboot.
    pub pending: Vec<String>,
}

/// A cluster of Aurora, or a Multi-AZ one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DbCluster {
    pub id: String,
    pub engine: String,
    pub engine_version: String,
    pub status: String,
    /// Where writes go.
    pub endpoint: Option<(String, u16)>,
    pub members: Vec<DbMember>,
    pub backup: Backup,
}

/// A member of a cluster, by the name of its instance.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DbMember {
    pub id: String,
    pub writer: bool,
    /// `PromotionTier`: the lowest is taken first.
    pub tier: Option<i32>,
}

/// What a read replica follows, and how that goes (`replicating`, `error`, `stopped`, ...).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Replication {
    pub source: String,
    pub status: Option<String>,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Backup {
    pub retention_days: Option<i32>,
    pub latest_restorable: Option<i64>,
}

/// An event; RDS gives it no identity (facts/aws.md 0).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DbEvent {
    pub source: String,
    pub message: String,
    pub categories: Vec<String>,
    pub at: i64,
}

pub struct Rds {
    client: Client,
    heartbeat: Client,
    place: Place,
}

impl Rds {
    #[must_use]
    pub fn new(connection: &Connection) -> Self {
        Self {
            client: client(&connection.panel),
            heartbeat: client(&connection.heartbeat),
            place: connection.place.clone(),
        }
    }

    /// # Errors
    /// The [`Fault`] of the first page that failed, or of a listing without end.
    pub async fn instances(&self) -> Result<Vec<DbInstance>, Fault> {
        const ACTION: &str = "rds:DescribeDBInstances";
        pages(&self.place, ACTION, async |marker| {
            let page = self.client.describe_db_instances().set_marker(marker).send().await;
            let page = page.map_err(|e| fault::of(&self.place, ACTION, &e))?;
            Ok((page.db_instances().iter().map(instance).collect(), page.marker().map(str::to_owned)))
        })
        .await
    }

    /// # Errors
    /// The [`Fault`] of the first page that failed, or of a listing without end.
    pub async fn clusters(&self) -> Result<Vec<DbCluster>, Fault> {
        const ACTION: &str = "rds:DescribeDBClusters";
        pages(&self.place, ACTION, async |marker| {
            let page = self.client.describe_db_clusters().set_marker(marker).send().await;
            let page = page.map_err(|e| fault::of(&self.place, ACTION, &e))?;
            Ok((page.db_clusters().iter().map(cluster).collect(), page.marker().map(str::to_owned)))
        })
        .await
    }

    /// Events of instances and clusters since `start`, which may lie 14 days back.
    ///
    /// # Errors
    /// The [`Fault`] of the first page that failed, or of a listing without end.
    pub async fn events(&self, start: i64, end: i64) -> Result<Vec<DbEvent>, Fault> {
        let (instances, clusters) = futures::try_join!(
            self.events_of(SourceType::DbInstance, start, end),
            self.events_of(SourceType::DbCluster, start, end)
        )?;
        Ok(instances.into_iter().chain(clusters).collect())
    }

    async fn events_of(&self, source: SourceType, start: i64, end: i64) -> Result<Vec<DbEvent>, Fault> {
        const ACTION: &str = "rds:DescribeEvents";
        let request = self
            .client
            .describe_events()
            .source_type(source)
            .start_time(DateTime::from_millis(start))
            .end_time(DateTime::from_millis(end));
        pages(&self.place, ACTION, async |marker| {
            let page = request.clone().set_marker(marker).send().await;
            let page = page.map_err(|e| fault::of(&self.place, ACTION, &e))?;
            Ok((page.events().iter().filter_map(event).collect(), page.marker().map(str::to_owned)))
        })
        .await
    }

    /// Whether the service answers us.
    ///
    /// # Errors
    /// The [`Fault`] that a read would meet now.
    pub async fn alive(&self) -> Result<(), Fault> {
        let answer = self.heartbeat.describe_db_instances().max_records(20).send().await;
        answer.map(|_| ()).map_err(|e| fault::of(&self.place, "rds:DescribeDBInstances", &e))
    }
}

fn event(event: &aws_sdk_rds::types::Event) -> Option<DbEvent> {
    Some(DbEvent {
        source: text(event.source_identifier()),
        message: text(event.message()),
        categories: texts(event.event_categories()),
        at: millis(event.date())?,
    })
}

fn instance(db: &aws_sdk_rds::types::DbInstance) -> DbInstance {
    let endpoint = db.endpoint().and_then(|e| Some((e.address()?.to_owned(), u16::try_from(e.port()?).ok()?)));
    let replication = db.status_infos().iter().find(|info| info.status_type() == Some("read replication"));
    DbInstance {
        id: text(db.db_instance_identifier()),
        class: text(db.db_instance_class()),
        engine: text(db.engine()),
        engine_version: text(db.engine_version()),
        status: text(db.db_instance_status()),
        endpoint,
        multi_az: db.multi_az().unwrap_or_default(),
        zone: text(db.availability_zone()),
        standby_zone: db.secondary_availability_zone().map(str::to_owned),
        replication: db.read_replica_source_db_instance_identifier().map(|source| Replication {
            source: source.to_owned(),
            status: replication.and_then(|info| info.status()).map(str::to_owned),
        }),
        cluster: db.db_cluster_identifier().map(str::to_owned),
        allocated_gib: db.allocated_storage(),
        backup: Backup {
            retention_days: db.backup_retention_period(),
            latest_restorable: millis(db.latest_restorable_time()),
        },
        pending: {
            let values = db.pending_modified_values().map(pending).unwrap_or_default();
            values.into_iter().map(str::to_owned).chain(waiting_for_reboot(db)).collect()
        },
    }
}

fn cluster(db: &aws_sdk_rds::types::DbCluster) -> DbCluster {
    let member = |member: &aws_sdk_rds::types::DbClusterMember| DbMember {
        id: text(member.db_instance_identifier()),
        writer: member.is_cluster_writer().unwrap_or_default(),
        tier: member.promotion_tier(),
    };
    DbCluster {
        id: text(db.db_cluster_identifier()),
        engine: text(db.engine()),
        engine_version: text(db.engine_version()),
        status: text(db.status()),
        endpoint: db.endpoint().and_then(|host| Some((host.to_owned(), u16::try_from(db.port()?).ok()?))),
        members: db.db_cluster_members().iter().map(member).collect(),
        backup: Backup {
            retention_days: db.backup_retention_period(),
            latest_restorable: millis(db.latest_restorable_time()),
        },
    }
}

pub(super) fn client(shared: &SdkConfig) -> Client {
    Client::from_conf(aws_sdk_rds::config::Builder::from(shared).interceptor(Cap).build())
}
