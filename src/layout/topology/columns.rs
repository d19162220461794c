//! Which column a node stands in, in which order, and where exactly.

use std::collections::BTreeMap;

use ratatui::layout::{Rect, Size};

use super::{GUTTER, NARROWEST, Node, card_height, density, gap, stack_height};

/// A wire's way through a column it skips: the link and the column.
pub(super) type Lane = (usize, usize);

/// Where everything stands.
pub(super) struct Grid {
    pub cards: Vec<Rect>,
    /// Column of each node.
    pub column_of: Vec<usize>,
    /// Left end and width of each column.
    pub spans: Vec<(u16, u16)>,
    /// The line on which a link passes a column between its ends.
    pub lanes: BTreeMap<Lane, u16>,
    pub height: u16,
}

/// Columns of nodes, callers left of callees, at most `most`; chains are stacked in one column where there are more.
pub(super) fn layers(nodes: &[Node], links: &[(usize, usize)], most: usize) -> Vec<Vec<usize>> {
    let forward = forward(nodes, links);
    let ranks = ranks(nodes, &forward);
    let mut columns: Vec<Vec<usize>> = vec![Vec::new(); ranks.iter().max().map_or(0, |rank| rank + 1)];
    for (node, rank) in ranks.iter().enumerate() {
        if let Some(column) = columns.get_mut(*rank) {
            column.push(node);
        }
    }
    columns.retain(|column| !column.is_empty());
    untangle(&mut columns, &forward);
    // Those that nobody calls have no line to stand on: they come last, where they push nobody off theirs.
    let called = |node: usize| forward.iter().any(|(_, to)| *to == node);
    for column in columns.iter_mut().skip(1) {
        column.sort_by_key(|node| !called(*node));
    }
    while columns.len() > most {
        merge_cheapest(&mut columns, &forward);
    }
    columns
}

/// The links without those that close a cycle or stand on one node.
fn forward(nodes: &[Node], links: &[(usize, usize)]) -> Vec<(usize, usize)> {
    let mut kept: Vec<(usize, usize)> = Vec::new();
    let mut sorted: Vec<(usize, usize)> = links.to_vec();
    // Links along the data flow are kept before those against it, so that it is the odd one that closes a cycle.
    let tier = |node: usize| nodes.get(node).map_or(0, |node| node.tier);
    sorted.sort_by_key(|(from, to)| tier(*from) > tier(*to));
    for (from, to) in sorted {
        let known = from < nodes.len() && to < nodes.len();
        if known && from != to && !reaches(&kept, to, from) {
            kept.push((from, to));
        }
    }
    kept
}

fn reaches(links: &[(usize, usize)], from: usize, to: usize) -> bool {
    let mut stack = vec![from];
    let mut seen = Vec::new();
    while let Some(at) = stack.pop() {
        if at == to {
            return true;
        }
        if !seen.contains(&at) {
            seen.push(at);
            stack.extend(links.iter().filter(|(from, _)| *from == at).map(|(_, to)| *to));
        }
    }
    false
}

/// The longest way to each node; those that nobody calls stand just left of what they call, those without any link
/// beside others of their tier.
fn ranks(nodes: &[Node], links: &[(usize, usize)]) -> Vec<usize> {
    let mut ranks = vec![0usize; nodes.len()];
    for _ in 0..nodes.len() {
        for (from, to) in links {
            let least = ranks.get(*from).copied().unwrap_or(0) + 1;
            if let Some(rank) = ranks.get_mut(*to) {
                *rank = least.max(*rank);
            }
        }
    }
    let linked = |node: usize| links.iter().any(|(from, to)| *from == node || *to == node);
    let last = ranks.iter().max().copied().unwrap_or(0);
    let before = ranks.clone();
    for (node, rank) in ranks.iter_mut().enumerate() {
        let called = links.iter().any(|(_, to)| *to == node);
        let callees = links.iter().filter(|(from, _)| *from == node);
        if let (false, Some(first)) = (called, callees.filter_map(|(_, to)| before.get(*to)).min()) {
            *rank = first.saturating_sub(1);
        } else if !linked(node) {
            let tier = nodes.get(node).map_or(0, |node| node.tier);
            let peers = nodes.iter().enumerate().filter(|(other, _)| linked(*other));
            let same = peers.filter(|(_, other)| other.tier == tier).filter_map(|(other, _)| before.get(other)).max();
            *rank = same.copied().unwrap_or(if tier == 0 { 0 } else { last });
        }
    }
    ranks
}

