//! Cards, the menu, typed lines and the list of operations, each looked at.

use std::time::Duration;

use serde_json::json;
use tierdeck::domain::text::Raw;
use tierdeck::domain::time::Stamp;
use tierdeck::input::{Key, KeyName};
use tierdeck::operation::evidence::aws::DbEvent;
use tierdeck::operation::evidence::{Evidence, Gather};
use tierdeck::operation::machine::{Answer, Event};
use tierdeck::operation::plan::{Debt, DebtKind};
use tierdeck::operation::policy::Freeze;
use tierdeck::operation::target::{Engine, OperationId, Params};
use tierdeck::operation::verb::Verb;
use tierdeck::state::{BoardPlace, BoardRow, Overlay, Place, State};
use tierdeck::theme::Theme;
use tierdeck::ui::snapshot;

use super::fixture::operations::*;
use super::{check, fixture, frame};

fn text(state: &State, width: u16, height: u16) -> String {
    snapshot::text(&frame(state, width, height, &Theme::markers()))
}

/// Every operation on what it is usually done to.
pub fn every_card() -> Vec<(String, State)> {
    let mut cards = Vec::new();
    for verb in Verb::ALL {
        let engines: &[Engine] = match verb {
            Verb::Failover => &[Engine::RdsInstance, Engine::Aurora, Engine::CloudNativePg, Engine::ElastiCache],
            Verb::Cordon | Verb::Uncordon | Verb::Drain => &[Engine::Node],
            _ => &[Engine::Rollout],
        };
        for engine in engines {
            let tail = if engines.len() > 1 { format!("-{engine:?}").to_lowercase() } else { String::new() };
            cards.push((format!("card-{}{tail}", verb.name()), carded(verb, *engine).shown()));
        }
    }
    cards
}

#[test]
fn a_card_of_every_operation() {
    for (name, state) in every_card() {
        check(&name, &state, 80, 24);
    }
    check("card-abort", &carded(Verb::Abort, Engine::Rollout).shown(), 60, 16);
    check("card-abort", &carded(Verb::Abort, Engine::Rollout).shown(), 120, 40);
}

#[test]
fn what_must_be_known_is_on_every_card_at_80x24() {
    for (name, state) in every_card() {
        let text = text(&state, 80, 24);
        for label in ["PROD-EU", "WHAT", "USERS", "WHY NOW", "GUARDS", "IF WRONG", "SAME AS", "VERIFY", "PLAN"] {
            assert!(text.contains(label), "{label} is not on {name}:\n{text}");
        }
        assert!(!text.contains("more lines"), "{name}:\n{text}");
    }
}

#[test]
fn blocked() {
    let freeze = |bench: &mut Bench| {
        let (from, until) = (Stamp::from_millis(0), fixture::at("06:00:00"));
        bench.state.operations.policy.freezes = vec![Freeze { from, until, why: fixture::shown("launch night") }];
    };
    let mut frozen = Bench::new().armed();
    freeze(&mut frozen);
    let id = frozen.open(Verb::PromoteFull, Engine::Rollout, Params::default());
    check("card-blocked", &frozen.shown(), 80, 24);
    let lines: Vec<String> = text(&frozen.shown(), 80, 24).lines().map(str::to_owned).collect();
    assert!(lines[4].starts_with(" BLOCKED") && lines[4].contains("launch night"), "{}", lines[4]);
    frozen.send(&id, Event::BreakGlass);
    frozen.pass(3_000);
    check("card-glass", &frozen.shown(), 80, 24);
    let mut floor = Bench::new().armed();
    floor.open(Verb::Scale, Engine::Rollout, Params { replicas: Some(1), ..Params::default() });
    check("card-blocked-for-good", &floor.shown(), 80, 24);
}

#[test]
fn gathering_and_expired() {
    let mut bench = Bench::new();
    bench.silent = |ask| matches!(ask, Gather::Autoscalers { .. } | Gather::ReplicaSets { .. });
    bench.open(Verb::Rollback, Engine::Rollout, Params::default());
    check("card-gathering", &bench.shown(), 80, 24);
    let mut old = carded(Verb::Abort, Engine::Rollout);
    old.silent = |_| true;
    old.pass(121_000);
    check("card-expired", &old.shown(), 80, 24);
}

