//! Through the door, step by step: lock, last look, one request at a time, what must be seen between them.

use super::{Answer, Effect, Entry, Follow, Intent, Machine, Phase, Progress, Purpose, Sending};
use crate::domain::text::Shown;
use crate::domain::time::Stamp;
use crate::operation::evidence::{Gather, Sheet};
use crate::operation::guard::{Finding, GuardId};
use crate::operation::plan::Timing;
use crate::operation::policy::{Context, Past};
use crate::operation::verify::{End, Goal, NotRun, Outcome, Verifier};
use crate::shown;

/// World time between two sightings, and between two write probes.
const LOOK: std::time::Duration = std::time::Duration::from_secs(2);
const PROBE: std::time::Duration = std::time::Duration::from_secs(1);

impl Machine {
    pub(super) fn locked(&mut self, context: &Context<'_>, past: &Past) -> Vec<Effect> {
        if self.phase != Phase::Locking {
            // It was left meanwhile: the lock is not wanted any more.
            return vec![Effect::Unlock { operation: self.id.clone() }];
        }
        self.run.locked = true;
        self.run.lockless = None;
        self.phase = Phase::Rechecking;
        self.begin_round(Purpose::Recheck, context, past)
    }

    /// The lock is advisory: who may not keep one may still mend. It stands on the card.
    pub(super) fn unlockable(&mut self, why: &Shown, context: &Context<'_>, past: &Past) -> Vec<Effect> {
        if self.phase != Phase::Locking {
            return Vec::new();
        }
        self.run.lockless = Some(shown!("no lock, colleagues do not see this: {}", why));
        self.phase = Phase::Rechecking;
        self.begin_round(Purpose::Recheck, context, past)
    }

    pub(super) fn lock_refused(&mut self, why: Shown, context: &Context<'_>, past: &Past) -> Vec<Effect> {
        if self.phase != Phase::Locking {
            return Vec::new();
        }
        if self.run.glass {
            self.phase = Phase::Rechecking;
            return self.begin_round(Purpose::Recheck, context, past);
        }
        let finding = Finding::block(GuardId::Lock, why, "talk to them, or break the glass");
        if let Some(card) = &mut self.card {
            card.report.findings.insert(0, finding.clone());
        }
        self.phase = Phase::Guarded { expired: false };
        vec![self.record(Entry::Deny { why: vec![finding.text] })]
    }

    /// Nothing more is sent without the lock; what is sent is watched to its end.
    pub(super) fn lock_lost(&mut self, why: &Shown) -> Vec<Effect> {
        self.run.locked = false;
        match self.phase {
            Phase::Rechecking => {
                self.round = None;
                self.notice = Some(shown!("the lock was lost: {}", why));
                self.phase = Phase::Guarded { expired: true };
            }
            Phase::Executing { .. } => {
                self.run.broken =
                    self.run.broken.take().or(Some((Outcome::PartlyDone, shown!("the lock was lost: {}", why))));
            }
            _ => {}
        }
        Vec::new()
    }

    pub(super) fn unlock(&mut self) -> Vec<Effect> {
        let held = std::mem::take(&mut self.run.locked);
        held.then(|| Effect::Unlock { operation: self.id.clone() }).into_iter().collect()
    }

    /// The last look agreed with the card: the first byte may go, unless a guard blocks now.
    pub(super) fn rechecked(&mut self, context: &Context<'_>) -> Vec<Effect> {
        let Some(card) = &self.card else { return Vec::new() };
        let blocks: Vec<Shown> = card.report.blocks().into_iter().map(|finding| finding.text.clone()).collect();
        if !blocks.is_empty() {
            let mut effects = vec![self.record(Entry::Deny { why: blocks })];
            effects.extend(self.unlock());
            self.phase = Phase::Guarded { expired: false };
            return effects;
        }
        self.progress = card
            .plan
            .steps
            .iter()
            .map(|step| Progress { title: step.title.clone(), began: None, ended: None, words: Shown::default() })
            .collect();
        let (red, until) = (card.plan.expected_red.clone(), context.now.world + card.plan.timing.deadline());
        let mut effects = Vec::new();
        if self.run.glass {
            let skipped = card.report.findings.iter().filter(|finding| finding.guard.yields_to_break_glass());
            let skipped = skipped.map(|finding| finding.text.clone()).collect();
            let reason = self.run.confirmed.reason.clone().unwrap_or_default();
            effects.push(self.record(Entry::BreakGlass { reason, skipped }));
        }
        if !red.is_empty() {
            effects.push(Effect::ExpectRed { operation: self.id.clone(), components: red, until });
        }
        effects.extend(self.commit(0, 0, context));
        effects
    }

