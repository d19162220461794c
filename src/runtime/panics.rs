//! A panic is a defect of ours, whichever thread meets it: the terminal is given back at once, what happened is written to
//! a file, and the program ends with one sentence that names it. A console that goes on without one of its threads would
//! show a world that nobody watches any more.

use std::backtrace::Backtrace;
use std::fs::{DirBuilder, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::panic::PanicHookInfo;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use super::terminal::restore;

static REPORT: OnceLock<String> = OnceLock::new();

/// Takes over what happens at a panic; reports are written to `folder`.
pub fn install(folder: PathBuf) {
    std::panic::set_hook(Box::new(move |info| {
        restore();
        REPORT.get_or_init(|| sentence(&folder, info));
        tracing::error!("{info}");
    }));
}

/// What to tell the operator, once a thread has panicked.
#[must_use]
pub fn report() -> Option<&'static str> {
    REPORT.get().map(String::as_str)
}

fn sentence(folder: &Path, info: &PanicHookInfo<'_>) -> String {
    let at = info.location().map_or_else(String::new, |at| format!(" at {}:{}", at.file(), at.line()));
    let file = folder.join(format!("panic-{}.txt", rustix::process::getpid()));
    match write(&file, info) {
        Ok(()) => format!("ended by a defect of its own{at}; the report is in {}", file.display()),
        Err(error) => format!(
            "ended by a defect of its own{at}: {}; the report cannot be written to {}: {error}",
            info.payload_as_str().unwrap_or("no message"),
            file.display(),
        ),
    }
}

/// What was said may hold names of production: only this user may read it.
fn write(file: &Path, info: &PanicHookInfo<'_>) -> io::Result<()> {
    if let Some(folder) = file.parent() {
        DirBuilder::new().recursive(true).mode(0o700).create(folder)?;
    }
    let mut report = OpenOptions::new().create(true).write(true).truncate(true).mode(0o600).open(file)?;
    let thread = std::thread::current();
    let thread = thread.name().unwrap_or("without a name");
    let version = env!("CARGO_PKG_VERSION");
    write!(report, "tierdeck {version}, thread {thread}\n{info}\n\n{}\n", Backtrace::force_capture())
}
