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

/// One light of the header: a source, or all sources of a kind where there are many.
struct Light {
    name: Shown,
    glyph: &'static str,
    role: Role,
    /// Of the oldest newest sample among them.
    age: Option<Shown>,
    live: bool,
    /// Why it failed.
    word: Option<Shown>,
}

/// More sources than this are shown by kind.
const SINGLE: usize = 4;

/// Kinds in the order of the header, with the names they have there.
const KINDS: [(SourceKind, &str); 6] = [
    (SourceKind::Kubernetes, "k8s"),
    (SourceKind::Prometheus, "prom"),
    (SourceKind::CloudWatch, "cw"),
    (SourceKind::Aws, "aws"),
    (SourceKind::Probe, "probes"),
    (SourceKind::Alertmanager, "am"),
];

/// The lights, those that are not live first.
fn lights(state: &State) -> Vec<Light> {
    let mut lights: Vec<Light> = if state.sources.len() <= SINGLE {
        state.sources.iter().map(|source| light(source.id.shown(), &[source], state)).collect()
    } else {
        let of = |kind| state.sources.iter().filter(move |source| source.kind == kind).collect::<Vec<_>>();
        KINDS
            .iter()
            .map(|(kind, name)| (*name, of(*kind)))
            .filter(|(_, sources)| !sources.is_empty())
            .map(|(name, sources)| light(Shown::fixed(name), &sources, state))
            .collect()
    };
    lights.sort_by_key(|light| (light.word.is_none(), light.live));
    lights
}

/// The light of sources that share one: it is as bad as the worst of them.
fn light(name: Shown, sources: &[&SourceStatus], state: &State) -> Light {
    let badness = |source: &SourceStatus| match source.state {
        SourceState::Live => 0,
        SourceState::Connecting { .. } => 1,
        SourceState::Failed { .. } => 2,
    };
    let worst = sources.iter().max_by_key(|source| badness(source));
    let (glyph, role) = worst.map_or(("?", Role::Unknown), |source| looks::light(&source.state));
    let age = sources.iter().filter_map(|source| source.sample_at).min().map(|at| format::age(state.now.since(at)));
    let failed = sources.iter().filter(|source| badness(source) == 2).count();
    let word = worst.filter(|source| badness(source) == 2).map(|source| {
        let word = looks::source_word(source);
        if sources.len() > 1 { shown!("{}/{} {}", failed, sources.len(), word) } else { shown!("{}", word) }
    });
    let live = worst.is_none_or(|source| badness(source) == 0);
    Light { name, glyph, role, age, live, word }
}

fn sources(state: &State, step: u8) -> Vec<Piece> {
    if step == STEPS {
        return counts(state);
    }
    lights(state).iter().enumerate().flat_map(|(index, light)| pieces(light, index, step)).collect()
}

/// Live sources lose their glyph first, then their place in the line; what is not live keeps both.
fn pieces(light: &Light, index: usize, step: u8) -> Vec<Piece> {
    if light.live && step >= 4 && index >= 4 {
        return Vec::new();
    }
    let words = match (&light.age, &light.word) {
        (Some(age), Some(word)) if step == 0 => shown!("{} {} {}", light.name, age, word),
        (_, Some(word)) if step < 3 => shown!("{} {}", light.name, word),
        (Some(age), _) => shown!("{} {}", light.name, age),
        (None, _) => light.name.clone(),
    };
    let ink = if light.word.is_none() { Role::Dim.into() } else { Ink::bold(Role::Crit) };
    if light.live && step >= 2 {
        return vec![Piece::new(shown!("  {}", words), ink)];
    }
    vec![Piece::new(shown!("  {}", Shown::fixed(light.glyph)), light.role), Piece::new(shown!(" {}", words), ink)]
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
