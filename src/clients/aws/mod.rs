//! AWS through its own SDK: slim answers, every failure a [`Fault`](crate::domain::error::Fault).

mod cap;
mod connect;
mod fault;
pub mod read;
pub mod write;
