//! The source against a small server that knows its queries.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicI64, AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};

use axum::response::Response;
use serde_json::{Value, json};

use super::*;
use crate::clients::prometheus::Answer;
use crate::clients::testing::{Seen, beside, json as json_answer, page};
use crate::domain::error::FaultKind;
use crate::domain::id::Alias;
use crate::domain::reading::Query;
use crate::model::facts::{Point, SignalFact};

/// 2026-11-21T03:12:07.250Z.
const NOW: i64 = 1_795_230_727_250;

struct Ear {
    now: AtomicI64,
    said: SyncSender<Observation>,
    alive: AtomicUsize,
}

impl Outlet for Ear {
    fn now(&self) -> Stamp {
        Stamp::from_millis(self.now.load(Ordering::Relaxed))
    }
    fn observe(&self, observation: Observation) {
        self.said.try_send(observation).expect("room for an observation");
    }
    fn alive(&self) {
        self.alive.fetch_add(1, Ordering::Relaxed);
    }
    fn identity(&self, identity: Shown) {
        assert_eq!(identity.as_str(), "prometheus 2.42.0");
    }
    fn cost(&self, _: f64) {}
}

impl Ear {
    fn new() -> (Self, Receiver<Observation>) {
        let (said, heard) = sync_channel(1000);
        (Self { now: AtomicI64::new(NOW), said, alive: AtomicUsize::new(0) }, heard)
    }
    fn pass(&self, secs: i64) {
        self.now.fetch_add(secs * 1000, Ordering::Relaxed);
    }
}

fn settings() -> PrometheusSettings {
    PrometheusSettings {
        name: "prom".into(),
        url: None,
        through: None,
        headers: std::collections::BTreeMap::new(),
        bearer_file: None,
        poll: Duration::from_secs(15),
    }
}

fn source(url: String) -> PrometheusSource {
    PrometheusSource::new(&settings(), Egress::LoopbackOnly, Transport::Direct(url)).unwrap()
}

fn success(data: &Value) -> Response {
    json_answer(200, &json!({"status": "success", "data": data}))
}

fn vector(items: &[(Value, f64, &str)]) -> Response {
    let items: Vec<_> =
        items.iter().map(|(metric, at, value)| json!({"metric": metric, "value": [at, value]})).collect();
    success(&json!({"resultType": "vector", "result": items}))
}

/// The calls every server answers; `found` are the metrics it has.
fn frame(seen: &Seen, found: &[&str]) -> Option<Response> {
    match seen.path.as_str() {
        "/api/v1/status/buildinfo" => Some(success(&json!({"version": "2.42.0"}))),
        "/api/v1/targets?state=active" => Some(success(
            &json!({"activeTargets": [{"labels": {"job": "j"}, "scrapeInterval": "15s", "health": "up"}]}),
        )),
        "/api/v1/alerts" => Some(success(&json!({"alerts": [
            {"labels": {"alertname": "Slow", "severity": "critical"}, "annotations": {}, "state": "firing", "value": "1"}
        ]}))),
        _ if seen.field("query").starts_with("group by (__name__, job)") => {
            let items: Vec<_> = found.iter().map(|name| (json!({"__name__": name, "job": "j"}), 0.0, "1")).collect();
            Some(vector(&items))
        }
        _ => None,
    }
}

fn signals(heard: &Receiver<Observation>) -> Vec<SignalFact> {
    heard
        .try_iter()
        .filter(|observation| observation.scope == "signals")
        .flat_map(|observation| observation.facts)
        .map(|fact| if let Fact::Signal(signal) = fact { signal } else { panic!("{fact:?}") })
        .collect()
}

fn gaps(heard: &Receiver<Observation>) -> Vec<String> {
    heard
        .try_iter()
        .filter(|observation| observation.scope == "gaps")
        .flat_map(|observation| observation.facts)
        .map(|fact| if let Fact::Gap(gap) = fact { gap.what.to_string() } else { panic!("{fact:?}") })
        .collect()
}

