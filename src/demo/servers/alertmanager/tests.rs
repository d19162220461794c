use axum::http::StatusCode;
use serde_json::{Value, json};

use super::{ROUTES, View, handler};
use crate::demo::store::alerting::{Alert, Alerting, Rule};

const NOW: i64 = 1_000_000_000;

fn alerting() -> Alerting {
    let alert = |name: &'static str, severity: &str, firing| Alert {
        rule: name,
        labels: vec![("severity".to_owned(), severity.to_owned()), ("alertname".to_owned(), name.to_owned())],
        annotations: vec![("summary".to_owned(), "Too much, \"really\".".to_owned())],
        value: 1.0,
        active_at: NOW - 120_000,
        firing,
    };
    Alerting {
        rules: vec![Rule {
            group: "shop",
            name: "High",
            expression: "m > 1".to_owned(),
            hold: 60_000,
            severity: "critical",
            summary: String::new(),
            runbook_url: String::new(),
            extra_labels: Vec::new(),
        }],
        alerts: vec![
            alert("High", "critical", true),
            alert("Low", "warning", true),
            alert("Pending", "critical", false),
        ],
    }
}

async fn get(path: &str, query: &[(&str, &str)]) -> Result<(StatusCode, Value), String> {
    let alerting = alerting();
    let query: Vec<_> = query.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect();
    let response = handler(path).unwrap()(&View { alerting: &alerting, now: NOW }, &query)?;
    let status = response.status();
    let body = axum::body::to_bytes(response.into_body(), usize::MAX).await.unwrap();
    Ok((status, serde_json::from_slice(&body).unwrap_or_else(|_| json!(String::from_utf8_lossy(&body)))))
}

/// The names of the alerts that a query lists.
async fn listed(query: &[(&str, &str)]) -> Vec<String> {
    let (_, body) = get("/api/v2/alerts", query).await.unwrap();
    let mut names: Vec<_> = body.as_array().unwrap().iter().map(|a| a["labels"]["alertname"].clone()).collect();
    names.sort_by_key(ToString::to_string);
    names.into_iter().map(|name| name.as_str().unwrap().to_owned()).collect()
}

#[test]
fn every_route_has_a_handler_and_stands_once() {
    for (at, route) in ROUTES.iter().enumerate() {
        assert!(handler(route.1).is_some(), "{route:?}");
        assert!(!ROUTES[..at].contains(route), "{route:?}");
    }
}

#[tokio::test]
async fn a_firing_alert_has_the_fields_of_the_api() {
    let (_, body) = get("/api/v2/alerts", &[("filter", "alertname=High")]).await.unwrap();
    let expect = json!([{
        "labels": {"alertname": "High", "severity": "critical"},
        "annotations": {"summary": "Too much, \"really\"."},
        "startsAt": "1970-01-12T13:45:40.000Z",
        "endsAt": "1970-01-12T13:50:40.000Z",
        "updatedAt": "1970-01-12T13:46:40.000Z",
        "fingerprint": "c78afddd4672d13e",
        "generatorURL": "http://prometheus.monitoring.svc:9090/graph?g0.expr=m+%3E+1&g0.tab=1",
        "receivers": [{"name": "on-call"}],
        "status": {"state": "active", "silencedBy": [], "inhibitedBy": [], "mutedBy": []},
    }]);
    assert_eq!(body, expect);
}

#[tokio::test]
async fn filters_leave_out_what_they_say() {
    assert_eq!(listed(&[]).await, ["High", "Low"], "what is pending is not handed on");
    assert_eq!(listed(&[("active", "false")]).await, [""; 0]);
    assert_eq!(listed(&[("silenced", "false"), ("inhibited", "false"), ("unprocessed", "false")]).await.len(), 2);
    assert_eq!(listed(&[("filter", "severity=\"critical\"")]).await, ["High"]);
    assert_eq!(listed(&[("filter", "severity!=critical")]).await, ["Low"]);
    assert_eq!(listed(&[("filter", "severity=~\"crit.*|x,y\"")]).await, ["High"]);
    assert_eq!(listed(&[("filter", "{severity!~\"crit.*\", alertname=Low}")]).await, ["Low"]);
    assert_eq!(listed(&[("filter", "severity=critical"), ("filter", "alertname=Low")]).await, [""; 0]);
    assert_eq!(listed(&[("receiver", "on-.*")]).await.len(), 2);
    assert_eq!(listed(&[("receiver", "call")]).await, [""; 0], "the expression is anchored");
}

#[tokio::test]
async fn bad_filters_are_refused_with_a_text() {
    let bad = |query| async move { get("/api/v2/alerts", &[query]).await.unwrap_err() };
    assert_eq!(bad(("filter", "bad")).await, "bad matcher format: bad");
    assert_eq!(bad(("filter", "a=~\"(\"")).await, "bad matcher format: a=~\"(\"");
    assert_eq!(bad(("filter", "=b")).await, "bad matcher format: =b");
    assert!(bad(("active", "perhaps")).await.contains("must be of type boolean"));
    assert!(bad(("receiver", "(")).await.starts_with("failed to parse receiver param"));
}

#[tokio::test]
async fn groups_receivers_silences_and_status_are_there() {
    let (_, groups) = get("/api/v2/alerts/groups", &[]).await.unwrap();
    assert_eq!(groups[0]["labels"], json!({"alertname": "High"}));
    assert_eq!(groups[1]["alerts"][0]["labels"]["severity"], "warning");
    assert_eq!(get("/api/v2/receivers", &[]).await.unwrap().1, json!([{"name": "on-call"}]));
    assert_eq!(get("/api/v2/silences", &[]).await.unwrap().1, json!([]));
    let (_, status) = get("/api/v2/status", &[]).await.unwrap();
    assert_eq!(status["cluster"]["status"], "ready");
    assert_eq!(get("/-/ready", &[]).await.unwrap().0, StatusCode::OK);
}

#[tokio::test]
async fn the_first_api_is_gone() {
    let (status, body) = get("/api/v1/{*path}", &[]).await.unwrap();
    assert_eq!((status, &body["status"]), (StatusCode::GONE, &json!("deprecated")));
}
