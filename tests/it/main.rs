//! The one integration binary.

mod architecture;
mod config;
mod contract;
mod pty;
mod screens;
mod shows;
mod support;
