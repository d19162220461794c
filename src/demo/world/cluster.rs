//! Workloads, their revisions and their pods: what the controllers of a cluster do with them as time passes.

use serde_json::Value;

use super::flow::{Fault, Group};
use super::noise::{digest, mix, suffix};
use super::pod::{Pod, READY_AFTER};
use super::spec::{self, Kind, Step};
use super::will::Will;

/// A rollout that has not got on for this long is given up (`progressDeadlineSeconds`, ms).
const DEADLINE: i64 = 600_000;
/// How long a pod that was told to go takes to go.
const GRACE: i64 = 10_000;

#[derive(Clone, Debug)]
pub struct Revision {
    /// What it is called in here, for as long as it lives.
    pub number: u32,
    /// The number that the controller gives it; going back to a revision gives it a new one.
    pub ordinal: u32,
    /// The numbers it had before.
    pub ordinals_before: Vec<u32>,
    /// Its pod template as it was written, where it is not the world's own.
    pub template: Option<Value>,
    /// `kubernetes.io/change-cause`.
    pub cause: Option<String>,
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
    /// Given up by its operator: everything goes back to the stable revision, and what is wanted stays what it was.
    Aborted,
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
    /// What its operators asked of it.
    pub will: Will,
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
            will: Will::new(spec, i64::from(number)),
            created_pods: 0,
        };
        workload.will.released_at = since;
        // The one before is kept for going back to.
        workload.add_revision(seed, number - 1, since - 6 * 86_400_000, Fault::NONE);
        workload.add_revision(seed, number, since, Fault::NONE);
        for _ in 0..spec.replicas {
            workload.create_pod(seed, number, since, &[]);
        }
        workload
    }

    pub(super) fn add_revision(&mut self, seed: u64, number: u32, at: i64, fault: Fault) {
        let (major, minor) = self.spec.version;
        let patch = self.revisions.len();
        let tag = format!("{major}.{minor}.{patch}");
        let hash = revision_hash(seed, self.spec.name, number);
        let ordinal = self.revisions.iter().map(|r| r.ordinal + 1).max().unwrap_or(number);
        self.revisions.push(Revision {
            number,
            ordinal,
            ordinals_before: Vec::new(),
            template: None,
            cause: None,
            hash,
            tag,
            created_at: at,
            fault,
        });
    }

    /// Creates a pod on a node that is not among the `closed` ones; a DaemonSet's goes where it has none. False when there
    /// is no such node, or when a pod of that name has not gone yet.
    fn create_pod(&mut self, seed: u64, revision: u32, at: i64, closed: &[&str]) -> bool {
        let Some(wanted) = self.revision(revision) else { return false };
        let covered: Vec<&str> = self.pods.iter().map(|p| p.node.name).collect();
        let closed = if self.spec.kind == Kind::DaemonSet { covered.as_slice() } else { closed };
        let made = Pod::create(self.spec, wanted, seed, (self.created_pods, at), closed);
        let free = match (self.spec.kind, made) {
            (Kind::StatefulSet | Kind::PostgresCluster, Some(mut pod)) => {
                let first = u32::from(self.spec.kind == Kind::PostgresCluster);
                let names = (first..first + self.desired).map(|ordinal| format!("{}-{ordinal}", self.spec.name));
                let taken = |name: &String| self.pods.iter().any(|p| p.name == *name);
                let name = names.into_iter().find(|name| !taken(name));
                name.map(|name| {
                    pod.name = name;
                    pod
                })
            }
            (_, made) => made,
        };
        let Some(pod) = free else { return false };
        self.created_pods += 1;
        self.pods.push(pod);
        true
    }

    #[must_use]
    pub fn revision(&self, number: u32) -> Option<&Revision> {
        self.revisions.iter().find(|r| r.number == number)
    }

    /// What the controller calls a revision.
    #[must_use]
    pub fn ordinal(&self, number: u32) -> u32 {
        self.revision(number).map_or(0, |r| r.ordinal)
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
        self.will.released(number, at);
        let stepwise = canary && self.spec.kind == Kind::Rollout;
        self.progress = if stepwise { Progress::Moving { step: 0 } } else { Progress::Rolling };
        let name = self.spec.name.to_owned();
        if self.spec.kind == Kind::Rollout {
            let message = format!("Rollout updated to revision {}", self.ordinal(number));
            return self.notice(at, "Rollout", name, "RolloutUpdated", message, "rollouts-controller");
        }
        let message = format!("Scaled up replica set {} to {}", self.replica_set(number), self.desired.div_ceil(4));
        self.notice(at, "Deployment", name, "ScalingReplicaSet", message, "deployment-controller")
    }

    /// Goes back to the stable revision at once, and nobody asks anything of it any more.
    pub fn abandon(&mut self, at: i64) {
        let before = (self.current, self.desired);
        if self.current != self.stable {
            self.current = self.stable;
            self.changed_at = at;
            self.progress = Progress::Rolling;
        }
        self.desired = self.will.forget(self.spec, self.desired);
        let released_at = if before.0 == self.current { self.will.released_at } else { at };
        self.will.released(self.stable, released_at);
        if before != (self.current, self.desired) {
            self.generation += 1;
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
            Progress::Aborted => 0,
        }
    }

    /// What the controllers do in one step; new pods find no place on `closed` nodes. Returns what they report.
    pub fn reconcile(&mut self, seed: u64, at: i64, closed: &[&str]) -> Vec<Notice> {
        self.bury(at);
        let mut notices = self.obey(at);
        if self.will.paused && self.current != self.stable {
            self.hold(seed, at, closed);
            self.report_crashes(at, &mut notices);
            return notices;
        }
        let wanted = (self.desired * self.wanted_weight()).div_ceil(100);
        let new = self.living(self.current).count() as u32;
        let living = self.pods.iter().filter(|p| p.deleted_at.is_none()).count() as u32;
        let surge = if self.spec.kind.is_in_place() { 0 } else { self.desired.div_ceil(4) };
        let create = wanted.saturating_sub(new).min((self.desired + surge).saturating_sub(living));
        for _ in 0..create {
            if !self.create_pod(seed, self.current, at, closed) {
                break;
            }
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
        self.restore_stable(seed, at, wanted, closed);
        self.remove_surplus(at, wanted, &mut notices);
        self.report_crashes(at, &mut notices);
        self.progress_on(at, wanted, &mut notices);
        notices
    }

    /// Pods that were told to go and have had their time are gone.
    fn bury(&mut self, at: i64) {
        self.pods.retain(|p| p.deleted_at.is_none_or(|deleted| at < deleted + GRACE));
    }

    /// Beside a canary the stable revision keeps the rest of the pods, also when the workload grows. After an abort it
    /// gets them back within `maxSurge`.
    fn restore_stable(&mut self, seed: u64, at: i64, wanted: u32, closed: &[&str]) {
        if self.stable == self.current || self.progress == Progress::Rolling {
            return;
        }
        let living = self.living(self.stable).count() as u32;
        let mut missing = self.desired.saturating_sub(wanted).saturating_sub(living);
        if self.progress == Progress::Aborted {
            let all = self.pods.iter().filter(|p| p.deleted_at.is_none()).count() as u32;
            missing = missing.min((self.desired + self.desired.div_ceil(4)).saturating_sub(all));
        }
        for _ in 0..missing {
            self.create_pod(seed, self.stable, at, closed);
        }
    }

    /// While paused, nothing is rolled out: lost pods are replaced, and a smaller number is met.
    fn hold(&mut self, seed: u64, at: i64, closed: &[&str]) {
        let living = self.pods.iter().filter(|p| p.deleted_at.is_none()).count() as u32;
        for _ in living..self.desired {
            self.create_pod(seed, self.stable, at, closed);
        }
        let surplus = living.saturating_sub(self.desired + self.desired.div_ceil(4));
        let stable = self.stable;
        let old = self.pods.iter_mut().rev().filter(|p| p.deleted_at.is_none() && p.revision == stable);
        old.take(surplus as usize).for_each(|p| p.deleted_at = Some(at));
    }

    /// Pods of other revisions go as those of the wanted one become ready; a smaller wish is met at once.
    fn remove_surplus(&mut self, at: i64, wanted: u32, notices: &mut Vec<Notice>) {
        let mut gone = Vec::new();
        let aborted = self.progress == Progress::Aborted;
        if (self.progress == Progress::Rolling && !self.spec.kind.is_in_place()) || aborted {
            // Pods that nobody wants and that serve no one need no replacement first.
            let current = self.current;
            let useless = |p: &&mut Pod| (p.revision == current) == aborted && p.deleted_at.is_none() && !p.ready(at);
            for pod in self.pods.iter_mut().filter(useless) {
                pod.deleted_at = Some(at);
                gone.push((pod.revision, pod.name.clone()));
            }
        }
        let living = self.pods.iter().filter(|p| p.deleted_at.is_none()).count() as u32;
        let unready = self.pods.iter().filter(|p| p.deleted_at.is_none() && !p.ready(at)).count() as u32;
        let mut surplus = living.saturating_sub(unready).saturating_sub(self.desired);
        let mut own_surplus = (self.living(self.current).count() as u32).saturating_sub(wanted);
        if self.progress == Progress::Rolling && self.spec.kind.is_in_place() && unready == 0 && living == self.desired
        {
            // The next one is replaced once all the others serve: one that never does stops it.
            surplus = 1;
        }
        if aborted {
            own_surplus = own_surplus.min(surplus);
            surplus -= own_surplus;
        }
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
                self.will.promotion = None;
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
            let message = format!("Rollout completed update to revision {}", self.ordinal(self.current));
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
