//! The drawing: cards by tier along the request path, wires between them, thicker where more flows.

use std::collections::BTreeMap;

use ratatui::layout::{Rect, Size};

use crate::domain::health::Health;
use crate::domain::id::ComponentId;
use crate::domain::text::Shown;
use crate::domain::time::Stamp;
use crate::layout::topology::{Drawing, Node, place};
use crate::model::board::{Board, ComponentRow, LinkRow};
use crate::model::facts::MemberState;
use crate::shown;
use crate::state::rows;
use crate::state::{State, TopologyPlace};
use crate::theme::Role;
use crate::ui::canvas::{Canvas, Ink, cut_middle, width};
use crate::ui::{format, looks};

/// A wire is thick from this share of the busiest one on.
const THICK: f64 = 0.4;

/// What a card shows.
struct Card<'a> {
    health: Health,
    name: Shown,
    /// What it is, for a card without figures.
    kind: &'static str,
    ready: Shown,
    figures: Vec<format::Figure>,
    spof: bool,
    cause: bool,
    /// Until when it is red because of an operation that runs.
    expected: Option<Stamp>,
    /// The instances, one glyph each.
    members: Vec<MemberState>,
    /// What it stands for: one component, or all of a tier.
    ids: Vec<&'a ComponentId>,
    tier: usize,
}

/// Draws the map; returns the dependencies that could not be drawn.
pub fn draw<'a>(
    canvas: &mut Canvas<'_>,
    area: Rect,
    state: &'a State,
    at: &TopologyPlace,
    selected: Option<&ComponentId>,
) -> Vec<&'a LinkRow> {
    let board = &state.board;
    let mut cards = if at.zoom == 0 { tier_cards(board) } else { component_cards(board, at.zoom > 1) };
    for card in &mut cards {
        card.expected = card.ids.iter().filter_map(|id| state.operations.expects_red(id, state.now)).max();
    }
    let index: BTreeMap<&ComponentId, usize> =
        cards.iter().enumerate().flat_map(|(at, card)| card.ids.iter().map(move |id| (*id, at))).collect();
    let mut links: Vec<(&LinkRow, (usize, usize))> = Vec::new();
    for link in &board.links {
        if let (Some(from), Some(to)) = (index.get(&link.from), index.get(&link.to)) {
            let ends = (*from, *to);
            // Between two cards one wire says it.
            if from != to && links.iter().all(|(_, known)| *known != ends) {
                links.push((link, ends));
            }
        }
    }
    let nodes: Vec<Node> = cards.iter().map(node).collect();
    let ends: Vec<(usize, usize)> = links.iter().map(|(_, ends)| *ends).collect();
    let room = Size { width: area.width.saturating_sub(2), height: area.height };
    let drawing = place(&nodes, &ends, room);
    let chosen = selected.and_then(|id| index.get(id)).copied();
    let origin = Rect { x: area.x + 1, ..area };
    let offset = scroll(&drawing, chosen, area.height, at.scroll.1);
    wires(canvas, origin, &drawing, &links, chosen, offset);
    for (number, (card, at)) in cards.iter().zip(&drawing.cards).enumerate() {
        if at.y >= offset && at.bottom() <= offset + area.height {
            let at = Rect { x: origin.x + at.x, y: origin.y + at.y - offset, ..*at };
            paint(canvas, at, card, chosen == Some(number));
        }
    }
    drawing.unwired.iter().filter_map(|link| links.get(*link)).map(|(link, _)| *link).collect()
}

/// First line of the map that is shown: everything where it fits, else so that the selected card is in sight.
fn scroll(drawing: &Drawing, chosen: Option<usize>, height: u16, wish: usize) -> u16 {
    let most = drawing.height.saturating_sub(height);
    let wish = u16::try_from(wish).unwrap_or(u16::MAX).min(most);
    match chosen.and_then(|card| drawing.cards.get(card)) {
        Some(card) => wish.clamp(card.bottom().saturating_sub(height).min(card.y), card.y).min(most),
        None => wish,
    }
}

fn component_cards(board: &Board, instances: bool) -> Vec<Card<'_>> {
    let mut cards = Vec::new();
    for (at, tier) in board.tiers.iter().enumerate() {
        for row in &tier.components {
            let mut card = Card { tier: at, cause: super::is_cause(board, &row.id), ..component_card(row) };
            if instances {
                card.members = row.members.iter().map(|member| member.state).collect();
            }
            cards.push(card);
        }
    }
    cards
}

fn component_card(row: &ComponentRow) -> Card<'_> {
    Card {
        health: row.health,
        name: row.name.clone(),
        kind: row.id.kind.name(),
        ready: row.replicas.as_ref().map(format::ready).unwrap_or_default(),
        figures: super::figures(row),
        spof: row.spof,
        cause: false,
        expected: None,
        members: Vec::new(),
        ids: vec![&row.id],
        tier: 0,
    }
}

