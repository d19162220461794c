//! DescribeAlarms: metric alarms by name, prefix and state.

use super::{Desk, dimension_values};
use crate::demo::servers::aws::failure::Failure;
use crate::demo::servers::aws::value::Value;
use crate::demo::store::cloudwatch::Alarm;

pub fn describe(desk: &Desk<'_>, request: &Value) -> Result<Value, Failure> {
    let names: Vec<&str> = request.list("AlarmNames")?.iter().filter_map(Value::as_str).collect();
    let prefix = request.str("AlarmNamePrefix")?;
    if prefix.is_some() && !names.is_empty() {
        return Err(Failure::validation("AlarmNames and AlarmNamePrefix cannot be given together"));
    }
    let state = request.str("StateValue")?;
    if let Some(other) = state.filter(|s| !["OK", "ALARM", "INSUFFICIENT_DATA"].contains(s)) {
        return Err(Failure::validation(format!("Invalid value for StateValue: {other}")));
    }
    let size = request.int("MaxRecords")?.unwrap_or(50);
    if !(1..=100).contains(&size) {
        return Err(Failure::validation("MaxRecords must be between 1 and 100"));
    }
    let size = usize::try_from(size).unwrap_or(100);
    let start: usize = match request.str("NextToken")? {
        None => 0,
        Some(token) => token
            .parse()
            .map_err(|_| Failure::new(400, "InvalidNextToken", "The token is not one of this request's"))?,
    };
    let mut found: Vec<&Alarm> = desk
        .store
        .alarms
        .iter()
        .filter(|a| names.is_empty() || names.contains(&a.name.as_str()))
        .filter(|a| prefix.is_none_or(|p| a.name.starts_with(p)))
        .filter(|a| state.is_none_or(|s| s == a.state))
        .filter(|a| desk.holds(&a.metric))
        .collect();
    found.sort_by(|a, b| a.name.cmp(&b.name));
    let next = (found.len() > start + size).then(|| Value::Text((start + size).to_string()));
    let page = found.into_iter().skip(start).take(size).map(|a| alarm(desk, a)).collect();
    Ok(Value::structure([
        ("MetricAlarms", Some(Value::List(page))),
        ("CompositeAlarms", Some(Value::List(Vec::new()))),
        ("NextToken", next),
    ]))
}

fn alarm(desk: &Desk<'_>, alarm: &Alarm) -> Value {
    let arn = format!("arn:aws:cloudwatch:{}:{}:alarm:{}", desk.region, desk.aws.account, alarm.name);
    let percentile = alarm.statistic.starts_with('p');
    let statistic = |wanted: bool| (percentile == wanted).then(|| Value::text(alarm.statistic));
    Value::structure([
        ("AlarmName", Some(Value::text(alarm.name.as_str()))),
        ("AlarmArn", Some(Value::Text(arn))),
        ("ActionsEnabled", Some(Value::Bool(true))),
        ("StateValue", Some(Value::text(alarm.state))),
        ("StateReason", Some(Value::text(alarm.reason.as_str()))),
        ("StateUpdatedTimestamp", Some(Value::Time(alarm.updated_at))),
        ("StateTransitionedTimestamp", Some(Value::Time(alarm.updated_at))),
        ("Namespace", Some(Value::text(alarm.metric.namespace.as_str()))),
        ("MetricName", Some(Value::text(alarm.metric.name.as_str()))),
        ("Dimensions", Some(dimension_values(&alarm.metric))),
        ("Statistic", statistic(false)),
        ("ExtendedStatistic", statistic(true)),
        ("Period", Some(Value::Int(60))),
        ("EvaluationPeriods", Some(Value::Int(1))),
        ("Threshold", Some(Value::Float(alarm.threshold))),
        ("ComparisonOperator", Some(Value::text(alarm.comparison))),
    ])
}
