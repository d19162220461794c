//! Aggregations: many series to one a group.

use std::collections::{BTreeMap, HashMap};

use promql_parser::parser::token::{
    T_AVG, T_BOTTOMK, T_COUNT, T_COUNT_VALUES, T_GROUP, T_MAX, T_MIN, T_QUANTILE, T_STDDEV, T_STDVAR, T_SUM, T_TOPK,
    TokenId,
};
use promql_parser::parser::{AggregateExpr, Expr, LabelModifier};

use super::over_time::{absorbs, quantile_of};
use super::value::{Column, Value, merge};
use super::{EvalError, Evaluation, relabel};
use crate::demo::servers::prometheus::number;
use crate::demo::store::tsdb::Labels;

pub(super) fn is_supported(aggregation: &AggregateExpr) -> bool {
    let id = aggregation.op.id();
    [T_TOPK, T_BOTTOMK, T_COUNT_VALUES, T_QUANTILE].contains(&id) || fold_of(id).is_some()
}

/// Whether the aggregation orders its elements by value.
pub(super) fn is_ordering(aggregation: &AggregateExpr) -> bool {
    [T_TOPK, T_BOTTOMK].contains(&aggregation.op.id())
}

pub(super) fn evaluate(evaluation: &Evaluation, aggregation: &AggregateExpr) -> Result<Value, EvalError> {
    let columns = evaluation.vector(&aggregation.expr)?;
    let steps = evaluation.frame.steps();
    let id = aggregation.op.id();
    let columns = if let Some(fold) = fold_of(id) {
        let groups = grouped(columns, aggregation.modifier.as_ref());
        groups.into_iter().map(|(labels, members)| folded(fold, labels, &members, steps)).collect()
    } else if id == T_COUNT_VALUES {
        let label = evaluation.text(parameter(aggregation)?)?;
        count_values(&label, columns, aggregation.modifier.as_ref(), steps)?
    } else {
        let parameters = evaluation.scalar(parameter(aggregation)?)?;
        let groups = grouped(columns, aggregation.modifier.as_ref()).into_iter();
        if id == T_QUANTILE {
            groups.map(|(labels, members)| quantile(&parameters, labels, &members)).collect()
        } else {
            groups.flat_map(|(_, members)| extremes(&parameters, &members, id == T_TOPK)).collect()
        }
    };
    Ok(Value::Vector(columns))
}

fn parameter(aggregation: &AggregateExpr) -> Result<&Expr, EvalError> {
    let missing = || EvalError::execution(format!("{} needs a parameter", aggregation.op));
    aggregation.param.as_deref().ok_or_else(missing)
}

/// The members of each group, groups and members in the order they were met.
fn grouped(columns: Vec<Column>, modifier: Option<&LabelModifier>) -> Vec<(Labels, Vec<Column>)> {
    let mut index: HashMap<Labels, usize> = HashMap::new();
    let mut groups: Vec<(Labels, Vec<Column>)> = Vec::new();
    for column in columns {
        let key = group_key(&column.labels, modifier);
        let at = *index.entry(key.clone()).or_insert(groups.len());
        match groups.get_mut(at) {
            Some((_, members)) => members.push(column),
            None => groups.push((key, vec![column])),
        }
    }
    groups
}

fn group_key(labels: &Labels, modifier: Option<&LabelModifier>) -> Labels {
    match modifier {
        None => Labels::default(),
        Some(LabelModifier::Include(by)) => labels.retain(|name| by.labels.iter().any(|l| l == name)),
        Some(LabelModifier::Exclude(without)) => {
            labels.retain(|name| name != "__name__" && !without.labels.iter().any(|l| l == name))
        }
    }
}

/// What a group has come to after some of its members. Its meaning depends on the aggregation.
#[derive(Clone, Copy)]
struct Running {
    count: f64,
    value: f64,
    mean: f64,
}

/// How a member joins its group, and what the group is worth in the end.
#[derive(Clone, Copy)]
struct Fold {
    join: fn(&mut Running, f64),
    result: fn(&Running) -> f64,
}

