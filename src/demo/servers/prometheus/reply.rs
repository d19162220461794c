//! The envelope of every answer.

use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde_json::json;

use super::eval::EvalError;

/// A successful answer.
pub enum Reply {
    /// JSON for the envelope's `data`, with warnings.
    Data(String, Vec<&'static str>),
    Text(&'static str),
}

impl Reply {
    pub fn json(data: &serde_json::Value) -> Self {
        Self::Data(data.to_string(), Vec::new())
    }
}

impl IntoResponse for Reply {
    fn into_response(self) -> Response {
        match self {
            Self::Text(text) => text.into_response(),
            Self::Data(data, warnings) => {
                let warnings =
                    if warnings.is_empty() { String::new() } else { format!(",\"warnings\":{}", json!(warnings)) };
                json_response(StatusCode::OK, format!("{{\"status\":\"success\",\"data\":{data}{warnings}}}"))
            }
        }
    }
}

/// An answer in Prometheus' error shape.
#[derive(Debug)]
pub struct Failure {
    status: StatusCode,
    kind: &'static str,
    text: String,
}

impl Failure {
    pub fn bad_data(text: impl Into<String>) -> Self {
        Self { status: StatusCode::BAD_REQUEST, kind: "bad_data", text: text.into() }
    }

    /// A parameter that cannot be used, and why.
    pub fn parameter(name: &str, why: impl std::fmt::Display) -> Self {
        Self::bad_data(format!("invalid parameter \"{name}\": {why}"))
    }

    pub fn internal(error: &dyn std::error::Error) -> Self {
        Self { status: StatusCode::INTERNAL_SERVER_ERROR, kind: "internal", text: error.to_string() }
    }
}

impl From<EvalError> for Failure {
    fn from(error: EvalError) -> Self {
        match error {
            EvalError::Parse(text) => Self::parameter("query", text),
            EvalError::Execution(text) => Self { status: StatusCode::UNPROCESSABLE_ENTITY, kind: "execution", text },
        }
    }
}

impl IntoResponse for Failure {
    fn into_response(self) -> Response {
        json_response(self.status, json!({"status": "error", "errorType": self.kind, "error": self.text}).to_string())
    }
}

fn json_response(status: StatusCode, body: String) -> Response {
    (status, [(header::CONTENT_TYPE, "application/json")], body).into_response()
}
