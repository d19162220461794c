//! The world's time: it starts at the wall's and runs `rate` times as fast.

use std::time::{SystemTime, UNIX_EPOCH};

/// World time as a function of the wall's: `world + (wall - origin) * rate`, milliseconds since the Unix epoch.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Clock {
    pub origin: i64,
    pub world: i64,
    pub rate: f64,
}

impl Clock {
    /// A clock that shows the wall's time now and runs at `rate` from here.
    #[must_use]
    pub fn start(rate: f64) -> Self {
        let wall = wall_ms();
        Self { origin: wall, world: wall, rate }
    }

    /// World time now.
    #[must_use]
    pub fn now(&self) -> i64 {
        self.at(wall_ms())
    }

    /// World time at a moment of the wall's.
    #[must_use]
    pub fn at(&self, wall: i64) -> i64 {
        self.world + ((wall - self.origin) as f64 * self.rate) as i64
    }

    /// The same world time from here on, at another rate.
    #[must_use]
    pub fn with_rate(&self, rate: f64) -> Self {
        let wall = wall_ms();
        Self { origin: wall, world: self.at(wall), rate }
    }
}

/// The wall's time, ms since the Unix epoch.
#[must_use]
pub fn wall_ms() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_millis()).unwrap_or(i64::MAX)
}
