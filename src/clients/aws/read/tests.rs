//! The clients against the embedded world's AWS.

// A server that is not AWS runs beside the test.
#![allow(clippy::disallowed_methods, clippy::disallowed_types)]

use std::sync::{Arc, Mutex};
use std::time::Duration;

use super::*;
use crate::clients::egress::Egress;
use crate::demo::servers::aws::fixture::{LB, MINUTE, NOON, Served, serve};
use crate::demo::servers::aws::{ACCESS_KEY, AwsFault};
use crate::domain::error::FaultKind;

fn options(url: Option<&str>) -> Options {
    Options {
        region: "eu-west-1".to_owned(),
        profile: None,
        endpoint_url: url.map(str::to_owned),
        fixed: Some((ACCESS_KEY.to_owned(), "demo".to_owned())),
        egress: Egress::LoopbackOnly,
    }
}

async fn connect(served: &Served) -> Connection {
    Connection::open(&options(Some(&served.url))).await.unwrap()
}

fn metric(name: &str) -> Metric {
    Metric {
        namespace: "AWS/ApplicationELB".to_owned(),
        name: name.to_owned(),
        dimensions: vec![("LoadBalancer".to_owned(), LB.to_owned())],
    }
}

#[tokio::test]
async fn six_hundred_queries_go_in_two_calls_and_come_back_in_order() {
    let served = serve().await;
    let client = CloudWatch::new(&connect(&served).await);
    let query = |n: u32| MetricQuery {
        metric: metric(if n.is_multiple_of(2) { "RequestCount" } else { "Nothing" }),
        period: 60,
        stat: "Sum".to_owned(),
    };
    let queries: Vec<MetricQuery> = (0..600).map(query).collect();
    let series = client.metric_data(&queries, NOON - 4 * MINUTE, NOON).await.unwrap();
    assert_eq!(series.len(), 600);
    for (n, series) in series.iter().enumerate() {
        let expected: &[(i64, f64)] = if n % 2 == 0 {
            &[(NOON - 4 * MINUTE, 1_200.0), (NOON - 3 * MINUTE, 1_200.0), (NOON - 2 * MINUTE, 1_200.0)]
        } else {
            &[]
        };
        assert_eq!(series.points, expected, "query {n}");
    }
}

#[test]
fn five_statistics_of_a_metric_are_billed_as_one() {
    let query = |name: &str, stat: &str| MetricQuery { metric: metric(name), period: 60, stat: stat.to_owned() };
    let five: Vec<_> = ["Average", "p50", "p95", "p99", "Maximum"].map(|s| query("TargetResponseTime", s)).into();
    assert_eq!(billed(&five), 1);
    let mut more = five;
    more.extend([query("TargetResponseTime", "Minimum"), query("RequestCount", "Sum")]);
    assert_eq!(billed(&more), 3);
}

#[tokio::test]
async fn inventory_is_read_whole() {
    let served = serve().await;
    let connection = connect(&served).await;
    let elb = Elb::new(&connection);
    let forwards = elb.forwards(&elb.load_balancers().await.unwrap()).await.unwrap();
    assert_eq!((forwards[0][0].port, forwards[0][0].weight), (443, 100));
    let targets = elb.targets(&elb.target_groups().await.unwrap()).await.unwrap();
    assert_eq!(targets[0][1].reason, "Target.FailedHealthChecks");
    let dbs = Rds::new(&connection).instances().await.unwrap();
    let replication = Replication { source: "shop-db".to_owned(), status: Some("replicating".to_owned()) };
    assert_eq!(dbs[1].replication, Some(replication));
    let events = Rds::new(&connection).events(NOON - 60 * MINUTE, NOON).await.unwrap();
    assert_eq!(events.len(), 1);
    let cache = ElastiCache::new(&connection);
    let caches = cache.groups(&cache.clusters().await.unwrap()).await.unwrap();
    assert_eq!(caches[0].nodes[0].status.as_deref(), Some("available"));
    let asgs = AutoScaling::new(&connection).groups().await.unwrap();
    assert_eq!(asgs[0].instances.len(), 2);
    assert_eq!(Sts::new(&connection).caller().await.unwrap().account, "123456789012");
}

#[tokio::test]
async fn a_clock_that_cannot_be_right_is_not_signed_by() {
    let answer = |_| {
        let date = "Fri, 31 Dec 9999 23:59:59 GMT";
        let body = "<GetCallerIdentityResponse xmlns=\"https://sts.amazonaws.com/doc/2011-06-15/\"><GetCallerIdentityResult>\
            <Arn>arn:aws:iam::123456789012:user/a</Arn><UserId>A</UserId><Account>123456789012</Account>\
            </GetCallerIdentityResult></GetCallerIdentityResponse>";
        axum::response::IntoResponse::into_response(([("content-type", "text/xml"), ("date", date)], body))
    };
    crate::clients::testing::beside(answer, async |url| {
        let sts = Sts::new(&Connection::open(&options(Some(&url))).await.unwrap());
        for _ in 0..2 {
            assert_eq!(sts.caller().await.unwrap().account, "123456789012");
        }
    })
    .await;
}

