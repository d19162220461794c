//! What sources may say: a closed set of fact shapes.
//!
//! An [`Observation`] is what one source saw of one scope at one time. A complete one replaces everything that source
//! said of that scope before (what it no longer mentions is gone); a partial one adds and replaces single facts.

use std::sync::Arc;
use std::time::Duration;

use crate::domain::health::Health;
use crate::domain::id::{Alias, ComponentId, SourceId};
use crate::domain::reading::Provenance;
use crate::domain::text::{Raw, Shown};
use crate::domain::tier::Tier;
use crate::domain::time::Stamp;

/// The part of the world an observation covers, for example `pods`, `workloads`, `signals`, `alarms`.
pub type Scope = &'static str;

#[derive(Clone, Debug)]
pub struct Observation {
    pub source: SourceId,
    pub scope: Scope,
    pub observed_at: Stamp,
    /// Replaces its scope instead of adding to it.
    pub complete: bool,
    pub facts: Vec<Fact>,
}

impl Observation {
    /// Whether it says only what its source cannot see: no sign that the source sees anything.
    #[must_use]
    pub fn tells_gaps(&self) -> bool {
        !self.facts.is_empty() && self.facts.iter().all(|fact| matches!(fact, Fact::Gap(_)))
    }
}

#[derive(Clone, Debug)]
pub enum Fact {
    Component(ComponentFact),
    Member(MemberFact),
    /// A member that is gone, by component and name (only in partial observations).
    MemberGone(ComponentId, Raw),
    /// A component that is gone (only in partial observations).
    ComponentGone(ComponentId),
    Link(LinkFact),
    Signal(SignalFact),
    Change(ChangeFact),
    Alert(AlertFact),
    Probe(ProbeFact),
    Gap(GapFact),
}

/// A component and what its provider says of it.
#[derive(Clone, Debug, PartialEq)]
pub struct ComponentFact {
    pub id: ComponentId,
    /// Other names under which sources speak of it.
    pub aliases: Vec<Alias>,
    /// The tier its kind or configuration makes certain; `None` leaves it to inference.
    pub tier: Option<Tier>,
    /// What inference may look at: images, ports, labels (`key=value`), engine.
    pub hints: Vec<Raw>,
    pub replicas: Option<Replicas>,
    pub role: Option<Role>,
    pub rollout: Option<Box<RolloutFact>>,
    pub class: ReplicaClass,
    /// What the provider itself reports against it: condition and words (`ProgressDeadlineExceeded`, `failing-over`).
    pub condition: Option<(Health, Shown)>,
    /// Configuration of record, for the detail: name and value, in order of interest.
    pub attributes: Vec<(&'static str, Raw)>,
    /// Where the provider's state can be read again: path and, for `ready`, the JSON pointer.
    pub provenance: Arc<Provenance>,
}

/// How many lost instances a component can bear (facts/signals.md part 5).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ReplicaClass {
    /// Any instance can serve; below half it is critical.
    #[default]
    Pool,
    /// A majority is needed.
    Quorum,
    /// Exactly one primary.
    Primary,
    /// One instance by design: a single point of failure.
    Singleton,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Replicas {
    pub desired: u32,
    pub ready: u32,
    /// Lowest and highest number an autoscaler may choose.
    pub bounds: Option<(u32, u32)>,
    /// `minAvailable` of the disruption budget, in instances.
    pub floor: Option<u32>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Role {
    Primary,
    Standby,
    Replica,
}

impl Role {
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Primary => "primary",
            Self::Standby => "standby",
            Self::Replica => "replica",
        }
    }
}

/// Progress of a canary or a rolling update.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RolloutFact {
    /// `Healthy`, `Progressing`, `Paused`, `Degraded`.
    pub phase: Raw,
    /// Current step (0-based) of how many.
    pub step: Option<(u32, u32)>,
    /// Percent of traffic asked for and percent that actually goes to the canary.
    pub set_weight: Option<u32>,
    pub actual_weight: Option<u32>,
    pub stable: Revision,
    /// Present while another revision than the stable one takes part.
    pub canary: Option<Revision>,
    /// Of a canary by steps.
    pub steps: Arc<[RolloutStep]>,
    /// What keeps it where it is.
    pub halt: Option<Halt>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RolloutStep {
    /// Sets the canary's percent of traffic.
    Weight(u32),
    Pause,
    /// An analysis, an experiment, another scale.
    Other,
}

/// Why a rollout does not go on, and since when where its provider says so.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Halt {
    pub why: Shown,
    pub since: Option<Stamp>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Revision {
    /// Pod template hash, as pods and metrics carry it.
    pub hash: Raw,
    /// Revision number, where known.
    pub number: Option<u64>,
    /// Image of the first container.
    pub image: Raw,
    pub ready: u32,
}

