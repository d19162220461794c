//! Which levels a signal is judged by: configuration first, then the catalogue; and how far it may go by itself.

use crate::domain::health::Health;
use crate::domain::settings::Targets;
use crate::domain::tier::Tier;
use crate::domain::unit::Statistic;
use crate::model::board::Thresholds;
use crate::model::signals::{Role, SignalSpec};

const CONFIGURED: &str = "configuration";
/// Error ratios of tiers that users' requests pass through, where neither catalogue nor configuration says (2.2).
pub const ERROR_RATIO: (f64, f64) = (0.01, 0.05);

/// The thresholds of one signal of a component in `tier`.
#[must_use]
pub fn of_signal(spec: &'static SignalSpec, tier: Tier, targets: &Targets) -> Thresholds {
    let base = spec.thresholds();
    match spec.role {
        Role::ErrorRatio => error_ratio(Some(base), tier, targets),
        Role::Latency => latency(base, tier, spec.statistic, targets),
        Role::Lag if targets.rpo_seconds.is_some() => Thresholds {
            warn: base.warn.zip(targets.rpo_seconds).map(|(warn, rpo)| warn.min(rpo)),
            critical: targets.rpo_seconds,
            above: true,
            origin: CONFIGURED,
        },
        _ => base,
    }
}

/// The levels of an error ratio, measured (with the catalogue's `base`) or computed from counts.
#[must_use]
pub fn error_ratio(base: Option<Thresholds>, tier: Tier, targets: &Targets) -> Thresholds {
    let base = base.unwrap_or_default();
    let stated = base.warn.is_some() || base.critical.is_some();
    if tier.is_user_facing() && (targets.error_ratio_warn.is_some() || targets.error_ratio_critical.is_some()) {
        let warn = targets.error_ratio_warn.or(base.warn).unwrap_or(ERROR_RATIO.0);
        let critical = targets.error_ratio_critical.or(base.critical).unwrap_or(ERROR_RATIO.1);
        return Thresholds { warn: Some(warn), critical: Some(critical.max(warn)), above: true, origin: CONFIGURED };
    }
    if stated || !tier.is_user_facing() {
        return Thresholds { above: true, ..base };
    }
    Thresholds { warn: Some(ERROR_RATIO.0), critical: Some(ERROR_RATIO.1), above: true, origin: "default" }
}

/// A configured target is the level that warns; critical keeps the catalogue's distance from it.
fn latency(base: Thresholds, tier: Tier, statistic: Statistic, targets: &Targets) -> Thresholds {
    let Some((target, origin)) = target(tier, statistic, targets).filter(|(_, origin)| *origin == CONFIGURED) else {
        return base;
    };
    let factor = base.warn.zip(base.critical).map_or(2.5, |(warn, critical)| critical / warn);
    let critical = base.critical.map(|_| target * factor);
    Thresholds { warn: Some(target), critical, above: true, origin }
}

/// The latency target of a tier in seconds, when there is one in this statistic (PRODUCT: a target in another statistic
/// is no target), and where it comes from.
#[must_use]
pub fn target(tier: Tier, statistic: Statistic, targets: &Targets) -> Option<(f64, &'static str)> {
    let (stated, own, configured, origin) = match tier {
        Tier::Edge => (Statistic::P95, 150.0, targets.edge_p95_ms, "default"),
        Tier::LoadBalancer => (Statistic::P95, 250.0, targets.load_balancer_p95_ms, "default"),
        Tier::Application => (Statistic::P95, 200.0, targets.application_p95_ms, "seed documents"),
        Tier::Database => (Statistic::Avg, 100.0, targets.database_avg_ms, "seed documents"),
        Tier::Cache => (Statistic::Avg, 10.0, targets.cache_avg_ms, "seed documents"),
        _ => return None,
    };
    let found = configured.map_or((own, origin), |ms| (ms, CONFIGURED));
    (stated == statistic).then_some((found.0 / 1_000.0, found.1))
}

/// What a signal may say by itself: resources near their limit warn, unless reaching the limit is an outage.
#[must_use]
pub fn capped(health: Health, spec: &SignalSpec) -> Health {
    if health == Health::Critical && is_soft(spec) { Health::Warn } else { health }
}

/// Whether it can warn at most.
#[must_use]
pub const fn is_soft(spec: &SignalSpec) -> bool {
    matches!(spec.role, Role::Saturation | Role::Hit | Role::Trouble | Role::Info | Role::Business) && !spec.hard
}
