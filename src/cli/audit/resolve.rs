//! `audit resolve`: an operator says how an operation in doubt ended. It is a record of its own stream.

use std::path::Path;

use super::{OK, one, out, unreadable};
use crate::audit::journal::{Journal, JournalFault, Limits, Opening, RealDisk, host_facts};
use crate::audit::query;
use crate::audit::record::{Event, Outcome, Record, Resolve, Text};
use crate::cli::{Failure, places};
use crate::domain::secret::Secrets;
use crate::domain::time::Clock;
use crate::runtime::clock::Clocks;

/// What is said.
pub struct Word<'a> {
    pub id: &'a str,
    pub outcome: Outcome,
    pub reason: &'a str,
    pub step: Option<u32>,
}

pub fn run(trail: &Path, clock: Clock, word: &Word<'_>) -> Result<u8, Failure> {
    let is_intent = |line: &crate::audit::record::Line| {
        matches!(line.record.event, Event::Intent(_))
            && line.record.action.as_ref().is_some_and(|action| action.answers_to(word.id))
    };
    let (report, intents) = query::lines(trail, is_intent).map_err(|error| unreadable(trail, &error))?;
    let operation = one(&report, word.id)?;
    let id = &operation.action;
    if operation.doubts.is_empty() {
        return Err(Failure::usage(format!("{id} is not in doubt: it is {}", operation.state.word())));
    }
    if let Some(step) = word.step.filter(|step| operation.doubts.iter().all(|doubt| doubt.step != *step)) {
        return Err(Failure::usage(format!("step {step} of {id} is not in doubt")));
    }
    if word.reason.trim().is_empty() {
        return Err(Failure::usage("the reason is empty: say how you know"));
    }
    let resolve = Resolve { step: word.step, outcome: word.outcome, observed: false, reason: Text::of(word.reason) };
    let subject = intents.into_iter().find(|found| found.line.record.action.as_ref() == Some(id));
    let subject =
        subject.map_or_else(|| Record::of_session(Event::Resolve(resolve.clone())), |found| found.line.record);
    // Who the environment took the session for is not who resolves.
    let record = Record { identity: None, action: Some(id.clone()), event: Event::Resolve(resolve), ..subject };
    append(trail, clock, &record).map_err(|fault| Failure::error(fault.sentence()))?;
    out::write(&format!("{id} is recorded as {}\n", word.outcome.name()))?;
    Ok(OK)
}

fn append(trail: &Path, clock: Clock, record: &Record) -> Result<(), JournalFault> {
    let clocks = Clocks::new(clock);
    let ssh_client = std::env::var("SSH_CLIENT").ok();
    let who = places::user();
    let host = who.as_str().rsplit('@').next().unwrap_or_default().to_owned();
    let opening = Opening {
        now: Box::new(move || clocks.moment()),
        // Nothing is sent, so no outcome needs room kept for it.
        limits: Limits { reserve_bytes: 0, ..Limits::default() },
        secrets: Secrets::default(),
        who: Text::name(who.as_str()),
        host,
        facts: host_facts(ssh_client.as_deref()),
        mode: "audit",
        continues: None,
    };
    let opened = Journal::open(Box::new(RealDisk), trail, opening)?;
    for (stream, recovery) in &opened.recovered {
        out::error(&format!("a torn end of {} bytes of stream {stream} was set aside", recovery.bytes));
    }
    let mut journal = opened.journal;
    journal.append(record)?;
    journal.end(Text::fixed("done")).map(drop)
}
