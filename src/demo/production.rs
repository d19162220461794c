//! The running production: the world behind its lock.

use std::sync::RwLock;

use super::store::Stores;

#[derive(Default)]
pub struct World {
    pub stores: Stores,
    pub clock: i64,
    pub monitoring_down: bool,
}

impl World {
    #[must_use]
    pub fn now(&self) -> i64 {
        self.clock
    }

    #[must_use]
    pub fn prometheus_up(&self) -> bool {
        !self.monitoring_down
    }
}

pub struct Production {
    world: RwLock<World>,
}

impl Production {
    #[must_use]
    pub fn new(world: World) -> Self {
        Self { world: RwLock::new(world) }
    }

    pub fn read<R>(&self, f: impl FnOnce(&World) -> R) -> R {
        let world = self.world.read().unwrap_or_else(std::sync::PoisonError::into_inner);
        f(&world)
    }
}
