//! What the probes of a world meet: names, certificates, banners.

#[derive(Debug, Default)]
pub struct Network {
    pub dns: Dns,
    pub tls: Vec<TlsSite>,
    pub ssh: Vec<SshHost>,
    pub tcp: Vec<TcpService>,
}

#[derive(Clone, Debug, Default)]
pub struct Dns {
    /// Name (without the final dot) and its IPv4 addresses.
    pub records: Vec<(String, Vec<std::net::Ipv4Addr>)>,
    /// How long an answer takes, ms.
    pub delay: f64,
    /// `SERVFAIL` instead of an answer.
    pub failing: bool,
}

#[derive(Clone, Debug)]
pub struct TlsSite {
    pub name: String,
    /// End of the certificate's validity, world time in ms.
    pub not_after: i64,
    /// Answer of `GET /`: status and delay in ms.
    pub status: u16,
    pub delay: f64,
}

#[derive(Clone, Debug)]
pub struct SshHost {
    pub name: String,
    /// The address the host has in the world; it is served on a loopback port.
    pub address: String,
    pub up: bool,
}

/// A plain TCP service that greets as its protocol does.
#[derive(Clone, Debug)]
pub struct TcpService {
    pub name: String,
    /// `postgres`, `redis`.
    pub protocol: &'static str,
    pub up: bool,
    /// Its database is a replica: it takes no writes.
    pub read_only: bool,
    /// How long a statement takes, ms of world time.
    pub delay: f64,
}
