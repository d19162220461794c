//! An Argo Rollout as operations need it (facts/kubernetes.md 1.5, facts/controlplane.md 5).

use serde_json::Value;

use super::json::{self, Head, Selector};
use super::kube::Counts;
use crate::domain::text::{Raw, Shown};
use crate::domain::time::Stamp;

#[derive(Clone, Debug, PartialEq)]
pub struct RolloutSeen {
    pub head: Head,
    pub counts: Counts,
    /// Absent where an autoscaler owns it from the start.
    pub replicas: Option<u32>,
    pub paused: bool,
    /// The controller has seen the latest specification: only then its state speaks of it.
    pub observed: bool,
    pub template: Value,
    pub selector: Selector,
    /// The Deployment whose template it borrows.
    pub borrows: Option<Raw>,
    /// `spec.restartAt` and `status.restartedAt`.
    pub restart: (Raw, Raw),
    pub strategy: Strategy,
    pub state: State,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Strategy {
    Canary {
        steps: Vec<Step>,
        /// A traffic router sets weights; else pods do.
        routed: bool,
    },
    BlueGreen {
        active: Raw,
        preview: Raw,
    },
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    Weight(u32),
    /// Seconds; `None` waits for a person.
    Pause(Option<u32>),
    Analysis,
    Other,
}

/// What the controller says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct State {
    pub phase: Raw,
    pub message: Raw,
    pub step: Option<u32>,
    /// Pod template hashes.
    pub stable: Raw,
    pub current: Raw,
    /// Reasons of the pauses (`CanaryPauseStep`, `BlueGreenPause`, `InconclusiveAnalysisRun`).
    pub pauses: Vec<Raw>,
    pub controller_pause: bool,
    pub aborted: bool,
    pub aborted_at: Option<Stamp>,
    pub promoting_fully: bool,
    /// The router's weight of the canary.
    pub weight: Option<u32>,
    /// Hash that the active service of a blue-green rollout selects.
    pub active: Raw,
}

impl RolloutSeen {
    /// # Errors
    /// When it has no identity or neither strategy.
    pub fn read(value: &Value) -> Result<Self, Shown> {
        let head = Head::read(value)?;
        let observed = json::raw(value, "/status/observedGeneration").as_str().parse::<i64>();
        let observed = observed.is_ok_and(|seen| seen >= head.generation);
        let paused = json::truth(value, "/spec/paused");
        let borrows = (json::raw(value, "/spec/workloadRef/kind").as_str() == "Deployment")
            .then(|| json::raw(value, "/spec/workloadRef/name"));
        Ok(Self {
            counts: Counts::read(value),
            replicas: json::count(value, "/spec/replicas"),
            template: value.pointer("/spec/template").cloned().unwrap_or(Value::Null),
            selector: Selector::read(value, "/spec/selector"),
            restart: (json::raw(value, "/spec/restartAt"), json::raw(value, "/status/restartedAt")),
            strategy: strategy(value)?,
            state: state(value, paused, observed),
            head,
            paused,
            observed,
            borrows,
        })
    }

    /// Another revision than the stable one takes part.
    #[must_use]
    pub fn under_way(&self) -> bool {
        self.state.current != self.state.stable && !self.state.current.is_empty() && !self.state.stable.is_empty()
    }

    /// Weight that the steps ask for: none once aborted, all after the last step (argo `GetCurrentSetWeight`).
    #[must_use]
    pub fn set_weight(&self) -> u32 {
        let Strategy::Canary { steps, .. } = &self.strategy else { return 0 };
        if self.state.aborted {
            return 0;
        }
        let Some(step) = self.state.step.and_then(|step| usize::try_from(step).ok()) else { return 100 };
        if step >= steps.len() {
            return 100;
        }
        let weights = steps.iter().take(step + 1).rev();
        weights
            .filter_map(|step| if let Step::Weight(weight) = step { Some(*weight) } else { None })
            .next()
            .unwrap_or(0)
    }

    /// Steps in all; 0 for blue-green.
    #[must_use]
    pub fn steps(&self) -> u32 {
        match &self.strategy {
            Strategy::Canary { steps, .. } => u32::try_from(steps.len()).unwrap_or(u32::MAX),
            Strategy::BlueGreen { .. } => 0,
        }
    }

