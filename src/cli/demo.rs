//! `tierdeck demo`: the embedded production world, and the console connected to it by its ordinary clients.

use clap::Args;
use clap::builder::PossibleValuesParser;

use super::commands::Commands;
use super::{Failure, Global, OK, console, out};
use crate::demo::{self, Demo, DemoError, DemoOptions, world};

#[derive(Clone, Debug, Args)]
pub struct DemoArgs {
    #[command(flatten)]
    pub world: WorldArgs,
    /// Only serve the world; prints where, reads commands on standard input
    #[arg(long)]
    serve: bool,
    /// With --serve: one line of JSON instead of words
    #[arg(long, requires = "serve")]
    json: bool,
}

/// Which world, and what happens in it.
#[derive(Clone, Debug, Args)]
pub struct WorldArgs {
    /// The world
    #[arg(long, default_value = "shop-eks", value_name = "WORLD")]
    pub world: String,
    /// What happens [default: an incident drawn by the seed]
    #[arg(long, value_name = "SCENARIO", value_parser = PossibleValuesParser::new(world::all_scenarios()))]
    pub scenario: Option<String>,
    /// Draws what the scenario leaves open
    #[arg(long, default_value_t = 1, value_name = "N")]
    pub seed: u64,
    /// World seconds in a second
    #[arg(long, default_value_t = 1.0, value_name = "X")]
    pub speed: f64,
}

impl WorldArgs {
    /// Checked options; a scenario that is not named is drawn by the seed among the incidents.
    pub fn options(&self, at: Option<i64>) -> Result<DemoOptions, Failure> {
        if !self.speed.is_finite() || self.speed <= 0.0 || self.speed > 1000.0 {
            return Err(Failure::usage("--speed is more than 0 and at most 1000"));
        }
        let drawn = || world::drawn_scenario(&self.world, self.seed).to_owned();
        let scenario = self.scenario.clone().unwrap_or_else(drawn);
        Ok(DemoOptions {
            world: world::Options { world: self.world.clone(), scenario, seed: self.seed, ..world::Options::default() },
            // A world that is asked for a moment stands still there.
            speed: if at.is_some() { 0.0 } else { self.speed },
            at,
        })
    }
}

pub fn run(global: &Global, args: &DemoArgs) -> Result<u8, Failure> {
    let options = args.world.options(None)?;
    if args.serve {
        return serve(&start(&options)?, args.json);
    }
    // Told before the world is built.
    console::has_terminal()?;
    let demo = start(&options)?;
    let global = Global { config: Some(demo.endpoints().config.clone()), ..global.clone() };
    console::run(&global)
}

/// Starts a world: one that is not known is a mistake of the command line, all else is a failure.
pub fn start(options: &DemoOptions) -> Result<Demo, Failure> {
    demo::start(options).map_err(|error| match error {
        DemoError::World(error) => Failure::usage(error),
        other => Failure::error(other),
    })
}

/// Keeps the servers up until standard input closes or a signal comes; each line read is a command.
fn serve(demo: &Demo, json: bool) -> Result<u8, Failure> {
    if json {
        out::json(&demo::serve_json(demo.endpoints()))?;
    } else {
        out::write(&demo::serve_words(demo.endpoints()))?;
    }
    demo.end_on_signal().map_err(Failure::error)?;
    let mut commands = Commands::default();
    let mut any = false;
    while let Some(line) = commands.next().map_err(Failure::error)? {
        any = true;
        match line {
            Ok(line) if line.trim().is_empty() => {}
            Ok(line) => drop(out::write(&format!("{}\n", demo.command(line.trim())))?),
            Err(why) => drop(out::write(&format!("error: {why}\n"))?),
        }
    }
    if !any {
        out::error(
            "standard input is closed, and with it the demo ends; give it one that stays open, as in \
             `tail -f /dev/null | tierdeck demo --serve`",
        );
    }
    Ok(OK)
}
