//! The life of one operation, as a machine: events in, effects out. It never waits, reads a clock or sends anything.
//!
//! `Draft → Gathering → Guarded | Confirming → Locking → Rechecking → Executing(i of n) → Verifying → Done`
//!
//! - [`prepare`]: rounds of evidence, the plan, its guards, drift and expiry.
//! - [`send`]: locking, the last look, step by step through the door.
//! - [`watch`]: following the end state, and how it ends.

mod message;
mod prepare;
mod send;
#[cfg(test)]
mod tests;
mod watch;

use std::collections::BTreeSet;

pub use message::{Answer, Confirmed, Effect, Entry, Event, Follow, Intent, Planned};
pub use prepare::EXPIRY;

use super::confirm::{Around, Confirmation};
use super::evidence::{Gather, Sheet};
use super::guard::Report;
use super::ops::Refusal;
use super::plan::{Change, Debt, Plan};
use super::policy::{Context, Now, Past};
use super::target::{OperationId, Request};
use super::verb::Verb;
use super::verify::{End, NotRun, Outcome, Verifier};
use crate::domain::text::Shown;
use crate::domain::time::{Human, Stamp};
use crate::shown;

/// Where an operation stands.
#[derive(Clone, Debug, PartialEq)]
pub enum Phase {
    Draft,
    Gathering,
    /// Planned, and blocked by a guard, or expired: the card says what would unblock it.
    Guarded {
        expired: bool,
    },
    Confirming(Box<Confirmation>),
    Locking,
    Rechecking,
    Executing {
        step: usize,
        attempt: u32,
        state: Sending,
    },
    Verifying(Box<Verifier>),
    Done(End),
}

/// Where a step stands.
#[derive(Clone, Debug, PartialEq)]
pub enum Sending {
    /// Handed to the door.
    Sent,
    /// Answered; what must be seen before the next step.
    Settling(Box<Verifier>),
    /// Asked again at this moment of world time.
    Again { at: Stamp },
}

/// How a step went, for the card.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Progress {
    pub title: Shown,
    pub began: Option<Stamp>,
    pub ended: Option<Stamp>,
    /// Nothing yet, `accepted`, `refused: …`, `no answer`.
    pub words: Shown,
}

/// One operation.
#[derive(Clone, Debug, PartialEq)]
pub struct Machine {
    pub id: OperationId,
    pub request: Request,
    pub opened: Now,
    pub phase: Phase,
    /// The plan on the card, with its evidence, its guards and since when it stands.
    pub card: Option<Card>,
    pub progress: Vec<Progress>,
    /// A word for the person at the card: why a press did not count, what was refreshed.
    pub notice: Option<Shown>,
    round: Option<Round>,
    rounds: u32,
    run: Run,
}

/// A plan as it is shown.
#[derive(Clone, Debug, PartialEq)]
pub struct Card {
    pub plan: Plan,
    pub report: Report,
    pub sheet: Sheet,
    pub hash: String,
    /// Human time from which it expires.
    pub since: Human,
    /// World time of its oldest evidence.
    pub seen_at: Option<Stamp>,
    /// What mattered and has changed since the card was first shown.
    pub drifted: Vec<Change>,
    /// Values were refreshed in place.
    pub refreshed: bool,
}

/// A round of evidence under way.
#[derive(Clone, Debug, PartialEq)]
struct Round {
    number: u32,
    purpose: Purpose,
    sheet: Sheet,
    waiting: BTreeSet<Gather>,
    plan: Option<Plan>,
    began: Human,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Purpose {
    First,
    Refresh,
    Recheck,
}

/// What happened once it ran.
#[derive(Clone, Debug, Default, PartialEq)]
struct Run {
    confirmed: Confirmed,
    locked: bool,
    /// Why there is no lock, where it goes without one.
    lockless: Option<Shown>,
    glass: bool,
    /// Requests whose answer was an acceptance, or never came.
    sent: u32,
    /// The first thing that went wrong, and how it ends because of it.
    broken: Option<(Outcome, Shown)>,
    cancelled: bool,
    /// Answers seen by the verification under way.
    sheet: Sheet,
    booked: Vec<Debt>,
    /// When a card in the making was looked at again.
    looked: Human,
}

impl Machine {
    #[must_use]
    pub fn new(id: OperationId, request: Request, now: Now) -> Self {
        Self {
            id,
            request,
            opened: now,
            phase: Phase::Draft,
            card: None,
            progress: Vec::new(),
            notice: None,
            round: None,
            rounds: 0,
            run: Run::default(),
        }
    }

