//! The state of the world between two steps, and the step.

use std::collections::VecDeque;

use super::cluster::{Notice, Progress, Workload};
use super::database::DatabaseState;
use super::flow::{Conditions, Fault, Flow, Group, WorkerFlow, compute};
use super::noise::{digest, mix, wander};
use super::operations::Operations;
use super::scenario::{Effect, Event};
use super::shop::Shop;
use super::spec;
use super::traffic::demand;

/// The autoscaler looks this often (ms), and waits this long before it shrinks anything.
const AUTOSCALE_EVERY: i64 = 15_000;
const SHRINK_AFTER: i64 = 300_000;
/// The autoscaler's target: per cent of the CPU request.
pub const CPU_TARGET: f64 = 70.0;

/// How many users come, against the usual.
#[derive(Clone, Copy, Debug)]
struct Crowd {
    from: f64,
    to: f64,
    since: i64,
    over: f64,
}

impl Crowd {
    const USUAL: Self = Self { from: 1.0, to: 1.0, since: 0, over: 0.0 };

    fn factor(&self, at: i64) -> f64 {
        let passed = (at - self.since) as f64 / 1_000.0;
        let part = if self.over > 0.0 { (passed / self.over).clamp(0.0, 1.0) } else { 1.0 };
        self.from + (self.to - self.from) * part
    }
}

#[derive(Debug)]
pub struct Model {
    pub shop: &'static Shop,
    pub seed: u64,
    /// World time of the last step, ms.
    pub at: i64,
    pub workloads: Vec<Workload>,
    pub databases: Vec<DatabaseState>,
    pub flow: Flow,
    /// Whether Prometheus works.
    pub monitoring_up: bool,
    /// What controllers reported since someone last took it.
    pub notices: Vec<Notice>,
    /// Bumped whenever something changed that the Kubernetes API shows.
    pub revision: u64,
    /// What people and controllers outside the workloads have done.
    pub operations: Operations,
    events: VecDeque<Event>,
    crowd: Crowd,
}

impl Model {
    /// A settled world at `at`: everything has run for days.
    #[must_use]
    pub fn settled(shop: &'static Shop, seed: u64, at: i64) -> Self {
        let age = |name: &str| (2 + (mix(seed, digest(name)) % 18) as i64) * 86_400_000 + 12_345_000;
        let workloads: Vec<Workload> = shop.workloads().map(|w| Workload::settled(w, seed, at - age(w.name))).collect();
        let databases: Vec<DatabaseState> = shop.databases().map(|(_, database)| DatabaseState::of(database)).collect();
        let flow = flow_of(shop, seed, at, &workloads, &databases, (1.0, false), WorkerFlow::default());
        Self {
            shop,
            seed,
            at,
            workloads,
            databases,
            flow,
            monitoring_up: true,
            notices: Vec::new(),
            revision: 1,
            operations: Operations::new(shop),
            events: VecDeque::new(),
            crowd: Crowd::USUAL,
        }
    }

    /// Undoes what earlier scenarios did and takes on the events of another.
    pub fn schedule(&mut self, events: Vec<Event>) {
        self.events = events.into();
        self.monitoring_up = true;
        self.crowd = Crowd { from: self.crowd.factor(self.at), to: 1.0, since: self.at, over: 30.0 };
        for state in &mut self.databases {
            *state = DatabaseState {
                replica: state.replica,
                lag: state.lag,
                lag_growth: if state.lag > 0.0 { -20.0 } else { 0.0 },
                ..DatabaseState::default()
            };
        }
        for workload in &mut self.workloads {
            workload.heal(self.at);
            workload.abandon(self.at);
        }
        self.operations.heal(&mut self.databases);
        self.revision += 1;
    }

    /// Moves the world to `at`, by `seconds` since the step before.
    pub fn step(&mut self, at: i64, seconds: f64) {
        self.at = at;
        while let Some(event) = self.events.pop_front_if(|event| event.at <= at) {
            self.apply(event.effect);
            self.revision += 1;
        }
        self.control(at);
        if at % AUTOSCALE_EVERY == 0 {
            self.autoscale();
        }
        for state in &mut self.databases {
            state.lag = (state.lag + state.lag_growth * seconds).max(0.0);
        }
        let factor = self.crowd.factor(at);
        let before = self.flow.worker;
        let outside = (factor, self.operations.cache.reconnecting(at));
        self.flow = flow_of(self.shop, self.seed, at, &self.workloads, &self.databases, outside, before);
        // Jobs reach the worker a step after they were placed.
        let worker = &mut self.flow.worker;
        worker.backlog = (before.backlog + (before.placed - worker.done) * seconds).max(0.0);
    }

