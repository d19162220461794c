//! What users feel now, and how much of the evidence is there.

use std::time::Duration;

use super::component::Context;
use super::curve::{Curve, Operation};
use super::finding::Felt;
use super::flow::recent;
use super::hysteresis::judge;
use super::node::Nodes;
use super::tier::{TierView, display_name, not_measured, reading};
use super::{probes, thresholds};
use crate::domain::health::Health;
use crate::domain::reading::Reading;
use crate::domain::text::Shown;
use crate::domain::tier::Tier;
use crate::domain::time::Stamp;
use crate::domain::unit::Unit;
use crate::model::board::{Cause, Evidence, Missing, SourceState, SourceStatus, Users};
use crate::model::signals::Role;
use crate::shown;

/// A tier behind is believed over one before it when its sample is newer by this much and tells another story.
const NEWER: Duration = Duration::from_secs(60);
const ANOTHER_STORY: f64 = 2.0;

/// The users row: the failures that the outermost tier counts, unless one behind it already knows otherwise, as a share
/// of the requests that the outermost tier counts. Whichever tier the failures are from, the requests are the same ones.
#[must_use]
pub fn row(tiers: &[TierView], of_business: &Nodes, cause: &Cause, context: &Context) -> Users {
    let source = source(tiers, context);
    let requests = requests(tiers, context);
    let failing = source.and_then(|t| t.red.errors.as_ref());
    let ratio = source.and_then(|source| match requests {
        Some((at, rate)) if at.tier != source.tier => {
            let parts = vec![failing?.clone(), rate.clone()];
            Some(Curve::computed(Operation::Share, Unit::Ratio, parts))
        }
        _ => source.red.error_ratio.clone(),
    });
    let ratio = ratio.as_ref();
    let sick = ratio.and_then(|ratio| {
        let tier = source.map(|t| t.tier)?;
        let judged = judge(&ratio.points(), &thresholds::error_ratio(None, tier, context.targets), false);
        matches!(judged.health, Health::Warn | Health::Critical).then_some(judged.since)
    });
    Users {
        failing_per_second: reading(failing, context),
        failing_ratio: reading(ratio, context),
        since: sick.flatten().or_else(|| onset(tiers)),
        via: caused(tiers, cause).or_else(|| via(tiers, context)),
        counted: source.map(|source| counted(tiers, source, requests.map(|(at, _)| at))),
        business: business(of_business, context),
    }
}

/// Since when requests fail anywhere on their way, although too few of all to count as a breach at the outermost tier.
fn onset(tiers: &[TierView]) -> Option<Stamp> {
    let nodes = tiers.iter().filter(|t| t.tier.is_user_facing()).flat_map(|t| &t.nodes);
    let failing = |f: &&super::finding::Finding| f.felt == Some(Felt::Errors) && f.is_trouble();
    nodes.flat_map(|(_, assessed)| assessed.findings.iter().filter(failing)).filter_map(|f| f.since).min()
}

fn source<'v, 't, 'a>(tiers: &'v [TierView<'t, 'a>], context: &Context) -> Option<&'v TierView<'t, 'a>> {
    let knows = |t: &&TierView| {
        t.tier.is_user_facing() && t.red.errors.as_ref().is_some_and(|e| e.reading(context.live).value().is_some())
    };
    let outermost = tiers.iter().find(knows);
    let Some(first) = outermost else {
        let stale = |t: &&TierView| t.tier.is_user_facing() && t.red.errors.is_some();
        return tiers.iter().find(stale);
    };
    let (at, failing) = newest(first)?;
    let contradicts = |t: &&TierView| {
        newest(t).is_some_and(|(other_at, other)| {
            let (low, high) = (failing.min(other), failing.max(other));
            other_at.since(at) >= NEWER && high > low * ANOTHER_STORY && high - low > 0.1
        })
    };
    tiers.iter().filter(knows).find(contradicts).or(Some(first))
}

/// The outermost tier that counts requests freshly, and its count.
fn requests<'v, 't, 'a>(
    tiers: &'v [TierView<'t, 'a>],
    context: &Context,
) -> Option<(&'v TierView<'t, 'a>, &'v Curve<'a>)> {
    let rated = tiers.iter().filter(|t| t.tier.is_user_facing()).filter_map(|t| Some((t, t.red.rate.as_ref()?)));
    let mut fresh = rated.filter(|(_, rate)| rate.reading(context.live).value().is_some());
    fresh.next()
}

