//! Kubernetes objects as operations need them (facts/kubernetes.md 1).

use serde_json::Value;

use super::json::{self, Head, Selector};
use crate::domain::text::{Raw, Shown};
use crate::domain::time::Stamp;
use crate::operation::mutation::Resource;

/// Instances as a controller counts them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    pub total: u32,
    pub ready: u32,
    pub updated: u32,
    pub available: u32,
}

impl Counts {
    #[must_use]
    pub fn read(value: &Value) -> Self {
        Self {
            total: json::zero(value, "/status/replicas"),
            ready: json::zero(value, "/status/readyReplicas"),
            updated: json::zero(value, "/status/updatedReplicas"),
            available: json::zero(value, "/status/availableReplicas"),
        }
    }
}

/// A Deployment, StatefulSet or DaemonSet.
#[derive(Clone, Debug, PartialEq)]
pub struct WorkloadSeen {
    pub resource: Resource,
    pub head: Head,
    pub counts: Counts,
    pub replicas: u32,
    pub paused: bool,
    pub template: Value,
    pub selector: Selector,
    /// The controller has seen the latest specification.
    pub observed: bool,
    /// It will not get further by itself: reason of `Progressing=False` or `ReplicaFailure`. What is older than our own
    /// last write was said of the template before it: the controller tells that it has seen the new one before it takes
    /// the old condition back (measured, 1.36).
    pub stuck: Option<Shown>,
    /// `OrderedReady` StatefulSets stop at a pod that never gets ready (facts/controlplane.md 4).
    pub ordered: bool,
    /// `updateRevision` of a StatefulSet.
    pub update_revision: Raw,
    /// A new template does not reach every instance by itself: what its strategy says.
    pub held_back: Option<Shown>,
}

impl WorkloadSeen {
    /// # Errors
    /// When it has no identity.
    pub fn read(resource: Resource, value: &Value) -> Result<Self, Shown> {
        let head = Head::read(value)?;
        let observed = value.pointer("/status/observedGeneration").and_then(Value::as_i64).unwrap_or(0);
        let daemon = resource == Resource::DAEMON_SET;
        let counts = if daemon {
            Counts {
                total: json::zero(value, "/status/currentNumberScheduled"),
                ready: json::zero(value, "/status/numberReady"),
                updated: json::zero(value, "/status/updatedNumberScheduled"),
                available: json::zero(value, "/status/numberAvailable"),
            }
        } else {
            Counts::read(value)
        };
        let desired = if daemon { "/status/desiredNumberScheduled" } else { "/spec/replicas" };
        let ordered =
            resource == Resource::STATEFUL_SET && json::raw(value, "/spec/podManagementPolicy").as_str() != "Parallel";
        Ok(Self {
            resource,
            counts,
            replicas: json::count(value, desired).unwrap_or(u32::from(!daemon)),
            paused: json::truth(value, "/spec/paused"),
            template: value.pointer("/spec/template").cloned().unwrap_or(Value::Null),
            selector: Selector::read(value, "/spec/selector"),
            observed: observed >= head.generation,
            stuck: stuck(value, head.written_by_us("")),
            ordered,
            update_revision: json::raw(value, "/status/updateRevision"),
            held_back: held_back(value),
            head,
        })
    }

    /// The rollout of its template is over, by kubectl's own predicates (facts/kubernetes.md 1.3).
    #[must_use]
    pub const fn is_settled(&self) -> bool {
        self.observed
            && self.counts.updated >= self.replicas
            && self.counts.total <= self.counts.updated
            && self.counts.available >= self.counts.updated
    }
}

fn stuck(value: &Value, since: Option<Stamp>) -> Option<Shown> {
    let is = |condition: &&Value, kind: &str, status: &str| {
        json::raw(condition, "/type").as_str() == kind && json::raw(condition, "/status").as_str() == status
    };
    let news = |condition: &&Value| {
        let at = json::stamp(condition, "/lastUpdateTime");
        at.zip(since).is_none_or(|(at, since)| at >= since)
    };
    let conditions = || json::list(value, "/status/conditions").filter(news);
    let failure = conditions().find(|condition| is(condition, "ReplicaFailure", "True"));
    let deadline = conditions().find(|condition| {
        is(condition, "Progressing", "False") && json::raw(condition, "/reason").as_str() == "ProgressDeadlineExceeded"
    });
    if let Some(failure) = failure {
        let message: String = json::raw(failure, "/message").as_str().chars().take(120).collect();
        return Some(crate::shown!("ReplicaFailure: {}", Shown::of(&message)));
    }
    deadline.map(|_| Shown::fixed("ProgressDeadlineExceeded"))
}

