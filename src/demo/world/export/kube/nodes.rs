//! Namespaces, nodes and metrics.k8s.io.

use serde_json::{Value, json};

use crate::demo::store::json::set;
use crate::demo::store::kube::{Kube, NODE_METRICS, POD_METRICS};
use crate::demo::world::export::prometheus::{memory, node_load};
use crate::demo::world::model::Model;
use crate::demo::world::spec;

use super::{labels, metadata, timestamp};

pub fn namespace(seed: u64, name: &str, created_at: i64) -> Value {
    let mut metadata = metadata(seed, "Namespace", "", name, created_at);
    set(&mut metadata, &["labels"], json!({"kubernetes.io/metadata.name": name}));
    json!({
        "apiVersion": "v1", "kind": "Namespace", "metadata": metadata,
        "spec": {"finalizers": ["kubernetes"]}, "status": {"phase": "Active"},
    })
}

pub fn node(model: &Model, node: &spec::Node, created_at: i64) -> Value {
    let (seed, at) = (model.seed, model.at);
    let mut metadata = metadata(seed, "Node", "", node.name, created_at);
    set(
        &mut metadata,
        &["labels"],
        json!({
            "kubernetes.io/hostname": node.name,
            "kubernetes.io/arch": "amd64",
            "kubernetes.io/os": "linux",
            "node.kubernetes.io/instance-type": "m6i.xlarge",
            "topology.kubernetes.io/region": spec::REGION,
            "topology.kubernetes.io/zone": node.zone,
            "eks.amazonaws.com/nodegroup": "main",
        }),
    );
    // The kubelet renews an unchanged status every five minutes.
    let heartbeat = timestamp(at - at.rem_euclid(300_000));
    let condition = |kind: &str, status: &str, reason: &str, message: &str| {
        json!({
            "type": kind, "status": status, "reason": reason, "message": message,
            "lastHeartbeatTime": heartbeat, "lastTransitionTime": timestamp(created_at + 30_000),
        })
    };
    let capacity = json!({"cpu": "4", "memory": "16152428Ki", "pods": "58", "ephemeral-storage": "83873772Ki"});
    let mut wanted = json!({"providerID": format!("aws:///{}/{}", node.zone, node.instance_id)});
    if model.operations.cordoned.contains(node.name) {
        set(&mut wanted, &["unschedulable"], true);
        let taint = json!([{"key": "node.kubernetes.io/unschedulable", "effect": "NoSchedule"}]);
        set(&mut wanted, &["taints"], taint);
    }
    json!({
        "apiVersion": "v1", "kind": "Node", "metadata": metadata, "spec": wanted,
        "status": {
            "capacity": capacity,
            "allocatable": {"cpu": "3920m", "memory": "15135596Ki", "pods": "58", "ephemeral-storage": "76224326324"},
            "addresses": [
                {"type": "InternalIP", "address": node.address},
                {"type": "Hostname", "address": node.name},
            ],
            "conditions": [
                condition("MemoryPressure", "False", "KubeletHasSufficientMemory", "kubelet has sufficient memory available"),
                condition("DiskPressure", "False", "KubeletHasNoDiskPressure", "kubelet has no disk pressure"),
                condition("PIDPressure", "False", "KubeletHasSufficientPID", "kubelet has sufficient PID available"),
                condition("Ready", "True", "KubeletReady", "kubelet is posting ready status"),
            ],
            "nodeInfo": {
                "kubeletVersion": "v1.33.5-eks-113cf36", "kernelVersion": "6.1.158-180.294.amzn2023.x86_64",
                "osImage": "Amazon Linux 2023.9.20251117", "containerRuntimeVersion": "containerd://2.1.4",
                "architecture": "amd64", "operatingSystem": "linux", "kubeProxyVersion": "v1.33.5-eks-113cf36",
                "machineID": node.instance_id, "systemUUID": node.instance_id, "bootID": node.instance_id,
            },
        },
    })
}

/// Renews the figures of pods and nodes.
pub fn metrics(model: &Model, kube: &mut Kube) {
    let at = timestamp(model.at);
    let usage = |cores: f64, bytes: f64| json!({"cpu": format!("{}n", (cores * 1e9) as u64), "memory": format!("{}Ki", (bytes / 1024.0) as u64)});
    let mut pods = Vec::new();
    for workload in &model.workloads {
        for pod in workload.pods.iter().filter(|p| p.started(model.at)) {
            let cores = if pod.ready(model.at) { model.pod_cpu(workload, pod.revision) * pod.weight } else { 0.01 };
            pods.push(json!({
                "apiVersion": "metrics.k8s.io/v1beta1", "kind": "PodMetrics",
                "metadata": {
                    "name": pod.name, "namespace": workload.spec.namespace, "creationTimestamp": at,
                    "labels": labels(workload.spec),
                },
                "timestamp": at, "window": "15s",
                "containers": [{"name": workload.spec.name, "usage": usage(cores, memory(model, workload, pod))}],
            }));
        }
    }
    kube.replace_all(POD_METRICS, pods);
    let nodes = spec::NODES.iter().map(|node| {
        let (cores, bytes) = node_load(model, node.name);
        json!({
            "apiVersion": "metrics.k8s.io/v1beta1", "kind": "NodeMetrics",
            "metadata": {"name": node.name, "creationTimestamp": at},
            "timestamp": at, "window": "15s", "usage": usage(cores, bytes),
        })
    });
    kube.replace_all(NODE_METRICS, nodes.collect::<Vec<_>>());
}
