//! Alerts and version of one Alertmanager.

use std::collections::BTreeMap;
use std::time::Duration;

use serde::Deserialize;
use serde::de::DeserializeOwned;

use crate::clients::egress::Egress;
use crate::clients::web::{Answer, Site, WebClient};
use crate::domain::error::Fault;
use crate::domain::text::{Raw, Shown};

/// The wait for an answer.
const DEADLINE: Duration = Duration::from_secs(5);

/// Reads one Alertmanager.
pub struct AlertmanagerClient {
    web: WebClient,
}

/// An alert as Alertmanager holds it. Fields that only newer servers tell are not asked for.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Alert {
    pub labels: BTreeMap<String, String>,
    #[serde(default)]
    pub annotations: BTreeMap<String, String>,
    /// RFC 3339.
    pub starts_at: String,
    /// Its identity, the same on every peer.
    pub fingerprint: String,
    pub status: AlertStatus,
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct AlertStatus {
    #[serde(default)]
    pub silenced_by: Vec<String>,
    #[serde(default)]
    pub inhibited_by: Vec<String>,
}

/// Which server it is. Its configuration, which is in the same answer and may hold secrets, is not read.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Status {
    version_info: VersionInfo,
}

#[derive(Clone, Debug, Deserialize)]
struct VersionInfo {
    version: Raw,
}

impl AlertmanagerClient {
    /// # Errors
    /// [`crate::domain::error::FaultKind::Usage`] when the address is wrong or outside what `egress` allows.
    pub fn new(site: &Site, egress: Egress) -> Result<Self, Fault> {
        Ok(Self { web: WebClient::new(site, egress)? })
    }

    /// What and where, for messages.
    #[must_use]
    pub const fn server(&self) -> &Shown {
        self.web.server()
    }

    /// The base URL without user and password.
    #[must_use]
    pub fn endpoint(&self) -> Raw {
        self.web.endpoint()
    }

    /// # Errors
    /// A worded [`Fault`].
    pub async fn version(&self) -> Result<Raw, Fault> {
        Ok(self.get::<Status>("/api/v2/status").await?.version_info.version)
    }

    /// Every alert, silenced and inhibited ones included.
    ///
    /// # Errors
    /// A worded [`Fault`].
    pub async fn alerts(&self) -> Result<Vec<Alert>, Fault> {
        self.get("/api/v2/alerts").await
    }

    async fn get<T: DeserializeOwned>(&self, path: &str) -> Result<T, Fault> {
        let answer = self.web.send(path, None, DEADLINE).await?;
        if answer.is_success() {
            return answer.json(self.server());
        }
        Err(answer.fault(self.server(), &refusal(&answer)))
    }
}

/// What an error says: a bare string or an object with a message, by the kind of error (facts/signals.md 1.2).
fn refusal(answer: &Answer) -> String {
    #[derive(Deserialize)]
    #[serde(untagged)]
    enum Refusal {
        Words(String),
        Object { message: String },
    }
    match serde_json::from_slice(&answer.body) {
        Ok(Refusal::Words(words) | Refusal::Object { message: words }) => words,
        Err(_) => answer.first_line(),
    }
}
