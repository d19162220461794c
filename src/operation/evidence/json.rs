//! Reading the few fields of a Kubernetes object that operations rest on.

use serde_json::Value;

use crate::domain::text::{Raw, Shown};
use crate::domain::time::Stamp;
use crate::operation::mutation::Resource;
use crate::operation::mutation::kube::FIELD_MANAGER;
use crate::shown;

/// Text at a JSON pointer; empty where there is none.
#[must_use]
pub fn raw(value: &Value, pointer: &str) -> Raw {
    value.pointer(pointer).and_then(Value::as_str).map(Raw::new).unwrap_or_default()
}

/// A boolean; false where there is none, as Kubernetes leaves false out.
#[must_use]
pub fn truth(value: &Value, pointer: &str) -> bool {
    value.pointer(pointer).and_then(Value::as_bool).unwrap_or(false)
}

/// A count; `None` where there is none or it is negative.
#[must_use]
pub fn count(value: &Value, pointer: &str) -> Option<u32> {
    value.pointer(pointer).and_then(Value::as_u64).and_then(|n| u32::try_from(n).ok())
}

/// A count that the API leaves out when it is zero.
#[must_use]
pub fn zero(value: &Value, pointer: &str) -> u32 {
    count(value, pointer).unwrap_or(0)
}

#[must_use]
pub fn stamp(value: &Value, pointer: &str) -> Option<Stamp> {
    value.pointer(pointer).and_then(Value::as_str).and_then(Stamp::parse_rfc3339)
}

/// The elements of a list at a pointer.
pub fn list<'a>(value: &'a Value, pointer: &str) -> impl Iterator<Item = &'a Value> + use<'a> {
    value.pointer(pointer).and_then(Value::as_array).into_iter().flatten()
}

/// A map of texts, sorted by key.
#[must_use]
pub fn map(value: &Value, pointer: &str) -> Vec<(Raw, Raw)> {
    let entries = value.pointer(pointer).and_then(Value::as_object).into_iter().flatten();
    entries.filter_map(|(key, value)| Some((Raw::new(key), Raw::new(value.as_str()?)))).collect()
}

/// Reads every object of a list answer.
///
/// # Errors
/// When the answer is no list, or an object cannot be read.
pub fn items<T>(answer: &Value, read: impl Fn(&Value) -> Result<T, Shown>) -> Result<Vec<T>, Shown> {
    let items = answer.pointer("/items").and_then(Value::as_array);
    items.ok_or(Shown::fixed("the answer is not a list"))?.iter().map(read).collect()
}

/// What every object carries.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Head {
    pub namespace: Raw,
    pub name: Raw,
    pub uid: Raw,
    /// Of the whole object: it moves with every status update, so it is told and never a precondition.
    pub resource_version: Raw,
    pub generation: i64,
    pub created: Option<Stamp>,
    pub labels: Vec<(Raw, Raw)>,
    pub annotations: Vec<(Raw, Raw)>,
    /// Kind, name and uid of the controlling owner.
    pub controller: Option<(Raw, Raw, Raw)>,
    /// Who wrote which part when, newest first.
    pub managers: Vec<Manager>,
    pub deleting: bool,
}

/// An entry of managedFields.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Manager {
    pub name: Raw,
    pub subresource: Raw,
    pub at: Option<Stamp>,
}

/// Controllers whose writes are progress, not somebody's decision.
const CONTROLLERS: [&str; 6] =
    ["kube-controller-manager", "rollouts-controller", "argo-rollouts", "kubelet", "kube-scheduler", "tierdeck"];

impl Head {
    /// # Errors
    /// When the object has no uid: nothing can be held to an identity that is not told.
    pub fn read(value: &Value) -> Result<Self, Shown> {
        let uid = raw(value, "/metadata/uid");
        if uid.is_empty() {
            return Err(Shown::fixed("the object has no uid"));
        }
        let controller = list(value, "/metadata/ownerReferences").find(|owner| truth(owner, "/controller"));
        let mut managers: Vec<Manager> = list(value, "/metadata/managedFields")
            .map(|entry| Manager {
                name: raw(entry, "/manager"),
                subresource: raw(entry, "/subresource"),
                at: stamp(entry, "/time"),
            })
            .collect();
        managers.sort_by_key(|manager| std::cmp::Reverse(manager.at));
        Ok(Self {
            namespace: raw(value, "/metadata/namespace"),
            name: raw(value, "/metadata/name"),
            uid,
            resource_version: raw(value, "/metadata/resourceVersion"),
            generation: value.pointer("/metadata/generation").and_then(Value::as_i64).unwrap_or(0),
            created: stamp(value, "/metadata/creationTimestamp"),
            labels: map(value, "/metadata/labels"),
            annotations: map(value, "/metadata/annotations"),
            controller: controller.map(|owner| (raw(owner, "/kind"), raw(owner, "/name"), raw(owner, "/uid"))),
            managers,
            deleting: value.pointer("/metadata/deletionTimestamp").is_some(),
        })
    }

