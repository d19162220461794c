//! AWS on one loopback listener: CloudWatch in Smithy's RPC v2 CBOR (the Rust SDK) and awsJson 1.0 (the AWS CLI), and the
//! calls of ELBv2, RDS, ElastiCache, Auto Scaling and STS in awsQuery (facts/aws.md 1.2, 1.7, 2, 3.4, 3.5).
//!
//! The services are told apart as their own front ends would: CBOR by path, awsJson by `X-Amz-Target`, awsQuery by the
//! API version of the form and the signing name of the credentials. Resources exist in the world's region only, and
//! the metrics of the global services in us-east-1 only, as on AWS.

mod auth;
mod autoscaling;
mod cbor;
mod cloudwatch;
mod elasticache;
mod elbv2;
mod failure;
mod faults;
#[cfg(test)]
pub(crate) mod fixture;
mod form;
mod json;
mod listener;
mod query;
mod rds;
mod sts;
#[cfg(test)]
mod tests;
mod value;
mod xml;

use std::sync::Arc;

use self::form::Form;
use self::query::Operation;
use crate::demo::production::Production;
use crate::demo::store::Stores;
use crate::demo::store::aws::Aws;
use crate::demo::world::admit::{Order, Refusal};

pub use self::auth::ACCESS_KEY;
pub use self::faults::{AwsFault, AwsFaults, SERVICES};

/// What an awsQuery operation answers from.
struct Ask<'a> {
    form: &'a Form,
    /// The resources of the region that was asked.
    aws: &'a Aws,
    caller: Caller<'a>,
    now: i64,
}

struct Caller<'a> {
    arn: &'a str,
    account: &'a str,
}

/// What the servers see of the world.
trait Window: Send + Sync + 'static {
    /// Calls `look` with the stores and the world's time, ms since the Unix epoch.
    fn look(&self, look: &mut dyn FnMut(&Stores, i64));

    /// Carries out a request that changes something; the stores have followed when it returns.
    ///
    /// # Errors
    /// As the service refuses.
    fn act(&self, order: &Order) -> Result<(), Refusal>;
}

impl Window for Production {
    fn look(&self, look: &mut dyn FnMut(&Stores, i64)) {
        self.read(|world| look(&world.stores, world.now()));
    }

    fn act(&self, order: &Order) -> Result<(), Refusal> {
        self.change(|world| world.order(order))
    }
}

/// The listener of all AWS services.
pub fn router(production: Arc<Production>, faults: AwsFaults) -> axum::Router {
    listener::router(production, faults)
}

/// Service and operation of every call that is answered.
pub fn routes() -> impl Iterator<Item = (&'static str, &'static str)> {
    let queries = query::SERVICES.iter().flat_map(|s| s.operations.iter().map(|o| (s.name, o.name)));
    cloudwatch::OPERATIONS.iter().map(|o| ("cloudwatch", o.name)).chain(queries)
}
