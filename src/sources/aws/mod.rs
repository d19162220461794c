//! What AWS says of its own resources: one source per service, so that each can fail alone.

mod caches;
mod clusters;
mod databases;
pub(super) mod gaps;
mod groups;
mod load_balancers;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use futures::future::{BoxFuture, FutureExt};

use self::gaps::{Gaps, allowed, aside};
use self::load_balancers::Listing;
use super::cloudwatch::{self, Choice, CloudWatch};
use super::{Cadence, Outlet, Source};
use crate::clients::aws::read::{AutoScaling, Connection, DbInstance, ElastiCache, Elb, Options, Rds, Sts};
use crate::clients::egress::Egress;
use crate::domain::error::Fault;
use crate::domain::id::SourceId;
use crate::domain::reading::{Provenance, Query, Sample};
use crate::domain::settings::AwsSettings;
use crate::domain::text::Raw;
use crate::domain::time::Stamp;
use crate::domain::unit::Statistic;
use crate::model::board::SourceKind;
use crate::model::facts::{Fact, Observation, Scope};

/// Describe calls are free and throttled per account (facts/aws.md 2.2).
const EVERY: Duration = Duration::from_secs(15);
const IDENTITY_EVERY: Duration = Duration::from_secs(300);
const DEADLINE: Duration = Duration::from_secs(9);
/// How far back changes are asked for on connecting, and how far again in every round after it.
const CHANGES: Duration = Duration::from_secs(24 * 3_600);
const CHANGES_AGAIN: Duration = Duration::from_secs(1_800);
/// Where CloudFront and web ACLs of CloudFront have their metrics.
const GLOBAL_REGION: &str = "us-east-1";

/// The sources of one configured account and region.
///
/// # Errors
/// A [`Fault`] of kind `Usage` when the settings contradict what this run may do.
pub async fn open(settings: &AwsSettings, egress: Egress) -> Result<Vec<Box<dyn Source>>, Fault> {
    let options = |region: &str| Options {
        region: region.to_owned(),
        profile: settings.profile.clone(),
        endpoint_url: settings.endpoint_url.clone(),
        fixed: settings.access_key_id.clone().zip(settings.secret_access_key.clone()),
        egress,
    };
    let connection = Connection::open(&options(&settings.region)).await?;
    let services = [
        Service::Identity(Sts::new(&connection)),
        Service::LoadBalancers(Elb::new(&connection)),
        Service::Databases(Rds::new(&connection)),
        Service::Caches(ElastiCache::new(&connection)),
        Service::Groups(AutoScaling::new(&connection)),
    ];
    let mut sources: Vec<Box<dyn Source>> = Vec::new();
    for service in services {
        sources.push(Box::new(Inventory::new(&settings.name, &connection, service)));
    }
    let global = settings.region == GLOBAL_REGION;
    let elsewhere = choices(settings, false, true);
    let is_split = !global && !elsewhere.is_empty();
    let scope = |id: String, choices| cloudwatch::Scope {
        id: SourceId::new(&id),
        choices,
        // The budget is the account's: two regions share it.
        monthly_budget_usd: settings.monthly_budget_usd / if is_split { 2.0 } else { 1.0 },
    };
    let home = choices(settings, true, global);
    sources.push(Box::new(CloudWatch::new(&connection, scope(format!("{}-cloudwatch", settings.name), home))));
    if is_split {
        let connection = Connection::open(&options(GLOBAL_REGION)).await?;
        let id = format!("{}-cloudwatch-global", settings.name);
        sources.push(Box::new(CloudWatch::new(&connection, scope(id, elsewhere))));
    }
    Ok(sources)
}

/// The namespaces to ask for in a region: those of the account's own region, of the global services, or both. What is
/// only asked for by name is left out where no name is configured.
fn choices(settings: &AwsSettings, own: bool, global: bool) -> BTreeMap<&'static str, Choice> {
    let named = |names: &[String]| (!names.is_empty()).then(|| Choice::Only(names.to_vec()));
    let choice = |namespace: &str| match namespace {
        "AWS/CloudFront" => named(&settings.cloudfront).filter(|_| global),
        "AWS/WAFV2" => named(&settings.web_acls),
        "AWS/S3" => named(&settings.buckets).filter(|_| own),
        _ => Some(Choice::All).filter(|_| own),
    };
    cloudwatch::namespaces().into_iter().filter_map(|namespace| Some((namespace, choice(namespace)?))).collect()
}

enum Service {
    Identity(Sts),
    LoadBalancers(Elb),
    Databases(Rds),
    Caches(ElastiCache),
    Groups(AutoScaling),
}

impl Service {
    /// The end of the source's name, and the service's endpoint prefix.
    const fn names(&self) -> (&'static str, &'static str) {
        match self {
            Self::Identity(_) => ("sts", "sts"),
            Self::LoadBalancers(_) => ("elbv2", "elasticloadbalancing"),
            Self::Databases(_) => ("rds", "rds"),
            Self::Caches(_) => ("elasticache", "elasticache"),
            Self::Groups(_) => ("autoscaling", "autoscaling"),
        }
    }
}

/// One service of AWS as a source.
pub struct Inventory {
    service: Service,
    site: Site,
    /// Up to when changes have been read.
    read_to: Option<Stamp>,
}

