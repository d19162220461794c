//! AWS resources as operations need them; filled by whoever calls the Describe operations (facts/aws.md 1).

use crate::domain::text::Raw;
use crate::domain::time::Stamp;

/// From DescribeDBInstances.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct DbInstanceSeen {
    pub id: Raw,
    /// `DbiResourceId`: survives a rename, so it is the identity.
    pub resource_id: Raw,
    pub status: Raw,
    pub class: Raw,
    pub multi_az: bool,
    pub zone: Raw,
    /// `SecondaryAvailabilityZone`; empty where there is none.
    pub standby_zone: Raw,
    /// Names of the fields in `PendingModifiedValues`.
    pub pending: Vec<Raw>,
    /// Parameter groups whose `ParameterApplyStatus` is `pending-reboot`.
    pub pending_reboot: Vec<Raw>,
    pub restorable: Option<Stamp>,
    /// `host:port`.
    pub endpoint: Option<Raw>,
}

/// From DescribeDBClusters, with DescribeDBInstances for its members.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct DbClusterSeen {
    pub id: Raw,
    /// `DbClusterResourceId`.
    pub resource_id: Raw,
    pub status: Raw,
    pub members: Vec<ClusterMember>,
    /// Names of the fields in `PendingModifiedValues`.
    pub pending: Vec<Raw>,
    pub restorable: Option<Stamp>,
    /// Writer endpoint, `host:port`.
    pub endpoint: Option<Raw>,
}

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ClusterMember {
    pub id: Raw,
    pub writer: bool,
    pub status: Raw,
    pub class: Raw,
    pub zone: Raw,
    /// `PromotionTier`: 0 is taken first.
    pub tier: u32,
    /// `DBClusterParameterGroupStatus` is `pending-reboot`.
    pub pending_reboot: bool,
}

/// From DescribeEvents.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DbEvent {
    pub at: Stamp,
    pub message: Raw,
}

/// From DescribeReplicationGroups, with DescribeCacheClusters for the zones.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CacheGroupSeen {
    pub id: Raw,
    /// The ARN: the identity.
    pub arn: Raw,
    pub status: Raw,
    pub cluster_mode: bool,
    /// `AutomaticFailover` is `enabled` (a transition such as `disabling` is neither).
    pub automatic: Switch,
    pub multi_az: Switch,
    pub members: Vec<CacheMember>,
    /// Names of the fields in `PendingModifiedValues`.
    pub pending: Vec<Raw>,
    /// Primary endpoint, `host:port`.
    pub endpoint: Option<Raw>,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Switch {
    On,
    #[default]
    Off,
    /// `enabling` or `disabling`.
    Moving,
}

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CacheMember {
    /// `CacheClusterId`, which a promotion names.
    pub cluster: Raw,
    /// `CurrentRole` is `primary`.
    pub primary: bool,
    pub zone: Raw,
}
