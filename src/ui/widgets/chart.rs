//! A braille line over time: value labels with units, round minutes, a dashed target, last week faint, marks of changes.

use std::time::Duration;

use ratatui::layout::Rect;

use crate::domain::time::Stamp;
use crate::domain::unit::Unit;
use crate::model::board::SignalRow;
use crate::model::facts::Point;
use crate::theme::Role;
use crate::ui::canvas::{Canvas, Ink};
use crate::ui::format;

/// Columns of the value labels with their gap.
const LABELS: u16 = 9;

const WEEK: Duration = Duration::from_secs(7 * 24 * 3_600);

pub struct Chart<'a> {
    pub signal: &'a SignalRow,
    /// The level that should not be passed, in the signal's unit.
    pub target: Option<f64>,
    pub now: Stamp,
    pub minutes: u16,
    /// Moments of changes with the letter that the legend names.
    pub marks: &'a [(char, Stamp)],
}

impl Chart<'_> {
    /// Draws into `area`: one line of marks, the plot, one line of times. Needs at least four lines.
    pub fn draw(&self, canvas: &mut Canvas<'_>, area: Rect) {
        if area.height < 4 || area.width < LABELS + 12 {
            return;
        }
        let plot = Rect { x: area.x + LABELS, y: area.y + 1, width: area.width - LABELS, height: area.height - 2 };
        // The window moves by whole dots: between two of them a chart without news is the same chart.
        let dot = (u64::from(self.minutes) * 60_000).div_ceil(u64::from(plot.width) * 2);
        let step = Duration::from_millis(dot.next_multiple_of(1_000));
        let end = self.now.align_down(step) + step;
        let start = end - Duration::from_secs(u64::from(self.minutes) * 60);
        let shown = window(&self.signal.history, start, end);
        let Some(sample) = self.signal.reading.last() else {
            return nothing(canvas, plot);
        };
        if shown.is_empty() {
            return nothing(canvas, plot);
        }
        let top = self.top(shown);
        self.labels(canvas, area, plot, top, sample.unit);
        self.times(canvas, plot, start, end);
        let scale = Scale { plot, start, end, top };
        if let Some(target) = self.target.filter(|target| *target <= top) {
            let y = scale.cell(target);
            for x in plot.left()..plot.right() {
                canvas.glyph(x, y, if (x - plot.x).is_multiple_of(2) { "╌" } else { " " }, Role::ChartTarget);
            }
        }
        let last_week: Vec<Point> = window(&self.signal.history, start - WEEK, end - WEEK)
            .iter()
            .map(|point| Point { at: point.at + WEEK, ..*point })
            .collect();
        let longest_step = sample.provenance.period.max(Duration::from_secs(15)).mul_f64(3.5);
        scale.line(canvas, &last_week, longest_step, Role::ChartLastWeek);
        scale.line(canvas, shown, longest_step, Role::Chart1);
        for (letter, at) in self.marks {
            if let Some(x) = scale.column(*at) {
                canvas.glyph(x, area.y, "▾", Ink::bold(Role::ChartChange));
                if x + 1 < plot.right() {
                    canvas.mark(x + 1, area.y, *letter, Ink::bold(Role::ChartChange));
                }
            }
        }
    }

    /// The top of the value axis: twice a round step, so that the middle is round too. The target is kept in sight
    /// unless it is far above everything.
    fn top(&self, shown: &[Point]) -> f64 {
        let most = shown.iter().map(|point| point.value).filter(|value| value.is_finite()).fold(0.0, f64::max);
        let most = match self.target {
            Some(target) if target <= most * 4.0 || most == 0.0 => most.max(target * 1.05),
            _ => most,
        };
        if most <= 0.0 {
            return 1.0;
        }
        let half = most / 2.0;
        let power = 10f64.powf(half.log10().floor());
        let step = [1.0, 1.5, 2.0, 2.5, 3.0, 4.0, 5.0, 6.0, 8.0, 10.0].into_iter().find(|step| step * power >= half);
        2.0 * power * step.unwrap_or(10.0)
    }

    fn labels(&self, canvas: &mut Canvas<'_>, area: Rect, plot: Rect, top: f64, unit: Unit) {
        let width = LABELS - 2;
        canvas.right(area.x, plot.y, width, format::axis(top, unit), Role::Dim);
        if plot.height >= 5 {
            canvas.right(area.x, plot.y + (plot.height - 1) / 2, width, format::axis(top / 2.0, unit), Role::Dim);
        }
        canvas.right(area.x, plot.bottom() - 1, width, format::axis(0.0, unit), Role::Dim);
        for y in plot.top()..plot.bottom() {
            canvas.glyph(plot.x - 1, y, "│", Role::Rule);
        }
    }

    /// Times on round minutes, as many as fit without touching.
    fn times(&self, canvas: &mut Canvas<'_>, plot: Rect, start: Stamp, end: Stamp) {
        let labels = u64::from((plot.width / 12).clamp(1, 6));
        let minutes = u64::from(self.minutes);
        let step = [1, 2, 5, 10, 15, 30, 60, 120, 360, 1_440].into_iter().find(|step| minutes <= step * labels);
        let step = Duration::from_secs(step.unwrap_or(1_440) * 60);
        let scale = Scale { plot, start, end, top: 1.0 };
        let mut at = end.align_down(step);
        while at >= start {
            if let Some(x) = scale.column(at) {
                let left = x.saturating_sub(2).clamp(plot.x, plot.right().saturating_sub(5));
                canvas.put(left, plot.bottom(), 5, format::minute(at), Role::Dim);
            }
            at = at - step;
        }
    }
}

