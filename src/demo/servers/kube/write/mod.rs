//! Writes of objects that exist: PATCH and PUT of the whole, of `status` and of `scale` (facts/controlplane.md 4, 5).

mod create;
mod options;
mod patch;
#[cfg(test)]
mod tests;

use std::sync::Arc;

use axum::Json;
use axum::body::Bytes;
use axum::extract::{Path, RawQuery, State};
use axum::http::{HeaderMap, Method, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde_json::{Value, json};

pub use create::{create, delete, evict};

use super::access;
use super::failure::Failure;
use super::resources::{self, Resource};
use super::{Api, Target};
use crate::demo::store::json::{at, set, text};
use crate::demo::store::kube::LEASES;
use crate::demo::world::World;
use crate::demo::world::admit::{Part, Write};
use options::Options;
use patch::Unfit;

/// Content types of patches, and whether custom resources take them.
const JSON_PATCH: &str = "application/json-patch+json";
const MERGE_PATCH: &str = "application/merge-patch+json";
const STRATEGIC_PATCH: &str = "application/strategic-merge-patch+json";

/// `GET` of `scale` or `status`.
pub async fn subresource(State(api): State<Api>, Path(target): Path<Target>) -> Result<Response, Failure> {
    let (resource, part) = writable(&target)?;
    let found = api.production.read(|world| stored(world, resource, &target))?;
    Ok(Json(view(part, &found)).into_response())
}

/// `PATCH` or `PUT` of an object or a part of it.
pub async fn replace(
    State(api): State<Api>,
    Path(target): Path<Target>,
    RawQuery(raw): RawQuery,
    method: Method,
    headers: HeaderMap,
    body: Bytes,
) -> Result<Response, Failure> {
    let (resource, part) = writable(&target)?;
    let put = method == Method::PUT;
    access::permit(if put { "update" } else { "patch" }, resource, &target)?;
    let options =
        Options::parse(&raw.unwrap_or_default(), &headers, if put { "UpdateOptions" } else { "PatchOptions" })?;
    let kind = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let kind = kind.split(';').next().unwrap_or_default().trim();
    let document: Value = serde_json::from_slice(&body)
        .map_err(|error| Failure::bad_request(format!("error decoding patch: {error}")))?;
    let apply: Apply = if put {
        Apply::Whole
    } else {
        match kind {
            JSON_PATCH => Apply::Json,
            MERGE_PATCH => Apply::Merge,
            STRATEGIC_PATCH if !custom(resource) => Apply::Strategic,
            _ => return Err(unsupported(resource)),
        }
    };
    api.production.change(|world| {
        if resource.gvr == LEASES {
            return create::put_lease(world, resource, &target, apply, &document, &options);
        }
        let old = stored(world, resource, &target)?;
        let seen = view(part, &old);
        let mut wanted = seen.clone();
        apply.to(&mut wanted, &document)?;
        check(resource, part, apply, &old, &wanted)?;
        let write = Write { gvr: resource.gvr, part, manager: &options.manager, dry_run: options.dry_run };
        let written = world.replace(write, &old, whole(part, &old, wanted)).map_err(|invalid| {
            let kind = if part == Part::Scale { ("Scale", "autoscaling") } else { (resource.kind, resource.gvr.group) };
            Failure::invalid(kind, &target.name, invalid.field, &invalid.message)
        })?;
        Ok(Json(view(part, &written)).into_response())
    })
}

/// How a body becomes the wanted object.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Apply {
    Whole,
    Json,
    Merge,
    Strategic,
}

impl Apply {
    fn to(self, object: &mut Value, document: &Value) -> Result<(), Failure> {
        match self {
            Self::Whole => document.clone_into(object),
            Self::Merge => patch::merge(object, document),
            Self::Strategic => patch::strategic(object, document),
            Self::Json => patch::json(object, document).map_err(|unfit| match unfit {
                Unfit::Refused => Failure::unfit(),
                Unfit::Malformed(why) => Failure::bad_request(why),
            })?,
        }
        if object.is_object() { Ok(()) } else { Err(Failure::bad_request("the patched object is no object")) }
    }
}

fn custom(resource: &Resource) -> bool {
    ["argoproj.io", "kustomize.toolkit.fluxcd.io", "postgresql.cnpg.io"].contains(&resource.gvr.group)
}

fn unsupported(resource: &Resource) -> Failure {
    let strategic = if custom(resource) { "" } else { ", application/strategic-merge-patch+json" };
    Failure::new(
        StatusCode::UNSUPPORTED_MEDIA_TYPE,
        "UnsupportedMediaType",
        format!(
            "the body of the request was in an unknown format - accepted media types include: {JSON_PATCH}, \
             {MERGE_PATCH}{strategic}"
        ),
    )
}

