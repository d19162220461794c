//! What is done to the world from outside the workloads: reboots of databases, changes of the cache's replication
//! group, nodes closed to new pods, and the repository's owner that undoes what it does not know.

pub mod cache;
pub mod database;
pub mod owner;

use std::collections::BTreeSet;

use cache::CacheGroup;
use database::Instance;
use owner::Owner;

use super::cluster::{Notice, Workload};
use super::database::DatabaseState;
use super::spec;

#[derive(Debug)]
pub struct Operations {
    /// Names of the nodes that take no new pods.
    pub cordoned: BTreeSet<&'static str>,
    /// In the order of [`spec::DATABASES`].
    pub databases: Vec<Instance>,
    pub cache: CacheGroup,
    pub owners: Vec<Owner>,
    /// The cluster's controllers take note of nothing.
    pub asleep: bool,
    /// AWS takes requests and does nothing about them.
    pub deaf: bool,
    /// The next failover of a database is abandoned.
    pub abandon_next: bool,
}

impl Default for Operations {
    fn default() -> Self {
        Self {
            cordoned: BTreeSet::new(),
            databases: spec::DATABASES.iter().map(Instance::new).collect(),
            cache: CacheGroup::default(),
            owners: owner::all(),
            asleep: false,
            deaf: false,
            abandon_next: false,
        }
    }
}

impl Operations {
    /// A number that changes with everything that the Kubernetes API shows of it.
    #[must_use]
    pub fn progress(&self) -> (usize, u64) {
        (self.cordoned.len(), self.owners.iter().map(|owner| owner.generation + owner.syncs).sum())
    }

    /// What the controllers do at `at`.
    pub fn control(
        &mut self,
        seed: u64,
        at: i64,
        workloads: &mut [Workload],
        databases: &mut [DatabaseState],
        notices: &mut Vec<Notice>,
    ) {
        for (instance, state) in self.databases.iter_mut().zip(databases) {
            instance.control(at, state);
        }
        self.cache.control(at);
        for owner in &mut self.owners {
            owner.control(seed, at, workloads, notices);
        }
    }

    /// Ends what is under way; what was reached stays.
    pub fn heal(&mut self) {
        self.cordoned.clear();
        (self.asleep, self.deaf, self.abandon_next) = (false, false, false);
        self.owners = owner::all();
        self.databases.iter_mut().for_each(Instance::settle);
    }
}