#[test]
fn typing() {
    let mut right = carded(Verb::Failover, Engine::RdsInstance);
    let id = the_only(&right);
    right.types(&id, "orders-db@pr");
    check("card-typing", &right.shown(), 80, 24);
    right.types(&id, "od-eu");
    assert!(text(&right.shown(), 80, 24).contains("[ ^G ] failover now"));
    let mut wrong = carded(Verb::Failover, Engine::RdsInstance);
    let id = the_only(&wrong);
    wrong.types(&id, "orders-r2");
    wrong.send(&id, Event::Press(tierdeck::operation::confirm::Press::Fire));
    check("card-typed-wrong", &wrong.shown(), 80, 24);
    // Read-only: a careful one says that production must be armed first.
    let mut unarmed = Bench::new();
    unarmed.open(Verb::Promote, Engine::Rollout, Params::default());
    let text = text(&unarmed.shown(), 80, 24);
    assert!(text.contains("still needed: arming") && !text.contains("promote now"), "{text}");
}

#[test]
fn drift_is_told_and_what_was_typed_is_gone() {
    let mut bench = carded(Verb::PromoteFull, Engine::Rollout);
    let id = the_only(&bench);
    bench.types(&id, "orders@prod-eu");
    bench.rollout = rollout_with(&[("/status/currentPodHash", json!("9c8d7e6f55"))]);
    bench.pass(16_000);
    check("card-drifted", &bench.shown(), 80, 24);
}

fn the_only(bench: &Bench) -> OperationId {
    bench.state.operations.desk.machines()[0].id.clone()
}

fn failing_over() -> (Bench, OperationId) {
    let mut bench = carded(Verb::Failover, Engine::RdsInstance);
    let id = the_only(&bench);
    bench.go(&id);
    bench.accept(&id, 0);
    (bench, id)
}

fn probe(bench: &mut Bench, id: &OperationId, accepted: bool) {
    let address = rds().endpoint.unwrap();
    let why = fixture::shown(if accepted { "" } else { "connection refused" });
    let component = rds().id;
    bench.sight(
        id,
        Gather::WriteProbe { component, address },
        Some(Evidence::Writes { accepted: Some(accepted), why }),
    );
}

fn events(bench: &mut Bench, id: &OperationId, message: &str) {
    let at = bench.state.now;
    let source = Raw::new("orders-db");
    let region = Raw::new("eu-west-1");
    let ask = Gather::DbEvents { region: region.clone(), source: source.clone(), cluster: false, since: at };
    let event = DbEvent { at, message: Raw::new(message) };
    bench.sight(id, ask, Some(Evidence::DbEvents(vec![event])));
    bench.sight(id, Gather::DbInstance { region, id: source }, None);
}

#[test]
fn running() {
    let mut abort = carded(Verb::Abort, Engine::Rollout);
    let id = the_only(&abort);
    abort.go(&id);
    check("card-executing", &abort.shown(), 80, 24);
    abort.accept(&id, 0);
    abort.rollout = aborted(13);
    abort.pass(12_000);
    abort.sight_rollout(&id);
    check("card-verifying", &abort.shown(), 80, 24);
    let mut drain = carded(Verb::Drain, Engine::Node);
    let id = the_only(&drain);
    drain.go(&id);
    drain.accept(&id, 0);
    drain.pass(1_000);
    let fault = fixture::operations::fault("the budget orders allows no disruption now (0 of 1)");
    drain.send(&id, Event::Answered { step: 1, attempt: 0, answer: Answer::NotYet { fault } });
    drain.pass(2_000);
    check("card-waiting-for-a-budget", &drain.shown(), 80, 24);
    let (mut failover, id) = failing_over();
    failover.pass(4_000);
    probe(&mut failover, &id, false);
    failover.pass(20_000);
    check("card-outage", &failover.shown(), 80, 24);
    failover.state.overlay = None;
    let mut board = failover.shown();
    check("board-expected-red", &board, 80, 24);
    board.places = vec![Place::Topology(tierdeck::state::TopologyPlace { zoom: 1, ..Default::default() })];
    check("topology-expected-red", &board, 80, 24);
    assert!(text(&board, 140, 40).contains("till 03:18"), "{}", text(&board, 140, 40));
}

