//! The read client: GET, and POST only where the API asks a question by POST.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures::{AsyncBufRead, TryStreamExt};
use http::response::Parts;
use http::{Method, Request, header};
use http_body_util::{BodyExt, LengthLimitError, Limited};
use kube::Client;
use kube::client::Body;
use serde::Deserialize;
use serde_json::value::RawValue;

use super::fault;
use super::plugin::Plugin;
use super::wire::{lax, lossy, place};
use crate::clients::web;
use crate::domain::error::{Fault, FaultKind};
use crate::domain::secret::Secrets;
use crate::domain::settings::ServiceProxy;
use crate::domain::text::{Raw, Shown};
use crate::shown;

pub use super::connect::Connector;
pub use super::follow::{Change, Follow, Seen, follow};
pub use super::objects::*;

/// Deadline of one page of a list.
const LIST: Duration = Duration::from_secs(15);
/// Deadline of a small question (`/version`, a self review).
pub const QUESTION: Duration = Duration::from_secs(3);
/// Largest page of a list, in bytes after decompression: 500 pods of 43 KiB are 21 MiB.
const LARGEST_PAGE: usize = 64 << 20;
/// Largest answer to a small question, and largest error.
const LARGEST_ANSWER: usize = 1 << 20;
/// Objects in a page.
const PAGE: u32 = 500;

/// An open cluster. Cheap to clone; all clones share connections and credentials.
#[derive(Clone)]
pub struct Connection {
    client: Client,
    server: Raw,
    endpoint: Raw,
    cluster: Raw,
    /// Where credentials come from a program.
    plugin: Option<Arc<Plugin>>,
    /// What must not be told, whoever repeats it.
    secrets: Arc<Secrets>,
}

/// A collection of the API.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Resource {
    /// `/api/v1` or `/apis/GROUP/VERSION`.
    pub api: &'static str,
    pub plural: &'static str,
    pub namespaced: bool,
    /// `fieldSelector`, already encoded; may be empty.
    pub fields: &'static str,
}

impl Resource {
    /// The path of the collection, in one namespace or in all.
    #[must_use]
    pub fn path(&self, namespace: Option<&str>) -> String {
        match namespace {
            Some(namespace) if self.namespaced => {
                format!("{}/namespaces/{}/{}", self.api, segment(namespace), self.plural)
            }
            _ => format!("{}/{}", self.api, self.plural),
        }
    }
}

/// One path segment, percent-encoded.
#[must_use]
pub fn segment(text: &str) -> String {
    form_urlencoded::byte_serialize(text.as_bytes()).collect::<String>().replace('+', "%20")
}

/// One page of a list; its objects are parsed one by one, so that a broken one costs only itself.
#[derive(Debug)]
pub struct Page {
    body: String,
    items: Vec<std::ops::Range<usize>>,
    pub version: String,
    /// Where the next page starts; empty on the last one.
    pub next: String,
}

impl Page {
    /// The JSON text of each object.
    pub fn items(&self) -> impl Iterator<Item = &str> {
        self.items.iter().filter_map(|range| self.body.get(range.clone()))
    }
}

#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase", bound(deserialize = "'de: 'a"))]
struct ListMeta<'a> {
    resource_version: Str<'a>,
    #[serde(rename = "continue")]
    next: Str<'a>,
}

#[derive(Deserialize)]
#[serde(bound(deserialize = "'de: 'a"))]
struct List<'a> {
    #[serde(default, deserialize_with = "lax")]
    metadata: ListMeta<'a>,
    /// `null` when there is none; absent when this is not a list.
    items: Option<Vec<&'a RawValue>>,
}

#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase", bound(deserialize = "'de: 'a"))]
struct Version<'a> {
    git_version: Str<'a>,
}

#[derive(Default, Deserialize)]
#[serde(default, bound(deserialize = "'de: 'a"))]
struct SelfReview<'a> {
    #[serde(deserialize_with = "lax")]
    status: SelfReviewStatus<'a>,
}

#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase", bound(deserialize = "'de: 'a"))]
struct SelfReviewStatus<'a> {
    #[serde(deserialize_with = "lax")]
    user_info: UserInfo<'a>,
}

#[derive(Default, Deserialize)]
#[serde(default, bound(deserialize = "'de: 'a"))]
struct UserInfo<'a> {
    username: Str<'a>,
}

impl Connection {
    pub(super) fn new(
        client: Client,
        (server, endpoint): (Raw, Raw),
        cluster: Raw,
        plugin: Option<Arc<Plugin>>,
    ) -> Self {
        Self { client, server, endpoint, cluster, plugin, secrets: Arc::default() }
    }

