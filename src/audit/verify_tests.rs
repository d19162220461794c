use super::*;
use crate::audit::record::Text;
use crate::audit::testing::{intent, note, only_file, open, outcome, subject};

/// The lines of one ended stream of 200, and its file.
fn written(trail: &Path) -> (PathBuf, Vec<Vec<u8>>) {
    let mut journal = open(trail).journal;
    for number in 0..66_u8 {
        let _unsent = journal.intend(subject(number), intent(1)).unwrap();
        journal.append(&outcome(&subject(number), 1)).unwrap();
        journal.append(&note("e\u{301} \u{1b}[31m \"quoted\" \\ password=hunter2hunter2")).unwrap();
    }
    journal.end(Text::fixed("quit")).unwrap();
    let file = only_file(trail);
    let lines: Vec<_> = std::fs::read(&file).unwrap().split_inclusive(|b| *b == b'\n').map(<[u8]>::to_vec).collect();
    assert_eq!(lines.len(), 200);
    (file, lines)
}

fn is_caught(trail: &Path, file: &Path, bytes: &[u8]) -> bool {
    std::fs::write(file, bytes).unwrap();
    verify(trail, &[], |_, _| ()).unwrap().exit_code() != 0
}

/// A walk that has taken the lines before each.
fn walks(stream: &StreamId, lines: &[Vec<u8>]) -> Vec<Walk> {
    let mut walk = Walk::new(stream.clone());
    let mut walks = Vec::new();
    for line in lines {
        walks.push(walk.clone());
        assert!(walk.line(line, Path::new("x"), 1, 0).is_some() && walk.findings.is_empty());
    }
    walks
}

#[test]
fn a_change_of_any_byte_is_caught() {
    let folder = tempfile::tempdir().unwrap();
    let (file, lines) = written(folder.path());
    let stream = StreamId::parse(file.parent().unwrap().file_name().unwrap().to_str().unwrap()).unwrap();
    let walks = walks(&stream, &lines);
    let masks = [0x01, 0x20, 0x80, 0xff, 0x0a, 0x2b];
    let mut tried = 0_usize;
    for (at, line) in lines.iter().enumerate() {
        for byte in 0..line.len() {
            let mut changed = line.clone();
            changed[byte] ^= masks[tried % masks.len()];
            // A lost break joins this line to the next.
            changed.extend(lines.get(at + 1).into_iter().flatten());
            let mut walk = walks[at].clone();
            for stored in changed.split_inclusive(|b| *b == b'\n') {
                walk.line(stored, &file, 1, 0);
            }
            assert!(!walk.findings.is_empty(), "line {at}, byte {byte}");
            tried += 1;
        }
    }
    assert!(tried > 60_000, "{tried}");
    // The whole way through the file, for some, and every change of the last byte.
    let whole = lines.concat();
    for at in (0..whole.len()).step_by(9973) {
        let mut changed = whole.clone();
        changed[at] ^= 0x20;
        assert!(is_caught(folder.path(), &file, &changed), "byte {at}");
    }
    for mask in [0x01, 0x07, 0x0a, 0x20, 0x2a, 0x80, 0xff] {
        let mut changed = whole.clone();
        *changed.last_mut().unwrap() ^= mask;
        std::fs::write(&file, &changed).unwrap();
        assert_eq!(verify(folder.path(), &[], |_, _| ()).unwrap().exit_code(), 1, "last byte ^ {mask}");
    }
    assert!(!is_caught(folder.path(), &file, &whole));
}

#[test]
fn every_deletion_duplication_and_swap_of_lines_is_caught() {
    let folder = tempfile::tempdir().unwrap();
    let (file, lines) = written(folder.path());
    let stream = StreamId::parse(file.parent().unwrap().file_name().unwrap().to_str().unwrap()).unwrap();
    let walks = walks(&stream, &lines);
    let caught = |at: usize, changed: &[Vec<u8>]| {
        let mut walk = walks[at].clone();
        for stored in changed.iter().skip(at).take(3) {
            walk.line(stored, &file, 1, 0);
        }
        !walk.findings.is_empty()
    };
    for at in 0..lines.len() {
        let mut deleted = lines.clone();
        deleted.remove(at);
        // The tail's alone needs a head that was kept elsewhere: see below.
        assert_eq!(caught(at, &deleted), at + 1 < lines.len(), "deletion of {at}");
        let mut doubled = lines.clone();
        doubled.insert(at, lines[at].clone());
        assert!(caught(at, &doubled), "duplication of {at}");
        for (with, line) in lines.iter().enumerate().skip(at + 1) {
            let mut walk = walks[at].clone();
            walk.line(line, &file, 1, 0);
            assert!(!walk.findings.is_empty(), "swap of {at} and {with}");
        }
    }
    // The whole way through the file, for some.
    for at in [0, 1, 99, 198] {
        let mut swapped = lines.clone();
        swapped.swap(at, at + 1);
        let doubled = [&lines[..=at], &lines[at..]].concat();
        let deleted = [&lines[..at], &lines[at + 1..]].concat();
        for changed in [swapped, doubled, deleted] {
            assert!(is_caught(folder.path(), &file, &changed.concat()), "line {at}");
        }
    }
}

