//! Sequences of sightings and their verdicts, failure signs included.

use std::time::Duration;

use serde_json::{Value, json};

use super::{Glance, Goal, Outcome, RolloutWant, Verifier};
use crate::domain::reading::{Absence, Reading};
use crate::domain::settings::RiskClass;
use crate::domain::text::Raw;
use crate::operation::evidence::aws::DbEvent;
use crate::operation::evidence::{Evidence, Found, Gather, Named, Seen, Sheet};
use crate::operation::plan::Plan;
use crate::operation::target::{Engine, Params};
use crate::operation::testing::*;
use crate::operation::verb::Verb;

fn planned(answers: &Answers, verb: Verb, engine: Engine, params: Params) -> Plan {
    answers.plan(&request(verb, engine, params), &Setting::new(RiskClass::Production)).unwrap()
}

/// Shows each object for two seconds, the last one until it ends; the outcome and the seconds it took.
fn watch(plan: &Plan, sightings: &[Vec<(Gather, Evidence)>]) -> (Outcome, i64, String) {
    let errors = Reading::Absent(Absence::NotMeasured);
    let mut verifier = Verifier::new(plan.goal.clone(), plan.timing, stamp(0), &errors);
    let mut sheet = Sheet::default();
    for tick in 1_i64.. {
        let at = stamp(tick * 2);
        let index = usize::try_from(tick - 1).unwrap().min(sightings.len().saturating_sub(1));
        for (ask, evidence) in sightings.get(index).into_iter().flatten() {
            sheet.put(ask.clone(), Seen { at, found: Found::Evidence(evidence.clone()) });
            if let Some(end) = verifier.see(ask, &sheet, &errors, at) {
                return (end.outcome, tick * 2, end.words.as_str().to_owned());
            }
        }
        if let Some(end) = verifier.tick(at) {
            return (end.outcome, tick * 2, end.words.as_str().to_owned());
        }
    }
    unreachable!()
}

fn rollouts(plan: &Plan, objects: &[Value]) -> Vec<Vec<(Gather, Evidence)>> {
    let ask = plan.goal.follows().remove(0);
    objects.iter().map(|object| vec![(ask.clone(), ask.read(object).unwrap())]).collect()
}

#[test]
fn an_abort_ends_as_what_was_seen_says() {
    let abort = planned(&canary(), Verb::Abort, Engine::Rollout, Params::default());
    let mut retried = rollout();
    set(
        &mut retried,
        "/metadata/managedFields",
        json!([{ "manager": "kubectl-argo-rollouts", "time": "2026-11-21T03:12:20Z" }]),
    );
    let newer = rollout_with("/status/currentPodHash", json!("9999"));
    let promoted = rollout_with("/status/stableRS", json!("7b9f"));
    let cases: Vec<(&str, Vec<Value>, Outcome)> = vec![
        ("all back on stable", vec![aborted(9), aborted(12)], Outcome::Verified),
        ("undone by a colleague", vec![aborted(9), retried.clone()], Outcome::Overridden),
        ("a new revision was pushed", vec![aborted(9), newer], Outcome::Overridden),
        ("promoted in spite of it", vec![promoted], Outcome::Failed),
        ("stable pods never come", vec![aborted(9)], Outcome::Unknown),
        ("nothing is ever seen", vec![], Outcome::Unknown),
    ];
    for (name, objects, outcome) in cases {
        let (seen, seconds, words) = watch(&abort, &rollouts(&abort, &objects));
        assert_eq!(seen, outcome, "{name}: {words}");
        if seen == Outcome::Verified {
            assert!((62..=70).contains(&seconds), "held for its minute: {seconds}");
        }
    }
    let (_, _, words) = watch(&abort, &rollouts(&abort, &[retried]));
    assert!(words.contains("kubectl-argo-rollouts"), "{words}");
    let mut other = aborted(12);
    set(&mut other, "/metadata/uid", json!("another"));
    assert_eq!(watch(&abort, &rollouts(&abort, &[other])).0, Outcome::Failed);
}

