//! Databases and caches: clusters with their instances and roles, lag, connections; of the selected one who takes over,
//! how far it can be restored, and what waits to be applied.

use std::time::Duration;

use ratatui::layout::Rect;

use super::lists::{details, labelled, split};
use crate::domain::id::Kind;
use crate::domain::text::Shown;
use crate::domain::time::Stamp;
use crate::model::board::{ComponentRow, SignalRow};
use crate::model::facts::{ChangeKind, MemberFact, Role as MemberRole};
use crate::model::signals::Role as SignalRole;
use crate::shown;
use crate::state::rows::DataRow;
use crate::state::{DataKey, State, rows};
use crate::theme::Role;
use crate::ui::canvas::{Canvas, Ink, Piece};
use crate::ui::format::Figure;
use crate::ui::panels::list;
use crate::ui::{format, looks};

pub fn draw(canvas: &mut Canvas<'_>, area: Rect, state: &State, selected: Option<&DataKey>) {
    let shown = rows::databases(state, state.filter.text());
    let at = rows::place_of(&shown, |row| row.is(selected));
    let detail = shown.get(at).map(|row| detail(state, &shown, row, area.width)).unwrap_or_default();
    let (top, bottom) = split(area, detail.len());
    let name = area.width.saturating_sub(56).clamp(16, 40);
    let (role, zone, word, lag, conn, time) = (name + 4, name + 13, name + 25, name + 37, name + 44, name + 56);
    let mut columns = vec![(3, "NAME"), (role, "ROLE"), (zone, "ZONE"), (word, "STATE"), (lag, "LAG"), (conn, "CONN")];
    let wide = area.width >= 100;
    if wide {
        columns.push((time, "LATENCY"));
    }
    let body = list::heading(canvas, top, &columns);
    let none = list::nothing(state, "no source tells of databases or caches");
    list::draw(canvas, body, &shown, (Some(at), 0), none, |canvas, line, row| {
        let (x, y) = (line.x, line.y);
        match row.member {
            None => {
                canvas.put(x + 1, y, 1, looks::glyph(row.worst.health), looks::role(row.worst.health));
                canvas.name(x + 3, y, name, &row.of.name, Ink::bold(looks::row(row.worst.health)));
                canvas.put(x + role, y, conn.saturating_sub(role + 1), engine(row.of), Role::Dim);
            }
            Some(member) => {
                let (glyph, word_of, ink) = looks::member(member.state);
                // A replica that is a component of its own has a health besides its state.
                let sick = row.of.id != row.head.id && row.of.health.is_sick() && ink == Role::Ok;
                let quiet = if ink == Role::Ok && !sick { Role::Dim } else { Role::Text };
                let (mark, mark_ink) =
                    if sick { (looks::glyph(row.of.health), looks::role(row.of.health)) } else { (glyph, ink) };
                canvas.put(x + 3, y, 1, mark, mark_ink);
                canvas.name(x + 5, y, name - 2, member.name.shown(), quiet);
                canvas.put(x + role, y, 8, member.role.map_or("-", MemberRole::word), quiet);
                let zone_name = member.zone.as_ref().map_or(Shown::fixed("-"), crate::domain::text::Raw::shown);
                canvas.name(x + zone, y, 11, zone_name, quiet);
                let state_word = if member.word.is_empty() { Shown::fixed(word_of) } else { member.word.shown() };
                canvas.name(x + word, y, 11, state_word, if ink == Role::Ok { quiet } else { ink });
                let (text, ink) = lag_of(row, member);
                canvas.put(x + lag, y, 6, text, ink);
            }
        }
        let (text, ink) = connections(row);
        canvas.put(x + conn, y, 11, text, ink);
        if wide {
            let (text, ink) = told(rows::of_instance(row, SignalRole::Latency), looks::row(row.of.health));
            canvas.put(x + time, y, 8, text, ink);
        }
    });
    details(canvas, bottom, &detail);
}

