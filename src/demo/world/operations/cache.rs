//! Changes of the cache's replication group (facts/aws.md 1.7): automatic failover on and off, promotion of the replica
//! by hand, and the failover test.

use crate::demo::world::spec;

use super::database::Refusal;

/// How long a change takes, ms.
const MODIFYING: i64 = 25_000;
/// A promotion is through after this long, and its client reconnect; the old primary is back as a replica after the other.
const PROMOTED_AFTER: i64 = 12_000;
const RECOVERED_AFTER: i64 = 240_000;

/// One entry of DescribeEvents.
#[derive(Clone, Debug)]
pub struct Told {
    pub at: i64,
    /// `cache-cluster` or `replication-group`.
    pub kind: &'static str,
    pub source: String,
    pub message: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Change {
    Settings {
        automatic: bool,
        zones: bool,
    },
    /// Index of the new primary in [`spec::CACHES`].
    Promotion(usize),
}

#[derive(Clone, Debug)]
pub struct CacheGroup {
    pub automatic_failover: bool,
    pub multi_az: bool,
    /// Index in [`spec::CACHES`].
    pub primary: usize,
    changes: Vec<(i64, Change)>,
    available_at: i64,
    pub told: Vec<Told>,
}

impl Default for CacheGroup {
    fn default() -> Self {
        Self {
            automatic_failover: true,
            multi_az: true,
            primary: 0,
            changes: Vec::new(),
            available_at: i64::MIN,
            told: Vec::new(),
        }
    }
}

/// What ModifyReplicationGroup asks for.
#[derive(Clone, Copy, Debug, Default)]
pub struct Wish {
    pub automatic: Option<bool>,
    pub zones: Option<bool>,
    /// Index of the primary.
    pub primary: Option<usize>,
}

impl CacheGroup {
    #[must_use]
    pub fn status(&self, at: i64) -> &'static str {
        if at < self.available_at { "modifying" } else { "available" }
    }

    /// Whether the change would be taken on.
    ///
    /// # Errors
    /// What ElastiCache refuses.
    pub fn may_change(&self, at: i64, wish: &Wish) -> Result<(), Refusal> {
        if self.status(at) != "available" {
            return Err(("InvalidReplicationGroupState", "Replication group is not in available state."));
        }
        if wish.primary.is_some() && self.automatic_failover {
            return Err((
                "InvalidParameterCombination",
                "Cannot promote a replica while automatic failover is enabled. Disable automatic failover first.",
            ));
        }
        let automatic = wish.automatic.unwrap_or(self.automatic_failover);
        if !automatic && wish.zones.unwrap_or(self.multi_az) {
            return Err((
                "InvalidParameterCombination",
                "Automatic failover cannot be disabled while Multi-AZ is enabled.",
            ));
        }
        Ok(())
    }

    pub fn change(&mut self, at: i64, wish: &Wish) {
        if let Some(primary) = wish.primary.filter(|p| *p != self.primary) {
            self.promote(at, primary);
        }
        let automatic = wish.automatic.unwrap_or(self.automatic_failover);
        let zones = wish.zones.unwrap_or(self.multi_az);
        self.changes.push((at + MODIFYING, Change::Settings { automatic, zones }));
        self.available_at = at + MODIFYING;
    }

    /// Whether TestFailover would be taken on.
    ///
    /// # Errors
    /// What ElastiCache refuses.
    pub fn may_test(&self, at: i64) -> Result<(), Refusal> {
        if self.status(at) != "available" {
            return Err(("InvalidReplicationGroupState", "Replication group is not in available state."));
        }
        if !self.automatic_failover {
            return Err((
                "InvalidReplicationGroupState",
                "Automatic failover must be enabled to test failover of a replication group.",
            ));
        }
        Ok(())
    }

    /// Fails over to the other node, and replaces the old one.
    pub fn test(&mut self, at: i64) {
        let other = usize::from(self.primary == 0);
        let group = spec::REPLICATION_GROUP.to_owned();
        self.tell(at, "replication-group", group, "Test Failover API called for node group 0001".to_owned());
        self.promote(at, other);
        let old = node(self.primary).to_owned();
        self.tell(at + PROMOTED_AFTER + 20_000, "cache-cluster", old.clone(), "Recovering cache nodes 0001".to_owned());
        self.tell(at + RECOVERED_AFTER, "cache-cluster", old, "Finished recovery for cache nodes 0001".to_owned());
        self.available_at = at + RECOVERED_AFTER;
    }

    fn promote(&mut self, at: i64, primary: usize) {
        let (from, to) = (node(self.primary), node(primary));
        let message = format!("Failover from primary node {from} to replica node {to} completed");
        self.changes.push((at + PROMOTED_AFTER, Change::Promotion(primary)));
        let group = spec::REPLICATION_GROUP.to_owned();
        self.tell(at + PROMOTED_AFTER, "cache-cluster", to.to_owned(), message.clone());
        self.tell(at + PROMOTED_AFTER + 1_000, "replication-group", group, message);
    }

    fn tell(&mut self, at: i64, kind: &'static str, source: String, message: String) {
        self.told.push(Told { at, kind, source, message });
    }

    pub fn control(&mut self, at: i64) {
        let (due, rest): (Vec<_>, Vec<_>) = self.changes.drain(..).partition(|(when, _)| *when <= at);
        self.changes = rest;
        for (_, change) in due {
            match change {
                Change::Settings { automatic, zones } => (self.automatic_failover, self.multi_az) = (automatic, zones),
                Change::Promotion(primary) => self.primary = primary,
            }
        }
    }

    /// Whether the primary changes hands just now, so that clients lose their connections.
    #[must_use]
    pub fn reconnecting(&self, at: i64) -> bool {
        self.changes.iter().any(|(when, change)| {
            matches!(change, Change::Promotion(_)) && (*when - PROMOTED_AFTER / 2..*when).contains(&at)
        })
    }

    /// Whether this node is the primary.
    #[must_use]
    pub fn leads(&self, cache: &spec::Cache) -> bool {
        node(self.primary) == cache.id
    }
}

/// Name of a node.
fn node(index: usize) -> &'static str {
    spec::CACHES.get(index).map_or("", |c| c.id)
}
