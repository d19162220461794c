//! Which series there are: `/api/v1/series`, `/labels`, `/label/NAME/values`, `/metadata`.

use std::collections::BTreeSet;

use promql_parser::parser::{Expr, VectorSelector};
use serde_json::{Map, Value, json};

use super::View;
use super::eval::{self, EvalError};
use super::reply::{Failure, Reply};
use super::request::Request;
use crate::demo::store::tsdb::{Labels, Series};

const TRUNCATED: &str = "results truncated due to limit";

pub fn series(view: &View, request: &Request) -> Result<Reply, Failure> {
    if request.all("match[]").next().is_none() {
        return Err(Failure::bad_data("no match[] parameter provided"));
    }
    let found: BTreeSet<&Labels> = selected(view, request)?.into_iter().map(|s| &s.labels).collect();
    let sets = found.into_iter().map(|labels| labels.iter().map(|(k, v)| (k.to_owned(), json!(v))).collect());
    limited(request, sets.map(Value::Object).collect())
}

pub fn labels(view: &View, request: &Request) -> Result<Reply, Failure> {
    let series = selected(view, request)?;
    let names: BTreeSet<&str> = series.iter().flat_map(|s| s.labels.iter().map(|(name, _)| name)).collect();
    limited(request, names.into_iter().map(Value::from).collect())
}

pub fn values(view: &View, request: &Request) -> Result<Reply, Failure> {
    let name = request.segment("name");
    if !eval::is_label_name(name) {
        return Err(Failure::bad_data(format!("invalid label name: \"{name}\"")));
    }
    let series = selected(view, request)?;
    let values: BTreeSet<&str> = series.iter().map(|s| s.labels.get(name)).filter(|v| !v.is_empty()).collect();
    limited(request, values.into_iter().map(Value::from).collect())
}

/// The series that any of `match[]` selects (all without one) and that have a sample between `start` and `end`.
fn selected<'a>(view: &View<'a>, request: &Request) -> Result<Vec<&'a Series>, Failure> {
    let start = request.moment("start")?.unwrap_or(i64::MIN);
    let end = request.moment("end")?.unwrap_or(i64::MAX);
    if end < start {
        return Err(Failure::parameter("end", "end timestamp must not be before start time"));
    }
    let selectors = request.all("match[]").map(selector).collect::<Result<Vec<_>, _>>()?;
    let series: Vec<_> = if selectors.is_empty() {
        view.tsdb.all().collect()
    } else {
        selectors.iter().flat_map(|s| eval::matching(view.tsdb, s)).collect()
    };
    let in_time = |series: &&Series| {
        let from = series.samples.partition_point(|s| s.at < start);
        series.samples.get(from).is_some_and(|s| s.at <= end)
    };
    Ok(series.into_iter().filter(in_time).collect())
}

fn selector(text: &str) -> Result<VectorSelector, Failure> {
    match eval::parse(text) {
        Ok(Expr::VectorSelector(selector)) => Ok(selector),
        Ok(_) => Err(Failure::parameter("match[]", "parse error: expected a series selector")),
        Err(EvalError::Parse(text) | EvalError::Execution(text)) => Err(Failure::parameter("match[]", text)),
    }
}

fn limited(request: &Request, mut results: Vec<Value>) -> Result<Reply, Failure> {
    let limit = request.limit("limit")?;
    let warnings = if results.len() > limit { vec![TRUNCATED] } else { Vec::new() };
    results.truncate(limit);
    Ok(Reply::Data(Value::from(results).to_string(), warnings))
}

pub fn metadata(view: &View, request: &Request) -> Result<Reply, Failure> {
    let limit = request.limit("limit")?;
    let wanted = request.first("metric");
    let known = view.tsdb.metadata.iter().filter(|(name, _)| wanted.is_none_or(|wanted| wanted == **name));
    let entries = known
        .take(limit)
        .map(|(name, m)| ((*name).to_owned(), json!([{"type": m.kind, "help": m.help, "unit": m.unit}])));
    Ok(Reply::json(&Value::Object(entries.collect::<Map<_, _>>())))
}
