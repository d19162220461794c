//! What may be asked of production: a closed list, as `tierdeck run` and the action menu name it.

use crate::domain::settings::RiskClass;

/// A kind of change.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Verb {
    Abort,
    Pause,
    Resume,
    Promote,
    PromoteFull,
    Retry,
    Rollback,
    Scale,
    Bounds,
    Failover,
    Restart,
    Cordon,
    Uncordon,
    Drain,
    Evict,
    SuspendSync,
    ResumeSync,
}

impl Verb {
    /// In the order of the action menu: what mends first.
    pub const ALL: [Self; 17] = [
        Self::Abort,
        Self::Rollback,
        Self::Pause,
        Self::Resume,
        Self::Promote,
        Self::PromoteFull,
        Self::Retry,
        Self::Scale,
        Self::Bounds,
        Self::Restart,
        Self::Failover,
        Self::Cordon,
        Self::Uncordon,
        Self::Drain,
        Self::Evict,
        Self::SuspendSync,
        Self::ResumeSync,
    ];

    /// As `tierdeck run`, the palette and the audit trail write it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Abort => "abort",
            Self::Pause => "pause",
            Self::Resume => "resume",
            Self::Promote => "promote",
            Self::PromoteFull => "promote-full",
            Self::Retry => "retry",
            Self::Rollback => "rollback",
            Self::Scale => "scale",
            Self::Bounds => "bounds",
            Self::Failover => "failover",
            Self::Restart => "restart",
            Self::Cordon => "cordon",
            Self::Uncordon => "uncordon",
            Self::Drain => "drain",
            Self::Evict => "evict",
            Self::SuspendSync => "suspend-sync",
            Self::ResumeSync => "resume-sync",
        }
    }

    /// One line for the menu and for help.
    #[must_use]
    pub const fn doc(self) -> &'static str {
        match self {
            Self::Abort => "send all traffic back to the stable revision",
            Self::Pause => "hold the rollout where it is",
            Self::Resume => "let a rollout that was held by hand go on",
            Self::Promote => "let the canary take its next step",
            Self::PromoteFull => "skip the steps that are left and make the new revision stable",
            Self::Retry => "start an aborted rollout again from its first step",
            Self::Rollback => "go back to the template of a chosen revision",
            Self::Scale => "change the number of instances",
            Self::Bounds => "change the lowest and highest number the autoscaler may choose",
            Self::Failover => "let another instance become the primary",
            Self::Restart => "replace every instance, a few at a time",
            Self::Cordon => "let nothing new be scheduled on the node",
            Self::Uncordon => "let the node be scheduled on again",
            Self::Drain => "cordon the node and move its pods away",
            Self::Evict => "move one pod away, as its disruption budget allows",
            Self::SuspendSync => "stop the GitOps owner from reverting changes",
            Self::ResumeSync => "let the GitOps owner reconcile again",
        }
    }

    #[must_use]
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|verb| verb.name() == name)
    }

    /// What it needs besides its target, as `run` takes it on the command line.
    #[must_use]
    pub const fn parameters(self) -> &'static [&'static str] {
        match self {
            Self::Rollback => &["revision"],
            Self::Scale => &["replicas"],
            Self::Bounds => &["min", "max"],
            Self::Failover => &["to"],
            Self::Evict => &["pod"],
            _ => &[],
        }
    }

    /// Whether it undoes harm: it may go ahead of one's own running promotion, and freeze, rate and another operation of
    /// one's own on the target do not stop it.
    #[must_use]
    pub const fn mitigates(self) -> bool {
        matches!(self, Self::Abort | Self::Pause)
    }

    /// Whether it moves a rollout forward, so that an abort may go ahead of it.
    #[must_use]
    pub const fn moves_forward(self) -> bool {
        matches!(self, Self::Promote | Self::PromoteFull | Self::Resume | Self::Retry)
    }
}

/// How dangerous a change is, by its direction. Decides what confirmation it needs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Risk {
    /// Takes harm away or adds capacity: the fire key.
    Safer,
    /// Exposes a little more, and can be taken back at once: armed, and every guard evaluated.
    Careful,
    /// Exposes everyone or takes capacity away: the name is typed.
    Risky,
    /// Cannot be taken back: also a reason, and an approval where the policy asks for one.
    Irreversible,
}

impl Risk {
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Safer => "makes it safer",
            Self::Careful => "careful",
            Self::Risky => "risky",
            Self::Irreversible => "irreversible",
        }
    }

    /// As the audit trail writes it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Safer => "safer",
            Self::Careful => "careful",
            Self::Risky => "risky",
            Self::Irreversible => "irreversible",
        }
    }

    /// What the environment makes of it: outside production *risky* is as *careful*.
    #[must_use]
    pub fn within(self, class: RiskClass) -> Self {
        if class == RiskClass::Production || self != Self::Risky { self } else { Self::Careful }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_verb_is_found_by_its_name() {
        for verb in Verb::ALL {
            assert_eq!(Verb::parse(verb.name()), Some(verb));
        }
        let names: std::collections::BTreeSet<_> = Verb::ALL.iter().map(|verb| verb.name()).collect();
        assert_eq!(names.len(), Verb::ALL.len());
        assert_eq!(Verb::parse("delete"), None);
    }

    #[test]
    fn only_risky_softens_and_only_outside_production() {
        for class in [RiskClass::Staging, RiskClass::Development] {
            assert_eq!(Risk::Risky.within(class), Risk::Careful);
            assert_eq!(Risk::Irreversible.within(class), Risk::Irreversible);
        }
        assert_eq!(Risk::Risky.within(RiskClass::Production), Risk::Risky);
    }
}
