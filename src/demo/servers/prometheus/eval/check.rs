//! From text to an expression that the evaluator knows how to evaluate.

use promql_parser::label::Matchers;
use promql_parser::parser::{self, Expr};

use super::{EvalError, aggregate, functions};

/// Operators and brackets that one query may hold, and how deep its expression may be. The parser's and the
/// evaluator's recursion follow them.
const MAX_OPERATORS: usize = 2_000;
const MAX_DEPTH: usize = 200;

/// Parses a query.
///
/// # Errors
/// [`EvalError::Parse`]: it is not PromQL, or uses what this server does not evaluate.
pub fn parse(query: &str) -> Result<Expr, EvalError> {
    let bad = |text: String| EvalError::Parse(format!("parse error: {text}"));
    if query.trim().is_empty() {
        return Err(bad("no expression found in input".to_owned()));
    }
    let code = code_of(query);
    if operators(&code) > MAX_OPERATORS {
        return Err(bad("the expression is too long".to_owned()));
    }
    if !has_only_durations(&code) {
        return Err(bad("bad duration syntax: a number and one of y, w, d, h, m, s, ms is expected".to_owned()));
    }
    let expression = parser::parse(query).map_err(bad)?;
    check(&expression).map_err(bad)?;
    Ok(expression)
}

/// How many operators and brackets there are: an upper bound of the expression's depth.
fn operators(code: &str) -> usize {
    let words = code.split(|c: char| !c.is_alphanumeric());
    code.chars().filter(|c| "()[]+-*/%^<>=!".contains(*c)).count()
        + words.filter(|word| matches!(*word, "and" | "or" | "unless" | "atan2")).count()
}

/// Whether every range and offset is a duration. The parser takes any number there, and has no error for one that is
/// no length of time.
fn has_only_durations(code: &str) -> bool {
    let ranges = code.split('[').skip(1).filter_map(|rest| rest.split(']').next());
    let mut parts = ranges.flat_map(|range| range.split(':')).map(str::trim).filter(|part| !part.is_empty());
    let offsets = code.split("offset").skip(1).map(|rest| {
        let rest = rest.trim_start_matches(|c: char| c.is_whitespace() || c == '-' || c == '+');
        rest.split(|c: char| !c.is_alphanumeric() && c != '.').next().unwrap_or_default()
    });
    parts.all(is_duration) && offsets.filter(|part| !part.is_empty()).all(is_duration)
}

fn is_duration(text: &str) -> bool {
    let is_part = |c: char| c.is_ascii_digit() || ".ywdhms".contains(c);
    text.chars().all(is_part) && text.split(|c: char| !c.is_ascii_digit()).all(|digits| digits.len() <= 12)
}

/// The query without its strings and comments.
fn code_of(query: &str) -> String {
    let mut quote = None;
    let mut escaped = false;
    let is_code = |c: &char| {
        match quote {
            Some('#') if *c == '\n' => quote = None,
            Some('#') => {}
            Some(open) => {
                if *c == open && !escaped {
                    quote = None;
                }
                escaped = *c == '\\' && !escaped && open != '`';
            }
            None if matches!(*c, '"' | '\'' | '`' | '#') => quote = Some(*c),
            None => return true,
        }
        false
    };
    query.chars().filter(is_code).collect()
}

/// Refuses what parses but is not evaluated here. Not recursive, so that no expression is too deep for it.
fn check(expression: &Expr) -> Result<(), String> {
    let mut open: Vec<(&Expr, usize)> = vec![(expression, 0)];
    while let Some((expression, depth)) = open.pop() {
        if depth > MAX_DEPTH {
            return Err("the expression is nested too deeply".to_owned());
        }
        let mut then = |inner| open.push((inner, depth + 1));
        match expression {
            Expr::Aggregate(aggregation) => {
                if !aggregate::is_supported(aggregation) {
                    return Err(format!("aggregation \"{}\" is not evaluated by this server", aggregation.op));
                }
                then(&aggregation.expr);
                aggregation.param.iter().for_each(|param| then(param));
            }
            Expr::Unary(unary) => then(&unary.expr),
            Expr::Binary(operation) => {
                let fills = operation.modifier.as_ref().map(|m| &m.fill_values);
                if fills.is_some_and(|f| f.lhs.is_some() || f.rhs.is_some()) {
                    return Err("fill modifiers are not evaluated by this server".to_owned());
                }
                then(&operation.lhs);
                then(&operation.rhs);
            }
            Expr::Paren(paren) => then(&paren.expr),
            Expr::Subquery(subquery) => then(&subquery.expr),
            Expr::Call(call) => {
                if !functions::is_supported(call.func.name) {
                    return Err(format!("unknown function with name \"{}\"", call.func.name));
                }
                call.args.args.iter().for_each(|arg| then(arg));
            }
            Expr::VectorSelector(selector) => check_matchers(&selector.matchers)?,
            Expr::MatrixSelector(selector) => check_matchers(&selector.vs.matchers)?,
            Expr::NumberLiteral(_) | Expr::StringLiteral(_) => {}
            Expr::Extension(_) => return Err("unknown expression".to_owned()),
        }
    }
    Ok(())
}

fn check_matchers(matchers: &Matchers) -> Result<(), String> {
    if matchers.or_matchers.is_empty() {
        return Ok(());
    }
    Err("unexpected identifier \"or\" in label matching, expected \",\" or \"}\"".to_owned())
}
