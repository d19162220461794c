//! The lock of a target as a Kubernetes Lease (facts/kubernetes.md 1.10, facts/controlplane.md 4).
//!
//! Whether its holder is gone is never judged by the holder's clock against ours: either *we* saw it unchanged for as long
//! as it is valid, or the server says how old it is (the time of its last write in managedFields, against the `Date` of
//! the answer), so that a process that has only just started need not wait.

use std::time::Duration;

use serde_json::{Value, json};

use super::evidence::json::{list, raw, stamp};
use super::mutation::kube::segment;
use super::target::Target;
use crate::domain::text::{Raw, Shown};
use crate::domain::time::{Human, Stamp};
use crate::shown;

pub const SECONDS: u32 = 60;
pub const RENEW: Duration = Duration::from_secs(20);

/// A Lease as it was read, and when (human time) it was first seen in this state.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LeaseSeen {
    pub holder: Raw,
    pub seconds: u32,
    pub acquired: Raw,
    pub renewed: Raw,
    pub transitions: u64,
    pub version: Raw,
    pub unchanged_since: Human,
    /// How long ago it was written when it was read, by the server's own clock; whole seconds.
    pub age: Option<Duration>,
}

/// One request to the Lease API.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LeaseRequest {
    /// `POST` creates (409 AlreadyExists: somebody was faster), `PUT` takes or renews (409 Conflict: lost).
    pub method: &'static str,
    pub path: String,
    pub body: String,
}

/// Whether it can be had.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Claim {
    Request(LeaseRequest),
    Held { by: Shown },
}

impl LeaseSeen {
    /// `before` is what was seen last: an unchanged record keeps its time. `date` is when the server answered.
    #[must_use]
    pub fn read(value: &Value, now: Human, date: Option<Stamp>, before: Option<&Self>) -> Self {
        let written = list(value, "/metadata/managedFields").filter_map(|entry| stamp(entry, "/time")).max();
        let fresh = Self {
            holder: raw(value, "/spec/holderIdentity"),
            seconds: super::evidence::json::count(value, "/spec/leaseDurationSeconds").unwrap_or(SECONDS),
            acquired: raw(value, "/spec/acquireTime"),
            renewed: raw(value, "/spec/renewTime"),
            transitions: value.pointer("/spec/leaseTransitions").and_then(Value::as_u64).unwrap_or(0),
            version: raw(value, "/metadata/resourceVersion"),
            unchanged_since: now,
            age: date.zip(written).map(|(date, written)| date.since(written)),
        };
        match before {
            Some(before) if before.version == fresh.version => {
                Self { unchanged_since: before.unchanged_since, ..fresh }
            }
            _ => fresh,
        }
    }

    fn is_expired(&self, now: Human) -> bool {
        let valid = Duration::from_secs(u64::from(self.seconds));
        // Both times are cut to seconds.
        let old = self.age.is_some_and(|age| age > valid + Duration::from_secs(1));
        old || now.0.saturating_sub(self.unchanged_since.0) > valid
    }
}

/// `tierdeck-rollout-backend` in the target's namespace; nodes have theirs in `default`.
#[must_use]
pub fn place(target: &Target) -> (Raw, Raw) {
    let name = format!("tierdeck-{}-{}", target.component.kind.name(), target.component.name.as_str());
    let namespace =
        if target.component.scope.is_empty() { Raw::new("default") } else { target.component.scope.clone() };
    (namespace, Raw::from(name))
}

/// Takes or renews it for `me` (`user@host#operation`).
#[must_use]
pub fn claim(target: &Target, seen: Option<&LeaseSeen>, me: &Raw, now: Stamp, human: Human) -> Claim {
    let Some(seen) = seen else {
        let (namespace, _) = place(target);
        let path = format!("/apis/coordination.k8s.io/v1/namespaces/{}/leases", segment(namespace.as_str()));
        let at = micros(now);
        let body = body(target, None, me.as_str(), SECONDS, (&at, &at), 0);
        return Claim::Request(LeaseRequest { method: "POST", path, body });
    };
    let mine = seen.holder == *me;
    if !mine && !seen.holder.is_empty() && !seen.is_expired(human) {
        return Claim::Held { by: shown!("{} since {}", seen.holder, seen.acquired) };
    }
    let at = micros(now);
    let acquired = if mine { seen.acquired.as_str().to_owned() } else { at.clone() };
    let transitions = seen.transitions + u64::from(!mine);
    let body = body(target, Some(&seen.version), me.as_str(), SECONDS, (&acquired, &at), transitions);
    Claim::Request(LeaseRequest { method: "PUT", path: path(target), body })
}

