//! The fluid model of one moment: what reaches each service, how long it takes and what fails.
//!
//! Rates run down the path, failures and times run up it. Whatever enters a service leaves it, and every failure of a
//! callee is a failure of its caller: `failed = own + passed on`, up to the load balancer.

use super::database::{CacheFlow, DatabaseFlow, DatabaseState, serve, serve_cache};
use super::latency::{Duration, MILLISECOND, Mixture};
use super::noise::{digest, mix, wander};
use super::shop::{Shop, Store};
use super::spec::{self, Service};
use super::traffic::Edge;

/// A caller gives up on its stores after this long, in seconds.
const TIMEOUT: f64 = 2.0;
/// The worker plans to clear its backlog in this time, in seconds.
const DRAIN: f64 = 10.0;

/// What is wrong with the pods of one revision.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Fault {
    /// Share of requests that fail.
    pub errors: f64,
    /// Factor on the time a request takes in the pod itself.
    pub slow: f64,
    /// The process dies shortly after it starts, again and again.
    pub crashes: bool,
}

impl Fault {
    pub const NONE: Self = Self { errors: 0.0, slow: 1.0, crashes: false };
}

/// The ready pods of one revision.
#[derive(Clone, Copy, Debug)]
pub struct Group {
    pub revision: u32,
    pub pods: u32,
    /// Sum of the pods' shares of the traffic.
    pub weight: f64,
    pub fault: Fault,
}

/// One revision's part of a service.
#[derive(Clone, Debug)]
pub struct GroupFlow {
    pub revision: u32,
    pub pods: u32,
    pub weight: f64,
    pub requests: f64,
    pub failed: f64,
    /// Share of a pod's CPU limit.
    pub utilisation: f64,
    pub latency: Mixture,
}

#[derive(Clone, Debug)]
pub struct ServiceFlow {
    pub spec: &'static Service,
    pub requests: f64,
    pub failed: f64,
    /// Failures that began here; the others were passed on by callees.
    pub own_failed: f64,
    /// Requests for which there was no ready pod.
    pub unserved: f64,
    pub latency: Mixture,
    pub groups: Vec<GroupFlow>,
}

impl ServiceFlow {
    #[must_use]
    pub fn error_ratio(&self) -> f64 {
        if self.requests > 0.0 { self.failed / self.requests } else { 0.0 }
    }
}

/// Jobs of the worker.
#[derive(Clone, Copy, Debug, Default)]
pub struct WorkerFlow {
    /// Placed and done, per second.
    pub placed: f64,
    pub done: f64,
    pub failed: f64,
    pub backlog: f64,
    /// Mean time of a job, in seconds.
    pub time: f64,
    pub utilisation: f64,
}

/// The state of the whole path at one moment.
#[derive(Clone, Debug)]
pub struct Flow {
    pub shop: &'static Shop,
    pub at: i64,
    pub edge: Edge,
    pub services: Vec<ServiceFlow>,
    pub databases: Vec<DatabaseFlow>,
    pub cache: CacheFlow,
    pub worker: WorkerFlow,
}

impl Flow {
    #[must_use]
    pub fn service(&self, workload: &str) -> Option<&ServiceFlow> {
        self.services.iter().find(|s| s.spec.workload == workload)
    }

    /// The service that the load balancer forwards to.
    #[must_use]
    pub fn entry(&self) -> Option<&ServiceFlow> {
        self.services.first()
    }

    #[must_use]
    pub fn primary(&self) -> Option<&DatabaseFlow> {
        self.databases.iter().find(|d| !d.replica)
    }

    /// Business: orders completed per second.
    #[must_use]
    pub fn orders_completed(&self) -> f64 {
        placed(&self.services)
    }
}

/// What a moment is computed from.
pub struct Conditions<'a> {
    pub shop: &'static Shop,
    pub seed: u64,
    pub at: i64,
    pub edge: Edge,
    /// Ready pods by service, in the order of [`spec::SERVICES`].
    pub groups: &'a [Vec<Group>],
    pub databases: &'a [DatabaseState],
    /// Clients of the cache have just lost their connections.
    pub cache_reconnects: bool,
    pub worker_pods: u32,
    /// The worker a moment ago: its jobs are those placed before, and it is as fast as the database let it be.
    pub worker: WorkerFlow,
}

