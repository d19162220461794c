//! The one integration binary.

mod architecture;
mod config;
mod screens;
mod shows;
mod support;
