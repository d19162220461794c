//! The components with everything that is known of each, resolved: what the rules look at.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;
use std::time::Duration;

use super::curve::{Curve, Measured, Operation, WEEK};
use super::hysteresis::{Judged, judge};
use super::live::Live;
use super::thresholds;
use crate::domain::health::Health;
use crate::domain::id::{Alias, ComponentId, Kind, SourceId};
use crate::domain::reading::{Absence, Reading};
use crate::domain::text::{Raw, Shown};
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
    /// Where the first line of each place is; of lines that others are computed from alone.
    beside: HashMap<Place, usize>,
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

/// How many components may be known from measurements alone. What an inventory, a probe or the configuration knows is
/// always taken.
pub const UNLISTED: usize = 1_000;

/// Signals that tell whether something is observed, not how it serves: the targets of a job, the watchdog alert.
const OBSERVING: [&str; 2] = ["mon.targets", "mon.watchdog"];

pub type Nodes<'a> = BTreeMap<ComponentId, Node<'a>>;

/// A signal, of last week perhaps, and the part of a component, or the call, that it is about.
type Place = (bool, &'static str, Option<Raw>, Option<Raw>, Option<ComponentId>);

impl<'a> Node<'a> {
    fn new(id: ComponentId) -> Self {
        let (facts, members) = (Vec::new(), Vec::new());
        Self {
            id,
            tier: Tier::Application,
            facts,
            members,
            lines: Vec::new(),
            beside: HashMap::new(),
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
        let twin = self.beside(line, true, &line.spec.id);
        twin.map(Line::curve).or_else(|| self.composed(line, &Line::week))
    }

    /// The line of another signal about the same part.
    fn beside(&self, line: &Line, last_week: bool, signal: &'static str) -> Option<&Line<'a>> {
        self.beside.get(&line.place(last_week, signal)).and_then(|at| self.lines.get(*at))
    }

    /// Notes where the lines are that others are computed from or compared with.
    fn index(&mut self) {
        let inputs = self.lines.iter().filter_map(|line| match &line.spec.feed {
            Feed::Derived(feed) => Some(&feed.from),
            _ => None,
        });
        let inputs: BTreeSet<&str> = inputs.flatten().map(String::as_str).collect();
        for (at, line) in self.lines.iter().enumerate() {
            let id = line.spec.id.as_str();
            if let Some(of) = id.strip_suffix(LAST_WEEK) {
                self.beside.entry(line.place(true, of)).or_insert(at);
            }
            if inputs.contains(id) {
                self.beside.entry(line.place(false, id)).or_insert(at);
            }
        }
    }

    fn composed(&self, line: &Line<'a>, of: &dyn Fn(&Line<'a>) -> Option<Curve<'a>>) -> Option<Curve<'a>> {
        let Feed::Derived(feed) = &line.spec.feed else { return of(line) };
        let input = |id: &'static String| self.beside(line, false, id).and_then(of);
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

    /// The place of another signal about the same part.
    fn place(&self, last_week: bool, signal: &'static str) -> Place {
        (last_week, signal, self.member.clone(), self.version.clone(), self.peer.clone())
    }
}

/// Resolves the world's facts into nodes. Also how many things each source speaks of that are left out, because nothing
/// else knows them and [`UNLISTED`] others came first.
#[must_use]
pub fn build<'a>(world: &'a World, resolver: &Resolver<'a>, live: &Live) -> (Nodes<'a>, BTreeMap<SourceId, usize>) {
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
    let left_out = add_series(world, resolver, live, &mut nodes);
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
        doubt_ratios(node);
        drop_old_parts(node, live);
        node.index();
    }
    // What is known only from offenders of which there are none is nothing.
    nodes.retain(|_, n| !(n.lines.is_empty() && n.facts.is_empty() && n.members.is_empty() && n.probes.is_empty()));
    (nodes, left_out)
}

fn node<'n, 'a>(nodes: &'n mut Nodes<'a>, id: &ComponentId) -> &'n mut Node<'a> {
    nodes.entry(id.clone()).or_insert_with(|| Node::new(id.clone()))
}

fn add_series<'a>(
    world: &'a World,
    resolver: &Resolver<'a>,
    live: &Live,
    nodes: &mut Nodes<'a>,
) -> BTreeMap<SourceId, usize> {
    let (mut unlisted, mut left_out) = (0, BTreeMap::new());
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
                if !nodes.contains_key(&id) && unlisted >= UNLISTED {
                    let source = of_subject.values().next().map(|series| series.owner().0.clone());
                    *left_out.entry(source.unwrap_or_else(|| SourceId::new(""))).or_default() += 1;
                    continue;
                }
                unlisted += usize::from(!nodes.contains_key(&id));
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
    left_out
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

/// A share of requests, or a time of them, that is no number means "nobody asked" only while the rate is a number: where
/// that is not known either, nothing is.
fn doubt_ratios(node: &mut Node) {
    let rated: BTreeMap<_, bool> =
        node.lines.iter().filter(|l| l.spec.role == Role::Rate).fold(BTreeMap::new(), |mut rated, line| {
            let part = (line.member.clone(), line.version.clone(), line.peer.clone());
            *rated.entry(part).or_default() |= matches!(line.reading, Reading::Fresh(_));
            rated
        });
    for line in node.lines.iter_mut().filter(|l| matches!(l.spec.role, Role::ErrorRatio | Role::Latency)) {
        let part = (line.member.clone(), line.version.clone(), line.peer.clone());
        if line.reading == Reading::NoTraffic && rated.get(&part) == Some(&false) {
            line.reading = Reading::Absent(Absence::Failed(Shown::fixed("neither it nor its rate is a number")));
            line.health = Health::Unknown;
        }
    }
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
