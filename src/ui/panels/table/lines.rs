//! Which lines the table has, and which of them give way when there are too few.

use std::collections::BTreeSet;

use crate::domain::health::Health;
use crate::domain::text::Shown;
use crate::domain::tier::Tier;
use crate::model::board::{Board, Cause, ComponentRow, TierRow};
use crate::shown;
use crate::state::rows;
use crate::state::{BoardPlace, BoardRow, State};
use crate::theme::Role;
use crate::ui::canvas::{Ink, cut_end, width, wrap};
use crate::ui::format;

pub(super) struct Line<'a> {
    pub what: What<'a>,
    /// The row it belongs to, for the selection.
    pub owner: Option<BoardRow>,
}

pub(super) enum What<'a> {
    Tier(&'a TierRow),
    Component(&'a ComponentRow),
    /// `why`, `hint`: a short label and its text.
    Note {
        label: &'static str,
        text: Shown,
        ink: Ink,
    },
    Folded(Shown),
}

/// How much is said of each sick tier; less when lines run out.
#[derive(Clone, Copy)]
struct Detail {
    reasons: usize,
    of: Whose,
    hints: bool,
    /// The selected tier's reasons are wrapped, not cut.
    wrapped: bool,
}

/// Of which tiers reasons are told.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Whose {
    EverySickOne,
    CriticalAndSelected,
    Selected,
    Nobody,
}

/// From the most that can be said to the least: before a tier's row gives way, the reasons of milder ones do.
const DETAILS: [Detail; 7] = [
    Detail { reasons: 3, of: Whose::EverySickOne, hints: true, wrapped: true },
    Detail { reasons: 2, of: Whose::EverySickOne, hints: true, wrapped: true },
    Detail { reasons: 1, of: Whose::EverySickOne, hints: true, wrapped: false },
    Detail { reasons: 1, of: Whose::EverySickOne, hints: false, wrapped: false },
    Detail { reasons: 1, of: Whose::CriticalAndSelected, hints: false, wrapped: false },
    Detail { reasons: 1, of: Whose::Selected, hints: false, wrapped: false },
    Detail { reasons: 0, of: Whose::Nobody, hints: false, wrapped: false },
];

pub(super) fn compose<'a>(
    state: &'a State,
    place: &BoardPlace,
    selected: &BoardRow,
    columns: u16,
    height: usize,
) -> Vec<Line<'a>> {
    let rows = rows::board_rows(&state.board, place, state.filter.text());
    let none = BTreeSet::new();
    let mut fewest = Vec::new();
    for detail in DETAILS {
        fewest = lines(state, &rows, selected, columns, detail, &none);
        if fewest.len() <= height {
            return fewest;
        }
        // Healthy tiers go before anything is left unsaid of the sick ones, the last in data flow first.
        let mut folded = BTreeSet::new();
        for tier in foldable(state, place, &rows, selected) {
            folded.insert(tier);
            fewest = lines(state, &rows, selected, columns, detail, &folded);
            if fewest.len() <= height && folded.len() > 1 {
                return fewest;
            }
        }
    }
    fewest
}

/// That components of a tier are red because of an operation that runs; it is never left out.
fn expected<'a>(state: &State, tier: &TierRow) -> Option<Line<'a>> {
    let of = |row: &ComponentRow| Some((state.operations.expects_red(&row.id, state.now)?, row.name.clone()));
    let red: Vec<_> = tier.components.iter().filter_map(of).collect();
    let until = red.iter().map(|(until, _)| *until).max()?;
    let names = Shown::joined(red.iter().map(|(_, name)| name), ", ");
    let text = shown!("expected red until {}: {}", format::time(until), names);
    Some(Line { what: What::Note { label: "op", text, ink: Ink::bold(Role::Info) }, owner: None })
}

