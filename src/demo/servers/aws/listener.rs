//! The HTTP side: which protocol and service a request is for, the faults, and each protocol's answers and errors.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::State;
use axum::http::header::{CONTENT_LENGTH, CONTENT_TYPE};
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, Uri};
use axum::response::Response;

use super::failure::Failure;
use super::faults::{AwsFault, AwsFaults};
use super::form::Form;
use super::value::Value;
use super::xml::Xml;
use super::{Window, cbor, cloudwatch, json, query};
use crate::demo::store::Stores;

const CBOR_PATH: &str = "/service/GraniteServiceVersion20100801/operation/";
const JSON_TARGET: &str = "GraniteServiceVersion20100801.";

struct Listener<W> {
    window: Arc<W>,
    faults: AwsFaults,
    requests: AtomicU64,
}

pub fn router<W: Window>(window: Arc<W>, faults: AwsFaults) -> Router {
    let listener = Arc::new(Listener { window, faults, requests: AtomicU64::new(1) });
    Router::new().fallback(answer::<W>).with_state(listener)
}

/// How a request is written, and so its answer.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Protocol {
    Cbor,
    Json,
    Query,
}

/// A request that has found its service.
struct Call {
    protocol: Protocol,
    service: &'static str,
    operation: String,
    form: Form,
}

async fn answer<W: Window>(
    State(listener): State<Arc<Listener<W>>>,
    uri: Uri,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let request_id = request_id(listener.requests.fetch_add(1, Ordering::Relaxed));
    let (protocol, found) = recognise(&uri, &headers, &body);
    let fault = found.as_ref().map_or(AwsFault::Ok, |call| listener.faults.get(call.service, &call.operation));
    if fault == AwsFault::Hang {
        std::future::pending::<()>().await;
    }
    // A request that is to fail does nothing; one whose answer is cut short has been carried out.
    let carried_out = match &found {
        Ok(call) if matches!(fault, AwsFault::Ok | AwsFault::Truncate) => carry_out(&*listener.window, call, &headers),
        _ => Ok(()),
    };
    let mut result = Err(Failure::new(500, "InternalFailure", "The world did not answer."));
    listener.window.look(&mut |stores, now| {
        result = match (&found, fault) {
            _ if carried_out.is_err() => carried_out.clone().map(|()| Vec::new()),
            (Err(failure), _) => Err(failure.clone()),
            (Ok(call), AwsFault::Status(status)) => {
                Err(Failure::drilled(status, &stores.aws.caller_arn, call.service, &call.operation))
            }
            (Ok(call), _) => serve(call, &headers, &body, stores, now, &request_id),
        };
    });
    let mut response = respond(protocol, result, &headers, &request_id);
    if let Ok(id) = HeaderValue::from_str(&request_id) {
        response.headers_mut().insert(HeaderName::from_static("x-amzn-requestid"), id);
    }
    if fault == AwsFault::Truncate { truncate(response).await } else { response }
}

/// A request id in the form of AWS'.
fn request_id(number: u64) -> String {
    let mixed = number.wrapping_mul(0x9e37_79b9_7f4a_7c15);
    format!(
        "{:08x}-{:04x}-4{:03x}-8{:03x}-{number:012x}",
        mixed >> 32,
        (mixed >> 16) & 0xffff,
        mixed & 0xfff,
        number & 0xfff
    )
}

fn recognise(uri: &Uri, headers: &HeaderMap, body: &[u8]) -> (Protocol, Result<Call, Failure>) {
    let cloudwatch = |protocol, operation: &str| {
        let call = Call { protocol, service: "cloudwatch", operation: operation.to_owned(), form: Form::default() };
        (protocol, Ok(call))
    };
    let header = |name: &str| headers.get(name).and_then(|v| v.to_str().ok());
    if let Some(operation) = uri.path().strip_prefix(CBOR_PATH) {
        return cloudwatch(Protocol::Cbor, operation);
    }
    if let Some(target) = header("x-amz-target") {
        return match target.strip_prefix(JSON_TARGET) {
            Some(operation) => cloudwatch(Protocol::Json, operation),
            None => (Protocol::Json, Err(unknown_operation(target))),
        };
    }
    if header("smithy-protocol").is_some() {
        return (Protocol::Cbor, Err(unknown_operation(uri.path())));
    }
    let form = Form::parse(body);
    let Some(service) = query::service(&form, headers) else {
        let (action, version) = (form.get("Action").unwrap_or_default(), form.get("Version").unwrap_or_default());
        let message = format!("Could not find operation {action} for version {version}");
        return (Protocol::Query, Err(Failure::new(400, "InvalidAction", message)));
    };
    let operation = form.get("Action").unwrap_or_default().to_owned();
    (Protocol::Query, Ok(Call { protocol: Protocol::Query, service: service.name, operation, form }))
}

