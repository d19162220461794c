//! Workloads, their revisions and their pods: what the controllers of a cluster do with them as time passes.

use super::flow::{Fault, Group};
use super::noise::{digest, mix, suffix};
use super::pod::{Pod, READY_AFTER};
use super::spec::{self, Kind, Step};

/// A rollout that has not got on for this long is given up (`progressDeadlineSeconds`, ms).
const DEADLINE: i64 = 600_000;
/// How long a pod that was told to go takes to go.
const GRACE: i64 = 10_000;

#[derive(Clone, Debug)]
pub struct Revision {
    pub number: u32,
    /// `pod-template-hash` of its ReplicaSet.
    pub hash: String,
    pub tag: String,
    pub created_at: i64,
    pub fault: Fault,
}

/// How far a new revision is rolled out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Progress {
    /// Everything runs the current revision.
    Done,
    /// Replaces all pods without a stop.
    Rolling,
    /// Waits at this canary step since then.
    Paused { step: usize, since: i64 },
    /// Works towards the weight of this canary step.
    Moving { step: usize },
}

#[derive(Clone, Debug)]
pub struct Workload {
    pub spec: &'static spec::Workload,
    pub desired: u32,
    pub generation: i64,
    pub revisions: Vec<Revision>,
    /// Number of the revision that serves everyone, and of the one wanted.
    pub stable: u32,
    pub current: u32,
    pub progress: Progress,
    pub pods: Vec<Pod>,
    /// When the last change was begun, and when it was finished.
    pub changed_at: i64,
    pub settled_at: i64,
    /// Since when the autoscaler would shrink it.
    pub shrinkable_since: Option<i64>,
    created_pods: u64,
}

/// Something that controllers report as a Kubernetes event.
#[derive(Clone, Debug)]
pub struct Notice {
    pub at: i64,
    pub workload: &'static str,
    pub namespace: &'static str,
    /// Kind and name of the object it is about.
    pub kind: &'static str,
    pub object: String,
    pub reason: &'static str,
    pub message: String,
    pub component: &'static str,
}

impl Workload {
    /// A workload that has run its first known revision since `since`.
    #[must_use]
    pub fn settled(spec: &'static spec::Workload, seed: u64, since: i64) -> Self {
        let number = 3 + (mix(seed, digest(spec.name)) % 40) as u32;
        let mut workload = Self {
            spec,
            desired: spec.replicas,
            generation: i64::from(number),
            revisions: Vec::new(),
            stable: number,
            current: number,
            progress: Progress::Done,
            pods: Vec::new(),
            changed_at: since,
            settled_at: since + READY_AFTER,
            shrinkable_since: None,
            created_pods: 0,
        };
        // The one before is kept for going back to.
        workload.add_revision(seed, number - 1, since - 6 * 86_400_000, Fault::NONE);
        workload.add_revision(seed, number, since, Fault::NONE);
        for _ in 0..spec.replicas {
            workload.create_pod(seed, number, since);
        }
        workload
    }

    fn add_revision(&mut self, seed: u64, number: u32, at: i64, fault: Fault) {
        let (major, minor) = self.spec.version;
        let patch = self.revisions.len();
        let tag = format!("{major}.{minor}.{patch}");
        let hash = revision_hash(seed, self.spec.name, number);
        self.revisions.push(Revision { number, hash, tag, created_at: at, fault });
    }

    fn create_pod(&mut self, seed: u64, revision: u32, at: i64) {
        let pod = self.revision(revision).and_then(|r| Pod::create(self.spec, r, seed, self.created_pods, at));
        self.created_pods += 1;
        self.pods.extend(pod);
    }

    #[must_use]
    pub fn revision(&self, number: u32) -> Option<&Revision> {
        self.revisions.iter().find(|r| r.number == number)
    }

    /// Ready pods by revision.
    #[must_use]
    pub fn groups(&self, at: i64) -> Vec<Group> {
        let group = |revision: &Revision| {
            let ready = self.pods.iter().filter(|p| p.revision == revision.number && p.ready(at));
            let (pods, weight) = ready.fold((0, 0.0), |(n, w), pod| (n + 1, w + pod.weight));
            (pods > 0).then_some(Group { revision: revision.number, pods, weight, fault: revision.fault })
        };
        self.revisions.iter().filter_map(group).collect()
    }

    #[must_use]
    pub fn ready(&self, at: i64) -> u32 {
        self.pods.iter().filter(|p| p.ready(at)).count() as u32
    }

    /// Pods that are not on their way out.
    pub fn living(&self, revision: u32) -> impl Iterator<Item = &Pod> {
        self.pods.iter().filter(move |p| p.revision == revision && p.deleted_at.is_none())
    }

    /// The number that the next revision gets.
    #[must_use]
    pub fn next_revision(&self) -> u32 {
        self.revisions.iter().map(|r| r.number).max().unwrap_or_default() + 1
    }

