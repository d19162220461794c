//! How many instances a component may lose (facts/signals.md part 5): pool, quorum, primary, singleton.

use std::time::Duration;

use super::finding::Finding;
use super::live::Live;
use super::node::Node;
use crate::domain::health::Health;
use crate::domain::text::Shown;
use crate::model::facts::{MemberState, ReplicaClass, Replicas, Role};
use crate::shown;

/// An instance that starts is not yet missed for this long.
const STARTING: Duration = Duration::from_secs(120);

/// Instances by what they can do.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Count {
    pub desired: u32,
    pub ready: u32,
    /// Started only just.
    pub starting: u32,
    pub unknown: u32,
    pub primaries: u32,
    /// The lowest number a disruption budget allows.
    pub floor: Option<u32>,
}

/// What the number of instances says of the component.
#[must_use]
pub fn find(node: &Node, live: &Live) -> Option<Finding> {
    let count = count(node, node.replicas()?, live);
    if count.desired == 0 {
        return None;
    }
    let class = node.stated(|f| Some(f.class)).unwrap_or_default();
    let roles_known = node.members.iter().any(|(_, m)| m.role.is_some());
    let (health, text) = judge(class, count, roles_known)?;
    let since = node.members.iter().filter(|(_, m)| m.state != MemberState::Ready).filter_map(|(_, m)| m.since).min();
    Some(Finding::new(health, "replicas", with_word(node, text), since))
}

fn count(node: &Node, replicas: Replicas, live: &Live) -> Count {
    let in_state = |state: MemberState| node.members.iter().filter(move |(_, m)| m.state == state);
    let young = |since: Option<_>| since.is_some_and(|since| !live.is_over(since, STARTING));
    let number = |count: usize| u32::try_from(count).unwrap_or(u32::MAX);
    let primary = |(_, m): &&(_, &crate::model::facts::MemberFact)| {
        m.role == Some(Role::Primary) && matches!(m.state, MemberState::Ready | MemberState::Unknown)
    };
    Count {
        desired: replicas.desired,
        ready: replicas.ready,
        starting: number(in_state(MemberState::Starting).filter(|(_, m)| young(m.since)).count()),
        unknown: number(in_state(MemberState::Unknown).count()),
        primaries: number(node.members.iter().filter(primary).count()),
        floor: replicas.floor,
    }
}

/// Health and words for a count; `None` when nothing is missing.
fn judge(class: ReplicaClass, count: Count, roles_known: bool) -> Option<(Health, Shown)> {
    let Count { desired, ready, starting, unknown, primaries, .. } = count;
    if class == ReplicaClass::Primary && roles_known && primaries != 1 {
        let text =
            if primaries == 0 { Shown::fixed("no primary") } else { shown!("{} primaries: split brain", primaries) };
        return Some((Health::Critical, text));
    }
    let level = |ready: u32| level(class, Count { ready, ..count }, roles_known);
    let (low, high) = (level(ready), level(ready.saturating_add(unknown)));
    let text = shown!("{} of {} ready", ready, desired);
    match (low, high) {
        (Health::Ok, _) => None,
        // What cannot be told counts half.
        (Health::Critical, Health::Ok) => Some((Health::Warn, shown!("{}, {} not known", text, unknown))),
        (Health::Warn, _) if ready.saturating_add(starting) >= desired => None,
        (low, _) => Some((low, text)),
    }
}

fn level(class: ReplicaClass, count: Count, roles_known: bool) -> Health {
    let Count { desired, ready, floor, .. } = count;
    let least = match class {
        ReplicaClass::Quorum => desired / 2 + 1,
        ReplicaClass::Primary if roles_known => 1,
        ReplicaClass::Singleton => 1,
        ReplicaClass::Pool | ReplicaClass::Primary => desired.div_ceil(2).max(floor.unwrap_or(0).min(desired)).max(1),
    };
    match ready {
        ready if ready < least => Health::Critical,
        ready if ready < desired => Health::Warn,
        _ => Health::Ok,
    }
}

/// Adds the word of the instance that is worst off.
fn with_word(node: &Node, text: Shown) -> Shown {
    let worst = node.members.iter().map(|(_, m)| m).filter(|m| m.state != MemberState::Ready).max_by_key(|m| m.state);
    match worst {
        Some(member) if !member.word.is_empty() => shown!("{}: {} {}", text, member.name, member.word),
        _ => text,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_class_has_its_own_quorum() {
        let count = |ready, desired| Count { desired, ready, primaries: 1, ..Count::default() };
        use Health::{Critical, Ok, Warn};
        let cases = [
            (ReplicaClass::Pool, count(9, 9), Ok),
            (ReplicaClass::Pool, count(8, 9), Warn),
            (ReplicaClass::Pool, count(5, 9), Warn),
            (ReplicaClass::Pool, count(4, 9), Critical),
            (ReplicaClass::Pool, Count { floor: Some(8), ..count(7, 9) }, Critical),
            (ReplicaClass::Quorum, count(2, 3), Warn),
            (ReplicaClass::Quorum, count(1, 3), Critical),
            (ReplicaClass::Quorum, count(2, 4), Critical),
            (ReplicaClass::Primary, count(1, 3), Warn),
            (ReplicaClass::Primary, Count { primaries: 0, ..count(2, 3) }, Critical),
            (ReplicaClass::Primary, Count { primaries: 2, ..count(3, 3) }, Critical),
            (ReplicaClass::Singleton, count(0, 1), Critical),
            (ReplicaClass::Singleton, count(1, 1), Ok),
            (ReplicaClass::Pool, Count { unknown: 9, ..count(0, 9) }, Warn),
            (ReplicaClass::Pool, Count { unknown: 1, ..count(0, 9) }, Critical),
            (ReplicaClass::Pool, Count { starting: 1, ..count(8, 9) }, Ok),
        ];
        for (class, count, expected) in cases {
            let found = judge(class, count, true).map_or(Ok, |(health, _)| health);
            assert_eq!(found, expected, "{class:?} {count:?}");
        }
    }
}
