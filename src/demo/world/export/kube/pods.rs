//! Pods and the template they are made from.

use serde_json::{Value, json};

use crate::demo::store::json::set;
use crate::demo::world::cluster::{Revision, Workload};
use crate::demo::world::model::Model;
use crate::demo::world::noise::uid;
use crate::demo::world::pod::{Pod, SCHEDULED_AFTER, STARTED_AFTER};
use crate::demo::world::spec::Kind;

use super::{labels, metadata, owner, postgres, timestamp};

/// The pod template of a revision, without its hash.
pub fn template(workload: &Workload, revision: &Revision) -> Value {
    let spec = workload.spec;
    if let Some(written) = &revision.template {
        return written.clone();
    }
    json!({
        "metadata": {"labels": labels(spec)},
        "spec": {
            "serviceAccountName": spec.name,
            "restartPolicy": "Always",
            "terminationGracePeriodSeconds": 30,
            "dnsPolicy": "ClusterFirst",
            "schedulerName": "default-scheduler",
            "topologySpreadConstraints": [{
                "maxSkew": 1, "topologyKey": "topology.kubernetes.io/zone", "whenUnsatisfiable": "ScheduleAnyway",
                "labelSelector": {"matchLabels": {"app": spec.name}},
            }],
            "containers": [{
                "name": spec.container(),
                "image": format!("{}:{}", spec.image, revision.tag),
                "imagePullPolicy": "IfNotPresent",
                "ports": [{"name": "http", "containerPort": spec.port, "protocol": "TCP"}],
                "readinessProbe": {
                    "httpGet": {"path": "/ready", "port": "http", "scheme": "HTTP"},
                    "periodSeconds": 5, "timeoutSeconds": 1, "successThreshold": 1, "failureThreshold": 3,
                },
                "resources": {
                    "requests": {"cpu": format!("{}m", spec.cpu_request), "memory": format!("{}Mi", spec.memory)},
                    "limits": {"cpu": format!("{}m", spec.cpu_request * 2), "memory": format!("{}Mi", spec.memory)},
                },
            }],
        },
    })
}

/// The label that carries the hash of a workload's pod template.
pub fn hash_label(kind: Kind) -> &'static str {
    match kind {
        Kind::Rollout => "rollouts-pod-template-hash",
        Kind::Deployment => "pod-template-hash",
        Kind::StatefulSet | Kind::DaemonSet | Kind::PostgresCluster => "controller-revision-hash",
    }
}

pub fn object(model: &Model, workload: &Workload, pod: &Pod) -> Value {
    let (spec, seed, at) = (workload.spec, model.seed, model.at);
    let Some(revision) = workload.revision(pod.revision) else { return Value::Null };
    let mut metadata = metadata(seed, "Pod", spec.namespace, &pod.name, pod.created_at);
    set(&mut metadata, &["labels"], labels(spec));
    set(&mut metadata, &["labels", hash_label(spec.kind)], json!(revision.hash));
    if spec.kind == Kind::PostgresCluster {
        postgres::mark(model, workload, pod, &mut metadata);
    }
    if matches!(spec.kind, Kind::StatefulSet | Kind::PostgresCluster) {
        // A pod that takes the name of one that is gone is another pod.
        set(&mut metadata, &["uid"], json!(uid(seed, &format!("Pod/{}/{}#{}", spec.namespace, pod.name, pod.id))));
    }
    set(
        &mut metadata,
        &["ownerReferences"],
        match spec.kind {
            Kind::Deployment | Kind::Rollout => {
                owner(seed, "apps/v1", "ReplicaSet", spec.namespace, &workload.replica_set(pod.revision))
            }
            Kind::StatefulSet => owner(seed, "apps/v1", "StatefulSet", spec.namespace, spec.name),
            Kind::DaemonSet => owner(seed, "apps/v1", "DaemonSet", spec.namespace, spec.name),
            Kind::PostgresCluster => owner(seed, postgres::API_VERSION, "Cluster", spec.namespace, spec.name),
        },
    );
    set(&mut metadata, &["generateName"], json!(format!("{}-", workload.replica_set(pod.revision))));
    if let Some(deleted) = pod.deleted_at {
        set(&mut metadata, &["deletionTimestamp"], json!(timestamp(deleted + 30_000)));
        set(&mut metadata, &["deletionGracePeriodSeconds"], json!(30));
    }
    let mut pod_spec = template(workload, revision).get_mut("spec").map(Value::take).unwrap_or_default();
    let scheduled = pod.created_at + SCHEDULED_AFTER <= at;
    if scheduled {
        set(&mut pod_spec, &["nodeName"], json!(pod.node.name));
    }
    json!({
        "apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": pod_spec,
        "status": status(model, workload, revision, pod, scheduled),
    })
}