    /// Wants a new revision. With `canary`, a Rollout stops at its first pause.
    pub fn deploy(&mut self, seed: u64, at: i64, fault: Fault, canary: bool) -> Notice {
        let number = self.next_revision();
        self.add_revision(seed, number, at, fault);
        self.current = number;
        self.generation += 1;
        self.changed_at = at;
        let stepwise = canary && self.spec.kind == Kind::Rollout;
        self.progress = if stepwise { Progress::Moving { step: 0 } } else { Progress::Rolling };
        let name = self.spec.name.to_owned();
        if self.spec.kind == Kind::Rollout {
            let message = format!("Rollout updated to revision {number}");
            return self.notice(at, "Rollout", name, "RolloutUpdated", message, "rollouts-controller");
        }
        let message = format!("Scaled up replica set {} to {}", self.replica_set(number), self.desired.div_ceil(4));
        self.notice(at, "Deployment", name, "ScalingReplicaSet", message, "deployment-controller")
    }

    /// Goes back to the stable revision at once.
    pub fn abandon(&mut self, at: i64) {
        if self.current != self.stable {
            self.current = self.stable;
            self.generation += 1;
            self.changed_at = at;
            self.progress = Progress::Rolling;
        }
    }

    /// Its pods run on and answer nothing.
    pub fn hang(&mut self, at: i64) {
        for pod in &mut self.pods {
            pod.hung_at = Some(at);
        }
    }

    /// Every revision and every pod is well again.
    pub fn heal(&mut self, at: i64) {
        for pod in self.pods.iter_mut().filter(|p| p.hung_at.is_some()) {
            pod.hung_at = None;
            pod.ready_at = at;
        }
        for revision in &mut self.revisions {
            revision.fault = Fault::NONE;
        }
    }

    pub fn afflict_stable(&mut self, fault: Fault) {
        let stable = self.stable;
        for revision in self.revisions.iter_mut().filter(|r| r.number == stable) {
            revision.fault = fault;
        }
    }

    pub fn scale(&mut self, desired: u32) {
        self.desired = desired;
        self.generation += 1;
    }

    /// Per cent of the pods that should run the wanted revision.
    #[must_use]
    pub fn wanted_weight(&self) -> u32 {
        match self.progress {
            Progress::Done | Progress::Rolling => 100,
            Progress::Moving { step } | Progress::Paused { step, .. } => weight_at(step),
        }
    }

    /// What the controllers do in one step. Returns what they report.
    pub fn reconcile(&mut self, seed: u64, at: i64) -> Vec<Notice> {
        let mut notices = Vec::new();
        self.pods.retain(|p| p.deleted_at.is_none_or(|deleted| at < deleted + GRACE));
        let wanted = (self.desired * self.wanted_weight()).div_ceil(100);
        let new = self.living(self.current).count() as u32;
        let living = self.pods.iter().filter(|p| p.deleted_at.is_none()).count() as u32;
        let surge = self.desired.div_ceil(4);
        let create = wanted.saturating_sub(new).min((self.desired + surge).saturating_sub(living));
        for _ in 0..create {
            self.create_pod(seed, self.current, at);
            if let Some(pod) = self.pods.last() {
                notices.push(self.notice(
                    at,
                    "ReplicaSet",
                    self.replica_set(self.current),
                    "SuccessfulCreate",
                    format!("Created pod: {}", pod.name),
                    "replicaset-controller",
                ));
            }
        }
        self.restore_stable(seed, at, wanted);
        self.remove_surplus(at, wanted, &mut notices);
        self.report_crashes(at, &mut notices);
        self.progress_on(at, wanted, &mut notices);
        notices
    }

    /// Beside a canary the stable revision keeps the rest of the pods, also when the workload grows.
    fn restore_stable(&mut self, seed: u64, at: i64, wanted: u32) {
        if self.stable == self.current || self.progress == Progress::Rolling {
            return;
        }
        let living = self.living(self.stable).count() as u32;
        for _ in living..self.desired.saturating_sub(wanted) {
            self.create_pod(seed, self.stable, at);
        }
    }

