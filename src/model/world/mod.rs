//! Everything the sources said of one environment, merged by source and scope.

mod section;
mod series;

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;
use std::time::Duration;

pub use section::{Section, Subject, host_of};
pub use series::{Series, SeriesKey, SeriesStore};

use super::assess;
use super::board::{Board, SourceStatus};
use super::facts::{ChangeFact, Fact, Observation, Point, ProbeFact, ProbeOutcome, Scope};
use super::signals::{self, SignalSpec};
use crate::domain::id::{ComponentId, SourceId};
use crate::domain::settings::{DependencyRule, Settings, Targets, TierRule};
use crate::domain::text::{Raw, Shown};
use crate::domain::time::Stamp;
use crate::shown;

/// Changes older than this, counted from the newest, are forgotten.
const CHANGE_HORIZON: Duration = Duration::from_secs(26 * 3600);
/// More changes than this are not kept, the oldest go first.
const CHANGE_CAP: usize = 1_000;
/// Points from before this are of a clock that is wrong: nothing looks further back than to last week.
const OLDEST: Duration = Duration::from_secs(9 * 24 * 3600);
/// Outcomes kept of one probe.
const PROBE_HISTORY: usize = 300;

/// Looks a row of the signal catalogue up.
pub type Catalogue = fn(&str) -> Option<&'static SignalSpec>;

/// What configuration says about the model.
#[derive(Clone, Debug, Default)]
pub struct Rules {
    pub tiers: Vec<TierRule>,
    pub dependencies: Vec<DependencyRule>,
    pub targets: Targets,
}

/// What is known of one environment.
#[derive(Debug)]
pub struct World {
    pub(super) rules: Rules,
    pub(super) catalogue: Catalogue,
    pub(super) sections: BTreeMap<(SourceId, Scope), Section>,
    pub(super) series: SeriesStore,
    pub(super) changes: BTreeMap<Raw, Arc<ChangeFact>>,
    pub(super) probes: BTreeMap<(ComponentId, Raw), ProbeTrack>,
    /// Signals of which a source last told what cannot be, with such a value.
    pub(super) impossible: BTreeMap<(SourceId, &'static str), Shown>,
}

/// The last outcomes of one probe, oldest first: when, and whether it was up (`None`: could not be told).
#[derive(Clone, Debug, Default)]
pub struct ProbeTrack {
    pub outcomes: VecDeque<(Stamp, Option<bool>)>,
}

impl World {
    #[must_use]
    pub fn new(settings: &Settings) -> Self {
        Self::with_catalogue(settings, signals::spec)
    }

    /// A world whose signals are explained by another catalogue than the embedded one.
    #[must_use]
    pub fn with_catalogue(settings: &Settings, catalogue: Catalogue) -> Self {
        let rules = Rules {
            tiers: settings.tier.clone(),
            dependencies: settings.dependency.clone(),
            targets: settings.target.clone(),
        };
        Self {
            rules,
            catalogue,
            sections: BTreeMap::new(),
            series: SeriesStore::default(),
            changes: BTreeMap::new(),
            probes: BTreeMap::new(),
            impossible: BTreeMap::new(),
        }
    }

    /// Merges what a source saw. The cost is that of the facts in it, not of the world: a single pod's change touches
    /// that pod only. Signals keep their history when a complete observation comes.
    pub fn apply(&mut self, observation: Observation) {
        let Observation { source, scope, observed_at, complete, facts } = observation;
        let owner = (source, scope);
        let mut told: BTreeMap<&'static str, Option<Shown>> = BTreeMap::new();
        let section = self.sections.entry(owner.clone()).or_default();
        if complete {
            section.restart();
        }
        section.observed_at = observed_at;
        for fact in facts {
            match fact {
                Fact::Component(fact) => section.put_component(fact),
                Fact::Member(fact) => section.put_member(fact),
                Fact::MemberGone(component, name) => section.drop_member(&component, &name),
                Fact::ComponentGone(component) => section.drop_component(&component),
                Fact::Link(fact) => section.put_link(fact),
                Fact::Alert(fact) => section.put_alert(fact),
                Fact::Gap(fact) => section.gaps.push(fact),
                Fact::Signal(mut fact) => {
                    let wrong = take_impossible((self.catalogue)(fact.signal), &mut fact.points, observed_at);
                    let known = told.entry(fact.signal).or_default();
                    *known = known.take().or(wrong);
                    self.series.extend(fact, &owner, section.round, observed_at);
                }
                Fact::Change(fact) => note_change(&mut self.changes, fact),
                Fact::Probe(fact) => {
                    track(&mut self.probes, &fact);
                    section.put_probe(fact);
                }
            }
        }
        if !told.is_empty() {
            self.series.prune(&owner, observed_at);
        }
        for (signal, wrong) in told {
            let key = (owner.0.clone(), signal);
            match wrong {
                Some(wrong) => drop(self.impossible.insert(key, wrong)),
                None => drop(self.impossible.remove(&key)),
            }
        }
    }

    /// The board that follows from what is known, as of `now`.
    #[must_use]
    pub fn assess(&self, sources: &[SourceStatus], now: Stamp) -> Board {
        assess::assess(self, sources, now)
    }
}

/// Takes out what cannot be measured: values outside of what the signal can have, and times outside of ours. The last of
/// them in words.
fn take_impossible(spec: Option<&'static SignalSpec>, points: &mut Vec<Point>, now: Stamp) -> Option<Shown> {
    let mut wrong = None;
    points.retain(|point| {
        let value = spec.is_none_or(|spec| spec.admits(point.value)) && !point.value.is_infinite();
        let time = now.since(point.at) <= OLDEST && !point.at.is_ahead_of(now);
        if !value {
            wrong = Some(shown!("{} for {}", Raw::from(point.value.to_string()), spec.map_or("it", |s| s.id.as_str())));
        } else if !time {
            wrong = Some(shown!("a sample of another time for {}", spec.map_or("it", |s| s.id.as_str())));
        }
        value && time
    });
    wrong
}

fn note_change(changes: &mut BTreeMap<Raw, Arc<ChangeFact>>, fact: ChangeFact) {
    changes.insert(fact.key.clone(), Arc::new(fact));
    if changes.len() <= CHANGE_CAP {
        return;
    }
    // Half of the room is made at once, so that a storm of changes does not sort for each of them.
    let mut stamps: Vec<Stamp> = changes.values().map(|c| c.at).collect();
    stamps.sort_unstable();
    let newest = stamps.last().copied().unwrap_or_default();
    let middle = stamps.get(stamps.len() / 2).copied().unwrap_or_default();
    let oldest = middle.max(newest - CHANGE_HORIZON);
    changes.retain(|_, change| change.at >= oldest);
}

fn track(probes: &mut BTreeMap<(ComponentId, Raw), ProbeTrack>, fact: &ProbeFact) {
    let outcomes = &mut probes.entry((fact.component.clone(), fact.name.clone())).or_default().outcomes;
    if outcomes.back().is_some_and(|(at, _)| *at >= fact.at) {
        return;
    }
    let up = match fact.outcome {
        ProbeOutcome::Up { .. } => Some(true),
        ProbeOutcome::Down { .. } => Some(false),
        ProbeOutcome::Unclear { .. } => None,
    };
    outcomes.push_back((fact.at, up));
    if outcomes.len() > PROBE_HISTORY {
        outcomes.pop_front();
    }
}
