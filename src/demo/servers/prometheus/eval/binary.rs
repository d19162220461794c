//! Binary operators: scalars, vectors with scalars, and the matching of vectors.

use std::collections::HashMap;

use promql_parser::parser::token::{
    T_ADD, T_ATAN2, T_DIV, T_EQLC, T_GTE, T_GTR, T_LAND, T_LOR, T_LSS, T_LTE, T_LUNLESS, T_MOD, T_MUL, T_NEQ, T_POW,
    T_SUB, TokenId,
};
use promql_parser::parser::{BinModifier, BinaryExpr, LabelModifier, VectorMatchCardinality};

use super::value::{Column, Value, merge, without_name};
use super::{EvalError, Evaluation};
use crate::demo::store::tsdb::Labels;

/// What an operator does to two numbers.
#[derive(Clone, Copy)]
enum Operator {
    Arithmetic(fn(f64, f64) -> f64),
    Comparison(fn(&f64, &f64) -> bool),
}

fn operator(id: TokenId) -> Option<Operator> {
    Some(match id {
        T_ADD => Operator::Arithmetic(|a, b| a + b),
        T_SUB => Operator::Arithmetic(|a, b| a - b),
        T_MUL => Operator::Arithmetic(|a, b| a * b),
        T_DIV => Operator::Arithmetic(|a, b| a / b),
        T_MOD => Operator::Arithmetic(|a, b| a % b),
        T_POW => Operator::Arithmetic(f64::powf),
        T_ATAN2 => Operator::Arithmetic(f64::atan2),
        T_EQLC => Operator::Comparison(f64::eq),
        T_NEQ => Operator::Comparison(f64::ne),
        T_GTR => Operator::Comparison(f64::gt),
        T_LSS => Operator::Comparison(f64::lt),
        T_GTE => Operator::Comparison(f64::ge),
        T_LTE => Operator::Comparison(f64::le),
        _ => return None,
    })
}

/// An operator with its `bool` modifier.
#[derive(Clone, Copy)]
struct Operation {
    operator: Operator,
    returns_bool: bool,
    /// Whether the operator itself leaves the metric name out. `atan2` does not: so it is in Prometheus 2.42.
    renames: bool,
}

impl Operation {
    /// The result for one pair, `None` when a comparison filters it out; `kept` is what a filter lets through.
    fn apply(self, left: f64, right: f64, kept: f64) -> Option<f64> {
        match self.operator {
            Operator::Arithmetic(compute) => Some(compute(left, right)),
            Operator::Comparison(holds) if self.returns_bool => Some(f64::from(u8::from(holds(&left, &right)))),
            Operator::Comparison(holds) => holds(&left, &right).then_some(kept),
        }
    }

    fn drops_name(self) -> bool {
        self.returns_bool || self.renames
    }
}

pub(super) fn evaluate(evaluation: &Evaluation, expression: &BinaryExpr) -> Result<Value, EvalError> {
    let left = evaluation.value(&expression.lhs)?;
    let right = evaluation.value(&expression.rhs)?;
    let default = BinModifier::default();
    let modifier = expression.modifier.as_ref().unwrap_or(&default);
    let id = expression.op.id();
    let Some(operator) = operator(id) else {
        let (Value::Vector(left), Value::Vector(right)) = (left, right) else {
            return Err(EvalError::execution(format!("set operator {} needs two instant vectors", expression.op)));
        };
        return set(id, left, right, modifier.matching.as_ref()).map(Value::Vector);
    };
    let renames = matches!(operator, Operator::Arithmetic(_)) && id != T_ATAN2;
    let operation = Operation { operator, returns_bool: modifier.return_bool, renames };
    match (left, right) {
        (Value::Scalar(left), Value::Scalar(right)) => {
            let pairs = left.into_iter().zip(right);
            Ok(Value::Scalar(pairs.map(|(a, b)| operation.apply(a, b, a).unwrap_or(f64::NAN)).collect()))
        }
        (Value::Vector(columns), Value::Scalar(scalars)) => {
            with_scalar(operation, columns, &scalars, |v, s| operation.apply(v, s, v))
        }
        (Value::Scalar(scalars), Value::Vector(columns)) => {
            with_scalar(operation, columns, &scalars, |v, s| operation.apply(s, v, v))
        }
        (Value::Vector(left), Value::Vector(right)) => {
            Matching::new(operation, modifier, left, right).run(evaluation.frame.steps()).map(Value::Vector)
        }
        (Value::Text(_), _) | (_, Value::Text(_)) => Err(EvalError::execution("strings have no operators")),
    }
}

