//! The running production: the world behind its lock.

use std::sync::RwLock;

use super::store::Stores;

pub struct World {
    pub stores: Stores,
    now: i64,
}

impl World {
    #[must_use]
    pub fn now(&self) -> i64 {
        self.now
    }
}

pub struct Production {
    world: RwLock<World>,
}

impl Production {
    pub fn read<R>(&self, f: impl FnOnce(&World) -> R) -> R {
        let world = self.world.read().unwrap_or_else(std::sync::PoisonError::into_inner);
        f(&world)
    }
}
