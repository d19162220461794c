//! The HTTPS sites of the world, one listener for all of them, told apart by the name in the handshake (SNI).
//!
//! Their certificates are signed by an authority made for this run, and end when the world says.

use std::collections::BTreeMap;
use std::fmt;
use std::io;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use axum::Router;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, DnType, IsCa, KeyPair, KeyUsagePurpose};
use rustls::ServerConfig;
use rustls::crypto::aws_lc_rs;
use rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};
use rustls::server::{ClientHello, ResolvesServerCert};
use rustls::sign::CertifiedKey;
use tokio::sync::mpsc;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;

use crate::demo::production::Production;
use crate::demo::store::network::TlsSite;

use super::fault::{Gate, Gated, Switch};
use super::{Probe, http};

const DAY: i64 = 86_400_000;
const HANDSHAKE: Duration = Duration::from_secs(10);

/// Starts the listener; returns a probe for each site and the authority's certificate in PEM.
///
/// # Errors
/// When the operating system gives no port, or no key or certificate can be made.
pub fn start(production: &Arc<Production>, switch: &Switch) -> io::Result<(Vec<Probe>, String)> {
    let authority = authority().map_err(io::Error::other)?;
    let pem = authority.pem();
    let certificates = Certificates { production: production.clone(), authority, made: Mutex::default() };
    let mut config = ServerConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
        .with_safe_default_protocol_versions()
        .map_err(io::Error::other)?
        .with_no_client_auth()
        .with_cert_resolver(Arc::new(certificates));
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    let gate = Gate::open(switch)?;
    let address = gate.address();
    let listener = TlsListener { address, ready: handshakes(gate, TlsAcceptor::from(Arc::new(config))) };
    let router = Router::new().fallback(page).with_state(production.clone());
    let router = http::faulty(router, switch.subscribe(), http::plain_refusal);
    tokio::spawn(async move { axum::serve(listener, router).await });
    let names = production.read(|world| world.stores.network.tls.iter().map(|site| site.name.clone()).collect());
    let names: Vec<String> = names;
    let probe = |name: String| Probe { subject: Some(name.clone()), name, kind: "https", address, tier: "edge" };
    Ok((names.into_iter().map(probe).collect(), pem))
}

async fn page(State(production): State<Arc<Production>>, headers: HeaderMap) -> Response {
    let host = headers.get(header::HOST).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let name = host.split_once(':').map_or(host, |(name, _)| name);
    let Some(site) = site(&production, Some(name)) else {
        return StatusCode::MISDIRECTED_REQUEST.into_response();
    };
    tokio::time::sleep(Duration::from_secs_f64((site.delay / 1000.0).clamp(0.0, 60.0))).await;
    let status = StatusCode::from_u16(site.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    (status, format!("{} {status}\n", site.name)).into_response()
}

/// The site of that name; the first one for a client that names none.
fn site(production: &Production, name: Option<&str>) -> Option<TlsSite> {
    production.read(|world| {
        let mut sites = world.stores.network.tls.iter();
        sites.find(|site| name.is_none_or(|name| site.name.eq_ignore_ascii_case(name))).cloned()
    })
}

/// Accepts and shakes hands, each connection by itself, so that a silent client holds nobody up.
fn handshakes(mut gate: Gate, acceptor: TlsAcceptor) -> mpsc::Receiver<TlsStream<Gated>> {
    let (sender, receiver) = mpsc::channel(64);
    tokio::spawn(async move {
        loop {
            let stream = gate.accept().await;
            let (acceptor, sender) = (acceptor.clone(), sender.clone());
            tokio::spawn(async move {
                if let Ok(Ok(stream)) = tokio::time::timeout(HANDSHAKE, acceptor.accept(stream)).await {
                    sender.send(stream).await.ok();
                }
            });
        }
    });
    receiver
}

struct TlsListener {
    address: SocketAddr,
    ready: mpsc::Receiver<TlsStream<Gated>>,
}

impl axum::serve::Listener for TlsListener {
    type Io = TlsStream<Gated>;
    type Addr = SocketAddr;

    async fn accept(&mut self) -> (Self::Io, SocketAddr) {
        match self.ready.recv().await {
            Some(stream) => (stream, self.address),
            None => std::future::pending().await,
        }
    }

    fn local_addr(&self) -> io::Result<SocketAddr> {
        Ok(self.address)
    }
}

type Authority = CertifiedIssuer<'static, KeyPair>;

fn authority() -> Result<Authority, rcgen::Error> {
    let mut params = CertificateParams::new(Vec::new())?;
    params.distinguished_name.push(DnType::CommonName, "tierdeck demo authority");
    params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    CertifiedIssuer::self_signed(params, KeyPair::generate()?)
}

/// Makes the certificate of a site when it is first asked for, and again when the world gives it another end.
struct Certificates {
    production: Arc<Production>,
    authority: Authority,
    made: Mutex<BTreeMap<String, (i64, Arc<CertifiedKey>)>>,
}

impl fmt::Debug for Certificates {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Certificates")
    }
}

impl ResolvesServerCert for Certificates {
    fn resolve(&self, hello: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        let site = site(&self.production, hello.server_name())?;
        let mut made = self.made.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((_, key)) = made.get(&site.name).filter(|(end, _)| *end == site.not_after) {
            return Some(key.clone());
        }
        let key = Arc::new(self.issue(&site).ok()?);
        made.insert(site.name, (site.not_after, key.clone()));
        Some(key)
    }
}

impl Certificates {
    fn issue(&self, site: &TlsSite) -> Result<CertifiedKey, Box<dyn std::error::Error>> {
        let epoch = rcgen::date_time_ymd(1970, 1, 1);
        let after = |ms: i64| epoch + Duration::from_millis(u64::try_from(ms).unwrap_or_default());
        let mut params = CertificateParams::new(vec![site.name.clone()])?;
        params.distinguished_name.push(DnType::CommonName, site.name.as_str());
        params.not_after = after(site.not_after);
        params.not_before = after(site.not_after - 90 * DAY);
        let key = KeyPair::generate()?;
        let certificate = params.signed_by(&key, &self.authority)?;
        let private = PrivateKeyDer::from(PrivatePkcs8KeyDer::from(key.serialize_der()));
        let signing = aws_lc_rs::sign::any_supported_type(&private)?;
        Ok(CertifiedKey::new(vec![certificate.der().clone()], signing))
    }
}
