//! Dependencies: seen in traffic, stated by configuration, and those that follow from how such systems are built.

use std::collections::{BTreeMap, BTreeSet};

use super::assess::node::{Node, Nodes};
use super::infer;
use super::resolve::{Resolution, Resolver};
use super::world::World;
use crate::domain::id::{Alias, ComponentId, Kind};
use crate::domain::text::Raw;
use crate::domain::tier::Tier;

/// How many dependencies may be supposed between two kinds of components, or stated by one rule of the configuration.
const JOINED: usize = 2_000;

/// What is known of a dependency besides its ends.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Edge {
    pub protocol: Option<Raw>,
    pub port: Option<u16>,
    /// Seen in traffic, as against inferred or configured.
    pub observed: bool,
    /// The caller's own measurements name the callee.
    pub measured: bool,
}

/// Caller to callee.
#[derive(Debug, Default)]
pub struct Graph {
    pub edges: BTreeMap<(ComponentId, ComponentId), Edge>,
    callees: BTreeMap<ComponentId, BTreeSet<ComponentId>>,
    callers: BTreeMap<ComponentId, BTreeSet<ComponentId>>,
}

impl Graph {
    #[must_use]
    pub fn build(world: &World, resolver: &Resolver, nodes: &Nodes) -> Self {
        let mut graph = Self::default();
        for link in world.sections.values().flat_map(|s| s.links.values()) {
            let ends = (resolver.resolve(&link.from), resolver.resolve(&link.to));
            let (Some(from), Some(to)) = (ends.0.component(), ends.1.component()) else { continue };
            let edge =
                Edge { protocol: link.protocol.clone(), port: link.port, observed: link.observed, measured: false };
            graph.join(nodes, from, to, edge);
        }
        for node in nodes.values() {
            for line in &node.lines {
                if let Some(to) = &line.peer {
                    graph.join(nodes, &node.id, to, Edge { observed: true, measured: true, ..Edge::default() });
                }
            }
        }
        graph.targets(world, resolver, nodes);
        graph.configured(world, nodes);
        graph.conventions(nodes);
        graph
    }

