//! What went wrong with the API server, in one sentence that names it and the next step.

use std::error::Error as StdError;
use std::io;
use std::path::Path;
use std::time::Duration;

use kube::client::AuthError;
use kube::config::KubeconfigError;
use kube::core::Status;

use crate::domain::error::{Fault, FaultKind};
use crate::domain::text::{Raw, Shown};
use crate::shown;

/// How deep a chain of causes is followed.
const DEPTH: usize = 16;

fn fixed(text: &'static str) -> Shown {
    Shown::fixed(text)
}

/// No answer; before one can come, `plugin` may have to renew the credentials, and nobody can see it hang.
pub fn silent(server: &Raw, plugin: Option<&Raw>, deadline: Duration) -> Fault {
    let hint = match plugin {
        Some(plugin) => shown!("check network, VPN and firewall, and whether {} hangs", plugin),
        None => fixed("check network, VPN and firewall"),
    };
    Fault::new(FaultKind::Timeout, shown!("kubernetes {}: no answer in {} s", server, deadline.as_secs()), hint)
}

/// A credential plugin that has not ended in time.
pub fn plugin_hangs(server: &Raw, program: &Raw, deadline: Duration) -> Fault {
    Fault::new(
        FaultKind::Timeout,
        shown!("kubernetes {}: no credentials from {} in {} s", server, program, deadline.as_secs()),
        fixed("run the login command of the kubeconfig by hand"),
    )
}

/// An answer that would fill our memory.
pub fn too_large(server: &Raw, largest: usize) -> Fault {
    Fault::new(
        FaultKind::Malformed,
        shown!("kubernetes {}: answer larger than {} MiB", server, largest >> 20),
        fixed("name fewer namespaces, or check for a proxy in between"),
    )
}

/// From the body of an error: a `Status` of the API, or the page of something in between.
pub fn answer(server: &Raw, code: u16, body: &[u8]) -> Fault {
    match serde_json::from_slice::<Status>(body) {
        Ok(said) => {
            let retry = said.details.as_ref().map(|details| details.retry_after_seconds);
            status(server, if said.code == 0 { code } else { said.code }, &said.message, retry)
        }
        Err(_) => status(server, code, String::from_utf8_lossy(body).trim(), None),
    }
}

pub fn malformed(server: &Raw, what: &'static str) -> Fault {
    Fault::new(
        FaultKind::Malformed,
        shown!("kubernetes {}: {}", server, what),
        fixed("check for a proxy or load balancer in between"),
    )
}

pub fn unauthenticated(server: &Raw) -> Fault {
    Fault::new(
        FaultKind::Unauthenticated,
        shown!("kubernetes {}: credentials are not accepted", server),
        fixed("log in again"),
    )
}

/// The fault of a refused verb on a resource; `place` is `at cluster scope` or `in NAMESPACE`.
pub fn forbidden(verb: &'static str, resource: &'static str, place: &Shown) -> Fault {
    Fault::new(
        FaultKind::Forbidden,
        shown!("forbidden: {} {} {}", verb, resource, place),
        shown!("needs an RBAC role with get, list, watch on {}", resource),
    )
}

/// From an HTTP status with the server's own words.
pub fn status(server: &Raw, code: u16, message: &str, retry_after: Option<u32>) -> Fault {
    let words = Raw::new(brief(message));
    let mut fault = match code {
        401 => return unauthenticated(server),
        403 => Fault::new(
            FaultKind::Forbidden,
            shown!("kubernetes {}: forbidden: {}", server, words),
            fixed("ask for an RBAC role that allows it"),
        ),
        404 => Fault::new(
            FaultKind::Missing,
            shown!("kubernetes {}: not found: {}", server, words),
            fixed("this server does not offer it"),
        ),
        429 => Fault::new(
            FaultKind::Throttled,
            shown!("kubernetes {}: too many requests", server),
            fixed("it is retried when the server allows"),
        ),
        400 if message.contains("HTTP request to an HTTPS server") => Fault::new(
            FaultKind::Usage,
            shown!("kubernetes {} wants TLS", server),
            fixed("write https:// as its server in the kubeconfig"),
        ),
        400..=499 => Fault::new(
            FaultKind::Usage,
            shown!("kubernetes {}: {} {}", server, code, words),
            fixed("this server refuses the request as we make it"),
        ),
        _ => Fault::new(
            FaultKind::Server,
            shown!("kubernetes {}: error {} {}", server, code, words),
            fixed("look at the API server's own health"),
        ),
    };
    fault.retry_after = retry_after.filter(|secs| *secs > 0).map(|secs| Duration::from_secs(u64::from(secs)));
    fault
}

