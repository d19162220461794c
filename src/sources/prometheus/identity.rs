//! Who a series is about: from labels to the names by which sources speak of components.

use crate::domain::id::Alias;
use crate::domain::text::Raw;
use crate::model::signals::{Labels, REVISION};

// Spellings of one thing, the first that is present wins (facts/signals.md 2.3).
const NAMESPACE: [&str; 4] =
    ["namespace", "exported_namespace", "destination_workload_namespace", "k8s_namespace_name"];
const WORKLOAD: [&str; 6] =
    ["deployment", "statefulset", "daemonset", "rollout", "horizontalpodautoscaler", "poddisruptionbudget"];
const SERVICE: [&str; 6] =
    ["service", "service_name", "app", "app_kubernetes_io_name", "destination_canonical_service", "exported_service"];
/// Names of things that are known by their metrics only.
const NAMED: [&str; 9] = [
    "ingress",
    "proxy",
    "envoy_cluster_name",
    "zone",
    "load_balancer_name",
    "cluster",
    "persistentvolumeclaim",
    "job_name",
    "namespace",
];
/// A pod; a replica of CloudNativePG is connected to its primary under its pod's name.
const POD: [&str; 3] = ["pod", "k8s_pod_name", "application_name"];
/// Labels that say how a series was collected rather than what it is about.
const COLLECTION: [&str; 2] = ["job", "server"];
/// Caller and callee of the service graph and of meshes, each with the label of its namespace.
const CALLS: [[&str; 4]; 2] = [
    ["client", "client_namespace", "server", "server_namespace"],
    [
        "source_canonical_service",
        "source_workload_namespace",
        "destination_canonical_service",
        "destination_workload_namespace",
    ],
];

#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Identity {
    pub subject: Alias,
    /// What of the subject, where the labels say more: a mount point, a unit, a device, a database.
    pub member: Option<Raw>,
    pub version: Option<Raw>,
    pub peer: Option<Alias>,
}

impl Identity {
    /// Reads the labels of a series; where they name nothing it is about `system` as a whole.
    #[must_use]
    pub fn of(labels: &Labels, system: &str) -> Self {
        if let Some(call) = call(labels) {
            return call;
        }
        let (subject, by) = subject(labels).unwrap_or_else(|| (Alias::Named(Raw::new(system)), ""));
        Self { subject, member: rest(labels, by), version: version(labels), peer: None }
    }

    /// The same with every label in the place of the member: for series that cannot be told apart otherwise.
    #[must_use]
    pub fn spelled_out(&self, labels: &Labels) -> Self {
        let all: Vec<&str> = labels.values().map(String::as_str).collect();
        Self { member: Some(Raw::from(all.join("/"))), ..self.clone() }
    }
}

/// The component that labels speak of, and the label that decided.
#[must_use]
pub fn subject(labels: &Labels) -> Option<(Alias, &'static str)> {
    let namespace = first(labels, &NAMESPACE).map(|(_, value)| value);
    let instance = first(labels, &["instance", "host_name"]);
    // `name` is a workload only where there are namespaces; on hosts it is a unit.
    let name = || if instance.is_none() { first(labels, &["name"]) } else { None };
    if let (Some(namespace), Some((by, name))) = (namespace, first(labels, &WORKLOAD).or_else(name)) {
        return Some((Alias::Workload { namespace: Raw::new(namespace), name: Raw::new(name) }, by));
    }
    if let (Some(namespace), Some((by, name))) = (namespace, first(labels, &POD)) {
        return Some((Alias::Pod { namespace: Raw::new(namespace), name: Raw::new(name) }, by));
    }
    if let Some((by, node)) = first(labels, &["node"]) {
        return Some((Alias::Node(Raw::new(node)), by));
    }
    if let Some((by, name)) = first(labels, &SERVICE) {
        return Some((service(namespace, name), by));
    }
    if let Some((by, address)) = instance {
        return Some((Alias::Address(Raw::new(address)), by));
    }
    if let Some((by, name)) = first(labels, &NAMED) {
        return Some((Alias::Named(Raw::new(name)), by));
    }
    // OpenTelemetry writes the job as `namespace/name`.
    let (by, job) = first(labels, &["job"])?;
    let subject = match job.split_once('/') {
        Some((namespace, name)) if !name.contains('/') => service(Some(namespace), name),
        _ => Alias::Named(Raw::new(job)),
    };
    Some((subject, by))
}

fn service(namespace: Option<&str>, name: &str) -> Alias {
    match namespace {
        Some(namespace) => Alias::Workload { namespace: Raw::new(namespace), name: Raw::new(name) },
        None => Alias::Named(Raw::new(name)),
    }
}

