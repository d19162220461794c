//! What probes meet: names, certificates, banners.

use std::net::Ipv4Addr;

use crate::demo::store::network::{Network, SshHost, TcpService, TlsSite};
use crate::demo::world::model::Model;
use crate::demo::world::spec::{self, DOMAIN};

use super::aws::{cache_endpoint, database_endpoint};

const DAY: i64 = 86_400_000;

pub fn describe(network: &mut Network, now: i64) {
    // The addresses of CloudFront's edge are from the documentation range of RFC 5737.
    let edge = [10u8, 11, 12, 13].map(|last| Ipv4Addr::new(203, 0, 113, last)).to_vec();
    let parse = |address: &str| address.parse().into_iter().collect::<Vec<Ipv4Addr>>();
    let mut records = vec![
        (DOMAIN.to_owned(), edge.clone()),
        (format!("www.{DOMAIN}"), edge.clone()),
        (format!("api.{DOMAIN}"), edge),
    ];
    records.extend(spec::BASTIONS.iter().map(|(name, address)| (format!("{name}.{DOMAIN}"), parse(address))));
    records.extend(spec::DATABASES.iter().map(|d| (database_endpoint(d.id), parse(d.address))));
    records.extend(spec::CACHES.iter().map(|c| (cache_endpoint(c.id), parse(c.address))));
    network.dns.records = records;
    network.dns.delay = 3.0;
    let site = |name: &str, days: i64, delay: f64| TlsSite {
        name: name.to_owned(),
        not_after: now + days * DAY,
        status: 200,
        delay,
    };
    network.tls = vec![site(DOMAIN, 63, 18.0), site(&format!("api.{DOMAIN}"), 63, 22.0)];
    network.ssh = spec::BASTIONS
        .iter()
        .map(|(name, address)| SshHost { name: (*name).to_owned(), address: (*address).to_owned(), up: true })
        .collect();
    network.tcp = vec![
        TcpService { name: "orders-db".to_owned(), protocol: "postgres", up: true, delay: 3.0 },
        TcpService { name: spec::REPLICATION_GROUP.to_owned(), protocol: "redis", up: true, delay: 0.0 },
    ];
}

/// Brings the databases' names and listeners up to the model.
pub fn follow(network: &mut Network, model: &Model) {
    for ((database, instance), state) in spec::DATABASES.iter().zip(&model.operations.databases).zip(&model.databases) {
        let name = database_endpoint(database.id);
        for (_, addresses) in network.dns.records.iter_mut().filter(|(known, _)| *known == name) {
            *addresses = instance.address().parse().into_iter().collect();
        }
        for service in network.tcp.iter_mut().filter(|service| service.name == database.id) {
            service.up = !state.down;
            let flow = model.flow.databases.iter().find(|flow| flow.spec.id == database.id);
            service.delay = flow.map_or(0.0, |flow| flow.query.mean * 1_000.0);
        }
    }
}
