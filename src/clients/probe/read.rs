//! One probe: name, connection, handshake, answer; each part timed, the whole under one deadline.

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use tokio::net::{TcpStream, lookup_host};
use tokio::time::Instant;

pub use super::tls::Trust;
use super::{dns, greeting, http};
use crate::domain::settings::ProbeKind;
use crate::domain::text::{Raw, Shown};
use crate::shown;

/// Deadline of a whole probe.
pub const DEADLINE: Duration = Duration::from_secs(2);

/// What to probe.
#[derive(Clone, Debug)]
pub struct Target {
    pub kind: ProbeKind,
    /// A name or an address.
    pub host: String,
    pub port: u16,
    /// The name to ask for, with [`ProbeKind::Dns`].
    pub query: String,
    /// Name in certificate and Host header.
    pub server_name: String,
    pub path: String,
    /// Whom to trust, with [`ProbeKind::Tls`] and [`ProbeKind::Https`].
    pub trust: Option<Trust>,
}

/// How a probe ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// What it said (`HTTP 200`, `SSH-2.0-OpenSSH_9.6`).
    Up(Raw),
    /// It is there and is wrong, or it is not there.
    Down(Shown),
    /// Our own side failed: nothing is said about the target.
    Unclear(Shown),
}

/// What one probe found.
#[derive(Clone, Debug)]
pub struct Report {
    pub verdict: Verdict,
    pub took: Duration,
    /// `dns`, `connect`, `tls`, `http` and so on, as far as it came.
    pub phases: Vec<(&'static str, Duration)>,
    /// When the leaf certificate ends, seconds since the Unix epoch; told even if it is not trusted.
    pub certificate_ends: Option<i64>,
}

/// Why a probe stopped early.
pub(super) type Stop = Verdict;

/// The way so far: finished phases and what is going on.
pub(super) struct Walk {
    lap: Instant,
    phases: Vec<(&'static str, Duration)>,
    now: &'static str,
    pub certificate_ends: Option<i64>,
}

impl Walk {
    /// Ends the phase under way and begins another.
    pub fn enter(&mut self, phase: &'static str) {
        self.leave();
        self.now = phase;
    }

    fn leave(&mut self) {
        if !self.now.is_empty() {
            self.phases.push((self.now, self.lap.elapsed()));
        }
        self.now = "";
        self.lap = Instant::now();
    }
}

/// Probes once; `unix_now` (seconds) is when certificates are judged.
pub async fn probe(target: &Target, unix_now: u64) -> Report {
    let started = Instant::now();
    let mut walk = Walk { lap: started, phases: Vec::new(), now: "", certificate_ends: None };
    let ended = tokio::time::timeout(DEADLINE, run(target, unix_now, &mut walk)).await;
    let verdict = match ended {
        Ok(Ok(verdict) | Err(verdict)) => verdict,
        Err(_) if walk.now == "dns" => Verdict::Unclear(shown!("{} was not resolved in {} s", name(target), 2_u8)),
        Err(_) => Verdict::Down(shown!("no answer in {} s ({})", DEADLINE.as_secs(), walk.now)),
    };
    if matches!(verdict, Verdict::Up(_)) {
        walk.leave();
    }
    Report { verdict, took: started.elapsed(), phases: walk.phases, certificate_ends: walk.certificate_ends }
}

fn name(target: &Target) -> Raw {
    Raw::new(&target.host)
}

async fn run(target: &Target, unix_now: u64, walk: &mut Walk) -> Result<Verdict, Stop> {
    let address = resolve(target, walk).await?;
    if target.kind == ProbeKind::Dns {
        walk.enter("answer");
        return dns::ask(address, &target.query).await;
    }
    walk.enter("connect");
    let mut stream = TcpStream::connect(address).await.map_err(|error| failed(&error))?;
    match target.kind {
        ProbeKind::Tcp | ProbeKind::Dns => Ok(Verdict::Up(Raw::new("connected"))),
        ProbeKind::Ssh => greeting::ssh(&mut stream, walk).await,
        ProbeKind::Mysql => greeting::mysql(&mut stream, walk).await,
        ProbeKind::Postgres => greeting::postgres(&mut stream, walk).await,
        ProbeKind::Redis => greeting::redis(&mut stream, walk).await,
        ProbeKind::Http => http::get(&mut stream, target, walk).await,
        ProbeKind::Tls | ProbeKind::Https => {
            let Some(trust) = &target.trust else {
                return Err(Verdict::Unclear(Shown::fixed("no trusted roots were loaded")));
            };
            walk.enter("tls");
            let (mut tls, said) = trust.shake(stream, &target.server_name, unix_now, walk).await?;
            if target.kind == ProbeKind::Tls { Ok(Verdict::Up(said)) } else { http::get(&mut tls, target, walk).await }
        }
    }
}

/// The address of the target; names are resolved by this host's own resolver.
async fn resolve(target: &Target, walk: &mut Walk) -> Result<SocketAddr, Stop> {
    if let Ok(ip) = target.host.parse::<IpAddr>() {
        return Ok(SocketAddr::new(ip, target.port));
    }
    walk.enter("dns");
    let unresolved = || Verdict::Unclear(shown!("{} cannot be resolved here", name(target)));
    let mut found = lookup_host((target.host.as_str(), target.port)).await.map_err(|_| unresolved())?;
    found.next().ok_or_else(unresolved)
}

/// What a failed connection says.
pub(super) fn failed(error: &io::Error) -> Stop {
    match error.kind() {
        io::ErrorKind::ConnectionRefused => Verdict::Down(Shown::fixed("refused")),
        io::ErrorKind::ConnectionReset | io::ErrorKind::ConnectionAborted | io::ErrorKind::BrokenPipe => {
            Verdict::Down(Shown::fixed("closed the connection"))
        }
        io::ErrorKind::UnexpectedEof => Verdict::Down(Shown::fixed("the answer was cut")),
        io::ErrorKind::TimedOut => Verdict::Down(Shown::fixed("no answer")),
        io::ErrorKind::HostUnreachable | io::ErrorKind::NetworkUnreachable => {
            Verdict::Unclear(Shown::fixed("no route from this host"))
        }
        _ => Verdict::Unclear(Raw::from(error.to_string()).shown()),
    }
}
