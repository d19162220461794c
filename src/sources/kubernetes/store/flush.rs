//! What has changed since it was last told.

use std::collections::BTreeSet;

use super::{FeedState, Store};
use crate::domain::id::{ComponentId, Kind};
use crate::domain::time::Stamp;
use crate::model::facts::{Fact, GapFact, Observation};
use crate::sources::kubernetes::around::Key;
use crate::sources::kubernetes::nodes::NodeRow;
use crate::sources::kubernetes::workloads::{SetRow, Workload};
use crate::sources::kubernetes::{changes, components, gaps, nodes};

impl Store {
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
