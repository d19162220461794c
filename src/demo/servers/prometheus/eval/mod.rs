//! A PromQL evaluator over the world's samples.
//!
//! It computes what Prometheus 2.42 computes (the version the live rig compares it with): ranges and the look-back
//! are closed at both ends, `[t - range, t]`, which 3.x opens at the left. An expression is evaluated for all steps of
//! a query at once: each series is a [`value::Column`] of one optional value a step, so labels are matched and grouped
//! once a query and not once a step. Native histograms do not exist here.

mod aggregate;
mod binary;
mod check;
mod counter;
mod functions;
mod histogram;
mod over_time;
mod pointwise;
mod relabel;
mod select;
mod value;

#[cfg(test)]
mod recorded;
#[cfg(test)]
mod tests;

use promql_parser::parser::{Expr, UnaryExpr};

use crate::demo::store::tsdb::{Labels, Sample, Tsdb};

pub use check::parse;
pub use relabel::is_label_name;
pub use select::matching;
pub use value::Frame;
use value::{Value, merge, without_name};

/// How far back an instant selector looks for a sample, in milliseconds (`query.lookback-delta`).
pub const LOOKBACK: i64 = 300_000;

/// Step of a subquery that names none, in milliseconds (`global.evaluation_interval`).
const SUBQUERY_STEP: i64 = 60_000;

/// Points that one selector or subquery may hold (`query.max-samples`).
pub const MAX_POINTS: usize = 20_000_000;

/// Why an expression has no value, as Prometheus classifies it.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum EvalError {
    /// The text is not an expression this server evaluates: `bad_data`, status 400.
    #[error("{0}")]
    Parse(String),
    /// The expression cannot be evaluated on this data: `execution`, status 422.
    #[error("{0}")]
    Execution(String),
}

impl EvalError {
    fn execution(text: impl Into<String>) -> Self {
        Self::Execution(text.into())
    }

    /// Refuses what would hold more than [`MAX_POINTS`].
    fn unless_affordable(series: usize, steps: usize) -> Result<(), Self> {
        if series.saturating_mul(steps) <= MAX_POINTS {
            return Ok(());
        }
        Err(Self::execution("query processing would load too many samples into memory in query execution"))
    }
}

/// The value of a query.
#[derive(Clone, Debug)]
pub enum Answer {
    Scalar(f64),
    Text(String),
    Vector(Vec<(Labels, f64)>),
    Matrix(Vec<(Labels, Vec<Sample>)>),
}

/// The value of `expression` at one moment.
///
/// # Errors
/// What the data does not allow, such as a many-to-many match.
pub fn instant(tsdb: &Tsdb, expression: &Expr, at: i64, lookback: i64) -> Result<Answer, EvalError> {
    let evaluation = Evaluation::new(tsdb, Frame::instant(at), lookback);
    if matches!(bare(expression), Expr::MatrixSelector(_) | Expr::Subquery(_)) {
        return evaluation.range_input(expression).map(|input| Answer::Matrix(sorted(input.samples_at(at))));
    }
    Ok(match evaluation.value(expression)? {
        Value::Scalar(values) => Answer::Scalar(values.first().copied().unwrap_or(f64::NAN)),
        Value::Text(text) => Answer::Text(text),
        Value::Vector(columns) => {
            let vector = columns.into_iter().filter_map(|c| c.at(0).map(|v| (c.labels, v))).collect();
            Answer::Vector(if is_ordered(expression) { vector } else { sorted(vector) })
        }
    })
}

/// The values of `expression` at every step of `frame`.
///
/// # Errors
/// A string or a range vector, which have no value a step, and what the data does not allow.
pub fn range(tsdb: &Tsdb, expression: &Expr, frame: Frame, lookback: i64) -> Result<Answer, EvalError> {
    let columns = match Evaluation::new(tsdb, frame, lookback).value(expression)? {
        Value::Scalar(values) => return Ok(Answer::Matrix(vec![(Labels::default(), frame.samples(values))])),
        Value::Text(_) => return Err(EvalError::execution("a string has no value for each step")),
        Value::Vector(columns) => columns,
    };
    let matrix = columns.into_iter().map(|c| {
        let samples = frame.times().zip(c.values).filter_map(|(at, value)| value.map(|value| Sample { at, value }));
        (c.labels, samples.collect::<Vec<_>>())
    });
    Ok(Answer::Matrix(sorted(matrix.filter(|(_, samples)| !samples.is_empty()).collect())))
}

