//! The service proxy: `…/services/[SCHEME:]NAME[:PORT]/proxy/PATH` reaches the world's Prometheus; and the pod proxy as far
//! as the status port of CloudNativePG's instances.

use axum::extract::{Path, Request, State};
use axum::http::{Extensions, StatusCode};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::{IntoResponse, Response};
use axum::{Json, Router};
use serde::Deserialize;
use serde_json::Value;
use tokio::sync::watch;

use crate::demo::servers::fault::{Fault, wait_for_change};
use crate::demo::store::kube::{PODS, SERVICES};

use super::failure::Failure;
use super::resources::RESOURCES;
use super::{Api, Target};
use crate::demo::store::json::{array, at};

/// A server behind the proxy: its router, with the faults that show in its answers, and its fault.
pub struct Upstream {
    pub router: Router,
    pub faults: watch::Receiver<Fault>,
}

#[derive(Clone)]
struct Proxy {
    api: Api,
    faults: Option<watch::Receiver<Fault>>,
}

#[derive(Deserialize)]
struct Named {
    namespace: String,
    target: String,
}

/// What is nested below the proxy's path.
pub fn service(api: Api, upstream: Option<Upstream>) -> Router {
    let (router, faults) = match upstream {
        Some(Upstream { router, faults }) => (router, Some(faults)),
        None => (Router::new(), None),
    };
    Router::new().fallback_service(router).layer(from_fn_with_state(Proxy { api, faults }, forward))
}

async fn forward(
    State(proxy): State<Proxy>,
    Path(Named { namespace, target }): Path<Named>,
    request: Request,
    next: Next,
) -> Result<Response, Failure> {
    let (name, port) = named(&target);
    let found = proxy.api.production.read(|world| world.stores.kube.get(SERVICES, &namespace, name).cloned());
    let Some(object) = found else {
        let services = RESOURCES.iter().find(|resource| resource.gvr == SERVICES);
        return Err(services.map_or_else(Failure::no_such_path, |services| Failure::no_such_object(services, name)));
    };
    let mut faults = proxy
        .faults
        .filter(|_| is_prometheus(name) && has_port(&object, port))
        .ok_or_else(|| unavailable(format!("no endpoints available for service {target:?}")))?;
    loop {
        match *faults.borrow_and_update() {
            Fault::Hang => {}
            Fault::Stopped => {
                return Err(unavailable("error trying to reach service: dial tcp: connect: connection refused"));
            }
            Fault::Refuse => {
                return Err(unavailable("error trying to reach service: read tcp: connection reset by peer"));
            }
            Fault::Ok | Fault::Status(_) | Fault::Truncate => break,
        }
        wait_for_change(&mut faults).await;
    }
    let (mut parts, body) = request.into_parts();
    // The parameters of this path are not those of the routes behind it.
    parts.extensions = Extensions::new();
    Ok(next.run(Request::from_parts(parts, body)).await.into_response())
}

/// `GET …/pods/https:NAME:8000/proxy/pg/status`: what an instance of a PostgreSQL cluster tells of itself.
pub async fn instance(State(api): State<Api>, Path(target): Path<Target>) -> Result<Response, Failure> {
    let (name, port) = named(&target.name);
    api.production.read(|world| {
        if world.stores.kube.get(PODS, &target.namespace, name).is_none() {
            let pods = RESOURCES.iter().find(|resource| resource.gvr == PODS);
            return Err(pods.map_or_else(Failure::no_such_path, |pods| Failure::no_such_object(pods, name)));
        }
        // The port speaks TLS: who asks it in the clear gets nowhere.
        let status = world.instance_status(name).filter(|_| port == "8000" && target.name.starts_with("https:"));
        let refused = || unavailable("error trying to reach service: dial tcp: connect: connection refused");
        Ok(Json(status.ok_or_else(refused)?).into_response())
    })
}

fn unavailable(message: impl Into<String>) -> Failure {
    Failure::new(StatusCode::SERVICE_UNAVAILABLE, "ServiceUnavailable", message)
}

/// Name and port of `[SCHEME:]NAME[:PORT]`.
fn named(target: &str) -> (&str, &str) {
    let mut parts = target.split(':');
    match (parts.next(), parts.next(), parts.next()) {
        (Some(_), Some(name), Some(port)) => (name, port),
        (Some(name), Some(port), None) => (name, port),
        (name, _, _) => (name.unwrap_or_default(), ""),
    }
}

fn is_prometheus(name: &str) -> bool {
    let others = ["alertmanager", "exporter", "operator", "adapter", "pushgateway"];
    name.contains("prometheus") && !others.iter().any(|other| name.contains(other))
}

/// Whether the service has that port, by number or name; without one it must have a single port.
fn has_port(service: &Value, port: &str) -> bool {
    let ports = array(service, "/spec/ports");
    if port.is_empty() {
        return ports.len() == 1;
    }
    ports
        .iter()
        .any(|p| *at(p, "/name") == *port || at(p, "/port").as_u64().is_some_and(|number| port.parse() == Ok(number)))
}
