//! From settings to a connection: kubeconfig, context, in-cluster; credentials only by the standard chain.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use http::{HeaderValue, header};
use kube::config::{ExecInteractiveMode, KubeConfigOptions, Kubeconfig, KubeconfigError};
use kube::{Client, Config};
use tokio::sync::{Semaphore, watch};

use super::fault;
use super::read::Connection;
use crate::clients::egress::Egress;
use crate::domain::error::{Fault, FaultKind};
use crate::domain::file;
use crate::domain::secret::Secrets;
use crate::domain::settings::KubernetesSettings;
use crate::domain::text::{Raw, Shown};
use crate::shown;

/// Deadline of a TCP connect with its TLS handshake.
pub const CONNECT: Duration = Duration::from_secs(3);
/// Deadline of building a client; exec plugins (`aws eks get-token`) run three times in it and have no deadline of
/// their own (facts/kubernetes.md 0.4).
const BUILD: Duration = Duration::from_secs(15);

/// Opens one cluster, as often as needed but never twice at once.
pub struct Connector {
    settings: KubernetesSettings,
    egress: Egress,
    /// Held by the build that runs, which outlives the wait for it: a plugin that hangs cannot be stopped, and must not
    /// be joined by another one at every try.
    building: Arc<Semaphore>,
    /// The program that the last build got its credentials from: only its name may be told.
    plugin: watch::Sender<Option<Raw>>,
}

impl Connector {
    #[must_use]
    pub fn new(settings: KubernetesSettings, egress: Egress) -> Self {
        Self { settings, egress, building: Arc::new(Semaphore::new(1)), plugin: watch::Sender::new(None) }
    }

    /// Opens the cluster that the settings name. Nothing is sent yet; exec plugins run, and cannot ask anything.
    ///
    /// # Errors
    /// [`FaultKind::Usage`] for a kubeconfig that cannot be used (with its file) and for a server outside `egress`;
    /// [`FaultKind::Unauthenticated`] when a credential plugin fails; [`FaultKind::Timeout`] when it hangs, or still
    /// runs from an earlier try.
    pub async fn connect(&self) -> Result<Connection, Fault> {
        let label = Raw::new(&self.settings.name);
        let hangs = |program: &Option<Raw>| fault::plugin_hangs(&label, program.as_ref(), BUILD);
        let only = self.building.clone().try_acquire_owned().map_err(|_| hangs(&self.plugin.borrow()))?;
        let (settings, egress, plugin) = (self.settings.clone(), self.egress, self.plugin.clone());
        let building = tokio::task::spawn_blocking(move || {
            let built = tokio::runtime::Handle::current().block_on(build(&settings, egress, &plugin));
            drop(only);
            built
        });
        match tokio::time::timeout(BUILD, building).await {
            Ok(Ok(result)) => result,
            Ok(Err(_)) => Err(Fault::new(
                FaultKind::Unauthenticated,
                shown!("kubernetes {}: its client could not be built", label),
                Shown::fixed("check the credentials of its user: a token is one line without blanks"),
            )),
            Err(_) => Err(hangs(&self.plugin.borrow())),
        }
    }
}

async fn build(
    settings: &KubernetesSettings,
    egress: Egress,
    plugin: &watch::Sender<Option<Raw>>,
) -> Result<Connection, Fault> {
    let (mut config, cluster) = configuration(settings, egress).await?;
    let secrets = credentials(&settings.name, &mut config)?;
    let host = config.cluster_url.host().unwrap_or_default().to_owned();
    egress.check(&host)?;
    if egress == Egress::LoopbackOnly && (config.proxy_url.is_some() || config.auth_info.exec.is_some()) {
        return Err(Fault::new(
            FaultKind::Usage,
            shown!("kubernetes {}: a plugin or proxy may leave loopback", Raw::new(&host)),
            Shown::fixed("use a kubeconfig with plain credentials"),
        ));
    }
    let addresses = addresses(&config.cluster_url);
    config.connect_timeout = Some(CONNECT);
    config.default_retry = false;
    let agent = HeaderValue::from_static(concat!("tierdeck/", env!("CARGO_PKG_VERSION")));
    config.headers.push((header::USER_AGENT, agent));
    if let Some(exec) = &mut config.auth_info.exec {
        exec.interactive_mode = Some(ExecInteractiveMode::Never);
    }
    let program = config.auth_info.exec.as_ref().and_then(|exec| exec.command.clone());
    let named = program.as_deref().map(Raw::new);
    plugin.send_replace(named.clone());
    let client = Client::try_from(config).map_err(|error| fault::building(&addresses.0, program.as_deref(), &error))?;
    Ok(Connection::new(client, addresses, cluster, named).hiding(secrets))
}