/// One instance of a component.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MemberFact {
    pub component: ComponentId,
    pub name: Raw,
    pub state: MemberState,
    /// The provider's own word for the state (`CrashLoopBackOff`, `unhealthy: Target.FailedHealthChecks`).
    pub word: Raw,
    pub zone: Option<Raw>,
    pub node: Option<Raw>,
    /// Pod template hash or engine version.
    pub version: Option<Raw>,
    pub role: Option<Role>,
    pub restarts: u32,
    pub since: Option<Stamp>,
    /// Addresses by which metrics may speak of it (`10.0.3.4`, `10.0.3.4:8080`).
    pub address: Option<Raw>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum MemberState {
    Ready,
    Starting,
    Stopping,
    NotReady,
    Failed,
    Unknown,
}

impl MemberState {
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Ready => "ready",
            Self::Starting => "starting",
            Self::Stopping => "stopping",
            Self::NotReady => "not ready",
            Self::Failed => "failed",
            Self::Unknown => "unknown",
        }
    }
}

/// `from` calls or depends on `to`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LinkFact {
    pub from: Alias,
    pub to: Alias,
    pub protocol: Option<Raw>,
    pub port: Option<u16>,
    /// Seen in traffic (service graph, target group), as against inferred from configuration.
    pub observed: bool,
}

/// Points of one signal of one subject. `signal` is the id of a row in the catalogue (`model::signals`).
#[derive(Clone, Debug)]
pub struct SignalFact {
    pub subject: Alias,
    /// The instance it is about, when finer than the component.
    pub member: Option<Raw>,
    /// The revision it is about (pod template hash), when finer than the component.
    pub version: Option<Raw>,
    /// The callee, when the signal is about calls from `subject` to it.
    pub peer: Option<Alias>,
    pub signal: &'static str,
    /// Ascending by time. NaN is "no traffic" (0/0), never a number. Newer points replace and extend what is known.
    pub points: Vec<Point>,
    pub provenance: Arc<Provenance>,
}

#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Point {
    pub at: Stamp,
    pub value: f64,
}

/// Something that changed in the environment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ChangeFact {
    /// Stable across polls, so that a change is one event.
    pub key: Raw,
    pub at: Stamp,
    pub subject: Option<Alias>,
    pub kind: ChangeKind,
    pub what: Shown,
    /// Manager or user, where known.
    pub who: Option<Raw>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum ChangeKind {
    Deploy,
    Scale,
    Config,
    Failover,
    Restart,
    /// An event that is a symptom rather than a change (a Kubernetes warning, an RDS notice).
    Event,
}

impl ChangeKind {
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Deploy => "deploy",
            Self::Scale => "scale",
            Self::Config => "config",
            Self::Failover => "failover",
            Self::Restart => "restart",
            Self::Event => "event",
        }
    }
}

impl ChangeFact {
    /// The name of what was changed.
    #[must_use]
    pub fn subject_name(&self) -> Shown {
        match &self.subject {
            Some(Alias::Component(id)) => id.name.shown(),
            Some(Alias::Workload { name, .. } | Alias::Pod { name, .. } | Alias::Service { name, .. }) => name.shown(),
            Some(
                Alias::Node(name) | Alias::Address(name) | Alias::Named(name) | Alias::Dimension { value: name, .. },
            ) => name.shown(),
            None => Shown::default(),
        }
    }
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AlertFact {
    /// The provider's identity of the alert (fingerprint, alarm name).
    pub key: Raw,
    pub name: Raw,
    pub severity: Health,
    pub since: Stamp,
    pub subject: Option<Alias>,
    pub summary: Raw,
    pub runbook: Option<Raw>,
    pub silenced: bool,
}

/// The outcome of one probe from this host.
#[derive(Clone, Debug)]
pub struct ProbeFact {
    pub component: ComponentId,
    pub tier: Option<Tier>,
    /// The probe's own name; a component may be probed in several ways.
    pub name: Raw,
    /// `ssh 10.0.1.9:22`, `dns shop.example @192.168.1.5:53`.
    pub target: Raw,
    pub at: Stamp,
    pub outcome: ProbeOutcome,
    pub provenance: Arc<Provenance>,
}

#[derive(Clone, Debug)]
pub enum ProbeOutcome {
    /// It answered: how long the whole took and its parts (`dns`, `connect`, `tls`, `http`).
    Up {
        took: Duration,
        phases: Vec<(&'static str, Duration)>,
        /// End of the certificate's validity.
        certificate_ends: Option<Stamp>,
        /// What it said (`SSH-2.0-OpenSSH_9.6`, `HTTP 200`).
        said: Raw,
    },
    /// A fresh negative: refused, wrong answer, expired certificate.
    Down { why: Shown },
    /// We could not tell (our own name resolution, no route): not a negative.
    Unclear { why: Shown },
}

/// A piece of the world this source cannot see, stated once: `forbidden: list pods in web`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GapFact {
    pub what: Shown,
    pub hint: Shown,
}
