//! From settings to a connection: kubeconfig, context, in-cluster; credentials only by the standard chain.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::{HeaderValue, header};
use kube::config::{AuthInfo, Cluster, Context, KubeConfigOptions, Kubeconfig, KubeconfigError};
use kube::{Client, Config};
use tokio::runtime::Handle;
use tokio::sync::Semaphore;

use super::fault;
use super::plugin::{Identity, PATIENCE, Plugin};
use super::read::Connection;
use crate::clients::egress::Egress;
use crate::domain::error::{Fault, FaultKind};
use crate::domain::file::{self, FileError};
use crate::domain::secret::Secrets;
use crate::domain::settings::KubernetesSettings;
use crate::domain::text::{Raw, Shown};
use crate::shown;

/// Deadline of a TCP connect with its TLS handshake.
pub const CONNECT: Duration = Duration::from_secs(3);
/// Deadline of opening a cluster: its files are read, and its credential plugin has run.
const BUILD: Duration = Duration::from_secs(PATIENCE.as_secs() + 5);

/// Opens one cluster, as often as needed.
pub struct Connector {
    settings: KubernetesSettings,
    egress: Egress,
    /// Held while files are read, which may outlive the wait for it: a file system that hangs must not get a thread more at
    /// every try.
    reading: Arc<Semaphore>,
}

impl Connector {
    #[must_use]
    pub fn new(settings: KubernetesSettings, egress: Egress) -> Self {
        Self { settings, egress, reading: Arc::new(Semaphore::new(1)) }
    }

    /// Opens the cluster that the settings name. Nothing is sent yet; a credential plugin runs, and cannot ask anything.
    ///
    /// # Errors
    /// [`FaultKind::Usage`] for a kubeconfig that cannot be used (with its file) and for a server outside `egress`;
    /// [`FaultKind::Unauthenticated`] when a credential plugin fails; [`FaultKind::Timeout`] when it or a file system
    /// hangs.
    pub async fn connect(&self) -> Result<Connection, Fault> {
        tokio::time::timeout(BUILD, self.build()).await.unwrap_or_else(|_| Err(self.files_hang()))
    }

    async fn build(&self) -> Result<Connection, Fault> {
        let (settings, egress) = (self.settings.clone(), self.egress);
        let files = move || Handle::current().block_on(configuration(&settings, egress));
        let (mut config, cluster) = self.apart(files).await?;
        let secrets = credentials(&self.settings.name, &mut config)?;
        let host = config.cluster_url.host().unwrap_or_default().to_owned();
        egress.check(&host)?;
        let user = &mut config.auth_info;
        if egress == Egress::LoopbackOnly && (config.proxy_url.is_some() || user.exec.is_some()) {
            return Err(Fault::new(
                FaultKind::Usage,
                shown!("kubernetes {}: a plugin or proxy may leave loopback", Raw::new(&host)),
                Shown::fixed("use a kubeconfig with plain credentials"),
            ));
        }
        let addresses = addresses(&config.cluster_url);
        let plugin = match user.exec.take() {
            Some(exec) if user.token.is_none() && user.token_file.is_none() && user.password.is_none() => {
                let (plugin, identity) = Plugin::start(exec, addresses.0.clone()).await?;
                if let Some(Identity { certificate, key }) = identity {
                    user.client_certificate_data = Some(STANDARD.encode(certificate));
                    user.client_key_data = Some(STANDARD.encode(key).into());
                }
                Some(Arc::new(plugin))
            }
            _ => None,
        };
        config.connect_timeout = Some(CONNECT);
        config.default_retry = false;
        let agent = HeaderValue::from_static(concat!("tierdeck/", env!("CARGO_PKG_VERSION")));
        config.headers.push((header::USER_AGENT, agent));
        let server = addresses.0.clone();
        let client = move || Client::try_from(config).map_err(|error| fault::request(&server, &error));
        let client = self.apart(client).await?;
        Ok(Connection::new(client, addresses, cluster, plugin).hiding(secrets))
    }

    /// Does what reads files on a thread of its own.
    async fn apart<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> Result<T, Fault> + Send + 'static,
    ) -> Result<T, Fault> {
        let only = self.reading.clone().try_acquire_owned().map_err(|_| self.files_hang())?;
        let work = tokio::task::spawn_blocking(move || {
            let done = work();
            drop(only);
            done
        });
        let failed = |_| Err(fault::malformed(&Raw::new(&self.settings.name), "its client could not be built"));
        work.await.unwrap_or_else(failed)
    }

    fn files_hang(&self) -> Fault {
        Fault::new(
            FaultKind::Timeout,
            shown!(
                "kubernetes {}: the files of its kubeconfig are not read in {} s",
                Raw::new(&self.settings.name),
                BUILD.as_secs()
            ),
            Shown::fixed("check the file system that they are on"),
        )
    }
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
        if token != text
            && let Some(place) = told.get_mut("token")
        {
            *place = token.into();
            config.auth_info = serde_json::from_value(told).unwrap_or_default();
        }
    }
    for (_, value) in known(config).iter().filter(|(name, _)| matches!(name.as_str(), "token" | "password")) {
        secrets.know(value.trim());
    }
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
    if let Some(path) = explicit {
        check_file("kubeconfig", path, file::KUBECONFIG_CAP)?;
    }
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
    let context = context.and_then(|named| named.context.as_ref());
    if let Some(context) = context {
        check_files(&kubeconfig, context)?;
    }
    let cluster = context.map(|context| Raw::new(&context.cluster));
    let options = KubeConfigOptions { context: settings.context.clone(), ..KubeConfigOptions::default() };
    let config = Config::from_custom_kubeconfig(kubeconfig, &options)
        .await
        .map_err(|error| fault::kubeconfig(&file, &error, &contexts))?;
    Ok((config, cluster.unwrap_or_else(|| Raw::new(&settings.name))))
}

