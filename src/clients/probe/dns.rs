//! One question to one name server.

use std::net::SocketAddr;
use std::time::Duration;

use hickory_resolver::Resolver;
use hickory_resolver::config::{
    ConnectionConfig, LookupIpStrategy, NameServerConfig, ResolveHosts, ResolverConfig, ResolverOpts,
};
use hickory_resolver::net::runtime::TokioRuntimeProvider;
use hickory_resolver::net::{DnsError, NetError};

use super::read::{Stop, Verdict, failed};
use crate::domain::text::{Raw, Shown};
use crate::shown;

/// One attempt; the second may still end within the probe's deadline.
const ATTEMPT: Duration = Duration::from_millis(900);

/// Asks `server` for the addresses of `name`, past every cache and hosts file.
pub async fn ask(server: SocketAddr, name: &str) -> Result<Verdict, Stop> {
    let [mut udp, mut tcp] = [ConnectionConfig::udp(), ConnectionConfig::tcp()];
    udp.port = server.port();
    tcp.port = server.port();
    let servers = vec![NameServerConfig::new(server.ip(), true, vec![udp, tcp])];
    let mut options = ResolverOpts::default();
    options.cache_size = 0;
    options.attempts = 2;
    options.timeout = ATTEMPT;
    options.use_hosts_file = ResolveHosts::Never;
    options.ip_strategy = LookupIpStrategy::Ipv4thenIpv6;
    let unusable = |error: NetError| Verdict::Unclear(Raw::from(error.to_string()).shown());
    let resolver = Resolver::builder_with_config(
        ResolverConfig::from_parts(None, Vec::new(), servers),
        TokioRuntimeProvider::default(),
    )
    .with_options(options)
    .build()
    .map_err(unusable)?;
    // The final dot keeps search domains out.
    let name = if name.ends_with('.') { name.to_owned() } else { format!("{name}.") };
    match resolver.lookup_ip(name.as_str()).await {
        Ok(found) => {
            let addresses: Vec<String> = found.iter().take(4).map(|ip| ip.to_string()).collect();
            if addresses.is_empty() {
                return Ok(Verdict::Down(Shown::fixed("no address")));
            }
            Ok(Verdict::Up(Raw::from(addresses.join(" "))))
        }
        Err(error) => Ok(wrong(&error)),
    }
}

fn wrong(error: &NetError) -> Verdict {
    match error {
        NetError::Dns(DnsError::NoRecordsFound(none)) if none.response_code.to_str() == "No Error" => {
            Verdict::Down(Shown::fixed("no address"))
        }
        NetError::Dns(DnsError::NoRecordsFound(none)) => {
            Verdict::Down(shown!("answers {}", Raw::new(none.response_code.to_str())))
        }
        NetError::Dns(DnsError::ResponseCode(code)) => Verdict::Down(shown!("answers {}", Raw::new(code.to_str()))),
        NetError::Timeout | NetError::NoConnections => Verdict::Down(Shown::fixed("no answer")),
        NetError::Io(io) => failed(io),
        other => Verdict::Down(Raw::from(other.to_string()).shown()),
    }
}
