//! The write client: one request, sent once, with everything that came of it.
//!
//! A status below 500 is a refusal; an error of the server's own, and a reply that is lost, leave open whether it was
//! done (facts/kubernetes.md 0.1). Nothing is tried again.

use std::time::Duration;

use http::{HeaderMap, Method, Request, header};
use http_body_util::{BodyExt, Limited};
use kube::client::{AuthError, Body};
use serde::Deserialize;

use super::fault;
use super::read::{Connection, Connector};
use super::wire::lossy;
use crate::clients::change::{Failure, Reached, never_connected};
use crate::domain::error::{Fault, FaultKind};
use crate::domain::text::{Raw, Shown};
use crate::shown;

/// Deadline of a change with its admission webhooks, which may take 30 s by themselves (the API's own limit).
const DEADLINE: Duration = Duration::from_secs(34);
/// Largest reply that is read: one object.
const LARGEST: usize = 4 << 20;

/// One request that changes something, or, with `dryRun`, would.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Change {
    /// `PATCH`, `POST`, `PUT` or `DELETE`.
    pub method: &'static str,
    /// Path and query, percent-encoded.
    pub path: String,
    pub content_type: &'static str,
    pub body: String,
}

/// The server took it: status 2xx, and no failure in the body.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Accepted {
    pub status: u16,
    /// `Audit-Id`: under which the API server's own audit log has it.
    pub request_id: Option<Raw>,
    /// `Warning` headers (RFC 7234 5.5, facts/controlplane.md 0.6), without code and agent.
    pub warnings: Vec<Shown>,
    /// The object or Status that came back, as JSON text.
    pub body: String,
}

/// An open cluster that takes changes. Not cheap to make: credential plugins run.
#[derive(Clone)]
pub struct Writer {
    connection: Connection,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Status {
    kind: String,
    status: String,
    message: String,
    code: u16,
    details: Option<Details>,
}

/// Other members of it do not matter here; an unknown shape is as good as none.
#[derive(Default, Deserialize)]
#[serde(default)]
struct Details {
    name: String,
    causes: Vec<Cause>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Cause {
    reason: String,
    field: String,
    message: String,
}

impl Status {
    /// A precondition of a patch did not hold. The server does not say which `test` failed (facts/controlplane.md 0.1); a
    /// uid in a merge patch counts as a change of what cannot change.
    fn is_outdated(&self) -> bool {
        let Some(details) = &self.details else { return true };
        let is_bare = details.name.is_empty() && details.causes.is_empty();
        is_bare || details.causes.iter().any(|cause| cause.field == "metadata.uid")
    }

    /// The sentence with the numbers, which the server gives as the cause of its own.
    fn budget(&self) -> Option<&str> {
        let causes = self.details.iter().flat_map(|details| &details.causes);
        causes.filter(|cause| cause.reason == "DisruptionBudget").map(|cause| cause.message.as_str()).next()
    }
}

impl Writer {
    /// Opens the cluster for changes, apart from every connection that reads.
    ///
    /// # Errors
    /// As [`Connector::connect`].
    pub async fn open(connector: &Connector) -> Result<Self, Fault> {
        Ok(Self { connection: connector.connect().await? })
    }

    /// `host:port` of the server that changes go to.
    #[must_use]
    pub fn server(&self) -> &Raw {
        self.connection.server()
    }

    /// Sends it, once, and waits at most 34 s for the answer.
    ///
    /// # Errors
    /// [`Failure`], which says how far it came.
    pub async fn send(&self, change: &Change) -> Result<Accepted, Failure> {
        let nothing = |fault| Failure::unanswered(Reached::Nothing, fault);
        let request = self.request(change).map_err(nothing)?;
        let unknown = |fault| Failure::unanswered(Reached::Unknown, fault);
        tokio::time::timeout(DEADLINE, self.exchange(request))
            .await
            .unwrap_or_else(|_| Err(unknown(self.connection.silent(DEADLINE))))
    }

