//! The kinds that the API serves.

use serde_json::{Value, json};

use crate::demo::store::kube::{
    APPLICATIONS, CNPG_CLUSTERS, CONTROLLER_REVISIONS, DAEMONSETS, DEPLOYMENTS, ENDPOINT_SLICES, EVENTS, Gvr, HPAS,
    KUSTOMIZATIONS, LEASES, NAMESPACES, NEW_EVENTS, NODE_METRICS, NODES, PDBS, POD_METRICS, PODS, REPLICASETS,
    ROLLOUTS, SERVICES, STATEFULSETS,
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
    /// Verbs beside the reading ones, and parts that have a path of their own.
    pub writing: &'static [&'static str],
    pub subresources: &'static [&'static str],
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

    pub fn verbs(&self) -> Vec<&'static str> {
        let reading: &[&str] = if self.watchable { &["get", "list", "watch"] } else { &["get", "list"] };
        reading.iter().chain(self.writing).copied().collect()
    }

    /// Rows of its parts in an `APIResourceList`.
    pub fn parts(&self) -> impl Iterator<Item = Value> {
        self.subresources.iter().map(|part| {
            let (group, version, kind) = self.part_kind(part);
            let mut row = json!({
                "name": format!("{}/{part}", self.gvr.resource), "singularName": "", "namespaced": self.namespaced,
                "kind": kind, "verbs": part_verbs(part),
            });
            if !group.is_empty() && group != self.gvr.group {
                set(&mut row, &["group"], group);
                set(&mut row, &["version"], version);
            }
            row
        })
    }

    /// Group, version and kind of what a part is.
    fn part_kind(&self, part: &str) -> (&'static str, &'static str, &'static str) {
        match part {
            "scale" => ("autoscaling", "v1", "Scale"),
            "eviction" => ("policy", "v1", "Eviction"),
            _ => (self.gvr.group, self.gvr.version, self.kind),
        }
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
        let parts: Vec<Value> = self
            .subresources
            .iter()
            .map(|part| {
                let (group, version, kind) = self.part_kind(part);
                json!({
                    "subresource": part, "verbs": part_verbs(part),
                    "responseKind": {"group": group, "version": version, "kind": kind},
                })
            })
            .collect();
        if !parts.is_empty() {
            set(&mut row, &["subresources"], parts);
        }
        row
    }
}

fn part_verbs(part: &str) -> &'static [&'static str] {
    match part {
        "log" => &["get"],
        "eviction" => &["create"],
        _ => &["get", "patch", "update"],
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
    ("coordination.k8s.io", "v1"),
    ("discovery.k8s.io", "v1"),
    ("events.k8s.io", "v1"),
    ("argoproj.io", "v1alpha1"),
    ("kustomize.toolkit.fluxcd.io", "v1"),
    ("postgresql.cnpg.io", "v1"),
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
    writing: &[],
    subresources: &[],
    printer: &table::NAMED,
};

const CHANGED: &[&str] = &["patch", "update"];

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
        writing: CHANGED,
        singular: "node",
        short: &["no"],
        namespaced: false,
        printer: &table::NODES,
        ..STORED
    },
    Resource {
        gvr: PODS,
        kind: "Pod",
        writing: &["delete"],
        subresources: &["eviction", "log"],
        singular: "pod",
        short: &["po"],
        in_all: true,
        printer: &table::PODS,
        ..STORED
    },
    Resource {
        gvr: SERVICES,
        kind: "Service",
        singular: "service",
        short: &["svc"],
        in_all: true,
        printer: &table::SERVICES,
        ..STORED
    },
    Resource {
        gvr: EVENTS,
        kind: "Event",
        writing: &["create"],
        singular: "event",
        short: &["ev"],
        printer: &table::EVENTS,
        ..STORED
    },
    Resource {
        gvr: DEPLOYMENTS,
        kind: "Deployment",
        writing: CHANGED,
        subresources: &["scale", "status"],
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
        writing: CHANGED,
        subresources: &["scale", "status"],
        singular: "statefulset",
        short: &["sts"],
        in_all: true,
        printer: &table::STATEFULSETS,
        ..STORED
    },
    Resource {
        gvr: DAEMONSETS,
        kind: "DaemonSet",
        writing: CHANGED,
        subresources: &["status"],
        singular: "daemonset",
        short: &["ds"],
        in_all: true,
        printer: &table::DAEMONSETS,
        ..STORED
    },
    Resource { gvr: CONTROLLER_REVISIONS, kind: "ControllerRevision", singular: "controllerrevision", ..STORED },
    Resource {
        gvr: HPAS,
        kind: "HorizontalPodAutoscaler",
        writing: CHANGED,
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
        writing: CHANGED,
        subresources: &["scale", "status"],
        singular: "rollout",
        short: &["ro"],
        in_all: true,
        printer: &table::ROLLOUTS,
        ..STORED
    },
    Resource {
        gvr: APPLICATIONS,
        kind: "Application",
        writing: CHANGED,
        singular: "application",
        short: &["app", "apps"],
        ..STORED
    },
    Resource {
        gvr: KUSTOMIZATIONS,
        kind: "Kustomization",
        writing: CHANGED,
        singular: "kustomization",
        short: &["ks"],
        ..STORED
    },
    Resource {
        gvr: CNPG_CLUSTERS,
        kind: "Cluster",
        writing: CHANGED,
        subresources: &["status"],
        singular: "cluster",
        ..STORED
    },
    Resource {
        gvr: LEASES,
        kind: "Lease",
        writing: &["create", "delete", "patch", "update"],
        singular: "lease",
        ..STORED
    },
    Resource { gvr: NEW_EVENTS, kind: "Event", writing: &["create"], singular: "event", short: &["ev"], ..STORED },
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
