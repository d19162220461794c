//! The machine and the desk: whole lives by hand, and what holds for any stream of events.

use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;
use crate::domain::error::{Fault, FaultKind};
use crate::domain::settings::RiskClass;
use crate::domain::text::Raw;
use crate::operation::confirm::Press;
use crate::operation::desk::Desk;
use crate::operation::evidence::{Found, Seen};
use crate::operation::guard::GuardId;
use crate::operation::target::{Engine, Params};
use crate::operation::testing::*;

fn fault() -> Fault {
    Fault::new(FaultKind::Server, "the server said no".into(), "look".into())
}

fn accepted() -> Answer {
    Answer::Accepted { request_id: None, warnings: Vec::new() }
}

/// A desk with servers behind it: reads are answered at once, all else is collected.
struct Bench {
    desk: Desk,
    setting: Setting,
    answers: Answers,
    log: Vec<Effect>,
    ids: u32,
}

impl Bench {
    fn new(answers: Answers) -> Self {
        Self { desk: Desk::default(), setting: Setting::new(RiskClass::Production), answers, log: Vec::new(), ids: 0 }
    }

    fn open(&mut self, verb: Verb, engine: Engine, params: Params) -> OperationId {
        self.ids += 1;
        let id = OperationId(Raw::from(self.ids.to_string()));
        let effects = self.desk.open(&id, request(verb, engine, params), &self.setting.context());
        self.answer(effects);
        id
    }

    fn answer(&mut self, effects: Vec<Effect>) {
        for effect in effects {
            if let Effect::Gather { operation, round, asks } = &effect {
                for ask in asks {
                    let seen = Seen { at: self.setting.now.world, found: self.answers.find(ask) };
                    self.send(operation, Event::Gathered { round: *round, ask: ask.clone(), seen });
                }
            }
            self.log.push(effect);
        }
    }

    fn send(&mut self, id: &OperationId, event: Event) {
        let effects = self.desk.handle(id, event, &self.setting.context());
        self.answer(effects);
    }

    fn phase(&self, id: &OperationId) -> &Phase {
        &self.desk.get(id).unwrap().phase
    }

    fn outcome(&self, id: &OperationId) -> Option<Outcome> {
        self.desk.get(id).unwrap().end().map(|end| end.outcome)
    }

    fn fire(&mut self, id: &OperationId) {
        self.setting.pass(2_000);
        self.send(id, Event::Press(Press::Fire));
    }

    /// Types the token, fires, and has the lock.
    fn go(&mut self, id: &OperationId) {
        self.setting.pass(1_000);
        let token = match self.phase(id) {
            Phase::Confirming(card) => card.need.token.clone(),
            other => panic!("{other:?}"),
        };
        for c in token.iter().flat_map(|token| token.as_str().chars()) {
            self.setting.pass(100);
            self.send(id, Event::Press(Press::Char(c)));
        }
        self.fire(id);
        self.send(id, Event::Locked);
    }

    fn sight(&mut self, id: &OperationId, object: &Value) {
        let ask =
            Gather::Rollout(crate::operation::evidence::Named { namespace: "shop".into(), name: "backend".into() });
        let found = Found::Evidence(ask.read(object).unwrap());
        let seen = Seen { at: self.setting.now.world, found };
        self.send(id, Event::Sighted { ask, seen });
    }

    fn commits(&self) -> Vec<(usize, u32)> {
        let commit = |effect: &Effect| match effect {
            Effect::Commit { step, attempt, .. } => Some((*step, *attempt)),
            _ => None,
        };
        self.log.iter().filter_map(commit).collect()
    }

    fn recorded(&self, wanted: impl Fn(&Entry) -> bool) -> usize {
        let is = |effect: &&Effect| matches!(effect, Effect::Record { entry, .. } if wanted(entry));
        self.log.iter().filter(is).count()
    }
}

#[test]
fn an_abort_goes_from_the_card_to_verified_and_arms_by_itself() {
    let mut bench = Bench::new(canary());
    bench.setting.armed = false;
    let id = bench.open(Verb::Abort, Engine::Rollout, Params::default());
    assert!(matches!(bench.phase(&id), Phase::Confirming(_)), "{:?}", bench.phase(&id));
    bench.fire(&id);
    assert!(bench.log.iter().any(|effect| matches!(effect, Effect::Arm { .. })));
    assert_eq!(bench.commits(), []);
    bench.send(&id, Event::Locked);
    assert_eq!(bench.commits(), [(0, 0)]);
    bench.send(&id, Event::Answered { step: 0, attempt: 0, answer: accepted() });
    for _ in 0..40 {
        bench.setting.pass(2_000);
        bench.sight(&id, &aborted(12));
    }
    assert_eq!(bench.outcome(&id), Some(Outcome::Verified));
    assert!(bench.log.iter().any(|effect| matches!(effect, Effect::Unlock { .. })));
    assert_eq!(bench.desk.get(&id).unwrap().backout().map(|back| back.verb), Some(Verb::Retry));
}

