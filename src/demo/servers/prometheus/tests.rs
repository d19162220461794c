//! The API as a client sees it: shapes, errors and limits.

use std::collections::HashMap;

use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use serde_json::{Value, json};

use super::request::Request;
use super::{ROUTES, View, handler, respond};
use crate::demo::store::alerting::{Alert, Alerting, Rule};
use crate::demo::store::tsdb::{Labels, Metadata, STALE_NAN, Target, Tsdb};

/// World time of every test: 1,000,000 s.
const NOW: i64 = 1_000_000_000;

fn tsdb() -> Tsdb {
    let mut tsdb = Tsdb::default();
    tsdb.scrape_interval = 15_000;
    for (instance, value) in [("b:1", 2.5), ("a:1", f64::INFINITY)] {
        let id = tsdb.series_id(Labels::new("m", [("instance", instance), ("job", "j")]));
        tsdb.append(id, NOW - 20_000, 1.0);
        tsdb.append(id, NOW - 5_500, value);
    }
    let ended = tsdb.series_id(Labels::new("old", [("zone", "z\"1")]));
    tsdb.append(ended, NOW - 900_000, 1.0);
    tsdb.append(ended, NOW - 885_000, f64::from_bits(STALE_NAN));
    tsdb.metadata.insert("m", Metadata { kind: "gauge", help: "A metric.", unit: "" });
    tsdb.targets = vec![Target {
        job: "j".to_owned(),
        instance: "a:1".to_owned(),
        up: false,
        last_scrape: NOW - 5_500,
        last_error: "connection refused".to_owned(),
    }];
    tsdb
}

fn alerting() -> Alerting {
    let rule = |name, hold| Rule {
        group: "shop",
        name,
        expression: "m > 1".to_owned(),
        hold,
        severity: "critical",
        summary: "Too much.".to_owned(),
        runbook_url: String::new(),
        extra_labels: vec![("tier", "edge".to_owned())],
    };
    let alert = |rule, firing| Alert {
        rule,
        labels: vec![("alertname".to_owned(), rule.to_owned())],
        annotations: Vec::new(),
        value: 0.25,
        active_at: NOW - 60_000,
        firing,
    };
    Alerting {
        rules: vec![rule("High", 60_000), rule("Waiting", 300_000), rule("Quiet", 0)],
        alerts: vec![alert("High", true), alert("Waiting", false)],
    }
}

async fn send(request: Request, path: &str, up: bool) -> (StatusCode, Value) {
    let (tsdb, alerting) = (tsdb(), alerting());
    let view = View { tsdb: &tsdb, alerting: &alerting, now: NOW };
    let response = respond(handler(path).unwrap(), up.then_some(view), &request);
    let status = response.status();
    let body = axum::body::to_bytes(response.into_body(), usize::MAX).await.unwrap();
    let body = serde_json::from_slice(&body).unwrap_or_else(|_| json!(String::from_utf8_lossy(&body)));
    (status, body)
}

async fn get(path: &str, query: &str) -> (StatusCode, Value) {
    send(Request::new(HashMap::new(), Some(query), &HeaderMap::new(), b""), path, true).await
}

/// The `data` of a successful answer.
async fn data(path: &str, query: &str) -> Value {
    let (status, mut body) = get(path, query).await;
    assert_eq!((status, &body["status"]), (StatusCode::OK, &json!("success")), "{path}?{query}: {body}");
    body["data"].take()
}

async fn refused(path: &str, query: &str) -> (u16, String, String) {
    let (status, body) = get(path, query).await;
    let text = |key: &str| body[key].as_str().unwrap_or_default().to_owned();
    assert_eq!(body["status"], "error", "{path}?{query}: {body}");
    (status.as_u16(), text("errorType"), text("error"))
}

#[test]
fn every_route_has_a_handler_and_stands_once() {
    for (at, route) in ROUTES.iter().enumerate() {
        assert!(handler(route.1).is_some(), "{route:?}");
        assert!(!ROUTES[..at].contains(route), "{route:?}");
    }
}

#[tokio::test]
async fn instant_results_have_prometheus_shapes() {
    let a = json!({"metric": {"__name__": "m", "instance": "a:1", "job": "j"}, "value": [1_000_000, "+Inf"]});
    let b = json!({"metric": {"__name__": "m", "instance": "b:1", "job": "j"}, "value": [1_000_000, "2.5"]});
    assert_eq!(data("/api/v1/query", "query=m").await, json!({"resultType": "vector", "result": [a, b]}));
    assert_eq!(
        data("/api/v1/query", "query=1%2F0&time=12.25").await,
        json!({"resultType": "scalar", "result": [12.25, "+Inf"]})
    );
    assert_eq!(
        data("/api/v1/query", "query=%22a%5C%22b%22&time=1970-01-01T00:00:10Z").await,
        json!({"resultType": "string", "result": [10, "a\"b"]})
    );
    assert_eq!(
        data("/api/v1/query", "query=m%7Binstance%3D%22b:1%22%7D%5B1m%5D").await["result"][0]["values"],
        json!([[999_980, "1"], [999_994.5, "2.5"]])
    );
    assert_eq!(
        data("/api/v1/query", "query=old&time=999101").await["result"][0]["metric"],
        json!({"__name__": "old", "zone": "z\"1"})
    );
    assert_eq!(data("/api/v1/query", "query=nothing").await, json!({"resultType": "vector", "result": []}));
}

