//! What users wrote into objects and the model knows nothing of: labels, annotations, fields of a spec, and who wrote.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use crate::demo::store::json::{array, at, set, text};
use crate::demo::store::kube::Gvr;

use super::timestamp;

/// Fields of a spec that the model owns: what is written there becomes the model's.
const MODELLED: [&str; 10] = [
    "replicas",
    "template",
    "paused",
    "restartAt",
    "minReplicas",
    "maxReplicas",
    "unschedulable",
    "taints",
    "syncPolicy",
    "suspend",
];

type Key = (Gvr, String, String);

/// Values by path; null where something was taken away.
type Changes = BTreeMap<Vec<String>, Value>;

#[derive(Clone, Debug, Default)]
struct Edit {
    changes: Changes,
    /// Entries of `managedFields`, newest last.
    managers: Vec<Value>,
}

#[derive(Debug, Default)]
pub struct Edits(BTreeMap<Key, Edit>);

fn key(gvr: Gvr, object: &Value) -> Key {
    (gvr, text(object, "/metadata/namespace").to_owned(), text(object, "/metadata/name").to_owned())
}

/// Who wrote, through which subresource (empty for none), and when.
#[derive(Clone, Copy, Debug)]
pub struct Writer<'a> {
    pub manager: &'a str,
    pub subresource: &'a str,
    pub at: i64,
}

impl Edits {
    /// Remembers what differs between two states of an object, and who made the difference.
    pub fn note(&mut self, gvr: Gvr, old: &Value, new: &Value, writer: Writer<'_>) {
        let edit = self.0.entry(key(gvr, new)).or_default();
        for part in ["annotations", "labels"] {
            let path = format!("/metadata/{part}");
            differences(at(old, &path), at(new, &path), |name, value| {
                edit.changes.insert(vec!["metadata".to_owned(), part.to_owned(), name.to_owned()], value);
            });
        }
        differences(at(old, "/spec"), at(new, "/spec"), |name, value| {
            if !MODELLED.contains(&name) {
                edit.changes.insert(vec!["spec".to_owned(), name.to_owned()], value);
            }
        });
        edit.sign(new, changed_fields(old, new), writer);
    }

    /// Remembers who made the difference between two specs, both of which are the model's.
    pub fn note_spec(&mut self, gvr: Gvr, old: &Value, new: &Value, writer: Writer<'_>) {
        let fields = json!({"f:spec": changed_fields(at(old, "/spec"), at(new, "/spec"))});
        self.0.entry(key(gvr, new)).or_default().sign(new, fields, writer);
    }

    /// Writes into an object of the model what users wrote.
    pub fn complete(&self, gvr: Gvr, object: &mut Value) {
        let Some(edit) = self.0.get(&key(gvr, object)) else { return };
        for (path, value) in &edit.changes {
            let path: Vec<&str> = path.iter().map(String::as_str).collect();
            match (value, path.split_last()) {
                (Value::Null, Some((last, above))) => {
                    let above = format!("/{}", above.join("/"));
                    if let Some(map) = object.pointer_mut(&above).and_then(Value::as_object_mut) {
                        map.remove(*last);
                    }
                }
                _ => set(object, &path, value.clone()),
            }
        }
        let own = array(object, "/metadata/managedFields").iter().chain(&edit.managers).cloned().collect();
        set(object, &["metadata", "managedFields"], Value::Array(own));
    }
}

impl Edit {
    fn sign(&mut self, object: &Value, mut fields: Value, writer: Writer<'_>) {
        let before = |entry: &Value| {
            text(entry, "/manager") == writer.manager && text(entry, "/subresource") == writer.subresource
        };
        if let Some(entry) = self.managers.iter().find(|entry| before(entry)) {
            merge(&mut fields, at(entry, "/fieldsV1"));
        }
        self.managers.retain(|entry| !before(entry));
        let mut entry = json!({
            "manager": writer.manager, "operation": "Update", "apiVersion": text(object, "/apiVersion"),
            "time": timestamp(writer.at), "fieldsType": "FieldsV1", "fieldsV1": fields,
        });
        if !writer.subresource.is_empty() {
            set(&mut entry, &["subresource"], writer.subresource);
        }
        self.managers.push(entry);
    }
}

/// Calls `each` with every key whose value differs, and with null for one that is gone.
fn differences(old: &Value, new: &Value, mut each: impl FnMut(&str, Value)) {
    let empty = Map::new();
    let (old, new) = (old.as_object().unwrap_or(&empty), new.as_object().unwrap_or(&empty));
    for (name, value) in new.iter().filter(|(name, value)| old.get(*name) != Some(value)) {
        each(name, value.clone());
    }
    for name in old.keys().filter(|name| !new.contains_key(*name)) {
        each(name, Value::Null);
    }
}

/// The changed fields in the form of `fieldsV1`, down to what is no object.
fn changed_fields(old: &Value, new: &Value) -> Value {
    let mut fields = Map::new();
    differences(old, new, |name, value| {
        let below = match (old.get(name), &value) {
            (Some(Value::Object(_)) | None, Value::Object(_)) => changed_fields(at(old, &format!("/{name}")), &value),
            _ => json!({}),
        };
        if !matches!(name, "managedFields" | "resourceVersion" | "generation") {
            fields.insert(format!("f:{name}"), below);
        }
    });
    Value::Object(fields)
}

fn merge(into: &mut Value, from: &Value) {
    let (Some(into), Some(from)) = (into.as_object_mut(), from.as_object()) else { return };
    for (name, value) in from {
        merge(into.entry(name).or_insert_with(|| json!({})), value);
    }
}
