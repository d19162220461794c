//! `tierdeck audit list | show | verify | export | resolve`: reads the trail, changes nothing but by adding a record.

mod export;
mod resolve;
mod text;

use std::path::{Path, PathBuf};

use clap::{Args, Subcommand};
use serde::Serialize;
use serde_json::value::RawValue;

use super::{Failure, Global, OK, out, places};
use crate::audit::query::{self, Filter};
use crate::audit::record::summary::{State, Summary};
use crate::audit::record::{Head, Outcome};
use crate::audit::verify::{Damage, Report, verify};
use crate::domain::file;
use crate::domain::text::Shown;
use crate::domain::time::{Clock, Stamp};
use crate::report::SCHEMA;
use crate::report::audit::{Checkpoint, Finding, List, Operation, Show, Verified};
use crate::runtime::clock::Clocks;

/// The largest checkpoint that is read, bytes: it holds 200 of them for a stream.
const CHECKPOINT_CAP: u64 = 64 << 20;

#[derive(Clone, Debug, Args)]
pub struct AuditArgs {
    /// The trail's folder [default: `dir` of [audit], else $XDG_STATE_HOME/tierdeck/audit]
    #[arg(long, global = true, value_name = "DIR")]
    dir: Option<PathBuf>,
    #[command(subcommand)]
    command: Command,
}

#[derive(Clone, Debug, Subcommand)]
enum Command {
    /// Operations, newest first
    List {
        #[command(flatten)]
        filter: FilterArgs,
        /// One JSON document (schema 1)
        #[arg(long)]
        json: bool,
    },
    /// Every record of one operation
    Show {
        /// The operation's id, or at least 4 characters of its beginning or end
        id: String,
        /// One JSON document (schema 1)
        #[arg(long)]
        json: bool,
    },
    /// Check every byte: 0 whole, 1 altered, 2 only a torn end, 3 shorter than is known, 4 something is in doubt
    Verify {
        /// Output of an earlier `audit verify --json`, kept elsewhere: all it knew must still be there
        #[arg(long, value_name = "FILE")]
        checkpoint: Option<PathBuf>,
        /// One JSON document (schema 1)
        #[arg(long)]
        json: bool,
    },
    /// Records in another form, on standard output
    Export {
        #[command(flatten)]
        filter: FilterArgs,
        #[arg(long, value_enum, default_value = "jsonl")]
        format: export::Format,
    },
    /// Say how an operation in doubt really ended
    Resolve {
        /// The operation's id, or at least 4 characters of its beginning or end
        id: String,
        /// What the real state shows
        #[arg(long, value_parser = known_outcome)]
        outcome: Outcome,
        /// How you know
        #[arg(long)]
        reason: String,
        /// Only this step
        #[arg(long)]
        step: Option<u32>,
    },
}

#[derive(Clone, Debug, Args)]
struct FilterArgs {
    /// User or identity, any part of it
    #[arg(long)]
    who: Option<String>,
    /// Operation, any part of it, or the kind of a record
    #[arg(long)]
    what: Option<String>,
    /// Target, any part of it
    #[arg(long)]
    target: Option<String>,
    /// Environment, any part of it
    #[arg(long)]
    environment: Option<String>,
    /// verified, failed, no-effect, overridden, partly-done, unknown, unverified, in-doubt, in-flight, planned, denied
    #[arg(long, value_parser = known_state)]
    outcome: Option<String>,
    /// RFC 3339, or how long ago: 30m, 12h, 7d
    #[arg(long, value_parser = moment)]
    since: Option<Stamp>,
    /// RFC 3339, or how long ago
    #[arg(long, value_parser = moment)]
    until: Option<Stamp>,
}

impl From<&FilterArgs> for Filter {
    fn from(args: &FilterArgs) -> Self {
        let FilterArgs { who, what, target, environment, outcome, since, until } = args.clone();
        Self { who, what, target, environment, outcome, since, until }
    }
}

pub fn run(global: &Global, args: &AuditArgs) -> Result<u8, Failure> {
    let settings = places::settings(global)?;
    let trail = match &args.dir {
        // The default folder is made by the first session; one that was named is a mistake when it is not there.
        Some(dir) if !dir.exists() => {
            return Err(Failure::usage(format!("--dir {}: there is no such folder", dir.display())));
        }
        Some(dir) => dir.clone(),
        None => places::audit_folder(global, &settings)?,
    };
    match &args.command {
        Command::List { filter, json } => list(&trail, &filter.into(), *json),
        Command::Show { id, json } => show(&trail, id, *json),
        Command::Verify { checkpoint, json } => check(&trail, checkpoint.as_deref(), *json),
        Command::Export { filter, format } => export::run(&trail, &filter.into(), *format),
        Command::Resolve { id, outcome, reason, step } => {
            let clock = settings.clock.unwrap_or(Clock::REAL);
            resolve::run(&trail, clock, &resolve::Word { id, outcome: *outcome, reason, step: *step })
        }
    }
}

fn list(trail: &Path, filter: &Filter, json: bool) -> Result<u8, Failure> {
    let report = read(trail)?;
    let rows: Vec<&Summary> = report.operations.iter().filter(|row| filter.admits(row)).collect();
    if json {
        let operations = rows.iter().copied().map(Operation::from).collect();
        return print_json(&List { schema: SCHEMA, operations, whole: report.findings.is_empty() });
    }
    out::write(&text::list(&rows, report.lines, &trail.display().to_string()))?;
    warn_of_damage(&report);
    Ok(OK)
}

