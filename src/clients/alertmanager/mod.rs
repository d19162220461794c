//! The Alertmanager API v2: reading only.
//!
//! Source: prometheus/alertmanager api/v2/openapi.yaml; what real servers do is in facts/signals.md 1.2.

pub mod read;

#[cfg(test)]
mod tests;
