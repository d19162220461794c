//! A frame as text, as a grid of roles, and as a self-contained SVG.

use std::fmt::Write as _;

use ratatui::buffer::{Buffer, Cell};
use ratatui::style::{Color, Modifier, Style};
use unicode_width::UnicodeWidthStr;

use crate::theme::{Role, Theme, color};

/// The characters, without trailing blanks.
#[must_use]
pub fn text(buffer: &Buffer) -> String {
    lines(buffer, |cell| Some(cell.symbol().to_owned()))
}

/// One letter per cell for the role it was drawn in (see [`Role::letter`]), upper case where bold; a cell of the
/// selected row that holds nothing is `s`. The frame must have been drawn with [`Theme::markers`].
#[must_use]
pub fn roles(buffer: &Buffer) -> String {
    lines(buffer, |cell| {
        let role = |color: Color| match color {
            Color::Indexed(index) => Role::ALL.get(usize::from(index).checked_sub(1)?).copied(),
            _ => None,
        };
        let letter = match (role(cell.fg), role(cell.bg)) {
            (Some(role), _) if cell.symbol() != " " || role.is_banner() => {
                if cell.modifier.contains(Modifier::BOLD) {
                    role.letter().to_ascii_uppercase()
                } else {
                    role.letter()
                }
            }
            (_, Some(Role::Select)) => Role::Select.letter(),
            _ => ' ',
        };
        Some(letter.to_string())
    })
}

/// Rows joined by line ends, trailing blanks removed; the second half of a wide character is left out.
fn lines(buffer: &Buffer, show: impl Fn(&Cell) -> Option<String>) -> String {
    let mut out = String::new();
    for y in buffer.area.top()..buffer.area.bottom() {
        let mut line = String::new();
        let mut skip = 0;
        for x in buffer.area.left()..buffer.area.right() {
            let Some(cell) = buffer.cell((x, y)) else { continue };
            if skip > 0 {
                skip -= 1;
                continue;
            }
            skip = cell.symbol().width().saturating_sub(1);
            line.push_str(&show(cell).unwrap_or_default());
        }
        out.push_str(line.trim_end());
        out.push('\n');
    }
    out
}

/// Size of a cell in the SVG, in px.
const CELL: (f64, f64) = (8.4, 18.0);

/// Foreground where neither the cell nor the theme says one.
const FALLBACK: (u8, u8, u8) = (0xd8, 0xde, 0xe6);

/// The frame as an SVG that needs nothing else: a rectangle per run of background, a text per run of equal style with
/// its width pinned, so that no renderer's font can shift a column. The same frame gives the same bytes.
#[must_use]
pub fn svg(buffer: &Buffer, theme: &Theme) -> String {
    let (columns, rows) = (f64::from(buffer.area.width), f64::from(buffer.area.height));
    let page = color::rgb(theme.background).unwrap_or((0x14, 0x17, 0x1c));
    let ink = theme.style(Role::Text).fg.and_then(color::rgb).unwrap_or(FALLBACK);
    let mut out = String::new();
    let (width, height) = (columns * CELL.0 + 16.0, rows * CELL.1 + 16.0);
    let _ = writeln!(
        out,
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{width:.0}\" height=\"{height:.0}\" viewBox=\"0 0 {width:.1} {height:.1}\">"
    );
    let _ = writeln!(out, "<rect width=\"100%\" height=\"100%\" rx=\"6\" fill=\"{}\"/>", hex(page));
    out.push_str(
        "<g font-family=\"'DejaVu Sans Mono','JetBrains Mono',Menlo,Consolas,monospace\" font-size=\"14\" xml:space=\"preserve\">\n",
    );
    for y in buffer.area.top()..buffer.area.bottom() {
        for run in runs(buffer, y) {
            run.write(&mut out, y, page, ink);
        }
    }
    out.push_str("</g>\n</svg>\n");
    out
}

/// Neighbouring cells of one style.
struct Run {
    x: u16,
    columns: u16,
    text: String,
    style: Style,
    /// Drawn as shapes, because fonts disagree on its width.
    shapes: bool,
}

