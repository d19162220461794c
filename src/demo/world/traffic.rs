//! What users ask of the shop: a daily and a weekly shape with noise that depends on seed and time alone.

use super::noise::{mix, signed, wander};

const DAY: i64 = 86_400_000;
/// Requests per second at the edge at an average hour of a working day.
const AVERAGE: f64 = 1_900.0;

/// Requests at the edge and what becomes of them before the load balancer, per second.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Edge {
    pub requests: f64,
    /// Answered from the CDN's cache.
    pub hits: f64,
    /// Refused by the firewall.
    pub blocked: f64,
    /// Refused or not found (4xx), among them the blocked.
    pub client_errors: f64,
}

impl Edge {
    /// What the firewall lets through to the load balancer.
    #[must_use]
    pub fn allowed(&self) -> f64 {
        self.requests - self.hits - self.blocked
    }
}

/// The demand of users at `at`; `factor` is 1 unless something keeps them away.
#[must_use]
pub fn demand(seed: u64, at: i64, factor: f64) -> Edge {
    let requests = AVERAGE * shape(at) * jitter(seed, at) * factor;
    let hit_ratio = 0.70 + 0.012 * wander(mix(seed, 11), at, 1_900_000);
    let misses = requests * (1.0 - hit_ratio);
    let blocked = misses * 0.006 * (1.0 + 0.25 * wander(mix(seed, 12), at, 800_000));
    let client_errors = blocked + requests * 0.004 * (1.0 + 0.1 * wander(mix(seed, 13), at, 500_000));
    Edge { requests, hits: requests * hit_ratio, blocked, client_errors }
}

/// The hour's and the weekday's factor: quietest at 03:00 UTC, busiest in the evening, less at weekends.
fn shape(at: i64) -> f64 {
    let day = at.rem_euclid(DAY) as f64 / DAY as f64 * std::f64::consts::TAU;
    let hour = 0.92 - 0.26 * (day - 0.05 * std::f64::consts::TAU).cos() - 0.06 * (2.0 * day + 0.6).cos();
    // The epoch was a Thursday; the weekend's factor fades in and out over Friday and Monday nights.
    let weekday = (at as f64 / DAY as f64 + 3.0).rem_euclid(7.0);
    let weekend = ((weekday - 4.8) / 0.4).clamp(0.0, 1.0) * ((7.2 - weekday) / 0.4).clamp(0.0, 1.0);
    let sunday_night = ((0.2 - weekday) / 0.4).clamp(0.0, 1.0);
    hour * (1.0 - 0.15 * weekend.max(sunday_night))
}

fn jitter(seed: u64, at: i64) -> f64 {
    let slow = 0.015 * wander(mix(seed, 1), at, 1_100_000);
    let fast = 0.012 * wander(mix(seed, 2), at, 97_000);
    let grain = 0.010 * signed(mix(seed, 3), at as u64);
    1.0 + slow + fast + grain
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn demand_has_a_daily_and_a_weekly_shape() {
        let start = 1_700_000_000_000;
        let of = |hour: i64| demand(7, start + hour * 3_600_000, 1.0).requests;
        let week: Vec<f64> = (0..168).map(of).collect();
        let (low, high) = (week.iter().copied().fold(f64::MAX, f64::min), week.iter().copied().fold(0.0, f64::max));
        assert!(low > 800.0 && high < 2_500.0 && high > 1.6 * low, "{low} {high}");
        for hour in 0..168 {
            let ratio = of(hour) / of(hour + 168);
            assert!((ratio - 1.0).abs() < 0.1, "the same hour of the next week is alike: {ratio}");
        }
        let steps = (0..168 * 60).map(|m| (of_minute(start, m), of_minute(start, m + 1)));
        assert!(steps.into_iter().all(|(a, b)| (a / b - 1.0).abs() < 0.09), "no cliffs between minutes");
    }

    fn of_minute(start: i64, minute: i64) -> f64 {
        demand(7, start + minute * 60_000, 1.0).requests
    }
}