/// Names and values of what the kubeconfig gives its user and its plugins: by their names, some of it must not be written
/// anywhere. Nothing is asked and no plugin is run.
pub async fn secrets(settings: &KubernetesSettings, egress: Egress) -> Vec<(String, String)> {
    configuration(settings, egress).await.map(|(config, _)| known(&config)).unwrap_or_default()
}

fn known(config: &Config) -> Vec<(String, String)> {
    let urls = [Some(config.cluster_url.to_string()), config.proxy_url.as_ref().map(ToString::to_string)];
    let passwords = urls.iter().flatten().flat_map(|url| userinfo(url));
    let mut found: Vec<(String, String)> = passwords.map(|part| ("password".to_owned(), part)).collect();
    // The client writes its own type with its secrets only as a kubeconfig, in the names of the file.
    let user = serde_json::to_value(&config.auth_info).unwrap_or_default();
    let text = |value: &serde_json::Value| value.as_str().map(str::to_owned);
    let own = ["token", "password", "client-key-data"].into_iter();
    found.extend(own.filter_map(|name| Some((name.to_owned(), text(user.get(name)?)?))));
    let env = user.pointer("/exec/env").and_then(|env| env.as_array()).into_iter().flatten();
    found.extend(env.filter_map(|pair| Some((text(pair.get("name")?)?, text(pair.get("value")?)?))));
    let provider = user.pointer("/auth-provider/config").and_then(|given| given.as_object()).into_iter().flatten();
    found.extend(provider.filter_map(|(name, value)| Some((name.clone(), text(value)?))));
    let file = config.auth_info.token_file.as_deref().map(Path::new);
    let token = file.and_then(|file| file::read_text(file, file::TEXT_CAP).ok());
    found.extend(token.map(|token| ("token".to_owned(), token)));
    found
}

/// User and password of a URL: together, and the password alone.
#[must_use]
pub fn userinfo(url: &str) -> Vec<String> {
    let authority = url.split_once("://").map_or(url, |(_, rest)| rest);
    let authority = authority.split(['/', '?', '#']).next().unwrap_or_default();
    let Some((user, _)) = authority.rsplit_once('@') else { return Vec::new() };
    let password = user.split_once(':').map(|(_, password)| password.to_owned());
    std::iter::once(user.to_owned()).chain(password).collect()
}

/// Checks the files that a context names, as far as they are there: what is no regular file would hold up its reader or
/// fill our memory.
fn check_files(kubeconfig: &Kubeconfig, context: &Context) -> Result<(), Fault> {
    let cluster = kubeconfig.clusters.iter().find(|named| named.name == context.cluster);
    let cluster = cluster.and_then(|named| named.cluster.as_ref());
    let user = kubeconfig.auth_infos.iter().find(|named| Some(&named.name) == context.user.as_ref());
    let user = user.and_then(|named| named.auth_info.as_ref());
    let of_cluster = |cluster: &Cluster| [("certificate-authority", cluster.certificate_authority.clone())];
    let of_user = |user: &AuthInfo| {
        [
            ("tokenFile", user.token_file.clone()),
            ("client-certificate", user.client_certificate.clone()),
            ("client-key", user.client_key.clone()),
        ]
    };
    let named = cluster.into_iter().flat_map(of_cluster).chain(user.into_iter().flat_map(of_user));
    for (key, path) in named {
        if let Some(path) = path.filter(|path| !path.is_empty()) {
            check_file(key, Path::new(&path), file::TEXT_CAP)?;
        }
    }
    // The client library runs this program with our terminal and reads what it prints without end.
    let provider = user.and_then(|user| user.auth_provider.as_ref());
    if provider.is_some_and(|provider| provider.config.contains_key("cmd-path")) {
        return Err(Fault::new(
            FaultKind::Usage,
            Shown::fixed("the kubeconfig names an auth-provider, which Kubernetes has given up"),
            Shown::fixed("make it anew with exec, as `gcloud container clusters get-credentials` does"),
        ));
    }
    Ok(())
}

/// One that cannot be read is told by who reads it.
fn check_file(key: &'static str, path: &Path, cap: u64) -> Result<(), Fault> {
    match file::check(path, cap) {
        Ok(()) | Err(FileError::Unreadable(_)) => Ok(()),
        Err(error) => Err(Fault::new(
            FaultKind::Usage,
            shown!("{} {} {}", key, Raw::from(path.display().to_string()), Raw::from(error.to_string())),
            Shown::fixed("the context of the kubeconfig names it"),
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_kubeconfig_gives_is_known_by_its_name() {
        let mut config = Config::new(http::Uri::from_static("https://ops:pw-of-ops@127.0.0.1:1"));
        config.auth_info = serde_json::from_value(serde_json::json!({ "token": "a-token", "exec": {
            "command": "aws", "apiVersion": "client.authentication.k8s.io/v1",
            "env": [{ "name": "AWS_PROFILE", "value": "prod-eu" }, { "name": "API_KEY", "value": "a-key-of-it" }],
        }}))
        .unwrap();
        let known = known(&config);
        for (name, value) in
            [("password", "pw-of-ops"), ("token", "a-token"), ("AWS_PROFILE", "prod-eu"), ("API_KEY", "a-key-of-it")]
        {
            assert!(known.contains(&(name.to_owned(), value.to_owned())), "{name} in {known:?}");
        }
    }

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
