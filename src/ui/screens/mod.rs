//! Pages.

pub mod board;
pub mod component;
pub mod databases;
pub mod lists;
pub mod operations;
pub mod rollouts;
pub mod tier;
pub mod topology;
pub mod trail;
