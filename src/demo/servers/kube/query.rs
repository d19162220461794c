//! The options of a list or a watch.

use std::time::Duration;

use super::failure::Failure;
use super::resources::Resource;
use super::selector::{Fields, Labels};

/// What each row of a table carries besides its cells.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Include {
    None,
    #[default]
    Metadata,
    Object,
}

#[derive(Debug, Default)]
pub struct Query {
    pub watch: bool,
    pub limit: Option<usize>,
    pub resume: Option<String>,
    pub version: Option<u64>,
    pub version_match: String,
    pub labels: Labels,
    pub fields: Fields,
    pub timeout: Option<Duration>,
    pub bookmarks: bool,
    pub initial_events: bool,
    pub include: Include,
}

impl Query {
    /// # Errors
    /// 400 for a number, selector or field that cannot be read, 422 for options that exclude each other.
    pub fn parse(raw: &str, resource: &Resource) -> Result<Self, Failure> {
        let mut query = Self::default();
        for (name, value) in form_urlencoded::parse(raw.as_bytes()) {
            match &*name {
                "watch" => query.watch = flag(&value),
                "limit" => query.limit = Some(number(&name, &value)?).filter(|n| *n > 0),
                "continue" => query.resume = Some(value.into_owned()).filter(|token| !token.is_empty()),
                "resourceVersion" if !value.is_empty() => query.version = Some(number(&name, &value)?),
                "resourceVersionMatch" => query.version_match = value.into_owned(),
                "labelSelector" => query.labels = Labels::parse(&value).map_err(Failure::bad_request)?,
                "fieldSelector" => query.fields = Fields::parse(&value, resource).map_err(Failure::bad_request)?,
                "timeoutSeconds" => query.timeout = Some(Duration::from_secs(number(&name, &value)?)),
                "allowWatchBookmarks" => query.bookmarks = flag(&value),
                "sendInitialEvents" => query.initial_events = flag(&value),
                "includeObject" => query.include = include(&value)?,
                _ => {}
            }
        }
        query.check()?;
        Ok(query)
    }

    fn check(&self) -> Result<(), Failure> {
        let invalid = |message: &str| {
            Err(Failure::new(axum::http::StatusCode::UNPROCESSABLE_ENTITY, "Invalid", message.to_owned()))
        };
        if self.watch && self.initial_events && self.version_match != "NotOlderThan" {
            return invalid(
                "ListOptions.meta.k8s.io \"\" is invalid: resourceVersionMatch: Forbidden: sendInitialEvents \
                 requires setting resourceVersionMatch to NotOlderThan",
            );
        }
        if !self.watch && self.initial_events {
            return invalid(
                "ListOptions.meta.k8s.io \"\" is invalid: sendInitialEvents: Forbidden: sendInitialEvents is forbidden \
                 for list",
            );
        }
        Ok(())
    }
}

fn flag(value: &str) -> bool {
    matches!(value, "" | "1" | "true" | "True")
}

fn number<N: std::str::FromStr>(name: &str, value: &str) -> Result<N, Failure> {
    value.parse().map_err(|_| Failure::bad_request(format!("invalid value for {name}: {value:?}")))
}

fn include(value: &str) -> Result<Include, Failure> {
    match value {
        "" | "Metadata" => Ok(Include::Metadata),
        "None" => Ok(Include::None),
        "Object" => Ok(Include::Object),
        _ => Err(Failure::bad_request(format!("unrecognized includeObject value: {value:?}"))),
    }
}
