//! Wires. A cell may be shared by wires of one caller or of one callee, and crossed at a right angle by others; a wire
//! that cannot keep to that is not drawn.

use std::collections::BTreeMap;

use super::Wire;
use super::columns::Grid;

/// Who uses a cell lengthwise and upright.
#[derive(Default)]
struct Cell {
    across: Vec<(usize, usize)>,
    upright: Vec<(usize, usize)>,
}

#[derive(Default)]
struct Board {
    cells: BTreeMap<(u16, u16), Cell>,
}

/// The cells of a part of a wire: position, and whether it runs across and upright there (a corner does both).
type Trace = Vec<((u16, u16), bool, bool)>;

/// Orders in which wires take their tracks; which one leaves fewest out depends on the graph, so all are tried.
const ORDERS: [Order; 5] = [
    |_, length| (length.0, length.1, 0),
    |ends, length| (length.0, ends.0, length.1),
    |ends, length| (length.0, ends.1, length.1),
    |ends, length| (length.0, u16::MAX - ends.0, length.1),
    |ends, length| (length.0, u16::MAX - ends.1, length.1),
];

/// From the lines of both ends, and the columns and lines between them, to the place in the order.
type Order = fn((u16, u16), (u16, u16)) -> (u16, u16, u16);

/// Routes every link; those that cannot be drawn are returned by index.
pub(super) fn wires(grid: &Grid, links: &[(usize, usize)]) -> (Vec<Wire>, Vec<usize>) {
    let mut best: Option<(Vec<Wire>, Vec<usize>)> = None;
    for order in ORDERS {
        let (wires, unwired) = attempt(grid, links, order);
        let clean = unwired.is_empty();
        if best.as_ref().is_none_or(|(_, fewest)| unwired.len() < fewest.len()) {
            best = Some((wires, unwired));
        }
        if clean {
            break;
        }
    }
    best.unwrap_or_default()
}

fn attempt(grid: &Grid, links: &[(usize, usize)], order: Order) -> (Vec<Wire>, Vec<usize>) {
    let mut board = Board::default();
    let mut wires = Vec::new();
    let mut unwired = Vec::new();
    let key = |(from, to): (usize, usize)| {
        let line = |node: usize| grid.cards.get(node).map_or(0, |card| card.y);
        let column =
            |node: usize| grid.column_of.get(node).map_or(0, |column| u16::try_from(*column).unwrap_or(u16::MAX));
        order((line(from), line(to)), (column(to).abs_diff(column(from)), line(to).abs_diff(line(from))))
    };
    let mut sorted: Vec<(usize, (usize, usize))> = links.iter().copied().enumerate().collect();
    sorted.sort_by_key(|(_, link)| key(*link));
    for (link, ends) in sorted {
        match wire(grid, &mut board, link, ends) {
            Some(path) => wires.push(Wire { link, path }),
            None => unwired.push(link),
        }
    }
    wires.sort_by_key(|wire| wire.link);
    unwired.sort_unstable();
    (wires, unwired)
}

fn wire(grid: &Grid, board: &mut Board, link: usize, ends: (usize, usize)) -> Option<Vec<(u16, u16)>> {
    let (from, to) = (grid.cards.get(ends.0)?, grid.cards.get(ends.1)?);
    let (start, end) = (*grid.column_of.get(ends.0)?, *grid.column_of.get(ends.1)?);
    if start == end {
        return down(grid, board, ends, start);
    }
    if start > end {
        return None;
    }
    let mut path = vec![(from.right(), from.y)];
    let mut traces: Vec<Trace> = Vec::new();
    let mut y = from.y;
    let mut x = from.right();
    for column in start..end {
        let last = column + 1 == end;
        let next = if last { to.y } else { *grid.lanes.get(&(link, column + 1))? };
        let (left, width) = *grid.spans.get(column + 1)?;
        // The gutter proper begins where the column's widest card may end.
        let (own, own_width) = *grid.spans.get(column)?;
        let tracks = own + own_width + 1..left.saturating_sub(1);
        let reach = if last { left } else { left + width };
        let (track, trace) = track(board, ends, (x, y), (reach, next), tracks, &traces)?;
        if y != next {
            path.push((track, y));
            path.push((track, next));
        }
        traces.push(trace);
        x = reach;
        y = next;
    }
    path.push((to.x.saturating_sub(1), to.y));
    for trace in traces {
        board.take(&trace, ends);
    }
    Some(path)
}

/// The first track on which the hop is free: straight where both ends are on one line.
fn track(
    board: &Board,
    ends: (usize, usize),
    (x, y): (u16, u16),
    (reach, next): (u16, u16),
    tracks: std::ops::Range<u16>,
    before: &[Trace],
) -> Option<(u16, Trace)> {
    let candidates: Vec<u16> = if y == next { vec![x] } else { tracks.collect() };
    candidates.into_iter().find_map(|track| {
        let mut trace = Trace::new();
        if y == next {
            trace.extend((x..reach).map(|x| ((x, y), true, false)));
        } else {
            trace.extend((x..track).map(|x| ((x, y), true, false)));
            trace.push(((track, y), true, true));
            let (top, bottom) = (y.min(next), y.max(next));
            trace.extend((top + 1..bottom).map(|y| ((track, y), false, true)));
            trace.push(((track, next), true, true));
            trace.extend((track + 1..reach).map(|x| ((x, next), true, false)));
        }
        let own = |at: &(u16, u16)| before.iter().flatten().any(|(known, ..)| known == at);
        let free = trace.iter().all(|(at, across, upright)| !own(at) && board.is_free(*at, *across, *upright, ends));
        free.then_some((track, trace))
    })
}

/// Straight down to the next card of the same column, if there is a line between them.
fn down(grid: &Grid, board: &mut Board, ends: (usize, usize), column: usize) -> Option<Vec<(u16, u16)>> {
    let (from, to) = (grid.cards.get(ends.0)?, grid.cards.get(ends.1)?);
    let between = from.bottom()..to.y;
    let blocked = grid.cards.iter().zip(&grid.column_of).any(|(card, at)| *at == column && between.contains(&card.y));
    if between.is_empty() || blocked {
        return None;
    }
    let x = from.x + 2;
    let trace: Trace = between.clone().map(|y| ((x, y), false, true)).collect();
    if !trace.iter().all(|(at, across, upright)| board.is_free(*at, *across, *upright, ends)) {
        return None;
    }
    board.take(&trace, ends);
    Some(vec![(x, between.start), (x, between.end.saturating_sub(1))])
}

impl Board {
    fn is_free(&self, at: (u16, u16), across: bool, upright: bool, ends: (usize, usize)) -> bool {
        let Some(cell) = self.cells.get(&at) else { return true };
        let alike = |users: &[(usize, usize)]| {
            users.iter().all(|user| user.0 == ends.0) || users.iter().all(|user| user.1 == ends.1)
        };
        // A crossing is at a right angle: neither of the two turns there.
        let turns = |users: &[(usize, usize)], others: &[(usize, usize)]| users.iter().any(|u| others.contains(u));
        let crossing_is_clean = alike(&cell.across) && alike(&cell.upright) || !turns(&cell.across, &cell.upright);
        (!across || alike(&cell.across)) && (!upright || alike(&cell.upright)) && crossing_is_clean
    }

    fn take(&mut self, trace: &Trace, ends: (usize, usize)) {
        for (at, across, upright) in trace {
            let cell = self.cells.entry(*at).or_default();
            if *across {
                cell.across.push(ends);
            }
            if *upright {
                cell.upright.push(ends);
            }
        }
    }
}