    /// Sends it as a server dry run: everything is checked and nothing is stored.
    ///
    /// # Errors
    /// [`Failure`]; [`Reached::Nothing`] also for a request that would not be a dry run.
    pub async fn rehearse(&self, change: &Change) -> Result<Accepted, Failure> {
        if !is_rehearsal(change) {
            let fault = Fault::new(
                FaultKind::Usage,
                shown!("{} {} is not a dry run", change.method, Raw::new(&change.path)),
                Shown::fixed("this is a defect; nothing was sent"),
            );
            return Err(Failure::unanswered(Reached::Nothing, fault));
        }
        self.send(change).await
    }

    fn request(&self, change: &Change) -> Result<Request<Body>, Fault> {
        let unusable = || self.connection.unusable();
        let method = Method::from_bytes(change.method.as_bytes()).map_err(|_| unusable())?;
        Request::builder()
            .method(method)
            .uri(&change.path)
            .header(header::ACCEPT, "application/json")
            .header(header::CONTENT_TYPE, change.content_type)
            .body(Body::from(change.body.clone().into_bytes()))
            .map_err(|_| unusable())
    }

    async fn exchange(&self, request: Request<Body>) -> Result<Accepted, Failure> {
        let server = self.connection.server();
        let answer = self.connection.send(request).await.map_err(|error| {
            let reached = if never_left(&error) { Reached::Nothing } else { Reached::Unknown };
            Failure::unanswered(reached, fault::request(server, &error))
        })?;
        let (parts, body) = answer.into_parts();
        let (status, request_id) = (parts.status.as_u16(), request_id(&parts.headers));
        let body = Limited::new(body, LARGEST)
            .collect()
            .await
            .map(|body| lossy(self.connection.without_secrets(body.to_bytes()).to_vec()));
        if parts.status.is_success() {
            // The server has said yes: a body that is cut afterwards takes nothing back.
            let body = body.unwrap_or_default();
            return match failure(&body) {
                None => Ok(Accepted { status, request_id, warnings: warnings(&parts.headers), body }),
                Some(told) => Err(self.refusal(status, request_id, &told)),
            };
        }
        let told = body.ok().and_then(|body| serde_json::from_str(&body).ok()).unwrap_or_default();
        Err(self.refusal(status, request_id, &told))
    }

    fn refusal(&self, status: u16, request_id: Option<Raw>, told: &Status) -> Failure {
        let server = self.connection.server();
        let code = if told.code == 0 { status } else { told.code };
        let fault = match code {
            409 => Fault::new(
                FaultKind::Usage,
                shown!("kubernetes {}: conflict: {}", server, Raw::new(&told.message)),
                Shown::fixed("it was changed by somebody else; look again"),
            ),
            422 if told.is_outdated() => Fault::new(
                FaultKind::Usage,
                shown!("kubernetes {}: what the plan rests on no longer holds", server),
                Shown::fixed("it was changed by somebody else; look again"),
            ),
            429 => Fault::new(
                FaultKind::Throttled,
                shown!("kubernetes {}: {}", server, Raw::new(told.budget().unwrap_or(&told.message))),
                Shown::fixed("a disruption budget or the server's own limit; look again later"),
            ),
            _ => fault::status(server, code, &told.message, None),
        };
        let reached = match code {
            500.. => Reached::Unknown,
            409 => Reached::Outdated,
            422 if told.is_outdated() => Reached::Outdated,
            _ => Reached::Refused,
        };
        Failure { reached, status: Some(status), request_id, fault }
    }
}

fn is_rehearsal(change: &Change) -> bool {
    let query = change.path.split_once('?').map_or("", |(_, query)| query);
    if query.split('&').any(|pair| pair == "dryRun=All") {
        return true;
    }
    // An eviction carries the option in its body.
    let body: serde_json::Value = serde_json::from_str(&change.body).unwrap_or_default();
    change.path.ends_with("/eviction") && body.pointer("/deleteOptions/dryRun") == Some(&serde_json::json!(["All"]))
}

/// A Status that tells a failure under a status of success (facts/kubernetes.md 0.6).
fn failure(body: &str) -> Option<Status> {
    let told: Status = serde_json::from_str(body).unwrap_or_default();
    (told.kind == "Status" && told.status == "Failure").then_some(told)
}

fn request_id(headers: &HeaderMap) -> Option<Raw> {
    headers.get("audit-id").and_then(|value| value.to_str().ok()).map(Raw::new)
}

/// `299 - "unknown field"` to `unknown field`.
fn warnings(headers: &HeaderMap) -> Vec<Shown> {
    let texts = headers.get_all(header::WARNING).iter().filter_map(|value| value.to_str().ok());
    texts.map(|text| Shown::of(text.split_once('"').map_or(text, |(_, quoted)| quoted.trim_end_matches('"')))).collect()
}

/// Whether the request cannot have left: no connection came about, or there were no credentials to send it with.
fn never_left(error: &kube::Error) -> bool {
    let credentials = match error {
        kube::Error::Auth(_) => true,
        kube::Error::Service(cause) => cause.is::<AuthError>() || cause.is::<Fault>(),
        _ => false,
    };
    credentials || never_connected(error)
}

#[cfg(test)]
#[allow(clippy::disallowed_types, clippy::disallowed_methods, reason = "a server that is looked at from outside")]
mod tests {
    use axum::response::IntoResponse;
    use serde_json::json;
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio::net::TcpListener;

