//! Every workload in one list, those under way first: where its rollout is, and canary beside stable.

use ratatui::layout::Rect;

use super::lists::{details, labelled, split};
use crate::domain::id::ComponentId;
use crate::domain::text::Shown;
use crate::model::board::{ComponentRow, SignalRow};
use crate::model::canary::Verdict;
use crate::model::facts::{Revision, RolloutFact, RolloutStep};
use crate::model::signals::Role as SignalRole;
use crate::shown;
use crate::state::{State, rows};
use crate::theme::Role;
use crate::ui::canvas::{Canvas, Ink, Piece, cut_middle, width};
use crate::ui::panels::list;
use crate::ui::{format, looks};

/// A ladder of more steps is told in numbers alone.
const RUNGS: u32 = 8;

pub fn draw(canvas: &mut Canvas<'_>, area: Rect, state: &State, selected: Option<&ComponentId>) {
    let shown = rows::rollouts(state, state.filter.text());
    let at = rows::place_of(&shown, |row| Some(&row.id) == selected);
    let detail = shown.get(at).map(|row| detail(state, row, area.width)).unwrap_or_default();
    let (top, bottom) = split(area, detail.len());
    let columns = Columns::of(area.width);
    let body = list::heading(canvas, top, &columns.heads());
    let none = list::nothing(state, "no source tells of workloads");
    list::draw(canvas, body, &shown, (Some(at), 0), none, |canvas, line, row| {
        let (x, y) = (line.x, line.y);
        let under_way = row.rollout.as_ref().filter(|rollout| rollout.canary.is_some());
        let quiet = if under_way.is_some() { Role::Text } else { looks::row(row.health) };
        canvas.put(x + 1, y, 1, looks::glyph(row.health), looks::role(row.health));
        canvas.name(x + 3, y, columns.name, &row.name, quiet);
        if let Some(kind) = columns.kind {
            canvas.put(x + kind, y, 12, row.id.kind.name(), Role::Dim);
        }
        canvas.pieces(x + columns.step, y, 17, &ladder(row));
        if let (Some(at), Some(rollout)) = (columns.weights, under_way) {
            canvas.put(x + at, y, 8, weights(rollout), quiet);
        }
        let stable = row.rollout.as_ref().filter(|_| under_way.is_some()).map(|rollout| &rollout.stable);
        if let Some(at) = columns.stable {
            canvas.pieces(x + at, y, 12, &measured(row, stable, quiet));
        }
        if let Some(canary) = under_way.and_then(|rollout| rollout.canary.as_ref()) {
            canvas.pieces(x + columns.canary, y, 12, &measured(row, Some(canary), quiet));
            let (word, ink) = verdict(row);
            let at = x + columns.canary + 13;
            canvas.put(at, y, line.right().saturating_sub(at), word, ink);
        }
    });
    details(canvas, bottom, &detail);
}

/// Where the columns stand. On a narrow screen weights and stable give way: the selected row's detail has them.
struct Columns {
    name: u16,
    kind: Option<u16>,
    step: u16,
    weights: Option<u16>,
    stable: Option<u16>,
    canary: u16,
}

impl Columns {
    fn of(width: u16) -> Self {
        let wide = width >= 100;
        let narrow = width < 76;
        let kind = if wide { 13 } else { 0 };
        let rest = if narrow { 42 } else { 64 + kind };
        let name = width.saturating_sub(rest).clamp(14, 40);
        let step = name + 4 + kind;
        let beside = if narrow { step + 18 } else { step + 27 };
        Self {
            name,
            kind: wide.then_some(name + 4),
            step,
            weights: (!narrow).then_some(step + 18),
            stable: (!narrow).then_some(beside),
            canary: if narrow { beside } else { beside + 13 },
        }
    }

    fn heads(&self) -> Vec<(u16, &'static str)> {
        let Self { kind, step, weights, stable, canary, .. } = *self;
        let always = [(3, "NAME"), (step, "STEP"), (canary, "CANARY"), (canary + 13, "VERDICT")];
        let sometimes = [(kind, "KIND"), (weights, "SET/ACT"), (stable, "STABLE")];
        let sometimes = sometimes.into_iter().filter_map(|(at, words)| Some((at?, words)));
        always.into_iter().chain(sometimes).collect()
    }
}

