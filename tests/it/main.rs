//! The one integration binary.

mod architecture;
mod config;
mod contract;
mod screens;
