//! Writing calls to AWS (facts/aws.md 1). None of them takes a precondition or a dry run: identity and state are read
//! again right before the first byte.

use crate::domain::text::Raw;

/// One writing call. `region` picks the client of the plan's environment.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum AwsMutation {
    /// `ForceFailover` is refused for an instance without a standby (facts/aws.md 1.2).
    RebootDbInstance { region: Raw, instance: Raw, force_failover: bool },
    /// Aurora and Multi-AZ clusters; without `target` the engine chooses (facts/aws.md 1.1, 1.3).
    FailoverDbCluster { region: Raw, cluster: Raw, target: Option<Raw> },
    /// `ApplyImmediately=true` always: it also applies any other pending modification (facts/aws.md 1.7).
    ModifyReplicationGroup { region: Raw, group: Raw, change: GroupChange },
}

/// What is changed of an ElastiCache replication group.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum GroupChange {
    /// Automatic failover and Multi-AZ, which go together.
    Failover { automatic: bool, multi_az: bool },
    /// The cache cluster that shall be primary; refused while automatic failover is on.
    Primary(Raw),
}

impl AwsMutation {
    /// The IAM prefix, which is also the CLI's word for the service.
    #[must_use]
    pub const fn service(&self) -> &'static str {
        match self {
            Self::RebootDbInstance { .. } | Self::FailoverDbCluster { .. } => "rds",
            Self::ModifyReplicationGroup { .. } => "elasticache",
        }
    }

    #[must_use]
    pub const fn action(&self) -> &'static str {
        match self {
            Self::RebootDbInstance { .. } => "RebootDBInstance",
            Self::FailoverDbCluster { .. } => "FailoverDBCluster",
            Self::ModifyReplicationGroup { .. } => "ModifyReplicationGroup",
        }
    }

    #[must_use]
    pub const fn region(&self) -> &Raw {
        match self {
            Self::RebootDbInstance { region, .. }
            | Self::FailoverDbCluster { region, .. }
            | Self::ModifyReplicationGroup { region, .. } => region,
        }
    }

    /// Names and values as the query protocol carries them, without `Action` and `Version`, in a fixed order.
    #[must_use]
    pub fn parameters(&self) -> Vec<(&'static str, String)> {
        match self {
            Self::RebootDbInstance { instance, force_failover, .. } => vec![
                ("DBInstanceIdentifier", instance.as_str().to_owned()),
                ("ForceFailover", force_failover.to_string()),
            ],
            Self::FailoverDbCluster { cluster, target, .. } => {
                let mut pairs = vec![("DBClusterIdentifier", cluster.as_str().to_owned())];
                pairs.extend(target.iter().map(|target| ("TargetDBInstanceIdentifier", target.as_str().to_owned())));
                pairs
            }
            Self::ModifyReplicationGroup { group, change, .. } => {
                let mut pairs = vec![("ReplicationGroupId", group.as_str().to_owned())];
                match change {
                    GroupChange::Failover { automatic, multi_az } => pairs.extend([
                        ("AutomaticFailoverEnabled", automatic.to_string()),
                        ("MultiAZEnabled", multi_az.to_string()),
                    ]),
                    GroupChange::Primary(cluster) => pairs.push(("PrimaryClusterId", cluster.as_str().to_owned())),
                }
                pairs.push(("ApplyImmediately", "true".to_owned()));
                pairs
            }
        }
    }
}
