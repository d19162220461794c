//! Credential plugins, client.authentication.k8s.io v1 and v1beta1
//! (<https://kubernetes.io/docs/reference/access-authn-authz/authentication/#client-go-credential-plugins>): programs that
//! print credentials. They run here and not in the client library, which gives them our terminal and reads without end.

use std::path::Path;
use std::process::{ExitStatus, Stdio};
use std::time::Duration;

use http::HeaderValue;
use jiff::{SignedDuration, Timestamp};
use kube::config::{ExecConfig, Kubeconfig};
use rustix::process::{Pid, Signal, kill_process_group};
use serde::Deserialize;
use serde_json::json;
use tokio::io::{AsyncRead, AsyncReadExt};
use tokio::process::Command;
use tokio::sync::{Semaphore, watch};

use super::fault;
use crate::domain::error::Fault;
use crate::domain::text::{Raw, Shown};
use crate::shown;

/// A plugin that takes longer gives no credentials.
pub const PATIENCE: Duration = Duration::from_secs(15);
/// The most that a plugin may print, bytes: two certificates and a token are a hundredth of it.
const LARGEST: u64 = 1 << 20;
/// Credentials are renewed so long before they end.
const EARLY: SignedDuration = SignedDuration::from_secs(60);
/// Runs a program in a session without a terminal (util-linux, busybox): it cannot read our keys or write on our screen.
const SESSION: &str = "setsid";

/// A plugin and the credentials that it gave last.
pub struct Plugin {
    exec: ExecConfig,
    server: Raw,
    held: watch::Sender<Held>,
    renewing: Semaphore,
}

#[derive(Clone)]
struct Held {
    /// `Authorization`; none where the plugin gives a certificate.
    header: Option<HeaderValue>,
    until: Option<Timestamp>,
}

/// A client certificate and its key, PEM.
pub struct Identity {
    pub certificate: String,
    pub key: String,
}

/// `status` of an `ExecCredential`.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Status {
    expiration_timestamp: Option<String>,
    token: Option<String>,
    client_certificate_data: Option<String>,
    client_key_data: Option<String>,
}

impl Plugin {
    /// Runs the plugin for the first time.
    ///
    /// # Errors
    /// [`FaultKind::Unauthenticated`](crate::domain::error::FaultKind::Unauthenticated) when it gives no credentials, and
    /// [`FaultKind::Timeout`](crate::domain::error::FaultKind::Timeout) when it hangs. Nothing that it was given or has
    /// printed is told.
    pub async fn start(exec: ExecConfig, server: Raw) -> Result<(Self, Option<Identity>), Fault> {
        let (held, identity) = run(&exec, &server).await?;
        Ok((Self { exec, server, held: watch::Sender::new(held), renewing: Semaphore::new(1) }, identity))
    }

    #[must_use]
    pub fn program(&self) -> Raw {
        program(&self.exec)
    }

    /// What stands as `Authorization` in a request that is sent now. It is renewed first when it is about to end.
    ///
    /// # Errors
    /// As [`Plugin::start`].
    pub async fn header(&self) -> Result<Option<HeaderValue>, Fault> {
        if let Some(header) = self.good() {
            return Ok(header);
        }
        // It is never closed; whoever waits here finds what was renewed meanwhile.
        let _only = self.renewing.acquire().await;
        if let Some(header) = self.good() {
            return Ok(header);
        }
        let (held, _) = run(&self.exec, &self.server).await?;
        self.held.send_replace(held.clone());
        Ok(held.header)
    }

    /// The header that may still be sent. A certificate cannot be changed in an open client, so it is never renewed here.
    #[allow(clippy::disallowed_methods, reason = "the plugin says in wall time when its credentials end")]
    fn good(&self) -> Option<Option<HeaderValue>> {
        let held = self.held.borrow();
        let ends = held.header.is_some() && held.until.is_some_and(|until| Timestamp::now() + EARLY >= until);
        (!ends).then(|| held.header.clone())
    }
}

fn program(exec: &ExecConfig) -> Raw {
    Raw::new(exec.command.as_deref().unwrap_or_default())
}

