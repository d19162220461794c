//! What can be typed on the command line: suggestions for what is there so far, and which word is wrong.
//!
//! What is fuzzy here only suggests. What runs is what stands on the line, where every name is whole.

use super::rows::component;
use super::{State, navigate, operations};
use crate::action::{Action, Page, TABLE};
use crate::domain::text::{Raw, Shown};
use crate::model::board::ComponentRow;
use crate::model::facts::Role;
use crate::operation::registry::{self, Offer};
use crate::operation::target::Target;
use crate::operation::verb::{Risk, Verb};
use crate::shown;

/// More than this nobody reads.
pub const MOST: usize = 6;

/// What the line may become.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Suggestion {
    /// The whole line; a blank at its end where more is wanted.
    pub line: String,
    pub doc: Shown,
    pub risk: Option<Risk>,
}

impl Suggestion {
    fn new(line: String, doc: impl Into<Shown>, risk: Option<Risk>) -> Self {
        Self { line, doc: doc.into(), risk }
    }
}

/// The actions that can be typed by their name: pages, and what needs no selection.
#[must_use]
pub fn typed_action(word: &str) -> Option<Action> {
    let simple = |action: &Action| {
        matches!(
            action,
            Action::Show(_) | Action::Help | Action::Explain | Action::Refresh | Action::Redraw | Action::Quit
        )
    };
    Action::named(word).filter(simple)
}

/// The best few of what the line may become.
#[must_use]
pub fn suggestions(state: &State, line: &str) -> Vec<Suggestion> {
    let text = line.trim_start();
    let Some((word, rest)) = text.split_once(' ') else { return first_words(state, text) };
    let rest = rest.trim_start();
    match (word, Verb::parse(word)) {
        ("arm", _) if !rest.contains(' ') => ["15m", "30m", "60m"]
            .into_iter()
            .filter(|span| span.starts_with(rest) && *span != rest)
            .map(|span| Suggestion::new(format!("arm {span} "), "then the reason", None))
            .collect(),
        ("open", _) => {
            let all = || state.board.tiers.iter().flat_map(|tier| &tier.components);
            let opened =
                |row: &ComponentRow| Suggestion::new(format!("open {}", name_of(state, row)), row.id.shown(), None);
            best(all(), |row| fuzzy(rest, row.id.name.as_str())).into_iter().map(opened).collect()
        }
        (_, Some(verb)) => match rest.split_once(' ') {
            None => targets(state, verb, rest),
            Some((name, params)) => match registry::find(&state.board, verb, name) {
                Ok(row) => values(verb, row, &format!("{word} {name} "), params.trim_start()),
                Err(_) => Vec::new(),
            },
        },
        _ => Vec::new(),
    }
}

/// Words that begin a line, then what can be done to the things so called; of an empty line what can be done to what is
/// selected.
fn first_words(state: &State, text: &str) -> Vec<Suggestion> {
    if text.is_empty() {
        let selected = navigate::operable(state).and_then(|id| component(&state.board, &id).map(|(_, row)| row));
        return selected.map(|row| on(state, row)).unwrap_or_default();
    }
    let words = ["arm", "disarm", "open", "resolve"].into_iter().chain(Verb::ALL.iter().map(|verb| verb.name()));
    let words = words.chain(TABLE.iter().map(|row| row.name).filter(|name| typed_action(name).is_some()));
    let mut found: Vec<Suggestion> = best(words, |word| fuzzy(text, word)).into_iter().map(begun).collect();
    found.retain(|suggestion| suggestion.line.trim_end() != text || suggestion.line.ends_with(' '));
    let rows = state.board.tiers.iter().flat_map(|tier| &tier.components).filter(|row| Target::of(row).is_some());
    let named = best(rows, |row| fuzzy(text, row.id.name.as_str()).filter(|score| *score < SCATTERED));
    found.extend(named.into_iter().take(2).flat_map(|row| on(state, row)));
    found.truncate(MOST);
    found
}

