//! One line of text as people edit it: cursor keys, Ctrl-A/E/U/K/W and the rest, by the text-area crate.

use std::fmt;

use tui_textarea::{Input, Key as AreaKey, TextArea};

use super::{Key, KeyName};

/// A single-line text field.
#[derive(Clone, Default)]
pub struct TextField(TextArea<'static>);

impl TextField {
    #[must_use]
    pub fn text(&self) -> &str {
        self.0.lines().first().map_or("", String::as_str)
    }

    /// Replaces everything; the cursor stands at the end.
    pub fn set(&mut self, text: &str) {
        self.0 = TextArea::default();
        self.paste(text);
    }

    /// Characters before the cursor.
    #[must_use]
    pub fn cursor(&self) -> usize {
        self.0.cursor().1
    }

    /// Types a key. Line breaks are not typed: the field has one line.
    pub fn key(&mut self, key: Key) {
        let key = Input { key: area_key(key.name), ctrl: key.control, alt: key.alt, shift: false };
        // Ctrl-M and Ctrl-J are line breaks to the crate, as Enter is.
        let breaks = matches!((key.key, key.ctrl), (AreaKey::Enter, _) | (AreaKey::Char('m' | 'j'), true));
        if !breaks {
            self.0.input(key);
        }
    }

    /// Inserts text from outside; control characters, line breaks among them, are left out.
    pub fn paste(&mut self, text: &str) {
        let line: String = text.chars().filter(|c| !c.is_control()).collect();
        self.0.insert_str(line);
    }
}

impl fmt::Debug for TextField {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("TextField").field(&self.text()).finish()
    }
}

const fn area_key(name: KeyName) -> AreaKey {
    match name {
        KeyName::Char(c) => AreaKey::Char(c),
        KeyName::Enter => AreaKey::Enter,
        KeyName::Escape => AreaKey::Esc,
        KeyName::Tab | KeyName::BackTab => AreaKey::Null,
        KeyName::Backspace => AreaKey::Backspace,
        KeyName::Delete => AreaKey::Delete,
        KeyName::Up => AreaKey::Up,
        KeyName::Down => AreaKey::Down,
        KeyName::Left => AreaKey::Left,
        KeyName::Right => AreaKey::Right,
        KeyName::Home => AreaKey::Home,
        KeyName::End => AreaKey::End,
        KeyName::PageUp => AreaKey::PageUp,
        KeyName::PageDown => AreaKey::PageDown,
        KeyName::Function(n) => AreaKey::F(n),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_field_is_edited_as_a_line_and_stays_one() {
        let mut field = TextField::default();
        for c in "orders db".chars() {
            field.key(Key::char(c));
        }
        field.key(Key::control('w'));
        assert_eq!(field.text(), "orders ");
        field.key(Key::plain(KeyName::Home));
        field.key(Key::plain(KeyName::Delete));
        field.key(Key::plain(KeyName::Enter));
        field.key(Key::control('m'));
        field.paste("x\r\ny\x1b");
        assert_eq!(field.text(), "xyrders ");
        assert_eq!(field.cursor(), 2);
        field.set("abort ");
        assert_eq!((field.text(), field.cursor()), ("abort ", 6));
    }
}
