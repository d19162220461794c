//! Requests, failures and time of every component and dependency; what is seen and what is added.

use std::collections::BTreeMap;

use super::curve::{Curve, Operation};
use super::node::{Line, Node, Nodes};
use crate::domain::id::{Alias, ComponentId};
use crate::domain::text::Raw;
use crate::domain::unit::{Statistic, Unit};
use crate::model::facts::Point;
use crate::model::signals::Role;
use crate::model::topology::Graph;

/// What is measured of the requests to a component or along a dependency.
#[derive(Clone, Debug, Default)]
pub struct Red<'a> {
    /// Per second.
    pub rate: Option<Curve<'a>>,
    pub last_week: Option<Curve<'a>>,
    pub error_ratio: Option<Curve<'a>>,
    /// Failing per second.
    pub errors: Option<Curve<'a>>,
    /// Failing per second of its own accord: what its callees did not already make fail.
    pub added: Option<Curve<'a>>,
    pub latency: Option<(Curve<'a>, Statistic)>,
}

/// The flow through the whole environment.
#[derive(Debug, Default)]
pub struct Flow<'a> {
    pub components: BTreeMap<ComponentId, Red<'a>>,
    pub links: BTreeMap<(ComponentId, ComponentId), Red<'a>>,
}

impl<'a> Flow<'a> {
    #[must_use]
    pub fn of(nodes: &Nodes<'a>, graph: &Graph) -> Self {
        let mut flow = Self::default();
        let calls: BTreeMap<&ComponentId, Calls> = nodes.iter().map(|(id, node)| (id, calls(node))).collect();
        for ends in graph.edges.keys() {
            let Some(caller) = nodes.get(&ends.0) else { continue };
            let lines = calls.get(&ends.0).and_then(|calls| calls.get(&ends.1)).map_or(&[][..], Vec::as_slice);
            flow.links.insert(ends.clone(), requests(caller, lines));
        }
        for node in nodes.values() {
            flow.components.insert(node.id.clone(), of_component(node));
        }
        let added: Vec<_> =
            flow.components.keys().map(|id| (id.clone(), flow.added_by(id, nodes.get(id), graph))).collect();
        for (id, added) in added {
            if let Some(red) = flow.components.get_mut(&id) {
                red.added = added;
            }
        }
        flow
    }

    #[must_use]
    pub fn component(&self, id: &ComponentId) -> Option<&Red<'a>> {
        self.components.get(id)
    }

    /// Failures per second that callers saw on their way to `id`, where callers measure that.
    #[must_use]
    pub fn arriving(&self, id: &ComponentId, graph: &Graph) -> Option<Curve<'a>> {
        let links = graph.callers(id).filter_map(|from| self.links.get(&(from.clone(), id.clone())));
        Curve::sum(links.filter_map(|red| red.errors.clone()).collect())
    }

    /// Own failures where the component tells them apart; else what it fails less what its callees failed it.
    fn added_by(&self, id: &ComponentId, node: Option<&Node<'a>>, graph: &Graph) -> Option<Curve<'a>> {
        let red = self.components.get(id)?;
        let of = |role: Role| node.into_iter().flat_map(move |n| n.whole(role)).map(Line::curve).collect::<Vec<_>>();
        let own = of(Role::OwnErrors);
        if !own.is_empty() || !of(Role::PassedErrors).is_empty() {
            return Curve::sum(own).or_else(|| red.rate.clone().map(nothing));
        }
        let errors = red.errors.clone()?;
        let mut passed = Vec::new();
        let link = |callee: &ComponentId| self.links.get(&(id.clone(), callee.clone()));
        let fails = |callee: &ComponentId| {
            let of_link = link(callee).and_then(|red| red.errors.as_ref());
            of_link.or_else(|| self.components.get(callee)?.errors.as_ref()).is_some()
        };
        for callee in graph.callees_where(id, fails) {
            let measured = link(callee).and_then(|red| red.errors.clone());
            let alone = graph.callers(callee).take(2).count() == 1;
            let all = || self.components.get(callee).and_then(|red| red.errors.clone()).filter(|_| alone);
            passed.extend(measured.or_else(all));
        }
        Some(match Curve::sum(passed) {
            Some(passed) => Curve::computed(Operation::Excess, Unit::PerSecond, vec![errors, passed]),
            None => errors,
        })
    }
}

