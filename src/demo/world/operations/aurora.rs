//! Failover of an Aurora cluster to one of its readers (facts/aws.md 1.1 and 5).
//!
//! All members share one storage volume: nothing is lost. The old writer and the target restart, so that connections to
//! both are cut, while the other readers go on. The writer's flag moves first, and the cluster's name soon after the new
//! writer takes connections: until then it leads to the old one, which is not back yet or is read-only.

use std::ops::Range;

use crate::demo::world::database::DatabaseState;
use crate::demo::world::noise::{digest, mix};
use crate::demo::world::shop::{Shop, Store};
use crate::demo::world::spec::Engine;

/// One entry of DescribeEvents.
#[derive(Clone, Debug)]
pub struct Told {
    pub at: i64,
    /// The member it is about; none where it is about the cluster.
    pub member: Option<&'static str>,
    pub message: String,
    pub category: &'static str,
}

/// A failover under way.
#[derive(Clone, Debug)]
struct Failover {
    from: usize,
    to: usize,
    /// When neither of the two answers; the old writer stays away a while longer.
    outage: Range<i64>,
    /// When the flag of the writer moves, and when the cluster's name does; none when it is given up.
    moves: Option<(i64, i64)>,
    available_at: i64,
}

/// What RDS knows of a cluster beside its load.
#[derive(Clone, Debug)]
pub struct Cluster {
    pub store: &'static Store,
    /// Number of its first member among all databases.
    pub first: usize,
    /// The member that is the writer, and the one that the cluster's name leads to.
    pub writer: usize,
    pub endpoint: usize,
    failover: Option<Failover>,
    failovers: u64,
    /// Some of them may be yet to come.
    pub told: Vec<Told>,
}

/// All clusters of a world.
#[must_use]
pub fn all(shop: &Shop) -> Vec<Cluster> {
    let cluster = |(first, store)| Cluster {
        store,
        first,
        writer: 0,
        endpoint: 0,
        failover: None,
        failovers: 0,
        told: Vec::new(),
    };
    shop.stores_of(Engine::Aurora).map(cluster).collect()
}

