//! kube-state-metrics 2.x, cAdvisor and the Argo Rollouts controller.

use crate::demo::store::tsdb::Tsdb;
use crate::demo::world::cluster::{Progress, Workload};
use crate::demo::world::model::{CPU_TARGET, Model};
use crate::demo::world::noise::{digest, wander};
use crate::demo::world::pod::Pod;
use crate::demo::world::spec::{self, Kind, MIB};

use super::page::{Pages, Writer};
use super::running;

pub fn scrape(model: &Model, pages: &mut Pages, tsdb: &mut Tsdb) {
    for (_, pod) in running(model, "kube-state-metrics") {
        let base = [("job", "kube-state-metrics"), ("instance", pod.instance.as_str())];
        pages.write(tsdb, ("ksm", 0), &base, pod.created_at, |w| w.gauge("up", &[], 1.0));
        for (number, workload) in model.workloads.iter().enumerate() {
            pages.write(tsdb, ("ksm-workload", number as u64), &base, pod.created_at, |w| {
                workload_state(model, workload, w);
            });
            for pod in &workload.pods {
                pages.write(tsdb, ("ksm-pod", pod.id), &base, pod.created_at, |w| pod_state(model, workload, pod, w));
                crashes(model, workload, pod, &base, pages, tsdb);
            }
        }
        for (number, node) in spec::NODES.iter().enumerate() {
            pages.write(tsdb, ("ksm-node", number as u64), &base, pod.created_at, |w| node_state(node.name, w));
        }
    }
    for (number, node) in spec::NODES.iter().enumerate() {
        let instance = format!("{}:10250", node.address);
        let base = [("job", "kubelet"), ("instance", instance.as_str()), ("metrics_path", "/metrics/cadvisor")];
        pages.write(tsdb, ("kubelet", number as u64), &base, 0, |w| w.gauge("up", &[("node", node.name)], 1.0));
        for workload in &model.workloads {
            let pods = workload.pods.iter().filter(|p| p.node.name == node.name && p.started(model.at));
            for pod in pods {
                pages.write(tsdb, ("cadvisor", pod.id), &base, pod.created_at, |w| {
                    container(model, workload, pod, w);
                });
            }
        }
    }
    scrape_rollouts(model, pages, tsdb);
}

fn workload_state(model: &Model, workload: &Workload, w: &mut Writer) {
    let (spec, at) = (workload.spec, model.at);
    let (wanted, ready) = (f64::from(workload.desired), f64::from(workload.ready(at)));
    let namespace = ("namespace", spec.namespace);
    let generation = workload.generation as f64;
    match spec.kind {
        Kind::Deployment => {
            let on = [namespace, ("deployment", spec.name)];
            w.gauge("kube_deployment_spec_replicas", &on, wanted);
            w.gauge("kube_deployment_status_replicas_available", &on, ready);
            w.gauge("kube_deployment_metadata_generation", &on, generation);
            w.gauge("kube_deployment_status_observed_generation", &on, workload.will.observed as f64);
            let [namespace, name] = on;
            for condition in ["Available", "Progressing"] {
                let on = condition != "Progressing" || !workload.stuck(at);
                for (status, value) in [("true", flag(on)), ("false", flag(!on)), ("unknown", 0.0)] {
                    let labels = [namespace, name, ("condition", condition), ("status", status)];
                    w.gauge("kube_deployment_status_condition", &labels, value);
                }
            }
        }
        Kind::StatefulSet => {
            let on = [namespace, ("statefulset", spec.name)];
            w.gauge("kube_statefulset_replicas", &on, wanted);
            w.gauge("kube_statefulset_status_replicas_ready", &on, ready);
        }
        Kind::DaemonSet => {
            let on = [namespace, ("daemonset", spec.name)];
            w.gauge("kube_daemonset_status_desired_number_scheduled", &on, wanted);
            w.gauge("kube_daemonset_status_number_ready", &on, ready);
        }
        Kind::Rollout | Kind::PostgresCluster => {}
    }
    if let Some((min, max)) = workload.will.bounds {
        let on = [namespace, ("horizontalpodautoscaler", spec.name)];
        w.gauge("kube_horizontalpodautoscaler_spec_min_replicas", &on, f64::from(min));
        w.gauge("kube_horizontalpodautoscaler_spec_max_replicas", &on, f64::from(max));
        w.gauge("kube_horizontalpodautoscaler_status_current_replicas", &on, ready);
        w.gauge("kube_horizontalpodautoscaler_status_desired_replicas", &on, wanted);
        let [namespace, name] = on;
        let metric = [namespace, name, ("metric_name", "cpu"), ("metric_target_type", "utilization")];
        w.gauge("kube_horizontalpodautoscaler_spec_target_metric", &metric, CPU_TARGET);
        w.gauge("kube_horizontalpodautoscaler_status_target_metric", &metric, model.cpu_of_request(workload).round());
    }
    if spec::has_budget(spec) {
        let on = [namespace, ("poddisruptionbudget", spec.name)];
        w.gauge("kube_poddisruptionbudget_status_desired_healthy", &on, wanted - 1.0);
        w.gauge("kube_poddisruptionbudget_status_current_healthy", &on, ready);
        w.gauge("kube_poddisruptionbudget_status_expected_pods", &on, wanted);
        let allowed = f64::from(workload.disruptions_allowed(at));
        w.gauge("kube_poddisruptionbudget_status_pod_disruptions_allowed", &on, allowed);
    }
}

