//! tierdeck: a terminal operations console for the person on call.

pub mod action;
pub mod clients;
pub mod config;
pub mod demo;
pub mod domain;
pub mod input;
pub mod model;
pub mod report;
pub mod sources;
pub mod state;
