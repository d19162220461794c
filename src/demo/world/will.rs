//! What people and controllers ask of a workload, and how its controllers obey.
//!
//! Canary verbs as argo-rollouts 1.9 takes them without a traffic router (facts/kubernetes.md 1.5, measured in
//! facts/controlplane.md 5); roll-backs and restarts as the built-in controllers do (facts/kubernetes.md 1.2, 1.4).

use serde_json::Value;

use super::cluster::{Notice, Progress, Workload};
use super::flow::Fault;
use super::pod::Pod;
use super::spec::{self, Kind, Step};

/// An eviction that failed after its budget was spent gives it back after this long (facts/controlplane.md 0.4), ms.
const BURNED_FOR: i64 = 120_000;

/// A request to get on with a canary.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Promotion {
    /// The pause is over.
    Next,
    /// Go to this step, whatever the present one waits for.
    Step(usize),
    /// Skip every step.
    Full,
}

#[derive(Clone, Debug)]
pub struct Will {
    /// The generation that its controllers have taken note of.
    pub observed: i64,
    /// `spec.paused`.
    pub paused: bool,
    /// `status.abort` as it was last written, and since when it has been carried out.
    pub abort: bool,
    pub aborted_at: Option<i64>,
    pub promotion: Option<Promotion>,
    /// `spec.restartAt`, and the one that has been carried out.
    pub restart_at: Option<i64>,
    pub restarted_at: Option<i64>,
    /// Bounds of the autoscaler; none when there is none.
    pub bounds: Option<(u32, u32)>,
    /// Revision and moment of the last release: what the repository has.
    pub released: u32,
    pub released_at: i64,
    /// What the autoscaler remembers.
    pub autoscaler: Autoscaler,
    /// Disruptions that were counted and did not happen: the pod and until when.
    pub burned: Vec<(String, i64)>,
}

#[derive(Clone, Copy, Debug, Default)]
pub struct Autoscaler {
    /// Since when it would shrink the workload.
    pub shrinkable_since: Option<i64>,
    /// Someone else has set the number since it last looked: its own recommendations of late were lower.
    pub overruled: bool,
}

impl Will {
    #[must_use]
    pub fn new(spec: &spec::Workload, generation: i64) -> Self {
        Self {
            observed: generation,
            paused: false,
            abort: false,
            aborted_at: None,
            promotion: None,
            restart_at: None,
            restarted_at: None,
            bounds: spec.autoscale,
            released: generation.try_into().unwrap_or_default(),
            released_at: 0,
            autoscaler: Autoscaler::default(),
            burned: Vec::new(),
        }
    }

    /// Nobody asks anything any more. Returns the number of pods that is wanted then.
    pub fn forget(&mut self, spec: &spec::Workload, desired: u32) -> u32 {
        (self.paused, self.abort, self.aborted_at, self.promotion) = (false, false, None, None);
        self.bounds = spec.autoscale;
        match spec.autoscale {
            Some((min, max)) => desired.clamp(min, max),
            None => spec.replicas,
        }
    }

    /// A release through the repository.
    pub fn released(&mut self, revision: u32, at: i64) {
        (self.released, self.released_at) = (revision, at);
        (self.abort, self.aborted_at, self.promotion) = (false, None, None);
    }
}

impl Workload {
    /// The controllers take note of what was asked and begin with it.
    pub fn obey(&mut self, at: i64) -> Vec<Notice> {
        let mut notices = Vec::new();
        self.will.observed = self.generation;
        self.will.burned.retain(|(_, until)| *until > at);
        if self.spec.kind == Kind::Rollout {
            self.obey_abort(at, &mut notices);
            self.obey_promotion(at, &mut notices);
            self.obey_restart(at, &mut notices);
        }
        notices
    }

    fn obey_abort(&mut self, at: i64, notices: &mut Vec<Notice>) {
        let aborted = self.progress == Progress::Aborted;
        if self.will.abort && self.current == self.stable {
            // Nothing is being rolled out: there is nothing to abort.
            self.will.abort = false;
        } else if self.will.abort && !aborted {
            self.progress = Progress::Aborted;
            self.will.aborted_at = Some(at);
            self.will.promotion = None;
            self.changed_at = at;
            let message = format!("Rollout aborted update to revision {}", self.ordinal(self.current));
            notices.push(self.rollout_notice(at, "RolloutAborted", message));
        } else if !self.will.abort && aborted {
            self.progress = Progress::Moving { step: 0 };
            self.will.aborted_at = None;
            self.changed_at = at;
        }
    }

    fn obey_promotion(&mut self, at: i64, notices: &mut Vec<Notice>) {
        let Some(promotion) = self.will.promotion else { return };
        let next = match (promotion, self.progress) {
            // A promotion of what is done or aborted changes nothing.
            (_, Progress::Done | Progress::Aborted | Progress::Rolling) => None,
            (Promotion::Full, _) => Some(Progress::Rolling),
            // While the whole is paused the step's pause comes back.
            _ if self.will.paused => None,
            (Promotion::Next, Progress::Paused { step, .. }) => {
                let done = spec::STEPS.len();
                let message = format!("Rollout step {}/{done} completed (pause: )", step + 1);
                notices.push(self.rollout_notice(at, "RolloutStepCompleted", message));
                Some(step_at(step + 1, at))
            }
            (Promotion::Next, Progress::Moving { .. }) => None,
            (Promotion::Step(step), _) => Some(step_at(step, at)),
        };
        if let Some(progress) = next {
            self.progress = progress;
            self.changed_at = at;
        }
        // The field of a full promotion stands until it is done.
        if self.progress != Progress::Rolling {
            self.will.promotion = None;
        }
    }