#[test]
fn what_matters_and_has_changed_leads_back_to_the_card_before_a_byte() {
    let mut bench = Bench::new(canary());
    let id = bench.open(Verb::Promote, Engine::Rollout, Params::default());
    bench.fire(&id);
    bench.answers = canary().with(ROLLOUT, rollout_with("/status/currentStepIndex", json!(3)));
    bench.send(&id, Event::Locked);
    assert!(matches!(bench.phase(&id), Phase::Confirming(_)));
    assert_eq!((bench.commits(), bench.recorded(|entry| matches!(entry, Entry::Drift { .. }))), (vec![], 1));
    assert_eq!(bench.desk.get(&id).unwrap().card.as_ref().unwrap().drifted.len(), 1);
    // A refused precondition of the first request does the same.
    bench.go(&id);
    bench.send(&id, Event::Answered { step: 0, attempt: 0, answer: Answer::Conflict { fault: fault() } });
    assert!(matches!(bench.phase(&id), Phase::Confirming(_)), "{:?}", bench.phase(&id));
    assert_eq!(bench.commits(), [(0, 0)]);
}

#[test]
fn another_identity_blocks_and_no_glass_goes_past_it() {
    let mut bench = Bench::new(canary());
    bench.ids += 1;
    let id = OperationId(Raw::new("1"));
    let mut asked = request(Verb::Abort, Engine::Rollout, Params::default());
    asked.expect_uid = Some(Raw::new("gone"));
    let effects = bench.desk.open(&id, asked, &bench.setting.context());
    bench.answer(effects);
    assert_eq!(*bench.phase(&id), Phase::Guarded { expired: false });
    bench.send(&id, Event::BreakGlass);
    assert_eq!(*bench.phase(&id), Phase::Guarded { expired: false });
}

#[test]
fn a_freeze_stops_a_promotion_but_no_abort_and_yields_to_the_glass() {
    let freeze = crate::operation::policy::Freeze { from: stamp(-60), until: stamp(9_000), why: "launch".into() };
    let mut bench = Bench::new(canary());
    bench.setting.policy.freezes.push(freeze);
    let abort = bench.open(Verb::Abort, Engine::Rollout, Params::default());
    assert!(matches!(bench.phase(&abort), Phase::Confirming(_)));
    let promote = bench.open(Verb::Promote, Engine::Rollout, Params::default());
    assert_eq!(*bench.phase(&promote), Phase::Guarded { expired: false });
    bench.send(&promote, Event::BreakGlass);
    assert!(matches!(bench.phase(&promote), Phase::Confirming(card) if card.need.phrase.is_some()));
}

#[test]
fn an_abort_goes_ahead_of_ones_own_promotion() {
    let mut bench = Bench::new(canary());
    let promote = bench.open(Verb::PromoteFull, Engine::Rollout, Params::default());
    bench.go(&promote);
    bench.send(&promote, Event::Answered { step: 0, attempt: 0, answer: accepted() });
    assert!(matches!(bench.phase(&promote), Phase::Verifying(_)));
    let second = bench.open(Verb::Promote, Engine::Rollout, Params::default());
    assert_eq!(*bench.phase(&second), Phase::Guarded { expired: false }, "one at a time");
    let abort = bench.open(Verb::Abort, Engine::Rollout, Params::default());
    bench.fire(&abort);
    assert_eq!(bench.outcome(&promote), Some(Outcome::Overridden));
    bench.send(&abort, Event::Locked);
    assert_eq!(bench.commits().len(), 2);
}

#[test]
fn a_lost_answer_is_never_sent_again_and_a_late_one_is_recorded() {
    let mut bench = Bench::new(canary());
    let id = bench.open(Verb::Abort, Engine::Rollout, Params::default());
    bench.go(&id);
    bench.send(&id, Event::Answered { step: 0, attempt: 0, answer: Answer::Lost { why: "timeout".into() } });
    assert!(matches!(bench.phase(&id), Phase::Verifying(_)));
    bench.send(&id, Event::Answered { step: 0, attempt: 0, answer: accepted() });
    assert_eq!(bench.recorded(|entry| matches!(entry, Entry::Late { .. })), 1);
    bench.setting.pass(3_600_000);
    bench.send(&id, Event::Tick);
    assert_eq!(bench.outcome(&id), Some(Outcome::Unknown));
    assert_eq!((bench.commits().len(), bench.desk.doubts.len()), (1, 1));
    // What is in doubt locks risky operations only.
    let full = bench.open(Verb::PromoteFull, Engine::Rollout, Params::default());
    assert_eq!(*bench.phase(&full), Phase::Guarded { expired: false });
    let promote = bench.open(Verb::Promote, Engine::Rollout, Params::default());
    assert!(matches!(bench.phase(&promote), Phase::Confirming(_)));
}

