//! Text from outside is [`Raw`]: good for equality and requests, never for a screen. What people see is [`Shown`].
//!
//! Escaping is visible and injective: different raw texts never look the same (facts/trust.md A1).

use std::fmt;
use std::sync::Arc;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// The longest text that is shown, in characters; the rest is counted.
pub const SHOWN_CAP: usize = 4096;

/// Text exactly as a server sent it. It has no `Display`; `Debug` is escaped.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Raw(Arc<str>);

impl Raw {
    #[must_use]
    pub fn new(text: &str) -> Self {
        Self(Arc::from(text))
    }

    /// For requests, comparison and parsing; never for output.
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

impl From<&str> for Raw {
    fn from(text: &str) -> Self {
        Self::new(text)
    }
}

impl From<String> for Raw {
    fn from(text: String) -> Self {
        Self(Arc::from(text))
    }
}

impl fmt::Debug for Raw {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Raw({})", self.shown())
    }
}

impl<'de> Deserialize<'de> for Raw {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer).map(Self::from)
    }
}

/// Text that is safe for a terminal: printable, without controls, bidirectional overrides, combining runs or invisible
/// characters; capped at [`SHOWN_CAP`].
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Shown(Arc<str>);

impl Shown {
    /// Escapes text from outside.
    #[must_use]
    pub fn of(text: &str) -> Self {
        if text.len() <= SHOWN_CAP && text.bytes().all(|b| (0x20..0x7f).contains(&b) && b != b'\\') {
            return Self(Arc::from(text));
        }
        Self(Arc::from(escape(text)))
    }

    /// Text of our own.
    #[must_use]
    pub fn fixed(text: &'static str) -> Self {
        Self(Arc::from(text))
    }

    /// For [`shown!`](crate::shown), whose arguments are all showable, and for what cuts and formats shown text.
    #[doc(hidden)]
    #[must_use]
    pub fn composed(text: String) -> Self {
        Self(Arc::from(text))
    }

    /// Shown texts with words of our own between them.
    #[must_use]
    pub fn joined<T: Into<Self>>(parts: impl IntoIterator<Item = T>, between: &'static str) -> Self {
        let parts: Vec<Self> = parts.into_iter().map(Into::into).collect();
        let texts: Vec<&str> = parts.iter().map(Self::as_str).collect();
        Self(Arc::from(texts.join(between)))
    }

    /// The same in upper case. Escapes are made of characters that upper case leaves harmless.
    #[must_use]
    pub fn upper(&self) -> Self {
        Self(Arc::from(self.0.to_uppercase()))
    }

    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl From<&'static str> for Shown {
    fn from(text: &'static str) -> Self {
        Self::fixed(text)
    }
}

impl From<&Self> for Shown {
    fn from(text: &Self) -> Self {
        text.clone()
    }
}

impl fmt::Display for Shown {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

impl Serialize for Shown {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.0)
    }
}

/// What may be composed into a [`Shown`]: our own words, numbers, and texts that are already shown.
pub trait Showable {
    type Out<'a>: fmt::Display
    where
        Self: 'a;
    fn show(&self) -> Self::Out<'_>;
}

macro_rules! showable {
    ($($kind:ty),*) => { $(impl Showable for $kind {
        type Out<'a> = &'a $kind;
        fn show(&self) -> &$kind { self }
    })* };
}

showable!(Shown, &'static str, u8, u16, u32, u64, usize, i16, i32, i64, f64, bool);

impl Showable for Raw {
    type Out<'a> = Shown;
    fn show(&self) -> Shown {
        self.shown()
    }
}

impl<T: Showable> Showable for &T {
    type Out<'a>
        = T::Out<'a>
    where
        Self: 'a;
    fn show(&self) -> T::Out<'_> {
        (*self).show()
    }
}

/// `format!` for [`Shown`]: takes only positional arguments that are [`Showable`], so that nothing unescaped gets in.
#[macro_export]
macro_rules! shown {
    ($format:literal $(, $arg:expr)* $(,)?) => {
        $crate::domain::text::Shown::composed(format!($format $(, $crate::domain::text::Showable::show(&$arg))*))
    };
}

