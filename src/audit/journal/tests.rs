use std::os::unix::fs::PermissionsExt;
use std::sync::atomic::Ordering;

use super::*;
use crate::audit::record::summary::State;
use crate::audit::record::{Outcome, Resolve};
use crate::audit::testing::{SickDisk, intent, note, only_file, open, opening, outcome, subject, verified};
use crate::audit::verify::{Damage, verify};

const SMALL: Limits = Limits { segment_bytes: 2000, segment_age: i64::MAX, reserve_bytes: 4096 };

fn mode(path: &Path) -> u32 {
    std::fs::metadata(path).unwrap().permissions().mode() & 0o777
}

#[test]
fn a_session_is_one_private_locked_stream_that_verifies() {
    let folder = tempfile::tempdir().unwrap();
    let trail = folder.path().join("state/tierdeck/audit");
    let mut journal = open(&trail).journal;
    let durable = journal.intend(subject(1), intent(1)).unwrap();
    let file = only_file(&trail);
    assert!(std::fs::read_to_string(&file).unwrap().ends_with(std::str::from_utf8(&durable.receipt.line).unwrap()));
    assert_eq!(
        [mode(&trail), mode(file.parent().unwrap()), mode(&file), mode(&file.with_file_name("reserve"))],
        [0o700, 0o700, 0o600, 0o600]
    );
    assert!(streams::is_alive(file.parent().unwrap()));
    let state = |trail: &Path| verify(trail, &[], |_, _| ()).unwrap().operations[0].state;
    assert_eq!(state(&trail), State::InFlight);
    assert_eq!(durable.spend().head.seq, 2);
    journal.append(&outcome(&subject(1), 1)).unwrap();
    journal.append(&verified(&subject(1), Outcome::Verified)).unwrap();
    journal.end(Text::fixed("quit")).unwrap();
    assert!(!file.with_file_name("reserve").exists() && !streams::is_alive(file.parent().unwrap()));
    let report = verify(&trail, &[], |_, _| ()).unwrap();
    assert_eq!((report.findings.len(), report.lines, report.exit_code()), (0, 5, 0));
    assert_eq!(report.operations[0].state, State::Done(Outcome::Verified));
}

#[test]
fn every_line_is_synced_before_it_is_confirmed() {
    let folder = tempfile::tempdir().unwrap();
    let disk = SickDisk::healthy();
    let mut journal = disk.open(folder.path(), Limits::default()).unwrap();
    for number in 2..6 {
        journal.append(&note("x")).unwrap();
        assert_eq!(disk.0.asked.load(Ordering::Relaxed), number);
    }
}

#[test]
fn a_killed_session_leaves_its_open_intents_in_doubt_until_somebody_resolves_them() {
    let folder = tempfile::tempdir().unwrap();
    let mut journal = open(folder.path()).journal;
    let _first = journal.intend(subject(1), intent(1)).unwrap();
    journal.append(&outcome(&subject(1), 1)).unwrap();
    let _second = journal.intend(subject(1), intent(2)).unwrap();
    let _other = journal.intend(subject(2), intent(1)).unwrap();
    drop(journal);
    let report = verify(folder.path(), &[], |_, _| ()).unwrap();
    let doubts = |report: &crate::audit::verify::Report| -> Vec<_> {
        report.in_doubt().flat_map(|s| s.doubts.iter().map(|d| (s.action.clone(), d.step, d.seq))).collect()
    };
    assert_eq!(report.exit_code(), 4);
    assert_eq!(doubts(&report), [(subject(2).action, 1, 5), (subject(1).action, 2, 4)]);

    let mut journal = open(folder.path()).journal;
    let resolve = |step, outcome| {
        let resolve = Resolve { step, outcome, observed: false, reason: Text::of("read with kubectl") };
        Event::Resolve(resolve)
    };
    journal.append(&Record::of_action(&subject(1), resolve(Some(2), Outcome::NoEffect))).unwrap();
    journal.append(&Record::of_action(&subject(2), resolve(None, Outcome::Failed))).unwrap();
    let report = verify(folder.path(), &[], |_, _| ()).unwrap();
    assert_eq!((report.exit_code(), doubts(&report)), (0, Vec::new()));
    assert_eq!(report.operations[0].state, State::Resolved(Outcome::Failed));
}