#[tokio::test]
async fn history_first_then_one_moment_per_round_at_a_named_time() {
    let ranges = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&ranges);
    let answer = move |seen: Seen| {
        if let Some(response) = frame(&seen, &["redis_up"]) {
            return response;
        }
        assert_eq!(seen.field("query"), "min by (instance) (redis_up)");
        let metric = json!({"instance": "r:9121"});
        if seen.path == "/api/v1/query_range" {
            counted.fetch_add(1, Ordering::Relaxed);
            // The last full quarter of a minute at least two seconds ago, and an hour before it.
            assert_eq!((seen.field("start"), seen.field("end")), ("1795227120.000", "1795230720.000"));
            let values = json!([[1_795_230_705, "1"], [1_795_230_720, "NaN"]]);
            return success(&json!({"resultType": "matrix", "result": [{"metric": metric, "values": values}]}));
        }
        assert_eq!(seen.field("time"), "1795230735.000");
        vector(&[(metric, 1_795_230_735.0, "0")])
    };
    let (ear, heard) = Ear::new();
    beside(answer, async |url| {
        let mut source = source(url);
        source.round(&ear).await.unwrap();
        let first = signals(&heard);
        assert_eq!((first.len(), first[0].signal), (1, "cache.redis.up"));
        assert_eq!(first[0].subject, Alias::Address("r:9121".into()));
        assert_eq!(first[0].points.len(), 2);
        assert!(first[0].points[1].value.is_nan(), "no traffic stays no traffic");
        assert_eq!(
            first[0].provenance.query,
            Query::PromQl("min by (instance) (redis_up{instance=\"r:9121\"})".into())
        );
        // Not due yet: only a sign of life.
        ear.pass(4);
        let alive = ear.alive.load(Ordering::Relaxed);
        source.round(&ear).await.unwrap();
        assert!(signals(&heard).is_empty());
        assert_eq!(ear.alive.load(Ordering::Relaxed), alive + 1);
        ear.pass(11);
        source.round(&ear).await.unwrap();
        let second = signals(&heard);
        assert_eq!(second[0].points, [Point { at: Stamp::from_millis(1_795_230_735_000), value: 0.0 }]);
        assert!(Arc::ptr_eq(&first[0].provenance, &second[0].provenance));
    })
    .await;
    assert_eq!(ranges.load(Ordering::Relaxed), 1);
}

#[tokio::test]
async fn a_refused_query_is_a_gap_and_the_others_go_on() {
    let answer = |seen: Seen| {
        if let Some(response) = frame(&seen, &["redis_up", "node_load1"]) {
            return response;
        }
        if seen.field("query").contains("redis_up") {
            return json_answer(422, &json!({"status": "error", "errorType": "execution", "error": "many-to-many"}));
        }
        let result = json!([{"metric": {"instance": "h:9100"}, "values": [[1_795_230_720, "0.5"]]}]);
        json_answer(
            200,
            &json!({"status": "success", "warnings": ["a store is away"], "data": {"resultType": "matrix", "result": result}}),
        )
    };
    let (ear, heard) = Ear::new();
    beside(answer, async |url| source(url).round(&ear).await.unwrap()).await;
    let observations: Vec<_> = heard.try_iter().collect();
    let (again, heard) = sync_channel(100);
    for observation in &observations {
        again.try_send(observation.clone()).unwrap();
    }
    assert_eq!(signals(&heard).iter().map(|fact| fact.signal).collect::<Vec<_>>(), ["host.load"]);
    for observation in observations {
        again.try_send(observation).unwrap();
    }
    let gaps = gaps(&heard);
    assert!(gaps.iter().any(|gap| gap.contains("no cache.redis.up") && gap.contains("many-to-many")), "{gaps:?}");
    assert!(gaps.iter().any(|gap| gap.contains("a store is away")), "{gaps:?}");
}

