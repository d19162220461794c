//! Reads the terminal on a thread of its own. It polls the descriptor itself, because a terminal that is gone must end
//! the program and not spin (facts/trust.md A1), and it drops replies a terminal sends late instead of taking them for
//! keys.

use std::os::fd::{AsFd, OwnedFd};
use std::sync::Arc;
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use termina::event::{KeyCode, KeyEvent, KeyEventKind, Modifiers};
use termina::{Event, Parser};

use super::sequences::{Piece, Sequences};
use crate::input::{Key, KeyName};
use crate::runtime::inbox::{Control, Inbox, Input};

pub fn spawn(tty: Arc<OwnedFd>, inbox: Inbox) {
    std::thread::spawn(move || {
        let mut source = Reader::new(tty);
        while source.round(&inbox) {}
        inbox.control(Control::TerminalLost);
    });
}

struct Reader {
    tty: Arc<OwnedFd>,
    begun: Instant,
    sequences: Sequences,
    /// Of what is outside every sequence: a character may come in parts.
    text: Parser,
}

impl Reader {
    fn new(tty: Arc<OwnedFd>) -> Self {
        Self { tty, begun: Instant::now(), sequences: Sequences::default(), text: Parser::default() }
    }

    /// Waits for bytes once; false when the terminal is gone.
    fn round(&mut self, inbox: &Inbox) -> bool {
        let timeout = self.sequences.deadline().map(|at| at.saturating_sub(self.begun.elapsed()));
        // Rounded up, so that what is due has come when the wait is over.
        let timeout = timeout.and_then(|left| Timespec::try_from(left + Duration::from_micros(100)).ok());
        let mut ready = [PollFd::new(&self.tty, PollFlags::IN)];
        let mut pieces = Vec::new();
        match poll(&mut ready, timeout.as_ref()) {
            Ok(0) => {
                self.sequences.expire(self.begun.elapsed(), &mut pieces);
                self.deliver(pieces, inbox);
                return true;
            }
            Ok(_) => {}
            Err(rustix::io::Errno::INTR) => return true,
            Err(_) => return false,
        }
        let mut bytes = [0u8; 4096];
        match rustix::io::read(self.tty.as_fd(), &mut bytes) {
            Ok(0) => return false,
            Ok(count) => {
                let bytes = bytes.get(..count).unwrap_or_default();
                self.sequences.feed(bytes, self.begun.elapsed(), &mut pieces);
            }
            Err(rustix::io::Errno::INTR | rustix::io::Errno::AGAIN) => return true,
            Err(_) => return false,
        }
        self.deliver(pieces, inbox);
        true
    }

    fn deliver(&mut self, pieces: Vec<Piece>, inbox: &Inbox) {
        for piece in pieces {
            match piece {
                Piece::Text(bytes) => {
                    self.text.parse(&bytes, true);
                    keys(&mut self.text, inbox);
                }
                Piece::Sequence(bytes) => {
                    // Each sequence is whole: what the parser makes nothing of must not wait for the next one.
                    let mut parser = Parser::default();
                    parser.parse(&bytes, false);
                    keys(&mut parser, inbox);
                }
                Piece::Escape => inbox.input(Input::Key(Key::plain(KeyName::Escape))),
                Piece::Paste { text, dropped } => inbox.input(Input::Paste { text, dropped }),
            }
        }
    }
}

/// Hands on what are keys. Replies of the terminal, focus and mouse are none.
fn keys(parser: &mut Parser, inbox: &Inbox) {
    while let Some(event) = parser.pop() {
        if let Event::Key(key) = event
            && let Some(key) = key_of(key)
        {
            inbox.input(Input::Key(key));
        }
    }
}

fn key_of(event: KeyEvent) -> Option<Key> {
    if event.kind == KeyEventKind::Release {
        return None;
    }
    let name = match event.code {
        KeyCode::Char(c) => KeyName::Char(c),
        KeyCode::Enter => KeyName::Enter,
        KeyCode::Escape => KeyName::Escape,
        KeyCode::Tab if event.modifiers.contains(Modifiers::SHIFT) => KeyName::BackTab,
        KeyCode::Tab => KeyName::Tab,
        KeyCode::BackTab => KeyName::BackTab,
        KeyCode::Backspace => KeyName::Backspace,
        KeyCode::Delete => KeyName::Delete,
        KeyCode::Up => KeyName::Up,
        KeyCode::Down => KeyName::Down,
        KeyCode::Left => KeyName::Left,
        KeyCode::Right => KeyName::Right,
        KeyCode::Home => KeyName::Home,
        KeyCode::End => KeyName::End,
        KeyCode::PageUp => KeyName::PageUp,
        KeyCode::PageDown => KeyName::PageDown,
        KeyCode::Function(n) => KeyName::Function(n),
        _ => return None,
    };
    Some(Key {
        name,
        control: event.modifiers.contains(Modifiers::CONTROL),
        alt: event.modifiers.contains(Modifiers::ALT),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_pastes_and_late_replies_are_told_apart() {
        let (input, output) = rustix::pipe::pipe().unwrap();
        let inbox = Inbox::default();
        let mut reader = Reader::new(Arc::new(input));
        for chunk in ["j\u{e9}\x1b[A", "\x1b[1;5C\x1bOP\x1b[?2026;2$y", "\x1b[200~y\r\x1b[201~", "G\r", "\x1b"] {
            rustix::io::write(&output, chunk.as_bytes()).unwrap();
            assert!(reader.round(&inbox));
        }
        // The escape delay passes with nothing to read.
        assert!(reader.round(&inbox));
        let seen = inbox.take(Duration::ZERO).input.into_iter().map(|input| match input {
            Input::Key(key) => key.to_string(),
            Input::Paste { text, .. } => format!("paste {text}"),
        });
        assert_eq!(seen.collect::<Vec<_>>(), ["j", "\u{e9}", "up", "^right", "F1", "paste y\r", "G", "enter", "esc"]);
    }

    #[test]
    fn a_terminal_that_is_gone_ends_the_reader() {
        let (input, output) = rustix::pipe::pipe().unwrap();
        drop(output);
        assert!(!Reader::new(Arc::new(input)).round(&Inbox::default()));
    }
}
