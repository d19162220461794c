//! Load balancers with the targets of their groups. The groups are not components of their own: their targets are the
//! balancer's capacity, and their metrics are told about it.

use std::sync::Arc;

use serde_json::json;

use super::Site;
use super::gaps::{Gaps, allowed};
use crate::clients::aws::read::{Elb, Forward, LoadBalancer, Target, TargetGroup};
use crate::domain::error::Fault;
use crate::domain::health::Health;
use crate::domain::id::{Alias, ComponentId, Kind};
use crate::domain::reading::{Provenance, Sample};
use crate::domain::text::{Raw, Shown};
use crate::domain::tier::Tier;
use crate::domain::time::Stamp;
use crate::domain::unit::Unit;
use crate::model::facts::{ComponentFact, Fact, LinkFact, MemberFact, MemberState, ReplicaClass, Replicas};

/// The dimension of a balancer or group in CloudWatch: the end of its ARN, from `app/`, `net/` or `targetgroup/` on.
fn dimension(arn: &str) -> &str {
    let resource = arn.rsplit_once(':').map_or(arn, |(_, resource)| resource);
    resource.strip_prefix("loadbalancer/").unwrap_or(resource)
}

/// What one round has read; `None` is what we may not read.
#[derive(Debug, Default)]
pub struct Listing {
    balancers: Vec<LoadBalancer>,
    /// In the order of the balancers.
    forwards: Option<Vec<Vec<Forward>>>,
    groups: Vec<TargetGroup>,
    /// In the order of the groups.
    targets: Option<Vec<Vec<Target>>>,
}

impl Listing {
    /// Reads everything that is allowed; what is not becomes a gap.
    ///
    /// # Errors
    /// The [`Fault`] of a call that failed otherwise, or without which there is nothing.
    pub async fn read(elb: &Elb, gaps: &mut Gaps) -> Result<Self, Fault> {
        let (balancers, groups) =
            futures::try_join!(elb.load_balancers(), async { allowed(elb.target_groups().await) })?;
        let groups = gaps.keep(groups).unwrap_or_default();
        let (forwards, targets) = futures::try_join!(async { allowed(elb.forwards(&balancers).await) }, async {
            allowed(elb.targets(&groups).await)
        })?;
        Ok(Self { forwards: gaps.keep(forwards), targets: gaps.keep(targets), balancers, groups })
    }
}

/// A group with its targets, where they are known.
#[derive(Clone, Copy)]
struct Group<'a> {
    group: &'a TargetGroup,
    targets: &'a [Target],
}

pub fn facts(site: &Site, listing: &Listing, at: Stamp) -> Vec<Fact> {
    let mut facts = Vec::new();
    let targets = listing.targets.as_deref();
    let of_group = |index: usize| targets.and_then(|targets| targets.get(index)).map(Vec::as_slice).unwrap_or_default();
    let groups: Vec<Group<'_>> =
        listing.groups.iter().enumerate().map(|(index, group)| Group { group, targets: of_group(index) }).collect();
    for (index, balancer) in listing.balancers.iter().enumerate() {
        let own: Vec<Group<'_>> =
            groups.iter().copied().filter(|g| g.group.load_balancers.contains(&balancer.arn)).collect();
        let forwards = listing.forwards.as_ref().and_then(|all| all.get(index)).map(Vec::as_slice).unwrap_or_default();
        // Targets that may not be read are not zero targets: nothing is counted then.
        let counted = if targets.is_some() { own.as_slice() } else { &[] };
        let component = component(site, (balancer, forwards), &own, counted, at);
        let from = Alias::Component(component.id.clone());
        for (group, target) in own.iter().flat_map(|of| of.targets.iter().map(move |target| (of.group, target))) {
            facts.push(Fact::Member(member(&component.id, target)));
            facts.push(Fact::Link(LinkFact {
                from: from.clone(),
                to: Alias::Address(Raw::from(address(target))),
                protocol: Some(Raw::new(&group.protocol)),
                port: target.port.or(group.port),
                observed: true,
            }));
        }
        facts.push(Fact::Component(component));
    }
    facts
}