    fn commit(&mut self, step: usize, attempt: u32, context: &Context<'_>) -> Vec<Effect> {
        let Some(card) = &self.card else { return Vec::new() };
        let Some(planned) = card.plan.steps.get(step) else { return Vec::new() };
        let intent = Intent {
            environment: context.place.environment.clone(),
            verb: self.request.verb,
            target: self.request.target.component.clone(),
            pre: card.plan.fingerprint.clone(),
            plan_hash: card.hash.clone(),
            step: (step, card.plan.steps.len(), planned.title.clone()),
            request: planned.mutation.summary(),
            digest: planned.mutation.digest(),
            confirmed: self.run.confirmed.clone(),
        };
        let mutation = Box::new(planned.mutation.clone());
        self.phase = Phase::Executing { step, attempt, state: Sending::Sent };
        if let Some(progress) = self.progress.get_mut(step) {
            progress.began = progress.began.or(Some(context.now.world));
        }
        vec![Effect::Commit { operation: self.id.clone(), step, attempt, intent: Box::new(intent), mutation }]
    }

    fn waits_for(&self, step: usize, attempt: u32) -> bool {
        matches!(&self.phase, Phase::Executing { step: s, attempt: a, state: Sending::Sent } if *s == step && *a == attempt)
    }

    pub(super) fn not_sent(&mut self, step: usize, attempt: u32, why: &Shown, context: &Context<'_>) -> Vec<Effect> {
        if !self.waits_for(step, attempt) {
            return Vec::new();
        }
        self.note(step, shown!("not sent: {}", why), context.now.world);
        if self.run.sent == 0 {
            let words = shown!("nothing was sent: {}", why);
            return self.finish(End { outcome: Outcome::NotRun(NotRun::Refused), words, outage: None });
        }
        self.break_with(Outcome::PartlyDone, shown!("step {} was not sent: {}", step + 1, why));
        self.next_step(context)
    }

    /// A late answer of a mutation is always recorded.
    pub(super) fn answered(
        &mut self,
        step: usize,
        attempt: u32,
        answer: Answer,
        context: &Context<'_>,
        past: &Past,
    ) -> Vec<Effect> {
        if !self.waits_for(step, attempt) {
            return vec![self.record(Entry::Late { step, attempt, answer })];
        }
        let now = context.now.world;
        match answer {
            Answer::Accepted { warnings, .. } => {
                let words = if warnings.is_empty() {
                    Shown::fixed("accepted")
                } else {
                    shown!("accepted; {}", Shown::joined(warnings, "; "))
                };
                self.note(step, words, now);
                self.run.sent += 1;
                let mut effects = self.book(step);
                effects.extend(self.settle(step, context));
                effects
            }
            Answer::Lost { why } => {
                self.note(step, shown!("no answer: {}", why), now);
                self.run.sent += 1;
                self.settle_unsure(step, shown!("no answer to step {}: {}", step + 1, why), context)
            }
            Answer::NotYet { fault } => self.again(step, attempt, &fault.what, context),
            // Somebody was faster than a long row of steps, and what it is about is away.
            Answer::Gone { fault } if self.goes_on_without(step) => {
                self.note(step, shown!("gone already: {}", fault.what), now);
                self.next_step(context)
            }
            Answer::Conflict { fault } | Answer::Gone { fault } if self.run.sent == 0 => {
                // Nothing was changed: what changed meanwhile is shown, and it is confirmed anew.
                let effects = self.unlock();
                self.notice = Some(shown!("the server refused, it changed meanwhile: {}", fault.what));
                self.phase = Phase::Gathering;
                effects.into_iter().chain(self.begin_round(Purpose::Refresh, context, past)).collect()
            }
            Answer::Conflict { fault } | Answer::Gone { fault } | Answer::Refused { fault } => {
                self.note(step, shown!("refused: {}", fault.what), now);
                let outcome = if self.run.sent == 0 { Outcome::Failed } else { Outcome::PartlyDone };
                self.break_with(outcome, shown!("step {} was refused: {}", step + 1, fault.what));
                self.next_step(context)
            }
        }
    }

