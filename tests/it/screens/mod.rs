//! Whole screens as text and as roles, each looked at; what a screen must never do, for every size.

mod fixture;

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use tierdeck::state::State;
use tierdeck::theme::{GlyphSet, Theme};
use tierdeck::ui::{paint, snapshot};

/// The screen as it is drawn at a size.
fn frame(state: &State, width: u16, height: u16, theme: &Theme) -> Buffer {
    let mut buffer = Buffer::empty(Rect::new(0, 0, width, height));
    paint(&mut buffer, state, theme);
    buffer
}

/// Text grid and role grid.
fn both(state: &State, width: u16, height: u16) -> String {
    let buffer = frame(state, width, height, &Theme::markers());
    format!("{}\n{}", snapshot::text(&buffer), snapshot::roles(&buffer))
}

fn check(name: &str, state: &State, width: u16, height: u16) {
    let mut settings = insta::Settings::clone_current();
    settings.set_prepend_module_to_snapshot(false);
    settings.set_omit_expression(true);
    settings.bind(|| insta::assert_snapshot!(format!("{name}-{width}x{height}"), both(state, width, height)));
    if let Ok(folder) = std::env::var("TIERDECK_LOOK") {
        let theme = Theme::builtin("dark").unwrap();
        let svg = snapshot::svg(&frame(state, width, height, &theme), &theme);
        std::fs::write(format!("{folder}/{name}-{width}x{height}.svg"), svg).unwrap();
    }
}

#[test]
fn board() {
    check("board-incident", &fixture::incident(), 80, 24);
    check("board-incident", &fixture::incident(), 120, 30);
    check("board-incident", &fixture::incident(), 60, 16);
    check("board-calm", &fixture::state(fixture::calm_board()), 80, 24);
    check("board-without-prometheus", &fixture::without_prometheus(), 80, 24);
    check("board-connecting", &fixture::connecting(), 80, 24);
    check("board-hostile", &fixture::hostile(), 80, 24);
    let _ = GlyphSet::Ascii;
}