    /// Pods older than the moment go one by one, each when all the others serve.
    fn obey_restart(&mut self, at: i64, notices: &mut Vec<Notice>) {
        let Some(moment) = self.will.restart_at.filter(|m| *m <= at && self.will.restarted_at != Some(*m)) else {
            return;
        };
        let whole = self.ready(at) >= self.desired;
        let old = |p: &&mut Pod| p.deleted_at.is_none() && p.created_at < moment;
        let Some(pod) = self.pods.iter_mut().find(old) else {
            self.will.restarted_at = Some(moment);
            return;
        };
        if whole {
            pod.deleted_at = Some(at);
            let (revision, message) = (pod.revision, format!("Deleted pod: {}", pod.name));
            let set = self.replica_set(revision);
            notices.push(self.notice(at, "ReplicaSet", set, "SuccessfulDelete", message, "replicaset-controller"));
        }
    }

    fn rollout_notice(&self, at: i64, reason: &'static str, message: String) -> Notice {
        self.notice(at, "Rollout", self.spec.name.to_owned(), reason, message, "rollouts-controller")
    }

    /// Wants a pod template. `known` is the revision that has it, if one does; its number becomes the newest.
    pub fn want_template(&mut self, seed: u64, at: i64, known: Option<u32>, fresh: Fresh) {
        let newest = self.revisions.iter().map(|r| r.ordinal).max().unwrap_or_default();
        let number = match known {
            Some(number) => {
                for revision in self.revisions.iter_mut().filter(|r| r.number == number && r.ordinal != newest) {
                    revision.ordinals_before.push(revision.ordinal);
                    revision.ordinal = newest + 1;
                    revision.cause = fresh.cause.clone().or(revision.cause.take());
                }
                number
            }
            None => {
                let fault = if fresh.tag.is_none() { self.fault_of(self.current) } else { Fault::NONE };
                let tag = fresh.tag.or_else(|| self.revision(self.current).map(|r| r.tag.clone()));
                let number = self.next_revision();
                self.add_revision(seed, number, at, fault);
                for revision in self.revisions.iter_mut().filter(|r| r.number == number) {
                    revision.tag = tag.clone().unwrap_or_default();
                    revision.cause.clone_from(&fresh.cause);
                    revision.template = Some(fresh.template.clone());
                }
                number
            }
        };
        (self.will.abort, self.will.aborted_at, self.will.promotion) = (false, None, None);
        self.current = number;
        self.changed_at = at;
        // Going back to the stable revision skips every step; any other one is a canary of its own.
        let stepwise = self.spec.kind == Kind::Rollout && number != self.stable;
        self.progress = if stepwise { Progress::Moving { step: 0 } } else { Progress::Rolling };
    }

    /// Puts image, number of pods and bounds back to what was released.
    pub fn restore_release(&mut self, seed: u64, at: i64) {
        let tag = |w: &Self, number| w.revision(number).map(|r| r.tag.clone());
        let released = self.will.released;
        if tag(self, self.current) != tag(self, released) {
            let nothing = Fresh { template: Value::Null, tag: None, cause: None };
            self.want_template(seed, at, Some(released), nothing);
        }
        if self.spec.autoscale.is_none() {
            self.desired = self.spec.replicas;
        }
        self.will.bounds = self.spec.autoscale;
        self.generation += 1;
    }

    fn fault_of(&self, number: u32) -> Fault {
        self.revision(number).map_or(Fault::NONE, |r| r.fault)
    }

    /// How many of its pods may be evicted now (`maxUnavailable: 1`).
    #[must_use]
    pub fn disruptions_allowed(&self, at: i64) -> u32 {
        let wanted = self.desired.saturating_sub(1);
        let burned = self.will.burned.iter().filter(|(_, until)| *until > at).count() as u32;
        self.ready(at).saturating_sub(wanted).saturating_sub(burned)
    }

    /// The budget is spent on an eviction that then fails.
    pub fn burn_budget(&mut self, pod: &str, at: i64) {
        self.will.burned.push((pod.to_owned(), at + BURNED_FOR));
    }

    /// Tells a pod to go.
    pub fn remove_pod(&mut self, name: &str, at: i64) -> Option<Notice> {
        let pod = self.pods.iter_mut().find(|p| p.name == name && p.deleted_at.is_none())?;
        pod.deleted_at = Some(at);
        let (kind, object) = ("Pod", pod.name.clone());
        let message = format!("Stopping container {}", self.spec.name);
        Some(self.notice(at, kind, object, "Killing", message, "kubelet"))
    }
}

/// A pod template that no revision has yet.
pub struct Fresh {
    pub template: Value,
    /// Of the image, when it is another one than that of the present revision.
    pub tag: Option<String>,
    pub cause: Option<String>,
}

fn step_at(step: usize, at: i64) -> Progress {
    match spec::STEPS.get(step) {
        None => Progress::Rolling,
        Some(Step::Pause) => Progress::Paused { step, since: at },
        Some(Step::SetWeight(_)) => Progress::Moving { step },
    }
}
