//! Typed, stable identities.

use std::fmt;
use std::sync::Arc;

use serde::{Serialize, Serializer};

use super::text::{Raw, Shown};

/// A source, by the name its configuration gives it, for example `k8s`, `prom`, `aws`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SourceId(Arc<str>);

impl SourceId {
    #[must_use]
    pub fn new(name: &str) -> Self {
        Self(Arc::from(name))
    }

    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    #[must_use]
    pub fn shown(&self) -> Shown {
        Shown::of(&self.0)
    }
}

impl Serialize for SourceId {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.shown().as_str())
    }
}

/// What kind of thing a component is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Kind {
    Deployment,
    StatefulSet,
    DaemonSet,
    Rollout,
    Node,
    LoadBalancer,
    TargetGroup,
    DbInstance,
    DbCluster,
    CacheGroup,
    AutoScalingGroup,
    Distribution,
    WebAcl,
    Bucket,
    NatGateway,
    /// A process known only from its metrics (an exporter's instance, a scrape job).
    Service,
    Host,
    /// A name or address that is only probed.
    Endpoint,
}

impl Kind {
    pub const ALL: [Self; 18] = [
        Self::Deployment,
        Self::StatefulSet,
        Self::DaemonSet,
        Self::Rollout,
        Self::Node,
        Self::LoadBalancer,
        Self::TargetGroup,
        Self::DbInstance,
        Self::DbCluster,
        Self::CacheGroup,
        Self::AutoScalingGroup,
        Self::Distribution,
        Self::WebAcl,
        Self::Bucket,
        Self::NatGateway,
        Self::Service,
        Self::Host,
        Self::Endpoint,
    ];

    /// The kind of that name.
    #[must_use]
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.name() == name)
    }

    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Deployment => "deployment",
            Self::StatefulSet => "statefulset",
            Self::DaemonSet => "daemonset",
            Self::Rollout => "rollout",
            Self::Node => "node",
            Self::LoadBalancer => "load-balancer",
            Self::TargetGroup => "target-group",
            Self::DbInstance => "db-instance",
            Self::DbCluster => "db-cluster",
            Self::CacheGroup => "cache-group",
            Self::AutoScalingGroup => "auto-scaling-group",
            Self::Distribution => "distribution",
            Self::WebAcl => "web-acl",
            Self::Bucket => "bucket",
            Self::NatGateway => "nat-gateway",
            Self::Service => "service",
            Self::Host => "host",
            Self::Endpoint => "endpoint",
        }
    }
}

/// A component: its kind, the scope that makes its name unique (a namespace, a region; may be empty) and its name.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ComponentId {
    pub kind: Kind,
    pub scope: Raw,
    pub name: Raw,
}

impl ComponentId {
    #[must_use]
    pub fn new(kind: Kind, scope: &str, name: &str) -> Self {
        Self { kind, scope: Raw::new(scope), name: Raw::new(name) }
    }

    /// `rollout/shop/orders`, `load-balancer/eu-west-1/app/shop/50dc6c495c0c9188`.
    #[must_use]
    pub fn shown(&self) -> Shown {
        if self.scope.is_empty() {
            crate::shown!("{}/{}", self.kind.name(), self.name)
        } else {
            crate::shown!("{}/{}/{}", self.kind.name(), self.scope, self.name)
        }
    }
}

impl fmt::Debug for ComponentId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.shown())
    }
}

impl Serialize for ComponentId {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.shown().as_str())
    }
}

/// One of the ways a source names a component; the model joins them to a [`ComponentId`].
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Alias {
    Component(ComponentId),
    /// A workload by namespace and name, whatever its kind.
    Workload {
        namespace: Raw,
        name: Raw,
    },
    Pod {
        namespace: Raw,
        name: Raw,
    },
    /// A Kubernetes Service by namespace and name.
    Service {
        namespace: Raw,
        name: Raw,
    },
    Node(Raw),
    /// A CloudWatch dimension, for example `LoadBalancer` = `app/shop/50dc6c495c0c9188`.
    Dimension {
        name: &'static str,
        value: Raw,
    },
    /// An address with or without port, as `instance` labels and endpoints carry it.
    Address(Raw),
    /// A service name without a namespace (traces, jobs, service graphs).
    Named(Raw),
}
