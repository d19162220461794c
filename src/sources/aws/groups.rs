//! Auto Scaling groups, their machines, what they did.

use serde_json::json;

use super::Site;
use crate::clients::aws::read::{Activity, Group, Instance};
use crate::domain::id::{Alias, ComponentId, Kind};
use crate::domain::text::Raw;
use crate::domain::tier::Tier;
use crate::domain::time::Stamp;
use crate::model::facts::{
    ChangeFact, ChangeKind, ComponentFact, Fact, MemberFact, MemberState, ReplicaClass, Replicas,
};

pub fn facts(site: &Site, groups: &[Group]) -> Vec<Fact> {
    groups
        .iter()
        .flat_map(|group| {
            let component = component(site, group);
            let members: Vec<Fact> =
                group.instances.iter().map(|instance| Fact::Member(member(&component.id, instance))).collect();
            members.into_iter().chain([Fact::Component(component)])
        })
        .collect()
}

fn named(group: &str) -> Alias {
    Alias::Dimension { name: "AutoScalingGroupName", value: Raw::new(group) }
}

fn in_service(instance: &Instance) -> bool {
    instance.lifecycle == "InService" && instance.healthy
}

fn component(site: &Site, group: &Group) -> ComponentFact {
    let count = |n: i32| u32::try_from(n).unwrap_or(0);
    let ready = group.instances.iter().filter(|i| in_service(i)).count();
    let mut attributes = vec![
        ("bounds", Raw::from(format!("{} to {}", group.min, group.max))),
        ("desired", Raw::from(group.desired.to_string())),
        ("zones", Raw::from(group.zones.join(" "))),
    ];
    if !group.suspended.is_empty() {
        attributes.push(("suspended", Raw::from(group.suspended.join(" "))));
    }
    ComponentFact {
        id: ComponentId::new(Kind::AutoScalingGroup, &site.region, &group.name),
        aliases: vec![named(&group.name), Alias::Named(Raw::new(&group.name))],
        tier: Some(Tier::Host),
        hints: group.tags.iter().map(|tag| Raw::new(tag)).collect(),
        replicas: Some(Replicas {
            desired: count(group.desired),
            ready: u32::try_from(ready).unwrap_or(u32::MAX),
            bounds: Some((count(group.min), count(group.max))),
            floor: None,
        }),
        role: None,
        rollout: None,
        class: ReplicaClass::Pool,
        condition: None,
        attributes,
        provenance: site.described(
            "autoscaling:DescribeAutoScalingGroups",
            &json!({ "AutoScalingGroupNames": [group.name] }),
            "AutoScalingGroups[0].Instances",
        ),
    }
}

fn member(component: &ComponentId, instance: &Instance) -> MemberFact {
    let state = match instance.lifecycle.as_str() {
        _ if in_service(instance) => MemberState::Ready,
        "InService" => MemberState::Failed,
        lifecycle if lifecycle.starts_with("Pending") => MemberState::Starting,
        lifecycle if lifecycle.starts_with("Terminat") || lifecycle.starts_with("Detach") => MemberState::Stopping,
        _ => MemberState::NotReady,
    };
    let health = if instance.healthy { "" } else { ", unhealthy" };
    MemberFact {
        component: component.clone(),
        name: Raw::new(&instance.id),
        state,
        word: Raw::from(format!("{}{health}", instance.lifecycle)),
        zone: (!instance.zone.is_empty()).then(|| Raw::new(&instance.zone)),
        node: None,
        version: (!instance.instance_type.is_empty()).then(|| Raw::new(&instance.instance_type)),
        role: None,
        restarts: 0,
        since: None,
        address: Some(Raw::new(&instance.id)),
    }
}

/// The activities that began at `since` or later.
pub fn changes(activities: &[Activity], since: i64) -> Vec<Fact> {
    let change = |activity: &Activity| {
        Fact::Change(ChangeFact {
            key: Raw::from(format!("autoscaling/{}", activity.id)),
            at: Stamp::from_millis(activity.at),
            subject: Some(named(&activity.group)),
            kind: ChangeKind::Scale,
            what: crate::shown!("{} ({})", Raw::new(&activity.description), Raw::new(&activity.status)),
            who: (!activity.cause.is_empty()).then(|| Raw::new(&activity.cause)),
        })
    };
    activities.iter().filter(|activity| activity.at >= since).map(change).collect()
}