fn runs(buffer: &Buffer, y: u16) -> Vec<Run> {
    let mut runs: Vec<Run> = Vec::new();
    let mut skip = 0;
    for x in buffer.area.left()..buffer.area.right() {
        let Some(cell) = buffer.cell((x, y)) else { continue };
        if skip > 0 {
            skip -= 1;
            continue;
        }
        let columns = u16::try_from(cell.symbol().width().max(1)).unwrap_or(1);
        skip = columns - 1;
        let shapes = cell.symbol().chars().all(|c| ('\u{2800}'..='\u{28ff}').contains(&c) || ('▁'..='█').contains(&c));
        match runs.last_mut() {
            Some(run) if run.style == cell.style() && run.shapes == shapes && run.x + run.columns == x => {
                run.text.push_str(cell.symbol());
                run.columns += columns;
            }
            _ => runs.push(Run { x, columns, text: cell.symbol().to_owned(), style: cell.style(), shapes }),
        }
    }
    runs
}

impl Run {
    fn write(&self, out: &mut String, y: u16, page: (u8, u8, u8), ink: (u8, u8, u8)) {
        let mut fg = self.style.fg.and_then(color::rgb).unwrap_or(ink);
        let mut bg = self.style.bg.and_then(color::rgb);
        if self.style.add_modifier.contains(Modifier::REVERSED) {
            let behind = bg.unwrap_or(page);
            bg = Some(fg);
            fg = behind;
        }
        let (x, top) = (8.0 + f64::from(self.x) * CELL.0, 8.0 + f64::from(y) * CELL.1);
        if let Some(bg) = bg {
            let _ = writeln!(
                out,
                "<rect x=\"{x:.1}\" y=\"{top:.1}\" width=\"{:.1}\" height=\"{:.1}\" fill=\"{}\"/>",
                f64::from(self.columns) * CELL.0,
                CELL.1,
                hex(bg)
            );
        }
        if self.shapes {
            let _ = writeln!(out, "<path d=\"{}\" fill=\"{}\"/>", shapes(&self.text, x, top), hex(fg));
            return;
        }
        let shown = self.text.trim_end();
        let lead = shown.len() - shown.trim_start().len();
        let shown = shown.trim_start();
        if shown.is_empty() {
            return;
        }
        let x = x + lead as f64 * CELL.0;
        let mut attributes = String::new();
        for (modifier, attribute) in [
            (Modifier::BOLD, " font-weight=\"bold\""),
            (Modifier::ITALIC, " font-style=\"italic\""),
            (Modifier::DIM, " opacity=\"0.65\""),
            (Modifier::UNDERLINED, " text-decoration=\"underline\""),
        ] {
            if self.style.add_modifier.contains(modifier) {
                attributes.push_str(attribute);
            }
        }
        let _ = writeln!(
            out,
            "<text x=\"{x:.1}\" y=\"{:.1}\" textLength=\"{:.1}\" lengthAdjust=\"spacingAndGlyphs\" fill=\"{}\"{attributes}>{}</text>",
            top + 13.5,
            shown.width() as f64 * CELL.0,
            hex(fg),
            escape(shown)
        );
    }
}

/// Braille dots and bars as the outline of rectangles.
fn shapes(text: &str, x: f64, top: f64) -> String {
    let mut path = String::new();
    let mut rectangle = |x: f64, y: f64, width: f64, height: f64| {
        let _ = write!(path, "M{x:.1} {y:.1}h{width:.1}v{height:.1}h-{width:.1}z");
    };
    for (column, c) in text.chars().enumerate() {
        let x = x + column as f64 * CELL.0;
        let code = u32::from(c);
        if ('▁'..='█').contains(&c) {
            let height = CELL.1 * f64::from(code - 0x2580) / 8.0;
            rectangle(x, top + CELL.1 - height, CELL.0, height);
            continue;
        }
        for (bit, (dx, dy)) in [(0, 0), (0, 1), (0, 2), (1, 0), (1, 1), (1, 2), (0, 3), (1, 3)].into_iter().enumerate()
        {
            if code >> bit & 1 == 1 {
                rectangle(x + 1.2 + 4.2 * f64::from(dx), top + 1.3 + 4.5 * f64::from(dy), 1.8, 1.8);
            }
        }
    }
    path
}

fn hex((r, g, b): (u8, u8, u8)) -> String {
    format!("#{r:02x}{g:02x}{b:02x}")
}

fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace(' ', "\u{a0}")
}
