//! PostgreSQL, as far as the audit trail needs it. The password comes by libpq's ways only: `PGPASSWORD`, or the password
//! file (PostgreSQL documentation, 32.16 "The Password File").

mod passfile;
mod tls;
pub mod write;

use std::path::PathBuf;

use crate::clients::egress::Egress;

/// Where, as whom and how.
#[derive(Clone, Debug)]
pub struct Options {
    pub place: Place,
    pub database: String,
    pub user: String,
    /// `table` or `schema.table`.
    pub table: String,
    pub password: Password,
    pub egress: Egress,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Place {
    Tcp {
        host: String,
        port: u16,
        encryption: Encryption,
    },
    /// The folder of a local server's socket.
    Socket {
        folder: PathBuf,
        port: u16,
    },
}

impl Place {
    /// The port of PostgreSQL.
    pub const PORT: u16 = 5432;

    const fn port(&self) -> u16 {
        match self {
            Self::Tcp { port, .. } | Self::Socket { port, .. } => *port,
        }
    }
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Encryption {
    /// The server's certificate must be its own, by the roots of a PEM file or of this system.
    Verified {
        ca_file: Option<PathBuf>,
    },
    None,
}

/// Where the password comes from. It cannot be shown.
#[derive(Clone, Default)]
pub struct Password {
    /// Value of `PGPASSWORD`.
    pub given: Option<String>,
    /// `PGPASSFILE`, or `~/.pgpass`; read at every connect.
    pub file: Option<PathBuf>,
}

impl std::fmt::Debug for Password {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Password")
    }
}