/// `■■□□□□ 2/6 paused`.
fn ladder(row: &ComponentRow) -> Vec<Piece> {
    let word = rows::progress(row);
    let role = match word {
        "paused" | "aborted" | "degraded" => Ink::bold(Role::Warn),
        "moving" => Ink::bold(Role::Info),
        _ => Role::Dim.into(),
    };
    let under_way = row.rollout.as_ref().filter(|rollout| rollout.canary.is_some());
    match (under_way.map(|rollout| rollout.step), &row.replicas) {
        (Some(Some((at, of))), _) => {
            let on = at.saturating_add(1).min(of);
            let rungs = if of > RUNGS { 0 } else { of };
            let squares: String = (0..rungs).map(|rung| if rung < on { '■' } else { '□' }).collect();
            let gap = if rungs > 0 { " " } else { "" };
            let words = shown!("{}{}{}/{} ", Shown::of(&squares), gap, on, of);
            vec![Piece::new(words, Role::Text), Piece::new(word, role)]
        }
        (None, Some(replicas)) => {
            let few = replicas.ready < replicas.desired;
            let count = shown!(" {}", format::ready(replicas));
            vec![Piece::new(word, role), Piece::new(count, if few { Role::Warn } else { Role::Dim })]
        }
        _ => vec![Piece::new(word, role)],
    }
}

/// Traffic asked for and traffic that goes there, per cent: `20/20 %`; what is not told is a dash.
fn weights(rollout: &RolloutFact) -> Shown {
    let told = |weight: Option<u32>| weight.map_or(Shown::fixed("-"), |weight| shown!("{}", weight));
    shown!("{}/{} %", told(rollout.set_weight), told(rollout.actual_weight))
}

/// Failed share and time of a revision, or of the whole where there is one revision only.
fn measured(row: &ComponentRow, revision: Option<&Revision>, quiet: Role) -> Vec<Piece> {
    let of = |role| match revision {
        Some(revision) => rows::of_revision(row, revision, role).next(),
        None => rows::key_signal(row, role),
    };
    let cell = |signal: Option<&SignalRow>, columns: u16| {
        let (text, role) = match signal {
            Some(signal) => {
                let figure = format::cell(&signal.reading);
                let role = if figure.is_fresh() && !signal.health.is_sick() {
                    quiet
                } else {
                    looks::value(&figure, signal.health)
                };
                (figure.text, role)
            }
            None => (Shown::fixed("-"), Role::Faint),
        };
        let gap = columns.saturating_sub(width(&text));
        [Piece::new(Shown::of(&" ".repeat(usize::from(gap))), Role::Dim), Piece::new(text, role)]
    };
    cell(of(SignalRole::ErrorRatio), 5).into_iter().chain(cell(of(SignalRole::Latency), 7)).collect()
}

/// Whether the canary fails more than the stable revision.
const fn verdict(row: &ComponentRow) -> (&'static str, Ink) {
    match row.verdict {
        Some(Verdict::Fail) => ("WORSE", Ink::bold(Role::Crit)),
        Some(Verdict::Pass) => ("same", Ink { role: Role::Ok, bold: false }),
        Some(Verdict::Inconclusive { .. }) => ("? few", Ink { role: Role::Unknown, bold: false }),
        None => ("-", Ink { role: Role::Faint, bold: false }),
    }
}

/// The selected one in full.
fn detail(state: &State, row: &ComponentRow, columns: u16) -> Vec<Vec<Piece>> {
    let place = if row.id.scope.is_empty() { Shown::default() } else { shown!(" in {}", row.id.scope) };
    let title = vec![
        Piece::new(shown!(" {}", row.name), Ink::bold(Role::Text)),
        Piece::new(shown!("  {}{}  ", row.id.kind.name(), place), Role::Dim),
        Piece::new(shown!("{} {}", looks::glyph(row.health), row.health.brief()), looks::role(row.health)),
    ];
    let mut lines = vec![title];
    lines.extend(standing(state, row, columns));
    match &row.rollout {
        Some(rollout) if rollout.canary.is_some() => {
            lines.extend(steps(rollout));
            lines.extend(beside(row, rollout, columns));
            let words = match row.verdict {
                Some(Verdict::Fail) => Shown::fixed("worse: the canary fails more than stable, beyond chance (95 %)"),
                Some(Verdict::Pass) => Shown::fixed("the canary fails no more than stable (95 %)"),
                Some(Verdict::Inconclusive { needed }) => {
                    shown!("cannot be told yet: about {} requests of the canary would tell", needed)
                }
                None => Shown::fixed("not known: the requests of both revisions are not measured"),
            };
            lines.extend(labelled("verdict", &words, verdict(row).1.role, columns));
        }
        _ => {
            let images = row.attributes.iter().filter(|(name, _)| *name == "image").map(|(_, image)| image.shown());
            let images: Vec<Shown> = images.collect();
            if !images.is_empty() {
                lines.extend(labelled("image", &Shown::joined(images, ", "), Role::Text, columns));
            }
        }
    }
    if let Some(reason) = row.reasons.first() {
        lines.extend(labelled("why", &reason.text, Role::Text, columns));
    }
    if let Some(change) = rows::component_changes(&state.board, &row.id, "").first() {
        let who = change.who.as_ref().map_or_else(Shown::default, |who| shown!(" by {}", who));
        let words = shown!("{}{}, {}", change.what, who, format::moment(change.at, state.now));
        lines.extend(labelled("changed", &words, Role::Dim, columns));
    }
    lines
}

