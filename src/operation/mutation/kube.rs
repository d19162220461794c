//! Writing requests to a Kubernetes API (facts/kubernetes.md 1, facts/controlplane.md 4 and 5).
//!
//! Preconditions are JSON-patch `test`s on what the operator saw wherever a patch can carry them: a failing one is 422
//! with an empty body. `resourceVersion` is not used, because it moves with every status update of a live rollout.

use serde_json::{Value, json};

use crate::domain::text::Raw;

/// The name under which our writes stand in managedFields.
pub const FIELD_MANAGER: &str = "tierdeck";

/// A kind of object by its API: group and version, plural, whether it lives in a namespace.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Resource {
    /// `""` is the core group.
    pub group: &'static str,
    pub version: &'static str,
    pub plural: &'static str,
    pub kind: &'static str,
    pub namespaced: bool,
}

const fn resource(group: &'static str, version: &'static str, plural: &'static str, kind: &'static str) -> Resource {
    Resource { group, version, plural, kind, namespaced: true }
}

impl Resource {
    pub const ROLLOUT: Self = resource("argoproj.io", "v1alpha1", "rollouts", "Rollout");
    pub const DEPLOYMENT: Self = resource("apps", "v1", "deployments", "Deployment");
    pub const STATEFUL_SET: Self = resource("apps", "v1", "statefulsets", "StatefulSet");
    pub const DAEMON_SET: Self = resource("apps", "v1", "daemonsets", "DaemonSet");
    pub const REPLICA_SET: Self = resource("apps", "v1", "replicasets", "ReplicaSet");
    pub const CONTROLLER_REVISION: Self = resource("apps", "v1", "controllerrevisions", "ControllerRevision");
    pub const AUTOSCALER: Self = resource("autoscaling", "v2", "horizontalpodautoscalers", "HorizontalPodAutoscaler");
    pub const BUDGET: Self = resource("policy", "v1", "poddisruptionbudgets", "PodDisruptionBudget");
    pub const POD: Self = resource("", "v1", "pods", "Pod");
    pub const NODE: Self = Self { namespaced: false, ..resource("", "v1", "nodes", "Node") };
    pub const APPLICATION: Self = resource("argoproj.io", "v1alpha1", "applications", "Application");
    pub const KUSTOMIZATION: Self = resource("kustomize.toolkit.fluxcd.io", "v1", "kustomizations", "Kustomization");
    pub const HELM_RELEASE: Self = resource("helm.toolkit.fluxcd.io", "v2", "helmreleases", "HelmRelease");
    pub const CNPG_CLUSTER: Self = resource("postgresql.cnpg.io", "v1", "clusters", "Cluster");

    /// `/apis/apps/v1/namespaces/NS/deployments`; `namespace` is left out for what lives in none, and when it is empty
    /// for a list over all namespaces.
    #[must_use]
    pub fn collection(&self, namespace: &Raw) -> String {
        let root = if self.group.is_empty() {
            format!("/api/{}", self.version)
        } else {
            format!("/apis/{}/{}", self.group, self.version)
        };
        if self.namespaced && !namespace.is_empty() {
            format!("{root}/namespaces/{}/{}", segment(namespace.as_str()), self.plural)
        } else {
            format!("{root}/{}", self.plural)
        }
    }

    #[must_use]
    pub fn object(&self, namespace: &Raw, name: &Raw) -> String {
        format!("{}/{}", self.collection(namespace), segment(name.as_str()))
    }
}

/// A path segment: everything but unreserved characters is percent-encoded (RFC 3986).
#[must_use]
pub fn segment(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.' | b'~') {
            out.push(char::from(byte));
        } else {
            out.push_str(&format!("%{byte:02X}"));
        }
    }
    out
}

/// How a body changes the object.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Patch {
    Merge,
    Json,
    /// Built-in kinds only: custom resources answer 415.
    Strategic,
}

/// What a request asserts of the object besides its name; the server refuses it otherwise.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Precondition {
    /// JSON pointer, for example `/status/currentStepIndex`.
    pub path: String,
    /// The value as JSON.
    pub value: String,
}

/// One writing request to a Kubernetes API.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum KubeMutation {
    Patch {
        resource: Resource,
        namespace: Raw,
        name: Raw,
        /// `status`, `scale`, or none.
        subresource: Option<&'static str>,
        patch: Patch,
        body: String,
        /// What the body asserts, for the card; it is part of the body.
        preconditions: Vec<Precondition>,
    },
    /// Asks the server to delete a pod within its disruption budgets (policy/v1). Held to one pod by its uid.
    Evict { namespace: Raw, pod: Raw, uid: Raw },
}

impl KubeMutation {
    /// A JSON patch: the uid and `asserts` are tested first, then `changes` are made.
    #[must_use]
    pub fn json(
        on: &Object<'_>,
        subresource: Option<&'static str>,
        asserts: &[(&str, Value)],
        changes: &[Value],
    ) -> Self {
        let uid = [("/metadata/uid", json!(on.uid.as_str()))];
        let asserts: Vec<_> = uid.iter().chain(asserts).collect();
        let tests = asserts.iter().map(|(path, value)| json!({ "op": "test", "path": path, "value": value }));
        let operations: Vec<Value> = tests.chain(changes.iter().cloned()).collect();
        let preconditions =
            asserts.iter().map(|(path, value)| Precondition { path: (*path).to_owned(), value: value.to_string() });
        on.patch(subresource, Patch::Json, Value::from(operations).to_string(), preconditions.collect())
    }

