//! Roles, not colours: screens say what a cell means, themes (`themes/*.toml`) say how that looks.

pub mod color;
pub mod glyphs;
mod load;
#[cfg(test)]
mod tests;

use ratatui::style::{Color, Modifier, Style};

pub use glyphs::GlyphSet;
pub use load::ThemeError;

/// What a cell means.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Role {
    /// What should be read.
    Text,
    /// What is secondary: healthy rows, labels, units.
    Dim,
    /// What is only structure: separators of thought, absent values.
    Faint,
    Accent,
    Ok,
    Warn,
    Crit,
    Unknown,
    Info,
    /// The tint behind the selected row.
    Select,
    BannerProd,
    BannerStaging,
    BannerDev,
    Rule,
    /// A key in the footer and in help.
    Key,
    Chart1,
    Chart2,
    Chart3,
    ChartTarget,
    ChartLastWeek,
    ChartChange,
    DiffAdd,
    DiffDel,
    /// A value that is too old to be relied on.
    Stale,
}

impl Role {
    pub const ALL: [Self; 24] = [
        Self::Text,
        Self::Dim,
        Self::Faint,
        Self::Accent,
        Self::Ok,
        Self::Warn,
        Self::Crit,
        Self::Unknown,
        Self::Info,
        Self::Select,
        Self::BannerProd,
        Self::BannerStaging,
        Self::BannerDev,
        Self::Rule,
        Self::Key,
        Self::Chart1,
        Self::Chart2,
        Self::Chart3,
        Self::ChartTarget,
        Self::ChartLastWeek,
        Self::ChartChange,
        Self::DiffAdd,
        Self::DiffDel,
        Self::Stale,
    ];

    /// Its name in theme files.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Text => "text",
            Self::Dim => "dim",
            Self::Faint => "faint",
            Self::Accent => "accent",
            Self::Ok => "ok",
            Self::Warn => "warn",
            Self::Crit => "crit",
            Self::Unknown => "unknown",
            Self::Info => "info",
            Self::Select => "select",
            Self::BannerProd => "banner.prod",
            Self::BannerStaging => "banner.staging",
            Self::BannerDev => "banner.dev",
            Self::Rule => "rule",
            Self::Key => "key",
            Self::Chart1 => "chart.1",
            Self::Chart2 => "chart.2",
            Self::Chart3 => "chart.3",
            Self::ChartTarget => "chart.target",
            Self::ChartLastWeek => "chart.lastweek",
            Self::ChartChange => "chart.change",
            Self::DiffAdd => "diff.add",
            Self::DiffDel => "diff.del",
            Self::Stale => "stale",
        }
    }

    /// One letter for role grids; no two alike.
    #[must_use]
    pub const fn letter(self) -> char {
        match self {
            Self::Text => 't',
            Self::Dim => 'd',
            Self::Faint => 'f',
            Self::Accent => 'a',
            Self::Ok => 'o',
            Self::Warn => 'w',
            Self::Crit => 'c',
            Self::Unknown => 'u',
            Self::Info => 'i',
            Self::Select => 's',
            Self::BannerProd => 'p',
            Self::BannerStaging => 'g',
            Self::BannerDev => 'v',
            Self::Rule => 'r',
            Self::Key => 'k',
            Self::Chart1 => '1',
            Self::Chart2 => '2',
            Self::Chart3 => '3',
            Self::ChartTarget => 'm',
            Self::ChartLastWeek => 'l',
            Self::ChartChange => 'h',
            Self::DiffAdd => '+',
            Self::DiffDel => '-',
            Self::Stale => 'e',
        }
    }

    /// Whether it fills what it covers with words on a tint.
    #[must_use]
    pub const fn is_banner(self) -> bool {
        matches!(self, Self::BannerProd | Self::BannerStaging | Self::BannerDev)
    }

    /// The role with this name.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|role| role.name() == name)
    }
}

/// How many colours the terminal has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ColorDepth {
    True,
    Indexed256,
    Ansi16,
    None,
}

