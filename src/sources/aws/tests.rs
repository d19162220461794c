//! The inventory sources against the embedded world's AWS.

// An outlet is shared between threads; this one is only a notebook.
#![allow(clippy::disallowed_types)]

use std::sync::Mutex;

use super::*;
use crate::demo::servers::aws::fixture::{LB, MINUTE, NOON, REGION, Served, serve};
use crate::demo::servers::aws::{ACCESS_KEY, AwsFault};
use crate::domain::error::FaultKind;
use crate::domain::health::Health;
use crate::domain::id::{Alias, ComponentId, Kind};
use crate::domain::text::Shown;
use crate::model::facts::{ChangeKind, ComponentFact, LinkFact, MemberFact, MemberState, ReplicaClass, Replicas, Role};

#[derive(Default)]
struct Notebook {
    seen: Mutex<Vec<Observation>>,
    identity: Mutex<Option<Shown>>,
}

impl Outlet for Notebook {
    fn now(&self) -> Stamp {
        Stamp::from_millis(NOON)
    }
    fn observe(&self, observation: Observation) {
        self.seen.lock().unwrap().push(observation);
    }
    fn alive(&self) {}
    fn identity(&self, identity: Shown) {
        *self.identity.lock().unwrap() = Some(identity);
    }
    fn cost(&self, _: f64) {}
}

impl Notebook {
    fn facts(&self) -> Vec<Fact> {
        std::mem::take(&mut *self.seen.lock().unwrap()).into_iter().flat_map(|o| o.facts).collect()
    }
}

fn settings(url: &str) -> AwsSettings {
    AwsSettings {
        name: "aws".to_owned(),
        region: REGION.to_owned(),
        profile: None,
        endpoint_url: Some(url.to_owned()),
        access_key_id: Some(ACCESS_KEY.to_owned()),
        secret_access_key: Some("demo".to_owned()),
        cloudfront: vec!["E2EXAMPLE".to_owned()],
        web_acls: Vec::new(),
        buckets: Vec::new(),
        monthly_budget_usd: 50.0,
    }
}

/// The facts of the source whose name ends so, after one round.
async fn facts(served: &Served, suffix: &str) -> Vec<Fact> {
    let sources = open(&settings(&served.url), Egress::LoopbackOnly).await.unwrap();
    let mut source = sources.into_iter().find(|s| s.id().as_str() == format!("aws-{suffix}")).unwrap();
    let notebook = Notebook::default();
    source.round(&notebook).await.unwrap();
    notebook.facts()
}

fn components(facts: &[Fact]) -> Vec<&ComponentFact> {
    facts.iter().filter_map(|f| if let Fact::Component(c) = f { Some(c) } else { None }).collect()
}

fn members(facts: &[Fact]) -> Vec<&MemberFact> {
    facts.iter().filter_map(|f| if let Fact::Member(m) = f { Some(m) } else { None }).collect()
}

fn links(facts: &[Fact]) -> Vec<&LinkFact> {
    facts.iter().filter_map(|f| if let Fact::Link(l) = f { Some(l) } else { None }).collect()
}

#[tokio::test]
async fn one_source_per_service_and_region() {
    let served = serve().await;
    let ids = |settings: AwsSettings| async move {
        let sources = open(&settings, Egress::LoopbackOnly).await.unwrap();
        sources.iter().map(|s| s.id().as_str().to_owned()).collect::<Vec<_>>()
    };
    let services = ["aws-sts", "aws-elbv2", "aws-rds", "aws-elasticache", "aws-autoscaling", "aws-cloudwatch"];
    let mut with_edge = services.to_vec();
    with_edge.push("aws-cloudwatch-global");
    assert_eq!(ids(settings(&served.url)).await, with_edge);
    assert_eq!(ids(AwsSettings { cloudfront: Vec::new(), ..settings(&served.url) }).await, services);
    assert_eq!(ids(AwsSettings { region: "us-east-1".to_owned(), ..settings(&served.url) }).await, services);
}

