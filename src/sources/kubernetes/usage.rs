//! metrics.k8s.io and restarts become signals: of a workload the worst container, because a limit is a container's own.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use super::components::Origin;
use super::nodes;
use super::pods::{ContainerLimits, PodRow};
use super::store::Store;
use crate::clients::kube::read::{self as wire, Connection, NodeUsage, PodUsage, Resource, quantity, segment};
use crate::domain::error::{Fault, FaultKind};
use crate::domain::id::{Alias, ComponentId};
use crate::domain::reading::{Provenance, Query, Sample};
use crate::domain::text::{Raw, Shown};
use crate::domain::time::Stamp;
use crate::domain::unit::{Statistic, Unit};
use crate::model::facts::{Fact, GapFact, Point, SignalFact};

/// World time between two polls.
pub const EVERY: Duration = Duration::from_secs(15);
/// The span in which restarts count.
const RECENT: Duration = Duration::from_secs(15 * 60);
/// Up to this many pods each one's figures are told; above it only the worst of each workload.
const SINGLE_PODS: usize = 1_000;

/// `v1` stands beside `v1beta1` since 1.36 (facts/kubernetes.md 2.3).
const VERSIONS: [&str; 2] = ["/apis/metrics.k8s.io/v1beta1", "/apis/metrics.k8s.io/v1"];

/// What one poll has read.
#[derive(Debug, Default)]
pub struct Usage {
    api: &'static str,
    pods: Vec<PodSample>,
    nodes: Vec<NodeSample>,
    /// What could not be read.
    gaps: Vec<GapFact>,
}

#[derive(Debug)]
struct PodSample {
    key: (Raw, Raw),
    at: Stamp,
    containers: Vec<(String, Option<f64>, Option<f64>)>,
}

#[derive(Debug)]
struct NodeSample {
    name: Raw,
    at: Stamp,
    cpu: Option<f64>,
    memory: Option<f64>,
}

/// Pages of one collection; a metrics server that has no pages sends one.
const PAGES: usize = 200;

/// Reads the usage of pods and nodes. What this cluster does not offer, not to us or not now is a gap and nothing more:
/// the heartbeat judges the server.
pub async fn poll(connection: &Connection, namespaces: &[String]) -> Usage {
    for api in VERSIONS {
        let mut usage = Usage { api, ..Usage::default() };
        match usage.read_pods(connection, namespaces).await {
            Ok(()) => {
                let nodes = Resource { api, plural: "nodes", namespaced: false, fields: "" };
                let read = all(connection, &nodes, None, |text| usage.nodes.extend(node_sample(text))).await;
                usage.note(read);
                return usage;
            }
            Err(fault) if fault.kind == FaultKind::Missing => {}
            // A broken metrics server answers 503 through the aggregator.
            Err(fault) => {
                usage.note(Err(fault));
                return usage;
            }
        }
    }
    let what = Shown::fixed("not offered there: metrics.k8s.io");
    let hint = Shown::fixed("install metrics-server to see what pods and nodes use");
    Usage { gaps: vec![GapFact { what, hint }], ..Usage::default() }
}

impl Usage {
    async fn read_pods(&mut self, connection: &Connection, namespaces: &[String]) -> Result<(), Fault> {
        let pods = Resource { api: self.api, plural: "pods", namespaced: true, fields: "" };
        if namespaces.is_empty() {
            return all(connection, &pods, None, |text| self.pods.extend(pod_sample(text))).await;
        }
        for namespace in namespaces {
            match all(connection, &pods, Some(namespace), |text| self.pods.extend(pod_sample(text))).await {
                // One namespace of several may be closed to us.
                Err(fault) if fault.kind == FaultKind::Forbidden && namespaces.len() > 1 => self.note(Err(fault)),
                read => read?,
            }
        }
        Ok(())
    }

    fn note(&mut self, read: Result<(), Fault>) {
        if let Err(Fault { what, hint, .. }) = read {
            self.gaps.push(GapFact { what: crate::shown!("no usage: {}", what), hint });
        }
    }

    /// What the poll could not read.
    pub fn gaps(&self) -> Vec<Fact> {
        self.gaps.iter().cloned().map(Fact::Gap).collect()
    }
}

