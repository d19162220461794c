//! One row of the board: a tier's figures, each from its proper place, and its health, which is never an average.

use std::collections::BTreeSet;
use std::time::Duration;

use super::component::{Assessed, Context};
use super::curve::{Curve, Operation};
use super::finding::{self, Felt, Finding};
use super::flow::{Red, quotient, recent};
use super::hysteresis::judge;
use super::node::{Line, Node};
use super::words::amount;
use super::{probes, thresholds};
use crate::domain::health::Health;
use crate::domain::id::{ComponentId, Kind};
use crate::domain::reading::{Absence, Reading, Sample};
use crate::domain::text::{Raw, Shown};
use crate::domain::tier::Tier;
use crate::domain::time::Stamp;
use crate::domain::unit::{Statistic, Unit};
use crate::model::board::{Capacity, Latency, Saturation, SourceKind, Thresholds};
use crate::model::signals::Role;
use crate::shown;

const MINUTE: Duration = Duration::from_secs(60);
const TREND_MINUTES: u32 = 30;
/// Today's traffic as a share of last week's at which a tier that users reach warns and is critical.
const TRAFFIC: Thresholds = Thresholds { warn: Some(0.7), critical: Some(0.5), above: false, origin: "default" };
/// Below this rate a fall in traffic says nothing.
const TRAFFIC_FLOOR: f64 = 1.0;

/// A tier's components and what flows into it.
pub struct TierView<'t, 'a> {
    pub tier: Tier,
    pub nodes: Vec<(&'t Node<'a>, &'t Assessed)>,
    /// Where requests come in.
    pub entries: Vec<&'t ComponentId>,
    pub red: Red<'a>,
}

impl<'t, 'a> TierView<'t, 'a> {
    #[must_use]
    pub fn new(tier: Tier, nodes: Vec<(&'t Node<'a>, &'t Assessed)>, context: &Context<'_, 'a>) -> Self {
        let entries = entries(tier, &nodes, context);
        let reds: Vec<&Red<'a>> = entries.iter().filter_map(|id| context.flow.component(id)).collect();
        let red = joined(&reds);
        Self { tier, nodes, entries, red }
    }

    /// What the tier adds to the failures of the next one that users' requests reach, and leaving it to its stores.
    pub fn add(&mut self, next: Option<&Red<'a>>, context: &Context<'_, 'a>) {
        let Some(errors) = self.red.errors.clone() else { return };
        let tells_apart = |node: &Node| {
            node.whole(Role::OwnErrors).next().is_some() || node.whole(Role::PassedErrors).next().is_some()
        };
        let entries: BTreeSet<&ComponentId> = self.entries.iter().copied().collect();
        let entry_nodes = || self.nodes.iter().filter(|(n, _)| entries.contains(&n.id));
        if entry_nodes().count() > 0 && entry_nodes().all(|(n, _)| tells_apart(n)) {
            let own = self.entries.iter().filter_map(|id| context.flow.component(id)?.added.clone());
            self.red.added = Curve::sum(own.collect());
            return;
        }
        let passed = match next.and_then(|red| red.errors.clone()) {
            Some(passed) => Some(passed),
            None => Curve::sum(self.leaving(context)),
        };
        self.red.added = Some(match passed {
            Some(passed) => Curve::computed(Operation::Excess, Unit::PerSecond, vec![errors, passed]),
            None => errors,
        });
    }

    /// Failures of calls from this tier to others.
    fn leaving(&self, context: &Context<'_, 'a>) -> Vec<Curve<'a>> {
        let inside: BTreeSet<&ComponentId> = self.nodes.iter().map(|(n, _)| &n.id).collect();
        let reached = context.graph.downstream(self.entries.iter().copied());
        let links = context.flow.links.iter();
        let out =
            links.filter(|((from, to), _)| inside.contains(from) && reached.contains(from) && !inside.contains(to));
        out.filter_map(|(_, red)| red.errors.clone()).collect()
    }

    /// Added failures as a share of the tier's requests.
    #[must_use]
    pub fn added_ratio(&self) -> Option<Curve<'a>> {
        self.red.added.clone().zip(self.red.rate.clone()).map(|(added, rate)| quotient(added, rate))
    }

    #[must_use]
    pub fn latency(&self, context: &Context) -> Latency {
        let Some((curve, statistic)) = &self.red.latency else {
            let statistic = Statistic::P95;
            return Latency { reading: not_measured(), statistic, target: None };
        };
        let target = thresholds::target(self.tier, *statistic, context.targets);
        Latency { reading: curve.reading(context.live), statistic: *statistic, target }
    }

