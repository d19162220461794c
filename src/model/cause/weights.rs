//! How much of the trouble each component makes itself: failures per second, or seconds of waiting per second, beyond
//! what is usual there. Both are conserved along the path, so that shares of them can be told.

use std::collections::BTreeMap;

use super::Question;
use crate::domain::id::ComponentId;
use crate::domain::time::Stamp;
use crate::model::assess::curve::Curve;
use crate::model::assess::flow::{Red, recent, usual};

/// What is added where.
#[derive(Clone, Debug, Default)]
pub struct Weights {
    of: BTreeMap<ComponentId, f64>,
    pub total: f64,
}

impl Weights {
    fn new(of: BTreeMap<ComponentId, f64>) -> Self {
        let of: BTreeMap<_, _> = of.into_iter().filter(|(_, weight)| *weight > 0.0).collect();
        let total = of.values().sum();
        Self { of, total }
    }

    #[must_use]
    pub fn of(&self, id: &ComponentId) -> f64 {
        self.of.get(id).copied().unwrap_or(0.0)
    }

    /// Share of the whole.
    #[must_use]
    pub fn share(&self, weight: f64) -> f64 {
        if self.total > 0.0 { (weight / self.total).clamp(0.0, 1.0) } else { 0.0 }
    }

    /// The components that add most, largest first.
    #[must_use]
    pub fn largest(&self) -> Vec<(&ComponentId, f64)> {
        let mut all: Vec<_> = self.of.iter().map(|(id, weight)| (id, *weight)).collect();
        all.sort_by(|a, b| b.1.total_cmp(&a.1));
        all
    }
}

/// Failures per second that each component on the path adds beyond what it added before `breach`.
#[must_use]
pub fn failures(question: &Question, breach: Stamp) -> Weights {
    let flow = question.context.flow;
    let excess = |curve: &Curve| beyond_usual(curve, breach).map(|(now, before)| now - before.unwrap_or(0.0));
    let mut of = BTreeMap::new();
    for id in &question.path {
        let own = flow.component(id).and_then(|red| red.added.as_ref()).and_then(excess);
        // What is not measured there itself, its callers see fail.
        let seen = || flow.arriving(id, question.context.graph).as_ref().and_then(excess);
        if let Some(weight) = own.or_else(seen) {
            of.insert((*id).clone(), weight);
        }
    }
    Weights::new(of)
}

/// Seconds of waiting per second that each component on the path adds itself beyond what is usual.
#[must_use]
pub fn delays(question: &Question, breach: Stamp) -> Weights {
    let mut of = BTreeMap::new();
    for id in &question.path {
        if let Some((rate, later)) = later(question, id, breach) {
            of.insert((*id).clone(), rate * (later - waits(question, id, rate, breach)));
        }
    }
    Weights::new(of)
}

/// Requests per second to `id`, and how much later than usual they are answered: as its callers measure it, else as it
/// measures itself.
fn later(question: &Question, id: &ComponentId, breach: Stamp) -> Option<(f64, f64)> {
    let flow = question.context.flow;
    let links = question.context.graph.callers(id).filter_map(|from| flow.links.get(&(from.clone(), id.clone())));
    let measured: Vec<(f64, f64)> = links.filter_map(|red| delay(red, breach)).collect();
    let rate: f64 = measured.iter().map(|(rate, _)| rate).sum();
    let later = measured.iter().map(|(_, later)| *later).max_by(f64::total_cmp);
    later.map(|later| (rate, later)).or_else(|| delay(flow.component(id)?, breach))
}

/// How much longer than usual a request to `id` waits for its callees: a call of each that is made by some requests
/// only moves the slowest of them by its whole time (percentiles are not shared out), several calls add up.
fn waits(question: &Question, id: &ComponentId, rate: f64, breach: Stamp) -> f64 {
    let (flow, graph) = (question.context.flow, question.context.graph);
    let of = |to: &ComponentId| {
        let alone = graph.callers(to).take(2).count() == 1;
        let own = || flow.component(to).filter(|_| alone).and_then(|red| delay(red, breach));
        flow.links.get(&(id.clone(), to.clone())).and_then(|red| delay(red, breach)).or_else(own)
    };
    let wait = |(calls, later): (f64, f64)| later.max(0.0) * (calls / rate.max(f64::MIN_POSITIVE)).max(1.0);
    graph.callees_where(id, |to| of(to).is_some()).into_iter().filter_map(of).map(wait).sum()
}

/// Requests per second, and seconds beyond the usual.
fn delay(red: &Red, breach: Stamp) -> Option<(f64, f64)> {
    let rate = recent(red.rate.as_ref()?)?;
    let (now, before) = beyond_usual(&red.latency.as_ref()?.0, breach)?;
    Some((rate, now - before?))
}

/// The value now and the usual one before `breach`.
fn beyond_usual(curve: &Curve, breach: Stamp) -> Option<(f64, Option<f64>)> {
    Some((recent(curve)?, usual(&curve.points(), breach)))
}

/// How slow `id` has become: time now and usually, and since when, by its callers' measurements or its own. Only what
/// rose by half and is not just its own callees' time.
#[must_use]
pub fn slow(question: &Question, id: &ComponentId, breach: Stamp) -> Option<(f64, f64, Option<Stamp>)> {
    let flow = question.context.flow;
    let graph = question.context.graph;
    let links = graph.callers(id).filter_map(|from| flow.links.get(&(from.clone(), id.clone())));
    let curves = links.chain(flow.component(id)).filter_map(|red| red.latency.as_ref().map(|(curve, _)| curve));
    let risen = |curve: &Curve| {
        let points = curve.points();
        let (now, before) = (recent(curve)?, usual(&points, breach)?);
        let level = before + (now - before) / 4.0;
        let began = points.iter().rev().take_while(|p| p.value.is_nan() || p.value > level).last().map(|p| p.at);
        (now > 1.5 * before && now - before > 0.005).then_some((now, before, began))
    };
    let most = curves.filter_map(risen).max_by(|a, b| (a.0 - a.1).total_cmp(&(b.0 - b.1)))?;
    let behind = later(question, id, breach).map_or(0.0, |(rate, _)| waits(question, id, rate, breach));
    (behind < 0.5 * (most.0 - most.1)).then_some(most)
}
