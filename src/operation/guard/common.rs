//! What every operation is asked, whatever it is.

use std::time::Duration;

use super::{Finding, GuardId};
use crate::domain::text::{Raw, Shown};
use crate::operation::evidence::json::Head;
use crate::operation::evidence::owner::OwnerSeen;
use crate::operation::evidence::{Evidence, Found, Gather, Sheet};
use crate::operation::mutation::Mutation;
use crate::operation::plan::Plan;
use crate::operation::policy::{Context, Past};
use crate::operation::scene::{Scene, Sight};
use crate::operation::target::Request;
use crate::operation::verb::Risk;
use crate::shown;

/// Samples older than this warn; silence for this long blocks (PRODUCT: silent for 10 s is unknown).
const FRESH: Duration = Duration::from_secs(10);

/// Every common guard over one plan.
#[must_use]
pub fn evaluate(
    request: &Request,
    plan: &Plan,
    sheet: &Sheet,
    scene: &Scene,
    context: &Context<'_>,
    past: &Past,
) -> Vec<Finding> {
    let mut findings = plan.findings.clone();
    findings.extend([
        freshness(scene),
        monitoring(scene, plan),
        freeze(context),
        busy(past),
        rate(context, past),
        credentials(context, plan),
        identity_of_actor(context),
        journal(context),
        in_doubt(past, plan.risk),
    ]);
    findings.extend(permissions(plan, sheet));
    findings.extend(dry_runs(plan, sheet));
    if let Some(owner) = sheet.owner() {
        findings.push(self::owner(owner, request));
    }
    findings
}

/// The age of the very samples the board judges the target by.
fn freshness(scene: &Scene) -> Finding {
    let dead: Vec<&Shown> = scene.sources.iter().filter(|source| !source.live).map(|source| &source.name).collect();
    let live = scene.sources.iter().filter(|source| source.live);
    let oldest = live.filter_map(|source| Some((source.age?, &source.name))).max();
    if scene.sources.is_empty() {
        return Finding::unknown(GuardId::Freshness, "no source speaks of it");
    }
    if scene.health.is_none() {
        return Finding::warn(GuardId::Freshness, "the board does not have it now");
    }
    if !dead.is_empty() {
        return Finding::warn(GuardId::Freshness, shown!("silent: {}", Shown::joined(dead, ", ")));
    }
    match oldest {
        Some((age, name)) if age > FRESH => {
            Finding::warn(GuardId::Freshness, shown!("{} is {} s old", name, age.as_secs()))
        }
        Some((age, name)) => Finding::pass(GuardId::Freshness, shown!("oldest {} {} s", name, age.as_secs())),
        None => Finding::unknown(GuardId::Freshness, "no sample has an age yet"),
    }
}

/// Acting without seeing what users feel: nobody would notice that it went wrong.
fn monitoring(scene: &Scene, plan: &Plan) -> Finding {
    match &scene.sight {
        Sight::Full => Finding::pass(GuardId::Monitoring, "what users feel is seen"),
        Sight::Partial(missing) => Finding::warn(GuardId::Monitoring, shown!("partial: {}", missing)),
        Sight::Blind(why) if plan.risk == Risk::Safer => Finding::warn(GuardId::Monitoring, shown!("blind: {}", why)),
        Sight::Blind(why) => Finding::block(
            GuardId::Monitoring,
            shown!("blind: {}", why),
            "bring one user-facing source or a probe back, or break the glass",
        ),
    }
}

fn freeze(context: &Context<'_>) -> Finding {
    match context.policy.frozen(context.now.world) {
        Ok(None) => Finding::pass(GuardId::Freeze, "no freeze"),
        Ok(Some(freeze)) => Finding::block(
            GuardId::Freeze,
            shown!("frozen until {}: {}", Shown::of(&freeze.until.rfc3339()), freeze.why),
            "wait, or break the glass",
        ),
        Err(why) => Finding::block(
            GuardId::Freeze,
            shown!("the freeze calendar cannot be read, which counts as a freeze: {}", why),
            "mend the calendar, or break the glass",
        ),
    }
}

fn busy(past: &Past) -> Finding {
    match past.busy.first() {
        None => Finding::pass(GuardId::Busy, "nothing else of ours runs on it"),
        Some((_, verb)) => Finding::block(
            GuardId::Busy,
            shown!("{} of ours is under way on it", verb.name()),
            "wait for it, or cancel it (o)",
        ),
    }
}