fn unknown_operation(name: &str) -> Failure {
    Failure::new(404, "UnknownOperationException", format!("There is no operation {name}"))
}

/// Does what the call orders, if it changes something.
fn carry_out<W: Window>(window: &W, call: &Call, headers: &HeaderMap) -> Result<(), Failure> {
    if call.protocol != Protocol::Query {
        return Ok(());
    }
    let Some(service) = query::service(&call.form, headers) else { return Ok(()) };
    let request = query::Request { service, form: &call.form, headers };
    let mut order = Ok(None);
    window.look(&mut |stores, now| order = request.order(stores, now));
    let Some(order) = order? else { return Ok(()) };
    window.act(&order).map_err(|(code, message)| Failure::new(400, code, message))
}

fn serve(
    call: &Call,
    headers: &HeaderMap,
    body: &[u8],
    stores: &Stores,
    now: i64,
    request_id: &str,
) -> Result<Vec<u8>, Failure> {
    let decode = match call.protocol {
        Protocol::Query => {
            let service = query::service(&call.form, headers).ok_or_else(|| unknown_operation(&call.operation))?;
            return query::Request { service, form: &call.form, headers }.answer(stores, now, request_id);
        }
        Protocol::Cbor => cbor::decode,
        Protocol::Json => json::decode,
    };
    let scope = super::auth::scope(headers)?;
    if scope.service != "monitoring" {
        return Err(Failure::new(
            403,
            "SignatureDoesNotMatch",
            "Credential should be scoped to correct service: 'monitoring'.",
        ));
    }
    let operation = cloudwatch::OPERATIONS
        .iter()
        .find(|o| o.name == call.operation)
        .ok_or_else(|| unknown_operation(&call.operation))?;
    let desk = cloudwatch::Desk { store: &stores.cloudwatch, aws: &stores.aws, region: &scope.region, now };
    let answer = (operation.answer)(&desk, &decode(body)?)?;
    Ok(if call.protocol == Protocol::Cbor { cbor::encode(&answer) } else { json::encode(&answer) })
}

fn respond(protocol: Protocol, result: Result<Vec<u8>, Failure>, headers: &HeaderMap, request_id: &str) -> Response {
    let (status, body, failure) = match result {
        Ok(body) => (StatusCode::OK, body, None),
        Err(failure) => {
            let document = || {
                Value::structure([
                    ("__type", Some(Value::text(format!("com.amazonaws.cloudwatch#{}", failure.code)))),
                    ("message", Some(Value::text(failure.message.as_str()))),
                ])
            };
            let body = match protocol {
                Protocol::Cbor => cbor::encode(&document()),
                Protocol::Json => json::encode(&document()),
                Protocol::Query => Xml::error(&failure, request_id),
            };
            (StatusCode::from_u16(failure.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR), body, Some(failure))
        }
    };
    let mut response = Response::new(Body::from(body));
    *response.status_mut() = status;
    let kind = match protocol {
        Protocol::Cbor => "application/cbor",
        Protocol::Json => "application/x-amz-json-1.0",
        Protocol::Query => "text/xml",
    };
    let out = response.headers_mut();
    out.insert(CONTENT_TYPE, HeaderValue::from_static(kind));
    if protocol == Protocol::Cbor {
        out.insert(HeaderName::from_static("smithy-protocol"), HeaderValue::from_static("rpc-v2-cbor"));
    }
    if let Some(failure) = failure
        && protocol != Protocol::Query
        && headers.get("x-amzn-query-mode").is_some_and(|v| v == "true")
        && let Ok(code) = HeaderValue::from_str(&format!("{};{}", failure.code, failure.side()))
    {
        out.insert(HeaderName::from_static("x-amzn-query-error"), code);
    }
    response
}

/// The whole length announced, half of the body sent, then the connection breaks.
async fn truncate(response: Response) -> Response {
    let (mut parts, body) = response.into_parts();
    let whole = axum::body::to_bytes(body, usize::MAX).await.unwrap_or_default();
    parts.headers.insert(CONTENT_LENGTH, HeaderValue::from(whole.len()));
    let half = whole.slice(..whole.len() / 2);
    let broken = std::io::Error::other("the answer is cut short");
    let body = Body::from_stream(futures::stream::iter([Ok(half), Err(broken)]));
    Response::from_parts(parts, body)
}