/// Computes the moment.
#[must_use]
pub fn compute(conditions: &Conditions) -> Flow {
    let requests = demands(conditions);
    let mut worker = work(conditions);
    let databases = serve_queries(conditions, &requests, &worker);
    let commands = spec::SERVICES.iter().zip(&requests).map(|(s, rate)| s.needs.cache * rate).sum();
    let cache = serve_cache(commands, conditions.cache_reconnects, conditions.seed, conditions.at);
    let behind = |workload: &str| Stores::new(conditions.shop.store_of(workload), &databases, &cache);
    let mut services: Vec<ServiceFlow> = Vec::with_capacity(spec::SERVICES.len());
    for ((service, rate), groups) in spec::SERVICES.iter().zip(&requests).zip(conditions.groups).rev() {
        let stores = behind(service.workload);
        let flow = serve_requests(service, *rate, groups, &services, &stores, conditions);
        services.push(flow);
    }
    services.reverse();
    let queries = spec::Needs { writes: spec::JOB_WRITES, reads: 0.0, cache: 0.0 };
    let stores = behind(WORKER);
    worker.time = spec::JOB_TIME + stores.time(&queries).mean;
    worker.failed = worker.done * (0.0005 + stores.failures(&queries)).min(1.0);
    worker.placed = placed(&services);
    Flow { shop: conditions.shop, at: conditions.at, edge: conditions.edge, services, databases, cache, worker }
}

/// The workload that does the jobs.
const WORKER: &str = "worker";

/// The queries that reach each database: what changes something goes to the primary of the caller's store, what only reads
/// is spread over those of its replicas that answer.
fn serve_queries(conditions: &Conditions, requests: &[f64], worker: &WorkerFlow) -> Vec<DatabaseFlow> {
    let shop = conditions.shop;
    let all = || shop.databases().zip(conditions.databases);
    let asked = |name: &str, needs: fn(&spec::Needs) -> f64| -> f64 {
        let of = |workload| shop.store_of(workload).is_some_and(|store| store.name == name);
        let services = spec::SERVICES.iter().zip(requests).filter(|(service, _)| of(service.workload));
        services.map(|(service, rate)| needs(&service.needs) * rate).sum()
    };
    let load = |name: &str, state: &DatabaseState| {
        if !state.replica {
            let jobs = shop.store_of(WORKER).is_some_and(|store| store.name == name);
            return asked(name, |n| n.writes) + if jobs { worker.done * spec::JOB_WRITES } else { 0.0 };
        }
        let replicas = all().filter(|((store, _), other)| store.name == name && other.replica);
        let (up, count) = replicas.fold((0_u32, 0_u32), |(up, n), (_, other)| (up + u32::from(!other.down), n + 1));
        match up {
            0 => asked(name, |n| n.reads) / f64::from(count),
            _ if state.down => 0.0,
            _ => asked(name, |n| n.reads) / f64::from(up),
        }
    };
    all()
        .map(|((store, database), state)| {
            serve(database, load(store.name, state), state, conditions.seed, conditions.at)
        })
        .collect()
}

/// Requests per second at each service; a service without a ready pod calls no one.
fn demands(conditions: &Conditions) -> Vec<f64> {
    let mut served: Vec<(&str, f64, f64)> = Vec::new();
    for (service, groups) in spec::SERVICES.iter().zip(conditions.groups) {
        let rate = match service.caller {
            None => conditions.edge.allowed(),
            Some((caller, share)) => {
                served.iter().find(|(name, ..)| *name == caller).map_or(0.0, |(_, _, out)| out * share)
            }
        };
        let ready = groups.iter().any(|g| g.pods > 0);
        served.push((service.workload, rate, if ready { rate } else { 0.0 }));
    }
    served.into_iter().map(|(_, rate, _)| rate).collect()
}

/// What a service sees of the stores.
struct Stores {
    write: Duration,
    read: Duration,
    command: Duration,
    write_errors: f64,
    read_errors: f64,
}

impl Stores {
    fn new(store: Option<&Store>, databases: &[DatabaseFlow], cache: &CacheFlow) -> Self {
        let own = || databases.iter().filter(|d| store.is_some_and(|store| store.name == d.spec.store));
        let primary = own().find(|d| !d.replica);
        // Reads are spread evenly over the replicas that get any.
        let replicas: Vec<_> = own().filter(|d| d.replica && (d.queries > 0.0 || !d.down)).collect();
        let count = replicas.len().max(1) as f64;
        let read = replicas.iter().map(|d| d.as_seen()).fold(Duration::ZERO, Duration::then);
        Self {
            write: primary.map_or(Duration::ZERO, DatabaseFlow::as_seen),
            read: read.times(1.0 / count),
            command: cache.command,
            write_errors: primary.map_or(0.0, DatabaseFlow::error_share),
            read_errors: replicas.iter().map(|d| d.error_share()).sum::<f64>() / count,
        }
    }