fn show(trail: &Path, id: &str, json: bool) -> Result<u8, Failure> {
    let is_meant = |line: &crate::audit::record::Line| line.record.action.as_ref().is_some_and(|a| a.answers_to(id));
    let (report, found) = query::lines(trail, is_meant).map_err(|error| unreadable(trail, &error))?;
    let operation = one(&report, id)?;
    if json {
        let raw = |found: &query::Found| {
            let text = String::from_utf8_lossy(&found.stored).trim_end().to_owned();
            RawValue::from_string(text).map_err(Failure::error)
        };
        let records = found.iter().map(raw).collect::<Result<Vec<_>, _>>()?;
        let (schema, whole) = (SCHEMA, report.findings.is_empty());
        return print_json(&Show { schema, operation: operation.into(), records, whole });
    }
    out::write(&text::detail(operation, &found))?;
    warn_of_damage(&report);
    Ok(OK)
}

fn check(trail: &Path, checkpoint: Option<&Path>, json: bool) -> Result<u8, Failure> {
    let anchor = checkpoint.map(heads).transpose()?.unwrap_or_default();
    let report = verify(trail, &anchor, |_, _| ()).map_err(|error| unreadable(trail, &error))?;
    if json {
        let findings = report.findings.iter().map(finding).collect();
        let in_doubt = report.in_doubt().map(Operation::from).collect();
        let (schema, whole, not_understood) = (SCHEMA, report.findings.is_empty(), report.unknown);
        let (lines, alive, heads) = (report.lines, report.alive.clone(), report.heads.clone());
        print_json(&Verified { schema, whole, lines, not_understood, findings, in_doubt, alive, heads })?;
    } else {
        out::write(&text::verified(&report, &trail.display().to_string()))?;
    }
    Ok(report.exit_code())
}

fn finding(finding: &crate::audit::verify::Finding) -> Finding {
    let about_a_line = finding.line > 0;
    Finding {
        damage: match finding.damage {
            Damage::Altered => "altered",
            Damage::Shorter => "shorter",
            Damage::Torn => "torn",
        },
        stream: finding.stream.clone(),
        file: finding.file.display().to_string(),
        line: about_a_line.then_some(finding.line),
        offset: about_a_line.then_some(finding.offset),
        what: finding.what.clone(),
    }
}

/// The heads of an earlier `audit verify --json`.
fn heads(path: &Path) -> Result<Vec<Head>, Failure> {
    let text = file::read_text(path, CHECKPOINT_CAP)
        .map_err(|error| Failure::usage(format!("{}: {error}", path.display())))?;
    let checkpoint: Checkpoint = serde_json::from_str(&text).map_err(|error| {
        Failure::usage(format!("{}: no output of `tierdeck audit verify --json`: {error}", path.display()))
    })?;
    Ok(checkpoint.heads)
}

fn read(trail: &Path) -> Result<Report, Failure> {
    verify(trail, &[], |_, _| ()).map_err(|error| unreadable(trail, &error))
}

fn unreadable(trail: &Path, error: &std::io::Error) -> Failure {
    Failure::error(format!("the audit trail at {} cannot be read: {error}", trail.display()))
}

/// The one operation that is meant.
fn one<'r>(report: &'r Report, id: &str) -> Result<&'r Summary, Failure> {
    let mut meant = report.operations.iter().filter(|row| row.action.answers_to(id));
    match (meant.next(), meant.next()) {
        (Some(row), None) => Ok(row),
        (None, _) => Err(Failure::usage(format!("no operation is `{id}`; `tierdeck audit list` names them"))),
        (Some(first), Some(second)) => {
            let all: Vec<&str> = [first, second].into_iter().chain(meant).map(|row| row.action.as_str()).collect();
            Err(Failure::usage(format!("`{id}` may be:\n{}", all.join("\n"))))
        }
    }
}

fn warn_of_damage(report: &Report) {
    if !report.findings.is_empty() {
        let count = report.findings.len();
        out::error(&format!("the trail is not as it was written ({count} findings): see `tierdeck audit verify`"));
    }
}

fn print_json(document: &impl Serialize) -> Result<u8, Failure> {
    out::json(document)?;
    Ok(OK)
}

fn known_outcome(text: &str) -> Result<Outcome, String> {
    let known = Outcome::ALL.into_iter().filter(|outcome| *outcome != Outcome::Unknown);
    let names: Vec<_> = known.clone().map(Outcome::name).collect();
    known.into_iter().find(|outcome| outcome.name() == text).ok_or_else(|| format!("one of {}", names.join(", ")))
}

fn known_state(text: &str) -> Result<String, String> {
    let states = [State::Unverified, State::InDoubt, State::InFlight, State::Planned, State::Denied];
    let words = Outcome::ALL.into_iter().map(Outcome::name).chain(states.into_iter().map(State::word));
    let known: Vec<String> = words.map(query::plain).collect();
    let wanted = query::plain(text);
    if known.contains(&wanted) { Ok(wanted) } else { Err(format!("one of {}", known.join(", "))) }
}

/// RFC 3339, or a number with `m`, `h` or `d` before now.
fn moment(text: &str) -> Result<Stamp, String> {
    let ago = || {
        let (number, unit) = text.split_at_checked(text.len().checked_sub(1)?)?;
        let seconds = match unit {
            "m" => 60,
            "h" => 3600,
            "d" => 86_400,
            _ => return None,
        };
        let span = std::time::Duration::from_secs(number.parse::<u64>().ok()?.checked_mul(seconds)?);
        Some(Clocks::new(Clock::REAL).now() - span)
    };
    Stamp::parse_rfc3339(text)
        .or_else(ago)
        .ok_or_else(|| format!("`{}` is no time: write 2026-11-21T03:12:00Z, or 30m, 12h, 7d ago", Shown::of(text)))
}
