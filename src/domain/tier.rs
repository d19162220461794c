//! Tiers, in the order of data flow.

use serde::{Deserialize, Serialize};

/// A tier of the board. The order of the variants is the order of the rows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Tier {
    Edge,
    Security,
    LoadBalancer,
    Application,
    Cache,
    Database,
    Storage,
    Observability,
    Access,
    Host,
}

impl Tier {
    pub const ALL: [Self; 10] = [
        Self::Edge,
        Self::Security,
        Self::LoadBalancer,
        Self::Application,
        Self::Cache,
        Self::Database,
        Self::Storage,
        Self::Observability,
        Self::Access,
        Self::Host,
    ];

    /// As configuration, screens and `status --json` write it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Edge => "edge",
            Self::Security => "security",
            Self::LoadBalancer => "load-balancer",
            Self::Application => "application",
            Self::Cache => "cache",
            Self::Database => "database",
            Self::Storage => "storage",
            Self::Observability => "observability",
            Self::Access => "access",
            Self::Host => "host",
        }
    }

    /// Whether users' requests pass through it, so that its errors and latency are users' errors and latency.
    #[must_use]
    pub const fn is_user_facing(self) -> bool {
        matches!(self, Self::Edge | Self::Security | Self::LoadBalancer | Self::Application)
    }
}
