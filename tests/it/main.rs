mod architecture;
mod config;
//! The one integration binary.
mod screens;
