//! Pods, with the STATUS column of facts/kubernetes.md 2.7.

use serde_json::{Value, json};

use super::{AGE, NAME, Printer, age, created, name, or_none};
use crate::demo::store::json::{array, at, count, text};

pub const PODS: Printer = Printer {
    columns: &[
        NAME,
        ("Ready", "string", false),
        ("Status", "string", false),
        ("Restarts", "string", false),
        AGE,
        ("IP", "string", true),
        ("Node", "string", true),
        ("Nominated Node", "string", true),
        ("Readiness Gates", "string", true),
    ],
    print: |pod, now| {
        let statuses = array(pod, "/status/containerStatuses");
        let ready = statuses.iter().filter(|status| *at(status, "/ready") == true).count();
        vec![
            name(pod),
            json!(format!("{ready}/{}", array(pod, "/spec/containers").len())),
            json!(status(pod)),
            json!(restarts(pod, now)),
            created(pod, now),
            or_none(text(pod, "/status/podIP")),
            or_none(text(pod, "/spec/nodeName")),
            or_none(text(pod, "/status/nominatedNodeName")),
            json!("<none>"),
        ]
    },
};

fn restarts(pod: &Value, now: i64) -> String {
    let statuses = array(pod, "/status/containerStatuses");
    let total: i64 = statuses.iter().map(|status| count(status, "/restartCount")).sum();
    let last = statuses.iter().filter_map(|status| age::parse(text(status, "/lastState/terminated/finishedAt"))).max();
    match last {
        Some(last) if total > 0 => format!("{total} ({} ago)", age::human(now - last)),
        _ => total.to_string(),
    }
}

/// The one word for how the pod is.
pub fn status(pod: &Value) -> String {
    let reason = text(pod, "/status/reason");
    let phase = if reason.is_empty() { text(pod, "/status/phase") } else { reason };
    let gated = array(pod, "/status/conditions")
        .iter()
        .any(|c| *at(c, "/type") == "PodScheduled" && *at(c, "/reason") == "SchedulingGated");
    let status = if gated { "SchedulingGated".to_owned() } else { phase.to_owned() };
    let status = initialising(pod).unwrap_or_else(|| running(pod, status));
    if at(pod, "/metadata/deletionTimestamp").is_null() {
        status
    } else if reason == "NodeLost" {
        "Unknown".to_owned()
    } else {
        "Terminating".to_owned()
    }
}

/// What keeps the pod in its init containers, if anything does.
fn initialising(pod: &Value) -> Option<String> {
    let specs = array(pod, "/spec/initContainers");
    for (index, status) in array(pod, "/status/initContainerStatuses").iter().enumerate() {
        let sidecar = specs.get(index).is_some_and(|spec| *at(spec, "/restartPolicy") == "Always");
        let ended = at(status, "/state/terminated");
        if *at(ended, "/exitCode") == 0 || (sidecar && *at(status, "/started") == true) {
            continue;
        }
        let waiting = text(status, "/state/waiting/reason");
        return Some(if ended.is_object() {
            format!("Init:{}", ending(ended))
        } else if !waiting.is_empty() && waiting != "PodInitializing" {
            format!("Init:{waiting}")
        } else {
            format!("Init:{index}/{}", specs.len())
        });
    }
    None
}

fn running(pod: &Value, phase: String) -> String {
    let (mut status, mut has_running) = (phase, false);
    for container in array(pod, "/status/containerStatuses").iter().rev() {
        let ended = at(container, "/state/terminated");
        let waiting = text(container, "/state/waiting/reason");
        if !waiting.is_empty() {
            waiting.clone_into(&mut status);
        } else if ended.is_object() {
            status = ending(ended);
        } else if *at(container, "/ready") == true && at(container, "/state/running").is_object() {
            has_running = true;
        }
    }
    if status == "Completed" && has_running {
        let ready =
            array(pod, "/status/conditions").iter().any(|c| *at(c, "/type") == "Ready" && *at(c, "/status") == "True");
        return if ready { "Running".to_owned() } else { "NotReady".to_owned() };
    }
    status
}

/// How a container ended.
fn ending(terminated: &Value) -> String {
    let signal = count(terminated, "/signal");
    match text(terminated, "/reason") {
        "" if signal != 0 => format!("Signal:{signal}"),
        "" => format!("ExitCode:{}", count(terminated, "/exitCode")),
        reason => reason.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::status;

    #[test]
    fn the_status_column_says_what_keeps_a_pod_from_running() {
        let running = json!({"ready": true, "state": {"running": {}}});
        for (pod, expected) in [
            (json!({"status": {"phase": "Pending"}}), "Pending"),
            (json!({"status": {"phase": "Failed", "reason": "Evicted"}}), "Evicted"),
            (json!({"status": {"phase": "Running", "containerStatuses": [running]}}), "Running"),
            (
                json!({"status": {"phase": "Running", "containerStatuses":
                    [{"state": {"waiting": {"reason": "CrashLoopBackOff"}}}, running]}}),
                "CrashLoopBackOff",
            ),
            (
                json!({"status": {"phase": "Running", "containerStatuses":
                    [{"state": {"terminated": {"reason": "OOMKilled", "exitCode": 137}}}]}}),
                "OOMKilled",
            ),
            (
                json!({"status": {"phase": "Failed", "containerStatuses": [{"state": {"terminated": {"exitCode": 3}}}]}}),
                "ExitCode:3",
            ),
            (
                json!({"spec": {"initContainers": [{}, {}]}, "status": {"phase": "Pending", "initContainerStatuses":
                    [{"state": {"terminated": {"exitCode": 0}}}, {"state": {"running": {}}}]}}),
                "Init:1/2",
            ),
            (
                json!({"metadata": {"deletionTimestamp": "2026-11-21T00:00:00Z"}, "status": {"phase": "Running"}}),
                "Terminating",
            ),
        ] {
            assert_eq!(status(&pod), expected, "{pod}");
        }
    }
}
