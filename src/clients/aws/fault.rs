//! Failures of the SDK in words: what was asked, what came back, what to do.

use std::error::Error;

use aws_sdk_sts::config::http::HttpResponse;
use aws_sdk_sts::error::{ProvideErrorMetadata, SdkError};

use super::cap::LARGEST;
use super::connect::Place;
use crate::domain::error::{Fault, FaultKind};
use crate::domain::text::{Raw, Shown};

/// Words for a failed `action` (`cloudwatch:GetMetricData`, as an IAM policy names it).
pub(super) fn of<E>(place: &Place, action: &'static str, error: &SdkError<E, HttpResponse>) -> Fault
where
    E: ProvideErrorMetadata + Error + 'static,
{
    match error {
        SdkError::TimeoutError(_) => silent(place, action),
        SdkError::DispatchFailure(failure) if failure.is_timeout() => silent(place, action),
        SdkError::DispatchFailure(_) | SdkError::ConstructionFailure(_) => undelivered(place, action, &chain(error)),
        SdkError::ServiceError(service) => {
            let status = service.raw().status().as_u16();
            match service.err().code() {
                Some(code) => refused(place, action, status, code, unrepeated(service.err().message())),
                None => by_status(place, action, status),
            }
        }
        SdkError::ResponseError(_) if chain(error).iter().any(|words| words.contains(LIMIT_EXCEEDED)) => {
            too_large(action)
        }
        SdkError::ResponseError(response) => by_status(place, action, response.raw().status().as_u16()),
        _ => foreign(place, action),
    }
}

/// What the service says, unless it repeats our request: signature, key and session token stand in its headers.
fn unrepeated(message: Option<&str>) -> &str {
    let message = message.unwrap_or_default();
    let lower = message.to_ascii_lowercase();
    let marks = ["authorization", "aws4-hmac", "x-amz-security-token", "signature=", "credential="];
    if marks.iter().any(|mark| lower.contains(mark)) { "(its words repeat our request)" } else { message }
}

/// How `http_body_util::LengthLimitError` words itself; the SDK wraps it out of reach.
const LIMIT_EXCEEDED: &str = "length limit exceeded";

fn too_large(action: &'static str) -> Fault {
    Fault::new(
        FaultKind::Malformed,
        crate::shown!("{}: answer larger than {} MiB", action, LARGEST >> 20),
        Shown::fixed("look at the endpoint and what stands between"),
    )
}

/// The messages of an error and of its sources, the innermost last.
fn chain(error: &dyn Error) -> Vec<String> {
    let mut messages = vec![error.to_string()];
    let mut next = error.source();
    while let Some(source) = next {
        messages.push(source.to_string());
        next = source.source();
    }
    messages
}

fn silent(place: &Place, action: &'static str) -> Fault {
    Fault::new(
        FaultKind::Timeout,
        crate::shown!("{} in {} did not answer", action, Raw::new(&place.region)),
        Shown::fixed("check the network path and the endpoint"),
    )
}

/// The request never got an answer: no credentials, no address, no connection.
fn undelivered(place: &Place, action: &'static str, chain: &[String]) -> Fault {
    let region = Raw::new(&place.region);
    let why = chain.last().map(String::as_str).unwrap_or_default();
    let lower = chain.join(" ").to_ascii_lowercase();
    let says = |words: &[&str]| words.iter().any(|word| lower.contains(word));
    if says(&["credential", "identity", "token", "sso"]) {
        if let Some(profile) = &place.profile
            && says(&["was not defined", "was not enabled", "initialization error"])
        {
            return Fault::new(
                FaultKind::Unauthenticated,
                crate::shown!("the AWS profile {} is not defined, or not well", Raw::new(profile)),
                Shown::fixed("look at ~/.aws/config and at `profile` in the configuration"),
            );
        }
        // The chain ends at the machine's own role: that this one is not there is no news.
        let what = if says(&["imds", "metadata"]) {
            crate::shown!("no AWS credentials for {}", action)
        } else {
            crate::shown!("no AWS credentials for {} ({})", action, Raw::new(why))
        };
        return Fault::new(FaultKind::Unauthenticated, what, login(place));
    }
    if says(&["dns error", "failed to lookup", "name or service not known"]) {
        return Fault::new(
            FaultKind::Dns,
            crate::shown!("the endpoint of {} in {} cannot be resolved", action, region),
            Shown::fixed("check region, endpoint_url and the resolver"),
        );
    }
    if says(&["certificate", "tls", "handshake"]) {
        return Fault::new(
            FaultKind::Tls,
            crate::shown!("TLS with the endpoint of {} failed ({})", action, Raw::new(why)),
            Shown::fixed("check the system's trusted roots and any proxy"),
        );
    }
    if says(&["incompletemessage", "connection closed before message", "unexpected eof"]) {
        return cut(action);
    }
    Fault::new(
        FaultKind::Refused,
        crate::shown!("the endpoint of {} in {} cannot be reached ({})", action, region, Raw::new(why)),
        Shown::fixed("check endpoint_url and the network path"),
    )
}

fn cut(action: &'static str) -> Fault {
    Fault::new(
        FaultKind::Malformed,
        crate::shown!("the answer to {} was cut short", action),
        Shown::fixed("look at the endpoint and what stands between"),
    )
}

/// Something answered that is not the service.
fn foreign(place: &Place, action: &'static str) -> Fault {
    let protocol = if action.starts_with("cloudwatch:") { "CloudWatch CBOR" } else { "the AWS query protocol" };
    let endpoint = place.endpoint_url.as_deref().unwrap_or("the regional endpoint");
    Fault::new(
        FaultKind::Malformed,
        crate::shown!("{} does not speak {} ({} failed)", Raw::new(endpoint), protocol, action),
        Shown::fixed("check endpoint_url and what stands between"),
    )
}

/// An answer without an error of the service's: the page of a proxy, of a firewall, of a portal. Its status is all that
/// it says.
fn by_status(place: &Place, action: &'static str, status: u16) -> Fault {
    let endpoint = Raw::new(place.endpoint_url.as_deref().unwrap_or("the regional endpoint"));
    let between = "it is not AWS that says so: look at the proxy or firewall in between";
    let (kind, word, hint) = match status {
        401 | 407 => (FaultKind::Unauthenticated, "wants a login", between),
        403 => (FaultKind::Forbidden, "forbids it", between),
        429 => (FaultKind::Throttled, "is asked too often", between),
        500.. => (FaultKind::Server, "has an error", "look at the proxy in between, then at the AWS Health Dashboard"),
        _ => return foreign(place, action),
    };
    Fault::new(kind, crate::shown!("{} {} ({} got {})", endpoint, word, action, status), Shown::fixed(hint))
}

fn server(place: &Place, action: &'static str, status: u16, code: &str) -> Fault {
    Fault::new(
        FaultKind::Server,
        crate::shown!("{} in {} failed with {} {}", action, Raw::new(&place.region), status, Raw::new(code)),
        Shown::fixed("wait; see the AWS Health Dashboard"),
    )
}

fn login(place: &Place) -> Shown {
    match &place.profile {
        Some(profile) => crate::shown!("run aws sso login --profile {}", Raw::new(profile)),
        None => Shown::fixed("run aws sso login, or set AWS_PROFILE"),
    }
}

/// The service answered with an error of its own.
fn refused(place: &Place, action: &'static str, status: u16, code: &str, message: &str) -> Fault {
    match code {
        "ExpiredToken" | "ExpiredTokenException" | "RequestExpired" | "TokenRefreshRequired" => Fault::new(
            FaultKind::Unauthenticated,
            crate::shown!("the AWS session has expired ({})", action),
            login(place),
        ),
        "InvalidClientTokenId"
        | "UnrecognizedClientException"
        | "MissingAuthenticationToken"
        | "MissingAuthenticationTokenException"
        | "SignatureDoesNotMatch"
        | "IncompleteSignature"
        | "InvalidSignatureException"
        | "InvalidAccessKeyId"
        | "AuthFailure" => Fault::new(
            FaultKind::Unauthenticated,
            crate::shown!("AWS does not accept the credentials ({}: {})", action, Raw::new(code)),
            login(place),
        ),
        "AccessDenied" | "AccessDeniedException" | "UnauthorizedOperation" | "Forbidden" | "NotAuthorized" => {
            Fault::new(
                FaultKind::Forbidden,
                crate::shown!("forbidden: {} in {}", action, Raw::new(&place.region)),
                crate::shown!("needs {} in the role's policy", action),
            )
        }
        _ if code.contains("Throttl")
            || ["TooManyRequestsException", "RequestLimitExceeded", "SlowDown"].contains(&code) =>
        {
            Fault::new(
                FaultKind::Throttled,
                crate::shown!("AWS throttles {} in {}", action, Raw::new(&place.region)),
                Shown::fixed("nothing: it is asked less often now"),
            )
        }
        "UnknownOperationException" | "InvalidAction" => Fault::new(
            FaultKind::Missing,
            crate::shown!("the endpoint has no {}", action),
            Shown::fixed("check endpoint_url"),
        ),
        _ if status >= 500 => server(place, action, status, code),
        _ if matches!(status, 401 | 403 | 429) => {
            let fault = by_status(place, action, status);
            let what = crate::shown!("{} was refused: {}: {}", action, Raw::new(code), Raw::new(message));
            Fault { what, hint: Shown::fixed("read what AWS says about the account"), ..fault }
        }
        _ => Fault::new(
            FaultKind::Usage,
            crate::shown!("{} was refused: {}: {}", action, Raw::new(code), Raw::new(message)),
            Shown::fixed("check region, profile and names in the configuration"),
        ),
    }
}
