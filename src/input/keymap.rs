//! Keymaps are data: contexts with sequences of keys and the actions they mean.

use std::collections::BTreeMap;

use serde::Deserialize;

use super::key::Key;
use crate::action::{Action, CardAction};

/// Where a binding applies. A context's own bindings come before the global ones.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Context {
    Global,
    Board,
    Topology,
    Tier,
    Component,
    Sources,
    Changes,
    Alerts,
    Operations,
    Rollouts,
    Databases,
    Trail,
    Overlay,
    Menu,
    Card,
}

impl Context {
    pub const ALL: [(&'static str, Self); 15] = [
        ("global", Self::Global),
        ("board", Self::Board),
        ("topology", Self::Topology),
        ("tier", Self::Tier),
        ("component", Self::Component),
        ("sources", Self::Sources),
        ("changes", Self::Changes),
        ("alerts", Self::Alerts),
        ("operations", Self::Operations),
        ("rollouts", Self::Rollouts),
        ("databases", Self::Databases),
        ("trail", Self::Trail),
        ("overlay", Self::Overlay),
        ("menu", Self::Menu),
        ("card", Self::Card),
    ];

    #[must_use]
    pub fn name(self) -> &'static str {
        Self::ALL.iter().find(|(_, context)| *context == self).map_or("", |(name, _)| name)
    }
}

impl Context {
    /// What help calls it.
    #[must_use]
    pub const fn title(self) -> &'static str {
        match self {
            Self::Global => "everywhere",
            Self::Board => "on the board",
            Self::Topology => "in the topology",
            Self::Tier => "in a tier",
            Self::Component => "in a component",
            Self::Sources => "among the sources",
            Self::Changes => "among the changes",
            Self::Alerts => "among the alerts",
            Self::Operations => "among the operations",
            Self::Rollouts => "among the rollouts",
            Self::Databases => "among the databases",
            Self::Trail => "in the audit trail",
            Self::Overlay => "in help and explain",
            Self::Menu => "in the menu",
            Self::Card => "on a card",
        }
    }
}

impl Context {
    /// Where a key is looked up. A card takes nothing from outside: what is a word elsewhere must not act there.
    fn and_global(self) -> impl Iterator<Item = Self> {
        let outer = (self != Self::Card && self != Self::Global).then_some(Self::Global);
        std::iter::once(self).chain(outer)
    }
}

/// The default keymap.
pub const DEFAULT: &str = include_str!("../../keymaps/default.toml");

/// Bindings per context: sequence to action.
#[derive(Clone, Debug, Default)]
pub struct Keymap {
    bindings: BTreeMap<Context, Vec<(Vec<Key>, Action)>>,
}

/// What a sequence of keys means so far.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Lookup {
    Found(Action),
    /// It begins a longer binding.
    Prefix,
    Nothing,
}

/// What is wrong with a keymap file, where, and how to mend it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{file}:{line}:{column}: {message}")]
pub struct KeymapError {
    pub file: String,
    pub line: usize,
    pub column: usize,
    pub message: String,
}

type Table = BTreeMap<toml::Spanned<String>, BTreeMap<toml::Spanned<String>, toml::Spanned<String>>>;

#[derive(Deserialize)]
#[serde(transparent)]
struct File(Table);

impl Keymap {
    /// Reads a keymap file.
    ///
    /// # Errors
    /// The first mistake: TOML syntax, an unknown context, key or action, two bindings that exclude each other, or no key
    /// for what one cannot do without.
    pub fn load(text: &str, file: &str) -> Result<Self, KeymapError> {
        let at = |offset: usize, message: String| {
            let (line, column) = crate::domain::text::line_and_column(text, offset);
            KeymapError { file: file.to_owned(), line, column, message }
        };
        let File(table) = toml::from_str(text)
            .map_err(|error| at(error.span().map_or(0, |span| span.start), error.message().to_owned()))?;
        let mut map = Self::default();
        for (context_name, rows) in &table {
            let Some((_, context)) = Context::ALL.iter().find(|(name, _)| name == context_name.get_ref()) else {
                let known: Vec<_> = Context::ALL.iter().map(|(name, _)| *name).collect();
                return Err(at(
                    context_name.span().start,
                    format!("`{}` is no context; contexts are {}", context_name.get_ref(), known.join(", ")),
                ));
            };
            // The order of the file, so that the first binding of an action is the one that help and hints show.
            let mut rows: Vec<_> = rows.iter().collect();
            rows.sort_by_key(|(keys, _)| keys.span().start);
            for (keys, action_name) in rows {
                let sequence = Key::parse_sequence(keys.get_ref()).map_err(|message| at(keys.span().start, message))?;
                let action = Action::named(action_name.get_ref())
                    .ok_or_else(|| at(action_name.span().start, unknown_action(action_name.get_ref())))?;
                map.bind(*context, sequence, action).map_err(|message| at(keys.span().start, message))?;
            }
        }
        // A keymap that does not speak of cards has the default ones: an operation must not be out of its reach.
        if !map.bindings.contains_key(&Context::Card)
            && let Ok(Some(card)) =
                Self::load(DEFAULT, "default.toml").map(|map| map.bindings.get(&Context::Card).cloned())
        {
            map.bindings.insert(Context::Card, card);
        }
        map.fire_alone().map_err(|message| at(0, message))?;
        let Some((context, action)) = map.first_missing() else { return Ok(map) };
        let name = crate::action::TABLE.iter().find(|row| row.action == action).map_or("", |row| row.name);
        let table = [context.name(), Context::Global.name()]
            .into_iter()
            .find_map(|name| table.keys().find(|key| key.get_ref() == name));
        let message = format!(
            "no key means `{name}` in [{}]; add one to it or to [global], like `\"{}\" = \"{name}\"`",
            context.name(),
            usual_key(action)
        );
        Err(at(table.map_or(0, |key| key.span().start), message))
    }