/// The first line of a message, at most 120 characters: servers quote whole objects in theirs.
fn brief(message: &str) -> &str {
    let line = message.lines().next().unwrap_or_default().trim();
    line.char_indices().nth(120).and_then(|(at, _)| line.get(..at)).unwrap_or(line)
}

/// From a failed request.
pub fn request(server: &Raw, error: &kube::Error) -> Fault {
    match error {
        kube::Error::Api(answer) => {
            let retry = answer.details.as_ref().map(|details| details.retry_after_seconds);
            status(server, answer.code, &answer.message, retry)
        }
        kube::Error::FromUtf8(_) | kube::Error::SerdeError(_) => malformed(server, "the answer is not JSON"),
        kube::Error::Auth(cause) => unusable_credentials(server, cause),
        kube::Error::RustlsTls(cause) => Fault::new(
            FaultKind::Usage,
            shown!("kubernetes {}: {}", server, Raw::new(brief(&cause.to_string()))),
            fixed("check the certificates in the kubeconfig"),
        ),
        kube::Error::ProxyProtocolUnsupported { .. } | kube::Error::ProxyProtocolDisabled { .. } => Fault::new(
            FaultKind::Usage,
            shown!("kubernetes {}: its proxy-url is not supported", server),
            fixed("remove proxy-url and use a tunnel or VPN"),
        ),
        other => transport(server, other),
    }
}

/// Credentials that could not be had. The libraries' own words quote what they were made from, which may be secret.
fn unusable_credentials(server: &Raw, error: &AuthError) -> Fault {
    let why = match error {
        AuthError::ReadTokenFile(_, path) => {
            shown!("{} cannot be read", Raw::from(path.display().to_string()))
        }
        AuthError::InvalidBasicAuth(_) | AuthError::InvalidBearerToken(_) => fixed("they cannot be sent in a header"),
        _ => fixed("they are not usable"),
    };
    no_credentials(server, &why)
}

pub fn no_credentials(server: &Raw, why: &Shown) -> Fault {
    Fault::new(
        FaultKind::Unauthenticated,
        shown!("kubernetes {}: no credentials: {}", server, why),
        fixed("run the login command of the kubeconfig"),
    )
}

