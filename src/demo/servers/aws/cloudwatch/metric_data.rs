//! GetMetricData (facts/aws.md 2.1).

use super::statistic::Statistic;
use super::{Desk, MINUTE, MetricId, dimensions};
use crate::demo::servers::aws::failure::Failure;
use crate::demo::servers::aws::value::Value;

/// Queries of one call (CloudWatch API, GetMetricData).
const MAX_QUERIES: usize = 500;
/// Data points of one page.
const MAX_DATAPOINTS: i64 = 100_800;

struct Query<'a> {
    id: &'a str,
    label: &'a str,
    metric: MetricId,
    statistic: Statistic,
    /// Milliseconds.
    period: i64,
    shown: bool,
}

/// Where a page begins, and the moment whose published points all pages of a call show.
#[derive(Clone, Copy)]
struct Cursor {
    query: usize,
    point: usize,
    as_of: i64,
}

impl Cursor {
    fn parse(token: &str) -> Result<Self, Failure> {
        let mut fields = token.split('-').map(str::parse::<i64>);
        let (Some(Ok(query)), Some(Ok(point)), Some(Ok(as_of)), None) =
            (fields.next(), fields.next(), fields.next(), fields.next())
        else {
            return Err(Failure::new(400, "InvalidNextToken", "The token is not one of this request's"));
        };
        let index = |n: i64| usize::try_from(n).unwrap_or(usize::MAX);
        Ok(Self { query: index(query), point: index(point), as_of })
    }

    fn token(self) -> String {
        format!("{}-{}-{}", self.query, self.point, self.as_of)
    }
}

pub fn get(desk: &Desk<'_>, request: &Value) -> Result<Value, Failure> {
    let range = range(request)?;
    let queries = queries(request)?;
    let ascending = match request.str("ScanBy")? {
        None | Some("TimestampDescending") => false,
        Some("TimestampAscending") => true,
        Some(other) => return Err(Failure::validation(format!("Invalid value for ScanBy: {other}"))),
    };
    let budget = request.int("MaxDatapoints")?.unwrap_or(MAX_DATAPOINTS);
    if !(1..=MAX_DATAPOINTS).contains(&budget) {
        return Err(Failure::validation(format!("MaxDatapoints must be between 1 and {MAX_DATAPOINTS}")));
    }
    let mut left = usize::try_from(budget).unwrap_or(usize::MAX);
    let start = match request.str("NextToken")? {
        Some(token) => Cursor::parse(token)?,
        None => Cursor { query: 0, point: 0, as_of: desk.now },
    };
    let mut results = Vec::new();
    let mut next = None;
    for (index, query) in queries.iter().enumerate().skip(start.query).filter(|(_, q)| q.shown) {
        let mut points = buckets(desk, query, &range, start.as_of);
        if !ascending {
            points.reverse();
        }
        let skipped = if index == start.query { start.point } else { 0 };
        let page: Vec<(i64, f64)> = points.iter().skip(skipped).take(left).copied().collect();
        left -= page.len();
        let end = skipped + page.len();
        let complete = end >= points.len();
        results.push(result(query, &page, complete));
        if !complete {
            next = Some(Cursor { query: index, point: end, as_of: start.as_of });
            break;
        }
    }
    Ok(Value::structure([
        ("MetricDataResults", Some(Value::List(results))),
        ("NextToken", next.map(|c| Value::Text(c.token()))),
        ("Messages", Some(Value::List(Vec::new()))),
    ]))
}

fn result(query: &Query<'_>, points: &[(i64, f64)], complete: bool) -> Value {
    let code = if complete { "Complete" } else { "PartialData" };
    Value::structure([
        ("Id", Some(Value::text(query.id))),
        ("Label", Some(Value::text(query.label))),
        ("Timestamps", Some(Value::List(points.iter().map(|(at, _)| Value::Time(*at)).collect()))),
        ("Values", Some(Value::List(points.iter().map(|(_, value)| Value::Float(*value)).collect()))),
        ("StatusCode", Some(Value::text(code))),
    ])
}

/// The window asked for, rounded down to the minute as CloudWatch does for the last 15 days.
fn range(request: &Value) -> Result<std::ops::Range<i64>, Failure> {
    let bound = |name: &str| -> Result<i64, Failure> {
        let at = request.time(name)?.ok_or_else(|| Failure::missing(name))?;
        Ok(at.div_euclid(MINUTE) * MINUTE)
    };
    let (start, end) = (bound("StartTime")?, bound("EndTime")?);
    if start >= end {
        return Err(Failure::validation("The parameter StartTime must be less than the parameter EndTime."));
    }
    Ok(start..end)
}

