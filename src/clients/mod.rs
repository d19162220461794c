//! One folder per protocol: wire to slim own types and back. Knows no world; every failure is a [`Fault`].

pub mod egress;
pub mod kube;
pub mod probe;

pub use crate::domain::error::{Fault, FaultKind};