async fn run(exec: &ExecConfig, server: &Raw) -> Result<(Held, Option<Identity>), Fault> {
    let program = program(exec);
    let none = |why: Shown| fault::no_credentials(server, &why);
    let Some(command) = exec.command.as_deref().filter(|command| !command.is_empty()) else {
        return Err(none(Shown::fixed("exec names no command")));
    };
    if command.contains('/') && !Path::new(command).exists() {
        return Err(none(shown!("{} cannot be run: it is not there", program)));
    }
    let printed = tokio::time::timeout(PATIENCE, output(command_line(exec, command)))
        .await
        .map_err(|_| fault::plugin_hangs(server, &program, PATIENCE))?
        .map_err(|error| {
            none(shown!("{} cannot be run: {}", Raw::new(SESSION), Raw::from(error.kind().to_string())))
        })?;
    let (status, text) = printed;
    let text = text.ok_or_else(|| none(shown!("{} printed more than {} MiB", program, LARGEST >> 20)))?;
    match (status.code(), status.success()) {
        (_, true) => {}
        (Some(127), _) => return Err(none(shown!("{}, or what it calls, is not there (exit status 127)", program))),
        (Some(code), _) => return Err(none(shown!("{} failed with exit status {}", program, code))),
        (None, _) => return Err(none(shown!("{} was killed by a signal", program))),
    }
    let status = status_of(&text).ok_or_else(|| none(shown!("{} printed no credentials", program)))?;
    credentials(status).map_err(none)
}

/// The arguments and variables of the kubeconfig, and what the API tells a plugin (`KUBERNETES_EXEC_INFO`): it cannot ask
/// anybody anything.
fn command_line(exec: &ExecConfig, program: &str) -> Command {
    let spec = match exec.cluster.as_ref().filter(|_| exec.provide_cluster_info) {
        Some(cluster) => json!({"interactive": false, "cluster": cluster}),
        None => json!({"interactive": false}),
    };
    let info = json!({"apiVersion": exec.api_version, "kind": "ExecCredential", "spec": spec});
    let mut command = Command::new(SESSION);
    command.arg(program).args(exec.args.iter().flatten());
    for variable in exec.env.iter().flatten() {
        if let (Some(name), Some(value)) = (variable.get("name"), variable.get("value")) {
            command.env(name, value);
        }
    }
    command.env("KUBERNETES_EXEC_INFO", info.to_string());
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null()).kill_on_drop(true);
    command
}

/// How a command ended and what it printed, if that was not too much. All that it started ends with it, and when the wait
/// for it is given up.
async fn output(mut command: Command) -> std::io::Result<(ExitStatus, Option<Vec<u8>>)> {
    let mut child = command.spawn()?;
    // The first process of a session is also the first of its group.
    let mut group = Group(child.id().and_then(|id| Pid::from_raw(i32::try_from(id).ok()?)));
    let mut reading = std::pin::pin!(read(child.stdout.take()));
    let (mut status, mut printed) = (None, None);
    while status.is_none() || printed.is_none() {
        tokio::select! {
            ended = child.wait(), if status.is_none() => {
                // What it left in the background may hold its output open.
                group.end();
                status = Some(ended?);
            }
            text = &mut reading, if printed.is_none() => {
                let text = text?;
                if text.is_none() {
                    group.end();
                }
                printed = Some(text);
            }
        }
    }
    let status = status.ok_or(std::io::ErrorKind::Other)?;
    Ok((status, printed.flatten()))
}

/// Everything up to the end, or `None` when it is too much.
async fn read(stdout: Option<impl AsyncRead + Unpin>) -> std::io::Result<Option<Vec<u8>>> {
    let mut text = Vec::new();
    if let Some(stdout) = stdout {
        stdout.take(LARGEST + 1).read_to_end(&mut text).await?;
    }
    Ok((text.len() as u64 <= LARGEST).then_some(text))
}

/// The processes of a plugin, unless they have been ended.
struct Group(Option<Pid>);

impl Group {
    fn end(&mut self) {
        if let Some(group) = self.0.take() {
            // One that has ended by itself is what is wanted.
            let _ = kill_process_group(group, Signal::KILL);
        }
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        self.end();
    }
}

fn status_of(text: &[u8]) -> Option<Status> {
    let text = std::str::from_utf8(text).ok()?;
    // Plugins print JSON or YAML. The client's own reader takes both and keeps the fields that a kubeconfig does not have.
    let status = Kubeconfig::from_yaml(text).ok()?.other.remove("status")?;
    serde_json::from_value(status).ok()
}

fn credentials(status: Status) -> Result<(Held, Option<Identity>), Shown> {
    let until = status.expiration_timestamp.map(|until| until.parse::<Timestamp>()).transpose();
    let until = until.map_err(|_| Shown::fixed("their time of expiry is malformed"))?;
    if let (Some(certificate), Some(key)) = (status.client_certificate_data, status.client_key_data) {
        return Ok((Held { header: None, until }, Some(Identity { certificate, key })));
    }
    let token = status.token.ok_or(Shown::fixed("the plugin printed neither a token nor a certificate"))?;
    let mut header = HeaderValue::try_from(format!("Bearer {token}"))
        .map_err(|_| Shown::fixed("they cannot be sent in a header"))?;
    header.set_sensitive(true);
    Ok((Held { header: Some(header), until }, None))
}
