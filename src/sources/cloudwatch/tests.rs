//! The CloudWatch source against the embedded world's CloudWatch.

// An outlet is shared between threads; this one is only a notebook.
#![allow(clippy::disallowed_types)]

use std::sync::Mutex;

use super::*;
use crate::clients::aws::read::Options;
use crate::clients::egress::Egress;
use crate::demo::servers::aws::fixture::{LB, MINUTE, NOON, REGION, Served, serve};
use crate::demo::servers::aws::{ACCESS_KEY, AwsFault};
use crate::domain::error::FaultKind;
use crate::domain::reading::{Provenance, Query};
use crate::model::facts::{Point, SignalFact};

/// Collects what a source says.
struct Notebook {
    now: Mutex<i64>,
    seen: Mutex<Vec<Observation>>,
    cost: Mutex<f64>,
}

impl Notebook {
    fn at(now: i64) -> Self {
        Self { now: Mutex::new(now), seen: Mutex::default(), cost: Mutex::default() }
    }

    fn take(&self) -> Vec<Observation> {
        std::mem::take(&mut self.seen.lock().unwrap())
    }
}

impl Outlet for Notebook {
    fn now(&self) -> Stamp {
        Stamp::from_millis(*self.now.lock().unwrap())
    }
    fn observe(&self, observation: Observation) {
        self.seen.lock().unwrap().push(observation);
    }
    fn alive(&self) {}
    fn identity(&self, _: Shown) {}
    fn cost(&self, usd_per_hour: f64) {
        *self.cost.lock().unwrap() = usd_per_hour;
    }
}

async fn source(served: &Served, region: &str, choices: &[(&'static str, Choice)], budget: f64) -> CloudWatch {
    let options = Options {
        region: region.to_owned(),
        profile: None,
        endpoint_url: Some(served.url.clone()),
        fixed: Some((ACCESS_KEY.to_owned(), "demo".to_owned())),
        egress: Egress::LoopbackOnly,
    };
    let connection = Connection::open(&options).await.unwrap();
    let choices = choices.iter().cloned().collect();
    CloudWatch::new(&connection, Scope { id: SourceId::new("aws-cloudwatch"), choices, monthly_budget_usd: budget })
}

fn home() -> Vec<(&'static str, Choice)> {
    ["AWS/ApplicationELB", "AWS/RDS", "AWS/ElastiCache"].map(|n| (n, Choice::All)).into()
}

fn signals(seen: &[Observation]) -> Vec<&SignalFact> {
    let facts = seen.iter().flat_map(|o| &o.facts);
    facts.filter_map(|f| if let Fact::Signal(signal) = f { Some(signal) } else { None }).collect()
}

fn signal<'a>(seen: &'a [Observation], id: &str) -> &'a SignalFact {
    signals(seen).into_iter().find(|s| s.signal == id).unwrap_or_else(|| panic!("no {id}"))
}

/// Minutes before noon, and value.
fn told(points: &[Point]) -> Vec<(i64, f64)> {
    points.iter().map(|p| ((NOON - p.at.millis()) / MINUTE, p.value)).collect()
}

#[tokio::test]
async fn the_first_round_brings_history_and_last_week_and_the_next_ones_only_the_end() {
    let served = serve().await;
    let mut source = source(&served, REGION, &home(), 50.0).await;
    let notebook = Notebook::at(NOON + 5_000);
    source.round(&notebook).await.unwrap();
    let seen = notebook.take();
    let rate = signal(&seen, "lb.alb.rate");
    assert_eq!(rate.subject, Alias::Dimension { name: "LoadBalancer", value: Raw::new(LB) });
    let (week, recent): (Vec<_>, Vec<_>) = told(&rate.points).into_iter().partition(|(back, _)| *back > 24 * 60);
    // The minute 11:58 is the newest that is over and published.
    let expected: Vec<_> = (2..=60).rev().map(|back| (back, 20.0)).collect();
    assert_eq!(recent, expected);
    assert_eq!(week.len(), 120);
    assert!(week.iter().all(|(_, value)| *value == 10.0));
    let errors: Vec<_> =
        told(&signal(&seen, "lb.alb.err").points).into_iter().filter(|(back, _)| *back < 24 * 60).collect();
    let expected: Vec<_> = (2..=60).rev().map(|back| (back, if back < 10 { 0.01 } else { 0.0 })).collect();
    assert_eq!(errors, expected, "what is not published is zero while requests are");
    assert!(signal(&seen, "lb.alb.rejected").points.iter().all(|p| p.value == 0.0));
    assert_eq!(signal(&seen, "cache.ec.cpu").member, Some(Raw::new("shop-cache-001")));
    assert!(signals(&seen).iter().all(|s| s.signal != "cache.ec.hit"), "nothing measures hits here");

    *notebook.now.lock().unwrap() = NOON + 65_000;
    served.set_now(NOON + 65_000);
    source.round(&notebook).await.unwrap();
    let seen = notebook.take();
    let expected: Vec<_> = (1..=5).rev().map(|back| (back, 20.0)).collect();
    assert_eq!(told(&signal(&seen, "lb.alb.rate").points), expected);
}

