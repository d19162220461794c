//! What a change costs: of its own size, not of the world's.

use std::time::{Duration, Instant};

use super::shop::{NOW, Shop, observation, pod, rollout, statuses, tier};
use crate::domain::id::Alias;
use crate::domain::text::Raw;
use crate::domain::tier::Tier;
use crate::model::facts::{Fact, MemberState};

const PODS: usize = 10_000;

/// Time of the work, without what else the machine does meanwhile: the best of three.
#[allow(clippy::disallowed_methods, reason = "a test that measures")]
fn best_of_three(mut work: impl FnMut()) -> Duration {
    let time = |_| {
        let start = Instant::now();
        work();
        start.elapsed()
    };
    (0..3).map(time).min().expect("three")
}

#[test]
fn one_pod_of_ten_thousand_touches_itself() {
    let mut world = Shop::default().world();
    let id = rollout("frontend");
    let all = || -> Vec<Fact> { (0..PODS).map(|n| Fact::Member(pod(&id, n, MemberState::Ready))).collect() };
    let whole = best_of_three(|| world.apply(observation("k8s", "pods", true, all())));
    let one = |state| observation("k8s", "pods", false, vec![Fact::Member(pod(&id, 77, state))]);
    let deltas = best_of_three(|| {
        for n in 0..1_000 {
            world.apply(one(if n % 2 == 0 { MemberState::Failed } else { MemberState::Ready }));
        }
    });
    // A thousand changes of one pod cost about as much as a tenth of one listing of all; were each to touch every pod,
    // they would cost a thousand listings.
    assert!(deltas < whole * 5, "1000 deltas {deltas:?}, one listing {whole:?}");
    let assess = best_of_three(|| {
        let board = world.assess(&statuses(&[]), NOW);
        let frontend = tier(&board, Tier::Application).components.iter().find(|c| c.id == id).expect("frontend");
        assert!(frontend.members.len() >= PODS);
    });
    let small = Shop::default().world();
    let bare = best_of_three(|| drop(small.assess(&statuses(&[]), NOW)));
    assert!(assess < bare * 100 + Duration::from_millis(400), "{assess:?} against {bare:?}");
}

#[test]
fn a_pod_that_is_gone_leaves_nothing_behind() {
    let mut world = Shop::default().world();
    let id = rollout("frontend");
    let member = pod(&id, 4_000, MemberState::Ready);
    let address = Alias::Address(member.address.clone().expect("an address"));
    let known = |world: &crate::model::world::World| {
        let resolver = crate::model::resolve::Resolver::new(world);
        resolver.resolve(&address).component() == Some(&id)
    };
    world.apply(observation("k8s", "pods", false, vec![Fact::Member(member)]));
    assert!(known(&world));
    world.apply(observation("k8s", "pods", false, vec![Fact::MemberGone(id.clone(), Raw::new("frontend-4000"))]));
    assert!(!known(&world));
}
