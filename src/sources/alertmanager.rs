//! Alerts of one Alertmanager, with what silences and inhibits them.

use std::time::Duration;

use futures::future::BoxFuture;

use super::prometheus::alerts::Alarm;
use super::{Cadence, Outlet, Source};
use crate::clients::alertmanager::read::{Alert, AlertmanagerClient};
use crate::clients::egress::Egress;
use crate::clients::web::Site;
use crate::domain::error::Fault;
use crate::domain::id::SourceId;
use crate::domain::settings::AlertmanagerSettings;
use crate::domain::text::Raw;
use crate::domain::time::Stamp;
use crate::model::board::SourceKind;
use crate::model::facts::{AlertFact, Fact, Observation};

/// Time between two looks at the alerts (facts/signals.md 1.2).
const POLL: Duration = Duration::from_secs(15);
/// Time between two signs of life: with the client's own deadline of 5 s, silence is noticed within 10 s.
const LIFE: Duration = Duration::from_secs(3);
/// The runner's patience: two calls of the client.
const PATIENCE: Duration = Duration::from_secs(11);

/// Reads alerts from one Alertmanager.
pub struct AlertmanagerSource {
    id: SourceId,
    client: AlertmanagerClient,
    /// When the alerts were last read.
    looked_at: Option<Stamp>,
}

impl AlertmanagerSource {
    /// # Errors
    /// [`crate::domain::error::FaultKind::Usage`] when the address is wrong or outside what `egress` allows.
    pub fn new(settings: &AlertmanagerSettings, egress: Egress) -> Result<Self, Fault> {
        let site = Site {
            what: "alertmanager",
            url: settings.url.clone(),
            bearer_file: settings.bearer_file.clone(),
            ..Site::default()
        };
        let client = AlertmanagerClient::new(&site, egress)?;
        Ok(Self { id: SourceId::new(&settings.name), client, looked_at: None })
    }

    async fn look(&mut self, outlet: &dyn Outlet) -> Result<(), Fault> {
        let observed_at = outlet.now();
        let due = self.looked_at.is_none_or(|at| observed_at.since(at) + LIFE / 2 >= POLL);
        if !due || self.looked_at.is_none() {
            let version = self.client.version().await?;
            outlet.identity(crate::shown!("alertmanager {}", version));
            outlet.alive();
        }
        if !due {
            return Ok(());
        }
        let alerts = self.client.alerts().await?;
        let facts = alerts.iter().filter_map(|alert| fact(alert, observed_at)).map(Fact::Alert).collect();
        outlet.observe(Observation { source: self.id.clone(), scope: "alerts", observed_at, complete: true, facts });
        outlet.alive();
        self.looked_at = Some(observed_at);
        Ok(())
    }
}

fn fact(alert: &Alert, observed: Stamp) -> Option<AlertFact> {
    let alarm = Alarm {
        key: Raw::new(&alert.fingerprint),
        labels: &alert.labels,
        annotations: &alert.annotations,
        since: Some(&alert.starts_at),
        silenced: !alert.status.silenced_by.is_empty(),
        inhibited: !alert.status.inhibited_by.is_empty(),
    };
    alarm.fact(observed)
}

impl Source for AlertmanagerSource {
    fn id(&self) -> SourceId {
        self.id.clone()
    }

    fn kind(&self) -> SourceKind {
        SourceKind::Alertmanager
    }

    fn endpoint(&self) -> Raw {
        self.client.endpoint()
    }

    fn cadence(&self) -> Cadence {
        Cadence::Poll { every: LIFE, deadline: PATIENCE }
    }

    fn round<'a>(&'a mut self, outlet: &'a dyn Outlet) -> BoxFuture<'a, Result<(), Fault>> {
        Box::pin(self.look(outlet))
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicI64, Ordering};
    use std::sync::mpsc::{SyncSender, sync_channel};

    use serde_json::json;

    use super::*;
    use crate::clients::testing::{Seen, beside, json as json_answer};
    use crate::domain::health::Health;
    use crate::domain::text::Shown;

    struct Ear(AtomicI64, SyncSender<Observation>);

    impl Outlet for Ear {
        fn now(&self) -> Stamp {
            Stamp::from_millis(self.0.load(Ordering::Relaxed))
        }
        fn observe(&self, observation: Observation) {
            self.1.try_send(observation).expect("room for an observation");
        }
        fn alive(&self) {}
        fn identity(&self, identity: Shown) {
            assert_eq!(identity.as_str(), "alertmanager 0.25.0");
        }
        fn cost(&self, _: f64) {}
    }

    #[tokio::test]
    async fn alerts_are_told_whole_with_what_silences_and_inhibits_them() {
        let answer = |seen: Seen| {
            let alert = |key: &str, status: serde_json::Value| {
                json!({"labels": {"alertname": key, "severity": "critical"}, "startsAt": "2026-11-21T03:12:07Z",
                    "fingerprint": key, "status": status})
            };
            json_answer(
                200,
                &match seen.path.as_str() {
                    "/api/v2/status" => json!({"versionInfo": {"version": "0.25.0"}}),
                    _ => json!([
                        alert("plain", json!({"silencedBy": [], "inhibitedBy": []})),
                        alert("silenced", json!({"silencedBy": ["s"], "inhibitedBy": []})),
                        alert("inhibited", json!({"silencedBy": [], "inhibitedBy": ["plain"]})),
                        alert("Watchdog", json!({})),
                    ]),
                },
            )
        };
        let (said, heard) = sync_channel(10);
        let ear = Ear(AtomicI64::new(1_000_000), said);
        beside(answer, async |url| {
            let settings = AlertmanagerSettings { name: "am".into(), url, bearer_file: None };
            let mut source = AlertmanagerSource::new(&settings, Egress::LoopbackOnly).unwrap();
            for (secs, looks) in [(0, 1), (4, 0), (4, 0), (6, 1)] {
                ear.0.fetch_add(secs * 1000, Ordering::Relaxed);
                source.round(&ear).await.unwrap();
                let observations: Vec<_> = heard.try_iter().collect();
                assert_eq!(observations.len(), looks, "after {secs} s more");
                let Some(observation) = observations.first() else { continue };
                assert!(observation.complete);
                let told: Vec<_> = observation
                    .facts
                    .iter()
                    .map(|fact| match fact {
                        Fact::Alert(alert) => (alert.key.as_str(), alert.severity, alert.silenced),
                        other => panic!("{other:?}"),
                    })
                    .collect();
                let critical = Health::Critical;
                let expected =
                    [("plain", critical, false), ("silenced", critical, true), ("inhibited", Health::Ok, false)];
                assert_eq!(told, expected);
            }
        })
        .await;
    }
}
