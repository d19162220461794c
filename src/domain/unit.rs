//! Units of signals. Values are kept in these base units; the formatter scales them for people.

use serde::{Deserialize, Serialize};

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Unit {
    /// Things in a second.
    PerSecond,
    /// A share, 0 to 1 (may exceed 1 where a limit can be overrun).
    Ratio,
    Seconds,
    /// Only in `status --json`, where latency is told in milliseconds.
    Milliseconds,
    Bytes,
    Count,
    Days,
    /// 1 is yes, 0 is no.
    Bool,
    /// US dollars in an hour.
    UsdPerHour,
}

impl Unit {
    /// As `status --json` writes it.
    #[must_use]
    pub const fn symbol(self) -> &'static str {
        match self {
            Self::PerSecond => "1/s",
            Self::Ratio => "ratio",
            Self::Seconds => "s",
            Self::Milliseconds => "ms",
            Self::Bytes => "B",
            Self::Count => "count",
            Self::Days => "d",
            Self::Bool => "bool",
            Self::UsdPerHour => "USD/h",
        }
    }
}

/// Which statistic of a distribution a number is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Statistic {
    P50,
    P95,
    P99,
    Avg,
    Min,
    Max,
    Sum,
    /// The value of a gauge at one moment.
    Last,
}

impl Statistic {
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::P50 => "p50",
            Self::P95 => "p95",
            Self::P99 => "p99",
            Self::Avg => "avg",
            Self::Min => "min",
            Self::Max => "max",
            Self::Sum => "sum",
            Self::Last => "last",
        }
    }
}
