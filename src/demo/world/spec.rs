//! What the shops of all worlds consist of, as tables: zones, nodes, workloads, the request path and the stores. What one
//! world has and another has not stands in [`super::shop`].

use super::latency::MILLISECOND;

pub const CLUSTER: &str = "shop-prod";
pub const REGION: &str = "eu-west-1";
pub const ACCOUNT: &str = "111122223333";
pub const DOMAIN: &str = "shop.example";
pub const NAMESPACE: &str = "shop";
pub const MONITORING: &str = "monitoring";
pub const ARGO: &str = "argo-rollouts";
pub const SYSTEM: &str = "kube-system";
pub const ARGO_CD: &str = "argocd";
pub const NAMESPACES: [&str; 6] = [ARGO, ARGO_CD, "default", SYSTEM, MONITORING, NAMESPACE];
pub const ZONES: [&str; 3] = ["eu-west-1a", "eu-west-1b", "eu-west-1c"];

pub const LOAD_BALANCER: &str = "app/shop-prod/50dc6c495c0c9188";
pub const TARGET_GROUP: &str = "targetgroup/shop-frontend/6d0ecf831eec9f09";
pub const DISTRIBUTION: &str = "E2SHOPPROD0001";
pub const WEB_ACL: &str = "shop-prod-acl";
pub const BUCKET: &str = "shop-prod-assets";
pub const NAT_GATEWAY: &str = "nat-0a1b2c3d4e5f60718";
pub const NODE_GROUP: &str = "eks-shop-prod-main-2cc1f7a0";
pub const REPLICATION_GROUP: &str = "shop-sessions";

/// A worker node; `m6i.xlarge`: 4 vCPU, 16 GiB.
#[derive(Debug)]
pub struct Node {
    pub name: &'static str,
    pub instance_id: &'static str,
    pub zone: &'static str,
    pub address: &'static str,
    /// The first three octets of the pod addresses on this node.
    pub pods: [u8; 3],
}

pub const NODE_CPUS: u32 = 4;
pub const NODE_MEMORY: f64 = 16.0 * GIB;
pub const GIB: f64 = 1024.0 * 1024.0 * 1024.0;
pub const MIB: f64 = 1024.0 * 1024.0;

const fn node(name: &'static str, id: &'static str, zone: &'static str, address: &'static str, third: u8) -> Node {
    Node { name, instance_id: id, zone, address, pods: [10, 0, third] }
}

pub const NODES: [Node; 6] = [
    node("ip-10-0-0-21.eu-west-1.compute.internal", "i-0a11c0ffee0000001", ZONES[0], "10.0.0.21", 64),
    node("ip-10-0-0-22.eu-west-1.compute.internal", "i-0a11c0ffee0000002", ZONES[0], "10.0.0.22", 65),
    node("ip-10-0-1-21.eu-west-1.compute.internal", "i-0a11c0ffee0000003", ZONES[1], "10.0.1.21", 66),
    node("ip-10-0-1-22.eu-west-1.compute.internal", "i-0a11c0ffee0000004", ZONES[1], "10.0.1.22", 67),
    node("ip-10-0-2-21.eu-west-1.compute.internal", "i-0a11c0ffee0000005", ZONES[2], "10.0.2.21", 68),
    node("ip-10-0-2-22.eu-west-1.compute.internal", "i-0a11c0ffee0000006", ZONES[2], "10.0.2.22", 69),
];

/// The bastion hosts: name and address. Two vCPU each.
pub const BASTIONS: [(&str, &str); 2] = [("bastion-1", "10.0.48.10"), ("bastion-2", "10.0.49.10")];

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    Deployment,
    /// Argo Rollout with the canary steps of [`STEPS`].
    Rollout,
    StatefulSet,
    DaemonSet,
    /// CloudNativePG's `Cluster`: its pods are made by the operator and numbered from 1.
    PostgresCluster,
}

impl Kind {
    /// As the API names it.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Deployment => "Deployment",
            Self::Rollout => "Rollout",
            Self::StatefulSet => "StatefulSet",
            Self::DaemonSet => "DaemonSet",
            Self::PostgresCluster => "Cluster",
        }
    }

    /// Whether a pod must go before its successor comes, because it is known by its name or its node.
    #[must_use]
    pub fn is_in_place(self) -> bool {
        matches!(self, Self::StatefulSet | Self::DaemonSet | Self::PostgresCluster)
    }
}

/// One canary step.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    SetWeight(u32),
    /// Until someone promotes.
    Pause,
}