#[tokio::test]
async fn a_bucket_that_may_still_grow_is_left_out() {
    let served = serve().await;
    // CloudWatch already gives the minute 11:59, of which samples may yet come.
    served.set_now(NOON + 65_000);
    let mut source = source(&served, REGION, &home(), 50.0).await;
    let notebook = Notebook::at(NOON + 30_000);
    source.round(&notebook).await.unwrap();
    assert_eq!(told(&signal(&notebook.take(), "lb.alb.rate").points).last(), Some(&(2, 20.0)));
}

#[tokio::test]
async fn a_late_value_replaces_what_was_read() {
    let served = serve().await;
    let mut source = source(&served, REGION, &home(), 50.0).await;
    let notebook = Notebook::at(NOON);
    source.round(&notebook).await.unwrap();
    served.change(|stores| {
        let id = crate::demo::servers::aws::fixture::lb_metric("HTTPCode_ELB_5XX_Count");
        stores.cloudwatch.record(&id, crate::demo::store::cloudwatch::Point::counted(NOON - 3 * MINUTE, 60.0));
    });
    notebook.take();
    source.round(&notebook).await.unwrap();
    let own = told(&signal(&notebook.take(), "lb.alb.err_own").points);
    assert_eq!(own.iter().find(|(back, _)| *back == 3), Some(&(3, 0.05)));
}

#[tokio::test]
async fn what_cloudwatch_did_not_answer_is_neither_zero_nor_computed_with() {
    let served = serve().await;
    let mut source = source(&served, REGION, &home(), 50.0).await;
    source.round(&Notebook::at(NOON)).await.unwrap();
    let plan = source.plan.clone().unwrap();
    let all: Vec<usize> = (0..plan.lines.len()).collect();
    let now = Stamp::from_millis(NOON);
    let mut recent = source.fetch(&plan, &all, now - HISTORY, now).await.unwrap();
    let told = |recent: Vec<(usize, read::Series)>| {
        let (raw, refused) = sorted(&plan, Vec::new(), recent);
        let facts = assemble::signals(&plan, &raw, &source.origin(), now);
        let ids: BTreeSet<_> =
            facts.iter().filter_map(|f| if let Fact::Signal(s) = f { Some(s.signal) } else { None }).collect();
        (ids, refused)
    };
    let (before, refused) = told(recent.clone());
    assert!(refused.is_empty());
    assert!(before.contains("lb.alb.rate"), "{before:?}");
    for (index, series) in &mut recent {
        if plan.lines[*index].spec.id == "lb.alb.elb5xx" {
            *series = read::Series { problem: Some("internal error of CloudWatch"), ..read::Series::default() };
        }
    }
    let (after, refused) = told(recent);
    assert_eq!(refused, BTreeSet::from([("internal error of CloudWatch", "AWS/ApplicationELB")]));
    assert_eq!(
        before.difference(&after).copied().collect::<Vec<_>>(),
        ["lb.alb.elb5xx", "lb.alb.err", "lb.alb.err_own"]
    );
}