fn sorted<T>(mut series: Vec<(Labels, T)>) -> Vec<(Labels, T)> {
    series.sort_by(|(a, _), (b, _)| a.cmp(b));
    series
}

/// Whether the order of the elements is the expression's own.
fn is_ordered(expression: &Expr) -> bool {
    match bare(expression) {
        Expr::Call(call) => matches!(call.func.name, "sort" | "sort_desc"),
        Expr::Aggregate(aggregation) => aggregate::is_ordering(aggregation),
        _ => false,
    }
}

/// The expression inside its parentheses.
fn bare(mut expression: &Expr) -> &Expr {
    while let Expr::Paren(paren) = expression {
        expression = &paren.expr;
    }
    expression
}

/// One evaluation: the samples, the steps, and the bounds that `@ start()` and `@ end()` name.
#[derive(Clone, Copy)]
struct Evaluation<'a> {
    tsdb: &'a Tsdb,
    frame: Frame,
    query: Frame,
    lookback: i64,
}

impl<'a> Evaluation<'a> {
    fn new(tsdb: &'a Tsdb, frame: Frame, lookback: i64) -> Self {
        Self { tsdb, frame, query: frame, lookback }
    }

    fn value(&self, expression: &Expr) -> Result<Value, EvalError> {
        match expression {
            Expr::NumberLiteral(number) => Ok(Value::Scalar(vec![number.val; self.frame.steps()])),
            Expr::StringLiteral(text) => Ok(Value::Text(text.val.clone())),
            Expr::Paren(paren) => self.value(&paren.expr),
            Expr::Unary(unary) => self.negated(unary),
            Expr::Binary(operation) => binary::evaluate(self, operation),
            Expr::Aggregate(aggregation) => aggregate::evaluate(self, aggregation),
            Expr::Call(call) => functions::evaluate(self, call),
            Expr::VectorSelector(selector) => self.select(selector).map(Value::Vector),
            Expr::MatrixSelector(_) | Expr::Subquery(_) | Expr::Extension(_) => {
                Err(EvalError::execution("a range vector has no value of its own: apply a function to it"))
            }
        }
    }

    fn negated(&self, unary: &UnaryExpr) -> Result<Value, EvalError> {
        Ok(match self.value(&unary.expr)? {
            Value::Scalar(values) => Value::Scalar(values.into_iter().map(|v| -v).collect()),
            Value::Vector(mut columns) => {
                for column in &mut columns {
                    column.labels = without_name(&column.labels);
                    column.values.iter_mut().flatten().for_each(|v| *v = -*v);
                }
                Value::Vector(merge(columns)?)
            }
            Value::Text(_) => return Err(EvalError::execution("a string cannot be negated")),
        })
    }

    /// An expression of scalar type, one value a step.
    fn scalar(&self, expression: &Expr) -> Result<Vec<f64>, EvalError> {
        match self.value(expression)? {
            Value::Scalar(values) => Ok(values),
            other => Err(EvalError::execution(format!("expected a scalar, got {}", other.kind()))),
        }
    }

    /// An expression of instant vector type.
    fn vector(&self, expression: &Expr) -> Result<Vec<value::Column>, EvalError> {
        match self.value(expression)? {
            Value::Vector(columns) => Ok(columns),
            other => Err(EvalError::execution(format!("expected an instant vector, got {}", other.kind()))),
        }
    }

    /// An expression of string type.
    fn text(&self, expression: &Expr) -> Result<String, EvalError> {
        match self.value(expression)? {
            Value::Text(text) => Ok(text),
            other => Err(EvalError::execution(format!("expected a string, got {}", other.kind()))),
        }
    }
}
