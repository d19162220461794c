//! The rules for one component.

use std::collections::BTreeMap;

use super::curve::Curve;
use super::finding::{self, Felt, Finding};
use super::flow::{Flow, Red, recent};
use super::hysteresis::{self, Judged};
use super::live::Live;
use super::node::{Line, Node};
use super::words::amount;
use super::{probes, replicas, thresholds};
use crate::domain::health::Health;
use crate::domain::id::ComponentId;
use crate::domain::settings::Targets;
use crate::domain::text::{Raw, Shown};
use crate::domain::unit::Unit;
use crate::model::board::{AlertRow, Thresholds};
use crate::model::facts::MemberState;
use crate::model::signals::Role;
use crate::model::topology::Graph;
use crate::shown;

/// A component passes on what it fails when less than this share of it is its own.
const OWN_SHARE: f64 = 0.5;
/// The same for time: its own part of what it takes.
const OWN_TIME: f64 = 0.3;

/// The health of a component and every finding behind it, worst first.
#[derive(Clone, Debug)]
pub struct Assessed {
    pub health: Health,
    pub findings: Vec<Finding>,
    /// What it fails, or the time it takes, comes from behind it.
    pub passes_on: bool,
}

/// What the rules look at besides the component itself.
pub struct Context<'c, 'a> {
    pub live: &'c Live<'c>,
    pub flow: &'c Flow<'a>,
    pub graph: &'c Graph,
    pub targets: &'c Targets,
}

/// Applies every rule to a component.
#[must_use]
pub fn assess<'r>(node: &Node, alerts: impl Iterator<Item = &'r AlertRow>, context: &Context) -> Assessed {
    let mut findings = Vec::new();
    provider(node, context.live, &mut findings);
    signals(node, context.live, &mut findings);
    if let Some(red) = context.flow.component(&node.id) {
        computed_errors(node, red, context, &mut findings);
    }
    probes::find(node, context.live, &mut findings);
    let passes_on = pass_on(node, context, &mut findings);
    findings.extend(alerts.filter(|a| !a.silenced && a.severity.is_sick()).map(|alert| {
        // An alert about what is only passed on does not make the one that passes it the culprit.
        let health = if passes_on { Health::Warn } else { alert.severity };
        Finding::new(health, "alert", shown!("alert {}", alert.name), Some(alert.since))
    }));
    finding::sort(&mut findings);
    finding::mark_restated(&mut findings);
    let health = finding::roll_up(&findings, at_rest(node, context.live), is_judged(node));
    Assessed { health, findings, passes_on }
}

/// Whether something else than a resource that may be missing judges it: its requests, or what is left of its resources.
fn is_judged(node: &Node) -> bool {
    node.lines.iter().any(|line| line.peer.is_none() && line.is_whole() && line.bears() && line.is_fresh())
}

/// The health of a component of which nothing bad is known: ok needs evidence.
fn at_rest(node: &Node, live: &Live) -> Health {
    let inventory = node.facts.iter().any(|(source, _)| live.lost(source).is_none());
    let probed = node.probes.iter().any(|(probe, _)| probes::is_fresh(probe, live));
    let asked = |line: &Line| matches!(line.reading, crate::domain::reading::Reading::Fresh(_));
    if inventory || probed || node.lines.iter().any(asked) {
        return Health::Ok;
    }
    if node.lines.iter().any(Line::is_fresh) { Health::NoTraffic } else { Health::Unknown }
}

/// What the inventory says: condition, instances; and that it no longer says anything.
fn provider(node: &Node, live: &Live, findings: &mut Vec<Finding>) {
    let speaking = node.facts.iter().any(|(source, _)| live.lost(source).is_none());
    for (source, fact) in &node.facts {
        if let Some(lost) = live.lost(source) {
            let text = shown!("{} no longer says: {}", source.shown(), lost.why);
            findings.push(Finding::new(Health::Unknown, "stale", text, lost.since));
        } else if let Some((health, text)) = &fact.condition {
            findings.push(Finding::new(*health, "condition", text.clone(), None));
        }
    }
    if !speaking {
        return;
    }
    findings.extend(replicas::find(node, live));
    let failing: Vec<_> = node.members.iter().map(|(_, m)| m).filter(|m| m.state == MemberState::Failed).collect();
    if let Some(first) = failing.first()
        && !findings.iter().any(|f| f.rule == "replicas")
    {
        let text = shown!("{} failed: {} {}", failing.len(), first.name, first.word);
        findings.push(Finding::new(Health::Warn, "members", text, first.since));
    }
}

