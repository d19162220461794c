//! Failover of an Aurora cluster to a chosen reader (facts/aws.md 1.1).
//!
//! All members share one storage volume: no loss, and lag is only how long the reader replays.

use super::{Draft, Refusal};
use crate::domain::reading::Reading;
use crate::domain::text::Shown;
use crate::operation::evidence::aws::{ClusterMember, DbClusterSeen};
use crate::operation::guard::common::identity;
use crate::operation::guard::data::{backup, pending};
use crate::operation::guard::{Finding, GuardId};
use crate::operation::mutation::{AwsMutation, Mutation};
use crate::operation::plan::{Backout, Change, Fact, Plan, Step, Story, Timing};
use crate::operation::target::Params;
use crate::operation::verb::{Risk, Verb};
use crate::operation::verify::Goal;
use crate::shown;

pub fn plan(draft: &Draft<'_>) -> Result<Plan, Refusal> {
    let seen = draft.sheet.db_cluster().ok_or(Refusal::unread("the database cluster"))?;
    let writer = seen.members.iter().find(|member| member.writer);
    let writer = writer.ok_or(Refusal::new("the cluster tells no writer", "wait until it does"))?;
    let candidate = candidate(draft, seen, writer)?;
    let region = draft.target().component.scope.clone();
    let mutation = AwsMutation::FailoverDbCluster {
        region: region.clone(),
        cluster: seen.id.clone(),
        target: Some(candidate.id.clone()),
    };
    Ok(Plan {
        risk: Risk::Risky,
        steps: vec![Step::new(shown!("fail over to {}", candidate.id), Mutation::Aws(mutation))],
        diff: vec![
            Change::new(
                "writer",
                shown!("{} ({})", writer.id, writer.zone),
                shown!("{} ({})", candidate.id, candidate.zone),
            ),
            Change::new("writes lost", "0", "0 (shared storage)"),
        ],
        story: Story {
            blast: crate::operation::scene_words::callers(draft.scene),
            meanwhile: Shown::fixed("every connection to both is cut; writes fail for up to 60 s"),
            after: Shown::fixed("the old writer comes back as a reader; poolers keep old addresses: RECONNECT"),
            if_wrong: shown!("fail back to {} once it is available", writer.id),
            verify: shown!("{} is the writer, all available for 60 s, writes accepted, errors < 1 %", candidate.id),
            notes: Vec::new(),
        },
        goal: Goal::AuroraWriter {
            region,
            id: seen.id.clone(),
            resource_id: seen.resource_id.clone(),
            from: writer.id.clone(),
            to: candidate.id.clone(),
            since: draft.now.world,
            endpoint: seen.endpoint.clone(),
        },
        timing: Timing::new(60, 60).with_errors_below(0.01),
        backout: Some(Backout {
            verb: Verb::Failover,
            params: Params { to: Some(writer.id.clone()), ..Params::default() },
            words: shown!("fail back to {}", writer.id),
        }),
        debts: Vec::new(),
        fingerprint: vec![
            Fact::new("resource", seen.resource_id.clone()),
            Fact::new("writer", writer.id.clone()),
            Fact::new("target", candidate.id.clone()),
        ],
        findings: findings(draft, seen, writer, candidate),
        expected_red: vec![draft.target().component.clone()],
    })
}

/// The chosen reader, else the one Aurora would take: available, lowest tier, of the writer's class, in another zone.
fn candidate<'a>(
    draft: &Draft<'_>,
    seen: &'a DbClusterSeen,
    writer: &ClusterMember,
) -> Result<&'a ClusterMember, Refusal> {
    let readers = || seen.members.iter().filter(|member| !member.writer);
    if let Some(wanted) = &draft.request.params.to {
        if *wanted == writer.id {
            return Err(Refusal::new(shown!("{} is the writer already", wanted), "choose a reader"));
        }
        let known = Shown::joined(readers().map(|member| member.id.shown()), ", ");
        let found = readers().find(|member| member.id == *wanted);
        return found.ok_or_else(|| Refusal::new(shown!("{} is no member", wanted), shown!("choose of {}", known)));
    }
    let best = readers().min_by_key(|member| {
        let away = member.status.as_str() != "available";
        (away, member.tier, member.class != writer.class, member.zone == writer.zone, member.id.clone())
    });
    best.ok_or(Refusal::new("it has no reader: the writer would be created anew, about 10 min", "add a reader first"))
}

fn findings(
    draft: &Draft<'_>,
    seen: &DbClusterSeen,
    writer: &ClusterMember,
    candidate: &ClusterMember,
) -> Vec<Finding> {
    let state = if seen.status.as_str() == "available" {
        Finding::pass(GuardId::State, "available")
    } else {
        Finding::block(GuardId::State, shown!("the cluster is {}", seen.status), "wait until it is available")
    };
    let able = if candidate.status.as_str() == "available" {
        Finding::pass(GuardId::Candidate, shown!("{} available, tier {}", candidate.id, candidate.tier))
    } else {
        Finding::block(GuardId::Candidate, shown!("{} is {}", candidate.id, candidate.status), "choose another reader")
    };
    let mut findings = vec![identity(draft.request, &seen.resource_id), state, able];
    if candidate.class != writer.class {
        let text = shown!("{} is a {}, the writer a {}", candidate.id, candidate.class, writer.class);
        findings.push(Finding::warn(GuardId::Candidate, text));
    }
    if candidate.zone == writer.zone {
        findings.push(Finding::warn(GuardId::Candidate, shown!("both are in {}", candidate.zone)));
    }
    let lag = draft.scene.lag_of(&candidate.id).and_then(Reading::fresh);
    let lag = lag
        .map_or(Shown::fixed("lag not measured"), |sample| shown!("lag {} ms", (sample.value * 1000.0).round() as u64));
    findings.push(Finding::pass(GuardId::Loss, shown!("0: shared storage ({})", lag)));
    findings.push(backup(seen.restorable, draft.now.world, draft.policy));
    let reboot: Vec<_> = seen.members.iter().filter(|member| member.pending_reboot).map(|m| m.id.clone()).collect();
    findings.push(pending(&seen.pending, &reboot));
    findings
}
