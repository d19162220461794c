//! The TLS handshake. It always completes if it can; whether the certificate is trusted is judged afterwards, so that its
//! days are known in any case.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::client::{WebPkiServerVerifier, verify_server_name};
use rustls::crypto::{CryptoProvider, aws_lc_rs, verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::server::ParsedCertificate;
use rustls::{CertificateError, ClientConfig, DigitallySignedStruct, RootCertStore, SignatureScheme};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

use super::read::{Stop, Verdict, Walk, failed};
use crate::domain::error::{Fault, FaultKind};
use crate::domain::text::{Raw, Shown};
use crate::shown;

/// Whom a probe trusts.
#[derive(Clone)]
pub struct Trust {
    config: Arc<ClientConfig>,
    verifier: Option<Arc<WebPkiServerVerifier>>,
    /// The certificates of the CA file.
    given: Vec<CertificateDer<'static>>,
}

impl std::fmt::Debug for Trust {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Trust")
    }
}

impl Trust {
    /// The roots of a PEM file, or this system's.
    ///
    /// # Errors
    /// [`FaultKind::Usage`] when the file cannot be read or holds no certificate.
    pub fn load(file: Option<&Path>) -> Result<Self, Fault> {
        let provider = Arc::new(aws_lc_rs::default_provider());
        let mut roots = RootCertStore::empty();
        let mut given = Vec::new();
        let unusable = |path: &Path, why: &'static str| {
            Fault::new(
                FaultKind::Usage,
                shown!("ca_file {} {}", Raw::from(path.display().to_string()), why),
                Shown::fixed("give a PEM file of certificates"),
            )
        };
        if let Some(path) = file {
            let found = CertificateDer::pem_file_iter(path).map_err(|_| unusable(path, "cannot be read"))?;
            for certificate in found {
                let certificate = certificate.map_err(|_| unusable(path, "is not PEM"))?;
                given.push(certificate.clone());
                roots.add(certificate).map_err(|_| unusable(path, "holds a broken certificate"))?;
            }
            if roots.is_empty() {
                return Err(unusable(path, "holds no certificate"));
            }
        } else {
            roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
        }
        let broken = |_| Fault::new(FaultKind::Usage, Shown::fixed("TLS cannot be set up"), Shown::fixed("reinstall"));
        let config = ClientConfig::builder_with_provider(provider.clone())
            .with_safe_default_protocol_versions()
            .map_err(broken)?
            .dangerous()
            .with_custom_certificate_verifier(Arc::new(LookFirst(provider.clone())))
            .with_no_client_auth();
        // A system without roots trusts nobody; the days of certificates are still told.
        let verifier = WebPkiServerVerifier::builder_with_provider(Arc::new(roots), provider).build().ok();
        Ok(Self { config: Arc::new(config), verifier, given })
    }

    /// Shakes hands, notes when the certificate ends, then judges it.
    pub(super) async fn shake(
        &self,
        stream: TcpStream,
        name: &str,
        unix_now: u64,
        walk: &mut Walk,
    ) -> Result<(TlsStream<TcpStream>, Raw), Stop> {
        let name = ServerName::try_from(name.to_owned())
            .map_err(|_| Verdict::Unclear(Shown::fixed("server_name is not a name")))?;
        let connector = TlsConnector::from(self.config.clone());
        let tls = connector.connect(name.clone(), stream).await.map_err(|error| {
            match error.get_ref().and_then(|inner| inner.downcast_ref::<rustls::Error>()) {
                Some(tls) => Verdict::Down(shown!("TLS failed: {}", Raw::from(tls.to_string()))),
                None => failed(&error),
            }
        })?;
        let connection = tls.get_ref().1;
        let chain = connection.peer_certificates().unwrap_or_default();
        let Some((leaf, between)) = chain.split_first() else {
            return Err(Verdict::Down(Shown::fixed("TLS without a certificate")));
        };
        walk.certificate_ends =
            x509_parser::parse_x509_certificate(leaf).ok().map(|(_, leaf)| leaf.validity().not_after.timestamp());
        self.judge(leaf, between, &name, unix_now)?;
        let said = connection.protocol_version().and_then(|version| version.as_str()).unwrap_or("TLS");
        let said = Raw::new(said);
        Ok((tls, said))
    }

    /// Who stands in the CA file itself needs no issuer: a self-signed certificate is often made as an authority, and
    /// none of these may be a server's by the rules of chains.
    fn judge(
        &self,
        leaf: &CertificateDer<'_>,
        between: &[CertificateDer<'_>],
        name: &ServerName<'_>,
        unix_now: u64,
    ) -> Result<(), Stop> {
        if self.given.contains(leaf) {
            return in_person(leaf, name, unix_now);
        }
        let Some(verifier) = &self.verifier else {
            return Err(Verdict::Unclear(Shown::fixed("this system has no trusted roots; set ca_file")));
        };
        let now = UnixTime::since_unix_epoch(Duration::from_secs(unix_now));
        verifier.verify_server_cert(leaf, between, name, &[], now).map(drop).map_err(|error| distrusted(&error))
    }
}

/// Judges a certificate that is trusted itself: its time and its name.
fn in_person(leaf: &CertificateDer<'_>, name: &ServerName<'_>, unix_now: u64) -> Result<(), Stop> {
    let bad = |why: CertificateError| distrusted(&rustls::Error::InvalidCertificate(why));
    let (_, parsed) = x509_parser::parse_x509_certificate(leaf).map_err(|_| bad(CertificateError::BadEncoding))?;
    let now = i64::try_from(unix_now).unwrap_or(i64::MAX);
    if now < parsed.validity().not_before.timestamp() {
        return Err(bad(CertificateError::NotValidYet));
    }
    if now > parsed.validity().not_after.timestamp() {
        return Err(bad(CertificateError::Expired));
    }
    let certificate = ParsedCertificate::try_from(leaf).map_err(|error| distrusted(&error))?;
    verify_server_name(&certificate, name).map_err(|error| distrusted(&error))
}

fn distrusted(error: &rustls::Error) -> Verdict {
    let rustls::Error::InvalidCertificate(why) = error else {
        return Verdict::Down(shown!("certificate: {}", Raw::from(error.to_string())));
    };
    Verdict::Down(match why {
        CertificateError::Expired | CertificateError::ExpiredContext { .. } => Shown::fixed("certificate has expired"),
        CertificateError::NotValidYet | CertificateError::NotValidYetContext { .. } => {
            Shown::fixed("certificate is not valid yet")
        }
        // A root of that name, but of another key, is no root of this certificate. `Other` is what else webpki finds wrong
        // with a chain, in words of its code.
        CertificateError::UnknownIssuer | CertificateError::BadSignature | CertificateError::Other(_) => {
            Shown::fixed("certificate is not trusted")
        }
        CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. } => {
            Shown::fixed("certificate is for another name")
        }
        other => shown!("certificate: {}", Raw::from(other.to_string())),
    })
}

/// Lets every certificate through the handshake; signatures are checked all the same. Nothing secret is ever sent over
/// such a connection: a probe only looks.
#[derive(Debug)]
struct LookFirst(Arc<CryptoProvider>);

impl ServerCertVerifier for LookFirst {
    fn verify_server_cert(
        &self,
        _leaf: &CertificateDer<'_>,
        _between: &[CertificateDer<'_>],
        _name: &ServerName<'_>,
        _ocsp: &[u8],
        _now: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls12_signature(message, certificate, signature, &self.0.signature_verification_algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls13_signature(message, certificate, signature, &self.0.signature_verification_algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.signature_verification_algorithms.supported_schemes()
    }
}
