//! Who is asking, and what they may do. The demo's user reads everything; nobody changes anything.

use axum::Json;
use axum::body::Bytes;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde_json::{Value, json};

use super::USER;
use super::failure::Failure;
use super::protobuf;
use crate::demo::store::json::{at, set};

const READING: [&str; 3] = ["get", "list", "watch"];

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
    let status = if READING.contains(&verb) {
        json!({"allowed": true, "reason": "the demo's user reads everything"})
    } else {
        json!({"allowed": false})
    };
    set(&mut review, &["status"], status);
    Ok(created(review))
}

pub async fn rules(headers: HeaderMap, body: Bytes) -> Result<Response, Failure> {
    let mut review = posted(&headers, &body, "authorization.k8s.io/v1", "SelfSubjectRulesReview")?;
    set(
        &mut review,
        &["status"],
        json!({
            "incomplete": false,
            "resourceRules": [{"verbs": READING, "apiGroups": ["*"], "resources": ["*"]}],
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
