use std::net::UdpSocket;
use std::os::unix::net::UnixDatagram;
use std::path::Path;

use super::cursor::{Cursor, Cursors, behind, read};
use super::*;
use crate::audit::journal::{Journal, Limits, RealDisk};
use crate::audit::record::{Event, Record, Subject, Target};
use crate::audit::streams::streams;
use crate::audit::testing::{intent, note, open, opening, subject};

/// The stored line of an intent on a target whose name would forge whatever it can.
fn hostile(folder: &Path) -> Receipt {
    let mut journal = open(folder).journal;
    let subject = subject(1);
    let name = Text::name("back\nMESSAGE=forged\x1b\u{202e}]日 end");
    let subject = Subject { target: Target { name, ..subject.target.clone() }, ..subject };
    journal.append(&Record::of_action(&subject, Event::Intent(intent(1)))).unwrap()
}

/// What a daemon's socket receives; once it is gone, the line is not taken.
fn received(make: impl Fn(&Path) -> Box<dyn Sink>) -> (String, Receipt) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("log");
    let receipt = hostile(&folder.path().join("audit"));
    let mut sink = make(&path);
    let missing = sink.take(std::slice::from_ref(&receipt)).unwrap_err();
    assert_eq!((missing.taken, missing.fault.kind), (0, FaultKind::Missing));
    let daemon = UnixDatagram::bind(&path).unwrap();
    assert_eq!(sink.check(), Ok(None));
    sink.take(std::slice::from_ref(&receipt)).unwrap();
    let mut buffer = vec![0; 1 << 17];
    let length = daemon.recv(&mut buffer).unwrap();
    drop(daemon);
    let gone = sink.take(std::slice::from_ref(&receipt)).unwrap_err();
    assert_eq!((gone.taken, gone.fault.kind), (0, FaultKind::Refused));
    (String::from_utf8(buffer[..length].to_vec()).unwrap(), receipt)
}

fn is_syslog(message: &str, receipt: &Receipt) {
    let head = &receipt.head;
    let (place, pid) = (format!("stream=\"{}\" seq=\"2\" hash=\"{}\"]", head.stream, head.hash), std::process::id());
    assert!(message.starts_with("<85>1 2026-11-21T03:"), "{message}");
    assert!(message.contains(&format!("Z bastion tierdeck {pid} intent [audit@32473 {place} intent ")), "{message}");
    assert!(message.len() < 2048 && message.bytes().all(|b| (0x20..0x7f).contains(&b)), "{message}");
}

#[test]
fn syslog_gets_the_place_and_hash_in_rfc_5424() {
    let (message, receipt) = received(|path| Box::new(syslog::Syslog::new(syslog::Address::Socket(path.to_owned()))));
    is_syslog(&message, &receipt);
}

#[test]
fn syslog_goes_over_udp() {
    let folder = tempfile::tempdir().unwrap();
    let receipt = hostile(folder.path());
    let daemon = UdpSocket::bind("127.0.0.1:0").unwrap();
    let address = syslog::Address::Udp(daemon.local_addr().unwrap().to_string());
    syslog::Syslog::new(address).take(std::slice::from_ref(&receipt)).unwrap();
    let mut buffer = vec![0; 4096];
    let length = daemon.recv(&mut buffer).unwrap();
    is_syslog(std::str::from_utf8(&buffer[..length]).unwrap(), &receipt);
}

#[test]
fn journald_gets_the_whole_line_and_no_field_can_be_forged() {
    let (entry, receipt) = received(|path| Box::new(journald::Journald::new(path)));
    let names: Vec<_> = entry.lines().map(|line| line.split_once('=').unwrap().0).collect();
    assert_eq!(names.iter().filter(|name| **name == "MESSAGE").count(), 1, "{entry}");
    assert_eq!(names.len(), 10, "{entry}");
    let stored = std::str::from_utf8(&receipt.line).unwrap();
    assert!(entry.ends_with(&format!("TIERDECK_LINE={stored}")), "{entry}");
}

