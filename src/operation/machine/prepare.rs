//! Before the first byte: rounds of evidence, the plan and its guards, confirmation, drift and expiry.

use std::collections::BTreeSet;
use std::time::Duration;

use super::{Card, Confirmed, Effect, Entry, Machine, Phase, Planned, Purpose, Round};
use crate::domain::error::{Fault, FaultKind};
use crate::domain::text::Shown;
use crate::domain::time::Human;
use crate::operation::confirm::{self, Confirmation, Press, Step};
use crate::operation::evidence::{Found, Gather, Seen, Sheet};
use crate::operation::guard::{Finding, GuardId, Report, common};
use crate::operation::mutation::Mutation;
use crate::operation::ops::{self, Draft};
use crate::operation::plan::{Drift, Plan};
use crate::operation::policy::{Context, Past};
use crate::operation::verb::Risk;
use crate::operation::verify::{End, NotRun, Outcome};

/// A card that was not fired by then is planned anew; not while a reason is being typed.
pub const EXPIRY: Duration = Duration::from_secs(120);
/// A read that has not answered by then has failed.
pub(super) const PATIENCE: Duration = Duration::from_secs(15);
/// A card in the making is looked at again this often, so that drift shows before the fire key.
const REFRESH: Duration = Duration::from_secs(15);
/// How long a card arms production.
const ARMED: Duration = Duration::from_secs(15 * 60);

impl Machine {
    pub(super) fn begin_round(&mut self, purpose: Purpose, context: &Context<'_>, past: &Past) -> Vec<Effect> {
        self.rounds += 1;
        self.round = Some(Round {
            number: self.rounds,
            purpose,
            sheet: Sheet::default(),
            waiting: BTreeSet::new(),
            plan: None,
            began: context.now.human,
        });
        self.advance_round(context, past)
    }

    pub(super) fn gathered(
        &mut self,
        number: u32,
        ask: Gather,
        seen: Seen,
        context: &Context<'_>,
        past: &Past,
    ) -> Vec<Effect> {
        let Some(round) = self.round.as_mut().filter(|round| round.number == number) else { return Vec::new() };
        if !round.waiting.remove(&ask) {
            return Vec::new();
        }
        round.sheet.put(ask, seen);
        self.advance_round(context, past)
    }

    /// Asks what is still wanted; plans when nothing is; asks rights and dry runs of the plan; then it is complete.
    fn advance_round(&mut self, context: &Context<'_>, past: &Past) -> Vec<Effect> {
        let Some(mut round) = self.round.take() else { return Vec::new() };
        let scene = context.scene(&self.request.target);
        let draft = Draft {
            request: &self.request,
            sheet: &round.sheet,
            scene: &scene,
            policy: context.policy,
            now: context.now,
            opened: self.opened.world,
        };
        let new = |round: &Round, asks: Vec<Gather>| -> Vec<Gather> {
            let fresh = asks.into_iter().filter(|ask| round.sheet.get(ask).is_none() && !round.waiting.contains(ask));
            fresh.collect::<BTreeSet<_>>().into_iter().collect()
        };
        let mut asks = if round.plan.is_none() { new(&round, ops::wants(&draft)) } else { Vec::new() };
        if asks.is_empty() && round.waiting.is_empty() && round.plan.is_none() {
            match ops::plan(&draft) {
                Ok(plan) => {
                    asks = new(&round, questions(&plan));
                    round.plan = Some(plan);
                }
                Err(refusal) => return self.unplanned(refusal, round.purpose),
            }
        }
        if asks.is_empty() && round.waiting.is_empty() {
            return self.completed(round, context, past);
        }
        round.waiting.extend(asks.iter().cloned());
        let number = round.number;
        self.round = Some(round);
        if asks.is_empty() {
            return Vec::new();
        }
        vec![Effect::Gather { operation: self.id.clone(), round: number, asks }]
    }

