//! One resource as an operation needs it: identity, state, roles, and what a change would take along with it
//! (facts/aws.md 1.1, 1.2, 1.7). `None` is a resource that does not exist.

use aws_sdk_elasticache::operation::describe_replication_groups::DescribeReplicationGroupsError;
use aws_sdk_elasticache::types::{AutomaticFailoverStatus, MultiAzStatus, NodeGroup, ReplicationGroup};
use aws_sdk_rds::operation::describe_db_clusters::DescribeDBClustersError;
use aws_sdk_rds::operation::describe_db_instances::DescribeDBInstancesError;
use aws_sdk_rds::primitives::DateTime;
use aws_sdk_rds::types::{ClusterPendingModifiedValues, DbCluster, DbInstance, PendingModifiedValues, SourceType};

use super::{Connection, millis, text};
use crate::clients::aws::connect::Place;
use crate::clients::aws::fault;
use crate::domain::error::Fault;

/// A host and a port.
pub type Address = (String, u16);

/// From DescribeDBInstances.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InstanceState {
    pub id: String,
    /// `DbiResourceId`: survives a rename.
    pub resource_id: String,
    pub status: String,
    pub class: String,
    pub multi_az: bool,
    pub zone: String,
    pub standby_zone: String,
    pub engine: String,
    pub carried: Carried,
    /// Milliseconds since the Unix epoch.
    pub restorable: Option<i64>,
    pub endpoint: Option<Address>,
}

/// What waits and would be applied along with a restart or a modification.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Carried {
    /// Names of the fields in `PendingModifiedValues`.
    pub pending: Vec<&'static str>,
    /// Parameter groups that wait for a restart.
    pub parameters: Vec<String>,
}

/// From DescribeDBClusters.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClusterState {
    pub id: String,
    /// `DbClusterResourceId`.
    pub resource_id: String,
    pub status: String,
    pub engine: String,
    pub members: Vec<ClusterMember>,
    pub pending: Vec<&'static str>,
    /// Milliseconds since the Unix epoch.
    pub restorable: Option<i64>,
    /// The writer's endpoint.
    pub endpoint: Option<Address>,
}

/// A member of a cluster; its instance is `None` where DescribeDBInstances does not know it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClusterMember {
    pub id: String,
    pub writer: bool,
    pub tier: u32,
    pub pending_reboot: bool,
    pub instance: Option<InstanceState>,
}

/// From DescribeReplicationGroups.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GroupState {
    pub id: String,
    pub arn: String,
    pub status: String,
    pub cluster_mode: bool,
    /// `enabled`, `disabled`, `enabling`, `disabling`.
    pub automatic_failover: String,
    pub multi_az: String,
    /// Cache cluster, whether it is the primary, and its zone.
    pub members: Vec<(String, bool, String)>,
    pub pending: Vec<&'static str>,
    /// The primary's endpoint.
    pub endpoint: Option<Address>,
}

/// Reads single resources.
pub struct Operated {
    rds: aws_sdk_rds::Client,
    cache: aws_sdk_elasticache::Client,
    place: Place,
}

impl Operated {
    #[must_use]
    pub fn new(connection: &Connection) -> Self {
        Self {
            rds: super::rds::client(&connection.panel),
            cache: super::elasticache::client(&connection.panel),
            place: connection.place.clone(),
        }
    }

    /// # Errors
    /// The [`Fault`] of the call.
    pub async fn instance(&self, id: &str) -> Result<Option<InstanceState>, Fault> {
        let page = self.rds.describe_db_instances().db_instance_identifier(id).send().await;
        match page {
            Ok(page) => Ok(page.db_instances().first().map(instance)),
            Err(e) if e.as_service_error().is_some_and(DescribeDBInstancesError::is_db_instance_not_found_fault) => {
                Ok(None)
            }
            Err(e) => Err(fault::of(&self.place, "rds:DescribeDBInstances", &e)),
        }
    }

