//! `/api/v1/query`, `/query_range` and `/format_query`.

use promql_parser::parser::value::ValueType;
use serde_json::json;

use super::eval::{self, Answer, Frame, LOOKBACK};
use super::reply::{Failure, Reply};
use super::request::Request;
use super::{View, number};
use crate::demo::store::tsdb::{Labels, Sample};

/// Steps that one range query may have.
const MAX_STEPS: i64 = 11_000;

const TRUNCATED: &str = "results truncated due to limit";

pub fn instant(view: &View, request: &Request) -> Result<Reply, Failure> {
    let limit = request.limit("limit")?;
    let at = request.moment("time")?.unwrap_or(view.now);
    request.duration("timeout")?;
    let lookback = lookback(request)?;
    let expression = eval::parse(request.first("query").unwrap_or_default())?;
    let answer = eval::instant(view.tsdb, &expression, at, lookback)?;
    Ok(written(answer, at, limit))
}

pub fn range(view: &View, request: &Request) -> Result<Reply, Failure> {
    let limit = request.limit("limit")?;
    let required = |name, text: &str| Failure::parameter(name, format_args!("cannot parse \"\" to a valid {text}"));
    let start = request.moment("start")?.ok_or_else(|| required("start", "timestamp"))?;
    let end = request.moment("end")?.ok_or_else(|| required("end", "timestamp"))?;
    if end < start {
        return Err(Failure::parameter("end", "end timestamp must not be before start time"));
    }
    let step = request.duration("step")?.ok_or_else(|| required("step", "duration"))?;
    if step <= 0 {
        return Err(Failure::parameter(
            "step",
            "zero or negative query resolution step widths are not accepted. Try a positive integer",
        ));
    }
    if (end - start) / step > MAX_STEPS {
        return Err(Failure::bad_data(
            "exceeded maximum resolution of 11,000 points per timeseries. Try decreasing the query resolution (?step=XX)",
        ));
    }
    request.duration("timeout")?;
    let lookback = lookback(request)?;
    let expression = eval::parse(request.first("query").unwrap_or_default())?;
    let kind = match expression.value_type() {
        ValueType::Scalar | ValueType::Vector => None,
        ValueType::Matrix => Some("range vector"),
        ValueType::String => Some("string"),
    };
    if let Some(kind) = kind {
        let why = format!("invalid expression type \"{kind}\" for range query, must be Scalar or instant Vector");
        return Err(Failure::parameter("query", why));
    }
    let answer = eval::range(view.tsdb, &expression, Frame { start, end, step }, lookback)?;
    Ok(written(answer, end, limit))
}

pub fn format(_: &View, request: &Request) -> Result<Reply, Failure> {
    let expression = eval::parse(request.first("query").unwrap_or_default())?;
    Ok(Reply::json(&json!(expression.prettify())))
}

fn lookback(request: &Request) -> Result<i64, Failure> {
    Ok(request.duration("lookback_delta")?.filter(|delta| *delta > 0).unwrap_or(LOOKBACK))
}

/// Written by hand and not through a tree of values: an answer may hold a million samples.
fn written(answer: Answer, at: i64, limit: usize) -> Reply {
    let mut warnings = Vec::new();
    let mut out = String::new();
    match answer {
        Answer::Scalar(value) => {
            out.push_str("{\"resultType\":\"scalar\",\"result\":");
            sample(&mut out, at, value);
        }
        Answer::Text(text) => {
            let text = json!(text);
            out.push_str(&format!("{{\"resultType\":\"string\",\"result\":[{},{text}]", number::timestamp(at)));
        }
        Answer::Vector(mut elements) => {
            truncate(&mut elements, limit, &mut warnings);
            out.push_str("{\"resultType\":\"vector\",\"result\":[");
            joined(&mut out, elements, |out, (labels, value)| {
                metric(out, &labels);
                out.push_str(",\"value\":");
                sample(out, at, value);
                out.push('}');
            });
            out.push(']');
        }
        Answer::Matrix(mut series) => {
            truncate(&mut series, limit, &mut warnings);
            out.push_str("{\"resultType\":\"matrix\",\"result\":[");
            joined(&mut out, series, |out, (labels, samples): (Labels, Vec<Sample>)| {
                metric(out, &labels);
                out.push_str(",\"values\":[");
                joined(out, samples, |out, s| sample(out, s.at, s.value));
                out.push_str("]}");
            });
            out.push(']');
        }
    }
    out.push('}');
    Reply::Data(out, warnings)
}

fn truncate<T>(results: &mut Vec<T>, limit: usize, warnings: &mut Vec<&'static str>) {
    if results.len() > limit {
        results.truncate(limit);
        warnings.push(TRUNCATED);
    }
}

fn joined<T>(out: &mut String, items: Vec<T>, write: impl Fn(&mut String, T)) {
    for (n, item) in items.into_iter().enumerate() {
        if n > 0 {
            out.push(',');
        }
        write(out, item);
    }
}

fn metric(out: &mut String, labels: &Labels) {
    out.push_str("{\"metric\":{");
    joined(out, labels.iter().collect(), |out, (name, value)| {
        out.push_str(&json!(name).to_string());
        out.push(':');
        out.push_str(&json!(value).to_string());
    });
    out.push('}');
}

fn sample(out: &mut String, at: i64, value: f64) {
    out.push('[');
    out.push_str(&number::timestamp(at));
    out.push_str(",\"");
    out.push_str(&number::plain(value));
    out.push_str("\"]");
}