    /// What the controllers do at `at`, between two steps or as part of one.
    pub fn control(&mut self, at: i64) {
        self.at = at;
        let before = self.operations.progress();
        self.operations.control(self.seed, at, &mut self.workloads, &mut self.databases, &mut self.notices);
        if before != self.operations.progress() {
            self.revision += 1;
        }
        if self.operations.asleep {
            return;
        }
        let closed: Vec<&str> = self.operations.cordoned.iter().copied().collect();
        for workload in &mut self.workloads {
            let sign = |w: &Workload| (w.pods.len(), w.progress, w.ready(at), w.will.observed);
            let before = sign(workload);
            let notices = workload.reconcile(self.seed, at, &closed);
            let moving = workload.pods.iter().any(|p| at - p.created_at < 40_000);
            if moving || !notices.is_empty() || before != sign(workload) {
                self.revision += 1;
            }
            self.notices.extend(notices);
        }
    }

    #[must_use]
    pub fn workload(&self, name: &str) -> Option<&Workload> {
        self.workloads.iter().find(|w| w.spec.name == name)
    }

    /// CPU cores that a pod of `workload` and `revision` uses.
    #[must_use]
    pub fn pod_cpu(&self, workload: &Workload, revision: u32) -> f64 {
        let limit = f64::from(workload.spec.cpu_request) * 2.0 / 1_000.0;
        let own = mix(self.seed, digest(workload.spec.name));
        let idle = limit * (0.03 + 0.004 * wander(own, self.at, 180_000));
        if let Some(service) = self.flow.service(workload.spec.name) {
            let group = service.groups.iter().find(|g| g.revision == revision);
            return idle + group.map_or(0.0, |g| g.utilisation * limit);
        }
        match workload.spec.name {
            "worker" => idle + self.flow.worker.utilisation * limit * 0.6,
            "pgbouncer" => {
                let queries: f64 = self.flow.databases.iter().map(|d| d.queries).sum();
                idle + limit * (queries / 6_000.0).min(0.9)
            }
            "prometheus" => idle + limit * 0.2,
            _ => idle + limit * 0.08,
        }
    }

    /// Mean CPU of the workload's ready pods in per cent of the request, as the autoscaler sees it.
    #[must_use]
    pub fn cpu_of_request(&self, workload: &Workload) -> f64 {
        let groups = workload.groups(self.at);
        let pods: f64 = groups.iter().map(|g| f64::from(g.pods)).sum();
        let used: f64 = groups.iter().map(|g| f64::from(g.pods) * self.pod_cpu(workload, g.revision)).sum();
        if pods > 0.0 { used / pods / (f64::from(workload.spec.cpu_request) / 1_000.0) * 100.0 } else { 0.0 }
    }

    fn autoscale(&mut self) {
        let at = self.at;
        if self.operations.asleep {
            return;
        }
        let ratios: Vec<f64> = self.workloads.iter().map(|w| self.cpu_of_request(w) / CPU_TARGET).collect();
        for (workload, ratio) in self.workloads.iter_mut().zip(ratios) {
            let Some((min, max)) = workload.will.bounds else { continue };
            // An autoscaler leaves a workload alone that was scaled to nothing.
            if workload.desired == 0 {
                continue;
            }
            let overruled = std::mem::take(&mut workload.will.autoscaler.overruled);
            let wish = |of: u32| ((f64::from(of) * ratio).ceil() as u32).clamp(min, max);
            let settled =
                !matches!(workload.progress, Progress::Moving { .. }) && workload.ready(at) >= workload.desired;
            let decision = if workload.desired < min {
                Some((min, "Current number of replicas below Spec.MinReplicas"))
            } else if workload.desired > max {
                Some((max, "Current number of replicas above Spec.MaxReplicas"))
            } else if ratio > 1.1 && wish(workload.desired) > workload.desired && settled {
                Some((wish(workload.desired), "cpu resource utilization (percentage of request) above target"))
            } else if overruled && ratio < 0.9 && wish(workload.ready(at)) < workload.desired {
                // Its recommendations of the last minutes were lower than what someone else has set since.
                Some((wish(workload.ready(at)), "All metrics below target"))
            } else if ratio < 0.9 && wish(workload.desired) < workload.desired {
                let since = *workload.will.autoscaler.shrinkable_since.get_or_insert(at);
                if at - since < SHRINK_AFTER {
                    continue;
                }
                Some((wish(workload.desired), "All metrics below target"))
            } else {
                None
            };
            workload.will.autoscaler.shrinkable_since = None;
            if let Some((size, why)) = decision {
                rescale(workload, size, at, why, &mut self.notices);
                self.revision += 1;
            }
        }
    }

