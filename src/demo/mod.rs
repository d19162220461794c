//! The embedded production world: a seeded model on virtual time, served on loopback by listeners that speak the real
//! protocols. The wire is the only contract: nothing here knows the console's clients, sources, model or state.

// This room has its own clock, threads and locks: it plays the outside world.
#![allow(clippy::disallowed_methods, clippy::disallowed_types)]

pub mod clock;
pub mod control;
pub mod production;
pub mod requests;
pub mod servers;
pub mod store;
#[cfg(test)]
mod tests;
pub mod world;

pub use control::{Demo, DemoError, DemoOptions, Endpoints, serve_json, serve_words, start};
pub use production::WorldHandle;
