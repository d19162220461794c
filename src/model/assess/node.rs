//! The components with everything that is known of each, resolved: what the rules look at.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::curve::{Curve, Measured, Operation, WEEK};
use super::hysteresis::{Judged, judge};
use super::live::Live;
use super::thresholds;
use crate::domain::health::Health;
use crate::domain::id::{ComponentId, Kind, SourceId};
use crate::domain::reading::{Reading, Sample};
use crate::domain::text::Raw;
use crate::domain::tier::Tier;
use crate::domain::time::Stamp;
use crate::model::board::Thresholds;
use crate::model::facts::{ComponentFact, MemberFact, ProbeFact, Replicas, RolloutFact};
use crate::model::infer;
use crate::model::resolve::{Resolution, Resolver};
use crate::model::signals::{Feed, Role, SignalSpec};
use crate::model::world::{ProbeTrack, Series, World};

/// A component with what is known of it.
pub struct Node<'a> {
    pub id: ComponentId,
    pub tier: Tier,
    pub facts: Vec<(&'a SourceId, &'a Arc<ComponentFact>)>,
    pub members: Vec<(&'a SourceId, &'a MemberFact)>,
    pub lines: Vec<Line<'a>>,
    pub probes: Vec<(&'a ProbeFact, &'a ProbeTrack)>,
    /// When an inventory last looked at it.
    pub observed_at: Stamp,
}

/// One series of a component, judged.
pub struct Line<'a> {
    pub spec: &'static SignalSpec,
    pub member: Option<Raw>,
    pub version: Option<Raw>,
    pub peer: Option<ComponentId>,
    pub series: &'a Series,
    pub reading: Reading,
    pub thresholds: Thresholds,
    /// What its history says, before the freshness of its source is looked at.
    pub judged: Judged,
    pub health: Health,
}

pub type Nodes<'a> = BTreeMap<ComponentId, Node<'a>>;

impl<'a> Node<'a> {
    fn new(id: ComponentId) -> Self {
        let (facts, members) = (Vec::new(), Vec::new());
        Self {
            id,
            tier: Tier::Application,
            facts,
            members,
            lines: Vec::new(),
            probes: Vec::new(),
            observed_at: Stamp::default(),
        }
    }

    /// The first statement of the provider that has it.
    pub fn stated<T>(&self, of: impl Fn(&'a ComponentFact) -> Option<T>) -> Option<T> {
        self.facts.iter().find_map(|(_, fact)| of(fact))
    }

    #[must_use]
    pub fn replicas(&self) -> Option<Replicas> {
        self.stated(|f| f.replicas)
    }

    #[must_use]
    pub fn rollout(&self) -> Option<&'a RolloutFact> {
        self.stated(|f| f.rollout.as_ref())
    }

    /// Lines about the whole component with this role.
    pub fn whole(&self, role: Role) -> impl Iterator<Item = &Line<'a>> {
        self.lines.iter().filter(move |l| l.spec.role == role && l.is_whole())
    }

    /// Lines about one revision with this role.
    pub fn of_version<'s>(&'s self, role: Role, version: &'s Raw) -> impl Iterator<Item = &'s Line<'a>> {
        let of = move |l: &&Line| l.member.is_none() && l.peer.is_none() && l.version.as_ref() == Some(version);
        self.lines.iter().filter(move |l| l.spec.role == role).filter(of)
    }
}

impl<'a> Line<'a> {
    /// About the component as a whole, not a part of it or a call.
    #[must_use]
    pub fn is_whole(&self) -> bool {
        self.member.is_none() && self.version.is_none() && self.peer.is_none()
    }

    #[must_use]
    pub fn is_fresh(&self) -> bool {
        matches!(self.reading, Reading::Fresh(_) | Reading::NoTraffic)
    }

    #[must_use]
    pub fn curve(&self) -> Curve<'a> {
        let Series { points, provenance, .. } = self.series;
        let (unit, sparse) = (self.spec.unit, self.is_sparse());
        Curve::Measured(Measured { points, provenance, unit, shift: std::time::Duration::ZERO, sparse })
    }

    /// Published only when it is not zero.
    #[must_use]
    pub fn is_sparse(&self) -> bool {
        matches!(&self.spec.feed, Feed::Cloudwatch(feed) if feed.zero_with.is_some())
    }

    /// The same a week ago, where it is known.
    #[must_use]
    pub fn last_week(&self) -> Option<Curve<'a>> {
        let Series { week, provenance, .. } = self.series;
        (!week.is_empty()).then(|| {
            Curve::Measured(Measured { points: week, provenance, unit: self.spec.unit, shift: WEEK, sparse: false })
        })
    }
}