    fn time(&self, needs: &spec::Needs) -> Duration {
        let reads = self.read.times(needs.reads);
        self.write.times(needs.writes).then(reads).then(self.command.times(needs.cache))
    }

    /// Share of requests that fail because a query fails or the stores take longer than the caller waits.
    fn failures(&self, needs: &spec::Needs) -> f64 {
        if needs.writes + needs.reads == 0.0 {
            return 0.0;
        }
        let answered = (1.0 - self.write_errors).powf(needs.writes) * (1.0 - self.read_errors).powf(needs.reads);
        1.0 - answered * (1.0 - self.time(needs).above(TIMEOUT))
    }
}

fn serve_requests(
    service: &'static Service,
    requests: f64,
    groups: &[Group],
    callees: &[ServiceFlow],
    stores: &Stores,
    conditions: &Conditions,
) -> ServiceFlow {
    let own_seed = mix(conditions.seed, digest(service.workload));
    let weight: f64 = groups.iter().map(|g| g.weight).sum();
    if weight <= 0.0 {
        let latency = Mixture::of(Duration::spread(MILLISECOND, 0.5));
        let (failed, groups) = (requests, Vec::new());
        return ServiceFlow {
            spec: service,
            requests,
            failed,
            own_failed: failed,
            unserved: requests,
            latency,
            groups,
        };
    }
    let called = |c: &&ServiceFlow| c.spec.caller.is_some_and(|(caller, _)| caller == service.workload);
    let passed: f64 = callees.iter().filter(called).map(|c| c.failed).sum();
    let mut behind = Mixture::default();
    let mut alone = 1.0;
    for callee in callees.iter().filter(called) {
        let share = callee.spec.caller.map_or(0.0, |(_, share)| share);
        behind.add(share, &callee.latency);
        alone -= share;
    }
    behind.add(alone, &Mixture::of(Duration::ZERO));
    let base = service.base_errors * (1.0 + 0.3 * wander(own_seed, conditions.at, 260_000));
    let needed = stores.failures(&service.needs);
    let pace = 1.0 + 0.04 * wander(mix(own_seed, 5), conditions.at, 340_000);
    let mut flows = Vec::with_capacity(groups.len());
    let (mut failed, mut latency) = (0.0, Mixture::default());
    for group in groups.iter().filter(|g| g.pods > 0) {
        let share = group.weight / weight;
        let rate = requests * share;
        let load = rate / (f64::from(group.pods) * service.capacity);
        let utilisation = load.min(0.97);
        let shed = if load > 1.0 { 1.0 - 1.0 / load } else { 0.0 };
        let fails = 1.0 - (1.0 - base) * (1.0 - group.fault.errors) * (1.0 - shed) * (1.0 - needed);
        let queued = 1.0 + 0.5 * utilisation / (1.0 - utilisation);
        let own = Duration::spread(service.own_time * pace * queued * group.fault.slow, 0.55);
        let times = behind.after(own.then(stores.time(&service.needs)));
        let passed_here = passed * share;
        let group_failed = passed_here + (rate - passed_here) * fails;
        failed += group_failed;
        latency.add(share, &times);
        flows.push(GroupFlow {
            revision: group.revision,
            pods: group.pods,
            weight: group.weight,
            requests: rate,
            failed: group_failed,
            utilisation,
            latency: times,
        });
    }
    ServiceFlow { spec: service, requests, failed, own_failed: failed - passed, unserved: 0.0, latency, groups: flows }
}

/// Jobs that the worker does in this moment; how they end depends on the stores.
fn work(conditions: &Conditions) -> WorkerFlow {
    let before = conditions.worker;
    // A pod that waits for the database does fewer jobs.
    let pace = if before.time > 0.0 { (spec::JOB_TIME / before.time).min(1.0) } else { 1.0 };
    let capacity = f64::from(conditions.worker_pods) * spec::JOB_CAPACITY * pace;
    let done = (before.placed + before.backlog / DRAIN).min(capacity);
    let utilisation = if capacity > 0.0 { done / capacity } else { 0.0 };
    WorkerFlow { done, utilisation, backlog: before.backlog, ..WorkerFlow::default() }
}

/// Jobs that come of the orders placed with success, per second.
fn placed(services: &[ServiceFlow]) -> f64 {
    let orders = services.iter().find(|s| s.spec.workload == "orders");
    orders.map_or(0.0, |s| (s.requests - s.failed) * spec::CHECKOUT_SHARE)
}
