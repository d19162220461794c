//! Probes against listeners that answer well, badly, or not at all.

use std::time::Duration;

use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, UdpSocket};
use tokio::task::JoinHandle;

use super::read::{DEADLINE, Report, Target, Trust, Verdict, probe};
use crate::domain::settings::ProbeKind;

/// 2026-11-21T00:00:00Z.
const TODAY: u64 = 1_795_219_200;
const DAY: i64 = 86_400;

fn target(kind: ProbeKind, port: u16) -> Target {
    Target {
        kind,
        host: "127.0.0.1".to_owned(),
        port,
        query: String::new(),
        server_name: "shop.example".to_owned(),
        path: "/healthz".to_owned(),
        trust: None,
    }
}

struct Listener {
    port: u16,
    task: JoinHandle<()>,
}

impl Drop for Listener {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// Answers each connection with `answer`, at once or after the first bytes came.
async fn listen(answer: &'static [u8], at_once: bool) -> Listener {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    #[allow(clippy::disallowed_methods)]
    let task = tokio::spawn(async move {
        let mut open = Vec::new();
        while let Ok((mut stream, _)) = listener.accept().await {
            if !at_once {
                let _ = stream.read(&mut [0; 1024]).await;
            }
            let _ = stream.write_all(answer).await;
            if answer.is_empty() {
                open.push(stream);
            }
        }
    });
    Listener { port, task }
}

fn words(report: &Report) -> String {
    match &report.verdict {
        Verdict::Up(said) => format!("up: {}", said.shown()),
        Verdict::Down(why) => format!("down: {why}"),
        Verdict::Unclear(why) => format!("unclear: {why}"),
    }
}

#[tokio::test]
async fn greetings_are_understood() {
    use ProbeKind::{Http, Mysql, Postgres, Redis, Ssh, Tcp};
    let cases: [(ProbeKind, &[u8], &str); 17] = [
        (Tcp, b"x", "up: connected"),
        (Ssh, b"SSH-2.0-OpenSSH_9.6\r\n", "up: SSH-2.0-OpenSSH_9.6"),
        (Ssh, b"notice\r\nSSH-2.0-x\r\n", "up: SSH-2.0-x"),
        (Ssh, b"HTTP/1.1 400\r\n", "down: the answer was cut"),
        (Ssh, b"SSH-2.0-\x1b[2J\r\n", "up: SSH-2.0-\\x1b[2J"),
        (Mysql, b"\x0e\0\0\0\x0a8.4.3\0aaaaaaa", "up: MySQL 8.4.3"),
        (Mysql, b"\x0b\0\0\0\xff\x10\x04Too many", "down: MySQL error 1040: Too many"),
        (Mysql, b"\x03\0\0\0abc", "down: not MySQL"),
        (Postgres, b"S", "up: PostgreSQL with TLS"),
        (Postgres, b"N", "up: PostgreSQL without TLS"),
        (Postgres, b"H", "down: not PostgreSQL"),
        (Redis, b"+PONG\r\n", "up: PONG"),
        (Redis, b"-NOAUTH Authentication required.\r\n", "up: asks for a password"),
        (Redis, b"-LOADING Redis is loading\r\n", "down: Redis says -LOADING Redis is loading"),
        (Http, b"HTTP/1.1 302 Found\r\n\r\n", "up: HTTP 302"),
        (Http, b"HTTP/1.1 503 x\r\n\r\n", "down: HTTP 503"),
        (Http, b"hello\r\n", "down: not HTTP: hello"),
    ];
    for (kind, answer, expected) in cases {
        let listener = listen(answer, matches!(kind, Ssh | Mysql | Tcp)).await;
        let report = probe(&target(kind, listener.port), TODAY).await;
        assert_eq!(words(&report), expected, "{kind:?}");
    }
}

#[tokio::test]
async fn refused_is_down_and_silence_is_down_within_the_deadline() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    drop(listener);
    assert_eq!(words(&probe(&target(ProbeKind::Tcp, port), TODAY).await), "down: refused");

