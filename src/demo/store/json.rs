//! Reading and writing inside JSON values without panics.

use serde_json::{Map, Value};

static NULL: Value = Value::Null;

/// What stands at a JSON pointer (RFC 6901, without its escapes, which cost `Value::pointer` two allocations a key);
/// null when there is nothing.
#[must_use]
pub fn at<'a>(value: &'a Value, pointer: &str) -> &'a Value {
    let step = |value: &'a Value, key: &str| match value {
        Value::Object(map) => map.get(key),
        Value::Array(items) => items.get(key.parse::<usize>().ok()?),
        _ => None,
    };
    pointer.split('/').skip(1).try_fold(value, step).unwrap_or(&NULL)
}

/// The text at a pointer; empty when there is none.
#[must_use]
pub fn text<'a>(value: &'a Value, pointer: &str) -> &'a str {
    at(value, pointer).as_str().unwrap_or_default()
}

/// A number at a pointer that the Kubernetes API omits when it is zero.
#[must_use]
pub fn count(value: &Value, pointer: &str) -> i64 {
    at(value, pointer).as_i64().unwrap_or_default()
}

/// The elements at a pointer; none when there is no array.
#[must_use]
pub fn array<'a>(value: &'a Value, pointer: &str) -> &'a [Value] {
    at(value, pointer).as_array().map_or(&[], Vec::as_slice)
}

/// Sets what stands at the path of keys, making objects on the way.
pub fn set(object: &mut Value, path: &[&str], value: impl Into<Value>) {
    let mut place = object;
    for key in path {
        if !place.is_object() {
            *place = Value::Object(Map::new());
        }
        let Some(map) = place.as_object_mut() else { return };
        place = map.entry(*key).or_insert(Value::Null);
    }
    *place = value.into();
}