    pub fn callees<'g>(&'g self, id: &ComponentId) -> impl Iterator<Item = &'g ComponentId> + use<'g> {
        self.callees.get(id).into_iter().flatten()
    }

    pub fn callers<'g>(&'g self, id: &ComponentId) -> impl Iterator<Item = &'g ComponentId> + use<'g> {
        self.callers.get(id).into_iter().flatten()
    }

    /// The nearest callees that are `known`: what stands between and is not (a target group) is looked through.
    #[must_use]
    pub fn callees_where<'g>(&'g self, id: &ComponentId, known: impl Fn(&ComponentId) -> bool) -> Vec<&'g ComponentId> {
        let mut seen = BTreeSet::new();
        let mut found = Vec::new();
        let mut open: Vec<&ComponentId> = self.callees(id).collect();
        while let Some(callee) = open.pop() {
            if callee == id || !seen.insert(callee) {
                continue;
            }
            if known(callee) {
                found.push(callee);
            } else {
                open.extend(self.callees(callee));
            }
        }
        found
    }

    /// Everything that `from` depends on, itself included.
    #[must_use]
    pub fn downstream<'g>(&'g self, from: impl IntoIterator<Item = &'g ComponentId>) -> BTreeSet<&'g ComponentId> {
        let mut seen = BTreeSet::new();
        let mut open: Vec<&ComponentId> = from.into_iter().collect();
        while let Some(id) = open.pop() {
            if seen.insert(id) {
                open.extend(self.callees(id));
            }
        }
        seen
    }

    fn join(&mut self, nodes: &Nodes, from: &ComponentId, to: &ComponentId, edge: Edge) {
        if from == to || !nodes.contains_key(from) || !nodes.contains_key(to) {
            return;
        }
        let known = self.edges.entry((from.clone(), to.clone())).or_default();
        known.protocol = known.protocol.take().or(edge.protocol);
        known.port = known.port.or(edge.port);
        known.observed |= edge.observed;
        known.measured |= edge.measured;
        self.callees.entry(from.clone()).or_default().insert(to.clone());
        self.callers.entry(to.clone()).or_default().insert(from.clone());
    }

    /// A target group calls the workloads whose pods' addresses are its targets.
    fn targets(&mut self, world: &World, resolver: &Resolver, nodes: &Nodes) {
        for group in nodes.values().filter(|n| matches!(n.id.kind, Kind::TargetGroup | Kind::LoadBalancer)) {
            let mut found = BTreeSet::new();
            for address in group.members.iter().filter_map(|(_, m)| m.address.as_ref()) {
                found.extend(workload_at(world, resolver, address));
            }
            for to in found {
                self.join(nodes, &group.id, &to, Edge { observed: true, ..Edge::default() });
            }
        }
    }

    fn configured(&mut self, world: &World, nodes: &Nodes) {
        for rule in &world.rules.dependencies {
            let named = |pattern: &str| -> Vec<ComponentId> {
                let fits = |id: &&ComponentId| infer::glob(pattern, id.name.as_str());
                nodes.keys().filter(fits).cloned().collect()
            };
            let (callers, callees) = (named(&rule.from), named(&rule.to));
            for (from, to) in callers.iter().flat_map(|from| callees.iter().map(move |to| (from, to))).take(JOINED) {
                let protocol = rule.protocol.as_deref().map(Raw::new);
                self.join(nodes, from, to, Edge { protocol, port: rule.port, ..Edge::default() });
            }
        }
    }

    /// Where nothing is known of how a component is reached, what such systems are built like: the distribution before
    /// the web ACL before the load balancers, these before their target groups; a pooler before the database; the last
    /// known services of the application before stores that nobody is known to call.
    fn conventions(&mut self, nodes: &Nodes) {
        let chain = [Kind::Distribution, Kind::WebAcl, Kind::LoadBalancer];
        let present: Vec<Vec<&ComponentId>> = chain
            .iter()
            .map(|kind| nodes.keys().filter(|id| id.kind == *kind).collect::<Vec<_>>())
            .filter(|ids| !ids.is_empty())
            .collect();
        for (before, after) in present.iter().zip(present.iter().skip(1)) {
            let uncalled: Vec<_> = after.iter().copied().filter(|to| self.callers(to).next().is_none()).collect();
            self.suppose(nodes, before, &uncalled);
        }
        let poolers: Vec<&ComponentId> = nodes
            .values()
            .filter(|n| n.tier == Tier::Database && super::resolve::is_workload(n.id.kind))
            .filter(|n| ["pgbouncer", "pgpool", "proxysql"].iter().any(|word| n.id.name.as_str().contains(word)))
            .map(|n| &n.id)
            .collect();
        let leaves: Vec<&ComponentId> = nodes
            .values()
            .filter(|n| n.tier == Tier::Application && self.callees(&n.id).next().is_none())
            .map(|n| &n.id)
            .collect();
        let stores = nodes.values().filter(|n| matches!(n.tier, Tier::Cache | Tier::Database) && !n.lines.is_empty());
        let orphans: Vec<&Node> = stores.filter(|n| self.callers(&n.id).next().is_none()).collect();
        let pooled = |store: &Node| {
            store.tier == Tier::Database && !poolers.is_empty() && poolers.binary_search(&&store.id).is_err()
        };
        let (behind, others): (Vec<&Node>, Vec<&Node>) = orphans.into_iter().partition(|store| pooled(store));
        self.suppose(nodes, &poolers, &behind.iter().map(|n| &n.id).collect::<Vec<_>>());
        self.suppose(nodes, &leaves, &others.iter().map(|n| &n.id).collect::<Vec<_>>());
    }

    /// Joins each caller to each callee, as such systems are built. Of many with many nothing is told by that, and each
    /// pair costs: then only those count that an inventory knows, and of too many of these none.
    fn suppose(&mut self, nodes: &Nodes, from: &[&ComponentId], to: &[&ComponentId]) {
        let many = |from: &[&ComponentId], to: &[&ComponentId]| from.len().saturating_mul(to.len()) > JOINED;
        let mut ends = [from.to_vec(), to.to_vec()];
        if many(from, to) {
            for ids in &mut ends {
                ids.retain(|id| nodes.get(*id).is_some_and(|n| !n.facts.is_empty()));
            }
        }
        let [from, to] = &ends;
        let none = many(from, to);
        for (from, to) in from.iter().filter(|_| !none).flat_map(|from| to.iter().map(move |to| (from, to))) {
            self.join(nodes, from, to, Edge::default());
        }
    }
}

fn workload_at(world: &World, resolver: &Resolver, address: &Raw) -> Option<ComponentId> {
    let alias = Alias::Address(address.clone());
    let workload = |id: &ComponentId| {
        super::resolve::is_workload(id.kind) || matches!(id.kind, Kind::Node | Kind::AutoScalingGroup)
    };
    // The target group itself lists the address too, so every section is asked, not only the first that knows it.
    let host = super::world::host_of(address.as_str()).unwrap_or(address.as_str());
    let stated = [alias.clone(), Alias::Address(Raw::new(host))].iter().find_map(|alias| {
        let subjects = world.sections.values().filter_map(|section| section.subject(alias));
        subjects.map(|s| s.component.clone()).find(|id| workload(id))
    });
    stated.or_else(|| match resolver.resolve(&alias) {
        Resolution::Known(subject) if workload(&subject.component) => Some(subject.component),
        _ => None,
    })
}
