//! Elastic Load Balancing v2: load balancers, what their listeners forward to, the health of every target.

use std::collections::BTreeMap;

use aws_sdk_elasticloadbalancingv2::Client;
use aws_sdk_elasticloadbalancingv2::types::ActionTypeEnum;

use super::{Connection, MAX_PAGES, text, texts};
use crate::clients::aws::connect::Place;
use crate::clients::aws::fault;
use crate::domain::error::Fault;

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
    pub forwards: Vec<Forward>,
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
    pub targets: Vec<Target>,
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
            client: Client::new(&connection.panel),
            heartbeat: Client::new(&connection.heartbeat),
            place: connection.place.clone(),
        }
    }

    /// All load balancers with what their listeners forward to by default.
    ///
    /// # Errors
    /// The [`Fault`] of the first call that failed.
    pub async fn load_balancers(&self) -> Result<Vec<LoadBalancer>, Fault> {
        let mut found = Vec::new();
        let mut marker = None;
        for _ in 0..MAX_PAGES {
            let page = self
                .client
                .describe_load_balancers()
                .set_marker(marker)
                .send()
                .await
                .map_err(|e| fault::of(&self.place, "elasticloadbalancing:DescribeLoadBalancers", &e))?;
            for lb in page.load_balancers() {
                let arn = text(lb.load_balancer_arn());
                let forwards = self.forwards(&arn).await?;
                let state = lb.state();
                found.push(LoadBalancer {
                    arn,
                    name: text(lb.load_balancer_name()),
                    dns_name: text(lb.dns_name()),
                    kind: text(lb.r#type().map(aws_sdk_elasticloadbalancingv2::types::LoadBalancerTypeEnum::as_str)),
                    state: text(
                        state
                            .and_then(|s| s.code())
                            .map(aws_sdk_elasticloadbalancingv2::types::LoadBalancerStateEnum::as_str),
                    ),
                    state_reason: text(state.and_then(|s| s.reason())),
                    zones: lb.availability_zones().iter().map(|zone| text(zone.zone_name())).collect(),
                    forwards,
                });
            }
            marker = page.next_marker().map(str::to_owned);
            if marker.is_none() {
                break;
            }
        }
        Ok(found)
    }

    async fn forwards(&self, load_balancer: &str) -> Result<Vec<Forward>, Fault> {
        let answer = self
            .client
            .describe_listeners()
            .load_balancer_arn(load_balancer)
            .send()
            .await
            .map_err(|e| fault::of(&self.place, "elasticloadbalancing:DescribeListeners", &e))?;
        let mut found = Vec::new();
        for listener in answer.listeners() {
            let port = listener.port().and_then(|p| u16::try_from(p).ok()).unwrap_or_default();
            let protocol = text(listener.protocol().map(aws_sdk_elasticloadbalancingv2::types::ProtocolEnum::as_str));
            let actions = listener.default_actions().iter().filter(|a| a.r#type() == Some(&ActionTypeEnum::Forward));
            for action in actions {
                let weighted = action
                    .forward_config()
                    .map(aws_sdk_elasticloadbalancingv2::types::ForwardActionConfig::target_groups)
                    .unwrap_or_default();
                let single = action.target_group_arn().filter(|_| weighted.is_empty()).map(|arn| (arn.to_owned(), 1));
                let groups = weighted.iter().map(|g| (text(g.target_group_arn()), g.weight().unwrap_or(1)));
                found.extend(groups.chain(single).map(|(target_group, weight)| Forward {
                    port,
                    protocol: protocol.clone(),
                    target_group,
                    weight,
                }));
            }
        }
        Ok(found)
    }

    /// All target groups with the health of their targets.
    ///
    /// # Errors
    /// The [`Fault`] of the first call that failed.
    pub async fn target_groups(&self) -> Result<Vec<TargetGroup>, Fault> {
        let mut found = BTreeMap::new();
        let mut marker = None;
        for _ in 0..MAX_PAGES {
            let page = self
                .client
                .describe_target_groups()
                .set_marker(marker)
                .send()
                .await
                .map_err(|e| fault::of(&self.place, "elasticloadbalancing:DescribeTargetGroups", &e))?;
            for group in page.target_groups() {
                let arn = text(group.target_group_arn());
                let targets = self.targets(&arn).await?;
                let group = TargetGroup {
                    arn: arn.clone(),
                    name: text(group.target_group_name()),
                    port: group.port().and_then(|p| u16::try_from(p).ok()),
                    protocol: text(group.protocol().map(aws_sdk_elasticloadbalancingv2::types::ProtocolEnum::as_str)),
                    load_balancers: texts(group.load_balancer_arns()),
                    targets,
                };
                found.insert(arn, group);
            }
            marker = page.next_marker().map(str::to_owned);
            if marker.is_none() {
                break;
            }
        }
        Ok(found.into_values().collect())
    }

    async fn targets(&self, group: &str) -> Result<Vec<Target>, Fault> {
        let answer = self
            .client
            .describe_target_health()
            .target_group_arn(group)
            .send()
            .await
            .map_err(|e| fault::of(&self.place, "elasticloadbalancing:DescribeTargetHealth", &e))?;
        let described = answer.target_health_descriptions().iter();
        Ok(described
            .filter_map(|d| {
                let (target, health) = (d.target()?, d.target_health());
                Some(Target {
                    id: text(target.id()),
                    port: target.port().and_then(|p| u16::try_from(p).ok()),
                    zone: text(target.availability_zone()),
                    state: text(
                        health
                            .and_then(|h| h.state())
                            .map(aws_sdk_elasticloadbalancingv2::types::TargetHealthStateEnum::as_str),
                    ),
                    reason: text(
                        health
                            .and_then(|h| h.reason())
                            .map(aws_sdk_elasticloadbalancingv2::types::TargetHealthReasonEnum::as_str),
                    ),
                })
            })
            .collect())
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
