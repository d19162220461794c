//! The vocabulary: what the other rooms talk in. No logic about the world, and no input or output but the reading of small
//! files.

pub mod error;
pub mod file;
pub mod health;
pub mod id;
pub mod policy;
pub mod reading;
pub mod secret;
pub mod settings;
pub mod text;
pub mod tier;
pub mod time;
pub mod unit;
