//! The audit trail: what was done to production, by whom, on what grounds and with what effect, in files that show when
//! they were changed (facts/trust.md A2, PRODUCT section 7).
//!
//! # On the disk
//! `$XDG_STATE_HOME/tierdeck/audit/STREAM/000001.jsonl`: a stream is one session's, a line is one record, ASCII JSON. Each
//! line has its own SHA-256 (`digest`, over the bytes before `,"digest"`) and that of the whole line before it (`prev`,
//! its break included): `sed -n 3p FILE | sha256sum` is line 4's `prev`. Folders are 0700, files 0600; the first segment
//! is locked (`flock`) while its session lives, which is how a reader tells in flight from in doubt. A segment of 16 MiB
//! or 24 h is sealed. A session's first line remembers the ends of the 64 newest other streams.
//!
//! **What it shows and what not.** Edits, insertions, reorderings and inner deletions show by themselves. That the newest
//! lines were cut off shows only against a later stream or a copy kept elsewhere (`audit verify --json`, later given as
//! `--checkpoint`); a rewrite of everything by the same user shows only against such a copy.
//!
//! # Modules
//! - [`record`]: closed types, redaction, and [`record::summary`], the rows of lists. All that pure rooms may import.
//! - [`journal`]: the writer. [`verify`]: reads and checks everything. [`query`]: filters, the records of one operation.
//! - [`sinks`]: copies elsewhere, read from what is stored.
//! - [`line`] and [`streams`]: bytes and folders, for those above.
//!
//! # For the runtime's journal thread
//! 1. `Journal::open(Box::new(RealDisk), folder, Opening { .. })` on a thread of its own: it takes milliseconds and syncs.
//!    `now` reads the three clocks (`Clocks::moment`), `facts` is [`journal::host_facts`]. Tell the operator
//!    `Opened::recovered` and `Opened::unreadable`. A fault is no reason to end: reading goes on, nothing may be sent.
//! 2. Then, on another thread, [`history::Reader::read`]: what is in doubt, owed, in flight elsewhere, and what ended while
//!    nobody looked, of the newest streams. Again whenever the trail has changed.
//! 3. Every secret the process reads (bearer files, kubeconfig tokens, AWS credentials): `Journal::know_secret`.
//! 4. For each mutation: [`journal::Journal::intend`] gives a [`journal::Durable`]; the sender takes it by value, holds its
//!    request against `Durable::intent`, calls `spend` and writes the first byte; then `append` of `Sent` and, when the
//!    answer is there, of `Outcome`. No answer: `InDoubt`, and `Resolve { observed: true, .. }` when a read has shown what
//!    happened. The end by observation is `Verify`.
//! 5. A [`journal::JournalFault`] whose `ends_the_stream` is true: drop the journal, open a new one with `continues` set to
//!    the old stream, append the record again there. Never retry on the old one: it refuses. An intent that failed so may
//!    still stand in the old stream: append its `Outcome` with `Class::NotSent`, or it is listed as in doubt. A full disk (`Full`) may be
//!    tried again; a reserve of 1 MiB holds outcomes of what was already sent, and once it is used no intent is taken
//!    until a new journal is opened.
//! 6. In order: `Journal::end`. Dropping it reads as a session that was killed.
//!
//! Break-glass with a broken folder: open a journal in another healthy folder and intend there; the record `break-glass`
//! says why. `audit verify --dir` reads it like any other.
//!
//! # For screens
//! Rows are [`record::summary::Summary`] (`Report::operations`, newest first), filtered by [`query::Filter`]; the detail of
//! one operation is [`query::lines`] with its id; the newest records are [`query::newest`]. All read the disk: an effect,
//! not the loop. Live rows need no disk: feed the [`record::Line`]s of one's own session to [`record::summary::Summaries`].

pub mod history;
pub mod journal;
pub mod line;
pub mod query;
pub mod record;
pub mod sinks;
pub mod streams;
#[cfg(test)]
pub(crate) mod testing;
pub mod verify;
