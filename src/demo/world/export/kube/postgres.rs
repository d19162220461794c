//! CloudNativePG (`postgresql.cnpg.io/v1`): the Cluster, and the Service of its primary.

use serde_json::{Value, json};

use crate::demo::store::json::set;
use crate::demo::world::cluster::Workload;
use crate::demo::world::model::Model;
use crate::demo::world::operations::postgres::{Cluster, FAILOVER_DELAY, SWITCHOVER_DELAY};
use crate::demo::world::pod::Pod;
use crate::demo::world::spec;

use super::{labels, metadata, owner, timestamp};

pub const API_VERSION: &str = "postgresql.cnpg.io/v1";

/// The state of the cluster that a workload is.
pub fn known<'a>(model: &'a Model, workload: &Workload) -> Option<&'a Cluster> {
    model.operations.postgres.iter().find(|cluster| cluster.store.name == workload.spec.name)
}

/// Whether a pod is the primary.
pub fn leads(model: &Model, workload: &Workload, pod: &Pod) -> bool {
    known(model, workload).is_some_and(|cluster| cluster.current() == pod.name)
}

pub fn object(model: &Model, workload: &Workload) -> Value {
    let (spec, at) = (workload.spec, model.at);
    let Some(cluster) = known(model, workload) else { return Value::Null };
    let tag = workload.revision(workload.current).map_or("", |r| r.tag.as_str());
    let created = workload.revisions.first().map_or(at, |r| r.created_at);
    let mut metadata = metadata(model.seed, "Cluster", spec.namespace, spec.name, created);
    set(&mut metadata, &["generation"], workload.generation);
    set(&mut metadata, &["labels"], labels(spec));
    let names: Vec<&str> = cluster.store.members.iter().map(|m| m.id).collect();
    let ready = |name: &&&str| workload.pods.iter().any(|p| p.name == ***name && p.ready(at));
    let healthy: Vec<&&str> = names.iter().filter(ready).collect();
    let failed: Vec<&&str> = names.iter().filter(|name| !ready(name)).collect();
    let phase = cluster.phase(at, healthy.len() as u32);
    let whole = healthy.len() == names.len();
    json!({
        "apiVersion": API_VERSION, "kind": "Cluster", "metadata": metadata,
        "spec": {
            "instances": workload.desired, "imageName": format!("ghcr.io/{}:{tag}", spec.image),
            "primaryUpdateStrategy": "unsupervised", "failoverDelay": FAILOVER_DELAY,
            "switchoverDelay": SWITCHOVER_DELAY, "storage": {"size": "50Gi"},
            "monitoring": {"enablePodMonitor": true},
        },
        "status": {
            "instances": workload.pods.iter().filter(|p| p.deleted_at.is_none()).count(),
            "readyInstances": healthy.len(), "instanceNames": names,
            "instancesStatus": {"healthy": healthy, "failed": failed},
            "currentPrimary": cluster.current(), "targetPrimary": cluster.wanted(),
            "timelineID": cluster.timeline, "phase": phase,
            "writeService": format!("{}-rw", spec.name), "readService": format!("{}-r", spec.name),
            "conditions": [{
                "type": "Ready", "status": if whole { "True" } else { "False" },
                "reason": if whole { "ClusterIsReady" } else { "ClusterIsNotReady" },
                "message": if whole { "Cluster is Ready" } else { "Cluster Is Not Ready" },
                "lastTransitionTime": timestamp(workload.settled_at),
            }],
        },
    })
}

/// The name by which who writes reaches the primary.
pub fn service(seed: u64, workload: &spec::Workload, created_at: i64) -> Value {
    let name = format!("{}-rw", workload.name);
    let mut metadata = metadata(seed, "Service", workload.namespace, &name, created_at);
    set(&mut metadata, &["labels"], json!({"cnpg.io/cluster": workload.name}));
    set(&mut metadata, &["ownerReferences"], owner(seed, API_VERSION, "Cluster", workload.namespace, workload.name));
    json!({
        "apiVersion": "v1", "kind": "Service", "metadata": metadata,
        "spec": {
            "type": "ClusterIP", "clusterIP": "172.20.15.30", "clusterIPs": ["172.20.15.30"],
            "sessionAffinity": "None",
            "selector": {"cnpg.io/cluster": workload.name, "cnpg.io/instanceRole": "primary"},
            "ports": [{"name": "postgres", "port": 5432, "targetPort": 5432, "protocol": "TCP"}],
        },
        "status": {"loadBalancer": {}},
    })
}

/// The labels that the operator gives to a pod.
pub fn mark(model: &Model, workload: &Workload, pod: &Pod, metadata: &mut Value) {
    let role = if leads(model, workload, pod) { "primary" } else { "replica" };
    for (name, value) in [
        ("cnpg.io/cluster", workload.spec.name),
        ("cnpg.io/instanceName", pod.name.as_str()),
        ("cnpg.io/instanceRole", role),
        ("cnpg.io/podRole", "instance"),
        ("role", role),
    ] {
        set(metadata, &["labels", name], value);
    }
}

/// What an instance tells of itself (`/pg/status` of its instance manager, facts/kubernetes.md 1.8); none when nobody
/// answers there.
pub fn instance_status(model: &Model, pod: &str) -> Option<Value> {
    let cluster = model.operations.postgres.iter().find(|cluster| cluster.member(pod).is_some())?;
    let member = cluster.member(pod)?;
    if !cluster.answers(member, model.at) {
        return None;
    }
    let lag = model.databases.get(cluster.first + member).map_or(0.0, |state| state.lag);
    let lsn = |lag: f64| {
        let position = cluster.position(lag, model.at);
        format!("{:X}/{:X}", position >> 32, position & 0xffff_ffff)
    };
    let primary = cluster.current() == pod;
    Some(if primary {
        json!({
            "isPrimary": true, "currentLsn": lsn(0.0), "timeLineID": cluster.timeline,
            "isWalReceiverActive": false, "isPodReady": true, "pendingRestart": false,
        })
    } else {
        let streams = cluster.member(cluster.current()).is_some_and(|primary| cluster.answers(primary, model.at));
        json!({
            "isPrimary": false, "receivedLsn": lsn(lag), "replayLsn": lsn(lag), "replayPaused": false,
            "timeLineID": cluster.timeline, "isWalReceiverActive": streams, "isPodReady": true,
            "pendingRestart": false,
        })
    })
}
