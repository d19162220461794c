//! redis_exporter 1.x, postgres_exporter 0.20 and pgbouncer_exporter (prometheus-community).

use crate::demo::store::tsdb::Tsdb;
use crate::demo::world::database::DatabaseFlow;
use crate::demo::world::export::aws::{cache_endpoint, database_endpoint};
use crate::demo::world::model::Model;
use crate::demo::world::noise::{digest, wander};
use crate::demo::world::spec::{self, Cache, Engine, GIB};

use super::page::{Pages, Writer};
use super::running;

pub fn scrape(model: &Model, pages: &mut Pages, tsdb: &mut Tsdb) {
    for (_, pod) in running(model, "redis-exporter") {
        for (number, cache) in spec::CACHES.iter().enumerate() {
            let instance = format!("{}:6379", cache_endpoint(cache.id));
            let base = [("job", "redis"), ("instance", instance.as_str())];
            pages.write(tsdb, ("redis", number as u64), &base, pod.created_at, |w| redis(cache, model, w));
            // Each role has a page of its own: a series ends with the role.
            let primary = model.operations.cache.leads(cache);
            let role = if primary { "redis-master" } else { "redis-slave" };
            pages.write(tsdb, (role, number as u64), &base, pod.created_at, |w| redis_role(cache, model, primary, w));
        }
    }
    for (_, pod) in running(model, "postgres-exporter") {
        let known = model.flow.databases.iter().filter(|d| d.spec.engine != Engine::CloudNativePg);
        for (number, database) in known.enumerate() {
            let instance = format!("{}:5432", database_endpoint(database.spec.id));
            let base = [("job", "postgres"), ("instance", instance.as_str())];
            pages.write(tsdb, ("postgres", number as u64), &base, pod.created_at, |w| {
                postgres(model, database, &instance, w);
            });
            // Aurora's readers stand on the writer's storage: nothing is streamed to them.
            if !database.replica && !database.down && database.spec.engine == Engine::Rds {
                pages.write(tsdb, ("postgres-primary", number as u64), &base, pod.created_at, |w| {
                    senders(model, database, &instance, w);
                });
            }
        }
    }
    let pods = f64::from(model.workload("pgbouncer").map_or(0, |w| w.ready(model.at)).max(1));
    for (workload, pod) in running(model, "pgbouncer") {
        let instance = format!("{}:9127", pod.address);
        let base = [
            ("job", "shop/pgbouncer"),
            ("instance", instance.as_str()),
            ("namespace", workload.spec.namespace),
            ("service", "pgbouncer"),
            ("pod", pod.name.as_str()),
        ];
        pages.write(tsdb, ("pgbouncer", pod.id), &base, pod.created_at, |w| {
            let ready = pod.ready(model.at);
            w.gauge("up", &[], 1.0);
            w.gauge("pgbouncer_up", &[], 1.0);
            for database in model.flow.databases.iter().filter(|d| d.spec.engine != Engine::CloudNativePg) {
                pool(database, if ready { 1.0 / pods } else { 0.0 }, pods, w);
            }
        });
    }
}

fn redis(cache: &Cache, model: &Model, w: &mut Writer) {
    let (flow, primary) = (&model.flow.cache, model.operations.cache.leads(cache));
    w.gauge("up", &[], 1.0);
    w.gauge("redis_up", &[], 1.0);
    // The replica takes the writes of replication only; sessions are read from the primary.
    let commands = if primary { flow.commands } else { flow.commands * 0.12 };
    w.rate("redis_commands_processed_total", &[], commands);
    for (cmd, share) in [("get", 0.84), ("set", 0.12), ("expire", 0.04)] {
        w.rate("redis_commands_total", &[("cmd", cmd)], commands * share);
        w.rate("redis_commands_duration_seconds_total", &[("cmd", cmd)], commands * share * flow.command.mean);
    }
    let reads = commands * 0.84;
    w.rate("redis_keyspace_hits_total", &[], reads * flow.hit_ratio);
    w.rate("redis_keyspace_misses_total", &[], reads * (1.0 - flow.hit_ratio));
    w.gauge("redis_memory_max_bytes", &[], 6.0 * GIB);
    w.gauge("redis_memory_used_bytes", &[], 6.0 * GIB * flow.memory);
    w.gauge("redis_evicted_keys_total", &[], 0.0);
    w.gauge("redis_connected_clients", &[], if primary { flow.connections.round() } else { 6.0 });
    w.gauge("redis_config_maxclients", &[], 65_000.0);
    w.gauge("redis_rejected_connections_total", &[], 0.0);
    w.gauge("redis_blocked_clients", &[], 0.0);
}

