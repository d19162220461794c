//! Faults that a drill switches on, one per service.

use std::sync::{Arc, Mutex, PoisonError};

/// The services of the listener by the names that faults are set under.
pub const SERVICES: [&str; 6] = ["cloudwatch", "elbv2", "rds", "elasticache", "autoscaling", "sts"];

/// How a service misbehaves.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum AwsFault {
    #[default]
    Ok,
    /// Takes the request and never answers.
    Hang,
    /// Answers with this status and the error that AWS sends with it, in the protocol of the request: 401 is an expired
    /// token, 403 a denied action, 400 and 429 throttling, 5xx a failure of the service.
    Status(u16),
    /// Announces the whole answer, sends half of it and closes the connection.
    Truncate,
}

/// A shared switch per service; every clone sets the same ones.
#[derive(Clone, Debug, Default)]
pub struct AwsFaults {
    switches: Arc<Mutex<[AwsFault; SERVICES.len()]>>,
}

impl AwsFaults {
    /// Sets the fault of one service, or of all of them under the name `aws`. False if there is no such service.
    pub fn set(&self, service: &str, fault: AwsFault) -> bool {
        let mut switches = self.switches.lock().unwrap_or_else(PoisonError::into_inner);
        let mut known = false;
        for (name, switch) in SERVICES.iter().zip(switches.iter_mut()) {
            if *name == service || service == "aws" {
                *switch = fault;
                known = true;
            }
        }
        known
    }

    #[must_use]
    pub fn get(&self, service: &str) -> AwsFault {
        let switches = self.switches.lock().unwrap_or_else(PoisonError::into_inner);
        SERVICES.iter().zip(switches.iter()).find(|(name, _)| **name == service).map_or(AwsFault::Ok, |(_, s)| *s)
    }
}