    /// A cluster with the instances that are its members.
    ///
    /// # Errors
    /// The [`Fault`] of either call.
    pub async fn cluster(&self, id: &str) -> Result<Option<ClusterState>, Fault> {
        let page = self.rds.describe_db_clusters().db_cluster_identifier(id).send().await;
        let page = match page {
            Err(e) if e.as_service_error().is_some_and(DescribeDBClustersError::is_db_cluster_not_found_fault) => {
                return Ok(None);
            }
            page => page.map_err(|e| fault::of(&self.place, "rds:DescribeDBClusters", &e))?,
        };
        let Some(cluster) = page.db_clusters().first() else { return Ok(None) };
        let mut state = cluster_state(cluster);
        for member in &mut state.members {
            member.instance = self.instance(&member.id).await?;
        }
        Ok(Some(state))
    }

    /// Events of an instance or a cluster between two moments (milliseconds since the Unix epoch), oldest first.
    ///
    /// # Errors
    /// The [`Fault`] of the call.
    pub async fn events(&self, source: &str, cluster: bool, from: i64, to: i64) -> Result<Vec<(i64, String)>, Fault> {
        let kind = if cluster { SourceType::DbCluster } else { SourceType::DbInstance };
        let page = self
            .rds
            .describe_events()
            .source_identifier(source)
            .source_type(kind)
            .start_time(DateTime::from_millis(from))
            .end_time(DateTime::from_millis(to))
            .send()
            .await
            .map_err(|e| fault::of(&self.place, "rds:DescribeEvents", &e))?;
        let mut events: Vec<(i64, String)> =
            page.events().iter().filter_map(|event| Some((millis(event.date())?, text(event.message())))).collect();
        events.sort();
        Ok(events)
    }

    /// # Errors
    /// The [`Fault`] of the call.
    pub async fn cache_group(&self, id: &str) -> Result<Option<GroupState>, Fault> {
        let page = self.cache.describe_replication_groups().replication_group_id(id).send().await;
        match page {
            Ok(page) => Ok(page.replication_groups().first().map(group_state)),
            Err(e)
                if e.as_service_error()
                    .is_some_and(DescribeReplicationGroupsError::is_replication_group_not_found_fault) =>
            {
                Ok(None)
            }
            Err(e) => Err(fault::of(&self.place, "elasticache:DescribeReplicationGroups", &e)),
        }
    }
}

fn instance(db: &DbInstance) -> InstanceState {
    InstanceState {
        id: text(db.db_instance_identifier()),
        resource_id: text(db.dbi_resource_id()),
        status: text(db.db_instance_status()),
        class: text(db.db_instance_class()),
        multi_az: db.multi_az().unwrap_or_default(),
        zone: text(db.availability_zone()),
        standby_zone: text(db.secondary_availability_zone()),
        engine: text(db.engine()),
        carried: Carried {
            pending: db.pending_modified_values().map(pending).unwrap_or_default(),
            parameters: waiting_for_reboot(db).collect(),
        },
        restorable: millis(db.latest_restorable_time()),
        endpoint: db.endpoint().and_then(|e| Some((e.address()?.to_owned(), u16::try_from(e.port()?).ok()?))),
    }
}

/// Parameter groups whose values a reboot would apply.
pub(super) fn waiting_for_reboot(db: &DbInstance) -> impl Iterator<Item = String> + '_ {
    let groups = db.db_parameter_groups().iter();
    let waits = groups.filter(|group| group.parameter_apply_status() == Some("pending-reboot"));
    waits.map(|group| text(group.db_parameter_group_name()))
}

