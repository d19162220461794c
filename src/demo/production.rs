//! The running production: the world behind its lock, its clock, and who wants to hear that it moved.

use std::sync::{Arc, Mutex, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

use tokio::sync::watch;

use super::clock::Clock;
use super::world::{Truth, World, WorldError};

type Hook = Box<dyn Fn(&World) + Send + Sync>;

/// The world as its servers share it: they read, the ticker and the control commands write.
pub struct Production {
    world: RwLock<World>,
    clock: RwLock<Clock>,
    version: watch::Sender<u64>,
    hooks: Mutex<Vec<Hook>>,
}

impl Production {
    #[must_use]
    pub fn new(world: World, clock: Clock) -> Self {
        let version = watch::Sender::new(world.stores.kube.version());
        Self { world: RwLock::new(world), clock: RwLock::new(clock), version, hooks: Mutex::default() }
    }

    /// Looks at the world as it is. Keep it short: the world stands still meanwhile.
    pub fn read<R>(&self, look: impl FnOnce(&World) -> R) -> R {
        let world: RwLockReadGuard<'_, World> = self.world.read().unwrap_or_else(PoisonError::into_inner);
        look(&world)
    }

    /// Moves the world to what the clock shows.
    pub fn advance(&self) {
        let now = self.clock().now();
        self.write(|world| world.advance(now));
    }

    /// Moves a standing clock (rate 0) by `ms` of world time, and the world with it.
    pub fn step(&self, ms: i64) {
        self.clock.write().unwrap_or_else(PoisonError::into_inner).world += ms;
        self.advance();
    }

    /// Changes what happens in the world from now on.
    ///
    /// # Errors
    /// When there is no such scenario.
    pub fn set_scenario(&self, name: &str) -> Result<(), WorldError> {
        let now = self.clock().now();
        self.write(|world| {
            world.advance(now);
            world.set_scenario(name, now)
        })
    }

    #[must_use]
    pub fn clock(&self) -> Clock {
        *self.clock.read().unwrap_or_else(PoisonError::into_inner)
    }

    /// Lets the clock go on from the world time it shows now at another rate; returns the new clock.
    pub fn set_rate(&self, rate: f64) -> Clock {
        let mut clock = self.clock.write().unwrap_or_else(PoisonError::into_inner);
        *clock = clock.with_rate(rate);
        *clock
    }

    /// Tells when the newest Kubernetes resource version changes.
    #[must_use]
    pub fn versions(&self) -> watch::Receiver<u64> {
        self.version.subscribe()
    }

    /// Runs `hook` on the world now and after each of its moves.
    pub fn on_move(&self, hook: impl Fn(&World) + Send + Sync + 'static) {
        self.read(&hook);
        self.hooks.lock().unwrap_or_else(PoisonError::into_inner).push(Box::new(hook));
    }

    /// Changes the world as it is now.
    pub fn change<R>(&self, change: impl FnOnce(&mut World) -> R) -> R {
        let now = self.clock().now();
        self.write(|world| {
            world.advance(now);
            change(world)
        })
    }

    pub(crate) fn write<R>(&self, change: impl FnOnce(&mut World) -> R) -> R {
        let mut world: RwLockWriteGuard<'_, World> = self.world.write().unwrap_or_else(PoisonError::into_inner);
        let result = change(&mut world);
        let version = world.stores.kube.version();
        drop(world);
        self.read(|world| {
            self.hooks.lock().unwrap_or_else(PoisonError::into_inner).iter().for_each(|hook| hook(world));
        });
        self.version.send_if_modified(|known| std::mem::replace(known, version) != version);
        result
    }
}

/// Moves the world of a demo that was started with speed 0, and knows what is true in any.
#[derive(Clone)]
pub struct WorldHandle(Arc<Production>);

impl WorldHandle {
    #[must_use]
    pub fn new(production: Arc<Production>) -> Self {
        Self(production)
    }

    /// Moves the world by `ms` of its time. Its servers answer from the new state when this returns.
    pub fn advance(&self, ms: i64) {
        self.0.step(ms);
    }

    /// World time, ms since the Unix epoch.
    #[must_use]
    pub fn now(&self) -> i64 {
        self.0.clock().now()
    }

    /// What the seed drew for the present scenario.
    #[must_use]
    pub fn truth(&self) -> Truth {
        self.0.read(World::truth)
    }
}
