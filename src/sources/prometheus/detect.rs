//! Which rows of the catalogue a server can answer, and how often its targets are scraped.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use crate::clients::prometheus::read::{Series, Target};
use crate::model::signals::{self, PromQl, SignalSpec};

use super::row::Row;

/// Assumed where a server does not tell its scrape intervals.
const USUAL_INTERVAL: Duration = Duration::from_secs(30);
/// The shortest rate window.
const SHORTEST_WINDOW: Duration = Duration::from_secs(60);

/// The question that finds every metric of the catalogue, with the jobs that scrape it, in one call.
#[must_use]
pub fn question() -> String {
    let names: BTreeSet<String> = questions()
        .flat_map(|(_, promql)| [Some(promql.detection()), promql.unless.clone()])
        .flatten()
        .flat_map(|names| names.split('|').map(str::to_owned).collect::<Vec<_>>())
        .collect();
    let names: Vec<String> = names.into_iter().collect();
    format!("group by (__name__, job) ({{__name__=~\"{}\"}})", names.join("|"))
}

fn questions() -> impl Iterator<Item = (&'static SignalSpec, &'static PromQl)> {
    signals::all().filter_map(|spec| Some((spec, spec.promql()?)))
}

/// Scrape intervals by job.
#[derive(Debug, Default)]
pub struct Intervals(BTreeMap<String, Duration>);

impl Intervals {
    /// The slowest target decides for its job, so that every target has samples enough in a window.
    #[must_use]
    pub fn of(targets: &[Target]) -> Self {
        let mut by_job: BTreeMap<String, Duration> = BTreeMap::new();
        for target in targets {
            if let Some(interval) = target.scrape_interval {
                let slowest = by_job.entry(target.job.clone()).or_default();
                *slowest = interval.max(*slowest);
            }
        }
        Self(by_job)
    }

    /// The interval at which the fastest job is scraped.
    #[must_use]
    pub fn shortest(&self) -> Duration {
        self.0.values().min().copied().unwrap_or(USUAL_INTERVAL)
    }

    fn slowest<'a>(&self, jobs: impl Iterator<Item = &'a String>) -> Duration {
        let known = jobs.filter_map(|job| self.0.get(job)).max().copied();
        known.unwrap_or_else(|| self.0.values().max().copied().unwrap_or(USUAL_INTERVAL))
    }
}

/// The rows that apply, the most important first. The rate window is four scrape intervals and at least a minute
/// (facts/signals.md 1.1).
#[must_use]
pub fn rows(found: &[Series], intervals: &Intervals) -> Vec<Row> {
    let mut jobs: BTreeMap<&str, BTreeSet<String>> = BTreeMap::new();
    for series in found {
        if let Some(name) = series.labels.get("__name__") {
            jobs.entry(name).or_default().extend(series.labels.get("job").cloned());
        }
    }
    let mut rows: Vec<Row> = questions()
        .filter(|(_, promql)| promql.unless.as_deref().is_none_or(|other| !jobs.contains_key(other)))
        .flat_map(|(spec, promql)| {
            jobs.iter().filter(|(name, _)| promql.detects(name)).map(move |(name, jobs)| {
                let interval = intervals.slowest(jobs.iter());
                Row::new(spec, promql, name, (interval * 4).max(SHORTEST_WINDOW), interval)
            })
        })
        .collect();
    rows.sort_by_key(|row| (row.spec.role, &row.spec.id));
    rows
}

#[cfg(test)]
mod tests {
    use super::*;

    fn series(name: &str, job: &str) -> Series {
        let labels = [("__name__".to_owned(), name.to_owned()), ("job".to_owned(), job.to_owned())];
        Series { labels: labels.into(), samples: Vec::new() }
    }

    #[test]
    fn one_question_finds_everything() {
        let question = question();
        promql_parser::parser::parse(&question).unwrap();
        for name in ["redis_up", "|up\"", ".+_orders_completed_total", "http_server_request_duration_seconds_bucket"] {
            assert!(question.contains(name), "{name}");
        }
    }

    #[test]
    fn only_rows_whose_metric_exists_apply_with_the_window_of_their_job() {
        let target = |job: &str, secs| Target { job: job.into(), scrape_interval: Some(Duration::from_secs(secs)) };
        let intervals = Intervals::of(&[target("redis", 60), target("redis", 15), target("node", 15)]);
        assert_eq!(intervals.shortest(), Duration::from_secs(60).min(Duration::from_secs(15)));
        let found = [series("redis_up", "redis"), series("node_load1", "node"), series("shop_checkouts_total", "shop")];
        let rows = rows(&found, &intervals);
        let ids: Vec<_> = rows.iter().map(|row| (row.spec.id.as_str(), row.window.as_secs())).collect();
        let expected = [
            ("cache.redis.up", 240),
            ("host.load", 60),
            ("app.business.rate", 240),
            ("app.business.rate.lastweek", 240),
        ];
        for row in expected {
            assert!(ids.contains(&row), "{row:?} is not in {ids:?}");
        }
        assert_eq!(ids.len(), expected.len(), "{ids:?}");
    }

    #[test]
    fn a_row_steps_back_for_a_better_one() {
        let native = series("http_server_request_duration_seconds", "a");
        let ids = |found: &[Series]| {
            rows(found, &Intervals::default()).iter().map(|row| row.spec.id.clone()).collect::<Vec<_>>()
        };
        assert!(ids(std::slice::from_ref(&native)).contains(&"app.otel.nh_rps".to_owned()));
        let both = ids(&[native, series("http_server_request_duration_seconds_bucket", "a")]);
        assert!(!both.contains(&"app.otel.nh_rps".to_owned()));
    }
}
