//! One line of a stream, as bytes: ASCII, own digest, chained to the line before (facts/trust.md A2.2).

use std::fmt::Write as _;

use serde::Deserialize;

use super::record::{Digest, Line, Moment, Record, StreamId, Text, VERSION};
use crate::domain::secret::{MASK, Secrets};

/// The longest line, its break included.
pub const LINE_CAP: usize = 64 << 10;

/// What stands before a line's own digest; with the digest and `"}` it ends every line.
const BEFORE_DIGEST: &[u8] = b",\"digest\":\"";
const AFTER_DIGEST: &[u8] = b"\"}";
const END: usize = BEFORE_DIGEST.len() + 64 + AFTER_DIGEST.len();

/// Where a line stands in its stream, and who writes it.
#[derive(Clone, Debug)]
pub struct Position<'a> {
    pub stream: &'a StreamId,
    pub who: &'a Text,
    pub seq: u64,
    pub prev: Digest,
}

/// The bytes of a line, its break included.
///
/// # Errors
/// The length, when it is over [`LINE_CAP`].
pub fn encode(at: &Position<'_>, moment: Moment, record: &Record, secrets: &Secrets) -> Result<Vec<u8>, usize> {
    let ts = jiff::Timestamp::from_nanosecond(i128::from(moment.wall)).unwrap_or_default();
    let line = Line {
        v: VERSION,
        seq: at.seq,
        prev: at.prev,
        ts: format!("{ts:.9}"),
        mono: moment.mono,
        world: moment.world.rfc3339(),
        stream: at.stream.clone(),
        who: at.who.clone(),
        record: record.clone(),
        redacted: 0,
        digest: Digest::NONE,
    };
    // Own types of maps with string keys: there is nothing in them that JSON cannot hold.
    let json = serde_json::to_string(&line).unwrap_or_default();
    let open = json.rfind(",\"redacted\":").unwrap_or(0);
    let mut text = ascii(json.get(..open).unwrap_or_default(), secrets);
    let masked = text.matches(MASK).count();
    let _ = write!(text, ",\"redacted\":{masked}");
    let digest = Digest::of(text.as_bytes());
    let _ = writeln!(text, ",\"digest\":\"{digest}\"}}");
    if text.len() > LINE_CAP { Err(text.len()) } else { Ok(text.into_bytes()) }
}

/// Rewrites every string of a JSON text without known secrets and in ASCII, so that `cat` of the log is safe.
fn ascii(json: &str, secrets: &Secrets) -> String {
    let mut out = String::with_capacity(json.len() + 128);
    let mut rest = json;
    while let Some(start) = rest.find('"') {
        let (before, from) = rest.split_at(start);
        let end = string_end(from);
        let (literal, after) = from.split_at(end);
        let text: String = serde_json::from_str(literal).unwrap_or_default();
        out.push_str(before);
        out.push('"');
        for unit in secrets.masked(&text).encode_utf16() {
            match u8::try_from(unit) {
                Ok(byte @ (b'"' | b'\\')) => out.extend(['\\', char::from(byte)]),
                Ok(byte @ 0x20..=0x7e) => out.push(char::from(byte)),
                _ => {
                    let _ = write!(out, "\\u{unit:04x}");
                }
            }
        }
        out.push('"');
        rest = after;
    }
    out.push_str(rest);
    out
}

/// Where the string that begins a JSON text ends, its quotes included.
fn string_end(text: &str) -> usize {
    let mut escaped = true;
    for (at, byte) in text.bytes().enumerate() {
        match byte {
            b'"' if !escaped => return at + 1,
            b'\\' if !escaped => escaped = true,
            _ => escaped = false,
        }
    }
    text.len()
}

/// Why the bytes between two line breaks are not a line that was written by us and left alone.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Defect {
    #[error("no line of an audit trail")]
    NoLine,
    #[error("the line was changed: its digest does not fit")]
    Digest,
    #[error("the line is over {LINE_CAP} bytes")]
    TooLong,
}

/// What ties a line to its place, whatever else it says.
#[derive(Debug, Deserialize)]
pub struct Link {
    pub seq: u64,
    pub prev: Digest,
    pub stream: StreamId,
}

/// Reads a line's place and, unless a newer version wrote it, the line. It is given without its break.
///
/// # Errors
/// It is not as it was written.
pub fn read(bytes: &[u8]) -> Result<(Link, Option<Line>), Defect> {
    check_digest(bytes)?;
    let link = serde_json::from_slice(bytes).map_err(|_| Defect::NoLine)?;
    Ok((link, serde_json::from_slice(bytes).ok()))
}

