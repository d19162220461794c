//! The shop's own metrics: HTTP servers, the worker's jobs, the service graph of the traces, the business metric.

use std::collections::BTreeMap;

use crate::demo::store::tsdb::Tsdb;
use crate::demo::world::database::DatabaseFlow;
use crate::demo::world::flow::{Flow, GroupFlow, ServiceFlow};
use crate::demo::world::latency::Mixture;
use crate::demo::world::model::Model;
use crate::demo::world::spec::{self, Kind};

use super::histogram::{Bounds, OTEL, TEMPO, Taken};
use super::page::Pages;
use super::running;

const DURATION: [&str; 3] = [
    "http_server_request_duration_seconds_bucket",
    "http_server_request_duration_seconds_sum",
    "http_server_request_duration_seconds_count",
];
const GRAPH: [&str; 3] = [
    "traces_service_graph_request_server_seconds_bucket",
    "traces_service_graph_request_server_seconds_sum",
    "traces_service_graph_request_server_seconds_count",
];

/// Requests of one pod since the last scrape, by status.
#[derive(Debug, Default)]
struct Served {
    ok: Taken,
    failed: Taken,
}

/// Calls along one edge of the service graph since the last scrape.
#[derive(Debug, Default)]
struct Calls {
    total: f64,
    failed: f64,
    latency: Taken,
}

#[derive(Debug)]
pub struct App {
    bounds: Bounds,
    graph_bounds: Bounds,
    pods: BTreeMap<u64, Served>,
    edges: BTreeMap<(&'static str, &'static str), Calls>,
    jobs: f64,
    failed_jobs: f64,
    orders: f64,
}

impl Default for App {
    fn default() -> Self {
        Self {
            bounds: Bounds::new(OTEL),
            graph_bounds: Bounds::new(TEMPO),
            pods: BTreeMap::new(),
            edges: BTreeMap::new(),
            jobs: 0.0,
            failed_jobs: 0.0,
            orders: 0.0,
        }
    }
}

impl App {
    pub fn accumulate(&mut self, model: &Model, seconds: f64) {
        let flow = &model.flow;
        for service in &flow.services {
            for group in &service.groups {
                self.serve(model, service, group, seconds);
            }
            let client = service.spec.caller.map_or("user", |(caller, _)| caller);
            let edge = (client, service.spec.workload);
            self.call(edge, service.requests * seconds, service.failed * seconds, &service.latency);
            self.call_stores(flow, service, seconds);
        }
        if let Some(primary) = flow.primary() {
            let queries = flow.worker.done * spec::JOB_WRITES * seconds;
            let latency = Mixture::of(primary.as_seen());
            self.call(("worker", primary.spec.peer()), queries, queries * primary.error_share(), &latency);
        }
        self.jobs += (flow.worker.done - flow.worker.failed) * seconds;
        self.failed_jobs += flow.worker.failed * seconds;
        self.orders += flow.orders_completed() * seconds;
    }

    fn serve(&mut self, model: &Model, service: &ServiceFlow, group: &GroupFlow, seconds: f64) {
        let Some(workload) = model.workload(service.spec.workload) else { return };
        let (shares, mean) = (self.bounds.shares(&group.latency), group.latency.mean());
        for pod in workload.pods.iter().filter(|p| p.revision == group.revision && p.ready(model.at)) {
            let part = pod.weight / group.weight * seconds;
            let served = self.pods.entry(pod.id).or_default();
            served.ok.add((group.requests - group.failed) * part, mean, &shares);
            served.failed.add(group.failed * part, mean, &shares);
        }
    }

    fn call_stores(&mut self, flow: &Flow, service: &ServiceFlow, seconds: f64) {
        let needs = &service.spec.needs;
        let served = (service.requests - service.unserved) * seconds;
        let store = flow.shop.store_of(service.spec.workload);
        let own = || flow.databases.iter().filter(|d| store.is_some_and(|store| store.name == d.spec.store));
        let read = |database: &&DatabaseFlow| database.replica && (database.queries > 0.0 || !database.down);
        let replicas = own().filter(read).count().max(1) as f64;
        for database in own().filter(|database| !database.replica || read(database)) {
            let per_request = if database.replica { needs.reads / replicas } else { needs.writes };
            if per_request > 0.0 {
                let calls = served * per_request;
                let latency = Mixture::of(database.as_seen());
                let peer = database.spec.peer();
                self.call((service.spec.workload, peer), calls, calls * database.error_share(), &latency);
            }
        }
        if needs.cache > 0.0 {
            let edge = (service.spec.workload, spec::REPLICATION_GROUP);
            self.call(edge, served * needs.cache, 0.0, &Mixture::of(flow.cache.command));
        }
    }

    fn call(&mut self, edge: (&'static str, &'static str), total: f64, failed: f64, latency: &Mixture) {
        let calls = self.edges.entry(edge).or_default();
        calls.total += total;
        calls.failed += failed;
        calls.latency.add(total, latency.mean(), &self.graph_bounds.shares(latency));
    }

