//! What operations say of themselves, in the words of the audit trail.

use std::collections::BTreeMap;

use crate::audit::record::{
    ActionId, BreakGlass, Confirm, Debt, DebtState, Digest, Event, Intent, Method, Outcome, Plan, Request, Subject,
    Target, Text, Verified,
};
use crate::domain::id::ComponentId;
use crate::domain::text::Shown;
use crate::operation::machine::{self, Confirmed, Entry};
use crate::operation::mutation::Mutation;
use crate::operation::target::{Engine, OperationId};
use crate::operation::verify;

/// The identity under which the trail knows an operation.
pub fn action(id: &OperationId) -> ActionId {
    // The identity was made as a UUID by the operator; another one would be a defect, told by an id of zeros.
    ActionId::parse(id.0.as_str()).unwrap_or_else(|| ActionId::new(crate::domain::time::Stamp::default(), [0; 10]))
}

fn shown(text: &Shown) -> Text {
    Text::of(text.as_str())
}

fn named(text: &Shown) -> Text {
    Text::name(text.as_str())
}

/// What all records of an operation carry.
pub fn subject(id: &OperationId, environment: &Shown, identity: Option<&Shown>, target: &ComponentId) -> Subject {
    let kubernetes = Engine::of(target.kind, None).is_some_and(Engine::is_kubernetes);
    Subject {
        action: action(id),
        parent: None,
        environment: named(environment),
        identity: identity.map(named).unwrap_or_default(),
        target: Target {
            system: Text::fixed(if kubernetes { "kubernetes" } else { "aws" }),
            realm: Text::default(),
            scope: Text::name(target.scope.as_str()),
            kind: Text::fixed(target.kind.name()),
            name: Text::name(target.name.as_str()),
            uid: Text::default(),
        },
    }
}

/// The server's own identity of what is changed, among what the plan rests on.
pub fn uid(intent: &machine::Intent) -> Text {
    let named = intent.pre.iter().find(|fact| matches!(fact.name, "uid" | "resource" | "arn"));
    named.map(|fact| Text::name(fact.value.as_str())).unwrap_or_default()
}

/// The record that must be durable before the first byte.
pub fn intent(intent: &machine::Intent, mutation: &Mutation, server: &str) -> Intent {
    let (step, steps, _) = &intent.step;
    let method = match mutation {
        Mutation::Kube(mutation) => mutation.verb(),
        Mutation::Aws(mutation) => mutation.action(),
    };
    let address = match mutation {
        Mutation::Kube(mutation) => format!("{server}{}", mutation.path()),
        Mutation::Aws(mutation) => format!("{} {}", mutation.service(), mutation.region().as_str()),
    };
    let before: Vec<String> = intent.pre.iter().map(|fact| format!("{} {}", fact.name, fact.value.as_str())).collect();
    Intent {
        operation: Text::fixed(intent.verb.name()),
        params: BTreeMap::new(),
        plan: digest(&intent.plan_hash),
        step: number(*step + 1),
        steps: number(*steps),
        request: Request {
            method: Text::fixed(method),
            address: Text::name(&address),
            body: digest(&intent.digest),
            preconditions: Text::of(&before.join(", ")),
            token: Text::default(),
        },
    }
}

pub fn digest(hex: &str) -> Digest {
    Digest::parse(hex).unwrap_or(Digest::NONE)
}

pub fn number(count: usize) -> u32 {
    u32::try_from(count).unwrap_or(u32::MAX)
}

/// A record of the machine, with the plan that it belongs to.
pub fn event(id: &OperationId, entry: &Entry, plan: Digest) -> Event {
    match entry {
        Entry::Plan { hash, summary } => Event::Plan(Plan {
            operation: shown(summary),
            params: BTreeMap::new(),
            hash: digest(hash),
            steps: Vec::new(),
            before: Vec::new(),
            risk: Text::default(),
            same_as: Text::default(),
        }),
        Entry::Deny { why } => {
            let reason = Shown::joined(why.iter().cloned(), "; ");
            Event::Deny { plan: (plan != Digest::NONE).then_some(plan), reason: shown(&reason) }
        }
        Entry::Confirm(confirmed) => Event::Confirm(confirm(confirmed, plan)),
        Entry::Approval { by, hash } => Event::Approve { plan: digest(hash), by: named(by) },
        Entry::BreakGlass { reason, skipped } => {
            Event::BreakGlass(BreakGlass { plan, skipped: skipped.iter().map(shown).collect(), reason: shown(reason) })
        }
        Entry::Drift { changes } => {
            let words =
                changes.iter().map(|change| crate::shown!("{}: {} now {}", change.what, change.before, change.after));
            Event::Deny { plan: Some(plan), reason: shown(&Shown::joined(words, "; ")) }
        }
        Entry::Cancel { at } => Event::Note { text: Text::of(&format!("cancelled: {}", at.as_str())), ticket: None },
        Entry::Late { step, answer, .. } => {
            Event::Note { text: Text::of(&format!("late answer to step {}: {answer:?}", step + 1)), ticket: None }
        }
        Entry::Verify(end) => Event::Verify(Verified {
            outcome: outcome(end.outcome),
            after: Vec::new(),
            outage_ms: end.outage.map(|outage| u64::try_from(outage.as_millis()).unwrap_or(u64::MAX)),
            detail: shown(&end.words),
        }),
        Entry::Debt { what, booked } => Event::Debt(Debt {
            of: action(id),
            state: if *booked { DebtState::Booked } else { DebtState::Paid },
            what: shown(what),
            put_back: Text::default(),
        }),
    }
}

fn confirm(confirmed: &Confirmed, plan: Digest) -> Confirm {
    let method = match confirmed.method {
        _ if confirmed.glass_broken => Method::BreakGlass,
        "token" => Method::Typed,
        "flags" => Method::CommandLine,
        _ => Method::Key,
    };
    Confirm {
        plan,
        method,
        dwell_ms: u64::try_from(confirmed.dwell.as_millis()).unwrap_or(u64::MAX),
        reason: confirmed.reason.as_ref().map(shown).unwrap_or_default(),
    }
}

const fn outcome(outcome: verify::Outcome) -> Outcome {
    match outcome {
        verify::Outcome::Verified => Outcome::Verified,
        verify::Outcome::Failed => Outcome::Failed,
        verify::Outcome::NoEffect | verify::Outcome::NotRun(_) => Outcome::NoEffect,
        verify::Outcome::Overridden => Outcome::Overridden,
        verify::Outcome::PartlyDone => Outcome::PartlyDone,
        verify::Outcome::Unknown => Outcome::Unknown,
    }
}
