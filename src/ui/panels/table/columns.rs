//! The columns: which there are at a width, where they stand, and what a tier or a component writes into them.

use ratatui::layout::Rect;

use crate::domain::health::{Health, Reason};
use crate::domain::reading::Reading;
use crate::domain::text::Shown;
use crate::model::board::{ComponentRow, SignalRow, TierRow};
use crate::model::facts::MemberState;
use crate::model::signals::Role as SignalRole;
use crate::shown;
use crate::state::State;
use crate::state::rows;
use crate::theme::Role;
use crate::ui::canvas::{Canvas, Ink};
use crate::ui::format::{self, Figure};
use crate::ui::looks;
use crate::ui::widgets::spark;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Column {
    Name,
    Health,
    Rate,
    Week,
    Errors,
    Added,
    Latency,
    Saturation,
    Capacity,
    Worst,
    Trend,
    Change,
}

impl Column {
    const fn heading(self) -> &'static str {
        match self {
            Self::Name => "NAME",
            Self::Health => "HEALTH",
            Self::Rate => "RATE",
            Self::Week => "±W",
            Self::Errors => "ERR%",
            Self::Added => "ADDED",
            Self::Latency => "LATENCY/TGT",
            Self::Saturation => "SAT",
            Self::Capacity => "CAP",
            Self::Worst => "WORST MEMBER",
            Self::Trend => "TREND",
            Self::Change => "LAST CHANGE",
        }
    }

    const fn is_number(self) -> bool {
        matches!(self, Self::Rate | Self::Week | Self::Errors | Self::Added)
    }
}

/// Columns in the order in which they claim room: column, least width, width of the table from which it is shown.
const CLAIMS: [(Column, u16, u16); 12] = [
    (Column::Name, 13, 0),
    (Column::Health, 6, 0),
    (Column::Rate, 7, 0),
    (Column::Week, 5, 76),
    (Column::Errors, 5, 0),
    (Column::Added, 5, 104),
    (Column::Latency, 12, 0),
    (Column::Saturation, 12, 0),
    (Column::Capacity, 9, 94),
    (Column::Trend, 7, 78),
    (Column::Worst, 20, 118),
    (Column::Change, 20, 150),
];

/// Where the columns stand.
pub(super) struct Layout {
    columns: Vec<(Column, u16, u16)>,
}

impl Layout {
    /// The columns of the board.
    pub(super) fn fit(width: u16) -> Self {
        let mut layout = Self::claimed(width, &CLAIMS);
        layout.stretch(width, Column::Latency, 13);
        layout.stretch(width, Column::Trend, 16);
        layout.stretch(width, Column::Name, 22);
        layout.stretch(width, Column::Saturation, 16);
        layout.stretch(width, Column::Change, 200);
        layout
    }

    /// The columns of a list of components: without those that only tiers have, and with whole names where there is room.
    pub(super) fn of_components(width: u16, longest: u16) -> Self {
        let claims: Vec<_> = CLAIMS
            .into_iter()
            .filter(|(column, ..)| !matches!(column, Column::Week | Column::Added | Column::Change))
            .collect();
        let mut layout = Self::claimed(width, &claims);
        layout.stretch(width, Column::Latency, 13);
        layout.stretch(width, Column::Name, longest);
        layout.stretch(width, Column::Trend, 16);
        layout.stretch(width, Column::Saturation, 16);
        layout
    }

    fn claimed(width: u16, claims: &[(Column, u16, u16)]) -> Self {
        let mut columns = Vec::new();
        let mut x = 3;
        for &(column, wanted, from) in claims {
            let left = width.saturating_sub(x);
            if width < from || left < wanted.min(5) {
                continue;
            }
            let wanted = wanted.min(left);
            columns.push((column, x, wanted));
            // A right-aligned number needs one column of air, a left-aligned word beside it one more.
            x += wanted + if column == Column::Errors || column == Column::Added { 2 } else { 1 };
        }
        Self { columns }
    }

    /// Gives a column of what is left of the table's width, until it has `most`.
    fn stretch(&mut self, table: u16, column: Column, most: u16) {
        let end = self.columns.last().map_or(0, |(_, x, width)| x + width);
        let Some(at) = self.columns.iter().position(|(known, ..)| *known == column) else { return };
        let Some((_, _, width)) = self.columns.get_mut(at) else { return };
        let more = table.saturating_sub(end).min(most.saturating_sub(*width));
        *width += more;
        for (_, x, _) in self.columns.iter_mut().skip(at + 1) {
            *x += more;
        }
    }

    fn width_of(&self, column: Column) -> u16 {
        self.columns.iter().find(|(known, ..)| *known == column).map_or(0, |(_, _, width)| *width)
    }

