//! What operations say of themselves, in the words of the audit trail.

use std::collections::BTreeMap;

use super::door::About;
use crate::audit::record::{
    ActionId, BreakGlass, Class, Confirm, Debt, DebtState, Digest, Event, Guard, Intent, Method, Outcome, Plan, Reply,
    Request, Step, Subject, Target, Text, Value, Verdict, Verified,
};
use crate::domain::text::{Raw, Shown};
use crate::domain::time::Stamp;
use crate::operation::guard::{self, Finding};
use crate::operation::machine::{self, Confirmed, Entry, Planned};
use crate::operation::mutation::Mutation;
use crate::operation::plan::Fact;
use crate::operation::target::{Engine, OperationId, Params};
use crate::operation::{self, verify};

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
pub fn subject(about: &About) -> Subject {
    let About { operation: id, parent, environment, who: identity, target } = about;
    let kubernetes = Engine::of(target.kind, None).is_some_and(Engine::is_kubernetes);
    Subject {
        action: action(id),
        parent: parent.as_ref().map(action),
        environment: named(environment),
        identity: identity.as_ref().map(named).unwrap_or_default(),
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
pub fn uid(rests_on: &[Fact]) -> Text {
    let named = rests_on.iter().find(|fact| matches!(fact.name, "uid" | "resource" | "arn"));
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
pub fn event(entry: &Entry, plan: Digest) -> Event {
    match entry {
        Entry::Plan(planned) => Event::Plan(self::plan(planned)),
        Entry::Guards { recheck, findings } => {
            Event::Guards { plan, recheck: *recheck, results: findings.iter().map(guard).collect() }
        }
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
        Entry::Debt { of, debt, booked } => Event::Debt(Debt {
            of: action(of),
            state: if *booked { DebtState::Booked } else { DebtState::Paid },
            what: shown(&debt.what),
            sort: Text::fixed(debt.kind.name()),
            values: debt.kind.values().iter().map(|(name, value)| valued(name, value)).collect(),
        }),
    }
}

fn valued(name: &str, value: &str) -> (String, Text) {
    (name.to_owned(), Text::valued(name, value))
}

/// The answer to a request, or that none was sent.
pub fn reply(step: usize, (class, code, id): (Class, Option<u16>, Option<&Raw>), detail: &Shown) -> Event {
    Event::Outcome(Reply {
        step: number(step + 1),
        class,
        code,
        request_id: id.map(|id| Text::name(id.as_str())).unwrap_or_default(),
        detail: shown(detail),
    })
}

fn plan(planned: &Planned) -> Plan {
    let Planned { request, hash, plan, seen } = planned;
    let step = |step: &operation::plan::Step| Step {
        what: shown(&step.title),
        request: Text::of(&step.mutation.canonical()),
        same_as: Text::of(step.command.as_str()),
    };
    let oldest = seen.iter().map(|(.., at)| *at).min();
    let at = |at: Option<Stamp>| at.map(|at| Text::name(&at.rfc3339())).unwrap_or_default();
    let object = |(what, name, version, seen): &(&'static str, Raw, Raw, Stamp)| Value {
        what: Text::fixed(what),
        value: Text::name(name.as_str()),
        version: Text::name(version.as_str()),
        observed_at: at(Some(*seen)),
    };
    let fact = |fact: &Fact| Value {
        what: Text::fixed(fact.name),
        value: Text::valued(fact.name, fact.value.as_str()),
        version: Text::default(),
        observed_at: at(oldest),
    };
    Plan {
        operation: Text::fixed(request.verb.name()),
        params: params(&request.params),
        hash: digest(hash),
        steps: plan.steps.iter().map(step).collect(),
        before: seen.iter().map(object).chain(plan.fingerprint.iter().map(fact)).collect(),
        risk: Text::fixed(plan.risk.name()),
    }
}

/// What was asked beyond verb and target.
fn params(params: &Params) -> BTreeMap<String, Text> {
    let Params { replicas, bounds, revision, to, pod, suspend_owner, accept_loss, restore } = params;
    let raw = |raw: &Option<Raw>| raw.as_ref().map(|raw| raw.as_str().to_owned());
    let flag = |flag: bool| flag.then(|| "yes".to_owned());
    let given = [
        ("replicas", replicas.map(|replicas| replicas.to_string())),
        ("bounds", bounds.map(|(low, high)| format!("{low}-{high}"))),
        ("revision", raw(revision)),
        ("to", raw(to)),
        ("pod", raw(pod)),
        ("suspend-owner", flag(*suspend_owner)),
        ("accept-loss", flag(*accept_loss)),
        ("restore", raw(restore)),
    ];
    given.into_iter().filter_map(|(name, value)| Some(valued(name, &value?))).collect()
}

fn guard(finding: &Finding) -> Guard {
    let verdict = match finding.verdict {
        guard::Verdict::Pass => Verdict::Pass,
        guard::Verdict::Warn => Verdict::Warn,
        guard::Verdict::Block => Verdict::Block,
        guard::Verdict::Unknown => Verdict::Unknown,
    };
    Guard { name: Text::fixed(finding.guard.word()), verdict, value: shown(&finding.text) }
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

pub const fn outcome(outcome: verify::Outcome) -> Outcome {
    match outcome {
        verify::Outcome::Verified => Outcome::Verified,
        verify::Outcome::Failed => Outcome::Failed,
        verify::Outcome::NoEffect | verify::Outcome::NotRun(_) => Outcome::NoEffect,
        verify::Outcome::Overridden => Outcome::Overridden,
        verify::Outcome::PartlyDone => Outcome::PartlyDone,
        verify::Outcome::Unknown => Outcome::Unknown,
    }
}