/// Which tiers the figures are from, and why not from the outermost one.
fn counted(tiers: &[TierView], failures: &TierView, requests: Option<&TierView>) -> Shown {
    let requests = requests.unwrap_or(failures);
    let words = if requests.tier == failures.tier {
        shown!("failures and requests at {}", failures.tier.name())
    } else {
        shown!("failures at {}, share of the requests at {}", failures.tier.name(), requests.tier.name())
    };
    let outermost = tiers.iter().find(|t| t.tier.is_user_facing() && t.red.rate.is_some());
    match outermost.filter(|t| t.tier != requests.tier) {
        Some(outermost) => shown!("{}; {} gives no fresh figures", words, outermost.tier.name()),
        None => words,
    }
}

/// The probable cause, so that the row and the reason below it name the same.
fn caused(tiers: &[TierView], cause: &Cause) -> Option<(Shown, Tier)> {
    let Cause::Found(suspect) = cause else { return None };
    let of = tiers.iter().find(|t| t.nodes.iter().any(|(node, _)| node.id == suspect.component))?;
    Some((display_name(&suspect.component), of.tier))
}

fn newest(tier: &TierView) -> Option<(Stamp, f64)> {
    let errors = tier.red.errors.as_ref()?;
    let at = errors.last()?;
    errors.value_at(at).map(|value| (at, value))
}

/// The component that adds most failures, and its tier.
fn via(tiers: &[TierView], context: &Context) -> Option<(Shown, Tier)> {
    let added = |id| context.flow.component(id).and_then(|red| recent(red.added.as_ref()?));
    let all =
        tiers.iter().filter(|t| t.tier.is_user_facing()).flat_map(|t| t.nodes.iter().map(move |(n, _)| (t.tier, n)));
    let most = all.filter_map(|(tier, node)| added(&node.id).map(|value| (tier, node, value)));
    let (tier, node, value) = most.max_by(|a, b| a.2.total_cmp(&b.2))?;
    (value > 0.0).then(|| (display_name(&node.id), tier))
}

/// The business metric against the same hour last week.
fn business(nodes: &Nodes, context: &Context) -> Option<(Shown, Reading)> {
    let (node, line) = nodes.values().find_map(|node| Some((node, node.whole(Role::Business).next()?)))?;
    let reading = node.last_week(line).map_or_else(not_measured, |week| {
        Curve::computed(Operation::Relative, Unit::Ratio, vec![line.curve(), week]).reading(context.live)
    });
    Some((Shown::of(&line.spec.label), reading))
}

/// Full, partial, blind or not there yet. Whatever else is known, without fresh figures of what users feel and without a
/// probe that still speaks nothing is seen.
#[must_use]
pub fn evidence(tiers: &[TierView], nodes: &Nodes, context: &Context) -> Evidence {
    let live = context.live;
    let missing: Vec<Missing> = live
        .statuses
        .iter()
        .filter_map(|status| live.lost(&status.id).map(|lost| (status, lost)))
        .map(|(status, lost)| Missing { source: status.id.clone(), since: lost.since, why: lost.why.clone() })
        .collect();
    let user_facing = || tiers.iter().filter(|t| t.tier.is_user_facing());
    let curves = || user_facing().flat_map(|t| [t.red.rate.as_ref(), t.red.errors.as_ref()]).flatten();
    let sees = curves().any(|curve| curve.is_fresh(live));
    let probed = nodes.values().flat_map(|n| &n.probes).any(|(probe, _)| probes::is_fresh(probe, live));
    if !sees && !probed {
        let connecting = |status: &SourceStatus| matches!(status.state, SourceState::Connecting { .. });
        if live.statuses.is_empty() || live.statuses.iter().any(connecting) {
            return Evidence::Connecting;
        }
        let since = missing.iter().filter_map(|m| m.since).max().or_else(|| curves().filter_map(Curve::last).max());
        return Evidence::Blind { missing, since };
    }
    if missing.is_empty() { Evidence::Full } else { Evidence::Partial { missing } }
}
