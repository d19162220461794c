//! Cuts what a terminal sends into whole pieces: text, the sequences of keys, pastes; and swallows its replies.
//!
//! A reply (DA, DECRPM, an OSC colour, XTVERSION) may come late and in parts, and no part of it may ever count as a key.
//! So a sequence is held until its end or, when the rest is lost, until a limit; then it is dropped whole. The forms are
//! those of ECMA-48 section 5: CSI, SS3, and the strings OSC, DCS, APC, PM and SOS.

use std::time::Duration;

/// A lone escape byte is the key when nothing follows within this time.
const ESCAPE_DELAY: Duration = Duration::from_millis(25);
/// Inside a string an escape byte more likely begins the terminator, whose rest the link may hold back.
const TERMINATOR_DELAY: Duration = Duration::from_millis(250);
/// After a lone Esc, what opens a sequence may be the tail of one that was cut behind its first byte.
const SUSPECT: Duration = Duration::from_secs(1);
/// So long such an opener is held; nothing behind it means that somebody typed it.
const OPENER_DELAY: Duration = Duration::from_millis(250);
/// A sequence of which nothing but its opener came (Alt with that key) is forgotten after this silence.
const OPENED: Duration = Duration::from_secs(1);
/// An unfinished sequence is forgotten after this silence.
const UNFINISHED: Duration = Duration::from_secs(5);
/// A paste silent for so long is ended by the next Esc or Ctrl-C: its end is lost.
const STALLED: Duration = Duration::from_secs(3);
/// The longest sequence that can be a key; a longer one is dropped when it ends.
const SEQUENCE_CAP: usize = 64;
/// What is kept of a paste, bytes; the rest is counted and dropped. Nothing that takes text takes more.
pub const PASTE_CAP: usize = 4096;

const ESC: u8 = 0x1b;
const INTERRUPT: u8 = 0x03;
const PASTE_END: &[u8] = b"\x1b[201~";

/// One whole piece of input.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Piece {
    /// Bytes outside every sequence.
    Text(Vec<u8>),
    /// A whole sequence that may be a key, from its escape byte to its last.
    Sequence(Vec<u8>),
    Escape,
    /// A bracketed paste, and how many bytes of it were left out.
    Paste {
        text: String,
        dropped: usize,
    },
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum State {
    Ground,
    Escape,
    /// An opener soon after a lone Esc.
    Opener(u8),
    /// CSI or SS3; `lost` when its escape byte has already been taken for the key.
    Sequence {
        lost: bool,
    },
    /// The coordinates of an old mouse report.
    Mouse {
        left: u8,
    },
    /// OSC, DCS, APC, PM or SOS; `ending` after an escape byte.
    String {
        ending: bool,
    },
    Paste {
        text: Vec<u8>,
        dropped: usize,
        matched: usize,
        stalled: bool,
    },
}

/// The cutter. Times are of any monotonic clock.
#[derive(Debug)]
pub struct Sequences {
    state: State,
    /// The sequence so far, with its escape byte; a string stays here until the next input.
    held: Vec<u8>,
    /// When the last byte came.
    last: Duration,
    escaped_at: Option<Duration>,
}

impl Default for Sequences {
    fn default() -> Self {
        Self { state: State::Ground, held: Vec::new(), last: Duration::ZERO, escaped_at: None }
    }
}

impl Sequences {
    /// Takes bytes that came at `now`.
    pub fn feed(&mut self, bytes: &[u8], now: Duration, out: &mut Vec<Piece>) {
        self.expire(now, out);
        if let State::Paste { stalled, .. } = &mut self.state {
            *stalled = now.saturating_sub(self.last) >= STALLED;
        }
        self.last = now;
        let mut rest = bytes;
        while let Some((&byte, after)) = rest.split_first() {
            rest = match &self.state {
                State::Ground => self.ground(rest, now, out),
                State::Paste { .. } => self.paste(rest, out),
                _ => {
                    self.byte(byte, out);
                    after
                }
            };
        }
    }