fn status(model: &Model, workload: &Workload, revision: &Revision, pod: &Pod, scheduled: bool) -> Value {
    let at = model.at;
    // A pod on its way out stays ready until it is gone; only its endpoint is not used any more.
    let (started, ready) = (pod.started(at), pod.probed(at));
    let condition = |kind: &str, on: bool, since: i64| {
        let mut condition = json!({
            "type": kind, "status": if on { "True" } else { "False" }, "lastProbeTime": null,
            "lastTransitionTime": timestamp(since),
        });
        if !on {
            set(&mut condition, &["reason"], "ContainersNotReady");
            set(
                &mut condition,
                &["message"],
                json!(format!("containers with unready status: [{}]", workload.spec.container())),
            );
        }
        condition
    };
    let since = if ready { pod.ready_at } else { pod.hung_at.unwrap_or(pod.created_at) };
    let mut status = json!({
        "phase": if started { "Running" } else { "Pending" },
        "qosClass": "Burstable",
        "conditions": [
            condition("PodScheduled", scheduled, pod.created_at),
            condition("Initialized", scheduled, pod.created_at),
            condition("ContainersReady", ready, since),
            condition("Ready", ready, since),
        ],
    });
    if !scheduled {
        return status;
    }
    let (state, last, restarts) = container_state(pod, at);
    let image = format!("{}:{}", workload.spec.image, revision.tag);
    set(&mut status, &["hostIP"], json!(pod.node.address));
    set(&mut status, &["startTime"], json!(timestamp(pod.created_at + SCHEDULED_AFTER)));
    set(
        &mut status,
        &["containerStatuses"],
        json!([{
            "name": workload.spec.container(), "image": image, "imageID": format!("{image}@sha256:{}", revision.hash),
            "ready": ready, "started": started, "restartCount": restarts, "state": state, "lastState": last,
        }]),
    );
    if started {
        set(&mut status, &["podIP"], json!(pod.address.to_string()));
        set(&mut status, &["podIPs"], json!([{"ip": pod.address.to_string()}]));
    }
    status
}

/// `state`, `lastState` and `restartCount` of the pod's container.
fn container_state(pod: &Pod, at: i64) -> (Value, Value, u32) {
    let nothing = json!({});
    if !pod.started(at) {
        return (json!({"waiting": {"reason": "ContainerCreating"}}), nothing, 0);
    }
    let Some(turn) = pod.crash_loop(at) else {
        return (json!({"running": {"startedAt": timestamp(pod.created_at + STARTED_AFTER)}}), nothing, 0);
    };
    let last = turn.died_at.map_or(nothing, |died| {
        let finished = timestamp(died);
        json!({"terminated": {"exitCode": 1, "reason": "Error", "startedAt": finished, "finishedAt": finished}})
    });
    let state = if turn.waiting {
        let message = format!("back-off restarting failed container in pod {}", pod.name);
        json!({"waiting": {"reason": "CrashLoopBackOff", "message": message}})
    } else {
        json!({"running": {"startedAt": timestamp(turn.since)}})
    };
    (state, last, turn.restarts)
}