/// How every role looks.
#[derive(Clone, Debug, PartialEq)]
pub struct Theme {
    pub name: String,
    /// The background the theme is made for; it is not painted, the terminal's own is kept.
    pub background: Color,
    pub glyphs: GlyphSet,
    styles: [Style; Role::ALL.len()],
}

/// The bundled themes, by name.
const BUILTIN: [(&str, &str); 5] = [
    ("dark", include_str!("../../themes/dark.toml")),
    ("light", include_str!("../../themes/light.toml")),
    ("ansi16", include_str!("../../themes/ansi16.toml")),
    ("mono", include_str!("../../themes/mono.toml")),
    ("high-contrast", include_str!("../../themes/high-contrast.toml")),
];

impl Theme {
    /// Reads a theme; `file` is named in errors.
    ///
    /// # Errors
    /// What is wrong, where (line and column), and how to mend it: unknown or missing roles, colours that do not parse.
    pub fn load(toml_text: &str, file: &str) -> Result<Self, ThemeError> {
        load::theme(toml_text, file)
    }

    /// A bundled theme.
    #[must_use]
    pub fn builtin(name: &str) -> Option<Self> {
        let (name, text) = BUILTIN.iter().find(|(known, _)| *known == name)?;
        Self::load(text, name).ok()
    }

    /// The names of the bundled themes.
    pub fn builtin_names() -> impl Iterator<Item = &'static str> {
        BUILTIN.iter().map(|(name, _)| *name)
    }

    /// A theme for role grids: every role is told by the index of its colour.
    #[must_use]
    pub fn markers() -> Self {
        let mut theme = Self::plain();
        for (slot, (role, index)) in theme.styles.iter_mut().zip(Role::ALL.into_iter().zip(1..)) {
            let color = Color::Indexed(index);
            *slot = if role == Role::Select { Style::new().bg(color) } else { Style::new().fg(color) };
        }
        theme
    }

    /// The terminal's own colours for everything: what is used when no theme can be read.
    #[must_use]
    pub fn plain() -> Self {
        let mut theme = Self {
            name: "plain".to_owned(),
            background: Color::Reset,
            glyphs: GlyphSet::Unicode,
            styles: [Style::new(); Role::ALL.len()],
        };
        for role in [Role::Select, Role::BannerProd, Role::BannerStaging, Role::BannerDev] {
            theme.set(role, Style::new().add_modifier(Modifier::REVERSED));
        }
        theme
    }

    #[must_use]
    pub fn style(&self, role: Role) -> Style {
        self.styles.get(role as usize).copied().unwrap_or_default()
    }

    fn set(&mut self, role: Role, style: Style) {
        if let Some(slot) = self.styles.get_mut(role as usize) {
            *slot = style;
        }
    }

    /// The same theme with other glyphs.
    #[must_use]
    pub fn with_glyphs(mut self, glyphs: GlyphSet) -> Self {
        self.glyphs = glyphs;
        self
    }

    /// The same theme in as many colours as there are. Without colour, bold, dim and reverse remain.
    #[must_use]
    pub fn degrade(mut self, depth: ColorDepth) -> Self {
        for role in Role::ALL {
            let style = self.style(role);
            let mapped = match depth {
                ColorDepth::True => style,
                ColorDepth::Indexed256 => map(style, color::to_256),
                ColorDepth::Ansi16 => map(style, color::to_16),
                ColorDepth::None => without_color(role, style),
            };
            self.set(role, mapped);
        }
        if depth == ColorDepth::None {
            self.background = Color::Reset;
        }
        self
    }
}

fn map(style: Style, to: fn(Color) -> Color) -> Style {
    Style { fg: style.fg.map(to), bg: style.bg.map(to), underline_color: style.underline_color.map(to), ..style }
}

fn without_color(role: Role, style: Style) -> Style {
    let plain = Style { fg: None, bg: None, underline_color: None, ..style };
    match role {
        Role::Select | Role::BannerProd | Role::BannerStaging | Role::BannerDev => {
            plain.add_modifier(Modifier::REVERSED)
        }
        Role::Crit | Role::Key => plain.add_modifier(Modifier::BOLD),
        Role::Dim | Role::Faint | Role::Rule | Role::Stale => plain.add_modifier(Modifier::DIM),
        _ => plain,
    }
}
