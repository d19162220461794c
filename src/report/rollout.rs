//! The progress of a canary or a rolling update.

use serde::Serialize;

use super::figure::words;
use crate::model::facts::{Revision, RolloutFact};

/// Weights are percent; null where nothing sets or tells one.
#[derive(Clone, Debug, Serialize)]
pub struct RolloutReport {
    /// `Healthy`, `Progressing`, `Paused`, `Degraded`.
    pub phase: String,
    /// The current step, counted from 0, of `steps`.
    pub step: Option<u32>,
    pub steps: Option<u32>,
    pub set_weight: Option<u32>,
    pub actual_weight: Option<u32>,
    pub stable: RevisionReport,
    /// Present while another revision than the stable one takes part.
    pub canary: Option<RevisionReport>,
}

#[derive(Clone, Debug, Serialize)]
pub struct RevisionReport {
    /// Pod template hash.
    pub hash: String,
    pub number: Option<u64>,
    pub image: String,
    pub ready: u32,
}

impl RolloutReport {
    #[must_use]
    pub fn of(rollout: &RolloutFact) -> Self {
        Self {
            phase: words(&rollout.phase.shown()),
            step: rollout.step.map(|(step, _)| step),
            steps: rollout.step.map(|(_, steps)| steps),
            set_weight: rollout.set_weight,
            actual_weight: rollout.actual_weight,
            stable: RevisionReport::of(&rollout.stable),
            canary: rollout.canary.as_ref().map(RevisionReport::of),
        }
    }
}

impl RevisionReport {
    fn of(revision: &Revision) -> Self {
        Self {
            hash: words(&revision.hash.shown()),
            number: revision.number,
            image: words(&revision.image.shown()),
            ready: revision.ready,
        }
    }
}
