//! systemd-journald by its native protocol: one datagram of fields (systemd, `docs/JOURNAL_NATIVE_PROTOCOL.md`). The whole
//! line goes along. A line is at most 64 KiB, under the default socket buffer, so the memfd of larger entries is not needed.

use std::path::{Path, PathBuf};

use super::syslog::local;
use super::{Sink, Untaken, headline, one_by_one, parsed, socket_fault};
use crate::audit::journal::Receipt;
use crate::audit::record::ActionId;
use crate::domain::error::Fault;
use crate::domain::text::{Raw, Shown};

/// The usual socket.
pub const SOCKET: &str = "/run/systemd/journal/socket";

/// Sends to one socket, opened anew for every line.
#[derive(Debug)]
pub struct Journald {
    path: PathBuf,
}

impl Journald {
    #[must_use]
    pub fn new(path: &Path) -> Self {
        Self { path: path.to_owned() }
    }

    fn fault(&self, error: &std::io::Error) -> Fault {
        socket_fault(&self.path.display().to_string(), error)
    }

    fn send(&self, receipt: &Receipt) -> Result<(), Fault> {
        let line = parsed(receipt)?;
        let stored = String::from_utf8_lossy(&receipt.line);
        let action = line.record.action.as_ref().map(ActionId::as_str).unwrap_or_default();
        let head = &receipt.head;
        let (words, seq, hash) = (headline(&line), head.seq.to_string(), head.hash.to_string());
        // Every value is one line of ASCII, so the simple form of a field will do.
        let fields = [
            ("MESSAGE", words.as_str()),
            ("PRIORITY", "5"),
            ("SYSLOG_IDENTIFIER", "tierdeck"),
            ("SYSLOG_FACILITY", "10"),
            ("TIERDECK_KIND", line.record.event.kind()),
            ("TIERDECK_ACTION", action),
            ("TIERDECK_STREAM", head.stream.as_str()),
            ("TIERDECK_SEQ", &seq),
            ("TIERDECK_HASH", &hash),
            ("TIERDECK_LINE", stored.trim_end()),
        ];
        let entry: String = fields.iter().map(|(name, value)| format!("{name}={value}\n")).collect();
        let sent = local(&self.path).and_then(|socket| socket.send(entry.as_bytes()));
        sent.map(drop).map_err(|error| self.fault(&error))
    }
}

impl Sink for Journald {
    fn endpoint(&self) -> Raw {
        Raw::from(self.path.display().to_string())
    }

    fn take(&mut self, lines: &[Receipt]) -> Result<(), Untaken> {
        one_by_one(lines, |line| self.send(line))
    }

    fn check(&mut self) -> Result<Option<Shown>, Fault> {
        local(&self.path).map(|_| None).map_err(|error| self.fault(&error))
    }
}