    #[must_use]
    pub fn label(&self, key: &str) -> Option<&Raw> {
        self.labels.iter().find(|(name, _)| name.as_str() == key).map(|(_, value)| value)
    }

    #[must_use]
    pub fn annotation(&self, key: &str) -> Option<&Raw> {
        self.annotations.iter().find(|(name, _)| name.as_str() == key).map(|(_, value)| value)
    }

    /// Who wrote last besides controllers and ourselves, since a moment.
    #[must_use]
    pub fn written_since(&self, since: Stamp) -> Option<Shown> {
        let writer = self.managers.iter().find(|manager| !CONTROLLERS.contains(&manager.name.as_str()))?;
        let at = writer.at.filter(|at| *at >= since)?;
        Some(shown!("{} at {}", writer.name, Shown::of(&at.clock())))
    }

    /// When we wrote it (`""`) or its `status` last, by the server's own clock.
    #[must_use]
    pub fn written_by_us(&self, subresource: &str) -> Option<Stamp> {
        let ours =
            |manager: &&Manager| manager.name.as_str() == FIELD_MANAGER && manager.subresource.as_str() == subresource;
        self.managers.iter().find(ours)?.at
    }

    /// The object as a request names it.
    #[must_use]
    pub const fn object(&self, resource: Resource) -> crate::operation::mutation::kube::Object<'_> {
        crate::operation::mutation::kube::Object {
            resource,
            namespace: &self.namespace,
            name: &self.name,
            uid: &self.uid,
        }
    }
}

/// A label selector.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Selector {
    pub labels: Vec<(Raw, Raw)>,
    pub expressions: Vec<Expression>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Expression {
    pub key: Raw,
    pub operator: Raw,
    pub values: Vec<Raw>,
}

impl Selector {
    #[must_use]
    pub fn read(value: &Value, pointer: &str) -> Self {
        let expressions = list(value, &format!("{pointer}/matchExpressions"));
        Self {
            labels: map(value, &format!("{pointer}/matchLabels")),
            expressions: expressions
                .map(|entry| Expression {
                    key: raw(entry, "/key"),
                    operator: raw(entry, "/operator"),
                    values: list(entry, "/values").filter_map(Value::as_str).map(Raw::new).collect(),
                })
                .collect(),
        }
    }

    /// An empty selector selects nothing here: a change of *everything* is never meant (facts/trust.md A3).
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.labels.is_empty() && self.expressions.is_empty()
    }

    #[must_use]
    pub fn matches(&self, labels: &[(Raw, Raw)]) -> bool {
        let value = |key: &Raw| labels.iter().find(|(name, _)| name == key).map(|(_, value)| value);
        !self.is_empty()
            && self.labels.iter().all(|(key, wanted)| value(key) == Some(wanted))
            && self.expressions.iter().all(|expression| {
                let found = value(&expression.key);
                let within = found.is_some_and(|value| expression.values.contains(value));
                match expression.operator.as_str() {
                    "In" => within,
                    "NotIn" => !within,
                    "Exists" => found.is_some(),
                    "DoesNotExist" => found.is_none(),
                    _ => false,
                }
            })
    }

    /// As the API takes it in a query: `app=backend,tier in (a,b),!legacy`.
    #[must_use]
    pub fn query(&self) -> String {
        let labels = self.labels.iter().map(|(key, value)| format!("{}={}", key.as_str(), value.as_str()));
        let expressions = self.expressions.iter().map(|expression| {
            let values: Vec<_> = expression.values.iter().map(Raw::as_str).collect();
            let (key, values) = (expression.key.as_str(), values.join(","));
            match expression.operator.as_str() {
                "In" => format!("{key} in ({values})"),
                "NotIn" => format!("{key} notin ({values})"),
                "DoesNotExist" => format!("!{key}"),
                _ => key.to_owned(),
            }
        });
        labels.chain(expressions).collect::<Vec<_>>().join(",")
    }
}
