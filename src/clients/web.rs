//! Plain HTTP reading, shared by the clients whose protocol is JSON over HTTP.
//!
//! One call is one request with its own deadline; at most [`IN_FLIGHT`] run at once against a server, bodies are capped,
//! redirects to another host are not followed, and every failure is worded.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::error::Error as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use reqwest::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE, DATE, HeaderMap, HeaderName, HeaderValue, RETRY_AFTER};
use reqwest::{StatusCode, Url, redirect};
use serde::de::DeserializeOwned;
use tokio::sync::Semaphore;

use super::egress::Egress;
use crate::domain::error::{Fault, FaultKind};
use crate::domain::file;
use crate::domain::secret::Secrets;
use crate::domain::text::{Raw, Shown};

/// Requests in flight against one server (facts/signals.md 1.1).
const IN_FLIGHT: usize = 4;
/// The largest body that is read where the protocol needs no larger one.
const BODY_CAP: usize = 16 << 20;
/// The longest wait for a connection.
const CONNECT: Duration = Duration::from_secs(3);
const AGENT: &str = concat!("tierdeck/", env!("CARGO_PKG_VERSION"));
/// A success larger than this is data, in which nobody repeats our headers, in bytes.
const PAGE: usize = 64 << 10;
/// How much of a page that is not JSON is told, in characters.
const FIRST_LINE: usize = 120;

/// Where a server is and how one speaks to it.
#[derive(Clone, Debug)]
pub struct Site {
    /// What it is, in one word: `prometheus`.
    pub what: &'static str,
    /// Base URL, without user and password: credentials come from `headers` or `bearer_file`.
    pub url: String,
    pub headers: BTreeMap<String, String>,
    /// A file whose content is sent as bearer token; read for every request, so that a rotated token is used at once.
    pub bearer_file: Option<PathBuf>,
    /// The largest answer that is read, in bytes after decompression.
    pub largest: usize,
}

impl Default for Site {
    fn default() -> Self {
        let (headers, url) = (BTreeMap::new(), String::new());
        Self { what: "", url, headers, bearer_file: None, largest: BODY_CAP }
    }
}

/// An answer as it came, whatever its status.
#[derive(Clone, Debug)]
pub struct Answer {
    pub status: u16,
    pub content_type: String,
    pub retry_after: Option<Duration>,
    /// The server's clock when it answered, ms since the Unix epoch (RFC 9110 6.6.1).
    pub date: Option<i64>,
    pub body: Bytes,
}

/// Reads from one server.
#[derive(Debug)]
pub struct WebClient {
    http: reqwest::Client,
    base: Url,
    server: Shown,
    bearer_file: Option<PathBuf>,
    slots: Semaphore,
    largest: usize,
    /// What of the headers must not be told.
    secrets: Secrets,
}

impl WebClient {
    /// # Errors
    /// [`FaultKind::Usage`] when the URL or a header is wrong, or the host is outside what `egress` allows.
    pub fn new(site: &Site, egress: Egress) -> Result<Self, Fault> {
        let base = base_url(site)?;
        let host = base.host_str().unwrap_or_default();
        egress.check(host)?;
        let port = base.port_or_known_default().unwrap_or_default();
        let server = crate::shown!("{} {}:{}", site.what, Raw::new(host), port);
        let mut builder = reqwest::Client::builder()
            .user_agent(AGENT)
            .connect_timeout(CONNECT)
            .default_headers(headers(site)?)
            .redirect(redirect::Policy::custom(same_host));
        if egress == Egress::LoopbackOnly {
            builder = builder.no_proxy();
        }
        let http = builder.build().map_err(|error| {
            let why = Raw::new(&error.to_string());
            usage(crate::shown!("no HTTP client for {}: {}", server, why), "check the system's certificates")
        })?;
        let (bearer_file, slots) = (site.bearer_file.clone(), Semaphore::new(IN_FLIGHT));
        let mut secrets = Secrets::default();
        for (_, value) in site.headers.iter().filter(|(name, _)| is_telling(name)) {
            secrets.know(value.rsplit(' ').next().unwrap_or(value));
            secrets.know(value);
        }
        Ok(Self { http, base, server, bearer_file, slots, largest: site.largest, secrets })
    }

