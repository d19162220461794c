//! Where things are: the configuration, the state folder, themes and keymaps; who and where we are.

use std::path::{Path, PathBuf};

use etcetera::BaseStrategy;

use super::{Failure, Global};
use crate::config;
use crate::domain::file::{self, FileError};
use crate::domain::policy::PolicySettings;
use crate::domain::settings::{Glyphs, Settings};
use crate::domain::text::Shown;
use crate::input::Keymap;
use crate::runtime::operate::Actor;
use crate::theme::{ColorDepth, GlyphSet, Theme};

/// Configuration by flag, environment, file or, without any, what can be found.
pub fn settings(global: &Global) -> Result<Settings, Failure> {
    let mut settings = if let Some(path) = &global.config {
        config::load(path).map_err(Failure::usage)?
    } else {
        match config_home().and_then(|home| config::default_path(Some(home))).filter(|path| path.exists()) {
            Some(path) => config::load(&path).map_err(Failure::usage)?,
            None => config::without_file(),
        }
    };
    if let Some(theme) = &global.theme {
        settings.ui.theme.clone_from(theme);
    }
    if let Some(keymap) = &global.keymap {
        settings.ui.keymap.clone_from(keymap);
    }
    if global.ascii {
        settings.ui.glyphs = Glyphs::Ascii;
    }
    settings.policy = policy(&settings);
    if settings.kubernetes.iter().any(|cluster| cluster.kubeconfig.is_none()) && !settings.egress.loopback_only {
        kubeconfigs()?;
    }
    Ok(settings)
}

/// The machine's policy and the user's, as far as they are there; none in the embedded world. A level that cannot be read
/// counts as a freeze: `doctor` tells it, and so does every card.
fn policy(settings: &Settings) -> Vec<PolicySettings> {
    let level = |path: PathBuf| match config::load_policy(&path) {
        Ok(level) => level,
        Err(error) => Some(PolicySettings { unread: Some(error.to_string()), ..PolicySettings::default() }),
    };
    let files = if settings.egress.loopback_only { Vec::new() } else { policy_files() };
    files.into_iter().filter_map(level).collect()
}

/// Where policies are looked for.
pub fn policy_files() -> Vec<PathBuf> {
    let user = config_home().map(|home| home.join("tierdeck/policy.toml"));
    std::iter::once(PathBuf::from(config::LOCKED)).chain(user).collect()
}

/// Checks the files that kubectl would read, as far as they are there: what is no regular file would hold up its reader.
fn kubeconfigs() -> Result<(), Failure> {
    let home = || etcetera::home_dir().ok().map(|home| home.join(".kube/config").into_os_string());
    let named = std::env::var_os("KUBECONFIG").filter(|named| !named.is_empty()).or_else(home).unwrap_or_default();
    for path in std::env::split_paths(&named) {
        match file::check(&path, file::KUBECONFIG_CAP) {
            Ok(()) | Err(FileError::Unreadable(_)) => {}
            Err(error) => return Err(Failure::usage(format!("kubeconfig {} {error}", path.display()))),
        }
    }
    Ok(())
}

/// The state folder of this configuration: beside its file for one that was named, else `$XDG_STATE_HOME/tierdeck`.
pub fn state_folder(global: &Global, settings: &Settings) -> PathBuf {
    match &global.config {
        Some(path) if settings.egress.loopback_only => path.parent().unwrap_or(Path::new(".")).join("state/tierdeck"),
        _ => state_home(),
    }
}

/// `$XDG_STATE_HOME/tierdeck`.
pub fn state_home() -> PathBuf {
    let home = etcetera::choose_base_strategy().ok().and_then(|base| base.state_dir());
    home.unwrap_or_else(std::env::temp_dir).join("tierdeck")
}

/// The audit trail's folder. Unlike other state it has no place to fall back on that others can write to.
pub fn audit_folder(global: &Global, settings: &Settings) -> Result<PathBuf, Failure> {
    if let Some(dir) = &settings.audit.dir {
        return Ok(dir.clone());
    }
    let has_home =
        settings.egress.loopback_only || etcetera::choose_base_strategy().is_ok_and(|base| base.state_dir().is_some());
    has_home.then(|| state_folder(global, settings).join("audit")).ok_or_else(|| {
        Failure::usage("there is no home folder for the audit trail: name one as `dir` of [audit] in the configuration")
    })
}

/// A theme by name or file, degraded to what the terminal shows.
pub fn theme(settings: &Settings) -> Result<Theme, Failure> {
    let glyphs = match settings.ui.glyphs {
        Glyphs::Unicode => GlyphSet::Unicode,
        Glyphs::Ascii => GlyphSet::Ascii,
        Glyphs::Auto if locale_is_utf8() => GlyphSet::Unicode,
        Glyphs::Auto => GlyphSet::Ascii,
    };
    Ok(named_theme(settings)?.degrade(color_depth()).with_glyphs(glyphs))
}

