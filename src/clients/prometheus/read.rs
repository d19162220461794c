//! Queries, targets and alerts of one Prometheus.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};
use std::time::Duration;

use serde::de::DeserializeOwned;

use super::wire::{self, Data, Envelope};
use super::{Answer, ProxyTransport};
use crate::clients::egress::Egress;
use crate::clients::web::{Site, WebClient, silent};
use crate::domain::error::{Fault, FaultKind};
use crate::domain::text::{Raw, Shown};

/// The wait for a query at one moment.
pub const INSTANT: Duration = Duration::from_secs(5);
/// The wait for a query over a range.
pub const RANGE: Duration = Duration::from_secs(8);
/// The wait for a sign of life, and for the first answer of all.
pub const LIFE: Duration = Duration::from_secs(3);

/// The largest answer that is read, in bytes: an hour of 5,000 series at 15 s is 30 MiB.
pub const LARGEST: usize = 32 << 20;

/// How many warnings of one answer are told.
const WARNINGS: usize = 8;

type Form = Vec<(&'static str, String)>;

/// How the server is reached.
pub enum Route {
    /// At its own address.
    Direct(Site),
    /// Through another server.
    Proxy {
        proxy: Box<dyn ProxyTransport>,
        /// What and where, for messages: `prometheus shop/prometheus:9090 through k8s`.
        server: Shown,
    },
}

enum Link {
    Direct(WebClient),
    Proxy(Box<dyn ProxyTransport>),
}

/// Reads one Prometheus. Every call has its own deadline of at most [`RANGE`].
pub struct PrometheusClient {
    link: Link,
    server: Shown,
    /// The server, or what is before it, has refused POST and answered GET.
    only_get: AtomicBool,
    /// The server's clock at its last answer, ms since the Unix epoch; 0 when it tells none.
    clock: AtomicI64,
}

/// Why a query gave nothing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum QueryFault {
    /// The server answers, but not this query (it does not parse, does not match one to one, is too large or too slow).
    Query(Fault),
    /// The server cannot be used.
    Server(Fault),
}

/// A series of the answer: its labels, and time (ms since the Unix epoch) and value of its samples, ascending.
#[derive(Clone, Debug, PartialEq)]
pub struct Series {
    pub labels: BTreeMap<String, String>,
    pub samples: Vec<(i64, f64)>,
}