/// Tiers that may be folded, the first to go first.
fn foldable(state: &State, place: &BoardPlace, rows: &[BoardRow], selected: &BoardRow) -> Vec<Tier> {
    let board = &state.board;
    let kept = match selected {
        BoardRow::Tier(tier) => Some(*tier),
        BoardRow::Component(id) => rows::component(board, id).map(|(tier, _)| tier.tier),
        BoardRow::Users => None,
    };
    let quiet = |row: &&TierRow| {
        !row.health.is_sick()
            && Some(row.tier) != kept
            && !place.open.contains(&row.tier)
            && rows.contains(&BoardRow::Tier(row.tier))
            && expected(state, row).is_none()
    };
    board.tiers.iter().rev().filter(quiet).map(|row| row.tier).collect()
}

fn lines<'a>(
    state: &'a State,
    rows: &[BoardRow],
    selected: &BoardRow,
    columns: u16,
    detail: Detail,
    folded: &BTreeSet<Tier>,
) -> Vec<Line<'a>> {
    let board = &state.board;
    let mut lines = Vec::new();
    for row in rows {
        match row {
            BoardRow::Users => {}
            BoardRow::Tier(tier) if folded.contains(tier) => {}
            BoardRow::Tier(tier) => {
                let Some(tier) = rows::tier(board, *tier) else { continue };
                lines.push(Line { what: What::Tier(tier), owner: Some(row.clone()) });
                lines.extend(expected(state, tier));
                for (label, text, ink) in notes(state, tier, detail, row == selected, columns) {
                    lines.push(Line { what: What::Note { label, text, ink }, owner: None });
                }
            }
            BoardRow::Component(id) => {
                let Some((_, component)) = rows::component(board, id) else { continue };
                lines.push(Line { what: What::Component(component), owner: Some(row.clone()) });
                let expected = state.operations.expects_red(&component.id, state.now);
                if let Some(until) = expected {
                    let text = shown!("expected red until {}", format::time(until));
                    let what = What::Note { label: "", text, ink: Ink::bold(Role::Info) };
                    lines.push(Line { what, owner: None });
                }
                if let (true, Some(reason)) = (component.health.is_sick(), component.reasons.first()) {
                    let what = What::Note { label: "", text: reason.text.clone(), ink: Role::Dim.into() };
                    lines.push(Line { what, owner: None });
                }
            }
        }
    }
    // Always last, so that nothing jumps when one of them falls ill and leaves it.
    if !folded.is_empty() {
        lines.push(Line { what: What::Folded(folded_words(board, folded)), owner: None });
    }
    lines
}

/// `4 ok: edge, security, cache, storage · 1 idle: host`.
fn folded_words(board: &Board, folded: &BTreeSet<Tier>) -> Shown {
    let of = |health: Health| -> Vec<&'static str> {
        let rows = board.tiers.iter().filter(|row| row.health == health && folded.contains(&row.tier));
        rows.map(|row| row.tier.name()).collect()
    };
    let groups = [Health::Ok, Health::NoTraffic, Health::Maintenance].map(|health| (health, of(health)));
    let words = groups.into_iter().filter(|(_, names)| !names.is_empty());
    let words =
        words.map(|(health, names)| shown!("{} {}: {}", names.len(), health.brief(), Shown::joined(names, ", ")));
    Shown::joined(words, "  ")
}

