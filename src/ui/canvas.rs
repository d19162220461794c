//! Writing into the frame: text that is safe to show, in roles, clipped, cut by display width.

#![allow(clippy::needless_pass_by_value, reason = "a text is handed over as it comes, made on the spot or borrowed")]

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::{Modifier, Style};
use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

use super::format::Figure;
use crate::domain::text::Shown;
use crate::theme::{Role, Theme};

/// What may be written: our own words, shown text, formatted figures.
pub trait Print {
    fn text(&self) -> &str;
}

impl Print for &'static str {
    fn text(&self) -> &str {
        self
    }
}

impl Print for Shown {
    fn text(&self) -> &str {
        self.as_str()
    }
}

impl Print for &Shown {
    fn text(&self) -> &str {
        self.as_str()
    }
}

impl Print for &Figure {
    fn text(&self) -> &str {
        self.text.as_str()
    }
}

/// A role, perhaps in bold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ink {
    pub role: Role,
    pub bold: bool,
}

impl Ink {
    #[must_use]
    pub const fn bold(role: Role) -> Self {
        Self { role, bold: true }
    }
}

impl From<Role> for Ink {
    fn from(role: Role) -> Self {
        Self { role, bold: false }
    }
}

/// A piece of a line.
#[derive(Clone, Debug)]
pub struct Piece {
    pub text: Shown,
    pub ink: Ink,
}

impl Piece {
    pub fn new(text: impl Print, ink: impl Into<Ink>) -> Self {
        Self { text: Shown::composed(text.text().to_owned()), ink: ink.into() }
    }
}

pub struct Canvas<'a> {
    buffer: &'a mut Buffer,
    theme: &'a Theme,
    /// How far the text that was drawn last can be scrolled, lines.
    pub reach: usize,
}

impl<'a> Canvas<'a> {
    pub fn new(buffer: &'a mut Buffer, theme: &'a Theme) -> Self {
        Self { buffer, theme, reach: 0 }
    }

    fn style(&self, ink: Ink) -> Style {
        let style = self.theme.style(ink.role);
        if ink.bold { style.add_modifier(Modifier::BOLD) } else { style }
    }

    /// Writes at most `width` columns, cut at the end with `…`; returns the column after the text.
    pub fn put(&mut self, x: u16, y: u16, width: u16, text: impl Print, ink: impl Into<Ink>) -> u16 {
        self.write(x, y, width, text.text(), ink.into())
    }

    /// Writes at most `width` columns, cut in the middle so that the differing end stays.
    pub fn name(&mut self, x: u16, y: u16, width: u16, text: impl Print, ink: impl Into<Ink>) -> u16 {
        let cut = cut_middle(text.text(), usize::from(width));
        self.write(x, y, width, cut.as_str(), ink.into())
    }

    /// Writes aligned to the right end of `width` columns.
    pub fn right(&mut self, x: u16, y: u16, width: u16, text: impl Print, ink: impl Into<Ink>) {
        let text = text.text();
        let used = u16::try_from(text.width()).unwrap_or(u16::MAX).min(width);
        self.write(x + (width - used), y, used, text, ink.into());
    }

    /// Writes pieces one after the other; returns the column after the last.
    pub fn pieces(&mut self, x: u16, y: u16, width: u16, pieces: &[Piece]) -> u16 {
        let end = x.saturating_add(width);
        let mut at = x;
        for piece in pieces {
            at = self.write(at, y, end.saturating_sub(at), piece.text.as_str(), piece.ink);
        }
        at
    }

    fn write(&mut self, x: u16, y: u16, width: u16, text: &str, ink: Ink) -> u16 {
        let area = self.buffer.area;
        if width == 0 || x < area.x || x >= area.right() || y < area.y || y >= area.bottom() {
            return x;
        }
        let width = width.min(area.right() - x);
        let style = self.style(ink);
        if text.width() <= usize::from(width) {
            return self.buffer.set_stringn(x, y, text, usize::from(width), style).0;
        }
        let cut = cut_end(text, usize::from(width));
        self.buffer.set_stringn(x, y, cut.as_str(), usize::from(width), style).0
    }

    /// Empties an area, for what is laid over it.
    pub fn clear(&mut self, area: Rect) {
        for y in area.top()..area.bottom() {
            for x in area.left()..area.right() {
                if let Some(cell) = self.buffer.cell_mut((x, y)) {
                    cell.reset();
                }
            }
        }
    }

    /// A thin rule across the area's first line.
    pub fn rule(&mut self, area: Rect) {
        let style = self.style(Role::Rule.into());
        for x in area.left()..area.right() {
            if let Some(cell) = self.buffer.cell_mut((x, area.y)) {
                cell.set_symbol("─").set_style(style);
            }
        }
    }

