//! Outcome, not acceptance: whether what was asked came about, told by later observations.
//!
//! A [`Goal`] is the end state; [`Goal::glance`] judges one sighting of it, [`Verifier`] the sequence of them.

mod data;
mod kube;
#[cfg(test)]
mod tests;

use std::time::Duration;

use super::evidence::owner::OwnerRef;
use super::evidence::{Evidence, Gather, Named, Sheet};
use super::mutation::Resource;
use super::plan::Timing;
use crate::domain::reading::Reading;
use crate::domain::text::{Raw, Shown};
use crate::domain::time::Stamp;
use crate::shown;

/// The end state of an operation, or of one of its steps.
#[derive(Clone, Debug, PartialEq)]
pub enum Goal {
    Rollout {
        at: Named,
        uid: Raw,
        stable: Raw,
        current: Raw,
        want: RolloutWant,
    },
    /// So many instances, ready.
    Replicas {
        resource: Resource,
        at: Named,
        uid: Raw,
        replicas: u32,
    },
    /// The template with these images, and this restart annotation, on every instance.
    Template {
        resource: Resource,
        at: Named,
        uid: Raw,
        images: Vec<Raw>,
        restarted: Option<Raw>,
    },
    Bounds {
        namespace: Raw,
        name: Raw,
        uid: Raw,
        min: u32,
        max: u32,
    },
    Schedulable {
        node: Raw,
        uid: Raw,
        schedulable: bool,
    },
    /// These pods (name and uid) are away; on a node they are looked for there.
    Gone {
        node: Option<Raw>,
        pods: Vec<(Named, Raw)>,
    },
    RdsFailover {
        region: Raw,
        id: Raw,
        resource_id: Raw,
        zone: Raw,
        since: Stamp,
        endpoint: Option<Raw>,
    },
    AuroraWriter {
        region: Raw,
        id: Raw,
        resource_id: Raw,
        from: Raw,
        to: Raw,
        since: Stamp,
        endpoint: Option<Raw>,
    },
    CnpgPrimary {
        at: Named,
        uid: Raw,
        from: Raw,
        to: Raw,
    },
    CacheSwitches {
        region: Raw,
        id: Raw,
        arn: Raw,
        automatic: bool,
        multi_az: bool,
    },
    CachePrimary {
        region: Raw,
        id: Raw,
        arn: Raw,
        from: Raw,
        to: Raw,
    },
    Sync {
        owner: OwnerRef,
        uid: Raw,
        suspended: bool,
    },
}

/// What is wanted of a Rollout.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RolloutWant {
    Aborted {
        replicas: u32,
    },
    Held,
    Released,
    /// Past this step.
    Advanced {
        from: u32,
    },
    /// The new revision is the stable one.
    Complete,
    /// Under way again.
    Retried,
    /// These images in the template; the stable revision's are live at once, others go through the steps.
    Template {
        images: Vec<Raw>,
        stable: bool,
    },
    Restarted {
        at: Raw,
    },
}

/// One sighting of a goal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Glance {
    /// Nothing was seen: the read failed or has not come.
    Unseen,
    /// What was asked stands, and has not yet come about.
    Pending(Shown),
    /// Some of it has.
    Part(Shown),
    Reached(Shown),
    /// What was asked does not stand any more: somebody else wrote.
    Away(Shown),
    /// The engine said that it did not do it.
    NoEffect(Shown),
    Failed(Shown),
}

impl Glance {
    /// What was seen, in words.
    #[must_use]
    pub fn sentence(&self) -> Shown {
        match self {
            Self::Unseen => Shown::fixed("nothing yet"),
            Self::Pending(words) => shown!("not yet: {}", words),
            Self::Part(words) => shown!("in part: {}", words),
            Self::Reached(words) => shown!("as asked: {}", words),
            Self::Away(words) => shown!("somebody else wrote: {}", words),
            Self::NoEffect(words) => shown!("it was not done: {}", words),
            Self::Failed(words) => shown!("failed: {}", words),
        }
    }
}

/// How an operation ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Outcome {
    Verified,
    Failed,
    NoEffect,
    Overridden,
    PartlyDone,
    Unknown,
    /// Nothing was sent.
    NotRun(NotRun),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum NotRun {
    /// It cannot be planned, or a guard blocks it.
    Refused,
    NotConfirmed,
    Cancelled,
}