/// What a node tells by its role.
fn redis_role(cache: &Cache, model: &Model, primary: bool, w: &mut Writer) {
    let flow = &model.flow.cache;
    let role = ("role", if primary { "master" } else { "slave" });
    w.gauge("redis_instance_info", &[role, ("redis_version", "7.1.0"), ("redis_mode", "standalone")], 1.0);
    if primary {
        w.gauge("redis_connected_slaves", &[], 1.0);
        for replica in spec::CACHES.iter().filter(|c| c.id != cache.id) {
            let labels = [("slave_ip", replica.address), ("slave_port", "6379"), ("slave_state", "online")];
            w.gauge("redis_connected_slave_lag_seconds", &labels, flow.lag.round());
        }
    } else {
        w.gauge("redis_master_link_up", &[], 1.0);
    }
}

fn postgres(model: &Model, flow: &DatabaseFlow, server: &str, w: &mut Writer) {
    w.gauge("up", &[], 1.0);
    // An exporter that cannot connect has nothing else to tell.
    w.gauge("pg_up", &[], if flow.down { 0.0 } else { 1.0 });
    if flow.down {
        return;
    }
    let server = ("server", server);
    w.gauge("pg_settings_max_connections", &[server], spec::MAX_CONNECTIONS);
    w.gauge("pg_settings_superuser_reserved_connections", &[server], spec::RESERVED_CONNECTIONS);
    let on = ("datname", "shop");
    let active = flow.active.round().max(1.0);
    for (state, count) in
        [("active", active), ("idle", (flow.connections - active).round().max(0.0)), ("idle in transaction", 1.0)]
    {
        w.gauge("pg_stat_activity_count", &[on, ("state", state), ("usename", "shop"), server], count);
    }
    let longest = flow.query.mean * (6.0 + 2.0 * wander(digest(flow.spec.id), model.at, 90_000));
    w.gauge("pg_stat_activity_max_tx_duration", &[on, ("state", "active"), server], longest);
    w.rate("pg_stat_database_xact_commit", &[on], flow.queries - flow.failed);
    w.rate("pg_stat_database_xact_rollback", &[on], flow.failed + flow.queries * 0.002);
    w.rate("pg_stat_database_blks_hit", &[on], flow.queries * 42.0);
    w.rate("pg_stat_database_blks_read", &[on], flow.queries * 0.15);
    w.gauge("pg_stat_database_deadlocks", &[on], 0.0);
    w.rate("pg_stat_statements_calls_total", &[on, ("user", "shop")], flow.queries);
    w.rate("pg_stat_statements_seconds_total", &[on, ("user", "shop")], flow.queries * flow.query.mean);
    let bytes = (41.0 + (digest(flow.spec.id) % 3) as f64) * GIB;
    w.gauge("pg_database_size_bytes", &[on], bytes);
    let replica = if flow.replica { 1.0 } else { 0.0 };
    w.gauge("pg_replication_is_replica", &[], replica);
    w.gauge("pg_replication_lag_seconds", &[], if flow.replica { flow.lag } else { 0.0 });
}

/// What a primary knows of those that follow it.
fn senders(model: &Model, flow: &DatabaseFlow, server: &str, w: &mut Writer) {
    let server = ("server", server);
    for other in model.flow.databases.iter().filter(|d| d.replica && d.spec.store == flow.spec.store) {
        let labels =
            [("application_name", other.spec.id), ("client_addr", other.spec.address), ("state", "streaming"), server];
        // The primary writes about 1.5 MiB of log in a second.
        w.gauge("pg_stat_replication_pg_wal_lsn_diff", &labels, (other.lag * 1.5e6).round());
    }
    w.gauge("pg_replication_slots_active", &[("slot_name", "rds_eu_west_1_replica"), server], 1.0);
    w.gauge("pg_stat_archiver_failed_count", &[server], 0.0);
}

/// One database of one PgBouncer process, which has `share` of the work.
fn pool(flow: &DatabaseFlow, share: f64, processes: f64, w: &mut Writer) {
    let database = ("database", flow.spec.id);
    let on = [database, ("user", "shop")];
    w.gauge("pgbouncer_databases_pool_size", &[database, ("name", flow.spec.id)], spec::POOL_SIZE / processes);
    w.gauge("pgbouncer_pools_server_active_connections", &on, flow.active * share);
    w.gauge("pgbouncer_pools_server_idle_connections", &on, ((flow.connections - flow.active) * share).max(0.0));
    w.gauge("pgbouncer_pools_client_active_connections", &on, flow.active * share * 1.4);
    w.gauge("pgbouncer_pools_client_waiting_connections", &on, (flow.waiting() * share).floor());
    w.gauge("pgbouncer_pools_client_maxwait_seconds", &on, if flow.waiting() >= 1.0 { flow.wait * 2.0 } else { 0.0 });
    let queries = flow.queries * share;
    w.rate("pgbouncer_stats_queries_pooled_total", &[database], queries);
    w.rate("pgbouncer_stats_queries_duration_seconds_total", &[database], queries * flow.query.mean);
    w.rate("pgbouncer_stats_client_wait_seconds_total", &[database], queries * flow.wait);
}
