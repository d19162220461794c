//! Rows of the board that repeat what is known, in the order people read.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::component::{Assessed, Context, revision_name};
use super::curve::WEEK;
use super::finding;
use super::flow::{Flow, Red};
use super::live::{Live, Lost};
use super::node::{Line, Node, Nodes};
use super::tier::{TierView, display_name, reading};
use crate::domain::health::Health;
use crate::domain::id::{Kind, SourceId};
use crate::domain::text::{Raw, Shown};
use crate::domain::tier::Tier;
use crate::model::board::{AlertRow, ComponentRow, Gap, LinkRow, SignalRow};
use crate::model::canary::Comparison;
use crate::model::facts::{ChangeFact, MemberFact, MemberState, Point, ReplicaClass, Role as MemberRole};
use crate::model::resolve::{Resolver, is_workload};
use crate::model::signals::{LAST_WEEK, Role};
use crate::model::topology::Graph;
use crate::model::world::World;
use crate::shown;

/// Rows about instances shown of one signal, worst first; thousands would help nobody.
const PARTS: usize = 20;

/// A component with everything behind its health.
#[must_use]
pub fn component(node: &Node, assessed: &Assessed, tier: &TierView, live: &Live) -> ComponentRow {
    let replicas = node.replicas();
    let mut members: Vec<MemberFact> = node.members.iter().map(|(_, m)| (*m).clone()).collect();
    members.sort_by(|a, b| worst_first(a).cmp(&worst_first(b)));
    let mut zones: Vec<Raw> = members.iter().filter_map(|m| m.zone.clone()).collect();
    zones.sort();
    zones.dedup();
    let mut attributes: Vec<(&'static str, Raw)> = Vec::new();
    for (_, fact) in &node.facts {
        let new = fact.attributes.iter().filter(|(name, _)| !attributes.iter().any(|(known, _)| known == name));
        let new: Vec<_> = new.cloned().collect();
        attributes.extend(new);
    }
    ComponentRow {
        id: node.id.clone(),
        name: display_name(&node.id),
        health: assessed.health,
        reasons: finding::reasons(&assessed.findings, super::REASONS),
        replicas,
        zones,
        spof: is_single(node, tier),
        rollout: node.rollout().cloned(),
        verdict: Comparison::of(node, None).and_then(|of| of.verdict(live.sliding(), super::thresholds::ERROR_RATIO.1)),
        signals: signals(node),
        members,
        attributes,
    }
}

type WorstFirst<'m> = (std::cmp::Reverse<MemberState>, std::cmp::Reverse<u32>, &'m Raw);

fn worst_first(member: &MemberFact) -> WorstFirst<'_> {
    let state = if member.state == MemberState::Unknown { MemberState::NotReady } else { member.state };
    (std::cmp::Reverse(state), std::cmp::Reverse(member.restarts), &member.name)
}

/// Whether losing one instance takes it away: one by design, or one as it runs, on the path of requests or data. Where
/// there are several read replicas, another one answers.
fn is_single(node: &Node, view: &TierView) -> bool {
    let replica = |node: &Node| node.stated(|f| f.role) == Some(MemberRole::Replica);
    if replica(node) && view.nodes.iter().filter(|(other, _)| replica(other)).nth(1).is_some() {
        return false;
    }
    let tier = view.tier;
    let class = node.stated(|f| Some(f.class));
    let on_path = tier.is_user_facing() || matches!(tier, Tier::Cache | Tier::Database | Tier::Access);
    let alone = node.replicas().is_some_and(|r| r.desired == 1);
    let counted = is_workload(node.id.kind) || matches!(node.id.kind, Kind::DbInstance | Kind::CacheGroup);
    class == Some(ReplicaClass::Singleton) || (on_path && alone && counted && node.id.kind != Kind::DaemonSet)
}

/// The whole component's signals first, by role, then those of its revisions and its worst instances.
fn signals(node: &Node) -> Vec<SignalRow> {
    let shown = |l: &&Line| l.peer.is_none() && !l.spec.id.ends_with(LAST_WEEK);
    let mut lines: Vec<&Line> = node.lines.iter().filter(shown).collect();
    let value = |line: &Line| {
        let value = line.reading.last().map_or(f64::NEG_INFINITY, |s| s.value);
        if line.thresholds.above { -value } else { value }
    };
    lines.sort_by(|a, b| {
        let key = |l: &Line| (l.member.is_some(), l.version.is_some(), l.spec.role, l.spec.id.as_str());
        key(a)
            .cmp(&key(b))
            .then(b.health.rank().cmp(&a.health.rank()))
            .then(value(a).total_cmp(&value(b)))
            .then_with(|| a.member.cmp(&b.member))
    });
    let mut shown: BTreeMap<&str, usize> = BTreeMap::new();
    lines.retain(|line| {
        let count = shown.entry(&line.spec.id).or_default();
        *count += usize::from(line.member.is_some());
        *count <= PARTS
    });
    lines.into_iter().map(|line| signal(node, line)).collect()
}

