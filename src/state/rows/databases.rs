//! Databases and caches: what belongs together by replication, with its instances.

use std::cmp::Reverse;
use std::collections::BTreeMap;

use super::{any, attention, key_signal};
use crate::domain::id::{ComponentId, Kind};
use crate::domain::text::Raw;
use crate::domain::tier::Tier;
use crate::model::board::{Board, ComponentRow, LinkRow, SignalRow};
use crate::model::facts::{MemberFact, MemberState, Role};
use crate::model::signals::Role as SignalRole;
use crate::state::{DataKey, State};

/// A row: a cluster as a whole, or one of its instances.
#[derive(Clone, Copy, Debug)]
pub struct DataRow<'a> {
    /// The component that the others follow.
    pub head: &'a ComponentRow,
    /// The component that the instance is of: the head, or a replica that is a component of its own.
    pub of: &'a ComponentRow,
    /// `None` for the cluster as a whole.
    pub member: Option<&'a MemberFact>,
    /// Of a cluster as a whole, its component that is worst; else the one that the instance is of.
    pub worst: &'a ComponentRow,
}

impl DataRow<'_> {
    #[must_use]
    pub fn key(&self) -> DataKey {
        (self.of.id.clone(), self.member.map(|member| member.name.clone()))
    }

    #[must_use]
    pub fn is(&self, key: Option<&DataKey>) -> bool {
        key.is_some_and(|(id, name)| *id == self.of.id && name.as_ref() == self.member.map(|member| &member.name))
    }
}

/// Clusters, the worst first, each followed by its instances: the primary, its standby, replicas.
#[must_use]
pub fn databases<'a>(state: &'a State, filter: &str) -> Vec<DataRow<'a>> {
    let board = &state.board;
    let tiers = board.tiers.iter().filter(|row| matches!(row.tier, Tier::Database | Tier::Cache));
    let all: Vec<&ComponentRow> = tiers.flat_map(|tier| &tier.components).collect();
    let sources = replicated(board);
    let head_of = |row: &ComponentRow| {
        let id = root(&sources, &row.id);
        all.iter().copied().find(|row| row.id == *id)
    };
    let mut clusters: BTreeMap<&ComponentId, (&ComponentRow, Vec<&ComponentRow>)> = BTreeMap::new();
    for row in &all {
        let head = head_of(row).unwrap_or(row);
        clusters.entry(&head.id).or_insert_with(|| (head, Vec::new())).1.push(row);
    }
    let mut clusters: Vec<_> = clusters.into_values().collect();
    clusters.sort_by_key(|(head, of_it)| {
        (Reverse(of_it.iter().map(|row| attention(row.health)).max()), !is_managed(head.id.kind))
    });
    let mut rows = Vec::new();
    for (head, of_it) in clusters {
        let worst = of_it.iter().copied().max_by_key(|row| (attention(row.health), row.id == head.id)).unwrap_or(head);
        let mut instances: Vec<DataRow<'a>> = of_it
            .into_iter()
            .flat_map(|of| of.members.iter().map(move |member| DataRow { head, of, member: Some(member), worst: of }))
            .collect();
        instances.sort_by_key(|row| {
            let role = row.member.and_then(|member| member.role);
            (role.is_none(), role, row.key())
        });
        let named = any([head.name.as_str(), head.id.kind.name(), head.health.brief()], filter);
        instances.retain(|row| named || row.member.is_some_and(|member| is_found(row.of, member, filter)));
        if named || !instances.is_empty() {
            rows.push(DataRow { head, of: head, member: None, worst });
            rows.extend(instances);
        }
    }
    rows
}

/// Whether its provider tells roles, backups and failovers; of what merely runs as a workload nobody does.
#[must_use]
pub const fn is_managed(kind: Kind) -> bool {
    matches!(kind, Kind::DbInstance | Kind::DbCluster | Kind::CacheGroup)
}

fn is_found(of: &ComponentRow, member: &MemberFact, filter: &str) -> bool {
    let zone = member.zone.as_ref().map(Raw::as_str).unwrap_or_default();
    let role = member.role.map_or("", Role::word);
    any([of.name.as_str(), member.name.as_str(), member.word.as_str(), member.state.word(), zone, role], filter)
}

/// Who replicates from whom.
fn replicated(board: &Board) -> BTreeMap<&ComponentId, &ComponentId> {
    let replicates =
        |link: &&LinkRow| link.protocol.as_ref().is_some_and(|protocol| protocol.as_str() == "replication");
    board
        .links
        .iter()
        .filter(replicates)
        .filter(|link| link.from != link.to)
        .map(|link| (&link.from, &link.to))
        .collect()
}

/// The one at the beginning of the replication.
fn root<'a>(sources: &BTreeMap<&'a ComponentId, &'a ComponentId>, id: &'a ComponentId) -> &'a ComponentId {
    let mut at = id;
    // A ring has no beginning: nobody is asked twice.
    for _ in 0..=sources.len() {
        let Some(source) = sources.get(at) else { break };
        at = source;
    }
    at
}

/// What an instance is measured at: where it is a component of its own, or its only one, what the component is.
#[must_use]
pub fn of_instance<'a>(row: &DataRow<'a>, role: SignalRole) -> Option<&'a SignalRow> {
    let Some(member) = row.member else { return key_signal(row.of, role) };
    let name = member.name.shown();
    let own = row.of.signals.iter().find(|signal| signal.role == role && signal.part.as_ref() == Some(&name));
    let whole = member.name == row.of.id.name || row.of.members.len() == 1;
    own.or_else(|| key_signal(row.of, role).filter(|_| whole))
}

/// The instance that takes over when the primary of a cluster fails: its standby, else a replica of the same component
/// that is well, best in another zone. A read replica that is a component of its own takes over only when it is promoted.
#[must_use]
pub fn successor<'a>(rows: &[DataRow<'a>], head: &ComponentRow) -> Option<DataRow<'a>> {
    let own = || rows.iter().filter(|row| row.head.id == head.id && row.of.id == head.id);
    let zone = own().filter_map(|row| row.member).find(|m| m.role == Some(Role::Primary)).and_then(|m| m.zone.clone());
    let able = own().filter(|row| {
        row.member
            .is_some_and(|m| matches!(m.role, Some(Role::Standby | Role::Replica)) && m.state == MemberState::Ready)
    });
    let rank = |row: &&DataRow<'a>| row.member.map(|m| (m.role != Some(Role::Standby), m.zone == zone, m.name.clone()));
    able.min_by_key(rank).copied()
}
