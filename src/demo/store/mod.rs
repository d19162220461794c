//! What the embedded world has made observable, in the shape its servers answer from.
//!
//! `world` writes, `servers` read; nothing else connects the two. Every timestamp is world time in milliseconds
//! since the Unix epoch.

pub mod alerting;
pub mod aws;
pub mod cloudwatch;
pub mod json;
pub mod kube;
pub mod network;
pub mod tsdb;

/// All stores of one world.
#[derive(Debug, Default)]
pub struct Stores {
    pub tsdb: tsdb::Tsdb,
    pub cloudwatch: cloudwatch::CloudWatch,
    pub kube: kube::Kube,
    pub aws: aws::Aws,
    pub alerting: alerting::Alerting,
    pub network: network::Network,
}