#[test]
fn a_stream_is_read_once_from_its_beginning_to_its_end_over_all_its_segments() {
    let folder = tempfile::tempdir().unwrap();
    let limits = Limits { segment_bytes: 2000, ..Limits::default() };
    let mut journal = Journal::open(Box::new(RealDisk), folder.path(), opening(limits, None)).unwrap().journal;
    let stream = streams(folder.path()).unwrap().pop().unwrap();
    let cursors = Cursors::of(folder.path(), "a");
    let mut seen = Vec::new();
    for round in 0..40 {
        journal.append(&note(&format!("round {round}"))).unwrap();
        if round % 7 == 0 {
            let from = cursors.get(&stream.id);
            let batch = read(&stream, from, if round % 2 == 0 { 1 } else { 1 << 20 }).unwrap();
            assert_eq!(behind(&stream, from).unwrap() > batch.lines.len() as u64, round % 2 == 0);
            cursors.put(&stream.id, batch.lines.last().unwrap().1).unwrap();
            seen.extend(batch.lines.into_iter().map(|(receipt, _)| receipt.head.seq));
        }
    }
    let last = journal.end(Text::fixed("done")).unwrap().head;
    let rest = read(&stream, cursors.get(&stream.id), 1 << 20).unwrap();
    assert_eq!((rest.broken, &rest.lines.last().unwrap().0.head), (None, &last));
    seen.extend(rest.lines.iter().map(|(receipt, _)| receipt.head.seq));
    assert_eq!(seen, (1..=last.seq).collect::<Vec<_>>());
    let end = rest.lines.last().unwrap().1;
    assert!(end.segment > 2, "{end:?}");
    assert_eq!(behind(&stream, end).unwrap(), 0);
    assert_eq!(behind(&stream, Cursor::default()).unwrap(), last.seq);
    assert_eq!(streams(folder.path()).unwrap().len(), 1, "the cursors are taken for a stream");
}

#[test]
fn a_changed_line_ends_what_is_delivered_and_a_torn_one_waits() {
    let folder = tempfile::tempdir().unwrap();
    let mut journal = open(folder.path()).journal;
    journal.append(&note("first")).unwrap();
    journal.append(&note("second")).unwrap();
    let stream = streams(folder.path()).unwrap().pop().unwrap();
    let file = crate::audit::streams::segment_file(&stream.path, 1);
    let whole = std::fs::read_to_string(&file).unwrap();
    std::fs::write(&file, &whole[..whole.len() - 1]).unwrap();
    let batch = read(&stream, Cursor::default(), 1 << 20).unwrap();
    assert_eq!((batch.lines.len(), batch.broken), (2, None));
    for (from, to) in [("first", "FIRST"), ("\"seq\":2", "\"seq\":3")] {
        std::fs::write(&file, whole.replacen(from, to, 1)).unwrap();
        let batch = read(&stream, Cursor::default(), 1 << 20).unwrap();
        assert_eq!(batch.lines.len(), 1, "{from}");
        assert!(batch.broken.unwrap().contains("record 2"), "{from}");
    }
    let lines: Vec<&str> = whole.split_inclusive('\n').collect();
    std::fs::write(&file, [lines[0], lines[2]].concat()).unwrap();
    let batch = read(&stream, Cursor::default(), 1 << 20).unwrap();
    assert_eq!(batch.lines.len(), 1);
    assert!(batch.broken.unwrap().contains("where record 2 should"), "a line is gone");
}

#[test]
fn a_torn_or_lost_cursor_is_the_beginning_and_one_session_has_the_turn() {
    let folder = tempfile::tempdir().unwrap();
    let stream = open(folder.path()).journal.stream().clone();
    let cursors = Cursors::of(folder.path(), "a");
    assert_eq!(cursors.get(&stream), Cursor::default());
    let there = Cursor { segment: 2, offset: 71, seq: 9 };
    cursors.put(&stream, there).unwrap();
    assert_eq!(cursors.get(&stream), there);
    std::fs::write(folder.path().join("sinks/a").join(stream.as_str()), "2 71 9").unwrap();
    assert_eq!(cursors.get(&stream), Cursor::default());
    let turn = cursors.turn();
    assert!(turn.is_some() && cursors.turn().is_none());
    drop(turn);
    assert!(cursors.turn().is_some());
}
