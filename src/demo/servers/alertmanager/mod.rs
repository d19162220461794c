//! The Alertmanager v2 API of the embedded world, as far as it reads (facts: signals, 1.2). Its oracle is the OpenAPI
//! description of Alertmanager and its 0.27.

mod alerts;

#[cfg(test)]
mod tests;

use std::sync::Arc;

use axum::Json;
use axum::Router;
use axum::extract::{RawQuery, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::routing::{MethodFilter, on};
use serde_json::{Value, json};

use crate::demo::production::Production;
use crate::demo::store::alerting::Alerting;
use alerts::Filter;

/// Every route: method and path.
pub const ROUTES: &[(&str, &str)] = &[
    ("GET", "/api/v2/status"),
    ("GET", "/api/v2/alerts"),
    ("GET", "/api/v2/alerts/groups"),
    ("GET", "/api/v2/silences"),
    ("GET", "/api/v2/receivers"),
    ("GET", "/api/v1/{*path}"),
    ("POST", "/api/v1/{*path}"),
    ("GET", "/-/healthy"),
    ("GET", "/-/ready"),
];

/// The one receiver that every alert is routed to.
const RECEIVER: &str = "on-call";

const CONFIGURATION: &str = "route:\n  receiver: on-call\n  group_by: [alertname]\nreceivers:\n- name: on-call\n";

/// What the handlers see of the world.
struct View<'a> {
    alerting: &'a Alerting,
    /// World time, ms since the Unix epoch.
    now: i64,
}

/// An answer, or the text of a bad request.
type Handler = fn(&View, &[(String, String)]) -> Result<Response, String>;

fn handler(path: &str) -> Option<Handler> {
    Some(match path {
        "/api/v2/status" => |view, _| Ok(json_response(&status(view.now))),
        "/api/v2/alerts" => |view, query| Ok(json_response(&alerts::list(view, &Filter::parse(query)?))),
        "/api/v2/alerts/groups" => |view, query| Ok(json_response(&alerts::groups(view, &Filter::parse(query)?))),
        "/api/v2/silences" => |_, query| Filter::parse(query).map(|_| json_response(&json!([]))),
        "/api/v2/receivers" => |_, _| Ok(json_response(&json!([{"name": RECEIVER}]))),
        "/api/v1/{*path}" => |_, _| Ok(gone()),
        "/-/healthy" | "/-/ready" => |_, _| Ok("OK".into_response()),
        _ => return None,
    })
}

/// The server of a production's Alertmanager.
pub fn router(production: Arc<Production>) -> Router {
    let mut router = Router::new();
    for (method, path) in ROUTES {
        let Some(handler) = handler(path) else { continue };
        let filter = if *method == "POST" { MethodFilter::POST } else { MethodFilter::GET };
        let answer = move |State(production): State<Arc<Production>>, RawQuery(query): RawQuery| async move {
            let query: Vec<_> = form_urlencoded::parse(query.unwrap_or_default().as_bytes()).into_owned().collect();
            production.read(|world| {
                let view = View { alerting: &world.stores.alerting, now: world.now() };
                handler(&view, &query).unwrap_or_else(|text| (StatusCode::BAD_REQUEST, Json(text)).into_response())
            })
        };
        router = router.route(path, on(filter, answer));
    }
    router.with_state(production)
}

fn json_response(value: &Value) -> Response {
    Json(value).into_response()
}

/// What 0.27 and later say to clients of the API that is gone.
fn gone() -> Response {
    let text = "The Alertmanager v1 API was deprecated in version 0.16.0 and is removed as of version 0.27.0 \
                - please use the equivalent route in the v2 API";
    (StatusCode::GONE, Json(json!({"status": "deprecated", "error": text}))).into_response()
}

fn status(now: i64) -> Value {
    json!({
        "cluster": {"name": "embedded", "status": "ready", "peers": []},
        "versionInfo": {
            "version": "0.27.0",
            "revision": "embedded",
            "branch": "tierdeck",
            "buildUser": concat!("tierdeck ", env!("CARGO_PKG_VERSION")),
            "buildDate": "",
            "goVersion": "",
        },
        "config": {"original": CONFIGURATION},
        "uptime": alerts::rfc3339(now - 86_400_000),
    })
}