/// One of each end.
pub fn every_end() -> Vec<(&'static str, Bench)> {
    let aborting = || {
        let mut bench = carded(Verb::Abort, Engine::Rollout);
        let id = the_only(&bench);
        bench.go(&id);
        (bench, id)
    };
    let (mut verified, id) = failing_over();
    probe(&mut verified, &id, false);
    verified.pass(38_000);
    events(&mut verified, &id, "Multi-AZ instance failover completed");
    probe(&mut verified, &id, true);
    for _ in 0..120 {
        verified.pass(2_000);
        verified.heal();
        events(&mut verified, &id, "Multi-AZ instance failover completed");
        probe(&mut verified, &id, true);
    }
    let (mut failed, id) = aborting();
    failed.accept(&id, 0);
    failed.rollout = rollout_with(&[("/status/stableRS", json!("7b9f5d6c44"))]);
    for _ in 0..2 {
        failed.pass(1_000);
        failed.sight_rollout(&id);
    }
    let (mut nothing, id) = failing_over();
    nothing.pass(9_000);
    events(&mut nothing, &id, "Abandoning user requested failover since a failover recently occurred on this database");
    let (mut overridden, id) = aborting();
    overridden.accept(&id, 0);
    for _ in 0..3 {
        overridden.pass(4_000);
        overridden.sight_rollout(&id);
    }
    let mut partly = carded(Verb::Drain, Engine::Node);
    let id = the_only(&partly);
    partly.go(&id);
    partly.accept(&id, 0);
    partly.pass(1_000);
    let fault = fixture::operations::fault("pods \"orders-7b9f5d6c44-x2k9q\" is forbidden: eviction is not allowed");
    partly.send(&id, Event::Answered { step: 1, attempt: 0, answer: Answer::Refused { fault } });
    let (mut unknown, id) = aborting();
    unknown.pass(5_000);
    let why = fixture::shown("the connection was closed before an answer");
    unknown.send(&id, Event::Answered { step: 0, attempt: 0, answer: Answer::Lost { why } });
    unknown.pass(400_000);
    let mut refused = Bench::new();
    refused.open(Verb::Retry, Engine::Rollout, Params::default());
    vec![
        ("verified", verified),
        ("failed", failed),
        ("no effect", nothing),
        ("overridden", overridden),
        ("partly done", partly),
        ("unknown", unknown),
        ("refused", refused),
    ]
}

#[test]
fn every_outcome_is_told_in_words() {
    for (word, bench) in every_end() {
        let end = bench.state.operations.desk.machines()[0].end().map(|end| end.outcome.word());
        assert_eq!(end, Some(word));
        let state = bench.shown();
        let text = text(&state, 80, 24);
        assert!(text.matches(&word.to_uppercase()).count() >= 2, "{text}");
        check(&format!("card-{}", word.replace(' ', "-")), &state, 80, 24);
    }
}

#[test]
fn everything_is_scrolled() {
    let mut bench = carded(Verb::Rollback, Engine::Rollout);
    if let Some(Overlay::Card(card)) = &mut bench.state.overlay {
        card.whole = true;
    }
    check("card-whole", &bench.shown(), 80, 24);
    if let Some(Overlay::Card(card)) = &mut bench.state.overlay {
        card.scroll = 999;
    }
    check("card-whole-end", &bench.shown(), 80, 24);
}

fn on_orders() -> State {
    let selected = Some(BoardRow::Component(fixture::orders_id()));
    let open = [tierdeck::domain::tier::Tier::Application].into();
    let place = Place::Board(BoardPlace { selected, open, scroll: 0 });
    State { places: vec![place], ..Bench::new().state }
}

/// The menu, and what is typed with a complaint.
pub fn menu_and_lines() -> Vec<State> {
    let typed = |text: &str| {
        let keys: Vec<Key> = text.chars().map(Key::char).chain([Key::plain(KeyName::Enter)]).collect();
        pressed(on_orders(), &keys)
    };
    vec![pressed(on_orders(), &[Key::char('a')]), typed(":arm 15m"), typed(":frobnicate orders")]
}

