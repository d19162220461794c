//! How often CloudWatch is asked: as often as its points come, or as rarely as the budget wants.
//!
//! Everything that CloudWatch answers is billed: GetMetricData by the metrics asked for, every other call by itself. The
//! free million of calls a month belongs to the whole account and cannot be seen from here, so all calls are counted.

use std::time::Duration;

/// A point a minute is the finest that the catalogue asks for; asking oftener costs and gives nothing.
pub const EVERY: Duration = Duration::from_secs(60);
/// The rarest that a budget can make it; a budget for less is told to be too small.
const RAREST: Duration = Duration::from_secs(24 * 3_600);
/// The time between two signs of life that the runner asks for; a budget makes it a multiple of this.
pub const LIFE: Duration = Duration::from_secs(4);
/// How much of the budget signs of life may take: that a server is lost should show within 10 s.
const LIFE_SHARE: f64 = 1.0 / 3.0;
/// Last week's hours around now are read again this often.
pub const LAST_WEEK_EVERY: Duration = Duration::from_secs(2_700);
/// New resources are looked for this often; CloudWatch lists them up to 15 minutes late.
pub const DISCOVER_EVERY: Duration = Duration::from_secs(900);
/// USD for a metric asked for, and for a call of any other kind (facts/aws.md 2.2).
pub const PRICE: f64 = 0.01 / 1_000.0;
const HOURS_A_MONTH: f64 = 730.0;

/// What there is to ask for.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Demand {
    /// Metrics of a round as they are billed.
    pub metrics: usize,
    /// The same of last week's hours.
    pub last_week: usize,
    /// Calls that list metrics, each time.
    pub listings: u64,
    /// Calls that read the alarms, each round.
    pub alarms: u64,
}

/// How often the parts are asked.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Pace {
    pub every: Duration,
    /// Between two signs of life.
    pub life: Duration,
    pub usd_per_hour: f64,
    /// Even the rarest rounds cost more than the budget.
    pub overdrawn: bool,
}

impl Default for Pace {
    fn default() -> Self {
        Self { every: EVERY, life: LIFE, usd_per_hour: 0.0, overdrawn: false }
    }
}

impl Pace {
    /// The fastest pace whose month stays within the budget (USD).
    #[must_use]
    pub fn of(demand: Demand, budget: f64) -> Self {
        let minutes = u32::try_from(RAREST.as_secs() / EVERY.as_secs()).unwrap_or(u32::MAX);
        let life = life(budget * LIFE_SHARE);
        let paced = |every| {
            let usd_per_hour = usd_per_hour(demand, every, life);
            Self { every, life, usd_per_hour, overdrawn: usd_per_hour * HOURS_A_MONTH > budget }
        };
        let affordable = (1..minutes).map(|count| paced(EVERY * count)).find(|pace| !pace.overdrawn);
        affordable.unwrap_or_else(|| paced(RAREST))
    }
}

fn life(budget: f64) -> Duration {
    let steps = (usd_of(1.0, LIFE) * HOURS_A_MONTH / budget.max(f64::MIN_POSITIVE)).ceil();
    let most = RAREST.as_secs_f64() / LIFE.as_secs_f64();
    LIFE.mul_f64(steps.clamp(1.0, most))
}

/// An hour of `count` units asked `every` so often.
fn usd_of(count: f64, every: Duration) -> f64 {
    PRICE * count * 3_600.0 / every.as_secs_f64()
}

fn usd_per_hour(demand: Demand, every: Duration, life: Duration) -> f64 {
    usd_of(demand.metrics as f64 + demand.alarms as f64, every)
        + usd_of(demand.last_week as f64, LAST_WEEK_EVERY.max(every))
        + usd_of(demand.listings as f64, DISCOVER_EVERY.max(every))
        + usd_of(1.0, life)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_budget_is_kept_or_told_to_be_too_small() {
        let demand = |metrics| Demand { metrics, last_week: metrics / 4, listings: 8, alarms: 1 };
        for metrics in [0, 13, 200, 5_000] {
            for budget in [50.0, 25.0, 10.0, 2.0, 1.0, 0.2] {
                let pace = Pace::of(demand(metrics), budget);
                let month = pace.usd_per_hour * HOURS_A_MONTH;
                assert!(pace.overdrawn || month <= budget, "{metrics} {budget}: {pace:?}");
                assert!(!pace.overdrawn || pace.every == RAREST, "{metrics} {budget}: {pace:?}");
            }
        }
        assert_eq!(Pace::of(demand(100), 1_000.0).every, EVERY);
        assert_eq!(Pace::of(demand(100), 50.0).life, LIFE, "a default account notices a loss within 10 s");
        assert!(Pace::of(demand(500), 5.0).every > Duration::from_secs(900), "a small budget is kept beyond a quarter");
        for budget in [0.0, -1.0, 0.000_1, f64::NAN] {
            assert!(Pace::of(demand(5_000), budget).overdrawn || budget.is_nan(), "{budget}");
        }
    }
}
