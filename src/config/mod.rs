//! Configuration: the file, checked, with errors that say file, line, column and the fix; and what is found without one.

mod check;
mod policy;
mod sinks;

use std::path::{Path, PathBuf};

use crate::domain::file::{self, FileError};
use crate::domain::settings::Settings;
use crate::domain::text::line_and_column;

pub use policy::{LOCKED, load_policy, parse_policy};
pub use sinks::place as sink_place;

/// What is wrong with a configuration file, where, and how to mend it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ConfigError {
    #[error("{file}:{line}:{column}: {message}")]
    Invalid { file: String, line: usize, column: usize, message: String },
    #[error("{file}: {error}")]
    Unreadable { file: String, error: FileError },
}

/// Reads and checks a configuration file.
///
/// # Errors
/// The file cannot be read, is not TOML, has an unknown key, an impossible value, or names a file that cannot be one.
pub fn load(path: &Path) -> Result<Settings, ConfigError> {
    let file = path.display().to_string();
    let text = match file::read_text(path, file::TEXT_CAP) {
        Ok(text) => text,
        Err(error) => return Err(ConfigError::Unreadable { file, error }),
    };
    let settings = parse(&text, &file)?;
    match check::first_unreadable(&settings) {
        None => Ok(settings),
        Some(mistake) => Err(invalid(&text, &file, mistake.offset(&text), mistake.message)),
    }
}

/// Reads and checks the text of a configuration; `file` is only for errors.
///
/// # Errors
/// As [`load`], without the reading.
pub fn parse(text: &str, file: &str) -> Result<Settings, ConfigError> {
    let settings: Settings = toml::from_str(text).map_err(|error| {
        invalid(text, file, error.span().map_or(0, |span| span.start), worded(error.message().trim()))
    })?;
    match check::first_mistake(&settings) {
        None => Ok(settings),
        Some(mistake) => Err(invalid(text, file, mistake.offset(text), mistake.message)),
    }
}

/// The parser's words for a value of a wrong kind are those of its author; here is what to write.
fn worded(message: &str) -> String {
    let Some(rest) = message.strip_prefix("invalid type: ") else { return message.to_owned() };
    let (found, wanted) = rest.split_once(", expected ").unwrap_or((rest, ""));
    let fix = match (found, wanted) {
        ("map", "a sequence") => {
            "there may be several of them: write the name in double brackets, as in [[prometheus]]"
        }
        (_, "a string") => "write it in quotes",
        (_, "a boolean") => "write true or false, without quotes",
        (_, wanted) if wanted.starts_with(['f', 'i', 'u']) => "write a number, without quotes",
        (_, "a sequence") => "write a list, as in [\"one\", \"two\"]",
        _ => return message.to_owned(),
    };
    format!("{fix} (this is {})", if found == "map" { "a table" } else { found })
}

fn invalid(text: &str, file: &str, offset: usize, message: String) -> ConfigError {
    let (line, column) = line_and_column(text, offset);
    ConfigError::Invalid { file: file.to_owned(), line, column, message }
}

/// Where the configuration is when no `--config` is given.
#[must_use]
pub fn default_path(config_home: Option<PathBuf>) -> Option<PathBuf> {
    Some(config_home?.join("tierdeck").join("config.toml"))
}

/// What works without a configuration: the kubeconfig's current context is asked.
#[must_use]
pub fn without_file() -> Settings {
    Settings {
        kubernetes: vec![crate::domain::settings::KubernetesSettings {
            name: "k8s".to_owned(),
            kubeconfig: None,
            context: None,
            namespaces: Vec::new(),
        }],
        ..Settings::default()
    }
}

#[cfg(test)]
mod tests;