fn call(labels: &Labels) -> Option<Identity> {
    let value = |name: &str| labels.get(name).map(String::as_str).filter(|value| !value.is_empty());
    CALLS.iter().find_map(|[from, from_namespace, to, to_namespace]| {
        Some(Identity {
            subject: service(value(from_namespace), value(from)?),
            member: None,
            version: None,
            peer: Some(service(value(to_namespace), value(to)?)),
        })
    })
}

fn version(labels: &Labels) -> Option<Raw> {
    first(labels, &REVISION).map(|(_, value)| Raw::new(value))
}

fn first<'a>(labels: &'a Labels, names: &[&'static str]) -> Option<(&'static str, &'a str)> {
    names.iter().find_map(|name| {
        let value = labels.get(*name).filter(|value| !value.is_empty())?;
        Some((*name, value.as_str()))
    })
}

/// What the labels say beyond the subject and the revision.
fn rest(labels: &Labels, by: &str) -> Option<Raw> {
    let said = |name: &str| {
        name == by
            || [&NAMESPACE[..], &SERVICE[..], &REVISION[..], &COLLECTION[..]].iter().any(|names| names.contains(&name))
    };
    let rest: Vec<&str> = labels
        .iter()
        .filter(|(name, value)| !said(name) && !value.is_empty())
        .map(|(_, value)| value.as_str())
        .collect();
    (!rest.is_empty()).then(|| Raw::from(rest.join("/")))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn identity(labels: &[(&str, &str)]) -> Identity {
        Identity::of(&labels.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect(), "coredns")
    }

    fn workload(namespace: &str, name: &str) -> Alias {
        Alias::Workload { namespace: namespace.into(), name: name.into() }
    }

    #[test]
    fn subjects_by_their_labels() {
        let cases: [(&[(&str, &str)], Alias); 13] = [
            (&[("namespace", "shop"), ("service", "orders"), ("job", "pods")], workload("shop", "orders")),
            (&[("namespace", "shop"), ("app", "orders"), ("service", "")], workload("shop", "orders")),
            (&[("namespace", "shop"), ("deployment", "orders"), ("service", "ksm")], workload("shop", "orders")),
            (&[("namespace", "shop"), ("name", "orders")], workload("shop", "orders")),
            (
                &[("namespace", "shop"), ("pod", "orders-1")],
                Alias::Pod { namespace: "shop".into(), name: "orders-1".into() },
            ),
            (
                &[("namespace", "shop"), ("application_name", "ledger-2")],
                Alias::Pod { namespace: "shop".into(), name: "ledger-2".into() },
            ),
            (&[("node", "n1")], Alias::Node("n1".into())),
            (&[("job", "node"), ("instance", "10.0.0.1:9100")], Alias::Address("10.0.0.1:9100".into())),
            (&[("service", "orders")], Alias::Named("orders".into())),
            (&[("job", "shop/orders")], workload("shop", "orders")),
            (&[("job", "grafana")], Alias::Named("grafana".into())),
            (&[("proxy", "www")], Alias::Named("www".into())),
            (&[], Alias::Named("coredns".into())),
        ];
        for (labels, expected) in cases {
            assert_eq!(identity(labels).subject, expected, "{labels:?}");
        }
    }

    #[test]
    fn what_the_subject_does_not_say_is_the_member() {
        let disk = identity(&[("instance", "h:9100"), ("mountpoint", "/data"), ("job", "node")]);
        assert_eq!((disk.subject, disk.member), (Alias::Address("h:9100".into()), Some("/data".into())));
        let unit = identity(&[("instance", "h:9100"), ("name", "nginx.service")]);
        assert_eq!(unit.member, Some("nginx.service".into()));
        assert_eq!(identity(&[("namespace", "shop"), ("service", "a"), ("app", "b"), ("job", "c")]).member, None);
    }

    #[test]
    fn the_pod_template_hash_tells_revisions_before_a_version_label_does() {
        let labels = [("namespace", "s"), ("service", "a"), ("version", "1.2"), ("rollouts_pod_template_hash", "7f")];
        let identity = identity(&labels);
        assert_eq!((identity.version, identity.member), (Some("7f".into()), None));
    }

    #[test]
    fn calls_have_a_peer() {
        let graph = identity(&[("client", "gateway"), ("server", "orders")]);
        assert_eq!(graph.subject, Alias::Named("gateway".into()));
        assert_eq!(graph.peer, Some(Alias::Named("orders".into())));
    }
}
