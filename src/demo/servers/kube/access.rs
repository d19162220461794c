//! Who is asking, and what they may do. The demo's user reads everything and has an operator's rights to change.

use axum::Json;
use axum::body::Bytes;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde_json::{Value, json};

use super::failure::Failure;
use super::resources::Resource;
use super::{Target, USER, protobuf};
use crate::demo::store::json::{at, set, text};

const READING: [&str; 3] = ["get", "list", "watch"];

/// A rule of the operator's role: verbs, API group, resources with their subresources.
type Rule = (&'static [&'static str], &'static str, &'static [&'static str]);

const ROLE: &str = "tierdeck-operator";
const RULES: [Rule; 12] = [
    (
        &["patch", "update"],
        "apps",
        &["deployments", "deployments/scale", "statefulsets", "statefulsets/scale", "daemonsets"],
    ),
    (&["patch", "update"], "argoproj.io", &["rollouts", "rollouts/scale", "rollouts/status"]),
    (&["patch"], "argoproj.io", &["applications"]),
    (&["patch"], "kustomize.toolkit.fluxcd.io", &["kustomizations"]),
    (&["patch"], "postgresql.cnpg.io", &["clusters/status"]),
    (&["patch", "update"], "autoscaling", &["horizontalpodautoscalers"]),
    (&["patch"], "", &["nodes"]),
    (&["delete"], "", &["pods"]),
    (&["create"], "", &["pods/eviction"]),
    (&["create", "update", "patch", "delete"], "coordination.k8s.io", &["leases"]),
    (&["create", "patch"], "", &["events"]),
    (&["create", "patch"], "events.k8s.io", &["events"]),
];

/// Whether the demo's user may do that to a resource (`pods`) or a part of one (`pods/eviction`).
fn allowed(verb: &str, group: &str, resource: &str) -> bool {
    READING.contains(&verb)
        || RULES
            .iter()
            .any(|(verbs, g, resources)| *g == group && verbs.contains(&verb) && resources.contains(&resource))
}

/// Lets a request pass that the user's role allows.
///
/// # Errors
/// 403, as the API server words it.
pub fn permit(verb: &str, resource: &Resource, target: &Target) -> Result<(), Failure> {
    let what = if target.subresource.is_empty() {
        resource.gvr.resource.to_owned()
    } else {
        format!("{}/{}", resource.gvr.resource, target.subresource)
    };
    if allowed(verb, resource.gvr.group, &what) {
        return Ok(());
    }
    Err(Failure::forbidden(resource, verb, &what, (&target.namespace, &target.name)))
}

pub async fn who(headers: HeaderMap, body: Bytes) -> Result<Response, Failure> {
    let mut review = posted(&headers, &body, "authentication.k8s.io/v1", "SelfSubjectReview")?;
    // client-go sends no credential over plain HTTP, so a request without one is the demo's user too.
    set(&mut review, &["status"], json!({"userInfo": {"username": USER, "groups": ["system:authenticated"]}}));
    Ok(created(review))
}

pub async fn may(headers: HeaderMap, body: Bytes) -> Result<Response, Failure> {
    let mut review = posted(&headers, &body, "authorization.k8s.io/v1", "SelfSubjectAccessReview")?;
    let spec = at(&review, "/spec");
    let verb =
        at(spec, "/resourceAttributes/verb").as_str().or_else(|| at(spec, "/nonResourceAttributes/verb").as_str());
    let Some(verb) = verb else {
        return Err(Failure::new(
            StatusCode::UNPROCESSABLE_ENTITY,
            "Invalid",
            "SelfSubjectAccessReview.authorization.k8s.io \"\" is invalid: spec.resourceAttributes: Invalid value: \
             null: exactly one of nonResourceAttributes or resourceAttributes must be specified",
        ));
    };
    let asked = |name: &str| text(spec, &format!("/resourceAttributes/{name}"));
    let what = match asked("subresource") {
        "" => asked("resource").to_owned(),
        part => format!("{}/{part}", asked("resource")),
    };
    let status = if allowed(verb, asked("group"), &what) {
        let reason = format!("RBAC: allowed by ClusterRoleBinding {ROLE:?} of ClusterRole {ROLE:?} to User {USER:?}");
        json!({"allowed": true, "reason": reason})
    } else {
        json!({"allowed": false})
    };
    set(&mut review, &["status"], status);
    Ok(created(review))
}

pub async fn rules(headers: HeaderMap, body: Bytes) -> Result<Response, Failure> {
    let mut review = posted(&headers, &body, "authorization.k8s.io/v1", "SelfSubjectRulesReview")?;
    let mut granted = vec![json!({"verbs": READING, "apiGroups": ["*"], "resources": ["*"]})];
    granted.extend(
        RULES.iter().map(|(verbs, group, all)| json!({"verbs": verbs, "apiGroups": [group], "resources": all})),
    );
    set(
        &mut review,
        &["status"],
        json!({
            "incomplete": false,
            "resourceRules": granted,
            "nonResourceRules": [{"verbs": ["get"], "nonResourceURLs": ["*"]}],
        }),
    );
    Ok(created(review))
}

fn created(review: Value) -> Response {
    (StatusCode::CREATED, Json(review)).into_response()
}

/// The posted object, completed with what it is.
fn posted(headers: &HeaderMap, body: &Bytes, version: &str, kind: &str) -> Result<Value, Failure> {
    let content_type = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let mut object: Value = match content_type.split(';').next().unwrap_or_default().trim() {
        "" | "application/json" => serde_json::from_slice(body)
            .map_err(|error| Failure::bad_request(format!("couldn't get version/kind; json parse error: {error}")))?,
        "application/vnd.kubernetes.protobuf" => protobuf::review(body, kind)
            .ok_or_else(|| Failure::bad_request("the body of the request is no protobuf of this kind"))?,
        _ => {
            return Err(Failure::new(
                StatusCode::UNSUPPORTED_MEDIA_TYPE,
                "UnsupportedMediaType",
                "the body of the request was in an unknown format - accepted media types include: application/json, \
                 application/vnd.kubernetes.protobuf",
            ));
        }
    };
    if !object.is_object() {
        return Err(Failure::bad_request("the body of the request is not an object"));
    }
    set(&mut object, &["apiVersion"], json!(version));
    set(&mut object, &["kind"], json!(kind));
    Ok(object)
}
