//! A figure over time: measured, or computed from measured ones by a formula that can be followed by hand.

use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use super::live::Live;
use super::provenance;
use crate::domain::reading::{Absence, Provenance, Query, Reading, Sample};
use crate::domain::time::Stamp;
use crate::domain::unit::Unit;
use crate::model::facts::Point;

/// Parts of a sum that ended this long before the newest one are no longer part of it.
const ENDED: Duration = Duration::from_secs(600);
pub const WEEK: Duration = Duration::from_secs(7 * 24 * 3600);

#[derive(Clone, Debug)]
pub enum Curve<'a> {
    Measured(Measured<'a>),
    Computed(Rc<Computed<'a>>),
}

#[derive(Clone, Debug)]
pub struct Measured<'a> {
    pub points: &'a [Point],
    pub provenance: &'a Arc<Provenance>,
    pub unit: Unit,
    /// The points are this much older than the moments they are asked for: last week's beside today's.
    pub shift: Duration,
    /// The moment that the provenance asks for: the newest point's.
    pub about: Stamp,
    /// Published only when it is not zero: a zero cannot be asked for.
    pub sparse: bool,
}

#[derive(Debug)]
pub struct Computed<'a> {
    operation: Operation,
    unit: Unit,
    inputs: Vec<Curve<'a>>,
    /// See [`Curve::last`].
    last: Option<Stamp>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Operation {
    /// Of all inputs that have a number.
    Sum,
    /// `a * b`.
    Product,
    /// `a / b`; no traffic when b is 0.
    Quotient,
    /// `a - b`, and nothing (`0 * a`) where b is the greater one.
    Excess,
    /// `a / b` with b as it was last counted: a share of what is told later than what is shared.
    Share,
    /// `a / b - 1`.
    Relative,
    /// `0 * a`: a count that is only published when it is not zero.
    Nothing,
}

/// `a + b + ...` for 1 to 12 inputs; longer sums are nested.
const SUMS: [&str; 12] = [
    "a",
    "a + b",
    "a + b + c",
    "a + b + c + d",
    "a + b + c + d + e",
    "a + b + c + d + e + f",
    "a + b + c + d + e + f + g",
    "a + b + c + d + e + f + g + h",
    "a + b + c + d + e + f + g + h + i",
    "a + b + c + d + e + f + g + h + i + j",
    "a + b + c + d + e + f + g + h + i + j + k",
    "a + b + c + d + e + f + g + h + i + j + k + l",
];

impl<'a> Curve<'a> {
    #[must_use]
    pub fn computed(operation: Operation, unit: Unit, inputs: Vec<Self>) -> Self {
        let last = newest(operation, &inputs);
        Self::Computed(Rc::new(Computed { operation, unit, inputs, last }))
    }

    /// The sum of the curves; the only one itself; `None` of none.
    #[must_use]
    pub fn sum(mut curves: Vec<Self>) -> Option<Self> {
        while curves.len() > SUMS.len() {
            curves = curves
                .chunks(SUMS.len())
                .map(|part| Self::computed(Operation::Sum, unit_of(part), part.to_vec()))
                .collect();
        }
        match curves.as_slice() {
            [] => None,
            [only] => Some(only.clone()),
            several => Some(Self::computed(Operation::Sum, unit_of(several), several.to_vec())),
        }
    }

    #[must_use]
    pub fn unit(&self) -> Unit {
        match self {
            Self::Measured(measured) => measured.unit,
            Self::Computed(computed) => computed.unit,
        }
    }

    /// The newest moment at which it has a value.
    #[must_use]
    pub fn last(&self) -> Option<Stamp> {
        match self {
            Self::Measured(m) => m.points.last().map(|p| p.at + m.shift),
            Self::Computed(c) => c.last,
        }
    }

    /// The moments at which its first part was measured.
    #[must_use]
    pub fn stamps(&self) -> Vec<Stamp> {
        match self {
            Self::Measured(m) => m.points.iter().map(|p| p.at + m.shift).collect(),
            Self::Computed(c) => c.inputs.first().map(Self::stamps).unwrap_or_default(),
        }
    }

