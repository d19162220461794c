//! What probes from this host say: down is a fresh negative, unclear is unknown.

use std::time::Duration;

use super::finding::{Felt, Finding};
use super::live::Live;
use super::node::Node;
use crate::domain::health::Health;
use crate::domain::time::Stamp;
use crate::model::facts::{ProbeFact, ProbeOutcome};
use crate::model::world::ProbeTrack;
use crate::shown;

/// Certificates: warn below 20 days, critical below 3 (facts/signals.md `edge.tls.days_left`).
const CERTIFICATE: (u64, u64) = (20, 3);
const DAY: u64 = 86_400;

/// Whether the newest outcome may still be relied on.
#[must_use]
pub fn is_fresh(probe: &ProbeFact, live: &Live) -> bool {
    let in_time = !live.is_over(probe.at, probe.provenance.freshness()) && !live.is_ahead(probe.at);
    in_time && live.lost(&probe.provenance.source).is_none()
}

pub fn find(node: &Node, live: &Live, findings: &mut Vec<Finding>) {
    for (probe, track) in &node.probes {
        if !is_fresh(probe, live) {
            let text = shown!("{} not answered by this host's probe", probe.target);
            findings.push(Finding::new(Health::Unknown, "stale", text, Some(probe.at)));
            continue;
        }
        match &probe.outcome {
            ProbeOutcome::Up { certificate_ends, .. } => {
                findings.extend(certificate_ends.and_then(|ends| certificate(probe, ends, live.now)));
                if let Some(since) = down_since(track) {
                    let text = shown!("{} answers again", probe.target);
                    findings.push(Finding::new(Health::Warn, "probe", text, Some(since)));
                }
            }
            ProbeOutcome::Down { why } => {
                let (health, since) = match down_since(track) {
                    Some(since) => (Health::Critical, since),
                    None => (Health::Warn, probe.at),
                };
                let text = shown!("{} {}", probe.target, why);
                findings.push(Finding::new(health, "probe", text, Some(since)).felt(Felt::Reach));
            }
            ProbeOutcome::Unclear { why } => {
                let text = shown!("{} cannot be told: {}", probe.target, why);
                findings.push(Finding::new(Health::Unknown, "probe", text, Some(probe.at)));
            }
        }
    }
}

/// Since when it is down: entered by two failures in a row (or the only outcome), left by three successes.
fn down_since(track: &ProbeTrack) -> Option<Stamp> {
    let told: Vec<(Stamp, bool)> = track.outcomes.iter().filter_map(|(at, up)| up.map(|up| (*at, up))).collect();
    let (mut down, mut bad, mut good) = (None, 0, 0);
    for (index, (at, up)) in told.iter().enumerate() {
        (bad, good) = if *up { (0, good + 1) } else { (bad + 1, 0) };
        if down.is_none() && (bad >= 2 || (bad == 1 && told.len() == 1)) {
            down = told.get((index + 1).saturating_sub(bad)).map(|(at, _)| *at).or(Some(*at));
        } else if good >= 3 {
            down = None;
        }
    }
    down
}

fn certificate(probe: &ProbeFact, ends: Stamp, now: Stamp) -> Option<Finding> {
    let left = ends.since(now);
    let days = left.as_secs() / DAY;
    let health = if left == Duration::ZERO || days < CERTIFICATE.1 {
        Health::Critical
    } else if days < CERTIFICATE.0 {
        Health::Warn
    } else {
        return None;
    };
    let text = shown!("{} certificate ends in {} d", probe.target, days);
    Some(Finding::new(health, "certificate", text, None))
}