/// The names of those that are set.
fn named<const N: usize>(fields: [(&'static str, bool); N]) -> Vec<&'static str> {
    fields.into_iter().filter(|(_, set)| *set).map(|(name, _)| name).collect()
}

/// The names of the modifications that are pending.
pub(super) fn pending(values: &PendingModifiedValues) -> Vec<&'static str> {
    named([
        ("DBInstanceClass", values.db_instance_class.is_some()),
        ("AllocatedStorage", values.allocated_storage.is_some()),
        ("MasterUserPassword", values.master_user_password.is_some()),
        ("Port", values.port.is_some()),
        ("BackupRetentionPeriod", values.backup_retention_period.is_some()),
        ("MultiAZ", values.multi_az.is_some()),
        ("EngineVersion", values.engine_version.is_some()),
        ("LicenseModel", values.license_model.is_some()),
        ("Iops", values.iops.is_some()),
        ("StorageThroughput", values.storage_throughput.is_some()),
        ("DBInstanceIdentifier", values.db_instance_identifier.is_some()),
        ("StorageType", values.storage_type.is_some()),
        ("CACertificateIdentifier", values.ca_certificate_identifier.is_some()),
        ("DBSubnetGroupName", values.db_subnet_group_name.is_some()),
        ("PendingCloudwatchLogsExports", values.pending_cloudwatch_logs_exports.is_some()),
        ("ProcessorFeatures", values.processor_features.as_ref().is_some_and(|list| !list.is_empty())),
        ("IAMDatabaseAuthenticationEnabled", values.iam_database_authentication_enabled.is_some()),
        ("DedicatedLogVolume", values.dedicated_log_volume.is_some()),
        ("Engine", values.engine.is_some()),
    ])
}

fn cluster_pending(values: &ClusterPendingModifiedValues) -> Vec<&'static str> {
    named([
        ("PendingCloudwatchLogsExports", values.pending_cloudwatch_logs_exports.is_some()),
        ("DBClusterIdentifier", values.db_cluster_identifier.is_some()),
        ("MasterUserPassword", values.master_user_password.is_some()),
        ("IAMDatabaseAuthenticationEnabled", values.iam_database_authentication_enabled.is_some()),
        ("EngineVersion", values.engine_version.is_some()),
        ("BackupRetentionPeriod", values.backup_retention_period.is_some()),
        ("StorageType", values.storage_type.is_some()),
        ("AllocatedStorage", values.allocated_storage.is_some()),
        ("Iops", values.iops.is_some()),
        ("CertificateDetails", values.certificate_details.is_some()),
    ])
}

fn cluster_state(cluster: &DbCluster) -> ClusterState {
    let member = |member: &aws_sdk_rds::types::DbClusterMember| ClusterMember {
        id: text(member.db_instance_identifier()),
        writer: member.is_cluster_writer().unwrap_or_default(),
        tier: member.promotion_tier().and_then(|tier| u32::try_from(tier).ok()).unwrap_or(u32::MAX),
        pending_reboot: member.db_cluster_parameter_group_status() == Some("pending-reboot"),
        instance: None,
    };
    let endpoint = cluster.endpoint().zip(cluster.port().and_then(|port| u16::try_from(port).ok()));
    ClusterState {
        id: text(cluster.db_cluster_identifier()),
        resource_id: text(cluster.db_cluster_resource_id()),
        status: text(cluster.status()),
        engine: text(cluster.engine()),
        members: cluster.db_cluster_members().iter().map(member).collect(),
        pending: cluster.pending_modified_values().map(cluster_pending).unwrap_or_default(),
        restorable: millis(cluster.latest_restorable_time()),
        endpoint: endpoint.map(|(host, port)| (host.to_owned(), port)),
    }
}

fn group_state(group: &ReplicationGroup) -> GroupState {
    let nodes = group.node_groups().iter().flat_map(NodeGroup::node_group_members);
    let primary = group.node_groups().first().and_then(|node_group| node_group.primary_endpoint());
    let values = group.pending_modified_values();
    GroupState {
        id: text(group.replication_group_id()),
        arn: text(group.arn()),
        status: text(group.status()),
        cluster_mode: group.cluster_enabled().unwrap_or_default(),
        automatic_failover: text(group.automatic_failover().map(AutomaticFailoverStatus::as_str)),
        multi_az: text(group.multi_az().map(MultiAzStatus::as_str)),
        members: nodes
            .map(|node| {
                let primary = node.current_role() == Some("primary");
                (text(node.cache_cluster_id()), primary, text(node.preferred_availability_zone()))
            })
            .collect(),
        pending: values
            .map(|values| {
                named([
                    ("PrimaryClusterId", values.primary_cluster_id.is_some()),
                    ("AutomaticFailoverStatus", values.automatic_failover_status.is_some()),
                    ("Resharding", values.resharding.is_some()),
                    ("AuthTokenStatus", values.auth_token_status.is_some()),
                    ("UserGroups", values.user_groups.is_some()),
                    ("LogDeliveryConfigurations", !values.log_delivery_configurations().is_empty()),
                    ("TransitEncryptionEnabled", values.transit_encryption_enabled.is_some()),
                    ("TransitEncryptionMode", values.transit_encryption_mode.is_some()),
                    ("ClusterMode", values.cluster_mode.is_some()),
                ])
            })
            .unwrap_or_default(),
        endpoint: primary.and_then(|e| Some((e.address()?.to_owned(), u16::try_from(e.port()?).ok()?))),
    }
}
