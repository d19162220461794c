//! CloudWatch: metrics in batches, the list of metrics, alarms (facts/aws.md 2.1, 2.2).

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};

use aws_config::SdkConfig;
use aws_sdk_cloudwatch::Client;
use aws_sdk_cloudwatch::primitives::DateTime;
use aws_sdk_cloudwatch::types::{
    Dimension, Metric as SdkMetric, MetricAlarm, MetricDataQuery, MetricStat, RecentlyActive, StateValue, StatusCode,
};

use super::pages::pages;
use super::{Connection, millis, text};
use crate::clients::aws::cap::Cap;
use crate::clients::aws::connect::Place;
use crate::clients::aws::fault;
use crate::domain::error::Fault;

const GET_METRIC_DATA: &str = "cloudwatch:GetMetricData";
const DESCRIBE_ALARMS: &str = "cloudwatch:DescribeAlarms";
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
    spent: Spent,
}

/// How many metrics these queries are billed as, asked together in as many calls as they need: up to five statistics of
/// a metric are one within a call, not across calls.
#[must_use]
pub fn billed(queries: &[MetricQuery]) -> usize {
    let of_call = |queries: &[MetricQuery]| {
        let mut statistics: BTreeMap<&Metric, usize> = BTreeMap::new();
        for query in queries {
            *statistics.entry(&query.metric).or_default() += 1;
        }
        statistics.values().map(|count| count.div_ceil(STATISTICS_PER_METRIC)).sum::<usize>()
    };
    queries.chunks(BATCH).map(of_call).sum()
}

impl CloudWatch {
    #[must_use]
    pub fn new(connection: &Connection) -> Self {
        Self {
            client: client(&connection.panel),
            heartbeat: client(&connection.heartbeat),
            place: connection.place.clone(),
            spent: Spent::default(),
        }
    }

    /// One series per query, in their order: buckets that start at or after `start` and before `end`.
    ///
    /// # Errors
    /// The [`Fault`] of the first page that failed.
    pub async fn metric_data(&self, queries: &[MetricQuery], start: i64, end: i64) -> Result<Vec<Series>, Fault> {
        let mut all = Vec::with_capacity(queries.len());
        for batch in queries.chunks(BATCH) {
            self.spent.metrics(batch);
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
        let results = pages(&self.place, GET_METRIC_DATA, async |token| {
            let page = request.clone().set_next_token(token).send().await;
            let page = page.map_err(|e| fault::of(&self.place, GET_METRIC_DATA, &e))?;
            Ok((page.metric_data_results().to_vec(), page.next_token().map(str::to_owned)))
        });
        for result in results.await? {
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
        const ACTION: &str = "cloudwatch:ListMetrics";
        let request = self.client.list_metrics().namespace(namespace).recently_active(RecentlyActive::Pt3H);
        pages(&self.place, ACTION, async |token| {
            self.spent.call();
            let page = request.clone().set_next_token(token).send().await;
            let page = page.map_err(|e| fault::of(&self.place, ACTION, &e))?;
            Ok((page.metrics().iter().map(listed).collect(), page.next_token().map(str::to_owned)))
        })
        .await
    }

    /// The metric alarms that are in state ALARM.
    ///
    /// # Errors
    /// The [`Fault`] of the first page that failed.
    pub async fn firing_alarms(&self) -> Result<Vec<Alarm>, Fault> {
        let request = self.client.describe_alarms().state_value(StateValue::Alarm).max_records(100);
        pages(&self.place, DESCRIBE_ALARMS, async |token| {
            self.spent.call();
            let page = request.clone().set_next_token(token).send().await;
            let page = page.map_err(|e| fault::of(&self.place, DESCRIBE_ALARMS, &e))?;
            Ok((page.metric_alarms().iter().map(alarm).collect(), page.next_token().map(str::to_owned)))
        })
        .await
    }

    /// Whether CloudWatch answers us. It has no call that is free: this one is billed as one request.
    ///
    /// # Errors
    /// The [`Fault`] that a read would meet now.
    pub async fn alive(&self) -> Result<(), Fault> {
        self.spent.call();
        let answer = self.heartbeat.describe_alarms().state_value(StateValue::Alarm).max_records(1).send().await;
        answer.map(|_| ()).map_err(|e| fault::of(&self.place, DESCRIBE_ALARMS, &e))
    }

    /// What has been asked and is billed: metrics of GetMetricData, and calls of anything else. Both cost 0.01 USD a
    /// thousand; the first million of calls of an account and month is free, but not ours alone (facts/aws.md 2.2).
    #[must_use]
    pub fn spent(&self) -> (u64, u64) {
        (self.spent.metrics.load(Ordering::Relaxed), self.spent.calls.load(Ordering::Relaxed))
    }
}

/// Counts what is billed.
#[derive(Debug, Default)]
struct Spent {
    metrics: AtomicU64,
    calls: AtomicU64,
}

impl Spent {
    fn call(&self) {
        self.calls.fetch_add(1, Ordering::Relaxed);
    }

    fn metrics(&self, queries: &[MetricQuery]) {
        self.metrics.fetch_add(billed(queries) as u64, Ordering::Relaxed);
    }
}

fn listed(metric: &SdkMetric) -> Metric {
    Metric {
        namespace: text(metric.namespace()),
        name: text(metric.metric_name()),
        dimensions: dimensions(metric.dimensions()),
    }
}

fn alarm(alarm: &MetricAlarm) -> Alarm {
    Alarm {
        name: text(alarm.alarm_name()),
        reason: text(alarm.state_reason()),
        since: millis(alarm.state_transitioned_timestamp().or(alarm.state_updated_timestamp())),
        dimensions: dimensions(alarm.dimensions()),
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

fn client(shared: &SdkConfig) -> Client {
    Client::from_conf(aws_sdk_cloudwatch::config::Builder::from(shared).interceptor(Cap).build())
}
