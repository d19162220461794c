//! Where numbers come from: the query as it can be pasted, source, period, sample, target; for derived figures the
//! formula and its parts.

mod facts;

use ratatui::layout::Rect;

use crate::domain::id::ComponentId;
use crate::domain::reading::{Absence, Query, Reading, Sample};
use crate::domain::text::Shown;
use crate::domain::unit::Statistic;
use crate::model::board::{AlertRow, Board, ComponentRow, SignalRow, TierRow};
use crate::shown;
use crate::state::rows;
use crate::state::{BoardRow, Place, State};
use crate::theme::Role;
use crate::ui::canvas::{Canvas, Ink, Piece, wrap};
use crate::ui::format;

/// Derived figures of derived figures: deeper than this nobody reads.
const DEEPEST: usize = 3;

pub fn draw(canvas: &mut Canvas<'_>, area: Rect, state: &State, scroll: usize) {
    let (title, told) = subject(state);
    let mut writer = Writer { state, columns: super::columns(area), lines: Vec::new() };
    match &told {
        Told::Figures(figures) if figures.is_empty() => {
            writer.lines.push(vec![Piece::new("nothing is measured here", Role::Dim)]);
        }
        Told::Figures(figures) => figures.iter().for_each(|figure| writer.figure(figure)),
        Told::Facts(facts) => facts.iter().for_each(|(label, text)| writer.pair(label, text, 0)),
    }
    super::sheet(canvas, area, &shown!("explain {}", title), &writer.lines, scroll);
}

/// What is told of a subject: figures with where they come from, or facts in words.
enum Told<'a> {
    Figures(Vec<Explained<'a>>),
    Facts(Vec<(&'static str, Shown)>),
}

/// A figure to explain.
struct Explained<'a> {
    name: Shown,
    reading: &'a Reading,
    /// Target or thresholds, in words, with where they come from.
    target: Option<Shown>,
    /// Which way of measuring was taken, where there are several.
    counted: Option<&'a Shown>,
}

/// What is selected, and what there is to tell of it.
fn subject(state: &State) -> (Shown, Told<'_>) {
    let board = &state.board;
    let filter = state.filter.text();
    let of_component = |id: &ComponentId, chosen: Option<usize>| match rows::component(board, id) {
        Some((_, row)) => (row.name.clone(), Told::Figures(component(row, rows::charted(row, chosen)))),
        None => (id.shown(), Told::Figures(Vec::new())),
    };
    let of_tier = |tier| {
        let (name, figures) = of_tier(rows::tier(board, tier));
        (name, Told::Figures(figures))
    };
    let of_users = || (Shown::fixed("users"), Told::Figures(users(board)));
    match state.place() {
        Some(Place::Component(place)) => of_component(&place.component, place.signal),
        Some(Place::Topology(place)) => match rows::topology_selection(board, place) {
            Some(id) => of_component(&id, None),
            None => of_users(),
        },
        Some(Place::Tier(place)) => match rows::tier_selection(board, place, filter) {
            Some(id) => of_component(&id, None),
            None => of_tier(place.tier),
        },
        Some(Place::Board(place)) => match rows::selection(board, place) {
            BoardRow::Users => of_users(),
            BoardRow::Tier(tier) => of_tier(tier),
            BoardRow::Component(id) => of_component(&id, None),
        },
        Some(Place::Sources { selected }) => {
            let list = rows::sources(state, filter);
            let at = rows::place_of(&list, |source| Some(&source.id) == selected.as_ref());
            facts::told(list.get(at).map(|status| facts::source(state, status)))
        }
        Some(Place::Changes { selected }) => {
            let list = rows::changes(state, filter);
            let at = rows::place_of(&list, |change| Some(&change.key) == selected.as_ref());
            facts::told(list.get(at).map(|change| facts::change(state, change)))
        }
        Some(Place::Alerts { selected }) => {
            let list = rows::alerts(state, filter);
            let chosen = |alert: &&AlertRow| {
                selected.as_ref().is_some_and(|(source, key)| (source, key) == (&alert.source, &alert.key))
            };
            facts::told(list.get(rows::place_of(&list, chosen)).map(|alert| facts::alert(state, alert)))
        }
        Some(Place::Rollouts { selected }) => {
            let list = rows::rollouts(state, filter);
            let row = list.get(rows::place_of(&list, |row| Some(&row.id) == selected.as_ref()));
            row.map_or_else(of_users, |row| of_component(&row.id, None))
        }
        Some(Place::Databases { selected }) => {
            let list = rows::databases(state, filter);
            let row = list.get(rows::place_of(&list, |row| row.is(selected.as_ref())));
            row.map_or_else(of_users, |row| of_component(&row.of.id, None))
        }
        Some(Place::Operations { .. } | Place::Trail(_)) | None => of_users(),
    }
}

fn users(board: &Board) -> Vec<Explained<'_>> {
    let counted = board.users.counted.as_ref();
    let of_users = |name, reading| Explained { name: Shown::fixed(name), reading, target: None, counted };
    let mut figures = vec![
        of_users("failing requests", &board.users.failing_per_second),
        of_users("failing share", &board.users.failing_ratio),
    ];
    if let Some((name, reading)) = &board.users.business {
        let name = shown!("{} against last week", name);
        figures.push(Explained { name, reading, target: None, counted: None });
    }
    figures
}

