//! syslog, RFC 5424, one datagram a record, to a local socket or over UDP (RFC 5426). A syslog message should stay under
//! 2 KiB (RFC 5424 6.1), so it carries the place, the hash and the headline of a record, not all of it: enough to prove what
//! the file must hold.

use std::net::UdpSocket;
use std::os::unix::net::UnixDatagram;
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::{Sink, Untaken, headline, one_by_one, parsed, socket_fault};
use crate::audit::journal::Receipt;
use crate::audit::record::Line;
use crate::domain::error::Fault;
use crate::domain::text::{Raw, Shown};

/// The usual socket.
pub const SOCKET: &str = "/dev/log";
/// Facility authpriv (10), severity notice (5).
const PRIORITY: u8 = 10 * 8 + 5;
/// A daemon that does not read is given up on.
pub(super) const PATIENCE: Duration = Duration::from_secs(1);

/// Where it goes. A restart of a local daemon makes a new socket, so every message is addressed anew.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Address {
    Socket(PathBuf),
    /// `host:port`.
    Udp(String),
}

#[derive(Debug)]
pub struct Syslog {
    address: Address,
}

impl Syslog {
    #[must_use]
    pub const fn new(address: Address) -> Self {
        Self { address }
    }

    fn send(&self, receipt: &Receipt) -> Result<(), Fault> {
        let message = message(&parsed(receipt)?, receipt);
        let sent = match &self.address {
            Address::Socket(path) => local(path).and_then(|socket| socket.send(message.as_bytes())),
            Address::Udp(address) => {
                // `[::]` takes both families unless the host has no IPv6.
                let socket = UdpSocket::bind("[::]:0").or_else(|_| UdpSocket::bind("0.0.0.0:0"));
                socket.and_then(|socket| {
                    socket.set_write_timeout(Some(PATIENCE))?;
                    send_to(&socket, message.as_bytes(), address)
                })
            }
        };
        sent.map(drop).map_err(|error| socket_fault(&self.at(), &error))
    }

    fn at(&self) -> String {
        match &self.address {
            Address::Socket(path) => path.display().to_string(),
            Address::Udp(address) => format!("udp {address}"),
        }
    }
}

/// The first address of the name that a message can be handed to.
fn send_to(socket: &UdpSocket, message: &[u8], address: &str) -> std::io::Result<usize> {
    let mut last = std::io::Error::from(std::io::ErrorKind::NotFound);
    for place in std::net::ToSocketAddrs::to_socket_addrs(address)? {
        // An IPv6 socket reaches an IPv4 address by its mapped form.
        let place = match (place, socket.local_addr()?) {
            (std::net::SocketAddr::V4(v4), std::net::SocketAddr::V6(_)) => (v4.ip().to_ipv6_mapped(), v4.port()).into(),
            (place, _) => place,
        };
        match socket.send_to(message, place) {
            Ok(sent) => return Ok(sent),
            Err(error) => last = error,
        }
    }
    Err(last)
}

/// A socket that is connected to a local daemon.
pub(super) fn local(path: &Path) -> std::io::Result<UnixDatagram> {
    let socket = UnixDatagram::unbound()?;
    socket.set_write_timeout(Some(PATIENCE))?;
    socket.connect(path)?;
    Ok(socket)
}

fn message(line: &Line, receipt: &Receipt) -> String {
    // RFC 5424 takes 6 digits of a second.
    let time = line.ts.get(..26).unwrap_or("-");
    let host = line.who.as_str().rsplit('@').next().unwrap_or_default();
    let host =
        if !host.is_empty() && host.bytes().all(|b| b.is_ascii_graphic()) && host.len() < 256 { host } else { "-" };
    let (head, kind) = (&receipt.head, line.record.event.kind());
    // 32473 is the enterprise number for examples (RFC 5612).
    let data = format!("[audit@32473 stream=\"{}\" seq=\"{}\" hash=\"{}\"]", head.stream, head.seq, head.hash);
    format!("<{PRIORITY}>1 {time}Z {host} tierdeck {} {kind} {data} {}", std::process::id(), headline(line))
}

impl Sink for Syslog {
    fn endpoint(&self) -> Raw {
        Raw::from(self.at())
    }

    fn take(&mut self, lines: &[Receipt]) -> Result<(), Untaken> {
        one_by_one(lines, |line| self.send(line))
    }

    fn check(&mut self) -> Result<Option<Shown>, Fault> {
        match &self.address {
            Address::Socket(path) => local(path).map(|_| None).map_err(|error| socket_fault(&self.at(), &error)),
            Address::Udp(address) => match std::net::ToSocketAddrs::to_socket_addrs(address) {
                Ok(_) => Ok(Some(Shown::fixed("UDP tells nobody whether a record arrived"))),
                Err(error) => Err(socket_fault(&self.at(), &error)),
            },
        }
    }
}