/// What the facts of a service have in common.
#[derive(Clone, Debug)]
struct Site {
    source: SourceId,
    endpoint: Raw,
    region: String,
}

impl Site {
    /// Provenance of what a Describe call says; the field is told in JMESPath, as the AWS CLI takes it.
    fn described(&self, call: &'static str, parameters: &serde_json::Value, field: &str) -> Arc<Provenance> {
        self.told(Query::Describe { call, parameters: Raw::from(parameters.to_string()), field: Raw::new(field) })
    }

    /// Provenance of what is computed from such parts.
    fn derived(&self, formula: &'static str, from: Vec<Sample>) -> Arc<Provenance> {
        self.told(Query::Derived { formula, from })
    }

    fn told(&self, query: Query) -> Arc<Provenance> {
        Arc::new(Provenance {
            source: self.source.clone(),
            endpoint: self.endpoint.clone(),
            query,
            statistic: Statistic::Last,
            period: EVERY,
            delay: Duration::ZERO,
            threshold_origin: "",
        })
    }
}

impl Inventory {
    fn new(name: &str, connection: &Connection, service: Service) -> Self {
        let (suffix, prefix) = service.names();
        let site = Site {
            source: SourceId::new(&format!("{name}-{suffix}")),
            endpoint: connection.endpoint(prefix),
            region: connection.region().to_owned(),
        };
        Self { service, site, read_to: None }
    }

    async fn read(&mut self, outlet: &dyn Outlet) -> Result<(), Fault> {
        let now = outlet.now();
        let since = self.read_to.map_or(now - CHANGES, |at| at - CHANGES_AGAIN);
        let mut gaps = Gaps::default();
        let (scope, facts, changes): (Scope, Vec<Fact>, Option<Vec<Fact>>) = match &self.service {
            Service::Identity(sts) => {
                let caller = sts.caller().await?;
                let arn = caller.arn.rsplit_once(':').map_or(caller.arn.as_str(), |(_, name)| name);
                outlet.identity(crate::shown!("{}@{}", Raw::new(arn), Raw::new(&caller.account)));
                outlet.alive();
                return Ok(());
            }
            Service::LoadBalancers(elb) => {
                let listing = Listing::read(elb, &mut gaps).await?;
                ("load-balancers", load_balancers::facts(&self.site, &listing, now), None)
            }
            Service::Databases(rds) => {
                let events = async { aside(rds.events(since.millis(), now.millis()).await) };
                let clusters = async { allowed(rds.clusters().await) };
                let (instances, clusters, events) = futures::try_join!(rds.instances(), clusters, events)?;
                let clusters = gaps.keep(clusters).unwrap_or_default();
                let changes = gaps.keep(events).map(|events| databases::changes(&events));
                let mut facts = clusters::facts(&self.site, &clusters, &instances);
                // A member is told by its cluster; one whose cluster cannot be read stands for itself.
                let member = |db: &&DbInstance| clusters.iter().any(|c| c.members.iter().any(|m| m.id == db.id));
                let alone: Vec<DbInstance> = instances.iter().filter(|db| !member(db)).cloned().collect();
                facts.extend(databases::facts(&self.site, &alone));
                ("databases", facts, changes)
            }
            Service::Caches(cache) => {
                let clusters = gaps.keep(allowed(cache.clusters().await)?).unwrap_or_default();
                ("caches", caches::facts(&self.site, &cache.groups(&clusters).await?), None)
            }
            Service::Groups(scaling) => {
                let activities = async { aside(scaling.activities().await) };
                let (groups, activities) = futures::try_join!(scaling.groups(), activities)?;
                let changes = gaps.keep(activities).map(|told| groups::changes(&told, since.millis()));
                ("groups", groups::facts(&self.site, &groups), changes)
            }
        };
        let tell = |scope, complete, facts| {
            outlet.observe(Observation { source: self.site.source.clone(), scope, observed_at: now, complete, facts });
        };
        tell(scope, true, facts);
        tell("gaps", true, gaps.facts());
        if let Some(changes) = changes {
            if !changes.is_empty() {
                tell("changes", false, changes);
            }
            self.read_to = Some(now);
        }
        Ok(())
    }
}

impl Source for Inventory {
    fn id(&self) -> SourceId {
        self.site.source.clone()
    }

    fn kind(&self) -> SourceKind {
        SourceKind::Aws
    }

    fn endpoint(&self) -> Raw {
        self.site.endpoint.clone()
    }

    fn cadence(&self) -> Cadence {
        let every = if matches!(self.service, Service::Identity(_)) { IDENTITY_EVERY } else { EVERY };
        Cadence::Poll { every, deadline: DEADLINE }
    }

    fn round<'a>(&'a mut self, outlet: &'a dyn Outlet) -> BoxFuture<'a, Result<(), Fault>> {
        self.read(outlet).boxed()
    }

    fn heartbeat<'a>(&'a mut self, _: &'a dyn Outlet) -> BoxFuture<'a, Result<(), Fault>> {
        match &self.service {
            Service::Identity(sts) => sts.alive().boxed(),
            Service::LoadBalancers(elb) => elb.alive().boxed(),
            Service::Databases(rds) => rds.alive().boxed(),
            Service::Caches(cache) => cache.alive().boxed(),
            Service::Groups(scaling) => scaling.alive().boxed(),
        }
    }
}