    use super::*;
    use crate::clients::egress::Egress;
    use crate::clients::testing;
    use crate::domain::settings::KubernetesSettings;

    fn patch() -> Change {
        Change {
            method: "PATCH",
            path: "/apis/apps/v1/namespaces/shop/deployments/orders/scale?fieldManager=tierdeck".to_owned(),
            content_type: "application/merge-patch+json",
            body: r#"{"spec":{"replicas":4}}"#.to_owned(),
        }
    }

    async fn writer(url: &str) -> Writer {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("config");
        let config = json!({
            "apiVersion": "v1", "kind": "Config", "current-context": "it",
            "clusters": [{"name": "c", "cluster": {"server": url}}],
            "users": [{"name": "u", "user": {}}],
            "contexts": [{"name": "it", "context": {"cluster": "c", "user": "u"}}],
        });
        std::fs::write(&file, config.to_string()).unwrap();
        let settings = KubernetesSettings {
            name: "k8s".to_owned(),
            kubeconfig: Some(file),
            context: None,
            namespaces: Vec::new(),
        };
        Writer::open(&Connector::new(settings, Egress::LoopbackOnly)).await.unwrap()
    }

    #[tokio::test]
    async fn what_was_sent_arrives_once_and_what_came_back_is_kept() {
        let seen = std::sync::Arc::new(std::sync::Mutex::new(Vec::new()));
        let kept = seen.clone();
        let answer = move |request: testing::Seen| {
            kept.lock().unwrap().push(request);
            let headers = [("audit-id", "a-1"), ("warning", "299 - \"unknown field\"")];
            (headers, json!({"kind": "Scale"}).to_string()).into_response()
        };
        let accepted = testing::beside(answer, async |url| writer(&url).await.send(&patch()).await).await.unwrap();
        assert_eq!((accepted.status, accepted.request_id), (200, Some(Raw::new("a-1"))));
        assert_eq!(accepted.warnings, [Shown::of("unknown field")]);
        let seen = seen.lock().unwrap();
        assert_eq!(seen.len(), 1);
        assert_eq!((seen[0].method.as_str(), seen[0].path.as_str()), ("PATCH", patch().path.as_str()));
        assert_eq!(seen[0].headers["content-type"], "application/merge-patch+json");
        assert_eq!(seen[0].headers["user-agent"], concat!("tierdeck/", env!("CARGO_PKG_VERSION")));
    }