#[tokio::test]
async fn a_server_that_fails_midway_says_nothing_and_is_asked_in_full_afterwards() {
    let ill = Arc::new(AtomicBool::new(true));
    let (state, fallen) = (Arc::clone(&ill), AtomicBool::new(false));
    let answer = move |seen: Seen| {
        if state.load(Ordering::Relaxed) && seen.field("query").contains("redis_up") && seen.path.ends_with("range") {
            fallen.store(true, Ordering::Relaxed);
        }
        if state.load(Ordering::Relaxed) && fallen.load(Ordering::Relaxed) {
            return page(502, "<html>bad gateway");
        }
        if let Some(response) = frame(&seen, &["redis_up", "node_load1"]) {
            return response;
        }
        let metric = json!({"instance": "x"});
        success(&json!({"resultType": "matrix", "result": [{"metric": metric, "values": [[1_795_230_720, "1"]]}]}))
    };
    let (ear, heard) = Ear::new();
    beside(answer, async |url| {
        let mut source = source(url);
        let fault = source.round(&ear).await.unwrap_err();
        assert_eq!(fault.kind, FaultKind::Server, "{fault}");
        assert!(signals(&heard).is_empty());
        ill.store(false, Ordering::Relaxed);
        source.round(&ear).await.unwrap();
        let mut ids: Vec<_> = signals(&heard).iter().map(|fact| fact.signal).collect();
        ids.sort_unstable();
        assert_eq!(ids, ["cache.redis.up", "host.load"]);
    })
    .await;
}

#[tokio::test]
async fn a_server_that_cannot_answer_gives_no_sign_of_life() {
    let ill = Arc::new(AtomicBool::new(false));
    let state = Arc::clone(&ill);
    let answer = move |seen: Seen| {
        if state.load(Ordering::Relaxed) {
            return page(502, "<html>bad gateway");
        }
        if let Some(response) = frame(&seen, &["redis_up", "node_load1"]) {
            return response;
        }
        success(&json!({"resultType": if seen.path.ends_with("range") { "matrix" } else { "vector" }, "result": []}))
    };
    let (ear, _heard) = Ear::new();
    beside(answer, async |url| {
        let mut source = source(url);
        source.round(&ear).await.unwrap();
        let alive = ear.alive.load(Ordering::Relaxed);
        assert!(alive > 0);
        ill.store(true, Ordering::Relaxed);
        for _ in 0..3 {
            // The first of these polls, before it detects again.
            ear.pass(14);
            assert_eq!(source.round(&ear).await.unwrap_err().kind, FaultKind::Server);
        }
        assert_eq!(ear.alive.load(Ordering::Relaxed), alive, "since when it fails would begin anew in every round");
    })
    .await;
}

#[tokio::test]
async fn an_offender_that_is_well_again_is_told_and_one_that_is_gone_is_not() {
    let answer = |seen: Seen| {
        if let Some(response) = frame(&seen, &["up"]) {
            return response;
        }
        let (query, time) = (seen.field("query"), seen.field("time").parse::<f64>().unwrap_or_default());
        let target = |instance: &str| json!({"job": "j", "instance": instance});
        match (seen.path.as_str(), query) {
            ("/api/v1/query_range", "(min by (job, instance) (up)) == 0") => {
                let down = |instance: &str| json!({"metric": target(instance), "values": [[1_795_230_720, "0"]]});
                success(&json!({"resultType": "matrix", "result": [down("a"), down("b")]}))
            }
            ("/api/v1/query_range", _) => success(&json!({"resultType": "matrix", "result": []})),
            ("/api/v1/query", "min by (job, instance) (up{job=\"j\",instance=\"a\"})") => {
                vector(&[(target("a"), time, "1")])
            }
            ("/api/v1/query", _) => vector(&[]),
            other => panic!("{other:?}"),
        }
    };
    let (ear, heard) = Ear::new();
    beside(answer, async |url| {
        let mut source = source(url);
        source.round(&ear).await.unwrap();
        let down = signals(&heard);
        assert_eq!(
            down.iter().map(|fact| (fact.signal, fact.points[0].value)).collect::<Vec<_>>(),
            [("mon.target.up", 0.0); 2]
        );
        ear.pass(15);
        source.round(&ear).await.unwrap();
        let up = signals(&heard);
        assert_eq!(up.len(), 1, "{up:?}");
        assert_eq!((up[0].subject.clone(), up[0].points[0].value), (Alias::Address("a".into()), 1.0));
        ear.pass(15);
        source.round(&ear).await.unwrap();
        assert!(signals(&heard).is_empty(), "told once");
    })
    .await;
}