    /// Opens it: the first round of evidence.
    pub fn start(&mut self, context: &Context<'_>, past: &Past) -> Vec<Effect> {
        self.phase = Phase::Gathering;
        self.begin_round(Purpose::First, context, past)
    }

    /// The machine. What does not apply to the present phase changes nothing, but a late answer of a mutation is recorded.
    pub fn handle(&mut self, event: Event, context: &Context<'_>, past: &Past) -> Vec<Effect> {
        match event {
            Event::Gathered { round, ask, seen } => self.gathered(round, ask, seen, context, past),
            Event::Sighted { ask, seen } => self.sighted(&ask, seen, context),
            Event::Press(press) => self.press(press, context),
            Event::Confirm { reason, token } => self.confirm_headless(reason.as_deref(), token.as_deref(), context),
            Event::Approved { by, hash } => self.approved(by, &hash, context),
            Event::BreakGlass => self.break_glass(context, past),
            Event::Replan => self.replan(context, past),
            Event::Choose { suspend_owner, accept_loss } => {
                self.request.params.suspend_owner = suspend_owner;
                self.request.params.accept_loss = accept_loss;
                self.replan(context, past)
            }
            Event::Locked => self.locked(context, past),
            Event::LockRefused { holder } => self.lock_refused(shown!("held by {}", holder), context, past),
            Event::LockFailed { why, forbidden: true } => self.unlockable(&why, context, past),
            Event::LockFailed { why, forbidden: false } => {
                self.lock_refused(shown!("it could not be asked for: {}", why), context, past)
            }
            Event::LockLost { why } => self.lock_lost(&why),
            Event::NotSent { step, attempt, why } => self.not_sent(step, attempt, &why, context),
            Event::Answered { step, attempt, answer } => self.answered(step, attempt, answer, context, past),
            Event::Cancel => self.cancel(context),
            Event::Preempted { by } => self.preempted(by, context),
            Event::Detached if self.has_begun() => Vec::new(),
            Event::Detached => self.cancel(context),
            Event::Tick => self.tick(context, past),
        }
    }

    /// A byte may have left: it ends only by being observed.
    #[must_use]
    pub const fn has_begun(&self) -> bool {
        matches!(self.phase, Phase::Executing { .. } | Phase::Verifying(_))
    }

    #[must_use]
    pub const fn is_over(&self) -> bool {
        matches!(self.phase, Phase::Done(_))
    }

    #[must_use]
    pub const fn end(&self) -> Option<&End> {
        if let Phase::Done(end) = &self.phase { Some(end) } else { None }
    }

    /// The way back, offered once it has had an effect; one that exposes users again only when what it takes back is known
    /// to have come about.
    #[must_use]
    pub fn backout(&self) -> Option<Request> {
        let back = self.card.as_ref()?.plan.backout.as_ref()?;
        let request = Request {
            verb: back.verb,
            target: self.request.target.clone(),
            params: back.params.clone(),
            expect_uid: self.request.expect_uid.clone(),
            backs_out: Some(self.id.clone()),
        };
        let offered = match self.end()?.outcome {
            Outcome::NotRun(_) | Outcome::NoEffect => false,
            Outcome::Verified => self.run.sent > 0,
            _ => self.run.sent > 0 && request.is_way_back(),
        };
        offered.then_some(request)
    }

    /// What is being read now, and whether it has been answered; empty when nothing is.
    #[must_use]
    pub fn reads(&self) -> Vec<(&Gather, bool)> {
        let Some(round) = &self.round else { return Vec::new() };
        let answered = round.sheet.all().map(|(ask, _)| (ask, true));
        answered.chain(round.waiting.iter().map(|ask| (ask, false))).collect()
    }

    /// When it wants a [`Event::Tick`] at the latest: human and world time.
    #[must_use]
    pub fn wake_at(&self) -> (Option<Human>, Option<Stamp>) {
        let round = self.round.as_ref().map(|round| Human(round.began.0 + prepare::PATIENCE));
        match &self.phase {
            Phase::Confirming(_) => {
                let expiry = self.card.as_ref().map(|card| Human(card.since.0 + EXPIRY));
                (round.into_iter().chain(expiry).min(), None)
            }
            Phase::Executing { state: Sending::Settling(verifier), .. } => (round, Some(verifier.deadline())),
            Phase::Verifying(verifier) => (round, Some(verifier.deadline())),
            Phase::Executing { state: Sending::Again { at }, .. } => (round, Some(*at)),
            _ => (round, None),
        }
    }

