//! The awsQuery protocol: a form in, XML out; the services of one listener told apart by their API version.

use axum::http::HeaderMap;

use super::failure::Failure;
use super::form::Form;
use super::xml::Xml;
use super::{Ask, Caller, autoscaling, elasticache, elbv2, rds, sts};
use crate::demo::store::Stores;
use crate::demo::store::aws::Aws;
use crate::demo::world::admit::Order;

/// One call of an awsQuery service.
pub struct Operation {
    pub name: &'static str,
    /// What the call orders, if it is one that changes something.
    pub order: Option<Ordering>,
    pub answer: Answering,
}

type Ordering = fn(&Ask<'_>) -> Result<Order, Failure>;
type Answering = fn(&Ask<'_>, &mut Xml) -> Result<(), Failure>;

impl Operation {
    /// A call that changes nothing.
    pub const fn reading(name: &'static str, answer: Answering) -> Self {
        Self { name, order: None, answer }
    }
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

/// A request with its headers and form, on its way to a service.
#[derive(Clone, Copy)]
pub struct Request<'a> {
    pub service: &'a Service,
    pub form: &'a Form,
    pub headers: &'a HeaderMap,
}

impl Request<'_> {
    /// What the form orders, if its operation changes something.
    ///
    /// # Errors
    /// What the service refuses: no valid credentials, another service's credentials, an unknown action, its own rules.
    pub fn order(&self, stores: &Stores, now: i64) -> Result<Option<Order>, Failure> {
        let (operation, region) = self.operation()?;
        let elsewhere = Aws::default();
        let ask = self.ask(&region, stores, &elsewhere, now);
        operation.order.map(|order| order(&ask)).transpose()
    }

    /// Answers the form from the stores.
    ///
    /// # Errors
    /// As [`Request::order`].
    pub fn answer(&self, stores: &Stores, now: i64, request_id: &str) -> Result<Vec<u8>, Failure> {
        let (operation, region) = self.operation()?;
        let elsewhere = Aws::default();
        let ask = self.ask(&region, stores, &elsewhere, now);
        Xml::answer(operation.name, self.service.namespace, request_id, |xml| (operation.answer)(&ask, xml))
    }

    /// The operation of the form, and the region that is asked.
    fn operation(&self) -> Result<(&'static Operation, String), Failure> {
        let Self { service, form, headers } = self;
        let scope = super::auth::scope(headers)?;
        if scope.service != service.signing_name {
            return Err(Failure::new(
                403,
                "SignatureDoesNotMatch",
                format!("Credential should be scoped to correct service: '{}'.", service.signing_name),
            ));
        }
        let missing = || Failure::new(400, "MissingAction", "The request has no Action.");
        let action = form.get("Action").ok_or_else(missing)?;
        let version = form.get("Version").unwrap_or("NO_VERSION_SPECIFIED");
        let known = service.operations.iter().find(|o| o.name == action && version == service.version);
        let operation = known.ok_or_else(|| {
            Failure::new(400, "InvalidAction", format!("Could not find operation {action} for version {version}"))
        })?;
        Ok((operation, scope.region))
    }

    fn ask<'b>(&'b self, region: &str, stores: &'b Stores, elsewhere: &'b Aws, now: i64) -> Ask<'b> {
        let aws = if region == stores.aws.region { &stores.aws } else { elsewhere };
        let caller = Caller { arn: &stores.aws.caller_arn, account: &stores.aws.account };
        Ask { form: self.form, aws, caller, now }
    }
}
