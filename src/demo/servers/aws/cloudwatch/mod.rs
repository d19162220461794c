//! CloudWatch (2010-08-01), over documents that either protocol carries.

mod alarms;
mod metric_data;
mod metrics;
mod statistic;

use super::failure::Failure;
use super::value::Value;
use crate::demo::store::aws::Aws;
use crate::demo::store::cloudwatch::{CloudWatch, MetricId, Point, publication_delay};

/// One reading call.
pub struct Operation {
    pub name: &'static str,
    pub answer: fn(&Desk<'_>, &Value) -> Result<Value, Failure>,
}

pub const OPERATIONS: &[Operation] = &[
    Operation { name: "GetMetricData", answer: metric_data::get },
    Operation { name: "ListMetrics", answer: metrics::list },
    Operation { name: "DescribeAlarms", answer: alarms::describe },
];

const MINUTE: i64 = 60_000;

/// What CloudWatch answers from.
pub struct Desk<'a> {
    pub store: &'a CloudWatch,
    pub aws: &'a Aws,
    /// The region of the request's credential scope.
    pub region: &'a str,
    pub now: i64,
}

impl Desk<'_> {
    /// Whether a metric is kept in the region that was asked: those of the global services live in us-east-1 only
    /// (facts/aws.md 2.3), the others in the world's region.
    fn holds(&self, id: &MetricId) -> bool {
        let global = match id.namespace.as_str() {
            "AWS/CloudFront" | "AWS/Route53" => true,
            "AWS/WAFV2" => !id.dimensions.iter().any(|(name, _)| name == "Region"),
            _ => false,
        };
        if global { self.region == "us-east-1" } else { self.region == self.aws.region }
    }

    /// The points of a metric that are published by the minute `as_of`.
    fn published(&self, id: &MetricId, as_of: i64) -> &[Point] {
        let points = self.store.points(id);
        let delay = MINUTE + publication_delay(&id.namespace);
        points.get(..points.partition_point(|p| p.minute + delay <= as_of)).unwrap_or_default()
    }
}

/// `[{Name, Value}]` as pairs; a filter may leave the value out.
fn dimensions(document: &Value) -> Result<Vec<(&str, Option<&str>)>, Failure> {
    document
        .list("Dimensions")?
        .iter()
        .map(|d| Ok((d.str("Name")?.ok_or_else(|| Failure::missing("Dimensions.member.Name"))?, d.str("Value")?)))
        .collect()
}

/// `{Namespace, MetricName, Dimensions}` as pairs of an answer.
fn dimension_values(id: &MetricId) -> Value {
    let pair = |(name, value): &(String, String)| {
        Value::structure([("Name", Some(Value::text(name.as_str()))), ("Value", Some(Value::text(value.as_str())))])
    };
    Value::List(id.dimensions.iter().map(pair).collect())
}