/// `updateStrategy` of StatefulSets and DaemonSets.
fn held_back(value: &Value) -> Option<Shown> {
    if json::raw(value, "/spec/updateStrategy/type").as_str() == "OnDelete" {
        return Some(Shown::fixed("OnDelete: an instance is replaced only once it is evicted"));
    }
    let partition = json::zero(value, "/spec/updateStrategy/rollingUpdate/partition");
    (partition > 0).then(|| crate::shown!("partition {}: the instances below it keep their template", partition))
}

/// One revision of a workload: a ReplicaSet, or a ControllerRevision.
#[derive(Clone, Debug, PartialEq)]
pub struct RevisionSeen {
    pub head: Head,
    pub hash: Raw,
    pub number: Option<u64>,
    /// Pod template without the controller's hash label.
    pub template: Value,
    /// `ControllerRevision.data`, the patch that brings it back.
    pub data: Option<Value>,
    pub ready: u32,
    pub replicas: u32,
}

/// Hash labels that controllers add; a template that keeps one is stale at once (facts/controlplane.md 4).
const HASHES: [&str; 2] = ["pod-template-hash", "rollouts-pod-template-hash"];

impl RevisionSeen {
    /// # Errors
    /// When it has no identity.
    pub fn of_replica_set(value: &Value) -> Result<Self, Shown> {
        let head = Head::read(value)?;
        let hash = HASHES.iter().rev().find_map(|label| head.label(label)).cloned().unwrap_or_default();
        let number = ["deployment.kubernetes.io/revision", "rollout.argoproj.io/revision"]
            .iter()
            .find_map(|key| head.annotation(key)?.as_str().parse().ok());
        let mut template = value.pointer("/spec/template").cloned().unwrap_or(Value::Null);
        if let Some(labels) = template.pointer_mut("/metadata/labels").and_then(Value::as_object_mut) {
            for label in HASHES {
                labels.remove(label);
            }
        }
        Ok(Self {
            hash,
            number,
            template,
            data: None,
            ready: json::zero(value, "/status/readyReplicas"),
            replicas: json::zero(value, "/spec/replicas"),
            head,
        })
    }

    /// # Errors
    /// When it has no identity.
    pub fn of_controller_revision(value: &Value) -> Result<Self, Shown> {
        let head = Head::read(value)?;
        let mut template = value.pointer("/data/spec/template").cloned().unwrap_or(Value::Null);
        if let Some(template) = template.as_object_mut() {
            template.remove("$patch");
        }
        let hash = head.label("controller-revision-hash").or_else(|| head.label("controller.kubernetes.io/hash"));
        Ok(Self {
            hash: hash.cloned().unwrap_or_default(),
            number: value.pointer("/revision").and_then(Value::as_u64),
            template,
            data: value.pointer("/data").cloned(),
            ready: 0,
            replicas: 0,
            head,
        })
    }

    #[must_use]
    pub fn images(&self) -> Vec<Raw> {
        images(&self.template)
    }

    /// What its author wrote about it.
    #[must_use]
    pub fn cause(&self) -> Option<&Raw> {
        self.head.annotation("kubernetes.io/change-cause")
    }
}

