//! What is known of the cluster, and what of it has not been told yet: `put` reads objects into it, `flush` tells what has
//! changed.

mod flush;
mod put;

use std::collections::{BTreeMap, BTreeSet};

use super::around::{Around, Key};
use super::components::Origin;
use super::feeds::{Feed, Watched};
use super::nodes::NodeRow;
use super::pods::PodRow;
use super::table::{Mark, Names, Table};
use super::workloads::{SetRow, Workload};
use crate::clients::kube::read::Seen;
use crate::domain::error::Fault;
use crate::domain::id::ComponentId;
use crate::domain::text::Raw;
use crate::domain::time::Stamp;
use crate::model::facts::{ChangeFact, ComponentFact};

#[derive(Debug)]
pub struct Store {
    origin: Origin,
    feeds: Vec<FeedState>,
    names: Names,
    pub pods: Table<Key, PodRow>,
    workloads: Table<ComponentId, Workload>,
    sets: Table<Key, SetRow>,
    pub nodes: Table<Key, NodeRow>,
    around: Around,
    /// The component facts as they were last told.
    told: BTreeMap<ComponentId, ComponentFact>,
    untold: Untold,
}

#[derive(Debug)]
struct FeedState {
    feed: Feed,
    round: u32,
    /// Listed once, or known not to be there.
    settled: bool,
    unreadable: u64,
    refusal: Option<Fault>,
}

/// What the next flush has to tell.
#[derive(Debug, Default)]
struct Untold {
    pods: BTreeSet<Key>,
    all_pods: bool,
    gone: Vec<(ComponentId, Raw)>,
    workloads: BTreeSet<ComponentId>,
    namespaces: BTreeSet<Raw>,
    all_workloads: bool,
    owners: BTreeSet<ComponentId>,
    nodes: BTreeSet<Key>,
    all_nodes: bool,
    changes: Vec<ChangeFact>,
    gaps: bool,
}

impl Store {
    pub fn new(origin: Origin, feeds: Vec<Feed>) -> Self {
        let feeds = feeds
            .into_iter()
            .map(|feed| FeedState { feed, round: 0, settled: false, unreadable: 0, refusal: None })
            .collect();
        Self {
            origin,
            feeds,
            names: Names::default(),
            pods: Table::default(),
            workloads: Table::default(),
            sets: Table::default(),
            nodes: Table::default(),
            around: Around::default(),
            told: BTreeMap::new(),
            untold: Untold::default(),
        }
    }

    pub fn origin(&self) -> &Origin {
        &self.origin
    }

    /// Every collection has been listed once or is known to be missing.
    pub fn is_settled(&self) -> bool {
        self.feeds.iter().all(|state| state.settled)
    }

    /// Some collection gives what it has; with refusals alone there is nothing to tell yet.
    pub fn sees_something(&self) -> bool {
        self.feeds.iter().any(|state| state.round > 0 && state.refusal.is_none())
    }

    /// The refusal that leaves nothing to see: every collection is forbidden.
    pub fn blind(&self) -> Option<Fault> {
        let mut refusals = self.feeds.iter().map(|state| state.refusal.clone());
        let first = refusals.next().flatten()?;
        refusals.all(|refusal| refusal.is_some()).then_some(first)
    }

    /// Takes what a feed has seen; `true` when there is something to tell.
    pub fn take(&mut self, feed: usize, seen: Seen, now: Stamp) -> bool {
        match seen {
            Seen::Page { page, first, last } => {
                self.begin_page(feed, first);
                for item in page.items() {
                    self.put(feed, item, now);
                }
                if last {
                    self.end_list(feed);
                }
                true
            }
            Seen::Change(change) if change.deleted => {
                self.remove(feed, change.object());
                true
            }
            Seen::Change(change) => {
                self.put(feed, change.object(), now);
                true
            }
            Seen::Unreadable | Seen::Alive => false,
        }
    }

    /// A collection that may not or cannot be listed: what was known of it is no longer known.
    pub fn refuse(&mut self, feed: usize, fault: Fault) {
        self.begin_page(feed, true);
        self.end_list(feed);
        if let Some(state) = self.feeds.get_mut(feed) {
            state.refusal = Some(fault);
            self.untold.gaps = true;
        }
    }

    pub(super) fn begin_page(&mut self, feed: usize, first: bool) {
        let Some(state) = self.feeds.get_mut(feed).filter(|_| first) else { return };
        state.round = state.round.wrapping_add(1);
        self.untold.gaps |= state.unreadable > 0 || state.refusal.is_some();
        state.unreadable = 0;
        state.refusal = None;
    }

    pub(super) fn end_list(&mut self, feed: usize) {
        let Some(state) = self.feeds.get_mut(feed) else { return };
        state.settled = true;
        let mark = Mark { feed, round: state.round };
        let untold = &mut self.untold;
        match state.feed.watched {
            Watched::Pods => {
                self.pods.sweep(mark);
                untold.all_pods = true;
            }
            Watched::Nodes => {
                self.nodes.sweep(mark);
                untold.all_nodes = true;
            }
            Watched::ReplicaSets => drop(self.sets.sweep(mark)),
            Watched::Deployments
            | Watched::StatefulSets
            | Watched::DaemonSets
            | Watched::Rollouts
            | Watched::PostgresClusters => {
                self.workloads.sweep(mark);
            }
            Watched::Services => drop(self.around.services.sweep(mark)),
            Watched::Autoscalers => drop(self.around.autoscalers.sweep(mark)),
            Watched::Budgets => drop(self.around.budgets.sweep(mark)),
            Watched::EndpointSlices => drop(self.around.slices.sweep(mark)),
            Watched::Warnings | Watched::Rescales => {}
        }
        untold.all_workloads |= state.feed.watched.shapes_workloads();
        if state.feed.watched == Watched::EndpointSlices {
            untold.namespaces.extend(self.told.keys().map(|id| id.scope.clone()));
        }
    }
}