    pub(super) fn heading(&self, canvas: &mut Canvas<'_>, x0: u16, y: u16, rows: &'static str) {
        for (column, x, width) in &self.columns {
            let words = if *column == Column::Name { rows } else { column.heading() };
            if column.is_number() {
                canvas.right(x0 + x, y, *width, words, Role::Dim);
            } else {
                canvas.put(x0 + x, y, *width, words, Role::Dim);
            }
        }
    }

    pub(super) fn record(&self, canvas: &mut Canvas<'_>, area: Rect, record: &Record<'_>, selected: bool) {
        let y = area.y;
        let quiet: Role = looks::row(record.health);
        if selected {
            canvas.put(area.x, y, 1, "▸", Ink::bold(Role::Accent));
        }
        canvas.put(area.x + 1, y, 1, looks::glyph(record.health), looks::role(record.health));
        for (column, x, width) in &self.columns {
            let x = area.x + x;
            match column {
                Column::Name => {
                    let name_ink = if record.health.is_sick() { Ink::bold(Role::Text) } else { quiet.into() };
                    let indent = record.indent;
                    // A component's health is told by its glyph; its name needs the room.
                    let room = if indent > 0 { width + 1 + self.width_of(Column::Health) } else { *width };
                    canvas.name(x + indent, y, room - indent, &record.name, name_ink);
                }
                Column::Health if record.indent == 0 => {
                    canvas.put(x, y, *width, record.health.brief(), looks::role(record.health));
                    if record.gap {
                        canvas.put(x + width - 1, y, 1, "?", Role::Unknown);
                    }
                }
                Column::Health => {}
                Column::Trend => record.trend(canvas, x, y, *width, quiet),
                Column::Worst => {
                    if let Some((text, role)) = &record.worst {
                        canvas.name(x, y, *width, text, *role);
                    }
                }
                Column::Capacity => {
                    if let Some(text) = &record.capacity {
                        canvas.put(x, y, *width, text, record.ink_of("replicas", quiet));
                    }
                }
                Column::Change => {
                    if let Some(text) = &record.change {
                        canvas.put(x, y, *width, text, Role::Dim);
                    }
                }
                _ => record.figure(canvas, *column, x, y, *width, quiet),
            }
        }
    }
}

/// What one row writes.
pub(super) struct Record<'a> {
    name: Shown,
    indent: u16,
    health: Health,
    reasons: &'a [Reason],
    figures: Vec<(Column, Figure)>,
    capacity: Option<Shown>,
    worst: Option<(Shown, Role)>,
    change: Option<Shown>,
    trend: Vec<Option<f64>>,
    /// The age of the oldest figure that is too old.
    stale: Option<std::time::Duration>,
    /// Something is no longer measured that decides nothing by itself.
    gap: bool,
}

impl<'a> Record<'a> {
    pub(super) fn of_tier(row: &'a TierRow, state: &State, layout: &Layout) -> Self {
        let room = layout.width_of(Column::Saturation);
        let mut figures = vec![
            (Column::Rate, format::cell(&row.rate)),
            (Column::Week, format::change(&row.rate_vs_last_week)),
            (Column::Errors, format::percent(&row.error_ratio)),
            (Column::Added, format::percent(&row.error_added_ratio)),
            (Column::Latency, format::latency(&row.latency)),
        ];
        if let Some(saturation) = &row.saturation {
            figures.push((Column::Saturation, format::saturation(saturation, room)));
        }
        let readings = [&row.rate, &row.rate_vs_last_week, &row.error_ratio, &row.latency.reading];
        let change = row
            .components
            .iter()
            .filter_map(|component| rows::component_changes(&state.board, &component.id, "").into_iter().next())
            .max_by_key(|change| change.at);
        Self {
            name: Shown::fixed(row.tier.name()),
            indent: 0,
            health: row.health,
            reasons: &row.reasons,
            figures,
            capacity: row.capacity.as_ref().map(format::capacity),
            worst: row.components.iter().filter(|component| component.health.is_sick()).find_map(worst_member),
            change: change.map(|change| shown!("{} {}", format::age(state.now.since(change.at)), change.what)),
            trend: row.trend.clone(),
            stale: readings.into_iter().filter_map(format::stale_age).max(),
            gap: has_gap(row.health, &row.reasons),
        }
    }

