//! What was asked of the servers that would change something, for tests that count.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, PoisonError};

use axum::body::Body;
use axum::extract::Request;
use axum::http::{Method, header};
use axum::middleware::{Next, from_fn};
use axum::{Router, body};
use serde::Serialize;

use super::production::Production;
use super::world::noise::digest;

/// One request, in the order of arrival.
#[derive(Clone, Debug, Serialize)]
pub struct Seen {
    /// World time, ms since the Unix epoch.
    pub at: i64,
    pub server: &'static str,
    pub method: String,
    /// With its query; for AWS the operation.
    pub path: String,
    pub user_agent: String,
    /// FNV-1a of the body, 16 hexadecimal digits.
    pub body_digest: String,
    pub body: String,
    pub dry_run: bool,
}

/// All of them, shared by the servers.
#[derive(Clone, Debug, Default)]
pub struct Requests {
    seen: Arc<Mutex<Vec<Seen>>>,
    /// Servers that do what they are asked and never say so.
    mute: Arc<Mutex<BTreeSet<String>>>,
}

/// What is kept of a body.
const BODY_LIMIT: usize = 1 << 20;

impl Requests {
    /// Everything seen so far.
    #[must_use]
    pub fn all(&self) -> Vec<Seen> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// From now on a server's answers to changes are held back for ever, or given again. Dry runs and locks are answered.
    pub fn withhold(&self, server: &str, withheld: bool) {
        let mut mute = self.mute.lock().unwrap_or_else(PoisonError::into_inner);
        if withheld {
            mute.insert(server.to_owned());
        } else {
            mute.remove(server);
        }
    }

    fn is_mute(&self, server: &str) -> bool {
        self.mute.lock().unwrap_or_else(PoisonError::into_inner).contains(server)
    }

    /// The router with its requests noted before they are answered.
    pub fn noted(&self, router: Router, server: &'static str, production: &Arc<Production>) -> Router {
        let (log, production) = (self.clone(), production.clone());
        router.layer(from_fn(move |request: Request, next: Next| {
            let (log, production) = (log.clone(), production.clone());
            async move {
                if [Method::GET, Method::HEAD, Method::OPTIONS].contains(request.method()) {
                    return next.run(request).await;
                }
                let (parts, body) = request.into_parts();
                // A body that breaks off is noted as far as it came, and answered as the server sees fit.
                let bytes = body::to_bytes(body, BODY_LIMIT).await.unwrap_or_default();
                let path = parts.uri.path_and_query().map_or("/", |path| path.as_str());
                let text = String::from_utf8_lossy(&bytes).into_owned();
                let mut held = false;
                if let Some(what) = changing(server, path, &text) {
                    let agent = parts.headers.get(header::USER_AGENT).and_then(|value| value.to_str().ok());
                    let dry_run = path.contains("dryRun=All") || text.contains("\"dryRun\":[\"All\"]");
                    held = !dry_run && !path.contains("/leases") && log.is_mute(server);
                    log.seen.lock().unwrap_or_else(PoisonError::into_inner).push(Seen {
                        at: production.clock().now(),
                        server,
                        method: parts.method.to_string(),
                        path: what,
                        user_agent: agent.unwrap_or_default().to_owned(),
                        body_digest: format!("{:016x}", digest(&text)),
                        body: text,
                        dry_run,
                    });
                }
                let answer = next.run(Request::from_parts(parts, Body::from(bytes))).await;
                if held {
                    std::future::pending::<()>().await;
                }
                answer
            }
        }))
    }
}

/// What a request would change, if it would.
fn changing(server: &str, path: &str, body: &str) -> Option<String> {
    match server {
        // Reviews are questions that are posted.
        "kubernetes" => (!path.contains("/selfsubject") && !path.contains("/proxy")).then(|| path.to_owned()),
        "aws" => {
            let action = form_urlencoded::parse(body.as_bytes()).find(|(name, _)| name == "Action")?.1.into_owned();
            let asks = ["Describe", "List", "Get"].iter().any(|verb| action.starts_with(verb));
            (!asks).then_some(action)
        }
        "alertmanager" => Some(path.to_owned()),
        _ => None,
    }
}