pub const STEPS: [Step; 5] = [Step::SetWeight(20), Step::Pause, Step::SetWeight(50), Step::Pause, Step::SetWeight(100)];

/// A workload and what one of its pods asks for.
#[derive(Clone, Copy, Debug)]
pub struct Workload {
    pub name: &'static str,
    pub namespace: &'static str,
    pub kind: Kind,
    pub image: &'static str,
    pub version: (u32, u32),
    pub port: u16,
    pub replicas: u32,
    /// Bounds of its HorizontalPodAutoscaler (CPU, 70 % of the request).
    pub autoscale: Option<(u32, u32)>,
    /// Millicores requested; the limit is twice that.
    pub cpu_request: u32,
    /// Memory limit in MiB, which is also the request.
    pub memory: u32,
}

impl Workload {
    /// Name of the container of its pods.
    #[must_use]
    pub fn container(&self) -> &'static str {
        if self.kind == Kind::PostgresCluster { "postgres" } else { self.name }
    }
}

pub const fn workload(
    name: &'static str,
    kind: Kind,
    image: &'static str,
    version: (u32, u32),
    port: u16,
    replicas: u32,
    resources: (u32, u32),
) -> Workload {
    let (cpu_request, memory) = resources;
    Workload { name, namespace: NAMESPACE, kind, image, version, port, replicas, autoscale: None, cpu_request, memory }
}

const fn scaled(min: u32, max: u32, base: Workload) -> Workload {
    Workload { autoscale: Some((min, max)), ..base }
}

const fn within(namespace: &'static str, base: Workload) -> Workload {
    Workload { namespace, ..base }
}

use Kind::{DaemonSet, Deployment, Rollout, StatefulSet};

pub const WORKLOADS: [Workload; 17] = [
    scaled(4, 10, workload("frontend", Deployment, "shop/frontend", (4, 12), 8080, 4, (250, 256))),
    scaled(5, 15, workload("api-gateway", Rollout, "shop/api-gateway", (2, 31), 8080, 5, (500, 512))),
    scaled(5, 20, workload("orders", Rollout, "shop/orders", (5, 7), 8080, 5, (500, 512))),
    scaled(5, 20, workload("catalogue", Rollout, "shop/catalogue", (3, 20), 8080, 5, (500, 512))),
    workload("payments", Rollout, "shop/payments", (1, 44), 8080, 5, (500, 512)),
    workload("worker", Deployment, "shop/worker", (5, 7), 8080, 2, (500, 512)),
    workload("pgbouncer", Deployment, "shop/pgbouncer", (1, 24), 6432, 2, (250, 128)),
    workload("postgres-exporter", Deployment, "prometheuscommunity/postgres-exporter", (0, 20), 9187, 1, (50, 64)),
    workload("redis-exporter", Deployment, "oliver006/redis_exporter", (1, 80), 9121, 1, (50, 64)),
    within(ARGO, workload("argo-rollouts", Deployment, "argoproj/argo-rollouts", (1, 8), 8090, 1, (100, 256))),
    within(MONITORING, workload("prometheus", StatefulSet, "prom/prometheus", (3, 5), 9090, 1, (500, 2048))),
    within(MONITORING, workload("alertmanager", StatefulSet, "prom/alertmanager", (0, 28), 9093, 1, (50, 128))),
    within(MONITORING, workload("grafana", Deployment, "grafana/grafana", (12, 1), 3000, 1, (100, 256))),
    within(
        MONITORING,
        workload(
            "kube-state-metrics",
            Deployment,
            "kube-state-metrics/kube-state-metrics",
            (2, 17),
            8080,
            1,
            (50, 128),
        ),
    ),
    within(MONITORING, workload("tempo", Deployment, "grafana/tempo", (2, 8), 3200, 1, (250, 1024))),
    within(MONITORING, workload("node-exporter", DaemonSet, "prom/node-exporter", (1, 10), 9100, 6, (50, 64))),
    within(SYSTEM, workload("coredns", Deployment, "eks/coredns", (1, 12), 53, 2, (100, 170))),
];

/// A PodDisruptionBudget stands for each workload of the shop with more than one pod: `maxUnavailable: 1`.
#[must_use]
pub fn has_budget(workload: &Workload) -> bool {
    workload.namespace == NAMESPACE && workload.replicas > 1
}

