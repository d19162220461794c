//! node_exporter on the worker nodes and the bastion hosts.

use crate::demo::store::tsdb::Tsdb;
use crate::demo::world::model::Model;
use crate::demo::world::noise::{digest, mix, wander};
use crate::demo::world::spec::{self, GIB};

use super::cluster::memory;
use super::page::{Pages, Writer};
use super::running;

/// One host as its exporter sees it.
struct Host<'a> {
    name: &'a str,
    seed: u64,
    cpus: u32,
    /// Busy cores and used bytes.
    busy: f64,
    used: f64,
    memory: f64,
    disk: f64,
    booted_at: i64,
    bastion: bool,
}

pub fn scrape(model: &Model, pages: &mut Pages, tsdb: &mut Tsdb) {
    for (workload, pod) in running(model, "node-exporter") {
        let (cpu, used) = node_load(model, pod.node.name);
        let base = [
            ("job", "node-exporter"),
            ("instance", pod.instance.as_str()),
            ("namespace", workload.spec.namespace),
            ("pod", pod.name.as_str()),
            ("node", pod.node.name),
        ];
        let host = Host {
            name: pod.node.name,
            seed: mix(model.seed, digest(pod.node.name)),
            cpus: spec::NODE_CPUS,
            busy: cpu,
            used,
            memory: spec::NODE_MEMORY,
            disk: 80.0 * GIB,
            booted_at: pod.created_at - 90_000,
            bastion: false,
        };
        pages.write(tsdb, ("host", host.seed), &base, host.booted_at, |w| expose(model, &host, w));
    }
    for (name, address) in spec::BASTIONS {
        let instance = format!("{address}:9100");
        let base = [("job", "bastion"), ("instance", instance.as_str()), ("nodename", name)];
        let seed = mix(model.seed, digest(name));
        let host = Host {
            name,
            seed,
            cpus: 2,
            busy: 0.08 + 0.03 * wander(seed, model.at, 400_000),
            used: 1.1 * GIB,
            memory: 4.0 * GIB,
            disk: 20.0 * GIB,
            booted_at: booted_at(model.seed),
            bastion: true,
        };
        pages.write(tsdb, ("host", seed), &base, host.booted_at, |w| expose(model, &host, w));
    }
}

/// The bastions were last rebooted on a patch day in 2023.
fn booted_at(seed: u64) -> i64 {
    1_690_000_000_000 + (mix(seed, 99) % 3_600_000) as i64
}

/// Busy cores and used bytes of a node: its pods and what the system itself needs.
#[must_use]
pub fn node_load(model: &Model, node: &str) -> (f64, f64) {
    let own = mix(model.seed, digest(node));
    let (mut cpu, mut used) = (0.25 + 0.03 * wander(own, model.at, 250_000), 1.6 * GIB);
    for workload in &model.workloads {
        for pod in workload.pods.iter().filter(|p| p.node.name == node && p.started(model.at)) {
            cpu += if pod.ready(model.at) { model.pod_cpu(workload, pod.revision) } else { 0.05 };
            used += memory(model, workload, pod);
        }
    }
    (cpu, used)
}

fn expose(model: &Model, host: &Host, w: &mut Writer) {
    w.gauge("up", &[], 1.0);
    let kernel = [("nodename", host.name), ("release", "6.1.0-40"), ("sysname", "Linux"), ("machine", "x86_64")];
    w.gauge("node_uname_info", &kernel, 1.0);
    w.gauge("node_boot_time_seconds", &[], (host.booted_at / 1_000) as f64);
    let per_cpu = (host.busy / f64::from(host.cpus)).min(0.99);
    for cpu in ["0", "1", "2", "3"].into_iter().take(host.cpus as usize) {
        let (iowait, steal) = (0.004, 0.001);
        let modes = [
            ("user", per_cpu * 0.75),
            ("system", per_cpu * 0.25),
            ("iowait", iowait),
            ("steal", steal),
            ("idle", (1.0 - per_cpu - iowait - steal).max(0.0)),
        ];
        for (mode, share) in modes {
            w.rate("node_cpu_seconds_total", &[("cpu", cpu), ("mode", mode)], share);
        }
    }
    w.gauge("node_load1", &[], host.busy * (1.1 + 0.1 * wander(host.seed, model.at, 120_000)));
    w.gauge("node_memory_MemTotal_bytes", &[], host.memory);
    w.gauge("node_memory_MemAvailable_bytes", &[], host.memory - host.used);
    storage(host, w);
    for (metric, share) in [
        ("node_pressure_cpu_waiting_seconds_total", per_cpu * 0.04),
        ("node_pressure_memory_stalled_seconds_total", 0.0),
        ("node_pressure_io_stalled_seconds_total", 0.002),
        ("node_vmstat_pgmajfault", 0.4),
        ("node_netstat_Tcp_OutSegs", 4_000.0),
        ("node_netstat_Tcp_RetransSegs", 1.2),
    ] {
        w.rate(metric, &[], share);
    }
    w.gauge("node_vmstat_oom_kill", &[], 0.0);
    w.gauge("node_filefd_allocated", &[], 4_200.0);
    w.gauge("node_filefd_maximum", &[], 1_048_576.0);
    w.gauge("node_nf_conntrack_entries", &[], (3_100.0 + 300.0 * wander(host.seed, model.at, 300_000)).round());
    w.gauge("node_nf_conntrack_entries_limit", &[], 131_072.0);
    w.gauge("node_timex_offset_seconds", &[], 2e-4 * wander(host.seed, model.at, 600_000));
    w.gauge("node_timex_sync_status", &[], 1.0);
    let device = [("device", "eth0")];
    w.rate("node_network_receive_bytes_total", &device, 6e6 * (0.2 + per_cpu));
    w.rate("node_network_transmit_bytes_total", &device, 7e6 * (0.2 + per_cpu));
    w.rate("node_network_receive_packets_total", &device, 5_000.0 * (0.2 + per_cpu));
    w.gauge("node_network_receive_errs_total", &device, 0.0);
    for collector in ["cpu", "meminfo", "filesystem", "timex"] {
        w.gauge("node_scrape_collector_success", &[("collector", collector)], 1.0);
    }
    if host.bastion {
        for unit in ["sshd.service", "chronyd.service", "rsyslogd.service"] {
            for (state, value) in [("active", 1.0), ("failed", 0.0)] {
                w.gauge("node_systemd_unit_state", &[("name", unit), ("state", state)], value);
            }
            w.gauge("node_systemd_service_restart_total", &[("name", unit)], 0.0);
        }
    }
}

fn storage(host: &Host, w: &mut Writer) {
    let root = [("device", "/dev/nvme0n1p1"), ("fstype", "xfs"), ("mountpoint", "/")];
    w.gauge("node_filesystem_size_bytes", &root, host.disk);
    w.gauge("node_filesystem_avail_bytes", &root, host.disk * (0.55 + (host.seed % 10) as f64 / 100.0));
    w.gauge("node_filesystem_readonly", &root, 0.0);
    w.gauge("node_filesystem_files", &root, 4e7);
    w.gauge("node_filesystem_files_free", &root, 3.9e7);
    let device = [("device", "nvme0n1")];
    w.rate("node_disk_io_time_seconds_total", &device, 0.03);
    w.rate("node_disk_io_time_weighted_seconds_total", &device, 0.05);
}
