//! Function calls.

use promql_parser::label::{METRIC_NAME, MatchOp, Matcher, Matchers};
use promql_parser::parser::{Call, Expr};

use super::aggregate::by_value;
use super::select::{Name, Window};
use super::value::{Column, Value, merge, without_name};
use super::{EvalError, Evaluation, bare, counter, histogram, over_time, pointwise, relabel};
use crate::demo::store::tsdb::Labels;

/// How a function gets its value.
#[derive(Clone, Copy)]
enum Function {
    /// From the samples of one series in a range.
    Range(fn(&Window) -> Option<f64>),
    /// From the samples in a range and a scalar.
    RangeWith(fn(&Window, f64) -> Option<f64>),
    /// From one value.
    Point(fn(f64) -> f64),
    /// From one value taken as Unix seconds; without an argument, of the moment of evaluation.
    Date(fn(f64) -> f64),
    /// From one value and scalars, of which those left out are NaN.
    PointWith(pointwise::WithScalars),
    /// From its arguments as a whole.
    Whole(fn(&Evaluation, &Call) -> Result<Value, EvalError>),
}

fn function(name: &str) -> Option<Function> {
    use Function::{Date, Range, RangeWith, Whole};
    let function = match name {
        "rate" => Range(counter::rate),
        "increase" => Range(counter::increase),
        "delta" => Range(counter::delta),
        "irate" => Range(counter::irate),
        "idelta" => Range(counter::idelta),
        "deriv" => Range(counter::deriv),
        "changes" => Range(counter::changes),
        "resets" => Range(counter::resets),
        "avg_over_time" => Range(over_time::avg),
        "sum_over_time" => Range(over_time::sum),
        "min_over_time" => Range(over_time::min),
        "max_over_time" => Range(over_time::max),
        "count_over_time" => Range(over_time::count),
        "last_over_time" => Range(over_time::last),
        "present_over_time" => Range(over_time::present),
        "stddev_over_time" => Range(over_time::stddev),
        "stdvar_over_time" => Range(over_time::stdvar),
        "predict_linear" => RangeWith(counter::predict_linear),
        "quantile_over_time" => RangeWith(over_time::quantile),
        "time" => Whole(|e, _| Ok(Value::Scalar(e.frame.times().map(seconds).collect()))),
        "pi" => Whole(|e, _| Ok(Value::Scalar(vec![std::f64::consts::PI; e.frame.steps()]))),
        "vector" => Whole(vector),
        "scalar" => Whole(scalar),
        "timestamp" => Whole(timestamp),
        "absent" => Whole(absent),
        "absent_over_time" => Whole(absent_over_time),
        "sort" => Whole(|e, call| sorted(e, call, false)),
        "sort_desc" => Whole(|e, call| sorted(e, call, true)),
        "histogram_quantile" => Whole(histogram_quantile),
        "label_replace" => Whole(relabel::label_replace),
        "label_join" => Whole(relabel::label_join),
        _ => {
            let point = pointwise::function(name).map(Function::Point);
            let with = pointwise::with_scalars(name).map(Function::PointWith);
            return point.or(with).or_else(|| pointwise::date(name).map(Date));
        }
    };
    Some(function)
}

pub(super) fn is_supported(name: &str) -> bool {
    function(name).is_some()
}

pub(super) fn evaluate(evaluation: &Evaluation, call: &Call) -> Result<Value, EvalError> {
    let name = call.func.name;
    let function = function(name).ok_or_else(|| EvalError::execution(format!("unknown function \"{name}\"")))?;
    let columns = match function {
        Function::Whole(compute) => return compute(evaluation, call),
        Function::Range(compute) => over_range(evaluation, call, 0, |window, _| compute(window))?,
        Function::RangeWith(compute) => {
            let (range, scalar) = if name == "quantile_over_time" { (1, 0) } else { (0, 1) };
            let scalars = evaluation.scalar(argument(call, scalar)?)?;
            let with = |window: &Window, step| compute(window, scalars.get(step).copied()?);
            over_range(evaluation, call, range, with)?
        }
        Function::Point(compute) => {
            let columns = evaluation.vector(argument(call, 0)?)?;
            each(columns, |value, _| Some(compute(value)))
        }
        Function::Date(compute) => {
            let columns = match call.args.args.first() {
                Some(argument) => evaluation.vector(argument)?,
                None => vec![unlabelled(evaluation.frame.times().map(seconds).collect())],
            };
            each(columns, |value, _| Some(compute(value)))
        }
        Function::PointWith(compute) => {
            let columns = evaluation.vector(argument(call, 0)?)?;
            let scalars = call.args.args.iter().skip(1).map(|a| evaluation.scalar(a));
            let scalars = scalars.collect::<Result<Vec<_>, _>>()?;
            let at = |step: usize| scalars.iter().filter_map(|s| s.get(step).copied()).collect::<Vec<_>>();
            each(columns, |value, step| compute(value, &at(step)))
        }
    };
    merge(columns).map(Value::Vector)
}