    /// Its values over time.
    #[must_use]
    pub fn points(&self) -> Vec<Point> {
        let last = self.last();
        let stamps = self.stamps().into_iter().filter(|at| Some(*at) <= last);
        stamps.filter_map(|at| self.value_at(at).map(|value| Point { at, value })).collect()
    }

    /// The newest of its values, at most `count`, newest first.
    pub fn latest(&self, count: usize) -> impl Iterator<Item = f64> {
        let last = self.last();
        let stamps = self.stamps().into_iter().rev().filter(move |at| Some(*at) <= last);
        stamps.filter_map(|at| self.value_at(at)).take(count)
    }

    /// The value at a moment: NaN when nothing was asked, `None` when nothing is known.
    #[must_use]
    pub fn value_at(&self, at: Stamp) -> Option<f64> {
        match self {
            Self::Measured(m) => m.point_at(at).map(|p| p.value),
            Self::Computed(c) => match c.operation {
                Operation::Sum => {
                    let parts = c.inputs.iter().filter_map(|i| i.value_at(at)).filter(|v| !v.is_nan());
                    parts.fold(None, |sum, part| Some(sum.unwrap_or(0.0) + part))
                }
                operation => {
                    let a = c.inputs.first()?.value_at(at)?;
                    match c.inputs.get(1) {
                        Some(b) if operation == Operation::Share => operation.of_two(a, b.held_at(at)),
                        Some(b) => operation.of_two(a, b.value_at(at)),
                        None => Some(0.0 * a),
                    }
                }
            },
        }
    }

    /// The value at a moment, or the newest one while its time to be counted again has not passed for long.
    fn held_at(&self, at: Stamp) -> Option<f64> {
        let newest = || self.last().filter(|last| at.since(*last) <= ENDED).and_then(|last| self.value_at(last));
        self.value_at(at).or_else(newest)
    }

    /// The value at a moment with where it comes from.
    #[must_use]
    pub fn sample_at(&self, at: Stamp) -> Option<Sample> {
        match self {
            Self::Measured(m) => m.sample_at(at),
            Self::Computed(c) => c.sample_at(at),
        }
    }

    /// Whether everything it is made of is fresh and its sources speak.
    #[must_use]
    pub fn is_fresh(&self, live: &Live) -> bool {
        match self {
            Self::Measured(m) => {
                let last = m.points.last().map(|p| p.at + m.shift);
                let aged = last.is_none_or(|at| live.is_over(at, m.provenance.freshness()));
                let ahead = last.is_some_and(|at| live.is_ahead(at));
                live.lost(&m.provenance.source).is_none() && (m.shift > Duration::ZERO || !(aged || ahead))
            }
            Self::Computed(c) => {
                let last = self.last();
                let counts = |input: &&Curve| {
                    c.operation != Operation::Sum
                        || input.last().zip(last).is_some_and(|(own, last)| last.since(own) <= ENDED)
                };
                c.inputs.iter().filter(counts).all(|input| input.is_fresh(live))
            }
        }
    }

    /// What is known of it now.
    #[must_use]
    pub fn reading(&self, live: &Live) -> Reading {
        let Some(sample) = self.last().and_then(|at| self.sample_at(at)) else {
            return Reading::Absent(Absence::NotMeasured);
        };
        let fresh = self.is_fresh(live);
        if sample.value.is_nan() {
            return if fresh {
                Reading::NoTraffic
            } else {
                Reading::Absent(Absence::Failed(crate::domain::text::Shown::fixed("no fresh sample")))
            };
        }
        if fresh {
            return Reading::Fresh(sample);
        }
        let age = live.age(sample.at);
        Reading::Stale { last: sample, age }
    }
}

