//! `audit export`: the records in the form that a reader elsewhere wants.

use std::path::Path;

use super::{OK, out, unreadable, warn_of_damage};
use crate::audit::query::{self, Filter, Found};
use crate::audit::record::summary::Summary;
use crate::audit::record::{ActionId, Event, Line};
use crate::cli::Failure;
use crate::domain::text::Shown;

#[derive(Clone, Copy, Debug, clap::ValueEnum)]
pub enum Format {
    /// The stored lines, byte for byte
    Jsonl,
    /// One row for each record
    Csv,
    /// One table row for each operation
    Md,
}

pub fn run(trail: &Path, filter: &Filter, format: Format) -> Result<u8, Failure> {
    let (report, mut found) = query::lines(trail, |_| true).map_err(|error| unreadable(trail, &error))?;
    let rows: Vec<&Summary> = report.operations.iter().filter(|row| filter.admits(row)).collect();
    found.retain(|found| match &found.line.record.action {
        Some(action) => rows.iter().any(|row| row.action == *action),
        None => filter.admits_line(&found.line),
    });
    let text = match format {
        Format::Jsonl => found.iter().map(|found| String::from_utf8_lossy(&found.stored)).collect(),
        Format::Csv => csv(&found),
        Format::Md => markdown(&rows, report.findings.is_empty()),
    };
    out::write(&text)?;
    warn_of_damage(&report);
    Ok(OK)
}

fn csv(found: &[Found]) -> String {
    let mut out = "time,stream,seq,kind,action,who,identity,environment,target,detail,digest\r\n".to_owned();
    for Found { line, .. } in found {
        let record = &line.record;
        let text = |text: Option<&crate::audit::record::Text>| text.map(|t| t.shown().as_str().to_owned());
        let target = record.target.as_ref().map(|target| Shown::of(&target.path()).as_str().to_owned());
        let cells = [
            line.ts.clone(),
            line.stream.as_str().to_owned(),
            line.seq.to_string(),
            record.event.kind().to_owned(),
            record.action.as_ref().map(ActionId::as_str).unwrap_or_default().to_owned(),
            line.who.shown().as_str().to_owned(),
            text(record.identity.as_ref()).unwrap_or_default(),
            text(record.environment.as_ref()).unwrap_or_default(),
            target.unwrap_or_default(),
            detail(line),
            line.digest.to_string(),
        ];
        out.push_str(&cells.map(|cell| cell_of(&cell)).join(","));
        out.push_str("\r\n");
    }
    out
}

/// RFC 4180. A cell that a spreadsheet would take for a formula begins with an apostrophe.
fn cell_of(text: &str) -> String {
    let formula = text.starts_with(['=', '+', '-', '@', '\t', '\r']);
    let text = if formula { format!("'{text}") } else { text.to_owned() };
    if text.contains([',', '"', '\n', '\r']) { format!("\"{}\"", text.replace('"', "\"\"")) } else { text }
}

/// The payload, as it is stored, escaped for a terminal.
fn detail(line: &Line) -> String {
    let data =
        serde_json::to_value(&line.record.event).ok().and_then(|mut value| value.get_mut("data").map(std::mem::take));
    match (&line.record.event, data) {
        (Event::Note { text, .. }, _) => text.shown().as_str().to_owned(),
        (_, Some(data)) => Shown::of(&data.to_string()).as_str().to_owned(),
        (_, None) => String::new(),
    }
}

fn markdown(rows: &[&Summary], whole: bool) -> String {
    let mut out = "# Operations\n\n".to_owned();
    let state = if whole { "whole when this was written" } else { "NOT whole: see `tierdeck audit verify`" };
    out.push_str(&format!("The audit trail was {state}.\n\n"));
    out.push_str("| time (UTC) | id | who | as | environment | operation | target | reason | outcome |\n");
    out.push_str("|---|---|---|---|---|---|---|---|---|\n");
    for row in rows {
        let texts = [&row.who, &row.identity, &row.environment, &row.operation, &row.reason];
        let [who, identity, environment, operation, reason] = texts.map(|text| plain(text.shown().as_str()));
        let target = plain(row.target.shown().as_str());
        let glass = if row.break_glass { ", break-glass" } else { "" };
        out.push_str(&format!(
            "| {} | {} | {who} | {identity} | {environment} | {operation} | {target} | {reason} | {}{glass} |\n",
            row.at.rfc3339(),
            row.action,
            row.state.word(),
        ));
    }
    out
}

/// Text that a Markdown reader takes for text.
fn plain(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        if matches!(c, '\\' | '`' | '*' | '_' | '[' | ']' | '<' | '>' | '|' | '#' | '!' | '~') {
            out.push('\\');
        }
        out.push(c);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cells_are_neither_formulas_nor_torn() {
        let cases =
            [("a", "a"), ("=1+1", "'=1+1"), ("a,b", "\"a,b\""), ("say \"x\"", "\"say \"\"x\"\"\""), ("@SUM", "'@SUM")];
        for (text, cell) in cases {
            assert_eq!(cell_of(text), cell);
        }
        assert_eq!(plain("a|b <script> [x](y)"), "a\\|b \\<script\\> \\[x\\](y)");
    }
}
