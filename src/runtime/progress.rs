//! An operation under way, line by line.

use crate::domain::text::Shown;
use crate::operation::machine::{Machine, Phase, Sending};
use crate::operation::verify::Verifier;
use crate::shown;

/// What was told of an operation.
#[derive(Debug, Default)]
pub struct Progress {
    /// Where it stood when that was last told.
    standing: Shown,
    /// How many steps were told to be answered.
    answers: usize,
}

impl Progress {
    /// What has changed since it was last told.
    pub fn news(&mut self, machine: &Machine) -> Vec<Shown> {
        let steps = machine.progress.len();
        let answered = machine.progress.iter().take_while(|step| step.ended.is_some()).count();
        let steps_told = machine.progress.iter().enumerate().take(answered).skip(self.answers);
        let mut lines: Vec<Shown> =
            steps_told.map(|(index, step)| shown!("step {} of {}: {}", index + 1, steps, step.words)).collect();
        self.answers = self.answers.max(answered);
        let standing = standing(machine);
        if !standing.is_empty() && standing != self.standing {
            lines.push(standing.clone());
            self.standing = standing;
        }
        lines
    }
}

/// Where it stands, in a line.
fn standing(machine: &Machine) -> Shown {
    match &machine.phase {
        Phase::Gathering => shown!("gathering: {}", machine.request.title()),
        Phase::Locking => Shown::fixed("locking"),
        Phase::Rechecking => Shown::fixed("last look under the lock"),
        Phase::Executing { step, state, .. } => {
            let title = machine.progress.get(*step).map(|step| step.title.clone()).unwrap_or_default();
            let lead = shown!("step {} of {}", step + 1, machine.progress.len());
            match state {
                Sending::Sent => shown!("{}: {}", lead, title),
                Sending::Settling(verifier) => shown!("{} settles: {}", lead, verifier.last.sentence()),
                Sending::Again { .. } => shown!("{} is asked again soon", lead),
            }
        }
        Phase::Verifying(verifier) => verifying(verifier),
        Phase::Draft | Phase::Guarded { .. } | Phase::Confirming(_) | Phase::Done(_) => Shown::default(),
    }
}

fn verifying(verifier: &Verifier) -> Shown {
    let until = Shown::of(&verifier.deadline().clock());
    shown!("verifying, until {}Z at most: {}", until, verifier.last.sentence())
}