    let silent = listen(b"", true).await;
    let report = probe(&target(ProbeKind::Ssh, silent.port), TODAY).await;
    assert_eq!(words(&report), "down: no answer in 2 s (banner)");
    assert!(report.took < DEADLINE + Duration::from_millis(500));
    assert_eq!(report.phases.iter().map(|(name, _)| *name).collect::<Vec<_>>(), ["connect"]);
}

#[tokio::test]
async fn a_name_that_we_cannot_resolve_says_nothing_about_the_target() {
    let nowhere = Target { host: "no-such-name.invalid".to_owned(), ..target(ProbeKind::Tcp, 80) };
    let report = probe(&nowhere, TODAY).await;
    assert!(matches!(report.verdict, Verdict::Unclear(_)), "{report:?}");
}

struct Site {
    folder: tempfile::TempDir,
    listener: Listener,
}

/// Who signed a site's certificate. The site's `ca.pem` holds the signer's certificate.
#[derive(Clone, Copy, PartialEq)]
enum Signer {
    Authority,
    Itself,
    /// Itself, and the certificate says that it is an authority, as `openssl req -x509` makes them.
    ItselfAsAuthority,
}

/// A TLS server whose certificate for `shop.example` ends `days` after [`TODAY`].
async fn site(days: i64, signer: Signer) -> Site {
    use rustls::pki_types::PrivateKeyDer;
    let key = KeyPair::generate().unwrap();
    let authority = IsCa::Ca(BasicConstraints::Unconstrained);
    let mut params = CertificateParams::new(vec!["shop.example".to_owned()]).unwrap();
    let end = jiff::Timestamp::from_second(i64::try_from(TODAY).unwrap() + days * DAY).unwrap();
    let end = end.to_zoned(jiff::tz::TimeZone::UTC).date();
    params.not_before = rcgen::date_time_ymd(2020, 1, 1);
    params.not_after = rcgen::date_time_ymd(
        i32::from(end.year()),
        u8::try_from(end.month()).unwrap(),
        u8::try_from(end.day()).unwrap(),
    );
    let (certificate, root) = if signer == Signer::Authority {
        let mut root = CertificateParams::new(Vec::new()).unwrap();
        root.is_ca = authority;
        let root = CertifiedIssuer::self_signed(root, KeyPair::generate().unwrap()).unwrap();
        (params.signed_by(&key, &root).unwrap(), root.pem())
    } else {
        params.is_ca = if signer == Signer::Itself { IsCa::NoCa } else { authority };
        let certificate = params.self_signed(&key).unwrap();
        let pem = certificate.pem();
        (certificate, pem)
    };
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("ca.pem"), root).unwrap();
    let provider = std::sync::Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let config = rustls::ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![certificate.der().clone()], PrivateKeyDer::try_from(key.serialize_der()).unwrap())
        .unwrap();
    let acceptor = tokio_rustls::TlsAcceptor::from(std::sync::Arc::new(config));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    #[allow(clippy::disallowed_methods)]
    let task = tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let Ok(mut stream) = acceptor.accept(stream).await else { continue };
            let mut request = [0; 1024];
            let read = stream.read(&mut request).await.unwrap_or(0);
            let ours = String::from_utf8_lossy(&request[..read]).contains("Host: shop.example\r\n");
            let _ = stream.write_all(if ours { b"HTTP/1.1 204 x\r\n\r\n" } else { b"HTTP/1.1 400 x\r\n\r\n" }).await;
        }
    });
    Site { folder, listener: Listener { port, task } }
}

