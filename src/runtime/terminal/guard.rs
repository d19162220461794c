//! Raw mode and the alternate screen, undone exactly once on every way out: quit, panic, signals, suspension.

use std::fs::File;
use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError, TryLockError};
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::termios::{OptionalActions, Termios, tcgetattr, tcgetwinsize, tcsetattr};

/// Alternate screen, hidden cursor, bracketed paste.
const ENTER: &[u8] = b"\x1b[?1049h\x1b[?25l\x1b[?2004h";
/// The reverse, with attributes reset and synchronized output ended in case a frame was cut.
const LEAVE: &[u8] = b"\x1b[?2026l\x1b[0m\x1b[?2004l\x1b[?25h\x1b[?1049l";
/// A terminal that does not take our last bytes within this time is given up.
const PATIENCE: Duration = Duration::from_millis(50);
/// So often a frame that waits for a slow terminal looks whether it is still wanted.
const READY: Duration = Duration::from_millis(100);
/// Bytes of a frame that are written at once.
const CHUNK: usize = 1024;

/// What is needed to give the terminal back, reachable from the panic hook.
struct Saved {
    tty: Arc<OwnedFd>,
    termios: Termios,
}

static SAVED: Mutex<Option<Saved>> = Mutex::new(None);

/// Odd while the terminal is ours; every taking and giving back begins a new era. A frame belongs to the era it was drawn
/// in: no byte of it may reach the shell's screen, nor a screen that has been entered anew.
static ERA: AtomicU64 = AtomicU64::new(0);
/// Held while bytes of a frame are written.
static WRITING: Mutex<()> = Mutex::new(());

/// More of a terminal than this is not drawn on, columns and lines: a size is a number that anybody can set.
pub const LARGEST: (u16, u16) = (1000, 500);

/// The controlling terminal in raw mode. Dropping it gives the terminal back.
pub struct Guard {
    tty: Arc<OwnedFd>,
}

impl Guard {
    /// Opens the controlling terminal and enters raw mode and the alternate screen.
    ///
    /// # Errors
    /// There is no controlling terminal, or it refuses.
    pub fn enter() -> io::Result<Self> {
        let tty = Arc::new(OwnedFd::from(File::options().read(true).write(true).open("/dev/tty")?));
        let guard = Self { tty };
        guard.resume()?;
        Ok(guard)
    }

    /// Enters raw mode again, after [`restore`] or after a stop that we were not asked about (SIGSTOP). What is saved is
    /// kept in the second case: the terminal may still be raw then, and giving that back would restore nothing.
    ///
    /// # Errors
    /// The terminal refuses.
    pub fn resume(&self) -> io::Result<()> {
        let termios = tcgetattr(self.tty.as_fd())?;
        saved().get_or_insert_with(|| Saved { tty: self.tty.clone(), termios: termios.clone() });
        let mut raw = termios;
        raw.make_raw();
        tcsetattr(self.tty.as_fd(), OptionalActions::Flush, &raw)?;
        let _writing = before_writing();
        write_patiently(self.tty.as_fd(), ENTER);
        begin_era(true);
        Ok(())
    }

    #[must_use]
    pub fn input(&self) -> Arc<OwnedFd> {
        self.tty.clone()
    }

    /// Columns and lines, at most [`LARGEST`]; 80x24 when the terminal does not say.
    #[must_use]
    pub fn size(&self) -> (u16, u16) {
        match tcgetwinsize(self.tty.as_fd()) {
            Ok(size) if size.ws_col > 0 && size.ws_row > 0 => (size.ws_col.min(LARGEST.0), size.ws_row.min(LARGEST.1)),
            _ => (80, 24),
        }
    }
}

impl Drop for Guard {
    fn drop(&mut self) {
        restore();
    }
}