    fn around(&self, context: &Context<'_>) -> Around {
        let clear = self.card.as_ref().is_some_and(|card| card.report.blocks().is_empty());
        Around { armed: context.armed(), clear, alone: context.policy.alone }
    }

    fn record(&self, entry: Entry) -> Effect {
        Effect::Record { operation: self.id.clone(), entry }
    }

    fn refuse(&mut self, refusal: Refusal) -> Vec<Effect> {
        let why = vec![refusal.what.clone(), refusal.hint.clone()];
        self.notice = Some(refusal.hint);
        let end = End { outcome: Outcome::NotRun(NotRun::Refused), words: refusal.what, outage: None };
        let mut effects = vec![self.record(Entry::Deny { why })];
        effects.extend(self.finish(end));
        effects
    }

    /// Ends it; whatever it holds is let go.
    fn finish(&mut self, end: End) -> Vec<Effect> {
        let mut effects = Vec::new();
        let operation = || self.id.clone();
        if self.has_begun() {
            effects.push(Effect::Unfollow { operation: operation() });
            effects.push(Effect::ExpectedRedOver { operation: operation() });
            effects.push(self.record(Entry::Verify(end.clone())));
        }
        if self.run.locked {
            effects.push(Effect::Unlock { operation: operation() });
        }
        self.run.locked = false;
        self.round = None;
        self.phase = Phase::Done(end);
        effects
    }

    fn cancel(&mut self, context: &Context<'_>) -> Vec<Effect> {
        match &self.phase {
            Phase::Done(_) => Vec::new(),
            Phase::Verifying(_) => {
                self.notice =
                    Some(Shown::fixed("every request is sent: it is only watched; the way back is another operation"));
                Vec::new()
            }
            Phase::Executing { state: Sending::Sent | Sending::Settling(_), .. } => {
                self.run.cancelled = true;
                self.notice = Some(Shown::fixed("it stops after the step under way"));
                Vec::new()
            }
            Phase::Executing { .. } => {
                self.run.cancelled = true;
                self.next_step(context)
            }
            _ => {
                let words = Shown::fixed("cancelled: nothing was sent");
                let mut effects = vec![self.record(Entry::Cancel { at: words.clone() })];
                effects.extend(self.finish(End { outcome: Outcome::NotRun(NotRun::Cancelled), words, outage: None }));
                effects
            }
        }
    }

    fn preempted(&mut self, by: Verb, context: &Context<'_>) -> Vec<Effect> {
        let words = shown!("{} of one's own went ahead of it", by.name());
        match &self.phase {
            Phase::Verifying(_) => self.finish(End { outcome: Outcome::Overridden, words, outage: None }),
            Phase::Executing { .. } => {
                self.run.broken = self.run.broken.take().or(Some((Outcome::Overridden, words)));
                self.cancel(context)
            }
            _ => self.cancel(context),
        }
    }
}

impl Machine {
    /// Whether its end state puts back what a debt put aside.
    #[must_use]
    pub fn pays(&self, debt: &Debt) -> bool {
        use super::plan::DebtKind;
        use super::verify::{Goal, RolloutWant};
        let Some(card) = &self.card else { return false };
        match (&card.plan.goal, &debt.kind) {
            (Goal::Sync { owner, suspended: false, .. }, DebtKind::Sync { owner: owed, .. }) => owner == owed,
            (Goal::Bounds { name, min, max, .. }, DebtKind::Bounds { autoscaler, min: least, max: most }) => {
                name == autoscaler && (min, max) == (least, most)
            }
            (Goal::Schedulable { node, schedulable: true, .. }, DebtKind::Cordon { node: owed }) => node == owed,
            (Goal::Rollout { at, want: RolloutWant::Released, .. }, DebtKind::Hold { rollout }) => at.name == *rollout,
            (Goal::CacheSwitches { id, automatic: true, .. }, DebtKind::AutomaticFailover { group }) => id == group,
            _ => false,
        }
    }
}
