//! The documented machine output: own types, apart from the model, so that the contract changes only on purpose.
//!
//! `"schema": 1`: fields are added, never changed or removed; null is unknown, never 0.

pub mod audit;
pub mod doctor;
mod figure;
mod rollout;
pub mod run;
pub mod status;

pub use figure::Figure;

/// The version of the contract.
pub const SCHEMA: u32 = 1;
