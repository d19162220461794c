//! Objects as bytes, in the form that was asked for. Stored objects are written as they are, without a copy in between.

use serde_json::{Value, json};

use super::accept::Form;
use super::query::Include;
use super::resources::Resource;
use crate::demo::store::json::{at, set};

/// Writes objects of one kind in one form. Ages in table cells are counted to `now`, world time in ms.
#[derive(Clone, Copy)]
pub struct Encoder {
    pub resource: &'static Resource,
    pub form: Form,
    pub include: Include,
    pub now: i64,
}

/// `metadata` of a list.
#[derive(Default)]
pub struct ListMeta {
    pub version: u64,
    pub resume: Option<String>,
    pub remaining: Option<usize>,
}

impl Encoder {
    /// A list of `objects`.
    pub fn list<'a>(&self, meta: &ListMeta, objects: impl IntoIterator<Item = &'a Value>) -> Vec<u8> {
        let mut out = Vec::with_capacity(4096);
        let (kind, version, field) = match self.form {
            Form::Table => ("Table".to_owned(), META_VERSION.to_owned(), "rows"),
            Form::Metadata => ("PartialObjectMetadataList".to_owned(), META_VERSION.to_owned(), "items"),
            _ => (format!("{}List", self.resource.kind), self.resource.api_version(), "items"),
        };
        let mut metadata = json!({"resourceVersion": meta.version.to_string()});
        if let Some(token) = &meta.resume {
            set(&mut metadata, &["continue"], json!(token));
        }
        if let Some(remaining) = meta.remaining {
            set(&mut metadata, &["remainingItemCount"], json!(remaining));
        }
        out.extend_from_slice(
            format!(r#"{{"kind":"{kind}","apiVersion":"{version}","metadata":{metadata}"#).as_bytes(),
        );
        if self.form == Form::Table {
            out.extend_from_slice(br#","columnDefinitions":"#);
            write(&mut out, &self.resource.printer.definitions());
        }
        out.extend_from_slice(format!(r#","{field}":["#).as_bytes());
        for (index, object) in objects.into_iter().enumerate() {
            if index > 0 {
                out.push(b',');
            }
            if self.form == Form::Table { self.row(&mut out, object) } else { self.item(&mut out, object) }
        }
        out.extend_from_slice(b"]}");
        out
    }

    /// One object by itself. A table of one row carries its column definitions only when asked to.
    pub fn object(&self, out: &mut Vec<u8>, object: &Value, definitions: bool) {
        if self.form != Form::Table {
            return self.item(out, object);
        }
        out.extend_from_slice(format!(r#"{{"kind":"Table","apiVersion":"{META_VERSION}","metadata":"#).as_bytes());
        write(out, &json!({"resourceVersion": at(object, "/metadata/resourceVersion")}));
        out.extend_from_slice(br#","columnDefinitions":"#);
        write(out, &if definitions { self.resource.printer.definitions() } else { Value::Null });
        out.extend_from_slice(br#","rows":["#);
        self.row(out, object);
        out.extend_from_slice(b"]}");
    }

    fn item(&self, out: &mut Vec<u8>, object: &Value) {
        if self.form == Form::Metadata {
            return metadata_only(out, object);
        }
        if object.get("kind").is_some() {
            return write(out, object);
        }
        // An object that does not say what it is would not be understood outside a list.
        let (version, kind) = (self.resource.api_version(), self.resource.kind);
        out.extend_from_slice(format!(r#"{{"apiVersion":"{version}","kind":"{kind}","#).as_bytes());
        let start = out.len();
        write(out, object);
        out.remove(start);
    }

    fn row(&self, out: &mut Vec<u8>, object: &Value) {
        out.extend_from_slice(br#"{"cells":"#);
        write(out, &Value::Array(self.resource.printer.cells(object, self.now)));
        match self.include {
            Include::None => {}
            Include::Metadata => {
                out.extend_from_slice(br#","object":"#);
                metadata_only(out, object);
            }
            Include::Object => {
                out.extend_from_slice(br#","object":"#);
                Self { form: Form::Full, ..*self }.item(out, object);
            }
        }
        out.push(b'}');
    }
}

const META_VERSION: &str = "meta.k8s.io/v1";

fn metadata_only(out: &mut Vec<u8>, object: &Value) {
    out.extend_from_slice(
        format!(r#"{{"kind":"PartialObjectMetadata","apiVersion":"{META_VERSION}","metadata":"#).as_bytes(),
    );
    write(out, at(object, "/metadata"));
    out.push(b'}');
}

fn write(out: &mut Vec<u8>, value: &Value) {
    // Writing a Value into memory cannot fail.
    serde_json::to_writer(out, value).ok();
}
