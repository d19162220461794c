use proptest::prelude::*;

use super::*;

/// The cells a wire covers.
fn cells(wire: &Wire) -> Vec<(u16, u16)> {
    let mut cells = Vec::new();
    for pair in wire.path.windows(2) {
        let (a, b) = (pair[0], pair[1]);
        assert!(a.0 == b.0 || a.1 == b.1, "a wire runs straight: {:?}", wire.path);
        for x in a.0.min(b.0)..=a.0.max(b.0) {
            for y in a.1.min(b.1)..=a.1.max(b.1) {
                cells.push((x, y));
            }
        }
    }
    cells
}

fn assert_sound(nodes: &[Node], links: &[(usize, usize)], area: Size) -> Drawing {
    let drawing = place(nodes, links, area);
    let cards = &drawing.cards;
    for (index, card) in cards.iter().enumerate() {
        assert!(card.width >= 4 && card.right() <= area.width, "{card:?} stands outside of {area:?}");
        if drawing.height <= area.height {
            assert!(card.bottom() <= area.height);
        }
        for other in &cards[index + 1..] {
            assert!(card.intersection(*other).is_empty(), "{card:?} and {other:?} overlap");
        }
    }
    let mut told: Vec<usize> = drawing.wires.iter().map(|wire| wire.link).chain(drawing.unwired.clone()).collect();
    told.sort_unstable();
    assert_eq!(told, (0..links.len()).collect::<Vec<_>>(), "every link is drawn or named, once");
    for wire in &drawing.wires {
        for (x, y) in cells(wire) {
            let hit = cards.iter().find(|card| card.contains((x, y).into()));
            assert_eq!(hit, None, "wire {:?} runs through a card at {x},{y}", links[wire.link]);
        }
        let (from, to) = links[wire.link];
        let (first, last) = (wire.path[0], wire.path[wire.path.len() - 1]);
        let beside = first == (cards[from].right(), cards[from].y) && last == (cards[to].x - 1, cards[to].y);
        let below = first.1 == cards[from].bottom() && last.1 + 1 == cards[to].y;
        assert!(beside || below, "{wire:?} joins {:?} and {:?}", cards[from], cards[to]);
    }
    drawing
}

fn node(tier: usize, width: u16) -> Node {
    Node { tier, width, tall: false }
}

#[test]
fn a_shop_is_drawn_whole_at_120_by_36() {
    // users' way: dns, cdn, waf, alb, frontend, gateway, three services, cache, pool, database, replica; worker apart.
    let nodes: Vec<Node> =
        [0, 0, 1, 2, 3, 3, 3, 3, 3, 4, 5, 5, 5, 3, 7].map(|tier| Node { tier, width: 18, tall: tier == 3 }).into();
    let links = [
        (0, 1),
        (1, 2),
        (2, 3),
        (3, 4),
        (4, 5),
        (5, 6),
        (5, 7),
        (5, 8),
        (6, 9),
        (7, 9),
        (6, 10),
        (8, 10),
        (13, 10),
        (10, 11),
        (11, 12),
    ];
    let drawing = assert_sound(&nodes, &links, Size { width: 120, height: 36 });
    assert!(drawing.unwired.len() <= 1, "{:?}", drawing.unwired);
    assert!(drawing.cards.iter().all(|card| card.height >= 2), "there is room for whole cards");
}

#[test]
fn forty_components_fit_120_by_33() {
    let mut nodes = Vec::new();
    let mut links = Vec::new();
    for (tier, count) in [(0, 3), (1, 1), (2, 2), (3, 18), (4, 4), (5, 7), (6, 3), (7, 2)] {
        let before = nodes.len();
        for at in 0..count {
            nodes.push(node(tier, 16 + tier as u16));
            if before > 0 {
                links.push((before - 1 - at % before.min(3), before + at));
            }
        }
    }
    assert_eq!(nodes.len(), 40);
    let drawing = assert_sound(&nodes, &links, Size { width: 120, height: 33 });
    assert!(drawing.height <= 33);
    assert!(drawing.wires.len() * 4 > links.len() * 3, "most are drawn: {} of {}", drawing.wires.len(), links.len());
}

#[test]
fn cycles_self_links_and_nothing_at_all_are_no_trouble() {
    let size = Size { width: 100, height: 20 };
    assert_sound(&[], &[], size);
    assert_sound(&[node(3, 12); 3], &[(0, 1), (1, 2), (2, 0), (1, 1)], size);
    assert_sound(&[node(3, 12); 2], &[(0, 1), (0, 1), (1, 0)], size);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]
    #[test]
    fn any_graph_is_drawn_soundly(
        tiers in prop::collection::vec((0usize..10, 6u16..30, any::<bool>()), 1..40),
        pairs in prop::collection::vec((0usize..40, 0usize..40), 0..70),
        width in 100u16..220,
        height in 12u16..60,
    ) {
        let nodes: Vec<Node> = tiers.iter().map(|(tier, width, tall)| Node { tier: *tier, width: *width, tall: *tall }).collect();
        let links: Vec<(usize, usize)> = pairs.iter().map(|(a, b)| (a % nodes.len(), b % nodes.len())).collect();
        assert_sound(&nodes, &links, Size { width, height });
    }
}