    /// Seconds beyond what the next tier takes, in the same statistic.
    #[must_use]
    pub fn latency_added(&self, next: Option<&Red<'a>>, context: &Context) -> Reading {
        let own = self.red.latency.as_ref();
        let pair = own.zip(next.and_then(|red| red.latency.as_ref())).filter(|(own, next)| own.1 == next.1);
        pair.map_or_else(not_measured, |(own, next)| {
            Curve::computed(Operation::Excess, Unit::Seconds, vec![own.0.clone(), next.0.clone()]).reading(context.live)
        })
    }

    #[must_use]
    pub fn against_last_week(&self, context: &Context) -> Reading {
        let now = self.red.rate.clone().zip(self.red.last_week.clone());
        now.map_or_else(not_measured, |(now, week)| {
            Curve::computed(Operation::Relative, Unit::Ratio, vec![now, week]).reading(context.live)
        })
    }

    /// The rate of each of the last 30 minutes, oldest first.
    #[must_use]
    pub fn trend(&self, now: Stamp) -> Vec<Option<f64>> {
        let Some(rate) = &self.red.rate else { return Vec::new() };
        let end = rate.last().unwrap_or(now).min(now);
        let at = |back: u32| rate.value_at(end - MINUTE * back).filter(|v| !v.is_nan());
        (0..TREND_MINUTES).rev().map(at).collect()
    }

    /// The resource nearest to its limit; where none is measured, the tier's own word for how full it is.
    #[must_use]
    pub fn saturation(&self, context: &Context) -> Option<Saturation> {
        let lines = || self.nodes.iter().flat_map(|(n, _)| &n.lines);
        let of = |role: Role| lines().filter(move |l| l.spec.role == role && l.peer.is_none());
        let nearness = |line: &&Line| {
            let value = line.reading.value().unwrap_or(-1.0);
            line.thresholds.critical.or(line.thresholds.warn).map_or(value, |limit| value / limit)
        };
        let shown = |line: &Line| Saturation {
            resource: line.spec.label.as_str(),
            reading: line.reading.clone(),
            detail: None,
        };
        let fullest = of(Role::Saturation).filter(|l| l.spec.unit == Unit::Ratio);
        if let Some(line) = fullest.max_by(|a, b| nearness(a).total_cmp(&nearness(b))) {
            return Some(shown(line));
        }
        if let Some(targets) = self.targets(context) {
            return Some(targets);
        }
        let worst = |lines: Vec<&Line>| -> Option<Saturation> {
            let value = |line: &&Line| line.reading.value().unwrap_or(f64::MAX);
            lines.into_iter().min_by(|a, b| value(a).total_cmp(&value(b))).map(shown)
        };
        worst(of(Role::Hit).collect())
            .or_else(|| worst(of(Role::Info).filter(|l| l.spec.unit == Unit::Ratio && l.is_whole()).collect()))
    }

    /// The healthy share of the load balancers' targets.
    fn targets(&self, context: &Context) -> Option<Saturation> {
        let balancing = |kind: Kind| matches!(kind, Kind::TargetGroup | Kind::LoadBalancer);
        let groups = self.nodes.iter().filter(|(n, _)| balancing(n.id.kind));
        let some = groups.filter_map(|(n, _)| Some((n, n.replicas()?))).filter(|(_, replicas)| replicas.desired > 0);
        let (node, replicas) = some.min_by(|a, b| {
            let share = |r: &crate::model::facts::Replicas| f64::from(r.ready) / f64::from(r.desired);
            share(&a.1).total_cmp(&share(&b.1))
        })?;
        let (_, fact) = node.facts.first()?;
        let (value, at) = (f64::from(replicas.ready) / f64::from(replicas.desired), node.observed_at);
        let sample = Sample { value, unit: Unit::Ratio, at, provenance: fact.provenance.clone() };
        let reading = if context.live.lost(&fact.provenance.source).is_some() {
            Reading::Stale { last: sample, age: context.live.age(at) }
        } else {
            Reading::Fresh(sample)
        };
        let detail = Some(shown!("{}/{}", replicas.ready, replicas.desired));
        Some(Saturation { resource: "targets", reading, detail })
    }

