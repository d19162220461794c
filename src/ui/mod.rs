//! Draws the state: pure functions of `(&State, &Theme)`. Drawing never fails, never blocks, never changes anything.

pub mod canvas;
pub mod format;
pub mod looks;
pub mod panels;
pub mod rows;
pub mod screens;
pub mod snapshot;
pub mod widgets;

use ratatui::Frame;
use ratatui::buffer::Buffer;
use ratatui::layout::Size;

pub use rows::default_selection;

use crate::layout::{self, Page, SMALLEST};
use crate::shown;
use crate::state::{Place, State};
use crate::theme::{GlyphSet, Role, Theme, glyphs};
use canvas::Canvas;
use panels::{footer, header};

/// Draws the whole screen for the frame's size.
pub fn draw(frame: &mut Frame<'_>, state: &State, theme: &Theme) {
    paint(frame.buffer_mut(), state, theme);
}

/// Draws into a buffer; its size decides the layout.
pub fn paint(buffer: &mut Buffer, state: &State, theme: &Theme) {
    let size = Size { width: buffer.area.width, height: buffer.area.height };
    let mut canvas = Canvas::new(buffer, theme);
    screen(&mut canvas, size, state);
    if theme.glyphs == GlyphSet::Ascii {
        fold(buffer);
    }
}

fn screen(canvas: &mut Canvas<'_>, size: Size, state: &State) {
    let page = if matches!(state.place(), Some(Place::Board(_)) | None) { Page::Board } else { Page::Whole };
    let Some(regions) = layout::regions(size, page, !state.notices.is_empty()) else {
        let words = shown!("tierdeck needs {}x{}, this is {}x{}", SMALLEST.width, SMALLEST.height, size.width, size.height);
        canvas.put(0, 0, size.width, words, Role::Text);
        return;
    };
    header::draw(canvas, regions.header, state);
    header::evidence(canvas, regions.evidence, state);
    let fallback = crate::state::BoardPlace::default();
    match state.place() {
        Some(Place::Board(place)) => screens::board::draw(canvas, &regions, state, place),
        _ => screens::board::draw(canvas, &regions, state, &fallback),
    }
    footer::notice(canvas, regions.notice, state);
    footer::draw(canvas, regions.footer, state);
}

/// Replaces every character outside ASCII by its twin, cell by cell.
fn fold(buffer: &mut Buffer) {
    for cell in &mut buffer.content {
        if !cell.symbol().is_ascii() {
            let twin = cell.symbol().chars().next().map_or(' ', glyphs::twin);
            cell.set_char(twin);
        }
    }
}