fn with_scalar(
    operation: Operation,
    mut columns: Vec<Column>,
    scalars: &[f64],
    apply: impl Fn(f64, f64) -> Option<f64>,
) -> Result<Value, EvalError> {
    for column in &mut columns {
        for (slot, scalar) in column.values.iter_mut().zip(scalars) {
            *slot = slot.and_then(|value| apply(value, *scalar));
        }
        if operation.drops_name() {
            column.labels = without_name(&column.labels);
        }
    }
    columns.retain(|column| !column.is_void());
    merge(columns).map(Value::Vector)
}

/// Numbers the label sets that elements match by.
struct Signatures<'m> {
    matching: Option<&'m LabelModifier>,
    index: HashMap<Labels, usize>,
}

impl<'m> Signatures<'m> {
    fn new(matching: Option<&'m LabelModifier>) -> Self {
        Self { matching, index: HashMap::new() }
    }

    fn labels(&self, labels: &Labels) -> Labels {
        match self.matching {
            Some(LabelModifier::Include(on)) => labels.retain(|name| on.labels.iter().any(|l| l == name)),
            Some(LabelModifier::Exclude(ignoring)) => {
                labels.retain(|name| name != "__name__" && !ignoring.labels.iter().any(|l| l == name))
            }
            None => without_name(labels),
        }
    }

    fn of(&mut self, columns: &[Column]) -> Vec<usize> {
        let number = |column: &Column| {
            let signature = self.labels(&column.labels);
            let next = self.index.len();
            *self.index.entry(signature).or_insert(next)
        };
        columns.iter().map(number).collect()
    }
}

/// `and`, `unless`, `or`.
fn set(
    id: TokenId,
    mut left: Vec<Column>,
    mut right: Vec<Column>,
    matching: Option<&LabelModifier>,
) -> Result<Vec<Column>, EvalError> {
    let mut signatures = Signatures::new(matching);
    let left_signatures = signatures.of(&left);
    let right_signatures = signatures.of(&right);
    let count = signatures.index.len();
    match id {
        T_LAND => {
            let present = presence(&right, &right_signatures, count);
            keep(&mut left, &left_signatures, |signature, step| is_present(&present, signature, step));
        }
        T_LUNLESS => {
            let present = presence(&right, &right_signatures, count);
            keep(&mut left, &left_signatures, |signature, step| !is_present(&present, signature, step));
        }
        T_LOR => {
            let present = presence(&left, &left_signatures, count);
            keep(&mut right, &right_signatures, |signature, step| !is_present(&present, signature, step));
            left.append(&mut right);
        }
        _ => return Err(EvalError::execution("unknown operator")),
    }
    merge(left)
}

/// At which steps a signature has an element.
fn presence(columns: &[Column], signatures: &[usize], count: usize) -> Vec<Vec<bool>> {
    let mut present: Vec<Vec<bool>> = vec![Vec::new(); count];
    for (column, signature) in columns.iter().zip(signatures) {
        let Some(steps) = present.get_mut(*signature) else { continue };
        steps.resize(column.values.len(), false);
        for (step, value) in steps.iter_mut().zip(&column.values) {
            *step |= value.is_some();
        }
    }
    present
}

fn is_present(present: &[Vec<bool>], signature: usize, step: usize) -> bool {
    present.get(signature).and_then(|steps| steps.get(step)).copied().unwrap_or(false)
}

fn keep(columns: &mut Vec<Column>, signatures: &[usize], stays: impl Fn(usize, usize) -> bool) {
    for (column, signature) in columns.iter_mut().zip(signatures) {
        for (step, slot) in column.values.iter_mut().enumerate() {
            if slot.is_some() && !stays(*signature, step) {
                *slot = None;
            }
        }
    }
    columns.retain(|column| !column.is_void());
}

/// Arithmetic or comparison of two vectors. `many` is the side that may have several elements of one signature (the
/// left one, unless `group_right` swaps the sides), `one` the other.
struct Matching<'m> {
    operation: Operation,
    modifier: &'m BinModifier,
    swapped: bool,
    many: Vec<Column>,
    one: Vec<Column>,
    many_signatures: Vec<usize>,
    /// The columns of `one` by signature.
    one_by_signature: Vec<Vec<usize>>,
}

impl<'m> Matching<'m> {
    fn new(operation: Operation, modifier: &'m BinModifier, left: Vec<Column>, right: Vec<Column>) -> Self {
        let swapped = matches!(modifier.card, VectorMatchCardinality::OneToMany(_));
        let (many, one) = if swapped { (right, left) } else { (left, right) };
        let mut signatures = Signatures::new(modifier.matching.as_ref());
        let many_signatures = signatures.of(&many);
        let one_signatures = signatures.of(&one);
        let mut one_by_signature = vec![Vec::new(); signatures.index.len()];
        for (at, signature) in one_signatures.into_iter().enumerate() {
            if let Some(columns) = one_by_signature.get_mut(signature) {
                columns.push(at);
            }
        }
        Self { operation, modifier, swapped, many, one, many_signatures, one_by_signature }
    }