/// An HTTP service on the request path. Callers stand before their callees.
#[derive(Debug)]
pub struct Service {
    pub workload: &'static str,
    /// Who calls it, and what share of the caller's requests leads to one call. `None`: the load balancer.
    pub caller: Option<(&'static str, f64)>,
    /// Requests per second that one pod can serve with all of its CPU limit.
    pub capacity: f64,
    /// Mean of the time it spends itself when idle, in seconds.
    pub own_time: f64,
    /// Share of requests that fail of its own accord on a good day.
    pub base_errors: f64,
    pub needs: Needs,
}

/// What one request asks of the stores behind the services.
#[derive(Clone, Copy, Debug)]
pub struct Needs {
    /// Queries on the primary, one after the other.
    pub writes: f64,
    /// Queries on a read replica.
    pub reads: f64,
    /// Commands on the cache.
    pub cache: f64,
}

const fn needs(writes: f64, reads: f64, cache: f64) -> Needs {
    Needs { writes, reads, cache }
}

pub const SERVICES: [Service; 5] = [
    Service {
        workload: "frontend",
        caller: None,
        capacity: 800.0,
        own_time: 3.0 * MILLISECOND,
        base_errors: 5e-5,
        needs: needs(0.0, 0.0, 0.0),
    },
    Service {
        workload: "api-gateway",
        caller: Some(("frontend", 0.8)),
        capacity: 400.0,
        own_time: 6.0 * MILLISECOND,
        base_errors: 1e-4,
        needs: needs(0.0, 0.0, 1.0),
    },
    Service {
        workload: "orders",
        caller: Some(("api-gateway", 0.28)),
        capacity: 110.0,
        own_time: 14.0 * MILLISECOND,
        base_errors: 3e-4,
        needs: needs(2.0, 1.0, 1.0),
    },
    Service {
        workload: "catalogue",
        caller: Some(("api-gateway", 0.5)),
        capacity: 200.0,
        own_time: 9.0 * MILLISECOND,
        base_errors: 2e-4,
        needs: needs(0.0, 0.5, 6.0),
    },
    Service {
        workload: "payments",
        caller: Some(("api-gateway", 0.14)),
        capacity: 60.0,
        own_time: 34.0 * MILLISECOND,
        base_errors: 4e-4,
        needs: needs(2.0, 0.0, 0.0),
    },
];

/// Share of the orders service's requests that place an order, each of which becomes one job of the worker.
pub const CHECKOUT_SHARE: f64 = 0.12;
/// Queries of one job on the primary.
pub const JOB_WRITES: f64 = 3.0;
/// Jobs per second that one worker pod can do.
pub const JOB_CAPACITY: f64 = 20.0;
/// Mean time of one job when the database is well, in seconds.
pub const JOB_TIME: f64 = 0.055;

/// What keeps a database.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Engine {
    /// RDS instances: one with a standby in another zone, the others its read replicas.
    Rds,
    /// An Aurora cluster: a writer and readers on one storage volume.
    Aurora,
    /// A CloudNativePG cluster, whose instances are pods.
    CloudNativePg,
}

/// A PostgreSQL instance, and whether it is a replica at the start.
#[derive(Debug)]
pub struct Database {
    pub id: &'static str,
    /// Name of its store, and what keeps it.
    pub store: &'static str,
    pub engine: Engine,
    pub zone: &'static str,
    pub address: &'static str,
    pub replica: bool,
}

impl Database {
    /// The name by which callers know it: instances of RDS have one each, a cluster has one for all.
    #[must_use]
    pub fn peer(&self) -> &'static str {
        if self.engine == Engine::Rds { self.id } else { self.store }
    }
}

pub const DATABASE_CLASS: &str = "db.m6g.xlarge";
/// Host of the standby of the Multi-AZ instance.
pub const STANDBY_ADDRESS: &str = "10.0.53.10";
pub const MAX_CONNECTIONS: f64 = 100.0;
pub const RESERVED_CONNECTIONS: f64 = 3.0;
/// Server connections PgBouncer may open to one database, over both of its pods.
pub const POOL_SIZE: f64 = 60.0;

/// A Redis node of ElastiCache.
#[derive(Debug)]
pub struct Cache {
    pub id: &'static str,
    pub zone: &'static str,
    pub address: &'static str,
    pub primary: bool,
}

pub const CACHES: [Cache; 2] = [
    Cache { id: "shop-sessions-001", zone: ZONES[0], address: "10.0.10.31", primary: true },
    Cache { id: "shop-sessions-002", zone: ZONES[1], address: "10.0.11.32", primary: false },
];

/// The service's table row.
#[must_use]
pub fn service_of(workload: &str) -> Option<&'static Service> {
    SERVICES.iter().find(|s| s.workload == workload)
}
