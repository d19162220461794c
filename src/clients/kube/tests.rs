//! The client against a small server that misbehaves on request.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::{Query, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::{any, get, post};
use futures::StreamExt;
use futures::stream::{self, BoxStream};

use super::Proxy;
use super::read::{Connection, Connector, Resource, Seen, follow};
use crate::clients::egress::Egress;
use crate::clients::prometheus::ProxyTransport;
use crate::domain::error::{Fault, FaultKind};
use crate::domain::settings::{KubernetesSettings, ServiceProxy};

const PODS: Resource = Resource { api: "/api/v1", plural: "pods", namespaced: true, fields: "" };

/// A server on loopback and a kubeconfig for it; both end with the test.
struct Served {
    connection: Connection,
    folder: tempfile::TempDir,
    server: tokio::task::JoinHandle<()>,
}

impl Drop for Served {
    fn drop(&mut self) {
        self.server.abort();
    }
}

fn settings(kubeconfig: &std::path::Path) -> KubernetesSettings {
    KubernetesSettings {
        name: "k8s".to_owned(),
        kubeconfig: Some(kubeconfig.to_owned()),
        context: None,
        namespaces: Vec::new(),
    }
}

async fn connect(settings: &KubernetesSettings, egress: Egress) -> Result<Connection, Fault> {
    Connector::new(settings.clone(), egress).connect().await
}

fn kubeconfig(server: &str) -> String {
    format!(
        "apiVersion: v1\nkind: Config\ncurrent-context: it\nclusters: [{{name: shop, cluster: {{server: \"{server}\"}}}}]\n\
         users: [{{name: u, user: {{token: t}}}}]\ncontexts: [{{name: it, context: {{cluster: shop, user: u}}}}]\n"
    )
}

async fn serve(router: Router) -> Served {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    #[allow(clippy::disallowed_methods)]
    let server = tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("config");
    std::fs::write(&file, kubeconfig(&url)).unwrap();
    let connection = connect(&settings(&file), Egress::LoopbackOnly).await.unwrap();
    Served { connection, folder, server }
}

fn pods(served: &Served) -> BoxStream<'static, Result<Seen, Fault>> {
    follow(served.connection.clone(), PODS, None)
}

