//! What ratatui lacks.

pub mod chart;
pub mod spark;
