//! Services, endpoint slices, autoscalers and disruption budgets.

use serde_json::{Value, json};

use crate::demo::store::json::set;
use crate::demo::world::cluster::Workload;
use crate::demo::world::model::{CPU_TARGET, Model};
use crate::demo::world::{shop, spec};

use super::{labels, metadata, owner, selector, timestamp};

/// Whether a Service stands before the workload.
pub fn is_served(workload: &spec::Workload) -> bool {
    workload.name != "worker" && workload.kind != spec::Kind::PostgresCluster
}

/// The port of the Service: HTTP services of the shop listen on 80, the others on their own port.
fn port(workload: &spec::Workload) -> u16 {
    if spec::service_of(workload.name).is_some() { 80 } else { workload.port }
}

pub fn service(seed: u64, workload: &spec::Workload, created_at: i64) -> Option<Value> {
    if !is_served(workload) {
        return None;
    }
    let mut metadata = metadata(seed, "Service", workload.namespace, workload.name, created_at);
    set(&mut metadata, &["labels"], labels(workload));
    let index = shop::workload(workload.name).map_or(0, |(index, _)| index);
    let address = format!("172.20.14.{}", 20 + index);
    Some(json!({
        "apiVersion": "v1", "kind": "Service", "metadata": metadata,
        "spec": {
            "type": "ClusterIP", "clusterIP": address, "clusterIPs": [address], "sessionAffinity": "None",
            "selector": {"app": workload.name},
            "ports": [{"name": "http", "port": port(workload), "targetPort": workload.port, "protocol": "TCP"}],
        },
        "status": {"loadBalancer": {}},
    }))
}

pub fn endpoint_slice(model: &Model, workload: &Workload, created_at: i64) -> Value {
    let spec = workload.spec;
    let name = format!("{}-7k2xq", spec.name);
    let mut metadata = metadata(model.seed, "EndpointSlice", spec.namespace, &name, created_at);
    set(
        &mut metadata,
        &["labels"],
        json!({
            "kubernetes.io/service-name": spec.name,
            "endpointslice.kubernetes.io/managed-by": "endpointslice-controller.k8s.io",
        }),
    );
    set(&mut metadata, &["ownerReferences"], owner(model.seed, "v1", "Service", spec.namespace, spec.name));
    let pods = workload.pods.iter().filter(|p| p.started(model.at));
    let endpoints = pods.map(|pod| {
        let (ready, serving) = (pod.ready(model.at), pod.probed(model.at));
        json!({
            "addresses": [pod.address.to_string()],
            "conditions": {"ready": ready, "serving": serving, "terminating": pod.deleted_at.is_some()},
            "nodeName": pod.node.name, "zone": pod.node.zone,
            "targetRef": {"kind": "Pod", "namespace": spec.namespace, "name": pod.name},
        })
    });
    json!({
        "apiVersion": "discovery.k8s.io/v1", "kind": "EndpointSlice", "metadata": metadata, "addressType": "IPv4",
        "endpoints": endpoints.collect::<Vec<_>>(),
        "ports": [{"name": "http", "port": spec.port, "protocol": "TCP"}],
    })
}

pub fn autoscaler(model: &Model, workload: &Workload, created_at: i64) -> Value {
    let spec = workload.spec;
    let (min, max) = workload.will.bounds.unwrap_or((spec.replicas, spec.replicas));
    let (api_version, kind) = match spec.kind {
        spec::Kind::Rollout => ("argoproj.io/v1alpha1", "Rollout"),
        _ => ("apps/v1", "Deployment"),
    };
    let used = model.cpu_of_request(workload);
    let millicores = (used / 100.0 * f64::from(spec.cpu_request)).round() as i64;
    let since = timestamp(created_at + 60_000);
    let condition = |kind: &str, status: &str, reason: &str, message: &str| json!({"type": kind, "status": status, "reason": reason, "message": message, "lastTransitionTime": since});
    let at_limit = workload.desired >= max;
    json!({
        "apiVersion": "autoscaling/v2", "kind": "HorizontalPodAutoscaler",
        "metadata": metadata(model.seed, "HorizontalPodAutoscaler", spec.namespace, spec.name, created_at),
        "spec": {
            "minReplicas": min, "maxReplicas": max,
            "scaleTargetRef": {"apiVersion": api_version, "kind": kind, "name": spec.name},
            "metrics": [{
                "type": "Resource",
                "resource": {"name": "cpu", "target": {"type": "Utilization", "averageUtilization": CPU_TARGET as i64}},
            }],
        },
        "status": {
            "currentReplicas": workload.ready(model.at), "desiredReplicas": workload.desired,
            "currentMetrics": [{
                "type": "Resource",
                "resource": {
                    "name": "cpu",
                    "current": {"averageUtilization": used.round() as i64, "averageValue": format!("{millicores}m")},
                },
            }],
            "conditions": [
                condition("AbleToScale", "True", "ReadyForNewScale", "recommended size matches current size"),
                if workload.desired == 0 {
                    condition("ScalingActive", "False", "ScalingDisabled", "scaling is disabled since the replica count of the target is zero")
                } else {
                    condition("ScalingActive", "True", "ValidMetricFound", "the HPA was able to successfully calculate a replica count from cpu resource utilization (percentage of request)")
                },
                condition(
                    "ScalingLimited",
                    if at_limit { "True" } else { "False" },
                    if at_limit { "TooManyReplicas" } else { "DesiredWithinRange" },
                    if at_limit { "the desired replica count is more than the maximum replica count" } else { "the desired count is within the acceptable range" },
                ),
            ],
        },
    })
}

pub fn budget(model: &Model, workload: &Workload, created_at: i64) -> Value {
    let (healthy, expected) = (workload.ready(model.at), workload.desired);
    let wanted = expected.saturating_sub(1);
    let mut metadata =
        metadata(model.seed, "PodDisruptionBudget", workload.spec.namespace, workload.spec.name, created_at);
    set(&mut metadata, &["generation"], json!(1));
    let allowed = workload.disruptions_allowed(model.at);
    let mut object = json!({
        "apiVersion": "policy/v1", "kind": "PodDisruptionBudget", "metadata": metadata,
        "spec": {"maxUnavailable": 1, "selector": selector(workload)},
        "status": {
            "currentHealthy": healthy, "desiredHealthy": wanted, "expectedPods": expected, "observedGeneration": 1,
            "disruptionsAllowed": allowed,
            "conditions": [{
                "type": "DisruptionAllowed", "status": if allowed > 0 { "True" } else { "False" },
                "reason": if allowed > 0 { "SufficientPods" } else { "InsufficientPods" }, "message": "",
                "observedGeneration": 1, "lastTransitionTime": timestamp(workload.settled_at),
            }],
        },
    });
    for (pod, until) in &workload.will.burned {
        set(&mut object, &["status", "disruptedPods", pod], json!(timestamp(*until - 120_000)));
    }
    object
}
