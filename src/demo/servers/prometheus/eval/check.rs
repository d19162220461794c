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
    if operators(query) > MAX_OPERATORS {
        return Err(bad("the expression is too long".to_owned()));
    }
    if has_unbounded_number(query) {
        return Err(bad("a duration or number is out of range".to_owned()));
    }
    let expression = parser::parse(query).map_err(bad)?;
    check(&expression).map_err(bad)?;
    Ok(expression)
}

/// How many operators and brackets stand outside strings: an upper bound of the expression's depth.
fn operators(query: &str) -> usize {
    outside_strings(query).filter(|c| "()[]+-*/%^<>=!".contains(*c)).count()
        + query
            .split(|c: char| !c.is_alphanumeric())
            .filter(|w| matches!(*w, "and" | "or" | "unless" | "atan2"))
            .count()
}

/// Whether a range or offset has more digits than a duration can: the parser's conversion has no error for it.
fn has_unbounded_number(query: &str) -> bool {
    let mut digits = 0;
    let mut after_bracket = false;
    for c in outside_strings(query) {
        digits = if c.is_ascii_digit() { digits + 1 } else { 0 };
        after_bracket = after_bracket && c != ']' || c == '[';
        if digits > if after_bracket { 12 } else { 400 } {
            return true;
        }
    }
    false
}

fn outside_strings(query: &str) -> impl Iterator<Item = char> {
    let mut quote = None;
    let mut escaped = false;
    query.chars().filter(move |c| {
        if let Some(open) = quote {
            let closes = *c == open && !escaped;
            escaped = *c == '\\' && !escaped && open != '`';
            if closes {
                quote = None;
            }
            return false;
        }
        if matches!(*c, '"' | '\'' | '`') {
            quote = Some(*c);
            return false;
        }
        true
    })
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