/// Orders each column by where its neighbours stand, to and fro, so that few wires cross.
fn untangle(columns: &mut [Vec<usize>], links: &[(usize, usize)]) {
    for sweep in 0..6 {
        let order: Vec<usize> =
            if sweep % 2 == 0 { (0..columns.len()).collect() } else { (0..columns.len()).rev().collect() };
        for at in order {
            let place: BTreeMap<usize, f64> = columns
                .iter()
                .flat_map(|column| {
                    column.iter().enumerate().map(|(row, node)| (*node, row as f64 / column.len() as f64))
                })
                .collect();
            let Some(column) = columns.get_mut(at) else { continue };
            let key = |node: usize| {
                let near = links.iter().filter_map(|(from, to)| match (sweep % 2 == 0, *from == node, *to == node) {
                    (true, _, true) => place.get(from),
                    (false, true, _) => place.get(to),
                    _ => None,
                });
                let near: Vec<f64> = near.copied().collect();
                if near.is_empty() {
                    place.get(&node).copied().unwrap_or(0.0)
                } else {
                    near.iter().sum::<f64>() / near.len() as f64
                }
            };
            column.sort_by(|a, b| key(*a).total_cmp(&key(*b)));
        }
    }
}

/// Stacks the two neighbouring columns that lose least by it: few nodes, and links that run straight down.
fn merge_cheapest(columns: &mut Vec<Vec<usize>>, links: &[(usize, usize)]) {
    let cost = |upper: &[usize], lower: &[usize]| {
        let lost = links
            .iter()
            .filter(|(from, to)| upper.contains(from) && lower.contains(to))
            .filter(|(from, to)| upper.last() != Some(from) || lower.first() != Some(to))
            .count();
        upper.len() + lower.len() + 4 * lost
    };
    let cheapest = columns
        .windows(2)
        .enumerate()
        .filter_map(|(at, pair)| Some((at, cost(pair.first()?, pair.last()?))))
        .min_by_key(|(_, cost)| *cost);
    let Some((at, _)) = cheapest else { return };
    let lower = columns.remove(at + 1);
    if let Some(upper) = columns.get_mut(at) {
        upper.extend(lower);
    }
}

/// Gives every card its rectangle and every skipping link its lanes.
pub(super) fn arrange(nodes: &[Node], links: &[(usize, usize)], layers: &[Vec<usize>], area: Size) -> Grid {
    let mut column_of = vec![0; nodes.len()];
    for (at, column) in layers.iter().enumerate() {
        for node in column {
            if let Some(slot) = column_of.get_mut(*node) {
                *slot = at;
            }
        }
    }
    let spans = spans(nodes, layers, area.width);
    let mut grid = Grid {
        cards: vec![Rect::default(); nodes.len()],
        column_of,
        spans,
        lanes: BTreeMap::new(),
        height: area.height,
    };
    for (at, column) in layers.iter().enumerate() {
        stack(&mut grid, nodes, links, at, column);
    }
    center(&mut grid);
    lanes(&mut grid, links);
    grid
}

/// Shares what is left above and below.
fn center(grid: &mut Grid) {
    let top = grid.cards.iter().map(|card| card.y).min().unwrap_or(0);
    let bottom = grid.cards.iter().map(|card| card.bottom()).max().unwrap_or(0);
    let start = grid.height.saturating_sub(bottom - top) / 2;
    for card in &mut grid.cards {
        card.y = card.y - top + start;
    }
}

