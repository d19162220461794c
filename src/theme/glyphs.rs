//! The two glyph sets. Screens are drawn with the Unicode set; for a terminal without it, every cell is folded to its
//! ASCII twin of the same width, so that no glyph can be without one.

/// Which characters the terminal can show.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum GlyphSet {
    #[default]
    Unicode,
    Ascii,
}

/// Levels of a sparkline, lowest first.
pub const BARS: [&str; 8] = ["▁", "▂", "▃", "▄", "▅", "▆", "▇", "█"];

/// Twins of single characters: what they are, then what stands for them.
const TWINS: [(&str, char); 23] = [
    ("─━╌╍┄", '-'),
    ("│┃╎", '|'),
    ("┌┐└┘├┤┬┴┼┏┓┗┛┣┫┳┻╋╭╮╯╰", '+'),
    ("▸▶→", '>'),
    ("◂◀←", '<'),
    ("▾▼", 'v'),
    ("…", '~'),
    ("●▪", '*'),
    ("○", 'o'),
    ("■", '#'),
    ("□", '.'),
    ("·", '.'),
    ("−–—", '-'),
    ("±", '+'),
    ("×", 'x'),
    ("≥", '>'),
    ("≤", '<'),
    ("⏎", '>'),
    ("↑", '^'),
    ("↓", 'v'),
    ("▌", '_'),
    ("░", ' '),
    ("∞", '8'),
];

/// Levels of a sparkline without Unicode, lowest first.
const ASCII_BARS: [char; 8] = ['_', '.', '-', '=', '+', 'o', '*', '#'];

/// The ASCII character of the same width that stands for this one; `?` for what is not ours (a name in another script).
#[must_use]
pub fn twin(c: char) -> char {
    if c.is_ascii() {
        return c;
    }
    if let Some(level) = BARS.iter().position(|bar| bar.starts_with(c)) {
        return ASCII_BARS.get(level).copied().unwrap_or('#');
    }
    if ('\u{2800}'..='\u{28ff}').contains(&c) {
        return braille_twin(u32::from(c) - 0x2800);
    }
    TWINS.iter().find(|(glyphs, _)| glyphs.contains(c)).map_or('?', |(_, twin)| *twin)
}

/// A braille cell by the heights at which it has dots.
fn braille_twin(dots: u32) -> char {
    let rows = [0x09, 0x12, 0x24, 0xc0].map(|row| dots & row != 0);
    match rows {
        [false, false, false, false] => ' ',
        [true, false, false, false] => '\'',
        [false, false, false, true] => '_',
        [_, _, false, false] => '"',
        [false, false, _, _] => '.',
        [false, _, _, false] => '-',
        _ => '|',
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_bar_and_every_braille_cell_has_a_twin() {
        for bar in BARS {
            assert!(bar.chars().all(|c| twin(c) != '?'), "{bar}");
        }
        let twins: Vec<char> = BARS.iter().filter_map(|bar| bar.chars().next()).map(twin).collect();
        assert_eq!(twins, ASCII_BARS, "levels stay apart");
        for dots in 0..=255 {
            let cell = char::from_u32(0x2800 + dots).unwrap();
            assert!(twin(cell).is_ascii() && twin(cell) != '?');
        }
        assert_eq!(twin('日'), '?');
    }
}
