//! The evidence of one operation: each read with its last answer and its age.

use std::collections::BTreeMap;

use super::aws::{CacheGroupSeen, DbClusterSeen, DbEvent, DbInstanceSeen};
use super::kube::{
    AutoscalerSeen, BudgetSeen, CnpgInstanceSeen, CnpgSeen, NodeSeen, PodSeen, RevisionSeen, WorkloadSeen,
};
use super::owner::OwnerSeen;
use super::rollout::RolloutSeen;
use super::{Evidence, Gather};
use crate::domain::error::Fault;
use crate::domain::text::Raw;
use crate::domain::time::Stamp;

/// How a read ended.
#[derive(Clone, Debug, PartialEq)]
pub enum Found {
    Evidence(Evidence),
    /// It does not exist there.
    Missing,
    /// A dry run or an access review that the server refused, or a read that failed.
    Failed(Fault),
}

/// An answer and the world time at which it was true.
#[derive(Clone, Debug, PartialEq)]
pub struct Seen {
    pub at: Stamp,
    pub found: Found,
}

/// What has been read so far.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Sheet {
    seen: BTreeMap<Gather, Seen>,
}

macro_rules! getters {
    ($($(#[$doc:meta])* $name:ident: $variant:ident -> $kind:ty;)*) => { $(
        $(#[$doc])*
        #[must_use]
        pub fn $name(&self) -> Option<&$kind> {
            self.evidence().find_map(|evidence| match evidence {
                Evidence::$variant(seen) => Some(&**seen),
                _ => None,
            })
        }
    )* };
}

impl Sheet {
    /// Keeps the answer; an answer older than the one that is there is dropped.
    pub fn put(&mut self, ask: Gather, seen: Seen) {
        if self.seen.get(&ask).is_none_or(|known| known.at <= seen.at) {
            self.seen.insert(ask, seen);
        }
    }

    #[must_use]
    pub fn get(&self, ask: &Gather) -> Option<&Seen> {
        self.seen.get(ask)
    }

    pub fn all(&self) -> impl Iterator<Item = (&Gather, &Seen)> {
        self.seen.iter()
    }

    fn evidence(&self) -> impl Iterator<Item = &Evidence> {
        self.seen.values().filter_map(|seen| match &seen.found {
            Found::Evidence(evidence) => Some(evidence),
            _ => None,
        })
    }

    /// What a read found, if it found something.
    #[must_use]
    pub fn found(&self, ask: &Gather) -> Option<&Evidence> {
        match &self.seen.get(ask)?.found {
            Found::Evidence(evidence) => Some(evidence),
            _ => None,
        }
    }

    /// Time of the oldest answer: the plan is no fresher than that.
    #[must_use]
    pub fn oldest(&self) -> Option<Stamp> {
        self.seen.values().map(|seen| seen.at).min()
    }

    /// The single objects that were read: what, name, version, when.
    #[must_use]
    pub fn versions(&self) -> Vec<(&'static str, &Raw, &Raw, Stamp)> {
        let mut found = Vec::new();
        for (ask, seen) in &self.seen {
            let Found::Evidence(evidence) = &seen.found else { continue };
            let head = match evidence {
                Evidence::Rollout(seen) => &seen.head,
                Evidence::Workload(seen) => &seen.head,
                Evidence::Owner(seen) => &seen.head,
                Evidence::Cnpg(seen) => &seen.head,
                Evidence::Node(seen) => &seen.head,
                _ => continue,
            };
            found.push((ask.words(), &head.name, &head.resource_version, seen.at));
        }
        found
    }

    getters! {
        rollout: Rollout -> RolloutSeen;
        workload: Workload -> WorkloadSeen;
        owner: Owner -> OwnerSeen;
        revisions: Revisions -> [RevisionSeen];
        autoscalers: Autoscalers -> [AutoscalerSeen];
        budgets: Budgets -> [BudgetSeen];
        pods: Pods -> [PodSeen];
        cnpg: Cnpg -> CnpgSeen;
        db_instance: DbInstance -> DbInstanceSeen;
        db_cluster: DbCluster -> DbClusterSeen;
        db_events: DbEvents -> [DbEvent];
        cache: CacheGroup -> CacheGroupSeen;
    }

    #[must_use]
    pub fn node(&self) -> Option<&NodeSeen> {
        self.evidence().find_map(|evidence| if let Evidence::Node(node) = evidence { Some(node) } else { None })
    }

    /// What an instance of a CloudNativePG cluster says of itself.
    #[must_use]
    pub fn cnpg_instance(&self, pod: &str) -> Option<&CnpgInstanceSeen> {
        self.evidence().find_map(|evidence| match evidence {
            Evidence::CnpgInstance(seen) if seen.pod.as_str() == pod => Some(seen),
            _ => None,
        })
    }
}
