//! The Kubernetes API: discovery, lists, watches, tables, reviews, the service proxy and pod logs.
//!
//! What clients need of it: facts/kubernetes.md part 3; how a real API server answers: facts/controlplane.md part 4.
//! What a request changes becomes the world's, and its consequences show as the world goes on.

mod accept;
mod access;
mod age;
mod discovery;
mod encode;
mod failure;
mod list;
mod logs;
mod protobuf;
mod proxy;
mod query;
mod resources;
mod selector;
mod table;
mod watch;
mod write;

#[cfg(test)]
mod fixture;
#[cfg(test)]
mod tests;

use std::sync::Arc;

use axum::Router;
use axum::extract::Request;
use axum::http::{Method, StatusCode, header};
use axum::middleware::{Next, from_fn};
use axum::response::{IntoResponse, Response};
use axum::routing::{MethodFilter, MethodRouter, any, on};
use serde::Deserialize;

use crate::demo::production::Production;
pub use failure::refusal;
pub use proxy::Upstream;

/// The bearer token of the kubeconfig.
pub const TOKEN: &str = "tierdeck-demo";
/// Who it is.
pub const USER: &str = "demo";

/// What the handlers share.
#[derive(Clone)]
struct Api {
    production: Arc<Production>,
}

/// What a path names. Parts that are not in it are empty.
#[derive(Debug, Deserialize)]
struct Target {
    #[serde(default)]
    group: String,
    #[serde(default = "core_version")]
    version: String,
    #[serde(default)]
    namespace: String,
    #[serde(default)]
    resource: String,
    #[serde(default)]
    name: String,
    #[serde(default)]
    subresource: String,
}

fn core_version() -> String {
    "v1".to_owned()
}

type Endpoint = fn(MethodFilter) -> MethodRouter<Api>;

/// A part of an object: `status` or `scale`.
const PART: &str = "/apis/{group}/{version}/namespaces/{namespace}/{resource}/{name}/{subresource}";

/// Every route: method, path, what answers it.
const ROUTES: &[(Method, &str, Endpoint)] = &[
    (Method::GET, "/version", |m| on(m, discovery::version)),
    (Method::GET, "/readyz", |m| on(m, discovery::healthy)),
    (Method::GET, "/livez", |m| on(m, discovery::healthy)),
    (Method::GET, "/healthz", |m| on(m, discovery::healthy)),
    (Method::GET, "/api", |m| on(m, discovery::core)),
    (Method::GET, "/apis", |m| on(m, discovery::groups)),
    (Method::GET, "/apis/{group}", |m| on(m, discovery::group)),
    (Method::GET, "/api/v1", |m| on(m, discovery::resources)),
    (Method::GET, "/apis/{group}/{version}", |m| on(m, discovery::resources)),
    (Method::GET, "/api/v1/{resource}", |m| on(m, list::collection)),
    (Method::GET, "/api/v1/{resource}/{name}", |m| on(m, list::object)),
    (Method::GET, "/api/v1/namespaces/{namespace}/{resource}", |m| on(m, list::collection)),
    (Method::GET, "/api/v1/namespaces/{namespace}/{resource}/{name}", |m| on(m, list::object)),
    (Method::GET, "/api/v1/namespaces/{namespace}/pods/{name}/log", |m| on(m, logs::log)),
    (Method::GET, "/api/v1/namespaces/{namespace}/pods/{name}/proxy/pg/status", |m| on(m, proxy::instance)),
    (Method::GET, "/apis/{group}/{version}/{resource}", |m| on(m, list::collection)),
    (Method::GET, "/apis/{group}/{version}/{resource}/{name}", |m| on(m, list::object)),
    (Method::GET, "/apis/{group}/{version}/namespaces/{namespace}/{resource}", |m| on(m, list::collection)),
    (Method::GET, "/apis/{group}/{version}/namespaces/{namespace}/{resource}/{name}", |m| on(m, list::object)),
    (Method::PATCH, "/api/v1/{resource}/{name}", |m| on(m, write::replace)),
    (Method::PUT, "/api/v1/{resource}/{name}", |m| on(m, write::replace)),
    (Method::POST, "/api/v1/namespaces/{namespace}/{resource}", |m| on(m, write::create)),
    (Method::PATCH, "/api/v1/namespaces/{namespace}/{resource}/{name}", |m| on(m, write::replace)),
    (Method::PUT, "/api/v1/namespaces/{namespace}/{resource}/{name}", |m| on(m, write::replace)),
    (Method::DELETE, "/api/v1/namespaces/{namespace}/{resource}/{name}", |m| on(m, write::delete)),
    (Method::POST, "/api/v1/namespaces/{namespace}/pods/{name}/eviction", |m| on(m, write::evict)),
    (Method::POST, "/apis/{group}/{version}/namespaces/{namespace}/{resource}", |m| on(m, write::create)),
    (Method::PATCH, "/apis/{group}/{version}/namespaces/{namespace}/{resource}/{name}", |m| on(m, write::replace)),
    (Method::PUT, "/apis/{group}/{version}/namespaces/{namespace}/{resource}/{name}", |m| on(m, write::replace)),
    (Method::DELETE, "/apis/{group}/{version}/namespaces/{namespace}/{resource}/{name}", |m| on(m, write::delete)),
    (Method::GET, PART, |m| on(m, write::subresource)),
    (Method::PATCH, PART, |m| on(m, write::replace)),
    (Method::PUT, PART, |m| on(m, write::replace)),
    (Method::POST, "/apis/authentication.k8s.io/v1/selfsubjectreviews", |m| on(m, access::who)),
    (Method::POST, "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews", |m| on(m, access::may)),
    (Method::POST, "/apis/authorization.k8s.io/v1/selfsubjectrulesreviews", |m| on(m, access::rules)),
];

/// The service proxy takes any method and any path below it.
const PROXY: &str = "/api/v1/namespaces/{namespace}/services/{target}/proxy";

/// Method and path of every route, for the manifest's test.
pub fn routes() -> impl Iterator<Item = (&'static str, &'static str)> {
    let method = |method: &'static Method| method.as_str();
    ROUTES.iter().map(move |(m, path, _)| (method(m), *path)).chain([("ANY", PROXY)])
}

/// The API server. `prometheus` is what its service proxy reaches.
pub fn router(production: Arc<Production>, prometheus: Option<Upstream>) -> Router {
    let api = Api { production };
    let mut router = Router::new();
    for (method, path, endpoint) in ROUTES {
        let Ok(filter) = MethodFilter::try_from(method.clone()) else { continue };
        router = router.route(path, endpoint(filter));
    }
    router
        .nest_service(PROXY, proxy::service(api.clone(), prometheus))
        .fallback(any(not_found))
        .method_not_allowed_fallback(not_allowed)
        .with_state(api)
        .layer(from_fn(authenticated))
}

/// Refuses a credential that is not the demo's; a request without one is let in, because client-go sends none over
/// plain HTTP.
async fn authenticated(request: Request, next: Next) -> Response {
    let credential = request.headers().get(header::AUTHORIZATION);
    let known = credential.is_none_or(|value| value.as_bytes().strip_prefix(b"Bearer ") == Some(TOKEN.as_bytes()));
    if known { next.run(request).await } else { refusal(StatusCode::UNAUTHORIZED) }
}

async fn not_found() -> Response {
    failure::Failure::no_such_path().into_response()
}

async fn not_allowed() -> Response {
    refusal(StatusCode::METHOD_NOT_ALLOWED)
}
