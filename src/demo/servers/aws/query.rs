//! The awsQuery protocol: a form in, XML out; the services of one listener told apart by their API version.

use axum::http::HeaderMap;

use super::failure::Failure;
use super::form::Form;
use super::xml::Xml;
use super::{Ask, Caller, autoscaling, elasticache, elbv2, rds, sts};
use crate::demo::store::Stores;
use crate::demo::store::aws::Aws;

/// One reading call of an awsQuery service.
pub struct Operation {
    pub name: &'static str,
    pub answer: fn(&Ask<'_>, &mut Xml) -> Result<(), Failure>,
}

/// A service of the listener.
pub struct Service {
    /// The name that faults are set under.
    pub name: &'static str,
    /// The signing name in the credential scope.
    pub signing_name: &'static str,
    pub version: &'static str,
    namespace: &'static str,
    pub operations: &'static [Operation],
}

pub const SERVICES: &[Service] = &[
    Service {
        name: "elbv2",
        signing_name: "elasticloadbalancing",
        version: "2015-12-01",
        namespace: "http://elasticloadbalancing.amazonaws.com/doc/2015-12-01/",
        operations: elbv2::OPERATIONS,
    },
    Service {
        name: "rds",
        signing_name: "rds",
        version: "2014-10-31",
        namespace: "http://rds.amazonaws.com/doc/2014-10-31/",
        operations: rds::OPERATIONS,
    },
    Service {
        name: "elasticache",
        signing_name: "elasticache",
        version: "2015-02-02",
        namespace: "http://elasticache.amazonaws.com/doc/2015-02-02/",
        operations: elasticache::OPERATIONS,
    },
    Service {
        name: "autoscaling",
        signing_name: "autoscaling",
        version: "2011-01-01",
        namespace: "http://autoscaling.amazonaws.com/doc/2011-01-01/",
        operations: autoscaling::OPERATIONS,
    },
    Service {
        name: "sts",
        signing_name: "sts",
        version: "2011-06-15",
        namespace: "https://sts.amazonaws.com/doc/2011-06-15/",
        operations: sts::OPERATIONS,
    },
];

/// The service that a form is for: by its version, else by the request's credential scope.
#[must_use]
pub fn service(form: &Form, headers: &HeaderMap) -> Option<&'static Service> {
    let version = form.get("Version");
    SERVICES.iter().find(|s| version == Some(s.version)).or_else(|| {
        let scope = super::auth::scope(headers).ok()?;
        SERVICES.iter().find(|s| s.signing_name == scope.service)
    })
}

/// Answers a form from the stores.
///
/// # Errors
/// What the service refuses: no valid credentials, another service's credentials, an unknown action, its own rules.
pub fn answer(
    service: &Service,
    form: &Form,
    headers: &HeaderMap,
    stores: &Stores,
    now: i64,
    request_id: &str,
) -> Result<Vec<u8>, Failure> {
    let scope = super::auth::scope(headers)?;
    if scope.service != service.signing_name {
        return Err(Failure::new(
            403,
            "SignatureDoesNotMatch",
            format!("Credential should be scoped to correct service: '{}'.", service.signing_name),
        ));
    }
    let action = form.get("Action").ok_or_else(|| Failure::new(400, "MissingAction", "The request has no Action."))?;
    let version = form.get("Version").unwrap_or("NO_VERSION_SPECIFIED");
    let operation =
        service.operations.iter().find(|o| o.name == action && version == service.version).ok_or_else(|| {
            Failure::new(400, "InvalidAction", format!("Could not find operation {action} for version {version}"))
        })?;
    let elsewhere = Aws::default();
    let aws = if scope.region == stores.aws.region { &stores.aws } else { &elsewhere };
    let caller = Caller { arn: &stores.aws.caller_arn, account: &stores.aws.account };
    let ask = Ask { form, aws, caller, now };
    Xml::answer(operation.name, service.namespace, request_id, |xml| (operation.answer)(&ask, xml))
}
