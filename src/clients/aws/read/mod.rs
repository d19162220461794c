//! The reading calls, one file per service. Times are milliseconds since the Unix epoch.
//!
//! A listing is read to its end or fails: half a list would make what is missing look gone.

mod autoscaling;
mod cloudwatch;
mod elasticache;
mod elbv2;
pub mod operated;
mod pages;
mod rds;
pub mod sts;
#[cfg(test)]
mod tests;

use aws_sdk_sts::primitives::DateTime;

pub use self::autoscaling::{Activity, AutoScaling, Group, Instance};
pub use self::cloudwatch::{Alarm, CloudWatch, Metric, MetricQuery, Series, billed};
pub use self::elasticache::{CacheCluster, CacheGroup, CacheNode, ElastiCache};
pub use self::elbv2::{Elb, Forward, LoadBalancer, Target, TargetGroup};
pub use self::rds::{Backup, DbCluster, DbEvent, DbInstance, DbMember, Rds, Replication};
pub use self::sts::{Caller, Sts};
pub use super::connect::{Connection, Options};

fn millis(at: Option<&DateTime>) -> Option<i64> {
    at.and_then(|at| at.to_millis().ok())
}

/// An optional text of the SDK's, empty when absent.
fn text(value: Option<&str>) -> String {
    value.unwrap_or_default().to_owned()
}

fn texts(values: &[String]) -> Vec<String> {
    values.to_vec()
}