/// A target, an identity, an answer and what is typed that try to draw on the screen.
pub fn hostile() -> Vec<State> {
    let evil = "\u{1b}[31m\u{202e}sredro\u{200b}\r\n日本";
    let mut bench = Bench::new().armed();
    bench.rollout = rollout_with(&[
        ("/metadata/annotations/argocd.argoproj.io~1tracking-id", json!(evil)),
        ("/status/currentPodHash", json!(evil)),
        ("/status/message", json!(evil)),
    ]);
    let id = bench.open(Verb::PromoteFull, Engine::Rollout, Params::default());
    bench.types(&id, "x\u{202e}y\u{200b}");
    let card = bench.shown();
    let mut board = Bench::new();
    board.rollout = aborted(15);
    board.open(Verb::Evict, Engine::Rollout, Params { pod: Some(Raw::new(evil)), ..Params::default() });
    let refused = board.shown();
    let mut list = refused.clone();
    list.overlay = None;
    list.places = vec![Place::Operations { selected: None }];
    let mut ask = on_orders();
    ask.overlay = pressed(ask.clone(), &":\u{202e}a".chars().map(Key::char).collect::<Vec<_>>()).overlay;
    vec![card, refused, list, ask]
}

#[test]
fn the_menu_and_what_is_typed() {
    let menu = pressed(on_orders(), &[Key::char('a')]);
    check("menu", &menu, 80, 24);
    check("menu", &menu, 60, 16);
    let last = pressed(on_orders(), &[Key::char('a'), Key::char('G')]);
    assert!(text(&last, 60, 16).contains("not now"), "{}", text(&last, 60, 16));
    let down: Vec<Key> = [Key::char('a')].into_iter().chain((0..16).map(|_| Key::char('j'))).collect();
    let scale = (1..down.len())
        .map(|count| pressed(on_orders(), &down[..count]))
        .find(|state| matches!(&state.overlay, Some(Overlay::Menu(menu)) if menu.selected == Verb::Scale));
    let ask = pressed(scale.unwrap(), &[Key::plain(KeyName::Enter)]);
    check("ask", &ask, 80, 24);
    let keys: Vec<Key> = "twelve".chars().map(Key::char).chain([Key::plain(KeyName::Enter)]).collect();
    check("ask-complaint", &pressed(ask, &keys), 80, 24);
    let keys: Vec<Key> = ":arm 15m".chars().map(Key::char).chain([Key::plain(KeyName::Enter)]).collect();
    check("command-complaint", &pressed(on_orders(), &keys), 80, 24);
}

#[test]
fn operations_of_the_session() {
    let place = vec![Place::Operations { selected: None }];
    let mut none = Bench::new();
    none.state.places = place.clone();
    check("operations-none", &none.shown(), 80, 24);
    let mut bench = every_end().swap_remove(5).1;
    bench.state.overlay = None;
    bench.state.places = place;
    bench.rollout = rollout();
    let held = bench.open(Verb::Pause, Engine::Rollout, Params::default());
    bench.go(&held);
    bench.accept(&held, 0);
    bench.rollout = rollout_with(&[("/spec/paused", json!(true))]);
    for _ in 0..20 {
        bench.pass(2_000);
        bench.sight_rollout(&held);
    }
    let owed = bench.state.operations.desk.debts.first().expect("a debt").clone();
    let what = fixture::shown("autoscaler orders: bounds are 12-30 (were 9-24)");
    let kind = DebtKind::Bounds { autoscaler: Raw::new("orders"), min: 9, max: 24 };
    let debt = Debt { what, kind, booked_by: 0, cleared_by: None };
    bench.state.operations.desk.debts.push(tierdeck::operation::desk::Owed { debt, ..owed });
    bench.pass(30_000);
    let node = bench.open(Verb::Cordon, Engine::Node, Params::default());
    drop(operations_armed(&mut bench));
    bench.pass(3_000);
    bench.go(&node);
    bench.accept(&node, 0);
    bench.state.overlay = None;
    check("operations", &bench.shown(), 80, 24);
    check("operations", &bench.shown(), 60, 16);
    let header = text(&bench.shown(), 80, 24).lines().next().unwrap().to_owned();
    for word in ["PROD-EU", "ARMED", "2 running", "DEBTS 3", "IN DOUBT 1"] {
        assert!(header.contains(word), "{word}: {header}");
    }
}

fn operations_armed(bench: &mut Bench) -> Vec<tierdeck::state::message::Effect> {
    vec![tierdeck::state::operations::arm(&mut bench.state, Duration::from_secs(461), fixture::shown("INC-4711"))]
}