fn nothing(canvas: &mut Canvas<'_>, plot: Rect) {
    canvas.put(plot.x, plot.y + plot.height / 2, plot.width, "no samples in this period", Role::Dim);
}

/// Points within the period; history is ascending.
fn window(history: &[Point], start: Stamp, end: Stamp) -> &[Point] {
    let from = history.partition_point(|point| point.at < start);
    let to = history.partition_point(|point| point.at <= end);
    history.get(from..to).unwrap_or_default()
}

/// From time and value to dots and cells.
struct Scale {
    plot: Rect,
    start: Stamp,
    end: Stamp,
    top: f64,
}

impl Scale {
    fn share_of_time(&self, at: Stamp) -> Option<f64> {
        let span = (self.end.millis() - self.start.millis()) as f64;
        let share = (at.millis() - self.start.millis()) as f64 / span;
        (0.0..=1.0).contains(&share).then_some(share)
    }

    /// The column of a moment.
    fn column(&self, at: Stamp) -> Option<u16> {
        let share = self.share_of_time(at)?;
        Some(self.plot.x + (share * f64::from(self.plot.width - 1)).round() as u16)
    }

    /// The line of a value.
    fn cell(&self, value: f64) -> u16 {
        let share = (value / self.top).clamp(0.0, 1.0);
        self.plot.y + ((1.0 - share) * f64::from(self.plot.height - 1)).round() as u16
    }

    /// The dot of a point, from the plot's upper left.
    fn dot(&self, point: &Point) -> Option<(i32, i32)> {
        if !point.value.is_finite() {
            return None;
        }
        let x = self.share_of_time(point.at)? * f64::from(self.plot.width * 2 - 1);
        let share = (point.value / self.top).clamp(0.0, 1.0);
        let y = (1.0 - share) * f64::from(self.plot.height * 4 - 1);
        Some((x.round() as i32, y.round() as i32))
    }

    /// Joins points that follow each other within `longest_step`; a longer silence is a gap.
    fn line(&self, canvas: &mut Canvas<'_>, points: &[Point], longest_step: Duration, role: Role) {
        let (columns, rows) = (usize::from(self.plot.width), usize::from(self.plot.height));
        let mut dots = vec![0u8; columns * rows];
        let mut before: Option<(Stamp, (i32, i32))> = None;
        for point in points {
            let Some(dot) = self.dot(point) else {
                before = None;
                continue;
            };
            let from = before.filter(|(at, _)| point.at.since(*at) <= longest_step).map_or(dot, |(_, dot)| dot);
            for (x, y) in segment(from, dot) {
                let (Ok(x), Ok(y)) = (usize::try_from(x), usize::try_from(y)) else { continue };
                if let (true, Some(cell)) = (x / 2 < columns, dots.get_mut(y / 4 * columns + x / 2)) {
                    *cell |= braille_bit(x % 2, y % 4);
                }
            }
            before = Some((point.at, dot));
        }
        for (row, y) in (self.plot.top()..self.plot.bottom()).enumerate() {
            for (column, x) in (self.plot.left()..self.plot.right()).enumerate() {
                let dots = dots.get(row * columns + column).copied().unwrap_or(0);
                if let (true, Some(mark)) = (dots != 0, char::from_u32(0x2800 + u32::from(dots))) {
                    canvas.mark(x, y, mark, role);
                }
            }
        }
    }
}

