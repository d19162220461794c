//! The header: which environment, who we are there, what time it is, and how old each source's newest sample is; below
//! it the rule that says what evidence is missing.

use ratatui::layout::Rect;

use crate::domain::settings::RiskClass;
use crate::domain::text::Shown;
use crate::model::board::{Evidence, Missing, SourceKind, SourceState, SourceStatus};
use crate::shown;
use crate::state::State;
use crate::theme::Role;
use crate::ui::canvas::{Canvas, Ink, Piece, cut_middle, width};
use crate::ui::{format, looks};

/// How much is left out when the line is too narrow; each step leaves out more. The environment is never left out.
const STEPS: u8 = 6;

pub fn draw(canvas: &mut Canvas<'_>, area: Rect, state: &State) {
    let mut left = left(state, 0);
    let mut right = sources(state, 0);
    for step in 1..=STEPS {
        if length(&left) + length(&right) <= area.width {
            break;
        }
        left = self::left(state, step);
        right = sources(state, step);
    }
    let end = canvas.pieces(area.x, area.y, area.width, &left);
    let start = area.right().saturating_sub(length(&right)).max(end);
    canvas.pieces(start, area.y, area.right().saturating_sub(start), &right);
}

fn length(pieces: &[Piece]) -> u16 {
    pieces.iter().map(|piece| width(&piece.text)).sum()
}

/// The environment's word: its class is said in words unless the name already says it.
fn banner(state: &State) -> (Shown, Role) {
    let (word, role) = match state.environment.class {
        RiskClass::Production => ("PROD", Role::BannerProd),
        RiskClass::Staging => ("STAG", Role::BannerStaging),
        RiskClass::Development => ("DEV", Role::BannerDev),
    };
    let name = &state.environment.name;
    let upper = name.upper();
    let text = if upper.as_str().contains(word) { upper } else { shown!("{} {}", word, name) };
    (cut_middle(text.as_str(), 24), role)
}

fn left(state: &State, step: u8) -> Vec<Piece> {
    let (banner, role) = banner(state);
    let mut pieces = vec![Piece::new(shown!(" {} ", banner), Ink::bold(role))];
    if let Some(notice) = &state.environment.notice {
        let notice = if step < 2 { notice.clone() } else { cut_middle(notice.as_str(), 8) };
        pieces.push(Piece::new(shown!(" {}", notice), Role::Info));
    }
    pieces.push(Piece::new(" read-only", Role::Dim));
    if step < 5 {
        let identity = identity(state);
        let most = if step < 3 { 24 } else { 14 };
        pieces.push(Piece::new(shown!("  {}", cut_middle(identity.as_str(), most)), Role::Dim));
    }
    pieces.push(Piece::new(shown!("  {}", format::clock(state.now)), Role::Text));
    pieces
}

/// Who we are there: as Kubernetes or AWS says, else as this host does.
fn identity(state: &State) -> Shown {
    let of = |kind: SourceKind| {
        state.sources.iter().filter(|source| source.kind == kind).find_map(|source| source.identity.clone())
    };
    of(SourceKind::Kubernetes).or_else(|| of(SourceKind::Aws)).unwrap_or_else(|| state.environment.user.clone())
}

fn sources(state: &State, step: u8) -> Vec<Piece> {
    if step == STEPS {
        return counts(state);
    }
    state.sources.iter().flat_map(|status| source(status, state, step)).collect()
}

fn source(status: &SourceStatus, state: &State, step: u8) -> [Piece; 2] {
    let (glyph, light) = looks::light(&status.state);
    let name = status.id.shown();
    let name = match step {
        0 => name,
        1..4 => cut_middle(name.as_str(), 6),
        _ => cut_middle(name.as_str(), 3),
    };
    let age = status.sample_at.map(|at| format::age(state.now.since(at)));
    let failed = matches!(status.state, SourceState::Failed { .. });
    let words = match (age, failed) {
        (Some(age), true) if step == 0 => shown!("{} {} {}", name, age, looks::source_word(status)),
        (Some(age), _) => shown!("{} {}", name, age),
        (None, true) if step < 2 => shown!("{} {}", name, looks::source_word(status)),
        (None, _) => name,
    };
    let ink = if failed { Ink::bold(Role::Crit) } else { Role::Dim.into() };
    [Piece::new(shown!("  {}", Shown::fixed(glyph)), light), Piece::new(shown!(" {}", words), ink)]
}

/// What is left of the sources on the narrowest screens: how many are live.
fn counts(state: &State) -> Vec<Piece> {
    let live = state.sources.iter().filter(|source| source.state.is_live()).count();
    let role = if live == state.sources.len() { Role::Dim } else { Role::Warn };
    vec![Piece::new(shown!("  {}/{} sources live", live, state.sources.len()), role)]
}

/// The rule below the header; a loss of evidence stands in it.
pub fn evidence(canvas: &mut Canvas<'_>, area: Rect, state: &State) {
    canvas.rule(area);
    let (word, rest, role) = match &state.board.evidence {
        Evidence::Full => return,
        Evidence::Partial { missing } => (" PARTIAL ", lost(missing), Role::Warn),
        Evidence::Blind { missing, since } => {
            let since = since.map_or_else(Shown::default, |at| shown!("since {}, ", format::moment(at, state.now)));
            (" BLIND ", shown!("{}{}", since, lost(missing)), Role::Crit)
        }
        Evidence::Connecting => (" connecting ", waiting(state), Role::Unknown),
    };
    let x = canvas.put(area.x + 2, area.y, area.width - 4, word, Ink::bold(role));
    canvas.put(x, area.y, area.right().saturating_sub(x + 2), shown!("{} ", rest), role);
}

fn lost(missing: &[Missing]) -> Shown {
    let words = missing.iter().map(|missing| match missing.since {
        Some(since) => shown!("no {} since {}", missing.source.shown(), format::time(since)),
        None => shown!("no {}", missing.source.shown()),
    });
    Shown::joined(words, ", ")
}

fn waiting(state: &State) -> Shown {
    let connecting = state.sources.iter().filter(|source| matches!(source.state, SourceState::Connecting { .. }));
    Shown::joined(connecting.map(|source| source.id.shown()), ", ")
}
