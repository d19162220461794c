//! Status of an Argo Rollout (facts/kubernetes.md 1.5, facts/controlplane.md 5): `observedGeneration` is a string.

use serde_json::{Value, json};

use crate::demo::store::json::set;
use crate::demo::world::cluster::{Progress, Workload};
use crate::demo::world::spec;
use crate::demo::world::will::Promotion;

use super::timestamp;
use super::workloads::{Counts, condition};

/// Phase, its message, step index and the reason of the condition `Progressing`.
struct Told {
    phase: &'static str,
    message: String,
    step: usize,
    reason: &'static str,
}

fn told(workload: &Workload, at: i64) -> Told {
    let newest = workload.replica_set(workload.current);
    let told = |phase, message: &str, step, reason| Told { phase, message: message.to_owned(), step, reason };
    let moving = "more replicas need to be updated";
    let step = match workload.progress {
        Progress::Done => spec::STEPS.len(),
        Progress::Moving { step } | Progress::Paused { step, .. } => step,
        Progress::Rolling => spec::STEPS.len() - 1,
        Progress::Aborted => 0,
    };
    if workload.progress == Progress::Aborted {
        let message = format!("RolloutAborted: {}", abort_message(workload));
        return told("Degraded", &message, step, "RolloutAborted");
    }
    if workload.will.paused {
        return told("Paused", "manually paused", step, "RolloutPaused");
    }
    match workload.progress {
        Progress::Done if workload.ready(at) < workload.desired => {
            told("Progressing", "more replicas need to be updated", step, "ReplicaSetUpdated")
        }
        Progress::Done => told("Healthy", "", step, "NewReplicaSetAvailable"),
        Progress::Paused { .. } => told("Paused", "CanaryPauseStep", step, "RolloutPaused"),
        Progress::Moving { .. } if workload.stuck(at) => {
            let message = format!("ProgressDeadlineExceeded: ReplicaSet \"{newest}\" has timed out progressing.");
            told("Degraded", &message, step, "ProgressDeadlineExceeded")
        }
        _ => told("Progressing", moving, step, "ReplicaSetUpdated"),
    }
}

fn abort_message(workload: &Workload) -> String {
    format!("Rollout aborted update to revision {}", workload.ordinal(workload.current))
}

pub fn status(workload: &Workload, counts: &Counts, at: i64) -> Value {
    let will = &workload.will;
    let hash = |number| workload.revision(number).map_or("", |r| r.hash.as_str());
    let newest = workload.replica_set(workload.current);
    let told = told(workload, at);
    let done = workload.progress == Progress::Done;
    let aborted = workload.progress == Progress::Aborted;
    let since = if done { workload.settled_at } else { workload.changed_at };
    let paused = matches!(workload.progress, Progress::Paused { .. }) || aborted || will.paused;
    let why = match told.reason {
        "NewReplicaSetAvailable" => format!("ReplicaSet \"{newest}\" has successfully progressed."),
        "RolloutPaused" => "Rollout is paused".to_owned(),
        "RolloutAborted" => abort_message(workload),
        "ProgressDeadlineExceeded" => format!("ReplicaSet \"{newest}\" has timed out progressing."),
        _ => format!("ReplicaSet \"{newest}\" is progressing."),
    };
    let progressing = matches!(told.reason, "NewReplicaSetAvailable" | "ReplicaSetUpdated");
    let step = match will.promotion {
        Some(Promotion::Step(step)) => step,
        _ => told.step,
    };
    let mut status = json!({
        "HPAReplicas": counts.living, "replicas": counts.living, "updatedReplicas": counts.updated,
        "readyReplicas": counts.ready, "availableReplicas": counts.ready,
        "selector": format!("app={}", workload.spec.name),
        "stableRS": hash(workload.stable), "currentPodHash": hash(workload.current),
        "currentStepIndex": step, "currentStepHash": "6b9d5c7f4d",
        "observedGeneration": will.observed.to_string(),
        "phase": told.phase, "blueGreen": {}, "canary": {},
        "conditions": [
            condition("Available", true, "AvailableReason", "Rollout has minimum availability", workload.settled_at),
            condition("Progressing", progressing, told.reason, &why, since),
            condition("Healthy", done, if done { "RolloutHealthy" } else { "RolloutNotHealthy" }, if done { "Rollout is healthy" } else { "Rollout is not healthy" }, since),
            condition("Completed", done, "RolloutCompleted", "Rollout completed update to revision", since),
            condition("Paused", paused, "RolloutPaused", if paused { "Rollout is paused" } else { "Rollout is not paused" }, since),
        ],
    });
    if !told.message.is_empty() {
        set(&mut status, &["message"], json!(told.message));
    }
    if let Progress::Paused { since, .. } = workload.progress {
        // The pause stays the controller's own while its condition is already taken away: "unpausing".
        set(&mut status, &["controllerPause"], json!(true));
        if will.promotion.is_none() || will.promotion == Some(Promotion::Full) {
            let conditions = json!([{"reason": "CanaryPauseStep", "startTime": timestamp(since)}]);
            set(&mut status, &["pauseConditions"], conditions);
        }
    }
    if will.abort {
        set(&mut status, &["abort"], true);
    }
    if let Some(at) = will.aborted_at {
        set(&mut status, &["abortedAt"], timestamp(at));
    }
    if will.promotion == Some(Promotion::Full) {
        set(&mut status, &["promoteFull"], true);
    }
    if let Some(at) = will.restarted_at {
        set(&mut status, &["restartedAt"], timestamp(at));
    }
    status
}