impl Outcome {
    /// As people read it.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Verified => "verified",
            Self::Failed => "failed",
            Self::NoEffect => "no effect",
            Self::Overridden => "overridden",
            Self::PartlyDone => "partly done",
            Self::Unknown => "unknown",
            Self::NotRun(NotRun::Refused) => "refused",
            Self::NotRun(NotRun::NotConfirmed) => "not confirmed",
            Self::NotRun(NotRun::Cancelled) => "cancelled",
        }
    }
}

/// The verdict and what it rests on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct End {
    pub outcome: Outcome,
    pub words: Shown,
    /// How long there was no writer to connect to, where the endpoint could be asked.
    pub outage: Option<Duration>,
}

impl Goal {
    /// The reads that show it.
    #[must_use]
    pub fn follows(&self) -> Vec<Gather> {
        match self {
            Self::Rollout { at, .. } => vec![Gather::Rollout(at.clone())],
            Self::Replicas { resource, at, .. } if *resource == Resource::ROLLOUT => vec![Gather::Rollout(at.clone())],
            Self::Replicas { resource, at, .. } | Self::Template { resource, at, .. } => {
                vec![Gather::Workload(*resource, at.clone())]
            }
            Self::Bounds { namespace, .. } => vec![Gather::Autoscalers { namespace: namespace.clone() }],
            Self::Schedulable { node, .. } => vec![Gather::Node { name: node.clone() }],
            Self::Gone { node: Some(node), .. } => vec![Gather::PodsOn { node: node.clone() }],
            Self::Gone { pods, .. } => pods.iter().map(|(named, _)| Gather::Pod(named.clone())).collect(),
            Self::RdsFailover { region, id, since, endpoint, .. } => {
                let probe = door(id, endpoint.as_ref());
                let (region, id, since) = (region.clone(), id.clone(), *since);
                let events = Gather::DbEvents { region: region.clone(), source: id.clone(), cluster: false, since };
                [Gather::DbInstance { region, id }, events].into_iter().chain(probe).collect()
            }
            Self::AuroraWriter { region, id, since, endpoint, .. } => {
                let probe = door(id, endpoint.as_ref());
                let (region, id, since) = (region.clone(), id.clone(), *since);
                let events = Gather::DbEvents { region: region.clone(), source: id.clone(), cluster: true, since };
                [Gather::DbCluster { region, id }, events].into_iter().chain(probe).collect()
            }
            Self::CnpgPrimary { at, .. } => {
                // The name inside the cluster, for where it can be resolved.
                let name = Raw::from(format!("{}-rw.{}:5432", at.name.as_str(), at.namespace.as_str()));
                std::iter::once(Gather::CnpgCluster(at.clone())).chain(door(&at.name, Some(&name))).collect()
            }
            Self::CacheSwitches { region, id, .. } | Self::CachePrimary { region, id, .. } => {
                vec![Gather::CacheGroup { region: region.clone(), id: id.clone() }]
            }
            Self::Sync { owner, .. } => vec![Gather::Owner(owner.clone())],
        }
    }

    /// Whether the engine says that the new primary leads: an endpoint that answers before that leads to the old one.
    fn leads(&self, sheet: &Sheet) -> bool {
        match self {
            Self::AuroraWriter { to, .. } => data::writer(sheet) == Some(to),
            Self::CnpgPrimary { to, .. } => sheet.cnpg().is_some_and(|seen| seen.current == *to),
            _ => true,
        }
    }

    /// Judges what is seen now. `since` is when the request went.
    #[must_use]
    pub fn glance(&self, sheet: &Sheet, since: Stamp) -> Glance {
        match self {
            Self::Rollout { uid, stable, current, want, .. } => {
                kube::rollout(sheet, uid, (stable, current), want, since)
            }
            Self::Replicas { resource, uid, replicas, .. } => kube::replicas(sheet, *resource, uid, *replicas, since),
            Self::Template { uid, images, restarted, .. } => {
                kube::template(sheet, uid, images, restarted.as_ref(), since)
            }
            Self::Bounds { uid, min, max, .. } => kube::bounds(sheet, uid, (*min, *max), since),
            Self::Schedulable { uid, schedulable, .. } => kube::schedulable(sheet, uid, *schedulable),
            Self::Gone { node, pods } => kube::gone(sheet, node.as_ref(), pods),
            Self::RdsFailover { resource_id, zone, since, .. } => data::rds(sheet, resource_id, zone, *since),
            Self::AuroraWriter { resource_id, from, to, since, .. } => {
                data::aurora(sheet, resource_id, (from, to), *since)
            }
            Self::CnpgPrimary { uid, from, to, .. } => data::cnpg(sheet, uid, from, to),
            Self::CacheSwitches { arn, automatic, multi_az, .. } => data::switches(sheet, arn, *automatic, *multi_az),
            Self::CachePrimary { arn, from, to, .. } => data::cache(sheet, arn, from, to),
            Self::Sync { uid, suspended, .. } => kube::sync(sheet, uid, *suspended, since),
        }
    }
}

