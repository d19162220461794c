//! Small servers on loopback for the tests of clients and sources.

use std::sync::Arc;

use axum::Router;
use axum::extract::Request;
use axum::response::{IntoResponse, Response};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

/// A request as a test wants to see it.
#[derive(Clone, Debug)]
pub struct Seen {
    pub method: String,
    pub path: String,
    pub headers: axum::http::HeaderMap,
    pub form: Vec<(String, String)>,
}

impl Seen {
    pub fn field(&self, name: &str) -> &str {
        self.form.iter().find(|(key, _)| key == name).map_or("", |(_, value)| value)
    }
}

pub fn json(status: u16, body: &serde_json::Value) -> Response {
    let status = axum::http::StatusCode::from_u16(status).unwrap();
    (status, [("content-type", "application/json; charset=utf-8")], body.to_string()).into_response()
}

pub fn page(status: u16, body: &'static str) -> Response {
    (axum::http::StatusCode::from_u16(status).unwrap(), [("content-type", "text/html")], body).into_response()
}

/// Runs `test` beside a server that answers with `answer`; the test gets the base URL.
pub async fn beside<T>(
    answer: impl Fn(Seen) -> Response + Send + Sync + 'static,
    test: impl AsyncFnOnce(String) -> T,
) -> T {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let answer = Arc::new(answer);
    let router = Router::new().fallback(move |request: Request| {
        let answer = Arc::clone(&answer);
        async move {
            let (head, body) = request.into_parts();
            let body = axum::body::to_bytes(body, 1 << 20).await.unwrap();
            let form = form_urlencoded::parse(&body).into_owned().collect();
            let path = head.uri.path_and_query().map(ToString::to_string).unwrap_or_default();
            answer(Seen { method: head.method.to_string(), path, headers: head.headers, form })
        }
    });
    tokio::select! {
        _ = axum::serve(listener, router).into_future() => panic!("the server ended"),
        outcome = test(url) => outcome,
    }
}

/// Runs `test` beside a server that sends these bytes to the first request and then, if `close`, hangs up.
pub async fn beside_bytes<T>(bytes: &'static [u8], close: bool, test: impl AsyncFnOnce(String) -> T) -> T {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let serve = async {
        let (mut socket, _) = listener.accept().await.unwrap();
        let mut request = [0; 4096];
        let _ = socket.read(&mut request).await;
        let _ = socket.write_all(bytes).await;
        if close {
            let _ = socket.shutdown().await;
        }
        std::future::pending::<()>().await;
    };
    tokio::select! {
        () = serve => unreachable!(),
        outcome = test(url) => outcome,
    }
}
