//! `tierdeck status [--json] [--watch]`: every tier once, for scripts and for terminals that are none.

use std::time::Duration;

use clap::Args;

use super::{Failure, Global, out, places};
use crate::domain::settings::Settings;
use crate::report::status::Status;
use crate::runtime::launch::{self, Headless};
use crate::runtime::operate::sinks;
use crate::runtime::terminal::LARGEST;
use crate::state::State;

/// Nobody waits longer, seconds.
const DAY: u64 = 86_400;

#[derive(Clone, Debug, Default, Args)]
pub struct StatusArgs {
    /// One JSON document (schema 1)
    #[arg(long)]
    json: bool,
    /// Again every so many seconds, until interrupted or until nobody reads it [default: 5]
    #[arg(long, value_name = "SECONDS", num_args = 0..=1, default_missing_value = "5", value_parser = clap::value_parser!(u64).range(1..=DAY))]
    watch: Option<u64>,
    /// How long to wait for sources that have not answered, seconds
    #[arg(long, value_name = "SECONDS", default_value_t = 10, value_parser = clap::value_parser!(u64).range(..=DAY))]
    wait: u64,
}

pub fn run(global: &Global, args: &StatusArgs) -> Result<u8, Failure> {
    let settings = places::settings(global)?;
    let keymap = places::keymap(&settings)?;
    let mut headless = Headless::start(&settings, keymap, places::user()).map_err(Failure::error)?;
    headless.settle(Duration::from_secs(args.wait.max(1)));
    loop {
        let status = report(headless.state(), global, &settings);
        let is_read = if args.json { out::json(&status)? } else { out::write(&plain(headless.state(), &settings)?)? };
        let Some(every) = args.watch.filter(|_| is_read) else { return Ok(status.exit_code()) };
        headless.run_for(Duration::from_secs(every.max(1)));
        if headless.is_interrupted() {
            return Ok(status.exit_code());
        }
    }
}

/// A run that records nothing says of the sinks what they have not been given.
fn report(state: &State, global: &Global, settings: &Settings) -> Status {
    let trail = places::audit_folder(global, settings).ok();
    let sinks = trail.map(|trail| sinks::rows(settings, &trail, state.now)).unwrap_or_default();
    let sources: Vec<_> = state.sources.iter().cloned().chain(sinks).collect();
    Status::new(&state.environment.name, &state.board, &sources)
}

/// The board as text, wide enough for a log or a mail.
fn plain(state: &State, settings: &Settings) -> Result<String, Failure> {
    let theme = places::theme(settings)?;
    let mut state = state.clone();
    let lines = 12 + state.board.tiers.iter().map(|tier| 1 + tier.reasons.len().min(3)).sum::<usize>();
    // Below the least size of a screen there is no room for why a source failed.
    state.size = (100, u16::try_from(lines).unwrap_or(LARGEST.1).clamp(24, LARGEST.1));
    let buffer = launch::draw(&state, &theme);
    Ok(crate::ui::snapshot::text(&buffer))
}
