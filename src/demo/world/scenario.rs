//! Scenarios: timelines of effects, as TOML, whose workloads, figures and moments are drawn by the seed.

use std::collections::BTreeMap;

use rand::{Rng, SeedableRng};
use rand_pcg::Pcg64Mcg;
use serde::Deserialize;

use super::cluster::revision_hash;
use super::noise::{digest, mix};
use super::shop::{self, Shop};
use super::{Culprit, Truth, WorldError};

const FILES: [(&str, &str); 10] = [
    ("calm", include_str!("../scenarios/calm.toml")),
    ("bad-canary", include_str!("../scenarios/bad-canary.toml")),
    ("stable-fails", include_str!("../scenarios/stable-fails.toml")),
    ("db-primary-degraded", include_str!("../scenarios/db-primary-degraded.toml")),
    ("replica-lag", include_str!("../scenarios/replica-lag.toml")),
    ("traffic-drop", include_str!("../scenarios/traffic-drop.toml")),
    ("crashing-release", include_str!("../scenarios/crashing-release.toml")),
    ("monitoring-down", include_str!("../scenarios/monitoring-down.toml")),
    ("ledger-lag", include_str!("../scenarios/ledger-lag.toml")),
    ("ledger-dead", include_str!("../scenarios/ledger-dead.toml")),
];

/// Names of the scenarios of all worlds.
#[must_use]
pub fn all_scenarios() -> Vec<&'static str> {
    FILES.iter().map(|(name, _)| *name).collect()
}

/// Names of the scenarios of a world, `calm` first; none when there is no such world.
#[must_use]
pub fn scenario_names(world: &str) -> &'static [&'static str] {
    shop::find(world).map_or(&[], |shop| shop.scenarios)
}

/// The incident that a seed draws: any scenario of the world but the calm one.
#[must_use]
pub fn drawn_scenario(world: &str, seed: u64) -> &'static str {
    let incidents = scenario_names(world).get(1..).unwrap_or_default();
    let drawn = seed % u64::try_from(incidents.len()).unwrap_or(1).max(1);
    usize::try_from(drawn).ok().and_then(|at| incidents.get(at)).map_or("calm", |name| name)
}

/// Something that happens to the world.
#[derive(Clone, Debug, PartialEq)]
pub enum Effect {
    /// A healthy new revision replaces the old one on all pods.
    Deploy { workload: String },
    /// A new revision reaches its first canary step and stays there.
    Canary { workload: String, errors: f64, slow: f64 },
    /// The processes of a new revision die shortly after they start.
    CrashingRelease { workload: String },
    /// The stable revision falls ill.
    Fault { workload: String, errors: f64, slow: f64 },
    /// A database answers `factor` times as slowly, and this share of queries fails.
    SlowDatabase { database: String, factor: f64, errors: f64 },
    /// A replica falls behind by this many seconds in a second.
    ReplicaLag { database: String, growth: f64 },
    /// The process of a cluster's primary is gone.
    KillPrimary { database: String },
    /// Users become `factor` as many, over this many seconds.
    Traffic { factor: f64, over: f64 },
    /// Prometheus stops: no scrapes, no rules, no answers.
    MonitoringDown,
}

/// An effect and its world time.
#[derive(Clone, Debug)]
pub struct Event {
    pub at: i64,
    pub effect: Effect,
}