#[tokio::test]
async fn calls_become_links_and_firing_alerts_are_told_unless_left_to_alertmanager() {
    let answer = |seen: Seen| {
        if let Some(response) = frame(&seen, &["traces_service_graph_request_total"]) {
            return response;
        }
        let metric = json!({"client": "gateway", "server": "orders"});
        success(&json!({"resultType": "matrix", "result": [{"metric": metric, "values": [[1_795_230_720, "1"]]}]}))
    };
    let (ear, heard) = Ear::new();
    let scopes = |heard: &Receiver<Observation>, scope: &str| {
        heard.try_iter().filter(|o| o.scope == scope && o.complete).map(|o| o.facts.len()).sum::<usize>()
    };
    beside(answer, async |url| {
        source(url.clone()).round(&ear).await.unwrap();
        assert_eq!(scopes(&heard, "alerts"), 1);
        source(url).without_alerts().round(&ear).await.unwrap();
        let observations: Vec<_> = heard.try_iter().collect();
        assert!(observations.iter().all(|o| o.scope != "alerts"));
        let links: Vec<_> = observations.iter().filter(|o| o.scope == "links").flat_map(|o| &o.facts).collect();
        assert!(
            matches!(links.as_slice(), [Fact::Link(link)] if link.to == Alias::Named("orders".into())),
            "{links:?}"
        );
    })
    .await;
}

#[tokio::test]
async fn a_server_without_anything_we_know_says_so() {
    let (ear, heard) = Ear::new();
    beside(|seen| frame(&seen, &[]).unwrap(), async |url| source(url).round(&ear).await.unwrap()).await;
    assert!(gaps(&heard).iter().any(|gap| gap.contains("no metric that the catalogue knows")));
}

#[tokio::test]
async fn a_server_that_has_just_started_is_looked_over_again_soon() {
    let found = Arc::new(AtomicUsize::new(0));
    let shared = Arc::clone(&found);
    let answer = move |seen: Seen| {
        let known = &["redis_up", "pg_up"][..shared.load(Ordering::Relaxed)];
        let empty = || success(&json!({"resultType": "matrix", "result": []}));
        let one = || {
            let values = json!([[1_795_230_720, "1"]]);
            success(&json!({"resultType": "matrix", "result": [{"metric": {"instance": "e:1"}, "values": values}]}))
        };
        let wanted = ["(redis_up)", "(pg_up)"].iter().any(|metric| seen.field("query").ends_with(metric));
        frame(&seen, known).unwrap_or_else(|| if wanted { one() } else { empty() })
    };
    let (ear, heard) = Ear::new();
    beside(answer, async |url| {
        let mut source = source(url);
        // Nothing is scraped for a minute; then one target is, and a moment later the other.
        for known in [0, 0, 0, 0, 1, 2] {
            found.store(known, Ordering::Relaxed);
            source.round(&ear).await.unwrap();
            ear.pass(15);
        }
    })
    .await;
    let told: Vec<_> = signals(&heard).into_iter().map(|fact| fact.signal).collect();
    assert!(told.contains(&"cache.redis.up") && told.contains(&"db.pg.up"), "{told:?}");
}

#[tokio::test]
async fn series_that_cannot_be_told_apart_keep_their_labels() {
    let answer = |seen: Seen| {
        if let Some(response) = frame(&seen, &["pg_stat_activity_count"]) {
            return response;
        }
        let series = |server: &str| json!({"metric": {"instance": "e:9187", "server": server}, "values": [[1_795_230_720, "1"]]});
        success(&json!({"resultType": "matrix", "result": [series("db1:5432"), series("db2:5432")]}))
    };
    let (ear, heard) = Ear::new();
    beside(answer, async |url| source(url).round(&ear).await.unwrap()).await;
    let members: Vec<_> =
        signals(&heard).into_iter().filter(|fact| fact.signal == "db.pg.conn_used").map(|fact| fact.member).collect();
    assert_eq!(members, [None, Some("e:9187/db2:5432".into())]);
}

