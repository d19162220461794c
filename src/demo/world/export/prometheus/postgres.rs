//! What the instances of a CloudNativePG cluster expose themselves on port 9187: the operator's default queries
//! (cloudnative-pg, `config/manager/default-monitoring.yaml`), with the labels that a PodMonitor adds.
//!
//! `cnpg_pg_replication_lag` is how far a replica is behind in replaying what it has received. What it has not received
//! only the primary knows (`cnpg_pg_stat_replication_*`), so that nobody tells it once the primary is gone.

use crate::demo::store::tsdb::Tsdb;
use crate::demo::world::database::DatabaseFlow;
use crate::demo::world::model::Model;
use crate::demo::world::operations::postgres::Cluster;
use crate::demo::world::pod::Pod;
use crate::demo::world::spec::{self, GIB};

use super::page::{Pages, Writer};
use super::running;

pub fn scrape(model: &Model, pages: &mut Pages, tsdb: &mut Tsdb) {
    for cluster in &model.operations.postgres {
        let members = || model.flow.databases.iter().skip(cluster.first).take(cluster.store.members.len());
        let job = format!("{}/{}", spec::NAMESPACE, cluster.store.name);
        for (_, pod) in running(model, cluster.store.name) {
            let Some(flow) = members().find(|flow| flow.spec.id == pod.name) else { continue };
            let instance = format!("{}:9187", pod.address);
            let base = [
                ("job", job.as_str()),
                ("instance", instance.as_str()),
                ("namespace", spec::NAMESPACE),
                ("pod", pod.name.as_str()),
                ("container", "postgres"),
                ("endpoint", "metrics"),
            ];
            let up = pod.hung_at.is_none();
            pages
                .write(tsdb, ("up", pod.id), &base, pod.created_at, |w| w.gauge("up", &[], if up { 1.0 } else { 0.0 }));
            if !up {
                continue;
            }
            pages.write(tsdb, ("cnpg", pod.id), &base, pod.created_at, |w| instance_page(cluster, flow, pod, w));
            if !flow.replica && !flow.down {
                let others: Vec<&DatabaseFlow> = members().filter(|other| other.replica && !other.down).collect();
                pages.write(tsdb, ("cnpg-primary", pod.id), &base, pod.created_at, |w| senders(&others, w));
            }
        }
    }
}

fn flag(on: bool) -> f64 {
    if on { 1.0 } else { 0.0 }
}

fn instance_page(cluster: &Cluster, flow: &DatabaseFlow, pod: &Pod, w: &mut Writer) {
    w.gauge("cnpg_collector_up", &[("cluster", cluster.store.name)], flag(!flow.down));
    w.gauge("cnpg_pg_postmaster_start_time", &[], pod.created_at as f64 / 1_000.0);
    w.gauge("cnpg_pg_replication_in_recovery", &[], flag(flow.replica));
    w.gauge("cnpg_pg_replication_is_wal_receiver_up", &[], flag(flow.replica && !flow.down));
    w.gauge("cnpg_pg_replication_lag", &[], 0.0);
    let on = ("datname", "ledger");
    let active = flow.active.round().max(1.0);
    for (state, count) in [("active", active), ("idle", (flow.connections - active).round().max(0.0))] {
        w.gauge("cnpg_backends_total", &[on, ("state", state), ("usename", "ledger")], count);
    }
    w.gauge("cnpg_pg_settings_setting", &[("name", "max_connections")], spec::MAX_CONNECTIONS);
    w.rate("cnpg_pg_stat_database_xact_commit", &[on], flow.queries - flow.failed);
    w.rate("cnpg_pg_stat_database_xact_rollback", &[on], flow.failed + flow.queries * 0.002);
    w.gauge("cnpg_pg_database_size_bytes", &[on], 18.0 * GIB);
}

/// What the primary knows of those that follow it.
fn senders(replicas: &[&DatabaseFlow], w: &mut Writer) {
    w.gauge("cnpg_pg_replication_streaming_replicas", &[], replicas.len() as f64);
    for replica in replicas {
        let labels = [("application_name", replica.spec.id), ("usename", "streaming_replica")];
        w.gauge("cnpg_pg_stat_replication_flush_lag_seconds", &labels, replica.lag);
        w.gauge("cnpg_pg_stat_replication_flush_diff_bytes", &labels, (replica.lag * 1.5e6).round());
    }
}
