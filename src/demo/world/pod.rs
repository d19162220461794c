//! Pods: how they come, serve, crash and go.

use std::net::Ipv4Addr;

use super::cluster::Revision;
use super::noise::{digest, mix, signed, suffix};
use super::shop;
use super::spec::{self, Kind};

/// A pod is bound to a node, runs, and is ready this long after it was created (ms); readiness varies by pod.
pub const SCHEDULED_AFTER: i64 = 1_000;
pub const STARTED_AFTER: i64 = 5_000;
pub const READY_AFTER: i64 = 15_000;
/// A process that crashes lives this long; the kubelet tries again after 10 s, then after twice as long up to 5 min.
const LIFETIME: i64 = 3_000;
const BACK_OFF: (i64, i64) = (10_000, 300_000);

/// The nodes in the order in which the scheduler fills them: one of each zone, then the other one.
const BY_ZONE: [usize; 6] = [0, 2, 4, 1, 3, 5];

#[derive(Clone, Debug)]
pub struct Pod {
    pub id: u64,
    pub name: String,
    pub revision: u32,
    pub node: &'static spec::Node,
    pub address: Ipv4Addr,
    /// `address:port`, Prometheus' instance.
    pub instance: String,
    pub created_at: i64,
    pub ready_at: i64,
    pub deleted_at: Option<i64>,
    /// Since when its readiness probe fails.
    pub hung_at: Option<i64>,
    /// Present when its process dies again and again: the number of the turn that was reported last.
    crash_loop: Option<u32>,
    /// Its share of the traffic against its sisters', near 1.
    pub weight: f64,
}

impl Pod {
    /// The pod that a workload creates after `count` others, at a moment, on a node that is not among the `closed` ones.
    #[must_use]
    pub fn create(
        spec: &spec::Workload,
        revision: &Revision,
        seed: u64,
        (count, at): (u64, i64),
        closed: &[&str],
    ) -> Option<Self> {
        let own = mix(mix(seed, digest(spec.name)), count);
        let turn = digest(spec.name).wrapping_add(count) as usize % BY_ZONE.len();
        let open = |node: &&spec::Node| !closed.contains(&node.name);
        let in_turn = BY_ZONE.iter().cycle().skip(turn).take(BY_ZONE.len());
        let node = in_turn.filter_map(|index| spec::NODES.get(*index)).find(open)?;
        let name = match spec.kind {
            // Its controller names it.
            Kind::StatefulSet | Kind::PostgresCluster => format!("{}-{count}", spec.name),
            Kind::DaemonSet => format!("{}-{}", spec.name, suffix(own, 5)),
            Kind::Deployment | Kind::Rollout => format!("{}-{}-{}", spec.name, revision.hash, suffix(own, 5)),
        };
        let [a, b, c] = node.pods;
        let workload_index = shop::workload(spec.name).map_or(0, |(index, _)| index);
        let last = 10 + (workload_index as u64 * 14 + count % 14) % 240;
        let address = if spec.kind == Kind::DaemonSet {
            node.address.parse().ok()?
        } else {
            Ipv4Addr::new(a, b, c, u8::try_from(last).ok()?)
        };
        let crashes = revision.fault.crashes;
        Some(Self {
            id: own,
            name,
            revision: revision.number,
            node,
            address,
            instance: format!("{address}:{}", spec.port),
            created_at: at,
            ready_at: if crashes { i64::MAX } else { at + READY_AFTER + (own % 5_000) as i64 },
            deleted_at: None,
            hung_at: None,
            crash_loop: crashes.then_some(0),
            weight: 1.0 + 0.03 * signed(own, 1),
        })
    }

    #[must_use]
    pub fn ready(&self, at: i64) -> bool {
        self.probed(at) && self.deleted_at.is_none()
    }

    /// Whether its readiness probe succeeds, as it also does while the pod goes.
    #[must_use]
    pub fn probed(&self, at: i64) -> bool {
        self.ready_at <= at && self.hung_at.is_none()
    }

    #[must_use]
    pub fn started(&self, at: i64) -> bool {
        self.created_at + STARTED_AFTER <= at
    }

    /// Where the pod stands in its crash loop; `None` when it is not in one.
    #[must_use]
    pub fn crash_loop(&self, at: i64) -> Option<CrashLoop> {
        if self.crash_loop.is_none() || !self.started(at) {
            return None;
        }
        let mut turn = CrashLoop { restarts: 0, waiting: false, since: self.created_at + STARTED_AFTER, died_at: None };
        let mut pause = BACK_OFF.0;
        while turn.since + LIFETIME <= at {
            let died_at = turn.since + LIFETIME;
            turn.died_at = Some(died_at);
            if at < died_at + pause {
                return Some(CrashLoop { waiting: true, since: died_at, ..turn });
            }
            turn = CrashLoop { restarts: turn.restarts + 1, since: died_at + pause, ..turn };
            pause = (pause * 2).min(BACK_OFF.1);
        }
        Some(turn)
    }

    /// The turn of the crash loop when it is another one than at the call before.
    pub fn next_turn(&mut self, at: i64) -> Option<CrashLoop> {
        let turn = self.crash_loop(at)?;
        let number = 1 + turn.restarts * 2 + u32::from(turn.waiting);
        (self.crash_loop.replace(number) != Some(number)).then_some(turn)
    }

    /// Whether the process runs, so that it can be scraped.
    #[must_use]
    pub fn answers(&self, at: i64) -> bool {
        self.started(at) && self.crash_loop(at).is_none_or(|turn| !turn.waiting)
    }
}

/// One moment of a crash loop.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CrashLoop {
    pub restarts: u32,
    /// Dead, until the kubelet tries again; else it runs for a moment.
    pub waiting: bool,
    /// When this turn began.
    pub since: i64,
    /// When the process last died.
    pub died_at: Option<i64>,
}