    /// What was possible is not any more, or never was. A card that only looked again keeps what it has, and says so.
    fn unplanned(&mut self, refusal: ops::Refusal, purpose: Purpose) -> Vec<Effect> {
        if purpose == Purpose::Refresh && self.card.is_some() {
            self.notice = Some(crate::shown!("{}: {}", refusal.what, refusal.hint));
            self.phase = Phase::Guarded { expired: true };
            return Vec::new();
        }
        self.refuse(refusal)
    }

    fn completed(&mut self, round: Round, context: &Context<'_>, past: &Past) -> Vec<Effect> {
        let Some(plan) = round.plan else { return Vec::new() };
        let report = self.judge(&plan, &round.sheet, context, past);
        let drift = self.card.as_ref().map_or(Drift::None, |card| card.plan.drift(&plan));
        let first = self.card.is_none() || round.purpose == Purpose::First;
        let matters = matches!(drift, Drift::Matters(_)) && !first;
        let hash = plan.hash(&self.request, &context.place.environment);
        let drifted = match &drift {
            Drift::Matters(changes) if !first => changes.clone(),
            _ => self.card.as_ref().filter(|_| !first).map(|card| card.drifted.clone()).unwrap_or_default(),
        };
        let since = self.card.as_ref().filter(|_| !first && !matters).map_or(context.now.human, |card| card.since);
        let recheck = round.purpose == Purpose::Recheck;
        let mut effects = Vec::new();
        if first || matters {
            effects.push(self.planned(&plan, &hash, &round.sheet));
        }
        if first || matters || recheck {
            let findings = report.findings.clone();
            effects.push(self.record(Entry::Guards { recheck, findings }));
        }
        if matters {
            effects.push(self.record(Entry::Drift { changes: drifted.clone() }));
        }
        let refreshed = drift == Drift::Refresh;
        self.run.looked = context.now.human;
        self.card = Some(Card {
            seen_at: round.sheet.oldest(),
            plan,
            report,
            sheet: round.sheet,
            hash,
            since,
            drifted,
            refreshed,
        });
        match round.purpose {
            Purpose::Recheck if !matters => effects.extend(self.rechecked(context)),
            Purpose::Recheck => {
                self.notice = Some(Shown::fixed("it changed since the card was shown: read it again"));
                effects.extend(self.unlock());
                self.present(true, context);
            }
            Purpose::First | Purpose::Refresh => self.present(first || matters, context),
        }
        effects
    }

    fn planned(&self, plan: &Plan, hash: &str, sheet: &Sheet) -> Effect {
        let seen = sheet.versions().into_iter();
        let seen = seen.map(|(what, name, version, at)| (what, name.clone(), version.clone(), at)).collect();
        let (request, hash, plan) = (self.request.clone(), hash.to_owned(), plan.clone());
        self.record(Entry::Plan(Box::new(Planned { request, hash, plan, seen })))
    }

    fn judge(&self, plan: &Plan, sheet: &Sheet, context: &Context<'_>, past: &Past) -> Report {
        let scene = context.scene(&self.request.target);
        let mut findings = common::evaluate(&self.request, plan, sheet, &scene, context, past);
        findings.extend(self.run.lockless.iter().map(|why| Finding::warn(GuardId::Lock, why.clone())));
        Report::new(findings, self.request.mitigates(), self.run.glass)
    }

    /// Shows the card: blocked, or waiting for its confirmation. What was typed stays unless `anew`.
    pub(super) fn present(&mut self, anew: bool, context: &Context<'_>) {
        let Some(card) = &self.card else { return };
        let blocked = !card.report.blocks().is_empty();
        if blocked && !self.run.glass {
            self.phase = Phase::Guarded { expired: false };
            return;
        }
        let token = confirm::token(&self.request.target, &context.place.environment);
        let need = confirm::need(card.plan.risk, context.place.class, context.policy, self.run.glass, token);
        let loses = self.request.params.accept_loss && card.plan.risk == Risk::Irreversible;
        let need = if loses { need.with_loss() } else { need };
        let confirmation = match &self.phase {
            Phase::Confirming(old) if !anew => old.kept(need),
            _ => Confirmation::new(need, context.now.human),
        };
        self.phase = Phase::Confirming(Box::new(confirmation));
    }

