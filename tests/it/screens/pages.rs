//! The command line with its suggestions and its history, and the audit trail: looked at, and what their keys do.

use tierdeck::audit::record::{Line, Text};
use tierdeck::domain::text::Shown;
use tierdeck::input::{Key, KeyName};
use tierdeck::state::message::{Effect, Message, Timed};
use tierdeck::state::palette::suggestions;
use tierdeck::state::trail::{Trail, TrailRow};
use tierdeck::state::{Overlay, Place, State, TrailPlace};

use super::fixture::operations::Bench;
use super::keys::Desk;
use super::{check, fixture};

const ENTER: Key = Key::plain(KeyName::Enter);
const TAB: Key = Key::plain(KeyName::Tab);
const UP: Key = Key::plain(KeyName::Up);
const DOWN: Key = Key::plain(KeyName::Down);

fn line(desk: &Desk) -> String {
    match &desk.state().overlay {
        Some(Overlay::Command(command)) => command.field.text().to_owned(),
        other => panic!("{other:?}"),
    }
}

fn typed(text: &str) -> Desk {
    let mut desk = Desk::new(Bench::new().state);
    desk.press(Key::char(':'));
    desk.types(text);
    desk
}

/// Lines with suggestions, complaints and a cursor in their middle.
pub fn lines() -> Vec<State> {
    let mut moved = typed("scale orders twelve please, there is much more of it than one line can ever hold at once");
    moved.press(ENTER);
    (0..30).for_each(|_| drop(moved.press(Key::plain(KeyName::Left))));
    let states =
        ["", "ord", "promote-full o", "arm ", "open orders-", "evict orders o"].map(|text| typed(text).state().clone());
    states.into_iter().chain([moved.state().clone()]).collect()
}

#[test]
fn a_line_is_completed_word_by_word() {
    check("command", typed("").state(), 80, 24);
    check("command-fuzzy", typed("ord").state(), 80, 24);
    check("command-targets", typed("promote o").state(), 80, 24);
    check("command-targets", typed("promote o").state(), 120, 40);
    let mut desk = typed("prof");
    desk.press(TAB);
    assert_eq!(line(&desk), "promote-full ");
    desk.types("rdrs");
    desk.press(TAB);
    assert_eq!(line(&desk), "promote-full orders", "letters that only occur one after the other");
    // Enter takes no suggestion: a name that is not whole opens nothing.
    let mut half = typed("abort order");
    assert!(half.press(ENTER).is_empty());
    assert_eq!(line(&half), "abort order");
    check("command-wrong-word", half.state(), 80, 24);
    // Tab goes through all of them and comes back, Shift-Tab the other way.
    let mut round = typed("abort ");
    let all = suggestions(round.state(), "abort ").len();
    assert!(all > 1);
    round.press(TAB);
    let first = line(&round);
    (0..all).for_each(|_| drop(round.press(TAB)));
    assert_eq!(line(&round), first);
    round.press(TAB);
    round.press(Key::plain(KeyName::BackTab));
    assert_eq!(line(&round), first);
}

#[test]
fn what_is_wrong_is_told_at_its_word() {
    for (text, word) in [
        ("frobnicate orders", 0),
        ("abort nothing-like-it", 1),
        ("scale orders twelve", 2),
        ("arm soon why", 1),
        ("arm 15m", 2),
        ("open nothing-like-it", 1),
    ] {
        let mut desk = typed(text);
        assert!(desk.press(ENTER).is_empty(), "{text}");
        match &desk.state().overlay {
            Some(Overlay::Command(command)) => {
                assert_eq!(command.complaint.as_ref().map(|complaint| complaint.word), Some(word), "{text}");
            }
            other => panic!("{text}: {other:?}"),
        }
    }
}

#[test]
fn lines_go_where_they_say_and_are_remembered_without_reasons() {
    let mut desk = typed("rollouts");
    desk.press(ENTER);
    assert!(matches!(desk.state().place(), Some(Place::Rollouts { .. })));
    desk.press(Key::char(':'));
    desk.types("open orders");
    desk.press(ENTER);
    assert!(matches!(desk.state().place(), Some(Place::Component(_))));
    desk.press(Key::char(':'));
    desk.types("arm 15m token=hunter2");
    assert!(matches!(desk.press(ENTER).as_slice(), [Effect::Armed { .. }]));
    assert!(!format!("{:?}", desk.state().operations.typed).contains("hunter2"));
    desk.press(Key::char(':'));
    desk.types("ab");
    for (key, shown) in
        [(UP, "arm 15m "), (UP, "open orders"), (UP, "rollouts"), (UP, "rollouts"), (DOWN, "open orders")]
    {
        desk.press(key);
        assert_eq!(line(&desk), shown);
    }
    desk.press(DOWN);
    desk.press(DOWN);
    assert_eq!(line(&desk), "ab", "what was typed before comes back");
}