/// Line and column (both from 1, in characters) of a byte offset, for errors that point into a file.
#[must_use]
pub fn line_and_column(text: &str, offset: usize) -> (usize, usize) {
    let before = text.get(..offset.min(text.len())).unwrap_or(text);
    let line = before.matches('\n').count() + 1;
    let column = before.rsplit('\n').next().unwrap_or_default().chars().count() + 1;
    (line, column)
}

fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len().min(SHOWN_CAP) + 8);
    let mut marks = 0;
    for (count, c) in text.chars().enumerate() {
        if count == SHOWN_CAP {
            out.push_str(&format!("…(+{} characters)", text.chars().count() - SHOWN_CAP));
            break;
        }
        marks = if is_mark(c) { marks + 1 } else { 0 };
        match c {
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            '\0'..='\x1f' | '\x7f' => out.push_str(&format!("\\x{:02x}", c as u32)),
            _ if hidden(c) || marks > 1 || (marks == 1 && count == 0) => {
                out.push_str(&format!("\\u{{{:x}}}", c as u32));
            }
            _ => out.push(c),
        }
    }
    out
}

/// Characters that show nothing, or change how others are shown: C1, Cf, line and paragraph separators, tags, private
/// use, variation selectors, unusual spaces.
fn hidden(c: char) -> bool {
    matches!(u32::from(c),
        0x80..=0xa0 | 0xad | 0x34f | 0x600..=0x605 | 0x61c | 0x6dd | 0x70f | 0x115f..=0x1160 | 0x17b4..=0x17b5
        | 0x180b..=0x180f | 0x2000..=0x200f | 0x2028..=0x202f | 0x205f..=0x206f | 0x2800 | 0x3000 | 0x3164
        | 0xe000..=0xf8ff | 0xfe00..=0xfe0f | 0xfeff | 0xffa0 | 0xfff0..=0xfffb | 0x110bd | 0x1bca0..=0x1bca3
        | 0x1d173..=0x1d17a | 0xe0000..=0xe0fff | 0xf0000..=0x0010_ffff)
}

/// Combining marks: one on a letter is writing, a run of them is an attack on the layout.
fn is_mark(c: char) -> bool {
    unicode_width::UnicodeWidthChar::width(c) == Some(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hostile_text_is_visible_and_harmless() {
        let cases = [
            ("plain-name_1.2", "plain-name_1.2"),
            ("a\x1b[31mred", "a\\x1b[31mred"),
            ("a\rb\x08c", "a\\rb\\x08c"),
            ("\u{9b}2J", "\\u{9b}2J"),
            ("ab\u{202e}dc", "ab\\u{202e}dc"),
            ("a\u{200b}b", "a\\u{200b}b"),
            ("e\u{301}", "e\u{301}"),
            ("e\u{301}\u{301}\u{301}", "e\u{301}\\u{301}\\u{301}"),
            ("back\\slash", "back\\\\slash"),
            ("tag\u{e0041}", "tag\\u{e0041}"),
            ("naïve – 日本", "naïve – 日本"),
        ];
        for (raw, expected) in cases {
            assert_eq!(Raw::new(raw).shown().as_str(), expected, "{raw:?}");
        }
    }

    #[test]
    fn escaping_is_injective_for_what_looks_alike() {
        assert_ne!(Raw::new("a\\x1b").shown(), Raw::new("a\x1b").shown());
        assert_ne!(Raw::new("prod").shown(), Raw::new("prod\u{200d}").shown());
    }

    #[test]
    fn a_megabyte_is_capped_and_counted() {
        let shown = Raw::from("x".repeat(1 << 20)).shown();
        assert!(shown.as_str().len() < SHOWN_CAP + 64);
        assert!(shown.as_str().ends_with("(+1044480 characters)"));
    }

    #[test]
    fn composition_takes_only_what_is_shown() {
        let name = Raw::new("a\x1bb");
        assert_eq!(shown!("{} lag {} s", name, 41).as_str(), "a\\x1bb lag 41 s");
    }
}
