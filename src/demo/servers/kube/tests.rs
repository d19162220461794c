//! The API over HTTP on loopback, as a client of another make sees it.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::Path;
use axum::routing::get;
use reqwest::{Method, Response, StatusCode};
use serde_json::{Value, json};

use crate::demo::production::Production;
use crate::demo::servers::fault::{Fault, Gate, Switch};
use crate::demo::servers::http::serve;
use crate::demo::store::kube::PODS;

use super::fixture::{self, NAMESPACE};
use super::{Upstream, refusal, router};

struct Served {
    production: Arc<Production>,
    address: SocketAddr,
    prometheus: Switch,
}

/// The API server on a loopback port, in front of a stand-in for Prometheus.
fn served() -> Served {
    let production = fixture::production();
    let (switch, prometheus) = (Switch::default(), Switch::default());
    let behind = Router::new().route(
        "/api/v1/label/{name}/values",
        get(|Path(name): Path<String>| async move { format!("values of {name}") }),
    );
    let gate = Gate::open(&switch).expect("a port");
    let address = gate.address();
    let upstream = Upstream { router: behind, faults: prometheus.subscribe() };
    serve(gate, router(production.clone(), Some(upstream)), &switch, refusal);
    Served { production, address, prometheus }
}

impl Served {
    async fn request(&self, method: Method, path: &str, accept: &str) -> Response {
        let request = reqwest::Client::new().request(method, format!("http://{}{path}", self.address));
        request.header("accept", accept).send().await.expect("an answer")
    }

    async fn get(&self, path: &str) -> Value {
        self.request(Method::GET, path, "application/json").await.json().await.expect("JSON")
    }

    async fn get_as(&self, path: &str, accept: &str) -> Value {
        self.request(Method::GET, path, accept).await.json().await.expect("JSON")
    }

    async fn watch(&self, path: &str, accept: &str) -> Watch {
        Watch { response: self.request(Method::GET, path, accept).await, rest: Vec::new() }
    }
}

struct Watch {
    response: Response,
    rest: Vec<u8>,
}

impl Watch {
    /// The next event, or none when the server has ended the watch.
    async fn next(&mut self) -> Option<Value> {
        loop {
            if let Some(end) = self.rest.iter().position(|byte| *byte == b'\n') {
                let line: Vec<u8> = self.rest.drain(..=end).collect();
                return Some(serde_json::from_slice(&line).expect("an event"));
            }
            let chunk = tokio::time::timeout(Duration::from_secs(20), self.response.chunk()).await.expect("in time");
            self.rest.extend_from_slice(&chunk.expect("a chunk")?);
        }
    }
}

const TABLE: &str = "application/json;as=Table;v=v1;g=meta.k8s.io,application/json";
const METADATA: &str = "application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1";

fn names(list: &Value) -> Vec<&str> {
    let items = list["items"].as_array().expect("items");
    items.iter().map(|item| item["metadata"]["name"].as_str().expect("a name")).collect()
}

fn pods(query: &str) -> String {
    format!("/api/v1/namespaces/{NAMESPACE}/pods{query}")
}

#[tokio::test]
async fn a_list_has_the_objects_that_its_selectors_take() {
    let api = served();
    for (query, expected) in [
        ("", vec!["web-0", "web-1", "web-2", "worker-0"]),
        ("?labelSelector=app%3Dworker", vec!["worker-0"]),
        ("?labelSelector=app%20notin%20(worker)", vec!["web-0", "web-1", "web-2"]),
        ("?fieldSelector=status.phase%3DPending", vec!["worker-0"]),
        ("?fieldSelector=metadata.name%3Dweb-1&", vec!["web-1"]),
    ] {
        let list = api.get(&pods(query)).await;
        assert_eq!(names(&list), expected, "{query}");
        assert_eq!(list["kind"], "PodList");
        assert_eq!(list["apiVersion"], "v1");
    }
    let everywhere = api.get("/api/v1/pods").await;
    assert!(names(&everywhere).len() >= 4);
    let version = api.production.read(|world| world.stores.kube.version());
    assert_eq!(everywhere["metadata"]["resourceVersion"], version.to_string());
}

