//! The program's own log: a file, never the terminal.

use std::path::Path;

use rustix::fs::Mode;
use tracing_appender::non_blocking::WorkerGuard;
use tracing_subscriber::filter::LevelFilter;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;

/// Logs JSON lines to `folder/tierdeck.log.DATE`. The guard writes what is left when it is dropped. A folder that cannot
/// be written means no log, not no program. What is logged may name production: only this user may read it, and whatever
/// else this process makes from now on.
#[must_use]
pub fn start(folder: &Path) -> Option<WorkerGuard> {
    // The appender makes a new file every day and takes no mode for it.
    rustix::process::umask(Mode::RWXG | Mode::RWXO);
    std::fs::create_dir_all(folder).ok()?;
    let file = tracing_appender::rolling::Builder::new()
        .rotation(tracing_appender::rolling::Rotation::DAILY)
        .filename_prefix("tierdeck.log")
        .max_log_files(7)
        .build(folder)
        .ok()?;
    let (writer, guard) = tracing_appender::non_blocking(file);
    tracing_subscriber::registry()
        .with(LevelFilter::INFO)
        .with(tracing_subscriber::fmt::layer().json().with_writer(writer))
        .try_init()
        .ok()?;
    Some(guard)
}
