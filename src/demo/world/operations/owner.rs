//! Argo CD: one Application for each workload of the shop that has a repository behind it.
//!
//! What the repository has is the image of the last release, the number of pods where no autoscaler sets it, and the
//! bounds of the autoscaler. A pause, an abort or a restart is in no manifest, so it is no drift. With automated sync and
//! self-heal, drift is undone after a few seconds (Argo CD's `--self-heal-timeout-seconds`, 5 by default).

use crate::demo::world::cluster::{Notice, Workload};
use crate::demo::world::noise::{digest, mix};

/// The user that undoes drift, as `managedFields` tells it.
pub const MANAGER: &str = "argocd-application-controller";

/// `spec.syncPolicy.automated`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Automation {
    pub prune: bool,
    pub self_heal: bool,
}

#[derive(Clone, Debug)]
pub struct Owner {
    /// Of the Application and of the workload.
    pub name: &'static str,
    pub automated: Option<Automation>,
    pub generation: u64,
    /// How often it has undone drift, and when it last did.
    pub syncs: u64,
    pub synced_at: Option<i64>,
    /// When it will undo the drift that it sees.
    heals_at: Option<i64>,
}

/// All Applications of the world.
#[must_use]
pub fn all() -> Vec<Owner> {
    let automated = |self_heal| Some(Automation { prune: true, self_heal });
    let owner = |(name, automated)| Owner { name, automated, generation: 1, syncs: 0, synced_at: None, heals_at: None };
    [
        ("frontend", automated(true)),
        ("api-gateway", None),
        ("orders", None),
        ("catalogue", automated(true)),
        ("payments", None),
        ("worker", automated(false)),
    ]
    .map(owner)
    .to_vec()
}

impl Owner {
    /// Whether the workload is not as the repository has it.
    #[must_use]
    pub fn drifted(workload: &Workload) -> bool {
        let tag = |number| workload.revision(number).map(|r| r.tag.as_str());
        let scaled = workload.spec.autoscale.is_none() && workload.desired != workload.spec.replicas;
        tag(workload.current) != tag(workload.will.released)
            || workload.will.bounds != workload.spec.autoscale
            || scaled
    }

    pub fn control(&mut self, seed: u64, at: i64, workloads: &mut [Workload], notices: &mut Vec<Notice>) {
        let Some(workload) = workloads.iter_mut().find(|w| w.spec.name == self.name) else { return };
        if !self.automated.is_some_and(|a| a.self_heal) || !Self::drifted(workload) {
            self.heals_at = None;
            return;
        }
        let pause = 4_000 + (mix(mix(seed, digest(self.name)), self.syncs) % 4_000) as i64;
        let due = *self.heals_at.get_or_insert(at + pause);
        if at < due {
            return;
        }
        (self.heals_at, self.synced_at) = (None, Some(at));
        self.syncs += 1;
        workload.restore_release(seed, at);
        let message = "Initiated automated sync: the live state had drifted".to_owned();
        let name = self.name.to_owned();
        notices.push(workload.notice(at, "Application", name, "OperationStarted", message, MANAGER));
    }
}