#[tokio::test]
async fn pages_join_to_the_whole_list_and_carry_the_version_of_the_first() {
    let api = served();
    let first = api.get(&pods("?limit=3")).await;
    assert_eq!(names(&first), ["web-0", "web-1", "web-2"]);
    assert_eq!(first["metadata"]["remainingItemCount"], 1);
    api.production.write(|world| world.stores.kube.apply(PODS, fixture::pod("zeta", "zeta", "Running")));
    let token = first["metadata"]["continue"].as_str().expect("a token");
    let rest = api.get(&pods(&format!("?limit=3&continue={token}"))).await;
    assert_eq!(names(&rest), ["worker-0", "zeta"]);
    assert_eq!(rest["metadata"]["continue"], Value::Null);
    assert_eq!(rest["metadata"]["resourceVersion"], first["metadata"]["resourceVersion"]);
    let exact = api.get(&pods("?limit=5")).await;
    assert_eq!(exact["metadata"]["continue"], Value::Null, "a full last page has no next one");
}

#[tokio::test]
async fn errors_are_status_objects() {
    let api = served();
    for (method, path, code, reason) in [
        (Method::GET, pods("/nobody"), 404, "NotFound"),
        (Method::GET, "/apis/apps/v1/secrets".to_owned(), 404, "NotFound"),
        (Method::GET, "/nowhere".to_owned(), 404, "NotFound"),
        (Method::GET, pods("?limit=many"), 400, "BadRequest"),
        (Method::GET, pods("?continue=garbage"), 400, "BadRequest"),
        (Method::GET, pods("?labelSelector=a%20b"), 400, "BadRequest"),
        (Method::GET, pods("?fieldSelector=spec.replicas%3D1"), 400, "BadRequest"),
        (Method::GET, pods("?resourceVersion=999999999"), 504, "Timeout"),
        (Method::GET, pods("?watch=true&sendInitialEvents=true"), 422, "Invalid"),
        (Method::PATCH, pods("/web-0"), 403, "Forbidden"),
        (Method::PATCH, pods(""), 405, "MethodNotAllowed"),
        (Method::DELETE, pods(""), 405, "MethodNotAllowed"),
        (Method::GET, "/apis/metrics.k8s.io/v1beta1/pods?watch=true".to_owned(), 405, "MethodNotAllowed"),
    ] {
        let response = api.request(method.clone(), &path, "*/*").await;
        assert_eq!(response.status(), code, "{method} {path}");
        let status: Value = response.json().await.expect("JSON");
        assert_eq!(status["kind"], "Status", "{path}");
        assert_eq!((&status["code"], &status["reason"]), (&json!(code), &json!(reason)), "{path}");
    }
    let unacceptable = api.request(Method::GET, &pods(""), "application/yaml").await;
    assert_eq!(unacceptable.status(), StatusCode::NOT_ACCEPTABLE);
    let client = reqwest::Client::new().get(format!("http://{}/version", api.address));
    let stranger = client.bearer_auth("stolen").send().await.expect("an answer");
    assert_eq!(stranger.status(), StatusCode::UNAUTHORIZED);
}

#[tokio::test]
async fn a_watch_replays_what_came_after_its_version_and_then_follows() {
    let api = served();
    let start = api.get(&pods("")).await["metadata"]["resourceVersion"].as_str().expect("a version").to_owned();
    api.production.write(|world| world.stores.kube.apply(PODS, fixture::pod("worker-0", "worker", "Running")));
    let mut watch = api.watch(&pods(&format!("?watch=true&resourceVersion={start}")), "*/*").await;
    let event = watch.next().await.expect("an event");
    assert_eq!((&event["type"], &event["object"]["metadata"]["name"]), (&json!("MODIFIED"), &json!("worker-0")));
    api.production.write(|world| world.stores.kube.apply(PODS, fixture::pod("web-3", "web", "Pending")));
    let event = watch.next().await.expect("an event");
    assert_eq!((&event["type"], &event["object"]["metadata"]["name"]), (&json!("ADDED"), &json!("web-3")));
    api.production.write(|world| world.stores.kube.delete(PODS, NAMESPACE, "web-3"));
    let event = watch.next().await.expect("an event");
    assert_eq!((&event["type"], &event["object"]["metadata"]["name"]), (&json!("DELETED"), &json!("web-3")));
    assert_eq!(event["object"]["status"]["phase"], "Pending", "the last state");
}

