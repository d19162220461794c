//! The model of a production environment.

use super::store::Stores;

/// What to simulate: `history` is how much of the past is filled in before the start, in milliseconds.
#[derive(Clone, Debug, Default)]
pub struct Options {
    pub world: String,
    pub scenario: String,
    pub seed: u64,
    pub history: i64,
}

#[derive(Debug, thiserror::Error)]
#[error("no scenario {0:?}")]
pub struct WorldError(String);

pub struct World {
    pub stores: Stores,
    now: i64,
}

impl World {
    pub fn new(_options: &Options, now: i64) -> Result<Self, WorldError> {
        Ok(Self { stores: Stores::default(), now })
    }

    pub fn advance(&mut self, to: i64) {
        self.now = to;
    }

    pub fn now(&self) -> i64 {
        self.now
    }

    pub fn set_scenario(&mut self, name: &str, _at: i64) -> Result<(), WorldError> {
        if name == "calm" { Ok(()) } else { Err(WorldError(name.to_owned())) }
    }

    pub fn prometheus_up(&self) -> bool {
        true
    }
}