fn component(
    site: &Site,
    (balancer, forwards): (&LoadBalancer, &[Forward]),
    groups: &[Group<'_>],
    counted: &[Group<'_>],
    at: Stamp,
) -> ComponentFact {
    let name = dimension(&balancer.arn);
    let mut aliases = vec![
        Alias::Dimension { name: "LoadBalancer", value: Raw::new(name) },
        Alias::Address(Raw::new(&balancer.dns_name)),
        Alias::Named(Raw::new(&balancer.name)),
    ];
    let group_alias =
        |g: &Group<'_>| Alias::Dimension { name: "TargetGroup", value: Raw::new(dimension(&g.group.arn)) };
    aliases.extend(groups.iter().map(group_alias));
    let mut attributes = vec![
        ("type", Raw::new(&balancer.kind)),
        ("state", Raw::new(&balancer.state)),
        ("dns name", Raw::new(&balancer.dns_name)),
        ("zones", Raw::from(balancer.zones.join(" "))),
    ];
    for forward in forwards {
        let group = groups.iter().find(|g| g.group.arn == forward.target_group);
        let target = group.map_or(forward.target_group.as_str(), |g| g.group.name.as_str());
        let text = format!("{} {} -> {target}, weight {}", forward.protocol, forward.port, forward.weight);
        attributes.push(("listener", Raw::from(text)));
    }
    ComponentFact {
        id: ComponentId::new(Kind::LoadBalancer, &site.region, name),
        aliases,
        tier: Some(Tier::LoadBalancer),
        hints: vec![Raw::new(&balancer.kind)],
        replicas: replicas(counted),
        role: None,
        rollout: None,
        class: ReplicaClass::Pool,
        condition: condition(balancer, forwards, counted),
        attributes,
        provenance: healthy_share(site, counted, at).unwrap_or_else(|| {
            site.described(
                "elasticloadbalancing:DescribeLoadBalancers",
                &json!({ "LoadBalancerArns": [balancer.arn] }),
                "LoadBalancers[0].State.Code",
            )
        }),
    }
}

/// Targets that take traffic or are about to; draining and unused ones are on their way out.
fn counts(target: &Target) -> bool {
    !LEAVING.contains(&target.state.as_str())
}

const LEAVING: [&str; 3] = ["draining", "unused", "unhealthy.draining"];

fn is_healthy(target: &Target) -> bool {
    target.state == "healthy"
}

fn replicas(groups: &[Group<'_>]) -> Option<Replicas> {
    let number = |of: fn(&Target) -> bool| {
        let count = groups.iter().flat_map(|g| g.targets).filter(|t| of(t)).count();
        u32::try_from(count).unwrap_or(u32::MAX)
    };
    let (desired, ready) = (number(counts), number(is_healthy));
    (!groups.is_empty()).then_some(Replicas { desired, ready, bounds: None, floor: None })
}

/// How the healthy share of all targets can be counted again; `None` without any.
fn healthy_share(site: &Site, groups: &[Group<'_>], at: Stamp) -> Option<Arc<Provenance>> {
    let staying: Vec<String> = LEAVING.iter().map(|state| format!("TargetHealth.State!='{state}'")).collect();
    let healthy = targets(site, groups, at, is_healthy, "TargetHealth.State=='healthy'")?;
    let all = targets(site, groups, at, counts, &staying.join(" && "))?;
    Some(site.derived("a / b", vec![healthy, all]))
}

/// The number of targets of all groups that meet a condition, which is also given in JMESPath.
fn targets(
    site: &Site,
    groups: &[Group<'_>],
    at: Stamp,
    meets: fn(&Target) -> bool,
    condition: &str,
) -> Option<Sample> {
    let field = format!("length(TargetHealthDescriptions[?{condition}])");
    let of_group = |of: &Group<'_>| {
        let parameters = json!({ "TargetGroupArn": of.group.arn });
        let provenance = site.described("elasticloadbalancing:DescribeTargetHealth", &parameters, &field);
        let value = of.targets.iter().filter(|target| meets(target)).count() as f64;
        Sample { value, unit: Unit::Count, at, provenance }
    };
    groups.iter().map(of_group).reduce(|sum, next| {
        let value = sum.value + next.value;
        Sample { value, unit: Unit::Count, at, provenance: site.derived("a + b", vec![sum, next]) }
    })
}

fn condition(balancer: &LoadBalancer, forwards: &[Forward], groups: &[Group<'_>]) -> Option<(Health, Shown)> {
    let words = || crate::shown!("{} {}", Raw::new(&balancer.state), Raw::new(&balancer.state_reason));
    match balancer.state.as_str() {
        "failed" => return Some((Health::Critical, words())),
        "active_impaired" | "provisioning" => return Some((Health::Warn, words())),
        _ => {}
    }
    let fed = |of: &&Group<'_>| forwards.iter().any(|f| f.target_group == of.group.arn && f.weight > 0);
    let empty = groups.iter().filter(fed).find(|of| !of.targets.iter().any(is_healthy))?;
    Some((Health::Critical, crate::shown!("target group {} has no healthy target", Raw::new(&empty.group.name))))
}

fn address(target: &Target) -> String {
    match target.port {
        Some(port) if !target.id.starts_with("i-") => format!("{}:{port}", target.id),
        _ => target.id.clone(),
    }
}

fn member(component: &ComponentId, target: &Target) -> MemberFact {
    let state = match target.state.as_str() {
        "healthy" => MemberState::Ready,
        "initial" => MemberState::Starting,
        "draining" | "unhealthy.draining" => MemberState::Stopping,
        "unhealthy" => MemberState::Failed,
        "unused" => MemberState::NotReady,
        _ => MemberState::Unknown,
    };
    let word =
        if target.reason.is_empty() { target.state.clone() } else { format!("{}: {}", target.state, target.reason) };
    MemberFact {
        component: component.clone(),
        name: Raw::from(address(target)),
        state,
        word: Raw::from(word),
        zone: (!target.zone.is_empty()).then(|| Raw::new(&target.zone)),
        node: None,
        version: None,
        role: None,
        restarts: 0,
        since: None,
        address: Some(Raw::from(address(target))),
    }
}
