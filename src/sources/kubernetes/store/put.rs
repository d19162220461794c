//! Objects of the API become rows, or a count of what cannot be read.

use super::Store;
use crate::clients::kube::read::{self as wire, Meta, Pod};
use crate::domain::id::{ComponentId, Kind};
use crate::domain::text::Raw;
use crate::domain::time::Stamp;
use crate::sources::kubernetes::around::{self, Key, SelectorRow};
use crate::sources::kubernetes::feeds::Watched;
use crate::sources::kubernetes::table::Mark;
use crate::sources::kubernetes::{changes, nodes, pods, postgres, workloads};

/// An object of any kind, by its identity alone.
#[derive(Default, serde::Deserialize)]
#[serde(default, bound(deserialize = "'de: 'a"))]
struct Named<'a> {
    metadata: Meta<'a>,
}

impl Store {
    /// Reads one object; what cannot be read is counted and stated as a gap, and harms nothing else.
    pub(in super::super) fn put(&mut self, feed: usize, text: &str, now: Stamp) {
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
            Watched::PostgresClusters => self.put_workload(mark, text, Kind::DbCluster),
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
            "Cluster" if meta.labels.get(postgres::CLUSTER).is_some() => Kind::DbCluster,
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
        } else if kind == Kind::DbCluster {
            let cluster: wire::PostgresCluster<'_> = wire::read(text)?;
            (self.key(&cluster.metadata)?, postgres::row(&cluster, &mut self.names))
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

    pub(super) fn remove(&mut self, feed: usize, text: &str) {
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
            Watched::PostgresClusters => Some(id(Kind::DbCluster)),
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
}