fn tier_cards(board: &Board) -> Vec<Card<'_>> {
    let cause = rows::cause_tier(board);
    board
        .tiers
        .iter()
        .enumerate()
        .map(|(at, row)| Card {
            health: row.health,
            name: Shown::fixed(row.tier.name()),
            kind: "tier",
            ready: row.capacity.as_ref().map(format::capacity).unwrap_or_default(),
            figures: [format::cell(&row.error_ratio), format::cell(&row.latency.reading)]
                .into_iter()
                .filter(|figure| figure.role != Role::Faint)
                .collect(),
            spof: row.components.iter().any(|row| row.spof),
            cause: cause == Some(row.tier),
            expected: None,
            members: Vec::new(),
            ids: row.components.iter().map(|row| &row.id).collect(),
            tier: at,
        })
        .collect()
}

fn node(card: &Card<'_>) -> Node {
    let title = width(&card.name) + width(&card.ready) + 7;
    let figures: u16 = card.figures.iter().map(|figure| width(&figure.text) + 1).sum();
    let numbers = figures + 4 + if card.spof { 5 } else { 0 };
    Node {
        tier: card.tier,
        width: title.max(numbers).min(30),
        tall: card.cause || card.expected.is_some() || !card.members.is_empty(),
    }
}

fn paint(canvas: &mut Canvas<'_>, at: Rect, card: &Card<'_>, chosen: bool) {
    let edge: Ink = match card.health {
        Health::Critical | Health::Warn | Health::Unknown => Ink::bold(looks::role(card.health)),
        _ if chosen => Ink::bold(Role::Accent),
        _ => Role::Rule.into(),
    };
    let text = if card.health.is_sick() || chosen { Ink::bold(Role::Text) } else { Role::Dim.into() };
    let inner = at.width.saturating_sub(4);
    let mark = looks::mark(card.health);
    // The name is what tells cards apart: where both do not fit, the count gives way to it, the mark never.
    let marked = if mark.is_empty() { Shown::default() } else { shown!(" {}", mark) };
    let counted = if card.ready.is_empty() { marked.clone() } else { shown!(" {}{}", card.ready, marked) };
    let tail = if width(&card.name) + width(&counted) <= inner { counted } else { marked };
    let name = cut_middle(card.name.as_str(), usize::from(inner.saturating_sub(width(&tail))));
    if at.height == 1 {
        canvas.glyph(at.x, at.y, "▪", edge);
        let x = canvas.put(at.x + 2, at.y, inner, name, text);
        canvas.put(x, at.y, at.right().saturating_sub(x), tail, edge);
    } else {
        border(canvas, Rect { height: 2, ..at }, edge);
        let x = canvas.put(at.x + 2, at.y, inner, name, text);
        canvas.put(x, at.y, at.right().saturating_sub(x + 1), tail, if mark.is_empty() { text } else { edge });
        numbers(canvas, Rect { y: at.y + 1, height: 1, ..at }, card);
        below(canvas, at, card);
    }
    if chosen {
        canvas.tint(at);
    }
}

/// Upper and lower edge; a blank beside the words keeps them apart from it.
fn border(canvas: &mut Canvas<'_>, at: Rect, ink: Ink) {
    for (y, left, right) in [(at.y, "┌", "┐"), (at.y + 1, "└", "┘")] {
        canvas.glyph(at.x, y, left, ink);
        canvas.glyph(at.right() - 1, y, right, ink);
    }
}

fn numbers(canvas: &mut Canvas<'_>, at: Rect, card: &Card<'_>) {
    let end = at.right().saturating_sub(2);
    let mut x = at.x + 2;
    if card.figures.is_empty() && !card.spof {
        canvas.put(x, at.y, end.saturating_sub(x), card.kind, Role::Faint);
    }
    if card.spof {
        x = canvas.put(x, at.y, end.saturating_sub(x), "SPOF", Ink::bold(Role::Warn)) + 1;
    }
    for figure in &card.figures {
        let role =
            if figure.is_fresh() { if card.health.is_sick() { Role::Text } else { Role::Dim } } else { figure.role };
        if x + width(&figure.text) <= end {
            x = canvas.put(x, at.y, end - x, figure, role) + 1;
        }
    }
}

/// The line under the edges: the probable cause, or the instances.
fn below(canvas: &mut Canvas<'_>, at: Rect, card: &Card<'_>) {
    if at.height < 3 {
        return;
    }
    let y = at.y + 2;
    if let Some(until) = card.expected.filter(|_| card.members.is_empty()) {
        let full = shown!("red until {}", format::time(until));
        let words = if width(&full) <= at.width { full } else { shown!("till {}", format::minute(until)) };
        canvas.put(at.x, y, at.width, words, Ink::bold(Role::Info));
        return;
    }
    if card.members.is_empty() {
        let words = if at.width >= 16 { "◂ probable cause" } else { "◂ cause" };
        canvas.put(at.x, y, at.width, if card.cause { words } else { "" }, Ink::bold(Role::Warn));
        return;
    }
    for (x, state) in (at.x + 1..at.right()).zip(&card.members) {
        let (glyph, _, role) = looks::member(*state);
        canvas.glyph(x, y, glyph, role);
    }
}

