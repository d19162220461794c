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

/// Seconds of waiting per second that each component on the path adds beyond what it added before `breach`.
#[must_use]
pub fn delays(question: &Question, breach: Stamp) -> Weights {
    let mut of = BTreeMap::new();
    for id in &question.path {
        let inflow = arriving_delay(question, id, breach)
            .or_else(|| question.context.flow.component(id).and_then(|red| delay(red, breach)));
        let Some(inflow) = inflow else { continue };
        of.insert((*id).clone(), inflow - leaving_delay(question, id, breach));
    }
    Weights::new(of)
}

/// Seconds per second that callers wait longer for `id` than usual.
fn arriving_delay(question: &Question, id: &ComponentId, breach: Stamp) -> Option<f64> {
    let delays: Vec<f64> =
        question.context.graph.callers(id).filter_map(|from| link_delay(question, from, id, breach)).collect();
    (!delays.is_empty()).then(|| delays.iter().sum())
}

/// Seconds per second that `id` waits longer for its callees than usual: as measured on the way, else as the callee
/// itself takes, where nobody else calls it.
fn leaving_delay(question: &Question, id: &ComponentId, breach: Stamp) -> f64 {
    let graph = question.context.graph;
    let of = |to: &ComponentId| {
        let alone = graph.callers(to).take(2).count() == 1;
        let own = || question.context.flow.component(to).filter(|_| alone).and_then(|red| delay(red, breach));
        link_delay(question, id, to, breach).or_else(own)
    };
    graph.callees_where(id, |to| of(to).is_some()).into_iter().filter_map(of).sum()
}

fn link_delay(question: &Question, from: &ComponentId, to: &ComponentId, breach: Stamp) -> Option<f64> {
    delay(question.context.flow.links.get(&(from.clone(), to.clone()))?, breach)
}

fn delay(red: &Red, breach: Stamp) -> Option<f64> {
    let rate = recent(red.rate.as_ref()?)?;
    let (now, before) = beyond_usual(&red.latency.as_ref()?.0, breach)?;
    Some(rate * (now - before?))
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
    let inflow = arriving_delay(question, id, breach).or_else(|| delay(flow.component(id)?, breach));
    let outflow = leaving_delay(question, id, breach);
    inflow.is_none_or(|inflow| outflow < 0.5 * inflow).then_some(most)
}
