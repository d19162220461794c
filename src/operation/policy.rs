//! What is allowed, and what an operation has to know of everything around it.

use std::time::Duration;

use super::target::{OperationId, Target};
use super::verb::Verb;
use crate::domain::policy::{FreezeSettings, PolicySettings};
use crate::domain::settings::RiskClass;
use crate::domain::text::{Raw, Shown};
use crate::domain::time::{Human, Stamp};
use crate::model::board::{Board, SourceStatus};

/// Rules that lower levels of configuration can only tighten.
#[derive(Clone, Debug, PartialEq)]
pub struct Policy {
    /// Operations on one target within [`Self::rate_window`], and in one session.
    pub per_target: u32,
    pub per_session: u32,
    pub rate_window: Duration,
    /// Share of the desired instances that must stay healthy where there is no disruption budget, 0 to 1.
    pub floor: f64,
    /// How much written data may be lost.
    pub rpo: Duration,
    /// A restorable point older than this warns.
    pub backup_age: Duration,
    /// Credentials that expire sooner than this warn; sooner than the operation takes, they block.
    pub credentials_margin: Duration,
    /// Irreversible operations need a second person.
    pub approval: bool,
    /// How long one who is alone waits instead.
    pub alone: Duration,
    pub freezes: Vec<Freeze>,
    /// A freeze calendar that cannot be read counts as a freeze (facts/trust.md A3): why it cannot.
    pub unread_calendar: Option<Shown>,
    /// Namespace of Argo CD's Applications.
    pub argocd_namespace: Raw,
}

/// A time in which production is left alone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Freeze {
    pub from: Stamp,
    pub until: Stamp,
    pub why: Shown,
}

impl Default for Policy {
    fn default() -> Self {
        Self {
            per_target: 3,
            per_session: 10,
            rate_window: Duration::from_secs(300),
            floor: 0.5,
            rpo: Duration::from_secs(300),
            backup_age: Duration::from_secs(600),
            credentials_margin: Duration::from_secs(600),
            approval: false,
            alone: Duration::from_secs(120),
            freezes: Vec::new(),
            unread_calendar: None,
            argocd_namespace: Raw::new("argocd"),
        }
    }
}

impl Policy {
    /// This policy with what a lower level adds: of every rule the stricter one holds.
    #[must_use]
    pub fn tightened(&self, lower: &Self) -> Self {
        let mut freezes = self.freezes.clone();
        freezes.extend(lower.freezes.iter().filter(|freeze| !self.freezes.contains(freeze)).cloned());
        Self {
            per_target: self.per_target.min(lower.per_target),
            per_session: self.per_session.min(lower.per_session),
            rate_window: self.rate_window.max(lower.rate_window),
            floor: self.floor.max(lower.floor),
            rpo: self.rpo.min(lower.rpo),
            backup_age: self.backup_age.min(lower.backup_age),
            credentials_margin: self.credentials_margin.max(lower.credentials_margin),
            approval: self.approval || lower.approval,
            alone: self.alone.max(lower.alone),
            freezes,
            unread_calendar: self.unread_calendar.clone().or_else(|| lower.unread_calendar.clone()),
            argocd_namespace: lower.argocd_namespace.clone(),
        }
    }

    /// The built-in rules with those of every level, as they hold in an environment.
    #[must_use]
    pub fn of(levels: &[PolicySettings], environment: &str, class: RiskClass) -> Self {
        levels.iter().fold(Self::default(), |policy, level| policy.tightened(&Self::level(level, environment, class)))
    }

    fn level(level: &PolicySettings, environment: &str, class: RiskClass) -> Self {
        let usual = Self::default();
        let secs = |value: Option<u64>, usual: Duration| value.map_or(usual, Duration::from_secs);
        let holds = |freeze: &&FreezeSettings| match freeze.environments.as_slice() {
            [] => class == RiskClass::Production,
            named => named.iter().any(|name| name == environment),
        };
        let freeze =
            |freeze: &FreezeSettings| Freeze { from: freeze.from, until: freeze.until, why: Shown::of(&freeze.why) };
        Self {
            per_target: level.per_target.unwrap_or(usual.per_target),
            per_session: level.per_session.unwrap_or(usual.per_session),
            rate_window: secs(level.rate_window_seconds, usual.rate_window),
            floor: level.capacity_floor.unwrap_or(usual.floor),
            rpo: secs(level.rpo_seconds, usual.rpo),
            backup_age: secs(level.backup_age_seconds, usual.backup_age),
            credentials_margin: secs(level.credentials_margin_seconds, usual.credentials_margin),
            approval: level.approval,
            alone: secs(level.alone_seconds, usual.alone),
            freezes: level.freezes.iter().filter(holds).map(freeze).collect(),
            unread_calendar: level.unread.as_deref().map(Shown::of),
            argocd_namespace: usual.argocd_namespace,
        }
    }

