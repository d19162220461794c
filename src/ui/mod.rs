//! Draws the state: pure functions of `(&State, &Theme)`. Drawing never fails, never blocks, never changes anything.

pub mod canvas;
pub mod format;
pub mod looks;
pub mod overlays;
pub mod panels;
pub mod screens;
pub mod snapshot;
pub mod widgets;

use ratatui::Frame;
use ratatui::buffer::Buffer;
use ratatui::layout::{Rect, Size};

use crate::layout::{self, Page, Regions, SMALLEST};
use crate::shown;
use crate::state::{BoardPlace, Overlay, Place, State};
use crate::theme::{GlyphSet, Role, Theme, glyphs};
use canvas::Canvas;
use panels::{footer, header};

/// Draws the whole screen for the frame's size; how far the text on top can be scrolled, lines.
pub fn draw(frame: &mut Frame<'_>, state: &State, theme: &Theme) -> usize {
    paint(frame.buffer_mut(), state, theme)
}

/// The same into a buffer; its size decides the layout.
pub fn paint(buffer: &mut Buffer, state: &State, theme: &Theme) -> usize {
    let size = Size { width: buffer.area.width, height: buffer.area.height };
    let mut canvas = Canvas::new(buffer, theme);
    screen(&mut canvas, size, state);
    let reach = canvas.reach;
    if theme.glyphs == GlyphSet::Ascii {
        fold(buffer);
    }
    reach
}

fn screen(canvas: &mut Canvas<'_>, size: Size, state: &State) {
    // A card needs the whole body: what lies below it is not drawn.
    let card = match &state.overlay {
        Some(Overlay::Card(card)) => Some(card),
        Some(Overlay::Command(command)) => command.over.as_ref(),
        _ => None,
    };
    let carded = card.is_some();
    let on_board = matches!(state.place(), Some(Place::Board(_)) | None) && !carded;
    let page = if on_board { Page::Board } else { Page::Whole };
    let Some(regions) = layout::regions(size, page, !state.notices.is_empty()) else {
        let words =
            shown!("tierdeck needs {}x{}, this is {}x{}", SMALLEST.width, SMALLEST.height, size.width, size.height);
        canvas.put(0, 0, size.width, words, Role::Text);
        return;
    };
    header::draw(canvas, regions.header, state);
    header::evidence(canvas, regions.evidence, state);
    if !carded {
        place(canvas, &regions, state);
    }
    if page == Page::Whole {
        canvas.rule(regions.rule);
    }
    let over = Rect { height: regions.rule.y - regions.body.y, width: size.width, ..regions.body };
    if let Some(card) = card {
        overlays::card::draw(canvas, over, state, card);
    }
    match &state.overlay {
        Some(Overlay::Help { scroll }) => overlays::help::draw(canvas, over, state, *scroll),
        Some(Overlay::Explain { scroll }) => overlays::explain::draw(canvas, over, state, *scroll),
        Some(Overlay::Record { scroll }) => {
            if let Some(Place::Trail(place)) = state.place() {
                screens::trail::record(canvas, over, state, place, *scroll);
            }
        }
        Some(Overlay::Menu(menu)) => overlays::menu::draw(canvas, over, state, menu),
        Some(Overlay::Ask(ask)) => overlays::ask::question(canvas, over, state, ask),
        Some(Overlay::Command(command)) => overlays::ask::command(canvas, over, state, command),
        Some(Overlay::Card(_)) | None => {}
    }
    footer::notice(canvas, regions.notice, state);
    footer::draw(canvas, regions.footer, state);
}

fn place(canvas: &mut Canvas<'_>, regions: &Regions, state: &State) {
    let body = regions.body;
    match state.place() {
        Some(Place::Board(place)) => screens::board::draw(canvas, regions, state, place),
        Some(Place::Topology(place)) => screens::topology::draw(canvas, body, state, place),
        Some(Place::Tier(place)) => screens::tier::draw(canvas, body, state, place),
        Some(Place::Component(place)) => screens::component::draw(canvas, body, state, place),
        Some(Place::Sources { selected }) => screens::lists::sources(canvas, body, state, selected.as_ref()),
        Some(Place::Changes { selected }) => screens::lists::changes(canvas, body, state, selected.as_ref()),
        Some(Place::Alerts { selected }) => screens::lists::alerts(canvas, body, state, selected.as_ref()),
        Some(Place::Rollouts { selected }) => screens::rollouts::draw(canvas, body, state, selected.as_ref()),
        Some(Place::Databases { selected }) => screens::databases::draw(canvas, body, state, selected.as_ref()),
        Some(Place::Trail(place)) => screens::trail::draw(canvas, body, state, place),
        Some(Place::Operations { selected }) => screens::operations::draw(canvas, body, state, selected.as_ref()),
        None => screens::board::draw(canvas, regions, state, &BoardPlace::default()),
    }
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