    /// What one cannot do without and no key means: to leave every context, to quit and to get help from the start.
    fn first_missing(&self) -> Option<(Context, Action)> {
        let start = [Action::Quit, Action::Help].map(|action| (Context::Board, action));
        let pages = Context::ALL.iter().map(|(_, context)| *context);
        let pages = pages.filter(|context| !matches!(context, Context::Global | Context::Board));
        let mut needed = start.into_iter().chain(pages.map(|context| (context, Action::Back)));
        needed.find(|(context, action)| !self.means(*context, *action))
    }

    /// Whether some keys mean that action in a context, none of whose own bindings hides them.
    fn means(&self, context: Context, action: Action) -> bool {
        let bound = context.and_global().filter_map(|context| self.bindings.get(&context)).flatten();
        bound.filter(|(_, bound)| *bound == action).any(|(keys, _)| {
            let begun = keys.iter().enumerate().skip(1).filter_map(|(length, _)| keys.get(..length));
            self.lookup(context, keys) == Lookup::Found(action)
                && begun.into_iter().all(|part| self.lookup(context, part) == Lookup::Prefix)
        })
    }

    /// The fire key means nothing else anywhere, and is one key with Control: nothing that is typed can fire.
    fn fire_alone(&self) -> Result<(), String> {
        let fire = Action::Card(CardAction::Fire);
        let all = || self.bindings.iter().flat_map(|(context, rows)| rows.iter().map(move |row| (*context, row)));
        for (context, (keys, _)) in all().filter(|(_, (_, action))| *action == fire) {
            let alone = matches!(keys.as_slice(), [Key { control: true, .. }]);
            if context != Context::Card || !alone {
                return Err(format!("`{}` = \"fire\" must be one key with Control, in [card]", write(keys)));
            }
            let other =
                all().find(|(_, (keys_of, action))| *action != fire && keys.iter().any(|key| keys_of.contains(key)));
            if let Some((context, (keys_of, _))) = other {
                let (of, name) = (write(keys_of), context.name());
                return Err(format!(
                    "`{}` fires on a card and means nothing else: free `{of}` of [{name}]",
                    write(keys)
                ));
            }
        }
        Ok(())
    }

    fn bind(&mut self, context: Context, sequence: Vec<Key>, action: Action) -> Result<(), String> {
        let rows = self.bindings.entry(context).or_default();
        if let Some((other, _)) =
            rows.iter().find(|(other, _)| other.starts_with(&sequence) || sequence.starts_with(other))
        {
            return Err(format!(
                "`{}` and `{}` of [{}] exclude each other: one begins the other",
                write(&sequence),
                write(other),
                context.name()
            ));
        }
        rows.push((sequence, action));
        Ok(())
    }

    /// What `keys` mean in a context, its own bindings first, then the global ones.
    #[must_use]
    pub fn lookup(&self, context: Context, keys: &[Key]) -> Lookup {
        let mut prefix = false;
        for context in context.and_global() {
            for (sequence, action) in self.bindings.get(&context).into_iter().flatten() {
                if sequence == keys {
                    return Lookup::Found(*action);
                }
                prefix |= sequence.starts_with(keys);
            }
        }
        if prefix { Lookup::Prefix } else { Lookup::Nothing }
    }

