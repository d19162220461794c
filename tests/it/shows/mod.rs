//! What the embedded world must show on the board, end to end: world, servers, clients, sources, model, report.

mod calm;
mod faults;
mod incidents;
mod recompute;

use crate::support::Shop;
use crate::support::seeds::Draw;

#[test]
fn look() {
    let t = std::time::Instant::now();
    let scenario = std::env::var("SC").unwrap_or("calm".into());
    let seed: u64 = std::env::var("SEED").ok().and_then(|s| s.parse().ok()).unwrap_or(1);
    let shop = Shop::standing(&scenario, seed, Draw::of(seed).at);
    println!("world {:?}", t.elapsed());
    let report = shop.status();
    println!("status {:?}", t.elapsed());
    println!("{}", report.summary());
    std::fs::write("/tmp/shows.json", serde_json::to_string_pretty(&report.0).unwrap()).unwrap();
}