#[test]
fn a_finding_names_file_line_and_byte() {
    let folder = tempfile::tempdir().unwrap();
    let (file, mut lines) = written(folder.path());
    let offset = lines[..41].concat().len() as u64;
    let text = String::from_utf8(lines[41].clone()).unwrap().replace("prod-eu", "prod-us");
    lines[41] = text.into_bytes();
    std::fs::write(&file, lines.concat()).unwrap();
    let report = verify(folder.path(), &[], |_, _| ()).unwrap();
    let first = &report.findings[0];
    assert_eq!((&first.file, first.line, first.offset, first.damage), (&file, 42, offset, Damage::Altered));
    assert!(first.what.contains("digest does not fit"), "{}", first.what);
    // Not every later line: the one after it still has the old digest, the rest is in order.
    assert_eq!(report.findings.len(), 2);
}

#[test]
fn a_shorter_or_missing_stream_shows_against_a_later_one_and_a_checkpoint() {
    let folder = tempfile::tempdir().unwrap();
    let (file, lines) = written(folder.path());
    let exit = |anchor: &[Head]| verify(folder.path(), anchor, |_, _| ()).unwrap().exit_code();
    let anchor = verify(folder.path(), &[], |_, _| ()).unwrap().heads;
    std::fs::write(&file, lines[..190].concat()).unwrap();
    assert_eq!((exit(&[]), exit(&anchor)), (0, 3));
    std::fs::write(&file, lines.concat()).unwrap();
    open(folder.path()).journal.end(Text::fixed("quit")).unwrap();
    assert_eq!((exit(&[]), exit(&anchor)), (0, 0));
    std::fs::write(&file, lines[..190].concat()).unwrap();
    assert_eq!(exit(&[]), 3);
    std::fs::remove_dir_all(file.parent().unwrap()).unwrap();
    assert_eq!(exit(&[]), 3);
    let other = Head { hash: Digest::of(b"other"), ..anchor[0].clone() };
    std::fs::create_dir(file.parent().unwrap()).unwrap();
    std::fs::write(&file, lines.concat()).unwrap();
    assert_eq!(exit(&[other]), 1);
}

#[test]
fn no_trail_and_an_empty_one_are_whole() {
    let folder = tempfile::tempdir().unwrap();
    for trail in [folder.path().to_owned(), folder.path().join("none")] {
        let report = verify(&trail, &[], |_, _| ()).unwrap();
        assert_eq!((report.exit_code(), report.lines), (0, 0));
    }
}

#[test]
fn a_line_of_a_newer_version_is_chained_but_not_understood() {
    let folder = tempfile::tempdir().unwrap();
    let (file, lines) = written(folder.path());
    let text = String::from_utf8(lines[0].clone()).unwrap().replace("\"session-start\"", "\"session-begin\"");
    let (body, _) = text.split_once(",\"digest\"").unwrap();
    let newer = format!("{body},\"digest\":\"{}\"}}\n", Digest::of(body.as_bytes()));
    std::fs::write(&file, &newer).unwrap();
    let report = verify(folder.path(), &[], |_, _| ()).unwrap();
    assert_eq!((report.exit_code(), report.unknown, report.lines), (0, 1, 1), "{:?}", report.findings);
    std::fs::write(&file, [newer.as_bytes(), &lines[1]].concat()).unwrap();
    assert_eq!(verify(folder.path(), &[], |_, _| ()).unwrap().exit_code(), 1);
}

#[test]
fn the_newest_lines_are_kept_and_all_are_checked() {
    let folder = tempfile::tempdir().unwrap();
    let (file, mut lines) = written(folder.path());
    let (report, newest) = crate::audit::query::newest(folder.path(), 7).unwrap();
    assert_eq!((report.lines, report.exit_code()), (200, 0));
    assert_eq!(newest.iter().map(|line| line.seq).collect::<Vec<_>>(), (194..=200).rev().collect::<Vec<_>>());
    let last = newest.first().unwrap();
    assert_eq!((last.record.event.kind(), last.record.event.words().map(Text::as_str)), ("session-end", Some("quit")));
    // What is no longer kept is checked all the same.
    lines[3][40] ^= 0x01;
    std::fs::write(&file, lines.concat()).unwrap();
    assert!(!crate::audit::query::newest(folder.path(), 7).unwrap().0.findings.is_empty());
}
