//! Kubernetes objects as an API server of 1.33 shows them.

mod applications;
pub mod edits;
mod events;
mod kustomizations;
mod nodes;
mod pods;
mod postgres;
mod rollouts;
mod services;
mod workloads;

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};

use crate::demo::store::json::{set, text};
use crate::demo::store::kube::{
    APPLICATIONS, CNPG_CLUSTERS, CONTROLLER_REVISIONS, DAEMONSETS, DEPLOYMENTS, ENDPOINT_SLICES, Gvr, HPAS,
    KUSTOMIZATIONS, Kube, NAMESPACES, NODES, PDBS, PODS, REPLICASETS, ROLLOUTS, SERVICES, STATEFULSETS,
};
use crate::demo::world::cluster::{Notice, Workload};
use crate::demo::world::model::Model;
use crate::demo::world::noise::uid;
use crate::demo::world::operations::owner::System;
use crate::demo::world::shop::Shop;
use crate::demo::world::spec::{self, Kind};

pub use pods::template as template_of;
pub use postgres::instance_status;

/// Figures of metrics.k8s.io and of the autoscalers are renewed this often, ms.
const FIGURES_EVERY: i64 = 15_000;

#[derive(Debug)]
pub struct Exporter {
    /// Objects that come and go with the model.
    known: BTreeSet<(Gvr, String, String)>,
    events: events::Events,
    /// What users wrote that the model knows nothing of.
    pub edits: edits::Edits,
    /// When each owner last put something back, as far as it is written down.
    synced: BTreeMap<&'static str, i64>,
    revision: u64,
    figures_at: i64,
    created_at: i64,
}

impl Exporter {
    /// Writes what never changes: namespaces and services.
    pub fn new(kube: &mut Kube, shop: &Shop, seed: u64, now: i64) -> Self {
        let created_at = now - 230 * 86_400_000;
        for namespace in spec::NAMESPACES.iter().chain(shop.namespaces) {
            kube.apply(NAMESPACES, nodes::namespace(seed, namespace, created_at));
        }
        for workload in shop.workloads() {
            if workload.kind == Kind::PostgresCluster {
                kube.apply(SERVICES, postgres::service(seed, workload, created_at));
            }
            if let Some(service) = services::service(seed, workload, created_at) {
                kube.apply(SERVICES, service);
            }
        }
        let events = events::Events::default();
        let edits = edits::Edits::default();
        Self { known: BTreeSet::new(), events, edits, synced: BTreeMap::new(), revision: 0, figures_at: 0, created_at }
    }

    /// Brings the objects up to the model.
    pub fn settle(&mut self, model: &Model, notices: &[Notice], kube: &mut Kube) {
        if self.revision != model.revision {
            self.revision = model.revision;
            self.note_syncs(model, kube);
            self.rebuild(model, kube);
        }
        if model.at - self.figures_at >= FIGURES_EVERY {
            self.figures_at = model.at;
            self.renew(model, kube);
            nodes::metrics(model, kube);
        }
        self.events.take(notices, model, kube);
    }

    /// What an owner has put back since it was last looked at is written down as its doing.
    fn note_syncs(&mut self, model: &Model, kube: &Kube) {
        for owner in &model.operations.owners {
            let Some((moment, workload)) = owner.synced_at.zip(model.workload(owner.name)) else { continue };
            if self.synced.insert(owner.name, moment) == Some(moment) {
                continue;
            }
            let writer = edits::Writer { manager: owner.manager(), subresource: "", at: moment };
            let mut put_back = vec![(gvr_of(workload.spec.kind), workloads::object(model, workload))];
            if workload.spec.autoscale.is_some() {
                put_back.push((HPAS, services::autoscaler(model, workload, self.created_at)));
            }
            for (gvr, new) in put_back {
                let old = kube.get(gvr, workload.spec.namespace, workload.spec.name);
                if let Some(old) = old.filter(|old| old.get("spec") != new.get("spec")) {
                    self.edits.note_spec(gvr, old, &new, writer);
                }
            }
        }
    }

    /// Brings autoscalers, nodes and Applications up to the model.
    fn renew(&self, model: &Model, kube: &mut Kube) {
        let mut put = |gvr: Gvr, mut object: Value| {
            self.edits.complete(gvr, &mut object);
            kube.apply(gvr, object);
        };
        for workload in model.workloads.iter().filter(|w| w.spec.autoscale.is_some()) {
            put(HPAS, services::autoscaler(model, workload, self.created_at));
        }
        for node in &spec::NODES {
            put(NODES, nodes::node(model, node, self.created_at));
        }
        for owner in &model.operations.owners {
            let Some(workload) = model.workload(owner.name) else { continue };
            let created_at = self.created_at;
            match owner.system {
                System::ArgoCd => put(APPLICATIONS, applications::application(model, owner, workload, created_at)),
                System::Flux { interval } => {
                    let object = kustomizations::kustomization(model, owner, workload, interval, created_at);
                    put(KUSTOMIZATIONS, object);
                }
            }
        }
    }

