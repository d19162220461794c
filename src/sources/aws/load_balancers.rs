//! Load balancers with the targets of their groups. The groups are not components of their own: their targets are the
//! balancer's capacity, and their metrics are told about it.

use std::sync::Arc;

use serde_json::json;

use super::Site;
use crate::clients::aws::read::{LoadBalancer, Target, TargetGroup};
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

pub fn facts(site: &Site, balancers: &[LoadBalancer], groups: &[TargetGroup], at: Stamp) -> Vec<Fact> {
    let mut facts = Vec::new();
    for balancer in balancers {
        let own: Vec<&TargetGroup> = groups.iter().filter(|g| g.load_balancers.contains(&balancer.arn)).collect();
        let component = component(site, balancer, &own, at);
        let from = Alias::Component(component.id.clone());
        for (group, target) in own.iter().flat_map(|group| group.targets.iter().map(move |target| (group, target))) {
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

fn component(site: &Site, balancer: &LoadBalancer, groups: &[&TargetGroup], at: Stamp) -> ComponentFact {
    let name = dimension(&balancer.arn);
    let mut aliases = vec![
        Alias::Dimension { name: "LoadBalancer", value: Raw::new(name) },
        Alias::Address(Raw::new(&balancer.dns_name)),
        Alias::Named(Raw::new(&balancer.name)),
    ];
    aliases.extend(groups.iter().map(|g| Alias::Dimension { name: "TargetGroup", value: Raw::new(dimension(&g.arn)) }));
    let mut attributes = vec![
        ("type", Raw::new(&balancer.kind)),
        ("state", Raw::new(&balancer.state)),
        ("dns name", Raw::new(&balancer.dns_name)),
        ("zones", Raw::from(balancer.zones.join(" "))),
    ];
    for forward in &balancer.forwards {
        let group = groups.iter().find(|g| g.arn == forward.target_group);
        let target = group.map_or(forward.target_group.as_str(), |g| g.name.as_str());
        let text = format!("{} {} -> {target}, weight {}", forward.protocol, forward.port, forward.weight);
        attributes.push(("listener", Raw::from(text)));
    }
    ComponentFact {
        id: ComponentId::new(Kind::LoadBalancer, &site.region, name),
        aliases,
        tier: Some(Tier::LoadBalancer),
        hints: vec![Raw::new(&balancer.kind)],
        replicas: replicas(groups),
        role: None,
        rollout: None,
        class: ReplicaClass::Pool,
        condition: condition(balancer, groups),
        attributes,
        provenance: healthy_share(site, groups, at).unwrap_or_else(|| {
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

fn replicas(groups: &[&TargetGroup]) -> Option<Replicas> {
    let number = |of: fn(&Target) -> bool| {
        let count = groups.iter().flat_map(|g| &g.targets).filter(|t| of(t)).count();
        u32::try_from(count).unwrap_or(u32::MAX)
    };
    let (desired, ready) = (number(counts), number(is_healthy));
    (!groups.is_empty()).then_some(Replicas { desired, ready, bounds: None, floor: None })
}

/// How the healthy share of all targets can be counted again; `None` without any.
fn healthy_share(site: &Site, groups: &[&TargetGroup], at: Stamp) -> Option<Arc<Provenance>> {
    let staying: Vec<String> = LEAVING.iter().map(|state| format!("TargetHealth.State!='{state}'")).collect();
    let healthy = targets(site, groups, at, is_healthy, "TargetHealth.State=='healthy'")?;
    let all = targets(site, groups, at, counts, &staying.join(" && "))?;
    Some(site.derived("a / b", vec![healthy, all]))
}

/// The number of targets of all groups that meet a condition, which is also given in JMESPath.
fn targets(
    site: &Site,
    groups: &[&TargetGroup],
    at: Stamp,
    meets: fn(&Target) -> bool,
    condition: &str,
) -> Option<Sample> {
    let field = format!("length(TargetHealthDescriptions[?{condition}])");
    let of_group = |group: &&TargetGroup| {
        let parameters = json!({ "TargetGroupArn": group.arn });
        let provenance = site.described("elasticloadbalancing:DescribeTargetHealth", &parameters, &field);
        let value = group.targets.iter().filter(|target| meets(target)).count() as f64;
        Sample { value, unit: Unit::Count, at, provenance }
    };
    groups.iter().map(of_group).reduce(|sum, next| {
        let value = sum.value + next.value;
        Sample { value, unit: Unit::Count, at, provenance: site.derived("a + b", vec![sum, next]) }
    })
}

fn condition(balancer: &LoadBalancer, groups: &[&TargetGroup]) -> Option<(Health, Shown)> {
    let words = || crate::shown!("{} {}", Raw::new(&balancer.state), Raw::new(&balancer.state_reason));
    match balancer.state.as_str() {
        "failed" => return Some((Health::Critical, words())),
        "active_impaired" | "provisioning" => return Some((Health::Warn, words())),
        _ => {}
    }
    let fed = |group: &&&TargetGroup| balancer.forwards.iter().any(|f| f.target_group == group.arn && f.weight > 0);
    let empty = groups.iter().filter(fed).find(|group| !group.targets.iter().any(is_healthy))?;
    Some((Health::Critical, crate::shown!("target group {} has no healthy target", Raw::new(&empty.name))))
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