#[tokio::test]
async fn a_watch_with_a_selector_tells_when_an_object_comes_into_it_and_leaves_it() {
    let api = served();
    let query = "?watch=true&fieldSelector=status.phase%3DPending&resourceVersion=0";
    let mut watch = api.watch(&pods(query), "*/*").await;
    let mut seen = Vec::new();
    for (app, phase) in [("worker", "Running"), ("other", "Running"), ("worker", "Pending")] {
        api.production.write(|world| world.stores.kube.apply(PODS, fixture::pod("worker-0", app, phase)));
    }
    for _ in 0..3 {
        seen.push(watch.next().await.expect("an event")["type"].clone());
    }
    assert_eq!(seen, ["ADDED", "DELETED", "ADDED"]);
}

#[tokio::test]
async fn a_streamed_list_ends_with_its_mark_and_bookmarks_follow_until_the_timeout() {
    let api = served();
    let query = "?watch=true&sendInitialEvents=true&resourceVersionMatch=NotOlderThan&allowWatchBookmarks=true\
                 &labelSelector=app%3Dweb&timeoutSeconds=1";
    let mut watch = api.watch(&pods(query), "*/*").await;
    for _ in 0..3 {
        assert_eq!(watch.next().await.expect("an event")["type"], "ADDED");
    }
    let mark = watch.next().await.expect("the mark");
    assert_eq!(mark["type"], "BOOKMARK");
    assert_eq!((&mark["object"]["kind"], &mark["object"]["apiVersion"]), (&json!("Pod"), &json!("v1")));
    assert_eq!(mark["object"]["metadata"]["annotations"]["k8s.io/initial-events-end"], "true");
    let last = watch.next().await.expect("the last bookmark");
    assert_eq!(last["object"]["metadata"]["annotations"], Value::Null);
    assert_eq!(last["object"]["metadata"]["resourceVersion"], mark["object"]["metadata"]["resourceVersion"]);
    assert_eq!(watch.next().await, None);
}

#[tokio::test]
async fn a_watch_from_the_forgotten_past_gets_an_event_with_code_410() {
    let api = served();
    for index in 0..5000 {
        let name = format!("web-{}", index % 3);
        let phase = if index % 2 == 0 { "Pending" } else { "Running" };
        api.production.write(|world| world.stores.kube.apply(PODS, fixture::pod(&name, "web", phase)));
    }
    let mut watch = api.watch(&pods("?watch=true&resourceVersion=1"), "*/*").await;
    assert_eq!(watch.response.status(), StatusCode::OK);
    let event = watch.next().await.expect("an event");
    assert_eq!((&event["type"], &event["object"]["code"]), (&json!("ERROR"), &json!(410)));
    assert_eq!(event["object"]["reason"], "Expired");
    assert_eq!(watch.next().await, None);
    let exact = api.request(Method::GET, &pods("?resourceVersion=1&resourceVersionMatch=Exact"), "*/*").await;
    assert_eq!(exact.status(), StatusCode::GONE);
}