#[tokio::test]
async fn range_results_are_matrices() {
    let query = "query=sum(m%7Binstance%3D%22b:1%22%7D)&start=999970&end=1000000&step=10";
    let sum = json!({"metric": {}, "values": [[999_980, "1"], [999_990, "1"], [1_000_000, "2.5"]]});
    assert_eq!(data("/api/v1/query_range", query).await, json!({"resultType": "matrix", "result": [sum]}));
    let scalar = data("/api/v1/query_range", "query=time()&start=10&end=70&step=1m").await;
    assert_eq!(scalar["result"], json!([{"metric": {}, "values": [[10, "10"], [70, "70"]]}]));
}

#[tokio::test]
async fn a_form_is_read_as_the_query_string_is_and_comes_first() {
    let mut headers = HeaderMap::new();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/x-www-form-urlencoded"));
    let request = |headers: &HeaderMap| Request::new(HashMap::new(), Some("query=2&time=5"), headers, b"query=1%2B2");
    let (_, body) = send(request(&headers), "/api/v1/query", true).await;
    assert_eq!(body["data"]["result"], json!([5, "3"]));
    let (_, body) = send(request(&HeaderMap::new()), "/api/v1/query", true).await;
    assert_eq!(body["data"]["result"], json!([5, "2"]), "a body of another type is no form");
}

#[tokio::test]
async fn bad_parameters_are_refused_in_prometheus_words() {
    let range = |rest: &str| format!("query=m&{rest}");
    let cases = [
        ("/api/v1/query", "query=m&time=yesterday".to_owned(), "cannot parse \"yesterday\" to a valid timestamp"),
        ("/api/v1/query", "query=m&time=1e300".to_owned(), "cannot parse \"1e300\" to a valid timestamp"),
        ("/api/v1/query", "query=m&timeout=x".to_owned(), "cannot parse \"x\" to a valid duration"),
        ("/api/v1/query", "query=m&limit=-1".to_owned(), "limit must be non-negative"),
        ("/api/v1/query", "query=sum(".to_owned(), "invalid parameter \"query\": parse error: "),
        ("/api/v1/query", String::new(), "no expression found in input"),
        ("/api/v1/query_range", range("end=2&step=1"), "invalid parameter \"start\""),
        ("/api/v1/query_range", range("start=2&end=1&step=1"), "end timestamp must not be before start time"),
        ("/api/v1/query_range", range("start=1&end=2&step=0"), "zero or negative query resolution step widths"),
        ("/api/v1/query_range", range("start=1&end=2&step=-5"), "zero or negative query resolution step widths"),
        ("/api/v1/query_range", range("start=0&end=11001&step=1"), "exceeded maximum resolution of 11,000 points"),
        ("/api/v1/query_range", "query=m[1m]&start=1&end=2&step=1".to_owned(), "\"range vector\" for range query"),
        ("/api/v1/series", String::new(), "no match[] parameter provided"),
        ("/api/v1/series", "match[]=sum(m)".to_owned(), "invalid parameter \"match[]\""),
        ("/api/v1/series", "match[]=m&start=5&end=1".to_owned(), "end timestamp must not be before start time"),
        ("/api/v1/rules", "type=other".to_owned(), "not supported value \"other\""),
    ];
    for (path, query, words) in cases {
        let (status, kind, text) = refused(path, &query).await;
        assert_eq!((status, kind.as_str()), (400, "bad_data"), "{path}?{query}: {text}");
        assert!(text.contains(words), "{path}?{query}: {text}");
    }
    let (status, kind, text) = refused("/api/v1/query", "query=m%2Fon(job)m").await;
    assert_eq!((status, kind.as_str()), (422, "execution"));
    assert!(text.contains("many-to-many matching not allowed"), "{text}");
    assert_eq!(data("/api/v1/query_range", "query=1&start=0&end=11000&step=1").await["resultType"], "matrix");
}

#[tokio::test]
async fn a_limit_cuts_and_says_so() {
    let (_, body) = get("/api/v1/query", "query=m&limit=1").await;
    assert_eq!(body["data"]["result"].as_array().map(Vec::len), Some(1));
    assert_eq!(body["warnings"], json!(["results truncated due to limit"]));
    let (_, body) = get("/api/v1/query", "query=m&limit=2").await;
    assert!(body.get("warnings").is_none());
    let (_, body) = get("/api/v1/labels", "limit=1").await;
    assert_eq!((&body["data"], body["warnings"].is_array()), (&json!(["__name__"]), true));
}

