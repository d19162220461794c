//! Inserting the lines of the audit trail, and whether the role could do more than that.

use std::error::Error as _;
use std::io;
use std::time::Duration;

use tokio::runtime::{Builder, Runtime};
use tokio_postgres::config::SslMode;
use tokio_postgres::error::SqlState;
use tokio_postgres::types::{ToSql, Type};
use tokio_postgres::{Client, Config, Error, NoTls};

use super::tls::Tls;
use super::{Encryption, Options, Place, passfile};
use crate::domain::error::{Fault, FaultKind};
use crate::domain::text::{Raw, Shown};
use crate::shown;

/// Connecting and each statement give up after this.
const PATIENCE: Duration = Duration::from_secs(5);

/// One line of the trail.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Row {
    pub stream: String,
    pub seq: i64,
    pub hash: String,
    /// RFC 3339.
    pub at: String,
    pub who: String,
    pub kind: String,
    pub action: Option<String>,
    pub environment: Option<String>,
    pub target: Option<String>,
    /// As it is stored, without its break.
    pub line: String,
}

/// A connection that is opened when it is needed. It belongs to a thread that may wait.
pub struct Writer {
    options: Options,
    /// Its own, so that it can wait whatever becomes of the others'.
    runtime: Runtime,
    client: Option<Client>,
}

impl Writer {
    /// Nothing is connected yet.
    ///
    /// # Errors
    /// The operating system gives no resources.
    pub fn new(options: Options) -> Result<Self, Fault> {
        let runtime = Builder::new_current_thread().enable_all().build().map_err(|error| {
            let why = Raw::from(error.to_string());
            Fault::new(
                FaultKind::Usage,
                shown!("no connection can be prepared: {}", why),
                Shown::fixed("free resources"),
            )
        })?;
        Ok(Self { options, runtime, client: None })
    }

    /// For people.
    #[must_use]
    pub fn endpoint(&self) -> Raw {
        let Options { place, database, table, .. } = &self.options;
        Raw::from(match place {
            Place::Tcp { host, port, .. } => format!("{host}:{port}/{database} {table}"),
            Place::Socket { folder, port } => format!("{}:{port}/{database} {table}", folder.display()),
        })
    }

    /// Inserts what is not there yet: all or nothing. It needs the right to insert and no other, which is why no conflict
    /// target is named (PostgreSQL documentation of INSERT, "Privileges").
    ///
    /// # Errors
    /// Nothing was inserted, or nobody knows; it may be done again.
    pub fn insert(&mut self, rows: &[Row]) -> Result<(), Fault> {
        let statement = format!(
            "INSERT INTO {} (stream, seq, hash, at, who, kind, action, environment, target, line) \
             SELECT stream, seq, hash, at::timestamptz, who, kind, action, environment, target, line \
             FROM unnest($1::text[], $2::int8[], $3::text[], $4::text[], $5::text[], $6::text[], $7::text[], $8::text[], \
             $9::text[], $10::text[]) \
             AS new (stream, seq, hash, at, who, kind, action, environment, target, line) ON CONFLICT DO NOTHING",
            self.table()
        );
        let columns = [
            column(rows, |row| Some(&row.stream)),
            column(rows, |row| Some(&row.hash)),
            column(rows, |row| Some(&row.at)),
            column(rows, |row| Some(&row.who)),
            column(rows, |row| Some(&row.kind)),
            column(rows, |row| row.action.as_deref()),
            column(rows, |row| row.environment.as_deref()),
            column(rows, |row| row.target.as_deref()),
            column(rows, |row| Some(&row.line)),
        ];
        let seqs: Vec<i64> = rows.iter().map(|row| row.seq).collect();
        let mut values: Vec<(&(dyn ToSql + Sync), Type)> =
            columns.iter().map(|column| (column as &(dyn ToSql + Sync), Type::TEXT_ARRAY)).collect();
        values.insert(1, (&seqs, Type::INT8_ARRAY));
        self.with(async |client| client.execute_typed(&statement, &values).await.map(drop))
    }

