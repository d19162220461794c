//! Faults that a drill switches on, per service and per action.

use std::collections::BTreeMap;
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

/// A shared switch per service and per action (`rds:DescribeEvents`); every clone sets the same ones.
#[derive(Clone, Debug, Default)]
pub struct AwsFaults {
    switches: Arc<Mutex<BTreeMap<String, AwsFault>>>,
}

impl AwsFaults {
    /// Sets the fault of one service, of one of its actions (`service:Operation`), or of all services under the name
    /// `aws`. False if there is no such service.
    pub fn set(&self, name: &str, fault: AwsFault) -> bool {
        let mut switches = self.switches.lock().unwrap_or_else(PoisonError::into_inner);
        let service = name.split(':').next().unwrap_or(name);
        let names: Vec<&str> = SERVICES.into_iter().filter(|known| *known == service || name == "aws").collect();
        for known in &names {
            let key = if name == "aws" { known } else { name };
            switches.insert(key.to_owned(), fault);
        }
        !names.is_empty()
    }

    /// The fault of the action, where it has one of its own, else of its service.
    #[must_use]
    pub fn get(&self, service: &str, operation: &str) -> AwsFault {
        let switches = self.switches.lock().unwrap_or_else(PoisonError::into_inner);
        let of = |name: &str| switches.get(name).copied().filter(|fault| *fault != AwsFault::Ok);
        of(&format!("{service}:{operation}")).or_else(|| of(service)).unwrap_or_default()
    }
}
