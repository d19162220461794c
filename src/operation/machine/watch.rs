//! Following what was asked to its end.

use super::{Effect, Machine, Phase, Sending};
use crate::operation::evidence::{Gather, Seen};
use crate::operation::policy::Context;
use crate::operation::verify::{End, Outcome};

impl Machine {
    pub(super) fn sighted(&mut self, ask: &Gather, seen: Seen, context: &Context<'_>) -> Vec<Effect> {
        self.run.sheet.put(ask.clone(), seen);
        let errors = context.scene(&self.request.target).errors;
        let now = context.now.world;
        match &mut self.phase {
            Phase::Verifying(verifier) => match verifier.see(ask, &self.run.sheet, &errors, now) {
                Some(end) => self.finish(end),
                None => Vec::new(),
            },
            Phase::Executing { state: Sending::Settling(verifier), .. } => {
                match verifier.see(ask, &self.run.sheet, &errors, now) {
                    Some(end) => self.settled(end, context),
                    None => Vec::new(),
                }
            }
            _ => Vec::new(),
        }
    }

    /// What had to be seen between two steps came about, or did not.
    fn settled(&mut self, end: End, context: &Context<'_>) -> Vec<Effect> {
        let mut effects = vec![Effect::Unfollow { operation: self.id.clone() }];
        if end.outcome != Outcome::Verified {
            let outcome = if end.outcome == Outcome::NoEffect { Outcome::Failed } else { end.outcome };
            self.mark_broken(outcome, end.words);
        }
        effects.extend(self.next_step(context));
        effects
    }

    /// Deadlines of what is watched, and the moment of the next attempt.
    pub(super) fn tick_run(&mut self, context: &Context<'_>) -> Vec<Effect> {
        let now = context.now.world;
        match &self.phase {
            Phase::Verifying(verifier) => match verifier.tick(now) {
                Some(end) => self.finish(end),
                None => Vec::new(),
            },
            Phase::Executing { state: Sending::Settling(verifier), .. } => match verifier.tick(now) {
                Some(end) => self.settled(end, context),
                None => Vec::new(),
            },
            Phase::Executing { step, attempt, state: Sending::Again { at } } if *at <= now => {
                let (step, attempt) = (*step, *attempt);
                self.resend(step, attempt, context)
            }
            _ => Vec::new(),
        }
    }
}
