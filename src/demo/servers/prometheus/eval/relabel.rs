//! `label_replace` and `label_join`.

use promql_parser::parser::Call;
use regex::Regex;

use super::functions::argument;
use super::value::{Value, merge};
use super::{EvalError, Evaluation};

/// `label_replace(v, dst, replacement, src, regex)`: where the whole of `src` matches, `dst` becomes the expanded
/// replacement.
pub(super) fn label_replace(evaluation: &Evaluation, call: &Call) -> Result<Value, EvalError> {
    let mut columns = evaluation.vector(argument(call, 0)?)?;
    let text = |at| argument(call, at).and_then(|a| evaluation.text(a));
    let (target, replacement, source, pattern) = (text(1)?, text(2)?, text(3)?, text(4)?);
    let regex = Regex::new(&format!("^(?:{pattern})$"))
        .map_err(|_| EvalError::execution(format!("invalid regular expression in label_replace(): {pattern}")))?;
    check_target(&target, "label_replace")?;
    for column in &mut columns {
        let Some(captures) = regex.captures(column.labels.get(&source)) else { continue };
        let mut value = String::new();
        captures.expand(&replacement, &mut value);
        column.labels = column.labels.with(&target, &value);
    }
    merge(columns).map(Value::Vector)
}

/// `label_join(v, dst, separator, src, …)`.
pub(super) fn label_join(evaluation: &Evaluation, call: &Call) -> Result<Value, EvalError> {
    let mut columns = evaluation.vector(argument(call, 0)?)?;
    let target = evaluation.text(argument(call, 1)?)?;
    let separator = evaluation.text(argument(call, 2)?)?;
    let sources = call.args.args.iter().skip(3).map(|a| evaluation.text(a)).collect::<Result<Vec<_>, _>>()?;
    check_target(&target, "label_join")?;
    for column in &mut columns {
        let values: Vec<_> = sources.iter().map(|source| column.labels.get(source)).collect();
        let value = values.join(&separator);
        column.labels = column.labels.with(&target, &value);
    }
    merge(columns).map(Value::Vector)
}

fn check_target(name: &str, function: &str) -> Result<(), EvalError> {
    if is_label_name(name) {
        return Ok(());
    }
    Err(EvalError::execution(format!("invalid destination label name in {function}(): {name}")))
}

/// Whether it matches `[a-zA-Z_][a-zA-Z0-9_]*`.
pub fn is_label_name(name: &str) -> bool {
    let mut chars = name.chars();
    chars.next().is_some_and(|c| c == '_' || c.is_ascii_alphabetic())
        && chars.all(|c| c == '_' || c.is_ascii_alphanumeric())
}
