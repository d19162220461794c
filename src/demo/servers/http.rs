//! HTTP over a [`Gate`], and the faults that show in its answers.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use axum::Router;
use axum::body::{Body, Bytes, HttpBody, to_bytes};
use axum::extract::Request;
use axum::http::{HeaderValue, StatusCode, header};
use axum::middleware::{Next, from_fn, map_response};
use axum::response::{IntoResponse, Response};
use tokio::io::{AsyncRead, ReadBuf};
use tokio::sync::watch;
use tokio_util::io::ReaderStream;

use super::fault::{Fault, Gate, Switch};
use crate::demo::production::Production;

/// How a server words an HTTP error of its own making.
pub type Refusal = fn(StatusCode) -> Response;

/// Serves `router` behind the gate until the runtime ends.
pub fn serve(gate: Gate, router: Router, switch: &Switch, refusal: Refusal) {
    let router = faulty(router, switch.subscribe(), refusal);
    tokio::spawn(async move { axum::serve(gate, router).await });
}

/// The router with the faults that show in answers: an HTTP status in place of each, or a body cut in the middle.
pub fn faulty(router: Router, faults: watch::Receiver<Fault>, refusal: Refusal) -> Router {
    router.layer(from_fn(move |request: Request, next: Next| {
        let fault = *faults.borrow();
        async move {
            match fault {
                Fault::Status(code) => refusal(StatusCode::from_u16(code).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR)),
                Fault::Truncate => truncated(next.run(request).await).await,
                _ => next.run(request).await,
            }
        }
    }))
}

/// The router with the world's time in the `Date` of its answers: the servers of a world keep its clock.
pub fn dated(router: Router, production: Arc<Production>) -> Router {
    router.layer(map_response(move |mut response: Response| {
        let mut now = 0;
        production.read(|world| now = world.now());
        let date = jiff::Timestamp::from_millisecond(now)
            .and_then(|at| jiff::fmt::rfc2822::DateTimePrinter::new().timestamp_to_rfc9110_string(&at))
            .ok()
            .and_then(|date| HeaderValue::from_str(&date).ok());
        if let Some(date) = date {
            response.headers_mut().insert(header::DATE, date);
        }
        std::future::ready(response)
    }))
}

/// An error in plain words, for a protocol that has no shape for it.
pub fn plain_refusal(status: StatusCode) -> Response {
    (status, format!("{status}\n")).into_response()
}

/// The answer announced whole and ended in the middle. Of one that has no announced length its first bytes are sent.
async fn truncated(response: Response) -> Response {
    let (mut parts, body) = response.into_parts();
    let half = match body.size_hint().exact() {
        Some(length) => {
            parts.headers.insert(header::CONTENT_LENGTH, HeaderValue::from(length));
            let whole = to_bytes(body, usize::MAX).await.unwrap_or_default();
            whole.slice(..whole.len() / 2)
        }
        None => Bytes::from_static(br#"{"type":"#),
    };
    Response::from_parts(parts, Body::from_stream(ReaderStream::new(Broken { rest: half, flushed: false })))
}

/// Gives its bytes, lets them be sent, and fails.
struct Broken {
    rest: Bytes,
    flushed: bool,
}

impl AsyncRead for Broken {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        if !self.rest.is_empty() {
            let length = self.rest.len().min(buf.remaining());
            buf.put_slice(&self.rest.split_to(length));
            return Poll::Ready(Ok(()));
        }
        if !std::mem::replace(&mut self.flushed, true) {
            // The connection writes out what it has while the body is pending, and drops it when the body fails.
            cx.waker().wake_by_ref();
            return Poll::Pending;
        }
        Poll::Ready(Err(io::ErrorKind::ConnectionReset.into()))
    }
}