    /// Whether the table is there and takes lines; what about it or the role is not as it should be.
    ///
    /// # Errors
    /// A line could not be inserted.
    pub fn check(&mut self) -> Result<Option<Shown>, Fault> {
        let table = self.table();
        let question = "SELECT has_table_privilege($1, 'INSERT'), \
             has_table_privilege($1, 'UPDATE') OR has_table_privilege($1, 'DELETE') OR has_table_privilege($1, 'TRUNCATE'), \
             EXISTS (SELECT FROM pg_index AS i WHERE i.indrelid = $1::regclass AND i.indisunique \
             AND (SELECT array_agg(a.attname::text ORDER BY a.attname::text) FROM pg_attribute AS a \
             WHERE a.attrelid = i.indrelid AND a.attnum = ANY (i.indkey)) = ARRAY['seq', 'stream']), \
             pg_is_in_recovery()";
        let values: [(&(dyn ToSql + Sync), Type); 1] = [(&table, Type::TEXT)];
        let (inserts, changes, unique, standby) = self.with(async |client| {
            let row = client.query_typed_one(question, &values).await?;
            Ok((
                row.try_get::<_, bool>(0)?,
                row.try_get::<_, bool>(1)?,
                row.try_get::<_, bool>(2)?,
                row.try_get::<_, bool>(3)?,
            ))
        })?;
        let name = Raw::new(&self.options.table);
        let user = Raw::new(&self.options.user);
        if standby {
            return Err(Fault::new(
                FaultKind::Refused,
                shown!("{} is a standby, which takes no record", self.endpoint()),
                Shown::fixed("name the primary as address"),
            ));
        }
        if !inserts {
            return Err(Fault::new(
                FaultKind::Forbidden,
                shown!("forbidden: {} may not insert into {}", user, name),
                shown!("GRANT INSERT ON {} TO {}", name, user),
            ));
        }
        if !unique {
            return Err(Fault::new(
                FaultKind::Missing,
                shown!("{} has no UNIQUE (stream, seq), so a record sent twice would stand there twice", name),
                Shown::fixed("make the table as the README says"),
            ));
        }
        let words =
            || shown!("{} may change {}: GRANT it INSERT alone, so that no record can be taken back", user, name);
        Ok(changes.then(words))
    }

    /// The table's name, quoted.
    fn table(&self) -> String {
        let parts = self.options.table.split('.').map(|part| format!("\"{}\"", part.replace('"', "\"\"")));
        parts.collect::<Vec<_>>().join(".")
    }

    /// Runs on the connection, which is opened where there is none. After a failure it is not used again.
    fn with<T>(&mut self, run: impl AsyncFnOnce(&Client) -> Result<T, Error>) -> Result<T, Fault> {
        let client = match self.client.take().filter(|client| !client.is_closed()) {
            Some(client) => client,
            None => self.connect()?,
        };
        let result = self.runtime.block_on(async { tokio::time::timeout(PATIENCE, run(&client)).await });
        match result {
            Ok(Ok(done)) => {
                self.client = Some(client);
                Ok(done)
            }
            Ok(Err(error)) => Err(self.fault(&error)),
            Err(_) => Err(self.silent()),
        }
    }