    fn apply(&mut self, effect: Effect) {
        let (seed, at) = (self.seed, self.at);
        let notices = &mut self.notices;
        let workload = |all: &mut Vec<Workload>, name: &str, act: &mut dyn FnMut(&mut Workload)| {
            all.iter_mut().filter(|w| w.spec.name == name).for_each(act);
        };
        // The name of a cluster means its primary.
        let shop = self.shop;
        let database = |states: &mut Vec<DatabaseState>, id: &str, act: &mut dyn FnMut(&mut DatabaseState)| {
            for ((store, member), state) in shop.databases().zip(states.iter_mut()) {
                if member.id == id || (store.name == id && !state.replica) {
                    act(state);
                }
            }
        };
        match effect {
            Effect::Deploy { workload: name } => {
                workload(&mut self.workloads, &name, &mut |w| notices.push(w.deploy(seed, at, Fault::NONE, false)));
            }
            Effect::Canary { workload: name, errors, slow } => {
                let fault = Fault { errors, slow, crashes: false };
                workload(&mut self.workloads, &name, &mut |w| notices.push(w.deploy(seed, at, fault, true)));
            }
            Effect::CrashingRelease { workload: name } => {
                let fault = Fault { crashes: true, ..Fault::NONE };
                workload(&mut self.workloads, &name, &mut |w| notices.push(w.deploy(seed, at, fault, true)));
            }
            Effect::Fault { workload: name, errors, slow } => {
                workload(&mut self.workloads, &name, &mut |w| w.afflict_stable(Fault { errors, slow, crashes: false }));
            }
            Effect::SlowDatabase { database: id, factor, errors } => {
                database(&mut self.databases, &id, &mut |d| (d.slow, d.errors) = (factor, errors));
            }
            Effect::ReplicaLag { database: id, growth } => {
                database(&mut self.databases, &id, &mut |d| d.lag_growth = growth);
            }
            Effect::KillPrimary { database: name } => {
                for cluster in self.operations.postgres.iter_mut().filter(|cluster| cluster.store.name == name) {
                    cluster.kill_primary(at, &mut self.databases);
                }
            }
            Effect::Traffic { factor, over } => {
                self.crowd = Crowd { from: self.crowd.factor(at), to: factor, since: at, over };
            }
            Effect::MonitoringDown => {
                self.monitoring_up = false;
                workload(&mut self.workloads, "prometheus", &mut |w| w.hang(at));
            }
        }
    }
}

fn rescale(workload: &mut Workload, wish: u32, at: i64, why: &str, notices: &mut Vec<Notice>) {
    workload.scale(wish);
    let message = format!("New size: {wish}; reason: {why}");
    let name = workload.spec.name.to_owned();
    let kind = "HorizontalPodAutoscaler";
    notices.push(workload.notice(at, kind, name, "SuccessfulRescale", message, "horizontal-pod-autoscaler"));
}

fn flow_of(
    shop: &'static Shop,
    seed: u64,
    at: i64,
    workloads: &[Workload],
    databases: &[DatabaseState],
    (crowd, cache_reconnects): (f64, bool),
    worker: WorkerFlow,
) -> Flow {
    let named = |name: &str| workloads.iter().find(|w| w.spec.name == name);
    let groups: Vec<Vec<Group>> =
        spec::SERVICES.iter().map(|s| named(s.workload).map_or_else(Vec::new, |w| w.groups(at))).collect();
    let worker_pods = named("worker").map_or(0, |w| w.ready(at));
    let edge = demand(seed, at, crowd);
    compute(&Conditions { shop, seed, at, edge, groups: &groups, databases, cache_reconnects, worker_pods, worker })
}
