//! Guards about data: what would be lost, how old the backup is, what would be applied on the way.

use super::{Finding, GuardId};
use crate::domain::reading::Reading;
use crate::domain::text::{Raw, Shown};
use crate::domain::time::Stamp;
use crate::operation::policy::Policy;
use crate::shown;

/// Lag of an asynchronous replica is written data that a failover loses: held against the RPO. Where the primary is dead
/// no waiting brings it back: it is acknowledged, within the RPO too.
#[must_use]
pub fn loss(lag: Option<&Reading>, policy: &Policy, primary_alive: bool, accepted: bool) -> Finding {
    let rpo = policy.rpo.as_secs();
    let dead = !primary_alive;
    match lag.and_then(Reading::fresh).map(|sample| sample.value) {
        Some(lag) if lag <= policy.rpo.as_secs_f64() && lag < 1.0 => {
            Finding::pass(GuardId::Loss, shown!("lag {} s, RPO {} s", Shown::of(&format!("{lag:.1}")), rpo))
        }
        Some(lag) if dead => {
            acknowledged(shown!("writes of the last {} s are lost, RPO {} s", lag.round() as u64, rpo), accepted)
        }
        Some(lag) if lag <= policy.rpo.as_secs_f64() => Finding::warn(
            GuardId::Loss,
            shown!("writes of the last {} s may be lost, RPO {} s", lag.round() as u64, rpo),
        ),
        Some(lag) => Finding::block(
            GuardId::Loss,
            shown!("lag {} s exceeds the RPO of {} s", lag.round() as u64, rpo),
            "wait for the replica, choose another, or stop the writers first",
        ),
        None if dead => {
            acknowledged(Shown::fixed("the primary is dead and the lag is not known: loss unknown"), accepted)
        }
        None => Finding::unknown(GuardId::Loss, shown!("the lag is not measured; RPO {} s", rpo)),
    }
}

fn acknowledged(text: Shown, accepted: bool) -> Finding {
    if accepted {
        return Finding::warn(GuardId::Loss, shown!("{} (acknowledged by who fires it)", text));
    }
    Finding { acknowledgeable: true, ..Finding::block(GuardId::Loss, text, "acknowledge the loss") }
}

#[must_use]
pub fn backup(restorable: Option<Stamp>, now: Stamp, policy: &Policy) -> Finding {
    let Some(restorable) = restorable else {
        return Finding::warn(GuardId::Backup, "no restorable point is told");
    };
    let age = now.since(restorable);
    let text = shown!("restorable to {} ({} s ago)", Shown::of(&restorable.clock()), age.as_secs());
    if age > policy.backup_age { Finding::warn(GuardId::Backup, text) } else { Finding::pass(GuardId::Backup, text) }
}

/// What the operation would apply besides what it is for.
#[must_use]
pub fn pending(modifications: &[Raw], reboot_groups: &[Raw]) -> Finding {
    if modifications.is_empty() && reboot_groups.is_empty() {
        return Finding::pass(GuardId::Pending, "nothing is pending");
    }
    let all = Shown::joined(modifications.iter().chain(reboot_groups).map(Raw::shown), ", ");
    Finding::warn(GuardId::Pending, shown!("would be applied by it: {}", all))
}
