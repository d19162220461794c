//! The inventory that AWS' Describe calls tell.

use crate::demo::store::aws::{
    AutoScalingGroup, Aws, CacheEvent, CacheMember, DbCluster, DbClusterMember, DbEvent, DbInstance, Listener,
    LoadBalancer, ReplicationGroup, ScalingActivity, Target, TargetGroup,
};
use crate::demo::world::MINUTE;
use crate::demo::world::model::Model;
use crate::demo::world::noise::{digest, mix, uid};
use crate::demo::world::operations::aurora;
use crate::demo::world::shop::{Shop, Store};
use crate::demo::world::spec::{self, ACCOUNT, Engine, NODE_GROUP, REGION, REPLICATION_GROUP, ZONES};

const DAY: i64 = 24 * 60 * MINUTE;

/// Host name of a database instance.
#[must_use]
pub fn database_endpoint(id: &str) -> String {
    format!("{id}.c9akciq32rsq.{REGION}.rds.amazonaws.com")
}

/// Host name of a cache node.
#[must_use]
pub fn cache_endpoint(id: &str) -> String {
    format!("{id}.{REPLICATION_GROUP}.7abc2d.euw1.cache.amazonaws.com")
}

fn arn(service: &str, resource: &str) -> String {
    format!("arn:aws:{service}:{REGION}:{ACCOUNT}:{resource}")
}

/// Writes what stays as it is for the life of the world.
pub fn describe(aws: &mut Aws, shop: &Shop, seed: u64, now: i64) {
    ACCOUNT.clone_into(&mut aws.account);
    REGION.clone_into(&mut aws.region);
    aws.caller_arn = format!("arn:aws:sts::{ACCOUNT}:assumed-role/tierdeck-read/demo");
    let created_at = now - 210 * DAY;
    let balancer = arn("elasticloadbalancing", &format!("loadbalancer/{}", spec::LOAD_BALANCER));
    let group = arn("elasticloadbalancing", spec::TARGET_GROUP);
    aws.load_balancers = vec![LoadBalancer {
        name: "shop-prod".to_owned(),
        dns_name: format!("shop-prod-1463218873.{REGION}.elb.amazonaws.com"),
        zones: ZONES.map(str::to_owned).to_vec(),
        state: "active",
        listeners: vec![Listener {
            arn: arn("elasticloadbalancing", &format!("listener/{}/f2f7dc8efc522ab2", spec::LOAD_BALANCER)),
            port: 443,
            protocol: "HTTPS",
            forward: vec![(group.clone(), 1)],
        }],
        created_at,
        arn: balancer.clone(),
    }];
    aws.target_groups = vec![TargetGroup {
        name: "shop-frontend".to_owned(),
        arn: group,
        load_balancer_arn: balancer,
        port: 8080,
        protocol: "HTTP",
        targets: Vec::new(),
    }];
    let instances = shop.databases().filter(|(_, member)| member.engine != Engine::CloudNativePg);
    aws.db_instances = instances.map(|(store, member)| database(store, member, created_at)).collect();
    aws.db_clusters = shop.stores_of(Engine::Aurora).map(|(_, store)| cluster(seed, store, created_at)).collect();
    aws.replication_groups = vec![cache()];
    aws.auto_scaling_groups = vec![node_group(created_at)];
    aws.scaling_activities = vec![ScalingActivity {
        id: uid(seed, "scaling-activity"),
        group: NODE_GROUP.to_owned(),
        description: "Launching a new EC2 instance: i-0a11c0ffee0000006".to_owned(),
        cause: "An instance was started in response to a difference between desired and actual capacity, \
                increasing the capacity from 5 to 6."
            .to_owned(),
        status: "Successful",
        started_at: now - 4 * DAY,
        ended_at: Some(now - 4 * DAY + 92_000),
    }];
    aws.db_events = shop.stores_of(Engine::Rds).map(|(_, store)| backup_event(store, now)).collect();
}

fn backup_event(store: &Store, now: i64) -> DbEvent {
    DbEvent {
        kind: "db-instance",
        source: store.name.to_owned(),
        message: "Finished DB Instance backup".to_owned(),
        categories: vec!["backup"],
        at: now - now.rem_euclid(DAY) + 3 * 60 * MINUTE - if now.rem_euclid(DAY) < 3 * 60 * MINUTE { DAY } else { 0 },
    }
}

