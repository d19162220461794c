//! The cluster's own services: the API server and CoreDNS.

use crate::demo::store::tsdb::Tsdb;
use crate::demo::world::latency::{Duration, MILLISECOND, Mixture};
use crate::demo::world::model::Model;
use crate::demo::world::noise::wander;

use super::histogram::{Bounds, Taken};
use super::page::Pages;
use super::running;

const DNS: [&str; 3] = [
    "coredns_dns_request_duration_seconds_bucket",
    "coredns_dns_request_duration_seconds_sum",
    "coredns_dns_request_duration_seconds_count",
];
const API: [&str; 3] = [
    "apiserver_request_duration_seconds_bucket",
    "apiserver_request_duration_seconds_sum",
    "apiserver_request_duration_seconds_count",
];
/// CoreDNS' bounds (0.25 ms doubled), and some of the API server's.
const DNS_BOUNDS: &[&str] =
    &["0.00025", "0.0005", "0.001", "0.002", "0.004", "0.008", "0.016", "0.032", "0.064", "0.128"];
const API_BOUNDS: &[&str] = &["0.005", "0.025", "0.05", "0.1", "0.2", "0.4", "0.6", "0.8", "1", "2", "4", "10", "60"];

#[derive(Debug)]
pub struct Platform {
    dns: Bounds,
    api: Bounds,
}

impl Default for Platform {
    fn default() -> Self {
        Self { dns: Bounds::new(DNS_BOUNDS), api: Bounds::new(API_BOUNDS) }
    }
}

impl Platform {
    pub fn scrape(&self, model: &Model, pages: &mut Pages, tsdb: &mut Tsdb) {
        self.name_service(model, pages, tsdb);
        self.api_server(model, pages, tsdb);
    }

    fn name_service(&self, model: &Model, pages: &mut Pages, tsdb: &mut Tsdb) {
        // Pods keep their connections, so that few requests need a look-up.
        let queries = (40.0 + 0.25 * model.flow.edge.allowed()) / 2.0;
        let latency = Mixture::of(Duration::spread(0.9 * MILLISECOND, 1.1));
        let (server, zone) = (("server", "dns://:53"), ("zone", "."));
        for (workload, pod) in running(model, "coredns") {
            let instance = format!("{}:9153", pod.address);
            let base = [
                ("job", "coredns"),
                ("instance", instance.as_str()),
                ("namespace", workload.spec.namespace),
                ("pod", pod.name.as_str()),
            ];
            let mut taken = Taken::default();
            taken.add(queries * pages.elapsed, latency.mean(), &self.dns.shares(&latency));
            pages.write(tsdb, ("coredns", pod.id), &base, pod.created_at, |w| {
                w.gauge("up", &[], 1.0);
                w.rate("coredns_dns_requests_total", &[server, zone, ("type", "A")], queries);
                for (rcode, share) in [("NOERROR", 0.84), ("NXDOMAIN", 0.1598), ("SERVFAIL", 0.0002)] {
                    w.rate("coredns_dns_responses_total", &[server, zone, ("rcode", rcode)], queries * share);
                }
                taken.write(w, DNS, &self.dns, [server, zone]);
                w.rate("coredns_cache_hits_total", &[server, ("type", "success")], queries * 0.83);
                w.rate("coredns_cache_misses_total", &[server], queries * 0.17);
            });
        }
    }

    fn api_server(&self, model: &Model, pages: &mut Pages, tsdb: &mut Tsdb) {
        let base = [("job", "apiserver"), ("instance", "10.0.0.4:443")];
        let started = model.at - 30 * 86_400_000;
        let pace = 1.0 + 0.1 * wander(model.seed, model.at, 210_000);
        for (number, (verb, rate, mean)) in
            [("GET", 22.0, 4.0), ("LIST", 3.0, 18.0), ("PATCH", 4.0, 9.0)].iter().enumerate()
        {
            let latency = Mixture::of(Duration::spread(mean * MILLISECOND, 0.9));
            let mut taken = Taken::default();
            taken.add(rate * pace * pages.elapsed, latency.mean(), &self.api.shares(&latency));
            pages.write(tsdb, ("apiserver", number as u64), &base, started, |w| {
                if number == 0 {
                    w.gauge("up", &[], 1.0);
                }
                for (code, share) in [("200", 0.9995), ("500", 0.0005)] {
                    w.rate("apiserver_request_total", &[("verb", verb), ("code", code)], rate * pace * share);
                }
                taken.write(w, API, &self.api, [("verb", verb), ("group", "apps")]);
            });
        }
    }
}