fn rate(context: &Context<'_>, past: &Past) -> Finding {
    let policy = context.policy;
    let minutes = policy.rate_window.as_secs() / 60;
    if past.on_target >= policy.per_target {
        return Finding::block(
            GuardId::Rate,
            shown!("{} operations on it in {} min (limit {})", past.on_target, minutes, policy.per_target),
            "watch what the last one did before the next",
        );
    }
    if past.in_session >= policy.per_session {
        return Finding::block(
            GuardId::Rate,
            shown!("{} operations in this session (limit {})", past.in_session, policy.per_session),
            "hand over, or start a new session",
        );
    }
    Finding::pass(
        GuardId::Rate,
        shown!(
            "{} of {} on it, {} of {} in all",
            past.on_target,
            policy.per_target,
            past.in_session,
            policy.per_session
        ),
    )
}

/// Credentials must outlive the operation, or it cannot be verified.
fn credentials(context: &Context<'_>, plan: &Plan) -> Finding {
    let Some(who) = context.who else {
        return Finding::unknown(GuardId::Credentials, "who acts there is not known yet");
    };
    let Some(expires) = who.expires else {
        return Finding::pass(GuardId::Credentials, "no end told");
    };
    let left = expires.since(context.now.world);
    let minutes = left.as_secs() / 60;
    if left < plan.timing.expected {
        return Finding::block(
            GuardId::Credentials,
            shown!("expire in {} min, before it would be done", minutes),
            "renew them, then plan again",
        );
    }
    if left < context.policy.credentials_margin {
        return Finding::warn(GuardId::Credentials, shown!("expire in {} min", minutes));
    }
    Finding::pass(GuardId::Credentials, shown!("{} min left", minutes))
}

fn identity_of_actor(context: &Context<'_>) -> Finding {
    match context.who {
        None => Finding::unknown(GuardId::SharedIdentity, "who acts there is not known"),
        Some(who) if who.shared => {
            Finding::warn(GuardId::SharedIdentity, shown!("{} is shared: the record cannot tell who it was", who.name))
        }
        Some(who) => Finding::pass(GuardId::SharedIdentity, who.name.clone()),
    }
}

fn journal(context: &Context<'_>) -> Finding {
    match context.journal {
        Ok(()) => Finding::pass(GuardId::Journal, "intents are durable"),
        Err(why) => Finding::block(
            GuardId::Journal,
            shown!("the audit trail takes no record: {}", why),
            "mend it, or break the glass to another durable place",
        ),
    }
}

/// An earlier operation of unknown outcome: risky ones wait for it to be resolved.
fn in_doubt(past: &Past, risk: Risk) -> Finding {
    match &past.in_doubt {
        None => Finding::pass(GuardId::InDoubt, "nothing in doubt"),
        Some(what) if risk >= Risk::Risky => Finding::block(
            GuardId::InDoubt,
            shown!("in doubt: {}", what),
            "look at the real state, then resolve it (o says how)",
        ),
        Some(what) => Finding::warn(GuardId::InDoubt, shown!("in doubt: {}", what)),
    }
}

/// One answer for all rights: the first that is missing, else how many were asked.
fn permissions(plan: &Plan, sheet: &Sheet) -> Vec<Finding> {
    let mut findings = Vec::new();
    let mut granted = 0_u32;
    for access in accesses(plan) {
        let words = access.words();
        match sheet.get(&Gather::Access(access)).map(|seen| &seen.found) {
            Some(Found::Evidence(Evidence::Access { allowed: true, .. })) => granted += 1,
            Some(Found::Evidence(Evidence::Access { reason, .. })) => findings.push(Finding::block(
                GuardId::Permission,
                if reason.is_empty() {
                    shown!("forbidden: {}", words)
                } else {
                    shown!("forbidden: {}: {}", words, reason)
                },
                "ask for the right, or use another role",
            )),
            Some(Found::Failed(fault)) => {
                findings.push(Finding::unknown(GuardId::Permission, shown!("{}: {}", words, fault.what)));
            }
            Some(_) | None => findings.push(Finding::unknown(GuardId::Permission, shown!("not told: {}", words))),
        }
    }
    if plan.steps.iter().any(|step| matches!(step.mutation, Mutation::Aws(_))) {
        findings.push(Finding::unknown(GuardId::Permission, "AWS tells only by refusing the call"));
    }
    if findings.is_empty() && granted > 0 {
        findings.push(Finding::pass(GuardId::Permission, shown!("{} rights granted", granted)));
    }
    findings
}