    #[must_use]
    pub fn capacity(&self, context: &Context) -> Option<Capacity> {
        let mut total: Option<(u32, u32)> = None;
        let mut zones: BTreeSet<&Raw> = BTreeSet::new();
        for (node, _) in &self.nodes {
            let up = |(probe, _): &&(&crate::model::facts::ProbeFact, _)| {
                probes::is_fresh(probe, context.live)
                    && matches!(probe.outcome, crate::model::facts::ProbeOutcome::Up { .. })
            };
            let probed = u32::try_from(node.probes.iter().filter(up).count()).unwrap_or(u32::MAX);
            let of = node.replicas().map(|r| (r.ready, r.desired)).or_else(|| {
                (!node.probes.is_empty()).then(|| (probed, u32::try_from(node.probes.len()).unwrap_or(u32::MAX)))
            });
            if let Some((ready, desired)) = of {
                let (r, d) = total.unwrap_or_default();
                total = Some((r.saturating_add(ready), d.saturating_add(desired)));
            }
            zones.extend(node.members.iter().filter_map(|(_, m)| m.zone.as_ref()));
        }
        let zones = u32::try_from(zones.len()).unwrap_or(u32::MAX);
        total.map(|(ready, desired)| Capacity { ready, desired, zones })
    }

    /// Health and findings: the worst component decides; while users' requests through it are measured and well, lost
    /// instances warn at most. `dropped` is the traffic that no longer comes, on the tier that carries it.
    #[must_use]
    pub fn health(&self, traffic: Option<&Finding>, context: &Context) -> (Health, Vec<Finding>) {
        let mut findings: Vec<Finding> = Vec::new();
        let alone = self.nodes.len() == 1;
        for (node, assessed) in &self.nodes {
            let name = display_name(&node.id);
            findings.extend(assessed.findings.iter().map(|f| if alone { f.clone() } else { f.named(&name) }));
        }
        findings.extend(traffic.cloned());
        findings.extend(self.unmeasured(context));
        findings.extend(self.unheard(context));
        if self.tier.is_user_facing() && self.requests_are_well(&findings, context) {
            for finding in findings.iter_mut().filter(|f| f.health == Health::Critical && f.felt.is_none()) {
                finding.health = Health::Warn;
            }
        }
        finding::sort(&mut findings);
        let rest = self.nodes.iter().map(|(_, a)| a.health).filter(|h| *h != Health::NoTraffic);
        let quiet = rest.clone().next().is_none();
        let rest = if quiet { Health::NoTraffic } else { Health::Ok };
        let bare = self.nodes.iter().filter(|(_, a)| a.findings.is_empty()).map(|(_, a)| a.health);
        let rest = bare.filter(|h| *h == Health::Unknown).fold(rest, Health::worst);
        let judged = self.requests_are_measured(context) || self.nodes.iter().all(|(_, a)| a.health != Health::Unknown);
        (finding::roll_up(&findings, rest, judged), findings)
    }

    /// A tier whose requests nothing measures while a source of measurements is lost: it may have been the one that
    /// measured them, so silence is not good news.
    fn unmeasured(&self, context: &Context) -> Option<Finding> {
        let asked = self.tier.is_user_facing() || matches!(self.tier, Tier::Cache | Tier::Database | Tier::Storage);
        let Red { rate, errors, latency, .. } = &self.red;
        let latency = latency.as_ref().map(|(curve, _)| curve);
        let measured = rate.iter().chain(errors).chain(latency).any(|curve| curve.last().is_some());
        if !asked || measured {
            return None;
        }
        let lost = context.live.lost_measurements()?;
        let text = shown!("nothing measures its requests: {}", lost.why);
        Some(Finding::new(Health::Unknown, "unmeasured", text, lost.since))
    }

    /// What observes the others is not well when it does not answer us, whatever its own instances say.
    fn unheard(&self, context: &Context) -> Option<Finding> {
        let observes = |kind| matches!(kind, SourceKind::Prometheus | SourceKind::Alertmanager);
        let asked = context.live.statuses.iter().filter(|s| self.tier == Tier::Observability && observes(s.kind));
        let (status, lost) = asked.filter_map(|status| Some((status, context.live.lost(&status.id)?))).next()?;
        let text = shown!("{} does not answer: {}", status.id.shown(), lost.why);
        Some(Finding::new(Health::Unknown, "source", text, lost.since))
    }

    fn requests_are_measured(&self, context: &Context) -> bool {
        self.red.error_ratio.as_ref().is_some_and(|ratio| ratio.reading(context.live).value().is_some())
    }

    fn requests_are_well(&self, findings: &[Finding], context: &Context) -> bool {
        self.requests_are_measured(context) && !findings.iter().any(|f| f.felt.is_some() && f.health.is_sick())
    }