/// The value of a query, asked with plain HTTP: what a person would do by hand.
async fn ask_again(served: &Served, provenance: &Provenance) -> f64 {
    match &provenance.query {
        Query::CloudWatch(body) => {
            let signed = "AWS4-HMAC-SHA256 Credential=AKIADEMO/20260302/eu-west-1/monitoring/aws4_request, \
                          SignedHeaders=host, Signature=00";
            let answer = reqwest::Client::new()
                .post(&served.url)
                .header("x-amz-target", "GraniteServiceVersion20100801.GetMetricData")
                .header("authorization", signed)
                .body(body.as_str().to_owned())
                .send();
            let json: serde_json::Value =
                serde_json::from_slice(&answer.await.unwrap().bytes().await.unwrap()).unwrap();
            let values = json["MetricDataResults"][0]["Values"].as_array().unwrap();
            assert_eq!(values.len(), 1, "{json}");
            values[0].as_f64().unwrap()
        }
        Query::Derived { formula, from } => {
            let mut inputs = Vec::new();
            for sample in from {
                let value = Box::pin(ask_again(served, &sample.provenance)).await;
                assert!((value - sample.value).abs() < 1e-9, "{value} is not {}", sample.value);
                inputs.push(value);
            }
            match (*formula, inputs.as_slice()) {
                ("a / 60", [a]) => a / 60.0,
                ("a / 100", [a]) => a / 100.0,
                ("0 * a", [a]) => 0.0 * a,
                ("a / b", [a, b]) => a / b,
                ("(a + b) / c", [a, b, c]) => (a + b) / c,
                other => panic!("{other:?}"),
            }
        }
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn every_newest_value_can_be_asked_again_by_hand() {
    let served = serve().await;
    let mut source = source(&served, REGION, &home(), 50.0).await;
    let notebook = Notebook::at(NOON);
    source.round(&notebook).await.unwrap();
    let seen = notebook.take();
    served.set_now(NOON + 10 * MINUTE);
    let mut asked = 0;
    for signal in signals(&seen) {
        let newest = signal.points.last().unwrap().value;
        let again = ask_again(&served, &signal.provenance).await;
        assert!((again - newest).abs() < 1e-9, "{}: {again} is not {newest}", signal.signal);
        asked += 1;
    }
    assert!(asked >= 15, "only {asked} signals");
    let rate = signal(&seen, "lb.alb.rate");
    let age = Stamp::from_millis(NOON + MINUTE).since(rate.points.last().unwrap().at);
    assert!(age < rate.provenance.freshness(), "{age:?} is stale right before the next round");
}

#[tokio::test]
async fn the_cost_is_what_is_asked_and_the_budget_is_kept() {
    let served = serve().await;
    let mut rich = source(&served, REGION, &home(), 50.0).await;
    let notebook = Notebook::at(NOON);
    // An hour of rounds and signs of life, as the runner asks for them.
    for round in 0..60 {
        for beat in 0..15 {
            *notebook.now.lock().unwrap() = NOON + round * MINUTE + beat * 4_000;
            if beat == 0 {
                rich.round(&notebook).await.unwrap();
            } else {
                rich.heartbeat(&notebook).await.unwrap();
            }
        }
        assert_eq!(rich.cadence(), Cadence::Poll { every: pace::EVERY, deadline: DEADLINE });
    }
    let (metrics, calls) = rich.client.spent();
    // ALB: rate, two error counts, latency (three statistics), two troubles; RDS: 2 x (cpu, conn) and lag; cache: 2 cpu;
    // of last week twice the rate.
    assert_eq!(metrics, 60 * (6 + 5 + 2) + 2);
    assert_eq!(calls, 60 * 15 + 4 * 3, "alarms, signs of life, and three lists every quarter of an hour");
    let (spent, told) = (pace::PRICE * (metrics + calls) as f64, *notebook.cost.lock().unwrap());
    assert!((told / spent - 1.0).abs() < 0.05, "{told} is told and {spent} is spent");

    let mut poor = source(&served, REGION, &home(), 2.0).await;
    notebook.take();
    poor.round(&notebook).await.unwrap();
    let Cadence::Poll { every, .. } = poor.cadence() else { panic!() };
    assert_eq!(every, pace::EVERY * 5);
    let (_, before) = poor.client.spent();
    for _ in 0..15 {
        *notebook.now.lock().unwrap() += 4_000;
        poor.heartbeat(&notebook).await.unwrap();
    }
    assert_eq!(poor.client.spent().1 - before, 1, "a sign of life a minute is less than the budget wants");
    let seen = notebook.take();
    let gap = seen.iter().flat_map(|o| &o.facts).find_map(|f| if let Fact::Gap(g) = f { Some(g) } else { None });
    let words = "is asked every 300 s, and whether it lives every 40 s, to keep 2 USD a month";
    assert!(gap.unwrap().what.as_str().contains(words), "{gap:?}");
    assert_eq!(signal(&seen, "lb.alb.rate").provenance.period, every);
}

/// The words of all gaps.
fn gaps(seen: &[Observation]) -> Vec<String> {
    let facts = seen.iter().flat_map(|o| &o.facts);
    facts.filter_map(|f| if let Fact::Gap(g) = f { Some(g.what.to_string()) } else { None }).collect()
}

#[tokio::test]
async fn one_missing_permission_is_a_gap_and_the_rest_goes_on() {
    let served = serve().await;
    let is_alert = |seen: &[Observation]| seen.iter().flat_map(|o| &o.facts).any(|f| matches!(f, Fact::Alert(_)));
    for (operation, metrics, alarms) in
        [("DescribeAlarms", true, false), ("ListMetrics", false, true), ("GetMetricData", false, true)]
    {
        let name = format!("cloudwatch:{operation}");
        assert!(served.faults.set(&name, AwsFault::Status(403)));
        let mut source = source(&served, REGION, &home(), 50.0).await;
        let notebook = Notebook::at(NOON);
        source.round(&notebook).await.unwrap();
        let seen = notebook.take();
        assert_eq!((!signals(&seen).is_empty(), is_alert(&seen)), (metrics, alarms), "{name}");
        assert_eq!(gaps(&seen), [format!("forbidden: {name} in {REGION}")], "{name}");
        // The sign of life is a read of alarms: that it is refused is an answer.
        *notebook.now.lock().unwrap() += 4_000;
        source.heartbeat(&notebook).await.unwrap();
        served.faults.set(&name, AwsFault::Ok);
        *notebook.now.lock().unwrap() += 15 * MINUTE;
        served.set_now(NOON + 15 * MINUTE);
        source.round(&notebook).await.unwrap();
        let seen = notebook.take();
        assert!(!signals(&seen).is_empty() && is_alert(&seen) && gaps(&seen).is_empty(), "{name} allowed again");
    }
}

#[tokio::test]
async fn what_is_known_is_asked_on_when_listing_is_forbidden_later() {
    let served = serve().await;
    let mut source = source(&served, REGION, &home(), 50.0).await;
    let notebook = Notebook::at(NOON);
    source.round(&notebook).await.unwrap();
    notebook.take();
    served.faults.set("cloudwatch:ListMetrics", AwsFault::Status(403));
    *notebook.now.lock().unwrap() += 15 * MINUTE;
    served.set_now(NOON + 15 * MINUTE);
    source.round(&notebook).await.unwrap();
    let seen = notebook.take();
    assert!(!signals(&seen).is_empty());
    assert!(gaps(&seen).concat().ends_with("new resources stay unseen"), "{:?}", gaps(&seen));
}

#[tokio::test]
async fn a_distribution_is_known_in_us_east_1_by_its_configured_id() {
    let served = serve().await;
    let only = |id: &str| vec![("AWS/CloudFront", Choice::Only(vec![id.to_owned()]))];
    let notebook = Notebook::at(NOON + 5 * MINUTE);
    served.set_now(NOON + 5 * MINUTE);
    source(&served, "us-east-1", &only("E2EXAMPLE"), 50.0).await.round(&notebook).await.unwrap();
    let seen = notebook.take();
    let component =
        seen.iter().flat_map(|o| &o.facts).find_map(|f| if let Fact::Component(c) = f { Some(c) } else { None });
    assert_eq!(component.unwrap().id, ComponentId::new(Kind::Distribution, "us-east-1", "E2EXAMPLE"));
    assert_eq!(signal(&seen, "edge.cloudfront.rate").points.last().unwrap().value, 150.0);
    source(&served, "us-east-1", &only("EOTHER"), 50.0).await.round(&notebook).await.unwrap();
    assert!(signals(&notebook.take()).is_empty());
}

#[tokio::test]
async fn alarms_are_alerts_and_failures_are_faults() {
    let served = serve().await;
    let mut source = source(&served, REGION, &home(), 50.0).await;
    let notebook = Notebook::at(NOON);
    source.round(&notebook).await.unwrap();
    let seen = notebook.take();
    let alerts: Vec<_> = seen
        .iter()
        .flat_map(|o| &o.facts)
        .filter_map(|f| if let Fact::Alert(a) = f { Some(a) } else { None })
        .collect();
    let [alert] = alerts.as_slice() else { panic!("{alerts:?}") };
    assert_eq!((alert.name.as_str(), alert.since.millis()), ("shop-5xx", NOON - 5 * MINUTE));
    assert_eq!(alert.subject, Some(Alias::Dimension { name: "LoadBalancer", value: Raw::new(LB) }));
    served.faults.set("cloudwatch", AwsFault::Status(403));
    assert_eq!(source.round(&notebook).await.unwrap_err().kind, FaultKind::Forbidden);
    *notebook.now.lock().unwrap() += 4_000;
    assert_eq!(source.heartbeat(&notebook).await.unwrap_err().kind, FaultKind::Forbidden);
    served.faults.set("cloudwatch", AwsFault::Ok);
    assert_eq!(source.round(&notebook).await, Ok(()));
}
