//! Lists, page by page, and single objects.

use std::sync::Arc;

use axum::extract::{Path, RawQuery, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde_json::Value;

use super::accept::{self, Form};
use super::encode::{Encoder, ListMeta};
use super::failure::{Failure, refusal};
use super::query::Query;
use super::resources::{self, Resource};
use super::selector::{Fields, Labels};
use super::{Api, Target, watch};
use crate::demo::store::json::{at, text};

/// Which objects a list or a watch is about. An empty namespace means all of them.
pub struct Scope {
    pub resource: &'static Resource,
    pub namespace: String,
    pub labels: Labels,
    pub fields: Fields,
}

impl Scope {
    pub fn takes(&self, object: &Value) -> bool {
        (self.namespace.is_empty() || *at(object, "/metadata/namespace") == *self.namespace)
            && self.labels.matches(object)
            && self.fields.matches(object)
    }

    pub fn selects(&self) -> bool {
        !self.labels.is_empty() || !self.fields.is_empty()
    }
}

/// `GET` of a collection: a list, or a watch with `?watch=true`.
pub async fn collection(
    State(api): State<Api>,
    Path(target): Path<Target>,
    RawQuery(raw): RawQuery,
    headers: HeaderMap,
) -> Result<Response, Failure> {
    let resource = served(&target)?;
    let form = object_form(&headers)?;
    let query = Query::parse(&raw.unwrap_or_default(), resource)?;
    let scope =
        Scope { resource, namespace: target.namespace, labels: query.labels.clone(), fields: query.fields.clone() };
    let encoder = Encoder { resource, form, include: query.include, now: api.production.clock().now() };
    if !query.watch {
        return list(&api, &scope, &query, &encoder);
    }
    if !resource.watchable {
        return Ok(refusal(StatusCode::METHOD_NOT_ALLOWED));
    }
    watch::start(&api, scope, &query, encoder)
}

/// `GET` of one object.
pub async fn object(
    State(api): State<Api>,
    Path(target): Path<Target>,
    RawQuery(raw): RawQuery,
    headers: HeaderMap,
) -> Result<Response, Failure> {
    let resource = served(&target)?;
    if resource.namespaced == target.namespace.is_empty() {
        return Err(Failure::no_such_path());
    }
    let form = object_form(&headers)?;
    let query = Query::parse(&raw.unwrap_or_default(), resource)?;
    let found =
        api.production.read(|world| world.stores.kube.get(resource.gvr, &target.namespace, &target.name).cloned());
    let object = found.ok_or_else(|| Failure::no_such_object(resource, &target.name))?;
    let encoder = Encoder { resource, form, include: query.include, now: api.production.clock().now() };
    let mut body = Vec::new();
    encoder.object(&mut body, &object, true);
    Ok(json_body(body))
}

fn served(target: &Target) -> Result<&'static Resource, Failure> {
    let resource =
        resources::find(&target.group, &target.version, &target.resource).ok_or_else(Failure::no_such_path)?;
    if !target.namespace.is_empty() && !resource.namespaced {
        return Err(Failure::no_such_path());
    }
    Ok(resource)
}

fn object_form(headers: &HeaderMap) -> Result<Form, Failure> {
    accept::form(headers).map(|form| if form == Form::GroupDiscovery { Form::Full } else { form })
}

pub fn json_body(body: Vec<u8>) -> Response {
    let mut response = body.into_response();
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    response
}

fn list(api: &Api, scope: &Scope, query: &Query, encoder: &Encoder) -> Result<Response, Failure> {
    let resume = query.resume.as_deref().map(Token::decode).transpose()?;
    let (meta, objects) = api.production.read(|world| page(&world.stores.kube, scope, query, resume))?;
    Ok(json_body(encoder.list(&meta, objects.iter().map(Arc::as_ref))))
}

/// One page of the list, and what its metadata says.
fn page(
    kube: &crate::demo::store::kube::Kube,
    scope: &Scope,
    query: &Query,
    resume: Option<Token>,
) -> Result<(ListMeta, Vec<Arc<Value>>), Failure> {
    let newest = kube.version();
    if let Some(asked) = query.version {
        if asked > newest {
            return Err(Failure::too_large(asked, newest));
        }
        if query.version_match == "Exact" && asked != newest {
            return Err(Failure::expired(asked, newest));
        }
    }
    // All pages of a list carry the version of its first page: a watch from there repeats what changed between pages.
    let version = resume.as_ref().map_or(newest, |token| token.version);
    if kube.changes_since(version).is_none() {
        return Err(Failure::expired(version, newest));
    }
    let after = resume.map(|token| (token.namespace, token.name));
    let mut matching = kube
        .list(scope.resource.gvr)
        .filter(|object| scope.takes(object))
        .skip_while(|object| after.as_ref().is_some_and(|(ns, name)| key(object) <= (ns.as_str(), name.as_str())));
    let limit = query.limit.unwrap_or(usize::MAX);
    let objects: Vec<Arc<Value>> = matching.by_ref().take(limit).cloned().collect();
    let remaining = if objects.len() == limit { matching.count() } else { 0 };
    let resume = objects.last().filter(|_| remaining > 0).map(|last| {
        let (namespace, name) = key(last);
        Token { version, namespace: namespace.to_owned(), name: name.to_owned() }.encode()
    });
    let counted = resume.is_some() && !scope.selects();
    Ok((ListMeta { version, resume, remaining: counted.then_some(remaining) }, objects))
}

pub fn key(object: &Value) -> (&str, &str) {
    (text(object, "/metadata/namespace"), text(object, "/metadata/name"))
}

/// Where the next page of a list begins.
#[derive(Debug, PartialEq, Eq)]
struct Token {
    version: u64,
    namespace: String,
    name: String,
}

impl Token {
    /// Opaque to clients, and safe in a URL as it is.
    fn encode(&self) -> String {
        let Self { version, namespace, name } = self;
        format!("{version}/{namespace}/{name}").bytes().map(|byte| format!("{byte:02x}")).collect()
    }

    fn decode(text: &str) -> Result<Self, Failure> {
        let bytes = text.as_bytes().chunks(2).map(|pair| u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok());
        bytes
            .collect::<Option<Vec<u8>>>()
            .and_then(|bytes| String::from_utf8(bytes).ok())
            .and_then(|plain| {
                let mut parts = plain.splitn(3, '/');
                let version = parts.next()?.parse().ok()?;
                Some(Self { version, namespace: parts.next()?.to_owned(), name: parts.next()?.to_owned() })
            })
            .ok_or_else(|| Failure::bad_request("continue key is not valid"))
    }
}
