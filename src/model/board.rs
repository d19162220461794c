//! The assessed environment at one moment: what the screens draw and `status` reports.

use std::sync::Arc;
use std::time::Duration;

use crate::domain::health::{Health, Reason};
use crate::domain::id::{ComponentId, SourceId};
use crate::domain::reading::Reading;
use crate::domain::text::{Raw, Shown};
use crate::domain::tier::Tier;
use crate::domain::time::Stamp;
use crate::domain::unit::Statistic;

use super::facts::{ChangeFact, MemberFact, Replicas, RolloutFact};

#[derive(Clone, Debug)]
pub struct Board {
    pub at: Stamp,
    /// Until when this holds if no source brings anything new: then a sample may be too old, or a span over.
    pub holds_until: Stamp,
    pub health: Health,
    pub evidence: Evidence,
    pub users: Users,
    /// In data-flow order; only tiers that have components.
    pub tiers: Vec<TierRow>,
    pub links: Vec<LinkRow>,
    pub cause: Cause,
    pub alerts: Vec<AlertRow>,
    /// Newest first.
    pub changes: Vec<Arc<ChangeFact>>,
    /// What sources could not see.
    pub gaps: Vec<Gap>,
}

/// How much of the evidence is there.
#[derive(Clone, Debug, PartialEq)]
pub enum Evidence {
    Full,
    /// One kind is lost; what rested on it is unknown, the rest still judges.
    Partial {
        missing: Vec<Missing>,
    },
    /// No fresh user-facing rate or errors, and no probe.
    Blind {
        missing: Vec<Missing>,
        since: Option<Stamp>,
    },
    /// Nothing has answered yet.
    Connecting,
}

#[derive(Clone, Debug, PartialEq)]
pub struct Missing {
    pub source: SourceId,
    pub since: Option<Stamp>,
    pub why: Shown,
}

/// What users feel now.
#[derive(Clone, Debug)]
pub struct Users {
    pub failing_per_second: Reading,
    pub failing_ratio: Reading,
    pub since: Option<Stamp>,
    /// Where it comes from: the probable cause, else the component that adds most failures; and its tier.
    pub via: Option<(Shown, Tier)>,
    /// Where failures and requests are counted, and why not elsewhere.
    pub counted: Option<Shown>,
    /// Name and ratio against the same hour last week of the business metric, where there is one.
    pub business: Option<(Shown, Reading)>,
}

#[derive(Clone, Debug)]
pub struct TierRow {
    pub tier: Tier,
    pub health: Health,
    pub reasons: Vec<Reason>,
    pub rate: Reading,
    /// Relative: +0.02 is two per cent more than in the same hour last week.
    pub rate_vs_last_week: Reading,
    /// Errors seen at this tier, passed-on ones included.
    pub error_ratio: Reading,
    /// Errors this tier adds itself.
    pub error_added_ratio: Reading,
    pub latency: Latency,
    /// Seconds this tier adds to what its callees take, where both are measured with the same statistic.
    pub latency_added: Reading,
    pub saturation: Option<Saturation>,
    pub capacity: Option<Capacity>,
    /// Rate over the last 30 minutes, oldest first, one value a minute or so; a gap is `None`.
    pub trend: Vec<Option<f64>>,
    pub components: Vec<ComponentRow>,
}

