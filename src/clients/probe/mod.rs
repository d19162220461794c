//! Probes from this host: real handshakes of the protocols that production speaks.

mod dns;
mod greeting;
mod http;
pub mod read;
mod tls;

#[cfg(test)]
mod tests;
