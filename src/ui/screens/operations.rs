//! Operations of this session, newest first; below them what nobody knows the outcome of, and what must be put back.

use ratatui::layout::Rect;

use crate::audit::record::ActionId;
use crate::audit::record::summary::Summary;
use crate::domain::text::Shown;
use crate::operation::desk::{Doubt, Owed};
use crate::operation::machine::{Machine, Phase, Sending};
use crate::operation::plan::DebtKind;
use crate::operation::target::OperationId;
use crate::shown;
use crate::state::{State, rows};
use crate::theme::Role;
use crate::ui::canvas::{Canvas, Ink, Piece, wrap};
use crate::ui::panels::list;
use crate::ui::{format, looks};

pub fn draw(canvas: &mut Canvas<'_>, area: Rect, state: &State, selected: Option<&OperationId>) {
    let desk = &state.operations.desk;
    let ids = rows::operations(state);
    let machines: Vec<&Machine> = ids.iter().filter_map(|id| desk.get(id)).collect();
    let at = rows::place_of(&machines, |machine| Some(&machine.id) == selected);
    let mut owed = machines.get(at).map(|machine| detail(state, machine, area.width)).unwrap_or_default();
    owed.extend(remains(state, area.width));
    let wanted = u16::try_from(owed.len()).unwrap_or(u16::MAX);
    let below = wanted.min(area.height.saturating_sub(6)).min(area.height * 2 / 3);
    let top = Rect { height: area.height - below, ..area };
    let name = area.width.saturating_sub(58).clamp(14, 40);
    let (target, age, words) = (30, 30 + name + 1, 30 + name + 7);
    let columns = [(3, "STATE"), (17, "OPERATION"), (target, "TARGET"), (age, "AGE"), (words, "WHAT IS SEEN")];
    let body = list::heading(canvas, top, &columns);
    let none = Piece::new("nothing was operated in this session: a on a component shows what can be done", Role::Dim);
    list::draw(canvas, body, &machines, (Some(at), 0), none, |canvas, line, machine| {
        let (word, ink) = standing(machine);
        let (x, y) = (line.x, line.y);
        let quiet = if machine.is_over() { Role::Dim } else { Role::Text };
        canvas.put(x + 3, y, 13, word, ink);
        canvas.put(x + 17, y, 12, machine.request.verb.name(), quiet);
        canvas.name(x + target, y, name, machine.request.target.name().shown(), Ink::from(quiet));
        canvas.put(x + age, y, 5, format::lasting(state.now.since(machine.opened.world)), quiet);
        canvas.put(x + words, y, line.width.saturating_sub(words), seen(machine), quiet);
    });
    let bottom = Rect { y: top.bottom(), height: below, ..area };
    for (y, line) in (bottom.top()..bottom.bottom()).zip(&owed) {
        canvas.pieces(bottom.x, y, bottom.width, line);
    }
    if below < wanted && below > 0 {
        let words = shown!(" … {} more lines", wanted - below + 1);
        let last = Rect { y: bottom.bottom() - 1, height: 1, ..bottom };
        canvas.clear(last);
        canvas.put(last.x, last.y, last.width, words, Role::Warn);
    }
}

/// Where it stands, in a word; outcomes in upper case.
fn standing(machine: &Machine) -> (Shown, Ink) {
    let (word, role) = match &machine.phase {
        Phase::Draft | Phase::Gathering => ("reading", Role::Unknown),
        Phase::Guarded { expired: true } => ("expired", Role::Warn),
        Phase::Guarded { expired: false } => ("blocked", Role::Crit),
        Phase::Confirming(_) => ("waits for you", Role::Warn),
        Phase::Locking | Phase::Rechecking => ("last look", Role::Info),
        Phase::Executing { step, .. } => {
            return (shown!("step {} of {}", step + 1, machine.progress.len()), Ink::bold(Role::Info));
        }
        Phase::Verifying(_) => ("verifying", Role::Info),
        Phase::Done(end) => {
            return (Shown::fixed(end.outcome.word()).upper(), Ink::bold(looks::outcome(end.outcome)));
        }
    };
    (Shown::fixed(word), Ink::bold(role))
}

/// What was seen last.
fn seen(machine: &Machine) -> Shown {
    use crate::operation::verify::Glance;
    let glance = |glance: &Glance| match glance {
        Glance::Unseen => Shown::fixed("nothing yet"),
        Glance::Pending(words)
        | Glance::Part(words)
        | Glance::Reached(words)
        | Glance::Away(words)
        | Glance::NoEffect(words)
        | Glance::Failed(words) => words.clone(),
    };
    match &machine.phase {
        Phase::Done(end) => end.words.clone(),
        Phase::Verifying(verifier) | Phase::Executing { state: Sending::Settling(verifier), .. } => {
            glance(&verifier.last)
        }
        Phase::Executing { step, .. } => {
            machine.progress.get(*step).map(|progress| progress.title.clone()).unwrap_or_default()
        }
        Phase::Guarded { .. } => {
            let block = machine.card.as_ref().and_then(|card| card.report.blocks().first().map(|f| f.text.clone()));
            block.or_else(|| machine.notice.clone()).unwrap_or_default()
        }
        _ => Shown::default(),
    }
}

