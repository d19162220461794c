//! What a plan, its guards and its verification look at beyond the slim rows of the board: a closed list of reads, and
//! what each of them answers.
//!
//! Kubernetes reads say their own path ([`Gather::http`]) and read their own answers ([`Gather::read`]): whoever runs
//! them only needs a client that can fetch JSON. AWS reads and probes are answered with the types of [`aws`].

pub mod aws;
pub mod json;
pub mod kube;
pub mod owner;
pub mod rollout;
mod sheet;

pub use sheet::{Found, Seen, Sheet};

use serde_json::Value;

use self::aws::{CacheGroupSeen, DbClusterSeen, DbEvent, DbInstanceSeen};
use self::kube::{
    AutoscalerSeen, BudgetSeen, CnpgInstanceSeen, CnpgSeen, NodeSeen, PodSeen, RevisionSeen, WorkloadSeen,
};
use self::owner::{OwnerRef, OwnerSeen};
use self::rollout::RolloutSeen;
use super::mutation::kube::{Access, KubeMutation, Resource, segment};
use crate::domain::text::{Raw, Shown};
use crate::domain::time::Stamp;

/// An object by namespace and name.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Named {
    pub namespace: Raw,
    pub name: Raw,
}

/// One read. Nothing here changes anything: access reviews and server dry runs are POSTs and PATCHes that store nothing.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Gather {
    Rollout(Named),
    /// A Deployment, StatefulSet or DaemonSet.
    Workload(Resource, Named),
    /// ReplicaSets by label selector (query form).
    ReplicaSets {
        namespace: Raw,
        selector: String,
    },
    ControllerRevisions {
        namespace: Raw,
        selector: String,
    },
    Autoscalers {
        namespace: Raw,
    },
    /// Disruption budgets; an empty namespace is all of them.
    Budgets {
        namespace: Raw,
    },
    Pods {
        namespace: Raw,
        selector: String,
    },
    /// Pods of all namespaces on a node.
    PodsOn {
        node: Raw,
    },
    Pod(Named),
    Node {
        name: Raw,
    },
    Owner(OwnerRef),
    CnpgCluster(Named),
    /// What PostgreSQL says of itself, through the instance manager's status port (facts/kubernetes.md 1.8).
    CnpgInstance {
        namespace: Raw,
        pod: Raw,
    },
    Access(Access),
    DryRun(KubeMutation),
    DbInstance {
        region: Raw,
        id: Raw,
    },
    /// The cluster with the status, class and zone of its members (two Describe calls).
    DbCluster {
        region: Raw,
        id: Raw,
    },
    /// Events of an instance or a cluster since a moment, oldest first.
    DbEvents {
        region: Raw,
        source: Raw,
        cluster: bool,
        since: Stamp,
    },
    CacheGroup {
        region: Raw,
        id: Raw,
    },
    /// Whether a server answers now where the clients of a database component ask (`host:port`).
    WriteProbe {
        component: Raw,
        address: Raw,
    },
}

/// What a read found.
#[derive(Clone, Debug, PartialEq)]
pub enum Evidence {
    Rollout(Box<RolloutSeen>),
    Workload(Box<WorkloadSeen>),
    Revisions(Vec<RevisionSeen>),
    Autoscalers(Vec<AutoscalerSeen>),
    Budgets(Vec<BudgetSeen>),
    Pods(Vec<PodSeen>),
    Node(NodeSeen),
    Owner(Box<OwnerSeen>),
    Cnpg(Box<CnpgSeen>),
    CnpgInstance(CnpgInstanceSeen),
    Access {
        allowed: bool,
        reason: Shown,
    },
    /// The server would accept it; its warnings.
    DryRun {
        warnings: Vec<Shown>,
    },
    DbInstance(Box<DbInstanceSeen>),
    DbCluster(Box<DbClusterSeen>),
    DbEvents(Vec<DbEvent>),
    CacheGroup(Box<CacheGroupSeen>),
    /// A database's endpoint answers; that it leads to the new primary the goal tells. `None`: it could not be told (our own
    /// network), which is no sign of an outage.
    Writes {
        accepted: Option<bool>,
        why: Shown,
    },
}

/// An HTTP request that reads.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HttpRead {
    pub method: &'static str,
    pub path: String,
    pub content_type: Option<&'static str>,
    pub body: Option<String>,
}

impl Gather {
    /// The request to the Kubernetes API, `None` for AWS reads and probes.
    #[must_use]
    pub fn http(&self) -> Option<HttpRead> {
        let path = match self {
            Self::Rollout(named) => Resource::ROLLOUT.object(&named.namespace, &named.name),
            Self::Workload(resource, named) => resource.object(&named.namespace, &named.name),
            Self::ReplicaSets { namespace, selector } => selected(Resource::REPLICA_SET, namespace, selector),
            Self::ControllerRevisions { namespace, selector } => {
                selected(Resource::CONTROLLER_REVISION, namespace, selector)
            }
            Self::Autoscalers { namespace } => Resource::AUTOSCALER.collection(namespace),
            Self::Budgets { namespace } => Resource::BUDGET.collection(namespace),
            Self::Pods { namespace, selector } => selected(Resource::POD, namespace, selector),
            Self::PodsOn { node } => {
                let field = segment(&format!("spec.nodeName={}", node.as_str()));
                format!("{}?fieldSelector={field}", Resource::POD.collection(&Raw::default()))
            }
            Self::Pod(named) => Resource::POD.object(&named.namespace, &named.name),
            Self::Node { name } => Resource::NODE.object(&Raw::default(), name),
            Self::Owner(owner) => owner.resource().object(&owner.at().namespace, &owner.at().name),
            Self::CnpgCluster(named) => Resource::CNPG_CLUSTER.object(&named.namespace, &named.name),
            Self::CnpgInstance { namespace, pod } => {
                let port = Raw::from(format!("https:{}:8000", pod.as_str()));
                format!("{}/proxy/pg/status", Resource::POD.object(namespace, &port))
            }
            Self::Access(access) => return Some(review(access)),
            Self::DryRun(mutation) => return Some(dry(mutation)),
            Self::DbInstance { .. }
            | Self::DbCluster { .. }
            | Self::DbEvents { .. }
            | Self::CacheGroup { .. }
            | Self::WriteProbe { .. } => return None,
        };
        Some(HttpRead { method: "GET", path, content_type: None, body: None })
    }