/// The nth argument. The parser has checked number and types.
pub(super) fn argument(call: &Call, at: usize) -> Result<&Expr, EvalError> {
    let missing = || EvalError::execution(format!("{} lacks an argument", call.func.name));
    call.args.args.get(at).map(AsRef::as_ref).ok_or_else(missing)
}

fn over_range(
    evaluation: &Evaluation,
    call: &Call,
    range: usize,
    compute: impl Fn(&Window, usize) -> Option<f64>,
) -> Result<Vec<Column>, EvalError> {
    let name = if call.func.name == "last_over_time" { Name::Keep } else { Name::Drop };
    Ok(evaluation.range_input(argument(call, range)?)?.map(evaluation.frame, name, compute))
}

/// Each element's new value; the metric name goes.
fn each(mut columns: Vec<Column>, compute: impl Fn(f64, usize) -> Option<f64>) -> Vec<Column> {
    for column in &mut columns {
        column.labels = without_name(&column.labels);
        for (step, slot) in column.values.iter_mut().enumerate() {
            *slot = slot.and_then(|value| compute(value, step));
        }
    }
    columns.retain(|column| !column.is_void());
    columns
}

fn unlabelled(values: Vec<f64>) -> Column {
    Column { labels: Labels::default(), values: values.into_iter().map(Some).collect() }
}

fn seconds(millis: i64) -> f64 {
    millis as f64 / 1000.0
}

fn vector(evaluation: &Evaluation, call: &Call) -> Result<Value, EvalError> {
    Ok(Value::Vector(vec![unlabelled(evaluation.scalar(argument(call, 0)?)?)]))
}

fn scalar(evaluation: &Evaluation, call: &Call) -> Result<Value, EvalError> {
    let columns = evaluation.vector(argument(call, 0)?)?;
    let only = |step| {
        let mut present = columns.iter().filter_map(|c| c.at(step));
        match (present.next(), present.next()) {
            (Some(value), None) => value,
            _ => f64::NAN,
        }
    };
    Ok(Value::Scalar((0..evaluation.frame.steps()).map(only).collect()))
}

fn timestamp(evaluation: &Evaluation, call: &Call) -> Result<Value, EvalError> {
    let argument = argument(call, 0)?;
    let columns = if let Expr::VectorSelector(selector) = bare(argument) {
        let mut columns = evaluation.select_map(selector, |sample| seconds(sample.at))?;
        columns.iter_mut().for_each(|c| c.labels = without_name(&c.labels));
        columns
    } else {
        let times: Vec<_> = evaluation.frame.times().map(seconds).collect();
        each(evaluation.vector(argument)?, |_, step| times.get(step).copied())
    };
    merge(columns).map(Value::Vector)
}

fn absent(evaluation: &Evaluation, call: &Call) -> Result<Value, EvalError> {
    let argument = argument(call, 0)?;
    let columns = evaluation.vector(argument)?;
    let matchers = match bare(argument) {
        Expr::VectorSelector(selector) => Some(&selector.matchers),
        _ => None,
    };
    Ok(where_none(evaluation, &columns, matchers))
}

fn absent_over_time(evaluation: &Evaluation, call: &Call) -> Result<Value, EvalError> {
    let input = evaluation.range_input(argument(call, 0)?)?;
    let columns = input.map(evaluation.frame, Name::Keep, |_, _| Some(1.0));
    Ok(where_none(evaluation, &columns, input.matchers))
}

/// 1 at the steps where no column has a value, labelled with what the selector asked for by equality.
fn where_none(evaluation: &Evaluation, columns: &[Column], matchers: Option<&Matchers>) -> Value {
    let value = |step| columns.iter().all(|c| c.at(step).is_none()).then_some(1.0);
    let values: Vec<_> = (0..evaluation.frame.steps()).map(value).collect();
    let matchers = matchers.map_or(&[][..], |m| m.matchers.as_slice());
    let is_only = |matcher: &&Matcher| {
        let same_name = matchers.iter().filter(|m| m.name == matcher.name).count();
        matcher.name != METRIC_NAME && matches!(matcher.op, MatchOp::Equal) && same_name == 1
    };
    let pairs = matchers.iter().filter(is_only).map(|m| (m.name.as_str(), m.value.as_str()));
    let column = Column { labels: Labels::new("", pairs), values };
    Value::Vector(if column.is_void() { Vec::new() } else { vec![column] })
}

/// Only an instant query shows the order, so the first step decides it.
fn sorted(evaluation: &Evaluation, call: &Call, descending: bool) -> Result<Value, EvalError> {
    let mut columns = evaluation.vector(argument(call, 0)?)?;
    let key = |column: &Column| column.at(0).unwrap_or(f64::NAN);
    columns.sort_by(|a, b| by_value(key(a), key(b), descending));
    Ok(Value::Vector(columns))
}

fn histogram_quantile(evaluation: &Evaluation, call: &Call) -> Result<Value, EvalError> {
    let quantiles = evaluation.scalar(argument(call, 0)?)?;
    let columns = evaluation.vector(argument(call, 1)?)?;
    histogram::quantile(evaluation, &quantiles, &columns).map(Value::Vector)
}