fn begun(word: &'static str) -> Suggestion {
    match (Verb::parse(word), word) {
        (Some(verb), _) => Suggestion::new(format!("{word} "), verb.doc(), None),
        (None, "arm") => Suggestion::new("arm ".to_owned(), "open production for changes: arm 15m REASON", None),
        (None, "disarm") => Suggestion::new("disarm".to_owned(), "close it again", None),
        (None, "open") => Suggestion::new("open ".to_owned(), "show a component", None),
        (None, "resolve") => {
            Suggestion::new("resolve ".to_owned(), "tell how what is in doubt ended: resolve ID OUTCOME HOW", None)
        }
        (None, _) => {
            let doc = typed_action(word).map_or("", Action::doc);
            let what =
                if matches!(typed_action(word), Some(Action::Show(Page::Board))) { "go to the start" } else { doc };
            Suggestion::new(word.to_owned(), what, None)
        }
    }
}

/// What can be done to a component now.
fn on(state: &State, row: &ComponentRow) -> Vec<Suggestion> {
    let name = name_of(state, row);
    let offers = operations::offers(state, &row.id).into_iter().filter(|offer| offer.unavailable.is_none());
    let line = |verb: Verb| {
        let more = if verb.parameters().is_empty() { "" } else { " " };
        format!("{} {name}{more}", verb.name())
    };
    offers.map(|offer| Suggestion::new(line(offer.verb), offer.verb.doc(), Some(offer.risk))).take(MOST).collect()
}

/// What a verb applies to, what cannot be done now last and with the reason.
fn targets(state: &State, verb: Verb, text: &str) -> Vec<Suggestion> {
    let rows = state.board.tiers.iter().flat_map(|tier| &tier.components);
    let fits = |row: &ComponentRow| match text.contains('/') {
        true => fuzzy(text, &format!("{}/{}", row.id.scope.as_str(), row.id.name.as_str())),
        false => fuzzy(text, row.id.name.as_str()),
    };
    let able = rows.filter_map(|row| {
        let score = fits(row)?;
        let offer = registry::offers(row).into_iter().find(|offer| offer.verb == verb)?;
        Some((score + if offer.unavailable.is_some() { LATER } else { 0 }, row, offer))
    });
    let more = if verb.parameters().is_empty() { "" } else { " " };
    let typed = format!("{} {text}", verb.name());
    let suggested = |(_, row, offer): (u32, &ComponentRow, Offer)| {
        let line = format!("{} {}{more}", verb.name(), name_of(state, row));
        match offer.unavailable {
            Some(why) => Suggestion::new(line, shown!("not now: {}", why), None),
            None => Suggestion::new(line, row.id.shown(), Some(offer.risk)),
        }
    };
    let found = best(able, |(score, ..)| Some(*score)).into_iter().map(suggested);
    found.filter(|suggestion| suggestion.line.trim_end() != typed).collect()
}

/// Values that are known of what a verb still needs.
fn values(verb: Verb, row: &ComponentRow, begun: &str, text: &str) -> Vec<Suggestion> {
    let value = |value: &Raw, doc: Shown| Suggestion::new(format!("{begun}{}", value.as_str()), doc, None);
    let replicas = row.replicas.as_ref();
    match verb {
        Verb::Scale => {
            let now = replicas.map(|replicas| Raw::from(replicas.desired.to_string()));
            now.filter(|_| text.is_empty()).map(|now| value(&now, Shown::fixed("as it is now"))).into_iter().collect()
        }
        Verb::Bounds => {
            let now = replicas.and_then(|replicas| replicas.bounds);
            let now = now.map(|(low, high)| Raw::from(format!("{low} {high}")));
            now.filter(|_| text.is_empty()).map(|now| value(&now, Shown::fixed("as it is now"))).into_iter().collect()
        }
        Verb::Rollback => {
            let stable = row.rollout.as_ref().map(|rollout| &rollout.stable);
            let known = stable.filter(|stable| stable.hash.as_str().starts_with(text) && stable.hash.as_str() != text);
            known
                .map(|stable| value(&stable.hash, shown!("the stable revision, {}", stable.image)))
                .into_iter()
                .collect()
        }
        Verb::Evict | Verb::Failover => {
            let members = row.members.iter().filter(|member| verb == Verb::Evict || member.role != Some(Role::Primary));
            let found = best(members, |member| fuzzy(text, member.name.as_str()));
            let found = found.into_iter().filter(|member| member.name.as_str() != text);
            found.map(|member| value(&member.name, member.word.shown())).collect()
        }
        _ => Vec::new(),
    }
}

