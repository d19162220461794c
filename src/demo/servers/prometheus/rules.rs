//! `/api/v1/rules` and `/api/v1/alerts`.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use super::reply::{Failure, Reply};
use super::request::Request;
use super::{View, number};
use crate::demo::store::alerting::{Alert, Rule};

/// Seconds between evaluations of a rule group.
const INTERVAL: i64 = 15;

pub fn rules(view: &View, request: &Request) -> Result<Reply, Failure> {
    let wanted = |name: &str, value: &str| {
        let mut asked = request.all(name).peekable();
        asked.peek().is_none() || asked.any(|a| a == value)
    };
    match request.first("type") {
        None | Some("alert") => {}
        Some("record") => return Ok(Reply::json(&json!({"groups": []}))),
        Some(other) => return Err(Failure::parameter("type", format_args!("not supported value \"{other}\""))),
    }
    let with_alerts = !matches!(request.first("exclude_alerts"), Some("true" | "1" | "t"));
    let mut groups: BTreeMap<&str, Vec<Value>> = BTreeMap::new();
    for rule in &view.alerting.rules {
        if wanted("rule_name[]", rule.name) && wanted("rule_group[]", rule.group) && wanted("file[]", &file(rule.group))
        {
            groups.entry(rule.group).or_default().push(alerting_rule(view, rule, with_alerts));
        }
    }
    let groups = groups.into_iter().map(|(name, rules)| {
        json!({
            "name": name,
            "file": file(name),
            "interval": INTERVAL,
            "limit": 0,
            "rules": rules,
            "evaluationTime": 0.001,
            "lastEvaluation": rfc3339(evaluated(view.now)),
        })
    });
    Ok(Reply::json(&json!({"groups": groups.collect::<Vec<_>>()})))
}

pub fn alerts(view: &View, _: &Request) -> Result<Reply, Failure> {
    let alerts: Vec<_> = view.alerting.alerts.iter().map(alert).collect();
    Ok(Reply::json(&json!({"alerts": alerts})))
}

fn alerting_rule(view: &View, rule: &Rule, with_alerts: bool) -> Value {
    let own: Vec<&Alert> = view.alerting.alerts.iter().filter(|a| a.rule == rule.name).collect();
    let state = match own.as_slice() {
        [] => "inactive",
        alerts if alerts.iter().any(|a| a.firing) => "firing",
        _ => "pending",
    };
    let severity = [("severity", rule.severity)].into_iter().filter(|(_, v)| !v.is_empty());
    let extra = rule.extra_labels.iter().map(|(k, v)| (*k, v.as_str()));
    let annotations = [("summary", rule.summary.as_str()), ("runbook_url", rule.runbook_url.as_str())];
    let mut value = json!({
        "state": state,
        "name": rule.name,
        "query": rule.expression,
        "duration": rule.hold / 1000,
        "keepFiringFor": 0,
        "labels": object(severity.chain(extra)),
        "annotations": object(annotations.into_iter().filter(|(_, v)| !v.is_empty())),
        "health": "ok",
        "evaluationTime": 0.0005,
        "lastEvaluation": rfc3339(evaluated(view.now)),
        "type": "alerting",
    });
    if let (true, Some(fields)) = (with_alerts, value.as_object_mut()) {
        fields.insert("alerts".to_owned(), own.into_iter().map(alert).collect());
    }
    value
}

fn alert(alert: &Alert) -> Value {
    let pairs = |pairs: &'_ [(String, String)]| object(pairs.iter().map(|(k, v)| (k.as_str(), v.as_str())));
    json!({
        "labels": pairs(&alert.labels),
        "annotations": pairs(&alert.annotations),
        "state": if alert.firing { "firing" } else { "pending" },
        "activeAt": rfc3339(alert.active_at),
        "value": number::scientific(alert.value),
    })
}

fn object<'a>(pairs: impl Iterator<Item = (&'a str, &'a str)>) -> Value {
    Value::Object(pairs.map(|(k, v)| (k.to_owned(), json!(v))).collect::<Map<_, _>>())
}

fn file(group: &str) -> String {
    format!("/etc/prometheus/rules/{group}.yaml")
}

fn evaluated(now: i64) -> i64 {
    now - now.rem_euclid(INTERVAL * 1000)
}

/// A moment in milliseconds as RFC 3339 in UTC.
pub fn rfc3339(millis: i64) -> String {
    jiff::Timestamp::from_millisecond(millis).unwrap_or_default().to_string()
}