    /// When something happens though nothing comes.
    pub fn deadline(&self) -> Option<Duration> {
        let delay = match &self.state {
            State::Ground => return None,
            State::Escape => ESCAPE_DELAY,
            State::Opener(_) => OPENER_DELAY,
            State::String { ending: true } => TERMINATOR_DELAY,
            State::Paste { matched: 1, stalled: true, .. } => ESCAPE_DELAY,
            State::Paste { .. } => return None,
            State::Sequence { lost: true } => OPENED,
            State::Sequence { .. } | State::String { .. } | State::Mouse { .. } if self.held.len() <= 2 => OPENED,
            State::Sequence { .. } | State::String { .. } | State::Mouse { .. } => UNFINISHED,
        };
        Some(self.last + delay)
    }

    /// Does what is due at `now`.
    pub fn expire(&mut self, now: Duration, out: &mut Vec<Piece>) {
        if self.deadline().is_none_or(|at| now < at) {
            return;
        }
        match std::mem::replace(&mut self.state, State::Ground) {
            State::Escape | State::Paste { .. } => {
                self.held.clear();
                out.push(Piece::Escape);
                self.escaped_at = Some(now);
            }
            State::String { ending: true } => {
                out.push(Piece::Escape);
                self.escaped_at = Some(now);
            }
            State::Opener(byte) => out.push(Piece::Text(vec![byte])),
            State::Ground | State::Sequence { .. } | State::String { .. } | State::Mouse { .. } => {}
        }
    }

    /// Text up to the next escape byte, or the opener of a sequence whose escape byte has gone before.
    fn ground<'a>(&mut self, bytes: &'a [u8], now: Duration, out: &mut Vec<Piece>) -> &'a [u8] {
        let escaped = self.escaped_at.take().is_some_and(|at| now.saturating_sub(at) < SUSPECT);
        let in_string = !std::mem::take(&mut self.held).is_empty();
        if let (true, Some((b'\\', rest))) = (escaped && in_string, bytes.split_first()) {
            // The rest of a string's terminator whose escape byte was taken for the key.
            return rest;
        }
        if let (true, Some((&byte, rest))) = (escaped && is_opener(bytes.first()), bytes.split_first()) {
            self.state = State::Opener(byte);
            return rest;
        }
        let end = bytes.iter().position(|byte| *byte == ESC).unwrap_or(bytes.len());
        let (text, rest) = bytes.split_at(end);
        if !text.is_empty() {
            out.push(Piece::Text(text.to_vec()));
        }
        match rest.split_first() {
            Some((_, rest)) => {
                self.state = State::Escape;
                rest
            }
            None => rest,
        }
    }

    fn byte(&mut self, byte: u8, out: &mut Vec<Piece>) {
        match (&mut self.state, byte) {
            (State::Escape, ESC) => out.push(Piece::Escape),
            (State::Escape, _) => self.open(byte, false, out),
            (State::Opener(opener), _) => {
                let opener = *opener;
                self.open(opener, true, out);
                self.byte(byte, out);
            }
            // Nothing a terminal replies holds these: the operator wants out, or the sequence was cut.
            (_, INTERRUPT) => {
                self.state = State::Ground;
                out.push(Piece::Text(vec![INTERRUPT]));
            }
            (_, 0x18 | 0x1a) => self.state = State::Ground,
            (State::String { ending: ending @ false }, ESC) => *ending = true,
            (State::String { ending: true }, b'\\') | (State::String { .. }, 0x07) => self.state = State::Ground,
            (State::String { ending: true }, ESC) => self.state = State::Escape,
            (State::String { ending: true }, _) => self.open(byte, false, out),
            (State::String { .. }, _) => self.hold(byte),
            (_, ESC) => self.state = State::Escape,
            (State::Mouse { left }, _) => match left.checked_sub(1) {
                Some(left @ 1..) => self.state = State::Mouse { left },
                _ => self.state = State::Ground,
            },
            (State::Sequence { .. }, _) => self.sequence(byte, out),
            (State::Ground | State::Paste { .. }, _) => {}
        }
    }

    /// The byte behind an escape byte; `lost` when that one has already been taken for the key.
    fn open(&mut self, byte: u8, lost: bool, out: &mut Vec<Piece>) {
        self.held = vec![ESC, byte];
        self.state = match byte {
            b'[' | b'O' => State::Sequence { lost },
            _ if is_opener(Some(&byte)) => State::String { ending: false },
            0x80.. => {
                out.extend([Piece::Escape, Piece::Text(vec![byte])]);
                State::Ground
            }
            _ => {
                out.push(Piece::Sequence(std::mem::take(&mut self.held)));
                State::Ground
            }
        };
    }

    fn sequence(&mut self, byte: u8, out: &mut Vec<Piece>) {
        self.hold(byte);
        let is_last = match self.held.get(1..) {
            // `ESC [ [ A`: the function keys of the Linux console.
            Some([b'[', b'[']) => false,
            Some([b'[', b'[', _]) | Some([b'O', _]) => true,
            _ => (0x40..=0x7e).contains(&byte),
        };
        if !is_last {
            return;
        }
        let State::Sequence { lost } = self.state else { return };
        let whole = std::mem::take(&mut self.held);
        self.state = match whole.as_slice() {
            b"\x1b[200~" => State::Paste { text: Vec::new(), dropped: 0, matched: 0, stalled: false },
            b"\x1b[M" => State::Mouse { left: 3 },
            _ => State::Ground,
        };
        if self.state == State::Ground && !lost && whole.len() <= SEQUENCE_CAP {
            out.push(Piece::Sequence(whole));
        }
    }

    /// Remembers a byte of a sequence; beyond the cap only that it was too long.
    fn hold(&mut self, byte: u8) {
        if self.held.len() <= SEQUENCE_CAP {
            self.held.push(byte);
        }
    }

    fn paste<'a>(&mut self, bytes: &'a [u8], out: &mut Vec<Piece>) -> &'a [u8] {
        let State::Paste { text, dropped, matched, stalled } = &mut self.state else { return bytes };
        if *stalled && bytes.first() == Some(&INTERRUPT) {
            self.state = State::Ground;
            return bytes;
        }
        let mut keep = |bytes: &[u8]| {
            let room = PASTE_CAP.saturating_sub(text.len()).min(bytes.len());
            text.extend_from_slice(bytes.get(..room).unwrap_or_default());
            *dropped += bytes.len() - room;
        };
        let Some((&byte, rest)) = bytes.split_first() else { return bytes };
        if *matched == 0 {
            let end = bytes.iter().position(|byte| *byte == ESC).unwrap_or(bytes.len());
            let (before, from) = bytes.split_at(end);
            keep(before);
            *matched = usize::from(!from.is_empty());
            return from.get(1..).unwrap_or_default();
        }
        if PASTE_END.get(*matched) != Some(&byte) {
            // No end after all: what looked like one is text.
            keep(PASTE_END.get(..*matched).unwrap_or_default());
            *matched = 0;
            return bytes;
        }
        *matched += 1;
        if *matched == PASTE_END.len() {
            let (mut text, dropped) = (std::mem::take(text), *dropped);
            if let Err(error) = std::str::from_utf8(&text)
                && error.error_len().is_none()
            {
                text.truncate(error.valid_up_to());
            }
            out.push(Piece::Paste { text: String::from_utf8_lossy(&text).into_owned(), dropped });
            self.state = State::Ground;
        }
        rest
    }
}

