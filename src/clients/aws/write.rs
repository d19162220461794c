//! The writing calls, each sent once: AWS knows no precondition and no dry run for them (facts/aws.md 1), so whoever
//! sends one has looked right before.

use std::error::Error;
use std::time::Duration;

use aws_config::SdkConfig;
use aws_config::retry::RetryConfig;
use aws_config::timeout::TimeoutConfig;
use aws_sdk_sts::config::http::HttpResponse;
use aws_sdk_sts::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_sts::operation::RequestId;

use super::connect::{Connection, Place};
use super::fault;
use crate::clients::change::{Failure, Reached, never_connected};
use crate::domain::error::FaultKind;
use crate::domain::text::Raw;

/// Deadline of one call. What it starts takes minutes; the answer to it seconds.
const DEADLINE: Duration = Duration::from_secs(20);

/// An account and region that takes changes: no retries.
#[derive(Clone, Debug)]
pub struct Writer {
    config: SdkConfig,
    place: Place,
}

/// AWS took it; the provider's id of the request.
pub type Accepted = Option<Raw>;

impl Writer {
    #[must_use]
    pub fn new(connection: &Connection) -> Self {
        let config = connection
            .panel
            .to_builder()
            .timeout_config(TimeoutConfig::builder().operation_timeout(DEADLINE).build())
            .retry_config(RetryConfig::disabled())
            .build();
        Self { config, place: connection.place.clone() }
    }

    /// RDS `RebootDBInstance` (API reference; facts/aws.md 1.2).
    ///
    /// # Errors
    /// [`Failure`], which says how far it came.
    pub async fn reboot_db_instance(&self, instance: &str, force_failover: bool) -> Result<Accepted, Failure> {
        let call = aws_sdk_rds::Client::new(&self.config).reboot_db_instance();
        let sent = call.db_instance_identifier(instance).force_failover(force_failover).send().await;
        sent.map(|output| id(&output)).map_err(|error| self.failure("rds:RebootDBInstance", &error))
    }

    /// RDS `FailoverDBCluster`; without `target` the engine chooses (facts/aws.md 1.1, 1.3).
    ///
    /// # Errors
    /// [`Failure`], which says how far it came.
    pub async fn failover_db_cluster(&self, cluster: &str, target: Option<&str>) -> Result<Accepted, Failure> {
        let call = aws_sdk_rds::Client::new(&self.config).failover_db_cluster().db_cluster_identifier(cluster);
        let sent = call.set_target_db_instance_identifier(target.map(str::to_owned)).send().await;
        sent.map(|output| id(&output)).map_err(|error| self.failure("rds:FailoverDBCluster", &error))
    }

    /// ElastiCache `ModifyReplicationGroup` of automatic failover and Multi-AZ, applied at once (facts/aws.md 1.7).
    ///
    /// # Errors
    /// [`Failure`], which says how far it came.
    pub async fn set_cache_failover(&self, group: &str, automatic: bool, multi_az: bool) -> Result<Accepted, Failure> {
        let call = aws_sdk_elasticache::Client::new(&self.config).modify_replication_group();
        let call = call.replication_group_id(group).automatic_failover_enabled(automatic).multi_az_enabled(multi_az);
        let sent = call.apply_immediately(true).send().await;
        sent.map(|output| id(&output)).map_err(|error| self.failure("elasticache:ModifyReplicationGroup", &error))
    }

    /// ElastiCache `ModifyReplicationGroup` of the primary, applied at once; refused while automatic failover is on
    /// (facts/aws.md 1.7).
    ///
    /// # Errors
    /// [`Failure`], which says how far it came.
    pub async fn set_cache_primary(&self, group: &str, primary: &str) -> Result<Accepted, Failure> {
        let call = aws_sdk_elasticache::Client::new(&self.config).modify_replication_group();
        let sent = call.replication_group_id(group).primary_cluster_id(primary).apply_immediately(true).send().await;
        sent.map(|output| id(&output)).map_err(|error| self.failure("elasticache:ModifyReplicationGroup", &error))
    }

    fn failure<E>(&self, action: &'static str, error: &SdkError<E, HttpResponse>) -> Failure
    where
        E: ProvideErrorMetadata + Error + 'static,
    {
        let response = error.raw_response();
        let status = response.map(|response| response.status().as_u16());
        let request_id = response.and_then(|response| response.headers().get("x-amzn-requestid")).map(Raw::new);
        let fault = fault::of(&self.place, action, error);
        let credentials = fault.kind == FaultKind::Unauthenticated && status.is_none();
        let reached = match status {
            Some(400..=499) => Reached::Refused,
            None if credentials || never_connected(error) => Reached::Nothing,
            _ => Reached::Unknown,
        };
        Failure { reached, status, request_id, fault }
    }
}

fn id(output: &impl RequestId) -> Accepted {
    output.request_id().map(Raw::new)
}

#[cfg(test)]
#[allow(clippy::disallowed_types, reason = "a server that is looked at from outside")]
mod tests {
    use std::sync::{Arc, Mutex};

