//! The one integration binary.

// All of it is test code: it may panic, read clocks and lock.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::disallowed_macros,
    clippy::disallowed_methods,
    clippy::disallowed_types,
    clippy::print_stderr,
    clippy::print_stdout
)]

mod architecture;
mod audit;
mod config;
mod contract;
mod cost;
mod databases;
mod durability;
mod operations;
mod pty;
mod run;
mod screens;
mod screenshots;
mod shows;
mod support;