    /// Pods of other revisions go as those of the wanted one become ready; a smaller wish is met at once.
    fn remove_surplus(&mut self, at: i64, wanted: u32, notices: &mut Vec<Notice>) {
        let mut gone = Vec::new();
        if self.progress == Progress::Rolling {
            // Old pods that serve no one need no replacement first.
            let current = self.current;
            let useless = |p: &&mut Pod| p.revision != current && p.deleted_at.is_none() && !p.ready(at);
            for pod in self.pods.iter_mut().filter(useless) {
                pod.deleted_at = Some(at);
                gone.push((pod.revision, pod.name.clone()));
            }
        }
        let living = self.pods.iter().filter(|p| p.deleted_at.is_none()).count() as u32;
        let unready = self.pods.iter().filter(|p| p.deleted_at.is_none() && !p.ready(at)).count() as u32;
        let mut surplus = living.saturating_sub(unready).saturating_sub(self.desired);
        let mut own_surplus = (self.living(self.current).count() as u32).saturating_sub(wanted);
        let current = self.current;
        for pod in self.pods.iter_mut().rev().filter(|p| p.deleted_at.is_none()) {
            let budget = if pod.revision == current { &mut own_surplus } else { &mut surplus };
            if *budget > 0 {
                *budget -= 1;
                pod.deleted_at = Some(at);
                gone.push((pod.revision, pod.name.clone()));
            }
        }
        for (revision, name) in gone {
            let message = format!("Deleted pod: {name}");
            let set = self.replica_set(revision);
            notices.push(self.notice(at, "ReplicaSet", set, "SuccessfulDelete", message, "replicaset-controller"));
        }
    }

    fn report_crashes(&mut self, at: i64, notices: &mut Vec<Notice>) {
        let (name, namespace) = (self.spec.name, self.spec.namespace);
        for pod in self.pods.iter_mut().filter(|p| p.deleted_at.is_none()) {
            let Some(turn) = pod.next_turn(at) else { continue };
            let (reason, message) = if turn.waiting {
                ("BackOff", format!("Back-off restarting failed container {name} in pod {}", pod.name))
            } else {
                ("Started", format!("Started container {name}"))
            };
            notices.push(Notice {
                at,
                workload: name,
                namespace,
                kind: "Pod",
                object: pod.name.clone(),
                reason,
                message,
                component: "kubelet",
            });
        }
    }

    /// Whether the controllers have given up waiting for the wanted revision.
    #[must_use]
    pub fn stuck(&self, at: i64) -> bool {
        matches!(self.progress, Progress::Rolling | Progress::Moving { .. }) && at - self.changed_at > DEADLINE
    }

    fn progress_on(&mut self, at: i64, wanted: u32, notices: &mut Vec<Notice>) {
        let ready = self.living(self.current).filter(|p| p.ready(at)).count() as u32;
        let others = self.pods.iter().filter(|p| p.deleted_at.is_none() && p.revision != self.current).count() as u32;
        let reached = ready == wanted && others + wanted == self.desired;
        match self.progress {
            Progress::Moving { step } if reached => {
                self.progress = match spec::STEPS.get(step + 1) {
                    Some(Step::Pause) => {
                        let message = "Rollout is paused (CanaryPauseStep)".to_owned();
                        notices.push(self.notice(
                            at,
                            "Rollout",
                            self.spec.name.to_owned(),
                            "RolloutPaused",
                            message,
                            "rollouts-controller",
                        ));
                        Progress::Paused { step: step + 1, since: at }
                    }
                    Some(Step::SetWeight(_)) => Progress::Moving { step: step + 1 },
                    None => Progress::Rolling,
                };
            }
            Progress::Rolling if reached && others == 0 => {
                self.progress = Progress::Done;
                self.stable = self.current;
                self.settled_at = at;
                notices.push(self.finished(at));
            }
            _ => {}
        }
    }

    /// What is reported when all pods run the wanted revision.
    fn finished(&self, at: i64) -> Notice {
        let name = self.spec.name.to_owned();
        let before = self.revisions.iter().rev().find(|r| r.number != self.current).map_or(0, |r| r.number);
        let old = self.replica_set(before);
        if self.spec.kind == Kind::Rollout {
            let message = format!("Rollout completed update to revision {}", self.current);
            return self.notice(at, "Rollout", name, "RolloutCompleted", message, "rollouts-controller");
        }
        let message = format!("Scaled down replica set {old} to 0");
        self.notice(at, "Deployment", name, "ScalingReplicaSet", message, "deployment-controller")
    }

    /// Name of the ReplicaSet of a revision.
    #[must_use]
    pub fn replica_set(&self, revision: u32) -> String {
        format!("{}-{}", self.spec.name, self.revision(revision).map_or("", |r| r.hash.as_str()))
    }

    pub fn notice(
        &self,
        at: i64,
        kind: &'static str,
        object: String,
        reason: &'static str,
        message: String,
        component: &'static str,
    ) -> Notice {
        let (workload, namespace) = (self.spec.name, self.spec.namespace);
        Notice { at, workload, namespace, kind, object, reason, message, component }
    }
}

/// Last `setWeight` at or before a step.
fn weight_at(step: usize) -> u32 {
    let weight = |s: &Step| if let Step::SetWeight(weight) = s { Some(*weight) } else { None };
    spec::STEPS.iter().take(step + 1).rev().find_map(weight).unwrap_or_default()
}

/// The hash of a revision's pod template, ten characters as the controllers make it.
#[must_use]
pub fn revision_hash(seed: u64, workload: &str, number: u32) -> String {
    suffix(mix(mix(seed, digest(workload)), 1_000 + u64::from(number)), 10)
}
