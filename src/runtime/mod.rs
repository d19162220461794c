//! The shell around the pure rooms: the loop, the terminal, the runner that drives sources, clocks and signals.

// Clocks, threads, tasks and locks live here and nowhere else but in the embedded world.
#![allow(clippy::disallowed_methods, clippy::disallowed_types)]

pub mod app;
pub mod clock;
pub mod connect;
pub mod doctor;
pub mod inbox;
pub mod launch;
pub mod log;
pub mod operate;
pub mod panics;
mod progress;
pub mod run;
pub mod runner;
pub mod signals;
mod skew;
pub mod terminal;
