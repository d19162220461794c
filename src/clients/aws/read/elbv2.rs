//! Elastic Load Balancing v2: load balancers, what their listeners forward to, the health of every target. The last two
//! have a call for each balancer and group: a few at once, because one after the other takes seconds.

use aws_config::SdkConfig;
use aws_sdk_elasticloadbalancingv2::Client;
use aws_sdk_elasticloadbalancingv2::types::{self as sdk, ActionTypeEnum};
use futures::stream::{self, StreamExt, TryStreamExt};

use super::pages::pages;
use super::{Connection, text, texts};
use crate::clients::aws::cap::Cap;
use crate::clients::aws::connect::Place;
use crate::clients::aws::fault;
use crate::domain::error::Fault;

/// Calls of one kind on their way at once; the account's rate is shared with its autoscalers (facts/aws.md 2.2).
const AT_ONCE: usize = 4;

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LoadBalancer {
    pub arn: String,
    pub name: String,
    pub dns_name: String,
    /// `application`, `network`, `gateway`.
    pub kind: String,
    /// `active`, `provisioning`, `active_impaired`, `failed`.
    pub state: String,
    pub state_reason: String,
    pub zones: Vec<String>,
}

/// A listener's default action towards one target group.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Forward {
    pub port: u16,
    pub protocol: String,
    pub target_group: String,
    pub weight: i32,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TargetGroup {
    pub arn: String,
    pub name: String,
    pub port: Option<u16>,
    pub protocol: String,
    pub load_balancers: Vec<String>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Target {
    /// An instance id or an IP address.
    pub id: String,
    pub port: Option<u16>,
    pub zone: String,
    /// `initial`, `healthy`, `unhealthy`, `unused`, `draining`, `unavailable`.
    pub state: String,
    /// `Target.FailedHealthChecks`, ...; empty when healthy.
    pub reason: String,
}

pub struct Elb {
    client: Client,
    heartbeat: Client,
    place: Place,
}

impl Elb {
    #[must_use]
    pub fn new(connection: &Connection) -> Self {
        Self {
            client: client(&connection.panel),
            heartbeat: client(&connection.heartbeat),
            place: connection.place.clone(),
        }
    }

    /// # Errors
    /// The [`Fault`] of the first page that failed, or of a listing without end.
    pub async fn load_balancers(&self) -> Result<Vec<LoadBalancer>, Fault> {
        const ACTION: &str = "elasticloadbalancing:DescribeLoadBalancers";
        pages(&self.place, ACTION, async |marker| {
            let page = self.client.describe_load_balancers().set_marker(marker).send().await;
            let page = page.map_err(|e| fault::of(&self.place, ACTION, &e))?;
            Ok((page.load_balancers().iter().map(load_balancer).collect(), page.next_marker().map(str::to_owned)))
        })
        .await
    }

    /// What the listeners of each balancer forward to by default, in the order of `balancers`.
    ///
    /// # Errors
    /// The [`Fault`] of the first call that failed.
    pub async fn forwards(&self, balancers: &[LoadBalancer]) -> Result<Vec<Vec<Forward>>, Fault> {
        const ACTION: &str = "elasticloadbalancing:DescribeListeners";
        let of = async |arn: String| {
            let listeners = pages(&self.place, ACTION, async |marker| {
                let request = self.client.describe_listeners().load_balancer_arn(&arn).set_marker(marker);
                let page = request.send().await.map_err(|e| fault::of(&self.place, ACTION, &e))?;
                Ok((page.listeners().iter().flat_map(forwards).collect(), page.next_marker().map(str::to_owned)))
            });
            listeners.await
        };
        let arns: Vec<String> = balancers.iter().map(|balancer| balancer.arn.clone()).collect();
        stream::iter(arns).map(of).buffered(AT_ONCE).try_collect().await
    }

    /// # Errors
    /// The [`Fault`] of the first page that failed, or of a listing without end.
    pub async fn target_groups(&self) -> Result<Vec<TargetGroup>, Fault> {
        const ACTION: &str = "elasticloadbalancing:DescribeTargetGroups";
        pages(&self.place, ACTION, async |marker| {
            let page = self.client.describe_target_groups().set_marker(marker).send().await;
            let page = page.map_err(|e| fault::of(&self.place, ACTION, &e))?;
            Ok((page.target_groups().iter().map(target_group).collect(), page.next_marker().map(str::to_owned)))
        })
        .await
    }

    /// The targets of each group with their health, in the order of `groups`.
    ///
    /// # Errors
    /// The [`Fault`] of the first call that failed.
    pub async fn targets(&self, groups: &[TargetGroup]) -> Result<Vec<Vec<Target>>, Fault> {
        const ACTION: &str = "elasticloadbalancing:DescribeTargetHealth";
        let of = async |arn: String| {
            let answer = self.client.describe_target_health().target_group_arn(arn).send().await;
            let answer = answer.map_err(|e| fault::of(&self.place, ACTION, &e))?;
            Ok(answer.target_health_descriptions().iter().filter_map(target).collect())
        };
        let arns: Vec<String> = groups.iter().map(|group| group.arn.clone()).collect();
        stream::iter(arns).map(of).buffered(AT_ONCE).try_collect().await
    }

    /// Whether the service answers us.
    ///
    /// # Errors
    /// The [`Fault`] that a read would meet now.
    pub async fn alive(&self) -> Result<(), Fault> {
        let answer = self.heartbeat.describe_load_balancers().page_size(1).send().await;
        answer.map(|_| ()).map_err(|e| fault::of(&self.place, "elasticloadbalancing:DescribeLoadBalancers", &e))
    }
}

fn load_balancer(lb: &sdk::LoadBalancer) -> LoadBalancer {
    let state = lb.state();
    LoadBalancer {
        arn: text(lb.load_balancer_arn()),
        name: text(lb.load_balancer_name()),
        dns_name: text(lb.dns_name()),
        kind: text(lb.r#type().map(sdk::LoadBalancerTypeEnum::as_str)),
        state: text(state.and_then(|s| s.code()).map(sdk::LoadBalancerStateEnum::as_str)),
        state_reason: text(state.and_then(|s| s.reason())),
        zones: lb.availability_zones().iter().map(|zone| text(zone.zone_name())).collect(),
    }
}

fn forwards(listener: &sdk::Listener) -> Vec<Forward> {
    let port = listener.port().and_then(|p| u16::try_from(p).ok()).unwrap_or_default();
    let protocol = text(listener.protocol().map(sdk::ProtocolEnum::as_str));
    let actions = listener.default_actions().iter().filter(|a| a.r#type() == Some(&ActionTypeEnum::Forward));
    let targets = actions.flat_map(|action| {
        let weighted = action.forward_config().map(sdk::ForwardActionConfig::target_groups).unwrap_or_default();
        let single = action.target_group_arn().filter(|_| weighted.is_empty()).map(|arn| (arn.to_owned(), 1));
        weighted.iter().map(|g| (text(g.target_group_arn()), g.weight().unwrap_or(1))).chain(single)
    });
    targets.map(|(target_group, weight)| Forward { port, protocol: protocol.clone(), target_group, weight }).collect()
}

fn target_group(group: &sdk::TargetGroup) -> TargetGroup {
    TargetGroup {
        arn: text(group.target_group_arn()),
        name: text(group.target_group_name()),
        port: group.port().and_then(|p| u16::try_from(p).ok()),
        protocol: text(group.protocol().map(sdk::ProtocolEnum::as_str)),
        load_balancers: texts(group.load_balancer_arns()),
    }
}

fn target(described: &sdk::TargetHealthDescription) -> Option<Target> {
    let (target, health) = (described.target()?, described.target_health());
    Some(Target {
        id: text(target.id()),
        port: target.port().and_then(|p| u16::try_from(p).ok()),
        zone: text(target.availability_zone()),
        state: text(health.and_then(|h| h.state()).map(sdk::TargetHealthStateEnum::as_str)),
        reason: text(health.and_then(|h| h.reason()).map(sdk::TargetHealthReasonEnum::as_str)),
    })
}

fn client(shared: &SdkConfig) -> Client {
    Client::from_conf(aws_sdk_elasticloadbalancingv2::config::Builder::from(shared).interceptor(Cap).build())
}