/// Gives the terminal back as it was. Does nothing when it is not ours; never blocks on a terminal that is gone.
pub fn restore() {
    let Some(saved) = saved().take() else { return };
    begin_era(false);
    let _writing = before_writing();
    write_patiently(saved.tty.as_fd(), LEAVE);
    // A terminal that is gone cannot be restored, and nobody is there to be told.
    let _ = tcsetattr(saved.tty.as_fd(), OptionalActions::Now, &saved.termios);
}

/// The era of the terminal, when it is ours.
pub fn era() -> Option<u64> {
    Some(ERA.load(Ordering::Acquire)).filter(|era| era % 2 == 1)
}

/// Writes the next bytes of a frame of that era: how many were taken, 0 when the terminal is not ready yet, or `None` when
/// the era is over.
///
/// # Errors
/// The terminal is gone.
pub fn write_frame(tty: BorrowedFd<'_>, bytes: &[u8], of: u64) -> io::Result<Option<usize>> {
    let mut ready = [PollFd::new(&tty, PollFlags::OUT)];
    if matches!(poll(&mut ready, Timespec::try_from(READY).ok().as_ref()), Ok(0) | Err(rustix::io::Errno::INTR)) {
        return Ok((era() == Some(of)).then_some(0));
    }
    let _writing = WRITING.lock().unwrap_or_else(PoisonError::into_inner);
    if era() != Some(of) {
        return Ok(None);
    }
    match rustix::io::write(tty, bytes.get(..CHUNK).unwrap_or(bytes)) {
        Ok(written) => Ok(Some(written)),
        Err(rustix::io::Errno::INTR | rustix::io::Errno::AGAIN) => Ok(Some(0)),
        Err(error) => Err(error.into()),
    }
}

fn begin_era(is_ours: bool) {
    let next = |era: u64| Some(if (era % 2 == 1) == is_ours { era + 2 } else { era + 1 });
    let _ = ERA.fetch_update(Ordering::AcqRel, Ordering::Acquire, next);
}

/// Waits until no frame is being written, but not for a terminal that takes no bytes.
fn before_writing() -> Option<std::sync::MutexGuard<'static, ()>> {
    let begun = Instant::now();
    loop {
        match WRITING.try_lock() {
            Ok(writing) => return Some(writing),
            Err(TryLockError::Poisoned(writing)) => return Some(writing.into_inner()),
            Err(TryLockError::WouldBlock) if begun.elapsed() >= PATIENCE => return None,
            Err(TryLockError::WouldBlock) => std::thread::sleep(Duration::from_millis(1)),
        }
    }
}

fn saved() -> std::sync::MutexGuard<'static, Option<Saved>> {
    SAVED.lock().unwrap_or_else(PoisonError::into_inner)
}

fn write_patiently(tty: BorrowedFd<'_>, mut bytes: &[u8]) {
    let patience = Timespec::try_from(PATIENCE).ok();
    while !bytes.is_empty() {
        let mut ready = [PollFd::new(&tty, PollFlags::OUT)];
        if !matches!(poll(&mut ready, patience.as_ref()), Ok(1..)) {
            return;
        }
        match rustix::io::write(tty, bytes) {
            Ok(written) if written > 0 => bytes = bytes.get(written..).unwrap_or_default(),
            _ => return,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_frame_ends_with_the_era_it_was_drawn_in() {
        let (screen, tty) = rustix::pipe::pipe().unwrap();
        let write = |of| write_frame(tty.as_fd(), &[b'x'; 5000], of).unwrap();
        assert_eq!(era(), None, "a terminal that was never taken is not ours");
        begin_era(true);
        let first = era().unwrap();
        assert_eq!(write(first), Some(CHUNK));
        begin_era(false);
        assert_eq!((era(), write(first)), (None, None));
        begin_era(true);
        assert_eq!(write(first), None, "what was drawn before the stop is not for the new screen");
        begin_era(false);
        assert_eq!(rustix::io::read(&screen, &mut [0u8; 8192]), Ok(CHUNK));
    }
}
