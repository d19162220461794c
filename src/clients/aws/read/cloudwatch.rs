//! CloudWatch: metrics in batches, the list of metrics, alarms (facts/aws.md 2.1, 2.2).

use std::collections::BTreeSet;

use aws_sdk_cloudwatch::Client;
use aws_sdk_cloudwatch::primitives::DateTime;
use aws_sdk_cloudwatch::types::{
    Dimension, Metric as SdkMetric, MetricDataQuery, MetricStat, RecentlyActive, StateValue, StatusCode,
};

use super::{Connection, MAX_PAGES, millis, text};
use crate::clients::aws::connect::Place;
use crate::clients::aws::fault;
use crate::domain::error::Fault;

/// Queries of one GetMetricData call (CloudWatch API).
const BATCH: usize = 500;
/// Statistics of one metric that are billed as one metric requested (facts/aws.md 2.2).
const STATISTICS_PER_METRIC: usize = 5;

/// A metric by namespace, name and dimensions, which are sorted by name.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Metric {
    pub namespace: String,
    pub name: String,
    pub dimensions: Vec<(String, String)>,
}

/// One statistic of one metric. `period` in seconds; `stat` as CloudWatch spells it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct MetricQuery {
    pub metric: Metric,
    pub period: u32,
    pub stat: String,
}

/// The answer to one query.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Series {
    /// Start of each bucket and its value, ascending.
    pub points: Vec<(i64, f64)>,
    /// Why there may be less than there is, for example that the metric is forbidden.
    pub problem: Option<&'static str>,
}

/// A metric alarm that is in state ALARM.
#[derive(Clone, Debug, PartialEq)]
pub struct Alarm {
    pub name: String,
    pub reason: String,
    pub since: Option<i64>,
    pub dimensions: Vec<(String, String)>,
}

pub struct CloudWatch {
    client: Client,
    heartbeat: Client,
    place: Place,
}

/// How many metrics a set of queries is billed as.
#[must_use]
pub fn billed(queries: &[MetricQuery]) -> usize {
    let metrics: BTreeSet<&Metric> = queries.iter().map(|q| &q.metric).collect();
    metrics
        .into_iter()
        .map(|metric| queries.iter().filter(|q| q.metric == *metric).count().div_ceil(STATISTICS_PER_METRIC))
        .sum()
}

impl CloudWatch {
    #[must_use]
    pub fn new(connection: &Connection) -> Self {
        Self {
            client: Client::new(&connection.panel),
            heartbeat: Client::new(&connection.heartbeat),
            place: connection.place.clone(),
        }
    }

    /// One series per query, in their order: buckets that start at or after `start` and before `end`.
    ///
    /// # Errors
    /// The [`Fault`] of the first page that failed.
    pub async fn metric_data(&self, queries: &[MetricQuery], start: i64, end: i64) -> Result<Vec<Series>, Fault> {
        let mut all = Vec::with_capacity(queries.len());
        for batch in queries.chunks(BATCH) {
            all.extend(self.batch(batch, start, end).await?);
        }
        Ok(all)
    }

    async fn batch(&self, queries: &[MetricQuery], start: i64, end: i64) -> Result<Vec<Series>, Fault> {
        let mut series = vec![Series::default(); queries.len()];
        let request = self
            .client
            .get_metric_data()
            .start_time(DateTime::from_millis(start))
            .end_time(DateTime::from_millis(end))
            .set_metric_data_queries(Some(queries.iter().enumerate().map(|(n, q)| query(n, q)).collect()));
        let mut token = None;
        for _ in 0..MAX_PAGES {
            let page = request
                .clone()
                .set_next_token(token)
                .send()
                .await
                .map_err(|e| fault::of(&self.place, "cloudwatch:GetMetricData", &e))?;
            for result in page.metric_data_results() {
                let index = result.id().and_then(|id| id.strip_prefix('q')).and_then(|n| n.parse::<usize>().ok());
                let Some(slot) = index.and_then(|n| series.get_mut(n)) else { continue };
                let times = result.timestamps().iter().filter_map(|t| millis(Some(t)));
                slot.points.extend(times.zip(result.values().iter().copied()));
                slot.problem = match result.status_code() {
                    Some(StatusCode::Forbidden) => Some("forbidden"),
                    Some(StatusCode::InternalError) => Some("internal error of CloudWatch"),
                    _ => slot.problem,
                };
            }
            token = page.next_token().map(str::to_owned);
            if token.is_none() {
                break;
            }
        }
        for one in &mut series {
            one.points.sort_by_key(|(at, _)| *at);
            one.points.dedup_by_key(|(at, _)| *at);
        }
        Ok(series)
    }

