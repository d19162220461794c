//! The layered drawing of dependencies: callers left of what they call, cards that never overlap, wires that never run
//! through a card. What cannot be drawn without ambiguity is left out and named, so that the screen can list it.

mod columns;
mod route;
#[cfg(test)]
mod tests;

use ratatui::layout::{Rect, Size};

/// A card to place.
#[derive(Clone, Copy, Debug)]
pub struct Node {
    /// Position of its tier in data flow.
    pub tier: usize,
    /// Columns its text wants, borders included.
    pub width: u16,
    /// It needs one more line below its two (a mark, its instances).
    pub tall: bool,
}

/// How much room there is for the cards of a column.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Density {
    /// Two lines with a blank one between cards.
    Airy,
    /// Two lines without air.
    Dense,
    /// One line.
    Flat,
}

/// One drawn dependency: its link's index and the corners of its way from the caller's right to the callee's left (or
/// straight down where the two stand in one column).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wire {
    pub link: usize,
    pub path: Vec<(u16, u16)>,
}

#[derive(Clone, Debug)]
pub struct Drawing {
    /// Where each node stands, in the order of the nodes: one line high where its column is crowded, two (and one for
    /// what is tall) elsewhere.
    pub cards: Vec<Rect>,
    pub wires: Vec<Wire>,
    /// Links that are not drawn, by index.
    pub unwired: Vec<usize>,
    /// Columns left to right, the nodes of each from top to bottom.
    pub columns: Vec<Vec<usize>>,
    /// Lines the drawing needs; more than were offered only when even flat cards do not fit.
    pub height: u16,
}

/// Columns a gutter has at least: an end, two tracks, an arrow.
const GUTTER: u16 = 5;

/// A card narrower than this names nothing.
const NARROWEST: u16 = 15;

/// Places nodes and routes links (caller, callee) within `area`.
#[must_use]
pub fn place(nodes: &[Node], links: &[(usize, usize)], area: Size) -> Drawing {
    let most = usize::from((area.width + GUTTER) / (NARROWEST + GUTTER)).max(1);
    let layers = columns::layers(nodes, links, most);
    let grid = columns::arrange(nodes, links, &layers, area);
    let (wires, unwired) = route::wires(&grid, links);
    let height = grid.cards.iter().map(|card| card.bottom()).max().unwrap_or(0);
    let mut order = layers;
    for column in &mut order {
        column.sort_by_key(|node| grid.cards.get(*node).map(|card| card.y));
    }
    Drawing { cards: grid.cards, wires, unwired, columns: order, height }
}

/// The roomiest density in which a column fits.
fn density(nodes: &[Node], links: &[(usize, usize)], column: &[usize], height: u16) -> Density {
    let fits = |density: &Density| stack_height(nodes, links, column, *density) <= height;
    [Density::Airy, Density::Dense].into_iter().find(fits).unwrap_or(Density::Flat)
}

fn stack_height(nodes: &[Node], links: &[(usize, usize)], column: &[usize], density: Density) -> u16 {
    let cards: u16 = column.iter().filter_map(|node| nodes.get(*node)).map(|node| card_height(node, density)).sum();
    let gaps: u16 = column.windows(2).filter_map(|pair| Some(gap(links, *pair.first()?, *pair.last()?, density))).sum();
    cards.saturating_add(gaps)
}

fn card_height(node: &Node, density: Density) -> u16 {
    match density {
        Density::Flat => 1,
        _ => 2 + u16::from(node.tall),
    }
}

/// The blank lines between two cards of a column: always one where a wire runs down between them.
fn gap(links: &[(usize, usize)], upper: usize, lower: usize, density: Density) -> u16 {
    u16::from(density == Density::Airy || links.contains(&(upper, lower)))
}
