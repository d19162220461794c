//! How health looks, in one place: glyph, word and role.

use crate::domain::health::Health;
use crate::model::board::SourceState;
use crate::model::facts::MemberState;
use crate::operation::guard::Verdict;
use crate::operation::verb::Risk;
use crate::operation::verify::Outcome;
use crate::theme::Role;
use crate::ui::format::Figure;

/// The glyph of a health; the same in every glyph set, so that a screenshot reads alike everywhere.
pub const fn glyph(health: Health) -> &'static str {
    match health {
        Health::Ok => "+",
        Health::Warn => "~",
        Health::Critical => "x",
        Health::Unknown => "?",
        Health::NoTraffic => "-",
        Health::Maintenance => "m",
    }
}

pub const fn role(health: Health) -> Role {
    match health {
        Health::Ok => Role::Ok,
        Health::Warn => Role::Warn,
        Health::Critical => Role::Crit,
        Health::Unknown => Role::Unknown,
        Health::NoTraffic | Health::Maintenance => Role::Dim,
    }
}

/// The mark on a topology card; nothing on a quiet one.
pub const fn mark(health: Health) -> &'static str {
    match health {
        Health::Critical => "!",
        Health::Warn => "~",
        Health::Unknown => "?",
        _ => "",
    }
}

/// What a row's ordinary text is drawn in: healthy rows are the quietest thing on the screen.
pub const fn row(health: Health) -> Role {
    if health.is_sick() { Role::Text } else { Role::Dim }
}

/// A figure that has a health of its own: sick in its colour, well as quiet as its row, unreliable as it says itself.
pub fn value(figure: &Figure, health: Health) -> Role {
    match (figure.is_fresh(), health.is_sick()) {
        (false, _) => figure.role,
        (true, true) => role(health),
        (true, false) => row(health),
    }
}

/// How an operation ended.
pub const fn outcome(outcome: Outcome) -> Role {
    match outcome {
        Outcome::Verified => Role::Ok,
        Outcome::Failed => Role::Crit,
        Outcome::NoEffect | Outcome::Overridden | Outcome::PartlyDone => Role::Warn,
        Outcome::Unknown => Role::Unknown,
        Outcome::NotRun(_) => Role::Dim,
    }
}

/// The direction of a change.
pub const fn risk(risk: Risk) -> Role {
    match risk {
        Risk::Safer => Role::Ok,
        Risk::Careful => Role::Info,
        Risk::Risky => Role::Warn,
        Risk::Irreversible => Role::Crit,
    }
}

/// What a guard says.
pub const fn verdict(verdict: Verdict) -> Role {
    match verdict {
        Verdict::Block => Role::Crit,
        Verdict::Unknown => Role::Unknown,
        Verdict::Warn => Role::Warn,
        Verdict::Pass => Role::Ok,
    }
}

/// The light of a source: glyph, role.
pub const fn light(state: &SourceState) -> (&'static str, Role) {
    match state {
        SourceState::Connecting { .. } => ("○", Role::Unknown),
        SourceState::Live => ("●", Role::Ok),
        SourceState::Failed { .. } => ("x", Role::Crit),
    }
}

/// Word and role of a member's state.
pub const fn member(state: MemberState) -> (&'static str, &'static str, Role) {
    let (glyph, role) = match state {
        MemberState::Ready => ("+", Role::Ok),
        MemberState::Starting => ("~", Role::Info),
        MemberState::Stopping => ("-", Role::Dim),
        MemberState::NotReady => ("~", Role::Warn),
        MemberState::Failed => ("x", Role::Crit),
        MemberState::Unknown => ("?", Role::Unknown),
    };
    (glyph, state.word(), role)
}