fn queries(request: &Value) -> Result<Vec<Query<'_>>, Failure> {
    let items = request.list("MetricDataQueries")?;
    if items.is_empty() {
        return Err(Failure::missing("MetricDataQueries"));
    }
    if items.len() > MAX_QUERIES {
        return Err(Failure::validation(format!(
            "The collection MetricDataQueries must not have a size greater than {MAX_QUERIES}."
        )));
    }
    let queries: Vec<Query<'_>> = items.iter().map(query).collect::<Result<_, _>>()?;
    let mut ids: Vec<&str> = queries.iter().map(|q| q.id).collect();
    ids.sort_unstable();
    if let Some(twice) = ids.windows(2).find_map(|pair| pair.first().filter(|first| pair.last() == Some(*first))) {
        return Err(Failure::validation(format!(
            "The values for parameter id in MetricDataQueries are not unique: {twice}"
        )));
    }
    Ok(queries)
}

fn query(item: &Value) -> Result<Query<'_>, Failure> {
    let id = item.str("Id")?.ok_or_else(|| Failure::missing("MetricDataQueries.member.Id"))?;
    if !id.starts_with(|c: char| c.is_ascii_lowercase())
        || !id.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_')
        || id.len() > 255
    {
        return Err(Failure::validation(format!(
            "The value {id} for parameter MetricDataQueries.member.Id is not matching the expected pattern \
             ^[a-z][a-zA-Z0-9_]*$"
        )));
    }
    if item.get("Expression").is_some() {
        return Err(Failure::validation(format!(
            "Error in expression '{id}': this server evaluates no expressions, only MetricStat"
        )));
    }
    let stat = item.get("MetricStat").ok_or_else(|| Failure::missing("MetricDataQueries.member.MetricStat"))?;
    let metric = stat.get("Metric").ok_or_else(|| Failure::missing("MetricStat.Metric"))?;
    let namespace = metric.str("Namespace")?.ok_or_else(|| Failure::missing("Metric.Namespace"))?;
    let name = metric.str("MetricName")?.ok_or_else(|| Failure::missing("Metric.MetricName"))?;
    let pairs = dimensions(metric)?
        .into_iter()
        .map(|(name, value)| Ok((name, value.ok_or_else(|| Failure::missing("Dimensions.member.Value"))?)))
        .collect::<Result<Vec<_>, Failure>>()?;
    let period = stat.int("Period")?.ok_or_else(|| Failure::missing("MetricStat.Period"))?;
    if !(period > 0 && period <= 86_400 && (period % 60 == 0 || [1, 5, 10, 20, 30].contains(&period))) {
        return Err(Failure::validation(format!("Invalid period {period}: it must be a multiple of 60 seconds")));
    }
    let text = stat.str("Stat")?.ok_or_else(|| Failure::missing("MetricStat.Stat"))?;
    let statistic = Statistic::parse(text)
        .ok_or_else(|| Failure::validation(format!("The value {text} for parameter Stat is not supported.")))?;
    Ok(Query {
        id,
        label: item.str("Label")?.unwrap_or(name),
        metric: MetricId::new(namespace, name, pairs),
        statistic,
        period: (period * 1_000).max(MINUTE),
        shown: item.bool("ReturnData")?.unwrap_or(true),
    })
}

/// Start and value of every bucket with samples, ascending. A bucket begins at a multiple of the period and holds those
/// of its minutes that lie in the window.
fn buckets(desk: &Desk<'_>, query: &Query<'_>, range: &std::ops::Range<i64>, as_of: i64) -> Vec<(i64, f64)> {
    if !desk.holds(&query.metric) {
        return Vec::new();
    }
    let start = range.start.div_euclid(query.period) * query.period;
    let points = desk.published(&query.metric, as_of);
    let from = points.partition_point(|p| p.minute < start);
    let to = points.partition_point(|p| p.minute < range.end);
    let bucket = |minute: i64| minute.div_euclid(query.period) * query.period;
    points
        .get(from..to)
        .unwrap_or_default()
        .chunk_by(|a, b| bucket(a.minute) == bucket(b.minute))
        .filter_map(|chunk| Some((bucket(chunk.first()?.minute), query.statistic.of(chunk)?)))
        .collect()
}
