//! Switchover and failover of a CloudNativePG cluster (facts/kubernetes.md 1.8).
//!
//! `status.targetPrimary` is the wish, `status.currentPrimary` what is. With the primary alive its shutdown waits until
//! the chosen replica has received everything; with a dead one the replica is promoted as it is, and what it had not
//! received is lost. The operator itself acts on a dead primary only after `spec.failoverDelay`.

use std::ops::Range;

use crate::demo::world::cluster::{Notice, Workload};
use crate::demo::world::database::DatabaseState;
use crate::demo::world::noise::{digest, mix};
use crate::demo::world::shop::{Shop, Store};
use crate::demo::world::spec::Engine;

/// `spec.failoverDelay` and `spec.switchoverDelay`, seconds.
pub const FAILOVER_DELAY: i64 = 600;
pub const SWITCHOVER_DELAY: i64 = 3_600;
/// A replica whose primary shuts down receives this many seconds of writes in one.
const CATCHES_UP: f64 = 20.0;
/// How long the operator chooses; `targetPrimary` is `pending` meanwhile, ms.
const CHOOSES: i64 = 2_000;
/// A dead instance is made anew this long after another one was promoted, ms.
const REMADE_AFTER: i64 = 10_000;
/// Bytes of log that a primary writes in a second.
const WAL_RATE: f64 = 1.5e6;

/// The primary moves.
#[derive(Clone, Debug)]
struct Move {
    from: usize,
    to: usize,
    by_operator: bool,
    /// From when on the old primary refuses connections, and when the new one is promoted.
    cut_at: i64,
    promoted_at: i64,
    /// When the old primary follows; none where its process is gone.
    back_at: Option<i64>,
}

#[derive(Clone, Debug)]
pub struct Cluster {
    pub store: &'static Store,
    /// Number of its first member among all databases.
    pub first: usize,
    primary: usize,
    /// The wish; none while the operator chooses.
    target: Option<usize>,
    moving: Option<Move>,
    /// The member whose process is gone, and since when.
    dead: Option<(usize, i64)>,
    chosen_at: i64,
    moves: u64,
    /// One more with every promotion.
    pub timeline: u64,
}

/// All clusters of a world.
#[must_use]
pub fn all(shop: &Shop) -> Vec<Cluster> {
    let cluster = |(first, store)| Cluster {
        store,
        first,
        primary: 0,
        target: Some(0),
        moving: None,
        dead: None,
        chosen_at: 0,
        moves: 0,
        timeline: 3,
    };
    shop.stores_of(Engine::CloudNativePg).map(cluster).collect()
}

