//! All operations of a session: several at once, one on a target, mitigation first; what is owed.

use super::machine::{Effect, Entry, Event, Machine, Phase};
use super::plan::Debt;
use super::policy::{Context, Past};
use super::target::{OperationId, Request};
use super::verify::Outcome;
use crate::domain::id::ComponentId;
use crate::domain::text::Shown;
use crate::domain::time::{Human, Stamp};

/// A debt and the operation, of this session or of another, that booked it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Owed {
    pub by: OperationId,
    pub target: ComponentId,
    pub debt: Debt,
}

/// An operation of an earlier session, or of this one, whose outcome nobody knows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Doubt {
    pub operation: OperationId,
    pub target: ComponentId,
    pub what: Shown,
    /// Of another session: whose, and the world time of its last record.
    pub earlier: Option<(Shown, Stamp)>,
}

/// The operations of a session.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Desk {
    machines: Vec<Machine>,
    pub debts: Vec<Owed>,
    /// From the audit trail, and unknown outcomes of this session; resolved by `audit resolve` or `:resolve`.
    pub doubts: Vec<Doubt>,
    /// Colleagues armed or planning here, where a shared trail tells.
    pub colleagues: Vec<Shown>,
    /// When operations began to send, and on what: for the rate guard. Human time.
    began: Vec<(Human, ComponentId)>,
}

impl Desk {
    /// Newest last.
    #[must_use]
    pub fn machines(&self) -> &[Machine] {
        &self.machines
    }

    #[must_use]
    pub fn get(&self, id: &OperationId) -> Option<&Machine> {
        self.machines.iter().find(|machine| machine.id == *id)
    }

    /// Operations that have begun and are not over, for the header.
    #[must_use]
    pub fn in_flight(&self) -> usize {
        self.machines.iter().filter(|machine| machine.has_begun()).count()
    }

    /// Opens a card. A mitigation goes ahead of one's own running promotion of the target when it is fired, not before.
    pub fn open(&mut self, id: &OperationId, request: Request, context: &Context<'_>) -> Vec<Effect> {
        let mut machine = Machine::new(id.clone(), request, context.now);
        let past = self.past(&machine, context);
        let mut effects = machine.start(context, &past);
        self.machines.push(machine);
        effects.extend(self.after(id, &effects, context));
        effects
    }

    /// Gives an event to one operation.
    pub fn handle(&mut self, id: &OperationId, event: Event, context: &Context<'_>) -> Vec<Effect> {
        let Some(index) = self.machines.iter().position(|machine| machine.id == *id) else { return Vec::new() };
        let past = self.machines.get(index).map(|machine| self.past(machine, context)).unwrap_or_default();
        let Some(machine) = self.machines.get_mut(index) else { return Vec::new() };
        let mut effects = machine.handle(event, context, &past);
        let mut pre_empted = self.pre_empt(id, &effects, context);
        // What is stopped is stopped before the mitigation asks for the lock that the stopped one holds.
        pre_empted.append(&mut effects);
        pre_empted.extend(self.after(id, &pre_empted, context));
        pre_empted
    }

    /// The same event to all: ticks, a lost terminal.
    pub fn broadcast(&mut self, event: &Event, context: &Context<'_>) -> Vec<Effect> {
        let ids: Vec<OperationId> = self.machines.iter().map(|machine| machine.id.clone()).collect();
        ids.iter().flat_map(|id| self.handle(id, event.clone(), context)).collect()
    }

    /// Forgets a card that ended without having sent anything. What was sent stays in the list.
    pub fn close(&mut self, id: &OperationId) {
        self.machines.retain(|machine| {
            let nothing = matches!(machine.end().map(|end| end.outcome), Some(Outcome::NotRun(_)));
            machine.id != *id || !nothing
        });
    }

    /// The earliest moments at which a tick is wanted.
    #[must_use]
    pub fn wake_at(&self) -> (Option<Human>, Option<crate::domain::time::Stamp>) {
        let wakes = || self.machines.iter().map(Machine::wake_at);
        (wakes().filter_map(|(human, _)| human).min(), wakes().filter_map(|(_, world)| world).min())
    }

