//! What the server says of itself and of what it scrapes: `/api/v1/targets`, `/alertmanagers`, `/status/*`.

use std::time::Duration;

use promql_parser::util::display_duration;
use serde_json::{Value, json};

use super::View;
use super::eval::{LOOKBACK, MAX_POINTS};
use super::reply::{Failure, Reply};
use super::request::Request;
use super::rules::rfc3339;
use crate::demo::store::tsdb::Target;

/// `scrape_timeout` in milliseconds, unless the interval is shorter.
const SCRAPE_TIMEOUT: i64 = 10_000;

pub fn targets(view: &View, request: &Request) -> Result<Reply, Failure> {
    let state = request.first("state").unwrap_or("any");
    let pool = request.first("scrapePool");
    let wanted = view.tsdb.targets.iter().filter(|t| pool.is_none_or(|pool| t.job == pool));
    let active: Vec<_> = if state.eq_ignore_ascii_case("dropped") {
        Vec::new()
    } else {
        wanted.map(|t| target(t, view.tsdb.scrape_interval)).collect()
    };
    Ok(Reply::json(&json!({"activeTargets": active, "droppedTargets": [], "droppedTargetCounts": {}})))
}

fn target(target: &Target, interval: i64) -> Value {
    let url = format!("http://{}/metrics", target.instance);
    json!({
        "discoveredLabels": {
            "__address__": target.instance,
            "__metrics_path__": "/metrics",
            "__scheme__": "http",
            "job": target.job,
        },
        "labels": {"instance": target.instance, "job": target.job},
        "scrapePool": target.job,
        "scrapeUrl": url,
        "globalUrl": url,
        "lastError": target.last_error,
        "lastScrape": rfc3339(target.last_scrape),
        "lastScrapeDuration": 0.005,
        "health": if target.up { "up" } else { "down" },
        "scrapeInterval": duration(interval),
        "scrapeTimeout": duration(interval.min(SCRAPE_TIMEOUT)),
    })
}

/// A duration in milliseconds in Prometheus' notation.
fn duration(millis: i64) -> String {
    display_duration(&Duration::from_millis(u64::try_from(millis).unwrap_or(0)))
}

pub fn alertmanagers(_: &View, _: &Request) -> Result<Reply, Failure> {
    let url = "http://alertmanager.monitoring.svc:9093/api/v2/alerts";
    Ok(Reply::json(&json!({"activeAlertmanagers": [{"url": url}], "droppedAlertmanagers": []})))
}

/// The version is that of the API's shapes; who really answers stands in `revision` and `application`.
pub fn buildinfo(_: &View, _: &Request) -> Result<Reply, Failure> {
    Ok(Reply::json(&json!({
        "version": "2.53.0",
        "revision": "embedded",
        "branch": "tierdeck",
        "buildUser": "",
        "buildDate": "",
        "goVersion": "",
        "application": concat!("tierdeck demo ", env!("CARGO_PKG_VERSION")),
    })))
}

pub fn runtimeinfo(view: &View, _: &Request) -> Result<Reply, Failure> {
    let first = view.tsdb.all().filter_map(|s| s.samples.first()).map(|s| s.at).min();
    Ok(Reply::json(&json!({
        "startTime": rfc3339(first.unwrap_or(view.now)),
        "CWD": "/prometheus",
        "reloadConfigSuccess": true,
        "lastConfigTime": rfc3339(first.unwrap_or(view.now)),
        "corruptionCount": 0,
        "goroutineCount": 0,
        "GOMAXPROCS": 1,
        "GOMEMLIMIT": 0,
        "GOGC": "",
        "GODEBUG": "",
        "storageRetention": "15d",
    })))
}

pub fn flags(_: &View, _: &Request) -> Result<Reply, Failure> {
    Ok(Reply::json(&json!({
        "query.lookback-delta": duration(LOOKBACK),
        "query.max-samples": MAX_POINTS.to_string(),
        "query.timeout": "2m",
        "web.enable-lifecycle": "false",
    })))
}
