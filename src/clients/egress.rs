//! Where clients may go. In the embedded world only loopback, so that a demo cannot reach a real environment.

use std::net::IpAddr;

use crate::domain::error::{Fault, FaultKind};
use crate::domain::text::{Raw, Shown};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Egress {
    Open,
    /// Addresses in 127.0.0.0/8 and ::1, given as numbers or as `localhost`; nothing that needs a name server.
    LoopbackOnly,
}

impl Egress {
    /// Allows or refuses a host (a name, an address, an address in brackets).
    ///
    /// # Errors
    /// [`FaultKind::Usage`] when the host is outside what is allowed.
    pub fn check(self, host: &str) -> Result<(), Fault> {
        let bare = host.trim_start_matches('[').trim_end_matches(']');
        let loopback = bare == "localhost" || bare.parse::<IpAddr>().is_ok_and(|ip| ip.is_loopback());
        if self == Self::Open || loopback {
            return Ok(());
        }
        Err(Fault::new(
            FaultKind::Usage,
            crate::shown!("{} is outside loopback, and this run is held to it", Raw::new(host)),
            Shown::fixed("remove egress.loopback_only, or point the source at a loopback address"),
        ))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn loopback_only_means_loopback_only() {
        for host in ["127.0.0.1", "127.9.9.9", "::1", "[::1]", "localhost"] {
            assert_eq!(Egress::LoopbackOnly.check(host), Ok(()), "{host}");
        }
        for host in ["10.0.0.1", "monitoring.eu-west-1.amazonaws.com", "localhost.example", "0.0.0.0", ""] {
            assert_eq!(Egress::LoopbackOnly.check(host).unwrap_err().kind, FaultKind::Usage, "{host}");
            assert_eq!(Egress::Open.check(host), Ok(()), "{host}");
        }
    }
}