#[tokio::test]
async fn days_of_a_certificate_are_told_whatever_its_verdict() {
    let good = site(30, Signer::Authority).await;
    let expired = site(-2, Signer::Authority).await;
    let own = site(30, Signer::ItselfAsAuthority).await;
    let own_expired = site(-2, Signer::Itself).await;
    let trust = |site: &Site| Some(Trust::load(Some(&site.folder.path().join("ca.pem"))).unwrap());
    let cases = [
        (&good, trust(&good), "shop.example", 30, "up: TLSv1_3"),
        (&good, trust(&expired), "shop.example", 30, "down: certificate is not trusted"),
        (&good, trust(&good), "other.example", 30, "down: certificate is for another name"),
        (&expired, trust(&expired), "shop.example", -2, "down: certificate has expired"),
        (&own, trust(&own), "shop.example", 30, "up: TLSv1_3"),
        (&own, trust(&good), "shop.example", 30, "down: certificate is not trusted"),
        (&own, trust(&own), "other.example", 30, "down: certificate is for another name"),
        (&own_expired, trust(&own_expired), "shop.example", -2, "down: certificate has expired"),
    ];
    for (site, trust, name, days, expected) in cases {
        let target = Target { trust, server_name: name.to_owned(), ..target(ProbeKind::Tls, site.listener.port) };
        let report = probe(&target, TODAY).await;
        assert_eq!(words(&report), expected);
        let ends = report.certificate_ends.unwrap();
        assert_eq!((ends - i64::try_from(TODAY).unwrap()) / DAY, days, "{expected}");
    }
    let https = Target { trust: trust(&good), ..target(ProbeKind::Https, good.listener.port) };
    let report = probe(&https, TODAY).await;
    assert_eq!(words(&report), "up: HTTP 204");
    assert_eq!(report.phases.iter().map(|(name, _)| *name).collect::<Vec<_>>(), ["connect", "tls", "http"]);
}

#[tokio::test]
async fn plain_text_on_a_tls_port_is_down() {
    let listener = listen(b"HTTP/1.1 400 Bad Request\r\n\r\n", false).await;
    let trust = Some(Trust::load(None).unwrap());
    let report = probe(&Target { trust, ..target(ProbeKind::Tls, listener.port) }, TODAY).await;
    assert!(words(&report).starts_with("down: TLS failed"), "{report:?}");
}

/// A name server that answers every question with `flags` and, with none wrong, one address.
async fn name_server(code: u16) -> Listener {
    let socket = UdpSocket::bind("127.0.0.1:0").await.unwrap();
    let port = socket.local_addr().unwrap().port();
    #[allow(clippy::disallowed_methods)]
    let task = tokio::spawn(async move {
        let mut question = [0; 512];
        while let Ok((length, from)) = socket.recv_from(&mut question).await {
            let mut answer = question[..2].to_vec();
            let answers = u16::from(code == 0);
            for number in [0x8180 | code, 1, answers, 0, 0] {
                answer.extend(number.to_be_bytes());
            }
            let name_end = 12 + question[12..length].iter().position(|byte| *byte == 0).unwrap();
            answer.extend(&question[12..name_end + 5]);
            if code == 0 {
                answer.extend([0xc0, 12, 0, 1, 0, 1, 0, 0, 0, 60, 0, 4, 10, 1, 2, 3]);
            }
            let _ = socket.send_to(&answer, from).await;
        }
    });
    Listener { port, task }
}

#[tokio::test]
async fn a_name_server_is_asked_itself() {
    for (code, expected) in [(0, "up: 10.1.2.3"), (2, "down: "), (3, "down: ")] {
        let server = name_server(code).await;
        let target = Target { query: "shop.example".to_owned(), ..target(ProbeKind::Dns, server.port) };
        let report = probe(&target, TODAY).await;
        assert!(words(&report).starts_with(expected), "{code}: {report:?}");
        if code == 2 {
            assert!(words(&report).contains("Server Failure"), "{report:?}");
        }
    }
    let gone = UdpSocket::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap().port();
    let target = Target { query: "shop.example".to_owned(), ..target(ProbeKind::Dns, gone) };
    let report = probe(&target, TODAY).await;
    assert!(matches!(report.verdict, Verdict::Down(_)), "{report:?}");
}