/// Every page of a collection.
async fn all(
    connection: &Connection,
    resource: &Resource,
    namespace: Option<&str>,
    mut take: impl FnMut(&str),
) -> Result<(), Fault> {
    let mut from = String::new();
    for _ in 0..PAGES {
        let page = connection.page(resource, namespace, &from).await?;
        page.items().for_each(&mut take);
        if page.next.is_empty() {
            return Ok(());
        }
        from = page.next;
    }
    Err(connection.malformed("a list has no end"))
}

fn pod_sample(text: &str) -> Option<PodSample> {
    let item: PodUsage<'_> = wire::read(text)?;
    let used = |usage: &wire::Labels<'_>, key| usage.get(key).and_then(quantity);
    Some(PodSample {
        key: (Raw::new(&item.metadata.namespace), Raw::new(&item.metadata.name)),
        at: Stamp::parse_rfc3339(&item.timestamp)?,
        containers: item
            .containers
            .iter()
            .map(|container| {
                (container.name.to_string(), used(&container.usage, "cpu"), used(&container.usage, "memory"))
            })
            .collect(),
    })
}

fn node_sample(text: &str) -> Option<NodeSample> {
    let item: NodeUsage<'_> = wire::read(text)?;
    Some(NodeSample {
        name: Raw::new(&item.metadata.name),
        at: Stamp::parse_rfc3339(&item.timestamp)?,
        cpu: item.usage.get("cpu").and_then(quantity),
        memory: item.usage.get("memory").and_then(quantity),
    })
}

/// A bound of a container, where it has one.
type Bound = fn(&ContainerLimits) -> Option<f64>;

/// What a container may use: the signal that compares with it, the resource, its place in the specification.
const LIMITS: [(&str, &str, &str, Bound); 4] = [
    ("k8s.metrics.cpu_of_limit", "cpu", "limits", |container| container.cpu_limit),
    ("k8s.metrics.mem_of_limit", "memory", "limits", |container| container.memory_limit),
    ("k8s.metrics.cpu_of_request", "cpu", "requests", |container| container.cpu_request),
    ("k8s.metrics.mem_of_request", "memory", "requests", |container| container.memory_request),
];

/// One container against one of its limits.
#[derive(Clone, Copy)]
struct Share {
    used: f64,
    limit: f64,
    /// Index in the metrics and in the specification.
    places: (usize, usize),
}

impl Share {
    fn ratio(self) -> f64 {
        self.used / self.limit
    }
}

/// The signals of one poll.
pub fn facts(store: &Store, usage: &Usage) -> Vec<Fact> {
    let mut facts = Vec::new();
    let single = store.pods.len() <= SINGLE_PODS;
    for (signal, resource, bound, limit) in LIMITS {
        let mut worst: BTreeMap<&ComponentId, (&PodSample, &PodRow, Share)> = BTreeMap::new();
        for sample in &usage.pods {
            let Some(row) = store.pods.get(&sample.key) else { continue };
            let Some(share) = worst_container(sample, row, resource, limit) else { continue };
            if single {
                let provenance = explain(store.origin(), usage.api, sample, share, (resource, bound));
                facts.push(signal_fact(
                    &row.fact.component,
                    Some(&row.fact.name),
                    signal,
                    sample.at,
                    share,
                    provenance,
                ));
            }
            let known = worst.get(&row.fact.component);
            if known.is_none_or(|(_, _, known)| known.ratio() < share.ratio()) {
                worst.insert(&row.fact.component, (sample, row, share));
            }
        }
        for (component, (sample, _, share)) in worst {
            let provenance = explain(store.origin(), usage.api, sample, share, (resource, bound));
            facts.push(signal_fact(component, None, signal, sample.at, share, provenance));
        }
    }
    facts.extend(usage.nodes.iter().flat_map(|sample| node_facts(store, usage.api, sample)));
    facts
}

fn worst_container(sample: &PodSample, row: &PodRow, resource: &str, limit: Bound) -> Option<Share> {
    let shares = sample.containers.iter().enumerate().filter_map(|(at, (name, cpu, memory))| {
        let (place, container) = row.limits.iter().enumerate().find(|(_, of)| of.name.as_str() == name)?;
        let used = if resource == "cpu" { *cpu } else { *memory };
        Some(Share { used: used?, limit: limit(container)?, places: (at, place) })
    });
    shares.max_by(|a, b| a.ratio().total_cmp(&b.ratio()))
}