fn record(seq: u64, world: &str, kind: &str, data: &str) -> TrailRow {
    let zeros = "0".repeat(64);
    let json = format!(
        r#"{{"v":1,"seq":{seq},"prev":"{zeros}","ts":"{world}","mono":{seq},"world":"{world}",
        "stream":"20261121T030000Z-bastion-1-4711-0a1b2c3d","who":"sre1@bastion-1","action":"01935000-0000-7000-8000-0000000000{}",
        "environment":"prod-eu","identity":"arn:aws:sts::471112233445:assumed-role/operator/sre1",
        "target":{{"system":"kubernetes","realm":"3f0c","scope":"shop","kind":"rollout","name":"orders","uid":"5b0e21c4"}},
        "kind":"{kind}","data":{data},"redacted":0,"digest":"{zeros}"}}"#,
        if seq < 4 { "01" } else { "02" }
    );
    let line: Line = serde_json::from_str(&json).unwrap();
    TrailRow { line, operation: Text::fixed(if seq < 4 { "abort" } else { "promote-full" }) }
}

fn trail() -> Trail {
    let zeros = "0".repeat(64);
    let request = format!(
        r#"{{"method":"PATCH","address":"https://10.0.0.1:6443/apis/argoproj.io/v1alpha1/namespaces/shop/rollouts/orders/status","body":"{zeros}","preconditions":"uid 5b0e, canary 7b9f5d6c44","token":""}}"#
    );
    let intent = |operation: &str| {
        format!(
            r#"{{"operation":"{operation}","params":{{}},"plan":"{zeros}","step":1,"steps":1,"request":{request}}}"#
        )
    };
    let rows = vec![
        record(
            6,
            "2026-11-21T03:12:05.100Z",
            "deny",
            r#"{"plan":null,"reason":"loss: lag 412 s exceeds the RPO of 300 s"}"#,
        ),
        record(
            5,
            "2026-11-21T03:11:58.400Z",
            "outcome",
            r#"{"step":1,"class":"refused","code":409,"request_id":"","detail":"the object has been modified"}"#,
        ),
        record(4, "2026-11-21T03:11:58.200Z", "intent", &intent("promote-full")),
        record(
            3,
            "2026-11-20T21:40:09.000Z",
            "verify",
            r#"{"outcome":"verified","after":[],"outage_ms":null,"detail":"weight 0 %, 15/15 ready, Degraded"}"#,
        ),
        record(
            2,
            "2026-11-20T21:39:01.000Z",
            "outcome",
            r#"{"step":1,"class":"accepted","code":200,"request_id":"7f3a","detail":""}"#,
        ),
        record(1, "2026-11-20T21:39:00.900Z", "intent", &intent("abort")),
    ];
    Trail {
        folder: Shown::fixed("/var/lib/tierdeck/audit"),
        at: fixture::now(),
        of: rows.len(),
        rows: rows.into(),
        damage: 0,
    }
}

/// The page in every state.
pub fn trails() -> Vec<State> {
    let page =
        |trail| State { places: vec![Place::Trail(TrailPlace { selected: None, trail })], ..fixture::incident() };
    let damaged = Trail { damage: 2, of: 40_000, ..trail() };
    let mut states = vec![
        page(None),
        page(Some(Err(fixture::shown("no folder")))),
        page(Some(Ok(trail()))),
        page(Some(Ok(damaged))),
    ];
    let mut full = page(Some(Ok(trail())));
    full.overlay = Some(Overlay::Record { scroll: 0 });
    states.push(full);
    states
}

#[test]
fn the_trail_is_read_when_it_is_shown_and_filtered_by_words() {
    let mut desk = Desk::new(fixture::incident());
    let effects = desk.press(Key::char('T'));
    assert_eq!(effects, [Effect::ReadTrail]);
    let (now, human) = (desk.state().now, desk.state().operations.human);
    desk.0.update(Timed { now, human, message: Message::Trail(Ok(trail())) });
    check("trail", desk.state(), 80, 24);
    check("trail", desk.state(), 60, 16);
    check("trail", desk.state(), 120, 34);
    for (filter, count) in [
        ("abort", 3),
        ("what:intent", 2),
        ("outcome:refused", 1),
        ("who:sre1 target:orders what:promote", 3),
        ("who:sre2", 0),
        ("shop/orders", 6),
        ("since:1h", 3),
        ("until:1h", 3),
        ("03:11", 2),
        ("modified", 1),
    ] {
        let mut desk = Desk::new(desk.state().clone());
        desk.press(Key::char('/'));
        desk.types(filter);
        let found = format!("{count} of 6");
        assert!(desk.text().contains(&found), "{filter}: {}", desk.text());
    }
    desk.press(Key::plain(KeyName::Down));
    desk.press(ENTER);
    check("record", desk.state(), 80, 24);
    let effects = Desk::new(State { overlay: None, ..desk.state().clone() }).press(Key::char('r'));
    assert_eq!(effects, [Effect::Refresh, Effect::ReadTrail]);
}
