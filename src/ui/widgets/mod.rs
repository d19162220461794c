//! What ratatui lacks.

pub mod spark;
