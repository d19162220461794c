//! Key notation: `j`, `G`, `<enter>`, `<c-l>`, `<s-tab>`, `<space>`, `<lt>` for `<`.

use std::fmt;

/// One key press. Shift is part of the character for characters, and of the name for Tab.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Key {
    pub name: KeyName,
    pub control: bool,
    pub alt: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum KeyName {
    Char(char),
    Enter,
    Escape,
    Tab,
    BackTab,
    Backspace,
    Delete,
    Up,
    Down,
    Left,
    Right,
    Home,
    End,
    PageUp,
    PageDown,
    Function(u8),
}

const NAMES: [(&str, KeyName); 16] = [
    ("enter", KeyName::Enter),
    ("esc", KeyName::Escape),
    ("tab", KeyName::Tab),
    ("s-tab", KeyName::BackTab),
    ("backspace", KeyName::Backspace),
    ("delete", KeyName::Delete),
    ("up", KeyName::Up),
    ("down", KeyName::Down),
    ("left", KeyName::Left),
    ("right", KeyName::Right),
    ("home", KeyName::Home),
    ("end", KeyName::End),
    ("pgup", KeyName::PageUp),
    ("pgdn", KeyName::PageDown),
    ("space", KeyName::Char(' ')),
    ("lt", KeyName::Char('<')),
];

impl Key {
    #[must_use]
    pub const fn plain(name: KeyName) -> Self {
        Self { name, control: false, alt: false }
    }

    #[must_use]
    pub const fn char(c: char) -> Self {
        Self::plain(KeyName::Char(c))
    }

    #[must_use]
    pub const fn control(c: char) -> Self {
        Self { name: KeyName::Char(c), control: true, alt: false }
    }

    /// Parses a sequence of keys, for example `g<enter>` or `<c-l>`.
    ///
    /// # Errors
    /// The part that is no key.
    pub fn parse_sequence(text: &str) -> Result<Vec<Self>, String> {
        let mut keys = Vec::new();
        let mut rest = text;
        while let Some(first) = rest.chars().next() {
            if first != '<' {
                keys.push(Self::char(first));
                rest = rest.get(first.len_utf8()..).unwrap_or_default();
                continue;
            }
            let Some((name, after)) = rest.get(1..).unwrap_or_default().split_once('>') else {
                return Err(format!("`{rest}` has no closing `>` (write `<lt>` for the key itself)"));
            };
            keys.push(Self::parse_name(name)?);
            rest = after;
        }
        if keys.is_empty() { Err("no key".to_owned()) } else { Ok(keys) }
    }

    fn parse_name(text: &str) -> Result<Self, String> {
        let lower = text.to_ascii_lowercase();
        let mut key = Self::plain(KeyName::Escape);
        let mut name = lower.as_str();
        loop {
            if let Some((_, found)) = NAMES.iter().find(|(n, _)| *n == name) {
                key.name = *found;
                return Ok(key);
            }
            if let Some(rest) = name.strip_prefix("c-") {
                key.control = true;
                name = rest;
            } else if let Some(rest) = name.strip_prefix("a-") {
                key.alt = true;
                name = rest;
            } else {
                break;
            }
        }
        let mut chars = name.chars();
        match (chars.next(), chars.next()) {
            (Some(c), None) if key.control || key.alt => {
                key.name = KeyName::Char(c);
                Ok(key)
            }
            _ => name
                .strip_prefix('f')
                .and_then(|n| n.parse().ok())
                .filter(|n| (1..=12).contains(n))
                .map(|n| Self { name: KeyName::Function(n), ..key })
                .ok_or_else(|| format!("`<{text}>` is no key")),
        }
    }
}

impl fmt::Display for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let prefix = format!("{}{}", if self.control { "^" } else { "" }, if self.alt { "alt-" } else { "" });
        f.write_str(&prefix)?;
        match self.name {
            KeyName::Char(' ') => f.write_str("space"),
            KeyName::Char(c) if self.control => write!(f, "{}", c.to_ascii_uppercase()),
            KeyName::Char(c) => write!(f, "{c}"),
            KeyName::Function(n) => write!(f, "F{n}"),
            name => f.write_str(NAMES.iter().find(|(_, n)| *n == name).map_or("?", |(text, _)| text)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn notation_is_read_and_written() {
        let cases = [
            ("j", Key::char('j'), "j"),
            ("G", Key::char('G'), "G"),
            ("<enter>", Key::plain(KeyName::Enter), "enter"),
            ("<c-l>", Key::control('l'), "^L"),
            ("<s-tab>", Key::plain(KeyName::BackTab), "s-tab"),
            ("<lt>", Key::char('<'), "<"),
            ("<f5>", Key::plain(KeyName::Function(5)), "F5"),
            ("<space>", Key::char(' '), "space"),
        ];
        for (text, key, shown) in cases {
            assert_eq!(Key::parse_sequence(text), Ok(vec![key]), "{text}");
            assert_eq!(key.to_string(), shown);
        }
        assert_eq!(Key::parse_sequence("gg"), Ok(vec![Key::char('g'); 2]));
    }

    #[test]
    fn what_is_no_key_is_named() {
        for (text, part) in [("<nokey>", "<nokey>"), ("<enter", "<enter"), ("", "no key"), ("<f13>", "<f13>")] {
            let error = Key::parse_sequence(text).unwrap_err();
            assert!(error.contains(part), "{text}: {error}");
        }
    }
}
