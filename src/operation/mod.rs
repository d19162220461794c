//! Changes to production: planned, guarded, confirmed, sent once, verified, and never forgotten.
//!
//! Pure: no clock, no I/O, no task. Events come in with both clocks ([`policy::Now`]), effects go out as data, and what
//! they bring comes back as events. World time judges ages, verification and retries; human time expiry, dwell and arming.
//!
//! # How the shell drives it
//! - One [`desk::Desk`] in the state. [`desk::Desk::open`] opens a card (the UUIDv7 comes from the shell),
//!   [`desk::Desk::handle`] gives one operation an event, [`desk::Desk::broadcast`] gives all of them [`machine::Event::Tick`]
//!   (once a second of human time, and at [`desk::Desk::wake_at`]) or [`machine::Event::Detached`].
//! - [`policy::Context`] is made anew for each call: board, sources, place, policy, who acts *at the system that owns the
//!   target*, whether production is armed, whether the journal takes records.
//! - What there is to do on a row: [`registry::offers`]; what a TARGET of the command line means: [`registry::find`].
//!
//! | effect | who does it | what comes back |
//! |---|---|---|
//! | `Gather` | reading clients: `ask.http()` gives the Kubernetes request, `ask.read(&json)` its evidence; AWS and probes fill `evidence::aws` | `Gathered` with the same round, for each ask; a 404 is `Found::Missing`, all else that fails `Found::Failed` |
//! | `Lock`, `Unlock` | Lease ([`lease`]) or lock file, renewed every 20 s | `Locked`, `LockRefused`, `LockFailed`, `LockLost` |
//! | `Commit` | the door: durable intent, then the request once | `NotSent` when no byte left, else `Answered`, however late |
//! | `Follow`, `Unfollow` | reading clients, each read at its own pace of world time | `Sighted` for each answer |
//! | `Arm` | the state arms production; the reason is asked afterwards | - |
//! | `Record` | the journal; actor, time and chain are added there | - |
//! | `ExpectRed`, `ExpectedRedOver`, `DebtBooked`, `DebtCleared` | the board's marks, the header | - |
//!
//! A dry run is a *read*: `Gather::DryRun` says its own request with `dryRun=All` (for an eviction in the body). Server
//! `Warning` headers of it go into `Evidence::DryRun { warnings }`, those of the real request into `Answer::Accepted`.
//! An answer to a request is told apart so: 2xx `Accepted` (unless the body is a Status of status Failure); 409, and 422
//! without details, `Conflict`; 429 `NotYet`; any other refusal `Refused`; no answer after the first byte `Lost`.
//!
//! # Life
//! `Draft → Gathering → Guarded | Confirming → Locking → Rechecking → Executing(i of n) → Verifying → Done`
//! - *Guarded* is a card that a guard blocks, or that expired: `Replan`, `Choose`, `BreakGlass` and `Cancel` lead on.
//! - *Confirming* looks again every 15 s: what does not matter is refreshed in place, what matters clears what was typed.
//! - *Rechecking* reads everything again under the lock, dry runs included. Only a plan with the same fingerprint goes on;
//!   what is sent is the new plan's request.
//! - A refused precondition of the first request leads back to the card; nothing is ever sent twice by itself, but an
//!   eviction that was refused because the budget is spent.
//! - *Done* comes from what was observed ([`verify::Outcome`]), never from an HTTP 200.
//!
//! # What an operation is
//! A file in [`ops`]: from a [`ops::Draft`] to a [`plan::Plan`]. Its end state is a [`verify::Goal`], its requests are
//! [`mutation::Mutation`]s, both closed. Requests carry preconditions on what the operator saw as JSON-patch `test`s.
pub mod confirm;
pub mod debts;
pub mod desk;
mod earlier;
pub mod evidence;
pub mod guard;
pub mod lease;
pub mod machine;
pub mod mutation;
pub mod ops;
pub mod plan;
pub mod policy;
pub mod registry;
pub mod scene;
mod scene_words;
pub mod target;
#[cfg(test)]
mod testing;
pub mod verb;
pub mod verify;

#[cfg(test)]
mod tests;
