//! Databases and caches as far as their greeting: PostgreSQL's start-up (protocol 3.0) and Redis' PING (RESP).

use std::io;
use std::sync::Arc;

use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};

use crate::demo::production::Production;

use super::fault::{Gate, Gated};
use super::{Faults, Probe};

/// Starts a listener for each service, under the server name `tcp`, that of its protocol, and its own.
///
/// # Errors
/// When the operating system gives no port.
pub fn start(production: &Arc<Production>, faults: &mut Faults) -> io::Result<Vec<Probe>> {
    let services = production.read(|world| world.stores.network.tcp.clone());
    let mut probes = Vec::new();
    for service in services {
        let switch = faults.switch("tcp");
        faults.name(&switch, service.protocol);
        if service.name != service.protocol {
            faults.name(&switch, &service.name);
        }
        let (lever, name) = (switch.clone(), service.name.clone());
        production.on_move(move |world| {
            lever.set_up(world.stores.network.tcp.iter().any(|known| known.name == name && known.up));
        });
        let mut gate = Gate::open(&switch)?;
        let (kind, tier) = if service.protocol == "redis" { ("redis", "cache") } else { ("postgres", "database") };
        probes.push(Probe { name: service.name, kind, address: gate.address(), tier, subject: None });
        tokio::spawn(async move {
            loop {
                let stream = gate.accept().await;
                tokio::spawn(async move { if kind == "redis" { redis(stream).await } else { postgres(stream).await } });
            }
        });
    }
    Ok(probes)
}

const SSL_REQUEST: u32 = 80_877_103;
const GSS_REQUEST: u32 = 80_877_104;
/// The largest start-up packet that PostgreSQL reads.
const STARTUP_LIMIT: u32 = 10_000;

/// Declines encryption, then refuses the start-up as a server without an entry for the client does.
async fn postgres(mut stream: Gated) -> io::Result<()> {
    loop {
        let length = stream.read_u32().await?;
        if !(8..=STARTUP_LIMIT).contains(&length) {
            return Ok(());
        }
        let code = stream.read_u32().await?;
        let mut rest = vec![0; usize::try_from(length - 8).unwrap_or_default()];
        stream.read_exact(&mut rest).await?;
        if !matches!(code, SSL_REQUEST | GSS_REQUEST) {
            break;
        }
        stream.write_all(b"N").await?;
    }
    let fields = b"SFATAL\0VFATAL\0C28000\0Mno pg_hba.conf entry for host \"127.0.0.1\", no encryption\0\0";
    stream.write_u8(b'E').await?;
    stream.write_u32(u32::try_from(fields.len() + 4).unwrap_or_default()).await?;
    stream.write_all(fields).await?;
    stream.shutdown().await
}

/// Answers PING, inline or as an array of bulk strings, and no other command.
async fn redis(stream: Gated) -> io::Result<()> {
    let mut stream = BufReader::new(stream);
    loop {
        let Some(first) = redis_line(&mut stream).await? else { return Ok(()) };
        let command = match first.strip_prefix('*').and_then(|count| count.parse::<usize>().ok()) {
            None => first.split_whitespace().next().unwrap_or_default().to_owned(),
            Some(count) => {
                let mut command = None;
                for _ in 0..count.min(64) {
                    let (Some(_length), Some(word)) = (redis_line(&mut stream).await?, redis_line(&mut stream).await?)
                    else {
                        return Ok(());
                    };
                    command.get_or_insert(word);
                }
                command.unwrap_or_default()
            }
        };
        match command.to_ascii_uppercase().as_str() {
            "" => {}
            "PING" => stream.write_all(b"+PONG\r\n").await?,
            "QUIT" => return stream.write_all(b"+OK\r\n").await,
            _ => stream.write_all(b"-NOAUTH Authentication required.\r\n").await?,
        }
        stream.flush().await?;
    }
}

/// A line without its end; none when the client has gone. Commands are short: one that is not ends the connection.
async fn redis_line(stream: &mut BufReader<Gated>) -> io::Result<Option<String>> {
    let mut line = String::new();
    let length = (&mut *stream).take(4096).read_line(&mut line).await?;
    let whole = length > 0 && line.ends_with('\n');
    Ok(whole.then(|| line.trim_end().to_owned()))
}
