//! What one service of AWS does not let us see: a role that lacks one permission loses what rests on that call alone.

use crate::domain::error::{Fault, FaultKind};
use crate::model::facts::{Fact, GapFact};

/// Sorts a call's failure: refused to us for good, which is a gap, or a fault of the whole round. A fault that passes
/// (throttling, an error of the service) must not be a gap: what the call told last would seem to be gone.
///
/// # Errors
/// The [`Fault`] of the round.
pub fn allowed<T>(answer: Result<T, Fault>) -> Result<Result<T, Fault>, Fault> {
    match answer {
        Err(fault) if !matches!(fault.kind, FaultKind::Forbidden | FaultKind::Missing) => Err(fault),
        answer => Ok(answer),
    }
}

/// Like [`allowed`], for what is only added to what is known (events, activities, alarms): such a call may also be
/// throttled or fail by itself, and takes nothing with it.
///
/// # Errors
/// The [`Fault`] of the round.
pub fn aside<T>(answer: Result<T, Fault>) -> Result<Result<T, Fault>, Fault> {
    match answer {
        Err(fault) if matches!(fault.kind, FaultKind::Throttled | FaultKind::Server) => Ok(Err(fault)),
        answer => allowed(answer),
    }
}

/// The gaps of one round.
#[derive(Debug, Default)]
pub struct Gaps(Vec<GapFact>);

impl Gaps {
    /// What was answered; a refusal is noted.
    pub fn keep<T>(&mut self, answer: Result<T, Fault>) -> Option<T> {
        match answer {
            Ok(answer) => Some(answer),
            Err(Fault { what, hint, .. }) => {
                self.0.push(GapFact { what, hint });
                None
            }
        }
    }

    /// As facts of the round.
    #[must_use]
    pub fn facts(self) -> Vec<Fact> {
        self.0.into_iter().map(Fact::Gap).collect()
    }
}