#[test]
fn a_torn_end_is_kept_aside_told_and_chained() {
    for (torn, lines) in [(&b"{\"v\":1,\"seq\":3"[..], 2), (b"\xff", 2), (b"{", 0)] {
        let folder = tempfile::tempdir().unwrap();
        let mut journal = open(folder.path()).journal;
        journal.append(&note("whole")).unwrap();
        drop(journal);
        let file = only_file(folder.path());
        let mut bytes = if lines == 0 { Vec::new() } else { std::fs::read(&file).unwrap() };
        let whole = bytes.clone();
        bytes.extend(torn);
        std::fs::write(&file, &bytes).unwrap();
        let report = verify(folder.path(), &[], |_, _| ()).unwrap();
        assert_eq!((report.exit_code(), report.findings[0].damage), (2, Damage::Torn));
        assert_eq!((report.findings[0].line, report.findings[0].offset), (lines + 1, whole.len() as u64));

        let opened = open(folder.path());
        let [(stream, recovery)] = opened.recovered.as_slice() else { panic!("{:?}", opened.recovered) };
        let aside = file.parent().unwrap().join(recovery.file.as_str());
        assert_eq!(std::fs::read(&aside).unwrap(), torn);
        assert!(file.parent().unwrap().ends_with(stream.as_str()));
        assert!(std::fs::read(&file).unwrap().starts_with(&whole));
        let report = verify(folder.path(), &[], |_, _| ()).unwrap();
        assert_eq!((report.exit_code(), report.lines), (0, lines + 2), "{:?}", report.findings);
        std::fs::write(&aside, "other").unwrap();
        assert_eq!(verify(folder.path(), &[], |_, _| ()).unwrap().exit_code(), 1);
    }
}

#[test]
fn a_stream_that_is_being_written_is_left_alone() {
    let folder = tempfile::tempdir().unwrap();
    let first = open(folder.path()).journal;
    let file = only_file(folder.path());
    let mut bytes = std::fs::read(&file).unwrap();
    bytes.extend(b"{half");
    std::fs::write(&file, &bytes).unwrap();
    assert!(open(folder.path()).recovered.is_empty());
    assert_eq!(std::fs::read(&file).unwrap(), bytes);
    assert_eq!(verify(folder.path(), &[], |_, _| ()).unwrap().exit_code(), 0);
    drop(first);
    assert_eq!(open(folder.path()).recovered.len(), 1);
}

#[test]
fn a_full_disk_refuses_intents_but_still_takes_what_became_of_those_that_were_sent() {
    let folder = tempfile::tempdir().unwrap();
    let disk = SickDisk::healthy();
    let limits = Limits { reserve_bytes: 4096, ..Limits::default() };
    let mut journal = disk.open(folder.path(), limits).unwrap();
    let _sent = journal.intend(subject(1), intent(1)).unwrap();
    disk.0.room.store(100, Ordering::Relaxed);
    let before = std::fs::read(only_file(folder.path())).unwrap();
    let fault = journal.intend(subject(1), intent(2)).unwrap_err();
    assert!(matches!(fault, JournalFault::Full { .. }) && !fault.ends_the_stream());
    assert!(fault.sentence().as_str().ends_with("free some, then try again; nothing is sent"), "{fault}");
    assert_eq!(std::fs::read(only_file(folder.path())).unwrap(), before, "the half line was not taken back");
    // The reserve holds what became of the first, and from then on nothing is started.
    journal.append(&outcome(&subject(1), 1)).unwrap();
    disk.0.room.store(u64::MAX / 2, Ordering::Relaxed);
    assert!(journal.intend(subject(1), intent(2)).is_err());
    journal.append(&verified(&subject(1), Outcome::Verified)).unwrap();
    drop(journal);
    assert_eq!(verify(folder.path(), &[], |_, _| ()).unwrap().exit_code(), 0);
    assert!(disk.open(folder.path(), limits).unwrap().intend(subject(2), intent(1)).is_ok());
}

#[test]
fn after_a_failed_sync_the_stream_is_never_written_again() {
    let folder = tempfile::tempdir().unwrap();
    let disk = SickDisk::healthy();
    let mut journal = disk.open(folder.path(), Limits::default()).unwrap();
    disk.0.syncs.store(0, Ordering::Relaxed);
    let fault = journal.intend(subject(1), intent(1)).unwrap_err();
    assert!(matches!(fault, JournalFault::Sync { .. }) && fault.ends_the_stream());
    disk.0.syncs.store(u64::MAX / 2, Ordering::Relaxed);
    let before = std::fs::read(only_file(folder.path())).unwrap();
    let asked = disk.0.asked.load(Ordering::Relaxed);
    assert_eq!(journal.append(&note("again")).unwrap_err(), fault);
    assert_eq!(disk.0.asked.load(Ordering::Relaxed), asked, "a sync was tried again on the same file");
    assert_eq!(std::fs::read(only_file(folder.path())).unwrap(), before);

    let continues = journal.stream().clone();
    drop(journal);
    let mut next = Journal::open(Box::new(disk), folder.path(), opening(Limits::default(), Some(continues.clone())))
        .unwrap()
        .journal;
    assert!(next.intend(subject(1), intent(1)).is_ok());
    let mut continued = None;
    let report = verify(folder.path(), &[], |line, _| {
        if let Event::SessionStart(start) = &line.record.event {
            continued = start.continues.clone().or(continued.take());
        }
    });
    assert_eq!((report.unwrap().findings.len(), continued), (0, Some(continues)));
}

