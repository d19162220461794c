//! What changed before a breach, ranked by how near it was to the trouble in the graph and in time.

use std::cmp::Reverse;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use super::facts::{ChangeFact, ChangeKind};
use super::resolve::Resolver;
use super::topology::Graph;
use crate::domain::id::ComponentId;
use crate::domain::time::Stamp;

/// How long before a breach a change may have led to it.
pub const BEFORE: Duration = Duration::from_secs(15 * 60);
/// A change is seen by its source a little after its effect is, at worst.
const AFTER: Duration = Duration::from_secs(60);

/// A change that may have led to a breach.
#[derive(Clone, Debug)]
pub struct Candidate {
    pub change: Arc<ChangeFact>,
    pub component: Option<ComponentId>,
    /// Time from the change to the breach.
    pub before: Duration,
    /// Dependencies between it and the suspect; `None` when nothing joins them.
    pub distance: Option<usize>,
}

/// The changes within `window` before `breach`, nearest to `suspect` first, then the latest.
#[must_use]
pub fn before(
    changes: &[Arc<ChangeFact>],
    breach: Stamp,
    window: Duration,
    suspect: Option<&ComponentId>,
    (graph, resolver): (&Graph, &Resolver),
) -> Vec<Candidate> {
    let distances = suspect.map(|suspect| distances(graph, suspect)).unwrap_or_default();
    let near = |change: &&Arc<ChangeFact>| {
        change.kind != ChangeKind::Event && change.at <= breach + AFTER && breach.since(change.at) <= window
    };
    let mut found: Vec<Candidate> = changes
        .iter()
        .filter(near)
        .map(|change| {
            let component = change.subject.as_ref().and_then(|s| resolver.resolve(s).component().cloned());
            let distance = component.as_ref().and_then(|id| distances.get(id)).copied();
            Candidate { change: change.clone(), component, before: breach.since(change.at), distance }
        })
        .collect();
    found.sort_by_key(|c| (c.distance.unwrap_or(usize::MAX), Reverse(c.change.at)));
    found
}

/// Dependencies from `start` to every component, in either direction.
fn distances(graph: &Graph, start: &ComponentId) -> BTreeMap<ComponentId, usize> {
    let mut found = BTreeMap::from([(start.clone(), 0)]);
    let mut open = std::collections::VecDeque::from([start.clone()]);
    while let Some(id) = open.pop_front() {
        let next = found.get(&id).copied().unwrap_or_default() + 1;
        for neighbour in graph.callees(&id).chain(graph.callers(&id)) {
            if !found.contains_key(neighbour) {
                found.insert(neighbour.clone(), next);
                open.push_back(neighbour.clone());
            }
        }
    }
    found
}
