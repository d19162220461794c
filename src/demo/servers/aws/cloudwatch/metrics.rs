//! ListMetrics: 500 a page, only those that had a point within two weeks, or within three hours (facts/aws.md 2.1).

use super::{Desk, dimension_values, dimensions};
use crate::demo::servers::aws::failure::Failure;
use crate::demo::servers::aws::value::Value;

const PAGE: usize = 500;
const HOUR: i64 = 3_600_000;

pub fn list(desk: &Desk<'_>, request: &Value) -> Result<Value, Failure> {
    let namespace = request.str("Namespace")?;
    let name = request.str("MetricName")?;
    let wanted = dimensions(request)?;
    let horizon = match request.str("RecentlyActive")? {
        None => 14 * 24 * HOUR,
        Some("PT3H") => 3 * HOUR,
        Some(other) => return Err(Failure::invalid(format!("RecentlyActive must be PT3H, not {other}"))),
    };
    let start = match request.str("NextToken")? {
        None => 0,
        Some(token) => token.parse().map_err(|_| Failure::invalid("NextToken is not one of this request's"))?,
    };
    let mut found = desk
        .store
        .metrics()
        .map(|(id, _)| id)
        .filter(|id| namespace.is_none_or(|n| n == id.namespace) && name.is_none_or(|n| n == id.name))
        .filter(|id| {
            wanted.iter().all(|(name, value)| {
                id.dimensions.iter().any(|(n, v)| n == name && value.is_none_or(|value| value == v))
            })
        })
        .filter(|id| desk.holds(id))
        .filter(|id| desk.published(id, desk.now).last().is_some_and(|p| p.minute >= desk.now - horizon))
        .skip(start);
    let page: Vec<Value> = found
        .by_ref()
        .take(PAGE)
        .map(|id| {
            Value::structure([
                ("Namespace", Some(Value::text(id.namespace.as_str()))),
                ("MetricName", Some(Value::text(id.name.as_str()))),
                ("Dimensions", Some(dimension_values(id))),
            ])
        })
        .collect();
    let next = found.next().is_some().then(|| Value::Text((start + PAGE).to_string()));
    Ok(Value::structure([("Metrics", Some(Value::List(page))), ("NextToken", next)]))
}
