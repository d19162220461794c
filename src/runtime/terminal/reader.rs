//! Reads the terminal on a thread of its own. It polls the descriptor itself, because a terminal that is gone must end
//! the program and not spin (facts/trust.md A1), and it drops replies a terminal sends late instead of taking them for
//! keys.

use std::os::fd::{AsFd, OwnedFd};
use std::sync::Arc;
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use termina::event::{KeyCode, KeyEvent, KeyEventKind, Modifiers};
use termina::{Event, Parser};

use crate::input::{Key, KeyName};
use crate::runtime::inbox::{Control, Inbox, Input};

/// A lone escape byte is the key when nothing follows within this time.
const ESCAPE_DELAY: Duration = Duration::from_millis(25);
/// An unfinished sequence (a reply cut by the link) is forgotten after this time.
const UNFINISHED: Duration = Duration::from_millis(500);

pub fn spawn(tty: Arc<OwnedFd>, inbox: Inbox) {
    std::thread::spawn(move || {
        let mut source = Reader { tty, parser: Parser::default(), unfinished_since: None };
        while source.round(&inbox) {}
        inbox.control(Control::TerminalLost);
    });
}

struct Reader {
    tty: Arc<OwnedFd>,
    parser: Parser,
    unfinished_since: Option<Instant>,
}

impl Reader {
    /// Waits for bytes once; false when the terminal is gone.
    fn round(&mut self, inbox: &Inbox) -> bool {
        let timeout = self.unfinished_since.map(|_| ESCAPE_DELAY);
        let mut ready = [PollFd::new(&self.tty, PollFlags::IN)];
        let timeout = timeout.and_then(|t| Timespec::try_from(t).ok());
        match poll(&mut ready, timeout.as_ref()) {
            Ok(0) => {
                self.parser.parse(&[], false);
                let waited = self.unfinished_since.is_some_and(|since| since.elapsed() >= UNFINISHED);
                if self.deliver(inbox) || waited {
                    self.unfinished_since = None;
                    if waited {
                        self.parser = Parser::default();
                    }
                }
                return true;
            }
            Ok(_) => {}
            Err(rustix::io::Errno::INTR) => return true,
            Err(_) => return false,
        }
        let mut bytes = [0u8; 4096];
        match rustix::io::read(self.tty.as_fd(), &mut bytes) {
            Ok(0) => return false,
            Ok(count) => self.parser.parse(bytes.get(..count).unwrap_or_default(), true),
            Err(rustix::io::Errno::INTR | rustix::io::Errno::AGAIN) => return true,
            Err(_) => return false,
        }
        self.deliver(inbox);
        self.unfinished_since = Some(Instant::now());
        true
    }

    fn deliver(&mut self, inbox: &Inbox) -> bool {
        let mut any = false;
        while let Some(event) = self.parser.pop() {
            any = true;
            match event {
                Event::Key(key) => {
                    if let Some(key) = key_of(key) {
                        inbox.input(Input::Key(key));
                    }
                }
                Event::Paste(text) => inbox.input(Input::Paste(text)),
                // Replies of the terminal (CSI, OSC, DCS), focus and mouse are no keys.
                _ => {}
            }
        }
        any
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

    fn keys(chunks: &[&[u8]]) -> Vec<String> {
        let (input, output) = rustix::pipe::pipe().unwrap();
        let inbox = Inbox::default();
        let mut reader = Reader { tty: Arc::new(input), parser: Parser::default(), unfinished_since: None };
        for chunk in chunks {
            rustix::io::write(&output, chunk).unwrap();
            assert!(reader.round(&inbox));
        }
        // The escape delay passes with nothing to read.
        assert!(reader.round(&inbox));
        let batch = inbox.take(Duration::ZERO);
        batch
            .input
            .into_iter()
            .map(|input| match input {
                Input::Key(key) => key.to_string(),
                Input::Paste(text) => format!("paste {text}"),
            })
            .collect()
    }

    #[test]
    fn keys_pastes_and_late_replies_are_told_apart() {
        assert_eq!(keys(&[b"jG\r"]), ["j", "G", "enter"]);
        assert_eq!(keys(&[b"\x1b"]), ["esc"]);
        assert_eq!(keys(&[b"\x1b", b"[A"]), ["up"], "an escape sequence cut by the link is one key");
        assert_eq!(keys(&[b"\x1b[200~y\r\x1b[201~"]), ["paste y\r"]);
        assert_eq!(keys(&[b"\x1b]11;rgb:0000/cccc/0000\x1b\\j"]), ["j"], "a late colour reply is no key");
        assert_eq!(keys(&[b"\x1b[?62;22c\x1b[?2026;2$yj"]), ["j"]);
    }

    #[test]
    fn a_terminal_that_is_gone_ends_the_reader() {
        let (input, output) = rustix::pipe::pipe().unwrap();
        drop(output);
        let mut reader = Reader { tty: Arc::new(input), parser: Parser::default(), unfinished_since: None };
        assert!(!reader.round(&Inbox::default()));
    }
}
