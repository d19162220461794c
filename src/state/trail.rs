//! The audit trail as it is shown: its newest records, and which of them a filter finds.

use std::sync::Arc;
use std::time::Duration;

use super::rows::matches;
use crate::audit::record::{Line, StreamId, Text};
use crate::domain::text::Shown;
use crate::domain::time::Stamp;

/// Records that are kept for the screen.
pub const NEWEST: usize = 5_000;

/// The page of the trail.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct TrailPlace {
    /// Stream and line of the selected record.
    pub selected: Option<(StreamId, u64)>,
    /// `None` until it has been read; why it could not be.
    pub trail: Option<Result<Trail, Shown>>,
}

/// What was read of a trail.
#[derive(Clone, Debug, PartialEq)]
pub struct Trail {
    pub folder: Shown,
    /// World time at which it was read.
    pub at: Stamp,
    /// Newest first, at most [`NEWEST`].
    pub rows: Arc<[TrailRow]>,
    /// Records in the whole trail.
    pub of: usize,
    /// How much of it is not as it was written.
    pub damage: usize,
}

/// A record with the name of the operation it belongs to, which most kinds do not repeat.
#[derive(Clone, Debug, PartialEq)]
pub struct TrailRow {
    pub line: Line,
    pub operation: Text,
}

impl TrailRow {
    #[must_use]
    pub fn key(&self) -> (StreamId, u64) {
        (self.line.stream.clone(), self.line.seq)
    }

    #[must_use]
    pub fn is(&self, key: Option<&(StreamId, u64)>) -> bool {
        key.is_some_and(|(stream, seq)| *seq == self.line.seq && *stream == self.line.stream)
    }
}

/// The records that a filter finds. Its words are looked for in every column and all must be found; `who:`, `what:`,
/// `target:` and `outcome:` before a word name the column, `since:` and `until:` take `30m`, `12h`, `7d` ago or a moment.
#[must_use]
pub fn found<'t>(place: &'t TrailPlace, filter: &str, now: Stamp) -> Vec<&'t TrailRow> {
    let Some(Ok(trail)) = &place.trail else { return Vec::new() };
    let wanted: Vec<Wanted<'_>> = filter.split_whitespace().map(|word| Wanted::of(word, now)).collect();
    trail.rows.iter().filter(|row| wanted.iter().all(|wanted| wanted.admits(row))).collect()
}

/// What one word of the filter asks for.
enum Wanted<'f> {
    Anywhere(&'f str),
    Who(&'f str),
    What(&'f str),
    Target(&'f str),
    Outcome(&'f str),
    /// As records write world time, which sorts as it reads.
    Since(String),
    Until(String),
}

impl<'f> Wanted<'f> {
    fn of(word: &'f str, now: Stamp) -> Self {
        let moment = |text: &str| moment(text, now).map(Stamp::rfc3339);
        match word.split_once(':') {
            Some(("who", text)) => Self::Who(text),
            Some(("what", text)) => Self::What(text),
            Some(("target", text)) => Self::Target(text),
            Some(("outcome", text)) => Self::Outcome(text),
            Some(("since", text)) => moment(text).map_or(Self::Anywhere(word), Self::Since),
            Some(("until", text)) => moment(text).map_or(Self::Anywhere(word), Self::Until),
            _ => Self::Anywhere(word),
        }
    }

    fn admits(&self, row: &TrailRow) -> bool {
        let line = &row.line;
        let who = |text| matches(line.who.as_str(), text) || matches(line.actor().as_str(), text);
        let what = |text| matches(line.record.event.kind(), text) || matches(row.operation.as_str(), text);
        let target = |text: &str| {
            line.record.target.as_ref().is_some_and(|target| {
                let parts = [&target.name, &target.scope, &target.kind];
                parts.iter().any(|part| matches(part.as_str(), text))
                    || (text.contains('/') && matches(&target.path(), text))
            })
        };
        let outcome = |text| matches(line.record.event.outcome(), text);
        match self {
            Self::Anywhere(text) => {
                let written = |text| {
                    matches(&line.world, text) || line.record.event.words().is_some_and(|w| matches(w.as_str(), text))
                };
                who(text) || what(text) || target(text) || outcome(text) || written(text)
            }
            Self::Who(text) => who(text),
            Self::What(text) => what(text),
            Self::Target(text) => target(text),
            Self::Outcome(text) => outcome(text),
            Self::Since(at) => line.world >= *at,
            Self::Until(at) => line.world <= *at,
        }
    }
}

/// RFC 3339, or a number with `m`, `h` or `d` before now.
fn moment(text: &str, now: Stamp) -> Option<Stamp> {
    let ago = || {
        let (number, unit) = text.split_at_checked(text.len().checked_sub(1)?)?;
        let seconds = match unit {
            "m" => 60,
            "h" => 3_600,
            "d" => 86_400,
            _ => return None,
        };
        Some(now - Duration::from_secs(number.parse::<u64>().ok()?.checked_mul(seconds)?))
    };
    Stamp::parse_rfc3339(text).or_else(ago)
}
