//! Text of a record. It can only be made through redaction, so that a secret cannot be written by forgetting to mask it.

use serde::{Deserialize, Serialize};

use super::redact;
use crate::domain::secret::MASK;
use crate::domain::text::Shown;

/// The longest text of a record, in characters; the rest is counted.
pub const TEXT_CAP: usize = 1024;

/// Redacted and capped text. What it holds may still be hostile to a terminal: show it through [`Text::shown`].
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Text(String);

impl Text {
    /// The one way for text that may carry secrets: reasons, parameters, answers of servers, headers, pasted text. What
    /// looks like a secret is replaced by [`MASK`]; see [`redact`] for what is found and what cannot be.
    #[must_use]
    pub fn of(text: &str) -> Self {
        Self(capped(redact::text(text)))
    }

    /// For the value of a named thing (a parameter, a header, a variable): masked whole when the name says secret.
    #[must_use]
    pub fn valued(name: &str, value: &str) -> Self {
        if redact::names_secret(name) { Self::fixed(MASK) } else { Self::of(value) }
    }

    /// For names that servers give to things (objects, ARNs, revisions). As [`Text::of`], but long mixed strings are kept,
    /// because an ARN or a generated role's name looks like one.
    #[must_use]
    pub fn name(text: &str) -> Self {
        Self(capped(redact::name(text)))
    }

    /// Words of our own.
    #[must_use]
    pub fn fixed(text: &'static str) -> Self {
        Self(text.to_owned())
    }

    /// For comparison and for machine output; never for a terminal.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    #[must_use]
    pub fn shown(&self) -> Shown {
        Shown::of(&self.0)
    }
}

/// Cut after redaction, so that no half of a secret is left at the cut.
fn capped(text: String) -> String {
    match text.char_indices().nth(TEXT_CAP) {
        None => text,
        Some((at, _)) => {
            let rest = text.chars().count() - TEXT_CAP;
            format!("{}...(+{rest} characters)", text.get(..at).unwrap_or_default())
        }
    }
}