#[test]
fn one_stale_answer_convicts_nobody() {
    let abort = planned(&canary(), Verb::Abort, Engine::Rollout, Params::default());
    assert_eq!(watch(&abort, &rollouts(&abort, &[rollout(), aborted(12)])).0, Outcome::Verified);
}

/// What a real controller shows for a moment after a rollback: the state of the template before (measured, Argo Rollouts
/// 1.9 and Kubernetes 1.36).
#[test]
fn a_rollback_is_not_judged_by_the_state_before_it() {
    let goal = Goal::Rollout {
        at: Named { namespace: "shop".into(), name: "backend".into() },
        uid: Raw::new("5b0e"),
        stable: Raw::new("6d4f"),
        current: Raw::new("7b9f"),
        want: RolloutWant::Template { images: vec![Raw::new("backend:2.3.9")], stable: true },
    };
    let mut unseen = aborted(12);
    set(&mut unseen, "/metadata/generation", json!(10));
    set(&mut unseen, "/spec/template/spec/containers/0/image", json!("backend:2.3.9"));
    let glance = |object: &Value| {
        let mut sheet = Sheet::default();
        let ask = goal.follows().remove(0);
        sheet.put(ask.clone(), Seen { at: stamp(1), found: Found::Evidence(ask.read(object).unwrap()) });
        goal.glance(&sheet, stamp(0))
    };
    assert!(matches!(glance(&unseen), Glance::Pending(_)), "{:?}", glance(&unseen));
    set(&mut unseen, "/status/observedGeneration", json!("10"));
    assert!(matches!(glance(&unseen), Glance::Failed(_)), "{:?}", glance(&unseen));

    let undo = planned(&deployments(), Verb::Rollback, Engine::Deployment, Params::default());
    let stuck = |at: &str| {
        let mut seen = deployment();
        set(&mut seen, "/spec/template/spec/containers/0/image", json!("pay:2"));
        let condition = json!([{ "type": "Progressing", "status": "False", "reason": "ProgressDeadlineExceeded",
            "lastUpdateTime": at }]);
        set(&mut seen, "/status/conditions", condition);
        let ours = json!([{ "manager": "tierdeck", "time": "2026-11-21T03:12:10Z" }]);
        set(&mut seen, "/metadata/managedFields", ours);
        watch(&undo, &rollouts(&undo, &[seen])).0
    };
    assert_ne!(stuck("2026-11-21T03:12:09Z"), Outcome::Failed, "it was stuck before");
    assert_eq!(stuck("2026-11-21T03:12:10Z"), Outcome::Failed);
}

#[test]
fn a_promotion_ends_past_its_step_or_says_why_not() {
    let promote = planned(&canary(), Verb::Promote, Engine::Rollout, Params::default());
    let next = rollout_with("/status/currentStepIndex", json!(3));
    assert_eq!(watch(&promote, &rollouts(&promote, &[rollout(), next])).0, Outcome::Verified);
    assert_eq!(watch(&promote, &rollouts(&promote, &[rollout()])).0, Outcome::Unknown);
    assert_eq!(watch(&promote, &rollouts(&promote, &[aborted(12)])).0, Outcome::Failed);
    let full = planned(&canary(), Verb::PromoteFull, Engine::Rollout, Params::default());
    let mut stable = rollout_with("/status/stableRS", json!("7b9f"));
    set(&mut stable, "/status/phase", json!("Healthy"));
    set(&mut stable, "/status/controllerPause", json!(false));
    assert_eq!(watch(&full, &rollouts(&full, &[rollout(), stable])).0, Outcome::Verified);
}

