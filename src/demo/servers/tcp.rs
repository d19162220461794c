//! Listeners of databases and caches: PostgreSQL, and Redis as far as PING (RESP).

use std::io;
use std::sync::Arc;
use std::time::Duration;

use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};

use crate::demo::production::Production;

use super::fault::{Gate, Gated};
use super::postgres::Behind;
use super::{Faults, Probe, postgres};
use crate::demo::store::network::TcpService;

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
        let (shared, name) = (production.clone(), service.name.clone());
        probes.push(Probe { name: service.name, kind, address: gate.address(), tier, subject: None });
        tokio::spawn(async move {
            loop {
                let stream = gate.accept().await;
                let (shared, name) = (shared.clone(), name.clone());
                let look = move || behind(&shared, &name);
                tokio::spawn(async move {
                    if kind == "redis" { redis(stream).await } else { postgres::converse(stream, look).await }
                });
            }
        });
    }
    Ok(probes)
}

/// The database of a name as it is now; a statement takes time of the wall's.
fn behind(production: &Production, name: &str) -> Behind {
    let found = |service: &&TcpService| service.name == name;
    let known = production.read(|world| world.stores.network.tcp.iter().find(found).cloned());
    known.map_or_else(Behind::default, |service| Behind {
        delay: Duration::from_secs_f64(service.delay / 1_000.0 / production.clock().rate.max(1.0)),
        read_only: service.read_only,
    })
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
