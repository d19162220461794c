//! Why something could not be recorded, in words.

use std::io;
use std::path::{Path, PathBuf};

use crate::domain::text::Shown;
use crate::shown;

/// Nothing was recorded. Nothing may be sent on the strength of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum JournalFault {
    /// The folder or a file in it cannot be made or opened.
    Unwritable { path: PathBuf, why: String },
    /// No room. What was half written has been taken back; it may be tried again.
    Full { path: PathBuf },
    /// A write failed and was taken back; it may be tried again.
    Write { path: PathBuf, why: String },
    /// The disk did not confirm. This stream takes nothing more.
    Sync { path: PathBuf, why: String },
    /// A half-written line could not be taken back. This stream takes nothing more.
    Torn { path: PathBuf, why: String },
    /// The record is over the longest line.
    TooLong { bytes: usize },
}

impl JournalFault {
    /// Whether the stream is lost and a new one must be opened.
    #[must_use]
    pub const fn ends_the_stream(&self) -> bool {
        matches!(self, Self::Sync { .. } | Self::Torn { .. } | Self::Unwritable { .. })
    }

    /// What failed, where, and what to do: one sentence for the screen.
    #[must_use]
    pub fn sentence(&self) -> Shown {
        let at = |path: &Path| Shown::of(&path.display().to_string());
        let why = |why: &str| Shown::of(why);
        match self {
            Self::Unwritable { path, why: reason } => {
                shown!("the audit trail cannot be written at {}: {}; nothing is sent", at(path), why(reason))
            }
            Self::Full { path } => {
                shown!("the audit trail has no room at {}: free some, then try again; nothing is sent", at(path))
            }
            Self::Write { path, why: reason } => {
                shown!("the audit trail could not be written at {}: {}; nothing is sent", at(path), why(reason))
            }
            Self::Sync { path, why: reason } => {
                shown!("the disk did not confirm the audit trail at {}: {}; nothing is sent", at(path), why(reason))
            }
            Self::Torn { path, why: reason } => {
                shown!("a line of the audit trail at {} is torn: {}; nothing is sent", at(path), why(reason))
            }
            Self::TooLong { bytes } => {
                shown!("a record of {} bytes is over the longest line of the audit trail; nothing is sent", *bytes)
            }
        }
    }
}

impl std::fmt::Display for JournalFault {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.sentence().fmt(f)
    }
}

impl std::error::Error for JournalFault {}

/// For what is done with a path.
pub fn unwritable(path: &Path) -> impl FnOnce(io::Error) -> JournalFault {
    |error| match is_full(&error) {
        true => JournalFault::Full { path: path.to_owned() },
        false => JournalFault::Unwritable { path: path.to_owned(), why: error.to_string() },
    }
}

/// No space, over the quota, or over the largest file this process may write.
pub fn is_full(error: &io::Error) -> bool {
    use io::ErrorKind as Kind;
    matches!(error.kind(), Kind::StorageFull | Kind::QuotaExceeded | Kind::FileTooLarge)
}