/// The credentials that are known before a connection. A token with a newline at its end (`echo` writes one) is sent
/// without it; the library fails badly on one that cannot be sent.
fn credentials(name: &str, config: &mut Config) -> Result<Secrets, Fault> {
    let mut secrets = Secrets::default();
    // The library shows them to nobody but its own serializer.
    let mut told = serde_json::to_value(&config.auth_info).unwrap_or_default();
    if let Some(text) = told.get("token").and_then(|token| token.as_str()).map(str::to_owned) {
        let token = text.trim_end_matches(['\r', '\n']);
        if !token.bytes().all(|b| b.is_ascii_graphic()) {
            return Err(Fault::new(
                FaultKind::Unauthenticated,
                shown!("kubernetes {}: users[].user.token of the kubeconfig cannot be sent", Raw::new(name)),
                Shown::fixed("it is one line without blanks: copy it again"),
            ));
        }
        secrets.know(token);
        if token != text
            && let Some(place) = told.get_mut("token")
        {
            *place = token.into();
            config.auth_info = serde_json::from_value(told.clone()).unwrap_or_default();
        }
    }
    if let Some(password) = told.get("password").and_then(|password| password.as_str()) {
        secrets.know(password);
    }
    let file =
        config.auth_info.token_file.as_ref().and_then(|path| file::read_text(path.as_ref(), file::TEXT_CAP).ok());
    secrets.know(file.as_deref().unwrap_or_default().trim());
    Ok(secrets)
}

/// `host:port` and the URL as a person would paste it, both without the user and password that the URL may hold.
fn addresses(url: &http::Uri) -> (Raw, Raw) {
    let host = url.host().unwrap_or_default();
    let server = url.port_u16().map_or_else(|| host.to_owned(), |port| format!("{host}:{port}"));
    let scheme = url.scheme_str().unwrap_or("https");
    let endpoint = format!("{scheme}://{server}{}", url.path().trim_end_matches('/'));
    (Raw::from(server), Raw::from(endpoint))
}

/// The configuration and the cluster's name in it.
async fn configuration(settings: &KubernetesSettings, egress: Egress) -> Result<(Config, Raw), Fault> {
    let explicit = settings.kubeconfig.as_ref();
    if explicit.is_none() && egress == Egress::LoopbackOnly {
        return Err(Fault::new(
            FaultKind::Usage,
            shown!("kubernetes {}: no kubeconfig is named", Raw::new(&settings.name)),
            Shown::fixed("a run held to loopback reads no other one"),
        ));
    }
    let file = explicit.cloned().unwrap_or_else(|| PathBuf::from("(KUBECONFIG or ~/.kube/config)"));
    let loaded = explicit.map_or_else(Kubeconfig::read, Kubeconfig::read_from);
    let kubeconfig = match loaded {
        Ok(kubeconfig) => kubeconfig,
        Err(KubeconfigError::ReadConfig(..) | KubeconfigError::FindPath) if explicit.is_none() => {
            return Config::incluster().map(|config| (config, Raw::new("in-cluster"))).map_err(|_| {
                Fault::new(
                    FaultKind::Usage,
                    Shown::fixed("no kubeconfig, and this is not a pod"),
                    Shown::fixed("set kubeconfig in [[kubernetes]], or KUBECONFIG"),
                )
            });
        }
        Err(error) => return Err(fault::kubeconfig(&file, &error, &[])),
    };
    let contexts: Vec<String> = kubeconfig.contexts.iter().map(|context| context.name.clone()).collect();
    let name = settings.context.clone().or_else(|| kubeconfig.current_context.clone()).unwrap_or_default();
    let context = kubeconfig.contexts.iter().find(|context| context.name == name);
    let cluster = context.and_then(|named| named.context.as_ref()).map(|context| Raw::new(&context.cluster));
    let options = KubeConfigOptions { context: settings.context.clone(), ..KubeConfigOptions::default() };
    let config = Config::from_custom_kubeconfig(kubeconfig, &options)
        .await
        .map_err(|error| fault::kubeconfig(&file, &error, &contexts))?;
    Ok((config, cluster.unwrap_or_else(|| Raw::new(&settings.name))))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_is_one_line_or_is_named_and_not_told() {
        let of = |token: &str| {
            let mut config = Config::new(http::Uri::from_static("http://127.0.0.1:1"));
            config.auth_info = serde_json::from_value(serde_json::json!({ "token": token })).unwrap();
            credentials("k8s", &mut config).map(|secrets| (config, secrets))
        };
        let (config, secrets) = of("secret-token\r\n").unwrap();
        let sent = serde_json::to_value(&config.auth_info).unwrap();
        assert_eq!(sent.get("token").and_then(|token| token.as_str()), Some("secret-token"));
        assert_eq!(secrets.masked("401 for secret-token"), "401 for [redacted]");
        for broken in ["secret\ntoken", "secret token", "secret\u{1b}token\n", "sécret"] {
            let fault = of(broken).err().unwrap();
            let expected = "kubernetes k8s: users[].user.token of the kubeconfig cannot be sent";
            assert_eq!((fault.kind, fault.what.as_str()), (FaultKind::Unauthenticated, expected));
            assert!(!fault.to_string().contains("cret"), "{fault}");
        }
    }
}
