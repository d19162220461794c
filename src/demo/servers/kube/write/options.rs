//! The options of a writing request and who sends it.

use axum::http::{HeaderMap, StatusCode, header};
use serde_json::Value;

use crate::demo::servers::kube::failure::Failure;

#[derive(Debug, Default)]
pub struct Options {
    pub dry_run: bool,
    pub manager: String,
}

impl Options {
    /// # Errors
    /// 422 for a dry run that is not `All`.
    pub fn parse(raw: &str, headers: &HeaderMap, kind: &str) -> Result<Self, Failure> {
        let mut options = Self::default();
        for (name, value) in form_urlencoded::parse(raw.as_bytes()) {
            match &*name {
                "dryRun" => options.dry_run = dry_run(&value, kind)?,
                "fieldManager" => options.manager = value.into_owned(),
                _ => {}
            }
        }
        if options.manager.is_empty() {
            options.manager = agent(headers);
        }
        Ok(options)
    }

    /// Takes in the options of a body (`DeleteOptions`).
    ///
    /// # Errors
    /// 422 for a dry run that is not `All`.
    pub fn with_body(mut self, body: &Value) -> Result<Self, Failure> {
        for value in body.get("dryRun").and_then(Value::as_array).into_iter().flatten() {
            self.dry_run |= dry_run(value.as_str().unwrap_or_default(), "DeleteOptions")?;
        }
        Ok(self)
    }
}

fn dry_run(value: &str, kind: &str) -> Result<bool, Failure> {
    match value {
        "All" => Ok(true),
        "" => Ok(false),
        _ => Err(Failure::new(
            StatusCode::UNPROCESSABLE_ENTITY,
            "Invalid",
            format!(
                "{kind}.meta.k8s.io \"\" is invalid: dryRun: Unsupported value: {value:?}: supported values: \"All\""
            ),
        )),
    }
}

/// What the API server takes for the manager of a client that names none: its User-Agent up to the first slash.
fn agent(headers: &HeaderMap) -> String {
    let agent = headers.get(header::USER_AGENT).and_then(|value| value.to_str().ok()).unwrap_or("unknown");
    agent.split('/').next().unwrap_or("unknown").to_owned()
}
