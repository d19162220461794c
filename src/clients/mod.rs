//! One folder per protocol: wire to slim own types and back. Knows no world; every failure is a [`Fault`].

pub mod aws;
pub mod egress;

pub use crate::domain::error::{Fault, FaultKind};
