//! One signal over time, with its value, its target and the changes that fall into the period.

use ratatui::layout::Rect;

use crate::model::board::{ComponentRow, SignalRow};
use crate::model::facts::ChangeFact;
use crate::shown;
use crate::state::State;
use crate::state::rows;
use crate::theme::Role;
use crate::ui::canvas::{Canvas, Ink, Piece};
use crate::ui::widgets::chart::Chart;
use crate::ui::{format, looks};

/// Lines below which a chart says nothing.
pub const SHORTEST: u16 = 6;

/// Draws title, chart and legend into `area`; `position` is the signal's place among the component's.
pub fn draw(
    canvas: &mut Canvas<'_>,
    area: Rect,
    state: &State,
    row: &ComponentRow,
    signal: &SignalRow,
    minutes: u16,
    position: Option<(usize, usize)>,
) {
    if area.height < SHORTEST {
        return;
    }
    let changes: Vec<&ChangeFact> = rows::component_changes(&state.board, &row.id, "")
        .into_iter()
        .filter(|change| state.now.since(change.at).as_secs() <= u64::from(minutes) * 60)
        .take(match area.height {
            0..9 => 0,
            9..13 => 1,
            _ => 3,
        })
        .collect();
    title(canvas, area, signal, minutes, position);
    let legend = u16::try_from(changes.len()).unwrap_or(0);
    let marks: Vec<(char, crate::domain::time::Stamp)> =
        ('a'..).zip(&changes).map(|(letter, change)| (letter, change.at)).collect();
    let plot = Rect { x: area.x + 1, y: area.y + 1, width: area.width - 1, height: area.height - 1 - legend };
    let thresholds = &signal.thresholds;
    let target = thresholds.critical.or(thresholds.warn).filter(|_| thresholds.above);
    Chart { signal, target, now: state.now, minutes, marks: &marks }.draw(canvas, plot);
    for (y, (letter, change)) in (plot.bottom()..area.bottom()).zip(('a'..).zip(&changes)) {
        let mut letters = [0; 4];
        let letter = crate::domain::text::Shown::of(letter.encode_utf8(&mut letters));
        let before = format::age(state.now.since(change.at));
        let x = canvas.put(area.x + 2, y, area.width, shown!("▾{} ", letter), Ink::bold(Role::ChartChange));
        let words = shown!("{} ({} ago) {}", format::moment(change.at, state.now), before, change.what);
        canvas.put(x, y, area.right().saturating_sub(x + 1), words, Role::Dim);
    }
}

fn title(canvas: &mut Canvas<'_>, area: Rect, signal: &SignalRow, minutes: u16, position: Option<(usize, usize)>) {
    let value = format::full(&signal.reading);
    let ink = if value.is_fresh() && signal.health.is_sick() { looks::role(signal.health) } else { value.role };
    let mut pieces =
        vec![Piece::new(shown!(" {}  ", signal.label), Ink::bold(Role::Text)), Piece::new(&value, Ink::bold(ink))];
    let level = signal.thresholds.critical.or(signal.thresholds.warn);
    if let Some(level) = format::threshold(level, &signal.reading) {
        let words = if signal.thresholds.above { "limit" } else { "at least" };
        pieces.push(Piece::new(shown!("  {} {} ({})", words, level, signal.thresholds.origin), Role::Dim));
    }
    let end = canvas.pieces(area.x, area.y, area.width, &pieces);
    let right = match position {
        Some((at, of)) => shown!("{}/{}  last {} min ", at + 1, of, minutes),
        None => shown!("last {} min ", minutes),
    };
    if end + crate::ui::canvas::width(&right) >= area.right() {
        return;
    }
    canvas.right(end, area.y, area.right().saturating_sub(end), right, Role::Dim);
}
