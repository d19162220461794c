//! Pages.

pub mod board;
pub mod component;
pub mod lists;
pub mod operations;
pub mod tier;
pub mod topology;