/// Directions in which a cell of a wire leaves: up, down, left, right.
const UP: u8 = 1;
const DOWN: u8 = 2;
const LEFT: u8 = 4;
const RIGHT: u8 = 8;

#[derive(Clone, Copy, Default)]
struct Stroke {
    arms: u8,
    thick: bool,
    chosen: bool,
    arrow: bool,
    sick: bool,
}

fn wires(
    canvas: &mut Canvas<'_>,
    area: Rect,
    drawing: &Drawing,
    links: &[(&LinkRow, (usize, usize))],
    chosen: Option<usize>,
    offset: u16,
) {
    let rate = |link: &LinkRow| link.rate.last().map_or(0.0, |sample| sample.value);
    let busiest = links.iter().map(|(link, _)| rate(link)).fold(0.0, f64::max);
    let mut strokes: BTreeMap<(u16, u16), Stroke> = BTreeMap::new();
    for wire in &drawing.wires {
        let Some((link, ends)) = links.get(wire.link) else { continue };
        let sick = link.error_ratio.value().is_some_and(|ratio| ratio >= 0.01);
        let own = Stroke {
            arms: 0,
            thick: busiest > 0.0 && rate(link) >= busiest * THICK,
            chosen: chosen.is_some_and(|card| ends.0 == card || ends.1 == card),
            arrow: false,
            sick,
        };
        lay(&mut strokes, &wire.path, own);
    }
    for ((x, y), stroke) in strokes {
        if y < offset || y >= offset + area.height {
            continue;
        }
        let role = match (stroke.chosen, stroke.sick) {
            (true, _) => Ink::bold(Role::Accent),
            (false, true) => Role::Warn.into(),
            (false, false) => Role::Faint.into(),
        };
        let symbol = match (stroke.arrow, stroke.arms & DOWN != 0 && stroke.arms & (LEFT | RIGHT) == 0) {
            (true, true) => "▾",
            (true, false) => "▸",
            (false, _) => line(stroke.arms, stroke.thick),
        };
        canvas.glyph(area.x + x, area.y + y - offset, symbol, role);
    }
}

/// Adds a wire's arms to the cells it covers; its last cell becomes an arrow.
fn lay(strokes: &mut BTreeMap<(u16, u16), Stroke>, path: &[(u16, u16)], own: Stroke) {
    let mut add = |at: (u16, u16), arms: u8, arrow: bool| {
        let stroke = strokes.entry(at).or_default();
        stroke.arms |= arms;
        stroke.thick |= own.thick;
        stroke.chosen |= own.chosen;
        stroke.sick |= own.sick;
        stroke.arrow |= arrow;
    };
    for pair in path.windows(2) {
        let (Some(&(x0, y0)), Some(&(x1, y1))) = (pair.first(), pair.last()) else { continue };
        if y0 == y1 {
            for x in x0.min(x1)..=x0.max(x1) {
                let arms = if x > x0.min(x1) { LEFT } else { 0 } | if x < x0.max(x1) { RIGHT } else { 0 };
                add((x, y0), arms, false);
            }
        } else {
            for y in y0.min(y1)..=y0.max(y1) {
                let arms = if y > y0.min(y1) { UP } else { 0 } | if y < y0.max(y1) { DOWN } else { 0 };
                add((x0, y), arms, false);
            }
        }
    }
    if let (Some(first), Some(last)) = (path.first().copied(), path.last().copied()) {
        // Ends reach to the cards they join.
        let straight_down = path.iter().all(|(x, _)| *x == first.0);
        add(first, if straight_down { UP } else { LEFT }, false);
        add(last, if straight_down { DOWN } else { RIGHT }, true);
    }
}

/// The box-drawing character with these arms.
const fn line(arms: u8, thick: bool) -> &'static str {
    const UP_DOWN: u8 = UP | DOWN;
    const LEFT_RIGHT: u8 = LEFT | RIGHT;
    match (arms, thick) {
        (UP_DOWN | UP | DOWN, false) => "│",
        (UP_DOWN | UP | DOWN, true) => "┃",
        (LEFT_RIGHT | LEFT | RIGHT, false) => "─",
        (LEFT_RIGHT | LEFT | RIGHT, true) => "━",
        (10, false) => "┌",
        (10, true) => "┏",
        (6, false) => "┐",
        (6, true) => "┓",
        (9, false) => "└",
        (9, true) => "┗",
        (5, false) => "┘",
        (5, true) => "┛",
        (11, false) => "├",
        (11, true) => "┣",
        (7, false) => "┤",
        (7, true) => "┫",
        (14, false) => "┬",
        (14, true) => "┳",
        (13, false) => "┴",
        (13, true) => "┻",
        (_, false) => "┼",
        (_, true) => "╋",
    }
}