/// Whether a byte behind an escape byte opens something that other bytes must end.
const fn is_opener(byte: Option<&u8>) -> bool {
    matches!(byte, Some(b'[' | b'O' | b']' | b'P' | b'_' | b'^' | b'X'))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What comes of chunks that come `gap` ms apart, and of the silence behind them.
    fn pieces(chunks: &[&[u8]], gap: u64) -> Vec<Piece> {
        let (mut sequences, mut out, mut now) = (Sequences::default(), Vec::new(), Duration::ZERO);
        for chunk in chunks {
            now += Duration::from_millis(gap);
            sequences.feed(chunk, now, &mut out);
        }
        while let Some(at) = sequences.deadline() {
            sequences.expire(at, &mut out);
        }
        out
    }

    fn text(bytes: &[u8]) -> Piece {
        Piece::Text(bytes.to_vec())
    }

    const REPLIES: [&[u8]; 9] = [
        b"\x1b[?62;22c",
        b"\x1b[>41;380;0c",
        b"\x1b[?2026;2$y",
        b"\x1b]11;rgb:0000/cccc/0000\x1b\\",
        b"\x1b]10;rgb:qqqq/qqqq/qqqq\x07",
        b"\x1bP>|XTerm(380) q c\x1b\\",
        b"\x1b_Gi=31;OK q\x1b\\",
        b"\x1b^private q\x1b\\",
        b"\x1bXstring q\x1b\\",
    ];

    #[test]
    fn no_part_of_a_reply_is_a_key_wherever_the_link_cuts_it() {
        for reply in REPLIES {
            for gap in [0, 30, 200, 900] {
                for cut in 1..reply.len() {
                    let (head, tail) = reply.split_at(cut);
                    let seen = pieces(&[head, tail, b"j"], gap);
                    // Only the escape byte alone may be taken for the key, once its time is over.
                    let rest: Vec<_> = seen.into_iter().filter(|piece| *piece != Piece::Escape).collect();
                    let is_reply = |piece: &Piece| matches!(piece, Piece::Sequence(bytes) if bytes == reply);
                    let (replies, keys): (Vec<_>, Vec<_>) = rest.into_iter().partition(is_reply);
                    assert!(replies.len() <= 1);
                    assert_eq!(keys, [text(b"j")], "{} cut at {cut}, {gap} ms", reply.escape_ascii());
                }
            }
            for gap in [30, 200] {
                let bytes: Vec<&[u8]> = reply.chunks(1).collect();
                let seen = pieces(&bytes, gap);
                assert!(!seen.iter().any(|p| matches!(p, Piece::Text(_))), "{} {seen:?}", reply.escape_ascii());
            }
        }
    }

    #[test]
    fn a_reply_whose_rest_is_lost_is_dropped_and_keys_count_again() {
        for reply in REPLIES {
            for cut in 2..reply.len() {
                let (mut sequences, mut out) = (Sequences::default(), Vec::new());
                sequences.feed(&reply[..cut], Duration::ZERO, &mut out);
                sequences.feed(b"j", Duration::from_secs(6), &mut out);
                assert_eq!(out.last(), Some(&text(b"j")), "{} cut at {cut}", reply.escape_ascii());
                assert!(out.len() == 1 || out[0] == Piece::Escape, "{out:?}");
            }
        }
    }

    #[test]
    fn esc_answers_at_once_and_gets_out_of_everything() {
        let esc_and_j = [Piece::Escape, text(b"j")];
        let mut sequences = Sequences::default();
        let mut out = Vec::new();
        sequences.feed(b"\x1b", Duration::ZERO, &mut out);
        assert_eq!(sequences.deadline(), Some(ESCAPE_DELAY));
        assert_eq!(pieces(&[b"\x1b", b"j"], 100), esc_and_j);
        assert_eq!(pieces(&[b"\x1b", b"["], 100), [Piece::Escape, text(b"[")], "typed, with nothing behind it");
        assert_eq!(pieces(&[b"\x1b]11;", b"\x1b", b"j"], 300), esc_and_j);
        assert_eq!(pieces(&[b"\x1b]11;", b"\x03"], 300), [text(b"\x03")]);
        assert_eq!(pieces(&[b"\x1b[200~half", b"\x1b", b"j"], 4000), esc_and_j);
        assert_eq!(pieces(&[b"\x1b\x1b[A"], 0), [Piece::Escape, Piece::Sequence(b"\x1b[A".to_vec())]);
    }

    #[test]
    fn a_paste_is_never_keys_and_what_is_beyond_its_cap_is_counted() {
        let paste = |text: &str, dropped| Piece::Paste { text: text.to_owned(), dropped };
        for gap in [0, 30, 4000] {
            assert_eq!(pieces(&[b"\x1b[200~y\x1b[20", b"x\x1b[2", b"01~j"], gap), [paste("y\x1b[20x", 0), text(b"j")]);
        }
        let long = [b"\x1b[200~".as_slice(), "\u{e9}x".repeat(300_000).as_bytes(), b"\x1b[201~j"].concat();
        let chunks: Vec<&[u8]> = long.chunks(4096).collect();
        let seen = pieces(&chunks, 1);
        let Some(Piece::Paste { text: kept, dropped }) = seen.first() else { panic!("{:?}", seen.first()) };
        assert!(kept.len() > PASTE_CAP - 4 && kept.len() <= PASTE_CAP && *dropped == 900_000 - PASTE_CAP);
        assert_eq!(seen[1..], [text(b"j")]);
    }
}
