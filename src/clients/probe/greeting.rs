//! What servers say first: SSH, MySQL, PostgreSQL, Redis.

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use super::read::{Stop, Verdict, Walk, failed};
use crate::domain::text::{Raw, Shown};
use crate::shown;

/// Longest line of a greeting (RFC 4253 4.2: 255).
const LINE: usize = 255;

fn text(bytes: &[u8]) -> Raw {
    Raw::from(String::from_utf8_lossy(bytes).trim_end().to_owned())
}

/// A line without its end, or as much of it as is allowed.
async fn line(stream: &mut (impl AsyncRead + Unpin)) -> Result<Vec<u8>, Stop> {
    let mut line = Vec::new();
    while line.len() < LINE {
        let byte = stream.read_u8().await.map_err(|error| failed(&error))?;
        if byte == b'\n' {
            break;
        }
        line.push(byte);
    }
    Ok(line)
}

/// The identification string; a server may send other lines before it (RFC 4253 4.2).
pub async fn ssh(stream: &mut TcpStream, walk: &mut Walk) -> Result<Verdict, Stop> {
    walk.enter("banner");
    let mut first = Vec::new();
    for _ in 0..16 {
        let line = line(stream).await?;
        if line.starts_with(b"SSH-") {
            return Ok(Verdict::Up(text(&line)));
        }
        if first.is_empty() {
            first = line;
        }
    }
    Ok(Verdict::Down(shown!("not SSH: {}", text(&first))))
}

/// The first packet: protocol 10 with the version, or an error (MySQL "Protocol::Handshake", "ERR_Packet").
pub async fn mysql(stream: &mut TcpStream, walk: &mut Walk) -> Result<Verdict, Stop> {
    walk.enter("greeting");
    let mut header = [0_u8; 4];
    stream.read_exact(&mut header).await.map_err(|error| failed(&error))?;
    let [low, middle, high, _] = header;
    let length = usize::from(low) | usize::from(middle) << 8 | usize::from(high) << 16;
    let mut body = vec![0_u8; length.min(LINE)];
    stream.read_exact(&mut body).await.map_err(|error| failed(&error))?;
    Ok(match body.split_first() {
        Some((10, rest)) => {
            let version = rest.split(|byte| *byte == 0).next().unwrap_or_default();
            Verdict::Up(Raw::from(format!("MySQL {}", text(version).as_str())))
        }
        Some((255, [low, high, message @ ..])) => {
            Verdict::Down(shown!("MySQL error {}: {}", u16::from_le_bytes([*low, *high]), text(message)))
        }
        _ => Verdict::Down(Shown::fixed("not MySQL")),
    })
}

/// SSLRequest (code 80877103) is answered with one byte by every server and pooler.
pub async fn postgres(stream: &mut TcpStream, walk: &mut Walk) -> Result<Verdict, Stop> {
    walk.enter("greeting");
    stream.write_all(&[0, 0, 0, 8, 0x04, 0xd2, 0x16, 0x2f]).await.map_err(|error| failed(&error))?;
    Ok(match stream.read_u8().await.map_err(|error| failed(&error))? {
        b'S' => Verdict::Up(Raw::new("PostgreSQL with TLS")),
        b'N' => Verdict::Up(Raw::new("PostgreSQL without TLS")),
        b'E' => Verdict::Down(Shown::fixed("PostgreSQL refuses connections")),
        _ => Verdict::Down(Shown::fixed("not PostgreSQL")),
    })
}

/// PING; a server that wants a password is up.
pub async fn redis(stream: &mut TcpStream, walk: &mut Walk) -> Result<Verdict, Stop> {
    walk.enter("ping");
    stream.write_all(b"PING\r\n").await.map_err(|error| failed(&error))?;
    let line = line(stream).await?;
    let said = text(&line);
    Ok(match line.as_slice() {
        [b'+', b'P', b'O', b'N', b'G', ..] => Verdict::Up(Raw::new("PONG")),
        [b'-', rest @ ..] if rest.starts_with(b"NOAUTH") || rest.starts_with(b"NOPERM") => {
            Verdict::Up(Raw::new("asks for a password"))
        }
        [b'-', ..] => Verdict::Down(shown!("Redis says {}", said)),
        _ => Verdict::Down(shown!("not Redis: {}", said)),
    })
}
