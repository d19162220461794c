//! A database as far as a client needs that writes one row after the other: PostgreSQL's start-up and its simple query
//! protocol (PostgreSQL documentation, "Frontend/Backend Protocol", protocol 3.0).
//!
//! Encryption is declined and every user is let in. `INSERT` and `SELECT` are answered after the time that the world's
//! database takes for a query; nothing is stored. While the world has the database down its listener is closed and what
//! was open is cut; where the name leads to a replica, `INSERT` is refused and `SELECT pg_is_in_recovery()` is true. So a
//! row that was acknowledged was written while there was a writer.

use std::io;
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};

const SSL_REQUEST: u32 = 80_877_103;
const GSS_REQUEST: u32 = 80_877_104;
const CANCEL_REQUEST: u32 = 80_877_102;
/// The largest packets that are read: a start-up as PostgreSQL limits it, and a statement.
const STARTUP_LIMIT: u32 = 10_000;
const MESSAGE_LIMIT: u32 = 1 << 20;

/// The database behind a listener, at one moment.
#[derive(Clone, Copy, Debug, Default)]
pub struct Behind {
    /// How long a statement takes.
    pub delay: Duration,
    /// It follows another one.
    pub read_only: bool,
}

/// Speaks with one client until it leaves. `behind` tells what is there at the moment.
///
/// # Errors
/// When the connection breaks.
pub async fn converse<S: AsyncRead + AsyncWrite + Unpin>(mut stream: S, behind: impl Fn() -> Behind) -> io::Result<()> {
    loop {
        let length = stream.read_u32().await?;
        if !(8..=STARTUP_LIMIT).contains(&length) {
            return Ok(());
        }
        let code = stream.read_u32().await?;
        let mut rest = vec![0; usize::try_from(length - 8).unwrap_or_default()];
        stream.read_exact(&mut rest).await?;
        match code {
            SSL_REQUEST | GSS_REQUEST => stream.write_all(b"N").await?,
            CANCEL_REQUEST => return Ok(()),
            _ => break,
        }
    }
    let mut out = Vec::new();
    message(&mut out, b'R', &0u32.to_be_bytes());
    for (name, value) in [
        ("server_version", "15.10"),
        ("server_encoding", "UTF8"),
        ("client_encoding", "UTF8"),
        ("DateStyle", "ISO, MDY"),
    ] {
        message(&mut out, b'S', format!("{name}\0{value}\0").as_bytes());
    }
    message(&mut out, b'K', &[0, 0, 0, 1, 0, 0, 0, 1]);
    ready(&mut out);
    stream.write_all(&out).await?;
    loop {
        let kind = stream.read_u8().await?;
        let length = stream.read_u32().await?;
        if !(4..=MESSAGE_LIMIT).contains(&length) {
            return Ok(());
        }
        let mut body = vec![0; usize::try_from(length - 4).unwrap_or_default()];
        stream.read_exact(&mut body).await?;
        let mut out = Vec::new();
        match kind {
            b'X' => return Ok(()),
            b'Q' => {
                let Behind { delay, read_only } = behind();
                tokio::time::sleep(delay).await;
                statement(&mut out, &String::from_utf8_lossy(&body), read_only);
            }
            _ => refuse(&mut out, "0A000", "only the simple query protocol is served here"),
        }
        ready(&mut out);
        stream.write_all(&out).await?;
    }
}

fn statement(out: &mut Vec<u8>, text: &str, read_only: bool) {
    let text = text.trim_end_matches('\0').trim();
    match text.split_whitespace().next().unwrap_or_default().to_ascii_uppercase().as_str() {
        "" => message(out, b'I', b""),
        "INSERT" if read_only => refuse(out, "25006", "cannot execute INSERT in a read-only transaction"),
        "INSERT" => message(out, b'C', b"INSERT 0 1\0"),
        "SELECT" if text.to_ascii_lowercase().contains("pg_is_in_recovery()") => {
            row(out, "pg_is_in_recovery", BOOL, if read_only { b't' } else { b'f' });
        }
        "SELECT" => row(out, "?column?", INT4, b'1'),
        other => refuse(out, "0A000", &format!("{other} is not supported here; INSERT and SELECT are")),
    }
}

/// Object identifier and width of two types (`pg_type`).
const BOOL: (u8, u8) = (16, 1);
const INT4: (u8, u8) = (23, 4);

/// One row of one column, in text form.
fn row(out: &mut Vec<u8>, name: &str, (kind, width): (u8, u8), value: u8) {
    let mut columns = vec![0, 1];
    columns.extend_from_slice(name.as_bytes());
    columns.extend_from_slice(&[0, 0, 0, 0, 0, 0, 0, 0, 0, 0, kind, 0, width, 255, 255, 255, 255, 0, 0]);
    message(out, b'T', &columns);
    message(out, b'D', &[0, 1, 0, 0, 0, 1, value]);
    message(out, b'C', b"SELECT 1\0");
}

fn refuse(out: &mut Vec<u8>, code: &str, why: &str) {
    message(out, b'E', format!("SERROR\0VERROR\0C{code}\0M{why}\0\0").as_bytes());
}

fn ready(out: &mut Vec<u8>) {
    message(out, b'Z', b"I");
}

fn message(out: &mut Vec<u8>, kind: u8, body: &[u8]) {
    out.push(kind);
    out.extend_from_slice(&u32::try_from(body.len() + 4).unwrap_or_default().to_be_bytes());
    out.extend_from_slice(body);
}
