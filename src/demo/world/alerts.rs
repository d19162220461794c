//! The alerting rules of the shop and their evaluation from the world's own state.

use crate::demo::store::alerting::{Alert, Alerting, Rule};

use super::database::DatabaseFlow;
use super::flow::ServiceFlow;
use super::model::Model;
use super::spec;

/// Alertmanager takes an alert for resolved when Prometheus has not repeated it for this long, ms.
const FORGOTTEN_AFTER: i64 = 240_000;

/// Labels and value of an instance above its threshold.
type Found = (Vec<(&'static str, String)>, f64);

/// A rule's expression, `for` (ms), severity, and what it finds in a moment.
struct Definition {
    name: &'static str,
    expression: &'static str,
    hold: i64,
    severity: &'static str,
    summary: &'static str,
    finds: fn(&Model) -> Vec<Found>,
}

const DEFINITIONS: [Definition; 6] = [
    Definition {
        name: "Watchdog",
        expression: "vector(1)",
        hold: 0,
        severity: "none",
        summary: "Always fires, so that its absence shows that alerts do not get through.",
        finds: |_| vec![(Vec::new(), 1.0)],
    },
    Definition {
        name: "HighErrorRate",
        expression: "sum by (namespace, service) (rate(http_server_request_duration_seconds_count{http_response_status_code=~\"5..\"}[1m])) / sum by (namespace, service) (rate(http_server_request_duration_seconds_count[1m])) > 0.02",
        hold: 60_000,
        severity: "critical",
        summary: "More than 2 % of the requests fail.",
        finds: |model| by_service(model, 0.02, ServiceFlow::error_ratio),
    },
    Definition {
        name: "HighLatency",
        expression: "histogram_quantile(0.95, sum by (namespace, service, le) (rate(http_server_request_duration_seconds_bucket[1m]))) > 0.5",
        hold: 60_000,
        severity: "warning",
        summary: "The slowest 5 % of the requests take more than 500 ms.",
        finds: |model| by_service(model, 0.5, slow_p95),
    },
    Definition {
        name: "DatabaseSlowQueries",
        expression: "sum by (instance) (rate(pg_stat_statements_seconds_total[1m])) / sum by (instance) (rate(pg_stat_statements_calls_total[1m])) > 0.1",
        hold: 60_000,
        severity: "warning",
        summary: "Queries take more than 100 ms on average.",
        finds: |model| by_database(model, 0.1, |d| d.query.mean),
    },
    Definition {
        name: "ReplicaLag",
        expression: "max by (instance) (pg_replication_lag_seconds and on (instance) (pg_replication_is_replica == 1)) > 30",
        hold: 30_000,
        severity: "warning",
        summary: "A read replica is more than 30 s behind.",
        finds: |model| by_database(model, 30.0, |d| d.lag),
    },
    Definition {
        name: "TargetDown",
        expression: "up == 0",
        hold: 60_000,
        severity: "warning",
        summary: "A scrape target does not answer.",
        finds: dead_targets,
    },
];

/// The 95th percentile where it is above 500 ms, else zero: to find it costs more than to rule it out.
fn slow_p95(service: &ServiceFlow) -> f64 {
    if service.latency.share_below(0.5) < 0.95 { service.latency.quantile(0.95) } else { 0.0 }
}

fn by_service(model: &Model, above: f64, value: fn(&ServiceFlow) -> f64) -> Vec<Found> {
    let labels = |name: &str| vec![("namespace", spec::NAMESPACE.to_owned()), ("service", name.to_owned())];
    let found = model.flow.services.iter().map(|s| (labels(s.spec.workload), value(s)));
    found.filter(|(_, value)| *value > above).collect()
}

fn by_database(model: &Model, above: f64, value: fn(&DatabaseFlow) -> f64) -> Vec<Found> {
    let labels = |id: &str| vec![("instance", format!("{}:5432", super::export::database_endpoint(id)))];
    let found = model.flow.databases.iter().map(|d| (labels(d.spec.id), value(d)));
    found.filter(|(_, value)| *value > above).collect()
}

fn dead_targets(model: &Model) -> Vec<Found> {
    let mut found = Vec::new();
    for workload in &model.workloads {
        let dead = workload.pods.iter().filter(|p| p.started(model.at) && !p.answers(model.at));
        found.extend(dead.map(|pod| {
            let job = format!("{}/{}", workload.spec.namespace, workload.spec.name);
            let labels = vec![("instance", pod.instance.clone()), ("job", job), ("pod", pod.name.clone())];
            (labels, 0.0)
        }));
    }
    found
}

/// The rules as Prometheus lists them.
#[must_use]
pub fn rules() -> Vec<Rule> {
    let rule = |d: &Definition| Rule {
        group: "shop",
        name: d.name,
        expression: d.expression.to_owned(),
        hold: d.hold,
        severity: d.severity,
        summary: d.summary.to_owned(),
        runbook_url: runbook(d.name),
        extra_labels: Vec::new(),
    };
    DEFINITIONS.iter().map(rule).collect()
}

fn runbook(name: &str) -> String {
    format!("https://runbooks.{}/{}", spec::DOMAIN, name.to_lowercase())
}

/// Keeps the list of alerts up to the world's state.
#[derive(Debug, Default)]
pub struct Evaluator {
    evaluated_at: i64,
}

impl Evaluator {
    /// One evaluation. Without Prometheus nothing is evaluated, and what fired is forgotten after a while.
    pub fn evaluate(&mut self, model: &Model, alerting: &mut Alerting) {
        let at = model.at;
        if !model.monitoring_up {
            if at - self.evaluated_at > FORGOTTEN_AFTER {
                alerting.alerts.clear();
            }
            return;
        }
        self.evaluated_at = at;
        let before = std::mem::take(&mut alerting.alerts);
        for definition in &DEFINITIONS {
            for (found, value) in (definition.finds)(model) {
                let labels = labels(definition, &found);
                let known = before.iter().find(|a| a.labels == labels);
                let active_at = known.map_or(at, |a| a.active_at);
                alerting.alerts.push(Alert {
                    rule: definition.name,
                    annotations: vec![
                        ("runbook_url".to_owned(), runbook(definition.name)),
                        ("summary".to_owned(), definition.summary.to_owned()),
                    ],
                    labels,
                    value,
                    active_at,
                    firing: at - active_at >= definition.hold,
                });
            }
        }
    }
}

fn labels(definition: &Definition, found: &[(&'static str, String)]) -> Vec<(String, String)> {
    let mut labels = vec![
        ("alertname".to_owned(), definition.name.to_owned()),
        ("cluster".to_owned(), spec::CLUSTER.to_owned()),
        ("severity".to_owned(), definition.severity.to_owned()),
    ];
    labels.extend(found.iter().map(|(k, v)| ((*k).to_owned(), v.clone())));
    labels.sort();
    labels
}
