//! Reviews posted as protobuf, which is what `kubectl auth` sends.
//!
//! Wire format and envelope: kubernetes `apimachinery/pkg/runtime/serializer/protobuf` (the magic `k8s\0`, then
//! `runtime.Unknown` with the object in field 2) and `api/authorization/v1/generated.proto`.

use serde_json::{Map, Value, json};

const MAGIC: &[u8] = b"k8s\0";
const RESOURCE: [(u64, &str); 7] =
    [(1, "namespace"), (2, "verb"), (3, "group"), (4, "version"), (5, "resource"), (6, "subresource"), (7, "name")];
const NON_RESOURCE: [(u64, &str); 2] = [(1, "path"), (2, "verb")];

/// The review as JSON would have it. Of an object that is no access review, only that it could be read.
pub fn review(body: &[u8], kind: &str) -> Option<Value> {
    let object = field(body.strip_prefix(MAGIC)?, 2)?.unwrap_or_default();
    let spec = field(object, 2)?.unwrap_or_default();
    Some(match kind {
        "SelfSubjectAccessReview" => json!({"spec": {
            "resourceAttributes": strings(field(spec, 1)?, &RESOURCE)?,
            "nonResourceAttributes": strings(field(spec, 2)?, &NON_RESOURCE)?,
        }}),
        "SelfSubjectRulesReview" => json!({"spec": strings(Some(spec), &[(1, "namespace")])?}),
        _ => json!({}),
    })
}

/// The string fields of a message that is there; null for one that is not.
fn strings(message: Option<&[u8]>, fields: &[(u64, &str)]) -> Option<Value> {
    let Some(message) = message else { return Some(Value::Null) };
    let mut object = Map::new();
    for (number, name) in fields {
        if let Some(bytes) = field(message, *number)? {
            object.insert((*name).to_owned(), json!(std::str::from_utf8(bytes).ok()?));
        }
    }
    Some(Value::Object(object))
}

/// The last field of that number that has a length. The outer `None` is a message that cannot be read.
#[allow(clippy::option_option)]
fn field(mut message: &[u8], number: u64) -> Option<Option<&[u8]>> {
    let mut found = None;
    while !message.is_empty() {
        let tag = varint(&mut message)?;
        let value = match tag & 7 {
            0 => {
                varint(&mut message)?;
                continue;
            }
            1 => take(&mut message, 8)?,
            2 => {
                let length = usize::try_from(varint(&mut message)?).ok()?;
                take(&mut message, length)?
            }
            5 => take(&mut message, 4)?,
            _ => return None,
        };
        if tag == number << 3 | 2 {
            found = Some(value);
        }
    }
    Some(found)
}

fn take<'a>(message: &mut &'a [u8], length: usize) -> Option<&'a [u8]> {
    let (value, rest) = message.split_at_checked(length)?;
    *message = rest;
    Some(value)
}

fn varint(message: &mut &[u8]) -> Option<u64> {
    let mut value = 0;
    for shift in (0..64).step_by(7) {
        let (byte, rest) = message.split_first()?;
        *message = rest;
        value |= u64::from(byte & 0x7f) << shift;
        if byte & 0x80 == 0 {
            return Some(value);
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::review;

    #[test]
    fn an_access_review_is_read_and_a_torn_one_is_not() {
        let attributes = b"\x0a\x04shop\x12\x04list\x2a\x04pods";
        let spec = [&[0x0a, attributes.len() as u8][..], attributes].concat();
        let object = [&[0x0a, 0, 0x12, spec.len() as u8][..], &spec].concat();
        let body = [b"k8s\0\x0a\x00\x12", &[object.len() as u8][..], &object].concat();
        let read = review(&body, "SelfSubjectAccessReview").expect("a review");
        assert_eq!(
            read["spec"]["resourceAttributes"],
            json!({"namespace": "shop", "verb": "list", "resource": "pods"})
        );
        assert_eq!(read["spec"]["nonResourceAttributes"], Value::Null);
        for end in 4..body.len() {
            let torn = body.get(..end).expect("a part");
            let verb = review(torn, "SelfSubjectAccessReview").map(|r| r["spec"]["resourceAttributes"]["verb"].clone());
            assert!(verb.is_none_or(|verb| verb.is_null()), "{end}");
        }
    }
}
