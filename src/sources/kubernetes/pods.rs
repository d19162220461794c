//! Pods become members, with the status word that kubectl shows.

use std::sync::Arc;

use super::postgres;
use super::table::Names;
use crate::clients::kube::read::{Container, ContainerStatus, Pod, PodStatus, quantity};
use crate::domain::id::ComponentId;
use crate::domain::text::Raw;
use crate::domain::time::Stamp;
use crate::model::facts::{MemberFact, MemberState};

/// What is kept of a pod.
#[derive(Clone, Debug, PartialEq)]
pub struct PodRow {
    pub fact: MemberFact,
    pub limits: Arc<[ContainerLimits]>,
    /// Moments of its latest restarts, oldest first.
    pub restarted: Vec<Stamp>,
}

/// What a container asked for and may use: cores and bytes.
#[derive(Clone, Debug, PartialEq)]
pub struct ContainerLimits {
    pub name: Raw,
    pub cpu_request: Option<f64>,
    pub cpu_limit: Option<f64>,
    pub memory_request: Option<f64>,
    pub memory_limit: Option<f64>,
}

impl ContainerLimits {
    fn of(container: &Container<'_>, names: &mut Names) -> Self {
        let of = |map: &crate::clients::kube::read::Labels<'_>, key| {
            map.get(key).and_then(quantity).filter(|value| *value > 0.0)
        };
        Self {
            name: names.of(&container.name),
            cpu_request: of(&container.resources.requests, "cpu"),
            cpu_limit: of(&container.resources.limits, "cpu"),
            memory_request: of(&container.resources.requests, "memory"),
            memory_limit: of(&container.resources.limits, "memory"),
        }
    }
}

/// How many restarts of a pod are remembered: more in a quarter of an hour say nothing new.
const REMEMBERED: usize = 8;

/// The row of a pod that belongs to `component`; `before` is what was known of it.
pub fn row(pod: &Pod<'_>, component: ComponentId, names: &mut Names, before: Option<&PodRow>, now: Stamp) -> PodRow {
    let status = &pod.status;
    let (word, restarts) = kubectl_status(pod);
    let ready = status.condition("Ready");
    let labels = &pod.metadata.labels;
    let version = ["rollouts-pod-template-hash", "pod-template-hash", "controller-revision-hash"]
        .iter()
        .find_map(|label| labels.get(label));
    let limits: Vec<_> = pod.spec.containers.iter().map(|container| ContainerLimits::of(container, names)).collect();
    let limits = before.filter(|row| *row.limits == *limits).map_or_else(|| limits.into(), |row| row.limits.clone());
    let state = state(pod, &word);
    let since = ready
        .filter(|_| state != MemberState::Starting)
        .and_then(|condition| Stamp::parse_rfc3339(&condition.last_transition_time))
        .or_else(|| Stamp::parse_rfc3339(&status.start_time))
        .or_else(|| Stamp::parse_rfc3339(&pod.metadata.creation_timestamp));
    let fact = MemberFact {
        component,
        name: before.map_or_else(|| Raw::new(&pod.metadata.name), |row| row.fact.name.clone()),
        state,
        word: names.of(&word),
        zone: None,
        node: names.some(&pod.spec.node_name),
        version: version.map(|hash| names.of(hash)),
        role: postgres::role(labels),
        restarts,
        since,
        address: (!status.pod_ip.is_empty()).then(|| Raw::new(&status.pod_ip)),
    };
    PodRow { limits, restarted: restarted(status, restarts, before, now), fact }
}

fn restarted(status: &PodStatus<'_>, restarts: u32, before: Option<&PodRow>, now: Stamp) -> Vec<Stamp> {
    let known = before.map_or(0, |row| row.fact.restarts);
    let mut moments = before.map(|row| row.restarted.clone()).unwrap_or_default();
    if restarts > known {
        let last = status
            .container_statuses
            .iter()
            .filter_map(|container| container.last_state.terminated.as_ref())
            .filter_map(|ended| Stamp::parse_rfc3339(&ended.finished_at))
            .max();
        // On the first sight only the latest is known to be recent; later each one is seen.
        let fresh = if before.is_some() { (restarts - known).min(8) } else { u32::from(last.is_some()) };
        moments.extend((0..fresh).map(|_| last.unwrap_or(now)));
    }
    let surplus = moments.len().saturating_sub(REMEMBERED);
    moments.drain(..surplus);
    moments
}

