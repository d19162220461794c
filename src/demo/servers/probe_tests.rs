//! The listeners that probes meet, asked byte by byte or by a library of another make.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use simple_dns::rdata::RData;
use simple_dns::{CLASS, Name, Packet, PacketFlag, QTYPE, Question, RCODE, TYPE};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpStream, UdpSocket};

use crate::demo::clock::Clock;
use crate::demo::production::Production;
use crate::demo::store::network::{Dns, Network, SshHost, TcpService, TlsSite};
use crate::demo::world::{Options, World};

use super::fault::{Fault, Switch};
use super::{Faults, dns, ssh, tcp, tls};

const NOW: i64 = 1_795_222_800_000;
const DAY: i64 = 86_400_000;
const SITE: &str = "shop.example";

fn production() -> Arc<Production> {
    let mut world = World::new(&Options { history: 0, ..Options::default() }, NOW).expect("the default world");
    let service =
        |name: &str, protocol| TcpService { name: name.to_owned(), protocol, up: true, read_only: false, delay: 0.0 };
    let host = |name: &str, up| SshHost { name: name.to_owned(), address: "10.0.0.9".to_owned(), up };
    world.stores.network = Network {
        dns: Dns { records: vec![(SITE.to_owned(), vec![Ipv4Addr::new(203, 0, 113, 7)])], delay: 0.0, failing: false },
        tls: vec![TlsSite { name: SITE.to_owned(), not_after: NOW + 30 * DAY, status: 200, delay: 0.0 }],
        ssh: vec![host("bastion-up", true), host("bastion-down", false)],
        tcp: vec![service("db", "postgres"), service("cache", "redis")],
    };
    Arc::new(Production::new(world, Clock { origin: NOW, world: NOW, rate: 0.0 }))
}

fn query(name: &str) -> Vec<u8> {
    let mut packet = Packet::new_query(7);
    packet.set_flags(PacketFlag::RECURSION_DESIRED);
    let name = Name::new(name).expect("a name").into_owned();
    packet.questions.push(Question::new(name, QTYPE::TYPE(TYPE::A), CLASS::IN.into(), false));
    packet.build_bytes_vec().expect("a query")
}

async fn over_udp(address: SocketAddr, query: &[u8]) -> Option<Vec<u8>> {
    let socket = UdpSocket::bind("127.0.0.1:0").await.expect("a socket");
    socket.connect(address).await.expect("connected");
    socket.send(query).await.expect("sent");
    let mut answer = vec![0; 512];
    let length = tokio::time::timeout(Duration::from_millis(500), socket.recv(&mut answer)).await.ok()?.ok()?;
    answer.truncate(length);
    Some(answer)
}

fn outcome(answer: &[u8]) -> (RCODE, Vec<Ipv4Addr>) {
    let packet = Packet::parse(answer).expect("an answer");
    let address = |record: &simple_dns::ResourceRecord| match &record.rdata {
        RData::A(a) => Some(Ipv4Addr::from(a.address)),
        _ => None,
    };
    (packet.rcode(), packet.answers.iter().filter_map(address).collect())
}

#[tokio::test]
async fn names_are_answered_on_both_transports_as_the_world_has_them() {
    let production = production();
    let switch = Switch::default();
    let address = dns::start(&production, &switch).await.expect("a server").address;
    let known = (RCODE::NoError, vec![Ipv4Addr::new(203, 0, 113, 7)]);
    assert_eq!(outcome(&over_udp(address, &query("SHOP.example")).await.expect("an answer")), known);
    assert_eq!(outcome(&over_udp(address, &query("nobody.example")).await.expect("an answer")).0, RCODE::NameError);
    let mut stream = TcpStream::connect(address).await.expect("a connection");
    let asked = query(SITE);
    stream.write_u16(asked.len().try_into().expect("short")).await.expect("sent");
    stream.write_all(&asked).await.expect("sent");
    let mut answer = vec![0; stream.read_u16().await.expect("a length").into()];
    stream.read_exact(&mut answer).await.expect("an answer");
    assert_eq!(outcome(&answer), known);
    production.write(|world| world.stores.network.dns.failing = true);
    assert_eq!(outcome(&over_udp(address, &query(SITE)).await.expect("an answer")).0, RCODE::ServerFailure);
    switch.set(Fault::Stopped);
    for _ in 0..50 {
        if over_udp(address, &query(SITE)).await.is_none() {
            return;
        }
    }
    panic!("it still answers");
}

#[tokio::test]
async fn a_site_shows_the_certificate_and_the_page_that_the_world_gives_it() {
    let production = production();
    let (probes, authority) = tls::start(&production, &Switch::default()).expect("a listener");
    let address = probes.first().expect("a site").address;
    let root = reqwest::Certificate::from_pem(authority.as_bytes()).expect("a certificate");
    let client = || {
        let builder = reqwest::Client::builder().tls_certs_only([root.clone()]).resolve(SITE, address).tls_info(true);
        builder.build().expect("a client")
    };
    for (not_after, status) in [(NOW + 30 * DAY, 200), (NOW + 5 * DAY, 503)] {
        production.write(|world| {
            for site in &mut world.stores.network.tls {
                (site.not_after, site.status) = (not_after, status);
            }
        });
        let url = format!("https://{SITE}:{}/", address.port());
        let response = client().get(url).send().await.expect("an answer");
        assert_eq!(response.status(), status);
        let info = response.extensions().get::<reqwest::tls::TlsInfo>().expect("the handshake").clone();
        let (_, certificate) =
            x509_parser::parse_x509_certificate(info.peer_certificate().expect("a certificate")).expect("X.509");
        assert_eq!(certificate.validity().not_after.timestamp(), not_after / 1000);
    }
}

#[tokio::test]
async fn hosts_and_services_greet_and_one_that_is_down_refuses() {
    let production = production();
    let mut faults = Faults::default();
    let mut probes = ssh::start(&production, &mut faults).expect("listeners");
    probes.extend(tcp::start(&production, &mut faults).expect("listeners"));
    let address = |name: &str| probes.iter().find(|probe| probe.name == name).expect("a probe").address;
    let mut host = TcpStream::connect(address("bastion-up")).await.expect("a connection");
    let mut banner = [0; 21];
    host.read_exact(&mut banner).await.expect("a banner");
    assert_eq!(&banner, b"SSH-2.0-OpenSSH_9.6\r\n");
    assert!(TcpStream::connect(address("bastion-down")).await.is_err());
    for (name, sent, expected) in [
        ("cache", &b"PING\r\n"[..], &b"+PONG\r\n"[..]),
        ("cache", b"*1\r\n$4\r\nping\r\n", b"+PONG\r\n"),
        ("cache", b"*2\r\n$3\r\nGET\r\n$1\r\na\r\n", b"-NOAUTH"),
        ("db", &[0, 0, 0, 8, 4, 210, 22, 47], b"N"),
        ("db", &[0, 0, 0, 9, 0, 3, 0, 0, 0], b"R"),
    ] {
        let mut stream = TcpStream::connect(address(name)).await.expect("a connection");
        stream.write_all(sent).await.expect("sent");
        let mut answer = vec![0; expected.len()];
        stream.read_exact(&mut answer).await.expect("an answer");
        assert_eq!(answer, expected, "{name} {sent:?}");
    }
    assert!(faults.set("postgres", Fault::Status(500)).is_err());
    assert_eq!(faults.names(), ["bastion-down", "bastion-up", "cache", "db", "postgres", "redis", "ssh", "tcp"]);
}