    /// The metrics of a namespace that had a point within three hours.
    ///
    /// # Errors
    /// The [`Fault`] of the first page that failed.
    pub async fn list_metrics(&self, namespace: &str) -> Result<Vec<Metric>, Fault> {
        let request = self.client.list_metrics().namespace(namespace).recently_active(RecentlyActive::Pt3H);
        let mut found = Vec::new();
        let mut token = None;
        for _ in 0..MAX_PAGES {
            let page = request
                .clone()
                .set_next_token(token)
                .send()
                .await
                .map_err(|e| fault::of(&self.place, "cloudwatch:ListMetrics", &e))?;
            found.extend(page.metrics().iter().map(|metric| Metric {
                namespace: text(metric.namespace()),
                name: text(metric.metric_name()),
                dimensions: dimensions(metric.dimensions()),
            }));
            token = page.next_token().map(str::to_owned);
            if token.is_none() {
                break;
            }
        }
        Ok(found)
    }

    /// The metric alarms that are in state ALARM.
    ///
    /// # Errors
    /// The [`Fault`] of the first page that failed.
    pub async fn firing_alarms(&self) -> Result<Vec<Alarm>, Fault> {
        let request = self.client.describe_alarms().state_value(StateValue::Alarm).max_records(100);
        let mut found = Vec::new();
        let mut token = None;
        for _ in 0..MAX_PAGES {
            let page = request
                .clone()
                .set_next_token(token)
                .send()
                .await
                .map_err(|e| fault::of(&self.place, "cloudwatch:DescribeAlarms", &e))?;
            found.extend(page.metric_alarms().iter().map(|alarm| Alarm {
                name: text(alarm.alarm_name()),
                reason: text(alarm.state_reason()),
                since: millis(alarm.state_transitioned_timestamp().or(alarm.state_updated_timestamp())),
                dimensions: dimensions(alarm.dimensions()),
            }));
            token = page.next_token().map(str::to_owned);
            if token.is_none() {
                break;
            }
        }
        Ok(found)
    }

    /// Whether CloudWatch answers us; free within the first million of requests a month.
    ///
    /// # Errors
    /// The [`Fault`] that a read would meet now.
    pub async fn alive(&self) -> Result<(), Fault> {
        let answer = self.heartbeat.describe_alarms().state_value(StateValue::Alarm).max_records(1).send().await;
        answer.map(|_| ()).map_err(|e| fault::of(&self.place, "cloudwatch:DescribeAlarms", &e))
    }
}

fn query(index: usize, query: &MetricQuery) -> MetricDataQuery {
    let dimension = |(name, value): &(String, String)| Dimension::builder().name(name).value(value).build();
    let metric = SdkMetric::builder()
        .namespace(&query.metric.namespace)
        .metric_name(&query.metric.name)
        .set_dimensions(Some(query.metric.dimensions.iter().map(dimension).collect()))
        .build();
    let period = i32::try_from(query.period).unwrap_or(i32::MAX);
    let stat = MetricStat::builder().metric(metric).period(period).stat(&query.stat).build();
    MetricDataQuery::builder().id(format!("q{index}")).metric_stat(stat).build()
}

fn dimensions(sdk: &[Dimension]) -> Vec<(String, String)> {
    let mut pairs: Vec<(String, String)> = sdk.iter().map(|d| (text(d.name()), text(d.value()))).collect();
    pairs.sort();
    pairs
}
