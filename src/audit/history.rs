//! Reads what earlier sessions and colleagues left. It takes as long as the trail is: never on the loop.

use std::path::PathBuf;

use super::record::history::{Gathering, History};
use super::record::{StreamId, Text};
use super::verify::{Damage, verify_within};
use crate::domain::text::Shown;
use crate::shown;

/// The most that is read at a start: about 100,000 records, in well under two seconds.
pub const BUDGET: u64 = 64 << 20;

/// Who reads.
#[derive(Clone, Debug)]
pub struct Reader {
    /// `user@host`.
    pub who: Text,
    /// The streams of the present session.
    pub own: Vec<StreamId>,
    /// The trail, and the places that take its part when it fails.
    pub places: Vec<PathBuf>,
}

impl Reader {
    /// Reads and checks the newest streams of every place, at most `budget` bytes of each. What is damaged, left out or
    /// unreadable is told and hides nothing else.
    #[must_use]
    pub fn read(&self, budget: u64) -> History {
        let (mut gathering, mut alive, mut troubles) = (Gathering::default(), Vec::new(), Vec::new());
        for (rank, place) in self.places.iter().enumerate() {
            let folder = || Shown::of(&place.display().to_string());
            match verify_within(place, &[], budget, |line, _| gathering.add(line)) {
                Err(error) => {
                    let why = Shown::of(&error.to_string());
                    troubles.push(shown!(
                        "the audit trail at {} cannot be read: {}; what is in doubt is unknown",
                        folder(),
                        why
                    ));
                }
                Ok(report) => {
                    troubles.extend(damage(&report.findings, &folder()));
                    if report.skipped > 0 {
                        troubles.push(shown!(
                            "the audit trail at {} is long: {} streams were not looked at; tierdeck audit verify reads all",
                            folder(),
                            report.skipped
                        ));
                    }
                    if rank > 0 && report.lines > 0 {
                        troubles.push(shown!(
                            "for review: {} records of broken glass at {}; tierdeck audit --dir {} list",
                            report.lines,
                            folder(),
                            folder()
                        ));
                    }
                    alive.extend(report.alive);
                }
            }
        }
        gathering.history(&self.who, &self.own, &alive, troubles)
    }
}

/// What is not as it was written, in one sentence. A torn end of a dead stream is told when it is set aside.
fn damage(findings: &[super::verify::Finding], folder: &Shown) -> Option<Shown> {
    let damaged: Vec<_> = findings.iter().filter(|finding| finding.damage != Damage::Torn).collect();
    let first = damaged.first()?;
    let (stream, what) = (Shown::of(first.stream.as_str()), Shown::of(&first.what));
    Some(shown!(
        "THE AUDIT TRAIL AT {} IS NOT AS IT WAS WRITTEN: {} findings, first {} line {}: {}; tierdeck audit verify",
        folder,
        damaged.len(),
        stream,
        first.line,
        what
    ))
}

#[cfg(test)]
#[path = "history_tests.rs"]
mod tests;
