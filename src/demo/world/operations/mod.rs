//! What is done to the world from outside the workloads: failovers of databases, changes of the cache's replication
//! group, nodes closed to new pods, and the repository's owners that undo what they do not know.

pub mod aurora;
pub mod cache;
pub mod database;
pub mod owner;
pub mod postgres;

use std::collections::BTreeSet;

use cache::CacheGroup;
use database::Instance;
use owner::Owner;

use super::cluster::{Notice, Workload};
use super::database::DatabaseState;
use super::shop::Shop;
use super::spec::Engine;

#[derive(Debug)]
pub struct Operations {
    shop: &'static Shop,
    /// Names of the nodes that take no new pods.
    pub cordoned: BTreeSet<&'static str>,
    /// Instances of RDS, which are the first of all databases.
    pub databases: Vec<Instance>,
    pub aurora: Vec<aurora::Cluster>,
    pub postgres: Vec<postgres::Cluster>,
    pub cache: CacheGroup,
    pub owners: Vec<Owner>,
    /// The cluster's controllers take note of nothing.
    pub asleep: bool,
    /// AWS takes requests and does nothing about them.
    pub deaf: bool,
    /// The next failover of a database is abandoned.
    pub abandon_next: bool,
}

impl Operations {
    #[must_use]
    pub fn new(shop: &'static Shop) -> Self {
        let instances = shop.stores_of(Engine::Rds).flat_map(|(_, store)| store.members);
        Self {
            shop,
            cordoned: BTreeSet::new(),
            databases: instances.map(Instance::new).collect(),
            aurora: aurora::all(shop),
            postgres: postgres::all(shop),
            cache: CacheGroup::default(),
            owners: shop.owners.iter().map(Owner::new).collect(),
            asleep: false,
            deaf: false,
            abandon_next: false,
        }
    }

    /// A number that changes with everything that the Kubernetes API shows of it.
    #[must_use]
    pub fn progress(&self) -> (usize, u64, u64) {
        let owners = self.owners.iter().map(|owner| owner.generation + owner.syncs).sum();
        (self.cordoned.len(), owners, self.postgres.iter().map(postgres::Cluster::progress).sum())
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
        for (instance, state) in self.databases.iter_mut().zip(databases.iter_mut()) {
            instance.control(at, state);
        }
        for cluster in &mut self.aurora {
            cluster.control(at, databases);
        }
        for cluster in &mut self.postgres {
            notices.extend(cluster.control(seed, at, self.asleep, databases, workloads));
        }
        self.cache.control(at);
        for owner in &mut self.owners {
            owner.control(seed, at, workloads, notices);
        }
    }

    /// Ends what is under way; what was reached stays.
    pub fn heal(&mut self, databases: &mut [DatabaseState]) {
        self.cordoned.clear();
        (self.asleep, self.deaf, self.abandon_next) = (false, false, false);
        self.owners = self.shop.owners.iter().map(Owner::new).collect();
        self.databases.iter_mut().for_each(Instance::settle);
        self.aurora.iter_mut().for_each(|cluster| cluster.settle(databases));
        self.postgres.iter_mut().for_each(|cluster| cluster.settle(databases));
    }
}