    /// A strategic merge patch with the uid as its precondition: another one is 422, the field is immutable.
    #[must_use]
    pub fn strategic(on: &Object<'_>, mut body: Value) -> Self {
        let uid = json!(on.uid.as_str());
        let precondition = Precondition { path: "/metadata/uid".to_owned(), value: uid.to_string() };
        if let Some(map) = body.as_object_mut() {
            let metadata = map.entry("metadata").or_insert_with(|| json!({}));
            if let Some(metadata) = metadata.as_object_mut() {
                metadata.insert("uid".to_owned(), uid);
            }
        }
        on.patch(None, Patch::Strategic, body.to_string(), vec![precondition])
    }

    #[must_use]
    pub const fn verb(&self) -> &'static str {
        match self {
            Self::Patch { .. } => "PATCH",
            Self::Evict { .. } => "POST",
        }
    }

    /// Path and query.
    #[must_use]
    pub fn path(&self) -> String {
        match self {
            Self::Patch { resource, namespace, name, subresource, .. } => {
                let object = resource.object(namespace, name);
                let below = subresource.map(|part| format!("/{part}")).unwrap_or_default();
                format!("{object}{below}?fieldManager={FIELD_MANAGER}")
            }
            Self::Evict { namespace, pod, .. } => format!("{}/eviction", Resource::POD.object(namespace, pod)),
        }
    }

    /// The same request as a server dry run. For an eviction the option stands in the body
    /// ([`Self::dry_body`]); the server takes either and refuses a contradiction (facts/controlplane.md 0.7).
    #[must_use]
    pub fn dry_path(&self) -> String {
        match self {
            Self::Patch { .. } => format!("{}&dryRun=All", self.path()),
            Self::Evict { .. } => self.path(),
        }
    }

    #[must_use]
    pub const fn content_type(&self) -> &'static str {
        match self {
            Self::Patch { patch: Patch::Merge, .. } => "application/merge-patch+json",
            Self::Patch { patch: Patch::Json, .. } => "application/json-patch+json",
            Self::Patch { patch: Patch::Strategic, .. } => "application/strategic-merge-patch+json",
            Self::Evict { .. } => "application/json",
        }
    }

    #[must_use]
    pub fn body(&self) -> String {
        match self {
            Self::Patch { body, .. } => body.clone(),
            Self::Evict { namespace, pod, uid } => eviction(namespace, pod, uid, false),
        }
    }

    #[must_use]
    pub fn dry_body(&self) -> String {
        match self {
            Self::Patch { body, .. } => body.clone(),
            Self::Evict { namespace, pod, uid } => eviction(namespace, pod, uid, true),
        }
    }

    /// The rights it needs.
    #[must_use]
    pub fn access(&self) -> Access {
        match self {
            Self::Patch { resource, namespace, name, subresource, .. } => Access {
                verb: "patch",
                group: resource.group,
                resource: resource.plural,
                subresource: subresource.unwrap_or_default(),
                namespace: if resource.namespaced { namespace.clone() } else { Raw::default() },
                name: name.clone(),
            },
            Self::Evict { namespace, pod, .. } => Access {
                verb: "create",
                group: "",
                resource: "pods",
                subresource: "eviction",
                namespace: namespace.clone(),
                name: pod.clone(),
            },
        }
    }
}

fn eviction(namespace: &Raw, pod: &Raw, uid: &Raw, dry: bool) -> String {
    let mut options = json!({ "preconditions": { "uid": uid.as_str() } });
    if dry && let Some(options) = options.as_object_mut() {
        options.insert("dryRun".to_owned(), json!(["All"]));
    }
    json!({
        "apiVersion": "policy/v1",
        "deleteOptions": options,
        "kind": "Eviction",
        "metadata": { "name": pod.as_str(), "namespace": namespace.as_str() },
    })
    .to_string()
}

/// One object as it was seen.
#[derive(Clone, Copy, Debug)]
pub struct Object<'a> {
    pub resource: Resource,
    pub namespace: &'a Raw,
    pub name: &'a Raw,
    pub uid: &'a Raw,
}

impl Object<'_> {
    fn patch(
        &self,
        subresource: Option<&'static str>,
        patch: Patch,
        body: String,
        preconditions: Vec<Precondition>,
    ) -> KubeMutation {
        KubeMutation::Patch {
            resource: self.resource,
            namespace: self.namespace.clone(),
            name: self.name.clone(),
            subresource,
            patch,
            body,
            preconditions,
        }
    }
}

/// A right, as a SelfSubjectAccessReview asks for it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Access {
    pub verb: &'static str,
    pub group: &'static str,
    pub resource: &'static str,
    pub subresource: &'static str,
    pub namespace: Raw,
    pub name: Raw,
}

impl Access {
    /// The body of `POST /apis/authorization.k8s.io/v1/selfsubjectaccessreviews`.
    #[must_use]
    pub fn review(&self) -> String {
        json!({
            "apiVersion": "authorization.k8s.io/v1",
            "kind": "SelfSubjectAccessReview",
            "spec": { "resourceAttributes": {
                "group": self.group,
                "name": self.name.as_str(),
                "namespace": self.namespace.as_str(),
                "resource": self.resource,
                "subresource": self.subresource,
                "verb": self.verb,
            }},
        })
        .to_string()
    }

    /// `patch rollouts/status in shop`.
    #[must_use]
    pub fn words(&self) -> crate::domain::text::Shown {
        let slash = if self.subresource.is_empty() { "" } else { "/" };
        let place = if self.namespace.is_empty() { Raw::new("the cluster") } else { self.namespace.clone() };
        crate::shown!("{} {}{}{} in {}", self.verb, self.resource, slash, self.subresource, place)
    }
}