/// The distinct rights of a plan.
#[must_use]
pub fn accesses(plan: &Plan) -> Vec<crate::operation::mutation::kube::Access> {
    let all = plan.steps.iter().filter_map(|step| match &step.mutation {
        Mutation::Kube(mutation) => Some(mutation.access()),
        Mutation::Aws(_) => None,
    });
    let distinct: std::collections::BTreeSet<_> = all.collect();
    distinct.into_iter().collect()
}

fn dry_runs(plan: &Plan, sheet: &Sheet) -> Vec<Finding> {
    let mut findings = Vec::new();
    let mut accepted = 0_u32;
    for step in &plan.steps {
        let Mutation::Kube(mutation) = &step.mutation else {
            findings
                .push(Finding::unknown(GuardId::DryRun, shown!("AWS has no dry run of {}", step.mutation.summary())));
            continue;
        };
        match sheet.get(&Gather::DryRun(mutation.clone())).map(|seen| &seen.found) {
            Some(Found::Evidence(Evidence::DryRun { warnings })) => {
                accepted += 1;
                let warnings = warnings.iter().map(|warning| Finding::warn(GuardId::DryRun, warning.clone()));
                findings.extend(warnings);
            }
            // The budget is spent now; the step waits for it.
            Some(Found::Failed(fault))
                if step.again.is_some() && fault.kind == crate::domain::error::FaultKind::Throttled =>
            {
                findings.push(Finding::warn(GuardId::DryRun, shown!("not yet: {}", fault.what)));
            }
            Some(Found::Failed(fault)) => findings.push(Finding::block(
                GuardId::DryRun,
                shown!("the server would refuse: {}", fault.what),
                fault.hint.clone(),
            )),
            Some(_) | None => findings.push(Finding::unknown(GuardId::DryRun, "the server was not asked")),
        }
    }
    if findings.is_empty() && accepted > 0 {
        findings.push(Finding::pass(GuardId::DryRun, shown!("{} accepted by the server's dry run", accepted)));
    }
    findings
}

/// Who reverts it, and how soon.
fn owner(owner: &OwnerSeen, request: &Request) -> Finding {
    use crate::operation::verb::Verb;
    let who = owner.owner.shown();
    if matches!(request.verb, Verb::SuspendSync | Verb::ResumeSync) {
        let text =
            if owner.generated { shown!("an ApplicationSet writes {} and may put its policy back", who) } else { who };
        return if owner.generated { Finding::warn(GuardId::Owner, text) } else { Finding::pass(GuardId::Owner, text) };
    }
    if request.params.suspend_owner {
        return Finding::warn(GuardId::Owner, shown!("{}: its sync is suspended first and stays a debt", who));
    }
    if owner.suspended {
        return Finding::pass(GuardId::Owner, shown!("{} applies nothing by itself", who));
    }
    // Status fields, replicas of an autoscaler and node flags are not in git: no sync touches them.
    if !touches_specification(request.verb) {
        let text = shown!("{}: the spec stays as git has it; the next new commit starts again", who);
        return Finding::warn(GuardId::Owner, text);
    }
    if owner.reverts {
        let text = shown!("{} will revert it within seconds", who);
        return Finding { hint: Some("suspend its sync first (s)".into()), ..Finding::warn(GuardId::Owner, text) };
    }
    Finding::warn(GuardId::Owner, shown!("{}: its next sync undoes it; change git too", who))
}

/// Whether the verb changes what a GitOps owner compares.
const fn touches_specification(verb: crate::operation::verb::Verb) -> bool {
    use crate::operation::verb::Verb;
    matches!(verb, Verb::Rollback | Verb::Scale | Verb::Bounds | Verb::Pause | Verb::Resume)
}

/// The object is still the one that was highlighted.
#[must_use]
pub fn same_object(request: &Request, head: &Head) -> Finding {
    identity(request, &head.uid)
}

/// The identity is still the one that was highlighted.
#[must_use]
pub fn identity(request: &Request, uid: &Raw) -> Finding {
    match &request.expect_uid {
        Some(expected) if expected != uid => Finding::block(
            GuardId::Identity,
            shown!("another object has the name now: {} instead of {}", uid, expected),
            "close the card and choose it again",
        ),
        _ => Finding::pass(GuardId::Identity, shown!("uid {}", uid)),
    }
}
