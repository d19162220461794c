//! Finding operations and records.

use std::collections::BTreeMap;
use std::io;
use std::path::Path;

use super::record::summary::Summary;
use super::record::{Line, Text};
use super::verify::{Report, verify};
use crate::domain::time::Stamp;

/// What is looked for; everything that is named must fit, texts anywhere and in any case.
#[derive(Clone, Debug, Default)]
pub struct Filter {
    /// The user here, or the identity there.
    pub who: Option<String>,
    /// The operation, or the kind of a record.
    pub what: Option<String>,
    pub target: Option<String>,
    pub environment: Option<String>,
    /// As [`State::word`](super::record::summary::State::word) writes it.
    pub outcome: Option<String>,
    pub since: Option<Stamp>,
    pub until: Option<Stamp>,
}

impl Filter {
    #[must_use]
    pub fn admits(&self, operation: &Summary) -> bool {
        let Summary { who, identity, target, environment, .. } = operation;
        self.admits_time(operation.at)
            && has(self.who.as_deref(), &[who, identity])
            && has(self.what.as_deref(), &[&operation.operation])
            && has(self.target.as_deref(), &[&Text::name(&target.path())])
            && has(self.environment.as_deref(), &[environment])
            && self.outcome.as_ref().is_none_or(|wanted| is_word(wanted, operation.state.word()))
    }

    /// For records that belong to no operation; an outcome is none of theirs.
    #[must_use]
    pub fn admits_line(&self, line: &Line) -> bool {
        let record = &line.record;
        let identity: Vec<&Text> = std::iter::once(&line.who).chain(&record.identity).collect();
        let environment: Vec<&Text> = record.environment.iter().collect();
        self.outcome.is_none()
            && self.target.is_none()
            && self.admits_time(line.at())
            && has(self.who.as_deref(), &identity)
            && has(self.environment.as_deref(), &environment)
            && self.what.as_ref().is_none_or(|what| is_word(what, record.event.kind()))
    }

    fn admits_time(&self, at: Stamp) -> bool {
        self.since.is_none_or(|since| at >= since) && self.until.is_none_or(|until| at <= until)
    }
}

fn has(wanted: Option<&str>, texts: &[&Text]) -> bool {
    let Some(wanted) = wanted.map(str::to_lowercase) else { return true };
    texts.iter().any(|text| text.as_str().to_lowercase().contains(&wanted))
}

fn is_word(wanted: &str, word: &str) -> bool {
    plain(wanted) == plain(word)
}

/// `in-doubt`, `in doubt` and `IN DOUBT` are one word.
#[must_use]
pub fn plain(text: &str) -> String {
    text.to_lowercase().replace([' ', '_'], "-")
}

/// A line and its bytes as they are stored, break included.
#[derive(Clone, Debug)]
pub struct Found {
    pub line: Line,
    pub stored: Vec<u8>,
}

/// Reads and checks the trail and keeps its newest good lines, newest first, at most so many.
///
/// # Errors
/// As [`verify`].
pub fn newest(trail: &Path, most: usize) -> io::Result<(Report, Vec<Line>)> {
    let mut kept = BTreeMap::new();
    let report = verify(trail, &[], |line, _| {
        kept.insert((line.ts.clone(), line.stream.clone(), line.seq), line.clone());
        if kept.len() > most {
            kept.pop_first();
        }
    })?;
    Ok((report, kept.into_values().rev().collect()))
}

/// Reads and checks the trail and keeps the good lines that `keep` wants, ordered by time.
///
/// # Errors
/// As [`verify`].
pub fn lines(trail: &Path, keep: impl Fn(&Line) -> bool) -> io::Result<(Report, Vec<Found>)> {
    let mut found = Vec::new();
    let report = verify(trail, &[], |line, stored| {
        if keep(line) {
            found.push(Found { line: line.clone(), stored: stored.to_owned() });
        }
    })?;
    found.sort_by(|a, b| {
        let key = |found: &Found| (found.line.ts.clone(), found.line.stream.clone(), found.line.seq);
        key(a).cmp(&key(b))
    });
    Ok((report, found))
}
