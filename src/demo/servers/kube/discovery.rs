//! What the API serves, in the old form (one document per group) and the aggregated one (v2).

use axum::Json;
use axum::extract::Path;
use axum::http::{HeaderMap, HeaderValue, header};
use axum::response::{IntoResponse, Response};
use serde_json::{Value, json};

use super::Target;
use super::accept::{self, Form};
use super::failure::Failure;
use super::resources::{self, GROUPS, group_version};
use crate::demo::store::json::set;

const AGGREGATED: &str = "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList";

pub async fn version() -> Json<Value> {
    Json(json!({
        "major": "1", "minor": "33", "gitVersion": "v1.33.5-tierdeck-demo", "gitTreeState": "clean",
        "gitCommit": "0000000000000000000000000000000000000000", "buildDate": "2026-11-01T00:00:00Z",
        "goVersion": "none", "compiler": "rustc", "platform": "linux/amd64",
    }))
}

pub async fn healthy() -> &'static str {
    "ok"
}

pub async fn core(headers: HeaderMap) -> Response {
    if accept::form(&headers).is_ok_and(|form| form == Form::GroupDiscovery) {
        return aggregated([("", "v1")]);
    }
    Json(json!({
        "kind": "APIVersions", "versions": ["v1"],
        "serverAddressByClientCIDRs": [{"clientCIDR": "0.0.0.0/0", "serverAddress": "127.0.0.1"}],
    }))
    .into_response()
}

pub async fn groups(headers: HeaderMap) -> Response {
    if accept::form(&headers).is_ok_and(|form| form == Form::GroupDiscovery) {
        return aggregated(GROUPS.iter().copied());
    }
    let groups: Vec<Value> = GROUPS.iter().map(|(group, version)| group_entry(group, version)).collect();
    Json(json!({"kind": "APIGroupList", "apiVersion": "v1", "groups": groups})).into_response()
}

pub async fn group(Path(target): Path<Target>) -> Result<Json<Value>, Failure> {
    let (group, version) = GROUPS.iter().find(|(group, _)| *group == target.group).ok_or_else(Failure::no_such_path)?;
    let mut entry = group_entry(group, version);
    set(&mut entry, &["kind"], json!("APIGroup"));
    set(&mut entry, &["apiVersion"], json!("v1"));
    Ok(Json(entry))
}

pub async fn resources(Path(target): Path<Target>) -> Result<Json<Value>, Failure> {
    let Target { group, version, .. } = target;
    if !group.is_empty() && !GROUPS.contains(&(group.as_str(), version.as_str())) {
        return Err(Failure::no_such_path());
    }
    let mut rows: Vec<Value> = resources::of(&group, &version).map(resources::Resource::discovery).collect();
    rows.extend(reviews(&group).map(|(resource, kind)| {
        json!({"name": resource, "singularName": kind.to_lowercase(), "namespaced": false, "kind": kind,
               "verbs": ["create"]})
    }));
    rows.extend(resources::of(&group, &version).flat_map(resources::Resource::parts));
    if group.is_empty() {
        rows.push(json!({"name": "services/proxy", "singularName": "", "namespaced": true,
                         "kind": "ServiceProxyOptions", "verbs": ["create", "get"]}));
    }
    Ok(Json(json!({
        "kind": "APIResourceList", "apiVersion": "v1", "groupVersion": group_version(&group, &version),
        "resources": rows,
    })))
}

/// Kinds that are only posted and never stored.
fn reviews(group: &str) -> impl Iterator<Item = (&'static str, &'static str)> {
    let reviews: &[_] = match group {
        "authentication.k8s.io" => &[("selfsubjectreviews", "SelfSubjectReview")],
        "authorization.k8s.io" => &[
            ("selfsubjectaccessreviews", "SelfSubjectAccessReview"),
            ("selfsubjectrulesreviews", "SelfSubjectRulesReview"),
        ],
        _ => &[],
    };
    reviews.iter().copied()
}

fn group_entry(group: &str, version: &str) -> Value {
    let version = json!({"groupVersion": group_version(group, version), "version": version});
    json!({"name": group, "versions": [version], "preferredVersion": version})
}

fn aggregated(groups: impl IntoIterator<Item = (&'static str, &'static str)>) -> Response {
    let items: Vec<Value> = groups
        .into_iter()
        .map(|(group, version)| {
            let mut rows: Vec<Value> = resources::of(group, version).map(resources::Resource::aggregated).collect();
            rows.extend(reviews(group).map(|(resource, kind)| {
                json!({"resource": resource, "singularResource": kind.to_lowercase(), "scope": "Cluster",
                       "verbs": ["create"],
                       "responseKind": {"group": group, "version": version, "kind": kind}})
            }));
            json!({
                "metadata": {"name": group, "creationTimestamp": null},
                "versions": [{"version": version, "resources": rows, "freshness": "Current"}],
            })
        })
        .collect();
    let body = json!({
        "kind": "APIGroupDiscoveryList", "apiVersion": "apidiscovery.k8s.io/v2", "metadata": {}, "items": items,
    });
    let mut response = Json(body).into_response();
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static(AGGREGATED));
    response
}
