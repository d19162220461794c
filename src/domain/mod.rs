//! The vocabulary: what the other rooms talk in. No logic about the world, no input or output.

pub mod error;
pub mod health;
pub mod id;
pub mod reading;
pub mod settings;
pub mod text;
pub mod tier;
pub mod time;
pub mod unit;