/// Lets it go: no holder, one second.
#[must_use]
pub fn release(target: &Target, seen: &LeaseSeen, now: Stamp) -> LeaseRequest {
    let at = micros(now);
    let body = body(target, Some(&seen.version), "", 1, (seen.acquired.as_str(), &at), seen.transitions);
    LeaseRequest { method: "PUT", path: path(target), body }
}

/// Where it is read, and written once it exists.
#[must_use]
pub fn path(target: &Target) -> String {
    let (namespace, name) = place(target);
    let (namespace, name) = (segment(namespace.as_str()), segment(name.as_str()));
    format!("/apis/coordination.k8s.io/v1/namespaces/{namespace}/leases/{name}")
}

/// Times without microseconds are refused with 400.
fn micros(at: Stamp) -> String {
    at.rfc3339().replace('Z', "000Z")
}

fn body(
    target: &Target,
    version: Option<&Raw>,
    holder: &str,
    seconds: u32,
    times: (&str, &str),
    transitions: u64,
) -> String {
    let (namespace, name) = place(target);
    let mut metadata = json!({ "name": name.as_str(), "namespace": namespace.as_str() });
    if let (Some(version), Some(map)) = (version, metadata.as_object_mut()) {
        map.insert("resourceVersion".to_owned(), json!(version.as_str()));
    }
    json!({
        "apiVersion": "coordination.k8s.io/v1",
        "kind": "Lease",
        "metadata": metadata,
        "spec": {
            "acquireTime": times.0,
            "holderIdentity": holder,
            "leaseDurationSeconds": seconds,
            "leaseTransitions": transitions,
            "renewTime": times.1,
        },
    })
    .to_string()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::id::{ComponentId, Kind};
    use crate::operation::target::Engine;

    #[test]
    fn a_lock_is_taken_kept_and_left_to_its_holder_until_it_stops_changing() {
        let target = Target { component: ComponentId::new(Kind::Rollout, "shop", "backend"), engine: Engine::Rollout };
        let (now, me) = (Stamp::from_millis(1_795_230_727_250), Raw::new("sre1@b1#7"));
        let at = |seconds| Human(Duration::from_secs(seconds));
        let Claim::Request(first) = claim(&target, None, &me, now, at(0)) else { panic!() };
        assert_eq!(
            (first.method, first.path.as_str()),
            ("POST", "/apis/coordination.k8s.io/v1/namespaces/shop/leases")
        );
        assert!(first.body.contains(r#""renewTime":"2026-11-21T03:12:07.250000Z""#), "{}", first.body);
        let theirs = json!({ "metadata": { "resourceVersion": "9" },
            "spec": { "holderIdentity": "sre2@b2#1", "leaseDurationSeconds": 60, "acquireTime": "T", "leaseTransitions": 2 } });
        let seen = LeaseSeen::read(&theirs, at(10), None, None);
        let again = LeaseSeen::read(&theirs, at(50), None, Some(&seen));
        assert_eq!(again.unchanged_since, at(10));
        assert!(matches!(claim(&target, Some(&again), &me, now, at(69)), Claim::Held { .. }));
        let Claim::Request(taken) = claim(&target, Some(&again), &me, now, at(71)) else { panic!() };
        assert_eq!(taken.method, "PUT");
        assert!(taken.body.contains(r#""resourceVersion":"9""#) && taken.body.contains(r#""leaseTransitions":3"#));
    }

    #[test]
    fn the_server_says_that_a_holder_is_gone_to_one_who_has_only_just_come() {
        let target = Target { component: ComponentId::new(Kind::Rollout, "shop", "backend"), engine: Engine::Rollout };
        let (me, human) = (Raw::new("sre1@b1#7"), Human(Duration::from_secs(5)));
        let theirs = json!({ "metadata": { "resourceVersion": "9",
            "managedFields": [{ "manager": "tierdeck", "time": "2026-11-21T03:12:07Z" }] },
            "spec": { "holderIdentity": "sre2@b2#1", "leaseDurationSeconds": 60 } });
        let now = Stamp::parse_rfc3339("2026-11-21T03:12:07Z").unwrap();
        for (seconds, held) in [(0, true), (61, true), (62, false)] {
            let date = Some(now + Duration::from_secs(seconds));
            let seen = LeaseSeen::read(&theirs, human, date, None);
            let claim = claim(&target, Some(&seen), &me, now, human);
            assert_eq!(matches!(claim, Claim::Held { .. }), held, "after {seconds} s");
        }
    }
}
