//! List, then watch, for as long as the caller listens: an explicit machine over one collection.
//!
//! 410 lists again, the end of a watch resumes it, a refusal is reported and asked again after a minute, anything else
//! is tried three times (facts/kubernetes.md 2.1, facts/controlplane.md 4).

use std::pin::Pin;
use std::time::Duration;

use futures::stream::{BoxStream, unfold};
use futures::{AsyncBufRead, AsyncBufReadExt};
use serde::Deserialize;
use serde_json::value::RawValue;
use tokio::time::Instant;

use super::read::{Connection, Page, Resource};
use super::wire::{Str, lax, lossy, place};
use crate::domain::error::{Fault, FaultKind};

/// How long one watch lasts; below a minute, so that a silent drop cannot last longer.
const WATCH: Duration = Duration::from_secs(50);
/// A watch that ends this soon did not work.
const AT_ONCE: Duration = Duration::from_secs(1);
/// When a refused or missing collection is asked for again.
const ASK_AGAIN: Duration = Duration::from_secs(60);
/// Failures in a row that are borne: they last about 1.5 s.
const BORNE: u32 = 3;
/// Longest line that is read; an object is below 1.5 MiB, escaping may double it.
pub(super) const LONGEST: usize = 8 << 20;

/// What following a collection yields.
#[derive(Debug)]
pub enum Seen {
    /// A page of a list; `first` begins anew, what is not listed again until `last` is gone.
    Page {
        page: Page,
        first: bool,
        last: bool,
    },
    Change(Change),
    /// A bookmark, or the orderly end of a watch: nothing new, but the server is there.
    Alive,
    /// A line that is not an event; the collection is listed again.
    Unreadable,
}

/// One object that was added, modified or deleted.
#[derive(Debug)]
pub struct Change {
    pub deleted: bool,
    line: String,
    object: std::ops::Range<usize>,
}

impl Change {
    /// The object's JSON text.
    #[must_use]
    pub fn object(&self) -> &str {
        self.line.get(self.object.clone()).unwrap_or_default()
    }
}

type Lines = Pin<Box<dyn AsyncBufRead + Send>>;

enum Step {
    List { from: String },
    Open { version: String },
    Read { version: String, lines: Lines, opened: Instant },
    Pause,
}

/// The machine; made by [`follow`].
pub struct Follow {
    connection: Connection,
    resource: Resource,
    namespace: Option<String>,
    step: Step,
    failures: u32,
}

/// Follows a collection. The stream ends after a fault that is not [`FaultKind::Forbidden`] or [`FaultKind::Missing`].
#[must_use]
pub fn follow(
    connection: Connection,
    resource: Resource,
    namespace: Option<String>,
) -> BoxStream<'static, Result<Seen, Fault>> {
    let machine = Follow { connection, resource, namespace, step: Step::List { from: String::new() }, failures: 0 };
    Box::pin(unfold(Some(machine), |machine| async {
        let mut machine = machine?;
        match machine.next().await {
            Ok(seen) => Some((Ok(seen), Some(machine))),
            Err(fault) if matches!(fault.kind, FaultKind::Forbidden | FaultKind::Missing) => {
                machine.step = Step::Pause;
                Some((Err(fault), Some(machine)))
            }
            Err(fault) => Some((Err(fault), None)),
        }
    }))
}

#[derive(Deserialize)]
#[serde(bound(deserialize = "'de: 'a"))]
struct Line<'a> {
    #[serde(rename = "type", default)]
    kind: Str<'a>,
    #[serde(borrow)]
    object: &'a RawValue,
}

#[derive(Default, Deserialize)]
#[serde(default, bound(deserialize = "'de: 'a"))]
struct Versioned<'a> {
    #[serde(deserialize_with = "lax")]
    metadata: VersionedMeta<'a>,
    #[serde(deserialize_with = "lax")]
    code: u16,
    message: Str<'a>,
}

#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase", bound(deserialize = "'de: 'a"))]
struct VersionedMeta<'a> {
    resource_version: Str<'a>,
}