    /// The same, keeping these out of every answer that is an error.
    pub(super) fn hiding(self, secrets: Secrets) -> Self {
        Self { secrets: Arc::new(secrets), ..self }
    }

    /// An error's text without our credentials: servers, and what stands before them, may repeat our request in it.
    pub(super) fn without_secrets(&self, body: Bytes) -> Bytes {
        crate::clients::web::without(&self.secrets, body)
    }

    /// Sends a request with the credentials as they are now.
    ///
    /// # Errors
    /// Nothing was sent when the cause is a [`Fault`]: there were no credentials to send it with.
    pub(super) async fn send(&self, mut request: Request<Body>) -> Result<http::Response<Body>, kube::Error> {
        if let Some(plugin) = &self.plugin {
            let header = plugin.header().await.map_err(|fault| kube::Error::Service(Box::new(fault)))?;
            request.headers_mut().extend(header.map(|header| (header::AUTHORIZATION, header)));
        }
        self.client.send(request).await
    }

    /// `host:port`.
    #[must_use]
    pub fn server(&self) -> &Raw {
        &self.server
    }

    /// The server's URL, as a person would paste it.
    #[must_use]
    pub fn endpoint(&self) -> &Raw {
        &self.endpoint
    }

    /// The cluster's name in the kubeconfig.
    #[must_use]
    pub fn cluster(&self) -> &Raw {
        &self.cluster
    }

    /// The server's version (`v1.36.3`): the cheapest proof that it is alive and accepts who we are.
    ///
    /// # Errors
    /// Any [`Fault`] of the connection, within 3 s.
    pub async fn version(&self) -> Result<Raw, Fault> {
        let text = self.get("/version", LARGEST_ANSWER, QUESTION).await?;
        let version: Version<'_> =
            serde_json::from_str(&text).map_err(|_| fault::malformed(&self.server, "its version is not JSON"))?;
        Ok(Raw::new(&version.git_version))
    }

    /// Who the server takes us for (SelfSubjectReview, authentication.k8s.io/v1).
    ///
    /// # Errors
    /// Any [`Fault`] of the connection, within 3 s.
    pub async fn username(&self) -> Result<Raw, Fault> {
        let path = "/apis/authentication.k8s.io/v1/selfsubjectreviews";
        let body = br#"{"apiVersion":"authentication.k8s.io/v1","kind":"SelfSubjectReview"}"#;
        let request = self.question(Method::POST, path, "application/json", body.to_vec())?;
        let text = lossy(self.fetch(request, LARGEST_ANSWER, QUESTION).await?);
        let review: SelfReview<'_> =
            serde_json::from_str(&text).map_err(|_| fault::malformed(&self.server, "its review is not JSON"))?;
        Ok(Raw::new(&review.status.user_info.username))
    }

    /// One page of a collection, from the start or from where the last one ended.
    ///
    /// # Errors
    /// [`FaultKind::Forbidden`] in words that name resource and place; [`FaultKind::Missing`] when the API is not
    /// there; any other [`Fault`] of the connection.
    pub async fn page(&self, resource: &Resource, namespace: Option<&str>, from: &str) -> Result<Page, Fault> {
        let mut path = format!("{}?limit={PAGE}", resource.path(namespace));
        if !from.is_empty() {
            path.push_str("&continue=");
            path.push_str(&segment(from));
        }
        if !resource.fields.is_empty() {
            path.push_str("&fieldSelector=");
            path.push_str(resource.fields);
        }
        let body = self
            .get(&path, LARGEST_PAGE, LIST)
            .await
            .map_err(|fault| name_refusal(fault, "list", resource, namespace))?;
        let cut = || fault::malformed(&self.server, "a list is cut or not JSON");
        let list: List<'_> = serde_json::from_str(&body).map_err(|_| cut())?;
        let items = list.items.unwrap_or_default().into_iter().map(|item| place(&body, item)).collect();
        let (version, next) = (list.metadata.resource_version.to_string(), list.metadata.next.to_string());
        Ok(Page { body, items, version, next })
    }

    /// Opens a watch from `version` on; the caller reads lines from it.
    pub(super) async fn watch(
        &self,
        resource: &Resource,
        namespace: Option<&str>,
        version: &str,
        timeout: Duration,
    ) -> Result<impl AsyncBufRead + Send + use<>, Fault> {
        let mut path = format!(
            "{}?watch=true&allowWatchBookmarks=true&timeoutSeconds={}&resourceVersion={}",
            resource.path(namespace),
            timeout.as_secs(),
            segment(version)
        );
        if !resource.fields.is_empty() {
            path.push_str("&fieldSelector=");
            path.push_str(resource.fields);
        }
        let request = Request::get(path)
            .header(header::ACCEPT, "application/json")
            .header(header::ACCEPT_ENCODING, "identity")
            .body(Vec::new())
            .map_err(|_| self.unusable())?;
        match tokio::time::timeout(CONNECTED, self.answer(request)).await {
            Ok(Ok(body)) => Ok(body.into_data_stream().map_err(std::io::Error::other).into_async_read()),
            Ok(Err(fault)) => Err(name_refusal(fault, "watch", resource, namespace)),
            Err(_) => Err(self.silent(CONNECTED)),
        }
    }