    /// The keys that the file binds first to an action in a context, as help writes them.
    #[must_use]
    pub fn keys_for(&self, context: Context, action: Action) -> Option<String> {
        context.and_global().find_map(|context| {
            let rows = self.bindings.get(&context)?;
            rows.iter().find(|(_, bound)| *bound == action).map(|(keys, _)| write(keys))
        })
    }

    /// Every binding as help lists it.
    pub fn rows(&self) -> impl Iterator<Item = (Context, String, Action)> {
        self.bindings
            .iter()
            .flat_map(|(context, rows)| rows.iter().map(move |(keys, action)| (*context, write(keys), *action)))
    }
}

fn write(keys: &[Key]) -> String {
    keys.iter().map(ToString::to_string).collect::<Vec<_>>().join(" ")
}

/// The key of the default keymap, for advice.
const fn usual_key(action: Action) -> &'static str {
    match action {
        Action::Quit => "q",
        Action::Help => "?",
        _ => "<esc>",
    }
}

fn unknown_action(name: &str) -> String {
    let close = crate::action::TABLE
        .iter()
        .map(|row| row.name)
        .find(|known| known.starts_with(name.get(..3).unwrap_or(name)) || known.contains(name));
    match close {
        Some(known) => format!("`{name}` is no action; did you mean `{known}`?"),
        None => format!("`{name}` is no action; `tierdeck` lists them under help (?)"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::action::{Motion, Page};

    #[test]
    fn the_default_keymap_loads_and_means_what_help_says() {
        let map = Keymap::load(DEFAULT, "default.toml").unwrap();
        assert_eq!(map.lookup(Context::Board, &[Key::char('t')]), Lookup::Found(Action::Show(Page::Topology)));
        assert_eq!(map.lookup(Context::Board, &[Key::char('g')]), Lookup::Prefix);
        assert_eq!(
            map.lookup(Context::Board, &Key::parse_sequence("gg").unwrap()),
            Lookup::Found(Action::Move(Motion::First))
        );
        assert_eq!(map.keys_for(Context::Board, Action::Explain), Some("x".to_owned()));
    }

    #[test]
    fn a_keymap_of_three_keys_is_enough() {
        let text = "[global]\n\"<c-q>\" = \"quit\"\n\"<f1>\" = \"help\"\n\"zz\" = \"back\"\n";
        Keymap::load(text, "mine.toml").unwrap();
    }

    #[test]
    fn every_context_can_be_left_and_helped() {
        let map = Keymap::load(DEFAULT, "default.toml").unwrap();
        for (name, context) in Context::ALL {
            assert!(map.keys_for(context, Action::Back).is_some(), "no way out of {name}");
            // A card's keys all stand at its foot; help would lay itself over it.
            let helps = context == Context::Card || map.keys_for(context, Action::Help).is_some();
            assert!(helps, "no help in {name}");
        }
    }

    #[test]
    fn mistakes_are_told_with_their_place_and_the_fix() {
        let cases = [
            ("[board]\n\"j\" = \"dwon\"\n", 2, "`dwon` is no action"),
            ("[bord]\n\"j\" = \"down\"\n", 1, "contexts are global"),
            ("[board]\n\"<nokey>\" = \"down\"\n", 2, "`<nokey>` is no key"),
            ("[board]\n\"g\" = \"down\"\n\"gg\" = \"first\"\n", 3, "exclude each other"),
            ("[board\n", 1, ""),
            ("", 1, "no key means `quit` in [board]; add one to it or to [global], like `\"q\" = \"quit\"`"),
            ("# mine\n[global]\n\"q\" = \"quit\"\n\"<esc>\" = \"back\"\n", 2, "no key means `help` in [board]"),
            ("[global]\n\"q\" = \"quit\"\n\"?\" = \"help\"\n", 1, "no key means `back` in [topology]"),
            (
                "[global]\n\"q\" = \"quit\"\n\"?\" = \"help\"\n\"<esc>\" = \"back\"\n[overlay]\n\"<esc>\" = \"down\"\n",
                5,
                "no key means `back` in [overlay]",
            ),
            (
                "[global]\n\"qq\" = \"quit\"\n\"?\" = \"help\"\n\"<esc>\" = \"back\"\n[board]\n\"q\" = \"down\"\n",
                5,
                "no key means `quit` in [board]",
            ),
        ];
        for (text, line, part) in cases {
            let error = Keymap::load(text, "mine.toml").unwrap_err();
            assert_eq!(error.line, line, "{error}");
            assert!(error.to_string().starts_with("mine.toml:"), "{error}");
            assert!(error.message.contains(part), "{error}");
        }
    }
}