#[test]
fn a_plan_expires_but_not_while_a_reason_is_typed() {
    let mut bench = Bench::new(canary());
    let id = bench.open(Verb::Promote, Engine::Rollout, Params::default());
    for _ in 0..130 {
        bench.setting.pass(1_000);
        bench.send(&id, Event::Press(Press::Char('x')));
        bench.send(&id, Event::Tick);
    }
    assert!(matches!(bench.phase(&id), Phase::Confirming(card) if card.reason.len() == 130));
    for _ in 0..31 {
        bench.setting.pass(1_000);
        bench.send(&id, Event::Tick);
    }
    assert_eq!(*bench.phase(&id), Phase::Guarded { expired: true });
    bench.fire(&id);
    assert_eq!(bench.commits(), []);
    bench.send(&id, Event::Replan);
    assert!(matches!(bench.phase(&id), Phase::Confirming(card) if card.reason.is_empty()));
}

/// Runs the three steps of a cache failover up to the promotion.
fn at_the_promotion() -> (Bench, OperationId) {
    let mut bench = Bench::new(aws());
    let id = bench.open(Verb::Failover, Engine::ElastiCache, Params::default());
    bench.go(&id);
    bench.send(&id, Event::Answered { step: 0, attempt: 0, answer: accepted() });
    assert_eq!(bench.desk.debts.len(), 1);
    let ask = Gather::CacheGroup { region: "eu-west-1".into(), id: "sessions".into() };
    let mut seen = cache();
    seen.automatic = crate::operation::evidence::aws::Switch::Off;
    seen.multi_az = seen.automatic;
    bench.setting.pass(5_000);
    let found = Found::Evidence(crate::operation::evidence::Evidence::CacheGroup(Box::new(seen)));
    let at = bench.setting.now.world;
    bench.send(&id, Event::Sighted { ask, seen: Seen { at, found } });
    assert_eq!(bench.commits(), [(0, 0), (1, 0)]);
    (bench, id)
}

#[test]
fn what_was_put_aside_is_put_back_even_when_the_step_between_fails() {
    let (mut bench, id) = at_the_promotion();
    bench.send(&id, Event::Answered { step: 1, attempt: 0, answer: Answer::Refused { fault: fault() } });
    assert_eq!(bench.commits(), [(0, 0), (1, 0), (2, 0)]);
    bench.send(&id, Event::Answered { step: 2, attempt: 0, answer: accepted() });
    assert_eq!(bench.desk.debts.len(), 0);
    bench.setting.pass(3_600_000);
    bench.send(&id, Event::Tick);
    assert_eq!(bench.outcome(&id), Some(Outcome::PartlyDone));
}

#[test]
fn cancel_stops_at_the_next_safe_point_and_still_puts_back() {
    let (mut bench, id) = at_the_promotion();
    bench.send(&id, Event::Cancel);
    assert_eq!(bench.commits().len(), 2, "the step under way is not torn");
    bench.send(&id, Event::Answered { step: 1, attempt: 0, answer: Answer::Refused { fault: fault() } });
    assert_eq!(bench.commits(), [(0, 0), (1, 0), (2, 0)]);
    let mut other = Bench::new(canary());
    let id = other.open(Verb::Abort, Engine::Rollout, Params::default());
    other.send(&id, Event::Detached);
    assert_eq!(other.outcome(&id), Some(Outcome::NotRun(NotRun::Cancelled)));
}

#[test]
fn a_failed_journal_sends_nothing_and_a_foreign_lock_neither() {
    let mut bench = Bench::new(canary());
    let id = bench.open(Verb::Abort, Engine::Rollout, Params::default());
    bench.fire(&id);
    bench.send(&id, Event::LockRefused { holder: "sre2@b2".into() });
    assert_eq!((bench.phase(&id), bench.commits()), (&Phase::Guarded { expired: false }, vec![]));
    bench.send(&id, Event::Replan);
    bench.fire(&id);
    bench.send(&id, Event::LockFailed { why: "no answer".into(), forbidden: false });
    assert_eq!((bench.phase(&id), bench.commits()), (&Phase::Guarded { expired: false }, vec![]));
    let id = bench.open(Verb::Abort, Engine::Rollout, Params::default());
    bench.go(&id);
    bench.send(&id, Event::NotSent { step: 0, attempt: 0, why: "fsync failed".into() });
    assert_eq!(bench.outcome(&id), Some(Outcome::NotRun(NotRun::Refused)));
    assert_eq!(bench.desk.get(&id).unwrap().backout(), None);
}