/// Resolves the world's facts into nodes.
#[must_use]
pub fn build<'a>(world: &'a World, resolver: &Resolver<'a>, live: &Live) -> Nodes<'a> {
    let mut nodes = Nodes::new();
    for ((source, _), section) in &world.sections {
        for (id, fact) in &section.components {
            let node = node(&mut nodes, id);
            node.facts.push((source, fact));
            node.observed_at = node.observed_at.max(section.observed_at);
        }
        for (id, members) in &section.members {
            node(&mut nodes, id).members.extend(members.values().map(|m| (source, m)));
        }
        for (key, probe) in &section.probes {
            if let Some(track) = world.probes.get(key) {
                node(&mut nodes, &key.0).probes.push((probe, track));
            }
        }
    }
    add_series(world, resolver, &mut nodes);
    for node in nodes.values_mut() {
        let systems: BTreeSet<&str> = node.lines.iter().filter_map(|l| l.spec.id.split('.').next()).collect();
        let systems: Vec<&str> = systems.into_iter().collect();
        let fact = node.facts.first().map(|(_, fact)| fact.as_ref());
        let probed = node.probes.iter().find_map(|(probe, _)| probe.tier);
        let (tier, how) = infer::tier_of(&node.id, fact, &world.rules.tiers, &systems);
        node.tier = if how == "configuration" { tier } else { probed.unwrap_or(tier) };
        for line in &mut node.lines {
            judge_line(line, node.tier, world, live);
        }
        read_absent_as_zero(node, live);
        drop_old_parts(node);
    }
    nodes
}

/// A count that is only published when it is not zero is 0 for as long as the requests it is a part of are counted.
fn read_absent_as_zero(node: &mut Node, live: &Live) {
    let rate = node.whole(Role::Rate).find(|l| matches!(l.reading, Reading::Fresh(_))).map(|l| (l.curve(), l.series));
    let Some((rate, of)) = rate else { return };
    for line in node.lines.iter_mut().filter(|l| l.is_sparse() && l.series.provenance.source == of.provenance.source) {
        let now = line.series.points.last().map(|p| p.at) >= rate.last();
        if !now {
            line.reading = Curve::computed(Operation::Nothing, line.spec.unit, vec![rate.clone()]).reading(live);
            line.health = Health::Ok;
        } else if let Some(point) = line.series.points.last() {
            let provenance = line.series.provenance.clone();
            line.reading =
                Reading::Fresh(Sample { value: point.value, unit: line.spec.unit, at: point.at, provenance });
            line.health = thresholds::capped(line.judged.health, line.spec);
        }
    }
}

fn node<'n, 'a>(nodes: &'n mut Nodes<'a>, id: &ComponentId) -> &'n mut Node<'a> {
    nodes.entry(id.clone()).or_insert_with(|| Node::new(id.clone()))
}

fn add_series<'a>(world: &'a World, resolver: &Resolver<'a>, nodes: &mut Nodes<'a>) {
    for (alias, of_subject) in world.series.subjects() {
        let gone =
            |series: &Series| world.sections.get(series.owner()).is_none_or(|section| series.vanished(section.round));
        let (id, member) = match resolver.resolve(alias) {
            Resolution::Known(subject) => (subject.component, subject.member),
            // What no inventory lists and no source speaks of any more is gone.
            Resolution::Unlisted(_) if of_subject.values().all(gone) => continue,
            Resolution::Unlisted(mut id) => {
                if of_subject.keys().any(|key| key.signal.starts_with("host.")) {
                    id.kind = Kind::Host;
                }
                (id, None)
            }
            Resolution::Outside => continue,
        };
        let node = node(nodes, &id);
        for (key, series) in of_subject {
            let Some(spec) = (world.catalogue)(key.signal) else { continue };
            let peer = key.peer.as_ref().map(|peer| resolver.resolve(peer));
            if peer == Some(Resolution::Outside) {
                continue;
            }
            node.lines.push(Line {
                spec,
                member: key.member.clone().or_else(|| member.clone()),
                version: key.version.clone(),
                peer: peer.and_then(|peer| peer.component().cloned()),
                series,
                reading: Reading::NoTraffic,
                thresholds: Thresholds::default(),
                judged: Judged { health: Health::Unknown, since: None, flapping: false },
                health: Health::Unknown,
            });
        }
    }
}

fn judge_line(line: &mut Line, tier: Tier, world: &World, live: &Live) {
    line.thresholds = thresholds::of_signal(line.spec, tier, &world.rules.targets);
    line.reading = line.curve().reading(live);
    line.judged = judge(&line.series.points, &line.thresholds, line.spec.role == Role::Availability);
    line.health = match line.reading {
        Reading::Fresh(_) => thresholds::capped(line.judged.health, line.spec),
        Reading::NoTraffic => Health::NoTraffic,
        Reading::Stale { .. } | Reading::Absent(_) => Health::Unknown,
    };
}

/// Parts that are no more (a revision that was replaced, a pod that is gone) are not unknown: they are gone.
fn drop_old_parts(node: &mut Node) {
    let members: BTreeSet<&Raw> = node.members.iter().map(|(_, m)| &m.name).collect();
    let rollout = node.stated(|f| f.rollout.as_ref());
    let revisions: Option<Vec<&Raw>> =
        rollout.map(|r| std::iter::once(&r.stable).chain(&r.canary).map(|revision| &revision.hash).collect());
    let here = |line: &Line| {
        let version = line.version.as_ref();
        let current = version.is_none_or(|v| revisions.as_ref().map_or(line.is_fresh(), |known| known.contains(&v)));
        let member = line.member.as_ref();
        current && member.is_none_or(|m| members.is_empty() || members.contains(m) || line.is_fresh())
    };
    let keep: Vec<bool> = node.lines.iter().map(here).collect();
    let mut keep = keep.into_iter();
    node.lines.retain(|_| keep.next().unwrap_or(true));
}
