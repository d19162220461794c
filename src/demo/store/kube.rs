//! Kubernetes objects and their history of changes, as an API server holds them.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

use serde_json::Value;

use super::json::{set, text};

/// `group` is empty for the core group; `resource` is the plural, lower-case name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Gvr {
    pub group: &'static str,
    pub version: &'static str,
    pub resource: &'static str,
}

impl Gvr {
    #[must_use]
    pub const fn new(group: &'static str, version: &'static str, resource: &'static str) -> Self {
        Self { group, version, resource }
    }
}

pub const NAMESPACES: Gvr = Gvr::new("", "v1", "namespaces");
pub const NODES: Gvr = Gvr::new("", "v1", "nodes");
pub const PODS: Gvr = Gvr::new("", "v1", "pods");
pub const SERVICES: Gvr = Gvr::new("", "v1", "services");
pub const EVENTS: Gvr = Gvr::new("", "v1", "events");
pub const DEPLOYMENTS: Gvr = Gvr::new("apps", "v1", "deployments");
pub const REPLICASETS: Gvr = Gvr::new("apps", "v1", "replicasets");
pub const STATEFULSETS: Gvr = Gvr::new("apps", "v1", "statefulsets");
pub const DAEMONSETS: Gvr = Gvr::new("apps", "v1", "daemonsets");
pub const CONTROLLER_REVISIONS: Gvr = Gvr::new("apps", "v1", "controllerrevisions");
pub const HPAS: Gvr = Gvr::new("autoscaling", "v2", "horizontalpodautoscalers");
pub const PDBS: Gvr = Gvr::new("policy", "v1", "poddisruptionbudgets");
pub const ENDPOINT_SLICES: Gvr = Gvr::new("discovery.k8s.io", "v1", "endpointslices");
pub const ROLLOUTS: Gvr = Gvr::new("argoproj.io", "v1alpha1", "rollouts");
pub const APPLICATIONS: Gvr = Gvr::new("argoproj.io", "v1alpha1", "applications");
pub const CNPG_CLUSTERS: Gvr = Gvr::new("postgresql.cnpg.io", "v1", "clusters");
pub const KUSTOMIZATIONS: Gvr = Gvr::new("kustomize.toolkit.fluxcd.io", "v1", "kustomizations");
pub const LEASES: Gvr = Gvr::new("coordination.k8s.io", "v1", "leases");
/// Events of users in the newer form; the older one is [`EVENTS`].
pub const NEW_EVENTS: Gvr = Gvr::new("events.k8s.io", "v1", "events");
pub const POD_METRICS: Gvr = Gvr::new("metrics.k8s.io", "v1beta1", "pods");
pub const NODE_METRICS: Gvr = Gvr::new("metrics.k8s.io", "v1beta1", "nodes");

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ChangeKind {
    Added,
    Modified,
    Deleted,
}

/// One change, in the order of resource versions. A deleted object carries its last state.
#[derive(Clone, Debug)]
pub struct Change {
    pub kind: ChangeKind,
    pub gvr: Gvr,
    pub namespace: String,
    pub version: u64,
    pub object: Arc<Value>,
}

type Key = (String, String);

/// Changes older than this many are forgotten; a watch from before them is answered with 410.
const HISTORY: usize = 4096;

/// The store. `metadata.resourceVersion` is set here on every write.
#[derive(Debug, Default)]
pub struct Kube {
    objects: BTreeMap<Gvr, BTreeMap<Key, Arc<Value>>>,
    changes: VecDeque<Change>,
    version: u64,
}

impl Kube {
    /// Creates or replaces the object named in `object.metadata`. An identical object (but for its resourceVersion)
    /// is no change. Returns the resource version the object now has.
    pub fn apply(&mut self, gvr: Gvr, mut object: Value) -> u64 {
        let key = key_of(&object);
        let old = self.objects.get(&gvr).and_then(|all| all.get(&key));
        if let Some(old) = old {
            set(&mut object, &["metadata", "resourceVersion"], text(old, "/metadata/resourceVersion"));
            if **old == object {
                return resource_version(old);
            }
        }
        let kind = if old.is_some() { ChangeKind::Modified } else { ChangeKind::Added };
        self.version += 1;
        set(&mut object, &["metadata", "resourceVersion"], self.version.to_string());
        let object = Arc::new(object);
        self.objects.entry(gvr).or_default().insert(key.clone(), object.clone());
        self.record(kind, gvr, key.0, object);
        self.version
    }

    /// Removes the object; watchers get its last state with a new resourceVersion.
    pub fn delete(&mut self, gvr: Gvr, namespace: &str, name: &str) -> bool {
        let key = (namespace.to_owned(), name.to_owned());
        let Some(old) = self.objects.get_mut(&gvr).and_then(|all| all.remove(&key)) else { return false };
        self.version += 1;
        let mut object = (*old).clone();
        set(&mut object, &["metadata", "resourceVersion"], self.version.to_string());
        self.record(ChangeKind::Deleted, gvr, key.0, Arc::new(object));
        true
    }

    /// Replaces all objects of a resource that cannot be watched (metrics.k8s.io): no change is recorded.
    pub fn replace_all(&mut self, gvr: Gvr, objects: impl IntoIterator<Item = Value>) {
        self.version += 1;
        let version = self.version.to_string();
        let stamped = objects.into_iter().map(|mut object| {
            set(&mut object, &["metadata", "resourceVersion"], version.clone());
            (key_of(&object), Arc::new(object))
        });
        self.objects.insert(gvr, stamped.collect());
    }

    #[must_use]
    pub fn get(&self, gvr: Gvr, namespace: &str, name: &str) -> Option<&Arc<Value>> {
        self.objects.get(&gvr)?.get(&(namespace.to_owned(), name.to_owned()))
    }

    /// Objects of one resource, ordered by namespace and name.
    pub fn list(&self, gvr: Gvr) -> impl Iterator<Item = &Arc<Value>> {
        self.objects.get(&gvr).into_iter().flat_map(|all| all.values())
    }

    /// The newest resource version of the store.
    #[must_use]
    pub fn version(&self) -> u64 {
        self.version
    }

    /// Changes after `version`, or `None` when some of them are already forgotten.
    #[must_use]
    pub fn changes_since(&self, version: u64) -> Option<impl Iterator<Item = &Change>> {
        let oldest = self.changes.front().map_or(self.version + 1, |c| c.version);
        (version + 1 >= oldest || version >= self.version)
            .then(|| self.changes.iter().filter(move |c| c.version > version))
    }

    fn record(&mut self, kind: ChangeKind, gvr: Gvr, namespace: String, object: Arc<Value>) {
        if self.changes.len() == HISTORY {
            self.changes.pop_front();
        }
        self.changes.push_back(Change { kind, gvr, namespace, version: self.version, object });
    }
}

fn key_of(object: &Value) -> Key {
    let part = |name: &str| text(object, &format!("/metadata/{name}")).to_owned();
    (part("namespace"), part("name"))
}

fn resource_version(object: &Value) -> u64 {
    text(object, "/metadata/resourceVersion").parse().unwrap_or_default()
}
