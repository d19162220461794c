//! Lines of commands on standard input. What cannot be one is answered and passed over; a demo in the background of a shell
//! leaves the terminal alone, because to read it there is to be stopped.

use std::collections::VecDeque;
use std::io;
use std::time::Duration;

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::process::getpgrp;
use rustix::termios::tcgetpgrp;

/// The longest line, bytes.
const LONGEST: usize = 4096;
/// So often one in the background looks whether it has been brought to the front.
const LOOK: Duration = Duration::from_millis(500);

/// A line, or why it is none.
pub type Line = Result<String, &'static str>;

/// The lines that have come, and the one that is coming.
#[derive(Default)]
pub struct Commands {
    lines: VecDeque<Line>,
    begun: Vec<u8>,
    is_too_long: bool,
    is_closed: bool,
}

impl Commands {
    /// Waits for the next line; `None` when standard input is closed.
    ///
    /// # Errors
    /// Standard input cannot be read.
    pub fn next(&mut self) -> io::Result<Option<Line>> {
        let mut bytes = [0u8; 4096];
        while self.lines.is_empty() && !self.is_closed {
            let count = read(&mut bytes)?;
            self.feed(bytes.get(..count).unwrap_or_default());
        }
        Ok(self.lines.pop_front())
    }

    /// Takes what was read; nothing is the end.
    fn feed(&mut self, bytes: &[u8]) {
        for byte in bytes {
            match byte {
                b'\n' => self.end_line(),
                _ if self.begun.len() < LONGEST => self.begun.push(*byte),
                _ => self.is_too_long = true,
            }
        }
        if bytes.is_empty() {
            self.is_closed = true;
            if !self.begun.is_empty() {
                self.end_line();
            }
        }
    }

    fn end_line(&mut self) {
        let line = std::mem::take(&mut self.begun);
        let line = match (std::mem::take(&mut self.is_too_long), String::from_utf8(line)) {
            (true, _) => Err("that line is longer than any command (4096 bytes)"),
            (false, Err(_)) => Err("that line is not UTF-8 text"),
            (false, Ok(line)) => Ok(line),
        };
        self.lines.push_back(line);
    }
}

/// Reads once there is something to read for us.
fn read(bytes: &mut [u8]) -> io::Result<usize> {
    let stdin = rustix::stdio::stdin();
    loop {
        // No terminal, or not ours: then nobody stops us for reading.
        let is_background = tcgetpgrp(stdin).is_ok_and(|front| front != getpgrp());
        let mut ready = [PollFd::new(&stdin, PollFlags::IN)];
        if is_background {
            std::thread::sleep(LOOK);
            continue;
        }
        match poll(&mut ready, Timespec::try_from(LOOK).ok().as_ref()) {
            Ok(0) | Err(rustix::io::Errno::INTR) => continue,
            _ => {}
        }
        match rustix::io::read(stdin, &mut *bytes) {
            Err(rustix::io::Errno::INTR | rustix::io::Errno::AGAIN) => {}
            result => return Ok(result?),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_line_is_said_and_the_next_one_counts() {
        let mut commands = Commands::default();
        commands.feed(b"stop prom");
        commands.feed(b"etheus\r\n\xff\xfe\n");
        for _ in 0..300 {
            commands.feed(&[b'x'; 4096]);
        }
        commands.feed(b"\nspeed 2");
        assert!(commands.begun.len() <= LONGEST);
        commands.feed(b"");
        let lines: Vec<_> = std::mem::take(&mut commands.lines).into();
        let seen: Vec<_> = lines.iter().map(|line| line.as_deref().unwrap_or("error")).collect();
        assert_eq!(seen, ["stop prometheus\r", "error", "error", "speed 2"]);
        assert!(commands.is_closed);
    }
}