/// From whatever broke below HTTP: the chain of causes is searched for one that says something.
pub fn transport(server: &Raw, error: &(dyn StdError + 'static)) -> Fault {
    if let Some(fault) = telling(server, error, DEPTH) {
        return fault;
    }
    let mut said = error.to_string();
    let mut cause = error.source();
    for _ in 0..DEPTH {
        let Some(current) = cause else { break };
        said = current.to_string();
        cause = current.source();
    }
    if said.contains("end of file") || said.contains("closed before message completed") || said.contains("body") {
        return malformed(server, "the answer was cut");
    }
    Fault::new(
        FaultKind::Malformed,
        shown!("kubernetes {}: {}", server, Raw::new(brief(&said))),
        fixed("check that this is a Kubernetes API"),
    )
}

/// The first cause that is known. An `io::Error` hides what it wraps from `source`, so that is looked at by itself.
fn telling(server: &Raw, error: &(dyn StdError + 'static), depth: usize) -> Option<Fault> {
    let depth = depth.checked_sub(1)?;
    if let Some(tls) = error.downcast_ref::<rustls::Error>() {
        return Some(from_tls(server, tls));
    }
    if let Some(auth) = error.downcast_ref::<AuthError>() {
        return Some(unusable_credentials(server, auth));
    }
    if let Some(fault) = error.downcast_ref::<Fault>() {
        return Some(fault.clone());
    }
    if let Some(io) = error.downcast_ref::<io::Error>() {
        let inner = io.get_ref().and_then(|inner| telling(server, inner, depth));
        return inner.or_else(|| from_io(server, io)).or_else(|| telling(server, io.source()?, depth));
    }
    let words = error.to_string();
    if words.contains("failed to lookup address") || words.starts_with("dns error") {
        return Some(Fault::new(
            FaultKind::Dns,
            shown!("kubernetes {}: name not found", server),
            fixed("check the name server and VPN"),
        ));
    }
    telling(server, error.source()?, depth)
}

fn from_io(server: &Raw, error: &io::Error) -> Option<Fault> {
    let refused = |words: &'static str| {
        Fault::new(
            FaultKind::Refused,
            shown!("kubernetes {} {}", server, words),
            fixed("check that the API server runs there"),
        )
    };
    match error.kind() {
        io::ErrorKind::ConnectionRefused => Some(refused("refused the connection")),
        io::ErrorKind::ConnectionReset | io::ErrorKind::ConnectionAborted | io::ErrorKind::BrokenPipe => {
            Some(refused("closed the connection"))
        }
        io::ErrorKind::TimedOut => Some(silent(server, None, super::connect::CONNECT)),
        io::ErrorKind::FileTooLarge => Some(too_large(server, super::follow::LONGEST)),
        io::ErrorKind::HostUnreachable | io::ErrorKind::NetworkUnreachable => Some(Fault::new(
            FaultKind::Timeout,
            shown!("kubernetes {}: no route to it", server),
            fixed("check network and VPN"),
        )),
        io::ErrorKind::UnexpectedEof => Some(malformed(server, "the answer was cut")),
        _ => None,
    }
}

fn from_tls(server: &Raw, error: &rustls::Error) -> Fault {
    use rustls::CertificateError as Certificate;
    let (what, hint) = match error {
        rustls::Error::InvalidCertificate(Certificate::UnknownIssuer) => {
            ("its certificate is not trusted", "check certificate-authority in the kubeconfig")
        }
        rustls::Error::InvalidCertificate(Certificate::Expired | Certificate::ExpiredContext { .. }) => {
            ("its certificate has expired", "renew it, or check this host's clock")
        }
        rustls::Error::InvalidCertificate(
            Certificate::NotValidForName | Certificate::NotValidForNameContext { .. },
        ) => ("its certificate is for another name", "check server and tls-server-name in the kubeconfig"),
        rustls::Error::InvalidCertificate(_) => ("its certificate is not valid", "check the server's certificate"),
        rustls::Error::InvalidMessage(_) => ("it does not speak TLS", "check http or https in the kubeconfig"),
        rustls::Error::AlertReceived(_) => ("it refused our TLS", "check the client certificate in the kubeconfig"),
        _ => ("TLS could not be agreed", "check server and certificates"),
    };
    Fault::new(FaultKind::Tls, shown!("kubernetes {}: {}", server, what), fixed(hint))
}

/// A kubeconfig that cannot be used, with its file.
pub fn kubeconfig(file: &Path, error: &KubeconfigError, contexts: &[String]) -> Fault {
    let file = Raw::from(file.display().to_string());
    let (what, hint) = match error {
        KubeconfigError::ReadConfig(cause, path) => {
            let why = if cause.kind() == io::ErrorKind::NotFound { "does not exist" } else { "cannot be read" };
            let path = Raw::from(path.display().to_string());
            (shown!("kubeconfig {} {}", path, why), fixed("set kubeconfig, or KUBECONFIG, to the right file"))
        }
        KubeconfigError::FindPath => {
            (fixed("no kubeconfig was found"), fixed("set kubeconfig in [[kubernetes]], or KUBECONFIG"))
        }
        KubeconfigError::CurrentContextNotSet => {
            (shown!("kubeconfig {} has no current-context", file), fixed("set context in [[kubernetes]]"))
        }
        KubeconfigError::LoadContext(name) => (
            shown!("kubeconfig {} has no context {}", file, Raw::new(name)),
            shown!("it has: {}", Raw::from(contexts.join(", "))),
        ),
        // The parser quotes the lines around the mistake, and a token may stand there.
        KubeconfigError::Parse(cause) => {
            let what = match cause.location() {
                Some(at) => shown!("kubeconfig {}: line {} column {} is wrong", file, at.line(), at.column()),
                None => shown!("kubeconfig {}: its YAML is wrong", file),
            };
            (what, fixed("mend the YAML"))
        }
        other => (
            shown!("kubeconfig {}: {}", file, Raw::new(brief(&other.to_string()))),
            fixed("mend the entry of this context"),
        ),
    };
    Fault::new(FaultKind::Usage, what, hint)
}
