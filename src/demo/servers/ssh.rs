//! SSH hosts as far as their identification (RFC 4253 4.2): what a probe reads before any key exchange.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};

use crate::demo::production::Production;

use super::fault::{Gate, Gated};
use super::{Faults, Probe};

const BANNER: &[u8] = b"SSH-2.0-OpenSSH_9.6\r\n";
/// How long a client may stay without logging in; sshd's LoginGraceTime.
const GRACE: Duration = Duration::from_secs(120);

/// Starts a listener for each host, under the server name `ssh` and the host's own.
///
/// # Errors
/// When the operating system gives no port.
pub fn start(production: &Arc<Production>, faults: &mut Faults) -> io::Result<Vec<Probe>> {
    let names: Vec<String> =
        production.read(|world| world.stores.network.ssh.iter().map(|host| host.name.clone()).collect());
    let mut probes = Vec::new();
    for name in names {
        let switch = faults.switch("ssh");
        faults.name(&switch, &name);
        let (lever, host) = (switch.clone(), name.clone());
        production.on_move(move |world| {
            lever.set_up(world.stores.network.ssh.iter().any(|known| known.name == host && known.up));
        });
        let mut gate = Gate::open(&switch)?;
        probes.push(Probe { name, kind: "ssh", address: gate.address(), tier: "access", subject: None });
        tokio::spawn(async move {
            loop {
                let stream = gate.accept().await;
                tokio::spawn(async move { tokio::time::timeout(GRACE, greet(stream)).await });
            }
        });
    }
    Ok(probes)
}

/// Sends the identification, reads the client's, and waits for it to go.
async fn greet(mut stream: Gated) -> io::Result<()> {
    stream.write_all(BANNER).await?;
    let mut ignored = [0; 1024];
    while stream.read(&mut ignored).await? > 0 {}
    Ok(())
}
