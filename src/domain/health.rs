//! Health and its reasons.

use serde::Serialize;

use super::text::Shown;
use super::time::Stamp;

/// The health of a signal, an instance, a component or a tier.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Health {
    Ok,
    Warn,
    Critical,
    /// The evidence is missing or too old. Never drawn green, never counted as fine.
    Unknown,
    /// Nothing was asked of it, so nothing can be said about errors or latency.
    NoTraffic,
    /// Silenced or declared under maintenance.
    Maintenance,
}

impl Health {
    /// Order of attention: critical first.
    #[must_use]
    pub const fn rank(self) -> u8 {
        match self {
            Self::Critical => 5,
            Self::Warn => 4,
            Self::Unknown => 3,
            Self::Maintenance => 2,
            Self::NoTraffic => 1,
            Self::Ok => 0,
        }
    }

    /// The one that needs attention more.
    #[must_use]
    pub fn worst(self, other: Self) -> Self {
        if other.rank() > self.rank() { other } else { self }
    }

    /// As `status --json` writes it.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Warn => "warn",
            Self::Critical => "critical",
            Self::Unknown => "unknown",
            Self::NoTraffic => "no-traffic",
            Self::Maintenance => "maintenance",
        }
    }

    /// As the screens write it, at most five columns.
    #[must_use]
    pub const fn brief(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Warn => "warn",
            Self::Critical => "CRIT",
            Self::Unknown => "?",
            Self::NoTraffic => "idle",
            Self::Maintenance => "maint",
        }
    }

    /// Whether a person should look: everything that is not quiet.
    #[must_use]
    pub const fn is_sick(self) -> bool {
        matches!(self, Self::Warn | Self::Critical | Self::Unknown)
    }
}

/// Why a health is what it is. The first reason of a list is the strongest.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Reason {
    /// The rule that speaks, for example `error-ratio`, `latency`, `replicas`, `lag`, `probe`, `stale`.
    pub rule: &'static str,
    pub text: Shown,
    /// Since when, where history tells.
    pub since: Option<Stamp>,
    #[serde(skip)]
    pub health: Health,
}
