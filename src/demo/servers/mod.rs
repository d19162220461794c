//! One folder per protocol; each answers from the stores of the world.

pub mod alertmanager;
pub mod aws;
pub mod dns;
pub mod fault;
pub mod http;
pub mod kube;
pub mod postgres;
pub mod prometheus;
pub mod ssh;
pub mod tcp;
pub mod tls;

#[cfg(test)]
mod probe_tests;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;

use axum::Router;

use super::production::Production;
use super::requests::Requests;
use super::world::World;
use aws::{AwsFault, AwsFaults};
use fault::{Fault, Gate, Switch};
use http::Refusal;

/// A server of an HTTP API: its name in control commands, its routes, how it words an HTTP error, and whether the world
/// has it running.
struct HttpServer {
    name: &'static str,
    router: fn(Arc<Production>) -> Router,
    refusal: Refusal,
    up: fn(&World) -> bool,
}

/// The HTTP APIs that need nothing but the world. Kubernetes, which proxies to Prometheus, and AWS, whose services fail
/// one by one, are not among them.
const HTTP: &[HttpServer] = &[
    HttpServer {
        name: "prometheus",
        router: prometheus::router,
        refusal: http::plain_refusal,
        up: World::prometheus_up,
    },
    HttpServer { name: "alertmanager", router: alertmanager::router, refusal: http::plain_refusal, up: |_| true },
];

/// Server, method and path of every route, for the test of the manifest. A server that has no methods is listed with
/// its transport.
pub fn routes() -> Vec<(&'static str, &'static str, &'static str)> {
    let mut routes: Vec<_> = kube::routes().map(|(method, path)| ("kubernetes", method, path)).collect();
    routes.extend(prometheus::ROUTES.iter().map(|(method, path)| ("prometheus", *method, *path)));
    routes.extend(alertmanager::ROUTES.iter().map(|(method, path)| ("alertmanager", *method, *path)));
    routes.extend(aws::routes().map(|(service, operation)| ("aws", service, operation)));
    routes.extend([
        ("dns", "UDP", "A"),
        ("dns", "TCP", "A"),
        ("tls", "GET", "/"),
        ("ssh", "TCP", "banner"),
        ("tcp", "TCP", "postgres"),
        ("tcp", "TCP", "redis"),
    ]);
    routes
}

/// Something a probe can be pointed at.
#[derive(Clone, Debug)]
pub struct Probe {
    pub name: String,
    /// `dns`, `https`, `ssh`, `postgres`, `redis`.
    pub kind: &'static str,
    pub address: SocketAddr,
    pub tier: &'static str,
    /// The name to ask for (dns) or to present (https).
    pub subject: Option<String>,
}

/// All servers of a world, listening.
pub struct Running {
    /// Address of each HTTP API by its name.
    pub http: BTreeMap<&'static str, SocketAddr>,
    pub probes: Vec<Probe>,
    pub faults: Faults,
    pub requests: Requests,
    /// Certificate, in PEM, of the authority that signed the world's sites.
    pub authority: String,
}

