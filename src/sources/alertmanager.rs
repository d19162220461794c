//! Alerts of one Alertmanager, with what silences and inhibits them.

use std::collections::BTreeMap;
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
/// Time between two signs of life: silence must be noticed within 10 s.
const LIFE: Duration = Duration::from_secs(4);
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
            headers: BTreeMap::new(),
            bearer_file: settings.bearer_file.clone(),
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
