//! What is known of the cluster, and what of it has not been told yet.

use std::collections::{BTreeMap, BTreeSet};

use super::around::{self, Around, Key, SelectorRow};
use super::components::{self, Origin};
use super::feeds::{Feed, Watched};
use super::nodes::{self, NodeRow};
use super::pods::{self, PodRow};
use super::table::{Mark, Names, Table};
use super::workloads::{self, SetRow, Workload};
use super::{changes, gaps};
use crate::clients::kube::read::{self as wire, Meta, Pod, Seen};
use crate::domain::error::Fault;
use crate::domain::id::{ComponentId, Kind};
use crate::domain::text::Raw;
use crate::domain::time::Stamp;
use crate::model::facts::{ChangeFact, ComponentFact, Fact, GapFact, Observation};

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

/// An object of any kind, by its identity alone.
#[derive(Default, serde::Deserialize)]
#[serde(default, bound(deserialize = "'de: 'a"))]
struct Named<'a> {
    metadata: Meta<'a>,
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
            Watched::Deployments | Watched::StatefulSets | Watched::DaemonSets | Watched::Rollouts => {
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

    /// Reads one object; what cannot be read is counted and stated as a gap, and harms nothing else.
    pub(super) fn put(&mut self, feed: usize, text: &str, now: Stamp) {
        let Some(state) = self.feeds.get(feed) else { return };
        let (watched, mark) = (state.feed.watched, Mark { feed, round: state.round });
        let read = match watched {
            Watched::Pods => self.put_pod(mark, text, now),
            Watched::Nodes => self.put_node(mark, text),
            Watched::ReplicaSets => self.put_set(mark, text),
            Watched::Deployments => self.put_workload(mark, text, Kind::Deployment),
            Watched::StatefulSets => self.put_workload(mark, text, Kind::StatefulSet),
            Watched::DaemonSets => self.put_workload(mark, text, Kind::DaemonSet),
            Watched::Rollouts => self.put_workload(mark, text, Kind::Rollout),
            Watched::Services | Watched::EndpointSlices | Watched::Autoscalers | Watched::Budgets => {
                self.put_around(watched, mark, text)
            }
            Watched::Warnings | Watched::Rescales => self.put_event(text, watched == Watched::Rescales, now),
        };
        if read.is_none()
            && let Some(state) = self.feeds.get_mut(feed)
        {
            state.unreadable += 1;
            self.untold.gaps = true;
        }
    }

    fn key(&mut self, meta: &Meta<'_>) -> Option<Key> {
        (!meta.name.is_empty()).then(|| (self.names.of(&meta.namespace), Raw::new(&meta.name)))
    }

    fn put_pod(&mut self, mark: Mark, text: &str, now: Stamp) -> Option<()> {
        let pod: Pod<'_> = wire::read(text)?;
        let mut key = self.key(&pod.metadata)?;
        let Some(component) = self.component_of(&pod) else { return Some(()) };
        let before = self.pods.get(&key);
        let mut row = pods::row(&pod, component, &mut self.names, before, now);
        row.fact.zone = row.fact.node.as_ref().and_then(|node| self.zone(node));
        if let Some(before) = before
            && before.fact.component != row.fact.component
        {
            self.untold.gone.push((before.fact.component.clone(), before.fact.name.clone()));
        }
        if before.map(|before| &before.fact) != Some(&row.fact) {
            self.untold.pods.insert(key.clone());
        }
        key.1 = row.fact.name.clone();
        self.pods.put(key, mark, row);
        Some(())
    }

    fn zone(&self, node: &Raw) -> Option<Raw> {
        self.nodes.get(&(Raw::default(), node.clone())).and_then(|row| row.zone.clone())
    }

    /// The workload a pod belongs to: by its controller, through its ReplicaSet; a ReplicaSet that is not known yet is
    /// named after its owner and its hash. Bare pods and jobs belong to none.
    fn component_of(&mut self, pod: &Pod<'_>) -> Option<ComponentId> {
        let meta = &pod.metadata;
        let owner = meta.controller()?;
        let scope = self.names.of(&meta.namespace);
        let kind = match &*owner.kind {
            "StatefulSet" => Kind::StatefulSet,
            "DaemonSet" => Kind::DaemonSet,
            "ReplicaSet" => {
                if let Some(set) = self.sets.get(&(scope.clone(), Raw::new(&owner.name))) {
                    return set.owner.clone();
                }
                let [deployment, rollout] = workloads::HASHES.map(|label| meta.labels.get(label));
                let kind = if rollout.is_some() { Kind::Rollout } else { Kind::Deployment };
                let name = owner.name.strip_suffix(rollout.or(deployment)?)?.strip_suffix('-')?;
                return Some(ComponentId { kind, scope, name: self.names.of(name) });
            }
            _ => return None,
        };
        Some(ComponentId { kind, scope, name: self.names.of(&owner.name) })
    }

    fn put_node(&mut self, mark: Mark, text: &str) -> Option<()> {
        let node: wire::Node<'_> = wire::read(text)?;
        let (_, name) = self.key(&node.metadata)?;
        let row = nodes::row(&node, &mut self.names);
        let zone = row.zone.clone();
        let key = (Raw::default(), name.clone());
        let before = self.nodes.get(&key);
        if before != Some(&row) {
            self.untold.nodes.insert(key.clone());
        }
        if before.and_then(|before| before.zone.as_ref()) != zone.as_ref() {
            for (key, pod) in self.pods.iter_mut().filter(|(_, pod)| pod.fact.node.as_ref() == Some(&name)) {
                pod.fact.zone = zone.clone();
                self.untold.pods.insert(key.clone());
            }
        }
        self.nodes.put(key, mark, row);
        Some(())
    }

    fn put_set(&mut self, mark: Mark, text: &str) -> Option<()> {
        let set: wire::ReplicaSet<'_> = wire::read(text)?;
        let key = self.key(&set.metadata)?;
        let row = workloads::replica_set(&set, &mut self.names, self.sets.get(&key));
        if let Some(owner) = &row.owner {
            self.untold.workloads.insert(owner.clone());
            if !row.announced {
                self.untold.owners.insert(owner.clone());
            }
        }
        self.sets.put(key, mark, row);
        Some(())
    }

    fn put_workload(&mut self, mark: Mark, text: &str, kind: Kind) -> Option<()> {
        let (key, row) = if kind == Kind::Rollout {
            let rollout: wire::Rollout<'_> = wire::read(text)?;
            (self.key(&rollout.metadata)?, workloads::rollout(&rollout, &mut self.names))
        } else {
            let workload: wire::Workload<'_> = wire::read(text)?;
            (self.key(&workload.metadata)?, workloads::workload(&workload, kind, &mut self.names))
        };
        let id = ComponentId { kind, scope: key.0, name: self.names.of(key.1.as_str()) };
        let before = self.workloads.get(&id).and_then(|row| row.canary.as_ref()?.aborted_at);
        if row.canary.as_ref().and_then(|canary| canary.aborted_at) != before {
            self.untold.changes.extend(changes::abort(&id, &row));
        }
        self.untold.workloads.insert(id.clone());
        self.workloads.put(id, mark, row);
        Some(())
    }

    fn put_around(&mut self, watched: Watched, mark: Mark, text: &str) -> Option<()> {
        let key = match watched {
            Watched::Services => {
                let service: wire::Service<'_> = wire::read(text)?;
                let key = self.key(&service.metadata)?;
                let row = SelectorRow::of_service(&service, &mut self.names);
                self.around.services.put(key.clone(), mark, row);
                key
            }
            Watched::EndpointSlices => {
                let slice: wire::EndpointSlice<'_> = wire::read(text)?;
                let key = self.key(&slice.metadata)?;
                self.around.slices.put(key.clone(), mark, around::slice(&slice, &mut self.names));
                key
            }
            Watched::Autoscalers => {
                let autoscaler: wire::Autoscaler<'_> = wire::read(text)?;
                let key = self.key(&autoscaler.metadata)?;
                self.around.autoscalers.put(key.clone(), mark, around::autoscaler(&autoscaler, &mut self.names));
                key
            }
            _ => {
                let budget: wire::Budget<'_> = wire::read(text)?;
                let key = self.key(&budget.metadata)?;
                self.around.budgets.put(key.clone(), mark, around::budget(&budget, &mut self.names));
                key
            }
        };
        self.untold.namespaces.insert(key.0);
        Some(())
    }

    fn put_event(&mut self, text: &str, scaling: bool, now: Stamp) -> Option<()> {
        let event: wire::Event<'_> = wire::read(text)?;
        self.untold.changes.extend(changes::event(&event, scaling, &self.around, &self.sets, now));
        Some(())
    }

    fn remove(&mut self, feed: usize, text: &str) {
        let Some(watched) = self.feeds.get(feed).map(|state| state.feed.watched) else { return };
        let Some(key) = wire::read::<Named<'_>>(text).and_then(|named| self.key(&named.metadata)) else { return };
        let id = |kind| ComponentId { kind, scope: key.0.clone(), name: key.1.clone() };
        let workload = match watched {
            Watched::Pods => {
                if let Some(row) = self.pods.remove(&key) {
                    self.untold.gone.push((row.fact.component, row.fact.name));
                }
                return;
            }
            Watched::Nodes => {
                self.nodes.remove(&(Raw::default(), key.1.clone()));
                self.untold.all_nodes = true;
                return;
            }
            Watched::ReplicaSets => self.sets.remove(&key).and_then(|row| row.owner),
            Watched::Deployments => Some(id(Kind::Deployment)),
            Watched::StatefulSets => Some(id(Kind::StatefulSet)),
            Watched::DaemonSets => Some(id(Kind::DaemonSet)),
            Watched::Rollouts => Some(id(Kind::Rollout)),
            Watched::Services => self.around.services.remove(&key).and(None),
            Watched::EndpointSlices => self.around.slices.remove(&key).and(None),
            Watched::Autoscalers => self.around.autoscalers.remove(&key).and(None),
            Watched::Budgets => self.around.budgets.remove(&key).and(None),
            Watched::Warnings | Watched::Rescales => return,
        };
        if watched != Watched::ReplicaSets
            && let Some(id) = &workload
        {
            self.workloads.remove(id);
        }
        self.untold.workloads.extend(workload);
        self.untold.namespaces.insert(key.0);
    }

    /// What has changed since the last flush, as observations.
    pub fn flush(&mut self, now: Stamp) -> Vec<Observation> {
        let mut out = Vec::new();
        self.flush_nodes(now, &mut out);
        if self.feeds.iter().filter(|state| state.feed.watched.shapes_workloads()).all(|state| state.settled) {
            self.flush_workloads(now, &mut out);
            self.flush_changes(now, &mut out);
        }
        self.flush_pods(now, &mut out);
        if std::mem::take(&mut self.untold.gaps) {
            let facts = self.gaps().into_iter().map(Fact::Gap).collect();
            out.push(self.observation("gaps", now, true, facts));
        }
        out
    }

    fn observation(&self, scope: &'static str, now: Stamp, complete: bool, facts: Vec<Fact>) -> Observation {
        Observation { source: self.origin.source.clone(), scope, observed_at: now, complete, facts }
    }

    fn flush_nodes(&mut self, now: Stamp, out: &mut Vec<Observation>) {
        let some = std::mem::take(&mut self.untold.nodes);
        let all = std::mem::take(&mut self.untold.all_nodes);
        let fact = |key: &Key, row: &NodeRow| Fact::Component(nodes::fact(&key.1, row, &self.origin));
        let facts: Vec<_> = if all {
            self.nodes.iter().map(|(key, row)| fact(key, row)).collect()
        } else {
            some.iter().filter_map(|key| Some(fact(key, self.nodes.get(key)?))).collect()
        };
        if all || !facts.is_empty() {
            out.push(self.observation("nodes", now, all, facts));
        }
    }

    fn flush_workloads(&mut self, now: Stamp, out: &mut Vec<Observation>) {
        let all = std::mem::take(&mut self.untold.all_workloads);
        let mut ids = std::mem::take(&mut self.untold.workloads);
        let namespaces = std::mem::take(&mut self.untold.namespaces);
        let wanted = |id: &ComponentId| all || namespaces.contains(&id.scope);
        ids.extend(self.workloads.iter().map(|(id, _)| id).filter(|id| wanted(id)).cloned());
        let borrowed: BTreeSet<_> = self.borrowed();
        let mut facts = Vec::new();
        if all {
            self.told.clear();
        }
        for id in ids {
            let row = self.workloads.get(&id).filter(|row| !(row.counts.desired == 0 && borrowed.contains(&id)));
            let Some(row) = row else {
                if self.told.remove(&id).is_some() {
                    facts.push(Fact::ComponentGone(id));
                }
                continue;
            };
            let fact = components::fact(&id, row, &self.around, &self.sets, &self.origin);
            if self.told.get(&id) != Some(&fact) {
                facts.push(Fact::Component(fact.clone()));
                self.told.insert(id, fact);
            }
        }
        if all || !facts.is_empty() {
            out.push(self.observation("workloads", now, all, facts));
        }
    }

    /// Deployments that only lend their template to a Rollout.
    fn borrowed(&self) -> BTreeSet<ComponentId> {
        let lender = |(id, row): (&ComponentId, &Workload)| {
            let name = row.canary.as_ref()?.borrows.clone()?;
            Some(ComponentId { kind: Kind::Deployment, scope: id.scope.clone(), name })
        };
        self.workloads.iter().filter_map(lender).collect()
    }

    fn flush_changes(&mut self, now: Stamp, out: &mut Vec<Observation>) {
        let owners = std::mem::take(&mut self.untold.owners);
        for owner in &owners {
            self.untold.changes.extend(changes::deploys(owner, self.workloads.get(owner), &self.sets, now));
        }
        if !owners.is_empty() {
            let told = |set: &SetRow| set.owner.as_ref().is_some_and(|owner| owners.contains(owner));
            self.sets.iter_mut().filter(|(_, set)| told(set)).for_each(|(_, set)| set.announced = true);
        }
        let facts: Vec<_> = std::mem::take(&mut self.untold.changes).into_iter().map(Fact::Change).collect();
        if !facts.is_empty() {
            out.push(self.observation("changes", now, false, facts));
        }
    }

    fn flush_pods(&mut self, now: Stamp, out: &mut Vec<Observation>) {
        let some = std::mem::take(&mut self.untold.pods);
        let gone = std::mem::take(&mut self.untold.gone);
        let all = std::mem::take(&mut self.untold.all_pods);
        let mut facts = Vec::new();
        if all {
            facts.reserve(self.pods.len());
            facts.extend(self.pods.iter().map(|(_, row)| Fact::Member(row.fact.clone())));
        } else {
            facts.extend(gone.into_iter().map(|(component, name)| Fact::MemberGone(component, name)));
            facts.extend(some.iter().filter_map(|key| Some(Fact::Member(self.pods.get(key)?.fact.clone()))));
        }
        if all || !facts.is_empty() {
            out.push(self.observation("pods", now, all, facts));
        }
    }

    fn gaps(&self) -> Vec<GapFact> {
        let of = |state: &FeedState| gaps::gap(&state.feed, state.refusal.as_ref(), state.unreadable);
        let mut gaps: Vec<_> = self.feeds.iter().filter_map(of).collect();
        // Two feeds may rest on one collection.
        gaps.dedup();
        gaps
    }
}
