//! What is known of an environment, and what follows from it. Pure: observations and a time in, a board out.
//!
//! [`world::World`] keeps what the sources said, each under its source and scope. [`assess`] resolves identities
//! ([`resolve`]), gives every component its tier ([`infer`]), joins dependencies ([`topology`]), judges every signal over
//! its history, rolls health up, tells trouble that is passed on from trouble that is added, and looks for the cause
//! ([`cause`], [`canary`], [`changes`]).

pub mod assess;
pub mod board;
pub mod canary;
pub mod cause;
pub mod changes;
pub mod facts;
pub mod infer;
pub mod resolve;
pub mod signals;
pub mod topology;
pub mod world;

#[cfg(test)]
mod tests;
