//! What the embedded world must show on the board, end to end: world, servers, clients, sources, model, report.

mod calm;
mod faults;
mod incidents;
mod recompute;

use std::sync::{Mutex, MutexGuard, PoisonError};

use serde_json::Value;

/// Shows measure human time and keep both processors busy, so they run one after the other.
fn quiet() -> MutexGuard<'static, ()> {
    static ONE: Mutex<()> = Mutex::new(());
    ONE.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The measured figures that a figure is computed from; itself when it is measured.
fn leaves(figure: &Value) -> Vec<&Value> {
    match figure["from"].as_array().map_or(&[][..], Vec::as_slice) {
        [] if figure.is_object() => vec![figure],
        parts => parts.iter().flat_map(leaves).collect(),
    }
}
