//! Which form of an object the client asks for.

use axum::http::{HeaderMap, StatusCode, header};

use super::failure::Failure;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// The object itself.
    Full,
    /// `PartialObjectMetadata` or its list.
    Metadata,
    /// `Table`: printed columns.
    Table,
    /// `APIGroupDiscoveryList`, for discovery only.
    GroupDiscovery,
}

/// The first form in the Accept header that is served here. Media ranges are taken in the order they are written, as
/// client-go writes them by preference.
///
/// # Errors
/// When nothing that the client accepts is JSON.
pub fn form(headers: &HeaderMap) -> Result<Form, Failure> {
    let accept = headers.get(header::ACCEPT).and_then(|value| value.to_str().ok()).unwrap_or("*/*");
    accept.split(',').find_map(form_of).ok_or_else(|| {
        Failure::new(
            StatusCode::NOT_ACCEPTABLE,
            "NotAcceptable",
            "only the following media types are accepted: application/json",
        )
    })
}

fn form_of(range: &str) -> Option<Form> {
    let mut parts = range.split(';').map(str::trim);
    if !matches!(parts.next()?, "application/json" | "application/*" | "*/*" | "") {
        return None;
    }
    let (mut wanted, mut version) = ("", "");
    for part in parts {
        match part.split_once('=') {
            Some(("as", value)) => wanted = value,
            Some(("v", value)) => version = value,
            _ => {}
        }
    }
    match (wanted, version) {
        ("", _) => Some(Form::Full),
        ("Table", "v1") => Some(Form::Table),
        ("PartialObjectMetadata" | "PartialObjectMetadataList", "v1") => Some(Form::Metadata),
        ("APIGroupDiscoveryList", "v2") => Some(Form::GroupDiscovery),
        _ => None,
    }
}