    /// What the others mean for one operation.
    fn past(&self, machine: &Machine, context: &Context<'_>) -> Past {
        let target = &machine.request.target.component;
        let window = context.policy.rate_window;
        let now = context.now.human;
        let lately = self.began.iter().filter(|(at, on)| on == target && now.0.saturating_sub(at.0) < window);
        let others = self.machines.iter().filter(|other| other.id != machine.id && other.has_begun());
        let busy = others.filter(|other| other.request.target.component == *target);
        Past {
            busy: busy.map(|other| (other.id.clone(), other.request.verb)).collect(),
            on_target: count(lately.count()),
            in_session: count(self.began.len()),
            in_doubt: self.doubts.iter().find(|doubt| doubt.target == *target).map(|doubt| doubt.what.clone()),
            colleagues: self.colleagues.clone(),
        }
    }

    /// A mitigation that asks for its lock stops what moves the same target forward.
    fn pre_empt(&mut self, id: &OperationId, effects: &[Effect], context: &Context<'_>) -> Vec<Effect> {
        if !effects.iter().any(|effect| matches!(effect, Effect::Lock { .. })) {
            return Vec::new();
        }
        let Some(request) = self.get(id).map(|machine| machine.request.clone()) else { return Vec::new() };
        if !request.mitigates() {
            return Vec::new();
        }
        let mut out = Vec::new();
        for other in &mut self.machines {
            let same = other.request.target.component == request.target.component && other.id != *id;
            let forward = other.request.verb.moves_forward() || request.backs_out.as_ref() == Some(&other.id);
            if same && forward && !other.is_over() {
                out.extend(other.handle(Event::Preempted { by: request.verb }, context, &Past::default()));
            }
        }
        out
    }

    /// Books what effects say of debts, beginnings and doubts; what is to be recorded because of it.
    fn after(&mut self, id: &OperationId, effects: &[Effect], context: &Context<'_>) -> Vec<Effect> {
        let target = self.get(id).map(|machine| machine.request.target.component.clone());
        for effect in effects {
            match effect {
                Effect::DebtBooked { operation, debt } => {
                    let target = target.clone().into_iter();
                    let (by, debt) = (operation.clone(), debt.clone());
                    self.debts.extend(target.map(|target| Owed { by: by.clone(), target, debt: debt.clone() }));
                }
                Effect::DebtCleared { operation, debt } => {
                    self.debts.retain(|owed| owed.by != *operation || owed.debt != *debt);
                }
                Effect::Commit { operation, step: 0, attempt: 0, .. } if operation == id => {
                    self.began.extend(target.clone().map(|target| (context.now.human, target)));
                }
                _ => {}
            }
        }
        self.settle(id)
    }

    /// An unknown end is a doubt; an end that puts something back pays its debt, which is told to the trail.
    fn settle(&mut self, id: &OperationId) -> Vec<Effect> {
        let Some(machine) = self.machines.iter().find(|machine| machine.id == *id) else { return Vec::new() };
        let Phase::Done(end) = &machine.phase else { return Vec::new() };
        if end.outcome == Outcome::Unknown && !self.doubts.iter().any(|doubt| doubt.operation == *id) {
            let what = crate::shown!("{}: {}", machine.request.title(), end.words);
            let target = machine.request.target.component.clone();
            self.doubts.push(Doubt { operation: id.clone(), target, what, earlier: None });
        }
        if end.outcome != Outcome::Verified {
            return Vec::new();
        }
        let (paid, owed): (Vec<Owed>, Vec<Owed>) =
            std::mem::take(&mut self.debts).into_iter().partition(|owed| machine.pays(&owed.debt));
        self.debts = owed;
        let record = |Owed { by, debt, .. }| {
            let entry = Entry::Debt { of: by, debt, booked: false };
            Effect::Record { operation: id.clone(), entry }
        };
        paid.into_iter().map(record).collect()
    }
}

fn count(number: usize) -> u32 {
    u32::try_from(number).unwrap_or(u32::MAX)
}
