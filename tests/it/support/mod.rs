//! The embedded world and a console connected to it by its ordinary clients, in this process.

pub mod arithmetic;
pub mod seeds;
pub mod wire;

use std::sync::{PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};
use std::time::{Duration, Instant};

use serde_json::Value;
use tierdeck::demo::{self, Demo, DemoOptions, world};
use tierdeck::domain::settings::Settings;
use tierdeck::domain::text::Shown;
use tierdeck::input::{Keymap, keymap};
use tierdeck::report::status::Status;
use tierdeck::runtime::launch::Headless;

/// What measures seconds wants the machine for itself; everything heavy says that it is busy.
static MACHINE: RwLock<()> = RwLock::new(());

pub fn busy() -> RwLockReadGuard<'static, ()> {
    MACHINE.read().unwrap_or_else(PoisonError::into_inner)
}

pub fn quiet() -> RwLockWriteGuard<'static, ()> {
    MACHINE.write().unwrap_or_else(PoisonError::into_inner)
}

/// Detailed history of a world in which nothing has happened, ms.
const SHORT_HISTORY: i64 = 25 * 60_000;
/// Time between two looks at a console that runs.
const LOOK: Duration = Duration::from_millis(250);
/// The longest that a first round of all sources may take.
const PATIENCE: Duration = Duration::from_secs(60);

/// A world that runs, and where a console is told to look for it.
pub struct Shop {
    pub demo: Demo,
    pub settings: Settings,
}

impl Shop {
    /// A world that stands still at `at`.
    pub fn standing(scenario: &str, seed: u64, at: i64) -> Self {
        Self::start(scenario, seed, 0.0, Some(at))
    }

    /// A world whose time runs that much faster than the wall's.
    pub fn fast(scenario: &str, seed: u64, speed: f64) -> Self {
        Self::start(scenario, seed, speed, None)
    }

    /// A world whose time runs as fast as the wall's.
    pub fn running(scenario: &str, seed: u64) -> Self {
        Self::start(scenario, seed, 1.0, None)
    }

    /// World `shop-mixed`, whose time runs that much faster than the wall's.
    pub fn mixed(scenario: &str, seed: u64, speed: f64) -> Self {
        Self::open("shop-mixed", scenario, seed, speed, None)
    }

    fn start(scenario: &str, seed: u64, speed: f64, at: Option<i64>) -> Self {
        Self::open("shop-eks", scenario, seed, speed, at)
    }

    fn open(name: &str, scenario: &str, seed: u64, speed: f64, at: Option<i64>) -> Self {
        let mut world =
            world::Options { world: name.to_owned(), scenario: scenario.to_owned(), seed, ..world::Options::default() };
        if scenario == "calm" {
            world.history = SHORT_HISTORY;
        }
        let demo = demo::start(&DemoOptions { world, speed, at }).expect("a world");
        let settings = tierdeck::config::load(&demo.endpoints().config).expect("the demo's own config");
        Self { demo, settings }
    }

    /// Moves a world that stands still, and what its consoles take for now.
    pub fn advance(&mut self, ms: i64) {
        self.demo.handle().advance(ms);
        self.settings.clock.as_mut().expect("a demo's clock").world += ms;
    }

    /// A console that has just started.
    pub fn console(&self) -> Console {
        let keymap = Keymap::load(keymap::DEFAULT, "default.toml").expect("the bundled keymap");
        let headless = Headless::start(&self.settings, keymap, Shown::fixed("tester@here")).expect("threads");
        Console(headless)
    }

    /// What a console sees once its first round is in.
    pub fn status(&self) -> Report {
        let mut console = self.console();
        console.0.settle(PATIENCE);
        console.report()
    }
}

/// The console without its screen.
pub struct Console(pub Headless);

impl Console {
    /// Runs until the first round of every source is in.
    pub fn settle(&mut self) {
        self.0.settle(PATIENCE);
    }

