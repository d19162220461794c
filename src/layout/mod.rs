//! Where things stand: pure geometry.

pub mod topology;

use ratatui::layout::{Rect, Size};

/// The smallest terminal the console draws in.
pub const SMALLEST: Size = Size { width: 60, height: 16 };

/// From this size on the board has the selected tier's detail beside it.
const SIDE_FROM: Size = Size { width: 120, height: 34 };

/// Columns the board's table needs to be whole; what is beyond goes to the side.
const TABLE_WIDTH: u16 = 80;

/// What kind of page is laid out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Page {
    /// With the alerts strip, and the detail at its side where there is room.
    Board,
    /// One body over the whole width.
    Whole,
}

/// The regions of a screen, from top to bottom. None overlap.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Regions {
    pub header: Rect,
    /// The rule below the header, which carries PARTIAL and BLIND.
    pub evidence: Rect,
    pub body: Rect,
    /// Beside the body, behind one column for a rule.
    pub side: Option<Rect>,
    /// The rule above the strip.
    pub rule: Rect,
    /// Alerts on the board, empty elsewhere.
    pub strip: Rect,
    /// The newest notice; empty when there is none.
    pub notice: Rect,
    pub footer: Rect,
}

/// Lays out a page; `None` when the terminal is smaller than [`SMALLEST`].
#[must_use]
pub fn regions(size: Size, page: Page, notice: bool) -> Option<Regions> {
    if size.width < SMALLEST.width || size.height < SMALLEST.height {
        return None;
    }
    let line = |y: u16, height: u16| Rect { x: 0, y, width: size.width, height };
    let footer = size.height - 1;
    let notice_at = footer - u16::from(notice);
    let strip = notice_at - u16::from(page == Page::Board);
    let rule = strip - 1;
    let body = line(2, rule - 2);
    let (body, side) = if page == Page::Board && size.width >= SIDE_FROM.width && size.height >= SIDE_FROM.height {
        // The table takes what it can use; a wide screen is shared so that the detail is not a strip.
        let table = TABLE_WIDTH.max(size.width * 3 / 5);
        let side = Rect { x: table + 2, width: size.width - table - 2, ..body };
        (Rect { width: table, ..body }, Some(side))
    } else {
        (body, None)
    };
    Some(Regions {
        header: line(0, 1),
        evidence: line(1, 1),
        body,
        side,
        rule: line(rule, 1),
        strip: line(strip, notice_at - strip),
        notice: line(notice_at, footer - notice_at),
        footer: line(footer, 1),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn regions_cover_every_line_once_at_every_size() {
        for width in [60, 80, 119, 120, 200] {
            for height in 16..60 {
                for (page, notice) in [(Page::Board, false), (Page::Board, true), (Page::Whole, true)] {
                    let regions = regions(Size { width, height }, page, notice).unwrap();
                    let Regions { header, evidence, body, side, rule, strip, notice, footer } = regions;
                    let lines = [header, evidence, body, rule, strip, notice, footer];
                    assert_eq!(lines.iter().map(|area| area.height).sum::<u16>(), height);
                    assert!(lines.windows(2).all(|pair| pair[0].bottom() == pair[1].y));
                    assert_eq!(side.is_some(), page == Page::Board && width >= 120 && height >= 34);
                    if let Some(side) = side {
                        assert!(body.width >= TABLE_WIDTH && side.x > body.right() && side.right() == width);
                    }
                }
            }
        }
        assert_eq!(super::regions(Size { width: 59, height: 40 }, Page::Board, false), None);
    }
}
