//! The worlds as data: what one shop has and another has not.

use super::operations::owner::{self, Automation, System};
use super::spec::{self, Database, Engine, Kind, Workload, ZONES};

/// One database with all that replicate it.
#[derive(Debug)]
pub struct Store {
    /// Of the primary instance, or of the cluster.
    pub name: &'static str,
    pub members: &'static [Database],
    /// The workloads that keep their data in it; those of the first store are all that no other one names.
    pub users: &'static [&'static str],
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
        self.numbered().filter(move |(_, store)| store.members.iter().any(|member| member.engine == engine))
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

/// A member of a store, in a zone of that number; the first one is the primary.
const fn member(of: (&'static str, Engine), id: &'static str, zone: usize, address: &'static str) -> Database {
    let (store, engine) = of;
    let replica = zone > 0;
    let zone = match zone {
        0 => ZONES[0],
        1 => ZONES[1],
        _ => ZONES[2],
    };
    Database { id, store, engine, zone, address, replica }
}

const RDS: (&str, Engine) = ("orders-db", Engine::Rds);
const AURORA: (&str, Engine) = ("orders-db", Engine::Aurora);
const POSTGRES: (&str, Engine) = ("ledger", Engine::CloudNativePg);

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
        members: &[
            member(RDS, "orders-db", 0, "10.0.52.10"),
            member(RDS, "orders-db-replica-1", 1, "10.0.53.11"),
            member(RDS, "orders-db-replica-2", 2, "10.0.54.12"),
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
            members: &[
                member(AURORA, "orders-db-1", 0, "10.0.52.11"),
                member(AURORA, "orders-db-2", 1, "10.0.53.12"),
                member(AURORA, "orders-db-3", 2, "10.0.54.13"),
            ],
            users: &[],
        },
        Store {
            name: "ledger",
            members: &[
                member(POSTGRES, "ledger-1", 0, ""),
                member(POSTGRES, "ledger-2", 1, ""),
                member(POSTGRES, "ledger-3", 2, ""),
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