/// A figure of an instance; a dash where nothing measures it.
fn told(signal: Option<&SignalRow>, quiet: Role) -> (Shown, Role) {
    let Some(signal) = signal else { return (Shown::fixed("-"), Role::Faint) };
    let figure = format::share(&signal.reading);
    let role = if figure.is_fresh() && !signal.health.is_sick() { quiet } else { looks::value(&figure, signal.health) };
    (figure.text, role)
}

/// How far an instance is behind. The standby of a Multi-AZ instance is synchronous (facts/aws.md 1.1): it has no lag.
fn lag_of(row: &DataRow<'_>, member: &MemberFact) -> (Shown, Role) {
    match (member.role, row.of.id.kind) {
        (Some(MemberRole::Standby), Kind::DbInstance) => (Shown::fixed("sync"), Role::Dim),
        (Some(MemberRole::Primary), _) => (Shown::fixed("-"), Role::Faint),
        _ => told(rows::of_instance(row, SignalRole::Lag), Role::Dim),
    }
}

/// `402/500`; the share, or the count alone, where that is all there is.
fn connections(row: &DataRow<'_>) -> (Shown, Role) {
    let standby = row.member.is_some_and(|member| member.role == Some(MemberRole::Standby));
    let whole = row.member.is_none_or(|member| member.name == row.of.id.name || row.of.members.len() == 1);
    if standby || !whole {
        return (Shown::fixed("-"), Role::Faint);
    }
    let named = |label: &str| row.of.signals.iter().find(|signal| signal.label == label && signal.part.is_none());
    let quiet = looks::row(row.of.health);
    match (named("conn used"), named("conn max"), named("conn")) {
        (Some(used), Some(most), share) => {
            let health = share.map_or(used.health, |share| share.health);
            let (used, most) = (format::cell(&used.reading), format::cell(&most.reading));
            let figure = Figure { text: shown!("{}/{}", used.text, most.text), role: used.role };
            let role = if health.is_sick() { looks::value(&figure, health) } else { quiet };
            (figure.text.clone(), if figure.is_fresh() { role } else { figure.role })
        }
        (_, _, share) => told(share, quiet),
    }
}

/// `postgres 16.4, Multi-AZ`; of a workload, what it is.
fn engine(row: &ComponentRow) -> Shown {
    let told = |wanted: &str| row.attributes.iter().find(|(name, _)| *name == wanted).map(|(_, value)| value.shown());
    let engine = told("engine").unwrap_or_else(|| Shown::fixed(row.id.kind.name()));
    let parts = [told("class").or_else(|| told("node type")), told("standby").map(|_| Shown::fixed("Multi-AZ"))];
    Shown::joined(std::iter::once(engine).chain(parts.into_iter().flatten()), ", ")
}

