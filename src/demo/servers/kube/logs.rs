//! Pod logs: lines that fit the state of the pod.

use std::time::Duration;

use axum::body::Body;
use axum::extract::{Path, RawQuery, State};
use axum::http::{HeaderValue, header};
use axum::response::{IntoResponse, Response};
use serde_json::Value;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio_util::io::ReaderStream;

use crate::demo::store::kube::PODS;

use super::failure::Failure;
use super::resources;
use super::{Api, Target, age};
use crate::demo::store::json::{array, at};

/// A pod that runs writes a line this often, ms of world time.
const EVERY: i64 = 5_000;
/// Lines that are still there, however long the pod has run.
const KEPT: usize = 200;

#[derive(Default)]
struct Options {
    container: String,
    tail: Option<usize>,
    timestamps: bool,
    follow: bool,
}

/// `GET …/pods/NAME/log`: `container`, `tailLines`, `timestamps` and `follow` are honoured.
pub async fn log(
    State(api): State<Api>,
    Path(target): Path<Target>,
    RawQuery(raw): RawQuery,
) -> Result<Response, Failure> {
    let mut options = Options::default();
    for (name, value) in form_urlencoded::parse(raw.unwrap_or_default().as_bytes()) {
        match &*name {
            "container" => options.container = value.into_owned(),
            "tailLines" => options.tail = value.parse().ok(),
            "timestamps" => options.timestamps = value == "true",
            "follow" => options.follow = value == "true",
            _ => {}
        }
    }
    let found = api.production.read(|world| world.stores.kube.get(PODS, &target.namespace, &target.name).cloned());
    let pod = found.ok_or_else(|| {
        resources::find("", "v1", "pods")
            .map_or_else(Failure::no_such_path, |pods| Failure::no_such_object(pods, &target.name))
    })?;
    let container = container(&pod, &options.container, &target.name)?.to_owned();
    let now = api.production.clock().now();
    let mut lines = written(&pod, &container, now);
    let skipped = options.tail.map_or(0, |tail| lines.len().saturating_sub(tail));
    let text: String = lines.drain(skipped..).map(|line| line.text(options.timestamps)).collect();
    let mut response = if options.follow {
        Body::from_stream(following(api, pod, container, text, options.timestamps)).into_response()
    } else {
        text.into_response()
    };
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("text/plain"));
    Ok(response)
}

/// The container that was asked for, when it has run.
fn container<'a>(pod: &'a Value, asked: &str, pod_name: &str) -> Result<&'a str, Failure> {
    let containers = array(pod, "/spec/containers");
    let mut names = containers.iter().filter_map(|container| at(container, "/name").as_str());
    let name = names
        .find(|name| asked.is_empty() || *name == asked)
        .ok_or_else(|| Failure::bad_request(format!("container {asked} is not valid for pod {pod_name}")))?;
    let statuses = array(pod, "/status/containerStatuses");
    let status = statuses.iter().find(|status| *at(status, "/name") == *name);
    let waiting = status.and_then(|status| at(status, "/state/waiting/reason").as_str());
    match waiting {
        Some(reason) if reason != "CrashLoopBackOff" => {
            Err(Failure::bad_request(format!("container {name:?} in pod {pod_name:?} is waiting to start: {reason}")))
        }
        None if *at(pod, "/status/phase") == "Pending" => Err(Failure::bad_request(format!(
            "container {name:?} in pod {pod_name:?} is waiting to start: ContainerCreating"
        ))),
        _ => Ok(name),
    }
}

struct Line {
    at: i64,
    message: String,
}

impl Line {
    fn text(&self, timestamps: bool) -> String {
        let (at, message) = (age::format(self.at), &self.message);
        if timestamps { format!("{at} time={at} {message}\n") } else { format!("time={at} {message}\n") }
    }
}

/// What the container has written up to `now`: at fixed world times, so that two requests see the same lines.
fn written(pod: &Value, container: &str, now: i64) -> Vec<Line> {
    let start = at(pod, "/status/startTime").as_str().and_then(age::parse).unwrap_or(now);
    let statuses = array(pod, "/status/containerStatuses");
    let status = statuses.iter().find(|status| *at(status, "/name") == *container);
    let ended = status.map_or(&Value::Null, |status| {
        let state = at(status, "/state/terminated");
        if state.is_null() { at(status, "/lastState/terminated") } else { state }
    });
    let running = status.is_some_and(|status| at(status, "/state/running").is_object());
    let until = if running { now } else { at(ended, "/finishedAt").as_str().and_then(age::parse).unwrap_or(now) };
    let first = (start / EVERY + 1).max(until / EVERY - i64::try_from(KEPT).unwrap_or(i64::MAX));
    let mut lines = vec![Line { at: start, message: format!("level=info container={container} msg=\"starting\"") }];
    lines.extend((first..=until / EVERY).map(|tick| line(pod, tick)));
    if !running {
        let (code, reason) = (at(ended, "/exitCode"), at(ended, "/reason").as_str().unwrap_or("Error"));
        lines.push(Line { at: until, message: format!("level=error msg=\"exiting\" reason={reason} code={code}") });
    }
    lines
}

fn line(pod: &Value, tick: i64) -> Line {
    let conditions = array(pod, "/status/conditions");
    let ready =
        conditions.iter().any(|condition| *at(condition, "/type") == "Ready" && *at(condition, "/status") == "True");
    let message =
        if ready { "level=info msg=\"serving\"" } else { "level=warn msg=\"readiness check failed\"" }.to_owned();
    Line { at: tick * EVERY, message }
}

/// `text`, and then each new line as the world's time comes to it.
fn following(
    api: Api,
    pod: std::sync::Arc<Value>,
    container: String,
    text: String,
    timestamps: bool,
) -> ReaderStream<tokio::io::DuplexStream> {
    let (reader, mut writer) = tokio::io::duplex(64 * 1024);
    tokio::spawn(async move {
        let (namespace, name) = super::list::key(&pod);
        let mut sent = api.production.clock().now() / EVERY;
        let mut news = text;
        // The write fails and the read ends when the client goes away.
        while writer.write_all(news.as_bytes()).await.is_ok() {
            tokio::select! {
                _ = writer.read_u8() => return,
                () = tokio::time::sleep(Duration::from_millis(500)) => {}
            }
            let current = api.production.read(|world| world.stores.kube.get(PODS, namespace, name).cloned());
            let Some(current) = current else { return };
            let now = api.production.clock().now();
            let fresh = written(&current, &container, now).into_iter().filter(|line| line.at > sent * EVERY);
            news = fresh.map(|line| line.text(timestamps)).collect();
            sent = now / EVERY;
        }
    });
    ReaderStream::new(reader)
}
