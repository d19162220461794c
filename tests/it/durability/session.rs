//! A session that changes the embedded world as fast as it can, through the program's own door: a process of its own, to be
//! killed.

use std::path::PathBuf;
use std::time::Duration;

use serde_json::json;
use tierdeck::domain::id::{ComponentId, Kind};
use tierdeck::domain::text::{Raw, Shown};
use tierdeck::operation::machine::{self, Confirmed, Event, Intent};
use tierdeck::operation::mutation::{KubeMutation, Mutation, Patch, Resource};
use tierdeck::operation::plan::Fact;
use tierdeck::operation::target::{Engine, OperationId, Params, Request, Target};
use tierdeck::operation::verb::Verb;
use tierdeck::runtime::clock::Clocks;
use tierdeck::runtime::inbox::{Control, Inbox};
use tierdeck::runtime::operate::{Actor, Operator};
use tierdeck::state::message::{Effect, Message};

pub const NAME: &str = "durability::session::session_to_be_killed";
pub const CONFIG: &str = "TIERDECK_TEST_CONFIG";
pub const TRAIL: &str = "TIERDECK_TEST_TRAIL";

/// Run as a program of its own by the tests that kill it.
#[test]
#[ignore = "a part of the tests that kill it"]
fn session_to_be_killed() {
    let (Ok(config), Ok(trail)) = (std::env::var(CONFIG), std::env::var(TRAIL)) else { return };
    let settings = tierdeck::config::load(&PathBuf::from(config)).unwrap();
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
    let (inbox, clocks) = (Inbox::default(), Clocks::new(settings.clock.unwrap_or_default()));
    let actor = Actor {
        who: Shown::fixed("tester@here"),
        host: "here".to_owned(),
        mode: "console",
        ssh_client: None,
        trail: Ok(PathBuf::from(trail)),
        shelters: Vec::new(),
    };
    let mut operator = Operator::new(runtime.handle().clone(), inbox.clone(), clocks, &settings, actor);
    // It ends by being killed; left alone, by itself.
    for number in 0..2_000 {
        let id = opened(&mut operator);
        let (intent, mutation) = change(number);
        let (operation, intent, mutation) = (id.clone(), Box::new(intent), Box::new(mutation));
        let commit = machine::Effect::Commit { operation, step: 0, attempt: 0, intent, mutation };
        operator.perform(Effect::Operation(Box::new(commit)));
        answered(&inbox, &id);
    }
}

fn target() -> Target {
    Target { component: ComponentId::new(Kind::Rollout, "shop", "orders"), engine: Engine::Rollout }
}

fn opened(operator: &mut Operator) -> OperationId {
    let request = Box::new(Request::new(Verb::Pause, target(), Params::default()));
    match operator.perform(Effect::Open { request, who: Some(Shown::fixed("ops@shop")) }) {
        Some(Message::Opened { id, .. }) => id,
        other => panic!("{other:?}"),
    }
}

/// No two are alike, so that each request at the world belongs to one intent.
fn change(number: u32) -> (Intent, Mutation) {
    let unique = format!("{}-{number}", std::process::id());
    let mutation = Mutation::Kube(KubeMutation::Patch {
        resource: Resource::ROLLOUT,
        namespace: Raw::new("shop"),
        name: Raw::new("orders"),
        subresource: None,
        patch: Patch::Merge,
        body: json!({"metadata": {"annotations": {"tierdeck.dev/kill": unique}}}).to_string(),
        preconditions: Vec::new(),
    });
    let intent = Intent {
        environment: Shown::fixed("prod-eu"),
        verb: Verb::Pause,
        target: target().component,
        pre: vec![Fact::new("uid", "u-1")],
        plan_hash: "0".repeat(64),
        step: (0, 1, Shown::fixed("annotate")),
        request: mutation.summary(),
        digest: mutation.digest(),
        confirmed: Confirmed::default(),
    };
    (intent, mutation)
}

fn answered(inbox: &Inbox, of: &OperationId) {
    loop {
        for control in inbox.take(Duration::from_secs(5)).control {
            if let Control::Operation { id, event } = control
                && id == *of
                && matches!(*event, Event::Answered { .. } | Event::NotSent { .. })
            {
                return;
            }
        }
    }
}
