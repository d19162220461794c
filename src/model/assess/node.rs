//! The components with everything that is known of each, resolved: what the rules look at.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use super::curve::{Curve, Measured, Operation, WEEK};
use super::hysteresis::{Judged, judge};
use super::live::Live;
use super::thresholds;
use crate::domain::health::Health;
use crate::domain::id::{Alias, ComponentId, Kind, SourceId};
use crate::domain::reading::Reading;
use crate::domain::text::Raw;
use crate::domain::tier::Tier;
use crate::domain::time::Stamp;
use crate::model::board::Thresholds;
use crate::model::facts::{ComponentFact, MemberFact, Point, ProbeFact, Replicas, RolloutFact};
use crate::model::infer;
use crate::model::resolve::{Resolution, Resolver, is_workload};
use crate::model::signals::{Feed, Formula, LAST_WEEK, Role, SignalSpec};
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
    /// The peer as its source names it: one of the instances of a component, perhaps.
    pub callee: Option<&'a Alias>,
    pub series: &'a Series,
    pub reading: Reading,
    pub thresholds: Thresholds,
    /// What its history says, before the freshness of its source is looked at.
    pub judged: Judged,
    pub health: Health,
}

/// Signals that tell whether something is observed, not how it serves: the targets of a job, the watchdog alert.
const OBSERVING: [&str; 2] = ["mon.targets", "mon.watchdog"];

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
        self.stated(|f| f.rollout.as_deref())
    }

    /// Lines about the whole component with this role.
    pub fn whole(&self, role: Role) -> impl Iterator<Item = &Line<'a>> {
        self.lines.iter().filter(move |l| l.spec.role == role && l.is_whole())
    }

    /// A line's curve; of a row that is computed from others, computed from theirs, so that every moment of it can be
    /// followed by hand.
    #[must_use]
    pub fn curve(&self, line: &Line<'a>) -> Curve<'a> {
        self.composed(line, &|l| Some(l.curve())).unwrap_or_else(|| line.curve())
    }

    /// The same a week ago: a question of its own, or the older points of the same series.
    #[must_use]
    pub fn last_week(&self, line: &Line<'a>) -> Option<Curve<'a>> {
        let twin = |l: &&Line<'a>| l.spec.id.strip_suffix(LAST_WEEK) == Some(line.spec.id.as_str());
        let twin = self.lines.iter().filter(|l| l.is_beside(line)).find(twin);
        twin.map(Line::curve).or_else(|| self.composed(line, &Line::week))
    }

    fn composed(&self, line: &Line<'a>, of: &dyn Fn(&Line<'a>) -> Option<Curve<'a>>) -> Option<Curve<'a>> {
        let Feed::Derived(feed) = &line.spec.feed else { return of(line) };
        let input = |id: &String| self.lines.iter().find(|l| l.spec.id == *id && l.is_beside(line)).and_then(of);
        let inputs: Vec<Curve> = feed.from.iter().map(input).collect::<Option<_>>()?;
        let unit = line.spec.unit;
        let quotient = |a: Curve<'a>, b: Curve<'a>| Curve::computed(Operation::Quotient, unit, vec![a, b]);
        let sum = |a: &Curve<'a>, b: &Curve<'a>| Curve::computed(Operation::Sum, a.unit(), vec![a.clone(), b.clone()]);
        Some(match (feed.formula, inputs.as_slice()) {
            (Formula::Sum, [a, b]) => sum(a, b),
            (Formula::Quotient, [a, b]) => quotient(a.clone(), b.clone()),
            (Formula::SumQuotient, [a, b, c]) => quotient(sum(a, b), c.clone()),
            (Formula::Share, [a, b]) => quotient(a.clone(), sum(a, b)),
            _ => return None,
        })
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

    /// Whether it is judged at all.
    #[must_use]
    pub const fn bears(&self) -> bool {
        self.thresholds.warn.is_some() || self.thresholds.critical.is_some()
    }

    #[must_use]
    pub fn is_fresh(&self) -> bool {
        matches!(self.reading, Reading::Fresh(_) | Reading::NoTraffic)
    }

    fn measured(&self, points: &'a [Point], shift: Duration) -> Curve<'a> {
        let sparse = matches!(&self.spec.feed, Feed::Cloudwatch(feed) if feed.zero_with.is_some());
        let about = self.series.points.last().map(|p| p.at).unwrap_or_default();
        let (provenance, unit) = (&self.series.provenance, self.spec.unit);
        Curve::Measured(Measured { points, provenance, unit, shift, about, sparse })
    }

    /// What it measures over time.
    #[must_use]
    pub fn curve(&self) -> Curve<'a> {
        self.measured(&self.series.points, Duration::ZERO)
    }

    /// The older points of the same series, where its source gives them.
    fn week(&self) -> Option<Curve<'a>> {
        (!self.series.week.is_empty()).then(|| self.measured(&self.series.week, WEEK))
    }

    /// Whether both are about the same requests: of the same part, to the same instance.
    #[must_use]
    pub fn is_same_flow(&self, other: &Self) -> bool {
        self.is_beside(other) && self.callee == other.callee
    }

    fn is_beside(&self, other: &Self) -> bool {
        self.member == other.member && self.version == other.version && self.peer == other.peer
    }
}

/// Resolves the world's facts into nodes.
#[must_use]
pub fn build<'a>(world: &'a World, resolver: &Resolver<'a>, live: &Live) -> Nodes<'a> {
    let mut nodes = Nodes::new();
    for ((source, _), section) in &world.sections {
        for (id, fact) in &section.components {
            let node = node(&mut nodes, &resolver.probed(id));
            node.facts.push((source, fact));
            node.observed_at = node.observed_at.max(section.observed_at);
        }
        for (id, members) in &section.members {
            node(&mut nodes, &resolver.probed(id)).members.extend(members.values().map(|m| (source, m)));
        }
        for (key, probe) in &section.probes {
            if let Some(track) = world.probes.get(key) {
                node(&mut nodes, &resolver.probed(&key.0)).probes.push((probe, track));
            }
        }
    }
    add_series(world, resolver, live, &mut nodes);
    for node in nodes.values_mut() {
        let systems: BTreeSet<&str> = node.lines.iter().filter_map(|l| l.spec.id.split('.').next()).collect();
        let systems: Vec<&str> = systems.into_iter().collect();
        let fact = node.facts.first().map(|(_, fact)| fact.as_ref());
        let probed = node.probes.iter().find_map(|(probe, _)| probe.tier);
        let (tier, how) = infer::tier_of(&node.id, fact, &world.rules.tiers, &systems);
        let certain = how == "configuration" || node.id.kind != Kind::Endpoint;
        node.tier = if certain { tier } else { probed.unwrap_or(tier) };
        for line in &mut node.lines {
            judge_line(line, node.tier, world, live);
        }
        drop_old_parts(node, live);
    }
    // What is known only from offenders of which there are none is nothing.
    nodes.retain(|_, n| !(n.lines.is_empty() && n.facts.is_empty() && n.members.is_empty() && n.probes.is_empty()));
    nodes
}

fn node<'n, 'a>(nodes: &'n mut Nodes<'a>, id: &ComponentId) -> &'n mut Node<'a> {
    nodes.entry(id.clone()).or_insert_with(|| Node::new(id.clone()))
}

fn add_series<'a>(world: &'a World, resolver: &Resolver<'a>, live: &Live, nodes: &mut Nodes<'a>) {
    for (alias, of_subject) in world.series.subjects() {
        let gone = |series: &Series| {
            let vanished = world.sections.get(series.owner()).is_none_or(|section| series.vanished(section.round));
            vanished || (series.ended(|at, limit| live.is_over(at, limit)) && live.lost(&series.owner().0).is_none())
        };
        let (id, member) = match resolver.resolve(alias) {
            Resolution::Known(subject) => (subject.component, subject.member),
            // What no inventory lists and no source speaks of any more is gone.
            Resolution::Unlisted(_) if of_subject.values().all(gone) => continue,
            // What is known only to be observed is a part of what observes.
            Resolution::Unlisted(id) if of_subject.keys().all(|key| OBSERVING.contains(&key.signal)) => {
                (monitoring(resolver), Some(id.name))
            }
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
                callee: key.peer.as_ref(),
                series,
                reading: Reading::NoTraffic,
                thresholds: Thresholds::default(),
                judged: Judged { health: Health::Unknown, since: None, flapping: false },
                health: Health::Unknown,
            });
        }
    }
}

