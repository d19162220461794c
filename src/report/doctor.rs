//! The report of `tierdeck doctor`.

use serde::Serialize;

use crate::domain::text::Shown;

/// Every check, in the order in which they are told.
#[derive(Clone, Debug, Serialize)]
pub struct Doctor {
    pub schema: u32,
    /// `ok`, `warn`, `fail`: the worst of the checks.
    pub verdict: Verdict,
    pub checks: Vec<Check>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Verdict {
    Ok,
    /// It works, but not all of it, or not as it should.
    Warn,
    Fail,
}

impl Verdict {
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Warn => "warn",
            Self::Fail => "FAIL",
        }
    }
}

/// What was looked at, what was found and what to do about it.
#[derive(Clone, Debug, Serialize)]
pub struct Check {
    /// `source`, `right`, `sink`, `audit`, `policy`, `theme`, `keymap`.
    pub area: &'static str,
    pub name: String,
    pub verdict: Verdict,
    pub found: String,
    /// Null where there is nothing to do.
    pub next: Option<String>,
}

impl Check {
    #[must_use]
    pub fn ok(area: &'static str, name: &Shown, found: impl Into<Shown>) -> Self {
        Self::new(area, name, Verdict::Ok, found, None)
    }

    #[must_use]
    pub fn warn(area: &'static str, name: &Shown, found: impl Into<Shown>, next: impl Into<Shown>) -> Self {
        Self::new(area, name, Verdict::Warn, found, Some(next.into()))
    }

    #[must_use]
    pub fn fail(area: &'static str, name: &Shown, found: impl Into<Shown>, next: impl Into<Shown>) -> Self {
        Self::new(area, name, Verdict::Fail, found, Some(next.into()))
    }

    fn new(area: &'static str, name: &Shown, verdict: Verdict, found: impl Into<Shown>, next: Option<Shown>) -> Self {
        let words = |text: Shown| text.as_str().to_owned();
        Self { area, name: name.as_str().to_owned(), verdict, found: words(found.into()), next: next.map(words) }
    }

    /// One sentence.
    #[must_use]
    pub fn line(&self) -> String {
        let next = self.next.as_ref().map(|next| format!("; {next}")).unwrap_or_default();
        format!("{:<4} {} {}: {}{next}\n", self.verdict.word(), self.area, self.name, self.found)
    }
}

impl Doctor {
    #[must_use]
    pub fn new(checks: Vec<Check>) -> Self {
        let verdict = checks.iter().map(|check| check.verdict).max().unwrap_or(Verdict::Ok);
        Self { schema: super::SCHEMA, verdict, checks }
    }

    /// 1 when something fails.
    #[must_use]
    pub const fn exit_code(&self) -> u8 {
        if matches!(self.verdict, Verdict::Fail) { 1 } else { 0 }
    }
}
