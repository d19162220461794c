//! Errors as the API server words them: a `Status` object.

use axum::Json;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde_json::{Value, json};

use super::resources::Resource;
use crate::demo::store::json::{at, set};

/// A refused request. `details` is left out when null.
#[derive(Debug)]
pub struct Failure {
    code: StatusCode,
    reason: &'static str,
    message: String,
    details: Value,
}

impl Failure {
    pub fn new(code: StatusCode, reason: &'static str, message: impl Into<String>) -> Self {
        Self { code, reason, message: message.into(), details: Value::Null }
    }

    pub fn no_such_path() -> Self {
        Self::new(StatusCode::NOT_FOUND, "NotFound", "the server could not find the requested resource")
    }

    pub fn no_such_object(resource: &Resource, name: &str) -> Self {
        let qualified = resource.qualified();
        Self {
            details: json!({"name": name, "group": resource.gvr.group, "kind": resource.gvr.resource}),
            ..Self::new(StatusCode::NOT_FOUND, "NotFound", format!("{qualified} {name:?} not found"))
        }
    }

    pub fn bad_request(message: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, "BadRequest", message)
    }

    /// What a list or a watch that begins in the forgotten past is told.
    pub fn expired(asked: u64, oldest: u64) -> Self {
        Self::new(StatusCode::GONE, "Expired", format!("too old resource version: {asked} ({oldest})"))
    }

    /// What one that begins in the future is told.
    pub fn too_large(asked: u64, newest: u64) -> Self {
        Self {
            details: json!({
                "causes": [{"reason": "ResourceVersionTooLarge", "message": "Too large resource version"}],
                "retryAfterSeconds": 1
            }),
            ..Self::new(
                StatusCode::GATEWAY_TIMEOUT,
                "Timeout",
                format!("Too large resource version: {asked}, current: {newest}"),
            )
        }
    }

    /// The body.
    pub fn status(&self) -> Value {
        let mut status = json!({
            "kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Failure",
            "message": self.message, "reason": self.reason, "code": self.code.as_u16(),
        });
        if !self.details.is_null() {
            set(&mut status, &["details"], self.details.clone());
        }
        status
    }
}

impl IntoResponse for Failure {
    fn into_response(self) -> Response {
        let mut response = (self.code, Json(self.status())).into_response();
        if at(&self.details, "/retryAfterSeconds").is_u64() {
            response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from_static("1"));
        }
        response
    }
}

/// A bare HTTP error, in the API server's words.
pub fn refusal(status: StatusCode) -> Response {
    let failure = match status {
        StatusCode::UNAUTHORIZED => Failure::new(status, "Unauthorized", "Unauthorized"),
        StatusCode::FORBIDDEN => {
            Failure::new(status, "Forbidden", format!("forbidden: User {:?} cannot do this", super::USER))
        }
        StatusCode::METHOD_NOT_ALLOWED => {
            Failure::new(status, "MethodNotAllowed", "the server does not allow this method on the requested resource")
        }
        _ => Failure::new(status, "InternalError", "Internal error occurred: the embedded API server was told to fail"),
    };
    failure.into_response()
}