/// A service proxy that has no endpoints behind it.
struct Nowhere;

impl ProxyTransport for Nowhere {
    fn get<'a>(&'a self, _: &'a str) -> BoxFuture<'a, Result<Answer, Fault>> {
        let body = r#"{"kind":"Status","status":"Failure","message":"no endpoints available"}"#.into();
        let content_type = "application/json".to_owned();
        let answer = Answer { status: 503, content_type, retry_after: None, date: None, body };
        Box::pin(async { Ok(answer) })
    }
    fn post_form<'a>(&'a self, path: &'a str, _: &'a [(&'static str, String)]) -> BoxFuture<'a, Result<Answer, Fault>> {
        self.get(path)
    }
}

#[tokio::test]
async fn through_a_service_proxy_the_fault_names_both() {
    let through =
        ServiceProxy { kubernetes: "k8s".into(), namespace: "mon".into(), service: "prom".into(), port: 9090 };
    let settings = PrometheusSettings { through: Some(through), ..settings() };
    let transport = Transport::Kubernetes(Box::new(Nowhere));
    let mut source = PrometheusSource::new(&settings, Egress::LoopbackOnly, transport).unwrap();
    assert_eq!(source.endpoint(), "k8s/api/v1/namespaces/mon/services/prom:9090/proxy".into());
    let fault = source.round(&Ear::new().0).await.unwrap_err();
    let expected = "prometheus mon/prom:9090 through k8s answered 503 Service Unavailable: no endpoints available";
    assert_eq!((fault.kind, fault.what.as_str()), (FaultKind::Server, expected));
}

/// A server that is well but for what `fails` answers.
fn well_but(
    fails: impl Fn(&Seen) -> Option<Response> + Send + Sync + 'static,
) -> impl Fn(Seen) -> Response + Send + Sync {
    move |seen| {
        if let Some(response) = frame(&seen, &["redis_up", "node_load1", "traces_service_graph_request_total"]) {
            return response;
        }
        fails(&seen).unwrap_or_else(|| {
            let metric = json!({"client": "gateway", "server": "orders", "instance": "x"});
            let range = seen.path.ends_with("range");
            let kind = if range { "matrix" } else { "vector" };
            let at = if range { 1_795_230_720.0 } else { seen.field("time").parse().unwrap() };
            let sample = if range {
                json!({"metric": metric, "values": [[at, "1"]]})
            } else {
                json!({"metric": metric, "value": [at, "1"]})
            };
            success(&json!({"resultType": kind, "result": [sample]}))
        })
    }
}

#[tokio::test]
async fn a_question_that_fails_alone_loses_its_row_and_no_call_is_taken_for_gone() {
    type Case = (&'static str, fn() -> Response);
    let cases: [Case; 3] = [
        ("node_load1", || page(429, "slow down")),
        ("node_load1", || page(503, "<html>no")),
        ("service_graph", || {
            json_answer(422, &json!({"status": "error", "errorType": "execution", "error": "too many"}))
        }),
    ];
    for (failing, how) in cases {
        let (ear, heard) = Ear::new();
        let answer = well_but(move |seen| seen.field("query").contains(failing).then(how));
        beside(answer, async |url| {
            let mut source = source(url);
            source.round(&ear).await.unwrap();
            let observations: Vec<_> = heard.try_iter().collect();
            let facts = || observations.iter().flat_map(|o| &o.facts);
            let told =
                facts().filter(|fact| matches!(fact, Fact::Signal(s) if s.signal.starts_with("cache.redis"))).count();
            assert_eq!(told, 1, "{failing}");
            assert!(
                facts().any(|fact| matches!(fact, Fact::Gap(gap) if gap.what.as_str().starts_with("no "))),
                "{failing}"
            );
            let whole = observations.iter().find(|o| o.scope == "links").unwrap().complete;
            assert_eq!(whole, failing != "service_graph", "what was not asked about is not gone");
            let zeros =
                facts().filter(|f| matches!(f, Fact::Signal(s) if s.points.iter().any(|p| p.value == 0.0))).count();
            assert_eq!(zeros, 0);
        })
        .await;
    }
}

#[tokio::test]
async fn a_slow_server_is_asked_about_every_row_in_turn() {
    use axum::extract::Request;
    let found = ["redis_up", "node_load1", "up", "pg_up", "mysql_up", "haproxy_up", "nginx_up", "kube_node_info"];
    let ready = Arc::new(AtomicBool::new(false));
    let slow = Arc::clone(&ready);
    let router = axum::Router::new().fallback(move |request: Request| {
        let slow = Arc::clone(&slow);
        async move {
            let (head, body) = request.into_parts();
            let body = axum::body::to_bytes(body, 1 << 20).await.unwrap();
            let form = form_urlencoded::parse(&body).into_owned().collect();
            let path = head.uri.path_and_query().map(ToString::to_string).unwrap_or_default();
            let seen = Seen { method: head.method.to_string(), path, headers: head.headers, form };
            if let Some(response) = frame(&seen, &found) {
                return response;
            }
            if slow.load(Ordering::Relaxed) {
                tokio::time::sleep(Duration::from_millis(200)).await;
            }
            let kind = if seen.path.ends_with("range") { "matrix" } else { "vector" };
            success(&json!({"resultType": kind, "result": []}))
        }
    });
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let server = async { axum::serve(listener, router).await.unwrap() };
    let (ear, _heard) = Ear::new();
    let test = async {
        let mut source = source(url).without_alerts();
        source.round(&ear).await.unwrap();
        let rows = source.session.as_ref().unwrap().rows.len();
        assert!(rows > 5, "{rows}");
        // From now on a round has time for four of them.
        ready.store(true, Ordering::Relaxed);
        source.budget = Duration::from_millis(300);
        let mut waiting = rows;
        for _ in 0..rows * 3 {
            ear.pass(15);
            let session = source.session.as_mut().unwrap();
            session.detect_after = DETECT;
            source.round(&ear).await.unwrap();
            let session = source.session.as_ref().unwrap();
            let first = Some(Stamp::from_millis(NOW));
            waiting = session.rows.iter().filter(|row| row.answered() < first).count();
        }
        assert_eq!(waiting, 0, "of {rows} rows");
    };
    tokio::select! {
        () = server => panic!("the server ended"),
        () = test => {}
    }
}

#[tokio::test]
async fn a_server_whose_clock_is_wrong_says_so_until_it_is_right() {
    let is_wrong = Arc::new(AtomicBool::new(true));
    let state = Arc::clone(&is_wrong);
    let answer = move |seen: Seen| {
        let mut response = frame(&seen, &[]).unwrap();
        let clock = if state.load(Ordering::Relaxed) { "03:22:07" } else { "03:12:40" };
        let date = format!("Sat, 21 Nov 2026 {clock} GMT");
        response.headers_mut().insert("date", date.parse().unwrap());
        response
    };
    let (ear, heard) = Ear::new();
    let clock = |heard: &Receiver<Observation>| {
        let told: Vec<Observation> = heard.try_iter().filter(|o| o.scope == "server clock").collect();
        let words = |fact: &Fact| if let Fact::Gap(gap) = fact { gap.what.to_string() } else { panic!("{fact:?}") };
        told.iter().map(|o| o.facts.iter().map(words).collect::<Vec<_>>().concat()).collect::<Vec<_>>()
    };
    beside(answer, async |url| {
        let mut source = source(url);
        for _ in 0..3 {
            source.round(&ear).await.unwrap();
        }
        let told = clock(&heard);
        assert!(told.len() == 1 && told[0].ends_with("is 599 s ahead of ours"), "{told:?}");
        is_wrong.store(false, Ordering::Relaxed);
        source.round(&ear).await.unwrap();
        assert_eq!(clock(&heard), [""], "taken back");
    })
    .await;
}