#[tokio::test]
async fn failures_are_worded_with_the_next_step() {
    let served = serve().await;
    let connection = connect(&served).await;
    let (rds, cloudwatch) = (Rds::new(&connection), CloudWatch::new(&connection));
    let cases = [
        (AwsFault::Status(401), FaultKind::Unauthenticated, "the AWS session has expired", "aws sso login"),
        (AwsFault::Status(403), FaultKind::Forbidden, "forbidden: ", "in the role's policy"),
        (AwsFault::Status(429), FaultKind::Throttled, "AWS throttles", "less often"),
        (AwsFault::Status(500), FaultKind::Server, "failed with 500", "wait"),
        (AwsFault::Truncate, FaultKind::Malformed, "", "what stands between"),
    ];
    for (fault, kind, what, hint) in cases {
        served.faults.set("aws", fault);
        for error in [rds.alive().await.unwrap_err(), cloudwatch.alive().await.unwrap_err()] {
            assert_eq!(error.kind, kind, "{error:?}");
            assert!(error.what.as_str().contains(what), "{error}");
            assert!(error.hint.as_str().contains(hint), "{error}");
        }
    }
    served.faults.set("aws", AwsFault::Hang);
    let started = tokio::time::Instant::now();
    let error = cloudwatch.alive().await.unwrap_err();
    assert_eq!(error.kind, FaultKind::Timeout, "{error}");
    assert!(started.elapsed() < Duration::from_secs(5), "{:?}", started.elapsed());
}

#[tokio::test]
async fn what_is_not_cloudwatch_is_said_to_be_so() {
    let page = axum::Router::new().fallback(|| async { (axum::http::StatusCode::NOT_FOUND, "<html>no</html>") });
    let socket = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", socket.local_addr().unwrap());
    let task = tokio::spawn(async move { axum::serve(socket, page).await.unwrap() });
    let connection = Connection::open(&options(Some(&url))).await.unwrap();
    let error = CloudWatch::new(&connection).alive().await.unwrap_err();
    assert_eq!(error.kind, FaultKind::Malformed);
    assert!(error.what.as_str().contains("does not speak CloudWatch CBOR"), "{error}");
    task.abort();
    let _ = task.await;
    let error = CloudWatch::new(&connection).alive().await.unwrap_err();
    assert_eq!(error.kind, FaultKind::Refused, "{error}");
}

/// A page that is not AWS's, with a status, for every request; and what the last request called itself.
async fn portal(status: u16) -> (String, Arc<Mutex<String>>, tokio::task::JoinHandle<()>) {
    let agent = Arc::new(Mutex::new(String::new()));
    let heard = agent.clone();
    let page = axum::Router::new().fallback(move |headers: axum::http::HeaderMap| {
        headers["user-agent"].to_str().unwrap().clone_into(&mut heard.lock().unwrap());
        let status = axum::http::StatusCode::from_u16(status).unwrap();
        async move { (status, [("content-type", "text/html")], "<html><h1>Your company's proxy</h1></html>") }
    });
    let socket = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", socket.local_addr().unwrap());
    (url, agent, tokio::spawn(async move { axum::serve(socket, page).await.unwrap() }))
}

#[tokio::test]
async fn a_page_that_is_not_of_aws_is_judged_by_its_status() {
    let cases = [
        (401, FaultKind::Unauthenticated),
        (403, FaultKind::Forbidden),
        (429, FaultKind::Throttled),
        (502, FaultKind::Server),
        (200, FaultKind::Malformed),
    ];
    for (status, kind) in cases {
        let (url, agent, task) = portal(status).await;
        let connection = Connection::open(&options(Some(&url))).await.unwrap();
        for error in [
            CloudWatch::new(&connection).alive().await.unwrap_err(),
            Rds::new(&connection).alive().await.unwrap_err(),
            ElastiCache::new(&connection).clusters().await.unwrap_err(),
        ] {
            assert_eq!(error.kind, kind, "{status}: {error}");
            assert!(error.hint.as_str().contains("between"), "{status}: {error}");
        }
        let agent = agent.lock().unwrap().clone();
        assert!(agent.contains("app/tierdeck"), "{agent}");
        task.abort();
    }
}

#[tokio::test]
async fn a_run_held_to_loopback_cannot_be_pointed_elsewhere() {
    let bad = [
        options(None),
        options(Some("https://monitoring.eu-west-1.amazonaws.com")),
        Options { fixed: None, ..options(Some("http://127.0.0.1:1")) },
        Options { egress: Egress::Open, ..options(Some("http://127.0.0.1:1")) },
    ];
    for options in bad {
        assert_eq!(Connection::open(&options).await.unwrap_err().kind, FaultKind::Usage, "{options:?}");
    }
}

#[tokio::test]
async fn a_profile_that_does_not_exist_is_named_and_nothing_else_is_tried() {
    let served = serve().await;
    let profile = Some("tierdeck-no-such-profile".to_owned());
    let options = Options { profile, fixed: None, egress: Egress::Open, ..options(Some(&served.url)) };
    let connection = Connection::open(&options).await.unwrap();
    for error in
        [CloudWatch::new(&connection).alive().await.unwrap_err(), Rds::new(&connection).alive().await.unwrap_err()]
    {
        assert_eq!(error.kind, FaultKind::Unauthenticated);
        assert!(error.what.as_str().contains("profile tierdeck-no-such-profile is not defined"), "{error}");
    }
}

#[tokio::test]
async fn an_answer_without_end_is_cut_off() {
    let endless = || async {
        let part = || Ok::<_, std::io::Error>(bytes::Bytes::from(vec![b' '; 1 << 16]));
        axum::body::Body::from_stream(futures::stream::repeat_with(part))
    };
    let socket = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", socket.local_addr().unwrap());
    let task = tokio::spawn(async move { axum::serve(socket, axum::Router::new().fallback(endless)).await.unwrap() });
    let connection = Connection::open(&options(Some(&url))).await.unwrap();
    let error = Rds::new(&connection).alive().await.unwrap_err();
    assert_eq!(error.what.as_str(), "rds:DescribeDBInstances: answer larger than 16 MiB");
    let error = CloudWatch::new(&connection).alive().await.unwrap_err();
    assert_eq!(error.what.as_str(), "cloudwatch:DescribeAlarms: answer larger than 16 MiB");
    task.abort();
}
