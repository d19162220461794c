//! Watches: what changed since a resource version, one JSON document per line.
//!
//! Bookmarks, the end of the initial events and expiry are as a real API server sends them (facts/controlplane.md part
//! 4, Watch and 410), except that bookmarks come every few seconds and not every minute: they are how a client sees
//! that a quiet watch is alive.

use std::collections::HashMap;
use std::io;
use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use axum::response::Response;
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream};
use tokio::time::Instant;
use tokio_util::io::ReaderStream;

use crate::demo::production::Production;
use crate::demo::store::kube::{Change, ChangeKind, Kube};

use super::Api;
use super::accept::Form;
use super::encode::Encoder;
use super::failure::Failure;
use super::list::{Scope, key};
use super::query::Query;
use crate::demo::store::json::{set, text};

const BOOKMARK_EVERY: Duration = Duration::from_secs(3);
const DEFAULT_TIMEOUT: Duration = Duration::from_secs(30 * 60);
/// What may wait unread in a slow client's connection.
const BUFFER: usize = 256 * 1024;

/// Answers with the events, as they come.
pub fn start(api: &Api, scope: Scope, query: &Query, encoder: Encoder) -> Result<Response, Failure> {
    let (at, initial) = api.production.read(|world| beginning(&world.stores.kube, &scope, query))?;
    let now = Instant::now();
    let mut watch = Watch {
        production: api.production.clone(),
        encoder,
        at,
        seen: HashMap::new(),
        bookmarks: query.bookmarks,
        ends: now + query.timeout.unwrap_or(DEFAULT_TIMEOUT),
        headed: false,
        scope,
    };
    watch.remember_matches();
    let end_marker = query.initial_events && query.bookmarks;
    let (reader, writer) = tokio::io::duplex(BUFFER);
    // A client that goes away ends the task with a failing write, which is of interest to nobody.
    tokio::spawn(async move { watch.run(writer, initial, end_marker).await.ok() });
    let mut response = Response::new(Body::from_stream(ReaderStream::new(reader)));
    response
        .headers_mut()
        .insert(axum::http::header::CONTENT_TYPE, axum::http::HeaderValue::from_static("application/json"));
    Ok(response)
}

/// The version from which changes are sent, and what is sent before as if it had just been added.
fn beginning(kube: &Kube, scope: &Scope, query: &Query) -> Result<(u64, Vec<Arc<Value>>), Failure> {
    let newest = kube.version();
    let everything = || kube.list(scope.resource.gvr).filter(|object| scope.takes(object)).cloned().collect();
    match query.version {
        Some(asked) if asked > newest => Err(Failure::too_large(asked, newest)),
        Some(asked) if asked > 0 && !query.initial_events => Ok((asked, Vec::new())),
        _ => Ok((newest, everything())),
    }
}

struct Watch {
    production: Arc<Production>,
    scope: Scope,
    encoder: Encoder,
    /// Changes up to this version have been sent.
    at: u64,
    /// With a selector: which objects matched when last looked at. One that stops matching is deleted to this client.
    seen: HashMap<(String, String), bool>,
    bookmarks: bool,
    ends: Instant,
    /// Whether a table has had its column definitions.
    headed: bool,
}

/// What the store has to say next.
enum News {
    Changes(Vec<Change>, u64),
    /// Some of the changes are forgotten: the newest version that could still be watched from.
    Expired(u64),
}

impl Watch {
    async fn run(mut self, mut out: DuplexStream, initial: Vec<Arc<Value>>, end_marker: bool) -> io::Result<()> {
        let mut versions = self.production.versions();
        let mut lines = Vec::new();
        for object in &initial {
            self.event(&mut lines, "ADDED", object);
        }
        if end_marker {
            self.bookmark(&mut lines, true);
        }
        let mut bookmark = tokio::time::interval_at(Instant::now() + BOOKMARK_EVERY, BOOKMARK_EVERY);
        loop {
            match self.news() {
                News::Changes(changes, newest) => {
                    changes.iter().for_each(|change| self.change(&mut lines, change));
                    self.at = newest;
                }
                News::Expired(newest) => {
                    let status = Failure::expired(self.at, newest).status();
                    line(&mut lines, "ERROR", |out| out.extend_from_slice(status.to_string().as_bytes()));
                    return out.write_all(&lines).await;
                }
            }
            if !lines.is_empty() {
                out.write_all(&lines).await?;
                lines.clear();
            }
            tokio::select! {
                changed = versions.changed() => if changed.is_err() { return Ok(()) },
                _ = bookmark.tick() => if self.bookmarks { self.bookmark(&mut lines, false) },
                () = tokio::time::sleep_until(self.ends) => {
                    if self.bookmarks {
                        self.bookmark(&mut lines, false);
                        out.write_all(&lines).await?;
                    }
                    return Ok(());
                }
                _ = out.read_u8() => return Ok(()),
            }
        }
    }