fn flag(on: bool) -> f64 {
    if on { 1.0 } else { 0.0 }
}

fn pod_state(model: &Model, workload: &Workload, pod: &Pod, w: &mut Writer) {
    let spec = workload.spec;
    let on = [("namespace", spec.namespace), ("pod", pod.name.as_str())];
    let [namespace, name] = on;
    let started = pod.started(model.at);
    for (phase, value) in [("Pending", flag(!started)), ("Running", flag(started)), ("Failed", 0.0)] {
        w.gauge("kube_pod_status_phase", &[namespace, name, ("phase", phase)], value);
    }
    let ready = pod.ready(model.at);
    for (condition, value) in [("true", flag(ready)), ("false", flag(!ready)), ("unknown", 0.0)] {
        w.gauge("kube_pod_status_ready", &[namespace, name, ("condition", condition)], value);
    }
    let container = ("container", spec.container());
    let restarts = pod.crash_loop(model.at).map_or(0, |turn| turn.restarts);
    w.gauge("kube_pod_container_status_restarts_total", &[namespace, name, container], f64::from(restarts));
    let set = workload.replica_set(pod.revision);
    let (owner_kind, owner) = match spec.kind {
        Kind::StatefulSet => ("StatefulSet", spec.name),
        Kind::DaemonSet => ("DaemonSet", spec.name),
        Kind::PostgresCluster => ("Cluster", spec.name),
        Kind::Deployment | Kind::Rollout => ("ReplicaSet", set.as_str()),
    };
    w.gauge("kube_pod_owner", &[namespace, name, ("owner_kind", owner_kind), ("owner_name", owner)], 1.0);
    let address = pod.address.to_string();
    w.gauge("kube_pod_info", &[namespace, name, ("node", pod.node.name), ("pod_ip", &address)], 1.0);
    let hash = workload.revision(pod.revision).map_or("", |r| r.hash.as_str());
    let hash_label = match spec.kind {
        Kind::Rollout => "label_rollouts_pod_template_hash",
        _ => "label_pod_template_hash",
    };
    w.gauge("kube_pod_labels", &[namespace, name, ("label_app", spec.name), (hash_label, hash)], 1.0);
    let cpu = f64::from(spec.cpu_request) / 1_000.0;
    let memory = f64::from(spec.memory) * MIB;
    let per = |resource, unit| [namespace, name, container, ("resource", resource), ("unit", unit)];
    w.gauge("kube_pod_container_resource_requests", &per("cpu", "core"), cpu);
    w.gauge("kube_pod_container_resource_requests", &per("memory", "byte"), memory);
    w.gauge("kube_pod_container_resource_limits", &per("cpu", "core"), cpu * 2.0);
    w.gauge("kube_pod_container_resource_limits", &per("memory", "byte"), memory);
}