/// The selected one in full.
fn detail(state: &State, machine: &Machine, columns: u16) -> Vec<Vec<Piece>> {
    let (word, ink) = standing(machine);
    let title = vec![
        Piece::new(shown!(" {}", machine.request.title()), Ink::bold(Role::Text)),
        Piece::new(shown!("  opened {}  ", format::moment(machine.opened.world, state.now)), Role::Dim),
        Piece::new(word, ink),
    ];
    let words = wrap(seen(machine), columns.saturating_sub(4), 2);
    let words = words.into_iter().map(|words| vec![Piece::new("   ", Role::Dim), Piece::new(words, Role::Text)]);
    std::iter::once(title).chain(words).collect()
}

/// What is in doubt and what is owed, with what to do about it.
fn remains(state: &State, columns: u16) -> Vec<Vec<Piece>> {
    let desk = &state.operations.desk;
    let mut lines = Vec::new();
    let mut part = |title: Shown, role: Role, entries: Vec<(Shown, Vec<Shown>)>| {
        if entries.is_empty() {
            return;
        }
        lines.push(vec![Piece::new(shown!(" {}", title), Ink::bold(role))]);
        for (what, more) in entries {
            let more = more.into_iter().map(|text| (text, Role::Dim));
            for (text, ink) in std::iter::once((what, Role::Text)).chain(more) {
                let texts = wrap(&text, columns.saturating_sub(10), 2);
                lines.extend(texts.into_iter().enumerate().map(|(row, text)| {
                    let lead = match (ink, row) {
                        (Role::Text, _) => "   ",
                        (_, 0) => "     → ",
                        _ => "       ",
                    };
                    vec![Piece::new(lead, role), Piece::new(text, ink)]
                }));
            }
        }
    };
    let doubts = desk.doubts.iter().map(|doubt| (in_doubt(state, doubt), now_and_next(state, doubt)));
    part(shown!("IN DOUBT {}", desk.doubts.len()), Role::Unknown, doubts.collect());
    let debts = desk.debts.iter().map(|owed| (owed.debt.what.clone(), vec![put_back(owed)]));
    part(shown!("DEBTS {}", desk.debts.len()), Role::Warn, debts.collect());
    let others = desk.colleagues.iter().map(|words| (words.clone(), Vec::new()));
    part(shown!("IN FLIGHT ELSEWHERE {}", desk.colleagues.len()), Role::Info, others.collect());
    let away = state.operations.earlier.away.iter();
    let away = away.map(|row| (while_away(state, row), vec![shown!("tierdeck audit show {}", id(row.action.short()))]));
    part(shown!("WHILE YOU WERE AWAY {}", state.operations.earlier.away.len()), Role::Info, away.collect());
    let troubles = state.operations.earlier.troubles.iter().map(|words| (words.clone(), Vec::new()));
    part(Shown::fixed("AUDIT TRAIL"), Role::Crit, troubles.collect());
    lines
}

fn id(short: &str) -> Shown {
    Shown::of(short)
}

/// What is in doubt, whose it is and since when.
fn in_doubt(state: &State, doubt: &Doubt) -> Shown {
    let what = shown!("{}: {}", doubt.target.shown(), doubt.what);
    match &doubt.earlier {
        Some((who, at)) => shown!("{} ({}, {})", what, who, format::moment(*at, state.now)),
        None => what,
    }
}

/// What the target is like now, and what resolves the doubt.
fn now_and_next(state: &State, doubt: &Doubt) -> Vec<Shown> {
    let short = ActionId::parse(doubt.operation.0.as_str()).map(|action| id(action.short()));
    let short = short.unwrap_or_else(|| doubt.operation.0.shown());
    let next = shown!("look at the real state, then :resolve {} verified|failed|no-effect HOW YOU KNOW", short);
    let now = rows::component(&state.board, &doubt.target).map(|(_, row)| {
        let reason = row.reasons.first().map_or_else(Shown::default, |reason| shown!(", {}", reason.text));
        let ready = row.replicas.map_or_else(Shown::default, |of| shown!(", {}/{} ready", of.ready, of.desired));
        let rollout = row.rollout.as_ref().map_or_else(Shown::default, |rollout| {
            let weight = rollout.actual_weight.or(rollout.set_weight);
            let weight = weight.map_or_else(Shown::default, |weight| shown!(" at {} %", weight));
            shown!(", rollout {}{}", rollout.phase, weight)
        });
        let at = format::time(state.board.at);
        shown!("seen at {}: {}{}{}{}", at, row.health.word(), ready, rollout, reason)
    });
    [now.unwrap_or(Shown::fixed("the board does not have it now")), next].into()
}

/// How an operation ended that nobody watched here.
fn while_away(state: &State, row: &Summary) -> Shown {
    let (word, at) = (Shown::fixed(row.state.word()).upper(), format::moment(row.last, state.now));
    shown!("{} {} {} ({}, {})", word, row.operation.shown(), row.target.shown(), row.who.shown(), at)
}

/// How a debt is paid, as it is typed.
fn put_back(owed: &Owed) -> Shown {
    let name = owed.target.name.shown();
    match &owed.debt.kind {
        DebtKind::Sync { owner, .. } => shown!(":resume-sync {}   ({})", name, owner.shown()),
        DebtKind::Bounds { autoscaler, min, max } => {
            shown!(":bounds {} {} {}   (autoscaler {})", name, min, max, autoscaler)
        }
        DebtKind::Cordon { node } => shown!(":uncordon {}", node),
        DebtKind::Hold { rollout } => shown!(":resume {}", rollout),
        DebtKind::AutomaticFailover { group } => {
            shown!("switch automatic failover of {} on again (aws elasticache modify-replication-group)", group)
        }
    }
}
