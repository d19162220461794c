//! Writes of users into the world.

use std::sync::Arc;

use serde_json::Value;

use crate::demo::store::json::{at, set, text};
use crate::demo::store::kube::{APPLICATIONS, DEPLOYMENTS, Gvr, HPAS, KUSTOMIZATIONS, NODES, PODS};
use crate::demo::world::World;
use crate::demo::world::cluster::Workload;
use crate::demo::world::export::kube::edits::Writer;
use crate::demo::world::export::kube::template_of;
use crate::demo::world::spec;
use crate::demo::world::will::{Fresh, Promotion};

use super::{Act, Invalid, Part, read};

/// The controllers look every second for this long after somebody has changed something, ms.
const ATTENTION: i64 = 30 * 60_000;

/// A write of one object: which, what part of it, and by whom.
#[derive(Clone, Copy, Debug)]
pub struct Write<'a> {
    pub gvr: Gvr,
    pub part: Part,
    pub manager: &'a str,
    pub dry_run: bool,
}

/// The last change, for a colleague who takes it back.
#[derive(Clone, Debug)]
pub struct LastChange {
    gvr: Gvr,
    part: Part,
    old: Arc<Value>,
}

/// Why a pod is not evicted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum EvictionRefusal {
    NotFound,
    /// The pod has another uid, which is this.
    OtherPod(String),
    /// The disruption budget of that name wants so many healthy pods and has so many.
    Budget {
        name: String,
        wanted: u32,
        healthy: u32,
    },
}

impl World {
    /// Replaces `old` by `new`, as far as `write.part` reaches, and lets the world follow. Returns the object as it is
    /// stored then; for a dry run as it would be.
    ///
    /// # Errors
    /// When the kind does not allow a value.
    pub fn replace(&mut self, write: Write<'_>, old: &Arc<Value>, mut new: Value) -> Result<Arc<Value>, Invalid> {
        if write.part == Part::Status {
            let status = at(&new, "/status").clone();
            new = (**old).clone();
            set(&mut new, &["status"], status);
        } else if !at(old, "/status").is_null() {
            set(&mut new, &["status"], at(old, "/status").clone());
        }
        let acts = read(write.gvr, write.part, old, &new)?;
        let annotated = at(old, "/metadata/annotations") != at(&new, "/metadata/annotations");
        let labelled = at(old, "/metadata/labels") != at(&new, "/metadata/labels");
        let respecified = at(old, "/spec") != at(&new, "/spec");
        if !respecified && !annotated && !labelled && acts.is_empty() {
            return Ok(old.clone());
        }
        // An annotation of a Deployment counts as a new generation, one of another kind does not.
        let generation = respecified || (annotated && write.gvr == DEPLOYMENTS);
        if write.dry_run {
            if generation && let Some(now) = at(old, "/metadata/generation").as_i64() {
                set(&mut new, &["metadata", "generation"], now + 1);
            }
            return Ok(Arc::new(new));
        }
        let (namespace, name) = (text(old, "/metadata/namespace").to_owned(), text(old, "/metadata/name").to_owned());
        if generation {
            self.raise_generation(write.gvr, &name);
        }
        for act in acts {
            self.perform(&name, act);
        }
        let subresource = match write.part {
            Part::Main => "",
            Part::Status => "status",
            Part::Scale => "scale",
        };
        let writer = Writer { manager: write.manager, subresource, at: self.now };
        self.exporters.kube.edits.note(write.gvr, old, &new, writer);
        self.last_change = Some(LastChange { gvr: write.gvr, part: write.part, old: old.clone() });
        self.follow();
        Ok(self.stores.kube.get(write.gvr, &namespace, &name).cloned().unwrap_or_else(|| Arc::new(new)))
    }

    /// Brings what can be observed up to a change that was just made, and has the controllers look closely.
    pub fn follow(&mut self) {
        self.attentive_until = self.now + ATTENTION;
        self.model.revision += 1;
        self.exporters.settle(&mut self.model, &mut self.stores);
    }

    fn raise_generation(&mut self, gvr: Gvr, name: &str) {
        if [APPLICATIONS, KUSTOMIZATIONS].contains(&gvr) {
            for owner in self.model.operations.owners.iter_mut().filter(|o| o.name == name) {
                owner.generation += 1;
            }
        } else if ![NODES, HPAS].contains(&gvr)
            && let Some(workload) = self.workload_mut(name)
        {
            workload.generation += 1;
        }
    }

    fn workload_mut(&mut self, name: &str) -> Option<&mut Workload> {
        self.model.workloads.iter_mut().find(|w| w.spec.name == name)
    }