#[derive(Clone, Debug)]
pub struct Latency {
    /// Seconds.
    pub reading: Reading,
    pub statistic: Statistic,
    /// Target in seconds in the same statistic, and where it comes from. A target in another statistic is no target.
    pub target: Option<(f64, &'static str)>,
}

/// The resource nearest to its limit.
#[derive(Clone, Debug)]
pub struct Saturation {
    /// `cpu`, `mem`, `conn`, `disk`, `hit`, `targets`, `blocked`, ...
    pub resource: &'static str,
    pub reading: Reading,
    /// `402/500` style, where the parts are known.
    pub detail: Option<Shown>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Capacity {
    pub ready: u32,
    pub desired: u32,
    pub zones: u32,
}

#[derive(Clone, Debug)]
pub struct ComponentRow {
    pub id: ComponentId,
    pub name: Shown,
    pub health: Health,
    pub reasons: Vec<Reason>,
    pub replicas: Option<Replicas>,
    pub zones: Vec<Raw>,
    /// A single point of failure.
    pub spof: bool,
    pub rollout: Option<RolloutFact>,
    /// Whether the canary fails more than the stable revision; `None` where they are not both measured.
    pub verdict: Option<super::canary::Verdict>,
    pub signals: Vec<SignalRow>,
    /// Worst first.
    pub members: Vec<MemberFact>,
    pub attributes: Vec<(&'static str, Raw)>,
}

/// One signal of a component, with its history for charts.
#[derive(Clone, Debug)]
pub struct SignalRow {
    /// The catalogue's id (`app.otel.err`).
    pub signal: &'static str,
    /// The role's short name for people (`errors`, `p95`, `cpu`).
    pub label: &'static str,
    /// What it means: decides which signals stand for a component in lists, cards and charts.
    pub role: super::signals::Role,
    /// Revision or instance it is about; `None` for the whole component.
    pub part: Option<Shown>,
    /// Pod template hash of the revision it is about.
    pub version: Option<Raw>,
    pub reading: Reading,
    pub health: Health,
    pub thresholds: Thresholds,
    /// Shared with the world: time and value, ascending.
    pub history: Arc<[super::facts::Point]>,
}

/// Levels at which a signal warns and is critical. `above`: more is worse.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Thresholds {
    pub warn: Option<f64>,
    pub critical: Option<f64>,
    pub above: bool,
    /// Where they come from: `seed documents`, `kubernetes-mixin`, `default`, `configuration`.
    pub origin: &'static str,
}

/// A dependency with what is measured on it.
#[derive(Clone, Debug)]
pub struct LinkRow {
    pub from: ComponentId,
    pub to: ComponentId,
    pub protocol: Option<Shown>,
    pub port: Option<u16>,
    pub observed: bool,
    pub rate: Reading,
    pub error_ratio: Reading,
    pub latency: Reading,
}

/// Where the trouble begins.
#[derive(Clone, Debug, PartialEq)]
pub enum Cause {
    /// Nobody is hurt.
    None,
    /// The deepest component whose own trouble explains most of what its callers suffer.
    Found(Suspect),
    /// Users are hurt and nothing explains at least half of it.
    NotFound { looked_at: Vec<Shown> },
}

#[derive(Clone, Debug, PartialEq)]
pub struct Suspect {
    pub component: ComponentId,
    /// The revision within the component whose instances differ significantly.
    pub revision: Option<Shown>,
    /// The rule of the reasons of the component that `text` says in other words.
    pub rule: &'static str,
    pub text: Shown,
    pub since: Option<Stamp>,
    /// Share of the failing traffic it explains, 0 to 1.
    pub explains: f64,
    /// A recent change near it: words, and how long before the breach.
    pub change: Option<(Shown, Duration)>,
    /// Changes and components that were looked at and ruled out, with the reason.
    pub rejected: Vec<Shown>,
}

#[derive(Clone, Debug, PartialEq)]
pub struct AlertRow {
    /// Stable within its source.
    pub key: Raw,
    pub name: Shown,
    pub severity: Health,
    pub since: Stamp,
    pub tier: Option<Tier>,
    pub component: Option<ComponentId>,
    pub summary: Shown,
    pub runbook: Option<Shown>,
    pub silenced: bool,
    pub source: SourceId,
}

impl AlertRow {
    #[must_use]
    pub const fn word(&self) -> &'static str {
        if self.silenced { "silenced" } else { "firing" }
    }
}

#[derive(Clone, Debug, PartialEq)]
pub struct Gap {
    pub source: SourceId,
    pub what: Shown,
    pub hint: Shown,
}

/// How a source is doing, as the runner that drives it knows.
#[derive(Clone, Debug, PartialEq)]
pub struct SourceStatus {
    pub id: SourceId,
    /// `kubernetes`, `prometheus`, `alertmanager`, `cloudwatch`, `aws`, `probe`, `sink`.
    pub kind: SourceKind,
    pub state: SourceState,
    /// Time of the newest sample it gave; where it tells states instead of measurements, when they were seen.
    pub sample_at: Option<Stamp>,
    pub endpoint: Raw,
    /// How long the last round took.
    pub took: Option<Duration>,
    /// What it costs, USD per hour (CloudWatch).
    pub cost: Option<f64>,
    /// Who we are there, and which server it is (`sre1@471/viewer`, `v1.36.3`).
    pub identity: Option<Shown>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum SourceKind {
    Kubernetes,
    Prometheus,
    Alertmanager,
    CloudWatch,
    Aws,
    Probe,
    /// Takes copies of the audit trail. It tells nothing of the world.
    Sink,
}

impl SourceKind {
    /// Whether it tells measurements, which have times of their own, often long before they are read.
    #[must_use]
    pub const fn measures(self) -> bool {
        matches!(self, Self::Prometheus | Self::CloudWatch | Self::Probe)
    }
}

impl SourceStatus {
    /// One word for its state.
    #[must_use]
    pub const fn word(&self) -> &'static str {
        match &self.state {
            SourceState::Connecting { .. } => "connecting",
            SourceState::Live => "live",
            SourceState::Failed { fault, .. } => fault.kind.word(),
        }
    }

    /// Whether its first round is in, or it has failed: a one-shot report need not wait for it any longer. A source that
    /// streams has no rounds; its first news count.
    #[must_use]
    pub const fn has_answered(&self) -> bool {
        match self.state {
            SourceState::Connecting { .. } => false,
            SourceState::Failed { .. } => true,
            SourceState::Live => self.took.is_some() || matches!(self.kind, SourceKind::Kubernetes),
        }
    }
}

impl SourceKind {
    /// Whether sources of this kind say which alerts fire.
    #[must_use]
    pub const fn tells_alerts(self) -> bool {
        matches!(self, Self::Alertmanager | Self::Prometheus | Self::CloudWatch)
    }

    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Kubernetes => "kubernetes",
            Self::Prometheus => "prometheus",
            Self::Alertmanager => "alertmanager",
            Self::CloudWatch => "cloudwatch",
            Self::Aws => "aws",
            Self::Probe => "probe",
            Self::Sink => "sink",
        }
    }
}

#[derive(Clone, Debug, PartialEq)]
pub enum SourceState {
    Connecting {
        since: Stamp,
    },
    Live,
    /// It failed or is silent; what rested on it is unknown.
    Failed {
        since: Stamp,
        fault: crate::domain::error::Fault,
    },
}

impl SourceState {
    #[must_use]
    pub const fn is_live(&self) -> bool {
        matches!(self, Self::Live)
    }
}
