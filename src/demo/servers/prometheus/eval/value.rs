//! Values of expressions over all steps of a query.

use std::collections::HashMap;

use super::EvalError;
use crate::demo::store::tsdb::{Labels, Sample};

/// The moments a query is evaluated at: `start`, then every `step` milliseconds up to and including `end`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Frame {
    pub start: i64,
    pub end: i64,
    pub step: i64,
}

impl Frame {
    /// The single moment of an instant query.
    #[must_use]
    pub fn instant(at: i64) -> Self {
        Self { start: at, end: at, step: 1 }
    }

    /// How many moments there are.
    #[must_use]
    pub fn steps(&self) -> usize {
        let beyond_first = (self.end - self.start).checked_div_euclid(self.step).unwrap_or(0);
        usize::try_from(beyond_first + 1).unwrap_or(0)
    }

    pub(super) fn times(self) -> impl Iterator<Item = i64> {
        (0i64..).take(self.steps()).map(move |n| self.start + n * self.step)
    }

    pub(super) fn samples(self, values: Vec<f64>) -> Vec<Sample> {
        self.times().zip(values).map(|(at, value)| Sample { at, value }).collect()
    }
}

/// One series of an instant vector: its value at each step, `None` where it has none.
#[derive(Clone, Debug)]
pub(super) struct Column {
    pub labels: Labels,
    pub values: Vec<Option<f64>>,
}

impl Column {
    pub fn at(&self, step: usize) -> Option<f64> {
        self.values.get(step).copied().flatten()
    }

    pub fn set(&mut self, step: usize, value: f64) {
        if let Some(slot) = self.values.get_mut(step) {
            *slot = Some(value);
        }
    }

    pub fn is_void(&self) -> bool {
        self.values.iter().all(Option::is_none)
    }
}

/// The value of an expression at every step.
pub(super) enum Value {
    Scalar(Vec<f64>),
    Vector(Vec<Column>),
    Text(String),
}

impl Value {
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Scalar(_) => "scalar",
            Self::Vector(_) => "instant vector",
            Self::Text(_) => "string",
        }
    }
}

/// The labels without the metric name, which is what most operations leave.
pub(super) fn without_name(labels: &Labels) -> Labels {
    labels.retain(|name| name != "__name__")
}

/// Makes one column of those that have come to share their labels.
///
/// # Errors
/// Two of them have a value at the same step.
pub(super) fn merge(columns: Vec<Column>) -> Result<Vec<Column>, EvalError> {
    let mut index: HashMap<Labels, usize> = HashMap::with_capacity(columns.len());
    let mut merged: Vec<Column> = Vec::with_capacity(columns.len());
    for column in columns {
        let at = *index.entry(column.labels.clone()).or_insert(merged.len());
        let Some(existing) = merged.get_mut(at) else {
            merged.push(column);
            continue;
        };
        for (slot, value) in existing.values.iter_mut().zip(column.values) {
            if slot.is_some() && value.is_some() {
                return Err(EvalError::execution("vector cannot contain metrics with the same labelset"));
            }
            *slot = slot.or(value);
        }
    }
    Ok(merged)
}