    #[tokio::test]
    async fn a_refusal_has_no_effect_and_a_failing_server_may_have_had_one() {
        let cases = [
            (
                409,
                json!({"code": 409, "message": "object has been modified", "details": {}}),
                Reached::Outdated,
                "conflict",
            ),
            (
                422,
                json!({"code": 422, "message": "in our request", "details": {}}),
                Reached::Outdated,
                "no longer holds",
            ),
            (
                422,
                json!({"code": 422, "message": "immutable", "details": {"name": "x", "causes": [{"field": "metadata.uid"}]}}),
                Reached::Outdated,
                "no longer holds",
            ),
            (
                422,
                json!({"code": 422, "message": "must be positive", "details": {"name": "x", "causes": [{"field": "spec.replicas"}]}}),
                Reached::Refused,
                "must be positive",
            ),
            (
                429,
                json!({"code": 429, "message": "it would violate the budget",
                    "details": {"causes": [{"reason": "DisruptionBudget", "message": "needs 5 healthy pods"}]}}),
                Reached::Refused,
                "needs 5 healthy pods",
            ),
            (403, json!({"code": 403, "message": "may not"}), Reached::Refused, "forbidden"),
            (500, json!({"code": 500, "message": "etcd"}), Reached::Unknown, "etcd"),
            (504, json!({"code": 504, "message": "timeout"}), Reached::Unknown, "504"),
            (
                201,
                json!({"kind": "Status", "status": "Failure", "code": 500, "message": "two budgets"}),
                Reached::Unknown,
                "two budgets",
            ),
        ];
        for (status, body, reached, words) in cases {
            let hits = std::sync::Arc::new(std::sync::atomic::AtomicUsize::new(0));
            let counter = hits.clone();
            let answer = move |_| {
                counter.fetch_add(1, std::sync::atomic::Ordering::SeqCst);
                testing::json(status, &body)
            };
            let failure =
                testing::beside(answer, async |url| writer(&url).await.send(&patch()).await).await.unwrap_err();
            assert_eq!((failure.reached, failure.status), (reached, Some(status)), "{status}");
            assert!(failure.fault.what.as_str().contains(words), "{}", failure.fault.what);
            assert_eq!(hits.load(std::sync::atomic::Ordering::SeqCst), 1, "sent once");
        }
    }

    /// A server that reads a whole request, or only takes the connection, and then hangs up.
    async fn hangs_up(reads: bool) -> (String, tokio::task::JoinHandle<usize>) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let server = tokio::spawn(async move {
            let (mut stream, _) = listener.accept().await.unwrap();
            let mut bytes = vec![0; 4096];
            let count = if reads { stream.read(&mut bytes).await.unwrap() } else { 0 };
            let _ = stream.shutdown().await;
            count
        });
        (url, server)
    }

    #[tokio::test]
    async fn a_lost_reply_is_unknown_and_a_refused_connection_is_nothing() {
        let (url, server) = hangs_up(true).await;
        let failure = writer(&url).await.send(&patch()).await.unwrap_err();
        assert!(server.await.unwrap() > 0);
        assert_eq!(failure.reached, Reached::Unknown, "{}", failure.fault.what);
        // Nobody listens there any more.
        let failure = writer(&url).await.send(&patch()).await.unwrap_err();
        assert_eq!(failure.reached, Reached::Nothing, "{}", failure.fault.what);
    }

    #[tokio::test]
    async fn only_a_dry_run_is_rehearsed() {
        let writer = writer("http://127.0.0.1:9").await;
        let real = writer.rehearse(&patch()).await.unwrap_err();
        assert!(real.fault.what.as_str().contains("is not a dry run"), "{}", real.fault.what);
        let evict = |options| Change {
            method: "POST",
            path: "/api/v1/namespaces/shop/pods/a/eviction".to_owned(),
            content_type: "application/json",
            body: json!({ "deleteOptions": options }).to_string(),
        };
        assert!(is_rehearsal(&Change { path: format!("{}&dryRun=All", patch().path), ..patch() }));
        assert!(is_rehearsal(&evict(json!({"dryRun": ["All"]}))));
        assert!(!is_rehearsal(&evict(json!({"delete_options": ["All"]}))));
        assert!(!is_rehearsal(&Change { path: "/x?dryRun=None".to_owned(), ..patch() }));
    }
}
