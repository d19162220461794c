use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use serde_json::json;

use super::read::{PrometheusClient, QueryFault, Reply, Route, Series};
use crate::clients::egress::Egress;
use crate::clients::testing::{Seen, beside, beside_bytes, json as json_answer, page};
use crate::clients::web::{Site, WebClient};
use crate::domain::error::{Fault, FaultKind};

fn site(url: &str) -> Site {
    Site { what: "prometheus", url: url.to_owned(), ..Site::default() }
}

fn client(url: &str) -> PrometheusClient {
    PrometheusClient::new(Route::Direct(site(url)), Egress::LoopbackOnly).unwrap()
}

async fn query(url: String) -> Result<Reply, QueryFault> {
    client(&url).query("up", 1_700_000_000_250).await
}

fn server_fault(outcome: Result<Reply, QueryFault>) -> Fault {
    match outcome {
        Err(QueryFault::Server(fault)) => fault,
        other => panic!("not a fault of the server: {other:?}"),
    }
}

fn labels(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
    pairs.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect()
}

#[tokio::test]
async fn a_vector_with_everything_servers_send() {
    let answer = |seen: Seen| {
        assert_eq!((seen.method.as_str(), seen.path.as_str()), ("POST", "/prefix/api/v1/query"));
        assert_eq!((seen.field("query"), seen.field("time")), ("up", "1700000000.250"));
        assert!(seen.headers["user-agent"].to_str().unwrap().starts_with("tierdeck/"));
        json_answer(
            200,
            &json!({"status": "success", "warnings": ["store s3 is not there"], "infos": ["a hint"], "new": {}, "data":
            {"resultType": "vector", "stats": null, "result": [
                {"metric": {"job": "b"}, "value": [1_700_000_000.25, "NaN"]},
                {"metric": {"job": "a"}, "value": [1_700_000_000.25, "1.5e-3"], "future": 1},
                {"metric": {"job": "c"}, "value": [1_700_000_000, "+Inf"]},
                {"metric": {"job": "d"}, "histogram": [1_700_000_000, {"count": "1", "sum": "2", "buckets": [[0, "1", "2", "1"]]}]},
            ]}}),
        )
    };
    let reply = beside(answer, async |url| query(format!("{url}/prefix/")).await).await.unwrap();
    assert_eq!(reply.warnings, ["store s3 is not there".into()]);
    let [a, b, c] = reply.series.as_slice() else { panic!("{:?}", reply.series) };
    assert_eq!(*a, Series { labels: labels(&[("job", "a")]), samples: vec![(1_700_000_000_250, 0.0015)] });
    assert!(b.samples[0].1.is_nan() && c.samples[0].1 == f64::INFINITY);
}

#[tokio::test]
async fn a_matrix_and_its_times() {
    let answer = |seen: Seen| {
        assert_eq!((seen.field("start"), seen.field("end"), seen.field("step")), ("0.000", "30.000", "15"));
        json_answer(
            200,
            &json!({"status": "success", "data": {"resultType": "matrix", "result": [
                {"metric": {}, "values": [[0, "1"], [15, "2"]]}, {"metric": {"a": "b"}, "histograms": []},
            ]}}),
        )
    };
    let reply =
        beside(answer, async |url| client(&url).query_range("x", 0, 30_000, Duration::from_secs(15)).await).await;
    let series = reply.unwrap().series;
    assert_eq!(series[0].samples, [(0, 1.0), (15_000, 2.0)]);
    assert_eq!(series[1].samples, []);
}

#[tokio::test]
async fn errors_of_a_query_are_not_errors_of_the_server() {
    let cases = [
        (422, "execution", "vector cannot contain metrics with the same labelset", true),
        (400, "bad_data", "1:5: parse error: unexpected end of input", true),
        (503, "timeout", "query timed out in expression evaluation", true),
        (503, "unavailable", "not ready", false),
        (500, "internal", "disk", false),
    ];
    for (status, kind, words, of_query) in cases {
        let answer = move |_| json_answer(status, &json!({"status": "error", "errorType": kind, "error": words}));
        match beside(answer, query).await {
            Err(QueryFault::Query(fault)) if of_query => assert!(fault.what.as_str().contains(words), "{fault}"),
            Err(QueryFault::Server(fault)) if !of_query => assert!(fault.what.as_str().contains(words), "{fault}"),
            other => panic!("{status} {kind}: {other:?}"),
        }
    }
}