/// The lines of a caller by its callees.
type Calls<'n, 'a> = BTreeMap<&'n ComponentId, Vec<&'n Line<'a>>>;

fn calls<'n, 'a>(node: &'n Node<'a>) -> Calls<'n, 'a> {
    let mut calls = Calls::new();
    for line in &node.lines {
        if let Some(peer) = &line.peer {
            calls.entry(peer).or_default().push(line);
        }
    }
    calls
}

/// The last values of a curve, averaged: one sample is too nervous to compare flows by.
#[must_use]
pub fn recent(curve: &Curve) -> Option<f64> {
    let values: Vec<f64> = curve.latest(4).filter(|v| !v.is_nan()).collect();
    (!values.is_empty()).then(|| values.iter().sum::<f64>() / values.len() as f64)
}

/// The usual value of a curve before `onset`: its median there.
#[must_use]
pub fn usual(points: &[Point], onset: crate::domain::time::Stamp) -> Option<f64> {
    let mut before: Vec<f64> = points.iter().filter(|p| p.at < onset && !p.value.is_nan()).map(|p| p.value).collect();
    before.sort_by(f64::total_cmp);
    before.get(before.len() / 2).copied()
}

fn of_component<'a>(node: &Node<'a>) -> Red<'a> {
    let whole: Vec<&Line> = node.lines.iter().filter(|l| l.is_whole()).collect();
    let mut red = requests(node, &whole);
    if red.errors.is_none() {
        counted(node, &mut red);
    }
    if red.rate.is_none() {
        by_member(node, &mut red);
    }
    red
}

/// Rate, failures and time as a set of lines about the same requests says.
fn requests<'a>(node: &Node<'a>, lines: &[&Line<'a>]) -> Red<'a> {
    let curve = |line: &Line<'a>| node.curve(line);
    let role = |role: Role| best(lines.iter().copied().filter(move |l| l.spec.role == role));
    // The parts of a callee (its instances) are called one by one.
    let rates: Vec<&Line> = lines.iter().copied().filter(|l| l.spec.role == Role::Rate).collect();
    let Some(rate) = best(rates.iter().copied()) else {
        let error_ratio = role(Role::ErrorRatio).map(curve);
        let latency = role(Role::Latency).map(|l| (l.curve(), l.spec.statistic));
        return Red { error_ratio, latency, ..Red::default() };
    };
    let same: Vec<&Line> = rates.iter().copied().filter(|l| l.spec.id == rate.spec.id).collect();
    let split = same.len() > 1 && rate.peer.is_some();
    let latency = role(Role::Latency).map(|l| (l.curve(), l.spec.statistic));
    if split {
        let mut ratios: BTreeMap<Flows, Vec<&Line>> = BTreeMap::new();
        for line in lines.iter().filter(|l| l.spec.role == Role::ErrorRatio) {
            ratios.entry(flows(line)).or_default().push(line);
        }
        let ratio_of = |rate: &Line<'a>| best(ratios.get(&flows(rate)).into_iter().flatten().copied());
        let sum = Curve::sum(same.iter().map(|l| l.curve()).collect());
        let errors = same.iter().map(|rate| match ratio_of(rate) {
            Some(ratio) => product(rate.curve(), ratio.curve()),
            None => nothing(rate.curve()),
        });
        let errors = Curve::sum(errors.collect());
        let error_ratio = errors.clone().zip(sum.clone()).map(|(errors, sum)| quotient(errors, sum));
        return Red { rate: sum, error_ratio, errors, latency, ..Red::default() };
    }
    let ratio = role(Role::ErrorRatio);
    let last_week = node.last_week(rate);
    let rate_curve = curve(rate);
    // A call's failures are only published once there are any: absent is none, as long as the calls are there.
    let errors = match ratio {
        Some(ratio) => Some(product(rate_curve.clone(), curve(ratio))),
        None => rate.peer.is_some().then(|| nothing(rate_curve.clone())),
    };
    Red { rate: Some(rate_curve), last_week, error_ratio: ratio.map(curve), errors, added: None, latency }
}

/// Which requests a line is about: of which part, to which instance.
type Flows<'l> = (Option<&'l Raw>, Option<&'l Raw>, Option<&'l ComponentId>, Option<&'l Alias>);

fn flows<'l>(line: &'l Line) -> Flows<'l> {
    (line.member.as_ref(), line.version.as_ref(), line.peer.as_ref(), line.callee)
}