/// What each judged line says. The worst member speaks, never an average. A part that falls silent is unknown only when
/// its source is lost: otherwise it may be gone.
fn signals(node: &Node, live: &Live, findings: &mut Vec<Finding>) {
    let lags = lags(node);
    for (at, line) in node.lines.iter().enumerate() {
        let told_worse =
            lags.get(&line.member.as_ref()).is_some_and(|worst| line.spec.role == Role::Lag && *worst != at);
        if !line.bears() || line.peer.is_some() || is_out_of_use(line, node) || told_worse {
            continue;
        }
        match line.health {
            Health::Warn | Health::Critical => findings.push(of_line(line, node)),
            Health::Unknown if line.is_whole() || live.lost(&line.series.provenance.source).is_some() => {
                let text = shown!("{} no longer measured", Shown::of(&line.spec.label));
                let found = Finding::new(Health::Unknown, "stale", text, line.reading.last().map(|s| s.at));
                findings.push(Finding { minor: thresholds::is_soft(line.spec), ..found });
            }
            _ => {}
        }
    }
}

/// What is left of a revision that was aborted, or is gone, and gets no traffic judges nobody.
fn is_out_of_use(line: &Line, node: &Node) -> bool {
    let Some(rollout) = node.rollout().filter(|rollout| rollout.actual_weight == Some(0)) else { return false };
    let canary = rollout.canary.as_ref().filter(|canary| line.version.as_ref() == Some(&canary.hash));
    canary.is_some_and(|canary| canary.ready == 0 || rollout.phase.as_str() == "Degraded")
}

/// Several sources may measure the same lag: the worst of them speaks, of equals the first. By member, where it stands.
fn lags<'n>(node: &'n Node) -> BTreeMap<Option<&'n Raw>, usize> {
    let told = |line: &Line| line.spec.role == Role::Lag && line.peer.is_none() && line.bears();
    let mut worst: BTreeMap<Option<&Raw>, (u8, usize)> = BTreeMap::new();
    for (at, line) in node.lines.iter().enumerate().filter(|(_, line)| told(line)) {
        let known = worst.entry(line.member.as_ref()).or_insert((line.health.rank(), at));
        if line.health.rank() > known.0 {
            *known = (line.health.rank(), at);
        }
    }
    worst.into_iter().map(|(member, (_, at))| (member, at)).collect()
}

fn of_line(line: &Line, node: &Node) -> Finding {
    let mut text = beyond(&Shown::of(&line.spec.label), line, &line.thresholds, line.health);
    if let Some(member) = &line.member {
        text = shown!("{} {}", member, text);
    }
    // Of a workload that runs one revision only, the revision is the workload.
    let of_revision = line.version.is_some() && node.rollout().is_none_or(|rollout| rollout.canary.is_some());
    if let (Some(version), true) = (&line.version, of_revision) {
        text = shown!("{} {}", revision_name(node, version), text);
    }
    if line.judged.flapping {
        text = shown!("{}, flapping", text);
    }
    let found = Finding { of_revision, ..Finding::new(line.health, rule_of(line.spec.role), text, line.judged.since) };
    match line.spec.role {
        Role::ErrorRatio => found.felt(Felt::Errors),
        Role::Latency => found.felt(Felt::Time),
        _ => found,
    }
}

/// `canary rev 7`, `stable rev 6`, or the hash alone.
#[must_use]
pub fn revision_name(node: &Node, hash: &Raw) -> Shown {
    let Some(rollout) = node.rollout() else { return shown!("revision {}", hash) };
    let canary = rollout.canary.as_ref().filter(|r| r.hash == *hash);
    let (word, revision) = match canary {
        Some(revision) => ("canary", revision),
        None if rollout.stable.hash == *hash => ("stable", &rollout.stable),
        None => return shown!("revision {}", hash),
    };
    match revision.number {
        Some(number) => shown!("{} rev {}", word, number),
        None => shown!("{} {}", word, hash),
    }
}

fn beyond(label: &Shown, line: &Line, thresholds: &Thresholds, health: Health) -> Shown {
    let value = line.reading.value().unwrap_or(f64::NAN);
    said(label, value, line.spec.unit, thresholds, health)
}

/// A health is left later than its limit is: a value that is back on the good side says so.
fn said(label: &Shown, value: f64, unit: Unit, thresholds: &Thresholds, health: Health) -> Shown {
    let (level, limit) = match (health, thresholds.warn, thresholds.critical) {
        (Health::Critical, _, Some(limit)) => ("critical", limit),
        (_, Some(limit), _) => ("warn", limit),
        _ => return shown!("{} {}", label, amount(value, unit)),
    };
    let is_back = if thresholds.above { value <= limit } else { value >= limit };
    let (value, limit) = (amount(value, unit), amount(limit, unit));
    match (unit, is_back) {
        (Unit::Bool, false) => shown!("{}: {}", label, value),
        (Unit::Bool, true) => shown!("{}: {} again, for too short a time", label, value),
        (_, false) => shown!("{} {} ({} {})", label, value, Shown::fixed(level), limit),
        (_, true) => {
            let side = Shown::fixed(if thresholds.above { "over" } else { "under" });
            shown!("{} {} again, {} {} shortly before", label, value, side, limit)
        }
    }
}