    fn news(&self) -> News {
        self.production.read(|world| {
            let kube = &world.stores.kube;
            match kube.changes_since(self.at) {
                Some(changes) => {
                    let ours = changes.filter(|change| change.gvr == self.scope.resource.gvr);
                    News::Changes(ours.cloned().collect(), kube.version())
                }
                None => News::Expired(kube.version()),
            }
        })
    }

    /// With a selector, notes what matched at the version that the watch begins from, as far as the store still shows.
    fn remember_matches(&mut self) {
        if !self.scope.selects() {
            return;
        }
        let (scope, at) = (&self.scope, self.at);
        self.seen = self.production.read(|world| {
            let unchanged = |object: &&Arc<Value>| {
                text(object, "/metadata/resourceVersion").parse().is_ok_and(|version: u64| version <= at)
            };
            world
                .stores
                .kube
                .list(scope.resource.gvr)
                .filter(unchanged)
                .map(|o| (owned_key(o), scope.takes(o)))
                .collect()
        });
    }

    fn change(&mut self, lines: &mut Vec<u8>, change: &Change) {
        let matches = self.scope.takes(&change.object);
        if !self.scope.selects() {
            if matches {
                self.event(lines, word(change.kind), &change.object);
            }
            return;
        }
        let before = match change.kind {
            ChangeKind::Deleted => self.seen.remove(&owned_key(&change.object)),
            ChangeKind::Added | ChangeKind::Modified => self.seen.insert(owned_key(&change.object), matches),
        };
        let event = match (change.kind, before, matches) {
            (ChangeKind::Added, _, false) | (ChangeKind::Modified | ChangeKind::Deleted, Some(false), false) => return,
            (ChangeKind::Modified, Some(false), true) => "ADDED",
            (ChangeKind::Modified, _, false) => "DELETED",
            (kind, _, _) => word(kind),
        };
        self.event(lines, event, &change.object);
    }

    fn event(&mut self, lines: &mut Vec<u8>, event: &str, object: &Value) {
        let definitions = !std::mem::replace(&mut self.headed, true);
        self.encoder.now = self.production.clock().now();
        line(lines, event, |out| self.encoder.object(out, object, definitions));
    }

    fn bookmark(&self, lines: &mut Vec<u8>, end_of_initial: bool) {
        let mut metadata = json!({"resourceVersion": self.at.to_string(), "creationTimestamp": null});
        if end_of_initial {
            set(&mut metadata, &["annotations"], json!({"k8s.io/initial-events-end": "true"}));
        }
        let (kind, version) = (self.scope.resource.kind, self.scope.resource.api_version());
        let object = match self.encoder.form {
            Form::Table => json!({
                "kind": "Table", "apiVersion": "meta.k8s.io/v1", "metadata": {"resourceVersion": self.at.to_string()},
                "columnDefinitions": null,
                "rows": [{"cells": [], "object": {
                    "kind": "PartialObjectMetadata", "apiVersion": "meta.k8s.io/v1", "metadata": metadata}}],
            }),
            Form::Metadata => {
                json!({"kind": "PartialObjectMetadata", "apiVersion": "meta.k8s.io/v1", "metadata": metadata})
            }
            _ => json!({"kind": kind, "apiVersion": version, "metadata": metadata}),
        };
        line(lines, "BOOKMARK", |out| out.extend_from_slice(object.to_string().as_bytes()));
    }
}

fn owned_key(object: &Value) -> (String, String) {
    let (namespace, name) = key(object);
    (namespace.to_owned(), name.to_owned())
}

fn word(kind: ChangeKind) -> &'static str {
    match kind {
        ChangeKind::Added => "ADDED",
        ChangeKind::Modified => "MODIFIED",
        ChangeKind::Deleted => "DELETED",
    }
}

fn line(lines: &mut Vec<u8>, event: &str, object: impl FnOnce(&mut Vec<u8>)) {
    lines.extend_from_slice(format!(r#"{{"type":"{event}","object":"#).as_bytes());
    object(lines);
    lines.extend_from_slice(b"}\n");
}
