//! What is known of an environment, and what follows from it. Pure: observations and a time in, a board out.

pub mod board;
pub mod facts;
pub mod signals;