    /// One of several pods that move away: that it is gone is what was wanted.
    fn goes_on_without(&self, step: usize) -> bool {
        self.card.as_ref().and_then(|card| card.plan.steps.get(step)).is_some_and(|step| step.again.is_some())
    }

    fn note(&mut self, step: usize, words: Shown, now: Stamp) {
        if let Some(progress) = self.progress.get_mut(step) {
            progress.words = words;
            progress.ended = Some(now);
        }
    }

    /// The first thing that went wrong decides.
    fn break_with(&mut self, outcome: Outcome, words: Shown) {
        self.run.broken = self.run.broken.take().or(Some((outcome, words)));
    }

    /// Debts that the step books or clears.
    fn book(&mut self, step: usize) -> Vec<Effect> {
        let Some(card) = &self.card else { return Vec::new() };
        let mut effects = Vec::new();
        for debt in &card.plan.debts {
            let operation = self.id.clone();
            if debt.booked_by == step {
                effects.push(self.record(Entry::Debt { of: operation.clone(), debt: debt.clone(), booked: true }));
                effects.push(Effect::DebtBooked { operation, debt: debt.clone() });
                self.run.booked.push(debt.clone());
            } else if debt.cleared_by == Some(step) {
                effects.push(self.record(Entry::Debt { of: operation.clone(), debt: debt.clone(), booked: false }));
                effects.push(Effect::DebtCleared { operation, debt: debt.clone() });
                self.run.booked.retain(|booked| booked != debt);
            }
        }
        effects
    }

    /// Waits for what must be seen before the next step; the last step is what verification waits for.
    fn settle(&mut self, step: usize, context: &Context<'_>) -> Vec<Effect> {
        let Some(card) = &self.card else { return Vec::new() };
        let last = step + 1 >= card.plan.steps.len();
        let settle = card
            .plan
            .steps
            .get(step)
            .and_then(|step| step.settle.clone())
            .filter(|_| !last || self.run.broken.is_some());
        let Some((goal, time)) = settle else { return self.next_step(context) };
        let timing = Timing { expected: time / 2, hold: std::time::Duration::ZERO, errors_below: None };
        self.watch(goal, timing, context, |verifier| {
            move |attempt| Phase::Executing { step, attempt, state: Sending::Settling(verifier) }
        })
    }

    /// It is not known whether the step had an effect. Where its effect can be seen it is waited for; no later step goes
    /// but those that put something back.
    fn settle_unsure(&mut self, step: usize, words: Shown, context: &Context<'_>) -> Vec<Effect> {
        let seen =
            self.card.as_ref().and_then(|card| card.plan.steps.get(step)).is_some_and(|step| step.settle.is_some());
        let alone = self.card.as_ref().is_some_and(|card| card.plan.steps.len() == 1);
        if alone {
            // The end state itself tells.
            return self.next_step(context);
        }
        if !seen {
            self.break_with(Outcome::Unknown, words);
            return self.next_step(context);
        }
        self.settle(step, context)
    }

