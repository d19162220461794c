//! New objects (leases, events), evictions, and deletions (facts/kubernetes.md 1.9, 1.10; facts/controlplane.md 4).

use axum::Json;
use axum::body::Bytes;
use axum::extract::{Path, RawQuery, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use serde_json::{Value, json};

use super::options::Options;
use super::{Apply, stored, writable};
use crate::demo::servers::kube::failure::Failure;
use crate::demo::servers::kube::resources::{self, Resource};
use crate::demo::servers::kube::{Api, Target, access, age};
use crate::demo::store::json::{at, set, text};
use crate::demo::store::kube::{EVENTS, LEASES, NAMESPACES, NEW_EVENTS, PODS};
use crate::demo::world::World;
use crate::demo::world::admit::EvictionRefusal;

/// `POST` of a collection.
pub async fn create(
    State(api): State<Api>,
    Path(target): Path<Target>,
    RawQuery(raw): RawQuery,
    headers: HeaderMap,
    body: Bytes,
) -> Result<Response, Failure> {
    let (resource, _) = writable(&target)?;
    access::permit("create", resource, &target)?;
    let options = Options::parse(&raw.unwrap_or_default(), &headers, "CreateOptions")?;
    let mut object = document(&body)?;
    api.production.change(|world| {
        if world.stores.kube.get(NAMESPACES, "", &target.namespace).is_none() {
            return Err(Failure::no_namespace(&target.namespace));
        }
        name(world, &mut object, &target.namespace, resource)?;
        if resource.gvr == LEASES {
            check_times(&object)?;
        }
        if resource.gvr == NEW_EVENTS && text(&object, "/eventTime").is_empty() {
            let kind = (resource.kind, resource.gvr.group);
            let name = text(&object, "/metadata/name");
            return Err(Failure::invalid(kind, name, "eventTime", "Required value"));
        }
        Ok((StatusCode::CREATED, Json(store(world, resource, object, &options))).into_response())
    })
}

/// Completes the metadata of a new object.
fn name(world: &World, object: &mut Value, namespace: &str, resource: &Resource) -> Result<(), Failure> {
    let mut name = text(object, "/metadata/name").to_owned();
    if name.is_empty() {
        let prefix = text(object, "/metadata/generateName");
        if prefix.is_empty() {
            let kind = (resource.kind, resource.gvr.group);
            return Err(Failure::invalid(
                kind,
                "",
                "metadata.name",
                "Required value: name or generateName is required",
            ));
        }
        name = format!("{prefix}{:05x}", world.stores.kube.version() & 0xf_ffff);
    }
    if world.stores.kube.get(resource.gvr, namespace, &name).is_some() {
        return Err(Failure::exists(resource, &name));
    }
    let uid = crate::demo::world::noise::uid(world.stores.kube.version(), &format!("{}/{name}", resource.kind));
    set(object, &["apiVersion"], resource.api_version());
    set(object, &["kind"], resource.kind);
    set(object, &["metadata", "name"], name);
    set(object, &["metadata", "namespace"], namespace);
    set(object, &["metadata", "uid"], uid);
    set(object, &["metadata", "creationTimestamp"], seconds(world.now()));
    Ok(())
}

fn seconds(at: i64) -> String {
    format!("{}Z", age::format(at).split('.').next().unwrap_or_default())
}

/// Stores an object that the model knows nothing of, and returns it as stored.
fn store(world: &mut World, resource: &Resource, mut object: Value, options: &Options) -> Value {
    let entry = json!([{
        "manager": options.manager, "operation": "Update", "apiVersion": resource.api_version(),
        "time": seconds(world.now()), "fieldsType": "FieldsV1", "fieldsV1": {"f:spec": {}},
    }]);
    set(&mut object, &["metadata", "managedFields"], entry);
    if options.dry_run {
        return object;
    }
    let kube = &mut world.stores.kube;
    kube.apply(resource.gvr, object.clone());
    let (namespace, name) = (text(&object, "/metadata/namespace"), text(&object, "/metadata/name"));
    if resource.gvr == NEW_EVENTS {
        // Both groups show the same events.
        kube.apply(EVENTS, older(&object));
    }
    kube.get(resource.gvr, namespace, name).map_or(Value::Null, |stored| (**stored).clone())
}

/// An event of `events.k8s.io/v1` as the core group shows it.
fn older(event: &Value) -> Value {
    json!({
        "apiVersion": "v1", "kind": "Event", "metadata": at(event, "/metadata"),
        "involvedObject": at(event, "/regarding"), "reason": at(event, "/reason"), "message": at(event, "/note"),
        "type": at(event, "/type"), "eventTime": at(event, "/eventTime"), "action": at(event, "/action"),
        "reportingComponent": at(event, "/reportingController"), "reportingInstance": at(event, "/reportingInstance"),
        "source": {}, "firstTimestamp": null, "lastTimestamp": null,
    })
}

/// `PUT` (or a patch) of a lease: the version is its lock (facts/kubernetes.md 1.10).
pub fn put_lease(
    world: &mut World,
    resource: &Resource,
    target: &Target,
    apply: Apply,
    body: &Value,
    options: &Options,
) -> Result<Response, Failure> {
    let Some(old) = world.stores.kube.get(LEASES, &target.namespace, &target.name).cloned() else {
        if apply != Apply::Whole {
            return Err(Failure::no_such_object(resource, &target.name));
        }
        // A PUT to a name that is not there creates it.
        let mut object = body.clone();
        check_times(&object)?;
        set(&mut object, &["metadata", "name"], target.name.as_str());
        name(world, &mut object, &target.namespace, resource)?;
        return Ok((StatusCode::CREATED, Json(store(world, resource, object, options))).into_response());
    };
    let mut wanted = (*old).clone();
    apply.to(&mut wanted, body)?;
    check_times(&wanted)?;
    let version = text(&wanted, "/metadata/resourceVersion");
    if version.is_empty() {
        let kind = (resource.kind, resource.gvr.group);
        let message = "Invalid value: \"\": must be specified for an update";
        return Err(Failure::invalid(kind, &target.name, "metadata.resourceVersion", message));
    }
    if version != text(&old, "/metadata/resourceVersion") {
        return Err(Failure::modified(resource, &target.name));
    }
    for field in ["name", "namespace", "uid", "creationTimestamp"] {
        set(&mut wanted, &["metadata", field], at(&old, &format!("/metadata/{field}")).clone());
    }
    Ok(Json(store(world, resource, wanted, options)).into_response())
}

/// The times of a lease are `MicroTime`: RFC 3339 with microseconds.
fn check_times(lease: &Value) -> Result<(), Failure> {
    for field in ["acquireTime", "renewTime"] {
        let time = text(lease, &format!("/spec/{field}"));
        let micros = time.strip_suffix('Z').and_then(|t| t.rsplit_once('.')).is_some_and(|(_, f)| f.len() == 6);
        if !time.is_empty() && !micros {
            return Err(Failure::bad_request(format!(
                "Lease in version \"v1\" cannot be handled as a Lease: parsing time {time:?} as \
                 \"2006-01-02T15:04:05.000000Z07:00\": cannot parse \"\" as \".000000\""
            )));
        }
    }
    Ok(())
}

fn document(body: &[u8]) -> Result<Value, Failure> {
    let object: Value = serde_json::from_slice(body)
        .map_err(|error| Failure::bad_request(format!("couldn't get version/kind; json parse error: {error}")))?;
    if object.is_object() { Ok(object) } else { Err(Failure::bad_request("the body of the request is not an object")) }
}

/// `DELETE` of one object.
pub async fn delete(
    State(api): State<Api>,
    Path(target): Path<Target>,
    RawQuery(raw): RawQuery,
    headers: HeaderMap,
    body: Bytes,
) -> Result<Response, Failure> {
    let (resource, _) = writable(&target)?;
    access::permit("delete", resource, &target)?;
    let body = if body.is_empty() { Value::Null } else { document(&body)? };
    let options = Options::parse(&raw.unwrap_or_default(), &headers, "DeleteOptions")?.with_body(&body)?;
    api.production.change(|world| {
        let old = stored(world, resource, &target)?;
        for (name, what) in [("uid", "UID"), ("resourceVersion", "ResourceVersion")] {
            let wanted = text(&body, &format!("/preconditions/{name}"));
            let own = text(&old, &format!("/metadata/{name}"));
            if !wanted.is_empty() && wanted != own {
                let why =
                    format!("Precondition failed: {what} in precondition: {wanted}, {what} in object meta: {own}");
                return Err(Failure::conflict(resource, &target.name, &why));
            }
        }
        if resource.gvr == PODS {
            if options.dry_run {
                let mut going = (*old).clone();
                set(&mut going, &["metadata", "deletionTimestamp"], seconds(world.now() + 30_000));
                return Ok(Json(going).into_response());
            }
            world.remove_pod(&target.name);
            return Ok(Json(&*stored(world, resource, &target)?).into_response());
        }
        if !options.dry_run {
            world.stores.kube.delete(resource.gvr, &target.namespace, &target.name);
        }
        Ok(Json(json!({
            "kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Success",
            "details": {
                "name": target.name, "group": resource.gvr.group, "kind": resource.gvr.resource,
                "uid": at(&old, "/metadata/uid"),
            },
        }))
        .into_response())
    })
}

/// `POST` of `pods/NAME/eviction`.
pub async fn evict(
    State(api): State<Api>,
    Path(mut target): Path<Target>,
    RawQuery(raw): RawQuery,
    headers: HeaderMap,
    body: Bytes,
) -> Result<Response, Failure> {
    let pods = resources::find("", "v1", "pods").ok_or_else(Failure::no_such_path)?;
    "eviction".clone_into(&mut target.subresource);
    access::permit("create", pods, &target)?;
    let body = document(&body)?;
    let wishes = at(&body, "/deleteOptions");
    let options = Options::parse(&raw.unwrap_or_default(), &headers, "CreateOptions")?.with_body(wishes)?;
    let uid = text(wishes, "/preconditions/uid");
    let result = api.production.change(|world| world.evict(&target.namespace, &target.name, uid, options.dry_run));
    match result {
        Ok(()) => {
            let done = json!({
                "kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Success", "code": 201,
            });
            Ok((StatusCode::CREATED, Json(done)).into_response())
        }
        Err(EvictionRefusal::NotFound) => Err(Failure::no_such_object(pods, &target.name)),
        Err(EvictionRefusal::OtherPod(own)) => Err(Failure::conflict(
            pods,
            &target.name,
            &format!("Precondition failed: UID in precondition: {uid}, UID in object meta: {own}"),
        )),
        Err(EvictionRefusal::Budget { name, wanted, healthy }) => Err(Failure::budget(&name, wanted, healthy)),
    }
}