fn signal_fact(
    component: &ComponentId,
    member: Option<&Raw>,
    signal: &'static str,
    at: Stamp,
    share: Share,
    provenance: Arc<Provenance>,
) -> Fact {
    Fact::Signal(SignalFact {
        subject: Alias::Component(component.clone()),
        member: member.cloned(),
        version: None,
        peer: None,
        signal,
        points: vec![Point { at, value: share.ratio() }],
        provenance,
    })
}

/// `a / b` over two objects that can be read again.
fn explain(
    origin: &Origin,
    api: &str,
    sample: &PodSample,
    share: Share,
    (resource, bound): (&str, &str),
) -> Arc<Provenance> {
    let (namespace, name) = (segment(sample.key.0.as_str()), segment(sample.key.1.as_str()));
    let used = (
        format!("{api}/namespaces/{namespace}/pods/{name}"),
        format!("/containers/{}/usage/{resource}", share.places.0),
        share.used,
    );
    let limit = (
        format!("/api/v1/namespaces/{namespace}/pods/{name}"),
        format!("/spec/containers/{}/resources/{bound}/{resource}", share.places.1),
        share.limit,
    );
    quotient(origin, sample.at, [used, limit], if resource == "cpu" { Unit::Count } else { Unit::Bytes })
}

fn quotient(origin: &Origin, at: Stamp, parts: [(String, String, f64); 2], unit: Unit) -> Arc<Provenance> {
    let part = |(path, pointer, value): (String, String, f64)| Sample {
        value,
        unit,
        at,
        provenance: origin.http(&path, Some(&pointer)),
    };
    Arc::new(Provenance {
        source: origin.source.clone(),
        endpoint: origin.endpoint.clone(),
        query: Query::Derived { formula: "a / b", from: parts.map(part).into() },
        statistic: Statistic::Max,
        period: EVERY,
        delay: Duration::from_secs(15),
        threshold_origin: "default",
    })
}

fn node_facts(store: &Store, api: &str, sample: &NodeSample) -> Vec<Fact> {
    let Some(row) = store.nodes.get(&(Raw::default(), sample.name.clone())) else { return Vec::new() };
    let name = segment(sample.name.as_str());
    let rows = [
        ("k8s.metrics.node_cpu", "cpu", Unit::Count, sample.cpu, row.cpu),
        ("k8s.metrics.node_mem", "memory", Unit::Bytes, sample.memory, row.memory),
    ];
    let fact = |(signal, resource, unit, used, limit): (&'static str, &str, Unit, Option<f64>, Option<f64>)| {
        let share = Share { used: used?, limit: limit?, places: (0, 0) };
        let parts = [
            (format!("{api}/nodes/{name}"), format!("/usage/{resource}"), share.used),
            (format!("/api/v1/nodes/{name}"), format!("/status/allocatable/{resource}"), share.limit),
        ];
        let provenance = quotient(store.origin(), sample.at, parts, unit);
        Some(signal_fact(&nodes::id(&sample.name), None, signal, sample.at, share, provenance))
    };
    rows.into_iter().filter_map(fact).collect()
}

/// Restarts of each workload's pods in the last quarter of an hour. Where there have been none for twice as long there
/// is nothing to tell: a count of things that did not happen has no object that it could be read from again.
pub fn restarts(store: &Store, now: Stamp) -> Vec<Fact> {
    let mut counts: BTreeMap<&ComponentId, usize> = BTreeMap::new();
    for (_, row) in store.pods.iter().filter(|(_, row)| row.restarted.iter().any(|at| now.since(*at) <= RECENT * 2)) {
        let recent = row.restarted.iter().filter(|at| now.since(**at) <= RECENT).count();
        *counts.entry(&row.fact.component).or_default() += recent;
    }
    let fact = |(component, count): (&ComponentId, usize)| {
        let path = format!("/api/v1/namespaces/{}/pods", segment(component.scope.as_str()));
        Fact::Signal(SignalFact {
            subject: Alias::Component(component.clone()),
            member: None,
            version: None,
            peer: None,
            signal: "k8s.pods.restarts",
            points: vec![Point { at: now, value: count as f64 }],
            provenance: store.origin().http(&path, None),
        })
    };
    counts.into_iter().map(fact).collect()
}

