//! One folder per protocol; each answers from the stores of the world.

pub mod aws;
