//! The header: which environment, who we are there, what time it is, and how old each source's newest sample is; below
//! it the rule that says what evidence is missing.

use ratatui::layout::Rect;

use crate::domain::health::Health;
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
/// What a source of each kind is called here, the most telling first.
const KINDS: [(SourceKind, &str); 7] = [
    (SourceKind::Kubernetes, "k8s"),
    (SourceKind::Prometheus, "prom"),
    (SourceKind::CloudWatch, "cw"),
    (SourceKind::Aws, "aws"),
    (SourceKind::Probe, "probes"),
    (SourceKind::Alertmanager, "am"),
    (SourceKind::Sink, "sink"),
];

/// Every source has its light, by itself or with the others of its kind. Where there is no room, first who we are there
/// gives way, then the ages of what is live, then the names of what is live, from the least telling on; what failed keeps
/// its name as long as there is any room for it.
pub fn draw(canvas: &mut Canvas<'_>, area: Rect, state: &State) {
    let lights = lights(state);
    let (named, failed) = (lights.len(), lights.iter().filter(|light| light.failed).count());
    let fewer = |step: u8, detail: Detail| (failed..named).rev().map(move |names| (step, detail, names));
    let whole = (0..3).map(|step| (step, Detail::Whole, named));
    let ways = whole.chain([(1, Detail::Young, named), (2, Detail::Young, named)]);
    let ways = ways.chain(fewer(2, Detail::Young)).chain(fewer(2, Detail::Names)).chain(fewer(STEPS, Detail::Names));
    let mut ways = ways.map(|(step, detail, names)| (left(state, step), told(&lights, detail, names)));
    let fitting = ways.find(|(left, right)| length(left) + length(right) <= area.width);
    let way = fitting.unwrap_or_else(|| (left(state, STEPS), told(&lights, Detail::Names, 0)));
    let (left, right) = way;
    let end = canvas.pieces(area.x, area.y, area.width, &left);
    let start = area.right().saturating_sub(length(&right)).max(end);
    canvas.pieces(start, area.y, area.right().saturating_sub(start), &right);
}

/// What is said of a light.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Detail {
    Whole,
    /// Without the ages of what is live.
    Young,
    /// Names alone.
    Names,
}

fn length(pieces: &[Piece]) -> u16 {
    pieces.iter().map(|piece| width(&piece.text)).sum()
}

/// The environment's word: its class is said in words unless the name already says it.
pub fn banner(state: &State) -> (Shown, Role) {
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
    pieces.push(mode(state));
    pieces.extend(operations(state, step));
    if step < 2 {
        let identity = identity(state);
        let most = if step == 0 { 24 } else { 14 };
        pieces.push(Piece::new(shown!("  {}", cut_middle(identity.as_str(), most)), Role::Dim));
    }
    // Seconds count while users are hurt. Otherwise a screen without news shall send nothing over a slow line.
    let counts = state.board.health == Health::Critical;
    let clock = if counts { format::clock(state.now) } else { format::quiet_clock(state.now) };
    pieces.push(Piece::new(shown!("  {}", clock), Role::Text));
    pieces
}

/// Whether changes can be made, and how long.
fn mode(state: &State) -> Piece {
    match state.operations.armed_for() {
        Some(left) => {
            let secs = left.as_secs();
            let pad = |value: u64| shown!("{}{}", if value < 10 { "0" } else { "" }, value);
            Piece::new(shown!(" ARMED {}:{}", pad(secs / 60), pad(secs % 60)), Ink::bold(Role::Warn))
        }
        None => Piece::new(" read-only", Role::Dim),
    }
}