#[test]
fn a_scale_that_is_pulled_back_is_overridden_and_one_that_stops_half_way_partly_done() {
    let params = Params { replicas: Some(9), ..Params::default() };
    let scale = planned(&deployments(), Verb::Scale, Engine::Deployment, params);
    let at = |asked: u32, available: u32| {
        let mut seen = deployment();
        set(&mut seen, "/spec/replicas", json!(asked));
        set(&mut seen, "/status/replicas", json!(asked));
        set(&mut seen, "/status/availableReplicas", json!(available));
        seen
    };
    assert_eq!(watch(&scale, &rollouts(&scale, &[at(9, 5), at(9, 9)])).0, Outcome::Verified);
    assert_eq!(watch(&scale, &rollouts(&scale, &[at(9, 5), at(6, 6)])).0, Outcome::Overridden);
    assert_eq!(watch(&scale, &rollouts(&scale, &[at(9, 5)])).0, Outcome::PartlyDone);
}

/// A fresh share of failing requests, sampled at a second.
fn ratio(value: f64, second: i64) -> Reading {
    use crate::domain::id::SourceId;
    use crate::domain::reading::{Provenance, Query, Sample};
    use crate::domain::unit::{Statistic, Unit};
    let provenance = std::sync::Arc::new(Provenance {
        source: SourceId::new("prom"),
        endpoint: Raw::default(),
        query: Query::Probe(Raw::default()),
        statistic: Statistic::Last,
        period: Duration::from_secs(15),
        delay: Duration::ZERO,
        threshold_origin: "default",
    });
    Reading::Fresh(Sample { value, unit: Unit::Ratio, at: stamp(second), provenance })
}

#[test]
fn errors_stay_below_their_limit_for_the_whole_hold_and_the_verdict_tells_them() {
    let abort = planned(&canary(), Verb::Abort, Engine::Rollout, Params::default());
    let ask = abort.goal.follows().remove(0);
    let reached = ask.read(&aborted(12)).unwrap();
    // Below at once, above again, and below for good from the 50th second on.
    let errors = |second: i64| ratio(if (20..50).contains(&second) { 0.04 } else { 0.005 }, second);
    let mut verifier = Verifier::new(abort.goal.clone(), abort.timing, stamp(0), &ratio(0.18, 0));
    let mut sheet = Sheet::default();
    let end = (1..200).find_map(|second| {
        let at = stamp(second);
        sheet.put(ask.clone(), Seen { at, found: Found::Evidence(reached.clone()) });
        Some((second, verifier.see(&ask, &sheet, &errors(second), at)?))
    });
    let (second, end) = end.unwrap();
    assert_eq!((second, end.outcome), (110, Outcome::Verified));
    assert!(end.words.as_str().ends_with("; errors 0.50 %, before 18.00 %"), "{}", end.words);
}

fn database(status: &str, zone: &str, events: &[&str], plan: &Plan, accepted: Option<bool>) -> Vec<(Gather, Evidence)> {
    let mut seen = rds();
    seen.status = Raw::new(status);
    seen.zone = Raw::new(zone);
    let events = events.iter().map(|text| DbEvent { at: stamp(1), message: Raw::new(text) }).collect();
    let follows = plan.goal.follows();
    let mut out = vec![
        (follows[0].clone(), Evidence::DbInstance(Box::new(seen))),
        (follows[1].clone(), Evidence::DbEvents(events)),
    ];
    out.extend(
        accepted.map(|accepted| (follows[2].clone(), Evidence::Writes { accepted: Some(accepted), why: "".into() })),
    );
    out
}

#[test]
fn a_failover_of_rds_is_told_by_its_events_and_by_writes() {
    let plan = planned(&aws(), Verb::Failover, Engine::RdsInstance, Params::default());
    let started = ["Multi-AZ instance failover started."];
    let done = ["Multi-AZ instance failover started.", "Multi-AZ instance failover completed"];
    let a = "eu-west-1a";
    let run = |sightings: Vec<Vec<(Gather, Evidence)>>| watch(&plan, &sightings);
    let good = vec![
        database("rebooting", a, &started, &plan, Some(false)),
        // The zone is stale for minutes: the event decides.
        database("available", a, &done, &plan, Some(true)),
    ];
    assert_eq!(run(good).0, Outcome::Verified);
    let abandoned = ["Abandoning user requested failover because failover just happened"];
    assert_eq!(run(vec![database("available", a, &abandoned, &plan, Some(true))]).0, Outcome::NoEffect);
    assert_eq!(run(vec![database("available", a, &[], &plan, Some(true))]).0, Outcome::Unknown);
    let (outcome, _, words) = run(vec![database("available", a, &done, &plan, Some(false))]);
    assert_eq!(outcome, Outcome::Failed, "{words}");
    assert_eq!(run(vec![database("available", "eu-west-1b", &[], &plan, None)]).0, Outcome::Verified);
}

