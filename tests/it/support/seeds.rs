//! Seeds and moments that are drawn when the test runs.

use std::hash::{BuildHasher, RandomState};

/// 2026-11-16T00:00:00Z, a Monday.
const WEEK: i64 = 1_794_787_200_000;

/// What one world is made from; printed by every failure.
#[derive(Clone, Copy, Debug)]
pub struct Draw {
    pub seed: u64,
    /// World time, ms: some moment of a week.
    pub at: i64,
}

/// `TIERDECK_TEST_SEED` repeats a draw that failed.
#[allow(clippy::disallowed_methods)]
pub fn draws(count: u64) -> Vec<Draw> {
    let wish = std::env::var("TIERDECK_TEST_SEED").ok().and_then(|text| text.parse().ok());
    let first: u64 = wish.unwrap_or_else(|| RandomState::new().hash_one(0_u8) % 1_000_000);
    (first..first + count).map(Draw::of).collect()
}

impl Draw {
    pub fn of(seed: u64) -> Self {
        let mixed = (seed ^ 0x5bd1_e995).wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 20;
        Self { seed, at: WEEK + i64::try_from(mixed % (7 * 24 * 3_600_000)).expect("a week") }
    }
}

/// Runs `test` for every draw, two at a time, and says which ones failed.
#[allow(clippy::disallowed_methods)]
pub fn each<R: Send>(draws: &[Draw], test: impl Fn(Draw) -> R + Sync) -> Vec<(Draw, R)> {
    let half = draws.len().div_ceil(2);
    std::thread::scope(|scope| {
        let test = &test;
        let run = |part: &'_ [Draw]| part.iter().map(|draw| (*draw, test(*draw))).collect::<Vec<_>>();
        let parts: Vec<_> = draws.chunks(half.max(1)).map(|part| scope.spawn(move || run(part))).collect();
        parts.into_iter().flat_map(|part| part.join().expect("no panic within a draw")).collect()
    })
}
