//! Pages.

pub mod board;
