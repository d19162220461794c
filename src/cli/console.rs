//! `tierdeck`: the console itself.

use std::io::IsTerminal;

use super::{Failure, Global, OK, places, status};
use crate::runtime::app::End;
use crate::runtime::launch;

/// Exit code of a program ended by a signal's clean way out, as shells expect: 128 + number.
const TERMINATED: u8 = 143;

pub fn run(global: &Global) -> Result<u8, Failure> {
    if !std::io::stdout().is_terminal() || !std::io::stdin().is_terminal() {
        return status::run(global, &status::StatusArgs::default());
    }
    show(global)
}

/// Runs the console in this terminal until it ends.
pub fn show(global: &Global) -> Result<u8, Failure> {
    let settings = places::settings(global)?;
    let theme = places::theme(&settings)?;
    let keymap = places::keymap(&settings)?;
    let folder = places::state_folder(global, &settings);
    let _log = crate::runtime::log::start(&folder);
    let end = launch::console(&settings, keymap, theme, places::user()).map_err(|error| {
        Failure::error(format!("the terminal cannot be used: {error}; run `tierdeck status` without one"))
    })?;
    match end {
        End::Quit => Ok(OK),
        End::Signal("SIGINT") => Ok(130),
        End::Signal("SIGHUP") | End::TerminalLost => Ok(129),
        End::Signal(_) => Ok(TERMINATED),
    }
}
