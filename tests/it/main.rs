//! The one integration binary.

mod architecture;
mod config;
mod pty;
mod screens;
