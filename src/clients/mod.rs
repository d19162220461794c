//! One folder per protocol: wire to slim own types and back. Knows no world; every failure is a [`Fault`](crate::domain::error::Fault).

pub mod alertmanager;
pub mod aws;
pub mod change;
pub mod egress;
pub mod kube;
pub mod postgres;
pub mod probe;
pub mod prometheus;
#[cfg(test)]
pub mod testing;
pub mod web;
