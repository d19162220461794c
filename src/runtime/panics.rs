//! A panic is a defect of ours. On a thread that the program cannot go on without (the loop, the terminal's reader and
//! writer) the terminal is given back at once, what happened is written to a file, and the program ends with one sentence
//! that names it. In a task it ends that task: its source fails in its own words and is started again.

use std::backtrace::Backtrace;
use std::fs::{DirBuilder, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::panic::PanicHookInfo;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use color_eyre::config::{HookBuilder, PanicHook, Theme};

use super::terminal::restore;

/// What tokio calls the threads that tasks run on.
const TASKS: &str = "tokio-rt-worker";

static REPORT: OnceLock<String> = OnceLock::new();

/// Takes over what happens at a panic; reports are written to `folder`.
pub fn install(folder: PathBuf) {
    let (report, _) = HookBuilder::blank().theme(Theme::new()).display_env_section(false).into_hooks();
    std::panic::set_hook(Box::new(move |info| {
        tracing::error!("{info}");
        if std::thread::current().name() != Some(TASKS) {
            restore();
            REPORT.get_or_init(|| sentence(&folder, &report, info));
        }
    }));
}

/// What to tell the operator, once a thread has panicked that the program needs.
#[must_use]
pub fn report() -> Option<&'static str> {
    REPORT.get().map(String::as_str)
}

fn sentence(folder: &Path, report: &PanicHook, info: &PanicHookInfo<'_>) -> String {
    let at = info.location().map_or_else(String::new, |at| format!(" at {}:{}", at.file(), at.line()));
    let file = folder.join(format!("panic-{}.txt", rustix::process::getpid()));
    match write(&file, report, info) {
        Ok(()) => format!("ended by a defect of its own{at}; the report is in {}", file.display()),
        Err(error) => format!(
            "ended by a defect of its own{at}: {}; the report cannot be written to {}: {error}",
            info.payload_as_str().unwrap_or("no message"),
            file.display(),
        ),
    }
}

/// What was said may hold names of production: only this user may read it.
fn write(file: &Path, report: &PanicHook, info: &PanicHookInfo<'_>) -> io::Result<()> {
    if let Some(folder) = file.parent() {
        DirBuilder::new().recursive(true).mode(0o700).create(folder)?;
    }
    let report = report.panic_report(info);
    let mut file = OpenOptions::new().create(true).write(true).truncate(true).mode(0o600).open(file)?;
    let thread = std::thread::current();
    let thread = thread.name().unwrap_or("without a name");
    let version = env!("CARGO_PKG_VERSION");
    write!(file, "tierdeck {version}, thread {thread}\n{report}\n\n{}\n", Backtrace::force_capture())
}
