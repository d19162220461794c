//! What a card is made of: labelled sections, which say less when lines run out.

use crate::domain::text::Shown;
use crate::shown;
use crate::theme::Role;
use crate::ui::canvas::{Canvas, Ink, Piece, Print, cut_middle, width, wrap};

/// A line of the card.
pub type Line = Vec<Piece>;

/// Columns of the labels, the blank before them included.
const LABEL: u16 = 10;

/// Columns that a section's text has on a card of this width.
pub const fn text_columns(width: u16) -> u16 {
    width.saturating_sub(LABEL + 1)
}

/// How much is said; less when lines run out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Detail {
    /// Entries of a section.
    pub entries: usize,
    /// Lines of an entry.
    pub wrap: usize,
}

impl Detail {
    pub const WHOLE: Self = Self { entries: usize::MAX, wrap: usize::MAX };
}

/// From the least to the most.
const DETAILS: [Detail; 7] = [
    Detail { entries: 1, wrap: 1 },
    Detail { entries: 2, wrap: 1 },
    Detail { entries: 3, wrap: 1 },
    Detail { entries: 4, wrap: 1 },
    Detail { entries: 4, wrap: 2 },
    Detail { entries: 6, wrap: 2 },
    Detail { entries: 8, wrap: 4 },
];

/// One thing that a section says.
#[derive(Clone, Debug)]
pub enum Entry {
    /// A line that is aligned by itself.
    Row(Line),
    /// Words behind a lead; further lines stand below the words.
    Words { lead: Line, text: Shown, ink: Ink },
}

impl Entry {
    pub fn words(text: impl Print, ink: impl Into<Ink>) -> Self {
        Self::led(Vec::new(), text, ink)
    }

    pub fn led(lead: Line, text: impl Print, ink: impl Into<Ink>) -> Self {
        let Piece { text, ink } = Piece::new(text, ink);
        Self::Words { lead, text, ink }
    }

    fn lines(&self, columns: u16, most: usize) -> Vec<Line> {
        let (lead, text, ink) = match self {
            Self::Row(line) => return vec![line.clone()],
            Self::Words { lead, text, ink } => (lead, text, *ink),
        };
        let indent = length(lead).min(columns / 2);
        let texts = wrap(text, columns.saturating_sub(indent), most.min(40));
        let first = |row: usize| if row == 0 { lead.clone() } else { vec![Piece::new(blank(indent), Role::Dim)] };
        let mut lines: Vec<Line> = texts
            .into_iter()
            .enumerate()
            .map(|(row, text)| first(row).into_iter().chain([Piece::new(text, ink)]).collect())
            .collect();
        if lines.is_empty() {
            lines.push(lead.clone());
        }
        lines
    }
}

/// What is said under one label.
#[derive(Clone, Debug)]
pub struct Section {
    pub label: &'static str,
    pub ink: Ink,
    /// 3: must be read whole, 2: must be known before the fire key, 0: is left out first.
    pub rank: u8,
    pub entries: Vec<Entry>,
    /// It has already been cut to the detail.
    pub cut: bool,
}

impl Section {
    pub fn new(label: &'static str, rank: u8, entries: Vec<Entry>) -> Self {
        Self { label, ink: Role::Dim.into(), rank, entries, cut: false }
    }

    fn lines(&self, columns: u16, detail: Detail) -> Vec<Line> {
        let columns = text_columns(columns);
        let mut entries = self.entries.clone();
        let (of, shown) = (entries.len(), detail.entries.max(1));
        if of > shown && !self.cut {
            entries.truncate(shown);
            let words = shown!("({} of {}) ", shown, of);
            match entries.last_mut() {
                Some(Entry::Row(line)) if length(line) + width(&words) + 3 <= columns => {
                    line.push(Piece::new(shown!("   … {} more", of - shown), Role::Dim));
                }
                Some(Entry::Words { lead, .. } | Entry::Row(lead)) => lead.insert(0, Piece::new(words, Role::Dim)),
                None => {}
            }
        }
        let most = if self.rank > 2 { detail.wrap.max(3) } else { detail.wrap };
        let lines = entries.iter().flat_map(|entry| entry.lines(columns, most));
        lines
            .enumerate()
            .map(|(row, line)| {
                let label = if row == 0 { self.label } else { "" };
                let gap = LABEL.saturating_sub(1 + width(label));
                let label =
                    [Piece::new(" ", Role::Dim), Piece::new(label, self.ink), Piece::new(blank(gap), Role::Dim)];
                label.into_iter().chain(line).collect()
            })
            .collect()
    }
}

/// The lines of sections in full.
pub fn whole(sections: &[Section], columns: u16) -> Vec<Line> {
    sections.iter().flat_map(|section| section.lines(columns, Detail::WHOLE)).collect()
}

/// The lines of sections that fit. Everything is said as briefly as can be; then, what matters most first, as much more
/// of each section as there is room for.
pub fn fit(sections: impl Fn(Detail) -> Vec<Section>, columns: u16, room: usize) -> Vec<Line> {
    let told: Vec<Vec<(u8, Vec<Line>)>> = DETAILS
        .iter()
        .map(|detail| sections(*detail).iter().map(|of| (of.rank, of.lines(columns, *detail))).collect())
        .collect();
    let count = told.first().map_or(0, Vec::len);
    let mut chosen: Vec<&[Line]> = vec![&[]; count];
    let mut left = room;
    // First everything in a line, then more entries, then whole sentences.
    for stage in [0..1, 1..4, 4..DETAILS.len()] {
        let levels = told.get(stage).unwrap_or_default();
        for (rank, level) in (0..=3).rev().flat_map(|rank| levels.iter().map(move |level| (rank, level))) {
            let of_rank = level.iter().zip(&mut chosen).filter(|((of, _), _)| *of == rank);
            for ((_, lines), chosen) in of_rank {
                if lines.len() <= chosen.len() + left {
                    left = (chosen.len() + left) - lines.len();
                    *chosen = lines;
                }
            }
        }
    }
    chosen.into_iter().flatten().cloned().collect()
}

/// Draws lines from the top of an area, `scroll` lines left out as far as there are more.
pub fn draw(canvas: &mut Canvas<'_>, area: ratatui::layout::Rect, lines: &[Line], scroll: usize) {
    for (y, line) in (area.top()..area.bottom()).zip(lines.iter().skip(scroll)) {
        canvas.pieces(area.x, y, area.width, line);
    }
}

pub fn length(pieces: &[Piece]) -> u16 {
    pieces.iter().map(|piece| width(&piece.text)).fold(0, u16::saturating_add)
}

pub fn blank(columns: u16) -> Shown {
    Shown::of(&" ".repeat(usize::from(columns)))
}

/// A text in exactly so many columns: cut in its middle, or blanks behind it.
pub fn padded(text: &Shown, columns: u16, ink: impl Into<Ink>) -> Line {
    let cut = cut_middle(text.as_str(), usize::from(columns));
    let gap = columns.saturating_sub(width(&cut));
    vec![Piece::new(cut, ink), Piece::new(blank(gap), Role::Dim)]
}

/// The same with the blanks before it.
pub fn right(text: &Shown, columns: u16, ink: impl Into<Ink>) -> Line {
    let mut line = padded(text, columns, ink);
    line.reverse();
    line
}

/// Texts with a thin mark between them.
pub fn dotted(parts: &[Shown]) -> Shown {
    Shown::joined(parts.iter(), " · ")
}
