//! A backend that draws into memory: the bytes of a frame, and none at all when no cell changed.

use std::io;

use ratatui::backend::{Backend, ClearType, CrosstermBackend, WindowSize};
use ratatui::buffer::Cell;
use ratatui::layout::{Position, Size};

/// Bytes of one frame for a terminal of a given size.
#[derive(Debug, Default)]
pub struct Capture {
    size: Size,
    bytes: Vec<u8>,
}

impl Capture {
    #[must_use]
    pub fn new(columns: u16, lines: u16) -> Self {
        Self { size: Size::new(columns, lines), bytes: Vec::new() }
    }

    pub fn resize(&mut self, columns: u16, lines: u16) {
        self.size = Size::new(columns, lines);
    }

    /// Takes what was drawn since the last call.
    #[must_use]
    pub fn take(&mut self) -> Vec<u8> {
        std::mem::take(&mut self.bytes)
    }
}

impl Backend for Capture {
    type Error = io::Error;

    fn draw<'a, I>(&mut self, content: I) -> io::Result<()>
    where
        I: Iterator<Item = (u16, u16, &'a Cell)>,
    {
        let mut content = content.peekable();
        if content.peek().is_none() {
            return Ok(());
        }
        CrosstermBackend::new(&mut self.bytes).draw(content)
    }

    fn clear(&mut self) -> io::Result<()> {
        self.clear_region(ClearType::All)
    }

    fn clear_region(&mut self, clear: ClearType) -> io::Result<()> {
        CrosstermBackend::new(&mut self.bytes).clear_region(clear)
    }

    fn size(&self) -> io::Result<Size> {
        Ok(self.size)
    }

    fn window_size(&mut self) -> io::Result<WindowSize> {
        Ok(WindowSize { columns_rows: self.size, pixels: Size::ZERO })
    }

    // The cursor stays hidden: what is typed is drawn as text.
    fn hide_cursor(&mut self) -> io::Result<()> {
        Ok(())
    }

    fn show_cursor(&mut self) -> io::Result<()> {
        Ok(())
    }

    fn get_cursor_position(&mut self) -> io::Result<Position> {
        Ok(Position::ORIGIN)
    }

    fn set_cursor_position<P: Into<Position>>(&mut self, _position: P) -> io::Result<()> {
        Ok(())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use ratatui::Terminal;
    use ratatui::widgets::Paragraph;

    use super::*;

    #[test]
    fn an_unchanged_frame_is_no_bytes() {
        let mut terminal = Terminal::new(Capture::new(20, 3)).unwrap();
        let mut draw = |text: &str| {
            terminal.draw(|frame| frame.render_widget(Paragraph::new(text), frame.area())).unwrap();
            terminal.backend_mut().take()
        };
        assert!(!draw("first").is_empty());
        assert_eq!(draw("first"), b"");
        let changed = draw("firsT");
        assert!(!changed.is_empty() && changed.len() < 64, "{} bytes for one cell", changed.len());
    }
}