fn database(store: &Store, spec: &spec::Database, created_at: i64) -> DbInstance {
    let replicas = store.members.iter().filter(|d| d.replica).map(|d| d.id.to_owned());
    if spec.engine == Engine::Aurora {
        return DbInstance {
            id: spec.id.to_owned(),
            class: spec::DATABASE_CLASS.to_owned(),
            engine: AURORA,
            engine_version: AURORA_VERSION.to_owned(),
            status: "available".to_owned(),
            endpoint: database_endpoint(spec.id),
            port: 5432,
            multi_az: false,
            zone: spec.zone.to_owned(),
            secondary_zone: None,
            replica_of: None,
            replication: None,
            replicas: Vec::new(),
            backup_retention_days: 7,
            latest_restorable: None,
            allocated_gib: 1,
            cluster: Some(store.name.to_owned()),
            created_at,
        };
    }
    DbInstance {
        id: spec.id.to_owned(),
        class: spec::DATABASE_CLASS.to_owned(),
        engine: "postgres",
        engine_version: "15.10".to_owned(),
        status: "available".to_owned(),
        endpoint: database_endpoint(spec.id),
        port: 5432,
        multi_az: !spec.replica,
        zone: spec.zone.to_owned(),
        secondary_zone: (!spec.replica).then(|| ZONES[1].to_owned()),
        replica_of: spec.replica.then(|| store.name.to_owned()),
        replication: spec.replica.then_some("replicating"),
        replicas: if spec.replica { Vec::new() } else { replicas.collect() },
        backup_retention_days: if spec.replica { 0 } else { 7 },
        latest_restorable: None,
        allocated_gib: 100,
        cluster: None,
        created_at,
    }
}

const AURORA: &str = "aurora-postgresql";
const AURORA_VERSION: &str = "16.4";

/// Host name of an Aurora cluster; `kind` is empty for the writer's and `ro-` for the readers'.
#[must_use]
pub fn cluster_endpoint(id: &str, kind: &str) -> String {
    format!("{id}.cluster-{kind}c9akciq32rsq.{REGION}.rds.amazonaws.com")
}

fn cluster(seed: u64, store: &Store, created_at: i64) -> DbCluster {
    let own = mix(seed, digest(store.name));
    DbCluster {
        id: store.name.to_owned(),
        resource_id: format!("cluster-{own:016X}"),
        engine: AURORA,
        engine_version: AURORA_VERSION.to_owned(),
        status: "available".to_owned(),
        endpoint: cluster_endpoint(store.name, ""),
        reader_endpoint: cluster_endpoint(store.name, "ro-"),
        port: 5432,
        members: Vec::new(),
        backup_retention_days: 7,
        latest_restorable: None,
        created_at,
    }
}

fn cache() -> ReplicationGroup {
    let member = |c: &spec::Cache| CacheMember {
        id: c.id.to_owned(),
        node_id: "0001".to_owned(),
        endpoint: cache_endpoint(c.id),
        zone: c.zone.to_owned(),
        role: if c.primary { "primary" } else { "replica" },
        status: "available".to_owned(),
    };
    ReplicationGroup {
        id: REPLICATION_GROUP.to_owned(),
        description: "Sessions and cache of the shop".to_owned(),
        status: "available".to_owned(),
        automatic_failover: true,
        multi_az: true,
        node_type: "cache.m6g.large".to_owned(),
        engine_version: "7.1.0".to_owned(),
        primary_endpoint: format!("master.{REPLICATION_GROUP}.7abc2d.euw1.cache.amazonaws.com"),
        members: spec::CACHES.iter().map(member).collect(),
        snapshot_retention_days: 5,
    }
}