/// `… 3 more below: database CRIT, access, host`: the rows outside of what is shown, the sick ones first.
pub(super) fn hidden(lines: &[Line<'_>], first: usize, height: usize) -> (Shown, Ink) {
    let outside = |from: usize, to: usize| {
        let rows = lines.iter().take(to).skip(from).filter_map(|line| match &line.what {
            What::Tier(row) => Some((row.health, Shown::fixed(row.tier.name()))),
            What::Component(row) => Some((row.health, row.name.clone())),
            What::Note { .. } | What::Folded(_) => None,
        });
        let mut rows: Vec<_> = rows.collect();
        rows.sort_by_key(|(health, _)| std::cmp::Reverse(if health.is_sick() { health.rank() } else { 0 }));
        rows
    };
    let mut words = Vec::new();
    let mut worst = Health::Ok;
    for (rows, place) in [(outside(0, first), "above"), (outside(first + height, lines.len()), "below")] {
        if rows.is_empty() {
            continue;
        }
        worst = rows.iter().fold(worst, |worst, (health, _)| worst.worst(*health));
        let names = rows.iter().map(|(health, name)| match health.is_sick() {
            true => shown!("{} {}", name, health.brief()),
            false => name.clone(),
        });
        words.push(shown!("{} more {}: {}", rows.len(), place, Shown::joined(names, ", ")));
    }
    let ink = if worst.is_sick() { Ink::bold(crate::ui::looks::role(worst)) } else { Role::Dim.into() };
    (shown!("… {}", Shown::joined(words, "; ")), ink)
}

type Note = (&'static str, Shown, Ink);

fn notes(state: &State, tier: &TierRow, detail: Detail, selected: bool, columns: u16) -> Vec<Note> {
    let told = match detail.of {
        Whose::EverySickOne => true,
        Whose::CriticalAndSelected => selected || tier.health == Health::Critical,
        Whose::Selected => selected,
        Whose::Nobody => false,
    };
    if !tier.health.is_sick() || !told {
        return Vec::new();
    }
    let room = columns.saturating_sub(11);
    let mut texts: Vec<(&'static str, Shown, Ink)> = Vec::new();
    let mut hint = None;
    if let (Cause::Found(suspect), true) = (&state.board.cause, rows::cause_tier(&state.board) == Some(tier.tier)) {
        let since = suspect.since.map_or_else(Shown::default, |at| since(&suspect.text, at, state));
        texts.push(("why", shown!("{}{}", suspect.text, since), Ink::bold(Role::Text)));
        hint = suspect.change.as_ref().map(|(words, before)| change(words, *before, room));
    }
    for reason in rows::reasons_beside_cause(&state.board, tier) {
        let at = reason.since.map_or_else(Shown::default, |at| since(&reason.text, at, state));
        texts.push(("why", shown!("{}{}", reason.text, at), note_ink(tier.health)));
    }
    texts.truncate(detail.reasons);
    let most = if detail.wrapped && selected { 2 } else { 1 };
    let mut notes = Vec::new();
    for (label, text, ink) in texts {
        for (row, line) in wrap(&text, room, most).into_iter().enumerate() {
            let first = row == 0 && notes.is_empty();
            notes.push((if first { label } else { "" }, line, ink));
        }
    }
    if let (true, Some(hint)) = (detail.hints, hint) {
        notes.push(("hint", hint, Role::Text.into()));
    }
    notes
}

/// `…, 28s before the breach`: how long before is told whole, whatever of the words has to go.
fn change(words: &Shown, before: std::time::Duration, room: u16) -> Shown {
    let before = shown!(", {} before", format::span(before));
    let whole = shown!("{}{} the breach", words, before);
    if width(&whole) <= room {
        return whole;
    }
    shown!("{}{}", cut_end(words.as_str(), usize::from(room.saturating_sub(width(&before)))), before)
}

fn note_ink(health: Health) -> Ink {
    if health == Health::Critical { Role::Text.into() } else { Role::Dim.into() }
}

/// `, since 03:09:40`, unless the text already says so.
fn since(text: &Shown, at: crate::domain::time::Stamp, state: &State) -> Shown {
    if text.as_str().contains("since ") {
        Shown::default()
    } else {
        shown!(", since {}", format::moment(at, state.now))
    }
}

/// First visible line so that the selected row is on screen.
pub(super) fn first_visible(lines: &[Line<'_>], selected: &BoardRow, scroll: usize, height: usize) -> usize {
    let at = lines.iter().position(|line| line.owner.as_ref() == Some(selected)).unwrap_or(0);
    crate::ui::panels::first_visible(at, scroll, lines.len(), height)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::change;
    use crate::domain::text::Shown;

    #[test]
    fn how_long_before_the_breach_is_never_cut() {
        let words = Shown::fixed("api-gateway 26→27 (2.31.1→2.31.2) by argocd-controller");
        for (room, told) in [
            (90, "api-gateway 26→27 (2.31.1→2.31.2) by argocd-controller, 28s before the breach"),
            (69, "api-gateway 26→27 (2.31.1→2.31.2) by argocd-controller, 28s before"),
            (40, "api-gateway 26→27 (2.31.1→2…, 28s before"),
        ] {
            assert_eq!(change(&words, Duration::from_secs(28), room).as_str(), told);
        }
    }
}
