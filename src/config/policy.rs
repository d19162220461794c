//! The policy: rules that are stricter than the built-in ones, and the freeze calendar. `/etc/tierdeck/policy.toml` belongs
//! to the machine, `policy.toml` beside the configuration to the user; of every rule the strictest holds, so that neither
//! can loosen the other.

use std::path::Path;

use serde::Deserialize;
use toml::value::Datetime;

use super::check::Mistake;
use super::{ConfigError, invalid};
use crate::domain::file;
use crate::domain::policy::{FreezeSettings, PolicySettings};
use crate::domain::time::Stamp;

/// The machine's file.
pub const LOCKED: &str = "/etc/tierdeck/policy.toml";
/// The longest span of a rule, seconds: a week.
const WEEK: u64 = 7 * 86_400;

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct File {
    per_target: Option<u32>,
    per_session: Option<u32>,
    rate_window_seconds: Option<u64>,
    capacity_floor: Option<f64>,
    rpo_seconds: Option<u64>,
    backup_age_seconds: Option<u64>,
    credentials_margin_seconds: Option<u64>,
    approval: bool,
    alone_seconds: Option<u64>,
    freeze: Vec<Freeze>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Freeze {
    from: Datetime,
    until: Datetime,
    why: String,
    #[serde(default)]
    environments: Vec<String>,
}

/// Reads a policy; `None` when there is no such file.
///
/// # Errors
/// As [`parse_policy`], or it is there and cannot be read.
pub fn load_policy(path: &Path) -> Result<Option<PolicySettings>, ConfigError> {
    let file = path.display().to_string();
    match std::fs::metadata(path) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
        _ => {}
    }
    let text =
        file::read_text(path, file::TEXT_CAP).map_err(|error| ConfigError::Unreadable { file: file.clone(), error })?;
    parse_policy(&text, &file).map(Some)
}

/// Reads the text of a policy; `file` is only for errors.
///
/// # Errors
/// It is not TOML, has an unknown key or a value that cannot be.
pub fn parse_policy(text: &str, file: &str) -> Result<PolicySettings, ConfigError> {
    let read: File = toml::from_str(text).map_err(|error| {
        invalid(text, file, error.span().map_or(0, |span| span.start), error.message().trim().to_owned())
    })?;
    settings(read).map_err(|mistake| invalid(text, file, mistake.offset(text), mistake.message))
}

fn settings(file: File) -> Result<PolicySettings, Mistake> {
    let counts = [("per_target", file.per_target), ("per_session", file.per_session)];
    if let Some((key, _)) = counts.into_iter().find(|(_, count)| *count == Some(0)) {
        return Err(Mistake::new(key, format!("{key} is at least 1; to forbid every operation declare a freeze")));
    }
    if file.capacity_floor.is_some_and(|floor| !(0.0..=1.0).contains(&floor)) {
        return Err(Mistake::new("capacity_floor", "capacity_floor is a share from 0 to 1 (0.5 is half)".to_owned()));
    }
    let spans = [
        ("rate_window_seconds", file.rate_window_seconds),
        ("rpo_seconds", file.rpo_seconds),
        ("backup_age_seconds", file.backup_age_seconds),
        ("credentials_margin_seconds", file.credentials_margin_seconds),
        ("alone_seconds", file.alone_seconds),
    ];
    if let Some((key, _)) = spans.into_iter().find(|(_, span)| span.is_some_and(|span| span > WEEK)) {
        return Err(Mistake::new(key, format!("{key} is at most {WEEK} seconds, a week")));
    }
    let freezes = file.freeze.into_iter().enumerate().map(|(index, freeze)| calendar(index, freeze));
    Ok(PolicySettings {
        per_target: file.per_target,
        per_session: file.per_session,
        rate_window_seconds: file.rate_window_seconds,
        capacity_floor: file.capacity_floor,
        rpo_seconds: file.rpo_seconds,
        backup_age_seconds: file.backup_age_seconds,
        credentials_margin_seconds: file.credentials_margin_seconds,
        approval: file.approval,
        alone_seconds: file.alone_seconds,
        freezes: freezes.collect::<Result<_, _>>()?,
        unread: None,
    })
}

fn calendar(index: usize, freeze: Freeze) -> Result<FreezeSettings, Mistake> {
    let at = |key: &str, message: String| Mistake::new(format!("freeze.{index}.{key}"), message);
    let stamp = |key: &str, when: &Datetime| {
        Stamp::parse_rfc3339(&when.to_string()).ok_or_else(|| {
            at(key, format!("`{when}` is no moment; write it with its time and offset, as 2026-12-20T18:00:00+01:00"))
        })
    };
    let (from, until) = (stamp("from", &freeze.from)?, stamp("until", &freeze.until)?);
    if until <= from {
        return Err(at("until", "the freeze ends before it begins; swap `from` and `until`".to_owned()));
    }
    if freeze.why.trim().is_empty() {
        return Err(at("why", "say why: whoever is refused reads it".to_owned()));
    }
    Ok(FreezeSettings { from, until, why: freeze.why, environments: freeze.environments })
}
