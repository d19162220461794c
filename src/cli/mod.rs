//! The command line: one file per subcommand.

// The environment is read here, once, and handed on.
#![allow(clippy::disallowed_methods)]

mod audit;
mod commands;
mod completion;
mod console;
mod demo;
mod doctor;
mod out;
mod places;
mod run;
mod snapshot;
mod status;

use std::ffi::OsString;
use std::io::Write;
use std::panic::AssertUnwindSafe;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Args, Parser, Subcommand};

use crate::runtime::panics;

/// Exit codes of the contract (PRODUCT section 10).
pub const OK: u8 = 0;
pub const ERROR: u8 = 1;
pub const USAGE: u8 = 2;
pub const NOT_CONFIRMED: u8 = 4;
pub const UNVERIFIED: u8 = 5;

/// A terminal operations console for the person on call.
#[derive(Debug, Parser)]
#[command(name = "tierdeck", version, about, max_term_width = 100)]
struct Cli {
    #[command(flatten)]
    global: Global,
    #[command(subcommand)]
    command: Option<Command>,
}

#[derive(Clone, Debug, Args)]
struct Global {
    /// Configuration file [default: $XDG_CONFIG_HOME/tierdeck/config.toml, if it is there]
    #[arg(long, global = true, env = "TIERDECK_CONFIG", value_name = "FILE")]
    config: Option<PathBuf>,
    /// Theme: a name (dark) or a file
    #[arg(long, global = true, value_name = "THEME")]
    theme: Option<String>,
    /// Keymap: a name (default) or a file
    #[arg(long, global = true, value_name = "KEYMAP")]
    keymap: Option<String>,
    /// Draw with ASCII characters only
    #[arg(long, global = true)]
    ascii: bool,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Look at the embedded production world, or only serve it
    Demo(demo::DemoArgs),
    /// Tell the health of every tier once (the default when the output is no terminal)
    Status(status::StatusArgs),
    /// Operate without the console: plan, guards, trail and verification are the same
    Run(run::RunArgs),
    /// Write one screen as text or SVG
    Snapshot(snapshot::SnapshotArgs),
    /// Read and check the audit trail
    Audit(audit::AuditArgs),
    /// Check that everything that is configured works
    Doctor(doctor::DoctorArgs),
    /// Write the completion script of a shell
    Completion { shell: clap_complete::Shell },
}

/// Something the user has to mend, with the exit code it means.
#[derive(Debug)]
struct Failure {
    code: u8,
    message: String,
}

impl Failure {
    fn usage(message: impl std::fmt::Display) -> Self {
        Self { code: USAGE, message: message.to_string() }
    }

    fn error(message: impl std::fmt::Display) -> Self {
        Self { code: ERROR, message: message.to_string() }
    }
}

/// Parses the arguments, runs, and turns every end into an exit code.
#[must_use]
pub fn main() -> ExitCode {
    ExitCode::from(exit_code(std::env::args_os()))
}

/// The same for given arguments, the first of which is the program's name. For one run in a process.
pub fn exit_code(args: impl IntoIterator<Item = OsString>) -> u8 {
    panics::install(places::state_home());
    let result = std::panic::catch_unwind(AssertUnwindSafe(|| run(args)));
    // A panic on another thread that is needed counts as well, whatever came of the rest.
    if let Some(report) = panics::report() {
        out::error(report);
        return ERROR;
    }
    match result {
        Ok(Ok(code)) => code,
        Ok(Err(failure)) => {
            out::error(&failure.message);
            failure.code
        }
        Err(_) => ERROR,
    }
}

fn run(args: impl IntoIterator<Item = OsString>) -> Result<u8, Failure> {
    let cli = match Cli::try_parse_from(args) {
        Ok(cli) => cli,
        Err(error) if error.use_stderr() => {
            // Without standard error nobody can be told.
            let _ = error.print();
            return Ok(USAGE);
        }
        Err(help) => {
            out::written(help.print().and_then(|()| std::io::stdout().flush()))?;
            return Ok(OK);
        }
    };
    match cli.command {
        None => console::run(&cli.global),
        Some(Command::Demo(args)) => demo::run(&cli.global, &args),
        Some(Command::Status(args)) => status::run(&cli.global, &args),
        Some(Command::Run(args)) => run::run(&cli.global, &args),
        Some(Command::Snapshot(args)) => snapshot::run(&cli.global, &args),
        Some(Command::Audit(args)) => audit::run(&cli.global, &args),
        Some(Command::Doctor(args)) => doctor::run(&cli.global, &args),
        Some(Command::Completion { shell }) => completion::run(shell),
    }
}