#[tokio::test]
async fn a_load_balancer_counts_its_targets_and_leads_to_them() {
    let served = serve().await;
    let facts = facts(&served, "elbv2").await;
    let [balancer] = components(&facts)[..] else { panic!("{facts:?}") };
    assert_eq!(balancer.id, ComponentId::new(Kind::LoadBalancer, REGION, LB));
    assert!(balancer.aliases.contains(&Alias::Dimension { name: "LoadBalancer", value: Raw::new(LB) }));
    let group = Alias::Dimension { name: "TargetGroup", value: Raw::new("targetgroup/shop-web/73e2d6bc24d8a067") };
    assert!(balancer.aliases.contains(&group));
    assert_eq!(balancer.replicas, Some(Replicas { desired: 2, ready: 1, bounds: None, floor: None }));
    assert_eq!(balancer.condition, None);
    let states: Vec<_> = members(&facts).iter().map(|m| (m.name.as_str(), m.state, m.word.as_str())).collect();
    let failed = ("10.0.2.10:8080", MemberState::Failed, "unhealthy: Target.FailedHealthChecks");
    assert_eq!(states, [("10.0.1.10:8080", MemberState::Ready, "healthy"), failed]);
    assert_eq!(links(&facts)[0].to, Alias::Address(Raw::new("10.0.1.10:8080")));
}

#[tokio::test]
async fn a_fed_group_without_a_healthy_target_condemns_its_balancer() {
    let served = serve().await;
    served.change(|stores| stores.aws.target_groups[0].targets[0].state = "draining");
    let facts = facts(&served, "elbv2").await;
    let (health, words) = components(&facts)[0].condition.clone().unwrap();
    assert_eq!((health, words.as_str()), (Health::Critical, "target group shop-web has no healthy target"));
    assert_eq!(components(&facts)[0].replicas.unwrap().desired, 1, "a draining target is on its way out");
}

#[tokio::test]
async fn databases_have_roles_a_standby_and_a_history() {
    let served = serve().await;
    let told = facts(&served, "rds").await;
    let [primary, replica] = components(&told)[..] else { panic!("{told:?}") };
    assert_eq!((primary.role, primary.class), (Some(Role::Primary), ReplicaClass::Primary));
    assert_eq!((replica.role, replica.class), (Some(Role::Replica), ReplicaClass::Pool));
    let endpoint = Alias::Address(Raw::new("shop-db.c1.eu-west-1.rds.amazonaws.com:5432"));
    assert!(primary.aliases.contains(&endpoint));
    let roles: Vec<_> = members(&told).iter().map(|m| (m.name.as_str(), m.role.unwrap())).collect();
    let expected = [("shop-db", Role::Primary), ("shop-db standby", Role::Standby), ("shop-db-replica", Role::Replica)];
    assert_eq!(roles, expected);
    assert_eq!(links(&told)[0].to, Alias::Dimension { name: "DBInstanceIdentifier", value: Raw::new("shop-db") });
    let changes: Vec<_> = told.iter().filter_map(|f| if let Fact::Change(c) = f { Some(c) } else { None }).collect();
    let kinds: Vec<_> = changes.iter().map(|c| (c.kind, (NOON - c.at.millis()) / MINUTE)).collect();
    assert_eq!(kinds, [(ChangeKind::Event, 300), (ChangeKind::Failover, 30)]);

    served.change(|stores| {
        stores.aws.db_instances[0].status = "rebooting".to_owned();
        stores.aws.db_instances[1].replication = Some("error");
    });
    let told = facts(&served, "rds").await;
    let condition = |n: usize| components(&told)[n].condition.clone().map(|(h, w)| (h, w.as_str().to_owned())).unwrap();
    assert_eq!(condition(0), (Health::Warn, "rebooting".to_owned()));
    assert_eq!(components(&told)[0].replicas.unwrap().ready, 0);
    assert_eq!(condition(1), (Health::Critical, "replication error".to_owned()));
}

#[tokio::test]
async fn caches_and_groups_tell_members_and_bounds() {
    let served = serve().await;
    let told = facts(&served, "elasticache").await;
    let roles: Vec<_> = members(&told).iter().map(|m| (m.name.as_str(), m.role.unwrap(), m.state)).collect();
    let ready = MemberState::Ready;
    assert_eq!(roles, [("shop-cache-001", Role::Primary, ready), ("shop-cache-002", Role::Replica, ready)]);
    let node = Alias::Dimension { name: "CacheClusterId", value: Raw::new("shop-cache-002") };
    assert!(components(&told)[0].aliases.contains(&node));
    let told = facts(&served, "autoscaling").await;
    let expected = Replicas { desired: 2, ready: 1, bounds: Some((3, 20)), floor: None };
    assert_eq!(components(&told)[0].replicas, Some(expected));
    assert_eq!(members(&told)[1].word.as_str(), "InService, unhealthy");
    assert!(told.iter().any(|f| matches!(f, Fact::Change(c) if c.kind == ChangeKind::Scale)));
}