    /// What a Kubernetes answer of status 2xx says. An answer that is not what the API documents is an error in words.
    ///
    /// # Errors
    /// When a field that the operation rests on is missing or of another type.
    pub fn read(&self, answer: &Value) -> Result<Evidence, Shown> {
        match self {
            Self::Rollout(_) => RolloutSeen::read(answer).map(|seen| Evidence::Rollout(Box::new(seen))),
            Self::Workload(resource, _) => {
                WorkloadSeen::read(*resource, answer).map(|seen| Evidence::Workload(Box::new(seen)))
            }
            Self::ReplicaSets { .. } => json::items(answer, RevisionSeen::of_replica_set).map(Evidence::Revisions),
            Self::ControllerRevisions { .. } => {
                json::items(answer, RevisionSeen::of_controller_revision).map(Evidence::Revisions)
            }
            Self::Autoscalers { .. } => json::items(answer, AutoscalerSeen::read).map(Evidence::Autoscalers),
            Self::Budgets { .. } => json::items(answer, BudgetSeen::read).map(Evidence::Budgets),
            Self::Pods { .. } | Self::PodsOn { .. } => json::items(answer, PodSeen::read).map(Evidence::Pods),
            Self::Pod(_) => PodSeen::read(answer).map(|pod| Evidence::Pods(vec![pod])),
            Self::Node { .. } => NodeSeen::read(answer).map(Evidence::Node),
            Self::Owner(owner) => OwnerSeen::read(owner, answer).map(|seen| Evidence::Owner(Box::new(seen))),
            Self::CnpgCluster(_) => CnpgSeen::read(answer).map(|seen| Evidence::Cnpg(Box::new(seen))),
            Self::CnpgInstance { pod, .. } => Ok(Evidence::CnpgInstance(CnpgInstanceSeen::read(pod, answer))),
            Self::Access(_) => Ok(Evidence::Access {
                allowed: json::truth(answer, "/status/allowed"),
                reason: json::raw(answer, "/status/reason").shown(),
            }),
            // A body of kind Status may carry a failure under 2xx (facts/kubernetes.md 0.6).
            Self::DryRun(_) if json::raw(answer, "/status").as_str() == "Failure" => {
                Err(json::raw(answer, "/message").shown())
            }
            Self::DryRun(_) => Ok(Evidence::DryRun { warnings: Vec::new() }),
            Self::DbInstance { .. }
            | Self::DbCluster { .. }
            | Self::DbEvents { .. }
            | Self::CacheGroup { .. }
            | Self::WriteProbe { .. } => Err(Shown::fixed("this read has no answer of a Kubernetes API")),
        }
    }

    /// What could not be read, for people: `the Rollout`, `the pods`.
    #[must_use]
    pub const fn words(&self) -> &'static str {
        match self {
            Self::Rollout(_) => "the Rollout",
            Self::Workload(..) => "the workload",
            Self::ReplicaSets { .. } | Self::ControllerRevisions { .. } => "its revisions",
            Self::Autoscalers { .. } => "the autoscalers",
            Self::Budgets { .. } => "the disruption budgets",
            Self::Pods { .. } | Self::PodsOn { .. } => "the pods",
            Self::Pod(_) => "the pod",
            Self::Node { .. } => "the node",
            Self::Owner(_) => "the GitOps owner",
            Self::CnpgCluster(_) => "the PostgreSQL cluster",
            Self::CnpgInstance { .. } => "the instance's status",
            Self::Access(_) => "the access review",
            Self::DryRun(_) => "the server dry run",
            Self::DbInstance { .. } => "the database instance",
            Self::DbCluster { .. } => "the database cluster",
            Self::DbEvents { .. } => "the database's events",
            Self::CacheGroup { .. } => "the replication group",
            Self::WriteProbe { .. } => "its endpoint",
        }
    }
}

fn selected(resource: Resource, namespace: &Raw, selector: &str) -> String {
    format!("{}?labelSelector={}", resource.collection(namespace), segment(selector))
}

fn review(access: &Access) -> HttpRead {
    HttpRead {
        method: "POST",
        path: "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews".to_owned(),
        content_type: Some("application/json"),
        body: Some(access.review()),
    }
}

fn dry(mutation: &KubeMutation) -> HttpRead {
    HttpRead {
        method: mutation.verb(),
        path: mutation.dry_path(),
        content_type: Some(mutation.content_type()),
        body: Some(mutation.dry_body()),
    }
}
