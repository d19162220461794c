//! tierdeck: a terminal operations console for the person on call.

pub mod demo;
