//! What an operation is about: the component, what runs it, and the parameters.

use crate::domain::id::{ComponentId, Kind};
use crate::domain::text::{Raw, Shown};
use crate::model::board::ComponentRow;
use crate::shown;

/// An operation's identity in the audit trail: a UUIDv7 made by the shell.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct OperationId(pub Raw);

/// What kind of system a component is to operations; decides requests, guards and verification.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Engine {
    Rollout,
    Deployment,
    StatefulSet,
    DaemonSet,
    Node,
    /// An RDS instance; whether it has a standby is evidence.
    RdsInstance,
    /// Aurora: readers on shared storage.
    Aurora,
    CloudNativePg,
    ElastiCache,
}

impl Engine {
    pub const ALL: [Self; 9] = [
        Self::Rollout,
        Self::Deployment,
        Self::StatefulSet,
        Self::DaemonSet,
        Self::Node,
        Self::RdsInstance,
        Self::Aurora,
        Self::CloudNativePg,
        Self::ElastiCache,
    ];

    /// The engine of a component, `None` where nothing of it can be operated. A database cluster says by its `engine`
    /// attribute what it is: `aurora-postgresql 15.4`, `cloudnative-pg`.
    #[must_use]
    pub fn of(kind: Kind, engine: Option<&str>) -> Option<Self> {
        match kind {
            Kind::Rollout => Some(Self::Rollout),
            Kind::Deployment => Some(Self::Deployment),
            Kind::StatefulSet => Some(Self::StatefulSet),
            Kind::DaemonSet => Some(Self::DaemonSet),
            Kind::Node => Some(Self::Node),
            Kind::DbInstance => Some(Self::RdsInstance),
            Kind::DbCluster => Some(match engine {
                Some(engine) if engine.starts_with("aurora") => Self::Aurora,
                Some(engine) if engine.starts_with("cloudnative-pg") => Self::CloudNativePg,
                _ => return None,
            }),
            Kind::CacheGroup => Some(Self::ElastiCache),
            _ => None,
        }
    }

    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Rollout => "Rollout",
            Self::Deployment => "Deployment",
            Self::StatefulSet => "StatefulSet",
            Self::DaemonSet => "DaemonSet",
            Self::Node => "Node",
            Self::RdsInstance => "RDS instance",
            Self::Aurora => "Aurora cluster",
            Self::CloudNativePg => "CloudNativePG cluster",
            Self::ElastiCache => "ElastiCache group",
        }
    }

    /// Whether it lives in a Kubernetes API, so that a Lease can lock it and access reviews and dry runs exist.
    #[must_use]
    pub const fn is_kubernetes(self) -> bool {
        matches!(
            self,
            Self::Rollout | Self::Deployment | Self::StatefulSet | Self::DaemonSet | Self::Node | Self::CloudNativePg
        )
    }
}

/// The component that is operated. Its scope is the namespace (Kubernetes) or the region (AWS).
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Target {
    pub component: ComponentId,
    pub engine: Engine,
}

impl Target {
    /// `None` where the component cannot be operated.
    #[must_use]
    pub fn of(row: &ComponentRow) -> Option<Self> {
        let engine = row.attributes.iter().find(|(name, _)| *name == "engine").map(|(_, value)| value.as_str());
        Some(Self { engine: Engine::of(row.id.kind, engine)?, component: row.id.clone() })
    }

    #[must_use]
    pub fn name(&self) -> &Raw {
        &self.component.name
    }

    #[must_use]
    pub fn scope(&self) -> &Raw {
        &self.component.scope
    }

    /// `backend (Rollout, ns shop)`.
    #[must_use]
    pub fn title(&self) -> Shown {
        match (self.engine.is_kubernetes(), self.component.scope.is_empty()) {
            (_, true) => shown!("{} ({})", self.component.name, self.engine.name()),
            (true, _) => shown!("{} ({}, ns {})", self.component.name, self.engine.name(), self.component.scope),
            (false, _) => shown!("{} ({}, {})", self.component.name, self.engine.name(), self.component.scope),
        }
    }
}

/// What an operation is asked to do beyond its verb and target. Everything a verb does not use stays `None`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Params {
    /// `scale`: how many.
    pub replicas: Option<u32>,
    /// `bounds`: lowest and highest.
    pub bounds: Option<(u32, u32)>,
    /// `rollback`: pod template hash, ReplicaSet or ControllerRevision name, or revision number; `None` is the last stable
    /// revision. A number is only looked up: revisions are renumbered by a rollback (facts/controlplane.md 4).
    pub revision: Option<Raw>,
    /// `failover`: the instance or pod that shall become primary; `None` where the engine chooses.
    pub to: Option<Raw>,
    /// `evict`: the pod.
    pub pod: Option<Raw>,
    /// Suspend the GitOps owner's sync first, and book it as a debt.
    pub suspend_owner: bool,
    /// The operator knows that writes may be lost (the primary is dead).
    pub accept_loss: bool,
    /// What `resume-sync` puts back, from the debt: the automated policy as JSON.
    pub restore: Option<Raw>,
}

/// What is asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Request {
    pub verb: super::verb::Verb,
    pub target: Target,
    pub params: Params,
    /// The identity that was highlighted when the key was pressed, where the row knew it: another one at fire time ends
    /// the operation.
    pub expect_uid: Option<Raw>,
    /// The operation of one's own that this one takes back.
    pub backs_out: Option<OperationId>,
}

impl Request {
    #[must_use]
    pub const fn new(verb: super::verb::Verb, target: Target, params: Params) -> Self {
        Self { verb, target, params, expect_uid: None, backs_out: None }
    }

    /// Whether it takes back an operation of one's own and mends by that. Starting a rollout again that was aborted or held
    /// takes something back, too, but exposes users: it is what its verb is.
    #[must_use]
    pub const fn is_way_back(&self) -> bool {
        self.backs_out.is_some() && !self.verb.moves_forward()
    }

    /// Whether it undoes harm: what it may go past stands at [`super::verb::Verb::mitigates`].
    #[must_use]
    pub const fn mitigates(&self) -> bool {
        self.verb.mitigates() || self.is_way_back()
    }

    /// `ABORT backend (Rollout, ns shop)`.
    #[must_use]
    pub fn title(&self) -> Shown {
        shown!("{} {}", Shown::fixed(self.verb.name()).upper(), self.target.title())
    }
}