/// A theme as a picture shows it, whatever the terminal and the locale of whoever asks for it can show.
pub fn picture_theme(settings: &Settings) -> Result<Theme, Failure> {
    let ascii = settings.ui.glyphs == Glyphs::Ascii;
    Ok(named_theme(settings)?.with_glyphs(if ascii { GlyphSet::Ascii } else { GlyphSet::Unicode }))
}

fn named_theme(settings: &Settings) -> Result<Theme, Failure> {
    let name = &settings.ui.theme;
    if let Some(theme) = Theme::builtin(name) {
        return Ok(theme);
    }
    let path = user_file("themes", name).ok_or_else(|| {
        let known: Vec<&str> = Theme::builtin_names().collect();
        Failure::usage(format!("there is no theme `{name}`; use {}, or a file", known.join(", ")))
    })?;
    Theme::load(&read(&path)?, &path.display().to_string()).map_err(Failure::usage)
}

/// A keymap by name or file.
pub fn keymap(settings: &Settings) -> Result<Keymap, Failure> {
    let name = &settings.ui.keymap;
    if name == "default" {
        return Keymap::load(crate::input::keymap::DEFAULT, "default.toml").map_err(Failure::error);
    }
    let path = user_file("keymaps", name)
        .ok_or_else(|| Failure::usage(format!("there is no keymap `{name}`; use `default`, or a file")))?;
    Keymap::load(&read(&path)?, &path.display().to_string()).map_err(Failure::usage)
}

/// `user@host` of this machine.
pub fn actor(global: &Global, settings: &Settings, mode: &'static str) -> Actor {
    let trail = audit_folder(global, settings).map_err(|failure| Shown::of(&failure.message));
    let host = rustix::system::uname().nodename().to_string_lossy().into_owned();
    let ssh_client = std::env::var("SSH_CLIENT").ok();
    Actor { who: user(), host, mode, ssh_client, trail, shelters: shelters(settings) }
}

/// Where breaking the glass is recorded while the trail's own folder fails. An embedded world has no place on this host.
pub fn shelters(settings: &Settings) -> Vec<PathBuf> {
    let own = format!("/var/tmp/tierdeck-{}/audit", rustix::process::getuid().as_raw());
    let last = (!settings.egress.loopback_only).then(|| PathBuf::from(own));
    settings.audit.fallback.iter().cloned().chain(last).collect()
}

/// `user@host`.
pub fn user() -> Shown {
    let user = std::env::var("USER").or_else(|_| std::env::var("LOGNAME")).unwrap_or_else(|_| "?".to_owned());
    let host = rustix::system::uname();
    Shown::of(&format!("{user}@{}", host.nodename().to_string_lossy()))
}

/// What the terminal can show: `NO_COLOR`, then `COLORTERM`, then `TERM`.
fn color_depth() -> ColorDepth {
    let var = |name: &str| std::env::var(name).unwrap_or_default();
    let (term, colorterm) = (var("TERM"), var("COLORTERM"));
    if !var("NO_COLOR").is_empty() || term == "dumb" {
        ColorDepth::None
    } else if matches!(colorterm.as_str(), "truecolor" | "24bit") || term.ends_with("-direct") {
        ColorDepth::True
    } else if term.contains("256color") {
        ColorDepth::Indexed256
    } else {
        ColorDepth::Ansi16
    }
}

fn locale_is_utf8() -> bool {
    let locale = ["LC_ALL", "LC_CTYPE", "LANG"]
        .iter()
        .find_map(|name| std::env::var(name).ok().filter(|value| !value.is_empty()));
    locale.is_some_and(|value| {
        let value = value.to_ascii_lowercase();
        value.contains("utf-8") || value.contains("utf8")
    })
}

fn config_home() -> Option<PathBuf> {
    etcetera::choose_base_strategy().ok().map(|base| base.config_dir())
}

/// A file given by path, or by name in a folder of the user's configuration.
fn user_file(folder: &str, name: &str) -> Option<PathBuf> {
    let direct = PathBuf::from(name);
    if direct.exists() {
        return Some(direct);
    }
    let named = config_home()?.join("tierdeck").join(folder).join(format!("{name}.toml"));
    named.is_file().then_some(named)
}

/// Files of a folder of the user's configuration, by name.
pub fn user_files(folder: &str) -> Vec<PathBuf> {
    let entries = config_home().and_then(|home| std::fs::read_dir(home.join("tierdeck").join(folder)).ok());
    let paths = entries.into_iter().flatten().flatten().map(|entry| entry.path());
    let mut paths: Vec<_> = paths.filter(|path| path.extension().is_some_and(|kind| kind == "toml")).collect();
    paths.sort();
    paths
}

fn read(path: &Path) -> Result<String, Failure> {
    file::read_text(path, file::TEXT_CAP).map_err(|error| Failure::usage(format!("{}: {error}", path.display())))
}
