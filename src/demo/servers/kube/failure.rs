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

    /// A value that a kind, named with its group, does not allow.
    pub fn invalid((kind, group): (&str, &str), name: &str, field: &str, message: &str) -> Self {
        let qualified = if group.is_empty() { kind.to_owned() } else { format!("{kind}.{group}") };
        let reason = match message.split(':').next().unwrap_or_default() {
            "Required value" => "FieldValueRequired",
            _ => "FieldValueInvalid",
        };
        Self {
            details: json!({
                "name": name, "group": group, "kind": kind,
                "causes": [{"reason": reason, "message": message, "field": field}],
            }),
            ..Self::new(
                StatusCode::UNPROCESSABLE_ENTITY,
                "Invalid",
                format!("{qualified} {name:?} is invalid: {field}: {message}"),
            )
        }
    }

    /// A JSON patch that does not fit: which operation failed is not said (facts/controlplane.md 0.1).
    pub fn unfit() -> Self {
        Self {
            details: json!({}),
            ..Self::new(
                StatusCode::UNPROCESSABLE_ENTITY,
                "Invalid",
                "the server rejected our request due to an error in our request",
            )
        }
    }

    pub fn conflict(resource: &Resource, name: &str, why: &str) -> Self {
        let message = format!("Operation cannot be fulfilled on {} {name:?}: {why}", resource.qualified());
        Self {
            details: json!({"name": name, "group": resource.gvr.group, "kind": resource.gvr.resource}),
            ..Self::new(StatusCode::CONFLICT, "Conflict", message)
        }
    }

    /// A write from an old version.
    pub fn modified(resource: &Resource, name: &str) -> Self {
        let why = "the object has been modified; please apply your changes to the latest version and try again";
        Self::conflict(resource, name, why)
    }

    pub fn exists(resource: &Resource, name: &str) -> Self {
        let message = format!("{} {name:?} already exists", resource.qualified());
        Self {
            details: json!({"name": name, "group": resource.gvr.group, "kind": resource.gvr.resource}),
            ..Self::new(StatusCode::CONFLICT, "AlreadyExists", message)
        }
    }

    pub fn no_namespace(name: &str) -> Self {
        Self {
            details: json!({"name": name, "kind": "namespaces"}),
            ..Self::new(StatusCode::NOT_FOUND, "NotFound", format!("namespaces {name:?} not found"))
        }
    }

    /// A verb that the user's roles do not allow.
    pub fn forbidden(resource: &Resource, verb: &str, what: &str, target: (&str, &str)) -> Self {
        let (namespace, name) = target;
        let place = if namespace.is_empty() {
            "at the cluster scope".to_owned()
        } else {
            format!("in the namespace {namespace:?}")
        };
        let (qualified, group, user) = (resource.qualified(), resource.gvr.group, super::USER);
        let named = if name.is_empty() { String::new() } else { format!(" {name:?}") };
        let message = format!(
            "{qualified}{named} is forbidden: User {user:?} cannot {verb} resource {what:?} in API group {group:?} {place}"
        );
        Self {
            details: json!({"name": name, "group": group, "kind": resource.gvr.resource}),
            ..Self::new(StatusCode::FORBIDDEN, "Forbidden", message)
        }
    }

    /// An eviction that the disruption budget does not allow: 429 without Retry-After.
    pub fn budget(name: &str, wanted: u32, healthy: u32) -> Self {
        let cause = format!("The disruption budget {name} needs {wanted} healthy pods and has {healthy} currently");
        Self {
            details: json!({"causes": [{"reason": "DisruptionBudget", "message": cause}]}),
            ..Self::new(
                StatusCode::TOO_MANY_REQUESTS,
                "TooManyRequests",
                "Cannot evict pod as it would violate the pod's disruption budget.",
            )
        }
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
        StatusCode::TOO_MANY_REQUESTS => Failure {
            details: json!({"retryAfterSeconds": 1}),
            ..Failure::new(status, "TooManyRequests", "Too many requests, please try again later.")
        },
        _ => Failure::new(status, "InternalError", "Internal error occurred: the embedded API server was told to fail"),
    };
    failure.into_response()
}
