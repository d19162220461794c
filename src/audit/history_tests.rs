use std::path::Path;
use std::process::Command;

use super::*;
use crate::audit::journal::{Journal, Limits, RealDisk};
use crate::audit::record::{ActionId, Debt, DebtState, Event, Outcome, Record, Resolve, Subject};
use crate::audit::testing::{intent, note, open, opening, outcome, subject, verified};

fn read(trail: &Path, own: &[StreamId], budget: u64) -> History {
    Reader { who: Text::of("jane@bastion"), own: own.to_vec(), places: vec![trail.to_owned()] }.read(budget)
}

fn ids(rows: &[crate::audit::record::summary::Summary]) -> Vec<ActionId> {
    rows.iter().map(|row| row.action.clone()).collect()
}

/// Begins an operation; nobody has answered.
fn begin(journal: &mut Journal, subject: &Subject) {
    let _sent = journal.intend(subject.clone(), intent(1)).unwrap();
}

fn finish(journal: &mut Journal, subject: &Subject) {
    journal.append(&outcome(subject, 1)).unwrap();
    journal.append(&verified(subject, Outcome::Verified)).unwrap();
}

fn debt(by: &Subject, of: &Subject, state: DebtState, what: &str) -> Record {
    let values = [("name".to_owned(), Text::of("orders"))].into();
    let debt = Debt { of: of.action.clone(), state, what: Text::of(what), sort: Text::fixed("hold"), values };
    Record::of_action(by, Event::Debt(debt))
}

#[test]
fn a_start_finds_what_was_left_and_the_next_one_what_is_still_so() {
    let folder = tempfile::tempdir().unwrap();
    let trail = folder.path();
    let [doubtful, watched, unwatched, living] = [1, 2, 3, 4].map(subject);
    let mut first = open(trail).journal;
    begin(&mut first, &doubtful);
    begin(&mut first, &watched);
    begin(&mut first, &unwatched);
    finish(&mut first, &watched);
    for what in ["autoscaler of orders", "sync of shop"] {
        first.append(&debt(&watched, &watched, DebtState::Booked, what)).unwrap();
    }
    assert_eq!(read(trail, &[], BUDGET).in_doubt, [], "its session is alive");
    first.append(&Record::of_session(Event::Detached { why: Text::fixed("the terminal is gone") })).unwrap();
    finish(&mut first, &unwatched);
    drop(first);

    let mut second = open(trail).journal;
    let own = [second.stream().clone()];
    let found = read(trail, &own, BUDGET);
    assert_eq!(ids(&found.in_doubt), std::slice::from_ref(&doubtful.action));
    assert_eq!(
        ids(&found.away),
        std::slice::from_ref(&unwatched.action),
        "what was seen before the terminal went is no news"
    );
    assert_eq!(found.owed.iter().map(|owed| owed.debt.what.as_str()).collect::<Vec<_>>().len(), 2);
    assert_eq!((found.in_flight.len(), found.troubles), (0, Vec::new()));
    // A colleague sees what is under way here, and what is paid.
    begin(&mut second, &living);
    second.append(&debt(&living, &watched, DebtState::Paid, "sync of shop")).unwrap();
    let resolve = Resolve { step: None, outcome: Outcome::NoEffect, observed: false, reason: Text::of("looked") };
    second.append(&Record::of_action(&doubtful, Event::Resolve(resolve))).unwrap();
    let colleague = read(trail, &[], BUDGET);
    assert_eq!(ids(&colleague.in_flight), std::slice::from_ref(&living.action));
    assert_eq!(ids(&colleague.in_doubt), []);
    assert!(colleague.resolved.contains(&doubtful.action));
    let owed: Vec<&str> = colleague.owed.iter().map(|owed| owed.debt.what.as_str()).collect();
    assert_eq!((owed, colleague.paid.len()), (vec!["autoscaler of orders"], 1));
    assert_eq!(ids(&colleague.away), [], "a console of the same user is open");

    finish(&mut second, &living);
    second.end(Text::fixed("quit")).unwrap();
    let third = open(trail).journal;
    assert_eq!(ids(&read(trail, &[third.stream().clone()], BUDGET).away), [], "it was looked at");
}

#[test]
fn what_goes_on_in_another_stream_is_under_way() {
    let folder = tempfile::tempdir().unwrap();
    let mut lost = open(folder.path()).journal;
    begin(&mut lost, &subject(1));
    let continues = Some(lost.stream().clone());
    drop(lost);
    let going = Journal::open(Box::new(RealDisk), folder.path(), opening(Limits::default(), continues)).unwrap();
    let found = read(folder.path(), &[], BUDGET);
    assert_eq!((found.in_flight.len(), found.in_doubt.len()), (1, 0));
    drop(going);
    assert_eq!(read(folder.path(), &[], BUDGET).in_doubt.len(), 1);
}

#[test]
fn damage_and_length_are_told_and_hide_nothing_else() {
    let folder = tempfile::tempdir().unwrap();
    let trail = folder.path();
    let mut old = open(trail).journal;
    begin(&mut old, &subject(1));
    let old_file = trail.join(old.stream().as_str()).join("000001.jsonl");
    drop(old);
    let mut new = open(trail).journal;
    begin(&mut new, &subject(2));
    let new_file = trail.join(new.stream().as_str()).join("000001.jsonl");
    drop(new);
    let told = |history: &History, words: &str| history.troubles.iter().any(|told| told.as_str().contains(words));
    let size = std::fs::metadata(&new_file).unwrap().len();
    let short = read(trail, &[], size);
    assert!(told(&short, "1 streams were not looked at"), "{:?}", short.troubles);
    assert_eq!(ids(&short.in_doubt), [subject(2).action], "the newest are read");

    let whole = std::fs::read(&old_file).unwrap();
    let altered = String::from_utf8(whole).unwrap().replace("prod-eu", "prod-us");
    std::fs::write(&old_file, altered).unwrap();
    let damaged = read(trail, &[], BUDGET);
    assert!(told(&damaged, "IS NOT AS IT WAS WRITTEN"), "{:?}", damaged.troubles);
    assert!(ids(&damaged.in_doubt).contains(&subject(2).action));

    // A pipe in place of a file must not make anybody wait.
    std::fs::remove_file(&old_file).unwrap();
    assert!(Command::new("mkfifo").arg(&old_file).status().unwrap().success());
    let piped = read(trail, &[], BUDGET);
    assert!(told(&piped, "no regular file"), "{:?}", piped.troubles);
    assert_eq!(ids(&piped.in_doubt), [subject(2).action]);
    open(trail).journal.append(&note("a session starts all the same")).unwrap();
    let none = Reader { who: Text::default(), own: Vec::new(), places: vec![new_file] }.read(BUDGET);
    assert!(told(&none, "cannot be read"), "{:?}", none.troubles);
}
