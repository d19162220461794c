//! Writes frames on a thread of its own, one at a time. While a slow link still takes a frame, the loop does not draw the
//! next one; keys are never blocked by it.

use std::os::fd::{AsFd, OwnedFd};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{SyncSender, sync_channel};

use crate::runtime::inbox::{Control, Inbox};

/// Begin and end of a synchronized update (DEC private mode 2026): a frame appears whole or not at all.
const BEGIN: &[u8] = b"\x1b[?2026h";
const END: &[u8] = b"\x1b[?2026l";

pub struct Writer {
    frames: SyncSender<Vec<u8>>,
    busy: Arc<AtomicBool>,
}

impl Writer {
    #[must_use]
    pub fn spawn(tty: Arc<OwnedFd>, inbox: Inbox) -> Self {
        let (frames, queue) = sync_channel::<Vec<u8>>(1);
        let busy = Arc::new(AtomicBool::new(false));
        let done = busy.clone();
        std::thread::spawn(move || {
            for frame in queue {
                let written = write_all(&tty, &frame);
                done.store(false, Ordering::Release);
                inbox.control(if written { Control::Drawn } else { Control::TerminalLost });
                if !written {
                    return;
                }
            }
        });
        Self { frames, busy }
    }

    /// Whether a frame is still on its way.
    #[must_use]
    pub fn is_busy(&self) -> bool {
        self.busy.load(Ordering::Acquire)
    }

    /// Hands over a frame; an empty one writes nothing at all.
    pub fn send(&self, cells: &[u8]) {
        if cells.is_empty() {
            return;
        }
        let frame = [BEGIN, cells, END].concat();
        self.busy.store(true, Ordering::Release);
        if self.frames.try_send(frame).is_err() {
            self.busy.store(false, Ordering::Release);
        }
    }
}

fn write_all(tty: &OwnedFd, mut bytes: &[u8]) -> bool {
    while !bytes.is_empty() {
        match rustix::io::write(tty.as_fd(), bytes) {
            Ok(written) => bytes = bytes.get(written..).unwrap_or_default(),
            Err(rustix::io::Errno::INTR) => {}
            Err(_) => return false,
        }
    }
    true
}
