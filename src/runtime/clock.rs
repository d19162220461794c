//! The only place that reads clocks: world time from the wall's, human time from the monotonic one.

use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use crate::audit::record::Moment;
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

    /// All clocks at once, for the audit trail.
    #[must_use]
    pub fn moment(&self) -> Moment {
        let wall = wall();
        let world = self.world.at(i64::try_from(wall.as_millis()).unwrap_or(i64::MAX));
        let mono = u64::try_from(self.started.elapsed().as_nanos()).unwrap_or(u64::MAX);
        Moment { wall: i64::try_from(wall.as_nanos()).unwrap_or(i64::MAX), mono, world }
    }

    /// How long a span of world time takes on the wall.
    #[must_use]
    pub fn on_the_wall(&self, span: Duration) -> Duration {
        self.world.on_the_wall(span)
    }
}

fn wall() -> Duration {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default()
}

fn wall_millis() -> i64 {
    i64::try_from(wall().as_millis()).unwrap_or(i64::MAX)
}
