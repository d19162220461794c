//! A small fixed world behind the real listener, for tests of either side of the wire.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use super::faults::AwsFaults;
use super::{Window, listener};
use crate::demo::store::Stores;
use crate::demo::store::aws::{
    AutoScalingGroup, Aws, CacheMember, DbEvent, DbInstance, Listener, LoadBalancer, ReplicationGroup, ScalingActivity,
    Target, TargetGroup,
};
use crate::demo::store::cloudwatch::{Alarm, CloudWatch, MetricId, Point};
use crate::demo::world::admit::{Order, Refusal};

pub const REGION: &str = "eu-west-1";
pub const ACCOUNT: &str = "123456789012";
pub const MINUTE: i64 = 60_000;
/// 2026-03-02T12:00:00Z.
pub const NOON: i64 = 1_772_452_800_000;
pub const LB: &str = "app/shop/50dc6c495c0c9188";
pub const LB_ARN: &str = "arn:aws:elasticloadbalancing:eu-west-1:123456789012:loadbalancer/app/shop/50dc6c495c0c9188";
pub const GROUP_ARN: &str = "arn:aws:elasticloadbalancing:eu-west-1:123456789012:targetgroup/shop-web/73e2d6bc24d8a067";
pub const LISTENER_ARN: &str =
    "arn:aws:elasticloadbalancing:eu-west-1:123456789012:listener/app/shop/50dc6c495c0c9188/f2f7dc8efc522ab2";

/// The world of the test: its stores and its time, both of which a test may change.
pub struct Fixture(Mutex<(Stores, i64)>);

impl Window for Fixture {
    fn look(&self, look: &mut dyn FnMut(&Stores, i64)) {
        let world = self.0.lock().unwrap();
        look(&world.0, world.1);
    }

    fn act(&self, _: &Order) -> Result<(), Refusal> {
        Err(("InvalidAction", "the fixed world cannot be changed".to_owned()))
    }
}

/// A running listener.
pub struct Served {
    pub url: String,
    pub faults: AwsFaults,
    world: Arc<Fixture>,
    task: tokio::task::JoinHandle<()>,
}

impl Drop for Served {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Served {
    pub fn change(&self, change: impl FnOnce(&mut Stores)) {
        change(&mut self.world.0.lock().unwrap().0);
    }

