//! `status --json` (schema 1).

use std::collections::BTreeMap;

use serde::Serialize;

use super::figure::{Figure, rfc3339, words};
use super::rollout::RolloutReport;
use crate::domain::health::{Health, Reason};
use crate::domain::id::SourceId;
use crate::domain::text::Shown;
use crate::domain::time::Stamp;
use crate::model::board::{
    AlertRow, Board, Cause, ComponentRow, Evidence, Gap, Latency, Missing, Saturation, SourceState, SourceStatus,
    TierRow, Users,
};
use crate::shown;

/// The whole report.
#[derive(Clone, Debug, Serialize)]
pub struct Status {
    pub schema: u32,
    pub environment: String,
    pub at: String,
    pub health: Health,
    /// `full`, `partial`, `blind` (also while nothing has answered).
    pub evidence: &'static str,
    pub missing: Vec<MissingReport>,
    pub users: UsersReport,
    pub cause: Option<CauseReport>,
    pub tiers: Vec<TierReport>,
    pub sources: Vec<SourceReport>,
    pub alerts: Vec<AlertReport>,
    /// Operations in flight, done and in doubt.
    pub operations: [(); 0],
    /// What was put aside and must be put back.
    pub debts: [(); 0],
}

#[derive(Clone, Debug, Serialize)]
pub struct MissingReport {
    pub source: SourceId,
    pub since: Option<String>,
    pub why: String,
}

#[derive(Clone, Debug, Serialize)]
pub struct UsersReport {
    pub failing_per_second: Option<Figure>,
    pub failing_ratio: Option<Figure>,
    pub since: Option<String>,
    pub via: Option<String>,
    pub business: Option<BusinessReport>,
}

#[derive(Clone, Debug, Serialize)]
pub struct BusinessReport {
    pub name: String,
    pub vs_last_week: Option<Figure>,
}

#[derive(Clone, Debug, Serialize)]
pub struct CauseReport {
    /// `found` or `not-found`.
    pub verdict: &'static str,
    pub component: Option<String>,
    pub revision: Option<String>,
    pub text: String,
    pub since: Option<String>,
    pub explains: Option<f64>,
    pub rejected: Vec<String>,
}

#[derive(Clone, Debug, Serialize)]
pub struct ReasonReport {
    pub rule: &'static str,
    pub text: String,
    pub since: Option<String>,
}

#[derive(Clone, Debug, Serialize)]
pub struct TierReport {
    pub tier: &'static str,
    pub health: Health,
    pub reasons: Vec<ReasonReport>,
    pub rate_per_second: Option<Figure>,
    pub rate_vs_last_week: Option<Figure>,
    pub error_ratio: Option<Figure>,
    pub error_added_ratio: Option<Figure>,
    pub latency_ms: Option<Figure>,
    pub latency: LatencyReport,
    pub saturation: Option<SaturationReport>,
    pub capacity: Option<CapacityReport>,
    pub components: Vec<ComponentReport>,
}

#[derive(Clone, Debug, Serialize)]
pub struct LatencyReport {
    pub statistic: &'static str,
    pub target_ms: Option<f64>,
    pub target_origin: Option<&'static str>,
}

#[derive(Clone, Debug, Serialize)]
pub struct SaturationReport {
    pub resource: &'static str,
    pub ratio: Option<Figure>,
}

#[derive(Clone, Copy, Debug, Serialize)]
pub struct CapacityReport {
    pub ready: u32,
    pub desired: u32,
    pub zones: u32,
}

#[derive(Clone, Debug, Serialize)]
pub struct ComponentReport {
    pub id: String,
    pub name: String,
    pub kind: &'static str,
    pub health: Health,
    pub reasons: Vec<ReasonReport>,
    pub ready: Option<u32>,
    pub desired: Option<u32>,
    /// Progress of a canary or a rolling update; null for what has none.
    pub rollout: Option<RolloutReport>,
    /// By the catalogue's id, for the component as a whole.
    pub signals: BTreeMap<&'static str, Option<Figure>>,
    /// Signals of a revision or an instance.
    pub parts: Vec<PartReport>,
}

#[derive(Clone, Debug, Serialize)]
pub struct PartReport {
    pub signal: &'static str,
    pub part: String,
    pub figure: Option<Figure>,
}

#[derive(Clone, Debug, Serialize)]
pub struct SourceReport {
    pub id: SourceId,
    pub kind: &'static str,
    /// `connecting`, `live`, `failed`.
    pub state: &'static str,
    pub sample_age_seconds: Option<f64>,
    pub error: Option<String>,
    /// What it could not see, and what to do about it.
    pub gaps: Vec<GapReport>,
}

#[derive(Clone, Debug, Serialize)]
pub struct GapReport {
    pub what: String,
    pub hint: String,
}

#[derive(Clone, Debug, Serialize)]
pub struct AlertReport {
    pub name: String,
    pub severity: Health,
    pub since: String,
    pub tier: Option<&'static str>,
    pub component: Option<String>,
    pub summary: String,
    pub silenced: bool,
    pub source: SourceId,
}

impl Status {
    /// The report of a board.
    #[must_use]
    pub fn new(environment: &Shown, board: &Board, sources: &[SourceStatus]) -> Self {
        let (evidence, missing): (_, &[Missing]) = match &board.evidence {
            Evidence::Full => ("full", &[]),
            Evidence::Partial { missing } => ("partial", missing),
            Evidence::Blind { missing, .. } => ("blind", missing),
            Evidence::Connecting => ("blind", &[]),
        };
        Self {
            schema: super::SCHEMA,
            environment: words(environment),
            at: rfc3339(board.at),
            health: board.health,
            evidence,
            missing: missing.iter().map(missing_report).collect(),
            users: users(&board.users),
            cause: cause(&board.cause),
            tiers: board.tiers.iter().map(tier).collect(),
            sources: sources.iter().map(|status| source(status, board)).collect(),
            alerts: board.alerts.iter().map(alert).collect(),
            operations: [],
            debts: [],
        }
    }

