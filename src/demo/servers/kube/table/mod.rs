//! Objects as `kubectl get` prints them: the columns of the API server's table printers
//! (kubernetes `pkg/printers/internalversion/printers.go`), and those of the Rollout's CRD.

mod cluster;
mod pods;
mod workloads;

use serde_json::{Value, json};

use super::age;
use crate::demo::store::json::{at, text};

pub use cluster::{ENDPOINT_SLICES, EVENTS, HPAS, NAMED, NAMESPACES, NODE_METRICS, NODES, PDBS, POD_METRICS, SERVICES};
pub use pods::PODS;
pub use workloads::{DAEMONSETS, DEPLOYMENTS, REPLICASETS, ROLLOUTS, STATEFULSETS};

/// Header, type, and whether it is shown only with `-o wide`.
pub type Column = (&'static str, &'static str, bool);

/// The columns of a kind and how an object fills them.
pub struct Printer {
    pub columns: &'static [Column],
    /// Cells in the order of the columns; world time in ms for the ages.
    pub print: fn(&Value, i64) -> Vec<Value>,
}

impl Printer {
    pub fn definitions(&self) -> Value {
        let column = |(name, kind, wide): &Column| {
            let format = if *name == "Name" { "name" } else { "" };
            json!({"name": name, "type": kind, "format": format, "description": "", "priority": i32::from(*wide)})
        };
        self.columns.iter().map(column).collect()
    }

    pub fn cells(&self, object: &Value, now: i64) -> Vec<Value> {
        (self.print)(object, now)
    }
}

const NAME: Column = ("Name", "string", false);
const AGE: Column = ("Age", "string", false);

/// A string, or what kubectl prints in place of none.
fn or_none(text: &str) -> Value {
    json!(if text.is_empty() { "<none>" } else { text })
}

fn name(object: &Value) -> Value {
    at(object, "/metadata/name").clone()
}

/// Time since a timestamp of the object.
fn since(stamp: &str, now: i64) -> Value {
    json!(age::parse(stamp).map_or_else(|| "<unknown>".to_owned(), |at| age::human(now - at)))
}

fn created(object: &Value, now: i64) -> Value {
    since(text(object, "/metadata/creationTimestamp"), now)
}

fn join<'a>(parts: impl IntoIterator<Item = &'a str>) -> String {
    parts.into_iter().collect::<Vec<_>>().join(",")
}

/// `key=value` pairs of a map of strings.
fn pairs(map: &Value) -> Value {
    let pairs: Vec<String> = map
        .as_object()
        .into_iter()
        .flatten()
        .map(|(key, value)| format!("{key}={}", value.as_str().unwrap_or_default()))
        .collect();
    or_none(&pairs.join(","))
}
