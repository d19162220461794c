//! Failover of an RDS Multi-AZ instance: a reboot with failover to its synchronous standby (facts/aws.md 1.2).
//!
//! There is no choice of candidate and no loss; lag of read replicas is no reason to refuse. RDS may abandon the request
//! when a failover happened recently, and says so only in an event.

use std::time::Duration;

use super::{Draft, Refusal};
use crate::domain::text::Shown;
use crate::operation::evidence::Gather;
use crate::operation::evidence::aws::DbInstanceSeen;
use crate::operation::guard::common::identity;
use crate::operation::guard::data::{backup, pending};
use crate::operation::guard::{Finding, GuardId};
use crate::operation::mutation::{AwsMutation, Mutation};
use crate::operation::plan::{Backout, Change, Fact, Plan, Step, Story, Timing};
use crate::operation::target::Params;
use crate::operation::verb::{Risk, Verb};
use crate::operation::verify::Goal;
use crate::shown;

/// How far back earlier failovers are looked for.
const RECENT: Duration = Duration::from_secs(3600);

pub fn wants(draft: &Draft<'_>) -> Vec<Gather> {
    let (region, id) = (draft.target().component.scope.clone(), draft.target().component.name.clone());
    let events =
        Gather::DbEvents { region: region.clone(), source: id.clone(), cluster: false, since: draft.opened - RECENT };
    vec![Gather::DbInstance { region, id }, events]
}

pub fn plan(draft: &Draft<'_>) -> Result<Plan, Refusal> {
    let seen = draft.sheet.db_instance().ok_or(Refusal::unread("the database instance"))?;
    if !seen.multi_az {
        return Err(Refusal::new("it has no standby (not Multi-AZ)", "promote a read replica, or restore"));
    }
    let region = draft.target().component.scope.clone();
    let mutation =
        AwsMutation::RebootDbInstance { region: region.clone(), instance: seen.id.clone(), force_failover: true };
    let mut red = vec![draft.target().component.clone()];
    red.dedup();
    let standby = if seen.standby_zone.is_empty() { Shown::fixed("its standby") } else { seen.standby_zone.shown() };
    Ok(Plan {
        risk: Risk::Risky,
        steps: vec![Step::new(Shown::fixed("reboot with failover"), Mutation::Aws(mutation))],
        diff: vec![
            Change::new("primary in", seen.zone.shown(), standby),
            Change::new("writes lost", "0", "0 (synchronous standby)"),
        ],
        story: Story {
            blast: super::super::scene_words::callers(draft.scene),
            meanwhile: Shown::fixed("every connection is cut; writes fail for 60 to 120 s"),
            after: Shown::fixed("the zone may be shown stale for minutes; poolers keep old addresses: RECONNECT"),
            if_wrong: Shown::fixed("the same again fails back once it is available"),
            verify: Shown::fixed("the failover's event, available, writes accepted, errors < 1 %"),
            notes: Vec::new(),
        },
        goal: Goal::RdsFailover {
            region,
            id: seen.id.clone(),
            resource_id: seen.resource_id.clone(),
            zone: seen.zone.clone(),
            since: draft.now.world,
            endpoint: seen.endpoint.clone(),
        },
        timing: Timing::new(120, 30).with_errors_below(0.01),
        backout: Some(Backout { verb: Verb::Failover, params: Params::default(), words: "fail over again".into() }),
        debts: Vec::new(),
        fingerprint: vec![
            Fact::new("resource", seen.resource_id.clone()),
            Fact::new("primary zone", seen.zone.clone()),
        ],
        findings: findings(draft, seen),
        expected_red: red,
    })
}

fn findings(draft: &Draft<'_>, seen: &DbInstanceSeen) -> Vec<Finding> {
    let state = if seen.status.as_str() == "available" {
        Finding::pass(GuardId::State, "available")
    } else {
        Finding::block(GuardId::State, shown!("the instance is {}", seen.status), "RDS takes it only while available")
    };
    let candidate = if seen.standby_zone.is_empty() {
        Finding::warn(GuardId::Candidate, "no standby zone is told")
    } else {
        Finding::pass(GuardId::Candidate, shown!("standby in {}", seen.standby_zone))
    };
    let recent = draft.sheet.db_events().into_iter().flatten().rev().find(|event| {
        let text = event.message.as_str().to_lowercase();
        text.contains("failover completed") || text.contains("completed failover")
    });
    let recent = match (recent, draft.sheet.db_events()) {
        (Some(event), _) => {
            let minutes = draft.now.world.since(event.at).as_secs() / 60;
            Finding::warn(GuardId::State, shown!("it failed over {} min ago: RDS may abandon another", minutes))
        }
        (None, Some(_)) => Finding::pass(GuardId::State, "no failover in the last hour"),
        (None, None) => Finding::unknown(GuardId::State, "its events could not be read"),
    };
    vec![
        identity(draft.request, &seen.resource_id),
        state,
        candidate,
        recent,
        Finding::pass(GuardId::Loss, "0: the standby is synchronous"),
        backup(seen.restorable, draft.now.world, draft.policy),
        pending(&seen.pending, &seen.pending_reboot),
    ]
}