impl Cluster {
    /// `Status` of the cluster.
    #[must_use]
    pub fn status(&self, at: i64) -> &'static str {
        if self.failover.as_ref().is_some_and(|f| at < f.available_at) { "failing-over" } else { "available" }
    }

    /// `DBInstanceStatus` of a member.
    #[must_use]
    pub fn member_status(&self, member: usize, at: i64) -> &'static str {
        let restarts = self.failover.as_ref().is_some_and(|f| {
            [f.from, f.to].contains(&member) && f.moves.is_some() && (f.outage.start..f.available_at).contains(&at)
        });
        if restarts { "rebooting" } else { "available" }
    }

    /// `PromotionTier`: the first reader is taken first.
    #[must_use]
    pub fn tier(member: usize) -> usize {
        member.saturating_sub(1)
    }

    fn name(&self, member: usize) -> &'static str {
        self.store.members.get(member).map_or("", |m| m.id)
    }

    /// The reader that a failover would take: the named one, else the available one of the lowest tier.
    ///
    /// # Errors
    /// What RDS refuses: a cluster that is not available, a target that is no reader or not available.
    pub fn choose(&self, target: Option<&str>, at: i64) -> Result<usize, (&'static str, String)> {
        let name = self.store.name;
        if self.status(at) != "available" {
            return Err(("InvalidDBClusterStateFault", format!("DB cluster {name} is not in available state.")));
        }
        let reader = |member: &usize| *member != self.writer && self.member_status(*member, at) == "available";
        let Some(target) = target else {
            let best = (0..self.store.members.len()).filter(reader).min_by_key(|member| Self::tier(*member));
            let none = || ("InvalidDBClusterStateFault", format!("DB cluster {name} has no reader to fail over to."));
            return best.ok_or_else(none);
        };
        let found = self.store.members.iter().position(|member| member.id == target);
        let Some(member) = found else {
            return Err((
                "InvalidParameterValue",
                format!("The DB instance {target} is not a member of the DB cluster {name}."),
            ));
        };
        if member == self.writer {
            return Err((
                "InvalidParameterValue",
                format!("The DB instance {target} is already the writer of the DB cluster {name}."),
            ));
        }
        if !reader(&member) {
            return Err(("InvalidDBInstanceState", format!("DB instance {target} is not in available state.")));
        }
        Ok(member)
    }

    /// Begins a failover at `at`. Its moments are drawn from the seed.
    pub fn fail_over(&mut self, seed: u64, at: i64, to: usize, abandon: bool) {
        self.failovers += 1;
        let own = mix(mix(seed, digest(self.store.name)), self.failovers);
        let draw = |n: u64, range: Range<i64>| range.start + (mix(own, n) % (range.end - range.start) as u64) as i64;
        let from = self.writer;
        let zone = |member: usize| self.store.members.get(member).map(|m| m.zone);
        let kind = if zone(from) == zone(to) { "same" } else { "cross" };
        let begins = at + draw(1, 1_000..3_000);
        let started = format!("Started {kind} AZ failover to DB instance: {}", self.name(to));
        self.tell(begins, None, "failover", started);
        if abandon {
            let again = format!("Promoting previous primary again: {}", self.name(from));
            let ends = begins + draw(2, 4_000..9_000);
            self.tell(ends, None, "failover", again);
            let outage = begins..begins;
            self.failover = Some(Failover { from, to, outage, moves: None, available_at: ends + 3_000 });
            return;
        }
        let ends = begins + draw(2, 15_000..35_000);
        let flag_at = ends - draw(3, 2_000..6_000);
        let name_at = ends + draw(4, 0..1_500);
        let available_at = ends + draw(5, 6_000..14_000);
        for member in [from, to] {
            self.tell(begins, Some(member), "availability", "DB instance shutdown".to_owned());
        }
        self.tell(ends, Some(to), "availability", "DB instance restarted".to_owned());
        self.tell(available_at - 2_000, Some(from), "availability", "DB instance restarted".to_owned());
        let completed = format!("Completed failover to DB instance: {}", self.name(to));
        self.tell(ends + 1_000, None, "failover", completed);
        let moves = Some((flag_at, name_at));
        self.failover = Some(Failover { from, to, outage: begins..ends, moves, available_at });
    }

    fn tell(&mut self, at: i64, member: Option<usize>, category: &'static str, message: String) {
        let member = member.map(|member| self.name(member));
        self.told.push(Told { at, member, message, category });
    }

    /// Its own of the states of all databases.
    fn own<'a>(&self, states: &'a mut [DatabaseState]) -> &'a mut [DatabaseState] {
        let (_, rest) = states.split_at_mut_checked(self.first).unwrap_or_default();
        rest.split_at_mut_checked(self.store.members.len()).unwrap_or_default().0
    }

    pub fn control(&mut self, at: i64, states: &mut [DatabaseState]) {
        let Some(failover) = self.failover.clone() else { return };
        let back_at = failover.available_at - 3_000;
        for (member, state) in self.own(states).iter_mut().enumerate() {
            if member == failover.to {
                state.down = failover.outage.contains(&at);
            } else if member == failover.from {
                state.down = failover.moves.is_some() && (failover.outage.start..back_at).contains(&at);
            }
        }
        let Some((flag_at, name_at)) = failover.moves else {
            if at >= failover.available_at {
                self.failover = None;
            }
            return;
        };
        if at >= flag_at && self.writer != failover.to {
            self.writer = failover.to;
            for (member, state) in self.own(states).iter_mut().enumerate() {
                state.replica = member != failover.to;
                if member == failover.from {
                    // What ailed the process is over with it.
                    (state.slow, state.errors) = (1.0, 0.0);
                }
            }
        }
        if at >= name_at {
            self.endpoint = failover.to;
        }
        if at >= failover.available_at {
            self.failover = None;
        }
    }

    /// Ends what is under way; what was reached stays.
    pub fn settle(&mut self, states: &mut [DatabaseState]) {
        if self.failover.take().is_some() {
            self.endpoint = self.writer;
            self.own(states).iter_mut().for_each(|state| state.down = false);
        }
    }
}