    /// What and where, for messages: `prometheus 10.0.0.5:9090`.
    #[must_use]
    pub const fn server(&self) -> &Shown {
        &self.server
    }

    /// The base URL as a person would paste it.
    #[must_use]
    pub fn endpoint(&self) -> Raw {
        Raw::new(self.base.as_str().trim_end_matches('/'))
    }

    /// Sends GET, or POST when there is a form, to a path below the base URL and reads the whole body.
    ///
    /// # Errors
    /// A worded [`Fault`] when no whole answer came within the deadline. A status that is an error is an answer.
    pub async fn send(
        &self,
        path: &str,
        form: Option<&[(&'static str, String)]>,
        deadline: Duration,
    ) -> Result<Answer, Fault> {
        match tokio::time::timeout(deadline, self.exchange(path, form)).await {
            Ok(answer) => answer,
            Err(_) => Err(silent(&self.server, deadline)),
        }
    }

    async fn exchange(&self, path: &str, form: Option<&[(&'static str, String)]>) -> Result<Answer, Fault> {
        let _slot = self.slots.acquire().await;
        let url = format!("{}{path}", self.base.as_str().trim_end_matches('/'));
        let mut request = match form {
            Some(form) => self.http.post(url).form(form),
            None => self.http.get(url),
        };
        let mut secrets = Cow::Borrowed(&self.secrets);
        if let Some(file) = &self.bearer_file {
            let (token, value) = self.bearer(file).await?;
            secrets.to_mut().know(&token);
            request = request.header(AUTHORIZATION, value);
        }
        let mut response =
            request.header(ACCEPT, "application/json").send().await.map_err(|e| transport_fault(&self.server, &e))?;
        let (status, head) = (response.status(), response.headers().clone());
        let mut body = BytesMut::new();
        while let Some(chunk) = response.chunk().await.map_err(|e| transport_fault(&self.server, &e))? {
            if body.len() + chunk.len() > self.largest {
                return Err(too_large(&self.server, self.largest));
            }
            body.extend_from_slice(&chunk);
        }
        Ok(Answer {
            status: status.as_u16(),
            content_type: text(&head, &CONTENT_TYPE),
            retry_after: text(&head, &RETRY_AFTER).parse().ok().map(Duration::from_secs),
            date: date(&text(&head, &DATE)),
            body: if status.is_success() && body.len() > PAGE {
                body.freeze()
            } else {
                without(&secrets, body.freeze())
            },
        })
    }

    /// The token and the header that sends it.
    async fn bearer(&self, file: &Path) -> Result<(String, HeaderValue), Fault> {
        let unusable = |why: &str| {
            let path = Raw::new(&file.to_string_lossy());
            Fault::new(
                FaultKind::Unauthenticated,
                crate::shown!("the token for {}: {} {}", self.server, path, Raw::new(why)),
                Shown::fixed("check that bearer_file exists and is readable"),
            )
        };
        let path = file.to_owned();
        let read = tokio::task::spawn_blocking(move || file::read_text(&path, file::TEXT_CAP)).await;
        let token = read.map_err(|_| unusable("cannot be read"))?.map_err(|error| unusable(&error.to_string()))?;
        let token = token.trim();
        if token.is_empty() || !token.bytes().all(|b| b.is_ascii_graphic()) {
            return Err(unusable("holds no token of one line without blanks"));
        }
        let mut value = HeaderValue::from_str(&format!("Bearer {token}")).map_err(|_| unusable("holds no token"))?;
        value.set_sensitive(true);
        Ok((token.to_owned(), value))
    }
}

impl Answer {
    #[must_use]
    pub fn is_success(&self) -> bool {
        (200..300).contains(&self.status)
    }

    #[must_use]
    pub fn is_json(&self) -> bool {
        let kind = self.content_type.split(';').next().unwrap_or_default().trim();
        kind.eq_ignore_ascii_case("application/json") || kind.to_ascii_lowercase().ends_with("+json")
    }

    /// Parses a body that must be JSON.
    ///
    /// # Errors
    /// The fault of the status when this is no success, [`FaultKind::Malformed`] when the body is cut or something else.
    pub fn json<T: DeserializeOwned>(&self, server: &Shown) -> Result<T, Fault> {
        if !self.is_json() {
            return Err(self.fault(server, &self.first_line()));
        }
        serde_json::from_slice(&self.body).map_err(|error| {
            let what = if error.is_eof() { "is cut short" } else { "is not what the protocol says" };
            Fault::new(
                FaultKind::Malformed,
                crate::shown!("the answer of {} {}: {}", server, what, Raw::new(&error.to_string())),
                Shown::fixed("look for a proxy or a load balancer in between"),
            )
        })
    }

    /// The fault that an answer is which is not what was asked for; `words` are the server's own.
    #[must_use]
    pub fn fault(&self, server: &Shown, words: &str) -> Fault {
        let (kind, hint) = match self.status {
            401 => (FaultKind::Unauthenticated, "check bearer_file or headers"),
            403 => (FaultKind::Forbidden, "ask for read access to this API"),
            404 | 405 | 410 => (FaultKind::Missing, "check the path of the URL: the API is expected below it"),
            429 => (FaultKind::Throttled, "poll less often"),
            300..400 => (FaultKind::Usage, "put the address it redirects to into the configuration"),
            400..500 => (FaultKind::Usage, "read what the server says about the request"),
            500.. => (FaultKind::Server, "look at the server and at proxies in between"),
            _ => (FaultKind::Malformed, "check the path of the URL: the API is expected below it"),
        };
        let status = StatusCode::from_u16(self.status).ok().and_then(|s| s.canonical_reason()).unwrap_or("");
        let kept: String = words.chars().take(FIRST_LINE).collect();
        let what = crate::shown!("{} answered {} {}: {}", server, self.status, Raw::new(status), Raw::from(kept));
        Fault { retry_after: self.retry_after, ..Fault::new(kind, what, Shown::fixed(hint)) }
    }

    /// The first line with words of a page, after its content type.
    #[must_use]
    pub fn first_line(&self) -> String {
        let page = String::from_utf8_lossy(self.body.get(..4096).unwrap_or(&self.body));
        let line = page.lines().map(str::trim).find(|line| !line.is_empty()).unwrap_or("no text").to_owned();
        let kind = self.content_type.split(';').next().unwrap_or_default();
        if kind.is_empty() { line } else { format!("{kind}, {line}") }
    }
}

/// The fault of a server that did not answer in time.
#[must_use]
pub fn silent(server: &Shown, deadline: Duration) -> Fault {
    Fault::new(
        FaultKind::Timeout,
        crate::shown!("{} gave no answer within {} s", server, deadline.as_secs()),
        Shown::fixed("check the network and the server's load"),
    )
}

/// The fault of an answer that would fill our memory.
#[must_use]
pub fn too_large(server: &Shown, largest: usize) -> Fault {
    Fault::new(
        FaultKind::Malformed,
        crate::shown!("{}: answer larger than {} MiB", server, largest >> 20),
        Shown::fixed("ask a server with fewer series, or through one that limits answers"),
    )
}

fn base_url(site: &Site) -> Result<Url, Fault> {
    let wrong = |why: &str| {
        // The text of the URL may hold a password, so it is not repeated here.
        usage(
            crate::shown!("the url of a {} is wrong: {}", site.what, Raw::new(why)),
            "write it like http://prometheus.example:9090",
        )
    };
    let url = Url::parse(&site.url).map_err(|error| wrong(&error.to_string()))?;
    if !matches!(url.scheme(), "http" | "https") {
        return Err(wrong("only http and https are spoken"));
    }
    if url.host_str().is_none_or(str::is_empty) {
        return Err(wrong("it names no host"));
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err(wrong("credentials do not belong into it; use bearer_file or headers"));
    }
    if url.query().is_some() || url.fragment().is_some() {
        return Err(wrong("a base URL has no ? and no #"));
    }
    Ok(url)
}

fn headers(site: &Site) -> Result<HeaderMap, Fault> {
    let mut map = HeaderMap::new();
    for (name, value) in &site.headers {
        let wrong = |what: &'static str| {
            let name = Raw::new(name);
            usage(crate::shown!("{} {} for {} cannot be sent", what, name, site.what), "check [headers]")
        };
        let key = HeaderName::from_bytes(name.as_bytes()).map_err(|_| wrong("the header name"))?;
        let mut value = HeaderValue::from_str(value).map_err(|_| wrong("the value of header"))?;
        value.set_sensitive(true);
        map.insert(key, value);
    }
    Ok(map)
}

fn usage(what: Shown, hint: &'static str) -> Fault {
    Fault::new(FaultKind::Usage, what, Shown::fixed(hint))
}

/// Credentials are meant for one host: a redirect elsewhere is an answer to be told, not a way to be gone.
fn same_host(attempt: redirect::Attempt<'_>) -> redirect::Action {
    let same = attempt.previous().first().is_some_and(|first| {
        first.host_str() == attempt.url().host_str()
            && first.port_or_known_default() == attempt.url().port_or_known_default()
    });
    if same && attempt.previous().len() <= 3 { attempt.follow() } else { attempt.stop() }
}

/// Whether the name of a header says that its value is secret.
fn is_telling(name: &str) -> bool {
    let name = name.to_ascii_lowercase();
    ["auth", "cookie", "key", "token", "secret", "password"].iter().any(|word| name.contains(word))
}

/// An answer without what we sent as secret: pages of errors may repeat our headers.
pub(super) fn without(secrets: &Secrets, body: Bytes) -> Bytes {
    let masked = match secrets.masked(&String::from_utf8_lossy(&body)) {
        Cow::Owned(masked) => Some(masked),
        Cow::Borrowed(_) => None,
    };
    masked.map_or(body, Bytes::from)
}

fn text(headers: &HeaderMap, name: &HeaderName) -> String {
    headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default().to_owned()
}

/// A `Date` header in milliseconds since the Unix epoch.
pub(super) fn date(text: &str) -> Option<i64> {
    jiff::fmt::rfc2822::parse(text).ok().map(|at| at.timestamp().as_millisecond())
}

/// What a failure below HTTP means. The cause is looked up in the chain of errors; where the libraries keep it in words
/// only (name resolution), the words decide.
fn transport_fault(server: &Shown, error: &reqwest::Error) -> Fault {
    let mut words = String::new();
    let mut io = None;
    let mut next = error.source();
    while let Some(cause) = next {
        words = cause.to_string();
        io = cause.downcast_ref::<std::io::Error>().map(std::io::Error::kind).or(io);
        if words.contains("dns error") || words.contains("failed to lookup") {
            return Fault::new(
                FaultKind::Dns,
                crate::shown!("the name of {} cannot be resolved", server),
                Shown::fixed("check the host name and this host's resolver"),
            );
        }
        if cause.is::<rustls::Error>() {
            break;
        }
        next = cause.source();
    }
    let words = Raw::from(words);
    let fault = |kind, what, hint| Fault::new(kind, what, Shown::fixed(hint));
    if next.is_some() {
        let what = crate::shown!("{} and we do not agree on TLS: {}", server, words);
        return fault(FaultKind::Tls, what, "check its certificate and the scheme of the URL");
    }
    match io {
        Some(std::io::ErrorKind::ConnectionRefused) => {
            let what = crate::shown!("{} refused the connection", server);
            fault(FaultKind::Refused, what, "check that it runs and listens there")
        }
        Some(std::io::ErrorKind::ConnectionReset | std::io::ErrorKind::BrokenPipe) => {
            let what = crate::shown!("{} reset the connection", server);
            fault(FaultKind::Refused, what, "check that it still runs")
        }
        _ if error.is_timeout() => silent(server, CONNECT),
        _ if error.is_connect() => {
            let what = crate::shown!("{} cannot be reached: {}", server, words);
            fault(FaultKind::Refused, what, "check the network and the address")
        }
        _ => {
            let what = crate::shown!("the answer of {} is cut short: {}", server, words);
            fault(FaultKind::Malformed, what, "look for a proxy or a load balancer in between")
        }
    }
}
