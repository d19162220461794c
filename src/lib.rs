//! tierdeck: a terminal operations console for the person on call.

pub mod clients;
pub mod demo;
pub mod domain;
pub mod layout;
pub mod model;
pub mod sources;
pub mod state;
pub mod theme;
pub mod ui;