    #[must_use]
    pub const fn is_blue_green(&self) -> bool {
        matches!(self.strategy, Strategy::BlueGreen { .. })
    }

    /// Reason of the first pause, or that it was held by hand.
    #[must_use]
    pub fn paused_because(&self) -> Option<Shown> {
        if self.paused {
            return Some(Shown::fixed("held by hand"));
        }
        self.state.pauses.first().map(Raw::shown)
    }

    #[must_use]
    pub fn inconclusive(&self) -> bool {
        self.state.pauses.iter().any(|reason| reason.as_str().starts_with("Inconclusive"))
    }

    /// Revision number the controller has given to the template.
    #[must_use]
    pub fn revision(&self) -> Option<&Raw> {
        self.head.annotation("rollout.argoproj.io/revision")
    }
}

fn strategy(value: &Value) -> Result<Strategy, Shown> {
    if let Some(canary) = value.pointer("/spec/strategy/canary") {
        let steps = json::list(canary, "/steps").map(step).collect();
        return Ok(Strategy::Canary { steps, routed: canary.pointer("/trafficRouting").is_some() });
    }
    if value.pointer("/spec/strategy/blueGreen").is_some() {
        return Ok(Strategy::BlueGreen {
            active: json::raw(value, "/spec/strategy/blueGreen/activeService"),
            preview: json::raw(value, "/spec/strategy/blueGreen/previewService"),
        });
    }
    Err(Shown::fixed("the Rollout has neither a canary nor a blue-green strategy"))
}

fn step(value: &Value) -> Step {
    if let Some(weight) = json::count(value, "/setWeight") {
        return Step::Weight(weight);
    }
    if value.pointer("/pause").is_some() {
        let text = json::raw(value, "/pause/duration");
        let number = json::count(value, "/pause/duration");
        return Step::Pause(number.or_else(|| seconds(text.as_str())));
    }
    if value.pointer("/analysis").is_some() { Step::Analysis } else { Step::Other }
}

/// Durations as Argo writes them: `30`, `5s`, `10m`, `1h`.
fn seconds(text: &str) -> Option<u32> {
    let digits = text.trim_end_matches(char::is_alphabetic);
    let unit = match text.get(digits.len()..)? {
        "" | "s" => 1,
        "m" => 60,
        "h" => 3600,
        _ => return None,
    };
    digits.parse::<u32>().ok()?.checked_mul(unit)
}

fn state(value: &Value, paused: bool, observed: bool) -> State {
    let pauses: Vec<Raw> =
        json::list(value, "/status/pauseConditions").map(|condition| json::raw(condition, "/reason")).collect();
    let controller_pause = json::truth(value, "/status/controllerPause");
    let stable = json::raw(value, "/status/stableRS");
    let current = json::raw(value, "/status/currentPodHash");
    let told = json::raw(value, "/status/phase");
    let unpausing = controller_pause && pauses.is_empty() && !paused;
    let phase = if !observed || (unpausing && told.as_str() == "Paused") {
        Raw::new("Progressing")
    } else if told.is_empty() {
        Raw::new(computed_phase(value, paused || !pauses.is_empty(), stable == current))
    } else {
        told
    };
    State {
        phase,
        message: json::raw(value, "/status/message"),
        step: json::count(value, "/status/currentStepIndex"),
        aborted: json::truth(value, "/status/abort"),
        aborted_at: json::stamp(value, "/status/abortedAt"),
        promoting_fully: json::truth(value, "/status/promoteFull"),
        weight: json::count(value, "/status/canary/weights/canary/weight"),
        active: json::raw(value, "/status/blueGreen/activeSelector"),
        stable,
        current,
        pauses,
        controller_pause,
    }
}

/// Controllers before 0.11 tell no phase (argo `GetRolloutPhase`).
fn computed_phase(value: &Value, paused: bool, stable: bool) -> &'static str {
    let failed = json::list(value, "/status/conditions").any(|condition| {
        json::raw(condition, "/type").as_str() == "InvalidSpec"
            || matches!(json::raw(condition, "/reason").as_str(), "RolloutAborted" | "ProgressDeadlineExceeded")
    });
    match (failed, paused, stable) {
        (true, ..) => "Degraded",
        (_, true, _) => "Paused",
        (_, _, true) => "Healthy",
        _ => "Progressing",
    }
}
