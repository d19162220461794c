//! The name server of the world, on UDP and TCP of one port (RFC 1035).

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use simple_dns::rdata::RData;
use simple_dns::{CLASS, Packet, PacketFlag, QTYPE, RCODE, ResourceRecord, TYPE};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::UdpSocket;

use crate::demo::production::Production;
use crate::demo::store::network::Dns;

use super::Probe;
use super::fault::{Fault, Gate, Gated, Switch, wait_for_change};

const TTL: u32 = 30;
/// How often another port is tried when the one that TCP got is taken on UDP.
const ATTEMPTS: usize = 16;

/// Starts the name server. The probe asks for the first name of the world's records.
///
/// # Errors
/// When the operating system gives no port that is free on both transports.
pub async fn start(production: &Arc<Production>, switch: &Switch) -> io::Result<Probe> {
    let mut attempts = 0;
    let (gate, socket) = loop {
        let gate = Gate::open(switch)?;
        match UdpSocket::bind(gate.address()).await {
            Ok(socket) => break (gate, socket),
            Err(error) if attempts == ATTEMPTS => return Err(error),
            Err(_) => attempts += 1,
        }
    };
    let address = gate.address();
    tokio::spawn(datagrams(production.clone(), switch.clone(), socket, address));
    tokio::spawn(connections(production.clone(), gate, switch.clone()));
    let subject = production.read(|world| world.stores.network.dns.records.first().map(|(name, _)| name.clone()));
    Ok(Probe { name: "dns".to_owned(), kind: "dns", address, tier: "edge", subject })
}

async fn datagrams(production: Arc<Production>, switch: Switch, socket: UdpSocket, address: SocketAddr) {
    let mut faults = switch.subscribe();
    let mut socket = Some(Arc::new(socket));
    let mut buffer = vec![0; 4096];
    loop {
        let fault = *faults.borrow_and_update();
        if matches!(fault, Fault::Stopped | Fault::Refuse) {
            // Nobody on the port: the system itself answers that it is unreachable.
            socket = None;
            wait_for_change(&mut faults).await;
            continue;
        }
        let Some(open) = socket.clone() else {
            match UdpSocket::bind(address).await {
                Ok(bound) => socket = Some(Arc::new(bound)),
                Err(_) => tokio::time::sleep(Duration::from_millis(20)).await,
            }
            continue;
        };
        let received = tokio::select! {
            () = wait_for_change(&mut faults) => continue,
            received = open.recv_from(&mut buffer) => received,
        };
        let Ok((length, peer)) = received else { continue };
        if fault == Fault::Hang {
            continue;
        }
        let query = buffer.get(..length).unwrap_or_default().to_vec();
        let production = production.clone();
        tokio::spawn(async move {
            let Some(answer) = answer(&production, &query).await else { return };
            let end = if fault == Fault::Truncate { answer.len() / 2 } else { answer.len() };
            open.send_to(answer.get(..end).unwrap_or_default(), peer).await.ok();
        });
    }
}

async fn connections(production: Arc<Production>, mut gate: Gate, switch: Switch) {
    loop {
        let stream = gate.accept().await;
        let fault = *switch.subscribe().borrow();
        let production = production.clone();
        tokio::spawn(async move { connection(&production, stream, fault).await.ok() });
    }
}

/// Queries over TCP come after their length in two bytes (RFC 1035 4.2.2).
async fn connection(production: &Production, mut stream: Gated, fault: Fault) -> io::Result<()> {
    loop {
        let mut query = vec![0; stream.read_u16().await?.into()];
        stream.read_exact(&mut query).await?;
        let Some(answer) = answer(production, &query).await else { return Ok(()) };
        stream.write_u16(u16::try_from(answer.len()).unwrap_or(u16::MAX)).await?;
        if fault == Fault::Truncate {
            return stream.write_all(answer.get(..answer.len() / 2).unwrap_or_default()).await;
        }
        stream.write_all(&answer).await?;
    }
}

/// The answer, after the delay that the world's resolver has now. Nothing for what is no query.
async fn answer(production: &Production, query: &[u8]) -> Option<Vec<u8>> {
    let query = Packet::parse(query).ok().filter(|packet| !packet.has_flags(PacketFlag::RESPONSE))?;
    let dns = production.read(|world| world.stores.network.dns.clone());
    tokio::time::sleep(Duration::from_secs_f64((dns.delay / 1000.0).clamp(0.0, 60.0))).await;
    reply(&query, &dns).build_bytes_vec_compressed().ok()
}

fn reply<'a>(query: &Packet<'a>, dns: &Dns) -> Packet<'a> {
    let mut reply = Packet::new_reply(query.id());
    reply.set_flags(PacketFlag::RECURSION_AVAILABLE);
    if query.has_flags(PacketFlag::RECURSION_DESIRED) {
        reply.set_flags(PacketFlag::RECURSION_DESIRED);
    }
    reply.questions.clone_from(&query.questions);
    if dns.failing {
        *reply.rcode_mut() = RCODE::ServerFailure;
        return reply;
    }
    for question in &query.questions {
        let name = question.qname.to_string();
        let Some((_, addresses)) = dns.records.iter().find(|(known, _)| known.eq_ignore_ascii_case(&name)) else {
            *reply.rcode_mut() = RCODE::NameError;
            continue;
        };
        if matches!(question.qtype, QTYPE::TYPE(TYPE::A) | QTYPE::ANY) {
            reply.answers.extend(addresses.iter().map(|address| {
                ResourceRecord::new(question.qname.clone(), CLASS::IN, TTL, RData::A((*address).into()))
            }));
        }
    }
    reply
}
