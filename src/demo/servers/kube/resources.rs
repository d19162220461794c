//! The kinds that the API serves.

use serde_json::{Value, json};

use crate::demo::store::kube::{
    DAEMONSETS, DEPLOYMENTS, ENDPOINT_SLICES, EVENTS, Gvr, HPAS, NAMESPACES, NODE_METRICS, NODES, PDBS, POD_METRICS,
    PODS, REPLICASETS, ROLLOUTS, SERVICES, STATEFULSETS,
};

use super::table::{self, Printer};
use crate::demo::store::json::set;

/// One served kind.
pub struct Resource {
    pub gvr: Gvr,
    pub kind: &'static str,
    pub singular: &'static str,
    pub short: &'static [&'static str],
    pub namespaced: bool,
    /// Whether `kubectl get all` lists it.
    pub in_all: bool,
    /// metrics.k8s.io is computed on request: it has no resource version to watch from.
    pub watchable: bool,
    pub printer: &'static Printer,
}

impl Resource {
    /// `apps/v1`, or `v1` for the core group.
    pub fn api_version(&self) -> String {
        group_version(self.gvr.group, self.gvr.version)
    }

    /// `deployments.apps`, or `pods` for the core group: how error messages name it.
    pub fn qualified(&self) -> String {
        if self.gvr.group.is_empty() {
            self.gvr.resource.to_owned()
        } else {
            format!("{}.{}", self.gvr.resource, self.gvr.group)
        }
    }

    pub fn verbs(&self) -> &'static [&'static str] {
        if self.watchable { &["get", "list", "watch"] } else { &["get", "list"] }
    }

    /// Its row in an `APIResourceList`.
    pub fn discovery(&self) -> Value {
        let mut row = json!({
            "name": self.gvr.resource, "singularName": self.singular, "namespaced": self.namespaced,
            "kind": self.kind, "verbs": self.verbs(),
        });
        if !self.short.is_empty() {
            set(&mut row, &["shortNames"], json!(self.short));
        }
        if self.in_all {
            set(&mut row, &["categories"], json!(["all"]));
        }
        row
    }

    /// Its row in an `APIGroupDiscoveryList`.
    pub fn aggregated(&self) -> Value {
        let mut row = json!({
            "resource": self.gvr.resource, "singularResource": self.singular, "verbs": self.verbs(),
            "responseKind": {"group": self.gvr.group, "version": self.gvr.version, "kind": self.kind},
            "scope": if self.namespaced { "Namespaced" } else { "Cluster" },
        });
        if !self.short.is_empty() {
            set(&mut row, &["shortNames"], json!(self.short));
        }
        if self.in_all {
            set(&mut row, &["categories"], json!(["all"]));
        }
        if self.gvr == PODS {
            set(
                &mut row,
                &["subresources"],
                json!([{
                    "subresource": "log", "verbs": ["get"],
                    "responseKind": {"group": "", "version": "v1", "kind": "Pod"},
                }]),
            );
        }
        row
    }
}

pub fn group_version(group: &str, version: &str) -> String {
    if group.is_empty() { version.to_owned() } else { format!("{group}/{version}") }
}

/// The served kind of that group, version and plural.
pub fn find(group: &str, version: &str, resource: &str) -> Option<&'static Resource> {
    RESOURCES.iter().find(|r| r.gvr.group == group && r.gvr.version == version && r.gvr.resource == resource)
}

/// The kinds of one group and version.
pub fn of(group: &str, version: &str) -> impl Iterator<Item = &'static Resource> {
    RESOURCES.iter().filter(move |r| r.gvr.group == group && r.gvr.version == version)
}

/// Named groups and their version, in the order they are served. The reviews' groups hold no stored kind.
pub const GROUPS: &[(&str, &str)] = &[
    ("apps", "v1"),
    ("authentication.k8s.io", "v1"),
    ("authorization.k8s.io", "v1"),
    ("autoscaling", "v2"),
    ("policy", "v1"),
    ("discovery.k8s.io", "v1"),
    ("argoproj.io", "v1alpha1"),
    ("metrics.k8s.io", "v1beta1"),
];

const STORED: Resource = Resource {
    gvr: Gvr::new("", "", ""),
    kind: "",
    singular: "",
    short: &[],
    namespaced: true,
    in_all: false,
    watchable: true,
    printer: &table::NAMED,
};

pub const RESOURCES: &[Resource] = &[
    Resource {
        gvr: NAMESPACES,
        kind: "Namespace",
        singular: "namespace",
        short: &["ns"],
        namespaced: false,
        printer: &table::NAMESPACES,
        ..STORED
    },
    Resource {
        gvr: NODES,
        kind: "Node",
        singular: "node",
        short: &["no"],
        namespaced: false,
        printer: &table::NODES,
        ..STORED
    },
    Resource { gvr: PODS, kind: "Pod", singular: "pod", short: &["po"], in_all: true, printer: &table::PODS, ..STORED },
    Resource {
        gvr: SERVICES,
        kind: "Service",
        singular: "service",
        short: &["svc"],
        in_all: true,
        printer: &table::SERVICES,
        ..STORED
    },
    Resource { gvr: EVENTS, kind: "Event", singular: "event", short: &["ev"], printer: &table::EVENTS, ..STORED },
    Resource {
        gvr: DEPLOYMENTS,
        kind: "Deployment",
        singular: "deployment",
        short: &["deploy"],
        in_all: true,
        printer: &table::DEPLOYMENTS,
        ..STORED
    },
    Resource {
        gvr: REPLICASETS,
        kind: "ReplicaSet",
        singular: "replicaset",
        short: &["rs"],
        in_all: true,
        printer: &table::REPLICASETS,
        ..STORED
    },
    Resource {
        gvr: STATEFULSETS,
        kind: "StatefulSet",
        singular: "statefulset",
        short: &["sts"],
        in_all: true,
        printer: &table::STATEFULSETS,
        ..STORED
    },
    Resource {
        gvr: DAEMONSETS,
        kind: "DaemonSet",
        singular: "daemonset",
        short: &["ds"],
        in_all: true,
        printer: &table::DAEMONSETS,
        ..STORED
    },
    Resource {
        gvr: HPAS,
        kind: "HorizontalPodAutoscaler",
        singular: "horizontalpodautoscaler",
        short: &["hpa"],
        in_all: true,
        printer: &table::HPAS,
        ..STORED
    },
    Resource {
        gvr: PDBS,
        kind: "PodDisruptionBudget",
        singular: "poddisruptionbudget",
        short: &["pdb"],
        printer: &table::PDBS,
        ..STORED
    },
    Resource {
        gvr: ENDPOINT_SLICES,
        kind: "EndpointSlice",
        singular: "endpointslice",
        printer: &table::ENDPOINT_SLICES,
        ..STORED
    },
    Resource {
        gvr: ROLLOUTS,
        kind: "Rollout",
        singular: "rollout",
        short: &["ro"],
        in_all: true,
        printer: &table::ROLLOUTS,
        ..STORED
    },
    Resource {
        gvr: POD_METRICS,
        kind: "PodMetrics",
        singular: "pod",
        watchable: false,
        printer: &table::POD_METRICS,
        ..STORED
    },
    Resource {
        gvr: NODE_METRICS,
        kind: "NodeMetrics",
        singular: "node",
        namespaced: false,
        watchable: false,
        printer: &table::NODE_METRICS,
        ..STORED
    },
];
