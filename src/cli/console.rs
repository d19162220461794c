//! `tierdeck`: the console itself.

use std::io::IsTerminal;

use super::{ERROR, Failure, Global, OK, UNVERIFIED, places, status};
use crate::runtime::app::End;
use crate::runtime::launch;

/// Exit code of a program ended by a signal's clean way out, as shells expect: 128 + number.
const TERMINATED: u8 = 143;

/// Whether there is a terminal for the console.
///
/// # Errors
/// There is one, but it says of itself that it cannot show a screen.
pub fn has_terminal() -> Result<bool, Failure> {
    if !std::io::stdout().is_terminal() || !std::io::stdin().is_terminal() {
        return Ok(false);
    }
    let why = match std::env::var("TERM").unwrap_or_default().as_str() {
        "" => "TERM is not set",
        "dumb" => "TERM is `dumb`",
        _ => return Ok(true),
    };
    Err(Failure::usage(format!(
        "{why}, so this terminal cannot show the console: run `tierdeck status`, or set TERM (xterm-256color, for example)"
    )))
}

/// Runs the console in this terminal until it ends; without a terminal the health is told once.
pub fn run(global: &Global) -> Result<u8, Failure> {
    if !has_terminal()? {
        return status::run(global, &status::StatusArgs::default());
    }
    let settings = places::settings(global)?;
    let theme = places::theme(&settings)?;
    let keymap = places::keymap(&settings)?;
    let folder = places::state_folder(global, &settings);
    let _log = crate::runtime::log::start(&folder);
    let end =
        launch::console(&settings, keymap, theme, places::actor(global, &settings, "console")).map_err(|error| {
            Failure::error(format!("the terminal cannot be used: {error}; run `tierdeck status` without one"))
        })?;
    match end {
        End::Quit => Ok(OK),
        End::Left => Ok(UNVERIFIED),
        End::Signal("SIGINT") => Ok(130),
        End::Signal("SIGQUIT") => Ok(131),
        End::Panicked => Ok(ERROR),
        End::Signal("SIGHUP") | End::TerminalLost => Ok(129),
        End::Signal(_) => Ok(TERMINATED),
    }
}
