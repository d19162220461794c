//! Elastic Load Balancing v2 (2015-12-01): the reading calls of facts/aws.md 2.4.

use super::failure::Failure;
use super::form::Paging;
use super::xml::Xml;
use super::{Ask, Operation};
use crate::demo::store::aws::{Listener, LoadBalancer, Target, TargetGroup};

const PAGES: Paging = Paging { size: "PageSize", token: "Marker", range: 1..=400, default: 400 };

pub const OPERATIONS: &[Operation] = &[
    Operation::reading("DescribeLoadBalancers", load_balancers),
    Operation::reading("DescribeListeners", listeners),
    Operation::reading("DescribeRules", rules),
    Operation::reading("DescribeTargetGroups", target_groups),
    Operation::reading("DescribeTargetHealth", target_health),
];

fn load_balancers(ask: &Ask<'_>, xml: &mut Xml) -> Result<(), Failure> {
    let arns = ask.form.list("LoadBalancerArns");
    let names = ask.form.list("Names");
    let all = &ask.aws.load_balancers;
    let unknown = arns
        .iter()
        .find(|arn| !all.iter().any(|lb| lb.arn == **arn))
        .or_else(|| names.iter().find(|name| !all.iter().any(|lb| lb.name == **name)));
    if let Some(unknown) = unknown {
        return Err(Failure::new(400, "LoadBalancerNotFound", format!("Load balancers '[{unknown}]' not found")));
    }
    let wanted = |lb: &&LoadBalancer| {
        (arns.is_empty() || arns.contains(&lb.arn.as_str())) && (names.is_empty() || names.contains(&lb.name.as_str()))
    };
    let (page, next) = ask.form.page(&PAGES, all.iter().filter(wanted).collect())?;
    xml.list("LoadBalancers", "member", page, load_balancer);
    xml.maybe("NextMarker", next.as_deref());
    Ok(())
}

fn load_balancer(xml: &mut Xml, lb: &LoadBalancer) {
    xml.text("LoadBalancerArn", &lb.arn);
    xml.text("DNSName", &lb.dns_name);
    xml.time("CreatedTime", lb.created_at);
    xml.text("LoadBalancerName", &lb.name);
    xml.text("Scheme", "internet-facing");
    xml.nest("State", |xml| xml.text("Code", lb.state));
    xml.text("Type", if lb.arn.contains(":loadbalancer/net/") { "network" } else { "application" });
    xml.list("AvailabilityZones", "member", &lb.zones, |xml, zone| xml.text("ZoneName", zone));
    xml.text("IpAddressType", "ipv4");
}

fn listeners(ask: &Ask<'_>, xml: &mut Xml) -> Result<(), Failure> {
    let arns = ask.form.list("ListenerArns");
    let owner = ask.form.get("LoadBalancerArn");
    if arns.is_empty() && owner.is_none() {
        return Err(Failure::validation("You must specify either listener ARNs or a load balancer ARN"));
    }
    if let Some(owner) = owner
        && !ask.aws.load_balancers.iter().any(|lb| lb.arn == owner)
    {
        return Err(Failure::new(400, "LoadBalancerNotFound", format!("Load balancer '{owner}' not found")));
    }
    let all = ask.aws.load_balancers.iter().flat_map(|lb| lb.listeners.iter().map(move |l| (lb, l)));
    let found = all
        .filter(|(lb, l)| owner.is_none_or(|o| o == lb.arn) && (arns.is_empty() || arns.contains(&l.arn.as_str())))
        .collect();
    let (page, next) = ask.form.page(&PAGES, found)?;
    xml.list("Listeners", "member", page, |xml, (lb, listener)| {
        xml.text("ListenerArn", &listener.arn);
        xml.text("LoadBalancerArn", &lb.arn);
        xml.number("Port", listener.port);
        xml.text("Protocol", listener.protocol);
        forward(xml, "DefaultActions", listener);
    });
    xml.maybe("NextMarker", next.as_deref());
    Ok(())
}

fn forward(xml: &mut Xml, name: &str, listener: &Listener) {
    xml.list(name, "member", [&listener.forward], |xml, groups| {
        xml.text("Type", "forward");
        xml.number("Order", 1);
        if let [(only, _)] = groups.as_slice() {
            xml.text("TargetGroupArn", only);
        }
        xml.nest("ForwardConfig", |xml| {
            xml.list("TargetGroups", "member", groups, |xml, (arn, weight)| {
                xml.text("TargetGroupArn", arn);
                xml.number("Weight", *weight);
            });
            xml.nest("TargetGroupStickinessConfig", |xml| xml.flag("Enabled", false));
        });
    });
}