#[test]
fn the_outage_is_measured_from_the_first_refused_write_to_the_first_accepted_one() {
    let plan = planned(&aws(), Verb::Failover, Engine::RdsInstance, Params::default());
    let errors = Reading::Absent(Absence::NotMeasured);
    let mut verifier = Verifier::new(plan.goal.clone(), plan.timing, stamp(0), &errors);
    let probe = plan.goal.follows()[2].clone();
    let mut sheet = Sheet::default();
    // Once refused again, the outage goes on.
    for (second, accepted) in [
        (1, Some(true)),
        (5, Some(false)),
        (20, Some(true)),
        (21, Some(false)),
        (30, None),
        (37, Some(true)),
        (38, Some(true)),
    ] {
        let evidence = Evidence::Writes { accepted, why: "".into() };
        sheet.put(probe.clone(), Seen { at: stamp(second), found: Found::Evidence(evidence) });
        assert_eq!(verifier.see(&probe, &sheet, &errors, stamp(second)), None);
    }
    assert_eq!(verifier.outage(stamp(40)), Some(Duration::from_secs(32)));
}

#[test]
fn other_systems_end_as_their_own_state_says() {
    let aurora_plan = planned(&aws(), Verb::Failover, Engine::Aurora, Params::default());
    let cluster = |writer: &str| {
        let mut seen = aurora();
        for member in &mut seen.members {
            member.writer = member.id.as_str() == writer;
        }
        vec![(aurora_plan.goal.follows()[0].clone(), Evidence::DbCluster(Box::new(seen)))]
    };
    assert_eq!(watch(&aurora_plan, &[cluster("orders-0"), cluster("orders-2")]).0, Outcome::Verified);
    assert_eq!(watch(&aurora_plan, &[cluster("orders-1")]).0, Outcome::Overridden);
    assert_eq!(watch(&aurora_plan, &[cluster("orders-0")]).0, Outcome::Unknown);
    let cache_plan = planned(&aws(), Verb::Failover, Engine::ElastiCache, Params::default());
    let mut moved = cache();
    for member in &mut moved.members {
        member.primary = member.cluster.as_str() == "sessions-002";
    }
    let seen = vec![(cache_plan.goal.follows()[0].clone(), Evidence::CacheGroup(Box::new(moved)))];
    assert_eq!(watch(&cache_plan, &[seen]).0, Outcome::Verified);
}

#[test]
fn errors_that_stay_make_a_reached_state_a_failure() {
    let plan = planned(&canary(), Verb::Abort, Engine::Rollout, Params::default());
    let run = |value: f64| {
        let mut verifier = Verifier::new(plan.goal.clone(), plan.timing, stamp(0), &ratio(0.18, 0));
        let mut sheet = Sheet::default();
        let ask = plan.goal.follows().remove(0);
        (1..).find_map(|second| {
            let found = Found::Evidence(ask.read(&aborted(12)).unwrap());
            sheet.put(ask.clone(), Seen { at: stamp(second), found });
            verifier.see(&ask, &sheet, &ratio(value, second), stamp(second))
        })
    };
    assert_eq!(run(0.002).unwrap().outcome, Outcome::Verified);
    let end = run(0.18).unwrap();
    assert_eq!(end.outcome, Outcome::Failed);
    assert!(end.words.as_str().contains("18.00 %"), "{}", end.words);
    assert_eq!(Glance::Unseen, Verifier::new(plan.goal.clone(), plan.timing, stamp(0), &ratio(0.1, 0)).last);
}