fn fold_of(id: TokenId) -> Option<Fold> {
    let plain = |join| Some(Fold { join, result: |group| group.value });
    match id {
        T_SUM => plain(|group, v| group.value = if group.count == 1.0 { v } else { group.value + v }),
        T_AVG => plain(|group, v| {
            if group.count == 1.0 {
                group.value = v;
            } else if !(group.value.is_infinite() && absorbs(group.value, v)) {
                group.value += v / group.count - group.value / group.count;
            }
        }),
        T_MIN => plain(|group, v| {
            if group.count == 1.0 || group.value > v || group.value.is_nan() {
                group.value = v;
            }
        }),
        T_MAX => plain(|group, v| {
            if group.count == 1.0 || group.value < v || group.value.is_nan() {
                group.value = v;
            }
        }),
        T_GROUP => plain(|group, _| group.value = 1.0),
        T_COUNT => Some(Fold { join: |_, _| {}, result: |group| group.count }),
        T_STDVAR => Some(Fold { join: spread, result: |group| group.value / group.count }),
        T_STDDEV => Some(Fold { join: spread, result: |group| (group.value / group.count).sqrt() }),
        _ => None,
    }
}

/// Welford's running mean and sum of squared distances.
fn spread(group: &mut Running, value: f64) {
    let delta = value - group.mean;
    group.mean += delta / group.count;
    group.value += delta * (value - group.mean);
}

fn folded(fold: Fold, labels: Labels, members: &[Column], steps: usize) -> Column {
    let mut running = vec![Running { count: 0.0, value: 0.0, mean: 0.0 }; steps];
    for member in members {
        for (group, value) in running.iter_mut().zip(&member.values) {
            if let Some(value) = value {
                group.count += 1.0;
                (fold.join)(group, *value);
            }
        }
    }
    let values = running.iter().map(|group| (group.count > 0.0).then(|| (fold.result)(group)));
    Column { labels, values: values.collect() }
}

fn quantile(quantiles: &[f64], labels: Labels, members: &[Column]) -> Column {
    let values = quantiles.iter().enumerate().map(|(step, q)| {
        let mut values: Vec<f64> = members.iter().filter_map(|m| m.at(step)).collect();
        (!values.is_empty()).then(|| quantile_of(&mut values, *q))
    });
    Column { labels, values: values.collect() }
}

/// The largest (or smallest) elements of one group at each step, best first; NaN comes last.
fn extremes(limits: &[f64], members: &[Column], largest: bool) -> Vec<Column> {
    let mut kept: Vec<Column> =
        members.iter().map(|m| Column { labels: m.labels.clone(), values: vec![None; m.values.len()] }).collect();
    let mut rank_of_first = vec![usize::MAX; members.len()];
    for (step, limit) in limits.iter().enumerate() {
        let mut present: Vec<(usize, f64)> =
            members.iter().enumerate().filter_map(|(at, m)| m.at(step).map(|v| (at, v))).collect();
        present.sort_by(|(_, a), (_, b)| by_value(*a, *b, largest));
        let limit = if *limit >= 1.0 { *limit as usize } else { 0 };
        for (rank, (at, value)) in present.into_iter().take(limit).enumerate() {
            if let (Some(column), Some(first)) = (kept.get_mut(at), rank_of_first.get_mut(at)) {
                column.set(step, value);
                *first = rank.min(*first);
            }
        }
    }
    let mut ranked: Vec<_> = rank_of_first.into_iter().zip(kept).filter(|(_, column)| !column.is_void()).collect();
    ranked.sort_by_key(|(rank, _)| *rank);
    ranked.into_iter().map(|(_, column)| column).collect()
}

/// Ascending or descending, NaN last either way.
pub(super) fn by_value(a: f64, b: f64, descending: bool) -> std::cmp::Ordering {
    let order = if descending { b.partial_cmp(&a) } else { a.partial_cmp(&b) };
    a.is_nan().cmp(&b.is_nan()).then(order.unwrap_or(std::cmp::Ordering::Equal))
}

fn count_values(
    label: &str,
    columns: Vec<Column>,
    modifier: Option<&LabelModifier>,
    steps: usize,
) -> Result<Vec<Column>, EvalError> {
    if !relabel::is_label_name(label) {
        return Err(EvalError::execution(format!("invalid label name \"{label}\"")));
    }
    let mut result = Vec::new();
    for (labels, members) in grouped(columns, modifier) {
        let mut counts: BTreeMap<String, Vec<Option<f64>>> = BTreeMap::new();
        for member in &members {
            for (step, value) in member.values.iter().enumerate() {
                let Some(value) = value else { continue };
                let seen = counts.entry(number::plain(*value)).or_insert_with(|| vec![None; steps]);
                if let Some(slot) = seen.get_mut(step) {
                    *slot = Some(slot.unwrap_or(0.0) + 1.0);
                }
            }
        }
        let group = counts.into_iter().map(|(text, values)| Column { labels: labels.with(label, &text), values });
        result.extend(group);
    }
    merge(result)
}