    /// Sends a reading request as it is; a status that is an error is an answer. For what stands behind the service
    /// proxy, which words its own errors.
    ///
    /// # Errors
    /// [`FaultKind::Usage`] for what the read client does not send, else any [`Fault`] of the connection.
    pub(super) async fn exchange(
        &self,
        request: Request<Body>,
        largest: usize,
    ) -> Result<http::Response<Bytes>, Fault> {
        if !permitted(request.method(), request.uri().path()) {
            return Err(refused(request.method(), request.uri().path()));
        }
        let response = self.send(request).await.map_err(|error| fault::request(&self.server, &error))?;
        let (parts, body) = response.into_parts();
        let body = self.limited(body, largest).await?;
        let body = if parts.status.is_success() { body } else { self.without_secrets(body) };
        Ok(http::Response::from_parts(parts, body))
    }

    /// The whole of a body that is not larger than `largest` bytes.
    async fn limited(&self, body: Body, largest: usize) -> Result<Bytes, Fault> {
        let read = Limited::new(body, largest).collect().await;
        read.map(http_body_util::Collected::to_bytes).map_err(|error| match error.is::<LengthLimitError>() {
            true => fault::too_large(&self.server, largest),
            false => fault::transport(&self.server, &*error),
        })
    }

    /// The body of an answer that is a success.
    async fn answer(&self, request: Request<Vec<u8>>) -> Result<Body, Fault> {
        self.success(request).await.map(|(_, body)| body)
    }

    async fn success(&self, request: Request<Vec<u8>>) -> Result<(Parts, Body), Fault> {
        let request = request.map(Body::from);
        let response = self.send(request).await.map_err(|error| fault::request(&self.server, &error))?;
        let (parts, body) = response.into_parts();
        if !parts.status.is_client_error() && !parts.status.is_server_error() {
            return Ok((parts, body));
        }
        let body = self.without_secrets(self.limited(body, LARGEST_ANSWER).await?);
        Err(fault::answer(&self.server, parts.status.as_u16(), &body))
    }

    /// GET of an object, or of a list of few, as JSON text.
    ///
    /// # Errors
    /// Any [`Fault`] of the connection; [`FaultKind::Missing`] for what does not exist.
    pub async fn object(&self, path: &str, deadline: Duration) -> Result<String, Fault> {
        self.get(path, LARGEST_PAGE, deadline).await
    }

    /// GET of an object as JSON text, and when the server answered by its own clock, in ms since the Unix epoch.
    ///
    /// # Errors
    /// As [`Self::object`].
    pub async fn dated_object(&self, path: &str, deadline: Duration) -> Result<(String, Option<i64>), Fault> {
        let request = self.question(Method::GET, path, "", Vec::new())?;
        let answer = async {
            let (parts, body) = self.success(request).await?;
            let date = parts.headers.get(header::DATE).and_then(|value| value.to_str().ok()).and_then(web::date);
            Ok((lossy(self.limited(body, LARGEST_ANSWER).await?.into()), date))
        };
        tokio::time::timeout(deadline, answer).await.unwrap_or_else(|_| Err(self.silent(deadline)))
    }

    /// A question about ourselves that the API wants as POST (access reviews), as JSON text.
    ///
    /// # Errors
    /// [`FaultKind::Usage`] for what the read client does not send, else any [`Fault`] of the connection.
    pub async fn review(&self, path: &str, body: Vec<u8>, deadline: Duration) -> Result<String, Fault> {
        let request = self.question(Method::POST, path, "application/json", body)?;
        self.fetch(request, LARGEST_ANSWER, deadline).await.map(lossy)
    }

    /// GET of a path as text.
    async fn get(&self, path: &str, largest: usize, deadline: Duration) -> Result<String, Fault> {
        let request = self.question(Method::GET, path, "", Vec::new())?;
        self.fetch(request, largest, deadline).await.map(lossy)
    }

    fn question(&self, method: Method, path: &str, content: &str, body: Vec<u8>) -> Result<Request<Vec<u8>>, Fault> {
        if !permitted(&method, path) {
            return Err(refused(&method, path));
        }
        let mut request = Request::builder().method(method).uri(path).header(header::ACCEPT, "application/json");
        if !content.is_empty() {
            request = request.header(header::CONTENT_TYPE, content);
        }
        request.body(body).map_err(|_| self.unusable())
    }

