//! What probes meet: names, certificates, banners.

use std::net::Ipv4Addr;

use crate::demo::store::network::{Network, SshHost, TcpService, TlsSite};
use crate::demo::world::model::Model;
use crate::demo::world::shop::Shop;
use crate::demo::world::spec::{self, DOMAIN, Engine};

use super::aws::{cache_endpoint, cluster_endpoint, database_endpoint};

const DAY: i64 = 86_400_000;

pub fn describe(network: &mut Network, shop: &Shop, now: i64) {
    // The addresses of CloudFront's edge are from the documentation range of RFC 5737.
    let edge = [10u8, 11, 12, 13].map(|last| Ipv4Addr::new(203, 0, 113, last)).to_vec();
    let parse = |address: &str| address.parse().into_iter().collect::<Vec<Ipv4Addr>>();
    let mut records = vec![
        (DOMAIN.to_owned(), edge.clone()),
        (format!("www.{DOMAIN}"), edge.clone()),
        (format!("api.{DOMAIN}"), edge),
    ];
    records.extend(spec::BASTIONS.iter().map(|(name, address)| (format!("{name}.{DOMAIN}"), parse(address))));
    let instances = shop.databases().filter(|(_, member)| member.engine != Engine::CloudNativePg);
    records.extend(instances.map(|(_, member)| (database_endpoint(member.id), parse(member.address))));
    let clusters = shop.stores_of(Engine::Aurora).map(|(_, store)| (cluster_endpoint(store.name, ""), Vec::new()));
    records.extend(clusters);
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
    let service =
        |name: &str, protocol, delay| TcpService { name: name.to_owned(), protocol, up: true, read_only: false, delay };
    network.tcp = shop.stores.iter().map(|store| service(store.name, "postgres", 3.0)).collect();
    network.tcp.push(service(spec::REPLICATION_GROUP, "redis", 0.0));
}

/// Brings the databases' names and listeners up to the model.
pub fn follow(network: &mut Network, model: &Model) {
    let operations = &model.operations;
    for ((_, database), instance) in model.shop.databases().zip(&operations.databases) {
        lead(network, &database_endpoint(database.id), instance.address());
    }
    for cluster in &operations.aurora {
        let address = cluster.store.members.get(cluster.endpoint).map_or("", |member| member.address);
        lead(network, &cluster_endpoint(cluster.store.name, ""), address);
    }
    for (first, store) in model.shop.numbered() {
        // Who writes asks the primary; Aurora's name leads to the member that it led to when it was last moved.
        let named = operations.aurora.iter().find(|cluster| cluster.store.name == store.name).map(|c| c.endpoint);
        let flows = || model.flow.databases.iter().zip(&model.databases).skip(first).take(store.members.len());
        let asked = match named {
            Some(member) => flows().nth(member),
            None => flows().find(|(_, state)| !state.replica),
        };
        for service in network.tcp.iter_mut().filter(|service| service.name == store.name) {
            service.up = asked.is_some_and(|(_, state)| !state.down);
            service.read_only = asked.is_some_and(|(_, state)| state.replica);
            service.delay = asked.map_or(0.0, |(flow, _)| flow.query.mean * 1_000.0);
        }
    }
}

/// Has a name lead to an address.
fn lead(network: &mut Network, name: &str, address: &str) {
    for (_, addresses) in network.dns.records.iter_mut().filter(|(known, _)| known == name) {
        *addresses = address.parse().into_iter().collect();
    }
}