    pub(super) fn press(&mut self, press: Press, context: &Context<'_>) -> Vec<Effect> {
        let around = self.around(context);
        let Phase::Confirming(confirmation) = &mut self.phase else { return Vec::new() };
        match confirmation.press(press, context.now.human, around) {
            Step::Nothing => Vec::new(),
            Step::Refused(why) => {
                self.notice = Some(why);
                Vec::new()
            }
            Step::Fire => self.fired(None, context),
        }
    }

    /// The confirmation is complete: armed by the card where that is its right, then the lock.
    fn fired(&mut self, flags: Option<&str>, context: &Context<'_>) -> Vec<Effect> {
        let Phase::Confirming(confirmation) = &self.phase else { return Vec::new() };
        let typed = confirmation.reason.trim();
        let reason = flags.or((!typed.is_empty()).then_some(typed));
        let method = match (&flags, self.run.glass, &confirmation.need.token) {
            (_, true, _) => "break glass",
            (Some(_), ..) => "flags",
            (None, _, Some(_)) => "token",
            (None, _, None) => "fire key",
        };
        self.run.confirmed = Confirmed {
            method,
            dwell: Duration::saturating_sub(context.now.human.0, confirmation.opened.0),
            reason: reason.map(Shown::of),
            approved_by: confirmation.approved_by.clone(),
            glass_broken: self.run.glass,
        };
        let arms = confirmation.need.arms && !context.armed();
        let mut effects = vec![self.record(Entry::Confirm(self.run.confirmed.clone()))];
        if arms {
            effects.push(Effect::Arm { operation: self.id.clone(), period: ARMED });
        }
        self.phase = Phase::Locking;
        self.notice = None;
        // A refresh under way would be a second look at the same time: the recheck takes its place.
        self.round = None;
        let (target, what) = (self.request.target.component.clone(), self.request.title());
        effects.push(Effect::Lock { operation: self.id.clone(), target, what });
        effects
    }

    pub(super) fn confirm_headless(
        &mut self,
        reason: Option<&str>,
        token: Option<&str>,
        context: &Context<'_>,
    ) -> Vec<Effect> {
        let wanted = confirm::token(&self.request.target, &context.place.environment);
        let (Phase::Confirming(confirmation), Some(card)) = (&self.phase, &self.card) else {
            return self.denied_headless();
        };
        let risk = card.plan.risk;
        let given = reason;
        match confirm::headless(&confirmation.need, risk, context.place.class, given, token, &wanted) {
            Ok(()) => self.fired(Some(given.unwrap_or_default()), context),
            Err(words) => {
                let deny = self.record(Entry::Deny { why: vec![words.clone()] });
                let end = End { outcome: Outcome::NotRun(NotRun::NotConfirmed), words, outage: None };
                std::iter::once(deny).chain(self.finish(end)).collect()
            }
        }
    }

    /// Nobody will look at a blocked card: flags do not go past a guard.
    fn denied_headless(&mut self) -> Vec<Effect> {
        let (Phase::Guarded { .. }, Some(card)) = (&self.phase, &self.card) else { return Vec::new() };
        let why: Vec<Shown> = card.report.blocks().into_iter().map(|finding| finding.text.clone()).collect();
        let words = Shown::joined(why.iter().cloned(), "; ");
        let deny = self.record(Entry::Deny { why });
        let end = End { outcome: Outcome::NotRun(NotRun::Refused), words, outage: None };
        std::iter::once(deny).chain(self.finish(end)).collect()
    }