    fn rebuild(&mut self, model: &Model, kube: &mut Kube) {
        if !self.known.is_empty() {
            self.renew(model, kube);
        }
        let mut built = BTreeSet::new();
        let edits = &self.edits;
        let mut put = |gvr: Gvr, mut object: Value| {
            edits.complete(gvr, &mut object);
            let part = |name: &str| text(&object, &format!("/metadata/{name}")).to_owned();
            built.insert((gvr, part("namespace"), part("name")));
            kube.apply(gvr, object);
        };
        for workload in &model.workloads {
            put(gvr_of(workload.spec.kind), workloads::object(model, workload));
            for revision in workloads::kept(workload) {
                put(REPLICASETS, workloads::replica_set(model, workload, revision));
            }
            if matches!(workload.spec.kind, Kind::StatefulSet | Kind::DaemonSet) {
                for revision in &workload.revisions {
                    put(CONTROLLER_REVISIONS, workloads::controller_revision(model, workload, revision));
                }
            }
            for pod in &workload.pods {
                put(PODS, pods::object(model, workload, pod));
            }
            if services::is_served(workload.spec) {
                put(ENDPOINT_SLICES, services::endpoint_slice(model, workload, self.created_at));
            }
            if spec::has_budget(workload.spec) {
                put(PDBS, services::budget(model, workload, self.created_at));
            }
        }
        for (gvr, namespace, name) in self.known.difference(&built) {
            kube.delete(*gvr, namespace, name);
        }
        self.known = built;
    }
}

fn gvr_of(kind: Kind) -> Gvr {
    match kind {
        Kind::Deployment => DEPLOYMENTS,
        Kind::Rollout => ROLLOUTS,
        Kind::StatefulSet => STATEFULSETS,
        Kind::DaemonSet => DAEMONSETS,
        Kind::PostgresCluster => CNPG_CLUSTERS,
    }
}

/// `metadata` of an object. `kind` keeps the uids of namesakes apart.
fn metadata(seed: u64, kind: &str, namespace: &str, name: &str, created_at: i64) -> Value {
    let mut metadata = json!({
        "name": name,
        "uid": uid(seed, &format!("{kind}/{namespace}/{name}")),
        "creationTimestamp": timestamp(created_at),
    });
    if !namespace.is_empty() {
        set(&mut metadata, &["namespace"], json!(namespace));
    }
    metadata
}

/// The labels of a workload and of everything that belongs to it.
fn labels(workload: &spec::Workload) -> Value {
    let part_of = if workload.namespace == spec::NAMESPACE { "shop" } else { "platform" };
    json!({"app": workload.name, "app.kubernetes.io/name": workload.name, "app.kubernetes.io/part-of": part_of})
}

/// A reference to the controller of an object.
fn owner(seed: u64, api_version: &str, kind: &str, namespace: &str, name: &str) -> Value {
    json!([{
        "apiVersion": api_version, "kind": kind, "name": name, "uid": uid(seed, &format!("{kind}/{namespace}/{name}")),
        "controller": true, "blockOwnerDeletion": true,
    }])
}

fn selector(workload: &Workload) -> Value {
    json!({"matchLabels": {"app": workload.spec.name}})
}

/// RFC 3339 in UTC with seconds, the form of `metav1.Time`.
pub fn timestamp(at: i64) -> String {
    let (days, second) = (at.div_euclid(86_400_000), at.rem_euclid(86_400_000) / 1_000);
    // Civil date from days since 1970-01-01, in years that begin in March (H. Hinnant, "chrono-compatible
    // low-level date algorithms").
    let shifted = days + 719_468;
    let era = shifted.div_euclid(146_097);
    let day_of_era = shifted.rem_euclid(146_097);
    let year_of_era = (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let march_month = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * march_month + 2) / 5 + 1;
    let month = if march_month < 10 { march_month + 3 } else { march_month - 9 };
    let year = year_of_era + era * 400 + i64::from(month <= 2);
    format!("{year:04}-{month:02}-{day:02}T{:02}:{:02}:{:02}Z", second / 3_600, second / 60 % 60, second % 60)
}

#[cfg(test)]
mod tests {
    use super::timestamp;

    #[test]
    fn timestamps_are_rfc_3339() {
        for (at, want) in [
            (0, "1970-01-01T00:00:00Z"),
            (951_782_399_999, "2000-02-28T23:59:59Z"),
            (951_782_400_000, "2000-02-29T00:00:00Z"),
            (1_795_000_000_000, "2026-11-18T11:06:40Z"),
        ] {
            assert_eq!(timestamp(at), want);
        }
    }
}
