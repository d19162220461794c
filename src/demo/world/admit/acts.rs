//! What a difference between two states of an object asks of the model.

use serde_json::Value;

use crate::demo::store::json::{array, at, text};
use crate::demo::store::kube::{
    APPLICATIONS, CNPG_CLUSTERS, DAEMONSETS, DEPLOYMENTS, Gvr, HPAS, KUSTOMIZATIONS, NODES, ROLLOUTS, STATEFULSETS,
};
use crate::demo::world::operations::owner::Automation;
use crate::demo::world::will::Promotion;

/// Which part of an object a request writes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part {
    Main,
    Status,
    Scale,
}

/// Something that is asked of the model.
#[derive(Clone, Debug, PartialEq)]
pub enum Act {
    Scale(u32),
    Template {
        template: Value,
        cause: Option<String>,
    },
    Pause(bool),
    /// World time, ms.
    RestartAt(i64),
    Abort(bool),
    Promote(Promotion),
    Bounds(u32, u32),
    Cordon(bool),
    Automate(Option<Automation>),
    /// The instance that shall be the primary.
    Promotion(String),
}

/// A value that the kind does not allow.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Invalid {
    pub field: &'static str,
    pub message: String,
}

/// Where the status of a CloudNativePG cluster has the wish for a primary.
const TARGET: &str = "/status/targetPrimary";
/// Largest number of pods that anyone may ask for here: more would fit on no node.
const MAX_REPLICAS: i64 = 348;

/// Reads what a written object asks for. `old` and `new` are whole objects of `gvr`.
///
/// # Errors
/// The first value that is not allowed.
pub fn read(gvr: Gvr, part: Part, old: &Value, new: &Value) -> Result<Vec<Act>, Invalid> {
    if part == Part::Status {
        return Ok(match gvr {
            ROLLOUTS => canary_verbs(old, new),
            CNPG_CLUSTERS if at(old, TARGET) != at(new, TARGET) => vec![Act::Promotion(text(new, TARGET).to_owned())],
            _ => Vec::new(),
        });
    }
    let differs = |path: &str| at(old, path) != at(new, path);
    let mut acts = Vec::new();
    if [DEPLOYMENTS, ROLLOUTS, STATEFULSETS].contains(&gvr) && differs("/spec/replicas") {
        acts.push(Act::Scale(replicas(new, "/spec/replicas", "spec.replicas", 0)?));
    }
    if [DEPLOYMENTS, ROLLOUTS, STATEFULSETS, DAEMONSETS].contains(&gvr) && differs("/spec/template") {
        let template = at(new, "/spec/template").clone();
        if array(&template, "/spec/containers").is_empty() {
            let message = "Required value".to_owned();
            return Err(Invalid { field: "spec.template.spec.containers", message });
        }
        let note = "/metadata/annotations/kubernetes.io~1change-cause";
        let cause = (old.pointer(note) != new.pointer(note)).then(|| new.pointer(note)?.as_str().map(str::to_owned));
        acts.push(Act::Template { template, cause: cause.flatten() });
    }
    if [DEPLOYMENTS, ROLLOUTS].contains(&gvr) && differs("/spec/paused") {
        acts.push(Act::Pause(at(new, "/spec/paused").as_bool().unwrap_or_default()));
    }
    if gvr == ROLLOUTS && differs("/spec/restartAt") && !at(new, "/spec/restartAt").is_null() {
        let moment = text(new, "/spec/restartAt").parse::<jiff::Timestamp>().map_err(|_| Invalid {
            field: "spec.restartAt",
            message: format!("Invalid value: {}: must be of type date-time", at(new, "/spec/restartAt")),
        })?;
        acts.push(Act::RestartAt(moment.as_millisecond()));
    }
    if gvr == HPAS && (differs("/spec/minReplicas") || differs("/spec/maxReplicas")) {
        acts.push(bounds(new)?);
    }
    if gvr == NODES && differs("/spec/unschedulable") {
        acts.push(Act::Cordon(at(new, "/spec/unschedulable").as_bool().unwrap_or_default()));
    }
    if gvr == APPLICATIONS && differs("/spec/syncPolicy/automated") {
        let policy = at(new, "/spec/syncPolicy/automated");
        let flag = |name: &str| policy.get(name).and_then(Value::as_bool).unwrap_or_default();
        let automated = policy.is_object().then(|| Automation { prune: flag("prune"), self_heal: flag("selfHeal") });
        acts.push(Act::Automate(automated));
    }
    if gvr == KUSTOMIZATIONS && differs("/spec/suspend") {
        let suspended = at(new, "/spec/suspend").as_bool().unwrap_or_default();
        acts.push(Act::Automate((!suspended).then_some(Automation { prune: true, self_heal: true })));
    }
    Ok(acts)
}

fn replicas(object: &Value, path: &str, field: &'static str, least: i64) -> Result<u32, Invalid> {
    let value = at(object, path);
    let number = value.as_i64().unwrap_or(if value.is_null() { 1 } else { -1 });
    if number < least {
        let message = format!("Invalid value: {value}: must be greater than or equal to {least}");
        return Err(Invalid { field, message });
    }
    Ok(u32::try_from(number.min(MAX_REPLICAS)).unwrap_or_default())
}

fn bounds(object: &Value) -> Result<Act, Invalid> {
    let min = replicas(object, "/spec/minReplicas", "spec.minReplicas", 1)?;
    let max = replicas(object, "/spec/maxReplicas", "spec.maxReplicas", 1)?;
    if max < min {
        let message = format!("Invalid value: {max}: must be greater than or equal to `minReplicas`");
        return Err(Invalid { field: "spec.maxReplicas", message });
    }
    Ok(Act::Bounds(min, max))
}

/// The verbs that kubectl-argo-rollouts writes into the status (facts/kubernetes.md 1.5).
fn canary_verbs(old: &Value, new: &Value) -> Vec<Act> {
    let flag = |object: &Value, path: &str| at(object, path).as_bool().unwrap_or_default();
    let mut acts = Vec::new();
    if flag(old, "/status/abort") != flag(new, "/status/abort") {
        acts.push(Act::Abort(flag(new, "/status/abort")));
    }
    if flag(new, "/status/promoteFull") {
        acts.push(Act::Promote(Promotion::Full));
    } else if at(old, "/status/currentStepIndex") != at(new, "/status/currentStepIndex") {
        let step = at(new, "/status/currentStepIndex").as_u64().unwrap_or_default();
        acts.push(Act::Promote(Promotion::Step(usize::try_from(step).unwrap_or_default())));
    } else if !array(old, "/status/pauseConditions").is_empty() && array(new, "/status/pauseConditions").is_empty() {
        acts.push(Act::Promote(Promotion::Next));
    }
    acts
}