/// A scenario with everything drawn.
#[derive(Clone, Debug, Default)]
pub struct Timeline {
    /// Ascending by time.
    pub events: Vec<Event>,
    pub truth: Truth,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    #[serde(default)]
    draw: Draw,
    #[serde(default)]
    event: Vec<Entry>,
    #[serde(default)]
    truth: TruthSpec,
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct Draw {
    /// Names to draw, each from its list and different from those drawn before (in the order of their keys).
    names: BTreeMap<String, Vec<String>>,
    /// Figures to draw, each between its bounds.
    figures: BTreeMap<String, [f64; 2]>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Entry {
    /// Seconds from the start of the scenario, negative for the past.
    at: Figure,
    /// Added to `at`.
    #[serde(default)]
    offset: f64,
    #[serde(default)]
    only: Only,
    effect: EffectSpec,
}

/// A number, or the name of a drawn one.
#[derive(Clone, Deserialize)]
#[serde(untagged)]
enum Figure {
    Literal(f64),
    Drawn(String),
}

/// Which seeds an event belongs to.
#[derive(Clone, Copy, Default, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "kebab-case")]
enum Only {
    #[default]
    Always,
    OddSeeds,
}

#[derive(Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case", deny_unknown_fields)]
enum EffectSpec {
    Deploy { workload: String },
    CrashingRelease { workload: String },
    Canary { workload: String, errors: Figure, slow: Figure },
    Fault { workload: String, errors: Figure, slow: Figure },
    SlowDatabase { database: String, factor: Figure, errors: Figure },
    ReplicaLag { database: String, growth: Figure },
    KillPrimary { database: String },
    Traffic { factor: Figure, over: Figure },
    MonitoringDown,
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct TruthSpec {
    /// The drawn name (or the literal one) of what is to blame.
    culprit: Option<String>,
    revision: RevisionSpec,
    decoys: Vec<String>,
    breach: Option<Figure>,
}

#[derive(Clone, Copy, Default, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "kebab-case")]
enum RevisionSpec {
    #[default]
    None,
    Canary,
    Stable,
}

/// What a seed made of the file's names and figures.
struct Drawn {
    file: String,
    names: BTreeMap<String, String>,
    figures: BTreeMap<String, f64>,
    odd: bool,
}

/// Reads the scenario and draws its parameters. `revisions` tells the number of a workload's stable revision and that
/// of its next one.
pub fn plan(
    shop: &Shop,
    name: &str,
    seed: u64,
    start: i64,
    revisions: impl Fn(&str) -> Option<(u32, u32)>,
) -> Result<Timeline, WorldError> {
    let here = shop.scenarios.contains(&name);
    let Some((_, text)) = FILES.iter().find(|(known, _)| here && *known == name) else {
        return Err(WorldError::UnknownScenario { name: name.to_owned(), known: shop.scenarios });
    };
    let file: File = toml::from_str(text)
        .map_err(|error| WorldError::Scenario { file: format!("{name}.toml"), message: error.to_string() })?;
    let drawn = draw(name, seed, &file.draw)?;
    let moment = |seconds: f64| start + (seconds * 1_000.0) as i64;
    let mut events = Vec::with_capacity(file.event.len());
    for entry in file.event {
        if entry.only == Only::OddSeeds && !drawn.odd {
            continue;
        }
        let at = moment(drawn.figure(&entry.at)? + entry.offset);
        events.push(Event { at, effect: drawn.effect(entry.effect)? });
    }
    events.sort_by_key(|event| event.at);
    let breach = file.truth.breach.as_ref().map(|at| drawn.figure(at)).transpose()?.map(moment);
    let culprit = file.truth.culprit.map(|key| {
        let workload = drawn.name(&key);
        let (stable, next) = revisions(&workload).unwrap_or_default();
        let revision = match file.truth.revision {
            RevisionSpec::None => None,
            RevisionSpec::Canary => Some(revision_hash(seed, &workload, next)),
            RevisionSpec::Stable => Some(revision_hash(seed, &workload, stable)),
        };
        Culprit { workload, revision }
    });
    let touched = |name: &String| events.iter().any(|e| e.effect.workload() == Some(name));
    let decoys = file.truth.decoys.iter().map(|key| drawn.name(key)).filter(touched).collect();
    Ok(Timeline { events, truth: Truth { culprit, decoys, breach } })
}

fn draw(name: &str, seed: u64, wish: &Draw) -> Result<Drawn, WorldError> {
    let mut rng = Pcg64Mcg::seed_from_u64(mix(seed, digest(name)));
    let mut names: BTreeMap<String, String> = BTreeMap::new();
    for (key, list) in &wish.names {
        let free: Vec<&String> = list.iter().filter(|n| !names.values().any(|taken| taken == *n)).collect();
        let index = (rng.next_u64() % free.len().max(1) as u64) as usize;
        let Some(choice) = free.get(index) else {
            let message = format!("draw.names.{key}: every name of the list is taken");
            return Err(WorldError::Scenario { file: format!("{name}.toml"), message });
        };
        names.insert(key.clone(), (*choice).clone());
    }
    let mut uniform = || (rng.next_u64() >> 11) as f64 / (1u64 << 53) as f64;
    let figures = wish.figures.iter().map(|(k, [low, high])| (k.clone(), low + (high - low) * uniform())).collect();
    Ok(Drawn { file: format!("{name}.toml"), names, figures, odd: seed % 2 == 1 })
}

impl Drawn {
    fn name(&self, key: &str) -> String {
        self.names.get(key).map_or_else(|| key.to_owned(), Clone::clone)
    }

    fn figure(&self, figure: &Figure) -> Result<f64, WorldError> {
        match figure {
            Figure::Literal(value) => Ok(*value),
            Figure::Drawn(key) => self.figures.get(key).copied().ok_or_else(|| WorldError::Scenario {
                file: self.file.clone(),
                message: format!("\"{key}\" is neither a number nor a key of draw.figures"),
            }),
        }
    }

    fn effect(&self, spec: EffectSpec) -> Result<Effect, WorldError> {
        Ok(match spec {
            EffectSpec::Deploy { workload } => Effect::Deploy { workload: self.name(&workload) },
            EffectSpec::CrashingRelease { workload } => Effect::CrashingRelease { workload: self.name(&workload) },
            EffectSpec::Canary { workload, errors, slow } => Effect::Canary {
                workload: self.name(&workload),
                errors: self.figure(&errors)?,
                slow: self.figure(&slow)?,
            },
            EffectSpec::Fault { workload, errors, slow } => Effect::Fault {
                workload: self.name(&workload),
                errors: self.figure(&errors)?,
                slow: self.figure(&slow)?,
            },
            EffectSpec::SlowDatabase { database, factor, errors } => Effect::SlowDatabase {
                database: self.name(&database),
                factor: self.figure(&factor)?,
                errors: self.figure(&errors)?,
            },
            EffectSpec::ReplicaLag { database, growth } => {
                Effect::ReplicaLag { database: self.name(&database), growth: self.figure(&growth)? }
            }
            EffectSpec::KillPrimary { database } => Effect::KillPrimary { database: self.name(&database) },
            EffectSpec::Traffic { factor, over } => {
                Effect::Traffic { factor: self.figure(&factor)?, over: self.figure(&over)? }
            }
            EffectSpec::MonitoringDown => Effect::MonitoringDown,
        })
    }
}

impl Effect {
    fn workload(&self) -> Option<&String> {
        match self {
            Self::Deploy { workload }
            | Self::CrashingRelease { workload }
            | Self::Canary { workload, .. }
            | Self::Fault { workload, .. } => Some(workload),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_scenario_loads_and_names_only_what_exists() {
        let exists = |name: &String| shop::workload(name).is_some();
        let all = [&shop::EKS, &shop::MIXED].into_iter().flat_map(|shop| shop.scenarios.iter().map(move |n| (shop, n)));
        for (shop, name) in all {
            for seed in 0..40 {
                let timeline = plan(shop, name, seed, 0, |_| Some((7, 8))).expect(name);
                assert!(timeline.events.iter().all(|e| e.effect.workload().is_none_or(exists)), "{name} {seed}");
                assert!(timeline.truth.decoys.iter().all(exists), "{name} {seed}: {:?}", timeline.truth);
            }
        }
    }

    #[test]
    fn seeds_draw_all_rollouts_and_distinct_decoys() {
        let mut culprits = std::collections::BTreeSet::new();
        for seed in 0..40 {
            let truth = plan(&shop::EKS, "bad-canary", seed, 0, |_| Some((7, 8))).expect("plan").truth;
            let culprit = truth.culprit.expect("culprit").workload;
            assert!(!truth.decoys.contains(&culprit));
            assert_eq!(truth.decoys.len(), 1 + (seed % 2) as usize, "odd seeds have a healthy canary too");
            culprits.insert(culprit);
        }
        assert_eq!(culprits.len(), 4);
    }

    #[test]
    fn an_unknown_scenario_is_an_error_that_names_it() {
        let error = plan(&shop::EKS, "no-such", 1, 0, |_| None).expect_err("unknown");
        assert!(error.to_string().contains("no-such") && error.to_string().contains("bad-canary"), "{error}");
    }
}