#[derive(Clone, Debug, Default, PartialEq)]
pub struct Reply {
    /// Ordered by labels; at most 10,000 of them, the first ones.
    pub series: Vec<Series>,
    /// How many the server told.
    pub total: usize,
    /// What the server says although it answered, for example that a store is missing (Thanos).
    pub warnings: Vec<Raw>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Target {
    pub job: String,
    pub scrape_interval: Option<Duration>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Alert {
    pub labels: BTreeMap<String, String>,
    pub annotations: BTreeMap<String, String>,
    pub firing: bool,
    /// RFC 3339.
    pub active_at: Option<String>,
}

impl PrometheusClient {
    /// # Errors
    /// [`FaultKind::Usage`] when the address is wrong or outside what `egress` allows.
    pub fn new(route: Route, egress: Egress) -> Result<Self, Fault> {
        let (server, link) = match route {
            Route::Direct(site) => {
                let web = WebClient::new(&site, egress)?;
                (web.server().clone(), Link::Direct(web))
            }
            Route::Proxy { proxy, server } => (server, Link::Proxy(proxy)),
        };
        Ok(Self { link, server, only_get: AtomicBool::new(false), clock: AtomicI64::new(0) })
    }

    /// What and where, for messages.
    #[must_use]
    pub const fn server(&self) -> &Shown {
        &self.server
    }

    /// The base URL without user and password; `None` when it is reached through another server.
    #[must_use]
    pub fn endpoint(&self) -> Option<Raw> {
        if let Link::Direct(web) = &self.link { Some(web.endpoint()) } else { None }
    }

    /// The server's clock at its last answer, ms since the Unix epoch.
    #[must_use]
    pub fn clock(&self) -> Option<i64> {
        Some(self.clock.load(Ordering::Relaxed)).filter(|at| *at != 0)
    }

    /// Version of the server; `None` when it answers but does not tell (some compatible servers).
    ///
    /// # Errors
    /// A [`Fault`] when it cannot be used.
    pub async fn version(&self) -> Result<Option<Raw>, Fault> {
        match self.get::<wire::BuildInfo>("/api/v1/status/buildinfo", LIFE).await {
            Ok(info) => Ok(Some(Raw::from(info.version))),
            Err(fault) if fault.kind == FaultKind::Missing => Ok(None),
            Err(fault) => Err(fault),
        }
    }

    /// The active scrape targets; none when the server does not tell them (Thanos, Mimir).
    ///
    /// # Errors
    /// A [`Fault`] when it cannot be used.
    pub async fn targets(&self) -> Result<Vec<Target>, Fault> {
        let targets = match self.get::<wire::Targets>("/api/v1/targets?state=active", RANGE).await {
            Err(fault) if fault.kind == FaultKind::Missing => return Ok(Vec::new()),
            other => other?,
        };
        Ok(targets
            .active_targets
            .into_iter()
            .map(|mut target| Target {
                job: target.labels.remove("job").unwrap_or_default(),
                scrape_interval: target.scrape_interval.as_deref().and_then(parse_duration),
            })
            .collect())
    }

    /// Pending and firing alerts of the server's own rules; none when it has no rules API.
    ///
    /// # Errors
    /// A [`Fault`] when it cannot be used.
    pub async fn alerts(&self) -> Result<Vec<Alert>, Fault> {
        let alerts = match self.get::<wire::Alerts>("/api/v1/alerts", INSTANT).await {
            Err(fault) if fault.kind == FaultKind::Missing => return Ok(Vec::new()),
            other => other?,
        };
        Ok(alerts
            .alerts
            .into_iter()
            .map(|alert| Alert {
                labels: alert.labels,
                annotations: alert.annotations,
                firing: alert.state == "firing",
                active_at: alert.active_at,
            })
            .collect())
    }

    /// An instant query evaluated at `at` (ms since the Unix epoch). Native histograms in the answer are left out.
    ///
    /// # Errors
    /// See [`QueryFault`].
    pub async fn query(&self, query: &str, at: i64) -> Result<Reply, QueryFault> {
        let form = vec![("query", query.to_owned()), ("time", seconds(at)), timeout(INSTANT)];
        self.ask("/api/v1/query", &form, INSTANT).await
    }

    /// A range query over `[start, end]` in steps; all times in ms since the Unix epoch.
    ///
    /// # Errors
    /// See [`QueryFault`].
    pub async fn query_range(&self, query: &str, start: i64, end: i64, step: Duration) -> Result<Reply, QueryFault> {
        let form = vec![
            ("query", query.to_owned()),
            ("start", seconds(start)),
            ("end", seconds(end)),
            ("step", step.as_secs_f64().to_string()),
            timeout(RANGE),
        ];
        self.ask("/api/v1/query_range", &form, RANGE).await
    }

    async fn ask(&self, path: &str, form: &Form, deadline: Duration) -> Result<Reply, QueryFault> {
        let answer = self.send(path, Some(form), deadline).await.map_err(QueryFault::Server)?;
        let envelope: Envelope<Data> = answer.json(&self.server).map_err(QueryFault::Server)?;
        let warnings = envelope.warnings.iter().take(WARNINGS).map(|text| Raw::new(text)).collect();
        match envelope.data {
            Some(data) if envelope.status == "success" && answer.is_success() => {
                let (series, total) = series(data);
                Ok(Reply { series, total, warnings })
            }
            _ => Err(self.refusal(&answer, &envelope)),
        }
    }

    /// Sorts the errors of the API (facts/signals.md 1.1) into those of the query and those of the server.
    fn refusal<T>(&self, answer: &Answer, envelope: &Envelope<T>) -> QueryFault {
        let words = envelope.error.as_deref().or(envelope.message.as_deref()).unwrap_or("no reason given");
        let mut fault = answer.fault(&self.server, words);
        match envelope.error_type.as_deref() {
            Some("bad_data" | "execution" | "too_many_requests_in_query") => {
                fault.kind = FaultKind::Usage;
                fault.hint = Shown::fixed("this signal is left out until the server can answer it");
                QueryFault::Query(fault)
            }
            Some("timeout") => {
                fault.hint = Shown::fixed("this query is too much for the server: record it there by a rule");
                QueryFault::Query(fault)
            }
            _ if answer.is_success() => {
                fault.kind = FaultKind::Server;
                QueryFault::Server(fault)
            }
            _ => QueryFault::Server(fault),
        }
    }

    async fn get<T: DeserializeOwned>(&self, path: &str, deadline: Duration) -> Result<T, Fault> {
        let answer = self.send(path, None, deadline).await?;
        let envelope: Envelope<T> = answer.json(&self.server)?;
        match envelope.data {
            Some(data) if envelope.status == "success" && answer.is_success() => Ok(data),
            _ => Err(self.refusal(&answer, &Envelope { data: None, ..envelope }).into()),
        }
    }

    /// POST where it is allowed. Where reading roles have only GET (`get` of `services/proxy`, some proxies), the form
    /// goes into the URL; that is found out once.
    async fn send(&self, path: &str, form: Option<&Form>, deadline: Duration) -> Result<Answer, Fault> {
        let Some(form) = form else { return self.transmit(path, None, deadline).await };
        if !self.only_get.load(Ordering::Relaxed) {
            let answer = self.transmit(path, Some(form), deadline).await?;
            if !matches!(answer.status, 403 | 405) {
                return Ok(answer);
            }
        }
        let query = form_urlencoded::Serializer::new(String::new()).extend_pairs(form).finish();
        let answer = self.transmit(&format!("{path}?{query}"), None, deadline).await?;
        if answer.is_success() {
            self.only_get.store(true, Ordering::Relaxed);
        }
        Ok(answer)
    }

    async fn transmit(&self, path: &str, form: Option<&Form>, deadline: Duration) -> Result<Answer, Fault> {
        let answer = self.carry(path, form, deadline).await?;
        self.clock.store(answer.date.unwrap_or_default(), Ordering::Relaxed);
        Ok(answer)
    }

    async fn carry(&self, path: &str, form: Option<&Form>, deadline: Duration) -> Result<Answer, Fault> {
        let proxy = match &self.link {
            Link::Direct(web) => return web.send(path, form.map(Vec::as_slice), deadline).await,
            Link::Proxy(proxy) => proxy,
        };
        let answer = match form {
            Some(form) => proxy.post_form(path, form),
            None => proxy.get(path),
        };
        tokio::time::timeout(deadline, answer).await.unwrap_or_else(|_| Err(silent(&self.server, deadline)))
    }
}

impl From<QueryFault> for Fault {
    fn from(fault: QueryFault) -> Self {
        match fault {
            QueryFault::Query(fault) | QueryFault::Server(fault) => fault,
        }
    }
}

/// Scalars become one series without labels; the order of vectors is not guaranteed, so they are sorted by labels.
fn series(data: Data) -> (Vec<Series>, usize) {
    let sample = |wire::Pair(at, value): wire::Pair| ((at * 1000.0).round() as i64, value.0);
    let told = |left_out: usize, series: Vec<Series>| {
        let total = series.len() + left_out;
        (series, total)
    };
    match data {
        Data::Vector(items) => {
            let of = |item: wire::Instant| Some(Series { labels: item.metric, samples: vec![sample(item.value?)] });
            told(items.total - items.kept.len(), items.kept.into_iter().filter_map(of).collect())
        }
        Data::Matrix(items) => {
            let of = |item: wire::Range| {
                let samples = item.values.into_iter().map(sample).collect();
                Series { labels: item.metric, samples }
            };
            told(items.total - items.kept.len(), items.kept.into_iter().map(of).collect())
        }
        Data::Scalar(pair) => (vec![Series { labels: BTreeMap::new(), samples: vec![sample(pair)] }], 1),
        Data::String(_) => (Vec::new(), 0),
    }
}

fn seconds(millis: i64) -> String {
    format!("{}.{:03}", millis.div_euclid(1000), millis.rem_euclid(1000))
}

/// The server gives up a little before we do, and then says why.
fn timeout(deadline: Duration) -> (&'static str, String) {
    ("timeout", format!("{}s", deadline.as_secs().saturating_sub(1).max(1)))
}

/// A duration as Prometheus writes it: `15s`, `1m30s`, `500ms`.
fn parse_duration(text: &str) -> Option<Duration> {
    let mut rest = text;
    let mut total = Duration::ZERO;
    while !rest.is_empty() {
        let digits = rest.find(|c: char| !c.is_ascii_digit())?;
        let (number, tail) = rest.split_at_checked(digits)?;
        let unit = tail.find(|c: char| c.is_ascii_digit()).unwrap_or(tail.len());
        let (unit, tail) = tail.split_at_checked(unit)?;
        let millis = match unit {
            "ms" => 1,
            "s" => 1_000,
            "m" => 60_000,
            "h" => 3_600_000,
            "d" => 86_400_000,
            "w" => 604_800_000,
            "y" => 31_536_000_000,
            _ => return None,
        };
        total = total.checked_add(Duration::from_millis(number.parse::<u64>().ok()?.checked_mul(millis)?))?;
        rest = tail;
    }
    (!total.is_zero()).then_some(total)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_of_the_api() {
        let cases = [("15s", 15_000), ("1m30s", 90_000), ("500ms", 500), ("1h", 3_600_000)];
        for (text, millis) in cases {
            assert_eq!(parse_duration(text), Some(Duration::from_millis(millis)), "{text}");
        }
        for text in ["", "15", "s", "1x", "0s", "99999999999999999999s"] {
            assert_eq!(parse_duration(text), None, "{text}");
        }
    }

    #[test]
    fn times_are_written_to_the_millisecond() {
        assert_eq!(seconds(1_795_230_727_250), "1795230727.250");
        assert_eq!(seconds(5), "0.005");
    }
}