impl Follow {
    async fn next(&mut self) -> Result<Seen, Fault> {
        loop {
            match std::mem::replace(&mut self.step, Step::Pause) {
                Step::Pause => {
                    tokio::time::sleep(ASK_AGAIN).await;
                    self.list();
                }
                Step::List { from } => match self.connection.page(&self.resource, self.namespace(), &from).await {
                    Ok(page) => {
                        self.failures = 0;
                        return Ok(self.listed(page, from.is_empty()));
                    }
                    // The place to continue from has expired: from the start.
                    Err(fault) if fault.kind == FaultKind::Usage && !from.is_empty() => {
                        self.bear(fault).await?;
                        self.list();
                    }
                    Err(fault) => {
                        self.bear(fault).await?;
                        self.step = Step::List { from };
                    }
                },
                Step::Open { version } => {
                    match self.connection.watch(&self.resource, self.namespace(), &version, WATCH).await {
                        Ok(lines) => {
                            self.step = Step::Read { version, lines: Box::pin(lines), opened: Instant::now() };
                        }
                        // 410 as an answer instead of as an event.
                        Err(fault) if fault.kind == FaultKind::Usage => {
                            self.bear(fault).await?;
                            self.list();
                        }
                        Err(fault) => {
                            self.bear(fault).await?;
                            self.step = Step::Open { version };
                        }
                    }
                }
                Step::Read { version, lines, opened } => {
                    if let Some(seen) = self.read(version, lines, opened).await? {
                        return Ok(seen);
                    }
                }
            }
        }
    }

    fn namespace(&self) -> Option<&str> {
        self.namespace.as_deref()
    }

    fn list(&mut self) {
        self.step = Step::List { from: String::new() };
    }

    fn listed(&mut self, page: Page, first: bool) -> Seen {
        let last = page.next.is_empty();
        self.step =
            if last { Step::Open { version: page.version.clone() } } else { Step::List { from: page.next.clone() } };
        Seen::Page { page, first, last }
    }

    /// Waits a little after a failure; the third in a row is the caller's.
    async fn bear(&mut self, fault: Fault) -> Result<(), Fault> {
        use FaultKind::{Forbidden, Missing, Unauthenticated};
        self.failures += 1;
        if self.failures >= BORNE || matches!(fault.kind, Forbidden | Missing | Unauthenticated) {
            self.failures = 0;
            return Err(fault);
        }
        let wait = fault.retry_after.unwrap_or(Duration::from_millis(300 * u64::from(self.failures)));
        tokio::time::sleep(wait.min(Duration::from_secs(5))).await;
        Ok(())
    }

    async fn read(&mut self, version: String, mut lines: Lines, opened: Instant) -> Result<Option<Seen>, Fault> {
        let mut line = Vec::new();
        let patience = WATCH + Duration::from_secs(5);
        let read = tokio::time::timeout(patience, read_line(&mut lines, &mut line)).await;
        match &read {
            Ok(Ok(true)) => {}
            Ok(Ok(false)) if opened.elapsed() < AT_ONCE => {
                self.bear(self.connection.malformed("a watch ends at once")).await?;
                self.step = Step::Open { version };
                return Ok(None);
            }
            // Its orderly end, or a server that forgot to end it: resume where it stopped.
            Ok(Ok(false)) | Err(_) => {
                self.step = Step::Open { version };
                return Ok(Some(Seen::Alive).filter(|_| read.is_ok()));
            }
            Ok(Err(error)) => {
                self.bear(self.connection.cut(error)).await?;
                self.step = Step::Open { version };
                return Ok(None);
            }
        }
        let line = lossy(line);
        let Ok(event) = serde_json::from_str::<Line<'_>>(&line) else {
            self.bear(self.connection.malformed("a watch sends no events")).await?;
            self.list();
            return Ok(Some(Seen::Unreadable));
        };
        let object: Versioned<'_> = serde_json::from_str(event.object.get()).unwrap_or_default();
        if &*event.kind == "ERROR" {
            if object.code != 410 {
                self.bear(self.connection.status(object.code, &object.message)).await?;
            }
            self.list();
            return Ok(Some(Seen::Alive));
        }
        self.failures = 0;
        let newer = &*object.metadata.resource_version;
        let version = if newer.is_empty() { version } else { newer.to_owned() };
        self.step = Step::Read { version, lines, opened };
        if &*event.kind == "BOOKMARK" {
            return Ok(Some(Seen::Alive));
        }
        let (deleted, object) = (&*event.kind == "DELETED", place(&line, event.object));
        Ok(Some(Seen::Change(Change { deleted, object, line })))
    }
}

/// One line without its end; `false` at the end of the stream (a last line without an end is cut, and dropped).
async fn read_line(lines: &mut Lines, line: &mut Vec<u8>) -> std::io::Result<bool> {
    loop {
        let chunk = lines.fill_buf().await?;
        if chunk.is_empty() {
            return Ok(false);
        }
        let end = chunk.iter().position(|byte| *byte == b'\n');
        let taken = end.map_or(chunk.len(), |at| at + 1);
        line.extend_from_slice(chunk.get(..taken).unwrap_or_default());
        lines.consume_unpin(taken);
        if line.len() > LONGEST {
            return Err(std::io::Error::new(std::io::ErrorKind::FileTooLarge, "a line without end"));
        }
        // Empty lines between events carry nothing.
        if end.is_some() && line.iter().any(|byte| !byte.is_ascii_whitespace()) {
            return Ok(true);
        }
    }
}