#[tokio::test]
async fn losing_one_service_fails_one_source() {
    let served = serve().await;
    served.faults.set("rds", AwsFault::Status(401));
    let mut failed = Vec::new();
    let notebook = Notebook::default();
    for mut source in open(&settings(&served.url), Egress::LoopbackOnly).await.unwrap() {
        if let Err(fault) = source.round(&notebook).await {
            assert_eq!(source.heartbeat(&notebook).await.unwrap_err().kind, fault.kind);
            failed.push((source.id().as_str().to_owned(), fault.kind));
        } else {
            source.heartbeat(&notebook).await.unwrap();
        }
    }
    assert_eq!(failed, [("aws-rds".to_owned(), FaultKind::Unauthenticated)]);
    let identity = notebook.identity.lock().unwrap().clone();
    assert_eq!(identity.unwrap().as_str(), "assumed-role/oncall/alex@123456789012");
}

/// The words of the gaps that are told, with their hints.
fn gaps(facts: &[Fact]) -> Vec<String> {
    facts
        .iter()
        .filter_map(|f| if let Fact::Gap(g) = f { Some(format!("{}; {}", g.what, g.hint)) } else { None })
        .collect()
}

#[tokio::test]
async fn one_missing_permission_is_a_gap_and_the_rest_goes_on() {
    let refusals = [
        ("elbv2", "DescribeTargetHealth", "elasticloadbalancing:DescribeTargetHealth"),
        ("elbv2", "DescribeTargetGroups", "elasticloadbalancing:DescribeTargetGroups"),
        ("elbv2", "DescribeListeners", "elasticloadbalancing:DescribeListeners"),
        ("rds", "DescribeEvents", "rds:DescribeEvents"),
        ("elasticache", "DescribeCacheClusters", "elasticache:DescribeCacheClusters"),
        ("autoscaling", "DescribeScalingActivities", "autoscaling:DescribeScalingActivities"),
    ];
    let served = serve().await;
    for (service, operation, action) in refusals {
        let name = format!("{service}:{operation}");
        assert!(served.faults.set(&name, AwsFault::Status(403)), "{name}");
        let told = facts(&served, service).await;
        let expected = format!("forbidden: {action} in {REGION}; needs {action} in the role's policy");
        assert_eq!(gaps(&told), [expected], "{name}");
        assert!(!components(&told).is_empty(), "{name}");
        served.faults.set(&name, AwsFault::Ok);
        let told = facts(&served, service).await;
        assert_eq!(gaps(&told), [""; 0], "{name} allowed again");
    }
}

#[tokio::test]
async fn targets_that_may_not_be_read_are_not_zero_targets() {
    let served = serve().await;
    served.faults.set("elbv2:DescribeTargetHealth", AwsFault::Status(403));
    let told = facts(&served, "elbv2").await;
    let [balancer] = components(&told)[..] else { panic!("{told:?}") };
    assert_eq!((balancer.replicas, &balancer.condition), (None, &None));
    assert!(members(&told).is_empty());
    // Throttling passes: what was known must not seem to be gone.
    served.faults.set("elbv2:DescribeTargetHealth", AwsFault::Status(429));
    let mut source = open(&settings(&served.url), Egress::LoopbackOnly).await.unwrap().remove(1);
    let notebook = Notebook::default();
    assert_eq!(source.round(&notebook).await.unwrap_err().kind, FaultKind::Throttled);
    assert!(notebook.facts().is_empty());
}

#[tokio::test]
async fn events_that_are_throttled_take_nothing_with_them_and_are_asked_again_from_where_they_stopped() {
    let served = serve().await;
    let mut source = open(&settings(&served.url), Egress::LoopbackOnly).await.unwrap().remove(2);
    let notebook = Notebook::default();
    served.faults.set("rds:DescribeEvents", AwsFault::Status(429));
    source.round(&notebook).await.unwrap();
    let told = notebook.facts();
    assert_eq!((components(&told).len(), gaps(&told).len()), (2, 1), "{told:?}");
    served.faults.set("rds:DescribeEvents", AwsFault::Ok);
    source.round(&notebook).await.unwrap();
    let changes = notebook.facts().iter().filter(|f| matches!(f, Fact::Change(_))).count();
    assert_eq!(changes, 2, "the event of five hours ago is told late, not never");
}