fn check_digest(bytes: &[u8]) -> Result<(), Defect> {
    if bytes.len() >= LINE_CAP {
        return Err(Defect::TooLong);
    }
    let split = bytes.len().checked_sub(END).ok_or(Defect::NoLine)?;
    let (text, end) = bytes.split_at_checked(split).ok_or(Defect::NoLine)?;
    let digest = end.strip_prefix(BEFORE_DIGEST).and_then(|end| end.strip_suffix(AFTER_DIGEST));
    let digest = digest.and_then(|hex| std::str::from_utf8(hex).ok()).and_then(Digest::parse).ok_or(Defect::NoLine)?;
    if digest == Digest::of(text) { Ok(()) } else { Err(Defect::Digest) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::audit::record::Event;
    use crate::domain::time::Stamp;

    fn written(text: &str, secrets: &Secrets) -> Result<Vec<u8>, usize> {
        let at = Stamp::parse_rfc3339("2026-11-21T03:12:07.250Z").unwrap();
        let stream = StreamId::new(at, "bastion", 7, 9);
        let who = Text::of("jane@bastion");
        let position = Position { stream: &stream, who: &who, seq: 3, prev: Digest::of(b"x") };
        let moment = Moment { wall: at.millis() * 1_000_000 + 42, mono: 5, world: at };
        let note = Event::Note { text: Text::of(text), ticket: None };
        encode(&position, moment, &Record::of_session(note), secrets)
    }

    #[test]
    fn hostile_text_is_stored_as_ascii_and_read_back_whole() {
        for text in ["plain", "a\x1b[31m\"\\\n\u{202e}\u{9b}", "日本 🦀 e\u{301}", "\",\"digest\":\"", "\\"] {
            let bytes = written(text, &Secrets::default()).unwrap();
            assert!(bytes.iter().all(|b| (0x20..0x7f).contains(b) || *b == b'\n'), "{text:?}");
            assert_eq!(bytes.iter().filter(|b| **b == b'\n').count(), 1);
            let line = read(bytes.strip_suffix(b"\n").unwrap()).unwrap().1.unwrap();
            assert_eq!(line.record.event, Event::Note { text: Text::of(text), ticket: None });
            assert_eq!((line.seq, line.ts.as_str()), (3, "2026-11-21T03:12:07.250000042Z"));
        }
    }

    #[test]
    fn the_digests_can_be_checked_with_a_shell() {
        let bytes = written("x", &Secrets::default()).unwrap();
        let text = String::from_utf8(bytes).unwrap();
        let (body, end) = text.split_once(",\"digest\":\"").unwrap();
        assert_eq!(end, format!("{}\"}}\n", Digest::of(body.as_bytes())));
        let starts = "{\"v\":1,\"seq\":3,\"prev\":\"2d711642b726b04401627ca9fbac32f5c8530fb1903cc4db02258717921a4881\",\"ts\":\"";
        assert!(text.starts_with(starts), "{text}");
        assert!(text.contains(r#""kind":"note","data":{"text":"x","ticket":null},"redacted":0"#), "{text}");
    }

    #[test]
    fn known_secrets_do_not_reach_a_line_and_are_counted() {
        let mut secrets = Secrets::default();
        secrets.know("nana \"quoted\"");
        let bytes = written("went in with nana \"quoted\" and \\nana \"quoted\"", &secrets).unwrap();
        let text = String::from_utf8(bytes).unwrap();
        assert!(text.contains(r#"went in with [redacted] and \\[redacted]","ticket":null},"redacted":2"#), "{text}");
    }

    #[test]
    fn a_line_that_is_too_long_is_refused() {
        let at = Stamp::default();
        let stream = StreamId::new(at, "h", 1, 1);
        let results = (0..100).map(|_| crate::audit::record::Guard {
            name: Text::fixed("g"),
            verdict: crate::audit::record::Verdict::Pass,
            value: Text::of(&"x ".repeat(600)),
        });
        let event = Event::Guards { plan: Digest::NONE, recheck: false, results: results.collect() };
        let position = Position { stream: &stream, who: &Text::default(), seq: 1, prev: Digest::NONE };
        let moment = Moment { wall: 0, mono: 0, world: at };
        assert!(encode(&position, moment, &Record::of_session(event), &Secrets::default()).unwrap_err() > LINE_CAP);
    }
}
