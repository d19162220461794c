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

/// How much of the left part is left out when the line is too narrow; each step leaves out more. The environment is
/// never left out.
const STEPS: u8 = 3;
/// Who we are there gives way when fewer lights than this have room beside it.
const LIGHTS: usize = 3;
/// Columns of an age; kept free for shorter ones, so that nothing moves when an age grows.
const AGE: u16 = 3;
/// What a source of each kind is called here, the most telling first.
const KINDS: [(SourceKind, &str); 6] = [
    (SourceKind::Kubernetes, "k8s"),
    (SourceKind::Prometheus, "prom"),
    (SourceKind::CloudWatch, "cw"),
    (SourceKind::Aws, "aws"),
    (SourceKind::Probe, "probes"),
    (SourceKind::Alertmanager, "am"),
];

pub fn draw(canvas: &mut Canvas<'_>, area: Rect, state: &State) {
    let lights = lights(state);
    let room = |left: &[Piece]| area.width.saturating_sub(length(left));
    let steps: Vec<_> = (0..=STEPS).map(|step| left(state, step)).collect();
    let shows = |left: &&Vec<Piece>, least: usize| fitting(&lights, room(left)) >= least.min(lights.len());
    let all = steps.iter().find(|left| shows(left, lights.len()));
    let least = LIGHTS.max(lights.iter().filter(|light| light.failed).count());
    let Some(left) = all.or_else(|| steps.iter().find(|left| shows(left, least))).or(steps.last()) else { return };
    let right = right(&lights, room(left), state);
    let end = canvas.pieces(area.x, area.y, area.width, left);
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
        let notice = if step < 3 { notice.clone() } else { cut_middle(notice.as_str(), 8) };
        pieces.push(Piece::new(shown!(" {}", notice), Role::Info));
    }
    pieces.push(Piece::new(" read-only", Role::Dim));
    if step < 2 {
        let identity = identity(state);
        let most = if step == 0 { 24 } else { 14 };
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

/// What is said of the sources of a kind that failed, or of the others of a kind.
struct Light {
    failed: bool,
    /// The glyph of what is not live.
    mark: Option<(&'static str, Role)>,
    words: Shown,
    /// Columns it takes at most as its age grows.
    columns: u16,
}

/// What failed first; then the others, kind by kind.
fn lights(state: &State) -> Vec<Light> {
    let (mut lost, mut speaking) = (Vec::new(), Vec::new());
    for (kind, name) in KINDS {
        let of_kind = state.sources.iter().filter(|source| source.kind == kind);
        let (failed, others): (Vec<_>, Vec<_>) =
            of_kind.partition(|source| matches!(source.state, SourceState::Failed { .. }));
        lost.extend(failed.first().map(|first| {
            let name = if failed.len() == 1 { cut_middle(first.id.shown().as_str(), 10) } else { Shown::fixed(name) };
            let count = match failed.len() {
                1 => Shown::default(),
                several => shown!(" {}/{}", several, several + others.len()),
            };
            let words = shown!("{}{} {}", name, count, looks::source_word(first));
            light(true, Some(looks::light(&first.state)), words, oldest(&failed, state))
        }));
        speaking.extend(others.first().map(|_| {
            let connecting = others.iter().find(|source| !source.state.is_live());
            let mark = connecting.map(|source| looks::light(&source.state));
            light(false, mark, Shown::fixed(name), oldest(&others, state))
        }));
    }
    lost.into_iter().chain(speaking).collect()
}

/// The age of the newest sample of the source whose is the oldest.
fn oldest(sources: &[&SourceStatus], state: &State) -> Option<Shown> {
    sources.iter().filter_map(|source| source.sample_at).min().map(|at| format::age(state.now.since(at)))
}

fn light(failed: bool, mark: Option<(&'static str, Role)>, words: Shown, age: Option<Shown>) -> Light {
    let columns = 2 + width(&words) + if mark.is_some() { 2 } else { 0 };
    match age {
        Some(age) => {
            let columns = columns + 1 + width(&age).max(AGE);
            Light { failed, mark, words: shown!("{} {}", words, age), columns }
        }
        None => Light { failed, mark, words, columns },
    }
}

/// How many of the lights have room.
fn fitting(lights: &[Light], room: u16) -> usize {
    let ends = lights.iter().scan(0, |end: &mut u16, light| {
        *end += light.columns;
        Some(*end)
    });
    ends.take_while(|end| *end <= room).count()
}

/// As many lights as have room; where that are not even the failed ones, how many failed.
fn right(lights: &[Light], room: u16, state: &State) -> Vec<Piece> {
    let count = fitting(lights, room);
    let failed = lights.iter().filter(|light| light.failed).count();
    if count < failed {
        let words = shown!("  x {}/{} sources failed", failed, state.sources.len());
        return vec![Piece::new(words, Ink::bold(Role::Crit))];
    }
    let pieces = lights.iter().take(count).flat_map(|light| {
        let ink = if light.failed { Ink::bold(Role::Crit) } else { Role::Dim.into() };
        let mark = light.mark.map(|(glyph, role)| Piece::new(shown!("  {}", Shown::fixed(glyph)), role));
        let gap = if mark.is_some() { " " } else { "  " };
        mark.into_iter().chain([Piece::new(shown!("{}{}", gap, light.words), ink)])
    });
    pieces.collect()
}

/// The rule below the header; a loss of evidence stands in it.
pub fn evidence(canvas: &mut Canvas<'_>, area: Rect, state: &State) {
    canvas.rule(area);
    let (word, rest, role) = match &state.board.evidence {
        Evidence::Full => return,
        Evidence::Partial { missing } => (" PARTIAL ", lost(missing), Role::Warn),
        Evidence::Blind { missing, since } => {
            let since = since.map_or_else(Shown::default, |at| shown!("since {}, ", format::moment(at, state.now)));
            let why = if missing.is_empty() { Shown::fixed("nothing measures what users feel") } else { lost(missing) };
            (" BLIND ", shown!("{}{}", since, why), Role::Crit)
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