    /// Far fewer requests than in the same hour last week, which is an incident without errors.
    #[must_use]
    pub fn traffic(&self, context: &Context) -> Option<Finding> {
        let (now, week) = self.red.rate.clone().zip(self.red.last_week.clone())?;
        let share = Curve::computed(Operation::Quotient, Unit::Ratio, vec![now, week.clone()]);
        let fresh = share.reading(context.live).value()?;
        let judged = judge(&share.points(), &TRAFFIC, false);
        let usual = recent(&week).unwrap_or(0.0);
        if !matches!(judged.health, Health::Warn | Health::Critical) || usual < TRAFFIC_FLOOR {
            return None;
        }
        let text = shown!("traffic {} below the same hour last week", amount(1.0 - fresh, Unit::Ratio));
        Some(Finding::new(judged.health, "traffic", text, judged.since).felt(Felt::Traffic))
    }
}

/// `orders`; a load balancer by the middle part of its `app/name/id`.
#[must_use]
pub fn display_name(id: &ComponentId) -> Shown {
    let name = id.name.as_str();
    match id.kind {
        Kind::LoadBalancer | Kind::TargetGroup => name.split('/').nth(1).map_or_else(|| id.name.shown(), Shown::of),
        _ => id.name.shown(),
    }
}

/// Where requests enter a tier: the distributions, web ACLs and load balancers themselves; of the application, what is
/// called from outside of it; of the stores, everything.
fn entries<'t>(tier: Tier, nodes: &[(&'t Node, &Assessed)], context: &Context) -> Vec<&'t ComponentId> {
    let of = |measured: fn(&Red) -> bool| -> Vec<&'t ComponentId> {
        let ids = nodes.iter().map(|(n, _)| &n.id);
        ids.filter(|id| context.flow.component(id).is_some_and(measured)).collect()
    };
    // What only a probe from here times is no part of users' requests, where those are counted.
    let rated = of(|red| red.rate.is_some());
    let all = if rated.is_empty() { of(|red| red.latency.is_some()) } else { rated };
    if tier != Tier::Application {
        return all;
    }
    let inside: BTreeSet<&ComponentId> = nodes.iter().map(|(n, _)| &n.id).collect();
    let called_from = |id: &ComponentId, from_inside: bool| {
        context.graph.callers(id).any(|caller| inside.contains(caller) == from_inside)
    };
    let from_outside: Vec<_> = all.iter().copied().filter(|id| called_from(id, false)).collect();
    if !from_outside.is_empty() {
        return from_outside;
    }
    let linked = |id: &&ComponentId| context.graph.callees(id).any(|to| inside.contains(to));
    let first: Vec<_> = all.iter().copied().filter(|id| !called_from(id, true) && linked(id)).collect();
    if !first.is_empty() {
        return first;
    }
    // Nothing is known of who calls whom: the sum would count a request at every hop, so the largest stands for all.
    let rate = |id: &ComponentId| context.flow.component(id).and_then(|r| recent(r.rate.as_ref()?)).unwrap_or(0.0);
    all.into_iter().max_by(|a, b| rate(a).total_cmp(&rate(b))).into_iter().collect()
}

/// The requests of several components as one: sums of rates and failures, the worst time.
fn joined<'a>(reds: &[&Red<'a>]) -> Red<'a> {
    if let [only] = reds {
        return Red { added: None, ..(*only).clone() };
    }
    let rate = Curve::sum(reds.iter().filter_map(|r| r.rate.clone()).collect());
    let weeks: Vec<Curve> = reds.iter().filter_map(|r| r.last_week.clone()).collect();
    let rated = reds.iter().filter(|r| r.rate.is_some()).count();
    let last_week = if weeks.len() == rated { Curve::sum(weeks) } else { None };
    let failing: Vec<&&Red> = reds.iter().filter(|r| r.errors.is_some()).collect();
    let errors = Curve::sum(failing.iter().filter_map(|r| r.errors.clone()).collect());
    let of = Curve::sum(failing.iter().filter_map(|r| r.rate.clone()).collect());
    let error_ratio = errors.clone().zip(of).map(|(errors, rate)| quotient(errors, rate));
    let value = |l: &&(Curve, Statistic)| recent(&l.0).unwrap_or(f64::MIN);
    let latencies: Vec<&(Curve, Statistic)> = reds.iter().filter_map(|r| r.latency.as_ref()).collect();
    let latency = latencies.into_iter().max_by(|a, b| value(a).total_cmp(&value(b))).cloned();
    Red { rate, last_week, error_ratio, errors, added: None, latency }
}

#[must_use]
pub const fn not_measured() -> Reading {
    Reading::Absent(Absence::NotMeasured)
}

/// The curve's reading, or that nothing measures it.
#[must_use]
pub fn reading(curve: Option<&Curve>, context: &Context) -> Reading {
    curve.map_or_else(not_measured, |curve| curve.reading(context.live))
}