fn signal(node: &Node, line: &Line) -> SignalRow {
    let part = match (&line.member, &line.version) {
        (Some(member), _) => Some(member.shown()),
        (None, Some(version)) => Some(revision_name(node, version)),
        (None, None) => None,
    };
    SignalRow {
        signal: line.spec.id.as_str(),
        label: line.spec.label.as_str(),
        role: line.spec.role,
        part,
        version: line.version.clone().filter(|_| line.member.is_none()),
        reading: line.reading.clone(),
        health: line.health,
        thresholds: line.thresholds,
        history: history(node, line),
    }
}

/// The recent points, after those of the same hours last week where they are known.
fn history(node: &Node, line: &Line) -> Arc<[Point]> {
    let compared = matches!(line.spec.role, Role::Rate | Role::Business);
    let Some(last_week) = compared.then(|| node.last_week(line)).flatten() else { return line.series.points.clone() };
    let before = last_week.points().into_iter().map(|p| Point { at: p.at - WEEK, ..p });
    before.chain(line.series.points.iter().copied()).collect()
}

#[must_use]
pub fn links(flow: &Flow, graph: &Graph, context: &Context) -> Vec<LinkRow> {
    let none = Red::default();
    let row = |((from, to), edge): (&(_, _), &crate::model::topology::Edge)| {
        let red = flow.links.get(&(Clone::clone(from), Clone::clone(to))).unwrap_or(&none);
        LinkRow {
            from: Clone::clone(from),
            to: Clone::clone(to),
            protocol: edge.protocol.as_ref().map(Raw::shown),
            port: edge.port,
            observed: edge.observed,
            rate: reading(red.rate.as_ref(), context),
            error_ratio: reading(red.error_ratio.as_ref(), context),
            latency: reading(red.latency.as_ref().map(|(curve, _)| curve), context),
        }
    };
    graph.edges.iter().map(row).collect()
}

/// Alerts of the sources that still speak, the worst and oldest first.
#[must_use]
pub fn alerts(world: &World, resolver: &Resolver, nodes: &Nodes, live: &Live) -> Vec<AlertRow> {
    let mut rows = Vec::new();
    for ((source, _), section) in &world.sections {
        if live.lost(source).is_some() {
            continue;
        }
        for fact in section.alerts.values() {
            let component = fact.subject.as_ref().and_then(|s| resolver.resolve(s).component().cloned());
            let node = component.as_ref().and_then(|id| nodes.get(id));
            rows.push(AlertRow {
                key: fact.key.clone(),
                name: fact.name.shown(),
                severity: if fact.silenced { Health::Maintenance } else { fact.severity },
                since: fact.since,
                tier: node.map(|n| n.tier),
                component: node.map(|n| n.id.clone()),
                summary: fact.summary.shown(),
                runbook: fact.runbook.as_ref().map(Raw::shown),
                silenced: fact.silenced,
                source: source.clone(),
            });
        }
    }
    rows.sort_by_key(|row| (std::cmp::Reverse(row.severity.rank()), row.since));
    rows
}

/// Newest first.
#[must_use]
pub fn changes(world: &World) -> Vec<Arc<ChangeFact>> {
    let mut changes: Vec<Arc<ChangeFact>> = world.changes.values().cloned().collect();
    changes.sort_by_key(|change| std::cmp::Reverse(change.at));
    changes
}

#[must_use]
pub fn gaps(world: &World) -> Vec<Gap> {
    let of = world.sections.iter().flat_map(|((source, _), section)| section.gaps.iter().map(move |gap| (source, gap)));
    let told = of.map(|(source, gap)| Gap { source: source.clone(), what: gap.what.clone(), hint: gap.hint.clone() });
    let wrong = world.impossible.iter().map(|((source, _), wrong)| Gap {
        source: source.clone(),
        what: shown!("{} tells what cannot be: {}", source.shown(), wrong),
        hint: Shown::fixed("it is left out; look at the exporter, the rule or the proxy that it comes from"),
    });
    told.chain(wrong).collect()
}

/// What was left out because nothing but a source of measurements speaks of it, and of more than fit.
#[must_use]
pub fn left_out(left_out: &BTreeMap<SourceId, usize>) -> Vec<Gap> {
    let gap = |(source, count): (&SourceId, &usize)| Gap {
        source: source.clone(),
        what: shown!(
            "{} of the things that only {} speaks of are left out: {} are taken",
            *count,
            source.shown(),
            super::node::UNLISTED
        ),
        hint: Shown::fixed("let an inventory list them, or drop labels that make things of what is one"),
    };
    left_out.iter().map(gap).collect()
}

/// A live Prometheus of which nothing can be used.
#[must_use]
pub fn mute(live: &Live) -> Vec<Gap> {
    let gap = |(source, lost): &(SourceId, Lost)| Gap {
        source: source.clone(),
        what: lost.why.clone(),
        hint: Shown::fixed("ask it by hand for one of the metrics: is it scraping, is a proxy changing its answers?"),
    };
    live.mute().iter().map(gap).collect()
}