    /// Runs until `done` says so of what `status --json` would print; the last report when that takes longer than
    /// `limit`.
    #[allow(clippy::disallowed_methods)]
    pub fn until(&mut self, limit: Duration, done: impl Fn(&Report) -> bool) -> Result<Report, Report> {
        let begun = Instant::now();
        loop {
            self.0.run_for(LOOK);
            let late = begun.elapsed() > limit;
            let report = self.report();
            match (done(&report), late) {
                (true, false) => return Ok(report),
                (_, true) => return Err(report),
                (false, false) => {}
            }
        }
    }

    /// What `status --json` prints now.
    pub fn report(&self) -> Report {
        let state = self.0.state();
        let status = Status::new(&state.environment.name, &state.board, &state.sources);
        Report(serde_json::to_value(status).expect("JSON"))
    }
}

/// The document of `status --json`.
#[derive(Clone, Debug)]
pub struct Report(pub Value);

impl Report {
    pub fn tier(&self, name: &str) -> &Value {
        let tiers = self.0["tiers"].as_array().expect("tiers");
        tiers.iter().find(|tier| tier["tier"] == name).unwrap_or_else(|| panic!("no tier {name} in {}", self.summary()))
    }

    pub fn tiers(&self) -> impl Iterator<Item = &Value> {
        self.0["tiers"].as_array().expect("tiers").iter()
    }

    pub fn components(&self) -> impl Iterator<Item = &Value> {
        self.tiers().flat_map(|tier| tier["components"].as_array().expect("components"))
    }

    /// Every figure with its path, outermost only: the parts of a derived one are inside it.
    pub fn figures(&self) -> Vec<(String, &Value)> {
        let mut found = Vec::new();
        walk(&self.0, String::new(), &mut found);
        found
    }

    /// A page of what matters, for failures.
    pub fn summary(&self) -> String {
        let text = |value: &Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
        let reasons = |row: &Value| {
            let reasons = row["reasons"].as_array().expect("reasons").iter();
            reasons.map(|reason| format!("{}: {}", text(&reason["rule"]), text(&reason["text"]))).collect::<Vec<_>>()
        };
        let mut lines = vec![format!(
            "{} health {} evidence {} missing {}",
            text(&self.0["at"]),
            self.0["health"],
            self.0["evidence"],
            self.0["missing"]
        )];
        for tier in self.tiers() {
            let value = |name: &str| tier[name]["value"].as_f64().map_or("-".to_owned(), |value| format!("{value:.4}"));
            lines.push(format!(
                "{:13} {:10} rate {} err {} added {} lat {} {} sat {} {} cap {} {:?}",
                text(&tier["tier"]),
                text(&tier["health"]),
                value("rate_per_second"),
                value("error_ratio"),
                value("error_added_ratio"),
                value("latency_ms"),
                text(&tier["latency"]["statistic"]),
                tier["saturation"]["ratio"]["value"],
                text(&tier["saturation"]["resource"]),
                tier["capacity"],
                reasons(tier)
            ));
        }
        for row in self.components().filter(|row| !matches!(row["health"].as_str(), Some("ok" | "no-traffic"))) {
            lines.push(format!("  {} {} {:?}", text(&row["id"]), text(&row["health"]), reasons(row)));
        }
        lines.push(format!("users {}", self.0["users"]["failing_ratio"]["value"]));
        lines.push(format!("cause {:#}", self.0["cause"]));
        lines.join("\n")
    }
}

fn walk<'a>(value: &'a Value, path: String, found: &mut Vec<(String, &'a Value)>) {
    match value {
        Value::Object(fields) if is_figure(value) => {
            debug_assert!(fields.contains_key("source"));
            found.push((path, value));
        }
        Value::Object(fields) => {
            for (name, inner) in fields {
                walk(inner, format!("{path}/{name}"), found);
            }
        }
        Value::Array(items) => {
            for (at, inner) in items.iter().enumerate() {
                let name = ["tier", "id", "signal", "name"].iter().find_map(|key| inner[key].as_str());
                let part = inner["part"].as_str().map(|part| format!("@{part}")).unwrap_or_default();
                let name = name.map_or_else(|| at.to_string(), |name| format!("{name}{part}"));
                walk(inner, format!("{path}/{name}"), found);
            }
        }
        _ => {}
    }
}

fn is_figure(value: &Value) -> bool {
    ["value", "unit", "at", "source"].iter().all(|name| value.get(name).is_some())
}