/// What runs, what must be put back and what nobody knows: never left out, only said in fewer letters.
fn operations(state: &State, step: u8) -> Vec<Piece> {
    let desk = &state.operations.desk;
    let brief = step >= STEPS;
    let told = |count: usize, whole: Shown, short: Shown, role: Role| {
        let words = if brief { shown!(" {}", short) } else { shown!("  {}", whole) };
        (count > 0).then(|| Piece::new(words, Ink::bold(role)))
    };
    let (runs, debts, doubts) = (desk.in_flight(), desk.debts.len(), desk.doubts.len());
    let pieces = [
        told(runs, shown!("{} running", runs), shown!("{} run", runs), Role::Info),
        told(debts, shown!("DEBTS {}", debts), shown!("{} owed", debts), Role::Warn),
        told(doubts, shown!("IN DOUBT {}", doubts), shown!("{} doubt", doubts), Role::Unknown),
    ];
    pieces.into_iter().flatten().collect()
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
    live: bool,
    /// The glyph of what is not live.
    mark: Option<(&'static str, Role)>,
    name: Shown,
    /// How it failed, in a word.
    word: Option<&'static str>,
    age: Option<Shown>,
    /// How many sources it stands for.
    count: usize,
}

/// What failed first; then the others, kind by kind.
fn lights(state: &State) -> Vec<Light> {
    let (mut lost, mut waiting, mut live) = (Vec::new(), Vec::new(), Vec::new());
    for (kind, name) in KINDS {
        let of = |wanted: fn(&SourceState) -> bool| -> Vec<&SourceStatus> {
            state.sources.iter().filter(|source| source.kind == kind && wanted(&source.state)).collect()
        };
        let all = state.sources.iter().filter(|source| source.kind == kind).count();
        let failed = of(|state| matches!(state, SourceState::Failed { .. }));
        if let Some(first) = failed.first() {
            let name = match failed.len() {
                1 => cut_middle(first.id.shown().as_str(), 10),
                several => shown!("{} {}/{}", name, several, all),
            };
            lost.push(light(true, name, &failed, state));
        }
        let connecting = of(|state| matches!(state, SourceState::Connecting { .. }));
        if !connecting.is_empty() {
            waiting.push(light(false, Shown::fixed(name), &connecting, state));
        }
        let speaking = of(SourceState::is_live);
        if !speaking.is_empty() {
            live.push(light(false, Shown::fixed(name), &speaking, state));
        }
    }
    lost.into_iter().chain(waiting).chain(live).collect()
}

/// Sources of one kind in one state, with the age of the newest sample of the one whose is the oldest.
fn light(failed: bool, name: Shown, sources: &[&SourceStatus], state: &State) -> Light {
    let oldest = sources.iter().filter_map(|source| source.sample_at).min();
    let age = oldest.map(|at| format::source_age(state.now.since(at), "")).filter(|age| !age.is_empty());
    let live = sources.iter().all(|source| source.state.is_live());
    let mark = sources.first().filter(|_| !live).map(|source| looks::light(&source.state));
    let word = sources.first().filter(|_| failed).map(|source| source.word());
    Light { failed, live, mark, name, word, age, count: sources.len() }
}

/// The lights in words: the first `names` by name, the others counted by how they are.
fn told(lights: &[Light], detail: Detail, names: usize) -> Vec<Piece> {
    let mut pieces = Vec::new();
    for light in lights.iter().take(names) {
        let ink = if light.failed { Ink::bold(Role::Crit) } else { Role::Dim.into() };
        pieces.extend(light.mark.map(|(glyph, role)| Piece::new(shown!("  {}", Shown::fixed(glyph)), role)));
        let gap = if light.mark.is_some() { " " } else { "  " };
        let word = light.word.filter(|_| detail != Detail::Names);
        let age = light.age.as_ref();
        let age = age.filter(|_| detail == Detail::Whole || (light.failed && detail == Detail::Young));
        let mut words = shown!("{}{}", gap, light.name);
        if let Some(word) = word {
            words = shown!("{} {}", words, word);
        }
        if let Some(age) = age {
            words = shown!("{} {}", words, age);
        }
        pieces.push(Piece::new(words, ink));
    }
    let count = |of: fn(&Light) -> bool| lights.iter().skip(names).filter(|light| of(light)).map(|l| l.count).sum();
    let groups: [(usize, &str, Ink); 3] = [
        (count(|light| light.failed), "failed", Ink::bold(Role::Crit)),
        (count(|light| !light.failed && !light.live), "waiting", Role::Unknown.into()),
        (count(|light| light.live), "ok", Role::Dim.into()),
    ];
    for (count, word, ink) in groups {
        if count > 0 {
            let sign = if names > 0 { "+" } else { "" };
            pieces.push(Piece::new(shown!("  {}{} {}", sign, count, word), ink));
        }
    }
    pieces
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