    /// Sets one cell.
    pub fn glyph(&mut self, x: u16, y: u16, glyph: &'static str, ink: impl Into<Ink>) {
        let style = self.style(ink.into());
        if let Some(cell) = self.buffer.cell_mut((x, y)) {
            cell.set_symbol(glyph).set_style(style);
        }
    }

    /// Sets one cell to one of a computed set of characters (braille, box drawing).
    pub(super) fn mark(&mut self, x: u16, y: u16, mark: char, ink: impl Into<Ink>) {
        let style = self.style(ink.into());
        if let Some(cell) = self.buffer.cell_mut((x, y)) {
            cell.set_char(mark).set_style(style);
        }
    }

    /// The tint behind what is selected.
    pub fn tint(&mut self, area: Rect) {
        let style = self.theme.style(Role::Select);
        self.buffer.set_style(area, style);
    }
}

/// Columns a text takes.
pub fn width(text: impl Print) -> u16 {
    u16::try_from(text.text().width()).unwrap_or(u16::MAX)
}

/// As many whole characters from the front as fit.
fn head(text: &str, columns: usize) -> &str {
    let mut used = 0;
    for (at, c) in text.char_indices() {
        used += c.width().unwrap_or(0);
        if used > columns {
            return text.get(..at).unwrap_or_default();
        }
    }
    text
}

/// As many whole characters from the end as fit.
fn tail(text: &str, columns: usize) -> &str {
    let mut used = 0;
    let mut from = text.len();
    for (at, c) in text.char_indices().rev() {
        used += c.width().unwrap_or(0);
        if used > columns {
            break;
        }
        from = at;
    }
    text.get(from..).unwrap_or_default()
}

/// `rollout 6→7 by argo…`: words are cut at their end.
pub fn cut_end(text: &str, columns: usize) -> Shown {
    if text.width() <= columns {
        return Shown::composed(text.to_owned());
    }
    Shown::composed(format!("{}…", head(text, columns.saturating_sub(1)).trim_end()))
}

/// `gateway-8586…b7b-x2k9q`: names differ at their end.
pub fn cut_middle(text: &str, columns: usize) -> Shown {
    if text.width() <= columns {
        return Shown::composed(text.to_owned());
    }
    let keep = columns.saturating_sub(1);
    let end = keep * 3 / 7;
    Shown::composed(format!("{}…{}", head(text, keep - end), tail(text, end)))
}

/// Breaks a text into lines of at most `columns`, at spaces where it can; at most `most` lines, the last one cut.
pub fn wrap(text: impl Print, columns: u16, most: usize) -> Vec<Shown> {
    let columns = usize::from(columns.max(1));
    let mut rest = text.text().trim();
    let mut lines = Vec::new();
    while !rest.is_empty() && lines.len() < most {
        if lines.len() + 1 == most || rest.width() <= columns {
            lines.push(cut_end(rest, columns));
            break;
        }
        let fits = head(rest, columns);
        let next_is_space = rest.get(fits.len()..).is_some_and(|after| after.starts_with(' '));
        let at = if next_is_space { fits.len() } else { fits.rfind(' ').unwrap_or(fits.len()) };
        let at = if at == 0 { rest.chars().next().map_or(rest.len(), char::len_utf8) } else { at };
        let (line, after) = rest.split_at(at);
        lines.push(Shown::composed(line.trim_end().to_owned()));
        rest = after.trim_start();
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_cut_in_the_middle_by_width() {
        assert_eq!(cut_middle("gateway-858667d9c-7b7b-x2k9q", 22).as_str(), "gateway-8586…b7b-x2k9q");
        assert_eq!(cut_middle("short", 22).as_str(), "short");
        for columns in 0..12 {
            let cut = cut_middle("日本語のとても長い名前", columns);
            assert!(cut.as_str().width() <= columns.max(1), "{columns}: {}", cut.as_str());
        }
    }

    #[test]
    fn text_wraps_at_spaces_and_keeps_every_word() {
        let text = "kubernetes 10.0.0.1:6443 refused the connection; check that the API server runs";
        let lines = wrap(text, 30, 9);
        assert!(lines.iter().all(|line| line.as_str().width() <= 30), "{lines:?}");
        let joined: Vec<&str> = lines.iter().map(Shown::as_str).collect();
        assert_eq!(joined.join(" "), text);
        assert_eq!(wrap("abcdefgh", 3, 9).len(), 3, "a word longer than the line is broken");
        let cut = wrap(text, 30, 2);
        assert!(cut.len() == 2 && cut[1].as_str().ends_with('…'));
    }
}