/// The world's listeners have their default rule and no other.
fn rules(ask: &Ask<'_>, xml: &mut Xml) -> Result<(), Failure> {
    let owner = ask.form.get("ListenerArn");
    let arns = ask.form.list("RuleArns");
    if owner.is_none() && arns.is_empty() {
        return Err(Failure::validation("You must specify either a listener ARN or rule ARNs"));
    }
    let all = ask.aws.load_balancers.iter().flat_map(|lb| &lb.listeners);
    let found: Vec<(String, &Listener)> = all
        .map(|l| (format!("{}/default", l.arn.replacen(":listener/", ":listener-rule/", 1)), l))
        .filter(|(rule, l)| owner.is_none_or(|o| o == l.arn) && (arns.is_empty() || arns.contains(&rule.as_str())))
        .collect();
    if found.is_empty() {
        let code = if owner.is_some() { "ListenerNotFound" } else { "RuleNotFound" };
        return Err(Failure::new(400, code, "One or more of the given ARNs were not found"));
    }
    let (page, next) = ask.form.page(&PAGES, found)?;
    xml.list("Rules", "member", page, |xml, (rule, listener)| {
        xml.text("RuleArn", &rule);
        xml.text("Priority", "default");
        xml.list("Conditions", "member", std::iter::empty::<()>(), |_, ()| {});
        forward(xml, "Actions", listener);
        xml.flag("IsDefault", true);
    });
    xml.maybe("NextMarker", next.as_deref());
    Ok(())
}

fn target_groups(ask: &Ask<'_>, xml: &mut Xml) -> Result<(), Failure> {
    let owner = ask.form.get("LoadBalancerArn");
    let arns = ask.form.list("TargetGroupArns");
    let names = ask.form.list("Names");
    if usize::from(owner.is_some()) + usize::from(!arns.is_empty()) + usize::from(!names.is_empty()) > 1 {
        return Err(Failure::validation("Only one of load balancer ARN, target group ARNs and names can be given"));
    }
    let all = &ask.aws.target_groups;
    let unknown = arns
        .iter()
        .find(|arn| !all.iter().any(|g| g.arn == **arn))
        .or_else(|| names.iter().find(|name| !all.iter().any(|g| g.name == **name)));
    if unknown.is_some() {
        return Err(group_not_found());
    }
    let wanted = |group: &&TargetGroup| {
        owner.is_none_or(|o| o == group.load_balancer_arn)
            && (arns.is_empty() || arns.contains(&group.arn.as_str()))
            && (names.is_empty() || names.contains(&group.name.as_str()))
    };
    let (page, next) = ask.form.page(&PAGES, all.iter().filter(wanted).collect())?;
    xml.list("TargetGroups", "member", page, |xml, group| {
        let by_address = group.targets.iter().any(|t| !t.id.starts_with("i-"));
        xml.text("TargetGroupArn", &group.arn);
        xml.text("TargetGroupName", &group.name);
        xml.text("Protocol", group.protocol);
        xml.number("Port", group.port);
        xml.text("HealthCheckProtocol", group.protocol);
        xml.text("HealthCheckPort", "traffic-port");
        xml.flag("HealthCheckEnabled", true);
        xml.texts("LoadBalancerArns", "member", Some(group.load_balancer_arn.as_str()));
        xml.text("TargetType", if by_address { "ip" } else { "instance" });
        xml.text("IpAddressType", "ipv4");
    });
    xml.maybe("NextMarker", next.as_deref());
    Ok(())
}

fn group_not_found() -> Failure {
    Failure::new(400, "TargetGroupNotFound", "One or more target groups not found")
}

fn target_health(ask: &Ask<'_>, xml: &mut Xml) -> Result<(), Failure> {
    let arn = ask.form.get("TargetGroupArn").ok_or_else(|| Failure::missing("TargetGroupArn"))?;
    let group = ask.aws.target_groups.iter().find(|g| g.arn == arn).ok_or_else(group_not_found)?;
    xml.list("TargetHealthDescriptions", "member", &group.targets, target);
    Ok(())
}

fn target(xml: &mut Xml, target: &Target) {
    xml.nest("Target", |xml| {
        xml.text("Id", &target.id);
        xml.number("Port", target.port);
        xml.text("AvailabilityZone", &target.zone);
    });
    xml.text("HealthCheckPort", &target.port.to_string());
    xml.nest("TargetHealth", |xml| {
        xml.text("State", target.state);
        if !target.reason.is_empty() {
            xml.text("Reason", target.reason);
            xml.maybe("Description", description(target.reason));
        }
    });
}

/// The sentence that goes with a reason code (ELBv2 API, TargetHealth).
fn description(reason: &str) -> Option<&'static str> {
    match reason {
        "Target.Timeout" => Some("Request timed out"),
        "Target.FailedHealthChecks" => Some("Health checks failed"),
        "Target.ResponseCodeMismatch" => Some("Health checks failed with these codes: [503]"),
        "Target.DeregistrationInProgress" => Some("Target deregistration is in progress"),
        "Target.NotInUse" => Some("Target group is not configured to receive traffic from the load balancer"),
        "Elb.RegistrationInProgress" => Some("Target registration is in progress"),
        "Elb.InitialHealthChecking" => Some("Initial health checks in progress"),
        _ => None,
    }
}