    /// The freeze that holds now: `Err` when the calendar could not be read.
    pub fn frozen(&self, now: Stamp) -> Result<Option<&Freeze>, &Shown> {
        if let Some(why) = &self.unread_calendar {
            return Err(why);
        }
        Ok(self.freezes.iter().find(|freeze| freeze.from <= now && now < freeze.until))
    }
}

/// Both clocks of one moment.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Now {
    /// World time: ages, verification, events.
    pub world: Stamp,
    /// Human time: expiry, dwell, arming.
    pub human: Human,
}

/// The environment that is operated. Its name is in every dialog, token and record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    pub environment: Shown,
    pub class: RiskClass,
}

/// Who acts, as the servers know them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Who {
    /// Account and role or user there (`sre1@471/operator`).
    pub name: Shown,
    /// More than one person acts under this name.
    pub shared: bool,
    /// When the credentials end, world time.
    pub expires: Option<Stamp>,
}

/// How operations of the session are confirmed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Door {
    /// Keys on a card; production needs arming, which is open until this moment of human time.
    Keys { armed_until: Option<Human> },
    /// `tierdeck run`: the flags that were given.
    Headless,
}

/// What the desk remembers of other operations, for guards.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Past {
    /// Own operations in flight on the same target.
    pub busy: Vec<(OperationId, Verb)>,
    /// Own operations that began on the target within the policy's window, and in the session.
    pub on_target: u32,
    pub in_session: u32,
    /// An earlier operation on the target whose outcome nobody knows.
    pub in_doubt: Option<Shown>,
    /// Colleagues armed or planning here, for the card.
    pub colleagues: Vec<Shown>,
}

/// Everything around an operation at one moment. The shell makes it anew for each event.
#[derive(Clone, Copy, Debug)]
pub struct Context<'a> {
    pub now: Now,
    pub board: &'a Board,
    pub sources: &'a [SourceStatus],
    pub place: &'a Place,
    pub policy: &'a Policy,
    /// Who we are at the system that owns the target; `None` while that is not known.
    pub who: Option<&'a Who>,
    pub door: Door,
    /// Whether the journal is able to take an intent now, and if not, why.
    pub journal: Result<(), &'a Shown>,
}

impl Context<'_> {
    #[must_use]
    pub fn armed(&self) -> bool {
        match self.door {
            Door::Keys { armed_until } => armed_until.is_some_and(|until| self.now.human < until),
            Door::Headless => true,
        }
    }

    #[must_use]
    pub fn scene(&self, target: &Target) -> super::scene::Scene {
        super::scene::Scene::of(self.board, self.sources, target)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn level(why: &str) -> PolicySettings {
        let (from, until) = (Stamp::from_millis(0), Stamp::from_millis(9));
        let freeze = FreezeSettings { from, until, why: why.to_owned(), environments: Vec::new() };
        PolicySettings { freezes: vec![freeze], ..PolicySettings::default() }
    }

    #[test]
    fn a_lower_level_only_tightens() {
        let mut lower = Policy { per_target: 9, floor: 0.1, rpo: Duration::from_secs(10), ..Policy::default() };
        let joined = Policy::default().tightened(&lower);
        assert_eq!((joined.per_target, joined.floor, joined.rpo), (3, 0.5, Duration::from_secs(10)));
        let freeze = Freeze { from: Stamp::from_millis(0), until: Stamp::from_millis(9), why: "launch".into() };
        lower.freezes.push(freeze.clone());
        lower.approval = true;
        let joined = Policy::default().tightened(&lower);
        assert!(joined.approval);
        assert_eq!(joined.frozen(Stamp::from_millis(8)), Ok(Some(&freeze)));
        assert_eq!(joined.frozen(Stamp::from_millis(9)), Ok(None));
        let machine = PolicySettings { per_target: Some(9), approval: true, ..level("release") };
        let user = PolicySettings { per_target: Some(2), ..level("mine") };
        let levels = [machine, user];
        let held = Policy::of(&levels, "prod-eu", RiskClass::Production);
        assert_eq!((held.per_target, held.approval, held.freezes.len()), (2, true, 2));
        assert!(Policy::of(&levels, "dev", RiskClass::Development).freezes.is_empty());
        let broken = PolicySettings { unread: Some("policy.toml:3:1: what".to_owned()), ..PolicySettings::default() };
        assert!(Policy::of(&[broken], "prod-eu", RiskClass::Production).frozen(Stamp::default()).is_err());
        let unread = Policy { unread_calendar: Some("no such file".into()), ..Policy::default() };
        assert!(unread.tightened(&Policy::default()).frozen(Stamp::default()).is_err());
        assert!(Policy::default().tightened(&unread).frozen(Stamp::default()).is_err());
    }
}
