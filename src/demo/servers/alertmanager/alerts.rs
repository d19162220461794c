//! The firing alerts as Alertmanager lists them.

use std::collections::BTreeMap;

use regex::Regex;
use serde_json::{Map, Value, json};

use super::{RECEIVER, View};
use crate::demo::store::alerting::Alert;

/// How long Prometheus says a firing alert lasts each time it hands it on, ms.
const RESEND: i64 = 240_000;

/// What a request leaves out.
pub struct Filter {
    active: bool,
    matchers: Vec<Matcher>,
    receiver: Option<Regex>,
}

impl Filter {
    /// # Errors
    /// The text of a bad request.
    pub fn parse(query: &[(String, String)]) -> Result<Self, String> {
        let mut filter = Self { active: true, matchers: Vec::new(), receiver: None };
        for (name, value) in query {
            match name.as_str() {
                "active" => filter.active = flag(name, value)?,
                // Every alert here is active, so these select nothing more and leave nothing out.
                "silenced" | "inhibited" | "unprocessed" => drop(flag(name, value)?),
                "filter" => filter.matchers.extend(Matcher::parse_list(value)?),
                "receiver" => {
                    let regex = Regex::new(&format!("^(?:{value})$"));
                    filter.receiver = Some(regex.map_err(|e| format!("failed to parse receiver param: {e}"))?);
                }
                _ => {}
            }
        }
        Ok(filter)
    }

    fn accepts(&self, alert: &Alert) -> bool {
        let label = |name: &str| alert.labels.iter().find(|(k, _)| k == name).map_or("", |(_, v)| v.as_str());
        self.active
            && self.receiver.as_ref().is_none_or(|r| r.is_match(RECEIVER))
            && self.matchers.iter().all(|m| m.matches(label(&m.name)))
    }
}

fn flag(name: &str, value: &str) -> Result<bool, String> {
    value.parse().map_err(|_| format!("{name} in query must be of type boolean: \"{value}\""))
}

/// `name="value"`, with the operators `=`, `!=`, `=~` and `!~`.
struct Matcher {
    name: String,
    equal: bool,
    pattern: Pattern,
}

enum Pattern {
    Text(String),
    Regex(Regex),
}

impl Matcher {
    /// One matcher, or several in braces.
    fn parse_list(text: &str) -> Result<Vec<Self>, String> {
        let trimmed = text.trim();
        let inner = trimmed.strip_prefix('{').and_then(|t| t.strip_suffix('}')).unwrap_or(trimmed);
        split_outside_quotes(inner).into_iter().map(|part| Self::parse(part.trim())).collect()
    }

    fn parse(text: &str) -> Result<Self, String> {
        let bad = || format!("bad matcher format: {text}");
        let at = text.find(['=', '!']).ok_or_else(bad)?;
        let (name, rest) = text.split_at_checked(at).ok_or_else(bad)?;
        let operators = [("=~", true, true), ("!~", false, true), ("!=", false, false), ("=", true, false)];
        let found = operators.iter().find_map(|(sign, equal, regex)| Some((rest.strip_prefix(sign)?, *equal, *regex)));
        let (value, equal, regex) = found.ok_or_else(bad)?;
        let value = value.trim();
        let value = match value.strip_prefix('"') {
            Some(open) => open.strip_suffix('"').ok_or_else(bad)?.replace("\\\"", "\"").replace("\\\\", "\\"),
            None => value.to_owned(),
        };
        let name = name.trim();
        if name.is_empty() {
            return Err(bad());
        }
        let pattern = if regex {
            Pattern::Regex(Regex::new(&format!("^(?:{value})$")).map_err(|_| bad())?)
        } else {
            Pattern::Text(value)
        };
        Ok(Self { name: name.to_owned(), equal, pattern })
    }

    fn matches(&self, value: &str) -> bool {
        let same = match &self.pattern {
            Pattern::Text(text) => text == value,
            Pattern::Regex(regex) => regex.is_match(value),
        };
        same == self.equal
    }
}

fn split_outside_quotes(text: &str) -> Vec<&str> {
    let mut quoted = false;
    let mut escaped = false;
    let parts = text.split(move |c: char| {
        quoted ^= c == '"' && !escaped;
        escaped = c == '\\' && !escaped;
        c == ',' && !quoted
    });
    parts.collect()
}

/// `GET /alerts`, in the order of fingerprints.
pub fn list(view: &View, filter: &Filter) -> Value {
    let mut listed: Vec<_> = accepted(view, filter).map(|alert| (fingerprint(&alert.labels), alert)).collect();
    listed.sort_by(|(a, _), (b, _)| a.cmp(b));
    listed.into_iter().map(|(_, alert)| gettable(view, alert)).collect()
}

/// `GET /alerts/groups`: by `alertname`, as the route of the configuration groups them.
pub fn groups(view: &View, filter: &Filter) -> Value {
    let mut groups: BTreeMap<&str, Vec<Value>> = BTreeMap::new();
    for alert in accepted(view, filter) {
        let name = alert.labels.iter().find(|(k, _)| k == "alertname").map_or(alert.rule, |(_, v)| v);
        groups.entry(name).or_default().push(gettable(view, alert));
    }
    let groups = groups.into_iter().map(|(name, alerts)| {
        json!({
            "labels": {"alertname": name},
            "receiver": {"name": RECEIVER},
            "alerts": alerts,
        })
    });
    groups.collect()
}

/// Prometheus hands on what fires; what is pending never gets here.
fn accepted<'v>(view: &'v View, filter: &'v Filter) -> impl Iterator<Item = &'v Alert> {
    view.alerting.alerts.iter().filter(|alert| alert.firing && filter.accepts(alert))
}

fn gettable(view: &View, alert: &Alert) -> Value {
    let rule = view.alerting.rules.iter().find(|rule| rule.name == alert.rule);
    let expression = rule.map_or("", |rule| rule.expression.as_str());
    let encoded: String = form_urlencoded::byte_serialize(expression.as_bytes()).collect();
    json!({
        "labels": object(&alert.labels),
        "annotations": object(&alert.annotations),
        "startsAt": rfc3339(alert.active_at + rule.map_or(0, |rule| rule.hold)),
        "endsAt": rfc3339(view.now + RESEND),
        "updatedAt": rfc3339(view.now),
        "fingerprint": fingerprint(&alert.labels),
        "generatorURL": format!("http://prometheus.monitoring.svc:9090/graph?g0.expr={encoded}&g0.tab=1"),
        "receivers": [{"name": RECEIVER}],
        "status": {"state": "active", "silencedBy": [], "inhibitedBy": [], "mutedBy": []},
    })
}

fn object(pairs: &[(String, String)]) -> Value {
    Value::Object(pairs.iter().map(|(k, v)| (k.clone(), json!(v))).collect::<Map<_, _>>())
}

/// The identity of an alert: FNV-1a over its sorted labels, as `prometheus/common`'s `LabelSet.Fingerprint` computes it.
fn fingerprint(labels: &[(String, String)]) -> String {
    let sorted: BTreeMap<&str, &str> = labels.iter().map(|(k, v)| (k.as_str(), v.as_str())).collect();
    let bytes =
        sorted.into_iter().flat_map(|(name, value)| name.bytes().chain([0xff]).chain(value.bytes()).chain([0xff]));
    let hash = bytes
        .fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3));
    format!("{hash:016x}")
}

/// A moment in milliseconds as RFC 3339 in UTC, with the milliseconds Alertmanager always writes.
pub fn rfc3339(millis: i64) -> String {
    let time = jiff::Timestamp::from_millisecond(millis).unwrap_or_default();
    format!("{time:.3}")
}
