//! Colours as light: distances, contrast, and what a terminal with fewer colours can show of them.

use ratatui::style::Color;

/// The sixteen colours of xterm in the order of their indices; terminals vary, these are the reference.
const XTERM_16: [(u8, u8, u8); 16] = [
    (0x00, 0x00, 0x00),
    (0xcd, 0x00, 0x00),
    (0x00, 0xcd, 0x00),
    (0xcd, 0xcd, 0x00),
    (0x00, 0x00, 0xee),
    (0xcd, 0x00, 0xcd),
    (0x00, 0xcd, 0xcd),
    (0xe5, 0xe5, 0xe5),
    (0x7f, 0x7f, 0x7f),
    (0xff, 0x00, 0x00),
    (0x00, 0xff, 0x00),
    (0xff, 0xff, 0x00),
    (0x5c, 0x5c, 0xff),
    (0xff, 0x00, 0xff),
    (0x00, 0xff, 0xff),
    (0xff, 0xff, 0xff),
];

/// The names of the sixteen in themes, in the order of their indices.
const NAMES: [(&str, Color); 16] = [
    ("black", Color::Black),
    ("red", Color::Red),
    ("green", Color::Green),
    ("yellow", Color::Yellow),
    ("blue", Color::Blue),
    ("magenta", Color::Magenta),
    ("cyan", Color::Cyan),
    ("white", Color::Gray),
    ("bright-black", Color::DarkGray),
    ("bright-red", Color::LightRed),
    ("bright-green", Color::LightGreen),
    ("bright-yellow", Color::LightYellow),
    ("bright-blue", Color::LightBlue),
    ("bright-magenta", Color::LightMagenta),
    ("bright-cyan", Color::LightCyan),
    ("bright-white", Color::White),
];

/// `#rrggbb`, a name of the sixteen, an index of the 256, or `default` (the terminal's own).
pub fn parse(word: &str) -> Option<Color> {
    if word == "default" {
        return Some(Color::Reset);
    }
    if let Some(hex) = word.strip_prefix('#') {
        let value = (hex.len() == 6).then(|| u32::from_str_radix(hex, 16).ok()).flatten()?;
        let [_, r, g, b] = value.to_be_bytes();
        return Some(Color::Rgb(r, g, b));
    }
    if let Ok(index) = word.parse::<u8>() {
        return Some(Color::Indexed(index));
    }
    NAMES.iter().find(|(name, _)| *name == word).map(|(_, color)| *color)
}

/// Red, green and blue of a colour by xterm's palette; `None` for the terminal's own.
#[must_use]
pub fn rgb(color: Color) -> Option<(u8, u8, u8)> {
    match color {
        Color::Rgb(r, g, b) => Some((r, g, b)),
        Color::Indexed(index) => Some(indexed(index)),
        Color::Reset => None,
        named => {
            let index = NAMES.iter().position(|(_, color)| *color == named)?;
            XTERM_16.get(index).copied()
        }
    }
}

fn indexed(index: u8) -> (u8, u8, u8) {
    let level = |step: u8| if step == 0 { 0 } else { 55 + 40 * step };
    match index {
        0..=15 => XTERM_16.get(usize::from(index)).copied().unwrap_or_default(),
        16..=231 => {
            let cube = index - 16;
            (level(cube / 36), level(cube / 6 % 6), level(cube % 6))
        }
        grey => {
            let value = 8 + 10 * (grey - 232);
            (value, value, value)
        }
    }
}

/// The nearest of the 240 fixed colours of a 256-colour terminal.
pub fn to_256(color: Color) -> Color {
    let Color::Rgb(r, g, b) = color else { return color };
    let nearest = (16..=255u8).min_by_key(|index| distance((r, g, b), indexed(*index)));
    nearest.map_or(color, Color::Indexed)
}

/// The one of the sixteen that says the same: by hue, because nearness in light makes every pastel grey.
pub fn to_16(color: Color) -> Color {
    if !matches!(color, Color::Rgb(..) | Color::Indexed(_)) {
        return color;
    }
    let Some((r, g, b)) = rgb(color) else { return color };
    let (most, least) = (r.max(g).max(b), r.min(g).min(b));
    let spread = most - least;
    if most < 0x60 || u16::from(spread) * 5 < u16::from(most) {
        return match most {
            0..0x20 => Color::Black,
            0x20..0x98 => Color::DarkGray,
            0x98..0xf8 => Color::Gray,
            _ => Color::White,
        };
    }
    let part = |a: u8, b: u8| 60.0 * (f64::from(a) - f64::from(b)) / f64::from(spread);
    let hue = match most {
        top if top == r => part(g, b).rem_euclid(360.0),
        top if top == g => 120.0 + part(b, r),
        _ => 240.0 + part(r, g),
    };
    let bright = most >= 0xb8;
    match hue {
        20.0..75.0 => {
            if bright {
                Color::LightYellow
            } else {
                Color::Yellow
            }
        }
        75.0..150.0 => {
            if bright {
                Color::LightGreen
            } else {
                Color::Green
            }
        }
        150.0..215.0 => {
            if bright {
                Color::LightCyan
            } else {
                Color::Cyan
            }
        }
        215.0..255.0 => {
            if bright {
                Color::LightBlue
            } else {
                Color::Blue
            }
        }
        255.0..330.0 => {
            if bright {
                Color::LightMagenta
            } else {
                Color::Magenta
            }
        }
        _ => {
            if bright {
                Color::LightRed
            } else {
                Color::Red
            }
        }
    }
}

/// Squared distance weighted as the eye weighs the channels.
fn distance(a: (u8, u8, u8), b: (u8, u8, u8)) -> i32 {
    let (dr, dg, db) =
        (i32::from(a.0) - i32::from(b.0), i32::from(a.1) - i32::from(b.1), i32::from(a.2) - i32::from(b.2));
    let mean = (i32::from(a.0) + i32::from(b.0)) / 2;
    (512 + mean) * dr * dr / 256 + 4 * dg * dg + (767 - mean) * db * db / 256
}