impl Measured<'_> {
    /// The point at that moment, if its source can be asked for it again; else the newest one, for that can.
    fn sample_at(&self, at: Stamp) -> Option<Sample> {
        let asked = self.point_at(at).and_then(|point| self.sample(point));
        let newest = || {
            let point = self.points.last().filter(|p| p.at == self.about && p.at.since(at) <= ENDED);
            point.and_then(|point| self.sample(*point))
        };
        asked.or_else(newest)
    }

    fn sample(&self, point: Point) -> Option<Sample> {
        let provenance = if point.at == self.about {
            self.provenance.clone()
        } else if self.sparse && point.value == 0.0 {
            return None;
        } else {
            provenance::at(self.provenance, point.at, self.about, point.value)?
        };
        Some(Sample { value: point.value, unit: self.unit, at: point.at, provenance })
    }

    fn point_at(&self, at: Stamp) -> Option<Point> {
        let at = at - self.shift;
        let after = self.points.partition_point(|p| p.at <= at);
        let point = self.points.get(after.checked_sub(1)?)?;
        let reach = (self.provenance.period * 2).max(Duration::from_secs(60));
        (at.since(point.at) <= reach).then_some(*point)
    }
}

impl Computed<'_> {
    fn sample_at(&self, at: Stamp) -> Option<Sample> {
        let samples: Vec<Option<Sample>> = self.inputs.iter().map(|input| input.sample_at(at)).collect();
        if self.operation == Operation::Sum {
            let parts: Vec<Sample> = samples.into_iter().flatten().filter(|s| !s.value.is_nan()).collect();
            let value = parts.iter().map(|s| s.value).reduce(|sum, part| sum + part)?;
            let formula = SUMS.get(parts.len() - 1)?;
            return derived(formula, value, self.unit, parts);
        }
        let mut samples = samples.into_iter();
        let a = samples.next().flatten()?;
        let b = samples.next();
        if self.operation == Operation::Nothing {
            return derived("0 * a", 0.0 * a.value, self.unit, vec![a]);
        }
        let Some(b) = b.flatten() else {
            return (self.operation == Operation::Excess).then_some(a);
        };
        let value = self.operation.of_two(a.value, Some(b.value))?;
        let formula = match self.operation {
            Operation::Product => "a * b",
            Operation::Quotient | Operation::Share => "a / b",
            Operation::Relative => "a / b - 1",
            _ if a.value < b.value => return derived("0 * a", 0.0 * a.value, self.unit, vec![a]),
            _ => "a - b",
        };
        derived(formula, value, self.unit, vec![a, b])
    }
}

impl Operation {
    /// The result for two operands, of which the second may be missing.
    fn of_two(self, a: f64, b: Option<f64>) -> Option<f64> {
        match self {
            Self::Excess => Some(b.map_or(a, |b| if a < b { 0.0 * a } else { a - b })),
            Self::Product => b.map(|b| a * b),
            // The denominator decides: nothing asked is no traffic, whatever the numerator says.
            Self::Quotient | Self::Share => b.map(|b| if b == 0.0 { f64::NAN } else { a / b }),
            Self::Relative => b.map(|b| if b == 0.0 { f64::NAN } else { a / b - 1.0 }),
            Self::Sum => b.map(|b| a + b),
            Self::Nothing => Some(0.0 * a),
        }
    }
}

/// The newest moment at which a figure computed from `inputs` has a value.
fn newest(operation: Operation, inputs: &[Curve]) -> Option<Stamp> {
    let lasts = inputs.iter().filter_map(Curve::last);
    match operation {
        Operation::Sum => {
            let newest = lasts.clone().max()?;
            lasts.filter(|at| newest.since(*at) <= ENDED).min()
        }
        Operation::Share => inputs.first().and_then(Curve::last),
        _ => lasts.min(),
    }
}

fn unit_of(curves: &[Curve]) -> Unit {
    curves.first().map_or(Unit::Count, Curve::unit)
}

fn derived(formula: &'static str, value: f64, unit: Unit, from: Vec<Sample>) -> Option<Sample> {
    let at = from.iter().map(|s| s.at).max()?;
    let first = from.first()?.provenance.clone();
    let longest = |of: fn(&Provenance) -> Duration| from.iter().map(|s| of(&s.provenance)).max().unwrap_or_default();
    let (period, delay) = (longest(|p| p.period), longest(|p| p.delay));
    let provenance = Provenance { query: Query::Derived { formula, from }, period, delay, ..(*first).clone() };
    Some(Sample { value, unit, at, provenance: Arc::new(provenance) })
}