/// Where it stands, and what keeps it there.
fn standing(state: &State, row: &ComponentRow, columns: u16) -> Vec<Vec<Piece>> {
    let Some(rollout) = &row.rollout else {
        let words = match rows::progress(row) {
            "done" => "no rollout is under way",
            _ => "whether an update is under way is not told of its kind",
        };
        return labelled("now", &Shown::fixed(words), Role::Dim, columns);
    };
    let step = rollout.step.map_or_else(Shown::default, |(at, of)| shown!(" at step {} of {}", (at + 1).min(of), of));
    let halt = rollout.halt.as_ref().map_or_else(Shown::default, |halt| {
        let since = halt.since.map_or(Shown::fixed(", since when is not told"), |at| {
            shown!(" since {} ({})", format::moment(at, state.now), format::lasting(state.now.since(at)))
        });
        shown!("{}: {}", since, halt.why)
    });
    labelled("now", &shown!("{}{}{}", rollout.phase, step, halt), Role::Text, columns)
}

/// `20 % ▸pause · 50 % · pause`.
fn steps(rollout: &RolloutFact) -> Option<Vec<Piece>> {
    let (at, _) = rollout.step.filter(|_| !rollout.steps.is_empty())?;
    let mut line = vec![Piece::new(shown!(" {:<11}", "steps"), Role::Dim)];
    for (index, step) in (0..).zip(rollout.steps.iter()) {
        let words = match step {
            RolloutStep::Weight(weight) => shown!("{} %", weight),
            RolloutStep::Pause => Shown::fixed("pause"),
            RolloutStep::Other => Shown::fixed("check"),
        };
        let (lead, ink) = match index {
            index if index == at => ("▸", Ink::bold(Role::Accent)),
            index if index < at => (" ", Role::Dim.into()),
            _ => (" ", Role::Faint.into()),
        };
        line.push(Piece::new(shown!("{}{} ", lead, words), ink));
    }
    Some(line)
}

/// Both revisions with everything that is measured of them.
fn beside(row: &ComponentRow, rollout: &RolloutFact, columns: u16) -> Vec<Vec<Piece>> {
    let both = [("stable", Some(&rollout.stable)), ("canary", rollout.canary.as_ref())];
    // What is measured of either revision, one column each.
    let mut labels: Vec<(&'static str, SignalRole)> = Vec::new();
    for role in [SignalRole::Rate, SignalRole::ErrorRatio, SignalRole::Latency] {
        let of_both = both.iter().filter_map(|(_, revision)| *revision);
        for signal in of_both.flat_map(|revision| rows::of_revision(row, revision, role)) {
            if !labels.iter().any(|(label, _)| *label == signal.label) {
                labels.push((signal.label, role));
            }
        }
    }
    let room = usize::from(columns.saturating_sub(50) / 9).max(3);
    labels.truncate(room);
    let mut head = vec![Piece::new(shown!(" {:<11}{:<6}{:<7}", "", "REV", "READY"), Role::Dim)];
    head.extend(labels.iter().map(|(label, _)| Piece::new(shown!("{:<9}", Shown::fixed(label).upper()), Role::Dim)));
    head.push(Piece::new("IMAGE", Role::Dim));
    let mut lines = vec![head];
    for (name, revision) in both {
        let Some(revision) = revision else { continue };
        let number = revision.number.map_or(Shown::fixed("-"), |number| shown!("{}", number));
        let ready = shown!("{}", revision.ready);
        let mut line = vec![
            Piece::new(shown!(" {:<11}", name), Role::Dim),
            Piece::new(shown!("{:<6}{:<7}", number, ready), Role::Text),
        ];
        for (label, role) in &labels {
            let signal = rows::of_revision(row, revision, *role).find(|signal| signal.label == *label);
            let (text, role) = signal.map_or((Shown::fixed("-"), Role::Faint), |signal| {
                let figure = format::cell(&signal.reading);
                let role = if signal.health.is_sick() || !figure.is_fresh() {
                    looks::value(&figure, signal.health)
                } else {
                    Role::Text
                };
                (figure.text, role)
            });
            line.push(Piece::new(shown!("{:<9}", text), role));
        }
        let used = 25 + 9 * labels.len();
        let image = cut_middle(revision.image.shown().as_str(), usize::from(columns).saturating_sub(used + 1).max(4));
        line.push(Piece::new(image, Role::Text));
        lines.push(line);
    }
    if labels.is_empty() {
        lines.push(vec![Piece::new("             nothing is measured of either revision", Role::Unknown)]);
    }
    lines
}