    fn again(&mut self, step: usize, attempt: u32, why: &Shown, context: &Context<'_>) -> Vec<Effect> {
        let now = context.now.world;
        let patience = self.card.as_ref().and_then(|card| card.plan.steps.get(step)?.again);
        let began = self.progress.get(step).and_then(|progress| progress.began).unwrap_or(now);
        match patience {
            Some((every, limit))
                if now.since(began) + every <= limit && !self.run.cancelled && self.run.broken.is_none() =>
            {
                if let Some(progress) = self.progress.get_mut(step) {
                    progress.words = shown!("waits: {}", why);
                }
                self.phase = Phase::Executing { step, attempt, state: Sending::Again { at: now + every } };
                Vec::new()
            }
            _ => {
                self.note(step, shown!("refused: {}", why), now);
                let outcome = if self.run.sent == 0 { Outcome::Failed } else { Outcome::PartlyDone };
                self.break_with(outcome, shown!("step {} was refused: {}", step + 1, why));
                self.next_step(context)
            }
        }
    }

    /// The step after the one under way: the next, or once something broke the next that puts back. Then verification, or
    /// the end that the break decides.
    pub(super) fn next_step(&mut self, context: &Context<'_>) -> Vec<Effect> {
        let Phase::Executing { step, .. } = self.phase else { return Vec::new() };
        if self.run.cancelled {
            let more = self.card.as_ref().is_some_and(|card| step + 1 < card.plan.steps.len());
            if more {
                let sent = self.run.sent > 0;
                let outcome = if sent { Outcome::PartlyDone } else { Outcome::NotRun(NotRun::Cancelled) };
                self.break_with(outcome, shown!("cancelled after step {}", step + 1));
            }
        }
        let broken = self.run.broken.is_some();
        let steps = self.card.as_ref().map(|card| card.plan.steps.as_slice()).unwrap_or_default();
        let next = steps.iter().enumerate().skip(step + 1).find(|(_, step)| !broken || step.finally);
        // Putting back makes sense only once something was put aside.
        let next = next.filter(|_| !broken || !self.run.booked.is_empty()).map(|(index, _)| index);
        if let Some(next) = next {
            return self.commit(next, 0, context);
        }
        match self.run.broken.clone() {
            Some((outcome, words)) => self.finish(End { outcome, words, outage: None }),
            None => self.verify(context),
        }
    }

    fn verify(&mut self, context: &Context<'_>) -> Vec<Effect> {
        let Some(card) = &self.card else { return Vec::new() };
        let (goal, timing) = (card.plan.goal.clone(), card.plan.timing);
        self.watch(goal, timing, context, |verifier| move |_| Phase::Verifying(verifier))
    }

    /// Starts to look at a goal.
    fn watch<F>(
        &mut self,
        goal: Goal,
        timing: Timing,
        context: &Context<'_>,
        phase: impl FnOnce(Box<Verifier>) -> F,
    ) -> Vec<Effect>
    where
        F: FnOnce(u32) -> Phase,
    {
        let errors = context.scene(&self.request.target).errors;
        let reads = follow(&goal);
        let verifier = Verifier::new(goal, timing, context.now.world, &errors);
        let until = verifier.deadline();
        let attempt = if let Phase::Executing { attempt, .. } = self.phase { attempt } else { 0 };
        self.run.sheet = Sheet::default();
        self.phase = phase(Box::new(verifier))(attempt);
        vec![Effect::Follow { operation: self.id.clone(), reads, until }]
    }

    pub(super) fn resend(&mut self, step: usize, attempt: u32, context: &Context<'_>) -> Vec<Effect> {
        self.commit(step, attempt + 1, context)
    }

    pub(super) fn mark_broken(&mut self, outcome: Outcome, words: Shown) {
        self.break_with(outcome, words);
    }
}

fn follow(goal: &Goal) -> Vec<Follow> {
    let every = |ask: &Gather| if matches!(ask, Gather::WriteProbe { .. }) { PROBE } else { LOOK };
    goal.follows().into_iter().map(|ask| Follow { every: every(&ask), ask }).collect()
}
