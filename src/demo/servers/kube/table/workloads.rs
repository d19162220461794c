//! Deployments and their kin, and Argo Rollouts.

use serde_json::{Value, json};

use super::{AGE, Column, NAME, Printer, created, join, name, pairs};
use crate::demo::store::json::{array, at, count, text};

const CONTAINERS: Column = ("Containers", "string", true);
const IMAGES: Column = ("Images", "string", true);
const SELECTOR: Column = ("Selector", "string", true);

fn containers(workload: &Value) -> Value {
    json!(join(array(workload, "/spec/template/spec/containers").iter().map(|c| text(c, "/name"))))
}

fn images(workload: &Value) -> Value {
    json!(join(array(workload, "/spec/template/spec/containers").iter().map(|c| text(c, "/image"))))
}

fn selector(workload: &Value) -> Value {
    pairs(at(workload, "/spec/selector/matchLabels"))
}

pub const DEPLOYMENTS: Printer = Printer {
    columns: &[
        NAME,
        ("Ready", "string", false),
        ("Up-to-date", "integer", false),
        ("Available", "integer", false),
        AGE,
        CONTAINERS,
        IMAGES,
        SELECTOR,
    ],
    print: |d, now| {
        vec![
            name(d),
            json!(format!("{}/{}", count(d, "/status/readyReplicas"), count(d, "/spec/replicas"))),
            json!(count(d, "/status/updatedReplicas")),
            json!(count(d, "/status/availableReplicas")),
            created(d, now),
            containers(d),
            images(d),
            selector(d),
        ]
    },
};

pub const REPLICASETS: Printer = Printer {
    columns: &[
        NAME,
        ("Desired", "integer", false),
        ("Current", "integer", false),
        ("Ready", "integer", false),
        AGE,
        CONTAINERS,
        IMAGES,
        SELECTOR,
    ],
    print: |rs, now| {
        vec![
            name(rs),
            json!(count(rs, "/spec/replicas")),
            json!(count(rs, "/status/replicas")),
            json!(count(rs, "/status/readyReplicas")),
            created(rs, now),
            containers(rs),
            images(rs),
            selector(rs),
        ]
    },
};

pub const STATEFULSETS: Printer = Printer {
    columns: &[NAME, ("Ready", "string", false), AGE, CONTAINERS, IMAGES],
    print: |sts, now| {
        vec![
            name(sts),
            json!(format!("{}/{}", count(sts, "/status/readyReplicas"), count(sts, "/spec/replicas"))),
            created(sts, now),
            containers(sts),
            images(sts),
        ]
    },
};

pub const DAEMONSETS: Printer = Printer {
    columns: &[
        NAME,
        ("Desired", "integer", false),
        ("Current", "integer", false),
        ("Ready", "integer", false),
        ("Up-to-date", "integer", false),
        ("Available", "integer", false),
        ("Node Selector", "string", false),
        AGE,
        CONTAINERS,
        IMAGES,
        SELECTOR,
    ],
    print: |ds, now| {
        vec![
            name(ds),
            json!(count(ds, "/status/desiredNumberScheduled")),
            json!(count(ds, "/status/currentNumberScheduled")),
            json!(count(ds, "/status/numberReady")),
            json!(count(ds, "/status/updatedNumberScheduled")),
            json!(count(ds, "/status/numberAvailable")),
            pairs(at(ds, "/spec/template/spec/nodeSelector")),
            created(ds, now),
            containers(ds),
            images(ds),
            selector(ds),
        ]
    },
};

/// The `additionalPrinterColumns` of the Rollout's CRD (argo-rollouts `manifests/crds/rollout-crd.yaml`).
pub const ROLLOUTS: Printer = Printer {
    columns: &[
        NAME,
        ("Desired", "integer", false),
        ("Current", "integer", false),
        ("Up-to-date", "integer", false),
        ("Available", "integer", false),
        AGE,
    ],
    print: |ro, now| {
        vec![
            name(ro),
            json!(count(ro, "/spec/replicas")),
            json!(count(ro, "/status/replicas")),
            json!(count(ro, "/status/updatedReplicas")),
            json!(count(ro, "/status/availableReplicas")),
            created(ro, now),
        ]
    },
};