/// The bit of a dot in a braille cell (Unicode chapter 21.1): columns 0-1, rows 0-3.
const fn braille_bit(column: usize, row: usize) -> u8 {
    match (column, row) {
        (0, 0) => 0x01,
        (0, 1) => 0x02,
        (0, 2) => 0x04,
        (0, _) => 0x40,
        (_, 0) => 0x08,
        (_, 1) => 0x10,
        (_, 2) => 0x20,
        (_, _) => 0x80,
    }
}

/// The dots of a straight line, both ends included.
fn segment(from: (i32, i32), to: (i32, i32)) -> impl Iterator<Item = (i32, i32)> {
    let steps = (to.0 - from.0).abs().max((to.1 - from.1).abs()).max(1);
    (0..=steps).map(move |step| {
        let at = |a: i32, b: i32| a + ((b - a) as f64 * f64::from(step) / f64::from(steps)).round() as i32;
        (at(from.0, to.0), at(from.1, to.1))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_has_no_holes() {
        for (from, to) in [((0, 0), (5, 11)), ((3, 9), (0, 0)), ((2, 2), (2, 2))] {
            let dots: Vec<_> = segment(from, to).collect();
            assert_eq!((dots[0], dots[dots.len() - 1]), (from, to));
            assert!(
                dots.windows(2).all(|pair| (pair[0].0 - pair[1].0).abs() <= 1 && (pair[0].1 - pair[1].1).abs() <= 1)
            );
        }
    }

    #[test]
    fn the_window_takes_both_ends() {
        let history: Vec<Point> =
            (0..10).map(|at| Point { at: Stamp::from_millis(at * 1000), value: at as f64 }).collect();
        let shown = window(&history, Stamp::from_millis(2000), Stamp::from_millis(5000));
        assert_eq!(shown.iter().map(|point| point.value).collect::<Vec<_>>(), [2.0, 3.0, 4.0, 5.0]);
    }

    #[test]
    fn a_gap_stays_a_gap_and_the_axis_is_round() {
        use std::sync::Arc;

        use ratatui::buffer::Buffer;

        use crate::domain::health::Health;
        use crate::domain::id::SourceId;
        use crate::domain::reading::{Provenance, Query, Reading, Sample};
        use crate::domain::text::Raw;
        use crate::domain::unit::Statistic;
        use crate::model::board::Thresholds;
        use crate::theme::Theme;

        let now = Stamp::parse_rfc3339("2026-11-21T03:12:07Z").unwrap();
        let provenance = Arc::new(Provenance {
            source: SourceId::new("prom"),
            endpoint: Raw::new("http://127.0.0.1:9090"),
            query: Query::PromQl(Raw::new("up")),
            statistic: Statistic::P95,
            period: Duration::from_secs(15),
            delay: Duration::ZERO,
            threshold_origin: "default",
        });
        // A quarter of an hour at 371 ms without the middle five minutes.
        let history: Vec<Point> = (0..60u64)
            .filter(|step| !(20..40).contains(step))
            .map(|step| Point { at: now - Duration::from_secs(15 * (59 - step)), value: 0.371 })
            .collect();
        let signal = SignalRow {
            signal: "x",
            label: "p95",
            role: crate::model::signals::Role::Latency,
            part: None,
            version: None,
            reading: Reading::Fresh(Sample { value: 0.371, unit: Unit::Seconds, at: now, provenance }),
            health: Health::Ok,
            thresholds: Thresholds::default(),
            history: history.into(),
        };
        let area = Rect::new(0, 0, 69, 10);
        let mut buffer = Buffer::empty(area);
        let theme = Theme::plain();
        let chart = Chart { signal: &signal, target: Some(0.2), now, minutes: 15, marks: &[('a', now)] };
        chart.draw(&mut Canvas::new(&mut buffer, &theme), area);
        let text = crate::ui::snapshot::text(&buffer);
        let has_line = |x: u16| (1..9).any(|y| ('\u{2801}'..='\u{28ff}').contains(&first(&buffer, x, y)));
        assert!((10..28).all(has_line) && !(31..48).any(has_line) && (52..68).all(has_line), "{text}");
        for label in ["400 ms", "200 ms", "0 s", "03:00", "03:10", "▾", "╌"] {
            assert!(text.contains(label), "{label} is missing:\n{text}");
        }
    }

    fn first(buffer: &ratatui::buffer::Buffer, x: u16, y: u16) -> char {
        buffer.cell((x, y)).and_then(|cell| cell.symbol().chars().next()).unwrap_or(' ')
    }
}
