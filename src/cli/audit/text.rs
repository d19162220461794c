//! The trail for people: everything that came from outside is escaped.

use std::fmt::Write as _;

use crate::audit::query::Found;
use crate::audit::record::Field;
use crate::audit::record::summary::Summary;
use crate::audit::record::{Digest, Event, Guard, Plan, Verdict};
use crate::audit::verify::Report;
use crate::domain::text::Shown;

/// One line each.
pub fn list(rows: &[&Summary], lines: u64, folder: &str) -> String {
    if lines == 0 {
        return format!("the audit trail at {} is empty: nothing was recorded\n", Shown::of(folder));
    }
    if rows.is_empty() {
        return "no operation fits\n".to_owned();
    }
    let mut out = format!(
        "{:<20} {:<8} {:<16} {:<10} {:<14} {:<30} {}\n",
        "TIME (UTC)", "ID", "WHO", "ENV", "OPERATION", "TARGET", "OUTCOME"
    );
    for row in rows {
        let time: String = row.at.rfc3339().chars().take(19).collect();
        let glass = if row.break_glass { " (break-glass)" } else { "" };
        let _ = writeln!(
            out,
            "{time}Z {:<8} {:<16} {:<10} {:<14} {:<30} {}{glass}",
            row.action.short(),
            row.who.shown(),
            row.environment.shown(),
            row.operation.shown(),
            row.target.shown(),
            row.state.word(),
        );
    }
    out
}

/// One operation, record by record.
pub fn detail(row: &Summary, found: &[Found]) -> String {
    let mut out = format!("{}  {}  {}\n", row.action, row.operation.shown(), row.state.word());
    for (name, value) in [
        ("target", row.target.shown()),
        ("realm", row.target.realm.shown()),
        ("uid", row.target.uid.shown()),
        ("in", row.environment.shown()),
        ("by", row.who.shown()),
        ("as", row.identity.shown()),
        ("reason", row.reason.shown()),
        ("undoes", Shown::of(parent(found))),
    ] {
        if !value.is_empty() {
            let _ = writeln!(out, "  {name:<7} {value}");
        }
    }
    for doubt in &row.doubts {
        let _ = writeln!(out, "  IN DOUBT step {}: intent at line {} of {}", doubt.step, doubt.seq, doubt.stream);
    }
    for Found { line, .. } in found {
        let _ = writeln!(out, "\n{}  {}  {} line {}", line.ts, line.record.event.kind(), line.stream, line.seq);
        match &line.record.event {
            Event::Plan(plan) => self::plan(&mut out, plan),
            Event::Guards { plan, results, .. } => guards(&mut out, plan, results),
            _ => {
                for Field { depth, name, value } in line.fields() {
                    let indent = "  ".repeat(depth + 1);
                    let _ = match value {
                        Some(value) => writeln!(out, "{indent}{name} {value}"),
                        None => writeln!(out, "{indent}{name}"),
                    };
                }
            }
        }
    }
    out
}

/// The operation that this one takes back, if it does.
fn parent(found: &[Found]) -> &str {
    let parent = found.iter().find_map(|found| found.line.record.parent.as_ref());
    parent.map(crate::audit::record::ActionId::as_str).unwrap_or_default()
}

/// What was to be sent, and what that rested on.
fn plan(out: &mut String, plan: &Plan) {
    let _ = writeln!(out, "  {} ({}), hash {}", plan.operation.shown(), plan.risk.shown(), plan.hash);
    for (name, value) in &plan.params {
        let _ = writeln!(out, "  {} {}", Shown::of(name), value.shown());
    }
    for (number, step) in plan.steps.iter().enumerate() {
        let _ = writeln!(out, "  step {}: {}", number + 1, step.what.shown());
        let _ = writeln!(out, "    sends   {}", step.request.shown());
        let _ = writeln!(out, "    same as {}", step.same_as.shown());
    }
    let _ = writeln!(out, "  rests on");
    for value in &plan.before {
        let version =
            if value.version.is_empty() { String::new() } else { format!(" version {}", value.version.shown()) };
        let _ = writeln!(
            out,
            "    {} {}{version} at {}",
            value.what.shown(),
            value.value.shown(),
            value.observed_at.shown()
        );
    }
}

/// One line each, with the value it judged.
fn guards(out: &mut String, plan: &Digest, results: &[Guard]) {
    let _ = writeln!(out, "  of plan {plan}");
    for guard in results {
        let verdict = match guard.verdict {
            Verdict::Pass => "pass",
            Verdict::Warn => "WARN",
            Verdict::Block => "BLOCK",
            Verdict::Unknown => "UNKNOWN",
        };
        let _ = writeln!(out, "  {verdict:<7} {:<14} {}", guard.name.shown(), guard.value.shown());
    }
}

/// What `audit verify` found.
pub fn verified(report: &Report, folder: &str) -> String {
    let mut out = String::new();
    for finding in &report.findings {
        let file = Shown::of(&finding.file.display().to_string());
        let what = Shown::of(&finding.what);
        let _ = match finding.line {
            0 => writeln!(out, "{:?}: {file}: {what}", finding.damage),
            line => writeln!(out, "{:?}: {file}:{line} (byte {}): {what}", finding.damage, finding.offset),
        };
    }
    for row in report.in_doubt() {
        let steps: Vec<String> = row.doubts.iter().map(|doubt| doubt.step.to_string()).collect();
        let (operation, target, environment) = (row.operation.shown(), row.target.shown(), row.environment.shown());
        let steps = steps.join(", ");
        let _ = writeln!(out, "In doubt: {} {operation} {target} in {environment}, step {steps}", row.action);
    }
    if report.unknown > 0 {
        let _ = writeln!(out, "{} lines of a newer tierdeck are in place but cannot be read", report.unknown);
    }
    let (lines, streams, alive) = (report.lines, report.heads.len(), report.alive.len());
    let _ = match (report.findings.len(), lines) {
        (0, 0) => writeln!(out, "the audit trail at {} is empty: nothing was recorded", Shown::of(folder)),
        (0, _) => writeln!(out, "whole: {lines} lines in {streams} streams, {alive} of them being written"),
        (count, _) => writeln!(out, "NOT WHOLE: {count} findings in {lines} lines of {streams} streams"),
    };
    if report.findings.is_empty() && lines > 0 {
        out.push_str(
            "That the newest lines were not cut off shows only against a copy kept elsewhere: --checkpoint.\n",
        );
    }
    out
}