impl Cluster {
    fn name(&self, member: usize) -> &'static str {
        self.store.members.get(member).map_or("", |m| m.id)
    }

    /// Number of an instance in the cluster.
    #[must_use]
    pub fn member(&self, name: &str) -> Option<usize> {
        self.store.members.iter().position(|m| m.id == name)
    }

    /// `status.currentPrimary`.
    #[must_use]
    pub fn current(&self) -> &'static str {
        self.name(self.primary)
    }

    /// `status.targetPrimary`.
    #[must_use]
    pub fn wanted(&self) -> &'static str {
        self.target.map_or("pending", |member| self.name(member))
    }

    /// `status.phase`, with so many instances ready.
    #[must_use]
    pub fn phase(&self, at: i64, ready: u32) -> &'static str {
        let under_way = self.moving.as_ref().filter(|m| at < m.promoted_at);
        let by_operator = self.target.is_none() || under_way.is_some_and(|m| m.by_operator);
        match (by_operator, under_way.is_some() || self.target != Some(self.primary)) {
            (true, _) => "Failing over",
            (false, true) => "Switchover in progress",
            (false, false) if (ready as usize) < self.store.members.len() => {
                "Waiting for the instances to become active"
            }
            (false, false) => "Cluster in healthy state",
        }
    }

    /// A number that changes with what the API shows of it.
    #[must_use]
    pub fn progress(&self) -> u64 {
        let target = self.target.map_or(99, |target| target as u64);
        self.timeline * 10_000 + target * 100 + u64::from(self.moving.is_some()) * 10 + u64::from(self.dead.is_some())
    }

    /// Takes a new wish for the primary; the operator puts back a name that no instance has.
    pub fn wish(&mut self, name: &str) {
        if let Some(member) = self.member(name) {
            self.target = Some(member);
        }
    }

    /// The primary's process is gone, and its machine with it.
    pub fn kill_primary(&mut self, at: i64, states: &mut [DatabaseState]) {
        self.dead = Some((self.primary, at));
        // Nothing is written any more that a replica could fall behind of.
        self.own(states).iter_mut().for_each(|state| state.lag_growth = 0.0);
    }

    /// A position in the log: what a primary has written (no lag), or what a replica has received.
    #[must_use]
    pub fn position(&self, lag: f64, at: i64) -> u64 {
        let until = self.dead.filter(|(member, _)| *member == self.primary).map_or(at, |(_, since)| since.min(at));
        ((until as f64 / 1_000.0 - lag) * WAL_RATE).max(0.0) as u64
    }

    /// Whether a member's process runs and takes connections.
    #[must_use]
    pub fn answers(&self, member: usize, at: i64) -> bool {
        let gone = self.dead.is_some_and(|(dead, _)| dead == member);
        let cut = self
            .moving
            .as_ref()
            .is_some_and(|m| member == m.from && at >= m.cut_at && m.back_at.is_none_or(|back| at < back));
        !gone && !cut
    }

    /// Its own of the states of all databases.
    #[must_use]
    pub fn own<'a>(&self, states: &'a mut [DatabaseState]) -> &'a mut [DatabaseState] {
        let (_, rest) = states.split_at_mut_checked(self.first).unwrap_or_default();
        rest.split_at_mut_checked(self.store.members.len()).unwrap_or_default().0
    }

    /// What the operator and the instances do at `at`; they take note of no wish while `asleep`.
    pub fn control(
        &mut self,
        seed: u64,
        at: i64,
        asleep: bool,
        states: &mut [DatabaseState],
        workloads: &mut [Workload],
    ) -> Vec<Notice> {
        let lags: Vec<f64> = self.own(states).iter().map(|state| state.lag).collect();
        if !asleep && self.moving.is_none() {
            self.decide(seed, at, &lags);
        }
        let promoted = self.moving.as_ref().filter(|m| at >= m.promoted_at && self.primary == m.from).map(|m| m.to);
        if let Some(primary) = promoted {
            self.primary = primary;
            self.timeline += 1;
            for (member, state) in self.own(states).iter_mut().enumerate() {
                (state.replica, state.lag, state.lag_growth) = (member != primary, 0.0, 0.0);
            }
        }
        let Some(workload) = workloads.iter_mut().find(|w| w.spec.name == self.store.name) else { return Vec::new() };
        let mut notices = Vec::new();
        notices.extend(promoted.map(|_| self.told(workload, at)));
        notices.extend(self.rejoin(at, workload));
        for (member, state) in self.own(states).iter_mut().enumerate() {
            state.down = !self.answers(member, at);
        }
        self.mark_pods(at, workload);
        notices
    }

    fn told(&self, workload: &Workload, at: i64) -> Notice {
        let message = format!("Current primary is now {}", self.current());
        workload.notice(at, "Cluster", self.store.name.to_owned(), "SwitchedOver", message, "cloudnative-pg")
    }

    /// What is wished for or must be done begins.
    fn decide(&mut self, seed: u64, at: i64, lags: &[f64]) {
        let primary_dead = self.dead.filter(|(member, _)| *member == self.primary);
        if let Some((_, since)) = primary_dead
            && self.target == Some(self.primary)
            && at - since >= FAILOVER_DELAY * 1_000
        {
            (self.target, self.chosen_at) = (None, at + CHOOSES);
        }
        let by_operator = self.target.is_none();
        if by_operator && at >= self.chosen_at {
            let living = (0..self.store.members.len()).filter(|m| *m != self.primary && self.answers(*m, at));
            let lag = |member: &usize| lags.get(*member).copied().unwrap_or(f64::MAX);
            self.target = living.min_by(|a, b| lag(a).total_cmp(&lag(b)));
        }
        let Some(to) = self.target.filter(|to| *to != self.primary && self.answers(*to, at)) else { return };
        self.moves += 1;
        let own = mix(mix(seed, digest(self.store.name)), self.moves);
        let draw = |n: u64, range: Range<i64>| range.start + (mix(own, n) % (range.end - range.start) as u64) as i64;
        let lag = lags.get(to).copied().unwrap_or_default();
        let (cut_at, promoted_at, back_at) = if primary_dead.is_some() {
            (at, at + draw(1, 4_000..8_000), None)
        } else {
            let cut = at + draw(1, 500..1_500);
            let promoted = cut + draw(2, 4_000..9_000) + (lag / CATCHES_UP * 1_000.0) as i64;
            (cut, promoted, Some(promoted + draw(3, 8_000..20_000)))
        };
        self.moving = Some(Move { from: self.primary, to, by_operator, cut_at, promoted_at, back_at });
    }

    /// The old primary comes back as a replica: by itself, or as a new pod where its process is gone.
    fn rejoin(&mut self, at: i64, workload: &mut Workload) -> Option<Notice> {
        let moving = self.moving.as_ref().filter(|m| at >= m.promoted_at)?;
        let Some((member, since)) = self.dead.filter(|(member, _)| *member == moving.from) else {
            if moving.back_at.is_none_or(|back| at >= back) {
                self.moving = None;
            }
            return None;
        };
        let name = self.name(member);
        if workload.pods.iter().any(|p| p.name == name && p.created_at > since && p.ready_at <= at) {
            (self.dead, self.moving) = (None, None);
            return None;
        }
        let old = workload.pods.iter().any(|p| p.name == name && p.created_at <= since && p.deleted_at.is_none());
        if old && at >= moving.promoted_at + REMADE_AFTER { workload.remove_pod(name, at) } else { None }
    }

    /// A pod whose process does not answer is not ready.
    fn mark_pods(&self, at: i64, workload: &mut Workload) {
        let since = self.dead.map_or(i64::MIN, |(_, since)| since);
        for pod in &mut workload.pods {
            let Some(member) = self.member(&pod.name) else { continue };
            let gone = self.dead.is_some_and(|(dead, _)| dead == member);
            let remade = gone && pod.created_at > since;
            match (self.answers(member, at) || remade, pod.hung_at) {
                (false, None) => pod.hung_at = Some(at),
                (true, Some(_)) => (pod.hung_at, pod.ready_at) = (None, at),
                _ => {}
            }
        }
    }

    /// Ends what is under way; what was reached stays.
    pub fn settle(&mut self, states: &mut [DatabaseState]) {
        (self.moving, self.dead, self.target) = (None, None, Some(self.primary));
        self.own(states).iter_mut().for_each(|state| state.down = false);
    }
}