/// Starts every server on a free loopback port, on the current runtime.
///
/// # Errors
/// When the operating system gives no port, or no certificate can be made.
pub async fn start(production: &Arc<Production>) -> io::Result<Running> {
    let (mut faults, requests) = (Faults::default(), Requests::default());
    let mut addresses = BTreeMap::new();
    let mut prometheus = None;
    for server in HTTP {
        let switch = faults.http_switch(server.name);
        let (up, lever) = (server.up, switch.clone());
        production.on_move(move |world| lever.set_up(up(world)));
        let router = http::dated((server.router)(production.clone()), production.clone());
        if server.name == "prometheus" {
            let router = http::faulty(router.clone(), switch.subscribe(), server.refusal);
            prometheus = Some(kube::Upstream { router, faults: switch.subscribe() });
        }
        addresses.insert(server.name, serve(requests.noted(router, server.name, production), &switch, server.refusal)?);
    }
    let switch = faults.http_switch("kubernetes");
    let router = requests.noted(kube::router(production.clone(), prometheus), "kubernetes", production);
    addresses.insert("kubernetes", serve(router, &switch, kube::refusal)?);
    let services = AwsFaults::default();
    let switch = faults.http_switch("aws");
    let router = requests.noted(aws::router(production.clone(), services.clone()), "aws", production);
    addresses.insert("aws", serve(router, &switch, http::plain_refusal)?);
    let actions = aws::routes().map(|(service, operation)| format!("{service}:{operation}"));
    for name in aws::SERVICES.map(str::to_owned).into_iter().chain(actions) {
        let (services, key) = (services.clone(), name.clone());
        faults.add(&name, true, move |fault| {
            services.set(&key, aws_fault(fault));
        });
    }
    let mut probes = vec![dns::start(production, &faults.switch("dns")).await?];
    let (sites, authority) = tls::start(production, &faults.http_switch("tls"))?;
    probes.extend(sites);
    probes.extend(ssh::start(production, &mut faults)?);
    probes.extend(tcp::start(production, &mut faults)?);
    Ok(Running { http: addresses, probes, faults, requests, authority })
}

fn serve(router: Router, switch: &Switch, refusal: Refusal) -> io::Result<SocketAddr> {
    let gate = Gate::open(switch)?;
    let address = gate.address();
    http::serve(gate, router, switch, refusal);
    Ok(address)
}

/// The services of AWS share a listener: one that is stopped cannot be refused alone, so its connections are cut.
const fn aws_fault(fault: Fault) -> AwsFault {
    match fault {
        Fault::Ok => AwsFault::Ok,
        Fault::Hang => AwsFault::Hang,
        Fault::Status(code) => AwsFault::Status(code),
        Fault::Stopped | Fault::Refuse | Fault::Truncate => AwsFault::Truncate,
    }
}

type Setter = Box<dyn Fn(Fault) + Send + Sync>;

/// The faults of all servers by name. Servers may share a name: then it means all of them.
#[derive(Default)]
pub struct Faults(Vec<(String, bool, Setter)>);

impl Faults {
    /// A new switch under that name, for a server that answers no HTTP.
    pub fn switch(&mut self, name: &str) -> Switch {
        let switch = Switch::default();
        self.name(&switch, name);
        switch
    }

    /// A new switch under that name, for a server of HTTP.
    pub fn http_switch(&mut self, name: &str) -> Switch {
        let switch = Switch::default();
        let lever = switch.clone();
        self.add(name, true, move |fault| lever.set(fault));
        switch
    }

    /// One more name for a switch.
    pub fn name(&mut self, switch: &Switch, name: &str) {
        let lever = switch.clone();
        self.add(name, false, move |fault| lever.set(fault));
    }

    /// Something else that takes faults; `http` says whether it can answer with an HTTP status.
    pub fn add(&mut self, name: &str, http: bool, set: impl Fn(Fault) + Send + Sync + 'static) {
        self.0.push((name.to_owned(), http, Box::new(set)));
    }

    /// Sets the fault of every server of that name.
    ///
    /// # Errors
    /// When there is none, or when it speaks no HTTP and is to answer with a status.
    pub fn set(&self, name: &str, fault: Fault) -> Result<(), String> {
        let mut found = false;
        for (_, http, set) in self.0.iter().filter(|(known, _, _)| known == name) {
            if let (Fault::Status(code), false) = (fault, http) {
                return Err(format!("{name} speaks no HTTP and cannot answer {code}"));
            }
            set(fault);
            found = true;
        }
        if found { Ok(()) } else { Err(format!("no server {name:?}; there are {}", self.names().join(", "))) }
    }

    /// Every name, once.
    #[must_use]
    pub fn names(&self) -> Vec<&str> {
        let mut names: Vec<&str> = self.0.iter().map(|(name, _, _)| name.as_str()).collect();
        names.sort_unstable();
        names.dedup();
        names
    }
}
