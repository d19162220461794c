//! A database as far as a client needs that writes one row after the other: PostgreSQL's start-up and its simple query
//! protocol (PostgreSQL documentation, "Frontend/Backend Protocol", protocol 3.0).
//!
//! Encryption is declined and every user is let in. `INSERT` and `SELECT` are answered after the time that the world's
//! primary takes for a query; nothing is stored. While the world has the database down its listener is closed and what
//! was open is cut, so a row that was acknowledged was written while there was a writer.

use std::io;
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};

const SSL_REQUEST: u32 = 80_877_103;
const GSS_REQUEST: u32 = 80_877_104;
const CANCEL_REQUEST: u32 = 80_877_102;
/// The largest packets that are read: a start-up as PostgreSQL limits it, and a statement.
const STARTUP_LIMIT: u32 = 10_000;
const MESSAGE_LIMIT: u32 = 1 << 20;

/// Speaks with one client until it leaves. `delay` tells how long a statement takes at the moment.
///
/// # Errors
/// When the connection breaks.
pub async fn converse<S: AsyncRead + AsyncWrite + Unpin>(
    mut stream: S,
    delay: impl Fn() -> Duration,
) -> io::Result<()> {
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
                tokio::time::sleep(delay()).await;
                statement(&mut out, &String::from_utf8_lossy(&body));
            }
            _ => refuse(&mut out, "0A000", "only the simple query protocol is served here"),
        }
        ready(&mut out);
        stream.write_all(&out).await?;
    }
}

fn statement(out: &mut Vec<u8>, text: &str) {
    let text = text.trim_end_matches('\0').trim();
    match text.split_whitespace().next().unwrap_or_default().to_ascii_uppercase().as_str() {
        "" => message(out, b'I', b""),
        "INSERT" => message(out, b'C', b"INSERT 0 1\0"),
        "SELECT" => {
            // One column of type int4 in text form, one row of it.
            let mut columns = vec![0, 1];
            columns.extend_from_slice(b"?column?\0");
            columns.extend_from_slice(&[0, 0, 0, 0, 0, 0, 0, 0, 0, 23, 0, 4, 255, 255, 255, 255, 0, 0]);
            message(out, b'T', &columns);
            message(out, b'D', &[0, 1, 0, 0, 0, 1, b'1']);
            message(out, b'C', b"SELECT 1\0");
        }
        other => refuse(out, "0A000", &format!("{other} is not supported here; INSERT and SELECT are")),
    }
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