#[cfg(test)]
mod tests {
    use axum::extract::Path;
    use axum::http::{StatusCode, Uri};
    use axum::response::{IntoResponse, Response};

    use super::*;
    use crate::clients::egress::Egress;
    use crate::clients::kube::read::Connector;
    use crate::domain::settings::KubernetesSettings;

    fn list(uri: &Uri) -> Response {
        let item = |name: &str| {
            format!(r#"{{"metadata":{{"name":"{name}","namespace":"shop"}},"timestamp":"2026-03-02T12:00:00Z"}}"#)
        };
        let from = uri.query().unwrap_or_default();
        let (name, next) = match from {
            _ if from.contains("continue=three") => ("c", ""),
            _ if from.contains("continue=two") => ("b", "three"),
            _ => ("a", "two"),
        };
        format!(r#"{{"metadata":{{"continue":"{next}"}},"items":[{}]}}"#, item(name)).into_response()
    }

    /// What a poll finds where the API's groups answer so.
    async fn polled(pods: fn(&Uri) -> Response, nodes: u16, namespaces: &[&str]) -> (usize, Vec<String>) {
        let answer = move |Path(version): Path<String>, uri: Uri| async move {
            if version != "v1beta1" || uri.path().ends_with("/nodes") {
                let status = if version == "v1beta1" { nodes } else { 404 };
                return (StatusCode::from_u16(status).unwrap(), r#"{"items":[]}"#).into_response();
            }
            pods(&uri)
        };
        let routes = ["/pods", "/nodes", "/namespaces/{namespace}/pods"];
        let router = routes.iter().fold(axum::Router::new(), |router, route| {
            let answer = move |Path(path): Path<BTreeMap<String, String>>, uri: Uri| {
                answer(Path(path.get("version").cloned().unwrap_or_default()), uri)
            };
            router.route(&format!("/apis/metrics.k8s.io/{{version}}{route}"), axum::routing::get(answer))
        });
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let server = format!("http://{}", listener.local_addr().unwrap());
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("config");
        let config = serde_json::json!({
            "apiVersion": "v1", "kind": "Config", "current-context": "it",
            "clusters": [{"name": "shop", "cluster": {"server": server}}],
            "users": [{"name": "u", "user": {"token": "t"}}],
            "contexts": [{"name": "it", "context": {"cluster": "shop", "user": "u"}}],
        });
        std::fs::write(&file, config.to_string()).unwrap();
        let settings =
            KubernetesSettings { name: "k8s".into(), kubeconfig: Some(file), context: None, namespaces: Vec::new() };
        let connection = Connector::new(settings, Egress::LoopbackOnly).connect().await.unwrap();
        let namespaces: Vec<String> = namespaces.iter().map(|name| (*name).to_owned()).collect();
        let usage = tokio::select! {
            _ = axum::serve(listener, router).into_future() => panic!("the server ended"),
            usage = poll(&connection, &namespaces) => usage,
        };
        (usage.pods.len(), usage.gaps.iter().map(|gap| gap.what.to_string()).collect())
    }

    #[tokio::test]
    async fn every_page_is_read_and_what_cannot_be_is_a_gap() {
        let none: [&str; 0] = [];
        assert_eq!(polled(list, 200, &none).await, (3, Vec::new()));
        let forbidden = ["no usage: forbidden: list nodes at cluster scope".to_owned()];
        assert_eq!(polled(list, 403, &none).await, (3, forbidden.to_vec()));
        let (pods, gaps) = polled(|_| (StatusCode::SERVICE_UNAVAILABLE, "down").into_response(), 200, &none).await;
        assert!(pods == 0 && gaps.len() == 1 && gaps[0].contains("error 503 down"), "{gaps:?}");
        let (pods, gaps) = polled(|_| (StatusCode::NOT_FOUND, "").into_response(), 404, &none).await;
        assert_eq!((pods, gaps.concat().as_str()), (0, "not offered there: metrics.k8s.io"));
        let closed: fn(&Uri) -> Response = |uri| {
            if uri.path().contains("/namespaces/closed/") {
                (StatusCode::FORBIDDEN, "{}").into_response()
            } else {
                list(uri)
            }
        };
        let (pods, gaps) = polled(closed, 200, &["closed", "shop"]).await;
        assert_eq!((pods, gaps.concat().as_str()), (3, "no usage: forbidden: list pods in closed"));
    }
}