fn state(pod: &Pod<'_>, word: &str) -> MemberState {
    let status = &pod.status;
    if !pod.metadata.deletion_timestamp.is_empty() {
        return if word == "Unknown" { MemberState::Unknown } else { MemberState::Stopping };
    }
    let ready = status.condition("Ready");
    match &*status.phase {
        "Failed" => return MemberState::Failed,
        "Unknown" | "" => return MemberState::Unknown,
        _ if ready.is_some_and(|condition| &*condition.status == "True") => return MemberState::Ready,
        _ => {}
    }
    let broken = word.contains("BackOff")
        || word.contains("Error")
        || word.contains("ExitCode")
        || word.contains("Signal:")
        || matches!(word, "OOMKilled" | "InvalidImageName" | "ErrImagePull" | "ContainerCannotRun" | "Evicted");
    if broken {
        return MemberState::Failed;
    }
    let started_once = status.container_statuses.iter().any(|container| container.restart_count > 0)
        || ready.is_some_and(|condition| became_unready(&condition.last_transition_time, &status.start_time));
    if &*status.phase == "Running" && started_once { MemberState::NotReady } else { MemberState::Starting }
}

/// Readiness that changed well after the start was there once.
fn became_unready(transition: &str, start: &str) -> bool {
    match (Stamp::parse_rfc3339(transition), Stamp::parse_rfc3339(start)) {
        (Some(transition), Some(start)) => transition.since(start) > std::time::Duration::from_secs(5),
        _ => false,
    }
}

/// The STATUS and RESTARTS columns of `kubectl get pods`: the printer's rules in their order (facts/kubernetes.md 2.7).
pub fn kubectl_status(pod: &Pod<'_>) -> (String, u32) {
    let status = &pod.status;
    let mut word = if status.reason.is_empty() { status.phase.to_string() } else { status.reason.to_string() };
    if status.condition("PodScheduled").is_some_and(|condition| &*condition.reason == "SchedulingGated") {
        "SchedulingGated".clone_into(&mut word);
    }
    let total = pod.spec.init_containers.len();
    let sidecar = |name: &str| {
        pod.spec
            .init_containers
            .iter()
            .any(|container| &*container.name == name && &*container.restart_policy == "Always")
    };
    let mut restarts = 0_u32;
    let mut sidecar_restarts = 0_u32;
    let mut initialising = false;
    for (index, container) in status.init_container_statuses.iter().enumerate() {
        restarts = restarts.saturating_add(container.restart_count);
        let is_sidecar = sidecar(&container.name);
        if is_sidecar {
            sidecar_restarts = sidecar_restarts.saturating_add(container.restart_count);
        }
        if let Some(reason) = initialising_word(container, is_sidecar, index, total) {
            word = reason;
            initialising = true;
            break;
        }
    }
    let initialised = status.condition("Initialized").is_some_and(|condition| &*condition.status == "True");
    if !initialising || initialised {
        restarts = sidecar_restarts;
        let mut running = false;
        for container in status.container_statuses.iter().rev() {
            restarts = restarts.saturating_add(container.restart_count);
            match container_word(container) {
                Some(reason) => word = reason,
                None => running |= container.ready && container.state.running.is_some(),
            }
        }
        if word == "Completed" && running {
            let ready = status.condition("Ready").is_some_and(|condition| &*condition.status == "True");
            (if ready { "Running" } else { "NotReady" }).clone_into(&mut word);
        }
    }
    if !pod.metadata.deletion_timestamp.is_empty() {
        if &*status.reason == "NodeLost" {
            "Unknown".clone_into(&mut word);
        } else if !matches!(&*status.phase, "Succeeded" | "Failed") {
            "Terminating".clone_into(&mut word);
        }
    }
    (word, restarts)
}

/// What an init container holds up, if it does.
fn initialising_word(container: &ContainerStatus<'_>, sidecar: bool, index: usize, total: usize) -> Option<String> {
    match (&container.state.terminated, &container.state.waiting) {
        (Some(ended), _) if ended.exit_code == 0 => None,
        _ if sidecar && container.started => None,
        (Some(ended), _) if !ended.reason.is_empty() => Some(format!("Init:{}", &*ended.reason)),
        (Some(ended), _) if ended.signal != 0 => Some(format!("Init:Signal:{}", ended.signal)),
        (Some(ended), _) => Some(format!("Init:ExitCode:{}", ended.exit_code)),
        (None, Some(waiting)) if !waiting.reason.is_empty() && &*waiting.reason != "PodInitializing" => {
            Some(format!("Init:{}", &*waiting.reason))
        }
        _ => Some(format!("Init:{index}/{total}")),
    }
}

fn container_word(container: &ContainerStatus<'_>) -> Option<String> {
    if let Some(waiting) = container.state.waiting.as_ref().filter(|waiting| !waiting.reason.is_empty()) {
        return Some(waiting.reason.to_string());
    }
    let ended = container.state.terminated.as_ref()?;
    Some(match (ended.reason.is_empty(), ended.signal) {
        (false, _) => ended.reason.to_string(),
        (true, 0) => format!("ExitCode:{}", ended.exit_code),
        (true, signal) => format!("Signal:{signal}"),
    })
}