    pub(super) fn of_component(row: &'a ComponentRow, layout: &Layout) -> Self {
        let find = |role: SignalRole| rows::key_signal(row, role);
        let absent = Reading::Absent(crate::domain::reading::Absence::NotMeasured);
        let reading = |role| find(role).map_or(&absent, |signal| &signal.reading);
        let latency = reading(SignalRole::Latency);
        let latency_text = shown!("{} {}", format::statistic(latency), format::cell(latency).text);
        let latency_figure = match latency.last() {
            Some(_) => Figure { text: latency_text, role: format::cell(latency).role },
            None => format::cell(latency),
        };
        let mut figures = vec![
            (Column::Rate, format::cell(reading(SignalRole::Rate))),
            (Column::Errors, format::percent(reading(SignalRole::ErrorRatio))),
            (Column::Latency, latency_figure),
        ];
        let saturation =
            find(SignalRole::Saturation).or_else(|| find(SignalRole::Lag)).or_else(|| find(SignalRole::Hit));
        let capacity = row.replicas.as_ref().map(format::ready);
        if let Some(signal) = saturation {
            let figure = format::share(&signal.reading);
            figures
                .push((Column::Saturation, format::named(signal.label, &figure, layout.width_of(Column::Saturation))));
        } else if let Some(ready) = &capacity {
            figures.push((Column::Saturation, Figure { text: shown!("ready {}", ready), role: Role::Text }));
        }
        let readings = [SignalRole::Rate, SignalRole::ErrorRatio, SignalRole::Latency].map(reading);
        Self {
            name: row.name.clone(),
            indent: 2,
            health: row.health,
            reasons: &row.reasons,
            figures,
            capacity,
            worst: worst_member(row),
            change: None,
            trend: find(SignalRole::Rate).map(recent).unwrap_or_default(),
            stale: readings.into_iter().filter_map(format::stale_age).max(),
            gap: has_gap(row.health, &row.reasons),
        }
    }

    /// Not below a tier's row: at the margin.
    pub(super) fn at_margin(self) -> Self {
        Self { indent: 0, ..self }
    }

    /// The colour of a cell that a reason speaks of; quiet otherwise.
    fn ink_of(&self, topic: &str, quiet: Role) -> Role {
        let about = |reason: &&Reason| reason.health.is_sick() && reason.rule.contains(topic);
        self.reasons.iter().find(about).map_or(quiet, |reason| looks::role(reason.health))
    }

    fn figure(&self, canvas: &mut Canvas<'_>, column: Column, x: u16, y: u16, width: u16, quiet: Role) {
        let Some((_, figure)) = self.figures.iter().find(|(known, _)| *known == column) else { return };
        let role = match column {
            _ if !figure.is_fresh() => figure.role,
            Column::Errors | Column::Added => self.ink_of("error", quiet),
            Column::Latency => self.ink_of("latency", quiet),
            Column::Week | Column::Rate => self.ink_of("traffic", quiet),
            Column::Saturation => {
                let topics = ["saturation", "replicas", "lag", "availability", "targets", "trouble"];
                topics.map(|topic| self.ink_of(topic, quiet)).into_iter().find(|role| *role != quiet).unwrap_or(quiet)
            }
            _ => quiet,
        };
        if column.is_number() {
            canvas.right(x, y, width, figure, role);
        } else {
            canvas.put(x, y, width, figure, role);
        }
    }

    /// The rate's last half hour; where figures of the row are too old, their age stands here instead.
    fn trend(&self, canvas: &mut Canvas<'_>, x: u16, y: u16, width: u16, quiet: Role) {
        if let Some(age) = self.stale {
            canvas.right(x, y, width, shown!("{} old", format::age(age)), Role::Stale);
        } else {
            let ink = if self.health.is_sick() { quiet } else { Role::Faint };
            spark::draw(canvas, x, y, width, &self.trend, ink);
        }
    }
}

/// Whether a reason tells of a figure that is missing and did not make the health unknown.
fn has_gap(health: Health, reasons: &[Reason]) -> bool {
    health != Health::Unknown && reasons.iter().any(|reason| reason.health == Health::Unknown)
}

/// The first member that is not simply ready, by its end, which is where members differ.
fn worst_member(row: &ComponentRow) -> Option<(Shown, Role)> {
    let worst = row.members.first().filter(|member| member.state != MemberState::Ready)?;
    let (_, _, role) = looks::member(worst.state);
    Some((worst.name.shown(), role))
}

/// The last half hour of a signal, a value a minute.
fn recent(signal: &SignalRow) -> Vec<Option<f64>> {
    const MINUTES: i64 = 30;
    let Some(last) = signal.history.last() else { return Vec::new() };
    let mut buckets = vec![None; 30];
    for point in signal.history.iter().rev() {
        let back = (last.at.millis() - point.at.millis()) / 60_000;
        if back >= MINUTES {
            break;
        }
        let slot = usize::try_from(MINUTES - 1 - back).ok().and_then(|at| buckets.get_mut(at));
        if let Some(slot @ None) = slot {
            *slot = point.value.is_finite().then_some(point.value);
        }
    }
    buckets
}
