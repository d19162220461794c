//! Writes frames on a thread of its own, one at a time. While a slow link still takes a frame, the loop does not draw the
//! next one; keys are never blocked by it.

use std::os::fd::{AsFd, OwnedFd};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{SyncSender, sync_channel};

use base64::Engine;

use super::guard;
use crate::runtime::inbox::{Control, Inbox};

/// Begin and end of a synchronized update (DEC private mode 2026): a frame appears whole or not at all.
const BEGIN: &[u8] = b"\x1b[?2026h";
const END: &[u8] = b"\x1b[?2026l";

pub struct Writer {
    frames: SyncSender<(u64, Vec<u8>)>,
    busy: Arc<AtomicBool>,
}

impl Writer {
    #[must_use]
    pub fn spawn(tty: Arc<OwnedFd>, inbox: Inbox) -> Self {
        let (frames, queue) = sync_channel::<(u64, Vec<u8>)>(1);
        let busy = Arc::new(AtomicBool::new(false));
        let done = busy.clone();
        std::thread::spawn(move || {
            for (era, frame) in queue {
                let written = write_all(&tty, &frame, era);
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

    /// Puts text on the clipboard of the terminal (OSC 52), where the terminal allows it.
    pub fn copy(&self, text: &str) {
        let text = base64::engine::general_purpose::STANDARD.encode(text);
        self.send(format!("\x1b]52;c;{text}\x07").as_bytes());
    }

    /// Hands over a frame; an empty one writes nothing at all, nor does one for a terminal that has been given back.
    pub fn send(&self, cells: &[u8]) {
        let Some(era) = guard::era().filter(|_| !cells.is_empty()) else { return };
        let frame = [BEGIN, cells, END].concat();
        self.busy.store(true, Ordering::Release);
        if self.frames.try_send((era, frame)).is_err() {
            self.busy.store(false, Ordering::Release);
        }
    }
}

/// Writes a frame, or as much of it as is wanted; false when the terminal is gone.
fn write_all(tty: &OwnedFd, mut bytes: &[u8], era: u64) -> bool {
    while !bytes.is_empty() {
        match guard::write_frame(tty.as_fd(), bytes, era) {
            Ok(Some(written)) => bytes = bytes.get(written..).unwrap_or_default(),
            Ok(None) => return true,
            Err(_) => return false,
        }
    }
    true
}