    fn run(&self, steps: usize) -> Result<Vec<Column>, EvalError> {
        let mut result: Vec<Column> = Vec::new();
        let mut of_labels: HashMap<Labels, usize> = HashMap::new();
        let mut of_pair: HashMap<(usize, usize), usize> = HashMap::new();
        for step in 0..steps {
            let Some(partners) = self.partners(step)? else { continue };
            let mut matched = vec![false; partners.len()];
            for (many_at, (many, signature)) in self.many.iter().zip(&self.many_signatures).enumerate() {
                let Some(value) = many.at(step) else { continue };
                let Some(one_at) = partners.get(*signature).copied().flatten() else { continue };
                let Some(one) = self.one.get(one_at) else { continue };
                let Some(value) = one.at(step).and_then(|other| self.apply(value, other)) else { continue };
                let at = *of_pair.entry((many_at, one_at)).or_insert_with(|| {
                    let labels = self.result_labels(&many.labels, &one.labels);
                    *of_labels.entry(labels.clone()).or_insert_with(|| {
                        result.push(Column { labels, values: vec![None; steps] });
                        result.len() - 1
                    })
                });
                let Some(column) = result.get_mut(at) else { continue };
                let again = matched.get_mut(*signature).is_some_and(|m| std::mem::replace(m, true));
                if again && self.modifier.card == VectorMatchCardinality::OneToOne {
                    return Err(EvalError::execution(
                        "multiple matches for labels: many-to-one matching must be explicit (group_left/group_right)",
                    ));
                }
                if column.at(step).is_some() {
                    return Err(EvalError::execution(
                        "multiple matches for labels: grouping labels must ensure unique matches",
                    ));
                }
                column.set(step, value);
            }
        }
        Ok(result)
    }

    /// The element of the `one` side for each signature at a step; `None` when a side is empty, which ends it there.
    fn partners(&self, step: usize) -> Result<Option<Vec<Option<usize>>>, EvalError> {
        let has_any = |columns: &[Column]| columns.iter().any(|c| c.at(step).is_some());
        if !has_any(&self.many) || !has_any(&self.one) {
            return Ok(None);
        }
        let mut partners = Vec::with_capacity(self.one_by_signature.len());
        for columns in &self.one_by_signature {
            let mut present = columns.iter().filter(|at| self.one.get(**at).is_some_and(|c| c.at(step).is_some()));
            let first = present.next();
            if let (Some(first), Some(second)) = (first, present.next()) {
                return Err(self.duplicate(*first, *second));
            }
            partners.push(first.copied());
        }
        Ok(Some(partners))
    }

    fn duplicate(&self, first: usize, second: usize) -> EvalError {
        let side = if self.swapped { "left" } else { "right" };
        let labels = |at: usize| self.one.get(at).map(|c| c.labels.clone()).unwrap_or_default();
        let group = Signatures::new(self.modifier.matching.as_ref()).labels(&labels(first));
        EvalError::execution(format!(
            "found duplicate series for the match group {} on the {side} hand-side of the operation: [{}, {}];\
             many-to-many matching not allowed: matching labels must be unique on one side",
            shown(&group),
            shown(&labels(second)),
            shown(&labels(first)),
        ))
    }

    fn apply(&self, many: f64, one: f64) -> Option<f64> {
        let (left, right) = if self.swapped { (one, many) } else { (many, one) };
        self.operation.apply(left, right, left)
    }

    fn result_labels(&self, many: &Labels, one: &Labels) -> Labels {
        let mut labels = if self.operation.renames { without_name(many) } else { many.clone() };
        if self.modifier.card == VectorMatchCardinality::OneToOne {
            labels = match &self.modifier.matching {
                Some(LabelModifier::Include(on)) => labels.retain(|name| on.labels.iter().any(|l| l == name)),
                Some(LabelModifier::Exclude(ignoring)) => {
                    labels.retain(|name| !ignoring.labels.iter().any(|l| l == name))
                }
                None => labels,
            };
        }
        for name in self.modifier.card.labels().iter().flat_map(|included| &included.labels) {
            labels = labels.with(name, one.get(name));
        }
        if self.operation.returns_bool { without_name(&labels) } else { labels }
    }
}

/// Labels in the notation of Prometheus' messages.
fn shown(labels: &Labels) -> String {
    let pairs: Vec<_> = labels.iter().map(|(name, value)| format!("{name}={value:?}")).collect();
    format!("{{{}}}", pairs.join(", "))
}