/// Series that stand only while there is a reason for them.
fn crashes(model: &Model, workload: &Workload, pod: &Pod, base: &[(&str, &str)], pages: &mut Pages, tsdb: &mut Tsdb) {
    let Some(turn) = pod.crash_loop(model.at) else { return };
    let on = |reason| {
        [
            ("namespace", workload.spec.namespace),
            ("pod", pod.name.as_str()),
            ("container", workload.spec.container()),
            ("reason", reason),
        ]
    };
    if turn.waiting {
        pages.write(tsdb, ("ksm-waiting", pod.id), base, pod.created_at, |w| {
            w.gauge("kube_pod_container_status_waiting_reason", &on("CrashLoopBackOff"), 1.0);
        });
    }
    if turn.died_at.is_some() {
        pages.write(tsdb, ("ksm-terminated", pod.id), base, pod.created_at, |w| {
            w.gauge("kube_pod_container_status_last_terminated_reason", &on("Error"), 1.0);
        });
    }
}

fn node_state(node: &str, w: &mut Writer) {
    for condition in ["Ready", "MemoryPressure", "DiskPressure", "PIDPressure"] {
        let well = if condition == "Ready" { "true" } else { "false" };
        for status in ["true", "false", "unknown"] {
            let value = if status == well { 1.0 } else { 0.0 };
            let labels = [("node", node), ("condition", condition), ("status", status)];
            w.gauge("kube_node_status_condition", &labels, value);
        }
    }
}

fn container(model: &Model, workload: &Workload, pod: &Pod, w: &mut Writer) {
    let on = [
        ("namespace", workload.spec.namespace),
        ("pod", pod.name.as_str()),
        ("container", workload.spec.container()),
        ("node", pod.node.name),
    ];
    let used = if pod.ready(model.at) { model.pod_cpu(workload, pod.revision) * pod.weight } else { 0.01 };
    w.rate("container_cpu_usage_seconds_total", &on, used);
    w.gauge("container_memory_working_set_bytes", &on, memory(model, workload, pod));
    w.rate("container_cpu_cfs_periods_total", &on, 10.0);
    w.rate("container_cpu_cfs_throttled_periods_total", &on, 0.05 * used);
}

/// Working set of a pod, in bytes.
#[must_use]
pub fn memory(model: &Model, workload: &Workload, pod: &Pod) -> f64 {
    let warm = ((model.at - pod.created_at) as f64 / 60_000.0).clamp(0.1, 1.0);
    let share = 0.57 + 0.03 * wander(pod.id, model.at, 2_400_000) + 0.05 * (digest(&pod.name) % 3) as f64 / 3.0;
    f64::from(workload.spec.memory) * MIB * share * (0.6 + 0.4 * warm)
}

fn scrape_rollouts(model: &Model, pages: &mut Pages, tsdb: &mut Tsdb) {
    for (_, pod) in running(model, "argo-rollouts") {
        let base =
            [("job", "argo-rollouts/argo-rollouts"), ("instance", pod.instance.as_str()), ("pod", pod.name.as_str())];
        pages.write(tsdb, ("argo", 0), &base, pod.created_at, |w| w.gauge("up", &[], 1.0));
        let rollouts = model.workloads.iter().filter(|w| w.spec.kind == Kind::Rollout);
        for (number, workload) in rollouts.enumerate() {
            let (kind, phase) = match workload.progress {
                Progress::Done => ("rollout-healthy", "Healthy"),
                Progress::Aborted => ("rollout-degraded", "Degraded"),
                Progress::Paused { .. } => ("rollout-paused", "Paused"),
                _ if workload.will.paused => ("rollout-paused", "Paused"),
                _ if workload.stuck(model.at) => ("rollout-degraded", "Degraded"),
                Progress::Moving { .. } | Progress::Rolling => ("rollout-progressing", "Progressing"),
            };
            pages.write(tsdb, (kind, number as u64), &base, pod.created_at, |w| {
                let labels = [
                    ("namespace", workload.spec.namespace),
                    ("name", workload.spec.name),
                    ("strategy", "canary"),
                    ("phase", phase),
                ];
                w.gauge("rollout_info", &labels, 1.0);
            });
        }
    }
}
