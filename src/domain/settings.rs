//! The settings a run works with, after every layer of configuration has been joined. `config` reads them; the rest of
//! the program only sees these types.

use std::path::PathBuf;
use std::time::Duration;

use serde::Deserialize;

use super::policy::PolicySettings;
use super::tier::Tier;
use super::time::Clock;

/// Everything configuration can say. Unknown keys are errors, so that a typing mistake cannot be silently ignored.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Settings {
    pub environment: Environment,
    pub clock: Option<Clock>,
    pub egress: EgressSettings,
    pub ui: Ui,
    pub kubernetes: Vec<KubernetesSettings>,
    pub prometheus: Vec<PrometheusSettings>,
    pub alertmanager: Vec<AlertmanagerSettings>,
    pub aws: Vec<AwsSettings>,
    pub probe: Vec<ProbeSettings>,
    /// Tier of components by name, first match wins; before every inference.
    pub tier: Vec<TierRule>,
    /// Dependencies that no source can see.
    pub dependency: Vec<DependencyRule>,
    pub target: Targets,
    pub audit: AuditSettings,
    /// From files of their own, the machine's first.
    #[serde(skip)]
    pub policy: Vec<PolicySettings>,
}

/// The audit trail.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct AuditSettings {
    /// Its folder; default `$XDG_STATE_HOME/tierdeck/audit`.
    pub dir: Option<PathBuf>,
    /// Folders that take what breaks the glass while that one fails, the first that works. After them comes
    /// `/var/tmp/tierdeck-UID/audit`: `/var/tmp` outlives a restart, `$XDG_RUNTIME_DIR` and `/dev/shm` are in memory and are
    /// refused here too.
    pub fallback: Vec<PathBuf>,
    /// Copies of it elsewhere.
    pub sink: Vec<SinkSettings>,
}

/// Takes a copy of every record of the trail.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SinkSettings {
    /// Default: its kind. What was delivered to it is remembered under this name.
    pub name: Option<String>,
    pub kind: SinkKind,
    /// Without it nothing may be changed.
    #[serde(default)]
    pub required: bool,
    /// `syslog`: a socket or `host:port` (UDP), default `/dev/log`. `journald`: a socket, default journald's own.
    /// `postgres`: `host`, `host:port`, or the folder of a local socket.
    pub address: Option<String>,
    pub database: Option<String>,
    pub user: Option<String>,
    /// `table` or `schema.table`; default `tierdeck_audit`.
    pub table: Option<String>,
    /// Roots for the server's certificate; default the system's.
    pub ca_file: Option<PathBuf>,
    /// `false` only on loopback.
    #[serde(default = "yes")]
    pub tls: bool,
}

impl SinkSettings {
    #[must_use]
    pub fn name(&self) -> &str {
        self.name.as_deref().unwrap_or_else(|| self.kind.name())
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum SinkKind {
    Syslog,
    Journald,
    Postgres,
}

impl SinkKind {
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Syslog => "syslog",
            Self::Journald => "journald",
            Self::Postgres => "postgres",
        }
    }
}

const fn yes() -> bool {
    true
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Environment {
    pub name: String,
    pub class: RiskClass,
}

impl Default for Environment {
    fn default() -> Self {
        Self { name: "unnamed".to_owned(), class: RiskClass::Production }
    }
}

/// How careful one has to be there. What is not declared is production.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum RiskClass {
    #[default]
    Production,
    Staging,
    Development,
}

impl RiskClass {
    /// As the configuration writes it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Production => "production",
            Self::Staging => "staging",
            Self::Development => "development",
        }
    }
}

#[derive(Clone, Copy, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct EgressSettings {
    /// Every client refuses addresses outside loopback, and credentials come from this file alone.
    pub loopback_only: bool,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Ui {
    pub theme: String,
    pub keymap: String,
    pub glyphs: Glyphs,
}

impl Default for Ui {
    fn default() -> Self {
        Self { theme: "dark".to_owned(), keymap: "default".to_owned(), glyphs: Glyphs::Auto }
    }
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Glyphs {
    /// UTF-8 when the locale says so, else ASCII.
    #[default]
    Auto,
    Unicode,
    Ascii,
}

/// A Kubernetes cluster, through a context of a kubeconfig.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct KubernetesSettings {
    pub name: String,
    /// Default: `KUBECONFIG`, `~/.kube/config`, or the service account of the pod we run in.
    pub kubeconfig: Option<PathBuf>,
    /// Default: the kubeconfig's current context.
    pub context: Option<String>,
    /// Only these namespaces; empty is all that may be listed.
    #[serde(default)]
    pub namespaces: Vec<String>,
}

