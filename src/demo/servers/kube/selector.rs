//! Label and field selectors.

use serde_json::{Number, Value};

use super::resources::Resource;
use crate::demo::store::json::at;

#[derive(Clone, Debug, PartialEq, Eq)]
enum Condition {
    In(Vec<String>),
    /// Also true of an object without the label.
    NotIn(Vec<String>),
    Exists,
    Missing,
}

/// A parsed labelSelector; the empty one takes everything.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Labels(Vec<(String, Condition)>);

impl Labels {
    /// # Errors
    /// Says which requirement cannot be read.
    pub fn parse(text: &str) -> Result<Self, String> {
        requirements(text)
            .into_iter()
            .map(|r| requirement(r).ok_or_else(|| unreadable(r)))
            .collect::<Result<_, _>>()
            .map(Self)
    }

    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub fn matches(&self, object: &Value) -> bool {
        let labels = at(object, "/metadata/labels");
        self.0.iter().all(|(key, condition)| {
            let value = labels.get(key).and_then(Value::as_str);
            match condition {
                Condition::In(values) => value.is_some_and(|v| values.iter().any(|w| w == v)),
                Condition::NotIn(values) => value.is_none_or(|v| values.iter().all(|w| w != v)),
                Condition::Exists => value.is_some(),
                Condition::Missing => value.is_none(),
            }
        })
    }
}

fn unreadable(requirement: &str) -> String {
    format!("unable to parse requirement: {requirement:?}")
}

/// Splits at the commas that are not inside parentheses.
fn requirements(text: &str) -> Vec<&str> {
    let mut depth = 0_i32;
    text.split(|c| {
        depth += match c {
            '(' => 1,
            ')' => -1,
            _ => 0,
        };
        c == ',' && depth == 0
    })
    .map(str::trim)
    .filter(|part| !part.is_empty())
    .collect()
}

fn requirement(text: &str) -> Option<(String, Condition)> {
    let one = |value: &str| vec![value.trim().to_owned()];
    let (key, condition) = if let Some(key) = text.strip_prefix('!') {
        (key, Condition::Missing)
    } else if let Some((key, value)) = text.split_once("!=") {
        (key, Condition::NotIn(one(value)))
    } else if let Some((key, value)) = text.split_once("==").or_else(|| text.split_once('=')) {
        (key, Condition::In(one(value)))
    } else if let Some((head, values)) = text.strip_suffix(')').and_then(|t| t.split_once('(')) {
        let values = values.split(',').map(|v| v.trim().to_owned()).collect();
        match head.trim().rsplit_once(char::is_whitespace)? {
            (key, "in") => (key, Condition::In(values)),
            (key, "notin") => (key, Condition::NotIn(values)),
            _ => return None,
        }
    } else {
        (text, Condition::Exists)
    };
    let key = key.trim();
    let legal = !key.is_empty() && key.chars().all(|c| c.is_ascii_alphanumeric() || "-_./".contains(c));
    legal.then(|| (key.to_owned(), condition))
}

/// A parsed fieldSelector: pointer into the object, wanted value, whether it must be equal or different.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Fields(Vec<(&'static str, String, bool)>);

impl Fields {
    /// # Errors
    /// Says which requirement cannot be read, or which field this kind cannot be selected by.
    pub fn parse(text: &str, resource: &Resource) -> Result<Self, String> {
        let mut fields = Vec::new();
        for part in text.split(',').filter(|part| !part.is_empty()) {
            let (field, value, equal) = if let Some((field, value)) = part.split_once("!=") {
                (field, value, false)
            } else if let Some((field, value)) = part.split_once("==").or_else(|| part.split_once('=')) {
                (field, value, true)
            } else {
                return Err(format!("invalid field selector: {part:?}"));
            };
            let pointer = pointer(resource.kind, field).ok_or_else(|| format!("field label not supported: {field}"))?;
            fields.push((pointer, value.to_owned(), equal));
        }
        Ok(Self(fields))
    }

    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// A field that is not set counts as an empty string.
    pub fn matches(&self, object: &Value) -> bool {
        self.0.iter().all(|(pointer, wanted, equal)| {
            let found = match at(object, pointer) {
                Value::String(text) => text == wanted,
                Value::Null => wanted.is_empty(),
                Value::Bool(flag) => wanted.parse() == Ok(*flag),
                Value::Number(number) => wanted.parse::<Number>().is_ok_and(|wanted| wanted == *number),
                Value::Array(_) | Value::Object(_) => false,
            };
            found == *equal
        })
    }
}

/// Where a selectable field of a kind lies.
fn pointer(kind: &str, field: &str) -> Option<&'static str> {
    Some(match (kind, field) {
        (_, "metadata.name") => "/metadata/name",
        (_, "metadata.namespace") => "/metadata/namespace",
        ("Pod", "spec.nodeName") => "/spec/nodeName",
        ("Pod", "spec.restartPolicy") => "/spec/restartPolicy",
        ("Pod", "spec.serviceAccountName") => "/spec/serviceAccountName",
        ("Pod" | "Namespace", "status.phase") => "/status/phase",
        ("Pod", "status.podIP") => "/status/podIP",
        ("Node", "spec.unschedulable") => "/spec/unschedulable",
        ("ReplicaSet", "status.replicas") => "/status/replicas",
        ("Event", "involvedObject.kind") => "/involvedObject/kind",
        ("Event", "involvedObject.namespace") => "/involvedObject/namespace",
        ("Event", "involvedObject.name") => "/involvedObject/name",
        ("Event", "involvedObject.uid") => "/involvedObject/uid",
        ("Event", "involvedObject.apiVersion") => "/involvedObject/apiVersion",
        ("Event", "involvedObject.resourceVersion") => "/involvedObject/resourceVersion",
        ("Event", "involvedObject.fieldPath") => "/involvedObject/fieldPath",
        ("Event", "reason") => "/reason",
        ("Event", "reportingComponent") => "/reportingComponent",
        ("Event", "source") => "/source/component",
        ("Event", "type") => "/type",
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::resources::find;
    use super::{Fields, Labels};

    #[test]
    fn label_selectors_take_what_the_api_server_takes() {
        let object = json!({"metadata": {"labels": {"app": "orders", "tier": "backend"}}});
        for (selector, expected) in [
            ("", true),
            ("app=orders", true),
            ("app==orders,tier=backend", true),
            ("app=orders,tier=frontend", false),
            ("app!=orders", false),
            ("zone!=a", true),
            ("app in (orders, payments),tier", true),
            ("app notin (orders,payments)", false),
            ("zone notin (a)", true),
            ("!zone", true),
            ("!app", false),
            ("zone", false),
        ] {
            let labels = Labels::parse(selector).expect(selector);
            assert_eq!(labels.matches(&object), expected, "{selector}");
        }
        for bad in ["app in orders", "a b", "=x", "app between (a)"] {
            assert!(Labels::parse(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn field_selectors_know_the_fields_of_their_kind() {
        let pods = find("", "v1", "pods").expect("pods");
        let pod = json!({"metadata": {"name": "a"}, "spec": {"nodeName": "n1"}, "status": {"phase": "Running"}});
        for (selector, expected) in [
            ("metadata.name=a", true),
            ("spec.nodeName=n1,status.phase!=Succeeded,status.phase!=Failed", true),
            ("status.phase=Pending", false),
            ("status.podIP=", true),
        ] {
            assert_eq!(Fields::parse(selector, pods).expect(selector).matches(&pod), expected, "{selector}");
        }
        let error = Fields::parse("spec.replicas=1", pods).expect_err("not selectable");
        assert_eq!(error, "field label not supported: spec.replicas");
    }
}