#[tokio::test]
async fn what_proxies_answer_is_told_with_its_first_line() {
    let cases = [
        (502, FaultKind::Server, "502 Bad Gateway: text/html, <html>upstream gone"),
        (401, FaultKind::Unauthenticated, "401 Unauthorized: text/html, <html>upstream gone"),
        (403, FaultKind::Forbidden, "403 Forbidden"),
        (404, FaultKind::Missing, "404 Not Found"),
        (429, FaultKind::Throttled, "429 Too Many Requests"),
        (200, FaultKind::Malformed, "200 OK: text/html"),
    ];
    for (status, kind, words) in cases {
        let fault = server_fault(beside(move |_| page(status, "\n<html>upstream gone\n</html>"), query).await);
        assert_eq!(fault.kind, kind, "{fault}");
        assert!(fault.what.as_str().starts_with("prometheus 127.0.0.1:"), "{fault}");
        assert!(fault.what.as_str().contains(words), "{fault}");
        assert!(!fault.hint.is_empty());
    }
}

#[tokio::test]
async fn an_error_of_the_kubernetes_proxy_is_the_servers() {
    let body =
        json!({"kind": "Status", "status": "Failure", "message": "no endpoints available for service", "code": 503});
    let fault = server_fault(beside(move |_| json_answer(503, &body), query).await);
    assert_eq!(fault.kind, FaultKind::Server);
    assert!(fault.what.as_str().contains("no endpoints available"), "{fault}");
}

