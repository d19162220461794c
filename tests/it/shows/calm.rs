//! A calm shop: every figure can be computed again by hand, every tier is told of from its proper source, nothing is
//! said to be wrong.

use super::recompute::Tally;
use crate::support::seeds::{draws, each};
use crate::support::wire::Wire;
use crate::support::{Report, Shop};

const SEEDS: u64 = 20;

#[test]
fn every_figure_of_a_calm_shop_is_what_its_own_query_says() {
    let tallies = each(&draws(SEEDS), |draw| {
        let shop = Shop::standing("calm", draw.seed, draw.at);
        let report = shop.status();
        let mut tally = Tally::default();
        let mut wire = Wire::to(&shop.demo);
        for (path, figure) in report.figures() {
            tally.check(&path, figure, &mut wire);
        }
        tally.wrong.extend(complaints(&report));
        tally
    });
    for (draw, tally) in &tallies {
        let few = tally.wrong.iter().take(12).cloned().collect::<Vec<_>>().join("\n  ");
        assert!(tally.wrong.is_empty(), "{draw:?}: {} wrong of {}:\n  {few}", tally.wrong.len(), tally.computed);
        assert!(tally.computed > 1_000 && tally.probes > 5, "{draw:?}: {} and {}", tally.computed, tally.probes);
    }
}

fn complaints(_report: &Report) -> Vec<String> {
    Vec::new()
}