/// Failures that are counted instead of told as a share; what is not published is 0 where the rate is.
fn counted<'a>(node: &Node<'a>, red: &mut Red<'a>) {
    let Some(rate) = red.rate.clone() else { return };
    let counts: Vec<Curve> =
        node.whole(Role::OwnErrors).chain(node.whole(Role::PassedErrors)).map(Line::curve).collect();
    if counts.is_empty() {
        return;
    }
    red.errors = Curve::sum(counts);
    red.error_ratio = red.errors.clone().map(|errors| quotient(errors, rate));
}

/// A component of which only the instances are measured: the sum of their requests, the worst of their times.
fn by_member<'a>(node: &Node<'a>, red: &mut Red<'a>) {
    let of =
        |role: Role| node.lines.iter().filter(move |l| l.member.is_some() && l.spec.role == role && l.peer.is_none());
    let Some(kind) = best(of(Role::Rate)).map(|l| &l.spec.id) else {
        red.latency = red.latency.take().or_else(|| worst_member(node));
        return;
    };
    let rates: Vec<&Line> = of(Role::Rate).filter(|l| l.spec.id == *kind).collect();
    red.rate = Curve::sum(rates.iter().map(|l| l.curve()).collect());
    let weeks: Vec<Curve> = rates.iter().filter_map(|l| node.last_week(l)).collect();
    red.last_week = if weeks.len() == rates.len() { Curve::sum(weeks) } else { None };
    let mut ratios: BTreeMap<Option<&Raw>, &Line> = BTreeMap::new();
    for ratio in of(Role::ErrorRatio) {
        ratios.entry(ratio.member.as_ref()).or_insert(ratio);
    }
    let failing = rates.iter().filter_map(|rate| {
        let ratio = ratios.get(&rate.member.as_ref())?;
        Some(product(rate.curve(), ratio.curve()))
    });
    if red.error_ratio.is_none() {
        red.errors = Curve::sum(failing.collect());
        red.error_ratio = red.errors.clone().zip(red.rate.clone()).map(|(errors, rate)| quotient(errors, rate));
    }
    red.latency = red.latency.take().or_else(|| worst_member(node));
}

fn worst_member<'a>(node: &Node<'a>) -> Option<(Curve<'a>, Statistic)> {
    let lines: Vec<&Line> =
        node.lines.iter().filter(|l| l.member.is_some() && l.spec.role == Role::Latency && l.peer.is_none()).collect();
    let id = best(lines.iter().copied()).map(|l| &l.spec.id)?;
    let value = |line: &&&Line| line.reading.value().unwrap_or(f64::MIN);
    let worst = lines.iter().filter(|l| l.spec.id == *id).max_by(|a, b| value(a).total_cmp(&value(b)))?;
    Some((worst.curve(), worst.spec.statistic))
}

/// The line to rely on: fresh before old, p95 before averages before others, the quicker source before the slower.
fn best<'l, 'a>(lines: impl Iterator<Item = &'l Line<'a>>) -> Option<&'l Line<'a>> {
    lines.min_by_key(|line| {
        let statistic = match line.spec.statistic {
            Statistic::P95 => 0,
            Statistic::Avg | Statistic::Last | Statistic::Sum => 1,
            _ => 2,
        };
        (!line.is_fresh(), statistic, line.series.provenance.freshness(), &line.spec.id)
    })
}

#[must_use]
pub fn product<'a>(rate: Curve<'a>, ratio: Curve<'a>) -> Curve<'a> {
    Curve::computed(Operation::Product, Unit::PerSecond, vec![rate, ratio])
}

#[must_use]
pub fn quotient<'a>(errors: Curve<'a>, rate: Curve<'a>) -> Curve<'a> {
    Curve::computed(Operation::Quotient, Unit::Ratio, vec![errors, rate])
}

#[must_use]
pub fn nothing(rate: Curve) -> Curve {
    Curve::computed(Operation::Nothing, Unit::PerSecond, vec![rate])
}