/// Images of a pod template's containers.
#[must_use]
pub fn images(template: &Value) -> Vec<Raw> {
    json::list(template, "/spec/containers").map(|container| json::raw(container, "/image")).collect()
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AutoscalerSeen {
    pub head: Head,
    /// Kind and name of what it scales.
    pub scales: (Raw, Raw),
    pub min: u32,
    pub max: u32,
    pub current: u32,
    pub desired: u32,
    /// `ScalingActive`: false while it has no metrics or the target is at zero.
    pub active: bool,
}

impl AutoscalerSeen {
    /// # Errors
    /// When it has no identity.
    pub fn read(value: &Value) -> Result<Self, Shown> {
        let active = json::list(value, "/status/conditions")
            .find(|condition| json::raw(condition, "/type").as_str() == "ScalingActive");
        Ok(Self {
            head: Head::read(value)?,
            scales: (json::raw(value, "/spec/scaleTargetRef/kind"), json::raw(value, "/spec/scaleTargetRef/name")),
            min: json::count(value, "/spec/minReplicas").unwrap_or(1),
            max: json::zero(value, "/spec/maxReplicas"),
            current: json::zero(value, "/status/currentReplicas"),
            desired: json::zero(value, "/status/desiredReplicas"),
            active: active.is_none_or(|condition| json::raw(condition, "/status").as_str() == "True"),
        })
    }
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BudgetSeen {
    pub head: Head,
    pub selector: Selector,
    pub allowed: u32,
    pub healthy: u32,
    /// Healthy instances that must stay.
    pub floor: u32,
    /// The controller has seen the latest specification; before that evictions are refused.
    pub observed: bool,
    /// `unhealthyPodEvictionPolicy` `AlwaysAllow`: what is not ready may always go.
    pub spares_only_ready: bool,
}

impl BudgetSeen {
    /// # Errors
    /// When it has no identity.
    pub fn read(value: &Value) -> Result<Self, Shown> {
        let head = Head::read(value)?;
        let observed = value.pointer("/status/observedGeneration").and_then(Value::as_i64).unwrap_or(0);
        Ok(Self {
            selector: Selector::read(value, "/spec/selector"),
            allowed: json::zero(value, "/status/disruptionsAllowed"),
            healthy: json::zero(value, "/status/currentHealthy"),
            floor: json::zero(value, "/status/desiredHealthy"),
            observed: observed >= head.generation,
            spares_only_ready: json::raw(value, "/spec/unhealthyPodEvictionPolicy").as_str() == "AlwaysAllow",
            head,
        })
    }

    /// Whether a pod that runs and is not ready may go although no disruption is allowed (`IfHealthyBudget`, the default:
    /// while enough others are healthy).
    #[must_use]
    pub const fn lets_unready_go(&self) -> bool {
        self.spares_only_ready || (self.floor > 0 && self.healthy >= self.floor)
    }

    #[must_use]
    pub fn covers(&self, pod: &PodSeen) -> bool {
        self.head.namespace == pod.head.namespace && self.selector.matches(&pod.head.labels)
    }
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PodSeen {
    pub head: Head,
    pub node: Raw,
    pub phase: Raw,
    pub ready: bool,
    /// Why its first waiting container waits (`CrashLoopBackOff`), or why it cannot be scheduled.
    pub waiting: Option<Raw>,
    /// A static pod's mirror: the kubelet owns it.
    pub mirror: bool,
    /// Its data goes with it.
    pub empty_dir: bool,
}

impl PodSeen {
    /// # Errors
    /// When it has no identity.
    pub fn read(value: &Value) -> Result<Self, Shown> {
        let head = Head::read(value)?;
        let condition = |kind: &str| {
            json::list(value, "/status/conditions").find(|entry| json::raw(entry, "/type").as_str() == kind)
        };
        let container = json::list(value, "/status/containerStatuses").find_map(|status| {
            let reason = json::raw(status, "/state/waiting/reason");
            (!reason.is_empty()).then_some(reason)
        });
        let unscheduled = condition("PodScheduled")
            .filter(|entry| json::raw(entry, "/status").as_str() == "False")
            .map(|entry| json::raw(entry, "/reason"));
        Ok(Self {
            node: json::raw(value, "/spec/nodeName"),
            phase: json::raw(value, "/status/phase"),
            ready: condition("Ready").is_some_and(|entry| json::raw(entry, "/status").as_str() == "True"),
            waiting: container.or(unscheduled),
            mirror: head.annotation("kubernetes.io/config.mirror").is_some(),
            empty_dir: json::list(value, "/spec/volumes").any(|volume| volume.pointer("/emptyDir").is_some()),
            head,
        })
    }

    /// It has ended or ends by itself: nothing to move.
    #[must_use]
    pub fn is_over(&self) -> bool {
        self.head.deleting || matches!(self.phase.as_str(), "Succeeded" | "Failed")
    }

    /// A DaemonSet would put it back at once.
    #[must_use]
    pub fn of_daemon_set(&self) -> bool {
        self.head.controller.as_ref().is_some_and(|(kind, ..)| kind.as_str() == "DaemonSet")
    }

    /// The revision it runs.
    #[must_use]
    pub fn revision(&self) -> Option<&Raw> {
        ["rollouts-pod-template-hash", "pod-template-hash", "controller-revision-hash"]
            .iter()
            .find_map(|label| self.head.label(label))
    }
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NodeSeen {
    pub head: Head,
    pub unschedulable: bool,
    pub ready: bool,
}

impl NodeSeen {
    /// # Errors
    /// When it has no identity.
    pub fn read(value: &Value) -> Result<Self, Shown> {
        let ready = json::list(value, "/status/conditions").any(|condition| {
            json::raw(condition, "/type").as_str() == "Ready" && json::raw(condition, "/status").as_str() == "True"
        });
        Ok(Self { head: Head::read(value)?, unschedulable: json::truth(value, "/spec/unschedulable"), ready })
    }
}

/// A CloudNativePG cluster (facts/kubernetes.md 1.8).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CnpgSeen {
    pub head: Head,
    pub instances: u32,
    pub ready: u32,
    pub names: Vec<Raw>,
    pub current: Raw,
    /// Differs from `current` while it moves; `pending` while the operator chooses.
    pub target: Raw,
    pub phase: Raw,
    pub fenced: Vec<Raw>,
    /// Seconds the old primary may take to shut down; 3600 by default.
    pub switchover_delay: u32,
    /// Instances that the operator calls healthy.
    pub healthy: Vec<Raw>,
}

impl CnpgSeen {
    /// # Errors
    /// When it has no identity.
    pub fn read(value: &Value) -> Result<Self, Shown> {
        let head = Head::read(value)?;
        let fenced = head.annotation("cnpg.io/fencedInstances").map(Raw::as_str).unwrap_or_default();
        let names = |pointer: &str| json::list(value, pointer).filter_map(Value::as_str).map(Raw::new).collect();
        Ok(Self {
            instances: json::zero(value, "/spec/instances"),
            ready: json::zero(value, "/status/readyInstances"),
            names: names("/status/instanceNames"),
            current: json::raw(value, "/status/currentPrimary"),
            target: json::raw(value, "/status/targetPrimary"),
            phase: json::raw(value, "/status/phase"),
            fenced: serde_json::from_str::<Vec<String>>(fenced)
                .unwrap_or_default()
                .iter()
                .map(|n| Raw::new(n))
                .collect(),
            switchover_delay: json::count(value, "/spec/switchoverDelay").unwrap_or(3600),
            healthy: names("/status/instancesStatus/healthy"),
            head,
        })
    }
}

/// What one instance says of itself (`/pg/status` of its instance manager).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CnpgInstanceSeen {
    pub pod: Raw,
    pub primary: bool,
    /// It receives WAL from the primary now.
    pub receiving: bool,
    /// Bytes of WAL: written by a primary, received by a replica.
    pub lsn: Option<u64>,
}

impl CnpgInstanceSeen {
    #[must_use]
    pub fn read(pod: &Raw, value: &Value) -> Self {
        let primary = json::truth(value, "/isPrimary");
        let lsn = json::raw(value, if primary { "/currentLsn" } else { "/receivedLsn" });
        Self {
            pod: pod.clone(),
            primary,
            receiving: json::truth(value, "/isWalReceiverActive"),
            lsn: lsn_bytes(lsn.as_str()),
        }
    }
}

/// `16/B374D848` as a number of bytes (PostgreSQL `pg_lsn`).
fn lsn_bytes(text: &str) -> Option<u64> {
    let (high, low) = text.split_once('/')?;
    let high = u64::from_str_radix(high, 16).ok()?;
    let low = u64::from_str_radix(low, 16).ok()?;
    (high <= u64::from(u32::MAX) && low <= u64::from(u32::MAX)).then_some((high << 32) | low)
}