/// The cluster of the selected row in full.
fn detail(state: &State, list: &[DataRow<'_>], row: &DataRow<'_>, columns: u16) -> Vec<Vec<Piece>> {
    let of = row.of;
    let told = |wanted: &str| of.attributes.iter().find(|(name, _)| *name == wanted).map(|(_, value)| value);
    let mut lines = vec![vec![
        Piece::new(shown!(" {}", of.name), Ink::bold(Role::Text)),
        Piece::new(shown!("  {}  ", engine(of)), Role::Dim),
        Piece::new(
            shown!("{} {}", looks::glyph(row.worst.health), row.worst.health.brief()),
            looks::role(row.worst.health),
        ),
    ]];
    let mut say = |label, text: &Shown, role| lines.extend(labelled(label, text, role, columns));
    if let Some(reason) = row.worst.reasons.first() {
        say("why", &reason.text, Role::Text);
    }
    let (words, role) = takes_over(list, row);
    say("takes over", &words, role);
    let load = of.signals.iter().filter(|signal| signal.part.is_none());
    let load = load.filter(|signal| matches!(signal.role, SignalRole::Saturation | SignalRole::Hit));
    let load: Vec<Shown> =
        load.map(|signal| shown!("{} {}", signal.label, format::share(&signal.reading).text)).collect();
    if !load.is_empty() {
        say("load", &Shown::joined(load.iter(), " · "), Role::Text);
    }
    if !rows::is_managed(of.id.kind) {
        return lines;
    }
    let (words, role) = backup(state, of);
    say("backup", &words, role);
    match told("pending") {
        Some(pending) => say("pending", &shown!("{}: applied by the next restart or window", pending), Role::Warn),
        None if of.id.kind == Kind::DbInstance => say("pending", &Shown::fixed("nothing"), Role::Dim),
        None => {}
    }
    let changes = rows::component_changes(&state.board, &of.id, "");
    let last = changes.iter().find(|change| change.kind == ChangeKind::Failover);
    let words = last.map_or(Shown::fixed("none in the history that was looked at"), |change| {
        shown!("{}, {}", change.what, format::moment(change.at, state.now))
    });
    say("failover", &words, Role::Dim);
    lines
}

/// Who takes over when the primary fails, and whether it can carry the load.
fn takes_over(list: &[DataRow<'_>], row: &DataRow<'_>) -> (Shown, Role) {
    let head = row.head;
    if !rows::is_managed(head.id.kind) {
        return (Shown::fixed("what runs it starts it again elsewhere; nothing tells of its data"), Role::Dim);
    }
    let Some(next) = rows::successor(list, head).and_then(|row| row.member) else {
        let replicas = list.iter().any(|other| other.head.id == head.id && other.of.id != head.id);
        let words = match replicas {
            true => "nobody by itself: a replica must be promoted, which cannot be taken back",
            false => "nobody: it has no standby and no replica that is well",
        };
        return (Shown::fixed(words), Role::Warn);
    };
    let zone = next.zone.as_ref().map_or_else(Shown::default, |zone| shown!(" in {}", zone));
    let primary = list.iter().filter(|other| other.head.id == head.id).filter_map(|other| other.member);
    let primary = primary.into_iter().find(|member| member.role == Some(MemberRole::Primary));
    let same_zone = primary.is_some_and(|member| member.zone.is_some() && member.zone == next.zone);
    let apart = if same_zone { ", the same zone as the primary" } else { "" };
    let alike = matches!(head.id.kind, Kind::DbInstance | Kind::CacheGroup);
    let size = if alike { "; as big as the primary" } else { "" };
    let loss = match next.role {
        Some(MemberRole::Standby) => "; synchronous, so nothing is lost",
        // The readers of an Aurora cluster read the writer's own storage (facts/aws.md part 1).
        _ if engine(head).as_str().starts_with("aurora") => "; shared storage, so nothing is lost",
        _ => "; what it has not received is lost",
    };
    let role = if same_zone { Role::Warn } else { Role::Text };
    (shown!("{}{}{}{}{}", next.name, zone, apart, size, loss), role)
}

/// How far back it can be restored, against the age that the policy allows.
fn backup(state: &State, of: &ComponentRow) -> (Shown, Role) {
    let told = |wanted: &str| of.attributes.iter().find(|(name, _)| *name == wanted).map(|(_, value)| value);
    let kept = told("backups kept").or_else(|| told("snapshots kept"));
    let kept = kept.map_or_else(Shown::default, |days| shown!("kept {}", days));
    let Some(at) = told("restorable to").and_then(|at| Stamp::parse_rfc3339(at.as_str())) else {
        return match kept.as_str() {
            "" => (Shown::fixed("not told"), Role::Faint),
            _ => (shown!("snapshots {}; when the newest was taken is not told", kept), Role::Dim),
        };
    };
    let age = state.now.since(at);
    let allowed: Duration = state.operations.policy.backup_age;
    let words = shown!(
        "restorable to {} ({} ago, allowed {}); {}",
        format::moment(at, state.now),
        format::lasting(age),
        format::span(allowed),
        kept
    );
    (words, if age > allowed { Role::Warn } else { Role::Text })
}