/// The kind that a path names, and the part of it.
fn writable(target: &Target) -> Result<(&'static Resource, Part), Failure> {
    let resource =
        resources::find(&target.group, &target.version, &target.resource).ok_or_else(Failure::no_such_path)?;
    if resource.namespaced == target.namespace.is_empty() {
        return Err(Failure::no_such_path());
    }
    let part = match target.subresource.as_str() {
        "" => Part::Main,
        "status" if resource.subresources.contains(&"status") => Part::Status,
        "scale" if resource.subresources.contains(&"scale") => Part::Scale,
        _ => return Err(Failure::no_such_path()),
    };
    Ok((resource, part))
}

fn stored(world: &World, resource: &Resource, target: &Target) -> Result<Arc<Value>, Failure> {
    let found = world.stores.kube.get(resource.gvr, &target.namespace, &target.name).cloned();
    found.ok_or_else(|| Failure::no_such_object(resource, &target.name))
}

/// What a request on a part of an object sees. A Rollout's scale tells `HPAReplicas` (facts/kubernetes.md 1.1), and a
/// scale to zero has no number at all.
fn view(part: Part, object: &Value) -> Value {
    if part != Part::Scale {
        return object.clone();
    }
    let rollout = text(object, "/kind") == "Rollout";
    let labels = at(object, "/spec/selector/matchLabels").as_object().into_iter().flatten();
    let selector: Vec<String> = labels.map(|(k, v)| format!("{k}={}", v.as_str().unwrap_or_default())).collect();
    let mut metadata = json!({});
    for name in ["name", "namespace", "uid", "resourceVersion", "creationTimestamp"] {
        set(&mut metadata, &[name], at(object, &format!("/metadata/{name}")).clone());
    }
    let count = if rollout { "/status/HPAReplicas" } else { "/status/replicas" };
    let wanted = at(object, "/spec/replicas");
    json!({
        "kind": "Scale", "apiVersion": "autoscaling/v1", "metadata": metadata,
        "spec": if *wanted == json!(0) { json!({}) } else { json!({"replicas": wanted}) },
        "status": {"replicas": at(object, count), "selector": selector.join(",")},
    })
}

/// The whole object that a wanted part of it makes.
fn whole(part: Part, old: &Value, mut wanted: Value) -> Value {
    if part == Part::Scale {
        let mut whole = old.clone();
        let replicas = at(&wanted, "/spec/replicas");
        set(&mut whole, &["spec", "replicas"], if replicas.is_null() { json!(0) } else { replicas.clone() });
        return whole;
    }
    // What the server keeps itself is not for clients to write.
    for name in ["generation", "managedFields", "creationTimestamp", "uid", "name", "namespace", "resourceVersion"] {
        set(&mut wanted, &["metadata", name], at(old, &format!("/metadata/{name}")).clone());
    }
    if let Some(metadata) = wanted.get_mut("metadata").and_then(Value::as_object_mut) {
        metadata.retain(|_, value| !value.is_null());
    }
    for name in ["apiVersion", "kind"] {
        set(&mut wanted, &[name], at(old, &format!("/{name}")).clone());
    }
    wanted
}

/// Preconditions, which a client writes as the object's own version and uid.
fn check(resource: &Resource, part: Part, apply: Apply, old: &Value, wanted: &Value) -> Result<(), Failure> {
    let (name, own) = (text(old, "/metadata/name"), text(old, "/metadata/uid"));
    let version = text(wanted, "/metadata/resourceVersion");
    if version.is_empty() && apply == Apply::Whole && custom(resource) && part != Part::Scale {
        let message = "Invalid value: 0: must be specified for an update";
        let kind = (resource.kind, resource.gvr.group);
        return Err(Failure::invalid(kind, name, "metadata.resourceVersion", message));
    }
    if !version.is_empty() && version != text(old, "/metadata/resourceVersion") {
        return Err(Failure::modified(resource, name));
    }
    let uid = text(wanted, "/metadata/uid");
    if uid.is_empty() || uid == own {
        return Ok(());
    }
    match (part, custom(resource)) {
        // Custom resources take no notice of it in their parts (facts/controlplane.md 0.2).
        (Part::Status | Part::Scale, true) => Ok(()),
        (Part::Scale, false) => Err(Failure::conflict(
            resource,
            name,
            &format!("Precondition failed: UID in precondition: {uid}, UID in object meta: {own}"),
        )),
        _ => {
            let message = format!("Invalid value: {uid:?}: field is immutable");
            Err(Failure::invalid((resource.kind, resource.gvr.group), name, "metadata.uid", &message))
        }
    }
}
