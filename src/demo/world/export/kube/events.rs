//! Events (core/v1): what controllers and kubelets report, kept for an hour.

use std::collections::VecDeque;

use serde_json::{Value, json};

use crate::demo::store::json::text;
use crate::demo::store::kube::{EVENTS, Kube};
use crate::demo::world::cluster::Notice;
use crate::demo::world::model::Model;
use crate::demo::world::noise::{digest, mix, uid};
use crate::demo::world::pod::{SCHEDULED_AFTER, STARTED_AFTER};
use crate::demo::world::shop;

use super::{metadata, timestamp};

/// The API server forgets events after this long, ms.
const KEPT: i64 = 3_600_000;

#[derive(Debug, Default)]
pub struct Events {
    /// Reports whose time has not come.
    coming: VecDeque<Notice>,
    /// Time, namespace and name of those in the store.
    stored: VecDeque<(i64, &'static str, String)>,
}

impl Events {
    pub fn take(&mut self, notices: &[Notice], model: &Model, kube: &mut Kube) {
        for notice in notices {
            self.coming.push_back(notice.clone());
            self.coming.extend(kubelet_reports(notice, model));
        }
        self.coming.make_contiguous().sort_by_key(|n| n.at);
        while let Some(notice) = self.coming.pop_front_if(|n| n.at <= model.at) {
            let event = event(model.seed, &notice);
            let name = text(&event, "/metadata/name").to_owned();
            self.stored.push_back((notice.at, notice.namespace, name));
            kube.apply(EVENTS, event);
        }
        while let Some((_, namespace, name)) = self.stored.pop_front_if(|(at, ..)| *at + KEPT < model.at) {
            kube.delete(EVENTS, namespace, &name);
        }
    }
}

/// What the scheduler and the kubelet say about a pod that was created or told to go.
fn kubelet_reports(notice: &Notice, model: &Model) -> Vec<Notice> {
    let Some((what, pod)) = notice.message.split_once(" pod: ") else { return Vec::new() };
    let Some((_, workload)) = shop::workload(notice.workload) else { return Vec::new() };
    let report = |after: i64, reason: &'static str, component: &'static str, message: String| Notice {
        at: notice.at + after,
        kind: "Pod",
        object: pod.to_owned(),
        reason,
        message,
        component,
        ..notice.clone()
    };
    if what == "Deleted" {
        return vec![report(0, "Killing", "kubelet", format!("Stopping container {}", workload.container()))];
    }
    let known = model.workload(workload.name).and_then(|w| {
        let found = w.pods.iter().find(|p| p.name == pod)?;
        Some((found.node.name, w.revision(found.revision)?.tag.clone()))
    });
    let Some((node, tag)) = known else { return Vec::new() };
    let image = format!("{}:{tag}", workload.image);
    vec![
        report(
            SCHEDULED_AFTER,
            "Scheduled",
            "default-scheduler",
            format!("Successfully assigned {}/{pod} to {node}", workload.namespace),
        ),
        report(STARTED_AFTER - 1_000, "Pulled", "kubelet", format!("Successfully pulled image \"{image}\"")),
        report(STARTED_AFTER, "Created", "kubelet", format!("Created container: {}", workload.container())),
        report(STARTED_AFTER, "Started", "kubelet", format!("Started container {}", workload.container())),
    ]
}

fn event(seed: u64, notice: &Notice) -> Value {
    let at = timestamp(notice.at);
    let number = mix(digest(&notice.message), mix(digest(notice.reason), notice.at as u64));
    let name = format!("{}.{number:016x}", notice.object);
    let api_version = match notice.kind {
        "Pod" => "v1",
        "Rollout" | "Application" => "argoproj.io/v1alpha1",
        "HorizontalPodAutoscaler" => "autoscaling/v2",
        "Cluster" => "postgresql.cnpg.io/v1",
        "Kustomization" => "kustomize.toolkit.fluxcd.io/v1",
        _ => "apps/v1",
    };
    json!({
        "apiVersion": "v1", "kind": "Event",
        "metadata": metadata(seed, "Event", notice.namespace, &name, notice.at),
        "involvedObject": {
            "kind": notice.kind, "namespace": notice.namespace, "name": notice.object, "apiVersion": api_version,
            "uid": uid(seed, &format!("{}/{}/{}", notice.kind, notice.namespace, notice.object)),
        },
        "reason": notice.reason, "message": notice.message,
        "type": if matches!(notice.reason, "BackOff" | "RolloutAborted") { "Warning" } else { "Normal" }, "count": 1,
        "firstTimestamp": at, "lastTimestamp": at, "eventTime": null,
        "source": {"component": notice.component},
        "reportingComponent": notice.component, "reportingInstance": "",
    })
}
