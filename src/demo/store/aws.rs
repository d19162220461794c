//! The state of the AWS resources of a world, as the Describe calls tell it.

#[derive(Debug, Default)]
pub struct Aws {
    pub account: String,
    pub region: String,
    pub caller_arn: String,
    pub load_balancers: Vec<LoadBalancer>,
    pub target_groups: Vec<TargetGroup>,
    pub db_instances: Vec<DbInstance>,
    pub db_clusters: Vec<DbCluster>,
    pub db_events: Vec<DbEvent>,
    pub cache_events: Vec<CacheEvent>,
    pub replication_groups: Vec<ReplicationGroup>,
    pub auto_scaling_groups: Vec<AutoScalingGroup>,
    pub scaling_activities: Vec<ScalingActivity>,
}

#[derive(Clone, Debug)]
pub struct LoadBalancer {
    pub name: String,
    /// `arn:aws:elasticloadbalancing:REGION:ACCOUNT:loadbalancer/app/NAME/ID`; CloudWatch's dimension is the part
    /// from `app/` on.
    pub arn: String,
    pub dns_name: String,
    pub zones: Vec<String>,
    /// `active`, `provisioning`, `active_impaired`, `failed`.
    pub state: &'static str,
    pub listeners: Vec<Listener>,
    pub created_at: i64,
}

#[derive(Clone, Debug)]
pub struct Listener {
    pub arn: String,
    pub port: u16,
    pub protocol: &'static str,
    /// Target group ARN and weight of the default forward action.
    pub forward: Vec<(String, u16)>,
}

#[derive(Clone, Debug)]
pub struct TargetGroup {
    pub name: String,
    pub arn: String,
    pub load_balancer_arn: String,
    pub port: u16,
    pub protocol: &'static str,
    pub targets: Vec<Target>,
}

#[derive(Clone, Debug)]
pub struct Target {
    /// Instance id or IP address.
    pub id: String,
    pub port: u16,
    pub zone: String,
    /// `initial`, `healthy`, `unhealthy`, `unused`, `draining`, `unavailable`.
    pub state: &'static str,
    /// For example `Target.FailedHealthChecks`; empty when healthy.
    pub reason: &'static str,
}

#[derive(Clone, Debug)]
pub struct DbInstance {
    pub id: String,
    pub class: String,
    pub engine: &'static str,
    pub engine_version: String,
    pub status: String,
    pub endpoint: String,
    pub port: u16,
    pub multi_az: bool,
    pub zone: String,
    pub secondary_zone: Option<String>,
    /// The primary's identifier when this is a read replica.
    pub replica_of: Option<String>,
    /// Status of replication (`replicating`, `error`, ...) when this is a read replica.
    pub replication: Option<&'static str>,
    pub replicas: Vec<String>,
    pub backup_retention_days: i32,
    pub latest_restorable: Option<i64>,
    pub allocated_gib: i32,
    /// The Aurora cluster that it is a member of.
    pub cluster: Option<String>,
    pub created_at: i64,
}

/// An Aurora cluster.
#[derive(Clone, Debug)]
pub struct DbCluster {
    pub id: String,
    /// `DbClusterResourceId`.
    pub resource_id: String,
    pub engine: &'static str,
    pub engine_version: String,
    pub status: String,
    /// Host names for writing and for reading.
    pub endpoint: String,
    pub reader_endpoint: String,
    pub port: u16,
    pub members: Vec<DbClusterMember>,
    pub backup_retention_days: i32,
    pub latest_restorable: Option<i64>,
    pub created_at: i64,
}

#[derive(Clone, Debug)]
pub struct DbClusterMember {
    pub id: String,
    pub writer: bool,
    /// `PromotionTier`.
    pub tier: usize,
}

#[derive(Clone, Debug)]
pub struct DbEvent {
    /// `db-instance` or `db-cluster`.
    pub kind: &'static str,
    pub source: String,
    pub message: String,
    pub categories: Vec<&'static str>,
    pub at: i64,
}

#[derive(Clone, Debug)]
pub struct CacheEvent {
    /// `cache-cluster` or `replication-group`.
    pub kind: &'static str,
    pub source: String,
    pub message: String,
    pub at: i64,
}

#[derive(Clone, Debug)]
pub struct ReplicationGroup {
    pub id: String,
    pub description: String,
    pub status: String,
    pub automatic_failover: bool,
    pub multi_az: bool,
    pub node_type: String,
    pub engine_version: String,
    pub primary_endpoint: String,
    pub members: Vec<CacheMember>,
    pub snapshot_retention_days: i32,
}

#[derive(Clone, Debug)]
pub struct CacheMember {
    /// The cache cluster's id, CloudWatch's `CacheClusterId`.
    pub id: String,
    pub node_id: String,
    pub endpoint: String,
    pub zone: String,
    /// `primary` or `replica`.
    pub role: &'static str,
    pub status: String,
}

#[derive(Clone, Debug)]
pub struct AutoScalingGroup {
    pub name: String,
    pub arn: String,
    pub min: i32,
    pub max: i32,
    pub desired: i32,
    pub zones: Vec<String>,
    /// Instance id, zone, lifecycle state (`InService`, `Pending`, ...), healthy.
    pub instances: Vec<(String, String, &'static str, bool)>,
    pub created_at: i64,
}

#[derive(Clone, Debug)]
pub struct ScalingActivity {
    pub id: String,
    pub group: String,
    pub description: String,
    pub cause: String,
    pub status: &'static str,
    pub started_at: i64,
    pub ended_at: Option<i64>,
}
