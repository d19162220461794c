//! Distributions of latency: mixtures of log-normal parts.

pub const MILLISECOND: f64 = 1e-3;

/// Mean and variance of a duration in seconds.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Duration {
    pub mean: f64,
    pub variance: f64,
}

impl Duration {
    pub const ZERO: Self = Self { mean: 0.0, variance: 0.0 };

    /// A duration whose standard deviation is `spread` times its mean.
    #[must_use]
    pub fn spread(mean: f64, spread: f64) -> Self {
        Self { mean, variance: (mean * spread).powi(2) }
    }

    /// This and then an independent other.
    #[must_use]
    pub fn then(self, other: Self) -> Self {
        Self { mean: self.mean + other.mean, variance: self.variance + other.variance }
    }

    /// `count` independent ones, one after the other.
    #[must_use]
    pub fn times(self, count: f64) -> Self {
        Self { mean: self.mean * count, variance: self.variance * count }
    }

    /// Share of such durations above `limit` seconds.
    #[must_use]
    pub fn above(self, limit: f64) -> f64 {
        1.0 - Part::new(1.0, self).cumulative(limit.ln())
    }
}

#[derive(Clone, Copy, Debug)]
struct Part {
    weight: f64,
    duration: Duration,
    /// Mean and standard deviation of the logarithm.
    mu: f64,
    sigma: f64,
}

impl Part {
    fn new(weight: f64, duration: Duration) -> Self {
        let mean = duration.mean.max(1e-6);
        let variance = (1.0 + duration.variance / (mean * mean)).ln();
        Self { weight, duration, mu: mean.ln() - variance / 2.0, sigma: variance.sqrt().max(1e-3) }
    }

    fn cumulative(&self, log: f64) -> f64 {
        normal((log - self.mu) / self.sigma)
    }
}

/// A distribution of latency. Weights sum to 1 unless it is empty.
#[derive(Clone, Debug, Default)]
pub struct Mixture {
    parts: Vec<Part>,
}

impl Mixture {
    #[must_use]
    pub fn of(duration: Duration) -> Self {
        Self { parts: vec![Part::new(1.0, duration)] }
    }

    /// Adds `other` with this much of the whole's weight.
    pub fn add(&mut self, weight: f64, other: &Self) {
        if weight > 0.0 {
            self.parts.extend(other.parts.iter().map(|p| Part { weight: p.weight * weight, ..*p }));
        }
    }

    /// Every duration of this preceded by an independent `own`.
    #[must_use]
    pub fn after(&self, own: Duration) -> Self {
        Self { parts: self.parts.iter().map(|p| Part::new(p.weight, p.duration.then(own))).collect() }
    }

    #[must_use]
    pub fn mean(&self) -> f64 {
        self.parts.iter().map(|p| p.weight * p.duration.mean).sum()
    }

    /// Share at or below `seconds`.
    #[must_use]
    pub fn share_below(&self, seconds: f64) -> f64 {
        self.share_below_log(seconds.ln())
    }

    /// Share at or below the duration whose natural logarithm is `log`.
    #[must_use]
    pub fn share_below_log(&self, log: f64) -> f64 {
        self.parts.iter().map(|p| p.weight * p.cumulative(log)).sum()
    }

    /// The duration that the share `q` stays below, in seconds.
    #[must_use]
    pub fn quantile(&self, q: f64) -> f64 {
        let (mut low, mut high) = (1e-5f64.ln(), 1e3f64.ln());
        for _ in 0..40 {
            let middle = f64::midpoint(low, high);
            if self.share_below_log(middle) < q { low = middle } else { high = middle }
        }
        high.exp()
    }
}

/// The standard normal distribution function (Abramowitz and Stegun 7.1.26, error below 1.5e-7).
fn normal(x: f64) -> f64 {
    let z = x.abs() / std::f64::consts::SQRT_2;
    if z > 5.0 {
        return if x > 0.0 { 1.0 } else { 0.0 };
    }
    let t = 1.0 / (1.0 + 0.327_591_1 * z);
    let poly =
        t * (0.254_829_592 + t * (-0.284_496_736 + t * (1.421_413_741 + t * (-1.453_152_027 + t * 1.061_405_429))));
    let upper = 0.5 * poly * (-z * z).exp();
    if x > 0.0 { 1.0 - upper } else { upper }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn normal_matches_the_tables() {
        for (x, want) in [(0.0, 0.5), (1.0, 0.841_344_7), (-1.96, 0.024_997_9), (3.0, 0.998_650_1)] {
            assert!((normal(x) - want).abs() < 2e-7, "{x}");
        }
    }

    #[test]
    fn a_mixture_keeps_mean_and_quantiles() {
        let mut mixture = Mixture::default();
        mixture.add(0.8, &Mixture::of(Duration::spread(0.02, 0.5)));
        mixture.add(0.2, &Mixture::of(Duration::spread(0.4, 0.5)));
        assert!((mixture.mean() - 0.096).abs() < 1e-12);
        let p95 = mixture.quantile(0.95);
        assert!((mixture.share_below(p95) - 0.95).abs() < 1e-6);
        assert!(p95 > 0.3, "the slow fifth decides the p95: {p95}");
    }
}
