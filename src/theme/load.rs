//! Reads theme files. A role is one line: `crit = "#ff7b72 bold"`, `"banner.prod" = "#ffffff on #8e1519 bold"`.

use std::collections::BTreeMap;
use std::ops::Range;

use ratatui::style::{Color, Modifier, Style};
use serde::Deserialize;
use toml::Spanned;

use super::{Role, Theme, color};

/// Why a theme cannot be used, with the place in the file and the way to mend it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{file}:{line}:{column}: {what}; {hint}")]
pub struct ThemeError {
    pub file: String,
    /// From 1.
    pub line: usize,
    /// From 1, in characters.
    pub column: usize,
    pub what: String,
    pub hint: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    name: Spanned<String>,
    background: Spanned<String>,
    roles: Spanned<BTreeMap<Spanned<String>, Spanned<String>>>,
}

struct Source<'a> {
    file: &'a str,
    text: &'a str,
}

pub(super) fn theme(text: &str, file: &str) -> Result<Theme, ThemeError> {
    let source = Source { file, text };
    let read: File = toml::from_str(text).map_err(|error| {
        let span = error.span().unwrap_or(0..0);
        source.error(
            span,
            error.message().to_owned(),
            "a theme has `name`, `background` and a table `[roles]` of strings",
        )
    })?;
    let mut theme = Theme::plain();
    theme.name = read.name.into_inner();
    theme.background = color::parse(read.background.get_ref()).ok_or_else(|| {
        source.error(read.background.span(), format!("no colour: {:?}", read.background.get_ref()), COLOURS)
    })?;
    let roles_at = read.roles.span();
    let mut seen = Vec::new();
    for (name, value) in read.roles.into_inner() {
        let role = Role::named(name.get_ref()).ok_or_else(|| {
            let known: Vec<&str> = Role::ALL.into_iter().map(Role::name).collect();
            source.error(
                name.span(),
                format!("unknown role {:?}", name.get_ref()),
                &format!("the roles are {}", known.join(" ")),
            )
        })?;
        theme.set(role, style(&source, &value)?);
        seen.push(role);
    }
    match Role::ALL.into_iter().find(|role| !seen.contains(role)) {
        None => Ok(theme),
        Some(missing) => Err(source.error(
            roles_at,
            format!("role {:?} is missing", missing.name()),
            &format!("add a line such as \"{}\" = \"default\"", missing.name()),
        )),
    }
}

const COLOURS: &str =
    "use #rrggbb, 0-255, default, or black red green yellow blue magenta cyan white with or without bright-";

/// `COLOUR [on COLOUR] [bold] [dim] [italic] [underlined] [reversed]`, in any order but the `on`.
fn style(source: &Source<'_>, value: &Spanned<String>) -> Result<Style, ThemeError> {
    let mut style = Style::new();
    let mut words = value.get_ref().split_whitespace();
    while let Some(word) = words.next() {
        style = match word {
            "bold" => style.add_modifier(Modifier::BOLD),
            "dim" => style.add_modifier(Modifier::DIM),
            "italic" => style.add_modifier(Modifier::ITALIC),
            "underlined" => style.add_modifier(Modifier::UNDERLINED),
            "reversed" => style.add_modifier(Modifier::REVERSED),
            "on" => style.bg(colour(source, value, words.next().unwrap_or_default())?),
            fg => style.fg(colour(source, value, fg)?),
        };
    }
    Ok(style)
}

fn colour(source: &Source<'_>, value: &Spanned<String>, word: &str) -> Result<Color, ThemeError> {
    color::parse(word)
        .ok_or_else(|| source.error(value.span(), format!("neither colour nor attribute: {word:?}"), COLOURS))
}

impl Source<'_> {
    fn error(&self, span: Range<usize>, what: String, hint: &str) -> ThemeError {
        let before = self.text.get(..span.start).unwrap_or_default();
        let line_start = before.rfind('\n').map_or(0, |at| at + 1);
        ThemeError {
            file: self.file.to_owned(),
            line: before.matches('\n').count() + 1,
            column: before.get(line_start..).unwrap_or_default().chars().count() + 1,
            what,
            hint: hint.to_owned(),
        }
    }
}