#[tokio::test]
async fn a_body_that_ends_early_is_malformed() {
    let short =
        b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 500\r\n\r\n{\"status\":\"success\",\"da";
    let fault = server_fault(beside_bytes(short, true, query).await);
    assert_eq!(fault.kind, FaultKind::Malformed, "{fault}");
    let whole =
        b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 23\r\n\r\n{\"status\":\"success\",\"da";
    let fault = server_fault(beside_bytes(whole, true, query).await);
    assert_eq!(fault.kind, FaultKind::Malformed, "{fault}");
    assert!(fault.what.as_str().contains("cut short"), "{fault}");
}

#[tokio::test]
async fn a_silent_server_is_a_timeout_and_a_closed_port_a_refusal() {
    let head = b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 500\r\n\r\n{";
    let patience = Duration::from_millis(80);
    for bytes in [&b""[..], &head[..]] {
        let fault = beside_bytes(bytes, false, async |url| {
            WebClient::new(&site(&url), Egress::LoopbackOnly).unwrap().send("/x", None, patience).await
        });
        assert_eq!(fault.await.unwrap_err().kind, FaultKind::Timeout);
    }
    let closed = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
    let fault = server_fault(query(format!("http://{closed}")).await);
    assert_eq!(fault.kind, FaultKind::Refused);
    assert_eq!(fault.what.as_str(), format!("prometheus {closed} refused the connection"));
}

#[tokio::test]
async fn credentials_are_sent_and_do_not_follow_a_redirect_elsewhere() {
    let token = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(token.path(), "s3cret\n").unwrap();
    let answer = |seen: Seen| {
        assert_eq!(seen.headers["authorization"], "Bearer s3cret");
        assert_eq!(seen.headers["x-scope-orgid"], "team");
        let status = axum::http::StatusCode::TEMPORARY_REDIRECT;
        let elsewhere = [("location", "http://127.0.0.2:9/api/v1/query")];
        axum::response::IntoResponse::into_response((status, elsewhere))
    };
    let outcome = beside(answer, async |url| {
        let site = Site {
            headers: [("X-Scope-OrgID".to_owned(), "team".to_owned())].into(),
            bearer_file: Some(token.path().to_owned()),
            ..site(&url)
        };
        PrometheusClient::new(Route::Direct(site), Egress::LoopbackOnly).unwrap().query("up", 0).await
    });
    let fault = server_fault(outcome.await);
    assert_eq!(fault.kind, FaultKind::Usage, "{fault}");
    assert!(fault.hint.as_str().contains("redirects"), "{fault}");
}

#[test]
fn addresses_are_checked_when_the_client_is_built() {
    let fault =
        |url: &str, egress| PrometheusClient::new(Route::Direct(site(url)), egress).err().map(|f| f.what.to_string());
    for url in ["prometheus:9090", "ftp://host", "http://", "not a url", "http://host/?a=b"] {
        assert!(fault(url, Egress::Open).is_some_and(|what| what.contains("url")), "{url}");
    }
    assert!(fault("http://10.0.0.1:9090", Egress::LoopbackOnly).is_some_and(|what| what.contains("loopback")));
    assert_eq!(fault("http://10.0.0.1:9090", Egress::Open), None);
    assert_eq!(client_open("http://10.0.0.1:9090/prom/").endpoint(), Some("http://10.0.0.1:9090/prom".into()));
    for secret in ["http://user:p4ss@10.0.0.1:9090/prom/", "http://p4ss@10.0.0.1:9090", "http://user:p4ss@"] {
        assert!(!fault(secret, Egress::Open).unwrap().contains("p4ss"), "{secret}");
    }
}

fn client_open(url: &str) -> PrometheusClient {
    PrometheusClient::new(Route::Direct(site(url)), Egress::Open).unwrap()
}

#[tokio::test]
async fn a_server_without_targets_or_build_info_is_still_one() {
    let answer = |seen: Seen| match seen.path.as_str() {
        "/api/v1/alerts" => json_answer(
            200,
            &json!({"status": "success", "data": {"alerts": [
                {"labels": {"alertname": "A"}, "state": "firing", "activeAt": "2026-01-01T00:00:00Z", "value": "1e+00"}
            ]}}),
        ),
        _ => page(404, "404 page not found"),
    };
    beside(answer, async |url| {
        let client = client(&url);
        assert_eq!(client.version().await, Ok(None));
        assert_eq!(client.targets().await, Ok(Vec::new()));
        let alerts = client.alerts().await.unwrap();
        assert!(alerts[0].firing && alerts[0].annotations.is_empty());
    })
    .await;
}

#[tokio::test]
async fn where_only_get_is_allowed_it_is_found_out_once() {
    let posts = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&posts);
    let answer = move |seen: Seen| {
        if seen.method == "POST" {
            counted.fetch_add(1, Ordering::Relaxed);
            return json_answer(403, &json!({"kind": "Status", "status": "Failure", "message": "forbidden"}));
        }
        assert_eq!(seen.path, "/api/v1/query?query=up%7Ba%3D%22b%22%7D&time=0.000&timeout=4s");
        json_answer(200, &json!({"status": "success", "data": {"resultType": "scalar", "result": [0, "1"]}}))
    };
    beside(answer, async |url| {
        let client = client(&url);
        for _ in 0..2 {
            assert_eq!(client.query("up{a=\"b\"}", 0).await.unwrap().series[0].samples, [(0, 1.0)]);
        }
    })
    .await;
    assert_eq!(posts.load(Ordering::Relaxed), 1);
}

#[tokio::test]
async fn an_answer_without_end_is_cut_off() {
    let endless = |_: Seen| {
        use axum::response::IntoResponse;
        let part = || Ok::<_, std::io::Error>(bytes::Bytes::from(vec![b' '; 1 << 16]));
        let body = axum::body::Body::from_stream(futures::stream::repeat_with(part));
        ([("content-type", "application/json")], body).into_response()
    };
    let outcome = beside(endless, async |url| {
        let site = Site { largest: 2 << 20, ..site(&url) };
        PrometheusClient::new(Route::Direct(site), Egress::LoopbackOnly).unwrap().query("up", 0).await
    });
    let fault = server_fault(outcome.await);
    assert_eq!(fault.kind, FaultKind::Malformed, "{fault}");
    assert!(fault.what.as_str().ends_with(": answer larger than 2 MiB"), "{fault}");
}