const fn rule_of(role: Role) -> &'static str {
    match role {
        Role::Rate => "rate",
        Role::ErrorRatio | Role::OwnErrors | Role::PassedErrors => "error-ratio",
        Role::Latency => "latency",
        Role::Saturation => "saturation",
        Role::Availability => "availability",
        Role::Lag => "lag",
        Role::Hit => "hit",
        Role::Trouble => "trouble",
        Role::Business => "business",
        Role::Info => "info",
    }
}

/// Judges an error ratio that no single series tells (counts over requests).
fn computed_errors(node: &Node, red: &Red, context: &Context, findings: &mut Vec<Finding>) {
    let Some(ratio @ Curve::Computed(_)) = &red.error_ratio else { return };
    let thresholds = thresholds::error_ratio(None, node.tier, context.targets);
    if thresholds.warn.is_none() && thresholds.critical.is_none() {
        return;
    }
    let reading = ratio.reading(context.live);
    let Judged { health, since, .. } = hysteresis::judge(&ratio.points(), &thresholds, false);
    let label = Shown::fixed("errors");
    match (reading.value(), health) {
        (Some(value), Health::Warn | Health::Critical) => {
            let text = said(&label, value, Unit::Ratio, &thresholds, health);
            findings.push(Finding::new(health, "error-ratio", text, since).felt(Felt::Errors));
        }
        (None, _) if reading.last().is_some() => {
            let text = Shown::fixed("errors no longer measured");
            findings.push(Finding::new(Health::Unknown, "stale", text, reading.last().map(|s| s.at)));
        }
        _ => {}
    }
}

/// Turns what comes from behind the component into `passed-on`, which warns at most.
fn pass_on(node: &Node, context: &Context, findings: &mut [Finding]) -> bool {
    let Some(red) = context.flow.component(&node.id) else { return false };
    let errors = errors_passed_on(red);
    let slow = time_passed_on(node, red, context);
    let mut passes = false;
    for finding in findings.iter_mut().filter(|f| f.felt.is_some() && f.health != Health::Unknown) {
        let text = match (finding.rule, errors, &slow) {
            ("error-ratio", Some(own), _) => {
                let from = worst_callee(&node.id, context).map_or(Shown::fixed("its callees"), |id| id.name.shown());
                shown!("passes on errors of {} (its own: {})", from, amount(own, Unit::Ratio))
            }
            ("latency", _, Some((from, own))) => {
                shown!("waits for {} (its own: {})", from.name, amount(*own, Unit::Seconds))
            }
            _ => continue,
        };
        passes = true;
        *finding = Finding { health: Health::Warn, rule: "passed-on", text, ..finding.clone() };
    }
    passes
}

/// The share of requests it fails itself, when most of what it fails is not its own.
fn errors_passed_on(red: &Red) -> Option<f64> {
    let (seen, own) = (recent(red.errors.as_ref()?)?, recent(red.added.as_ref()?)?);
    let rate = recent(red.rate.as_ref()?)?;
    (seen > 0.0 && own < OWN_SHARE * seen && rate > 0.0).then(|| own / rate)
}

/// The callee whose time, in the same statistic, is most of its own, and what is left.
fn time_passed_on<'g>(node: &Node, red: &Red, context: &'g Context) -> Option<(&'g ComponentId, f64)> {
    let (own, statistic) = red.latency.as_ref()?;
    let own = recent(own)?;
    let of = |id: &ComponentId| {
        let link = context.flow.links.get(&(node.id.clone(), id.clone())).and_then(|red| red.latency.as_ref());
        let (curve, of) = link.or_else(|| context.flow.component(id)?.latency.as_ref())?;
        (of == statistic).then_some(curve)
    };
    let callees = context.graph.callees_where(&node.id, |id| of(id).is_some());
    let times = callees.into_iter().filter_map(|id| Some((id, recent(of(id)?)?)));
    let (id, time) = times.max_by(|a, b| a.1.total_cmp(&b.1))?;
    (own > 0.0 && own - time < OWN_TIME * own).then(|| (id, (own - time).max(0.0)))
}

fn worst_callee<'g>(id: &ComponentId, context: &'g Context) -> Option<&'g ComponentId> {
    let failing = |callee: &ComponentId| {
        let link = context.flow.links.get(&(id.clone(), callee.clone())).and_then(|red| red.errors.as_ref());
        link.or_else(|| context.flow.component(callee)?.errors.as_ref()).and_then(recent)
    };
    let callees = context.graph.callees_where(id, |callee| failing(callee).is_some());
    callees.into_iter().max_by(|a, b| failing(a).unwrap_or(0.0).total_cmp(&failing(b).unwrap_or(0.0)))
}
