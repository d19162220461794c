//! What alerts mean, the same for Prometheus' own and Alertmanager's.

use std::collections::BTreeMap;

use crate::clients::prometheus::read::Alert;
use crate::domain::health::Health;
use crate::domain::text::Raw;
use crate::domain::time::Stamp;
use crate::model::facts::AlertFact;

use super::identity;

/// Alerts that are about alerting itself: the dead man's switch, and the one that only inhibits.
const PLUMBING: [&str; 2] = ["Watchdog", "InfoInhibitor"];

/// The parts of an alert that both systems have.
pub struct Alarm<'a> {
    /// The provider's identity of it.
    pub key: Raw,
    pub labels: &'a BTreeMap<String, String>,
    pub annotations: &'a BTreeMap<String, String>,
    /// RFC 3339.
    pub since: Option<&'a str>,
    pub silenced: bool,
    /// Another alert says the same already.
    pub inhibited: bool,
}

impl Alarm<'_> {
    /// The fact, or nothing where nobody is meant to act on it. `observed` stands in for a start that is not told.
    #[must_use]
    pub fn fact(&self, observed: Stamp) -> Option<AlertFact> {
        let name = self.labels.get("alertname").map_or("", String::as_str);
        let level = self.labels.get("severity").map(|text| text.to_ascii_lowercase());
        if PLUMBING.contains(&name) || level.as_deref() == Some("none") {
            return None;
        }
        let severity = if self.inhibited { Health::Ok } else { severity(level.as_deref()) };
        let annotation =
            |names: &[&str]| names.iter().find_map(|name| self.annotations.get(*name)).map(|s| Raw::new(s));
        Some(AlertFact {
            key: self.key.clone(),
            name: Raw::new(name),
            severity,
            since: self.since.and_then(Stamp::parse_rfc3339).unwrap_or(observed),
            subject: identity::subject(self.labels).map(|(alias, _)| alias),
            summary: annotation(&["summary", "description", "message"]).unwrap_or_else(|| Raw::new(name)),
            runbook: annotation(&["runbook_url", "runbook", "playbook"]),
            silenced: self.silenced,
        })
    }
}

/// The severity label as mixins and rule collections write it (facts/signals.md 1.2). One we do not know, or none, is a
/// warning: somebody wrote a rule and it fires.
fn severity(level: Option<&str>) -> Health {
    match level {
        Some("critical" | "crit" | "page" | "error" | "emergency" | "disaster" | "high") => Health::Critical,
        Some("info" | "informational" | "notice" | "low" | "debug") => Health::Ok,
        _ => Health::Warn,
    }
}

/// The firing alerts of a Prometheus; its alerts have no identity but their labels.
#[must_use]
pub fn firing(alerts: &[Alert], observed: Stamp) -> Vec<AlertFact> {
    alerts
        .iter()
        .filter(|alert| alert.firing)
        .filter_map(|alert| {
            let key: Vec<String> = alert.labels.iter().map(|(name, value)| format!("{name}={value:?}")).collect();
            let alarm = Alarm {
                key: Raw::from(key.join(",")),
                labels: &alert.labels,
                annotations: &alert.annotations,
                since: alert.active_at.as_deref(),
                silenced: false,
                inhibited: false,
            };
            alarm.fact(observed)
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::id::Alias;

    fn alert(labels: &[(&str, &str)], annotations: &[(&str, &str)], firing: bool) -> Alert {
        let map = |pairs: &[(&str, &str)]| pairs.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect();
        Alert {
            labels: map(labels),
            annotations: map(annotations),
            firing,
            active_at: Some("2026-11-21T03:12:07.25Z".into()),
        }
    }

    #[test]
    fn firing_alerts_become_facts_and_plumbing_does_not() {
        let alerts = [
            alert(&[("alertname", "Watchdog"), ("severity", "none")], &[], true),
            alert(&[("alertname", "Pending"), ("severity", "critical")], &[], false),
            alert(
                &[("alertname", "HighErrors"), ("severity", "Critical"), ("namespace", "shop"), ("service", "orders")],
                &[("summary", "errors"), ("playbook", "https://runbooks/high")],
                true,
            ),
        ];
        let facts = firing(&alerts, Stamp::default());
        assert_eq!(facts.len(), 1);
        let fact = facts.first().unwrap();
        assert_eq!(fact.severity, Health::Critical);
        assert_eq!(fact.subject, Some(Alias::Workload { namespace: "shop".into(), name: "orders".into() }));
        assert_eq!(fact.runbook, Some("https://runbooks/high".into()));
        assert_eq!(fact.summary, "errors".into());
        assert_eq!(fact.since.rfc3339(), "2026-11-21T03:12:07.250Z");
    }

    #[test]
    fn severities() {
        let cases = [
            (Some("page"), Health::Critical),
            (Some("warning"), Health::Warn),
            (Some("info"), Health::Ok),
            (Some("p7"), Health::Warn),
            (None, Health::Warn),
        ];
        for (level, expected) in cases {
            assert_eq!(severity(level), expected, "{level:?}");
        }
    }
}