/// Left end and width of each column: what its widest card wants, cut evenly where there is not enough.
fn spans(nodes: &[Node], layers: &[Vec<usize>], width: u16) -> Vec<(u16, u16)> {
    let count = u16::try_from(layers.len()).unwrap_or(1).max(1);
    let wanted = |column: &Vec<usize>| {
        column.iter().filter_map(|node| nodes.get(*node)).map(|node| node.width).max().unwrap_or(NARROWEST)
    };
    let mut widths: Vec<u16> = layers.iter().map(wanted).collect();
    let room = width.saturating_sub(GUTTER * (count - 1));
    while widths.iter().sum::<u16>() > room {
        let Some(widest) = widths.iter_mut().max() else { break };
        if *widest <= 4 {
            break;
        }
        *widest -= 1;
    }
    let spare = room.saturating_sub(widths.iter().sum::<u16>());
    // Wider gutters leave tracks for more wires; beyond that the drawing stays together.
    let gutter = GUTTER + if count > 1 { (spare / (count - 1)).min(7) } else { 0 };
    let mut x = 0;
    widths
        .into_iter()
        .map(|width| {
            let span = (x, width);
            x += width + gutter;
            span
        })
        .collect()
}

/// Stacks a column, each card as near to its callers as the others let it.
fn stack(grid: &mut Grid, nodes: &[Node], links: &[(usize, usize)], at: usize, column: &[usize]) {
    let height = grid.height;
    let density = density(nodes, links, column, height);
    let Some((x, width)) = grid.spans.get(at).copied() else { return };
    let total = stack_height(nodes, links, column, density);
    let mut next = if at == 0 { height.saturating_sub(total) / 2 } else { 0 };
    let mut left = total;
    let mut drift: Vec<i32> = Vec::new();
    for (row, node) in column.iter().enumerate() {
        let Some(spec) = nodes.get(*node) else { continue };
        let tall = card_height(spec, density);
        let wish = wish(grid, links, at, *node);
        // Never so low that the rest of the column would not fit below.
        let lowest = height.saturating_sub(left).max(next);
        let y = wish.unwrap_or(next).clamp(next, lowest);
        drift.extend(wish.map(|wish| i32::from(y) - i32::from(wish)));
        if let Some(card) = grid.cards.get_mut(*node) {
            *card = Rect { x, y, width: width.min(spec.width.max(4)), height: tall };
        }
        let gap = column.get(row + 1).map_or(0, |below| gap(links, *node, *below, density));
        next = y + tall + gap;
        left = left.saturating_sub(tall + gap);
    }
    lift(grid, column, &drift);
}

/// Beside its callers: the mean of their lines.
fn wish(grid: &Grid, links: &[(usize, usize)], at: usize, node: usize) -> Option<u16> {
    let callers: Vec<u16> = links
        .iter()
        .filter(|(from, to)| *to == node && grid.column_of.get(*from).is_some_and(|column| *column < at))
        .filter_map(|(from, _)| grid.cards.get(*from).map(|card| card.y))
        .collect();
    let count = u16::try_from(callers.len()).ok().filter(|count| *count > 0)?;
    Some(callers.iter().sum::<u16>() / count)
}

/// Moves a column up by what its cards were pushed below their wishes on average, so that callees spread to both sides.
fn lift(grid: &mut Grid, column: &[usize], drift: &[i32]) {
    let count = i32::try_from(drift.len()).unwrap_or(i32::MAX).max(1);
    let mean = u16::try_from(drift.iter().sum::<i32>() / count).unwrap_or(0);
    let first = column.first().and_then(|node| grid.cards.get(*node)).map_or(0, |card| card.y);
    let up = mean.min(first);
    for node in column {
        if let Some(card) = grid.cards.get_mut(*node) {
            card.y -= up;
        }
    }
}

/// A free line in every column that a link passes without stopping there: the one nearest to its caller's.
fn lanes(grid: &mut Grid, links: &[(usize, usize)]) {
    for (link, (from, to)) in links.iter().enumerate() {
        let (Some(start), Some(end)) = (grid.column_of.get(*from).copied(), grid.column_of.get(*to).copied()) else {
            continue;
        };
        let mut wish = grid.cards.get(*from).map_or(0, |card| card.y);
        for column in start + 1..end {
            let busy = |y: u16| {
                let card = grid.cards.iter().zip(&grid.column_of);
                let mut cards = card.filter(|(_, at)| **at == column);
                cards.any(|(card, _)| (card.y..card.bottom()).contains(&y))
                    || grid.lanes.iter().any(|((_, at), line)| *at == column && *line == y)
            };
            let free = (0..grid.height).filter(|y| !busy(*y)).min_by_key(|y| y.abs_diff(wish));
            let Some(line) = free else { break };
            grid.lanes.insert((link, column), line);
            wish = line;
        }
    }
}