    fn connect(&self) -> Result<Client, Fault> {
        let Options { place, database, user, password, egress, .. } = &self.options;
        let mut config = Config::new();
        config.dbname(database).user(user).port(place.port()).application_name("tierdeck").connect_timeout(PATIENCE);
        let host = match place {
            Place::Tcp { host, encryption, .. } => {
                egress.check(host)?;
                let secure = matches!(encryption, Encryption::Verified { .. });
                config.host(host).ssl_mode(if secure { SslMode::Require } else { SslMode::Disable });
                host.as_str()
            }
            Place::Socket { folder, .. } => {
                config.host_path(folder).ssl_mode(SslMode::Disable);
                "localhost"
            }
        };
        let port = place.port().to_string();
        let given = match (&password.given, &password.file) {
            (Some(given), _) => Some(given.clone()),
            (None, Some(file)) => passfile::password(file, &[host, &port, database, user])?,
            (None, None) => None,
        };
        if let Some(given) = given {
            config.password(given);
        }
        let tls = match place {
            Place::Tcp { encryption: Encryption::Verified { ca_file }, .. } => Some(Tls::load(ca_file.as_deref())?),
            _ => None,
        };
        let connected = self.runtime.block_on(async {
            tokio::time::timeout(PATIENCE, async {
                // The task ends with the client; it moves only while somebody waits here.
                match tls {
                    Some(tls) => config.connect(tls).await.map(|(client, connection)| {
                        drop(self.runtime.spawn(connection));
                        client
                    }),
                    None => config.connect(NoTls).await.map(|(client, connection)| {
                        drop(self.runtime.spawn(connection));
                        client
                    }),
                }
            })
            .await
        });
        match connected {
            Ok(client) => client.map_err(|error| self.fault(&error)),
            Err(_) => Err(self.silent()),
        }
    }

    fn silent(&self) -> Fault {
        Fault::new(
            FaultKind::Timeout,
            shown!("{} did not answer within {} s", self.endpoint(), PATIENCE.as_secs()),
            Shown::fixed("check that PostgreSQL runs and the way to it is open"),
        )
    }

    fn fault(&self, error: &Error) -> Fault {
        let at = self.endpoint();
        let Some(said) = error.as_db_error() else { return self.unreached(error) };
        let words = Raw::new(said.message());
        let (kind, hint) = match said.code() {
            code if *code == SqlState::INSUFFICIENT_PRIVILEGE => {
                (FaultKind::Forbidden, "grant its role INSERT on the table")
            }
            code if [SqlState::UNDEFINED_TABLE, SqlState::UNDEFINED_COLUMN].contains(code) => {
                (FaultKind::Missing, "make the table as the README says")
            }
            code if *code == SqlState::INVALID_CATALOG_NAME => (FaultKind::Missing, "check `database`"),
            code if [SqlState::INVALID_PASSWORD, SqlState::INVALID_AUTHORIZATION_SPECIFICATION].contains(code) => {
                (FaultKind::Unauthenticated, "give the password by PGPASSFILE, ~/.pgpass or PGPASSWORD")
            }
            code if *code == SqlState::READ_ONLY_SQL_TRANSACTION => {
                (FaultKind::Refused, "it is a standby: name the primary as address")
            }
            _ => (FaultKind::Server, "see the server's log"),
        };
        Fault::new(kind, shown!("{}: {}", at, words), Shown::fixed(hint))
    }

    fn unreached(&self, error: &Error) -> Fault {
        let cause = error.source();
        let io = cause.and_then(|cause| cause.downcast_ref::<io::Error>());
        let words = Raw::from(cause.map_or_else(|| error.to_string(), ToString::to_string));
        let tls =
            io.and_then(io::Error::get_ref).is_some_and(<dyn std::error::Error + Send + Sync>::is::<rustls::Error>);
        let (kind, hint) = match io.map(io::Error::kind) {
            _ if tls => (FaultKind::Tls, "check ca_file and the name in the server's certificate"),
            Some(io::ErrorKind::ConnectionRefused | io::ErrorKind::NotFound) => {
                (FaultKind::Refused, "check that PostgreSQL runs there")
            }
            Some(io::ErrorKind::TimedOut) => (FaultKind::Timeout, "check the way to it"),
            None if error.to_string().contains("password missing") => {
                (FaultKind::Unauthenticated, "give the password by PGPASSFILE, ~/.pgpass or PGPASSWORD")
            }
            None if error.to_string().contains("TLS") => (FaultKind::Tls, "let the server take TLS connections"),
            _ => (FaultKind::Refused, "check address, port and that PostgreSQL runs there"),
        };
        Fault::new(kind, shown!("{}: {}", self.endpoint(), words), Shown::fixed(hint))
    }
}

fn column(rows: &[Row], field: fn(&Row) -> Option<&str>) -> Vec<Option<&str>> {
    rows.iter().map(field).collect()
}
