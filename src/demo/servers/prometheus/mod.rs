//! The Prometheus HTTP API of the embedded world (`/api/v1`, `/-/healthy`, `/-/ready`), in Prometheus' own shapes,
//! errors and limits (facts: signals, 1.1). Its oracle is a real Prometheus.

mod eval;
mod number;
mod query;
mod reply;
mod request;
mod rules;
mod series;
mod status;

#[cfg(test)]
mod tests;

use std::collections::HashMap;
use std::sync::Arc;

use axum::Router;
use axum::body::Bytes;
use axum::extract::{Path, RawQuery, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::{MethodFilter, on};

use crate::demo::production::Production;
use crate::demo::store::alerting::Alerting;
use crate::demo::store::tsdb::Tsdb;
use reply::{Failure, Reply};
use request::Request;

/// Every route: method and path.
pub const ROUTES: &[(&str, &str)] = &[
    ("GET", "/api/v1/query"),
    ("POST", "/api/v1/query"),
    ("GET", "/api/v1/query_range"),
    ("POST", "/api/v1/query_range"),
    ("GET", "/api/v1/format_query"),
    ("POST", "/api/v1/format_query"),
    ("GET", "/api/v1/series"),
    ("POST", "/api/v1/series"),
    ("GET", "/api/v1/labels"),
    ("POST", "/api/v1/labels"),
    ("GET", "/api/v1/label/{name}/values"),
    ("GET", "/api/v1/metadata"),
    ("GET", "/api/v1/targets"),
    ("GET", "/api/v1/rules"),
    ("GET", "/api/v1/alerts"),
    ("GET", "/api/v1/alertmanagers"),
    ("GET", "/api/v1/status/buildinfo"),
    ("GET", "/api/v1/status/runtimeinfo"),
    ("GET", "/api/v1/status/flags"),
    ("GET", "/-/healthy"),
    ("GET", "/-/ready"),
];

/// What the handlers see of the world.
struct View<'a> {
    tsdb: &'a Tsdb,
    alerting: &'a Alerting,
    /// World time, ms since the Unix epoch.
    now: i64,
}

type Handler = fn(&View, &Request) -> Result<Reply, Failure>;

fn handler(path: &str) -> Option<Handler> {
    Some(match path {
        "/api/v1/query" => query::instant,
        "/api/v1/query_range" => query::range,
        "/api/v1/format_query" => query::format,
        "/api/v1/series" => series::series,
        "/api/v1/labels" => series::labels,
        "/api/v1/label/{name}/values" => series::values,
        "/api/v1/metadata" => series::metadata,
        "/api/v1/targets" => status::targets,
        "/api/v1/rules" => rules::rules,
        "/api/v1/alerts" => rules::alerts,
        "/api/v1/alertmanagers" => status::alertmanagers,
        "/api/v1/status/buildinfo" => status::buildinfo,
        "/api/v1/status/runtimeinfo" => status::runtimeinfo,
        "/api/v1/status/flags" => status::flags,
        "/-/healthy" => |_, _| Ok(Reply::Text("Prometheus Server is Healthy.\n")),
        "/-/ready" => |_, _| Ok(Reply::Text("Prometheus Server is Ready.\n")),
        _ => return None,
    })
}

/// The server of a production's Prometheus.
pub fn router(production: Arc<Production>) -> Router {
    let mut router = Router::new();
    for (method, path) in ROUTES {
        let Some(handler) = handler(path) else { continue };
        let filter = if *method == "POST" { MethodFilter::POST } else { MethodFilter::GET };
        let answer = move |State(production): State<Arc<Production>>,
                           Path(segments): Path<HashMap<String, String>>,
                           RawQuery(query): RawQuery,
                           headers: HeaderMap,
                           body: Bytes| async move {
            let request = Request::new(segments, query.as_deref(), &headers, &body);
            answer(production, handler, request).await
        };
        router = router.route(path, on(filter, answer));
    }
    router
        .method_not_allowed_fallback(|| async { (StatusCode::METHOD_NOT_ALLOWED, "Method Not Allowed\n") })
        .fallback(|| async { (StatusCode::NOT_FOUND, "404 page not found\n") })
        .with_state(production)
}

/// Queries may take a while, so they do not hold up the runtime's threads.
async fn answer(production: Arc<Production>, handler: Handler, request: Request) -> Response {
    let work = move || {
        production.read(|world| {
            let view = View { tsdb: &world.stores.tsdb, alerting: &world.stores.alerting, now: world.now() };
            respond(handler, world.prometheus_up().then_some(view), &request)
        })
    };
    tokio::task::spawn_blocking(work).await.unwrap_or_else(|error| Failure::internal(&error).into_response())
}

/// Without a view the server is down, and what answers is the service in front of it.
fn respond(handler: Handler, view: Option<View>, request: &Request) -> Response {
    let Some(view) = view else {
        let text = "no endpoints available for service \"prometheus\"\n";
        return (StatusCode::SERVICE_UNAVAILABLE, text).into_response();
    };
    match handler(&view, request) {
        Ok(reply) => reply.into_response(),
        Err(failure) => failure.into_response(),
    }
}
