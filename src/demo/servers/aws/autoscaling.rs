//! EC2 Auto Scaling (2011-01-01): the reading calls of facts/aws.md 2.4.

use super::failure::Failure;
use super::form::Paging;
use super::xml::Xml;
use super::{Ask, Operation};
use crate::demo::store::aws::{AutoScalingGroup, ScalingActivity};

const PAGES: Paging = Paging { size: "MaxRecords", token: "NextToken", range: 1..=100, default: 50 };

pub const OPERATIONS: &[Operation] = &[
    Operation::reading("DescribeAutoScalingGroups", groups),
    Operation::reading("DescribeScalingActivities", activities),
];

fn groups(ask: &Ask<'_>, xml: &mut Xml) -> Result<(), Failure> {
    let names = ask.form.list("AutoScalingGroupNames");
    let wanted = |group: &&AutoScalingGroup| names.is_empty() || names.contains(&group.name.as_str());
    let (page, next) = ask.form.page(&PAGES, ask.aws.auto_scaling_groups.iter().filter(wanted).collect())?;
    xml.list("AutoScalingGroups", "member", page, |xml, group| {
        xml.text("AutoScalingGroupName", &group.name);
        xml.text("AutoScalingGroupARN", &group.arn);
        xml.number("MinSize", group.min);
        xml.number("MaxSize", group.max);
        xml.number("DesiredCapacity", group.desired);
        xml.number("DefaultCooldown", 300);
        xml.texts("AvailabilityZones", "member", group.zones.iter().map(String::as_str));
        xml.text("HealthCheckType", "EC2");
        xml.list("Instances", "member", &group.instances, |xml, (id, zone, state, healthy)| {
            xml.text("InstanceId", id);
            xml.text("AvailabilityZone", zone);
            xml.text("LifecycleState", state);
            xml.text("HealthStatus", if *healthy { "Healthy" } else { "Unhealthy" });
            xml.flag("ProtectedFromScaleIn", false);
        });
        xml.time("CreatedTime", group.created_at);
    });
    xml.maybe("NextToken", next.as_deref());
    Ok(())
}

fn activities(ask: &Ask<'_>, xml: &mut Xml) -> Result<(), Failure> {
    let group = ask.form.get("AutoScalingGroupName");
    let ids = ask.form.list("ActivityIds");
    let wanted = |activity: &&ScalingActivity| {
        activity.started_at <= ask.now
            && group.is_none_or(|g| g == activity.group)
            && (ids.is_empty() || ids.contains(&activity.id.as_str()))
    };
    let mut found: Vec<&ScalingActivity> = ask.aws.scaling_activities.iter().filter(wanted).collect();
    found.sort_by_key(|activity| std::cmp::Reverse(activity.started_at));
    let (page, next) = ask.form.page(&PAGES, found)?;
    xml.list("Activities", "member", page, |xml, activity| {
        xml.text("ActivityId", &activity.id);
        xml.text("AutoScalingGroupName", &activity.group);
        xml.text("Description", &activity.description);
        xml.text("Cause", &activity.cause);
        xml.time("StartTime", activity.started_at);
        if let Some(at) = activity.ended_at {
            xml.time("EndTime", at);
        }
        xml.text("StatusCode", activity.status);
        xml.number("Progress", if activity.ended_at.is_some() { 100 } else { 50 });
    });
    xml.maybe("NextToken", next.as_deref());
    Ok(())
}
