//! The only place that reads clocks: world time from the wall's, human time from the monotonic one.

use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use crate::domain::time::{Clock, Human, Stamp};

/// Reads both clocks. Copies agree with each other.
#[derive(Clone, Copy, Debug)]
pub struct Clocks {
    world: Clock,
    started: Instant,
}

impl Clocks {
    #[must_use]
    pub fn new(world: Clock) -> Self {
        Self { world, started: Instant::now() }
    }

    /// World time now.
    #[must_use]
    pub fn now(&self) -> Stamp {
        self.world.at(wall_millis())
    }

    /// Time since the program's start, for everything that people wait for.
    #[must_use]
    pub fn human(&self) -> Human {
        Human(self.started.elapsed())
    }

    /// How long a span of world time takes on the wall.
    #[must_use]
    pub fn on_the_wall(&self, span: Duration) -> Duration {
        self.world.on_the_wall(span)
    }
}

fn wall_millis() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_millis()).unwrap_or(i64::MAX)
}