    pub(super) fn approved(&mut self, by: Shown, hash: &str, context: &Context<'_>) -> Vec<Effect> {
        let own = context.who.is_some_and(|who| who.name == by);
        let same = self.card.as_ref().is_some_and(|card| card.hash == hash);
        let Phase::Confirming(confirmation) = &mut self.phase else { return Vec::new() };
        if own || !same {
            let words =
                if own { "one cannot approve one's own operation" } else { "that approval was for another plan" };
            self.notice = Some(Shown::fixed(words));
            return Vec::new();
        }
        confirmation.approved_by = Some(by.clone());
        let hash = hash.to_owned();
        vec![self.record(Entry::Approval { by, hash })]
    }

    /// Past the guards that yield to it, with its own confirmation. Never past identity, selection or capacity.
    pub(super) fn break_glass(&mut self, context: &Context<'_>, past: &Past) -> Vec<Effect> {
        let blocked = matches!(self.phase, Phase::Guarded { .. } | Phase::Confirming(_));
        let helps = self.card.as_ref().is_some_and(|card| card.report.glass_would_help());
        let waits =
            self.card.as_ref().is_some_and(|card| card.plan.risk == Risk::Irreversible && context.policy.approval);
        if !blocked || !(helps || waits) {
            self.notice = Some(Shown::fixed("breaking the glass does not go past what blocks it"));
            return Vec::new();
        }
        self.run.glass = true;
        if let Some(card) = &self.card {
            let report = self.judge(&card.plan, &card.sheet, context, past);
            if let Some(card) = &mut self.card {
                card.report = report;
            }
        }
        self.present(true, context);
        Vec::new()
    }

    pub(super) fn replan(&mut self, context: &Context<'_>, past: &Past) -> Vec<Effect> {
        if !matches!(self.phase, Phase::Guarded { .. } | Phase::Confirming(_)) {
            return Vec::new();
        }
        self.phase = Phase::Gathering;
        self.notice = None;
        self.begin_round(Purpose::First, context, past)
    }

    pub(super) fn tick(&mut self, context: &Context<'_>, past: &Past) -> Vec<Effect> {
        let now = context.now.human;
        let mut effects = self.give_up_waiting(context, past);
        let age = |since: Human| now.0.saturating_sub(since.0);
        let Some(card) = &self.card else {
            effects.extend(self.tick_run(context));
            return effects;
        };
        let expired = age(card.since) >= EXPIRY;
        let stale = self.round.is_none() && age(self.run.looked) >= REFRESH;
        match &self.phase {
            Phase::Confirming(confirmation) if expired && !confirmation.is_typing_reason(now) => {
                self.phase = Phase::Guarded { expired: true };
                self.round = None;
                self.notice = Some(Shown::fixed("the plan is too old: plan it again (r)"));
            }
            Phase::Confirming(_) if stale => {
                effects.extend(self.begin_round(Purpose::Refresh, context, past));
            }
            _ => effects.extend(self.tick_run(context)),
        }
        effects
    }

    /// Reads that never answered have failed; guards call what rests on them unknown.
    fn give_up_waiting(&mut self, context: &Context<'_>, past: &Past) -> Vec<Effect> {
        let Some(round) = &mut self.round else { return Vec::new() };
        if context.now.human.0.saturating_sub(round.began.0) < PATIENCE || round.waiting.is_empty() {
            return Vec::new();
        }
        for ask in std::mem::take(&mut round.waiting) {
            let what = crate::shown!("{} did not answer in time", ask.words());
            let fault = Fault::new(FaultKind::Timeout, what, Shown::fixed("see the sources (S)"));
            round.sheet.put(ask, Seen { at: context.now.world, found: Found::Failed(fault) });
        }
        self.advance_round(context, past)
    }
}

/// Rights and dry runs of a plan.
fn questions(plan: &Plan) -> Vec<Gather> {
    let rights = common::accesses(plan).into_iter().map(Gather::Access);
    let dry = plan.steps.iter().filter_map(|step| match &step.mutation {
        Mutation::Kube(mutation) => Some(Gather::DryRun(mutation.clone())),
        Mutation::Aws(_) => None,
    });
    rights.chain(dry).collect()
}