fn door(component: &Raw, address: Option<&Raw>) -> Option<Gather> {
    address.map(|address| Gather::WriteProbe { component: component.clone(), address: address.clone() })
}

/// The memory of a verification.
#[derive(Clone, Debug, PartialEq)]
pub struct Verifier {
    pub goal: Goal,
    pub timing: Timing,
    /// When the last request was answered, world time.
    pub began: Stamp,
    /// Since when the end state stands.
    pub reached: Option<Stamp>,
    /// What was seen last.
    pub last: Glance,
    /// Sightings in a row of something that went wrong.
    wrong: u32,
    errors: Errors,
    failing: Failing,
    outage: Outage,
}

/// Whether errors are back to normal: `Unmeasured` where nothing measured them when it began.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Errors {
    Unmeasured,
    Unseen,
    Above(f64),
    Below { since: Stamp },
}

/// The share of requests that failed at the target when it began, and the newest since.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
struct Failing {
    before: Option<f64>,
    after: Option<f64>,
}

impl Failing {
    /// What users have of it, for the verdict.
    fn words(self) -> Shown {
        let percent = |ratio: f64| Shown::of(&format!("{:.2} %", ratio * 100.0));
        match (self.before, self.after) {
            (Some(before), Some(after)) => shown!("; errors {}, before {}", percent(after), percent(before)),
            _ => Shown::default(),
        }
    }
}

/// From the first refused connection to the first answered one after which the new primary leads.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Outage {
    from: Option<Stamp>,
    until: Option<Stamp>,
    newest: Option<Stamp>,
}

impl Outage {
    fn see(&mut self, at: Stamp, accepted: Option<bool>) {
        let Some(accepted) = accepted.filter(|_| self.newest.is_none_or(|newest| newest < at)) else { return };
        self.newest = Some(at);
        if !accepted {
            self.from = self.from.or(Some(at));
            self.until = None;
        } else if self.from.is_some() && self.until.is_none() {
            self.until = Some(at);
        }
    }

    fn measured(self) -> Option<Duration> {
        Some(self.until?.since(self.from?))
    }

    const fn is_open(self) -> bool {
        self.from.is_some() && self.until.is_none()
    }
}

impl Verifier {
    /// `errors` is the reading at the target when it began: what was not measured then is not waited for.
    #[must_use]
    pub fn new(goal: Goal, timing: Timing, began: Stamp, errors: &Reading) -> Self {
        let measured = timing.errors_below.is_some() && errors.last().is_some();
        Self {
            goal,
            timing,
            began,
            reached: None,
            last: Glance::Unseen,
            wrong: 0,
            errors: if measured { Errors::Unseen } else { Errors::Unmeasured },
            failing: Failing { before: errors.value(), after: None },
            outage: Outage::default(),
        }
    }

    #[must_use]
    pub fn deadline(&self) -> Stamp {
        self.began + self.timing.deadline()
    }

    /// How long writes have been refused so far.
    #[must_use]
    pub fn outage(&self, now: Stamp) -> Option<Duration> {
        self.outage.measured().or_else(|| self.outage.from.map(|from| now.since(from)))
    }