    fn perform(&mut self, name: &str, act: Act) {
        let (seed, now) = (self.model.seed, self.now);
        match act {
            Act::Cordon(on) => {
                if let Some(node) = spec::NODES.iter().find(|node| node.name == name) {
                    let closed = &mut self.model.operations.cordoned;
                    if on {
                        closed.insert(node.name)
                    } else {
                        closed.remove(node.name)
                    };
                }
                return;
            }
            Act::Automate(automated) => {
                for owner in self.model.operations.owners.iter_mut().filter(|o| o.name == name) {
                    owner.automated = automated;
                }
                return;
            }
            Act::Promotion(instance) => {
                for cluster in self.model.operations.postgres.iter_mut().filter(|c| c.store.name == name) {
                    cluster.wish(&instance);
                }
                return;
            }
            _ => {}
        }
        let Some(workload) = self.workload_mut(name) else { return };
        match act {
            Act::Scale(replicas) => {
                workload.desired = replicas;
                workload.will.autoscaler.overruled = true;
            }
            Act::Template { template, cause } => want_template(workload, seed, now, template, cause),
            Act::Pause(paused) => workload.will.paused = paused,
            Act::RestartAt(moment) => workload.will.restart_at = Some(moment),
            Act::Abort(abort) => workload.will.abort = abort,
            Act::Promote(promotion) => {
                let nothing = promotion == Promotion::Full && workload.current == workload.stable;
                if !nothing {
                    workload.will.promotion = Some(promotion);
                }
            }
            Act::Bounds(min, max) => workload.will.bounds = Some((min, max)),
            Act::Cordon(_) | Act::Automate(_) | Act::Promotion(_) => {}
        }
    }

    /// Evicts a pod, or says why not.
    ///
    /// # Errors
    /// As the API server refuses (facts/controlplane.md 0.4 and 4); a wrong uid spends the budget all the same, unless
    /// it was a dry run.
    pub fn evict(&mut self, namespace: &str, name: &str, uid: &str, dry_run: bool) -> Result<(), EvictionRefusal> {
        let Some(pod) = self.stores.kube.get(PODS, namespace, name).cloned() else {
            return Err(EvictionRefusal::NotFound);
        };
        let now = self.now;
        let Some(workload) = self.model.workloads.iter_mut().find(|w| w.pods.iter().any(|p| p.name == name)) else {
            return Err(EvictionRefusal::NotFound);
        };
        let going = workload.pods.iter().any(|p| p.name == name && p.deleted_at.is_some());
        let serves = workload.pods.iter().any(|p| p.name == name && p.ready(now));
        let protected = spec::has_budget(workload.spec) && !going;
        // A pod that does not serve may go while the budget is healthy (`IfHealthyBudget`).
        let enough = workload.disruptions_allowed(now) > 0
            || (!serves && workload.ready(now) >= workload.desired.saturating_sub(1));
        if protected && !enough {
            let (wanted, healthy) = (workload.desired.saturating_sub(1), workload.ready(now));
            return Err(EvictionRefusal::Budget { name: workload.spec.name.to_owned(), wanted, healthy });
        }
        let own = text(&pod, "/metadata/uid");
        if !uid.is_empty() && uid != own {
            if protected && !dry_run {
                workload.burn_budget(name, now);
                self.follow();
            }
            return Err(EvictionRefusal::OtherPod(own.to_owned()));
        }
        if !dry_run && !going {
            self.remove_pod(name);
        }
        Ok(())
    }

    /// Tells a pod to go. Its controller replaces it.
    pub fn remove_pod(&mut self, name: &str) {
        let now = self.now;
        let holder = self.model.workloads.iter_mut().find(|w| w.pods.iter().any(|p| p.name == name));
        let notice = holder.and_then(|w| w.remove_pod(name, now));
        self.model.notices.extend(notice);
        self.follow();
    }

    /// A colleague takes the last change back.
    ///
    /// # Errors
    /// When there is none, or it cannot be taken back.
    pub fn take_back(&mut self) -> Result<String, String> {
        let last = self.last_change.take().ok_or("nothing was changed that could be taken back")?;
        let (namespace, name) = (text(&last.old, "/metadata/namespace"), text(&last.old, "/metadata/name"));
        let now = self.stores.kube.get(last.gvr, namespace, name).cloned().ok_or("the object is gone")?;
        let mut new = (*now).clone();
        if last.part == Part::Status {
            if at(&now, "/status/abort").as_bool() == at(&last.old, "/status/abort").as_bool() {
                return Err("a promotion cannot be taken back".to_owned());
            }
            set(&mut new, &["status", "abort"], at(&last.old, "/status/abort").clone());
        } else {
            set(&mut new, &["spec"], at(&last.old, "/spec").clone());
        }
        let write = Write { gvr: last.gvr, part: last.part, manager: "kubectl", dry_run: false };
        self.replace(write, &now, new).map_err(|invalid| invalid.message)?;
        Ok(format!("{}/{name}", last.gvr.resource))
    }
}

/// The revision that has the template becomes the newest one, or a new one is made for it.
fn want_template(workload: &mut Workload, seed: u64, now: i64, template: Value, cause: Option<String>) {
    let plain = |template: &Value| {
        let mut plain = template.clone();
        if let Some(metadata) = plain.get_mut("metadata").and_then(Value::as_object_mut) {
            metadata.remove("creationTimestamp");
            if let Some(labels) = metadata.get_mut("labels").and_then(Value::as_object_mut) {
                labels.remove("pod-template-hash");
                labels.remove("rollouts-pod-template-hash");
            }
        }
        plain
    };
    let wanted = plain(&template);
    let known = workload.revisions.iter().find(|r| plain(&template_of(workload, r)) == wanted).map(|r| r.number);
    let image = |template: &Value| text(template, "/spec/containers/0/image").to_owned();
    let before = workload.revision(workload.current).map(|r| image(&template_of(workload, r))).unwrap_or_default();
    let after = image(&template);
    let tag = (after != before).then(|| after.rsplit_once(':').map_or(after.clone(), |(_, tag)| tag.to_owned()));
    workload.want_template(seed, now, known, Fresh { template, tag, cause });
}
