//! Promote a replica of an ElastiCache group, cluster mode disabled (facts/aws.md 1.7).
//!
//! A promotion is refused while automatic failover is on, so there are three steps: off, promote, on again. The last is
//! sent even when the second fails: until then nothing would take over by itself, which is a debt.

use std::time::Duration;

use super::{Draft, Refusal};
use crate::domain::text::Shown;
use crate::operation::evidence::aws::{CacheGroupSeen, CacheMember, Switch};
use crate::operation::guard::common::identity;
use crate::operation::guard::data::{loss, pending};
use crate::operation::guard::{Finding, GuardId};
use crate::operation::mutation::aws::GroupChange;
use crate::operation::mutation::{AwsMutation, Mutation};
use crate::operation::plan::{Backout, Change, Debt, DebtKind, Fact, Plan, Step, Story, Timing};
use crate::operation::target::Params;
use crate::operation::verb::{Risk, Verb};
use crate::operation::verify::Goal;
use crate::shown;

/// A modification takes minutes.
const MODIFYING: Duration = Duration::from_secs(600);

pub fn plan(draft: &Draft<'_>) -> Result<Plan, Refusal> {
    let seen = draft.sheet.cache().ok_or(Refusal::unread("the replication group"))?;
    if seen.cluster_mode {
        let hint = "AWS has no promotion there: a drill (TestFailover) or the engine's CLUSTER FAILOVER";
        return Err(Refusal::new("cluster mode is on", hint));
    }
    let primary = seen.members.iter().find(|member| member.primary);
    let primary = primary.ok_or(Refusal::new("the group tells no primary", "wait until it does"))?;
    let candidate = candidate(draft, seen, primary)?;
    let lossy = draft.request.params.accept_loss;
    let protected = seen.automatic != Switch::Off;
    Ok(Plan {
        risk: if lossy { Risk::Irreversible } else { Risk::Risky },
        steps: steps(draft, seen, primary, candidate),
        diff: vec![
            Change::new(
                "primary",
                shown!("{} ({})", primary.cluster, primary.zone),
                shown!("{} ({})", candidate.cluster, candidate.zone),
            ),
            Change::new("automatic failover", switch(seen.automatic), switch(seen.automatic)),
        ],
        story: Story {
            blast: crate::operation::scene_words::callers(draft.scene),
            meanwhile: Shown::fixed("writes fail for seconds; while the switch is off nothing takes over by itself"),
            after: Shown::fixed("the old primary follows as a replica"),
            if_wrong: shown!("fail back to {}", primary.cluster),
            verify: shown!("{} is primary, available for 30 s", candidate.cluster),
            notes: vec![Shown::fixed("each step applies whatever else is pending on the group")],
        },
        goal: promoted(draft, seen, primary, candidate),
        timing: Timing::new(300, 30).with_errors_below(0.01),
        backout: Some(Backout {
            verb: Verb::Failover,
            params: Params { to: Some(primary.cluster.clone()), ..Params::default() },
            words: shown!("fail back to {}", primary.cluster),
        }),
        debts: protected
            .then(|| Debt {
                what: shown!("automatic failover of {} is off", seen.id),
                kind: DebtKind::AutomaticFailover { group: seen.id.clone() },
                booked_by: 0,
                cleared_by: Some(2),
            })
            .into_iter()
            .collect(),
        fingerprint: vec![
            Fact::new("arn", seen.arn.clone()),
            Fact::new("primary", primary.cluster.clone()),
            Fact::new("target", candidate.cluster.clone()),
        ],
        findings: findings(draft, seen, primary, candidate),
        expected_red: vec![draft.target().component.clone()],
    })
}

const fn switch(switch: Switch) -> &'static str {
    match switch {
        Switch::On => "on",
        Switch::Off => "off",
        Switch::Moving => "changing",
    }
}

fn steps(draft: &Draft<'_>, seen: &CacheGroupSeen, primary: &CacheMember, candidate: &CacheMember) -> Vec<Step> {
    let region = draft.target().component.scope.clone();
    let call = |change: GroupChange| {
        Mutation::Aws(AwsMutation::ModifyReplicationGroup { region: region.clone(), group: seen.id.clone(), change })
    };
    let switches = |automatic: bool, multi_az: bool| Goal::CacheSwitches {
        region: region.clone(),
        id: seen.id.clone(),
        arn: seen.arn.clone(),
        automatic,
        multi_az,
    };
    let mut promote =
        Step::new(shown!("promote {}", candidate.cluster), call(GroupChange::Primary(candidate.cluster.clone())));
    if seen.automatic == Switch::Off {
        return vec![promote];
    }
    let mut off = Step::new(
        Shown::fixed("switch automatic failover off"),
        call(GroupChange::Failover { automatic: false, multi_az: false }),
    );
    off.settle = Some((switches(false, false), MODIFYING));
    promote.settle = Some((promoted(draft, seen, primary, candidate), MODIFYING));
    let multi_az = seen.multi_az == Switch::On;
    let mut on = Step::new(
        Shown::fixed("switch automatic failover on again"),
        call(GroupChange::Failover { automatic: true, multi_az }),
    );
    on.settle = Some((switches(true, multi_az), MODIFYING));
    on.finally = true;
    vec![off, promote, on]
}

fn promoted(draft: &Draft<'_>, seen: &CacheGroupSeen, primary: &CacheMember, candidate: &CacheMember) -> Goal {
    Goal::CachePrimary {
        region: draft.target().component.scope.clone(),
        id: seen.id.clone(),
        arn: seen.arn.clone(),
        from: primary.cluster.clone(),
        to: candidate.cluster.clone(),
    }
}

/// The chosen replica, else one in another zone.
fn candidate<'a>(
    draft: &Draft<'_>,
    seen: &'a CacheGroupSeen,
    primary: &CacheMember,
) -> Result<&'a CacheMember, Refusal> {
    let replicas = || seen.members.iter().filter(|member| !member.primary);
    let Some(wanted) = &draft.request.params.to else {
        let best = replicas().min_by_key(|member| (member.zone == primary.zone, member.cluster.clone()));
        return best.ok_or(Refusal::new("it has no replica", "add one first"));
    };
    if *wanted == primary.cluster {
        return Err(Refusal::new(shown!("{} is the primary already", wanted), "choose a replica"));
    }
    let known = Shown::joined(replicas().map(|member| member.cluster.shown()), ", ");
    let found = replicas().find(|member| member.cluster == *wanted);
    found.ok_or_else(|| Refusal::new(shown!("{} is no member", wanted), shown!("choose of {}", known)))
}

fn findings(draft: &Draft<'_>, seen: &CacheGroupSeen, primary: &CacheMember, candidate: &CacheMember) -> Vec<Finding> {
    let state = if seen.status.as_str() == "available" && seen.automatic != Switch::Moving {
        Finding::pass(GuardId::State, "available")
    } else {
        let text = shown!("the group is {}, automatic failover {}", seen.status, switch(seen.automatic));
        Finding::block(GuardId::State, text, "wait until it is available")
    };
    let zone = if candidate.zone == primary.zone {
        Finding::warn(GuardId::Candidate, shown!("both are in {}", candidate.zone))
    } else {
        Finding::pass(GuardId::Candidate, shown!("{} in {}", candidate.cluster, candidate.zone))
    };
    let lag = draft.scene.lag_of(&candidate.cluster);
    vec![
        identity(draft.request, &seen.arn),
        state,
        zone,
        loss(lag, draft.policy, true, draft.request.params.accept_loss),
        pending(&seen.pending, &[]),
    ]
}