fn status(code: u16, reason: &str, message: &str) -> Response {
    let body =
        format!(r#"{{"kind":"Status","status":"Failure","code":{code},"reason":"{reason}","message":"{message}"}}"#);
    (StatusCode::from_u16(code).unwrap(), body).into_response()
}

type Params = Query<std::collections::BTreeMap<String, String>>;

/// Lines of a watch that then stays open.
fn watch(lines: Vec<Vec<u8>>) -> Response {
    let open = stream::iter(lines.into_iter().map(|line| Ok::<_, std::io::Error>(Bytes::from(line))));
    Body::from_stream(open.chain(stream::pending())).into_response()
}

async fn next(stream: &mut BoxStream<'static, Result<Seen, Fault>>) -> Result<Seen, Fault> {
    tokio::time::timeout(Duration::from_secs(10), stream.next()).await.expect("in time").expect("not ended")
}

fn names(seen: &Seen) -> Vec<String> {
    let Seen::Page { page, .. } = seen else { panic!("{seen:?}") };
    page.items().map(ToOwned::to_owned).collect()
}

#[tokio::test]
async fn pages_are_joined_and_a_watch_begins_where_they_ended() {
    let served = serve(Router::new().route(
        "/api/v1/pods",
        get(|Query(params): Params, headers: HeaderMap| async move {
            assert!(headers[header::USER_AGENT].to_str().unwrap().starts_with("tierdeck/"));
            if params.contains_key("watch") {
                assert_eq!(params["resourceVersion"], "12");
                assert!(params["timeoutSeconds"].parse::<u32>().unwrap() <= 60);
                return watch(vec![
                    // One event in two pieces, then a bookmark, then a deletion.
                    b"{\"type\":\"ADDED\",\"object\":{\"metadata\":{\"name\":\"c\",".to_vec(),
                    b"\"resourceVersion\":\"13\"}}}\n{\"type\":\"BOOKMARK\",\"object\":{\"metadata\":{\"resourceVersion\":\"14\"}}}\n".to_vec(),
                    b"{\"type\":\"DELETED\",\"object\":{\"metadata\":{\"name\":\"a\"}}}\n".to_vec(),
                ]);
            }
            match params.get("continue").map(String::as_str) {
                None => r#"{"metadata":{"resourceVersion":"11","continue":"a+b/c="},"items":[{"n":"a"},{"n":"b"}]}"#,
                Some("a+b/c=") => r#"{"metadata":{"resourceVersion":"12"},"items":null}"#,
                Some(other) => panic!("{other}"),
            }
            .into_response()
        }),
    ))
    .await;
    let mut seen = pods(&served);
    let first = next(&mut seen).await.unwrap();
    assert!(matches!(first, Seen::Page { first: true, last: false, .. }));
    assert_eq!(names(&first), [r#"{"n":"a"}"#, r#"{"n":"b"}"#]);
    assert!(matches!(next(&mut seen).await.unwrap(), Seen::Page { first: false, last: true, .. }));
    let Seen::Change(added) = next(&mut seen).await.unwrap() else { panic!() };
    assert!(!added.deleted && added.object().contains(r#""name":"c""#), "{added:?}");
    assert!(matches!(next(&mut seen).await.unwrap(), Seen::Alive));
    assert!(matches!(next(&mut seen).await.unwrap(), Seen::Change(change) if change.deleted));
}

#[tokio::test]
async fn an_expired_version_lists_again() {
    let lists = Arc::new(AtomicUsize::new(0));
    let router = Router::new().route(
        "/api/v1/pods",
        get(|Query(params): Params, State(lists): State<Arc<AtomicUsize>>| async move {
            if !params.contains_key("watch") {
                let n = lists.fetch_add(1, Ordering::SeqCst);
                return format!(r#"{{"metadata":{{"resourceVersion":"{n}"}},"items":[]}}"#).into_response();
            }
            if params["resourceVersion"] == "0" {
                return watch(vec![
                    b"{\"type\":\"ERROR\",\"object\":{\"kind\":\"Status\",\"code\":410,\"reason\":\"Expired\"}}\n"
                        .to_vec(),
                ]);
            }
            watch(vec![b"{\"type\":\"ADDED\",\"object\":{\"metadata\":{\"name\":\"x\"}}}\n".to_vec()])
        }),
    );
    let served = serve(router.with_state(lists.clone())).await;
    let mut seen = pods(&served);
    assert!(matches!(next(&mut seen).await.unwrap(), Seen::Page { first: true, .. }));
    assert!(matches!(next(&mut seen).await.unwrap(), Seen::Alive));
    assert!(matches!(next(&mut seen).await.unwrap(), Seen::Page { first: true, .. }));
    assert!(matches!(next(&mut seen).await.unwrap(), Seen::Change(_)));
    assert_eq!(lists.load(Ordering::SeqCst), 2);
}

#[tokio::test]
async fn a_refusal_is_named_and_the_stream_stays() {
    let served = serve(Router::new().route(
        "/api/v1/pods",
        get(|| async { status(403, "Forbidden", "pods is forbidden: User \\\"u\\\" cannot list resource") }),
    ))
    .await;
    let mut seen = pods(&served);
    let fault = next(&mut seen).await.unwrap_err();
    assert_eq!(fault.kind, FaultKind::Forbidden);
    assert_eq!(fault.what.as_str(), "forbidden: list pods at cluster scope");
    assert_eq!(fault.hint.as_str(), "needs an RBAC role with get, list, watch on pods");
    // It asks again in a minute instead of ending.
    assert!(tokio::time::timeout(Duration::from_millis(50), seen.next()).await.is_err());
}

#[tokio::test]
async fn what_the_server_does_wrong_is_said_in_one_sentence() {
    let cases: [(&str, u16, &str, FaultKind, &str); 5] = [
        ("401", 401, "Unauthorized", FaultKind::Unauthenticated, "credentials are not accepted"),
        ("429", 429, "slow down", FaultKind::Throttled, "too many requests"),
        ("503", 503, "etcd is gone", FaultKind::Server, "error 503 etcd is gone"),
        ("404", 404, "page not found", FaultKind::Missing, "not found: page not found"),
        ("plain", 200, "<html>", FaultKind::Malformed, "its version is not JSON"),
    ];
    for (name, code, message, kind, words) in cases {
        let answer =
            move || async move { if code == 200 { message.into_response() } else { status(code, "R", message) } };
        let served = serve(Router::new().route("/version", any(answer))).await;
        let fault = served.connection.version().await.unwrap_err();
        assert_eq!(fault.kind, kind, "{name}: {fault}");
        let server = served.connection.server().as_str();
        assert_eq!(fault.what.as_str(), format!("kubernetes {server}: {words}"), "{name}");
    }
}

/// Accepts connections and answers each with the same bytes, then closes; with none it stays silent.
async fn raw_server(answer: &'static [u8]) -> (String, tokio::task::JoinHandle<()>) {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    #[allow(clippy::disallowed_methods)]
    let server = tokio::spawn(async move {
        let mut silent = Vec::new();
        while let Ok((mut stream, _)) = listener.accept().await {
            let _ = stream.read(&mut [0; 4096]).await;
            if answer.is_empty() {
                silent.push(stream);
            } else {
                let _ = stream.write_all(answer).await;
            }
        }
    });
    (url, server)
}

#[tokio::test]
async fn silence_and_cut_answers_are_faults_in_time() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("config");
    let cases: [(&[u8], FaultKind); 4] = [
        (b"", FaultKind::Timeout),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 500\r\n\r\n{\"gitVersion\":\"v1", FaultKind::Malformed),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n40\r\n{\"gitV", FaultKind::Malformed),
        (b"SSH-2.0-OpenSSH_9.6\r\n", FaultKind::Malformed),
    ];
    for (answer, kind) in cases {
        let (url, server) = raw_server(answer).await;
        std::fs::write(&file, kubeconfig(&url)).unwrap();
        let connection = connect(&settings(&file), Egress::LoopbackOnly).await.unwrap();
        let started = tokio::time::Instant::now();
        let fault = connection.version().await.unwrap_err();
        assert_eq!(fault.kind, kind, "{fault}");
        assert!(started.elapsed() < Duration::from_secs(4), "{fault}");
        server.abort();
    }
}

#[tokio::test]
async fn a_cut_list_is_tried_three_times_and_then_a_fault() {
    let tries = Arc::new(AtomicUsize::new(0));
    let router = Router::new().route(
        "/api/v1/pods",
        get(|State(tries): State<Arc<AtomicUsize>>| async move {
            tries.fetch_add(1, Ordering::SeqCst);
            r#"{"metadata":{"resourceVersion":"1"},"items":[{"a":"#
        }),
    );
    let served = serve(router.with_state(tries.clone())).await;
    let mut seen = pods(&served);
    assert_eq!(next(&mut seen).await.unwrap_err().kind, FaultKind::Malformed);
    assert_eq!(tries.load(Ordering::SeqCst), 3);
    assert!(seen.next().await.is_none(), "the stream has ended");
}

#[tokio::test]
async fn hostile_objects_cost_only_themselves() {
    let served = serve(Router::new().route(
        "/api/v1/pods",
        get(|Query(params): Params| async move {
            if params.contains_key("watch") {
                let mut long = br#"{"type":"ADDED","object":{"metadata":{"name":""#.to_vec();
                long.extend(std::iter::repeat_n(b'x', 1 << 20));
                long.extend(b"\"}}}\n");
                return watch(vec![
                    b"{\"type\":\"MODIFIED\",\"object\":{\"metadata\":null,\"spec\":[1],\"x\":\"\xff\xfe\"}}\n"
                        .to_vec(),
                    b"{\"type\":\"ADDED\",\"object\":\"\\u001b[31m\"}\n\n".to_vec(),
                    long,
                ]);
            }
            let mut body = br#"{"metadata":{"resourceVersion":"1"},"items":[{"metadata":{"name":"a"#.to_vec();
            body.extend(b"\xc3\x28\"}},null,7,\"\",{\"metadata\":{\"name\":{}}},");
            body.extend(b"[".repeat(500));
            body.extend(b"]".repeat(500));
            body.extend(b"]}");
            body.into_response()
        }),
    ))
    .await;
    let mut seen = pods(&served);
    let page = next(&mut seen).await.unwrap();
    assert_eq!(names(&page).len(), 6);
    let first = &names(&page)[0];
    let first: super::read::Pod<'_> = super::read::read(first).unwrap();
    assert_eq!(&*first.metadata.name, "a\u{fffd}(");
    let broken =
        names(&page)[1..].iter().filter(|text| super::read::read::<super::read::Pod<'_>>(text).is_none()).count();
    assert_eq!(broken, 5);
    for _ in 0..3 {
        assert!(matches!(next(&mut seen).await.unwrap(), Seen::Change(_)));
    }
}

#[tokio::test]
async fn identity_and_proxy_are_asked_as_the_api_wants_it() {
    let served = serve(
        Router::new()
            .route(
                "/apis/authentication.k8s.io/v1/selfsubjectreviews",
                post(|| async { r#"{"status":{"userInfo":{"username":"sre1"}}}"# }),
            )
            .route(
                "/api/v1/namespaces/monitoring/services/prometheus:9090/proxy/api/v1/query",
                get(|Query(p): Params| async move { format!("get {}", p["query"]) })
                    .post(|body: String| async move { format!("post {body}") }),
            ),
    )
    .await;
    assert_eq!(served.connection.username().await.unwrap().as_str(), "sre1");
    let proxy = ServiceProxy {
        kubernetes: "k8s".to_owned(),
        namespace: "monitoring".to_owned(),
        service: "prometheus".to_owned(),
        port: 9090,
    };
    let proxy = Proxy::new(settings(&served.folder.path().join("config")), proxy, Egress::LoopbackOnly);
    let got = proxy.get("/api/v1/query?query=up%7Ba%3D%22b%22%7D").await.unwrap();
    assert_eq!((got.status, got.body.as_ref()), (200, br#"get up{a="b"}"#.as_slice()));
    let form = [("query", "up{a=\"b\"} + 1".to_owned())];
    let got = proxy.post_form("/api/v1/query", &form).await.unwrap();
    assert_eq!(got.body, "post query=up%7Ba%3D%22b%22%7D+%2B+1");
    let refused = proxy.post_form("/-/reload", &[]).await.err().unwrap();
    assert_eq!(refused.kind, FaultKind::Usage);
}

#[tokio::test]
async fn kubeconfigs_that_cannot_be_used_name_their_file() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("config");
    let shown = file.display().to_string();
    let far = kubeconfig("https://10.1.2.3:6443");
    let cases: [(&str, Option<&str>, &str); 5] = [
        ("clusters: [", None, "kubeconfig FILE: "),
        ("apiVersion: v1\nkind: Config\n", None, "kubeconfig FILE has no current-context"),
        (&far, Some("production"), "kubeconfig FILE has no context production"),
        (&far, None, "10.1.2.3 is outside loopback, and this run is held to it"),
        ("", None, "kubeconfig FILE"),
    ];
    for (text, context, words) in cases {
        std::fs::write(&file, text).unwrap();
        let wanted = KubernetesSettings { context: context.map(ToOwned::to_owned), ..settings(&file) };
        let Err(fault) = connect(&wanted, Egress::LoopbackOnly).await else { panic!("{text:?} was accepted") };
        assert_eq!(fault.kind, FaultKind::Usage, "{fault}");
        assert!(fault.what.as_str().starts_with(&words.replace("FILE", &shown)), "{fault}");
    }
    let missing = settings(&folder.path().join("none"));
    let fault = connect(&missing, Egress::Open).await.err().unwrap();
    assert!(fault.what.as_str().ends_with("none does not exist"), "{fault}");
}

#[tokio::test]
async fn a_refused_connection_says_so() {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    drop(listener);
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("config");
    for scheme in ["http", "https"] {
        std::fs::write(&file, kubeconfig(&format!("{scheme}://{address}"))).unwrap();
        let connection = connect(&settings(&file), Egress::LoopbackOnly).await.unwrap();
        let fault = connection.version().await.unwrap_err();
        assert_eq!(fault.kind, FaultKind::Refused);
        assert_eq!(fault.what.as_str(), format!("kubernetes {address} refused the connection"));
    }
}

/// What a fault says wherever it is shown.
fn told(fault: &Fault) -> String {
    format!("{fault} {fault:?}")
}

#[tokio::test]
async fn what_credential_plugins_are_given_and_print_is_never_told() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("config");
    let cases = [
        ("sh", "echo SECRET-OUT; echo SECRET-ERR >&2; exit 3", "no credentials: sh failed with exit status 3"),
        ("sh", "echo 'status: {token: SECRET-OUT'", "no credentials: sh printed no credentials"),
        ("SECRETLESS", "", "no credentials: SECRETLESS, or what it calls, is not there (exit status 127)"),
        ("sh", "exec yes SECRET-OUT", "no credentials: sh printed more than 1 MiB"),
        ("sh", "echo 'status: {}'", "no credentials: the plugin printed neither a token nor a certificate"),
        ("/nowhere/SECRETLESS", "", "no credentials: /nowhere/SECRETLESS cannot be run: it is not there"),
    ];
    for (command, script, words) in cases {
        let exec = format!(
            "exec: {{apiVersion: client.authentication.k8s.io/v1, command: {command}, args: [-c, {script:?}, SECRET-ARG], \
             env: [{{name: AAA_TOKEN, value: SECRET-ENV}}]}}"
        );
        std::fs::write(&file, kubeconfig("https://127.0.0.1:6443").replace("token: t", &exec)).unwrap();
        let Err(fault) = connect(&settings(&file), Egress::Open).await else { panic!("{script} gave credentials") };
        assert_eq!(fault.kind, FaultKind::Unauthenticated, "{fault}");
        assert!(fault.what.as_str().ends_with(words), "{fault}");
        assert!(!told(&fault).contains("SECRET-") && !told(&fault).contains("AAA_TOKEN"), "{fault}");
    }
}

#[tokio::test]
async fn kubeconfigs_are_never_quoted() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("config");
    let good = kubeconfig("https://user:SECRET@127.0.0.1:6443/prefix/");
    std::fs::write(&file, &good).unwrap();
    let connection = connect(&settings(&file), Egress::LoopbackOnly).await.unwrap();
    assert_eq!(connection.server().as_str(), "127.0.0.1:6443");
    assert_eq!(connection.endpoint().as_str(), "https://127.0.0.1:6443/prefix");
    for broken in ["{token: SECRET}}]]", "{token: [SECRET]}}]", "{token: \"SECRET}}]"] {
        std::fs::write(&file, good.replace("{token: t}}]", broken)).unwrap();
        let Err(fault) = connect(&settings(&file), Egress::LoopbackOnly).await else { panic!("{broken} was accepted") };
        assert!(!told(&fault).contains("SECRET"), "{fault}");
        assert!(fault.what.as_str().contains(": line "), "{fault}");
    }
}

/// Whether a process runs no more, soon.
async fn is_gone(pid: &str) -> bool {
    let stat = format!("/proc/{}/stat", pid.trim());
    for _ in 0..100 {
        // One that nobody has asked for its end yet has ended all the same.
        if std::fs::read_to_string(&stat).map_or(true, |stat| stat.contains(") Z ")) {
            return true;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    false
}

fn plugin(script: &str) -> String {
    let exec =
        format!("exec: {{apiVersion: client.authentication.k8s.io/v1beta1, command: sh, args: [-c, {script:?}]}}");
    kubeconfig("https://127.0.0.1:6443").replace("token: t", &exec)
}

#[tokio::test]
async fn a_plugin_runs_in_its_own_session_and_leaves_nothing_behind() {
    let folder = tempfile::tempdir().unwrap();
    let (file, pid) = (folder.path().join("config"), folder.path().join("pid"));
    let session = "read -r _ _ _ _ _ session _ < /proc/$$/stat; test $session = $$ || exit 9";
    let script = format!("{session}; sleep 300 & echo $! > {}; echo 'status: {{token: t}}'", pid.display());
    std::fs::write(&file, plugin(&script)).unwrap();
    connect(&settings(&file), Egress::Open).await.unwrap();
    assert!(is_gone(&std::fs::read_to_string(&pid).unwrap()).await, "what the plugin left in the background");

    std::fs::write(&file, plugin(&format!("sleep 300 & echo $! > {}; sleep 300", pid.display()))).unwrap();
    let settings = settings(&file);
    let given_up = connect(&settings, Egress::Open);
    assert!(tokio::time::timeout(Duration::from_millis(500), given_up).await.is_err());
    assert!(is_gone(&std::fs::read_to_string(&pid).unwrap()).await, "what nobody waits for any more");
}

#[tokio::test]
async fn files_that_a_kubeconfig_names_are_regular_ones() {
    let folder = tempfile::tempdir().unwrap();
    let (file, pipe) = (folder.path().join("config"), folder.path().join("pipe"));
    assert!(std::process::Command::new("mkfifo").arg(&pipe).status().unwrap().success());
    let good = kubeconfig("https://127.0.0.1:6443");
    let pipe = pipe.display();
    let cases = [
        ("token: t", "tokenFile: /dev/zero".to_owned(), "tokenFile /dev/zero is no regular file"),
        ("token: t", format!("client-certificate: {pipe}, client-key: /dev/zero"), "client-certificate "),
        ("server:", format!("certificate-authority: {pipe}, server:"), "certificate-authority "),
        (
            "token: t",
            "auth-provider: {name: gcp, config: {cmd-path: yes}}".to_owned(),
            "the kubeconfig names an auth-provider",
        ),
    ];
    for (from, to, words) in cases {
        std::fs::write(&file, good.replace(from, &to)).unwrap();
        let Err(fault) = connect(&settings(&file), Egress::Open).await else { panic!("{to} was accepted") };
        assert_eq!(fault.kind, FaultKind::Usage, "{fault}");
        assert!(fault.what.as_str().starts_with(words), "{fault}");
    }
}

#[tokio::test]
async fn a_plugin_that_hangs_when_it_renews_is_named_in_time() {
    let folder = tempfile::tempdir().unwrap();
    let (file, hang) = (folder.path().join("config"), folder.path().join("hang"));
    // Credentials that end so soon are renewed by the first request.
    let soon = "2000-01-01T00:00:00Z";
    let script = format!(
        "test -e {} && sleep 4; echo '{{\"apiVersion\": \"client.authentication.k8s.io/v1\", \"kind\": \"ExecCredential\", \
         \"status\": {{\"token\": \"SECRET-OUT\", \"expirationTimestamp\": \"{soon}\"}}}}'",
        hang.display()
    );
    let exec = format!(
        "exec: {{apiVersion: client.authentication.k8s.io/v1, command: sh, args: [-c, {script:?}, SECRET-ARG]}}"
    );
    let served = serve(Router::new().route("/version", get(async || "{\"gitVersion\": \"v1.33.0\"}"))).await;
    std::fs::write(&file, kubeconfig(served.connection.endpoint().as_str()).replace("token: t", &exec)).unwrap();
    let connection = connect(&settings(&file), Egress::Open).await.unwrap();
    assert_eq!(connection.version().await.unwrap().as_str(), "v1.33.0", "it is renewed while it answers");
    std::fs::write(&hang, "").unwrap();
    let started = tokio::time::Instant::now();
    let fault = connection.version().await.unwrap_err();
    assert_eq!(fault.kind, FaultKind::Timeout, "{fault}");
    assert!(fault.hint.as_str().ends_with("whether sh hangs") && !told(&fault).contains("SECRET-"), "{fault}");
    assert!(started.elapsed() < Duration::from_millis(3_800), "{:?}", started.elapsed());
}

#[tokio::test]
async fn answers_and_watches_without_end_are_cut_off() {
    let endless =
        || Body::from_stream(stream::repeat_with(|| Ok::<_, std::io::Error>(Bytes::from(vec![b' '; 1 << 16]))));
    let router = Router::new()
        .route("/version", get(move || async move { endless() }))
        .route(
            "/apis/authentication.k8s.io/v1/selfsubjectreviews",
            post(move || async move { (StatusCode::FORBIDDEN, endless()) }),
        )
        .route(
            "/api/v1/pods",
            get(move |Query(params): Params| async move {
                if params.contains_key("watch") {
                    return endless().into_response();
                }
                r#"{"metadata":{"resourceVersion":"1"},"items":[]}"#.into_response()
            }),
        );
    let served = serve(router).await;
    let server = served.connection.server().as_str();
    let words = |fault: Fault| {
        assert_eq!(fault.kind, FaultKind::Malformed, "{fault}");
        fault.what.to_string()
    };
    let larger = |mib: u32| format!("kubernetes {server}: answer larger than {mib} MiB");
    assert_eq!(words(served.connection.version().await.unwrap_err()), larger(1));
    assert_eq!(words(served.connection.username().await.unwrap_err()), larger(1), "an error page is an answer, too");
    let mut seen = pods(&served);
    assert!(matches!(next(&mut seen).await.unwrap(), Seen::Page { .. }));
    assert_eq!(words(next(&mut seen).await.unwrap_err()), larger(8));
}
