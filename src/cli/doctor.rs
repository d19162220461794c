//! `tierdeck doctor [--json]`: whether everything that is configured works, each in one sentence with what to do.

use std::path::Path;
use std::time::Duration;

use clap::Args;

use super::{Failure, Global, out, places};
use crate::config;
use crate::domain::file;
use crate::domain::settings::Settings;
use crate::domain::text::{Raw, Shown};
use crate::input::Keymap;
use crate::operation::policy::Policy;
use crate::report::doctor::{Check, Doctor};
use crate::runtime::doctor;
use crate::runtime::launch::Headless;
use crate::shown;
use crate::theme::Theme;

#[derive(Clone, Debug, Args)]
pub struct DoctorArgs {
    /// One JSON document (schema 1)
    #[arg(long)]
    json: bool,
    /// How long to wait for sources that have not answered, seconds
    #[arg(long, value_name = "SECONDS", default_value_t = 10, value_parser = clap::value_parser!(u64).range(1..=600))]
    wait: u64,
}

pub fn run(global: &Global, args: &DoctorArgs) -> Result<u8, Failure> {
    let settings = places::settings(global)?;
    let keymap = Keymap::load(crate::input::keymap::DEFAULT, "default.toml").map_err(Failure::error)?;
    let mut headless = Headless::start(&settings, keymap, places::user()).map_err(Failure::error)?;
    headless.settle(Duration::from_secs(args.wait));
    let state = headless.state();
    let mut checks = doctor::sources(state);
    checks.extend(doctor::permissions(&settings, headless.clocks()));
    match places::audit_folder(global, &settings) {
        Ok(folder) => {
            checks.extend(doctor::trail(&folder));
            checks.extend(doctor::sinks(&settings, &state.board, &folder));
        }
        Err(failure) => {
            checks.push(Check::fail(
                "audit",
                &Shown::fixed("folder"),
                Shown::of(&failure.message),
                "set HOME, or name one",
            ));
        }
    }
    checks.extend(policy(&settings, state.now));
    checks.extend(looks(&settings));
    let report = Doctor::new(checks);
    if args.json {
        out::json(&report)?;
    } else {
        out::write(&report.checks.iter().map(Check::line).collect::<String>())?;
    }
    Ok(report.exit_code())
}

/// Every level that is there, then what holds.
fn policy(settings: &Settings, now: crate::domain::time::Stamp) -> Vec<Check> {
    let mut checks = Vec::new();
    for path in places::policy_files() {
        let name = Raw::from(path.display().to_string()).shown();
        match config::load_policy(&path) {
            Ok(None) => {}
            Ok(Some(level)) => {
                let found = shown!("holds, with {} freezes", level.freezes.len());
                checks.push(Check::ok("policy", &name, found));
            }
            Err(error) => {
                let found = Shown::of(&error.to_string());
                checks.push(Check::fail("policy", &name, found, "mend it: until then it counts as a freeze"));
            }
        }
    }
    let holds = Policy::of(&settings.policy, &settings.environment.name, settings.environment.class);
    let name = Shown::of(&settings.environment.name);
    let rules = shown!(
        "{} operations on a target in {} min, {} in a session, {} % of the instances stay, {}",
        holds.per_target,
        holds.rate_window.as_secs() / 60,
        holds.per_session,
        Shown::of(&format!("{:.0}", holds.floor * 100.0)),
        if holds.approval { "irreversible ones need a second person" } else { "nobody else approves" }
    );
    checks.push(Check::ok("policy", &name, rules));
    if let Ok(Some(freeze)) = holds.frozen(now) {
        let found = shown!("frozen until {}: {}", Shown::of(&freeze.until.rfc3339()), freeze.why);
        checks.push(Check::warn("policy", &name, found, "wait, or break the glass where it cannot"));
    }
    checks
}

/// Every theme and keymap that can be chosen, bundled or the user's, and the ones that are.
fn looks(settings: &Settings) -> Vec<Check> {
    let mut checks = Vec::new();
    let mut judge = |area: &'static str, name: &str, result: Result<(), String>| {
        let name = Shown::of(name);
        checks.push(match result {
            Ok(()) => Check::ok(area, &name, "can be used"),
            Err(error) => Check::fail(area, &name, Shown::of(&error), "mend the file, or choose another"),
        });
    };
    for name in Theme::builtin_names() {
        judge("theme", name, Theme::builtin(name).map(drop).ok_or_else(|| "the bundled file is broken".to_owned()));
    }
    let bundled = Keymap::load(crate::input::keymap::DEFAULT, "default.toml");
    judge("keymap", "default", bundled.map(drop).map_err(|error| error.to_string()));
    let read =
        |path: &Path| file::read_text(path, file::TEXT_CAP).map_err(|error| format!("{}: {error}", path.display()));
    for path in places::user_files("themes") {
        let file = path.display().to_string();
        let result =
            read(&path).and_then(|text| Theme::load(&text, &file).map(drop).map_err(|error| error.to_string()));
        judge("theme", &file, result);
    }
    for path in places::user_files("keymaps") {
        let file = path.display().to_string();
        let result =
            read(&path).and_then(|text| Keymap::load(&text, &file).map(drop).map_err(|error| error.to_string()));
        judge("keymap", &file, result);
    }
    let chosen = places::theme(settings).map(drop).map_err(|failure| failure.message);
    judge("theme", &format!("{} (chosen)", settings.ui.theme), chosen);
    let chosen = places::keymap(settings).map(drop).map_err(|failure| failure.message);
    judge("keymap", &format!("{} (chosen)", settings.ui.keymap), chosen);
    checks
}