/// The component that observes the others.
fn monitoring(resolver: &Resolver) -> ComponentId {
    let named = Alias::Named(Raw::new("prometheus"));
    resolver.resolve(&named).component().cloned().unwrap_or_else(|| ComponentId::new(Kind::Service, "", "prometheus"))
}

/// Takes out what is known of the business: it is about the users, no component of the environment.
#[must_use]
pub fn take_business<'a>(nodes: &mut Nodes<'a>) -> Nodes<'a> {
    let of_business = |_: &ComponentId, node: &mut Node| {
        let business = |line: &Line| line.spec.role == Role::Business || line.spec.id.ends_with(LAST_WEEK);
        let only = node.whole(Role::Business).next().is_some() && node.lines.iter().all(business);
        only && node.facts.is_empty() && node.members.is_empty() && node.probes.is_empty()
    };
    nodes.extract_if(.., of_business).collect()
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
fn drop_old_parts(node: &mut Node, live: &Live) {
    let members: BTreeSet<&Raw> = node.members.iter().map(|(_, m)| &m.name).collect();
    let rollout = node.stated(|f| f.rollout.as_deref());
    let revisions: Option<Vec<&Raw>> =
        rollout.map(|r| std::iter::once(&r.stable).chain(&r.canary).map(|revision| &revision.hash).collect());
    let kind = node.id.kind;
    let here = |line: &Line| {
        let version = line.version.as_ref();
        let current = version.is_none_or(|v| revisions.as_ref().map_or(line.is_fresh(), |known| known.contains(&v)));
        let member = line.member.as_ref();
        // An answer that lists offenders and no longer lists this one says that it is well.
        let offender = line.spec.promql().is_some_and(|promql| promql.only.is_some());
        let cleared = offender && !line.is_fresh() && live.lost(&line.series.provenance.source).is_none();
        current && !cleared && member.is_none_or(|m| members.contains(m) || line.is_fresh() || !is_workload(kind))
    };
    let keep: Vec<bool> = node.lines.iter().map(here).collect();
    let mut keep = keep.into_iter();
    node.lines.retain(|_| keep.next().unwrap_or(true));
}
