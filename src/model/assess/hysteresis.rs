//! The health of a signal over its history: a pure function, so that a restart sees what an old hand saw
//! (facts/signals.md part 5).

use std::collections::VecDeque;
use std::time::Duration;

use crate::domain::health::Health;
use crate::domain::time::Stamp;
use crate::model::board::Thresholds;
use crate::model::facts::Point;

/// Results looked back at for flapping, and how many changes among them begin and end it.
const FLAP_WINDOW: usize = 20;
const FLAP_BEGINS: usize = 6;
const FLAP_ENDS: usize = 3;
const FLAP_CALM: Duration = Duration::from_secs(300);

/// What the history of a signal says.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Judged {
    /// Ok, warn, critical; no-traffic when the newest sample is no number; unknown without samples.
    pub health: Health,
    /// First sample of the trouble that still lasts.
    pub since: Option<Stamp>,
    pub flapping: bool,
}

/// Judges `points` (ascending). A level is entered when 2 of 3 samples are beyond it (for critical availability: 2 in a
/// row), and left when 3 in a row are beyond 0.9 of it (1.1 where less is worse). A single sample decides alone.
#[must_use]
pub fn judge(points: &[Point], thresholds: &Thresholds, availability: bool) -> Judged {
    let mut warn = Level::new(thresholds.warn, thresholds.above, false);
    let mut critical = Level::new(thresholds.critical, thresholds.above, availability);
    let mut flap = Flap::default();
    let mut since = None;
    let mut last = None;
    for point in points.iter().filter(|p| !p.value.is_nan()) {
        let (sick_warn, sick_critical) = (warn.step(point.value), critical.step(point.value));
        let health = level(sick_warn, sick_critical);
        if health == Health::Ok {
            since = None;
        } else if since.is_none() {
            since =
                warn.began.into_iter().chain(critical.began).max().and_then(|back| nth_back(points, point.at, back));
        }
        flap.step(health, point.at);
        last = Some(health);
    }
    let newest_is_number = points.last().is_some_and(|p| !p.value.is_nan());
    let health = match (last, newest_is_number) {
        (_, false) if points.is_empty() => Health::Unknown,
        (_, false) => Health::NoTraffic,
        (Some(health), true) if points.len() == 1 => first_sample(points, thresholds).unwrap_or(health),
        (Some(health), true) => flap.frozen.map_or(health, |worst| health.worst(worst)),
        (None, true) => Health::Unknown,
    };
    if since.is_none() && matches!(health, Health::Warn | Health::Critical) {
        since = flap.began.or_else(|| points.first().map(|p| p.at));
    }
    Judged { health, since, flapping: flap.frozen.is_some() }
}

fn first_sample(points: &[Point], thresholds: &Thresholds) -> Option<Health> {
    let value = points.first()?.value;
    let sick = |limit: Option<f64>| limit.is_some_and(|limit| beyond(value, limit, thresholds.above));
    Some(level(sick(thresholds.warn), sick(thresholds.critical)))
}

fn level(warn: bool, critical: bool) -> Health {
    match (critical, warn) {
        (true, _) => Health::Critical,
        (false, true) => Health::Warn,
        (false, false) => Health::Ok,
    }
}

/// The time of the number `back` numbers before the one at `at`.
fn nth_back(points: &[Point], at: Stamp, back: usize) -> Option<Stamp> {
    points.iter().rev().filter(|p| p.at <= at && !p.value.is_nan()).nth(back).map(|p| p.at)
}

fn beyond(value: f64, limit: f64, above: bool) -> bool {
    if above { value > limit } else { value < limit }
}

/// Well on the good side. Shares cannot pass 1, so below 1 half of the way there is enough.
fn relieved(value: f64, limit: f64, above: bool) -> bool {
    if above {
        return value <= limit * 0.9;
    }
    let leave = if limit <= 1.0 { (limit * 1.1).min(f64::midpoint(limit, 1.0)) } else { limit * 1.1 };
    value >= leave
}

/// One threshold's memory of the last three samples.
struct Level {
    limit: Option<f64>,
    above: bool,
    in_a_row: bool,
    last: VecDeque<(bool, bool)>,
    active: bool,
    /// How many samples before the present one the trouble began, at the moment the level was entered.
    began: Option<usize>,
}

impl Level {
    fn new(limit: Option<f64>, above: bool, in_a_row: bool) -> Self {
        Self { limit, above, in_a_row, last: VecDeque::with_capacity(3), active: false, began: None }
    }

    fn step(&mut self, value: f64) -> bool {
        let Some(limit) = self.limit else { return false };
        if self.last.len() == 3 {
            self.last.pop_back();
        }
        self.last.push_front((beyond(value, limit, self.above), relieved(value, limit, self.above)));
        let bad = |n: usize| self.last.get(n).is_some_and(|(beyond, _)| *beyond);
        self.began = None;
        if self.active {
            self.active = !(self.last.len() == 3 && self.last.iter().all(|(_, relieved)| *relieved));
        } else if self.in_a_row {
            self.active = bad(0) && bad(1);
            self.began = self.active.then_some(1);
        } else {
            let count = self.last.iter().filter(|(beyond, _)| *beyond).count();
            self.active = count >= 2;
            self.began = self.active.then(|| self.last.iter().rposition(|(beyond, _)| *beyond).unwrap_or(0));
        }
        self.active
    }
}

/// Flap detection: too many changes freeze the health at the worst of them until it has been quiet for a while.
#[derive(Default)]
struct Flap {
    results: VecDeque<Health>,
    frozen: Option<Health>,
    began: Option<Stamp>,
    quiet_since: Option<Stamp>,
}

impl Flap {
    fn step(&mut self, health: Health, at: Stamp) {
        if self.results.len() == FLAP_WINDOW {
            self.results.pop_front();
        }
        self.results.push_back(health);
        let changes = self.results.iter().zip(self.results.iter().skip(1)).filter(|(a, b)| a != b).count();
        if changes >= FLAP_BEGINS {
            let worst = self.results.iter().fold(Health::Ok, |worst, h| worst.worst(*h));
            self.frozen = Some(worst.worst(self.frozen.unwrap_or(Health::Ok)));
            self.began = self.began.or(Some(at));
        }
        if self.frozen.is_none() || changes > FLAP_ENDS {
            self.quiet_since = None;
            return;
        }
        let quiet = *self.quiet_since.get_or_insert(at);
        if at.since(quiet) >= FLAP_CALM {
            *self = Self { results: std::mem::take(&mut self.results), ..Self::default() };
        }
    }
}
