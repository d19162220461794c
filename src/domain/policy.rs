//! The rules of one level of configuration: the machine's, or the user's.

use super::time::Stamp;

/// What a level says; what it leaves out it leaves to the others. Of every rule the strictest holds.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct PolicySettings {
    /// Operations on one target within the window, and in one session.
    pub per_target: Option<u32>,
    pub per_session: Option<u32>,
    pub rate_window_seconds: Option<u64>,
    /// Share of the desired instances that must stay healthy, 0 to 1.
    pub capacity_floor: Option<f64>,
    pub rpo_seconds: Option<u64>,
    pub backup_age_seconds: Option<u64>,
    pub credentials_margin_seconds: Option<u64>,
    /// Irreversible operations need a second person.
    pub approval: bool,
    /// How long one who is alone waits instead.
    pub alone_seconds: Option<u64>,
    pub freezes: Vec<FreezeSettings>,
    /// Why the level could not be read: that counts as a freeze.
    pub unread: Option<String>,
}

/// A time in which production is left alone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FreezeSettings {
    pub from: Stamp,
    pub until: Stamp,
    pub why: String,
    /// Names of environments; empty is every environment of production.
    pub environments: Vec<String>,
}