    /// Takes an answer into account; the end, when it is told. `ask` is the read that was answered.
    pub fn see(&mut self, ask: &Gather, sheet: &Sheet, errors: &Reading, now: Stamp) -> Option<End> {
        self.see_writes(sheet);
        self.see_errors(errors, now);
        let fresh = self.goal.follows().first() == Some(ask);
        let glance = self.goal.glance(sheet, self.began);
        let end = match &glance {
            Glance::NoEffect(words) => Some((Outcome::NoEffect, words.clone())),
            // Twice, so that one stale answer convicts nobody.
            Glance::Failed(words) if self.wrong > 0 => Some((Outcome::Failed, words.clone())),
            Glance::Away(words) if self.wrong > 0 => Some((Outcome::Overridden, words.clone())),
            _ => None,
        };
        let wrong = matches!(glance, Glance::Away(_) | Glance::Failed(_));
        self.wrong = if wrong { self.wrong + u32::from(fresh) } else { 0 };
        match &glance {
            Glance::Reached(_) => self.reached = self.reached.or(Some(now)),
            Glance::Unseen => {}
            _ => self.reached = None,
        }
        if glance != Glance::Unseen {
            self.last = glance;
        }
        let end = end.or_else(|| self.verified(now)).or_else(|| self.late(now));
        end.map(|(outcome, words)| End { outcome, words, outage: self.outage.measured() })
    }

    /// Gives up when the time is over. Time alone never verifies: that takes a sighting.
    #[must_use]
    pub fn tick(&self, now: Stamp) -> Option<End> {
        let (outcome, words) = self.late(now)?;
        Some(End { outcome, words, outage: self.outage.measured() })
    }

    fn see_writes(&mut self, sheet: &Sheet) {
        let probes = sheet.all().filter(|(ask, _)| matches!(ask, Gather::WriteProbe { .. }));
        for (ask, seen) in probes {
            if let Some(Evidence::Writes { accepted, .. }) = sheet.found(ask) {
                let back = !self.outage.is_open() || self.goal.leads(sheet);
                self.outage.see(seen.at, accepted.map(|accepted| accepted && back));
            }
        }
    }

    /// Only samples from after the request speak about what it did. Their rates look back over a window, so what went wrong
    /// before counts against it, never for it.
    fn see_errors(&mut self, errors: &Reading, now: Stamp) {
        if let Reading::Fresh(sample) = errors
            && sample.at >= self.began
        {
            self.failing.after = Some(sample.value);
        }
        let Some(limit) = self.timing.errors_below.filter(|_| self.errors != Errors::Unmeasured) else { return };
        let below = match self.errors {
            Errors::Below { .. } => self.errors,
            _ => Errors::Below { since: now },
        };
        self.errors = match errors {
            Reading::NoTraffic => below,
            Reading::Fresh(sample) if sample.at < self.began => Errors::Unseen,
            Reading::Fresh(sample) if sample.value < limit => below,
            Reading::Fresh(sample) => Errors::Above(sample.value),
            Reading::Stale { .. } | Reading::Absent(_) => Errors::Unseen,
        };
    }

    /// The end state, and where they are judged the errors below their limit, have stood for the whole hold.
    fn verified(&self, now: Stamp) -> Option<(Outcome, Shown)> {
        let Glance::Reached(words) = &self.last else { return None };
        let held = |since: Stamp| now.since(since) >= self.timing.hold;
        let quiet = match self.errors {
            Errors::Unmeasured => true,
            Errors::Below { since } => held(since),
            Errors::Unseen | Errors::Above(_) => false,
        };
        let is_over = held(self.reached?) && quiet && !self.outage.is_open();
        is_over.then(|| (Outcome::Verified, shown!("{}{}", words, self.failing.words())))
    }

    fn late(&self, now: Stamp) -> Option<(Outcome, Shown)> {
        if now < self.deadline() {
            return None;
        }
        Some(match (&self.last, self.errors) {
            (Glance::Reached(words), Errors::Above(ratio)) => {
                let percent = Shown::of(&format!("{:.2}", ratio * 100.0));
                (Outcome::Failed, shown!("{}, and yet {} % of requests fail", words, percent))
            }
            (Glance::Reached(words), _) if self.outage.is_open() => {
                (Outcome::Failed, shown!("{}, and yet writes are refused", words))
            }
            (Glance::Reached(words), Errors::Unseen) => {
                (Outcome::Unknown, shown!("{}; whether errors went away cannot be seen", words))
            }
            (Glance::Reached(words), _) => (Outcome::Unknown, shown!("{}, but not for long enough to trust", words)),
            (Glance::Part(words), _) => (Outcome::PartlyDone, words.clone()),
            (Glance::Away(words), _) => (Outcome::Overridden, words.clone()),
            (Glance::Unseen, _) => (Outcome::Unknown, Shown::fixed("it could not be looked at; look by hand")),
            (Glance::Pending(words) | Glance::NoEffect(words) | Glance::Failed(words), _) => {
                (Outcome::Unknown, shown!("it has not come about in time: {}", words))
            }
        })
    }
}