#[tokio::test]
async fn series_and_labels_are_those_selected_and_alive_in_the_interval() {
    let sets = data("/api/v1/series", "match[]=m&match[]=%7Bjob%3D%22j%22%7D").await;
    let set = |instance: &str| json!({"__name__": "m", "instance": instance, "job": "j"});
    assert_eq!(sets, json!([set("a:1"), set("b:1")]));
    assert_eq!(data("/api/v1/labels", "").await, json!(["__name__", "instance", "job", "zone"]));
    assert_eq!(data("/api/v1/labels", "start=999500").await, json!(["__name__", "instance", "job"]));
    assert_eq!(data("/api/v1/labels", "match[]=old").await, json!(["__name__", "zone"]));
    let values = |name: &str, query: &str| {
        let segments = HashMap::from([("name".to_owned(), name.to_owned())]);
        send(Request::new(segments, Some(query), &HeaderMap::new(), b""), "/api/v1/label/{name}/values", true)
    };
    assert_eq!(values("__name__", "end=999500").await.1["data"], json!(["old"]));
    assert_eq!(values("instance", "").await.1["data"], json!(["a:1", "b:1"]));
    assert_eq!(values("bad name", "").await.0, StatusCode::BAD_REQUEST);
}

#[tokio::test]
async fn metadata_and_targets_are_told() {
    let metric = json!([{"type": "gauge", "help": "A metric.", "unit": ""}]);
    assert_eq!(data("/api/v1/metadata", "").await, json!({"m": metric}));
    assert_eq!(data("/api/v1/metadata", "metric=other").await, json!({}));
    let targets = data("/api/v1/targets", "state=active").await;
    let target = &targets["activeTargets"][0];
    assert_eq!(target["health"], "down");
    assert_eq!(target["lastError"], "connection refused");
    assert_eq!(target["lastScrape"], "1970-01-12T13:46:34.5Z");
    assert_eq!(target["scrapeInterval"], "15s");
    assert_eq!(data("/api/v1/targets", "state=dropped").await["activeTargets"], json!([]));
}

#[tokio::test]
async fn rules_carry_their_state_and_alerts() {
    let groups = data("/api/v1/rules", "type=alert").await;
    let rules = groups["groups"][0]["rules"].as_array().unwrap();
    let states: Vec<_> = rules.iter().map(|r| (r["name"].as_str().unwrap(), r["state"].as_str().unwrap())).collect();
    assert_eq!(states, [("High", "firing"), ("Waiting", "pending"), ("Quiet", "inactive")]);
    assert_eq!(rules[0]["duration"], 60);
    assert_eq!(rules[0]["labels"], json!({"severity": "critical", "tier": "edge"}));
    assert_eq!(rules[0]["annotations"], json!({"summary": "Too much."}));
    let alert = json!({
        "labels": {"alertname": "High"},
        "annotations": {},
        "state": "firing",
        "activeAt": "1970-01-12T13:45:40Z",
        "value": "2.5e-01",
    });
    assert_eq!(rules[0]["alerts"], json!([alert]));
    assert_eq!(data("/api/v1/alerts", "").await["alerts"][0], alert);
    let named = data("/api/v1/rules", "rule_name[]=Quiet&exclude_alerts=true").await;
    assert_eq!(named["groups"][0]["rules"].as_array().map(Vec::len), Some(1));
    assert!(named["groups"][0]["rules"][0].get("alerts").is_none());
    assert_eq!(data("/api/v1/rules", "type=record").await, json!({"groups": []}));
}

#[tokio::test]
async fn the_server_tells_what_it_is() {
    assert_eq!(data("/api/v1/status/buildinfo", "").await["revision"], "embedded");
    assert_eq!(data("/api/v1/status/flags", "").await["query.lookback-delta"], "5m");
    assert_eq!(data("/api/v1/status/runtimeinfo", "").await["storageRetention"], "15d");
    assert_eq!(data("/api/v1/format_query", "query=sum+by(a)(m)").await, "sum by (a) (m)");
    let (status, body) = get("/-/healthy", "").await;
    assert_eq!((status, body), (StatusCode::OK, json!("Prometheus Server is Healthy.\n")));
}

#[tokio::test]
async fn a_server_that_is_down_answers_nothing_of_its_own() {
    for (_, path) in ROUTES {
        let request = Request::new(HashMap::new(), Some("query=m"), &HeaderMap::new(), b"");
        let (status, body) = send(request, path, false).await;
        assert_eq!(status, StatusCode::SERVICE_UNAVAILABLE, "{path}");
        assert!(body.is_string(), "{path}: {body}");
    }
}
