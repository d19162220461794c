//! The `Authorization` header of Signature Version 4: who asks, in which region, which service. The signature itself is
//! not verified: on loopback there is nothing to protect.

use axum::http::{HeaderMap, header::AUTHORIZATION};

use super::failure::Failure;

/// The only access key that the embedded world knows.
pub const ACCESS_KEY: &str = "AKIADEMO";

/// The credential scope of a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Scope {
    pub region: String,
    /// The signing name: `monitoring`, `elasticloadbalancing`, `rds`, ...
    pub service: String,
}

/// Reads the scope.
///
/// # Errors
/// `MissingAuthenticationToken` without a well-formed header, `InvalidClientTokenId` for a foreign access key.
pub fn scope(headers: &HeaderMap) -> Result<Scope, Failure> {
    let missing = || Failure::new(403, "MissingAuthenticationToken", "Request is missing Authentication Token");
    let header = headers.get(AUTHORIZATION).and_then(|v| v.to_str().ok()).ok_or_else(missing)?;
    let fields = header.strip_prefix("AWS4-HMAC-SHA256 ").ok_or_else(missing)?;
    let field = |name: &str| fields.split(',').find_map(|f| f.trim().strip_prefix(name)?.strip_prefix('='));
    let (Some(credential), Some(_), Some(_)) = (field("Credential"), field("SignedHeaders"), field("Signature")) else {
        return Err(missing());
    };
    let mut parts = credential.split('/');
    let (Some(key), Some(_date), Some(region), Some(service), Some("aws4_request"), None) =
        (parts.next(), parts.next(), parts.next(), parts.next(), parts.next(), parts.next())
    else {
        return Err(missing());
    };
    if key != ACCESS_KEY {
        return Err(Failure::new(
            403,
            "InvalidClientTokenId",
            "The security token included in the request is invalid.",
        ));
    }
    Ok(Scope { region: region.to_owned(), service: service.to_owned() })
}
