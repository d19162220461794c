//! GitOps owners: an Application of Argo CD or a Kustomization of Flux for each workload that has a repository behind it.
//!
//! What the repository has is the image of the last release, the number of pods where no autoscaler sets it, and the
//! bounds of the autoscaler. A pause, an abort or a restart is in no manifest, so it is no drift. Argo CD with automated
//! sync and self-heal undoes drift after a few seconds (`--self-heal-timeout-seconds`, 5 by default); Flux does at its
//! next interval, whatever changed, unless it is suspended (`spec.interval`, `spec.suspend`).

use crate::demo::world::cluster::{Notice, Workload};
use crate::demo::world::noise::{digest, mix};

/// What keeps the cluster as the repository has it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum System {
    ArgoCd,
    /// Looks every `interval` ms.
    Flux {
        interval: i64,
    },
}

/// `spec.syncPolicy.automated` of Argo CD; Flux that is not suspended heals and prunes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Automation {
    pub prune: bool,
    pub self_heal: bool,
}

/// An owner as the world begins.
#[derive(Debug)]
pub struct Owned {
    /// Of the owner and of the workload.
    pub name: &'static str,
    pub system: System,
    pub automated: Option<Automation>,
}

#[derive(Clone, Debug)]
pub struct Owner {
    /// Of the owner and of the workload.
    pub name: &'static str,
    pub system: System,
    /// Nothing where it is suspended.
    pub automated: Option<Automation>,
    pub generation: u64,
    /// How often it has undone drift, and when it last did.
    pub syncs: u64,
    pub synced_at: Option<i64>,
    /// When it will undo the drift that it sees.
    heals_at: Option<i64>,
}

impl Owner {
    #[must_use]
    pub fn new(owned: &Owned) -> Self {
        let Owned { name, system, automated } = *owned;
        Self { name, system, automated, generation: 1, syncs: 0, synced_at: None, heals_at: None }
    }

    /// The user that undoes drift, as `managedFields` tells it.
    #[must_use]
    pub fn manager(&self) -> &'static str {
        match self.system {
            System::ArgoCd => "argocd-application-controller",
            System::Flux { .. } => "kustomize-controller",
        }
    }

    /// Whether the workload is not as the repository has it.
    #[must_use]
    pub fn drifted(workload: &Workload) -> bool {
        let tag = |number| workload.revision(number).map(|r| r.tag.as_str());
        let scaled = workload.spec.autoscale.is_none() && workload.desired != workload.spec.replicas;
        tag(workload.current) != tag(workload.will.released)
            || workload.will.bounds != workload.spec.autoscale
            || scaled
    }

    /// When drift that is seen at `at` will be undone.
    fn due(&self, seed: u64, at: i64) -> i64 {
        match self.system {
            System::ArgoCd => at + 4_000 + (mix(mix(seed, digest(self.name)), self.syncs) % 4_000) as i64,
            System::Flux { interval } => {
                // Every owner has a moment of its own in the interval.
                let own = (mix(seed, digest(self.name)) % interval.unsigned_abs().max(1)) as i64;
                at + interval - (at - own).rem_euclid(interval)
            }
        }
    }

    pub fn control(&mut self, seed: u64, at: i64, workloads: &mut [Workload], notices: &mut Vec<Notice>) {
        let Some(workload) = workloads.iter_mut().find(|w| w.spec.name == self.name) else { return };
        if !self.automated.is_some_and(|a| a.self_heal) || !Self::drifted(workload) {
            self.heals_at = None;
            return;
        }
        let due = self.due(seed, at);
        if at < *self.heals_at.get_or_insert(due) {
            return;
        }
        (self.heals_at, self.synced_at) = (None, Some(at));
        self.syncs += 1;
        workload.restore_release(seed, at);
        let (kind, reason, message) = match self.system {
            System::ArgoCd => {
                ("Application", "OperationStarted", "Initiated automated sync: the live state had drifted".to_owned())
            }
            System::Flux { .. } => {
                let name = format!("{}/{}/{}", workload.spec.kind.name(), workload.spec.namespace, self.name);
                ("Kustomization", "Progressing", format!("{name} configured"))
            }
        };
        notices.push(workload.notice(at, kind, self.name.to_owned(), reason, message, self.manager()));
    }
}