#[tokio::test]
async fn tables_have_the_columns_of_kubectl() {
    let api = served();
    let table = api.get_as(&pods("?includeObject=None"), TABLE).await;
    let headers: Vec<&Value> =
        table["columnDefinitions"].as_array().expect("columns").iter().map(|c| &c["name"]).collect();
    assert_eq!(headers.get(..5).expect("five"), ["Name", "Ready", "Status", "Restarts", "Age"]);
    let cells = |row: usize| table["rows"][row]["cells"].as_array().expect("cells").get(..5).expect("five").to_vec();
    assert_eq!(cells(0), ["web-0", "1/1", "Running", "0", "60m"]);
    assert_eq!(cells(3), ["worker-0", "0/1", "ContainerCreating", "0", "60m"]);
    assert_eq!(table["rows"][0]["object"], Value::Null);
    for (path, expected) in [
        (format!("/apis/apps/v1/namespaces/{NAMESPACE}/deployments/web"), json!(["web", "3/3", 3, 3, "60m"])),
        (format!("/apis/apps/v1/namespaces/{NAMESPACE}/replicasets"), json!(["web-5d4", 3, 3, 3, "60m"])),
        (
            "/api/v1/nodes/fixture-node".to_owned(),
            json!(["fixture-node", "Ready,SchedulingDisabled", "worker", "10d", "v1.33.5"]),
        ),
        (
            format!("/api/v1/namespaces/{NAMESPACE}/services/web"),
            json!(["web", "ClusterIP", "172.20.0.9", "<none>", "80/TCP", "60m"]),
        ),
        (
            format!("/apis/autoscaling/v2/namespaces/{NAMESPACE}/horizontalpodautoscalers"),
            json!(["web", "Deployment/web", "cpu: 45%/70%", "2", "9", "3", "60m"]),
        ),
        (format!("/apis/policy/v1/namespaces/{NAMESPACE}/poddisruptionbudgets"), json!(["web", "2", "N/A", 1, "60m"])),
        (format!("/api/v1/namespaces/{NAMESPACE}/events"), json!(["2m", "Normal", "Started", "pod/web-0"])),
        (format!("/apis/argoproj.io/v1alpha1/namespaces/{NAMESPACE}/rollouts"), json!(["orders", 3, 3, 3, 3, "60m"])),
        (
            format!("/apis/discovery.k8s.io/v1/namespaces/{NAMESPACE}/endpointslices"),
            json!(["web-abc", "IPv4", "8080", "10.0.0.7", "60m"]),
        ),
        (format!("/api/v1/namespaces/{NAMESPACE}"), json!([NAMESPACE, "Active", "24h"])),
    ] {
        let table = api.get_as(&path, TABLE).await;
        let expected = expected.as_array().expect("cells");
        let cells = table["rows"][0]["cells"].as_array().unwrap_or_else(|| panic!("{path}: {table}"));
        assert_eq!(cells.get(..expected.len()).expect("cells"), expected, "{path}");
        assert_eq!(cells.len(), table["columnDefinitions"].as_array().expect("columns").len(), "{path}");
        assert_eq!(table["rows"][0]["object"]["kind"], "PartialObjectMetadata", "{path}");
    }
}

#[tokio::test]
async fn a_watched_table_has_its_columns_once() {
    let api = served();
    let mut watch = api.watch(&pods("?watch=true"), TABLE).await;
    let first = watch.next().await.expect("an event");
    assert_eq!(first["object"]["kind"], "Table");
    assert!(first["object"]["columnDefinitions"].is_array());
    assert_eq!(first["object"]["rows"][0]["cells"][0], "web-0");
    assert_eq!(watch.next().await.expect("an event")["object"]["columnDefinitions"], Value::Null);
}

#[tokio::test]
async fn metadata_alone_can_be_asked_for() {
    let api = served();
    let list = api.get_as(&pods(""), METADATA).await;
    assert_eq!(list["kind"], "PartialObjectMetadataList");
    assert_eq!(list["items"][0]["kind"], "PartialObjectMetadata");
    assert_eq!(list["items"][0]["metadata"]["labels"]["app"], "web");
    assert_eq!(list["items"][0]["spec"], Value::Null);
}