/// The shortest name by which a component is found: with its namespace or region where another one is called alike.
fn name_of(state: &State, row: &ComponentRow) -> String {
    let name = row.id.name.as_str();
    let rows = state.board.tiers.iter().flat_map(|tier| &tier.components);
    let alike: Vec<&ComponentRow> = rows.filter(|other| other.id.name == row.id.name && other.id != row.id).collect();
    if alike.is_empty() {
        return name.to_owned();
    }
    let whole = format!("{}/{name}", row.id.scope.as_str());
    if alike.iter().any(|other| other.id.scope == row.id.scope) {
        return format!("{}/{whole}", row.id.kind.name());
    }
    whole
}

/// Which word of a line that was refused is meant, counted from 0.
#[must_use]
pub fn wrong_word(state: &State, line: &str) -> usize {
    let mut words = line.split_whitespace();
    let (Some(word), name) = (words.next(), words.next()) else { return 0 };
    let verb = Verb::parse(word);
    match (word, name) {
        ("arm", Some(span)) if super::typed::minutes(span).is_some() => 2,
        ("arm" | "open", _) => 1,
        (_, name) => match (verb, name) {
            (None, _) => 0,
            (Some(verb), Some(name)) if registry::find(&state.board, verb, name).is_ok() => 2,
            (Some(_), _) => 1,
        },
    }
}

/// What is worse by this stands behind everything that fits at all.
const LATER: u32 = 10_000;

/// The scores from which on letters only occur one after the other.
const SCATTERED: u32 = 30;

/// How well a text fits what was typed, less is better; `None` where a letter is missing.
fn fuzzy(typed: &str, text: &str) -> Option<u32> {
    let (typed, text) = (typed.as_bytes(), text.as_bytes());
    let long = u32::try_from(text.len() / 4).unwrap_or(u32::MAX).min(5);
    if typed.is_empty() || typed.eq_ignore_ascii_case(text) {
        return Some(0);
    }
    if let Some(at) = text.windows(typed.len()).position(|part| part.eq_ignore_ascii_case(typed)) {
        let begins = at.checked_sub(1).and_then(|before| text.get(before)).is_some_and(|c| !c.is_ascii_alphanumeric());
        let score = match (at, begins) {
            (0, _) => 1,
            (_, true) => 10,
            (_, false) => 20,
        };
        return Some(score + long);
    }
    let mut rest = text.iter();
    let mut gaps = 0;
    for wanted in typed {
        gaps += u32::try_from(rest.by_ref().position(|c| c.eq_ignore_ascii_case(wanted))?).unwrap_or(u32::MAX).min(20);
    }
    Some(SCATTERED + gaps)
}

/// Those that fit, the best first; among equals in the order given.
fn best<T>(all: impl Iterator<Item = T>, score: impl Fn(&T) -> Option<u32>) -> Vec<T> {
    let mut found: Vec<(u32, T)> = all.filter_map(|item| Some((score(&item)?, item))).collect();
    found.sort_by_key(|(score, _)| *score);
    found.into_iter().take(MOST).map(|(_, item)| item).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whole_words_fit_better_than_beginnings_and_those_better_than_scattered_letters() {
        let order = ["orders", "orders-canary", "shop-orders", "preorders", "object-reader-service"];
        let scores: Vec<u32> = order.iter().filter_map(|text| fuzzy("orders", text)).collect();
        assert_eq!(scores.len(), 5, "{scores:?}");
        assert!(scores.windows(2).all(|pair| pair[0] < pair[1]), "{scores:?}");
        assert_eq!(fuzzy("orderz", "orders"), None);
        assert!(fuzzy("pmf", "promote-full").is_some_and(|score| score >= SCATTERED));
    }
}