/// A Prometheus, Thanos or Mimir query API.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PrometheusSettings {
    pub name: String,
    /// Base URL; the API is below `/api/v1`. Either this or `through`.
    pub url: Option<String>,
    /// Through the service proxy of a configured Kubernetes source.
    pub through: Option<ServiceProxy>,
    /// Additional headers, for example a tenant's `X-Scope-OrgID`.
    #[serde(default)]
    pub headers: std::collections::BTreeMap<String, String>,
    /// A file whose content is sent as bearer token; read at every connect.
    pub bearer_file: Option<PathBuf>,
    #[serde(default = "default_scrape_poll", with = "duration_secs")]
    pub poll: Duration,
}

/// `/api/v1/namespaces/NAMESPACE/services/SERVICE:PORT/proxy` of a cluster.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ServiceProxy {
    /// `name` of a `[[kubernetes]]`.
    pub kubernetes: String,
    pub namespace: String,
    pub service: String,
    pub port: u16,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AlertmanagerSettings {
    pub name: String,
    pub url: String,
    pub bearer_file: Option<PathBuf>,
}

/// One account and region, through the default credential chain.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AwsSettings {
    pub name: String,
    pub region: String,
    pub profile: Option<String>,
    pub endpoint_url: Option<String>,
    /// Fixed credentials; accepted only together with `egress.loopback_only`.
    pub access_key_id: Option<String>,
    pub secret_access_key: Option<String>,
    /// CloudFront distribution ids.
    #[serde(default)]
    pub cloudfront: Vec<String>,
    /// Metric names of WAFv2 web ACLs.
    #[serde(default)]
    pub web_acls: Vec<String>,
    /// S3 buckets with request metrics (filter `EntireBucket`).
    #[serde(default)]
    pub buckets: Vec<String>,
    /// What CloudWatch may cost in a month, USD.
    #[serde(default = "default_budget")]
    pub monthly_budget_usd: f64,
}

/// A probe from this host.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ProbeSettings {
    pub name: String,
    pub kind: ProbeKind,
    /// `host:port`; for `dns` the server to ask.
    pub address: String,
    /// The name to ask for with kind `dns`.
    pub query: Option<String>,
    /// SNI, certificate name and Host header of `tls` and `https`.
    pub server_name: Option<String>,
    /// Path of `http` and `https`; default `/`.
    pub path: Option<String>,
    /// Trusted root for `tls` and `https`; default the system's.
    pub ca_file: Option<PathBuf>,
    pub tier: Option<Tier>,
    /// The component this is an instance of (a bastion group, a database); default the probe's name.
    pub component: Option<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ProbeKind {
    Dns,
    Tcp,
    Tls,
    Http,
    Https,
    Ssh,
    Postgres,
    Redis,
    Mysql,
}

/// `name` is a glob over component names (`*` matches any run), optionally `namespace/name`.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TierRule {
    pub name: String,
    pub tier: Tier,
}

/// A dependency by component names.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DependencyRule {
    pub from: String,
    pub to: String,
    pub protocol: Option<String>,
    pub port: Option<u16>,
}

/// Latency targets in milliseconds with the statistic they were stated in (seed documents), and the RPO.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Targets {
    /// API p95; seed: 200.
    pub application_p95_ms: Option<f64>,
    /// Database average; seed: 100.
    pub database_avg_ms: Option<f64>,
    /// Cache average; seed: 10.
    pub cache_avg_ms: Option<f64>,
    /// Edge p95; default 150.
    pub edge_p95_ms: Option<f64>,
    /// Load balancer p95; default 250.
    pub load_balancer_p95_ms: Option<f64>,
    /// Recovery point objective, seconds; seed: 300.
    pub rpo_seconds: Option<f64>,
    /// Error ratio at which a user-facing tier warns and is critical; defaults 0.01 and 0.05.
    pub error_ratio_warn: Option<f64>,
    pub error_ratio_critical: Option<f64>,
}

fn default_scrape_poll() -> Duration {
    Duration::from_secs(15)
}

fn default_budget() -> f64 {
    50.0
}

mod duration_secs {
    use std::time::Duration;

    use serde::{Deserialize, Deserializer, de::Error};

    pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Duration, D::Error> {
        let secs = f64::deserialize(deserializer)?;
        Duration::try_from_secs_f64(secs)
            .ok()
            .filter(|d| (Duration::from_secs(1)..=Duration::from_secs(3600)).contains(d))
            .ok_or_else(|| D::Error::custom("not a number of seconds from 1 to 3600"))
    }
}