    use axum::response::IntoResponse;

    use super::*;
    use crate::clients::aws::connect::Options;
    use crate::clients::egress::Egress;
    use crate::clients::testing::{Seen, beside, beside_bytes};

    async fn writer(url: &str) -> Writer {
        let options = Options {
            region: "eu-west-1".to_owned(),
            profile: None,
            endpoint_url: Some(url.to_owned()),
            fixed: Some(("id".to_owned(), "secret".to_owned())),
            egress: Egress::LoopbackOnly,
        };
        Writer::new(&Connection::open(&options).await.unwrap())
    }

    fn answer(status: u16, body: &'static str) -> impl Fn(Seen) -> axum::response::Response + Send + Sync + 'static {
        move |_| {
            let status = axum::http::StatusCode::from_u16(status).unwrap();
            (status, [("content-type", "text/xml"), ("x-amzn-requestid", "r-1")], body).into_response()
        }
    }

    const DONE: &str = "<RebootDBInstanceResponse><RebootDBInstanceResult/>\
        <ResponseMetadata><RequestId>r-1</RequestId></ResponseMetadata></RebootDBInstanceResponse>";

    #[tokio::test]
    async fn the_calls_carry_what_the_plan_says() {
        let seen: Arc<Mutex<Vec<Seen>>> = Arc::default();
        let kept = seen.clone();
        let keep = move |request: Seen| {
            kept.lock().unwrap().push(request.clone());
            answer(200, "<R/>")(request)
        };
        beside(keep, async |url| {
            let writer = writer(&url).await;
            let _ = writer.reboot_db_instance("orders-db", true).await;
            let _ = writer.failover_db_cluster("cart", Some("cart-2")).await;
            let _ = writer.set_cache_failover("sessions", false, false).await;
            let _ = writer.set_cache_primary("sessions", "sessions-002").await;
        })
        .await;
        let fields: Vec<String> = seen
            .lock()
            .unwrap()
            .iter()
            .map(|request| {
                let pairs = request.form.iter().filter(|(name, _)| name != "Version");
                pairs.map(|(name, value)| format!("{name}={value}")).collect::<Vec<_>>().join("&")
            })
            .collect();
        assert_eq!(
            fields,
            [
                "Action=RebootDBInstance&DBInstanceIdentifier=orders-db&ForceFailover=true",
                "Action=FailoverDBCluster&DBClusterIdentifier=cart&TargetDBInstanceIdentifier=cart-2",
                "Action=ModifyReplicationGroup&ReplicationGroupId=sessions&AutomaticFailoverEnabled=false\
                 &MultiAZEnabled=false&ApplyImmediately=true",
                "Action=ModifyReplicationGroup&ReplicationGroupId=sessions&PrimaryClusterId=sessions-002\
                 &ApplyImmediately=true",
            ]
        );
    }

    #[tokio::test]
    async fn how_far_it_came_is_told() {
        let reboot = async |url: String| writer(&url).await.reboot_db_instance("orders-db", true).await;
        assert_eq!(beside(answer(200, DONE), reboot).await, Ok(Some(Raw::new("r-1"))));
        let invalid = "<ErrorResponse><Error><Type>Sender</Type><Code>InvalidDBInstanceState</Code>\
            <Message>not available</Message></Error><RequestId>r-2</RequestId></ErrorResponse>";
        let broken = "<ErrorResponse><Error><Type>Receiver</Type><Code>InternalFailure</Code></Error></ErrorResponse>";
        let refused = beside(answer(400, invalid), reboot).await.unwrap_err();
        assert_eq!(
            (refused.reached, refused.status, refused.request_id),
            (Reached::Refused, Some(400), Some(Raw::new("r-1")))
        );
        let failed = beside(answer(500, broken), reboot).await.unwrap_err();
        assert_eq!((failed.reached, failed.status), (Reached::Unknown, Some(500)));
        let lost = beside_bytes(b"", true, reboot).await.unwrap_err();
        assert_eq!(lost.reached, Reached::Unknown, "{}", lost.fault.what);
        let nobody = reboot("http://127.0.0.1:9".to_owned()).await.unwrap_err();
        assert_eq!(nobody.reached, Reached::Nothing, "{}", nobody.fault.what);
    }
}