#[test]
fn a_line_that_cannot_be_taken_back_ends_the_stream() {
    let folder = tempfile::tempdir().unwrap();
    let disk = SickDisk::healthy();
    let mut journal = disk.open(folder.path(), Limits { reserve_bytes: 0, ..Limits::default() }).unwrap();
    disk.0.cuts.store(0, Ordering::Relaxed);
    disk.0.room.store(50, Ordering::Relaxed);
    let fault = journal.append(&note("half")).unwrap_err();
    assert!(matches!(fault, JournalFault::Torn { .. }) && fault.ends_the_stream());
    disk.0.room.store(u64::MAX / 2, Ordering::Relaxed);
    assert!(journal.append(&note("more")).is_err());
    drop(journal);
    assert_eq!(verify(folder.path(), &[], |_, _| ()).unwrap().exit_code(), 2);
}

#[test]
fn short_writes_make_whole_lines_and_segments_are_sealed_and_chained() {
    let folder = tempfile::tempdir().unwrap();
    let disk = SickDisk::healthy();
    disk.0.gulp.store(100, Ordering::Relaxed);
    let mut journal = disk.open(folder.path(), SMALL).unwrap();
    for number in 0..20 {
        journal.append(&note(&format!("note {number}"))).unwrap();
    }
    let stream = folder.path().join(journal.stream().as_str());
    let numbers = streams::segments(&stream).unwrap();
    assert!(numbers.len() > 3, "{numbers:?}");
    assert!(streams::is_alive(&stream), "the lock went with the first segment");
    drop(journal);
    let exit = || verify(folder.path(), &[], |_, _| ()).unwrap().exit_code();
    assert_eq!(exit(), 0);
    let second = streams::segment_file(&stream, 2);
    let bytes = std::fs::read(&second).unwrap();
    std::fs::remove_file(&second).unwrap();
    assert_eq!(exit(), 1);
    std::fs::write(&second, bytes).unwrap();
    assert_eq!(exit(), 0);
    // Killed in the first line of a new segment.
    let next = streams::segment_file(&stream, numbers.len() as u32);
    let bytes = std::fs::read(&next).unwrap();
    std::fs::write(&next, &bytes[..40]).unwrap();
    assert_eq!(open(folder.path()).recovered.len(), 1);
    assert_eq!(exit(), 0);
}

#[test]
fn a_folder_that_cannot_be_trusted_or_written_is_refused_with_a_sentence() {
    let folder = tempfile::tempdir().unwrap();
    let loose = folder.path().join("loose");
    std::fs::create_dir(&loose).unwrap();
    std::fs::set_permissions(&loose, std::fs::Permissions::from_mode(0o777)).unwrap();
    let file = folder.path().join("file");
    std::fs::write(&file, "").unwrap();
    let link = folder.path().join("link");
    std::os::unix::fs::symlink(folder.path(), &link).unwrap();
    for (trail, why) in [(loose, "chmod 700"), (file, "File exists"), (link, "no folder"), ("/proc/audit".into(), "")] {
        let fault = SickDisk::healthy().open(&trail, Limits::default()).err().unwrap();
        let sentence = fault.sentence();
        assert!(sentence.as_str().contains(why) && sentence.as_str().ends_with("nothing is sent"), "{sentence}");
    }
}

#[test]
fn two_sessions_write_side_by_side() {
    let folder = tempfile::tempdir().unwrap();
    std::thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| {
                let mut journal = open(folder.path()).journal;
                for number in 0..200 {
                    journal.append(&note(&format!("{number}"))).unwrap();
                }
                journal.end(Text::fixed("done")).unwrap();
            });
        }
    });
    let report = verify(folder.path(), &[], |_, _| ()).unwrap();
    assert_eq!((report.exit_code(), report.lines, report.heads.len()), (0, 404, 2));
}

#[test]
fn planted_secrets_are_in_no_file_and_a_control_is() {
    use crate::audit::record::redact::PLANTED;
    use crate::domain::secret::forms;
    let folder = tempfile::tempdir().unwrap();
    let mut journal = open(folder.path()).journal;
    journal.know_secret("orange juice at nine");
    for (_, secret, around) in PLANTED {
        let text = around.replace("{}", secret);
        let params = [("x".to_owned(), Text::valued("x", &text))].into();
        let mut intent = intent(1);
        intent.request.preconditions = Text::of(&text);
        let _unsent = journal.intend(subject(1), Intent { params, ..intent }).unwrap();
        journal.append(&note(&text)).unwrap();
    }
    journal.append(&note("orange juice at nine, and CONTROL-4711-PLANTED")).unwrap();
    let written = std::fs::read_to_string(only_file(folder.path())).unwrap();
    let holds = |secret: &str| forms(secret).iter().any(|form| written.contains(form.as_str()));
    assert!(holds("CONTROL-4711-PLANTED"), "the search finds nothing");
    for secret in PLANTED.iter().map(|(_, secret, _)| *secret).chain(["orange juice at nine"]) {
        assert!(!holds(secret), "{secret} was written");
    }
}