    pub fn scrape(&mut self, model: &Model, pages: &mut Pages, tsdb: &mut Tsdb) {
        let live: Vec<u64> = model.workloads.iter().flat_map(|w| w.pods.iter().map(|p| p.id)).collect();
        self.pods.retain(|id, _| live.contains(id));
        for service in &spec::SERVICES {
            self.scrape_service(model, service, pages, tsdb);
        }
        self.scrape_worker(model, pages, tsdb);
        self.scrape_graph(model, pages, tsdb);
    }

    fn scrape_service(&mut self, model: &Model, service: &spec::Service, pages: &mut Pages, tsdb: &mut Tsdb) {
        let name = service.workload;
        let job = format!("{}/{name}", spec::NAMESPACE);
        let orders = if name == "orders" { std::mem::take(&mut self.orders) } else { 0.0 };
        let ready = f64::from(model.workload(name).map_or(0, |w| w.ready(model.at)).max(1));
        for (workload, pod) in running(model, name) {
            let hash = workload.revision(pod.revision).map_or("", |r| r.hash.as_str());
            let hash_label = match workload.spec.kind {
                Kind::Rollout => "rollouts_pod_template_hash",
                _ => "pod_template_hash",
            };
            let base = [
                ("job", job.as_str()),
                ("instance", pod.instance.as_str()),
                ("namespace", spec::NAMESPACE),
                ("service", name),
                ("pod", pod.name.as_str()),
                (hash_label, hash),
            ];
            let served = self.pods.entry(pod.id).or_default();
            let counts = pod.ready(model.at);
            if !super::reached(model, pod, &base, pages, tsdb) {
                continue;
            }
            pages.write(tsdb, ("app", pod.id), &base, pod.created_at, |w| {
                let method = ("http_request_method", if name == "payments" { "POST" } else { "GET" });
                served.ok.write(w, DURATION, &self.bounds, [method, ("http_response_status_code", "200")]);
                served.failed.write(w, DURATION, &self.bounds, [method, ("http_response_status_code", "500")]);
                if name == "orders" {
                    w.add("shop_orders_completed_total", &[], if counts { orders / ready } else { 0.0 });
                }
            });
        }
    }

    fn scrape_worker(&mut self, model: &Model, pages: &mut Pages, tsdb: &mut Tsdb) {
        let ready = f64::from(model.workload("worker").map_or(0, |w| w.ready(model.at)).max(1));
        let (done, failed) = (std::mem::take(&mut self.jobs) / ready, std::mem::take(&mut self.failed_jobs) / ready);
        let flow = &model.flow.worker;
        for (workload, pod) in running(model, "worker") {
            let hash = workload.revision(pod.revision).map_or("", |r| r.hash.as_str());
            let base = [
                ("job", "shop/worker"),
                ("instance", pod.instance.as_str()),
                ("namespace", spec::NAMESPACE),
                ("service", "worker"),
                ("pod", pod.name.as_str()),
                ("pod_template_hash", hash),
            ];
            let part = if pod.ready(model.at) { 1.0 } else { 0.0 };
            if !super::reached(model, pod, &base, pages, tsdb) {
                continue;
            }
            pages.write(tsdb, ("app", pod.id), &base, pod.created_at, |w| {
                w.add("shop_jobs_total", &[("result", "ok")], done * part);
                w.add("shop_jobs_total", &[("result", "failed")], failed * part);
                w.add("shop_job_duration_seconds_sum", &[], (done + failed) * part * flow.time);
                w.add("shop_job_duration_seconds_count", &[], (done + failed) * part);
                w.gauge("shop_queue_depth", &[("queue", "jobs")], (flow.backlog + flow.placed * flow.time).round());
            });
        }
    }

    fn scrape_graph(&mut self, model: &Model, pages: &mut Pages, tsdb: &mut Tsdb) {
        for (_, pod) in running(model, "tempo") {
            let base = [
                ("job", "monitoring/tempo"),
                ("instance", pod.instance.as_str()),
                ("namespace", spec::MONITORING),
                ("pod", pod.name.as_str()),
            ];
            pages.write(tsdb, ("tempo", 0), &base, pod.created_at, |w| w.gauge("up", &[], 1.0));
            for (number, ((client, server), calls)) in self.edges.iter_mut().enumerate() {
                let edge = [("client", *client), ("server", *server)];
                pages.write(tsdb, ("graph", number as u64), &base, pod.created_at, |w| {
                    w.add("traces_service_graph_request_total", &edge, calls.total);
                    w.add("traces_service_graph_request_failed_total", &edge, calls.failed);
                    calls.latency.write(w, GRAPH, &self.graph_bounds, edge);
                });
                (calls.total, calls.failed) = (0.0, 0.0);
            }
        }
    }
}
