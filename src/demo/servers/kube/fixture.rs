//! A small namespace for the tests of the API: one Deployment with its pods, one Rollout, a node, and what watches them.

use std::sync::Arc;

use serde_json::{Value, json};

use crate::demo::clock::Clock;
use crate::demo::production::Production;
use crate::demo::store::kube::{
    DEPLOYMENTS, ENDPOINT_SLICES, EVENTS, HPAS, Kube, NAMESPACES, NODE_METRICS, NODES, PDBS, POD_METRICS, PODS,
    REPLICASETS, ROLLOUTS, SERVICES,
};
use crate::demo::world::{Options, World};

pub const NAMESPACE: &str = "fixture";
/// 2026-11-21T01:00:00Z.
pub const NOW: i64 = 1_795_222_800_000;

/// A world that stands still at [`NOW`] and has the namespace.
pub fn production() -> Arc<Production> {
    let mut world = World::new(&Options { history: 0, ..Options::default() }, NOW).expect("the default world");
    fill(&mut world.stores.kube);
    Arc::new(Production::new(world, Clock { origin: NOW, world: NOW, rate: 0.0 }))
}

fn meta(name: &str, labels: &Value) -> Value {
    json!({"name": name, "namespace": NAMESPACE, "uid": format!("uid-{name}"), "labels": labels,
           "creationTimestamp": "2026-11-21T00:00:00Z"})
}

pub fn pod(name: &str, app: &str, phase: &str) -> Value {
    let running = phase == "Running";
    json!({
        "apiVersion": "v1", "kind": "Pod", "metadata": meta(name, &json!({"app": app})),
        "spec": {"nodeName": "fixture-node", "containers": [{"name": "main", "image": "shop/web:1.0"}]},
        "status": {
            "phase": phase, "podIP": "10.0.0.7", "startTime": "2026-11-21T00:30:00Z",
            "conditions": [{"type": "Ready", "status": if running { "True" } else { "False" }}],
            "containerStatuses": [{
                "name": "main", "ready": running, "restartCount": 0, "image": "shop/web:1.0", "imageID": "",
                "state": if running { json!({"running": {"startedAt": "2026-11-21T00:30:00Z"}}) }
                         else { json!({"waiting": {"reason": "ContainerCreating"}}) },
            }],
        },
    })
}

fn fill(kube: &mut Kube) {
    let web = json!({"app": "web"});
    let template = json!({"metadata": {"labels": web},
        "spec": {"containers": [{"name": "main", "image": "shop/web:1.0"}]}});
    kube.apply(
        NAMESPACES,
        json!({"apiVersion": "v1", "kind": "Namespace", "status": {"phase": "Active"},
        "metadata": {"name": NAMESPACE, "uid": "ns", "creationTimestamp": "2026-11-20T01:00:00Z"}}),
    );
    kube.apply(
        NODES,
        json!({"apiVersion": "v1", "kind": "Node",
        "metadata": {"name": "fixture-node", "uid": "node", "creationTimestamp": "2026-11-11T01:00:00Z",
                     "labels": {"topology.kubernetes.io/zone": "eu-west-1a", "node-role.kubernetes.io/worker": ""}},
        "spec": {"unschedulable": true},
        "status": {"conditions": [{"type": "Ready", "status": "True"}], "capacity": {"cpu": "4", "memory": "8Gi"},
                   "allocatable": {"cpu": "4", "memory": "8Gi"},
                   "addresses": [{"type": "InternalIP", "address": "10.0.0.1"}],
                   "nodeInfo": {"kubeletVersion": "v1.33.5"}}}),
    );
    for index in 0..3 {
        kube.apply(PODS, pod(&format!("web-{index}"), "web", "Running"));
    }
    kube.apply(PODS, pod("worker-0", "worker", "Pending"));
    let status = json!({"replicas": 3, "readyReplicas": 3, "updatedReplicas": 3, "availableReplicas": 3});
    let spec = json!({"replicas": 3, "selector": {"matchLabels": web}, "template": template});
    let workload = |version: &str, kind: &str, name: &str| json!({"apiVersion": version, "kind": kind, "metadata": meta(name, &web), "spec": spec, "status": status});
    kube.apply(DEPLOYMENTS, workload("apps/v1", "Deployment", "web"));
    kube.apply(REPLICASETS, workload("apps/v1", "ReplicaSet", "web-5d4"));
    kube.apply(ROLLOUTS, workload("argoproj.io/v1alpha1", "Rollout", "orders"));
    kube.apply(SERVICES, json!({"apiVersion": "v1", "kind": "Service", "metadata": meta("web", &web),
        "spec": {"type": "ClusterIP", "clusterIP": "172.20.0.9", "selector": web, "ports": [{"name": "http", "port": 80}]}}));
    kube.apply(
        SERVICES,
        json!({"apiVersion": "v1", "kind": "Service", "metadata": meta("prometheus", &json!({})),
        "spec": {"type": "ClusterIP", "ports": [{"name": "http", "port": 9090}]}}),
    );
    kube.apply(
        ENDPOINT_SLICES,
        json!({"apiVersion": "discovery.k8s.io/v1", "kind": "EndpointSlice",
        "metadata": meta("web-abc", &json!({"kubernetes.io/service-name": "web"})), "addressType": "IPv4",
        "ports": [{"port": 8080}], "endpoints": [{"addresses": ["10.0.0.7"], "conditions": {"ready": true}}]}),
    );
    watchers(kube, &web);
}