fn of_tier(row: Option<&TierRow>) -> (Shown, Vec<Explained<'_>>) {
    let Some(row) = row else { return (Shown::default(), Vec::new()) };
    let plain =
        |name: &'static str, reading| Explained { name: Shown::fixed(name), reading, target: None, counted: None };
    let target = format::target(&row.latency).map(|(text, origin)| shown!("{} ({})", text, origin));
    let mut figures = vec![
        plain("errors seen", &row.error_ratio),
        Explained {
            name: shown!("latency {}", row.latency.statistic.name()),
            reading: &row.latency.reading,
            target,
            counted: None,
        },
        plain("rate", &row.rate),
        plain("rate against last week", &row.rate_vs_last_week),
        plain("errors added here", &row.error_added_ratio),
        plain("latency added here", &row.latency_added),
    ];
    if let Some(saturation) = &row.saturation {
        figures.push(plain(saturation.resource, &saturation.reading));
    }
    (Shown::fixed(row.tier.name()), figures)
}

/// The component's signals, the one on the chart first.
fn component(row: &ComponentRow, first: usize) -> Vec<Explained<'_>> {
    let mut signals = rows::signals(row);
    let first = first.min(signals.len().saturating_sub(1));
    if let Some(chosen) = signals.get_mut(..=first) {
        chosen.rotate_right(1);
    }
    signals.into_iter().map(signal).collect()
}

fn signal(signal: &SignalRow) -> Explained<'_> {
    let thresholds = &signal.thresholds;
    let warn = format::threshold(thresholds.warn, &signal.reading).map(|level| shown!("warn {}", level));
    let critical = format::threshold(thresholds.critical, &signal.reading).map(|level| shown!("critical {}", level));
    let target = match (warn, critical) {
        (Some(warn), Some(critical)) => Some(shown!("{}, {} ({})", warn, critical, thresholds.origin)),
        (Some(one), None) | (None, Some(one)) => Some(shown!("{} ({})", one, thresholds.origin)),
        (None, None) => None,
    };
    Explained { name: shown!("{} ({})", signal.label, signal.signal), reading: &signal.reading, target, counted: None }
}

struct Writer<'a> {
    state: &'a State,
    columns: u16,
    lines: Vec<Vec<Piece>>,
}

impl Writer<'_> {
    fn figure(&mut self, figure: &Explained<'_>) {
        if !self.lines.is_empty() {
            self.lines.push(Vec::new());
        }
        let value = format::full(figure.reading);
        self.lines.push(vec![
            Piece::new(shown!("{}  ", figure.name), Ink::bold(Role::Text)),
            Piece::new(&value, Ink::bold(value.role)),
        ]);
        match figure.reading {
            Reading::Fresh(sample) | Reading::Stale { last: sample, .. } => self.sample(sample, 0),
            Reading::NoTraffic => self.pair("because", &Shown::fixed("nothing was asked of it in this period"), 0),
            Reading::Absent(Absence::NotMeasured) => {
                self.pair("because", &Shown::fixed("nothing that is connected measures it"), 0);
            }
            Reading::Absent(Absence::Connecting) => {
                self.pair("because", &Shown::fixed("its source has not answered yet"), 0);
            }
            Reading::Absent(Absence::Failed(why)) => self.pair("because", why, 0),
        }
        if let Some(target) = &figure.target {
            self.pair("target", target, 0);
        }
        if let Some(counted) = figure.counted {
            self.pair("counted", counted, 0);
        }
    }

    fn sample(&mut self, sample: &Sample, depth: usize) {
        let provenance = &sample.provenance;
        let age = format::age(self.state.now.since(sample.at));
        let fresh = format::age(provenance.freshness());
        self.pair("value", &format::exact(sample), depth);
        self.pair("at", &shown!("{}, {} old, fresh for {}", Shown::of(&sample.at.rfc3339()), age, fresh), depth);
        match &provenance.query {
            Query::Derived { formula, from } => {
                self.pair("formula", &Shown::fixed(formula), depth);
                if depth < DEEPEST {
                    for (letter, part) in ('a'..='z').zip(from) {
                        let mut buffer = [0; 4];
                        let name = Shown::of(letter.encode_utf8(&mut buffer));
                        self.pair("with", &shown!("{} = {}", name, format::exact(part)), depth);
                        self.sample(part, depth + 1);
                    }
                }
                return;
            }
            Query::PromQl(query) => self.pair("query", &query.shown(), depth),
            Query::CloudWatch(request) => self.pair("request", &request.shown(), depth),
            Query::Http { path, pointer } => {
                self.pair("GET", &path.shown(), depth);
                if let Some(pointer) = pointer {
                    self.pair("pointer", &pointer.shown(), depth);
                }
            }
            Query::Describe { call, parameters, field } => {
                self.pair("call", &shown!("{} {}", *call, parameters), depth);
                self.pair("field", &field.shown(), depth);
            }
            Query::Probe(what) => self.pair("probe", &what.shown(), depth),
        }
        let source = shown!("{} at {}", provenance.source.shown(), provenance.endpoint);
        self.pair("source", &source, depth);
        let statistic = match provenance.statistic {
            Statistic::Last => "last value",
            other => other.name(),
        };
        let mut period = shown!("{}, {}", format::span(provenance.period), statistic);
        if !provenance.delay.is_zero() {
            period = shown!("{}, readable {} later", period, format::span(provenance.delay));
        }
        self.pair("period", &period, depth);
    }

    /// A label and its text, wrapped whole: what is to be pasted is never cut.
    fn pair(&mut self, label: &'static str, text: &Shown, depth: usize) {
        let indent = Shown::of(&"  ".repeat(depth + 1));
        let room = self.columns.saturating_sub(11 + 2 * u16::try_from(depth).unwrap_or(0));
        for (row, line) in wrap(text, room, usize::MAX).into_iter().enumerate() {
            let label = if row == 0 { label } else { "" };
            self.lines
                .push(vec![Piece::new(shown!("{}{:<8} ", indent, label), Role::Dim), Piece::new(line, Role::Text)]);
        }
    }
}