#[tokio::test]
async fn discovery_names_every_kind_in_both_forms() {
    let api = served();
    let aggregated = "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList,application/json";
    let response = api.request(Method::GET, "/apis", aggregated).await;
    let kind = response.headers().get("content-type").expect("a type").to_str().expect("text").to_owned();
    assert_eq!(kind, "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList");
    let mut found = 0;
    for list in [response.json::<Value>().await.expect("JSON"), api.get_as("/api", aggregated).await] {
        for group in list["items"].as_array().expect("groups") {
            let version = &group["versions"][0];
            let name = group["metadata"]["name"].as_str().expect("a name");
            let root = if name.is_empty() {
                "/api/v1".to_owned()
            } else {
                format!("/apis/{name}/{}", version["version"].as_str().expect("a version"))
            };
            let plain = api.get(&root).await;
            for resource in version["resources"].as_array().expect("resources") {
                let row =
                    plain["resources"].as_array().expect("rows").iter().find(|row| row["name"] == resource["resource"]);
                assert_eq!(row.expect("the same in the old form")["kind"], resource["responseKind"]["kind"]);
                found += 1;
            }
        }
    }
    assert_eq!(found, super::resources::RESOURCES.len() + 3);
    let groups = api.get("/apis").await;
    assert_eq!(groups["groups"].as_array().expect("groups").len(), super::resources::GROUPS.len());
    assert_eq!(api.get("/apis/apps").await["preferredVersion"]["groupVersion"], "apps/v1");
}

#[tokio::test]
async fn reviews_say_who_asks_and_what_its_role_allows() {
    let api = served();
    let client = reqwest::Client::new();
    let post = |path: &str, body: Value| {
        client.post(format!("http://{}{path}", api.address)).bearer_auth(super::TOKEN).json(&body).send()
    };
    let review = post("/apis/authentication.k8s.io/v1/selfsubjectreviews", json!({})).await.expect("an answer");
    assert_eq!(review.status(), StatusCode::CREATED);
    let review: Value = review.json().await.expect("JSON");
    assert_eq!(review["status"]["userInfo"]["username"], "demo");
    for (verb, group, resource, part, allowed) in [
        ("list", "", "pods", "", true),
        ("patch", "", "pods", "", false),
        ("create", "", "pods", "eviction", true),
        ("patch", "argoproj.io", "rollouts", "status", true),
        ("patch", "apps", "rollouts", "status", false),
        ("patch", "policy", "poddisruptionbudgets", "", false),
    ] {
        let attributes = json!({"verb": verb, "group": group, "resource": resource, "subresource": part});
        let body = json!({"spec": {"resourceAttributes": attributes}});
        let review = post("/apis/authorization.k8s.io/v1/selfsubjectaccessreviews", body).await.expect("an answer");
        let review: Value = review.json().await.expect("JSON");
        assert_eq!(review["status"]["allowed"], allowed, "{verb} {resource}/{part}");
    }
    let empty = post("/apis/authorization.k8s.io/v1/selfsubjectaccessreviews", json!({"spec": {}})).await;
    assert_eq!(empty.expect("an answer").status(), StatusCode::UNPROCESSABLE_ENTITY);
}

#[tokio::test]
async fn the_service_proxy_reaches_prometheus_and_says_when_it_does_not() {
    let api = served();
    let path =
        |service: &str| format!("/api/v1/namespaces/{NAMESPACE}/services/{service}/proxy/api/v1/label/job/values");
    for service in ["prometheus:9090", "http:prometheus:http", "prometheus"] {
        let response = api.request(Method::GET, &path(service), "*/*").await;
        assert_eq!(response.text().await.expect("text"), "values of job", "{service}");
    }
    for (service, code) in [("prometheus:81", 503), ("web:80", 503), ("nobody:80", 404)] {
        assert_eq!(api.request(Method::GET, &path(service), "*/*").await.status(), code, "{service}");
    }
    api.prometheus.set(Fault::Stopped);
    let response = api.request(Method::GET, &path("prometheus:9090"), "*/*").await;
    assert_eq!(response.status(), StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(response.json::<Value>().await.expect("JSON")["kind"], "Status");
}

#[tokio::test]
async fn logs_end_where_the_tail_begins_and_a_waiting_container_has_none() {
    let api = served();
    let log = api.request(Method::GET, &pods("/web-0/log?tailLines=3"), "*/*").await.text().await.expect("text");
    assert_eq!(log.lines().count(), 3);
    assert!(log.ends_with("time=2026-11-21T01:00:00.000Z level=info msg=\"serving\"\n"), "{log}");
    let waiting = api.request(Method::GET, &pods("/worker-0/log"), "*/*").await;
    assert_eq!(waiting.status(), StatusCode::BAD_REQUEST);
}