fn node_group(created_at: i64) -> AutoScalingGroup {
    let instances = spec::NODES.iter().map(|n| (n.instance_id.to_owned(), n.zone.to_owned(), "InService", true));
    AutoScalingGroup {
        name: NODE_GROUP.to_owned(),
        arn: arn("autoscaling", &format!("autoScalingGroup:3f1c:autoScalingGroupName/{NODE_GROUP}")),
        min: 1,
        max: 20,
        desired: spec::NODES.len() as i32,
        zones: ZONES.map(str::to_owned).to_vec(),
        instances: instances.collect(),
        created_at,
    }
}

/// Brings what follows the model up to it: the targets of the load balancer and the restorable time.
pub fn follow(aws: &mut Aws, model: &Model) {
    let targets: Vec<Target> = model
        .workload("frontend")
        .into_iter()
        .flat_map(|w| &w.pods)
        .filter(|p| p.started(model.at))
        .map(|pod| {
            let (state, reason) = if pod.deleted_at.is_some() {
                ("draining", "Target.DeregistrationInProgress")
            } else if pod.ready(model.at) {
                ("healthy", "")
            } else {
                ("initial", "Elb.InitialHealthChecking")
            };
            Target { id: pod.address.to_string(), port: 8080, zone: pod.node.zone.to_owned(), state, reason }
        })
        .collect();
    for group in &mut aws.target_groups {
        group.targets.clone_from(&targets);
    }
    follow_stores(aws, model);
    for instance in aws.db_instances.iter_mut().filter(|d| d.replica_of.is_none() && d.cluster.is_none()) {
        // Logs are archived every five minutes.
        instance.latest_restorable = Some(model.at - model.at.rem_euclid(5 * MINUTE) - MINUTE);
    }
    for cluster in &mut aws.db_clusters {
        cluster.latest_restorable = Some(model.at - model.at.rem_euclid(5 * MINUTE) - MINUTE);
    }
}

/// Members, roles, status and events of the Aurora clusters.
fn follow_clusters(aws: &mut Aws, model: &Model) {
    for (told, known) in aws.db_clusters.iter_mut().zip(&model.operations.aurora) {
        known.status(model.at).clone_into(&mut told.status);
        let member = |(number, member): (usize, &spec::Database)| DbClusterMember {
            id: member.id.to_owned(),
            writer: number == known.writer,
            tier: aurora::Cluster::tier(number),
        };
        told.members = known.store.members.iter().enumerate().map(member).collect();
        for (number, member) in known.store.members.iter().enumerate() {
            for instance in aws.db_instances.iter_mut().filter(|instance| instance.id == member.id) {
                known.member_status(number, model.at).clone_into(&mut instance.status);
            }
        }
        aws.db_events.extend(known.told.iter().map(|event| DbEvent {
            kind: if event.member.is_some() { "db-instance" } else { "db-cluster" },
            source: event.member.unwrap_or(known.store.name).to_owned(),
            message: event.message.clone(),
            categories: vec![event.category],
            at: event.at,
        }));
    }
}

/// Status, zones, roles and events of databases and cache.
fn follow_stores(aws: &mut Aws, model: &Model) {
    let operations = &model.operations;
    aws.db_events.retain(|event| event.categories == ["backup"]);
    for (instance, known) in aws.db_instances.iter_mut().zip(&operations.databases) {
        known.status(model.at).clone_into(&mut instance.status);
        known.zone.clone_into(&mut instance.zone);
        instance.secondary_zone = known.standby.map(str::to_owned);
        aws.db_events.extend(known.told.iter().map(|told| DbEvent {
            kind: "db-instance",
            source: instance.id.clone(),
            message: told.message.to_owned(),
            categories: told.categories.to_vec(),
            at: told.at,
        }));
    }
    follow_clusters(aws, model);
    for group in &mut aws.replication_groups {
        operations.cache.status(model.at).clone_into(&mut group.status);
        group.automatic_failover = operations.cache.automatic_failover;
        group.multi_az = operations.cache.multi_az;
        for (member, cache) in group.members.iter_mut().zip(&spec::CACHES) {
            member.role = if operations.cache.leads(cache) { "primary" } else { "replica" };
        }
    }
    aws.cache_events = operations
        .cache
        .told
        .iter()
        .map(|told| CacheEvent {
            kind: told.kind,
            source: told.source.clone(),
            message: told.message.clone(),
            at: told.at,
        })
        .collect();
}