/// What scales, protects, reports and measures the workloads.
fn watchers(kube: &mut Kube, web: &Value) {
    kube.apply(HPAS, json!({"apiVersion": "autoscaling/v2", "kind": "HorizontalPodAutoscaler", "metadata": meta("web", web),
        "spec": {"minReplicas": 2, "maxReplicas": 9, "scaleTargetRef": {"kind": "Deployment", "name": "web"},
            "metrics": [{"type": "Resource", "resource": {"name": "cpu", "target": {"type": "Utilization", "averageUtilization": 70}}}]},
        "status": {"currentReplicas": 3, "desiredReplicas": 3, "currentMetrics":
            [{"type": "Resource", "resource": {"name": "cpu", "current": {"averageUtilization": 45, "averageValue": "90m"}}}]}}));
    kube.apply(
        PDBS,
        json!({"apiVersion": "policy/v1", "kind": "PodDisruptionBudget", "metadata": meta("web", web),
        "spec": {"minAvailable": 2, "selector": {"matchLabels": web}}, "status": {"disruptionsAllowed": 1}}),
    );
    kube.apply(
        EVENTS,
        json!({"apiVersion": "v1", "kind": "Event", "metadata": meta("web-0.1", &json!({})),
        "involvedObject": {"kind": "Pod", "namespace": NAMESPACE, "name": "web-0", "uid": "uid-web-0"},
        "type": "Normal", "reason": "Started", "message": "Started container main", "count": 1,
        "source": {"component": "kubelet"},
        "firstTimestamp": "2026-11-21T00:55:00Z", "lastTimestamp": "2026-11-21T00:58:00Z"}),
    );
    kube.apply(
        POD_METRICS,
        json!({"apiVersion": "metrics.k8s.io/v1beta1", "kind": "PodMetrics",
        "metadata": meta("web-0", web), "timestamp": "2026-11-21T00:59:45Z", "window": "15s",
        "containers": [{"name": "main", "usage": {"cpu": "125m", "memory": "200Mi"}}]}),
    );
    kube.apply(
        NODE_METRICS,
        json!({"apiVersion": "metrics.k8s.io/v1beta1", "kind": "NodeMetrics",
        "metadata": {"name": "fixture-node"}, "timestamp": "2026-11-21T00:59:45Z", "window": "15s",
        "usage": {"cpu": "900m", "memory": "2Gi"}}),
    );
}