    pub fn set_now(&self, now: i64) {
        self.world.0.lock().unwrap().1 = now;
    }
}

/// Serves the fixed world on a loopback port; its time is `NOON`.
pub async fn serve() -> Served {
    let world = Arc::new(Fixture(Mutex::new((stores(), NOON))));
    let faults = AwsFaults::default();
    let router = listener::router(Arc::clone(&world), faults.clone());
    let socket = tokio::net::TcpListener::bind(SocketAddr::from(([127, 0, 0, 1], 0))).await.unwrap();
    let url = format!("http://{}", socket.local_addr().unwrap());
    let task = tokio::spawn(async move { axum::serve(socket, router).await.unwrap() });
    Served { url, faults, world, task }
}

pub fn lb_metric(name: &str) -> MetricId {
    MetricId::new("AWS/ApplicationELB", name, [("LoadBalancer", LB)])
}

fn stores() -> Stores {
    Stores { aws: aws(), cloudwatch: cloudwatch(), ..Stores::default() }
}

/// Three hours, and two a week earlier at half the rate, of one load balancer (1,200 requests a minute, latency uniform up to 0.2 s, 12 errors a minute in the last
/// 10 minutes), a database, a cache pair and a distribution.
fn cloudwatch() -> CloudWatch {
    let mut store = CloudWatch::default();
    let rds = |name: &str, id: &str| MetricId::new("AWS/RDS", name, [("DBInstanceIdentifier", id)]);
    let cache = |name: &str, id: &str| MetricId::new("AWS/ElastiCache", name, [("CacheClusterId", id)]);
    let edge = MetricId::new("AWS/CloudFront", "Requests", [("DistributionId", "E2EXAMPLE"), ("Region", "Global")]);
    let week_ago = NOON - 7 * 24 * 60 * MINUTE;
    for minute in (week_ago - 60 * MINUTE..week_ago + 60 * MINUTE).step_by(60_000) {
        store.record(&lb_metric("RequestCount"), Point::counted(minute, 600.0));
    }
    for minute in (NOON - 180 * MINUTE..=NOON).step_by(60_000) {
        let back = (NOON - minute) / MINUTE;
        store.record(&lb_metric("RequestCount"), Point::counted(minute, 1_200.0));
        store
            .record(&lb_metric("TargetResponseTime"), Point::distributed(minute, 1_200.0, 0.1, |x| (x / 0.2).min(1.0)));
        if back < 10 {
            store.record(&lb_metric("HTTPCode_Target_5XX_Count"), Point::counted(minute, 12.0));
        }
        for id in ["shop-db", "shop-db-replica"] {
            store.record(&rds("CPUUtilization", id), Point::single(minute, 40.0));
            store.record(&rds("DatabaseConnections", id), Point::single(minute, 80.0));
        }
        store.record(&rds("ReplicaLag", "shop-db-replica"), Point::single(minute, 0.5));
        for id in ["shop-cache-001", "shop-cache-002"] {
            store.record(&cache("EngineCPUUtilization", id), Point::single(minute, 20.0));
        }
        store.record(&edge, Point::counted(minute, 9_000.0));
    }
    for (name, state) in [("shop-5xx", "ALARM"), ("shop-latency", "OK")] {
        store.alarms.push(Alarm {
            name: name.to_owned(),
            metric: lb_metric("HTTPCode_Target_5XX_Count"),
            statistic: if name == "shop-latency" { "p95" } else { "Sum" },
            comparison: "GreaterThanThreshold",
            threshold: 10.0,
            state,
            reason: "Threshold Crossed".to_owned(),
            updated_at: NOON - 5 * MINUTE,
        });
    }
    store
}

fn aws() -> Aws {
    Aws {
        account: ACCOUNT.to_owned(),
        region: REGION.to_owned(),
        caller_arn: format!("arn:aws:sts::{ACCOUNT}:assumed-role/oncall/alex"),
        load_balancers: vec![LoadBalancer {
            name: "shop".to_owned(),
            arn: LB_ARN.to_owned(),
            dns_name: "shop-1.eu-west-1.elb.amazonaws.com".to_owned(),
            zones: vec!["eu-west-1a".to_owned(), "eu-west-1b".to_owned()],
            state: "active",
            listeners: vec![Listener {
                arn: LISTENER_ARN.to_owned(),
                port: 443,
                protocol: "HTTPS",
                forward: vec![(GROUP_ARN.to_owned(), 100)],
            }],
            created_at: NOON - 90 * 24 * 60 * MINUTE,
        }],
        target_groups: vec![target_group()],
        db_instances: vec![db("shop-db", Some("eu-west-1b"), None), db("shop-db-replica", None, Some("shop-db"))],
        db_events: vec![
            DbEvent {
                kind: "db-instance",
                source: "shop-db".to_owned(),
                message: "Multi-AZ instance failover completed".to_owned(),
                categories: vec!["failover", "notification"],
                at: NOON - 30 * MINUTE,
            },
            DbEvent {
                kind: "db-instance",
                source: "shop-db".to_owned(),
                message: "Backing up DB instance".to_owned(),
                categories: vec!["backup"],
                at: NOON - 300 * MINUTE,
            },
        ],
        db_clusters: Vec::new(),
        cache_events: Vec::new(),
        replication_groups: vec![replication_group()],
        auto_scaling_groups: vec![AutoScalingGroup {
            name: "shop-nodes".to_owned(),
            arn: format!("arn:aws:autoscaling:{REGION}:{ACCOUNT}:autoScalingGroup:1:autoScalingGroupName/shop-nodes"),
            min: 3,
            max: 20,
            desired: 2,
            zones: vec!["eu-west-1a".to_owned(), "eu-west-1b".to_owned()],
            instances: vec![
                ("i-0a".to_owned(), "eu-west-1a".to_owned(), "InService", true),
                ("i-0b".to_owned(), "eu-west-1b".to_owned(), "InService", false),
            ],
            created_at: NOON - 90 * 24 * 60 * MINUTE,
        }],
        scaling_activities: vec![ScalingActivity {
            id: "a1".to_owned(),
            group: "shop-nodes".to_owned(),
            description: "Launching a new EC2 instance: i-0b".to_owned(),
            cause: "a user request".to_owned(),
            status: "Successful",
            started_at: NOON - 40 * MINUTE,
            ended_at: Some(NOON - 38 * MINUTE),
        }],
    }
}

fn target_group() -> TargetGroup {
    let target = |id: &str, zone: &str, state, reason| Target {
        id: id.to_owned(),
        port: 8080,
        zone: zone.to_owned(),
        state,
        reason,
    };
    TargetGroup {
        name: "shop-web".to_owned(),
        arn: GROUP_ARN.to_owned(),
        load_balancer_arn: LB_ARN.to_owned(),
        port: 8080,
        protocol: "HTTP",
        targets: vec![
            target("10.0.1.10", "eu-west-1a", "healthy", ""),
            target("10.0.2.10", "eu-west-1b", "unhealthy", "Target.FailedHealthChecks"),
        ],
    }
}

fn db(id: &str, secondary: Option<&str>, replica_of: Option<&str>) -> DbInstance {
    DbInstance {
        id: id.to_owned(),
        class: "db.r6g.large".to_owned(),
        engine: "postgres",
        engine_version: "16.4".to_owned(),
        status: "available".to_owned(),
        endpoint: format!("{id}.c1.eu-west-1.rds.amazonaws.com"),
        port: 5432,
        multi_az: secondary.is_some(),
        zone: "eu-west-1a".to_owned(),
        secondary_zone: secondary.map(str::to_owned),
        replica_of: replica_of.map(str::to_owned),
        replication: replica_of.map(|_| "replicating"),
        replicas: if replica_of.is_none() { vec!["shop-db-replica".to_owned()] } else { Vec::new() },
        backup_retention_days: 7,
        latest_restorable: Some(NOON - 4 * MINUTE),
        allocated_gib: 200,
        cluster: None,
        created_at: NOON - 90 * 24 * 60 * MINUTE,
    }
}

fn replication_group() -> ReplicationGroup {
    let member = |id: &str, zone: &str, role| CacheMember {
        id: id.to_owned(),
        node_id: "0001".to_owned(),
        endpoint: format!("{id}.abc.0001.euw1.cache.amazonaws.com"),
        zone: zone.to_owned(),
        role,
        status: "available".to_owned(),
    };
    ReplicationGroup {
        id: "shop-cache".to_owned(),
        description: "sessions & baskets <shop>".to_owned(),
        status: "available".to_owned(),
        automatic_failover: true,
        multi_az: true,
        node_type: "cache.r6g.large".to_owned(),
        engine_version: "7.1.0".to_owned(),
        primary_endpoint: "master.shop-cache.abc.euw1.cache.amazonaws.com".to_owned(),
        members: vec![
            member("shop-cache-001", "eu-west-1a", "primary"),
            member("shop-cache-002", "eu-west-1b", "replica"),
        ],
        snapshot_retention_days: 3,
    }
}
