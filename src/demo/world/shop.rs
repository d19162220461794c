//! The worlds as data: what one shop has and another has not.

use super::operations::owner::{self, Automation, System};
use super::spec::{self, Database, Kind, Workload, ZONES};

/// What keeps a database.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Engine {
    /// RDS instances: one with a standby in another zone, the others its read replicas.
    Rds,
    /// An Aurora cluster: a writer and readers on one storage volume.
    Aurora,
    /// A CloudNativePG cluster, whose instances are pods.
    CloudNativePg,
}

/// One database with all that replicate it.
#[derive(Debug)]
pub struct Store {
    /// Of the primary instance, or of the cluster.
    pub name: &'static str,
    pub engine: Engine,
    pub members: &'static [Database],
    /// The workloads that keep their data in it; those of the first store are all that no other one names.
    pub users: &'static [&'static str],
}

impl Store {
    /// The name by which callers know a member: instances of RDS have one each, a cluster has one for all.
    #[must_use]
    pub fn peer(&self, member: &Database) -> &'static str {
        if self.engine == Engine::Rds { member.id } else { self.name }
    }
}

/// A world.
#[derive(Debug)]
pub struct Shop {
    pub name: &'static str,
    /// Namespaces beside [`spec::NAMESPACES`].
    pub namespaces: &'static [&'static str],
    workloads: &'static [&'static [Workload]],
    /// Those of RDS first.
    pub stores: &'static [Store],
    pub owners: &'static [owner::Owned],
    /// Names of the scenarios that make sense here, `calm` first.
    pub scenarios: &'static [&'static str],
}

impl Shop {
    pub fn workloads(&self) -> impl Iterator<Item = &'static Workload> + use<> {
        self.workloads.iter().copied().flatten()
    }

    /// All databases, in the order of their states.
    pub fn databases(&self) -> impl Iterator<Item = (&'static Store, &'static Database)> + use<> {
        self.stores.iter().flat_map(|store| store.members.iter().map(move |member| (store, member)))
    }

    /// The stores, each with the number of its first database.
    pub fn numbered(&self) -> impl Iterator<Item = (usize, &'static Store)> + use<> {
        self.stores.iter().scan(0, |next, store| {
            let first = *next;
            *next += store.members.len();
            Some((first, store))
        })
    }

    /// The stores of an engine, each with the number of its first database.
    pub fn stores_of(&self, engine: Engine) -> impl Iterator<Item = (usize, &'static Store)> + use<> {
        self.numbered().filter(move |(_, store)| store.engine == engine)
    }

    /// Where a workload keeps its data.
    #[must_use]
    pub fn store_of(&self, workload: &str) -> Option<&'static Store> {
        self.stores.iter().find(|store| store.users.contains(&workload)).or(self.stores.first())
    }
}

/// The world of a name.
#[must_use]
pub fn find(name: &str) -> Option<&'static Shop> {
    SHOPS.into_iter().find(|shop| shop.name == name)
}

/// Names of all worlds, the default one first.
#[must_use]
pub fn names() -> String {
    SHOPS.map(|shop| shop.name).join(" and ")
}

/// The table row of a workload of any world, and its number among all of them.
#[must_use]
pub fn workload(name: &str) -> Option<(usize, &'static Workload)> {
    let all = [&spec::WORKLOADS[..], &LEDGER].into_iter().flatten();
    all.enumerate().find(|(_, workload)| workload.name == name)
}

const SHOPS: [&Shop; 2] = [&EKS, &MIXED];

const fn database(id: &'static str, zone: usize, address: &'static str, replica: bool) -> Database {
    let zone = match zone {
        0 => ZONES[0],
        1 => ZONES[1],
        _ => ZONES[2],
    };
    Database { id, zone, address, replica }
}

const SELF_HEAL: Option<Automation> = Some(Automation { prune: true, self_heal: true });
const FOLLOW: Option<Automation> = Some(Automation { prune: true, self_heal: false });

const fn owned(name: &'static str, system: System, automated: Option<Automation>) -> owner::Owned {
    owner::Owned { name, system, automated }
}

/// A shop on EKS with RDS and ElastiCache.
pub static EKS: Shop = Shop {
    name: "shop-eks",
    namespaces: &[],
    workloads: &[&spec::WORKLOADS],
    stores: &[Store {
        name: "orders-db",
        engine: Engine::Rds,
        members: &[
            database("orders-db", 0, "10.0.52.10", false),
            database("orders-db-replica-1", 1, "10.0.53.11", true),
            database("orders-db-replica-2", 2, "10.0.54.12", true),
        ],
        users: &[],
    }],
    owners: &[
        owned("frontend", System::ArgoCd, SELF_HEAL),
        owned("api-gateway", System::ArgoCd, None),
        owned("orders", System::ArgoCd, None),
        owned("catalogue", System::ArgoCd, SELF_HEAL),
        owned("payments", System::ArgoCd, None),
        owned("worker", System::ArgoCd, FOLLOW),
    ],
    scenarios: &[
        "calm",
        "bad-canary",
        "stable-fails",
        "db-primary-degraded",
        "replica-lag",
        "traffic-drop",
        "crashing-release",
        "monitoring-down",
    ],
};

const LEDGER: [Workload; 1] =
    [spec::workload("ledger", Kind::PostgresCluster, "cloudnative-pg/postgresql", (16, 4), 5432, 3, (1000, 2048))];

/// How often Flux compares the cluster with its source, ms.
const FLUX_INTERVAL: i64 = 60_000;

/// The shop with an Aurora cluster in place of the RDS instances, the payments' ledger in a CloudNativePG cluster, and two
/// owners that put back what was changed by hand: Argo CD within seconds, Flux within a minute.
pub static MIXED: Shop = Shop {
    name: "shop-mixed",
    namespaces: &["cnpg-system", "flux-system"],
    workloads: &[&spec::WORKLOADS, &LEDGER],
    stores: &[
        Store {
            name: "orders-db",
            engine: Engine::Aurora,
            members: &[
                database("orders-db-1", 0, "10.0.52.11", false),
                database("orders-db-2", 1, "10.0.53.12", true),
                database("orders-db-3", 2, "10.0.54.13", true),
            ],
            users: &[],
        },
        Store {
            name: "ledger",
            engine: Engine::CloudNativePg,
            members: &[
                database("ledger-1", 0, "", false),
                database("ledger-2", 1, "", true),
                database("ledger-3", 2, "", true),
            ],
            users: &["payments"],
        },
    ],
    owners: &[
        owned("frontend", System::ArgoCd, SELF_HEAL),
        owned("api-gateway", System::ArgoCd, None),
        owned("orders", System::ArgoCd, None),
        owned("payments", System::ArgoCd, SELF_HEAL),
        owned("worker", System::Flux { interval: FLUX_INTERVAL }, SELF_HEAL),
    ],
    scenarios: &[
        "calm",
        "bad-canary",
        "stable-fails",
        "db-primary-degraded",
        "traffic-drop",
        "crashing-release",
        "monitoring-down",
        "ledger-lag",
        "ledger-dead",
    ],
};