#[test]
fn who_may_keep_no_lock_may_still_mend_and_is_told_so() {
    let mut bench = Bench::new(canary());
    let id = bench.open(Verb::Abort, Engine::Rollout, Params::default());
    bench.fire(&id);
    bench.send(&id, Event::LockFailed { why: "leases are forbidden".into(), forbidden: true });
    assert_eq!(bench.commits(), [(0, 0)]);
    let report = &bench.desk.get(&id).unwrap().card.as_ref().unwrap().report;
    let told = report.findings.iter().find(|finding| finding.guard == GuardId::Lock).unwrap();
    assert!(told.text.as_str().contains("leases are forbidden"), "{}", told.text);
}

fn any_answer() -> impl Strategy<Value = Answer> {
    prop_oneof![
        Just(accepted()),
        Just(Answer::Conflict { fault: fault() }),
        Just(Answer::NotYet { fault: fault() }),
        Just(Answer::Gone { fault: fault() }),
        Just(Answer::Refused { fault: fault() }),
        Just(Answer::Lost { why: "lost".into() }),
    ]
}

fn any_event() -> impl Strategy<Value = Event> {
    prop_oneof![
        6 => Just(Event::Press(Press::Fire)),
        2 => Just(Event::Press(Press::Char('x'))),
        1 => Just(Event::Press(Press::Paste("backend@prod-eu".into()))),
        1 => Just(Event::Press(Press::Enter)),
        5 => Just(Event::Locked),
        1 => Just(Event::LockRefused { holder: "other".into() }),
        1 => any::<bool>().prop_map(|forbidden| Event::LockFailed { why: "no".into(), forbidden }),
        1 => Just(Event::LockLost { why: "lost".into() }),
        1 => Just(Event::Cancel),
        1 => Just(Event::Replan),
        1 => Just(Event::BreakGlass),
        1 => Just(Event::Detached),
        4 => Just(Event::Tick),
        1 => Just(Event::Preempted { by: Verb::Abort }),
        1 => (0_usize..3, 0_u32..2).prop_map(|(step, attempt)| Event::NotSent { step, attempt, why: "no".into() }),
        6 => (0_usize..3, 0_u32..2, any_answer()).prop_map(|(step, attempt, answer)| Event::Answered { step, attempt, answer }),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 256, failure_persistence: None, ..ProptestConfig::default() })]

    /// For any stream of events on any of these operations: no request without a confirmation and a lock or its refusal,
    /// none twice, one at a time, none after the end; every end is recorded once something was sent; every lock is let go.
    #[test]
    fn nothing_is_sent_unconfirmed_twice_or_after_the_end(
        verb in prop_oneof![Just(Verb::Abort), Just(Verb::Promote), Just(Verb::Pause)],
        held in any::<bool>(),
        events in proptest::collection::vec((any_event(), 0_u64..4_000), 1..60),
    ) {
        let object = if held && verb != Verb::Pause { rollout_with("/spec/paused", json!(true)) } else { rollout() };
        let mut bench = Bench::new(canary().with(ROLLOUT, object));
        let id = bench.open(verb, Engine::Rollout, Params::default());
        let mut ended: Option<usize> = None;
        for (event, millis) in events {
            bench.setting.pass(millis);
            let late = matches!(event, Event::Answered { .. });
            let before = bench.commits().len();
            bench.send(&id, event);
            let sent = bench.commits().len() - before;
            prop_assert!(sent <= 1);
            if let Some(count) = ended {
                prop_assert_eq!(bench.commits().len(), count, "sent after the end");
                let recorded = bench.recorded(|entry| matches!(entry, Entry::Late { .. }));
                prop_assert!(!late || recorded > 0);
            }
            if bench.outcome(&id).is_some() && ended.is_none() {
                ended = Some(bench.commits().len());
            }
        }
        let confirms = bench.recorded(|entry| matches!(entry, Entry::Confirm(_)));
        let first = bench.commits().iter().filter(|(step, attempt)| (*step, *attempt) == (0, 0)).count();
        prop_assert!(first <= confirms, "{first} sendings of {confirms} confirmations");
        let locks = bench.log.iter().filter(|effect| matches!(effect, Effect::Lock { .. })).count();
        prop_assert!(locks >= first);
        if ended.is_some() && !bench.commits().is_empty() && bench.outcome(&id) != Some(Outcome::NotRun(NotRun::Cancelled)) {
            let told = bench.recorded(|entry| matches!(entry, Entry::Verify(_) | Entry::Deny { .. } | Entry::Cancel { .. }));
            prop_assert!(told >= 1);
        }
    }
}
