//! The stores behind the services: PostgreSQL through PgBouncer, and Redis.

use super::latency::{Duration, MILLISECOND};
use super::noise::{digest, mix, wander};
use super::spec::{self, Database};

/// Mean time of a query on an idle instance, in seconds.
const QUERY_TIME: f64 = 3.0 * MILLISECOND;
/// CPU seconds of one query, and the instance's CPUs.
const QUERY_CPU: f64 = 0.0022;
const CPUS: f64 = 4.0;
/// How long PgBouncer lets a client wait for a server connection (`query_wait_timeout`), in seconds.
const WAIT_LIMIT: f64 = 1.0;

/// What has befallen an instance.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct DatabaseState {
    /// It follows the primary of its store.
    pub replica: bool,
    /// Factor on the time of a query: storage that stalls, not load.
    pub slow: f64,
    /// Share of queries that fail.
    pub errors: f64,
    /// How far a replica is behind, in seconds.
    pub lag: f64,
    /// Seconds by which the lag grows in a second.
    pub lag_growth: f64,
    /// Nobody answers: connections are refused.
    pub down: bool,
}

impl Default for DatabaseState {
    fn default() -> Self {
        Self { replica: false, slow: 1.0, errors: 0.0, lag: 0.0, lag_growth: 0.0, down: false }
    }
}

impl DatabaseState {
    /// As the world begins.
    #[must_use]
    pub fn of(database: &Database) -> Self {
        Self { replica: database.replica, ..Self::default() }
    }
}

/// One instance under its load.
#[derive(Clone, Debug)]
pub struct DatabaseFlow {
    pub spec: &'static Database,
    pub replica: bool,
    /// Queries per second, of which `failed` per second end in an error.
    pub queries: f64,
    pub failed: f64,
    /// Time of a query on the server, without the wait for a connection.
    pub query: Duration,
    /// Mean wait for a server connection, in seconds.
    pub wait: f64,
    /// Server connections busy, and open.
    pub active: f64,
    pub connections: f64,
    /// Share of the instance's CPU.
    pub cpu: f64,
    pub lag: f64,
    /// Queue of the storage: 0.3 on a good day.
    pub disk_queue: f64,
    pub down: bool,
}

impl DatabaseFlow {
    /// What a caller waits for one query.
    #[must_use]
    pub fn as_seen(&self) -> Duration {
        self.query.then(Duration::spread(self.wait, 0.6))
    }

    /// Clients that wait for a server connection.
    #[must_use]
    pub fn waiting(&self) -> f64 {
        self.queries * self.wait
    }

    #[must_use]
    pub fn error_share(&self) -> f64 {
        if self.queries > 0.0 { self.failed / self.queries } else { 0.0 }
    }
}

/// Serves `queries` per second on an instance.
#[must_use]
pub fn serve(spec: &'static Database, queries: f64, state: &DatabaseState, seed: u64, at: i64) -> DatabaseFlow {
    if state.down {
        return unreachable(spec, queries, state);
    }
    let own = mix(seed, digest(spec.id));
    let cpu = (0.06 + queries * QUERY_CPU / CPUS * (1.0 + 0.04 * wander(own, at, 420_000))).min(0.98);
    let mean = QUERY_TIME * state.slow * (1.0 + 0.5 * cpu / (1.0 - cpu)) * (1.0 + 0.05 * wander(own, at, 300_000));
    let wanted = queries * mean;
    let pressure = wanted / spec::POOL_SIZE;
    let (wait, refused) = if pressure < 1.0 {
        ((mean * pressure.powi(30) / ((1.0 - pressure) * spec::POOL_SIZE)).min(WAIT_LIMIT), 0.0)
    } else {
        (WAIT_LIMIT, 1.0 - 1.0 / pressure)
    };
    let active = wanted.min(spec::POOL_SIZE);
    // Idle connections are kept open: PgBouncer's floor and those of monitoring and replication.
    let connections = (active * 1.15 + 16.0 + 2.0 * wander(own, at, 240_000)).min(spec::POOL_SIZE + 28.0);
    DatabaseFlow {
        spec,
        replica: state.replica,
        queries,
        failed: queries * (1.0 - (1.0 - state.errors) * (1.0 - refused)),
        query: Duration::spread(mean, 0.9),
        wait,
        active,
        connections,
        cpu,
        lag: state.lag + if state.replica { 0.03 + 0.02 * wander(own, at, 130_000).abs() } else { 0.0 },
        disk_queue: 0.3 * state.slow.powf(1.1) * (1.0 + 0.1 * wander(own, at, 90_000)),
        down: false,
    }
}

/// An instance that refuses connections: every query waits for one as long as PgBouncer lets it, and fails.
fn unreachable(spec: &'static Database, queries: f64, state: &DatabaseState) -> DatabaseFlow {
    DatabaseFlow {
        spec,
        replica: state.replica,
        queries,
        failed: queries,
        query: Duration::spread(MILLISECOND, 0.5),
        wait: WAIT_LIMIT,
        active: 0.0,
        connections: 0.0,
        cpu: 0.0,
        lag: state.lag,
        disk_queue: 0.0,
        down: true,
    }
}

/// The replication group of Redis under its load.
#[derive(Clone, Debug)]
pub struct CacheFlow {
    /// Commands per second on the primary.
    pub commands: f64,
    pub hit_ratio: f64,
    /// Mean time of a command, in seconds.
    pub command: Duration,
    pub connections: f64,
    /// Share of the engine's one CPU, and of the memory.
    pub cpu: f64,
    pub memory: f64,
    /// Seconds the replica is behind.
    pub lag: f64,
}

/// A command whose connection must be made anew takes this much longer on average, in seconds.
const RECONNECT: f64 = 60.0 * MILLISECOND;

/// Serves `commands` per second.
#[must_use]
pub fn serve_cache(commands: f64, reconnects: bool, seed: u64, at: i64) -> CacheFlow {
    let own = mix(seed, digest(spec::REPLICATION_GROUP));
    let cpu = (0.03 + commands / 40_000.0).min(0.95);
    CacheFlow {
        commands,
        hit_ratio: 0.955 + 0.01 * wander(own, at, 700_000),
        command: Duration::spread(0.25 * MILLISECOND / (1.0 - cpu) + if reconnects { RECONNECT } else { 0.0 }, 0.7),
        connections: 64.0 + 3.0 * wander(own, at, 200_000),
        cpu,
        memory: 0.55 + 0.02 * wander(own, at, 3_000_000),
        lag: 0.4 + 0.2 * wander(own, at, 110_000),
    }
}
