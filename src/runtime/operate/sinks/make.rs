//! A sink of the configuration. The environment is read here for what PostgreSQL's own tools read of it.

use std::path::{Path, PathBuf};

use crate::audit::sinks::Sink;
use crate::audit::sinks::journald::{self, Journald};
use crate::audit::sinks::postgres::Postgres;
use crate::audit::sinks::syslog::{self, Address, Syslog};
use crate::clients::egress::Egress;
use crate::clients::postgres::write::Writer;
use crate::clients::postgres::{Encryption, Options, Password, Place};
use crate::config::sink_place;
use crate::domain::error::Fault;
use crate::domain::settings::{SinkKind, SinkSettings};

/// The table of the README.
const TABLE: &str = "tierdeck_audit";

/// Nothing is connected yet.
///
/// # Errors
/// It is outside of what the run may reach, or nothing can be prepared.
pub fn sink(settings: &SinkSettings, egress: Egress) -> Result<Box<dyn Sink>, Fault> {
    let address = settings.address.as_deref();
    let socket = address.filter(|address| address.starts_with('/'));
    match (settings.kind, address) {
        (SinkKind::Journald, _) => Ok(Box::new(Journald::new(Path::new(socket.unwrap_or(journald::SOCKET))))),
        (SinkKind::Syslog, Some(address)) if socket.is_none() => {
            egress.check(sink_place(address, None).map_or(address, |(host, _)| host))?;
            Ok(Box::new(Syslog::new(Address::Udp(address.to_owned()))))
        }
        (SinkKind::Syslog, _) => {
            Ok(Box::new(Syslog::new(Address::Socket(PathBuf::from(socket.unwrap_or(syslog::SOCKET))))))
        }
        (SinkKind::Postgres, address) => {
            let writer = Writer::new(options(settings, address.unwrap_or_default(), egress))?;
            Ok(Box::new(Postgres::new(writer)))
        }
    }
}

fn options(settings: &SinkSettings, address: &str, egress: Egress) -> Options {
    let (host, port) = sink_place(address, Some(Place::PORT)).unwrap_or((address, Place::PORT));
    let encryption =
        if settings.tls { Encryption::Verified { ca_file: settings.ca_file.clone() } } else { Encryption::None };
    let place = if address.starts_with('/') {
        let port = std::env::var("PGPORT").ok().and_then(|port| port.parse().ok()).unwrap_or(Place::PORT);
        Place::Socket { folder: PathBuf::from(address), port }
    } else {
        Place::Tcp { host: host.trim_start_matches('[').trim_end_matches(']').to_owned(), port, encryption }
    };
    let home = || std::env::var_os("HOME").map(|home| Path::new(&home).join(".pgpass"));
    Options {
        place,
        database: settings.database.clone().unwrap_or_default(),
        user: settings.user.clone().unwrap_or_default(),
        table: settings.table.clone().unwrap_or_else(|| TABLE.to_owned()),
        password: Password {
            given: std::env::var("PGPASSWORD").ok().filter(|password| !password.is_empty()),
            file: std::env::var_os("PGPASSFILE").map(PathBuf::from).or_else(home),
        },
        egress,
    }
}