    /// 0 ok or warn, 6 critical, 7 partial, blind or unknown (PRODUCT section 10).
    #[must_use]
    pub fn exit_code(&self) -> u8 {
        match self.health {
            Health::Critical => 6,
            Health::Unknown => 7,
            _ if self.evidence != "full" => 7,
            _ => 0,
        }
    }
}

fn since(at: Option<Stamp>) -> Option<String> {
    at.map(rfc3339)
}

fn reasons(reasons: &[Reason]) -> Vec<ReasonReport> {
    let report =
        |reason: &Reason| ReasonReport { rule: reason.rule, text: words(&reason.text), since: since(reason.since) };
    reasons.iter().map(report).collect()
}

fn missing_report(missing: &Missing) -> MissingReport {
    MissingReport { source: missing.source.clone(), since: since(missing.since), why: words(&missing.why) }
}

fn users(users: &Users) -> UsersReport {
    UsersReport {
        failing_per_second: Figure::of(&users.failing_per_second),
        failing_ratio: Figure::of(&users.failing_ratio),
        since: since(users.since),
        via: users.via.as_ref().map(|(name, tier)| words(&shown!("{} in {}", name, tier.name()))),
        business: users
            .business
            .as_ref()
            .map(|(name, reading)| BusinessReport { name: words(name), vs_last_week: Figure::of(reading) }),
    }
}

fn cause(cause: &Cause) -> Option<CauseReport> {
    match cause {
        Cause::None => None,
        Cause::Found(suspect) => Some(CauseReport {
            verdict: "found",
            component: Some(words(&suspect.component.shown())),
            revision: suspect.revision.as_ref().map(words),
            text: words(&suspect.text),
            since: since(suspect.since),
            explains: Some(suspect.explains),
            rejected: suspect.rejected.iter().map(words).collect(),
        }),
        Cause::NotFound { looked_at } => Some(CauseReport {
            verdict: "not-found",
            component: None,
            revision: None,
            text: "cause not found".to_owned(),
            since: None,
            explains: None,
            rejected: looked_at.iter().map(words).collect(),
        }),
    }
}

fn tier(row: &TierRow) -> TierReport {
    TierReport {
        tier: row.tier.name(),
        health: row.health,
        reasons: reasons(&row.reasons),
        rate_per_second: Figure::of(&row.rate),
        rate_vs_last_week: Figure::of(&row.rate_vs_last_week),
        error_ratio: Figure::of(&row.error_ratio),
        error_added_ratio: Figure::of(&row.error_added_ratio),
        latency_ms: Figure::milliseconds(&row.latency.reading),
        latency: latency(&row.latency),
        saturation: row.saturation.as_ref().map(saturation),
        capacity: row.capacity.map(|capacity| CapacityReport {
            ready: capacity.ready,
            desired: capacity.desired,
            zones: capacity.zones,
        }),
        components: row.components.iter().map(component).collect(),
    }
}

fn latency(latency: &Latency) -> LatencyReport {
    LatencyReport {
        statistic: latency.statistic.name(),
        target_ms: latency.target.map(|(seconds, _)| seconds * 1000.0),
        target_origin: latency.target.map(|(_, origin)| origin),
    }
}

fn saturation(saturation: &Saturation) -> SaturationReport {
    SaturationReport { resource: saturation.resource, ratio: Figure::of(&saturation.reading) }
}

fn component(row: &ComponentRow) -> ComponentReport {
    let whole = row.signals.iter().filter(|signal| signal.part.is_none());
    let parts = row.signals.iter().filter_map(|signal| {
        let part = words(signal.part.as_ref()?);
        Some(PartReport { signal: signal.signal, part, figure: Figure::of(&signal.reading) })
    });
    ComponentReport {
        id: words(&row.id.shown()),
        name: words(&row.name),
        kind: row.id.kind.name(),
        health: row.health,
        reasons: reasons(&row.reasons),
        ready: row.replicas.map(|replicas| replicas.ready),
        desired: row.replicas.map(|replicas| replicas.desired),
        rollout: row.rollout.as_ref().map(RolloutReport::of),
        signals: whole.map(|signal| (signal.signal, Figure::of(&signal.reading))).collect(),
        parts: parts.collect(),
    }
}

fn source(status: &SourceStatus, board: &Board) -> SourceReport {
    let (state, error) = match &status.state {
        SourceState::Connecting { .. } => ("connecting", None),
        SourceState::Live => ("live", None),
        SourceState::Failed { fault, .. } => ("failed", Some(fault.to_string())),
    };
    SourceReport {
        id: status.id.clone(),
        kind: status.kind.name(),
        state,
        sample_age_seconds: status.sample_at.map(|at| board.at.since(at).as_secs_f64()),
        error,
        gaps: board.gaps.iter().filter(|gap| gap.source == status.id).map(gap).collect(),
    }
}

fn gap(gap: &Gap) -> GapReport {
    GapReport { what: words(&gap.what), hint: words(&gap.hint) }
}

fn alert(row: &AlertRow) -> AlertReport {
    AlertReport {
        name: words(&row.name),
        severity: row.severity,
        since: rfc3339(row.since),
        tier: row.tier.map(crate::domain::tier::Tier::name),
        component: row.component.as_ref().map(|id| words(&id.shown())),
        summary: words(&row.summary),
        silenced: row.silenced,
        source: row.source.clone(),
    }
}
