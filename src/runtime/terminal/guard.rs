//! Raw mode and the alternate screen, undone exactly once on every way out: quit, panic, signals, suspension.

use std::fs::File;
use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::termios::{OptionalActions, Termios, tcgetattr, tcgetwinsize, tcsetattr};

/// Alternate screen, hidden cursor, bracketed paste.
const ENTER: &[u8] = b"\x1b[?1049h\x1b[?25l\x1b[?2004h";
/// The reverse, with attributes reset and synchronized output ended in case a frame was cut.
const LEAVE: &[u8] = b"\x1b[?2026l\x1b[0m\x1b[?2004l\x1b[?25h\x1b[?1049l";
/// A terminal that does not take our last bytes within this time is given up.
const PATIENCE: Duration = Duration::from_millis(50);

/// What is needed to give the terminal back, reachable from the panic hook.
struct Saved {
    tty: Arc<OwnedFd>,
    termios: Termios,
}

static SAVED: Mutex<Option<Saved>> = Mutex::new(None);

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
        write_patiently(self.tty.as_fd(), ENTER);
        Ok(())
    }

    #[must_use]
    pub fn input(&self) -> Arc<OwnedFd> {
        self.tty.clone()
    }

    /// Columns and lines; 80x24 when the terminal does not say.
    #[must_use]
    pub fn size(&self) -> (u16, u16) {
        match tcgetwinsize(self.tty.as_fd()) {
            Ok(size) if size.ws_col > 0 && size.ws_row > 0 => (size.ws_col, size.ws_row),
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
    write_patiently(saved.tty.as_fd(), LEAVE);
    // A terminal that is gone cannot be restored, and nobody is there to be told.
    let _ = tcsetattr(saved.tty.as_fd(), OptionalActions::Now, &saved.termios);
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
