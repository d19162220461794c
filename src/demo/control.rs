//! Starting the embedded world, and the commands that steer it while it runs.

mod commands;
mod files;
mod folder;

#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::{Arc, mpsc};
use std::thread::JoinHandle;
use std::time::Duration;

use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::oneshot;

use super::clock::Clock;
use super::production::{Production, WorldHandle};
use super::servers::{self, Probe, Running};
use super::world::{self, World, WorldError};
use folder::Folder;

pub use files::{serve_json, serve_words};

/// How often the world is moved to what its clock shows, of the wall's time.
const TICK: Duration = Duration::from_millis(200);

/// What to start. `speed` is how much faster than the wall's the world's time runs; at 0 it stands still, and moves by
/// [`WorldHandle::advance`] alone.
#[derive(Clone, Debug)]
pub struct DemoOptions {
    pub world: world::Options,
    pub speed: f64,
    /// World time at the start, ms since the Unix epoch; the wall's when absent.
    pub at: Option<i64>,
}

impl Default for DemoOptions {
    fn default() -> Self {
        Self { world: world::Options::default(), speed: 1.0, at: None }
    }
}

#[derive(Debug, thiserror::Error)]
pub enum DemoError {
    #[error(transparent)]
    World(#[from] WorldError),
    #[error("cannot start the embedded world: {0}")]
    Io(#[from] std::io::Error),
    #[error("{} cannot be written: {why}; set TMPDIR to a folder that can", .folder.display())]
    Folder { folder: PathBuf, why: std::io::Error },
    #[error("cannot write the demo's config: {0}")]
    Config(#[from] toml::ser::Error),
}

/// Where a running demo is reached. Paths lie in `folder`, which goes when the demo is dropped.
#[derive(Clone, Debug)]
pub struct Endpoints {
    pub world: String,
    pub scenario: String,
    pub seed: u64,
    pub folder: PathBuf,
    pub kubeconfig: PathBuf,
    /// Base URLs; empty when the world has no such server.
    pub prometheus: String,
    pub alertmanager: String,
    /// What the AWS CLI and kubectl take from the environment.
    pub env: BTreeMap<String, String>,
    /// The world's clock when the demo started.
    pub clock: Clock,
    pub audit_dir: PathBuf,
    pub config: PathBuf,
    /// The listeners that probes meet: dns, https, ssh, postgres, redis.
    pub probes: Vec<Probe>,
}

/// A running world with its servers, on a thread and a runtime of its own. Dropping it stops them.
pub struct Demo {
    endpoints: Endpoints,
    production: Arc<Production>,
    running: Running,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
    _folder: Folder,
}

/// Starts a world and its servers; returns when all of them listen and the demo's files are written.
///
/// # Errors
/// When the world or scenario is not known, or when the system gives no thread, port or folder.
pub fn start(options: &DemoOptions) -> Result<Demo, DemoError> {
    let clock = Clock::start(options.speed);
    let clock = Clock { world: options.at.unwrap_or(clock.world), ..clock };
    let production = Arc::new(Production::new(World::new(&options.world, clock.world)?, clock));
    let (started, result) = mpsc::sync_channel(1);
    let (stop, stopped) = oneshot::channel();
    let shared = production.clone();
    let thread = std::thread::Builder::new().name("demo".to_owned()).spawn(move || run(&shared, &started, stopped))?;
    let running = result.recv().unwrap_or_else(|_| Err(std::io::Error::other("its thread ended")))?;
    let folder = Folder::create(&std::env::temp_dir())?;
    let endpoints = files::write(folder.path(), options, &production, &running)?;
    Ok(Demo { endpoints, production, running, stop: Some(stop), thread: Some(thread), _folder: folder })
}

/// The demo's thread: the servers' tasks beside the world's ticker, until told to stop.
fn run(
    production: &Arc<Production>,
    started: &mpsc::SyncSender<std::io::Result<Running>>,
    stopped: oneshot::Receiver<()>,
) {
    let runtime =
        tokio::runtime::Builder::new_multi_thread().worker_threads(2).thread_name("demo-server").enable_all().build();
    let runtime = match runtime {
        Ok(runtime) => runtime,
        Err(error) => {
            started.send(Err(error)).ok();
            return;
        }
    };
    runtime.block_on(async {
        let running = servers::start(production).await;
        let listening = running.is_ok();
        if started.send(running).is_ok() && listening {
            tokio::select! {
                () = tick(production) => {}
                _ = stopped => {}
            }
        }
    });
    runtime.shutdown_background();
}

/// Keeps the world at its clock. A standing clock needs nobody.
async fn tick(production: &Arc<Production>) {
    let mut ticks = tokio::time::interval(TICK);
    ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        ticks.tick().await;
        if production.clock().rate > 0.0 {
            production.advance();
        }
    }
}

/// Waits for a signal that means the end; for ever when signals cannot be had.
async fn signalled() {
    let kinds = [SignalKind::terminate(), SignalKind::interrupt(), SignalKind::hangup(), SignalKind::quit()];
    let waits = kinds.into_iter().map(|kind| {
        Box::pin(async move {
            match signal(kind) {
                Ok(mut signal) => drop(signal.recv().await),
                Err(_) => std::future::pending().await,
            }
        })
    });
    futures::future::select_all(waits).await;
}

impl Demo {
    #[must_use]
    pub fn endpoints(&self) -> &Endpoints {
        &self.endpoints
    }

    /// Takes one control command and answers with one line that begins with `ok` or `error: ` (PRODUCT.md 10).
    #[must_use]
    pub fn command(&self, line: &str) -> String {
        match commands::apply(self, line) {
            Ok(answer) => answer,
            Err(error) => format!("error: {error}"),
        }
    }

    /// Ends the process on SIGTERM, SIGINT, SIGHUP and SIGQUIT, after the demo's folder has been removed. For a process that is
    /// nothing but a demo.
    ///
    /// # Errors
    /// When the system gives no thread or no signals.
    pub fn end_on_signal(&self) -> std::io::Result<()> {
        let folder = self.endpoints.folder.clone();
        let runtime = tokio::runtime::Builder::new_current_thread().enable_io().build()?;
        std::thread::Builder::new().name("demo-signals".to_owned()).spawn(move || {
            runtime.block_on(signalled());
            // What cannot be removed is left to the system's own cleaning of its folder for temporary files.
            std::fs::remove_dir_all(&folder).ok();
            std::process::exit(0);
        })?;
        Ok(())
    }

    /// Moves the world of a demo started with speed 0.
    #[must_use]
    pub fn handle(&self) -> WorldHandle {
        WorldHandle::new(self.production.clone())
    }

    #[cfg(test)]
    pub(super) fn production(&self) -> &Production {
        &self.production
    }

    /// Address of the HTTP API of that name.
    #[must_use]
    pub fn address(&self, server: &str) -> Option<SocketAddr> {
        self.running.http.get(server).copied()
    }
}

impl Drop for Demo {
    fn drop(&mut self) {
        drop(self.stop.take());
        if let Some(thread) = self.thread.take() {
            thread.join().ok();
        }
    }
}