    async fn fetch(&self, request: Request<Vec<u8>>, largest: usize, deadline: Duration) -> Result<Vec<u8>, Fault> {
        let answer = async { self.limited(self.answer(request).await?, largest).await.map(Vec::from) };
        tokio::time::timeout(deadline, answer).await.unwrap_or_else(|_| Err(self.silent(deadline)))
    }

    pub(super) fn silent(&self, deadline: Duration) -> Fault {
        fault::silent(&self.server, self.plugin.as_ref().map(|plugin| plugin.program()).as_ref(), deadline)
    }

    /// The fault of an answer that is not what the API promises.
    #[must_use]
    pub fn malformed(&self, what: &'static str) -> Fault {
        fault::malformed(&self.server, what)
    }

    pub(super) fn status(&self, code: u16, message: &str) -> Fault {
        fault::status(&self.server, code, &self.secrets.masked(message), None)
    }

    pub(super) fn cut(&self, error: &std::io::Error) -> Fault {
        fault::transport(&self.server, error)
    }

    pub(super) fn unusable(&self) -> Fault {
        Fault::new(
            FaultKind::Usage,
            shown!("kubernetes {}: a request cannot be written", self.server),
            Shown::fixed("check namespaces in [[kubernetes]]"),
        )
    }
}

/// Deadline until a watch answers with its headers.
const CONNECTED: Duration = Duration::from_secs(5);

/// What the read client may send: GET, questions about ourselves, and Prometheus queries through the proxy.
fn permitted(method: &Method, path: &str) -> bool {
    let asks_about_us = path
        .split_once("/selfsubject")
        .is_some_and(|(_, rest)| !rest.contains('/') && matches!(rest, "reviews" | "accessreviews" | "rulesreviews"));
    let queries = path.contains("/proxy/")
        && ["/api/v1/query", "/api/v1/query_range", "/api/v1/series", "/api/v1/labels"]
            .iter()
            .any(|q| path.ends_with(q));
    *method == Method::GET || (*method == Method::POST && (asks_about_us || queries))
}

fn refused(method: &Method, path: &str) -> Fault {
    Fault::new(
        FaultKind::Usage,
        shown!("the read client does not send {} {}", Raw::new(method.as_str()), Raw::new(path)),
        Shown::fixed("changes go through an operation"),
    )
}

/// Path of a service's root behind the proxy.
pub(super) fn proxy_base(proxy: &ServiceProxy) -> String {
    let (namespace, service) = (segment(&proxy.namespace), segment(&proxy.service));
    format!("/api/v1/namespaces/{namespace}/services/{service}:{}/proxy", proxy.port)
}

/// A 403 on a collection, told by verb, resource and place instead of in the server's long sentence.
fn name_refusal(fault: Fault, verb: &'static str, resource: &Resource, namespace: Option<&str>) -> Fault {
    if fault.kind != FaultKind::Forbidden {
        return fault;
    }
    let place = match namespace {
        Some(namespace) if resource.namespaced => shown!("in {}", Raw::new(namespace)),
        _ => Shown::fixed("at cluster scope"),
    };
    fault::forbidden(verb, resource.plural, &place)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_reads_leave() {
        let review = "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews";
        let query = "/api/v1/namespaces/m/services/p:9090/proxy/api/v1/query";
        let cases = [
            (Method::GET, "/api/v1/pods", true),
            (Method::POST, review, true),
            (Method::POST, "/apis/authentication.k8s.io/v1/selfsubjectreviews", true),
            (Method::POST, query, true),
            (Method::POST, "/api/v1/namespaces/a/pods", false),
            (Method::POST, "/api/v1/namespaces/selfsubjectreviews/pods", false),
            (Method::POST, "/api/v1/namespaces/a/pods/p/eviction", false),
            (Method::POST, "/api/v1/namespaces/m/services/p:9090/proxy/-/reload", false),
            (Method::PATCH, "/api/v1/pods", false),
            (Method::DELETE, review, false),
            (Method::PUT, "/api/v1/pods", false),
        ];
        for (method, path, expected) in cases {
            assert_eq!(permitted(&method, path), expected, "{method} {path}");
        }
    }

    #[test]
    fn names_cannot_leave_their_segment() {
        let pods = Resource { api: "/api/v1", plural: "pods", namespaced: true, fields: "" };
        assert_eq!(pods.path(Some("shop")), "/api/v1/namespaces/shop/pods");
        assert_eq!(pods.path(Some("a/../b?x=1")), "/api/v1/namespaces/a%2F..%2Fb%3Fx%3D1/pods");
        assert_eq!(pods.path(None), "/api/v1/pods");
    }
}
