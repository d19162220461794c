//! ElastiCache: replication groups, their nodes and roles.

use std::collections::BTreeMap;

use aws_config::SdkConfig;
use aws_sdk_elasticache::Client;
use aws_sdk_elasticache::types::{AutomaticFailoverStatus, MultiAzStatus};

use super::pages::pages;
use super::{Connection, text};
use crate::clients::aws::cap::Cap;
use crate::clients::aws::connect::Place;
use crate::clients::aws::fault;
use crate::domain::error::Fault;

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CacheGroup {
    pub id: String,
    pub description: String,
    /// `available`, `modifying`, ...
    pub status: String,
    pub automatic_failover: bool,
    pub multi_az: bool,
    pub node_type: String,
    pub engine: String,
    pub endpoint: Option<(String, u16)>,
    pub snapshot_retention_days: Option<i32>,
    pub nodes: Vec<CacheNode>,
}

/// A node: a cache cluster of the group.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CacheNode {
    /// CloudWatch's `CacheClusterId`.
    pub id: String,
    pub zone: String,
    /// `primary` or `replica`; absent with cluster mode enabled (facts/aws.md 1.7).
    pub role: Option<String>,
    pub endpoint: Option<(String, u16)>,
    /// Absent when DescribeCacheClusters does not know the node.
    pub status: Option<String>,
    pub engine_version: String,
}

pub struct ElastiCache {
    client: Client,
    heartbeat: Client,
    place: Place,
}

/// What DescribeCacheClusters adds to a node.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CacheCluster {
    pub status: String,
    pub engine_version: String,
    pub endpoint: Option<(String, u16)>,
}

impl ElastiCache {
    #[must_use]
    pub fn new(connection: &Connection) -> Self {
        Self {
            client: client(&connection.panel),
            heartbeat: client(&connection.heartbeat),
            place: connection.place.clone(),
        }
    }

    /// The replication groups; what `clusters` knows of their nodes is added.
    ///
    /// # Errors
    /// The [`Fault`] of the first page that failed, or of a listing without end.
    pub async fn groups(&self, clusters: &BTreeMap<String, CacheCluster>) -> Result<Vec<CacheGroup>, Fault> {
        const ACTION: &str = "elasticache:DescribeReplicationGroups";
        pages(&self.place, ACTION, async |marker| {
            let page = self.client.describe_replication_groups().set_marker(marker).send().await;
            let page = page.map_err(|e| fault::of(&self.place, ACTION, &e))?;
            let groups = page.replication_groups().iter().map(|group| group_of(group, clusters)).collect();
            Ok((groups, page.marker().map(str::to_owned)))
        })
        .await
    }

    /// The clusters that the nodes of replication groups are, by their id.
    ///
    /// # Errors
    /// The [`Fault`] of the first page that failed, or of a listing without end.
    pub async fn clusters(&self) -> Result<BTreeMap<String, CacheCluster>, Fault> {
        const ACTION: &str = "elasticache:DescribeCacheClusters";
        let listed = pages(&self.place, ACTION, async |marker| {
            let request = self.client.describe_cache_clusters().show_cache_node_info(true);
            let page = request.set_marker(marker).send().await.map_err(|e| fault::of(&self.place, ACTION, &e))?;
            Ok((page.cache_clusters().iter().map(cluster).collect(), page.marker().map(str::to_owned)))
        });
        Ok(listed.await?.into_iter().collect())
    }

    /// Whether the service answers us.
    ///
    /// # Errors
    /// The [`Fault`] that a read would meet now.
    pub async fn alive(&self) -> Result<(), Fault> {
        let answer = self.heartbeat.describe_replication_groups().max_records(20).send().await;
        answer.map(|_| ()).map_err(|e| fault::of(&self.place, "elasticache:DescribeReplicationGroups", &e))
    }
}

fn address(endpoint: &aws_sdk_elasticache::types::Endpoint) -> Option<(String, u16)> {
    Some((endpoint.address()?.to_owned(), u16::try_from(endpoint.port()?).ok()?))
}

fn cluster(cluster: &aws_sdk_elasticache::types::CacheCluster) -> (String, CacheCluster) {
    let node = cluster.cache_nodes().first();
    let told = CacheCluster {
        status: text(cluster.cache_cluster_status()),
        engine_version: text(cluster.engine_version()),
        endpoint: node.and_then(|n| n.endpoint()).and_then(address),
    };
    (text(cluster.cache_cluster_id()), told)
}

fn group_of(
    group: &aws_sdk_elasticache::types::ReplicationGroup,
    clusters: &BTreeMap<String, CacheCluster>,
) -> CacheGroup {
    let shards = group.node_groups();
    let nodes = shards
        .iter()
        .flat_map(aws_sdk_elasticache::types::NodeGroup::node_group_members)
        .map(|member| {
            let id = text(member.cache_cluster_id());
            let cluster = clusters.get(&id);
            CacheNode {
                zone: text(member.preferred_availability_zone()),
                role: member.current_role().map(str::to_owned),
                endpoint: member.read_endpoint().and_then(address).or_else(|| cluster.and_then(|c| c.endpoint.clone())),
                status: cluster.map(|c| c.status.clone()),
                engine_version: cluster.map(|c| c.engine_version.clone()).unwrap_or_default(),
                id,
            }
        })
        .collect();
    let primary = shards.first().and_then(|shard| shard.primary_endpoint());
    CacheGroup {
        id: text(group.replication_group_id()),
        description: text(group.description()),
        status: text(group.status()),
        automatic_failover: group.automatic_failover() == Some(&AutomaticFailoverStatus::Enabled),
        multi_az: group.multi_az() == Some(&MultiAzStatus::Enabled),
        node_type: text(group.cache_node_type()),
        engine: text(group.engine()),
        endpoint: group.configuration_endpoint().or(primary).and_then(address),
        snapshot_retention_days: group.snapshot_retention_limit(),
        nodes,
    }
}

pub(super) fn client(shared: &SdkConfig) -> Client {
    Client::from_conf(aws_sdk_elasticache::config::Builder::from(shared).interceptor(Cap).build())
}
