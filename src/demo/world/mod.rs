//! The model of a production environment: what a seed, a scenario and a moment make of a world.
//!
//! [`model::Model`] is the world itself and knows no protocol: it steps through time, and each step computes a
//! [`flow::Flow`]. `export` watches the steps and fills the stores that the servers answer from.

pub mod admit;
pub mod alerts;
pub mod cluster;
pub mod database;
mod export;
pub mod flow;
pub mod latency;
pub mod model;
pub mod noise;
pub mod operations;
pub mod pod;
pub mod scenario;
pub mod shop;
pub mod spec;
#[cfg(test)]
mod tests;
pub mod traffic;
pub mod will;

pub use scenario::{all_scenarios, drawn_scenario, scenario_names};

use super::store::Stores;
use export::Exporters;
use model::Model;

/// The length of a step, ms; also of those that fill the detailed history.
pub const STEP: i64 = 5_000;
/// Prometheus' scrape interval, ms.
pub const SCRAPE: i64 = 15_000;
/// Step and scrape interval of the window of last week, ms.
const COARSE: i64 = 60_000;
const SECOND: i64 = 1_000;
const MINUTE: i64 = 60_000;
const HOUR: i64 = 3_600_000;
const WEEK: i64 = 7 * 24 * HOUR;
/// Old samples are dropped this often, ms.
const TRIM_EVERY: i64 = 10 * MINUTE;

/// What world to make.
#[derive(Clone, Debug)]
pub struct Options {
    pub world: String,
    pub scenario: String,
    pub seed: u64,
    /// How much detailed history there is before the start, ms.
    pub history: i64,
}

impl Default for Options {
    fn default() -> Self {
        Self { world: shop::EKS.name.to_owned(), scenario: "calm".to_owned(), seed: 1, history: 2 * HOUR }
    }
}

/// Why there is no such world.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum WorldError {
    #[error("there is no world \"{name}\": the embedded worlds are {}", shop::names())]
    UnknownWorld { name: String },
    #[error("there is no scenario \"{name}\" in this world: choose one of {}", known.join(", "))]
    UnknownScenario { name: String, known: &'static [&'static str] },
    #[error("scenario {file} cannot be read: {message}")]
    Scenario { file: String, message: String },
}

/// What a scenario's draw says has happened. Only tests look at it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Truth {
    pub culprit: Option<Culprit>,
    /// Workloads that changed and have nothing to do with it.
    pub decoys: Vec<String>,
    /// World time at which the trouble begins, ms.
    pub breach: Option<i64>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Culprit {
    /// A workload's or database's name.
    pub workload: String,
    /// The pod template hash of the revision to blame.
    pub revision: Option<String>,
}

/// A world and everything it has made observable.
#[derive(Debug)]
pub struct World {
    pub stores: Stores,
    model: Model,
    exporters: Exporters,
    truth: Truth,
    now: i64,
    history: i64,
    /// The window of last week whose samples are kept.
    last_week: std::ops::Range<i64>,
    /// Until when the controllers look every second, because somebody changes things.
    attentive_until: i64,
    last_change: Option<admit::LastChange>,
}

impl World {
    /// Builds the world and fills its history up to `now` (world ms): the window of last week around this hour in
    /// steps of a minute, then the detailed history.
    ///
    /// # Errors
    /// When world or scenario do not exist, or the scenario's file is wrong.
    pub fn new(options: &Options, now: i64) -> Result<Self, WorldError> {
        let unknown = || WorldError::UnknownWorld { name: options.world.clone() };
        let shop = shop::find(&options.world).ok_or_else(unknown)?;
        let last_week = floor(now - WEEK - HOUR / 2, COARSE)..floor(now - WEEK + 4 * HOUR, COARSE);
        let mut model = Model::settled(shop, options.seed, last_week.start);
        let mut stores = Stores::default();
        let mut exporters = Exporters::new(&mut stores, shop, options.seed, now);
        let mut at = last_week.start;
        while at < last_week.end {
            model.step(at, COARSE as f64 / 1_000.0);
            exporters.record(&model, &mut stores, COARSE);
            at += COARSE;
        }
        let mut world = Self {
            stores,
            model,
            exporters,
            truth: Truth::default(),
            now,
            history: options.history,
            last_week,
            attentive_until: i64::MIN,
            last_change: None,
        };
        world.start_scenario(&options.scenario, now)?;
        let start = floor(now - options.history, SCRAPE);
        world.run(start, now);
        world.exporters.settle(&mut world.model, &mut world.stores);
        Ok(world)
    }

    /// Simulates up to world time `to`; nothing when that is not later.
    pub fn advance(&mut self, to: i64) {
        if to <= self.now {
            return;
        }
        let before = self.model.at;
        self.now = to;
        self.run(self.next_look(before), to);
        if self.model.at > before {
            self.exporters.settle(&mut self.model, &mut self.stores);
        }
        if before / TRIM_EVERY != self.model.at / TRIM_EVERY {
            let oldest = to - self.history;
            self.stores.tsdb.retain(oldest, self.last_week.clone());
            self.stores.cloudwatch.retain(oldest, self.last_week.clone());
        }
    }

    #[must_use]
    pub fn now(&self) -> i64 {
        self.now
    }

    /// Ends what the present scenario does and starts another one's timeline at `at`.
    ///
    /// # Errors
    /// When there is no such scenario or its file is wrong.
    pub fn set_scenario(&mut self, name: &str, at: i64) -> Result<(), WorldError> {
        self.start_scenario(name, at)?;
        // What lies in the scenario's past happens at its start.
        self.truth.breach = self.truth.breach.map(|breach| breach.max(at));
        Ok(())
    }

    /// What the seed drew for the present scenario.
    #[must_use]
    pub fn truth(&self) -> Truth {
        self.truth.clone()
    }

    /// The figures of the last step.
    #[cfg(test)]
    #[must_use]
    pub fn flow(&self) -> &flow::Flow {
        &self.model.flow
    }

    /// Whether Prometheus answers; its server must not when this is false.
    #[must_use]
    pub fn prometheus_up(&self) -> bool {
        self.model.monitoring_up
    }

    /// What an instance of a PostgreSQL cluster tells of itself, if one of that name answers.
    #[must_use]
    pub fn instance_status(&self, pod: &str) -> Option<serde_json::Value> {
        export::kube::instance_status(&self.model, pod)
    }

    fn start_scenario(&mut self, name: &str, at: i64) -> Result<(), WorldError> {
        let revisions = |workload: &str| self.model.workload(workload).map(|w| (w.stable, w.next_revision()));
        let timeline = scenario::plan(self.model.shop, name, self.model.seed, at, revisions)?;
        self.truth = timeline.truth;
        self.model.schedule(timeline.events);
        Ok(())
    }

    fn run(&mut self, from: i64, to: i64) {
        let mut at = from;
        while at <= to {
            if at % STEP == 0 {
                self.model.step(at, STEP as f64 / 1_000.0);
                self.exporters.record(&self.model, &mut self.stores, STEP);
            } else {
                self.model.control(at);
            }
            at = self.next_look(at);
        }
    }

    /// When the world is looked at after `at`: at its next step, or sooner while somebody changes things.
    fn next_look(&self, at: i64) -> i64 {
        let unit = if at < self.attentive_until { SECOND } else { STEP };
        floor(at, unit) + unit
    }
}

fn floor(at: i64, unit: i64) -> i64 {
    at - at.rem_euclid(unit)
}
